"""transmit = "direct": frames leave before team0 sees them. What it must not change: who carries, what is
lost by a pull, a kill, a restart. What it does change: what team0 counts, shows and shapes on their way out."""

import statistics
import time

import pytest

from lab import Scene, team_config
from lab.guest import place
from lab.scene import OTHER
from lab.traffic import Traffic, assert_clean

RATE = place.pick(10000, {"emulator": 500})
FLOWS = 64
LIMIT_MS = 25
NICS = 2


def text(scene, way):
    return team_config(scene.nics, lacp={"rate": "slow"}, transmit=way)


def make(lab, build):
    partner = place.pick("ovs", {"emulator": "bonding"})
    made = Scene(lab, build, nics=NICS, rate="slow", partner=partner)
    made.yoked.configure(text(made, "direct"))
    return made


@pytest.fixture
def scene(lab, build):
    made = make(lab, build).start()
    made.await_converged()
    return made


def switch_to(scene, way):
    """By a new daemon; that it goes without one, too, is shown by the datapath's own tests."""
    scene.yoked.kill()
    scene.yoked.configure(text(scene, way))
    scene.yoked.start()


def sent_by_device(scene):
    return scene.host.link("team0")["stats64"]["tx"]["packets"]


def sent_by_members(scene):
    return sum(member["tx_packets"] for member in scene.yoked.team()["members"])


def leaves_directly(scene):
    """Whether team0 itself has not seen most of these frames, of which the members all tell."""
    before = sent_by_device(scene), sent_by_members(scene)
    result = scene.traffic("udp", flows=16, rate=RATE // 5, seconds=1).result()
    assert_clean(result)
    device, members = sent_by_device(scene) - before[0], sent_by_members(scene) - before[1]
    assert members >= result["sent"]
    return device < result["sent"] // 2


def test_it_carries_all_and_team0_does_not_count_what_it_sends(scene):
    """UDP and TCP, v4 and v6, both ways; what comes in is counted as ever."""
    assert leaves_directly(scene)
    for inbound in (False, True):
        for v6 in (False, True):
            before = scene.host.link("team0")["stats64"]["rx"]["packets"]
            result = scene.traffic("udp", inbound, v6=v6, flows=16, rate=RATE // 5, seconds=1).result()
            assert_clean(result)
            if inbound:
                assert scene.host.link("team0")["stats64"]["rx"]["packets"] - before >= result["sent"]
            tcp = scene.traffic("tcp", inbound, v6=v6, bytes=2000000, seconds=30).result()
            assert tcp["failure"] == "" and tcp["intact"]


def test_pulls(scene):
    """Ten pulls: each costs what it costs otherwise."""
    losses = []
    for number in range(10):
        nic = scene.nics[number % NICS]
        scene.await_converged(seconds=40)
        traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
        time.sleep(0.2)
        scene.cable(nic).pull()
        scene.yoked.await_member(nic, reason="no-carrier")
        time.sleep(1)
        result = traffic.stop()
        losses.append(result["lost"])
        scene.cable(nic).plug()
    print(f"{RATE} a second, lost in ten pulls: {losses}")
    assert statistics.median(losses) <= RATE * LIMIT_MS // 1000


@pytest.mark.parametrize("inbound", [False, True], ids=["out", "in"])
def test_kill_and_restart_lose_nothing(scene, inbound):
    traffic = scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=60).flows()
    for _ in range(3):
        scene.yoked.kill()
        time.sleep(0.3)
        scene.yoked.start()
    assert_clean(traffic.stop())
    assert leaves_directly(scene)


def test_it_comes_and_goes_without_losing_a_frame(scene):
    """With each restart, under traffic. A frame on its way by the longer path may be overtaken."""
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
    for number in range(5):
        switch_to(scene, "counted" if number % 2 == 0 else "direct")
        time.sleep(0.3)
    assert_clean(traffic.stop(), reordered=False)
    scene.await_converged()
    assert not leaves_directly(scene)


def test_a_machine_on_a_bridge(lab, build):
    """What a bridge forwards leaves directly as well."""
    scene = make(lab, build)
    scene.yoked.start()
    scene.await_converged()
    scene.host.ip("link", "add", "name", "br0", "type", "bridge")
    scene.host.ip("link", "set", "dev", "team0", "master", "br0")
    for device in ("br0", "team0"):
        scene.host.up(device)
    machine = lab.namespace("vm")
    scene.host.ip("link", "add", "name", "tap0", "type", "veth", "peer", "name", "eth0", "netns", machine.name)
    scene.host.ip("link", "set", "dev", "tap0", "master", "br0")
    scene.host.up("tap0")
    machine.run("ethtool", "-K", "eth0", "tx", "off")
    machine.up("eth0")
    machine.address("eth0", "10.77.0.50/24")
    before = sent_by_device(scene)
    result = Traffic(lab, build, "udp", machine, scene.other, OTHER[0], flows=16, rate=RATE // 5, seconds=1).result()
    assert_clean(result)
    assert sent_by_device(scene) - before < result["sent"] // 2
