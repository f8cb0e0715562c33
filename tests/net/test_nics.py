"""Members that are adapters with their real drivers, which filter by address and VLAN, do large
receive, and lose their link from outside. The switch is on the slow timeout: frames must flow on
without the daemon. A rate that the emulator holds with ease."""

import random
import re
import socket
import statistics
import time

import pytest

from lab import Cable, Lab, Scene, wait_until
from lab.nics import Nics
from lab.scene import HOST, OTHER
from lab.traffic import assert_clean

GUEST = {"nics": ["virtio-net", "virtio-net", "vmxnet3", "vmxnet3", "e1000", "e1000"]}
pytestmark = pytest.mark.at("emulator")

RATE, FLOWS = 500, 32
GROUP, PORT = "239.77.0.1", 5077
VLAN = {"host": "10.78.0.1", "other": "10.78.0.2"}


KINDS = ["virtio-net", "vmxnet3", "e1000"]
# What makes a driver take its adapter down and set it up anew; not all can negotiate.
RESETS = {"virtio-net": [["-G", "eno2", "rx", "128"]], "vmxnet3": [["-G", "eno2", "rx", "512"]],
          "e1000": [["-G", "eno2", "rx", "512"], ["-r", "eno2"]]}


def two_adapters(lab, build, kind, partner="ovs"):
    """Of that kind, cabled to the switch; no daemon yet."""
    first = GUEST["nics"].index(kind) + 1
    return Scene(lab, build, nics=2, rate="slow", partner=partner,
                 cable=Nics(lab, [first, first + 1]))


@pytest.fixture(scope="module", params=KINDS)
def scene(request, build):
    """For each kind one, converged, which the tests leave as it was: to start one costs ten seconds."""
    with Lab() as lab:
        made = two_adapters(lab, build, request.param).start()
        made.kind = request.param
        made.await_converged()
        add_vlan(made)
        yield made


def offloads(scene, nic):
    """By ethtool's names: whether it is on."""
    text = scene.host.run("ethtool", "-k", nic)
    return {name: state == "on" for name, state in re.findall(r"^(\S+): (on|off)", text, re.MULTILINE)}


def state_of_adapters(scene):
    return {nic: (offloads(scene, nic), scene.host.link(nic)["promiscuity"]) for nic in scene.nics}


def add_vlan(scene):
    for namespace, device, address in ((scene.host, "team0", VLAN["host"]), (scene.other, "eth0", VLAN["other"])):
        namespace.ip("link", "add", "link", device, "name", "vlan20", "type", "vlan", "id", "20")
        namespace.up("vlan20")
        namespace.address("vlan20", f"{address}/24")


def hear_group(scene, inbound):
    """Numbers of twenty datagrams to a multicast group as they arrive."""
    source, target = (scene.other, scene.host) if inbound else (scene.host, scene.other)
    own, far = (OTHER[0], HOST[0]) if inbound else (HOST[0], OTHER[0])
    with target.entered():
        receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with source.entered():
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    with receiver, sender:
        receiver.bind((GROUP, PORT))
        receiver.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP,
                            socket.inet_aton(GROUP) + socket.inet_aton(far))
        receiver.settimeout(1)
        sender.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
        for number in range(20):
            sender.sendto(bytes([number]), (GROUP, PORT))
            time.sleep(0.01)
        heard = []
        try:
            while True:
                heard += receiver.recv(16)
        except socket.timeout:
            return heard


def discover_neighbours(scene):
    """Each end forgets the other and finds it again, by IPv6 neighbour discovery."""
    for namespace, device, address in ((scene.host, "team0", OTHER[1]), (scene.other, "eth0", HOST[1])):
        for side, name in ((scene.host, "team0"), (scene.other, "eth0")):
            side.ip("-6", "neigh", "flush", "dev", name)
        namespace.run("ping", "-6", "-n", "-c", "2", "-i", "0.2", "-w", "5", "-I", device, address)


def assert_all_is_heard(scene):
    for inbound in (False, True):
        assert_clean(scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=1).result())
        assert hear_group(scene, inbound) == list(range(20))
    discover_neighbours(scene)
    scene.host.run("ping", "-n", "-c", "2", "-i", "0.2", "-w", "5", VLAN["other"])


