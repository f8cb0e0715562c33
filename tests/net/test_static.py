"""Mode "static" on the wire: here with a bridge as the switch, in guests with the kernel's bonding driver
(balance-xor) and both datapaths."""

import re
import time

import pytest

from lab import Partner, Scene, TapCable, wait_until
from lab.cable import Cable
from lab.guest import place
from lab.traffic import assert_clean

DATAPATHS = place.pick(["bpf"], {"uml": ["bpf", "team"], "time-travel": ["bpf", "team"]})
PARTNER = place.pick("bridge", {"uml": "xor", "time-travel": "xor"})
RATE = place.pick(10000, {"uml": 1000, "time-travel": 500})
FLOWS = 64
# How long frames may be lost with a pulled cable; in real time a guest's only processor does all the rest.
OUTAGE_MS = place.pick(15, {"uml": 250, "time-travel": 15})


def new_scene(lab, build, datapath, **options):
    return Scene(lab, build, datapath=datapath, partner=PARTNER, mode="static", **options)


def balanced(scene):
    def even():
        shares = [member["buckets"] for member in scene.yoked.team()["members"]]
        return max(shares) - min(shares) <= 1
    wait_until(even, 10, lambda: f"the buckets are shared out:\n{scene.yoked.say('status')}")


@pytest.fixture(params=DATAPATHS)
def scene(lab, build, request):
    made = new_scene(lab, build, request.param)
    start = time.monotonic()
    made.start()
    made.await_converged()
    print(f"all members carry {time.monotonic() - start:.2f} s after the daemon's start")
    balanced(made)
    return made


