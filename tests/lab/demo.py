"""What tools/demo shows: a team comes up, loses a cable, and outlives its daemon."""

import sys
import time

from lab import Build, Lab, LabError, Scene
from lab.build import ROOT
from lab.lab import kept_labs, take_down
from lab.wait import wait_until

CONFIG = ROOT / "conf" / "examples" / "lacp-four-nics.conf"
RATE = 5000


class Show:
    """Lines with the time since the last step began, and whether all that was shown was true."""

    def __init__(self):
        self.start = time.monotonic()
        self.true = True

    def step(self, words):
        self.start = time.monotonic()
        print(f"\n== {words}", flush=True)

    def line(self, words):
        print(f"   {time.monotonic() - self.start:7.3f} s  {words}", flush=True)

    def plain(self, words):
        print("\n".join("   " + line for line in words.splitlines()), flush=True)

    def claim(self, holds, words):
        self.true = self.true and holds
        self.line(("" if holds else "NOT TRUE: ") + words)


def converge(show, scene):
    show.step(f"yoked starts with {CONFIG.relative_to(ROOT)}; the switch is Open vSwitch")
    scene.start()
    seen = {}

    def all_pass():
        ours, theirs = scene.yoked.passing(), scene.switch.passing()
        for who, passing in (("host  ", ours), ("switch", theirs)):
            if seen.get(who) != passing:
                seen[who] = passing
                names = ", ".join(sorted(passing)) or "none"
                show.line(f"{who} collects and distributes on: {names}")
        return ours == set(scene.nics) and theirs == set(scene.ports)
    wait_until(all_pass, 20, "both ends collect and distribute on all four links")
    host = scene.yoked.status()
    show.plain(f"datapath {host['datapath']}: {host['datapath_why']}")
    show.plain(f"carrier sense {host['carrier_sense']}: {host['carrier_sense_why']}")


def tell_loss(show, result, rate):
    lost_ms = result["lost"] * 1000 / rate
    show.line(f"{result['lost']} of {result['sent']} lost ({lost_ms:.1f} ms of traffic), "
              f"longest gap {result['longest_gap_ms']:.1f} ms")


def send(show, scene):
    show.step("traffic through the team: TCP both ways, every byte compared")
    for inbound, words in ((False, "to the other host  "), (True, "from the other host")):
        result = scene.traffic("tcp", inbound, bytes=32 << 20).result()
        show.claim(bool(result["intact"]), f"{words} {result['bytes'] / 2**20:.0f} MiB intact")


def pull(show, scene):
    show.step(f"a cable is pulled under {RATE} datagrams a second on 16 flows")
    traffic = scene.traffic("udp", flows=16, rate=RATE, seconds=60).flows()
    time.sleep(1)
    scene.cable("eno1").pull()
    show.line("the cable of eno1 is pulled")
    member = scene.yoked.await_member("eno1", state="down")
    show.line(f"eno1 is down: {member['explanation']}")
    time.sleep(1)
    result = traffic.stop()
    tell_loss(show, result, RATE)
    poller = scene.yoked.status()["poller"]
    show.plain(f"the carrier sense asks every {poller['interval_us'] / 1000:.0f} ms and was at most "
               f"{poller['latest_recent_us'] / 1000:.2f} ms late")
    show.claim(result["lost"] < RATE, "the other members took over")
    scene.cable("eno1").plug()
    scene.await_converged()
    show.line("the cable is back, eno1 carries its share again")


def kill(show, scene):
    show.step(f"yoked is killed with -9 under {RATE} datagrams a second, and started again")
    traffic = scene.traffic("udp", flows=16, rate=RATE, seconds=60).flows()
    before = scene.switch.passing()
    time.sleep(1)
    scene.yoked.kill()
    show.line("killed")
    time.sleep(1)
    scene.yoked.start()
    show.line("started again")
    time.sleep(5)
    result = traffic.stop()
    tell_loss(show, result, RATE)
    show.claim(result["lost"] == 0, "nothing was lost")
    show.claim(scene.switch.passing() == before, "the switch still collects and distributes on all")


def how_to_look(lab, scene):
    enter = f"nsenter --net={scene.host.path}"
    yokectl = f"{scene.yoked.build.yokectl} --socket {scene.yoked.socket}"
    print(f"""
The lab stays up. Look around:
  {yokectl} status
  {yokectl} lacp show team0 eno1
  {yokectl} lacp trace team0 eno1
  {yokectl} monitor
  {enter} ip -s link show team0
  {enter} ping 10.77.0.2
  ovs-appctl -t {scene.switch.folder}/switch.ctl lacp/show
Pull a cable:  nsenter --net={scene.switch.namespace.path} ip link set p1 down
The daemon's log:  {lab.folder}/yoked.log
End it:  tools/demo --stop""")


def run(keep):
    show = Show()
    show.step("a lab: a host with four adapters, a switch, another host, each in a network namespace")
    with Lab() as lab:
        scene = Scene(lab, Build(), config=CONFIG.read_text(encoding="utf-8"))
        scene.yoked.datapath = "auto"
        show.line("made")
        for part in (converge, send, pull, kill):
            part(show, scene)
        show.step("the team now")
        show.plain(scene.yoked.say("team", "show"))
        if keep and show.true:
            how_to_look(lab, scene)
            lab.keep()
            return True
    print("\nThe lab is taken down." + ("" if show.true else " Not everything was as it should be."))
    return show.true


def stop():
    labs = kept_labs()
    for folder in labs:
        take_down(folder)
    print(f"{len(labs)} lab{'' if len(labs) == 1 else 's'} taken down.")


def main(arguments):
    if arguments == ["--stop"]:
        stop()
        return 0
    if arguments not in ([], ["--keep"]):
        print("usage: tools/demo [--keep | --stop]", file=sys.stderr)
        return 2
    try:
        return 0 if run(bool(arguments)) else 1
    except LabError as error:
        print(f"\ntools/demo: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("\nStopped; the lab is taken down.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
