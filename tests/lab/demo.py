"""What tools/demo shows: a team comes up, carries traffic, loses a cable and outlives its daemon.
Figures are printed as measured; a claim that does not hold is printed as such and makes the exit
status 1."""

import signal
import sys
import time

from lab import Build, Cable, Lab, LabError, Scene
from lab.build import ROOT
from lab.lab import kept_labs, take_down
from lab.wait import wait_until

CONFIG = ROOT / "conf" / "examples" / "lacp-four-nics.conf"
RATE = 10000
FLOWS = 64


class Show:
    """Lines with the seconds since the step began, and whether all that was claimed held."""

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
        self.true = self.true and bool(holds)
        self.line(words if holds else f"NOT SO: {words}")


def names(found):
    return ", ".join(sorted(found)) or "none"


def converge(show, scene):
    show.step(f"yoked starts with {CONFIG.relative_to(ROOT)}; the switch is Open vSwitch")
    scene.start()
    seen = {}

    def all_pass():
        views = {"host": scene.yoked.passing(), "switch": scene.switch.passing()}
        for who, passing in views.items():
            if seen.get(who) != passing:
                seen[who] = passing
                show.line(f"{who:6} collects and distributes on {names(passing)}")
        return views == {"host": set(scene.nics), "switch": set(scene.ports)}
    wait_until(all_pass, 20, "both ends collect and distribute on all four links")
    host = scene.yoked.status()
    show.plain(f"datapath {host['datapath']}: {host['datapath_why']}")
    show.plain(f"carrier sense by {host['carrier_sense']}: {host['carrier_sense_why']}")


def send(show, scene):
    show.step("traffic through the team, every byte compared: TCP, then datagrams on 64 flows")
    for v6 in (False, True):
        for inbound in (False, True):
            where = f"{'IPv6' if v6 else 'IPv4'}, {'from' if inbound else 'to  '} the other host"
            tcp = scene.traffic("tcp", inbound, v6, bytes=16 << 20).result()
            udp = scene.traffic("udp", inbound, v6, flows=FLOWS, rate=RATE, seconds=0.5, size=1400).result()
            show.claim(tcp["intact"] and not udp["lost"] and not udp["corrupted"] and not udp["failure"],
                       f"{where}: {tcp['bytes'] >> 20} MiB intact at {tcp['mbit_s']:.0f} Mbit/s; "
                       f"{udp['lost']} of {udp['sent']} datagrams lost")


def hit(result):
    """How many flows lost frames, and for how long, from the first of them to the last."""
    if not result["holes"]:
        return "no flow was hit"
    first = min(hole["first_ms"] for hole in result["holes"])
    last = max(hole["last_ms"] for hole in result["holes"])
    flows = len({hole["flow"] for hole in result["holes"]})
    return f"{flows} of {FLOWS} flows were hit, for {last - first:.1f} ms"


def pull(show, scene):
    show.step(f"a cable is pulled under {RATE} datagrams a second")
    show.plain("right after another link of the host went down: then the kernel tells of it up to 1 s late")
    spare = Cable(scene.lab, scene.host, "spare0", scene.switch.namespace, "spare1")
    scene.host.up("spare0")
    wait_until(lambda: scene.host.has_carrier("spare0"), 5, "the spare link is up")
    carried = scene.yoked.member("eno1")["buckets"]
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
    time.sleep(1)
    spare.pull()
    time.sleep(0.1)
    scene.cable("eno1").pull()
    show.line(f"the cable of eno1 is out, which carried {carried} of 256 buckets")
    member = scene.yoked.await_member("eno1", state="down")
    show.line(f"yoked: eno1 is {member['state']}: {member['explanation']}")
    time.sleep(1.2)
    result = traffic.stop()
    poller = scene.yoked.status()["poller"]
    allowed = (poller["interval_us"] + poller["latest_recent_us"] + poller["slowest_us"]) / 1000 + 5
    show.claim(not result["failure"] and result["lost"] <= RATE * allowed / 1000,
               f"{result['lost']} of {result['sent']} datagrams lost; {hit(result)}")
    show.plain(f"the links are asked for every {poller['interval_us'] / 1000:.0f} ms; within the last minute "
               f"that was at most {poller['latest_recent_us'] / 1000:.1f} ms late")
    scene.cable("eno1").plug()
    scene.await_converged()
    show.line("the cable is in again, and both ends collect and distribute on all four links")


