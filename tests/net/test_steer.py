"""Our programs beside the kernel's team driver: they come and go with what a team asks for, while it carries
traffic, and outlive the daemon."""

import json
import time

import pytest

from lab import Scene, wait_until
from lab.traffic import assert_clean

pytestmark = pytest.mark.at("uml", "emulator")

RATE = 400
FLOWS = 32


@pytest.fixture
def scene(lab, build):
    made = Scene(lab, build, nics=3, partner="bridge", mode="static", datapath="team").start()
    made.yoked.await_passing(made.nics)
    return made


def change(scene, *settings):
    result = scene.yoked.call("team", "set", "team0", *settings, json_output=False)
    assert result.returncode == 0, result.stderr


def queues(scene):
    return [int(scene.host.run("teamnl", "team0", "-p", nic, "getoption", "queue_id")) for nic in scene.nics]


def programs(scene, device="team0", way="egress"):
    """Names of our programs there, by TCX or clsact."""
    found = json.loads(scene.host.run("bpftool", "-j", "net", "show", "dev", device))[0]["tc"]
    return [entry["name"] for entry in found if way in entry["kind"]]


def both_ways(scene):
    return [scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=60).flows() for inbound in (False, True)]


def assert_whole(ways):
    for way in ways:
        result = way.stop()
        assert result["sent"] > RATE / 4
        assert_clean(result, reordered=False)


def test_rules_come_and_go_under_traffic(scene):
    """From the driver alone to homes, flowlets, inner headers, and back: no frame is lost."""
    assert queues(scene) == [0, 0, 0] and not programs(scene)
    for settings in (["balance=vm-port"], ["balance=dynamic"], ["balance=address-hash", "hash_inner=true"],
                     ["hash_inner=false"]):
        ways = both_ways(scene)
        time.sleep(0.3)
        change(scene, *settings)
        time.sleep(1)
        assert_whole(ways)
        steered = settings != ["hash_inner=false"]
        wait_until(lambda: queues(scene) == ([1, 2, 3] if steered else [0, 0, 0]), 5, lambda: queues(scene))
        assert any("yoke_tx" in name for name in programs(scene)) == steered
    assert scene.yoked.team()["datapath"] == "team"


def test_a_kill_and_a_restart_go_unnoticed(scene):
    change(scene, "balance=vm-port")
    ways = both_ways(scene)
    for _ in range(2):
        time.sleep(0.3)
        scene.yoked.kill()
        time.sleep(0.5)
        scene.yoked.start()
        scene.yoked.await_passing(scene.nics)
    assert_whole(ways)
    assert scene.yoked.team()["adopted"] and scene.yoked.team()["balance"] == "vm-port"
    assert queues(scene) == [1, 2, 3]


def test_a_member_comes_and_goes(scene):
    """It has its programs before it is a port, and none of ours when it is free; the others lose nothing."""
    change(scene, "balance=dynamic")
    address = scene.host.link("team0")["address"]
    ways = both_ways(scene)
    for words in (["remove", "team0", "eno3"], ["add", "team0", "eno3"]):
        result = scene.yoked.call("member", *words, json_output=False)
        assert result.returncode == 0, result.stderr
        is_member = words[0] == "add"
        assert (scene.host.link("eno3")["address"] == address) == is_member
        assert bool(programs(scene, "eno3", "ingress")) == is_member
    scene.yoked.await_passing(scene.nics)
    assert_whole(ways)


def test_it_goes_without_a_trace(scene):
    change(scene, "balance=vm-port")
    result = scene.yoked.call("team", "delete", "team0", json_output=False)
    assert result.returncode == 0, result.stderr
    assert not scene.host.link("team0")
    assert all(not programs(scene, nic, "ingress") for nic in scene.nics)
