"""team0 as a netkit, where the kernel has it: all that holds of a veth holds of it, too. The partner is
on the slow timeout, so that it waits for a daemon that is dead."""

import json
import re
import time

import pytest

from lab import Scene, wait_until
from lab.scene import OTHER
from lab.traffic import Traffic, assert_clean

pytestmark = pytest.mark.at("emulator")

RATE, FLOWS = 500, 32


def make(lab, build, **options):
    return Scene(lab, build, nics=2, rate="slow", lacp={"rate": "slow"}, partner="bonding", **options)


@pytest.fixture
def scene(lab, build):
    made = make(lab, build).start()
    made.await_converged()
    assert kind(made) == "netkit"
    return made


def kind(scene):
    return scene.host.link("team0")["linkinfo"]["info_kind"]


def counted(scene, device="team0"):
    stats = scene.host.link(device)["stats64"]
    return stats["tx"]["packets"], stats["rx"]["packets"]


def both_ways(scene, seconds=60):
    return [scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=seconds).flows()
            for inbound in (False, True)]


def test_it_converges_and_carries_both_ways(scene):
    """UDP and TCP, v4 and v6, both ways, and it is counted on team0 frame by frame."""
    before = counted(scene)
    for inbound in (False, True):
        for v6 in (False, True):
            assert_clean(scene.traffic("udp", inbound, v6=v6, flows=FLOWS, rate=RATE, seconds=1).result())
            tcp = scene.traffic("tcp", inbound, v6=v6, bytes=2000000, seconds=30).result()
            assert tcp["failure"] == "" and tcp["intact"]
    after = counted(scene)
    assert all(now - then >= 2 * RATE for then, now in zip(before, after))


def test_a_tap_on_it_sees_both_directions(lab, scene):
    lab.start("capture", ["tcpdump", "-Z", "root", "--immediate-mode", "-nn", "-l", "-i", "team0", "udp"], scene.host)
    wait_until(lambda: "listening" in lab.log("capture"), 10, "tcpdump listens")
    for inbound in (False, True):
        assert_clean(scene.traffic("udp", inbound, flows=4, rate=50, seconds=1).result())
    own = rf"IP {re.escape('10.77.0.1')}\.\d+ > {re.escape(OTHER[0])}\."
    other = rf"IP {re.escape(OTHER[0])}\.\d+ > {re.escape('10.77.0.1')}\."
    for pattern in (own, other):
        wait_until(lambda pattern=pattern: len(re.findall(pattern, lab.log("capture"))) >= 45, 10,
                   lambda: f"the tap shows both; it has:\n{lab.log('capture')[-2000:]}")


def test_kill_and_restart_lose_nothing(scene):
    """kill -9 under traffic both ways, half a second of no daemon, and a start that adopts it."""
    before = scene.host.link("team0")["ifindex"]
    flows = both_ways(scene)
    for _ in range(3):
        scene.yoked.kill()
        time.sleep(0.5)
        scene.yoked.start()
    results = [traffic.stop() for traffic in flows]
    for result in results:
        assert_clean(result)
    assert scene.yoked.team()["adopted"]
    assert scene.host.link("team0")["ifindex"] == before and kind(scene) == "netkit"
    scene.await_converged()


def test_a_pull_costs_milliseconds(scene):
    """Six pulls in turn; the kernel's program takes the member out of use at once."""
    losses = []
    for number in range(6):
        nic = scene.nics[number % 2]
        scene.await_converged()
        traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
        time.sleep(0.2)
        scene.cable(nic).pull()
        scene.yoked.await_member(nic, reason="no-carrier")
        time.sleep(0.5)
        result = traffic.stop()
        losses.append(result["lost"])
        scene.cable(nic).plug()
    print(f"{RATE} a second, lost in six pulls: {losses}")
    assert sorted(losses)[3] <= RATE // 50


def test_a_pull_while_the_daemon_is_dead(scene):
    """Only what was on its way is lost, and what is left carries on."""
    wait_until(lambda: scene.yoked.status()["carrier_sense"] == "kernel", 15, "the kernel senses carrier")
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
    scene.yoked.kill()
    scene.cable("eno1").pull()
    time.sleep(1)
    scene.yoked.start()
    result = traffic.stop()
    print(f"{result['lost']} of {result['sent']} lost")
    assert result["lost"] <= RATE // 50


