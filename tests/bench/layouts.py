"""Ways between a host and its partner, one cable each, on which nothing lives but the kernel: the daemon that
made one, and the partner's, are gone before frames are counted. (What they need for LACP would be counted
with the frames.)"""

import dataclasses
import json
import subprocess

from bench import machines
from lab import Cable, LabError
from lab.namespace import Namespace

NEAR, FAR = "10.0.0.1", "10.0.0.2"


@dataclasses.dataclass
class Layout:
    name: str
    host: Namespace
    near: str  # The devices that have the addresses.
    partner: Namespace
    far: str


def _cable(lab):
    tag = lab.next_index()
    cable = Cable(lab, lab.namespace(f"host{tag}"), "c0", lab.namespace(f"partner{tag}"), "pc0")
    cable.near.up("c0")
    cable.far.address("pc0", f"{FAR}/24")
    return cable


def plain(lab, _build):
    cable = _cable(lab)
    cable.near.address("c0", f"{NEAR}/24")
    return Layout("plain cable", cable.near, "c0", cable.far, "pc0")


def bridge(lab, _build):
    """The host's address is on a bridge that has the cable as its port."""
    cable = _cable(lab)
    cable.near.ip("link", "add", "name", "br0", "type", "bridge")
    cable.near.ip("link", "set", "dev", "c0", "master", "br0")
    cable.near.up("br0")
    cable.near.address("br0", f"{NEAR}/24")
    return Layout("Linux bridge", cable.near, "br0", cable.far, "pc0")


class _SlowBonding(machines.BondingDriver):
    """Has not missed its partner when all is measured."""

    rate = "slow"


def _made_by(kind, name, device=None):
    def make(lab, build):
        machine = kind(lab, build, members=1, partner="lab")
        machine.start()
        found = machine.host.link("team0")["linkinfo"]["info_kind"]
        if device not in (None, found):
            raise LabError(f"{name}: team0 is of kind {found}, not {device}")
        if machine.has_daemon:
            machine.kill()
        machine.partner.close()
        far = machine.cables[0][0].far_name
        machine.far.address(far, f"{FAR}/24")
        return Layout(name, machine.host, "team0", machine.far, far)
    return make


bpf_netkit = _made_by(machines.YokeBpf, "yoked, bpf on netkit", "netkit")
bpf_veth = _made_by(machines.YokeVeth, "yoked, bpf on veth", "veth")
direct_netkit = _made_by(machines.YokeDirect, "yoked, direct on netkit", "netkit")
direct_veth = _made_by(machines.YokeVethDirect, "yoked, direct on veth", "veth")
team = _made_by(machines.YokeTeam, "yoked, team driver")
bonding = _made_by(_SlowBonding, "bonding driver")


class Pump:
    """Runs the pump over layouts, in one direction."""

    def __init__(self, session, kind, inbound=False, flows=1, count=1000):
        self.session, self.kind, self.inbound = session, kind, inbound
        self.flows, self.count = flows, count

    def _ends(self, layout):
        ends = (layout.host, layout.near, NEAR), (layout.partner, layout.far, FAR)
        return reversed(ends) if self.inbound else ends

    def _call(self, *words):
        command = [str(word) for word in (self.session.pump, *words)]
        result = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
        if result.returncode:
            raise LabError(f"{' '.join(command)}: {result.stderr.strip()}")
        return result.stdout

    def prepare(self, layout):
        """Datagrams are to end where they arrive."""
        _, (target, device, _) = self._ends(layout)
        if self.kind == "udp":
            self._call("drop", "--to", target.path, "--device", device)

    def _dropped(self, layout):
        _, (target, device, _) = self._ends(layout)
        found = json.loads(target.run("tc", "-s", "-j", "qdisc", "show", "dev", device))
        return next(entry["drops"] for entry in found if entry["kind"] == "clsact")

    def run(self, layout):
        """Nanoseconds for each frame, octet or round trip."""
        before = self._dropped(layout) if self.kind == "udp" else 0
        (source, _, _), (target, _, address) = self._ends(layout)
        result = json.loads(self._call(self.kind, "--from", source.path, "--to", target.path, "--address",
                                       address, "--flows", self.flows, "--count", self.count))
        if self.kind == "udp" and self._dropped(layout) - before < self.count:
            raise LabError(f"{layout.name}: not all frames came to the other end")
        return result["ns"] / result["count"]