def carries(scene):
    for v6 in (False, True):
        for inbound in (False, True):
            assert_clean(scene.traffic("udp", inbound, v6, flows=FLOWS, rate=RATE // 2, seconds=0.5).result())


def outage(result):
    """From the first lost frame to the last, in ms."""
    holes = result["holes"]
    return max(hole["last_ms"] for hole in holes) - min(hole["first_ms"] for hole in holes) if holes else 0.0


def test_it_carries_both_ways_and_says_nothing(scene):
    """IPv4 and IPv6 out and in, on all members; no slow-protocol frame is sent; no LACP is shown."""
    partner = Partner(scene.lab, scene.cables, silent=True)
    team = scene.yoked.team()
    assert (team["mode"], team["state"], team["datapath"]) == ("static", "up", scene.yoked.datapath)
    assert "lacp" not in team and "partner" not in team
    assert all("lacp" not in member for member in team["members"])
    before = [scene.host.link(nic)["stats64"]["tx"]["packets"] for nic in scene.nics]
    carries(scene)
    after = [scene.host.link(nic)["stats64"]["tx"]["packets"] for nic in scene.nics]
    share = 2 * 0.5 * RATE // 2 / len(scene.nics)
    assert all(now - was > share / 2 for was, now in zip(before, after)), (before, after)
    assert "a team of mode static takes no part in LACP" in scene.yoked.say("lacp", "show", "team0")
    assert "no LACP to trace" in scene.yoked.call("lacp", "trace", "team0", "eno1").stderr
    assert [port.heard for port in partner.ports] == [[]] * len(scene.nics)


def test_a_pulled_cable_and_its_return_under_load(scene):
    """Each cable in turn: pulled it costs milliseconds, put back nothing."""
    for nic in scene.nics:
        traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
        time.sleep(0.3)
        scene.cable(nic).pull()
        scene.yoked.await_member(nic, reason="no-carrier", buckets=0)
        time.sleep(1.3)  # Longer than the kernel ever holds the news back.
        result = traffic.stop()
        print(f"{nic} pulled: {result['lost']} of {result['sent']} lost within {outage(result):.1f} ms")
        assert outage(result) <= OUTAGE_MS
        assert result["lost"] <= RATE * OUTAGE_MS // 1000
        assert scene.yoked.team()["state"] == "degraded"
        traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
        scene.cable(nic).plug()
        scene.await_converged()
        balanced(scene)
        time.sleep(0.3)
        result = traffic.stop()
        print(f"{nic} put back: {result['lost']} of {result['sent']} lost")
        assert_clean(result)


def test_all_cables_out_and_one_back(scene):
    """The device follows its members' links, and one link is a team."""
    for cable in scene.cables:
        cable.pull()
    wait_until(lambda: not scene.host.has_carrier("team0"), 5, "the team has lost its carrier")
    assert scene.yoked.team()["state"] == "down"
    scene.cables[1].plug()
    start = time.monotonic()
    wait_until(lambda: scene.host.has_carrier("team0"), 5, "the team has carrier again")
    scene.yoked.await_member(scene.nics[1], state="active", buckets=256)
    print(f"up {time.monotonic() - start:.2f} s after the cable was put in")
    for inbound in (False, True):
        assert_clean(scene.traffic("udp", inbound, flows=FLOWS, rate=RATE // 2, seconds=0.5).result())


@pytest.mark.parametrize("inbound", [False, True], ids=["out", "in"])
@pytest.mark.parametrize("pause", [0.0, 5.0])
def test_a_kill_and_a_restart_go_unnoticed(scene, pause, inbound):
    """kill -9 under load, and a restart at once or after longer than any LACP partner would wait."""
    traffic = scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=60).flows()
    time.sleep(0.3)
    scene.yoked.kill()
    time.sleep(pause)
    scene.yoked.start()
    time.sleep(2)
    result = traffic.stop()
    print(f"dead for {pause} s and the start: {result['lost']} of {result['sent']} lost, "
          f"longest gap {result['longest_gap_ms']} ms")
    assert_clean(result)
    assert scene.yoked.team()["adopted"]
    assert scene.yoked.team()["state"] == "up"
    balanced(scene)


def test_a_cable_pulled_while_the_daemon_is_dead(scene):
    """After the start nothing is sent there; and put back, it carries."""
    scene.yoked.kill()
    scene.cable("eno2").pull()
    scene.yoked.start()
    scene.yoked.await_member("eno2", reason="no-carrier", buckets=0)
    assert_clean(scene.traffic("udp", flows=FLOWS, rate=RATE // 2, seconds=0.5).result())
    scene.cable("eno2").plug()
    scene.await_converged()
    balanced(scene)
    carries(scene)


def test_drain(scene):
    """A drained member sends nothing and takes what comes; no frame is lost by it."""
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
    time.sleep(0.3)
    assert scene.yoked.call("member", "drain", "team0", "eno1", "on").returncode == 0
    scene.yoked.await_member("eno1", reason="drained", buckets=0)
    before = scene.host.link("eno1")["stats64"]["tx"]["packets"]
    time.sleep(1)
    assert scene.host.link("eno1")["stats64"]["tx"]["packets"] - before <= 3
    assert_clean(traffic.stop())
    for cable in scene.cables[1:]:
        assert_clean(scene.traffic("udp", True, flows=FLOWS, rate=RATE // 2, seconds=0.3).result())
    assert scene.yoked.call("member", "drain", "team0", "eno1", "off").returncode == 0
    scene.await_converged()


def mixed(lab, near, near_name, far, far_name, mtu):
    """Cables of 10 Gbit/s, but one of 1."""
    return (TapCable if near_name == "eno2" else Cable)(lab, near, near_name, far, far_name, mtu)


@pytest.mark.parametrize("datapath", DATAPATHS)
def test_members_of_different_speeds(lab, build, datapath):
    """Shares by speed: of 256 buckets 233 and 23."""
    scene = new_scene(lab, build, datapath, nics=2, cable=mixed).start()
    scene.await_converged()
    for nic, buckets in (("eno1", 233), ("eno2", 23)):
        wait_until(lambda: abs(scene.yoked.member(nic)["buckets"] - buckets) <= 1, 10,
                   lambda: f"shares by speed:\n{scene.yoked.say('status')}")
    assert_clean(scene.traffic("udp", flows=FLOWS, rate=min(RATE, 1000), seconds=0.5).result())


def warnings(scene):
    return re.findall(r"warning: team0/(\w+): the switch's port speaks LACP", scene.yoked.log())


def test_a_partner_that_speaks_lacp_is_told_of(scene):
    """Warned of once a member, shown as long as it is so; the members carry on."""
    Partner(scene.lab, scene.cables)
    for nic in scene.nics:
        member = scene.yoked.await_member(nic, reason="partner-lacp")
        assert member["state"] == "active"
        assert "02:bb:00:00:00:01" in member["explanation"]
    time.sleep(2.5)
    assert sorted(warnings(scene)) == scene.nics
    assert "speaks LACP" in scene.yoked.say("team", "show", "team0")
    assert scene.yoked.team()["state"] == "up"
    carries(scene)


@pytest.mark.parametrize("datapath", DATAPATHS)
def test_the_mode_changes_in_place(lab, build, datapath):
    """From LACP to static nothing is lost on the way out, and the partner is told; back again the members
    wait for the partner only. The device is the same all the time."""
    scene = new_scene(lab, build, datapath)
    scene.configure(mode="lacp")
    partner = Partner(lab, scene.cables)
    scene.start()
    scene.await_converged()
    balanced(scene)
    ifindex = scene.host.link("team0")["ifindex"]
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
    scene.yoked.stop()
    scene.configure(mode="static")
    scene.yoked.start()
    wait_until(lambda: not partner.passing(), 2, "the partner was told that the ports leave")
    scene.await_converged()
    time.sleep(1)
    result = traffic.stop()
    print(f"to static: {result['lost']} of {result['sent']} lost")
    assert_clean(result)
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
    scene.yoked.stop()
    scene.configure(mode="lacp")
    scene.yoked.start()
    partner.await_passing(len(scene.nics))
    scene.await_converged()
    time.sleep(1)
    result = traffic.stop()
    print(f"to lacp: {result['lost']} of {result['sent']} lost within {outage(result):.0f} ms")
    assert outage(result) <= 4000
    assert scene.host.link("team0")["ifindex"] == ifindex
    carries(scene)
