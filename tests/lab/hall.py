"""A machine hall: a host with virtual machines, whose adapters end in one dumb switch or in two that are joined, and hosts
of the outside world on these. What makes the team is yoked, or whom it is compared with."""

import json
import pathlib
import time

from lab.aggregating import aggregating_switch
from lab.bonding import Bonding
from lab.cable import Cable
from lab.copies import BROADCAST, Copies
from lab.daemon import Yoked, team_config
from lab.dumb import DumbSwitch, join, outside
from lab.traffic import Traffic
from lab.vms import Machines
from lab.wait import wait_until

HOST = ("10.77.0.1", "fd77::1")


class Hall:
    """'switches': dumb ones; 0: one with an aggregation, as the mode wants it. 'team': "yoked", a mode of the bonding driver or a runner of teamd. The ends of 'copies' are vm1…, out1… (an outside host
    for each switch) and team0, where what comes back is seen also if the bridge has no use for it; watch() adds the wires.
    Keys of the configuration are given as they are."""

    def __init__(self, lab, build, nics=4, switches=1, team="yoked", datapath="bpf", cable=Cable, **keys):
        self.lab, self.build, self.keys = lab, build, keys
        self.host = lab.namespace("host")
        self.mode = keys.get("mode", "switch-independent")
        self.dumb = switches > 0
        self.switches = self._make_switches(switches)
        self.nics = [f"eno{number}" for number in range(1, nics + 1)]
        self.cables = {}
        for number, nic in enumerate(self.nics, 1):
            self._connect(nic, number, cable)
        self.copies = Copies(lab, build)
        self.outside = []
        for number, switch in enumerate(self.switches, 1):
            machine = outside(lab, switch, f"out{number}", number, (f"10.77.2.{number}/16", f"fd77::2:{number}/64"))
            self.outside.append(machine)
            self.copies.add_end(f"out{number}", machine)
        if not self.dumb:
            self.switches[0].add_members([cable.far_name for cable in self.cables.values()])
        self.team, self.yoked, self.machines = team, None, None
        if team == "yoked":
            self.yoked = Yoked(lab, build, self.host)
            self.yoked.datapath = datapath
            self.configure()

    def _make_switches(self, n):
        if n == 0:
            return [aggregating_switch(self.lab, self.mode == "lacp")]
        switches = [DumbSwitch(self.lab, f"switch{number}") for number in range(1, n + 1)]
        for left, right in zip(switches, switches[1:]):
            join(self.lab, left, right)
        return switches

    def _connect(self, nic, number, cable):
        switch = self.switch_of(nic)
        self.cables[nic] = cable(self.lab, self.host, nic, switch.namespace, f"p{number}")
        self.cables[nic].without_checksum_offload()
        if self.dumb:
            switch.add_port(f"p{number}")

    def switch_of(self, nic):
        """Members go to the switches in turn: eno1 to the first, eno2 to the second, …"""
        return self.switches[(int(nic.removeprefix("eno")) - 1) % len(self.switches)]

    def configure(self, members=None, **keys):
        """What the daemon finds at its next start."""
        self.keys.update(keys)
        self.yoked.configure(team_config(members or self.nics, **{"mode": "switch-independent", **self.keys}))

    def start(self, machines=0, silent=0):
        """The team, the bridge on it, and so many virtual machines, the last ones silent."""
        if self.yoked:
            self.yoked.start()
        elif self.team in ("active-backup", "balance-tlb", "balance-alb", "balance-rr", "balance-xor"):
            Bonding(self.lab, namespace=self.host).add_team(self.nics, name="team0", mode=self.team)
        else:
            self._start_teamd()
        wait_until(lambda: self.host.link("team0"), 10, "team0 is there")
        self._populate(machines, silent)
        return self

    def _populate(self, machines, silent=0):
        self.machines = Machines(self.lab, self.host)
        self.machines.add(machines - silent)
        self.machines.add(silent, silent=True) if silent else None
        self.copies.add_end("team0", self.host, "team0")
        for machine in self.machines:
            self.copies.add_end(machine.name, machine.namespace)
        self.host.address("br0", f"{HOST[0]}/16", f"{HOST[1]}/64")

    def _start_teamd(self):
        pathlib.Path("/run/teamd").mkdir(exist_ok=True)
        path = self.lab.folder / "team0.json"
        path.write_text(json.dumps({
            "device": "team0", "runner": {"name": self.team, "tx_hash": ["eth", "l3", "l4"]},
            "link_watch": {"name": "ethtool"}, "ports": {nic: {} for nic in self.nics}}), encoding="ascii")
        self.lab.start("teamd", ["teamd", "-f", path, "-p", self.lab.folder / "teamd.pid"], self.host)

    @property
    def ends(self):
        """Names of the virtual machines' ends."""
        return [machine.name for machine in self.machines]

    @property
    def inside(self):
        """Where a frame from outside that is for all is heard."""
        return [*self.ends, "team0"]

    @property
    def outs(self):
        return [f"out{number}" for number in range(1, len(self.outside) + 1)]

    def await_converged(self, nics=None):
        """All members carry that are to, and have carrier on both ends."""
        nics = self.nics if nics is None else nics
        if self.yoked:
            self.yoked.await_passing(nics)
        for nic in nics if self.dumb else ():
            far = self.cables[nic].far_name
            wait_until(lambda nic=nic, far=far: self.switch_of(nic).passes(far), 5, f"the switch passes to {nic}")
        if not self.dumb:
            far = {self.cables[nic].far_name for nic in nics}
            wait_until(lambda: self.switches[0].passing_members() == far, 20, "the switch passes on all members")

    def watch(self):
        """The far ends of the members' cables as ends: what the switch hears. See wire()."""
        for nic, cable in self.cables.items():
            self.copies.add_end(f"wire-{nic}", cable.far, cable.far_name)

    def wire(self, nic):
        """What the switch heard from that member since last asked, see Copies.talkers()."""
        return self.copies.talkers(f"wire-{nic}")

    def pull(self, nic):
        """Returns when the team knows."""
        self.cables[nic].pull()
        self.yoked.await_member(nic, reason="no-carrier")

    def plug(self, nic):
        """Returns when the member carries, or stands by, again."""
        self.cables[nic].plug()
        wait_until(lambda: self.yoked.member(nic)["state"] in ("active", "standby"), 10,
                   lambda: f"{nic} is back:\n{self.yoked.say('status')}")

    def await_settled(self):
        """Longer than whatever is done a moment after a failover: second announcements, members that still take what is
        under way, the kernel's late news."""
        time.sleep(1.5)

    def heal(self):
        """All cables are in, and nothing that happened before is news."""
        for cable in self.cables.values():
            cable.plug()
        self.await_converged()
        self.moves()

    def moves(self):
        """All moves at all switches since last asked: (switch, mac, old port, new port)."""
        return [(switch.name, *move) for switch in self.switches for move in switch.moves()]

    def introduce(self):
        """Each virtual machine and outside host says something once, so that every switch knows it."""
        self.copies.end_all([self.copies.begin(end, BROADCAST, count=3, rate=100) for end in (*self.ends, *self.outs)])

    def traffic(self, machine, inbound=False, v6=False, out=0, **options):
        """Measured datagrams from a virtual machine to an outside host, or back."""
        other = self.outside[out]
        source, target = (other, machine.namespace) if inbound else (machine.namespace, other)
        there = (f"10.77.2.{out + 1}", f"fd77::2:{out + 1}")[v6]
        address = (machine.v6 if v6 else machine.v4) if inbound else there
        return Traffic(self.lab, self.build, "udp", source, target, address, **options)
