"""Hosts with teams, each with another program that makes them, and one partner for all: the kernel's
bonding driver, or the lab's own, which answers at once."""

import json
import pathlib

from lab import Bonding, Cable, Partner, Yoked, team_config, wait_until


class Machine:
    """A host with 'teams' teams of 'members' members each; cables[team][member]. What makes the teams
    is a subclass. All are to be on LACP's fast rate and to hash by addresses and ports."""

    name = ""
    has_daemon = True

    def __init__(self, lab, build, teams=1, members=2, partner="bonding"):
        self.lab, self.build = lab, build
        tag = lab.next_index()
        self.tag = str(tag)
        self.host, self.far = lab.namespace(f"host{tag}"), lab.namespace(f"partner{tag}")
        self.teams = [f"team{team}" for team in range(teams)]
        self.cables = [[Cable(lab, self.host, f"e{team}x{member}", self.far, f"p{team}x{member}")
                        for member in range(members)] for team in range(teams)]
        for cable in self.cables[0] if partner == "bonding" else ():
            # Or the far end drops, while it is being closed, what comes before the carrier is lost.
            self.far.down(cable.far_name)
            self.far.run("ethtool", "-K", cable.far_name, "gro", "on")
            self.far.up(cable.far_name)
        self.bonds = Bonding(lab, namespace=self.far) if partner == "bonding" else None
        self.partner = None if self.bonds else Partner(lab, [cable for found in self.cables for cable in found])
        for team in range(teams) if self.bonds else ():
            self.bonds.add_team([cable.far_name for cable in self.cables[team]], name=f"bond{team}",
                                addresses=[f"10.{team}.0.2/24"])

    def members(self, team):
        return [cable.near_name for cable in self.cables[team]]

    def launch(self):
        """Begins to make the teams."""
        raise NotImplementedError

    def pids(self):
        return []

    def log(self):
        return ""

    def whole(self):
        """Whether all members of all teams pass, by what both ends say in their LACPDUs."""
        if self.partner:
            return len(self.partner.passing()) == len(self.partner.ports)
        return all(self.bonds.passing(f"bond{team}") == {cable.far_name for cable in cables}
                   for team, cables in enumerate(self.cables))

    def team_whole(self):
        """The same for the first team, which is the one that is measured."""
        if self.partner:
            return self.whole()
        return self.bonds.passing("bond0") == {cable.far_name for cable in self.cables[0]}

    def tend(self):
        """What a service manager does for a process that ended."""

    def _has(self, device):
        self.tend()
        return self.host.link(device)

    def give_addresses(self):
        """To the devices as they come; none of these programs sets its device up."""
        for team, name in enumerate(self.teams):
            wait_until(lambda name=name: self._has(name), 120, f"{self.name} has made {name}")
            self.host.up(name)
            self.host.address(name, f"10.{team}.0.1/24")

    def start(self, seconds=240):
        self.launch()
        self.give_addresses()
        wait_until(self.whole, seconds, lambda: f"all links pass with {self.name};\n{self.log()[-3000:]}")
        return self


class Yoke(Machine):
    datapath = ""
    keys = {}  # Of each team's configuration.

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.yoked = Yoked(self.lab, self.build, self.host, f"yoked{self.tag}")
        self.yoked.datapath = self.datapath
        for team, name in enumerate(self.teams):
            self.yoked.configure(team_config(self.members(team), name=name, **self.keys), f"{name}.conf")

    def launch(self):
        self.yoked.start(ready=False)

    def pids(self):
        return [self.yoked.pid]

    def log(self):
        return self.yoked.log()

    def kill(self):
        self.yoked.kill()

    def restart(self):
        self.yoked.start(ready=False)


class YokeBpf(Yoke):
    name, datapath = "yoked, bpf", "bpf"


class YokeVeth(YokeBpf):
    """Also where the kernel has netkit: the daemon finds the veths of one that was killed."""

    def launch(self):
        for number, name in enumerate(self.teams):
            self.host.ip("link", "add", "name", name, "type", "veth", "peer", "name", f"yk{1000 + number}")
        super().launch()


class YokeDirect(YokeBpf):
    keys = {"transmit": "direct"}


class YokeVethDirect(YokeVeth):
    keys = {"transmit": "direct"}


class YokeTeam(Yoke):
    name, datapath = "yoked, team", "team"


class Teamd(Machine):
    """A process for each team. 'again' is how it is started after it was killed: -o takes the device
    over, -r makes it anew."""

    name = "teamd"
    again = "-o"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self._processes = {}
        self.ended = []  # Last words of those that did not come up.
        pathlib.Path("/run/teamd").mkdir(exist_ok=True)  # Where its sockets are.

    def _configuration(self, team):
        return {"device": self.teams[team],
                "runner": {"name": "lacp", "active": True, "fast_rate": True, "tx_hash": ["l3", "l4"]},
                "link_watch": {"name": "ethtool"}, "ports": {name: {} for name in self.members(team)}}

    def _run(self, team, *more):
        name = self.teams[team]
        path = self.lab.folder / f"{name}.json"
        path.write_text(json.dumps(self._configuration(team)), encoding="ascii")
        command = ["teamd", *more, "-f", path, "-p", self.lab.folder / f"{name}.pid"]
        # Not by a program that enters the namespace: it would be a process more for each team.
        with self.host.entered():
            self._processes[name] = self.lab.start(f"teamd-{name}", command)

    def launch(self):
        for team in range(len(self.teams)):
            self._run(team)

    def tend(self):
        """Of many that start at once one may not come up."""
        for team, name in enumerate(self.teams):
            if self._processes[name].poll() is not None:
                self.ended.append(f"{name}: {self.lab.log(f'teamd-{name}').strip()[-200:]}")
                self._run(team, "-o")

    def pids(self):
        return [process.pid for process in self._processes.values()]

    def log(self):
        return self.lab.log("teamd-team0")

    def kill(self):
        for process in self._processes.values():
            process.kill()
            process.wait()

    def restart(self):
        for team in range(len(self.teams)):
            self._run(team, self.again)


class TeamdAnew(Teamd):
    name, again = "teamd, restarted with -r", "-r"


class BondingDriver(Machine):
    name, has_daemon = "bonding driver", False
    rate = "fast"

    def launch(self):
        bonds = Bonding(self.lab, namespace=self.host)
        for team, name in enumerate(self.teams):
            bonds.add_team(self.members(team), name=name, rate=self.rate)


OURS = [YokeBpf, YokeTeam]
PEERS = [Teamd, BondingDriver]
ALL = OURS + PEERS
