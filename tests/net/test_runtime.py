"""Teams are made, changed and unmade while they carry traffic: what does not change loses no frame."""

import time

import pytest

from lab import Scene, wait_until
from lab.daemon import team_config
from lab.traffic import assert_clean

RATE = 5000
FLOWS = 64
FIRST = ["eno1", "eno2"]


@pytest.fixture(params=["static", "lacp", "switch-independent"])
def scene(lab, build, request):
    """Four cables, of which the team has two, under a switch of that mode."""
    partner = "ovs" if request.param == "lacp" else "bridge"
    made = Scene(lab, build, partner=partner, mode=request.param, config=team_config(FIRST, mode=request.param))
    for nic in made.nics:
        made.host.up(nic)
    made.start()
    made.await_converged(FIRST) if request.param == "lacp" else made.yoked.await_passing(FIRST)
    return made


class Load:
    """Traffic both ways, so that also a switch that learns knows where the host is."""

    def __init__(self, scene):
        self.ways = [scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=60).flows()
                     for inbound in (False, True)]

    def assert_nothing_lost(self):
        """Where buckets move, frames may overtake each other in a switch that answers no Markers."""
        time.sleep(0.6)
        for result in [way.stop() for way in self.ways]:
            assert result["sent"] > RATE / 2
            assert_clean(result, reordered=False)


