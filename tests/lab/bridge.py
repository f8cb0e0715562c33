"""A Linux bridge as a switch with a static aggregation. Traffic ends at the bridge, which has addresses
of its own: no port forwards to another, and what comes on any of them is taken."""


class Bridge:
    def __init__(self, lab, name="partner"):
        self.namespace = lab.namespace(name)
        self._ports = []

    def add_team(self, ports, name="br0", addresses=()):
        """A bridge of these devices, which are here. It sends to where it last heard from the host."""
        self._ports += ports
        self.namespace.ip("link", "add", "name", name, "type", "bridge")
        for port in ports:
            self.namespace.ip("link", "set", "dev", port, "master", name)
            self.namespace.run("bridge", "link", "set", "dev", port, "isolated", "on")
        self.namespace.up(name)
        self.namespace.address(name, *addresses)

    def passing(self):
        """Ports that have a link: nothing else is asked of a static aggregation."""
        return {port for port in self._ports if self.namespace.has_carrier(port)}

    def describe(self):
        return self.namespace.run("bridge", "link")
