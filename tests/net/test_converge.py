"""A team comes up against a real LACP switch."""

import time

import pytest

from lab import Scene, team_config


@pytest.mark.parametrize("rate", ["fast", "slow"])
def test_four_members_converge(lab, build, rate):
    """Four members collect and distribute on both sides, at either rate."""
    scene = Scene(lab, build, rate=rate, lacp={"rate": rate})
    start = time.monotonic()
    scene.start()
    scene.await_converged()
    print(f"converged {time.monotonic() - start:.2f} s after the daemon's start")
    team = scene.yoked.team()
    assert team["state"] == "up"
    assert sum(member["buckets"] for member in team["members"]) == 256
    timeouts = {"timeout" in member["lacp"]["partner"]["state"] for member in team["members"]}
    assert timeouts == {rate == "fast"}
    assert scene.host.has_carrier("team0")


@pytest.mark.parametrize("active_end", ["host", "switch"])
def test_one_active_end_is_enough(lab, build, active_end):
    """The team converges if only the host, or only the switch, is active."""
    scene = Scene(lab, build, nics=2, lacp={"active": active_end == "host"})
    scene.switch.vsctl("set", "port", "lag", f"lacp={'active' if active_end == 'switch' else 'passive'}")
    scene.start()
    scene.await_converged()


def test_the_team_has_no_carrier_before_it_converges(lab, build):
    """Without a partner that is in sync team0 has no carrier; with one it has."""
    scene = Scene(lab, build, nics=2)
    for cable in scene.cables:
        cable.pull()
    scene.start()
    scene.yoked.await_member("eno1", reason="no-carrier")
    assert not scene.host.has_carrier("team0")
    assert scene.yoked.team()["state"] == "down"
    for cable in scene.cables:
        cable.plug()
    scene.await_converged()
    assert scene.host.has_carrier("team0")


def test_two_teams_live_side_by_side(lab, build):
    """Two teams on one host have keys of their own and converge each for itself."""
    scene = Scene(lab, build, nics=4)
    scene.switch.vsctl("del-port", "lag")
    for number, ports in enumerate((["p1", "p2"], ["p3", "p4"])):
        scene.switch.add_team(ports, name=f"lag{number}")
        scene.switch.vsctl("set", "port", f"lag{number}", f"tag={number + 1}")
        scene.yoked.configure(team_config([port.replace("p", "eno") for port in ports],
                                          name=f"team{number}"), f"team{number}.conf")
    scene.yoked.start()
    scene.yoked.await_passing(["eno1", "eno2"], "team0")
    scene.yoked.await_passing(["eno3", "eno4"], "team1")
    keys = [{member["lacp"]["actor"]["key"] for member in scene.yoked.team(name)["members"]}
            for name in ("team0", "team1")]
    assert len(keys[0]) == len(keys[1]) == 1
    assert keys[0].isdisjoint(keys[1])


def type_names(value):
    """The shape of a JSON value, as nested names of types."""
    if isinstance(value, dict):
        return {key: type_names(item) for key, item in value.items()}
    if isinstance(value, list):
        return [type_names(value[0])] if value else []
    return type(value).__name__


INFO = {"system_priority": "int", "system": "str", "key": "int", "port_priority": "int",
        "port": "int", "state": ["str"]}
COUNTERS = ("lacpdu_rx", "lacpdu_tx", "marker_rx", "marker_response_tx", "unknown_rx", "illegal_rx")
LACP = {"receive": "str", "mux": "str", "periodic": "str", "selected": "str", "aggregator": "int",
        "actor": INFO, "partner": INFO, "churn": {"actor": "str", "partner": "str"},
        "counters": {name: "int" for name in COUNTERS}}
MEMBER = {"name": "str", "state": "str", "reason": "str", "explanation": "str", "carrier": "bool",
          "speed_mbps": "int", "buckets": "int", "rx_bytes": "int", "tx_bytes": "int",
          "rx_packets": "int", "tx_packets": "int", "lacp": LACP}
TEAM = {"name": "str", "mode": "str", "balance": "str", "datapath": "str", "state": "str",
        "mac": "str", "mtu": "int", "speed_mbps": "int", "members": [MEMBER],
        "interfaces": [{"name": "str"}]}


def missing(expected, found, path="team"):
    """What of the expected shape is not there, in words."""
    if isinstance(expected, dict) and isinstance(found, dict):
        return [line for key, value in expected.items()
                for line in missing(value, found.get(key), f"{path}.{key}")]
    if isinstance(expected, list) and isinstance(found, list):
        return missing(expected[0], found[0] if found else None, path + "[]")
    return [] if expected == found else [f"{path} is {found}, not {expected}"]


def test_the_json_has_the_shape_of_the_design(shared):
    """'team show' and 'status' print the objects that scripts rely on."""
    assert missing(TEAM, type_names(shared.yoked.team())) == []
    status = shared.yoked.ask("status")
    assert missing(TEAM, type_names(status["teams"][0]), "status.teams[]") == []


def test_status_says_what_it_runs_on(shared):
    """Which datapath and which carrier sense are at work, each with why."""
    host = shared.yoked.status()
    print(f"{host['datapath']}: {host['datapath_why']}; {host['carrier_sense']}: {host['carrier_sense_why']}")
    assert host["datapath"] == "bpf" and host["datapath_why"]
    assert host["carrier_sense"] in ("polling", "kernel") and host["carrier_sense_why"]


def test_what_the_switch_knows_of_us_is_what_we_say(shared):
    """System, key, port and priorities in the switch's view are the daemon's own."""
    team = shared.yoked.team()
    ports = shared.switch.members()
    for cable, member in zip(shared.cables, team["members"]):
        actor, seen = member["lacp"]["actor"], ports[cable.far_name]
        assert seen["partner sys_id"] == actor["system"]
        assert [seen[f"partner {word}"] for word in ("sys_priority", "key", "port_id", "port_priority")] \
            == [str(actor[word]) for word in ("system_priority", "key", "port", "port_priority")]
    assert len({member["lacp"]["actor"]["port"] for member in team["members"]}) == 4