def change(scene, *words):
    """By yokectl, which ends when it is done; returns how long that took."""
    start = time.monotonic()
    result = scene.yoked.call(*words, json_output=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", ""), result
    return time.monotonic() - start


def refused(scene, *words):
    result = scene.yoked.call(*words, json_output=False)
    assert result.returncode == 1, result
    return result.stderr


def settled(scene, members):
    """All carry, and no bucket waits on another member."""
    scene.yoked.await_passing(members)
    wait_until(lambda: max(member["buckets"] for member in scene.yoked.team()["members"]) <= 256 // len(members) + 1,
               10, lambda: f"the buckets are shared out:\n{scene.yoked.say('status')}")


def test_members_and_settings_change_under_load(scene):
    """Two members come, the hash, a delay and the share change, one member goes: no frame is lost."""
    index = scene.host.link("team0")["ifindex"]
    for words in (["member", "add", "team0", "eno3"], ["member", "add", "team0", "eno4"]):
        load = Load(scene)
        change(scene, *words)
        settled(scene, scene.nics[:2 + (words[3] == "eno4") + 1])
        load.assert_nothing_lost()
    for setting in ("hash=mac-addresses", "hash=", 'monitor=[{"type":"carrier","up_delay_ms":50}]', "mtu=1500", "transmit=direct",
                    "transmit="):
        load = Load(scene)
        change(scene, "team", "set", "team0", setting)
        load.assert_nothing_lost()
    load = Load(scene)
    took = change(scene, "member", "remove", "team0", "eno1")
    settled(scene, scene.nics[1:])
    load.assert_nothing_lost()
    print(f"a member left within {took:.2f} s")
    assert "master" not in scene.host.link("eno1") and scene.host.link("eno1")["promiscuity"] == 0
    assert scene.host.link("team0")["ifindex"] == index
    assert [member["name"] for member in scene.yoked.team()["members"]] == scene.nics[1:]


def test_what_was_changed_outlives_the_daemon(scene):
    """A kill under load after changes: the next daemon goes on with what ran, not with what the file says."""
    change(scene, "member", "add", "team0", "eno3")
    change(scene, "team", "set", "team0", "hash=ip-addresses")
    settled(scene, scene.nics[:3])
    load = Load(scene)
    time.sleep(0.2)
    scene.yoked.kill()
    scene.yoked.start()
    settled(scene, scene.nics[:3])
    load.assert_nothing_lost()
    team = scene.yoked.team()
    assert team["changed"] and team["hash"] == "ip-addresses" and team["adopted"]
    scene.yoked.stop()
    # The file changes: now that holds.
    scene.configure(team_config(FIRST, mode=scene.mode, mtu=1400))
    scene.yoked.start()
    scene.yoked.await_passing(FIRST)
    wait_until(lambda: scene.yoked.team()["mtu"] == 1400, 5, "the team has its new MTU")
    team = scene.yoked.team()
    assert not team["changed"] and team["hash"] == "transport-ports"


def test_another_mode_at_run_time(scene):
    """The device and its members stay; what carried goes on where the new mode knows nobody to ask."""
    index = scene.host.link("team0")["ifindex"]
    if scene.mode != "lacp":
        other = "switch-independent" if scene.mode == "static" else "static"
        for mode in (other, scene.mode):
            load = Load(scene)
            change(scene, "team", "set", "team0", f"mode={mode}")
            assert scene.yoked.team()["mode"] == mode
            load.assert_nothing_lost()
        change(scene, "team", "set", "team0", "mode=lacp", "lacp.rate=slow")
        assert scene.yoked.team()["mode"] == "lacp"
        assert scene.yoked.team()["state"] == "down"
        change(scene, "team", "set", "team0", "mode=static")
        load = Load(scene)
        load.assert_nothing_lost()
    else:
        change(scene, "team", "set", "team0", "lacp.rate=slow", "lacp.active=true")
        scene.yoked.await_passing(FIRST)
        change(scene, "team", "set", "team0", "mode=static")
        assert all(member["state"] == "active" for member in scene.yoked.team()["members"])
        wait_until(lambda: not scene.switch.passing(), 5, "the switch heard that the links leave")
        change(scene, "team", "set", "team0", "mode=lacp")
        scene.await_converged(FIRST)
    assert scene.host.link("team0")["ifindex"] == index


def test_a_team_is_created_and_deleted(scene):
    """A second team beside the first, from nothing and back; a restart in between."""
    load = Load(scene)
    took = change(scene, "team", "create", "team1", "--mode", scene.mode, "--member", "eno3", "--member", "eno4",
                  "--mtu", "1400")
    print(f"created within {took:.2f} s")
    assert scene.host.link("team1")["mtu"] == 1400
    scene.yoked.kill()
    scene.yoked.start()
    assert scene.yoked.team("team1")["changed"] and scene.yoked.team("team1")["file"] == ""
    assert [member["name"] for member in scene.yoked.team("team1")["members"]] == ["eno3", "eno4"]
    change(scene, "team", "delete", "team1")
    assert not scene.host.link("team1")
    scene.yoked.kill()
    scene.yoked.start()
    assert [team["name"] for team in scene.yoked.ask("team", "list")["teams"]] == ["team0"]
    load.assert_nothing_lost()


def test_what_is_refused_changes_nothing(scene):
    """Devices that are somebody's, settings that are wrong, the last member: each in words, under load."""
    host = scene.host
    host.ip("link", "add", "name", "br0", "type", "bridge")
    host.ip("link", "set", "dev", "eno3", "master", "br0")
    host.ip("link", "add", "link", "eno4", "name", "mv0", "type", "macvlan")
    host.ip("link", "add", "name", "team9", "type", "veth", "peer", "name", "peer9")
    before = scene.yoked.team()["settings"]
    load = Load(scene)
    for words, sentence in [
            (["member", "add", "team0", "eno3"], "it belongs to br0 (a bridge device)"),
            (["member", "add", "team0", "eno4"], "mv0 (a macvlan device) sits on it"),
            (["member", "add", "team0", "lo"], "it is the loopback device"),
            (["member", "add", "team0", "team0"], "which is the team itself"),
            (["member", "add", "team0", "eno9"], 'there is no network device "eno9"'),
            (["team", "create", "team9", "--mode", "static", "--member", "peer9"], "it is not ours"),
            (["team", "create", "team1", "--mode", "static", "--member", "eno3"], "it belongs to br0"),
            (["team", "create", "team1", "--mode", "static", "--member", "eno1"], "eno1 is a member of team0 already"),
            (["team", "set", "team0", "mtu=9000", "hash=nothing"], 'hash is "nothing": expected'),
            (["team", "set", "team0", "datapath=team"], "its device would have to be made anew"),
            (["team", "set", "team0", 'members=[{"name":"eno1"},{"name":"eno3"}]', "mtu=1400"], "it belongs to br0"),
            (["team", "set", "team0", 'members=[{"name":"eno4"}]'], "is the last member of team0 that carries")]:
        assert sentence in refused(scene, *words), words
        assert scene.yoked.team()["settings"] == before, words
        assert {member["state"] for member in scene.yoked.team()["members"]} == {"active"}, words
        assert scene.yoked.team()["mtu"] == 1500
    assert not host.link("team1")
    assert host.link("eno3")["master"] == "br0"
    load.assert_nothing_lost()
