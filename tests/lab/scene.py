"""The usual lab: a host with adapters eno1…, a LACP switch, and a second host behind it; or the
kernel's bonding driver or a bridge as the partner, with which traffic ends."""

from lab.bonding import Bonding
from lab.bridge import Bridge
from lab.cable import Cable
from lab.daemon import Yoked, team_config
from lab.switch import Switch
from lab.traffic import Traffic
from lab.wait import wait_until

HOST, OTHER = ("10.77.0.1", "fd77::1"), ("10.77.0.2", "fd77::2")


class Scene:
    """'cable' makes what connects the host with the switch; see lab.nics for another kind. 'switch' is
    the partner, of one of the kinds "ovs", "bonding"; without LACP "xor" (bonding, too) or "bridge"."""

    def __init__(self, lab, build, nics=4, mtu=1500, rate="fast", config=None, lacp=None, cable=Cable,
                 partner="ovs", datapath="bpf", mode="lacp"):
        self.lab, self.build, self.mtu, self.mode = lab, build, mtu, mode
        self.host = lab.namespace("host")
        self.switch = {"ovs": Switch, "bonding": Bonding, "xor": Bonding, "bridge": Bridge}[partner](lab)
        self.nics = [f"eno{number}" for number in range(1, nics + 1)]
        self.cables = [cable(lab, self.host, nic, self.switch.namespace, f"p{number}", mtu)
                       for number, nic in enumerate(self.nics, 1)]
        self.ports = [cable.far_name for cable in self.cables]
        for cable in self.cables:
            cable.without_checksum_offload()
        if partner == "ovs":
            self._add_switch(rate)
        else:
            self._add_end({"bonding": {"rate": rate}, "xor": {"mode": "balance-xor"}, "bridge": {}}[partner])
        self.yoked = Yoked(lab, build, self.host)
        self.yoked.datapath = datapath
        self.configure(config, lacp)

    def configure(self, config=None, lacp=None, mode=None):
        """What the daemon finds at its next start: this text, or a team of all adapters."""
        self.mode = mode or self.mode
        keys = {"mtu": self.mtu} if self.mtu != 1500 else {}
        self.yoked.configure(config or team_config(self.nics, lacp=lacp, mode=self.mode, **keys))

    def _add_switch(self, rate):
        self.other = self.lab.namespace("other")
        self.uplink = Cable(self.lab, self.other, "eth0", self.switch.namespace, "p99", self.mtu)
        self.uplink.without_checksum_offload()
        self.other.up("eth0")
        self.other.address("eth0", f"{OTHER[0]}/24", f"{OTHER[1]}/64")
        self.switch.add_port("p99")
        self.switch.add_team(self.ports, rate=rate)

    def _add_end(self, options):
        self.other = self.switch.namespace
        self.switch.add_team(self.ports, **options, addresses=(f"{OTHER[0]}/24", f"{OTHER[1]}/64"))

    def cable(self, nic):
        return self.cables[self.nics.index(nic)]

    def start(self):
        self.yoked.start()
        self.give_addresses()
        return self

    def give_addresses(self):
        wait_until(lambda: self.host.link("team0"), 10, "team0 is there")
        self.host.up("team0")
        self.host.address("team0", f"{HOST[0]}/24", f"{HOST[1]}/64")

    def await_converged(self, nics=None, seconds=20):
        """Both sides collect and distribute on all (or these) members, as far as they can tell."""
        nics = self.nics if nics is None else nics
        ports = {self.cable(nic).far_name for nic in nics}
        self.yoked.await_passing(nics, seconds=seconds)
        wait_until(lambda: self.switch.passing() == ports, seconds,
                   lambda: f"the switch passes on {sorted(ports)}; now:\n{self.switch.describe()}")

    def traffic(self, kind="udp", inbound=False, v6=False, **options):
        """Measured traffic from the host to the other one, or back ('inbound')."""
        source, target = (self.other, self.host) if inbound else (self.host, self.other)
        address = (HOST if inbound else OTHER)[v6]
        return Traffic(self.lab, self.build, kind, source, target, address, **options)
