"""Partners that misbehave, and what the daemon says of them."""

import time

import pytest

from lab import Cable, Pair, Partner, Yoked, pdu, team_config, wait_until


def test_a_key_mismatch_is_explained(lab, build):
    """Ports in two channel groups: the odd one carries nothing, and the reason names both keys."""
    pair = Pair(lab, build, nics=3)
    pair.ports[2].key = 12
    member = pair.yoked.await_member("eno3", reason="partner-key")
    pair.yoked.await_passing(["eno1", "eno2"])
    print(member["explanation"])
    assert "12" in member["explanation"] and "11" in member["explanation"]
    assert "different channel groups" in member["explanation"]
    assert member["explanation"] in pair.yoked.say("team", "show", "team0").replace("\n  ", " ") or \
        "different channel groups" in " ".join(pair.yoked.say("team", "show", "team0").split())
    # Put right at the switch, it joins.
    pair.ports[2].key = None
    pair.yoked.await_passing(pair.nics)


def test_a_key_that_changes_is_traced(lab, build):
    """The trace of a member whose partner changed its key says that the key was the cause."""
    pair = Pair(lab, build).converge()
    pair.ports[1].key = 12
    pair.yoked.await_member("eno2", reason="partner-key")
    print(pair.causes("eno2"))
    assert "key" in pair.causes("eno2")
    assert pair.yoked.passing() == {"eno1"}


def test_a_silent_partner_is_explained(lab, build):
    """LACP is off at the switch: no member passes, and the reason says so."""
    pair = Pair(lab, build, silent=True)
    member = pair.yoked.await_member("eno1", reason="partner-silent")
    print(member["explanation"])
    assert "no LACPDU has come" in member["explanation"] or "not been heard" in member["explanation"]
    wait_until(lambda: "LACP is not on at the switch" in pair.yoked.member("eno1")["explanation"], 10,
               "the explanation gets definite")
    assert pair.yoked.team()["state"] == "down"


def test_a_partner_that_falls_silent_is_traced(lab, build):
    """Three seconds without a LACPDU take the member out; the trace tells of the silence."""
    pair = Pair(lab, build).converge()
    pair.ports[0].silent = True
    start = time.monotonic()
    member = pair.yoked.await_member("eno1", state="failed", buckets=0)
    print(f"after {time.monotonic() - start:.2f} s: {member['explanation']}")
    assert 1.9 < time.monotonic() - start < 4.5
    assert "current_while expired" in pair.causes("eno1")
    assert "nothing" in member["explanation"]
    assert pair.yoked.passing() == {"eno2"}
    pair.ports[0].silent = False
    pair.yoked.await_passing(pair.nics)


def test_a_pulled_cable_is_explained_and_traced(lab, build):
    """No carrier: the reason, the explanation and the trace say so."""
    pair = Pair(lab, build).converge()
    pair.cables[0].pull()
    member = pair.yoked.await_member("eno1", reason="no-carrier", state="down")
    print(member["explanation"] + "\n" + pair.causes("eno1"))
    assert "cable" in member["explanation"]
    assert "link" in pair.yoked.trace("eno1")[-1]["cause"] or "link" in pair.causes("eno1")
    assert "port-disabled" in pair.causes("eno1")
    text = pair.yoked.say("lacp", "trace", "team0", "eno1")
    assert "port-disabled" in text and "CAUSE" in text


def test_a_partner_that_changes_its_identity(lab, build):
    """One port's partner becomes another system: that member leaves, the other goes on; when all
    have become that system the team follows."""
    pair = Pair(lab, build).converge()
    steps = len(pair.yoked.trace("eno1"))
    pair.ports[1].system = "02:cc:00:00:00:02"
    member = pair.yoked.await_member("eno2", reason="partner-system")
    print(member["explanation"])
    assert "02:cc:00:00:00:02" in member["explanation"]
    assert len(pair.yoked.trace("eno1")) == steps
    pair.ports[0].system = "02:cc:00:00:00:02"
    pair.yoked.await_passing(pair.nics)
    assert pair.yoked.team()["partner"]["system"] == "02:cc:00:00:00:02"


def test_an_identity_that_changes_all_the_time(lab, build):
    """A partner that is somebody else with each LACPDU carries nothing and disturbs nobody."""
    pair = Pair(lab, build).converge()
    steps = len(pair.yoked.trace("eno1"))
    for number in range(30):
        pair.ports[1].system = f"02:cc:00:00:01:{number:02x}"
        time.sleep(0.1)
    assert "eno2" not in pair.yoked.passing()
    assert len(pair.yoked.trace("eno1")) == steps
    assert pair.yoked.passing() == {"eno1"}
    pair.ports[1].system = None
    pair.yoked.await_passing(pair.nics)


def test_an_echo_is_a_loop(lab, build):
    """A port that hears its own LACPDUs stays out, and says loopback."""
    pair = Pair(lab, build)
    pair.ports[1].echo = True
    member = pair.yoked.await_member("eno2", reason="loopback")
    print(member["explanation"])
    assert "loop" in member["explanation"]
    assert member["lacp"]["counters"]["loopback_rx"] > 0
    pair.yoked.await_passing(["eno1"])
    rate = member["lacp"]["counters"]["lacpdu_tx"]
    time.sleep(3)
    sent = pair.yoked.member("eno2")["lacp"]["counters"]["lacpdu_tx"] - rate
    assert sent <= 3 * 4  # No storm of answers to ourselves.