def record(switch):
    """What the switch counted of disturbances: figure -> number over all ports."""
    counted = {}
    for values in switch.statistics().values():
        for key in ("Link Expired", "Link Defaulted", "Carrier Status Changed"):
            counted[key] = counted.get(key, 0) + values[key]
    return counted


def kill(show, scene):
    show.step(f"yoked is killed with -9 under {RATE} datagrams a second, half of them each way, and restarted")
    before, passing = record(scene.switch), scene.switch.passing()
    both = [scene.traffic("udp", inbound, flows=FLOWS, rate=RATE // 2, seconds=60, port=5000 + inbound).flows()
            for inbound in (False, True)]
    time.sleep(0.5)
    scene.yoked.kill()
    show.line("killed")
    time.sleep(1)
    scene.yoked.start()
    show.line("started again")
    time.sleep(6)  # Longer than the switch waits for LACPDUs, twice.
    results = [traffic.stop() for traffic in both]
    show.claim(not any(result["lost"] or result["failure"] for result in results),
               "lost on the way out: {lost} of {sent}, ".format(**results[0])
               + "on the way in: {lost} of {sent}".format(**results[1]))
    show.claim(record(scene.switch) == before and scene.switch.passing() == passing,
               "the switch's record, before and after: "
               + ", ".join(f"{key} {before[key]} and {now}" for key, now in record(scene.switch).items()))


def both_views(show, scene):
    show.step("the team as both ends see it")
    show.plain(scene.yoked.say("team", "show", "team0"))
    for port, words in sorted(scene.switch.members().items()):
        show.plain(f"switch  {port}  {words['status']}; it says of the host: {words['partner state']}")


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
  OVS_RUNDIR={scene.switch.folder} ovs-appctl -t {scene.switch.folder}/switch.ctl lacp/show
Pull a cable, and put it back:
  nsenter --net={scene.switch.namespace.path} ip link set p1 down
  nsenter --net={scene.switch.namespace.path} ip link set p1 up
Kill the daemon, and start it again:
  kill -9 {scene.yoked.pid}
  {enter} {' '.join(map(str, scene.yoked.command()))}
Its log:
  less {lab.folder}/yoked.log
End it all:
  tools/demo --stop""")


def run(keep):
    show = Show()
    with Lab() as lab:
        show.step("a host with four adapters, a LACP switch and another host behind it, in network namespaces")
        scene = Scene(lab, Build(), config=CONFIG.read_text(encoding="utf-8"))
        scene.yoked.datapath = "auto"
        for part in (converge, send, pull, kill, both_views):
            part(show, scene)
        if keep:
            how_to_look(lab, scene)
            lab.keep()
    print()
    print("All of it was as claimed." if show.true else "Not all of it was as claimed: see the lines with NOT SO.",
          "" if keep else "The lab is taken down.")
    return show.true


def stop():
    labs = kept_labs()
    for folder in labs:
        take_down(folder)
    print(f"{len(labs)} lab{'' if len(labs) == 1 else 's'} taken down.")


def end(*_):
    raise KeyboardInterrupt


def main(arguments):
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    if arguments == ["--stop"]:
        stop()
        return 0
    if arguments not in ([], ["--keep"]):
        print("usage: tools/demo [--keep | --stop]", file=sys.stderr)
        return 2
    try:
        Build().check()
        return 0 if run(bool(arguments)) else 1
    except LabError as error:
        print(f"\ntools/demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped; the lab is taken down.", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
