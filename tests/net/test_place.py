"""The place where tests run: its kernel has what the lab needs, its clock goes as it should, and the
daemon starts on it."""

import os
import pathlib
import tempfile
import time

import pytest

from lab import wait_until
from lab.guest import place

DEVICES = {
    "team": ["type", "team"],
    "bonding": ["type", "bond", "mode", "802.3ad", "lacp_rate", "fast"],
    "8021q": ["link", "base0", "type", "vlan", "id", "7"],
    "bridge": ["type", "bridge", "vlan_filtering", "1"],
    "veth with queues": ["numtxqueues", "4", "type", "veth", "peer", "name", "peer0"],
    "dummy": ["type", "dummy"],
    "ifb": ["type", "ifb"],
}
GUESTS = place.guests()


@pytest.fixture
def machine(lab):
    found = lab.namespace("machine")
    found.ip("link", "add", "name", "base0", "type", "veth", "peer", "name", "base1")
    found.up("base0")
    return found


@pytest.mark.at(*GUESTS)
@pytest.mark.parametrize("kind", DEVICES)
def test_the_kernel_makes_every_kind_of_device(machine, kind):
    """The drivers are there, be they built in or loaded now."""
    machine.ip("link", "add", "name", "made0", *DEVICES[kind])
    assert machine.link("made0")["linkinfo"]["info_kind"] == DEVICES[kind][DEVICES[kind].index("type") + 1]


@pytest.mark.at(*GUESTS)
def test_frames_can_be_delayed(machine):
    """netem holds a frame back for as long as it is told to."""
    machine.address("base0", "10.77.0.1/24")
    far = machine.name + "-far"
    machine.run("ip", "netns", "add", far)
    machine.ip("link", "set", "dev", "base1", "netns", far)
    try:
        machine.run("ip", "-n", far, "link", "set", "base1", "up")
        machine.run("ip", "-n", far, "addr", "add", "10.77.0.2/24", "dev", "base1")
        machine.run("tc", "qdisc", "add", "dev", "base0", "root", "netem", "delay", "300ms")
        start = time.monotonic()
        machine.run("ping", "-c", "1", "-W", "5", "10.77.0.2")
        assert 0.29 < time.monotonic() - start < 2
    finally:
        machine.run("ip", "netns", "del", far)


@pytest.mark.at(*GUESTS)
def test_traffic_control_has_what_the_datapaths_use(machine):
    """clsact, and the disciplines that tests put on devices."""
    machine.run("tc", "qdisc", "add", "dev", "base0", "clsact")
    machine.run("tc", "filter", "add", "dev", "base0", "ingress", "matchall", "action", "drop")
    machine.run("tc", "qdisc", "add", "dev", "base0", "root", "handle", "1:", "htb")
    assert "clsact" in machine.run("tc", "qdisc", "show", "dev", "base0")


@pytest.mark.at("time-travel")
def test_there_are_adapters_without_hardware(machine):
    """netdevsim is built in; its devices come by a file in sysfs."""
    bus = pathlib.Path("/sys/bus/netdevsim")
    (bus / "new_device").write_text("7 1 4", encoding="ascii")
    try:
        wait_until(lambda: list((bus / "devices/netdevsim7").glob("net/*")), 5, "netdevsim7 has an adapter")
    finally:
        (bus / "del_device").write_text("7", encoding="ascii")


def outside_clock():
    """What the host's clock says: a file gets its time from there."""
    with tempfile.NamedTemporaryFile(dir=os.environ["YOKE_BUILD"]) as file:
        return os.stat(file.name).st_mtime


@pytest.mark.at("time-travel")
def test_waiting_costs_nothing():
    """100 s in the guest are exact, and pass at once outside of it."""
    outside, start = outside_clock(), time.monotonic()
    time.sleep(100)
    inside, outside = time.monotonic() - start, outside_clock() - outside
    print(f"{inside:.6f} s in the guest, {outside:.2f} s outside")
    assert 100 <= inside < 100.01
    assert outside < 10


@pytest.mark.at("uml")
def test_time_goes_as_it_does_outside():
    """In a guest in real time a second is a second."""
    outside, start = outside_clock(), time.monotonic()
    time.sleep(2)
    inside, outside = time.monotonic() - start, outside_clock() - outside
    print(f"{inside:.2f} s in the guest, {outside:.2f} s outside")
    assert abs(inside - outside) < 0.3


def test_the_daemon_starts_and_converges(scene):
    """A team on this kernel, against the switch."""
    print(os.uname().release, scene.yoked.status()["datapath_why"])
    assert scene.yoked.team()["state"] == "up"


def test_frames_pass(scene):
    """Through the team and the switch, both ways."""
    rate = place.pick(1000, {"time-travel": 100, "emulator": 100})
    for inbound in (False, True):
        result = scene.traffic("udp", inbound=inbound, flows=16, rate=rate, seconds=1).result()
        assert result["sent"] == result["received"] > 0