def test_two_members_joined_to_each_other(lab, build):
    """A cable from one of our adapters to another: both are kept out, and named."""
    host = lab.namespace("host")
    far = lab.namespace("far")
    good = Cable(lab, host, "eno1", far, "p1")
    host.ip("link", "add", "name", "eno2", "type", "veth", "peer", "name", "eno3")
    yoked = Yoked(lab, build, host)
    yoked.configure(team_config(["eno1", "eno2", "eno3"]))
    Partner(lab, [good])
    yoked.start()
    yoked.await_passing(["eno1"])
    for nic, other in (("eno2", "eno3"), ("eno3", "eno2")):
        member = yoked.await_member(nic, reason="loopback")
        assert other in member["explanation"]


def test_a_partner_that_does_not_get_in_sync(lab, build):
    """The switch keeps a port out (standby, suspended): the reason tells whose doing it is."""
    pair = Pair(lab, build)
    pair.ports[1].in_sync = False
    member = pair.yoked.await_member("eno2", reason="partner-not-in-sync")
    print(member["explanation"])
    assert "switch keeps that port out" in member["explanation"]
    assert pair.yoked.passing() == {"eno1"}
    pair.ports[1].in_sync = True
    pair.yoked.await_passing(pair.nics)


def test_a_passive_partner(lab, build):
    """A passive partner answers us and converges."""
    Pair(lab, build, active=False).converge()


def test_two_passive_ends(lab, build):
    """Nobody begins: no LACPDU is sent at all, and the reason tells that both may be passive."""
    pair = Pair(lab, build, active=False, lacp={"active": False})
    member = pair.yoked.await_member("eno1", reason="partner-silent")
    wait_until(lambda: "passive there as it is here" in pair.yoked.member("eno1")["explanation"], 10,
               "the explanation says it")
    assert member["lacp"]["counters"]["lacpdu_tx"] == 0
    assert not pair.ports[0].heard
    assert not pair.host.has_carrier("team0")


def test_ports_beyond_max_links_are_standby(lab, build):
    """Of three links two may carry; the third waits, and takes over when one fails."""
    pair = Pair(lab, build, nics=3, lacp={"max_links": 2, "system_priority": 1})
    pair.yoked.await_passing(["eno1", "eno2"])
    member = pair.yoked.await_member("eno3", state="standby", reason="standby")
    assert "synchronization" not in member["lacp"]["actor"]["state"]
    pair.cables[0].pull()
    pair.yoked.await_passing(["eno2", "eno3"])


def test_fewer_links_than_min_links(lab, build):
    """With one of two links gone and min_links = 2 the team carries nothing, and says why."""
    pair = Pair(lab, build, lacp={"min_links": 2}).converge()
    pair.cables[0].pull()
    member = pair.yoked.await_member("eno2", reason="min-links")
    print(member["explanation"])
    assert not pair.host.has_carrier("team0")
    pair.cables[0].plug()
    pair.yoked.await_passing(pair.nics)
    assert pair.host.has_carrier("team0")


@pytest.mark.parametrize("fallback,expected", [("one", 1), ("all", 2)])
def test_a_silent_partner_with_fallback(lab, build, fallback, expected):
    """A host that boots over the network: after a while without a partner one port, or all, carry."""
    pair = Pair(lab, build, silent=True, lacp={"fallback": fallback, "fallback_delay_ms": 1000})
    wait_until(lambda: sum(member["buckets"] > 0 for member in pair.yoked.team()["members"]) == expected,
               15, lambda: f"{expected} carry; now:\n{pair.yoked.say('status')}")
    assert pair.host.has_carrier("team0")
    for port in pair.ports:
        port.silent = False
    pair.yoked.await_passing(pair.nics)


def test_independent_control(lab, build):
    """With independent control the members converge as well."""
    Pair(lab, build, lacp={"control": "independent"}).converge()


def test_a_member_that_returns_takes_its_buckets_in_order(lab, build):
    """Buckets go back to a returned member after a Marker was answered: with proof of order."""
    def half_are_back():
        wait_until(lambda: pair.yoked.member("eno2")["buckets"] == 128, 10, "half of the buckets are back")
    pair = Pair(lab, build).converge()
    half_are_back()
    before = pair.yoked.team()["moved_in_order"]
    pair.cables[1].pull()
    pair.yoked.await_member("eno2", reason="no-carrier")
    pair.cables[1].plug()
    pair.yoked.await_passing(pair.nics)
    half_are_back()
    team = pair.yoked.team()
    print(f"{team['moved_in_order'] - before} moved in order, {team['moved_unproven']} without proof")
    assert team["moved_in_order"] - before == 128 and team["moved_unproven"] == 0
    markers = [heard for heard in pair.ports[0].heard if heard.payload[:3] == b"\x02\x01\x01"]
    assert markers and len(markers[0].frame) == 124
    assert pdu.mac_text(markers[0].frame[6:12]) == pair.host.link("eno1")["address"]


def test_the_timeout_of_each_end_is_kept(lab, build):
    """A slow partner gets a LACPDU each 30 s only, while we ask it for one each second."""
    pair = Pair(lab, build, fast=False).converge()
    time.sleep(1)
    count = len(pair.ports[0].heard)
    time.sleep(4)
    assert len(pair.ports[0].heard) - count <= 1
