"""A host under test and a partner that speaks LACP by itself, with nothing between them."""

import time

from lab.cable import Cable
from lab.daemon import Yoked, team_config
from lab.partner import Partner


class Pair:
    """'cables', 'yoked', and the partner with its 'ports'."""

    def __init__(self, lab, build, nics=2, lacp=None, datapath="bpf", **partner):
        self.lab = lab
        self.host, self.far = lab.namespace("host"), lab.namespace("far")
        self.nics = [f"eno{number}" for number in range(1, nics + 1)]
        self.cables = [Cable(lab, self.host, nic, self.far, f"p{n}") for n, nic in enumerate(self.nics, 1)]
        self.yoked = Yoked(lab, build, self.host)
        self.yoked.datapath = datapath
        self.yoked.configure(team_config(self.nics, lacp=lacp))
        self.partner = Partner(lab, self.cables, **partner)
        self.ports = self.partner.ports
        self.yoked.start()

    def converge(self):
        self.partner.await_passing(len(self.nics))
        self.yoked.await_passing(self.nics)
        return self

    def causes(self, nic):
        return "\n".join(f"{step['machine']}: {step['from']} -> {step['to']}: {step['cause']}"
                         for step in self.yoked.trace(nic))

    def bridge(self, near_address, far_address):
        """Beside LACP the partner takes what comes on any port, as a switch's aggregation does: for
        traffic to it. No port forwards to another."""
        self.far.ip("link", "add", "name", "br0", "type", "bridge")
        self.far.up("br0")
        for cable in self.cables:
            self.far.ip("link", "set", "dev", cable.far_name, "master", "br0")
            self.far.run("bridge", "link", "set", "dev", cable.far_name, "isolated", "on")
        self.far.address("br0", f"{far_address}/24")
        self.host.up("team0")
        self.host.address("team0", f"{near_address}/24")

    def gaps(self, since):
        """The longest time between two LACPDUs on each port since then, in seconds."""
        found = []
        for port in self.ports:
            times = [since, *(heard.when for heard in port.heard if heard.pdu and heard.when > since),
                     time.monotonic()]
            found.append(max(later - earlier for earlier, later in zip(times, times[1:])))
        return found
