"""Switches with one aggregation and a port for an outside host: Open vSwitch where there is one processor more for it, a
bridge with the kernel's bonding driver in guests."""

from lab.bonding import Bonding
from lab.dumb import DumbSwitch
from lab.guest import place
from lab.switch import Switch


class _OpenSwitch(Switch):
    def __init__(self, lab, lacp, name="switch"):
        super().__init__(lab, name)
        self._lacp, self._members = lacp, []

    def add_members(self, ports):
        self._members = list(ports)
        if self._lacp:
            self.add_team(ports)
            return
        for port in ports:
            self.add_port(port)
        self._program()

    def _program(self):
        """Without LACP: what comes on any member goes out, and what comes from outside goes to one that has a link."""
        def ofctl(*words):
            self._call("ovs-ofctl", "-O", "OpenFlow13", *words)
        buckets = ",".join(f"bucket=watch_port:{port},output:{port}" for port in self._members)
        ofctl("del-flows", "br0")
        ofctl("add-group", "br0", f"group_id=1,type=select,{buckets}")
        ofctl("add-flow", "br0", "in_port=p91,actions=group:1")
        for port in self._members:
            ofctl("add-flow", "br0", f"in_port={port},actions=output:p91")

    def passes(self, port):
        """There is no learning that a port could wait for."""
        return self.namespace.has_carrier(port)

    def passing_members(self):
        return self.passing() if self._lacp else {port for port in self._members if self.namespace.has_carrier(port)}

    def moves(self):
        return []


class _BondSwitch(DumbSwitch):
    def __init__(self, lab, lacp, name="switch"):
        super().__init__(lab, name)
        self._bonding = Bonding(lab, namespace=self.namespace)
        self._mode = "802.3ad" if lacp else "balance-xor"

    def add_members(self, ports):
        self._bonding.add_team(ports, name="lag", mode=self._mode)
        self.add_port("lag")

    def passing_members(self):
        return self._bonding.passing("lag")


def aggregating_switch(lab, lacp):
    return place.pick(_OpenSwitch, {"uml": _BondSwitch, "time-travel": _BondSwitch})(lab, lacp)