def test_no_carrier_without_members(scene):
    """team0 loses its carrier with the last member and has it back with the first."""
    for nic in scene.nics:
        scene.cable(nic).pull()
    wait_until(lambda: not scene.host.has_carrier("team0"), 10, "team0 has no carrier")
    for nic in scene.nics:
        scene.cable(nic).plug()
    scene.await_converged(seconds=40)
    assert scene.host.has_carrier("team0")


def test_a_queue_on_it_shapes(scene):
    """HTB on team0: TCP gets what the class has, and no more."""
    for words in (["qdisc", "add", "dev", "team0", "root", "handle", "1:", "htb", "default", "1"],
                  ["class", "add", "dev", "team0", "parent", "1:", "classid", "1:1", "htb", "rate", "8mbit",
                   "ceil", "8mbit"]):
        scene.host.run("tc", *words)
    tcp = scene.traffic("tcp", bytes=3000000, seconds=60).result()
    print(f"HTB of 8 Mbit/s: {tcp['mbit_s']} Mbit/s of payload, of which there can be 7.65")
    assert tcp["failure"] == "" and tcp["intact"]
    assert 7 <= tcp["mbit_s"] <= 8
    shown = json.loads(scene.host.run("tc", "-s", "-j", "qdisc", "show", "dev", "team0"))
    assert next(entry for entry in shown if entry["kind"] == "htb")["packets"] > 0


def test_large_frames(lab, build):
    """An MTU of 9000 on all, from the configuration."""
    scene = make(lab, build, mtu=9000).start()
    scene.await_converged()
    peer = f"yk{scene.host.link('team0')['ifindex']}"
    for device in ("team0", peer, *scene.nics):
        assert scene.host.link(device)["mtu"] == 9000
    for cable in scene.cables:
        cable.far.ip("link", "set", "dev", cable.far_name, "mtu", "9000")
    scene.other.ip("link", "set", "dev", "bond0", "mtu", "9000")
    assert " 0% packet loss" in scene.host.run("ping", "-M", "do", "-s", "8900", "-c", "3", "-i", "0.2", OTHER[0])


def test_a_machine_on_a_bridge_above_it(lab, build, scene):
    """A port of a bridge is not the stack's: VLANs and foreign addresses pass, too."""
    scene.host.ip("link", "add", "name", "br0", "type", "bridge")
    scene.host.ip("link", "set", "dev", "team0", "master", "br0")
    scene.host.up("br0")
    machine = lab.namespace("vm")
    scene.host.ip("link", "add", "name", "tap0", "type", "veth", "peer", "name", "eth0", "netns", machine.name)
    scene.host.ip("link", "set", "dev", "tap0", "master", "br0")
    scene.host.up("tap0")
    machine.up("eth0")
    machine.address("eth0", "10.77.0.50/24")
    wait_until(lambda: "state forwarding" in scene.host.run("bridge", "link", "show", "dev", "tap0"), 40,
               "the bridge forwards")
    for source, target, address in ((machine, scene.other, OTHER[0]), (scene.other, machine, "10.77.0.50")):
        assert_clean(Traffic(lab, build, "udp", source, target, address, flows=16, rate=RATE, seconds=1).result())
    machine.ip("link", "add", "link", "eth0", "name", "eth0.20", "type", "vlan", "id", "20")
    machine.up("eth0.20")
    machine.address("eth0.20", "10.78.0.50/24")
    scene.other.ip("link", "add", "link", "bond0", "name", "bond0.20", "type", "vlan", "id", "20")
    scene.other.up("bond0.20")
    scene.other.address("bond0.20", "10.78.0.2/24")
    assert_clean(Traffic(lab, build, "udp", machine, scene.other, "10.78.0.2", flows=16, rate=RATE,
                         seconds=1).result())


def test_a_team_that_was_a_veth_stays_one(lab, build):
    """As a daemon of a time before netkit left it: adopted, and carrying."""
    scene = make(lab, build)
    scene.host.ip("link", "add", "name", "team0", "alias", "yoke:team0", "type", "veth", "peer", "name", "yk0")
    scene.start()
    scene.await_converged()
    assert kind(scene) == "veth"
    flows = both_ways(scene)
    scene.yoked.kill()
    scene.yoked.start()
    for traffic in flows:
        assert_clean(traffic.stop())
    assert kind(scene) == "veth"