@pytest.mark.parametrize("kind", KINDS)
def test_an_adapter_is_set_back_when_it_leaves(lab, build, kind):
    """Large receive is off and the adapter promiscuous as long as it is a member, no longer. The
    partner is the kernel's bonding driver."""
    scene = two_adapters(lab, build, kind, partner="bonding")
    before = state_of_adapters(scene)
    assert before["eno1"][0]["large-receive-offload"] == (kind == "vmxnet3")
    scene.start()
    scene.await_converged()
    for inbound in (False, True):
        assert_clean(scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=1).result())
    for found, promiscuity in state_of_adapters(scene).values():
        assert not found["large-receive-offload"] and promiscuity == 1
    assert scene.yoked.call("team", "delete", "team0").returncode == 0
    assert state_of_adapters(scene) == before


def test_what_members_hear_outlives_the_daemon(scene):
    """Unicast, multicast, neighbour discovery and frames of a VLAN that no adapter was told of
    arrive, with the daemon, after a kill -9, and with the next one; and they arrive because the
    members are promiscuous."""
    assert_all_is_heard(scene)
    scene.yoked.kill()
    assert_all_is_heard(scene)
    for nic in scene.nics:
        scene.host.ip("link", "set", "dev", nic, "promisc", "off")
    deaf = hear_group(scene, True)
    assert deaf == []
    scene.yoked.start()
    scene.await_converged()
    assert_all_is_heard(scene)


def outage(result):
    """From the first lost frame to the last, in ms."""
    times = [hole[key] for hole in result["holes"] for key in ("first_ms", "last_ms")]
    return max(times) - min(times) if times else 0.0


def pull_once(scene, spare, nic, after_event):
    """Returns (outage in ms, frames lost)."""
    scene.await_converged()
    wait_until(lambda: scene.yoked.member(nic)["buckets"] == 128, 15, "it carries its half")
    time.sleep(1.2)  # No link event for so long: the kernel owes no wait.
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=20).flows()
    time.sleep(0.2)
    if after_event:
        spare.pull()
        time.sleep(random.uniform(0.05, 0.3))
    scene.cable(nic).pull()
    time.sleep(1.3)  # Longer than the kernel ever holds the news back.
    result = traffic.stop()
    scene.cable(nic).plug()
    if after_event:
        spare.plug()
    assert result["failure"] == ""
    return outage(result), result["lost"]


@pytest.mark.parametrize("after_event", [False, True], ids=["quiet", "after-event"])
def test_a_link_cut_from_outside(scene, after_event, count=4):
    """What it costs by kind of adapter, when the kernel has been quiet and right after another
    link event, which makes it slow to tell."""
    cable = f"spare{int(after_event)}"
    spare = Cable(scene.lab, scene.host, cable, scene.switch.namespace, f"{cable}-far")
    scene.host.up(cable)
    found = [pull_once(scene, spare, scene.nics[number % 2], after_event) for number in range(count)]
    spare.destroy()
    lost = sorted(frames for _, frames in found)
    print(f"{scene.kind}, {scene.yoked.status()['carrier_sense']}: of {RATE} a second "
          f"{statistics.median(lost):.0f} lost (median), {lost[-1]} (worst); for ms: "
          + " ".join(f"{ms:.0f}" for ms, _ in found))
    assert statistics.median(lost) <= RATE * 0.02


def test_a_driver_that_is_taken_away_and_comes_back(scene):
    """The adapter vanishes and returns as another device: what was on its way to it is lost, no
    more, and it joins again and hears all that it must."""
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
    scene.cable("eno2").reset_driver()
    scene.await_converged(seconds=60)
    result = traffic.stop()
    print(f"{scene.kind}: {result['lost']} of {result['sent']} lost, for {outage(result):.0f} ms")
    assert result["lost"] <= RATE * 0.1
    assert_all_is_heard(scene)


def test_a_driver_that_resets_itself(scene):
    """Another size of its rings, or a new negotiation: the driver takes the adapter down and sets
    it up by itself. The team gets over it, and the member still hears all that it must."""
    for words in RESETS[scene.kind]:
        traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
        scene.host.run("ethtool", *words)
        time.sleep(1)
        scene.await_converged(seconds=60)
        result = traffic.stop()
        print(f"{scene.kind}, ethtool {' '.join(words)}: {result['lost']} of {result['sent']} lost, "
              f"for {outage(result):.0f} ms")
        assert_all_is_heard(scene)
