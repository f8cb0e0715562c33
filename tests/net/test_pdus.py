"""Frames that are no good LACPDUs, or good in an unusual way."""

import dataclasses
import random
import time

import pytest

from lab import Cable, Partner, Yoked, pdu, team_config, wait_until
from lab.pdu import Info, Lacpdu


@pytest.fixture
def pair(lab, build):
    """(yoked, partner) with two members that pass, against a partner that sends any frame."""
    host, far = lab.namespace("host"), lab.namespace("far")
    cables = [Cable(lab, host, f"eno{n}", far, f"p{n}") for n in (1, 2)]
    yoked = Yoked(lab, build, host)
    yoked.configure(team_config(["eno1", "eno2"]))
    partner = Partner(lab, cables)
    yoked.start()
    partner.await_passing(2)
    yoked.await_passing(["eno1", "eno2"])
    return yoked, partner


def counters(yoked, nic="eno1"):
    return yoked.member(nic)["lacp"]["counters"]


def changed(payload, *edits):
    octets = bytearray(payload)
    for place, value in edits:
        octets[place] = value
    return bytes(octets)


# Each is made from a good PDU's payload; with the counter that must tell of it.
BAD = {
    "truncated to 109 octets": (lambda good: good[:109], "illegal_rx"),
    "truncated behind the actor": (lambda good: good[:22], "illegal_rx"),
    "only the subtype": (lambda good: good[:1], "illegal_rx"),
    "actor of length 19": (lambda good: changed(good, (3, 19)), "illegal_rx"),
    "actor of length 0": (lambda good: changed(good, (3, 0)), "illegal_rx"),
    "partner of length 255": (lambda good: changed(good, (23, 255)), "illegal_rx"),
    "collector of length 0": (lambda good: changed(good, (43, 0)), "illegal_rx"),
    "actor port 0": (lambda good: changed(good, (16, 0), (17, 0)), "illegal_rx"),
    "subtype 0": (lambda good: changed(good, (0, 0)), "illegal_rx"),
    "subtype 255": (lambda good: changed(good, (0, 255)), "illegal_rx"),
    "subtype 3, which is OAM's": (lambda good: changed(good, (0, 3)), "unknown_rx"),
    "Marker of length 3": (lambda good: changed(pdu.marker(1, "02:bb:00:00:00:01", 1), (3, 3)), "illegal_rx"),
    "Marker truncated": (lambda good: pdu.marker(1, "02:bb:00:00:00:01", 1)[:20], "illegal_rx"),
    "Marker of type 9": (lambda good: changed(pdu.marker(1, "02:bb:00:00:00:01", 1), (2, 9)), "illegal_rx"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_malformed_pdu_is_counted_and_changes_nothing(pair, what):
    """Counted as the standard says; no machine moves, the members go on."""
    make, counter = BAD[what]
    yoked, partner = pair
    port = partner.ports[0]
    before, steps = counters(yoked)[counter], len(yoked.trace("eno1"))
    for _ in range(5):
        port.send(pdu.frame(port.hardware, make(port.lacpdu().pack())))
    wait_until(lambda: counters(yoked)[counter] == before + 5, 5,
               lambda: f"{counter} is {before + 5}; now {counters(yoked)}")
    assert len(yoked.trace("eno1")) == steps
    assert yoked.passing() == {"eno1", "eno2"}


# A PDU that would take the member out, if it were believed.
POISON = Lacpdu(Info(1, "02:de:ad:00:00:01", 66, 1, 66, 0), Info())

NOT_FOR_US = {
    "tagged with a VLAN": dict(vlan=5),
    "to another group address": dict(destination=bytes.fromhex("0180c2000000")),
    "to the adapter itself": dict(destination=None),
    "to everybody": dict(destination=b"\xff" * 6),
    "of another protocol": dict(ethertype=0x88cc),
}


@pytest.mark.parametrize("what", NOT_FOR_US)
def test_a_frame_that_is_no_slow_protocol_frame_is_not_believed(pair, what):
    """LACPDUs that are tagged or go to a wrong address do not reach the protocol."""
    yoked, partner = pair
    port = partner.ports[0]
    options = dict(NOT_FOR_US[what])
    if "destination" in options and options["destination"] is None:
        options["destination"] = pdu.mac_bytes(yoked.namespace.link("eno1")["address"])
    steps = len(yoked.trace("eno1"))
    for _ in range(5):
        port.send(pdu.frame(port.hardware, POISON.pack(), **options))
    heard = counters(yoked)["lacpdu_rx"]
    wait_until(lambda: counters(yoked)["lacpdu_rx"] > heard + 1, 5, "the partner's next PDUs are heard")
    assert len(yoked.trace("eno1")) == steps
    assert yoked.passing() == {"eno1", "eno2"}


UNUSUAL = {
    "version 0": lambda good: changed(good, (1, 0)),
    "version 9 with TLVs of its own":
        lambda good: changed(good, (1, 9), (58, 4), (59, 6), (64, 5), (65, 20)),
    "reserved octets set": lambda good: changed(good, *((place, 0xff) for place in
                                                       (19, 20, 21, 39, 40, 41, 46, 57, 60, 109))),
    "types of TLVs unknown": lambda good: changed(good, (2, 77), (22, 78), (42, 79)),
    "longer than it needs to be": lambda good: good + bytes(200),
}


@pytest.mark.parametrize("what", UNUSUAL)
def test_an_unusual_pdu_is_taken(pair, what):
    """Later versions interoperate: what the standard forbids to check is not checked."""
    yoked, partner = pair
    port = partner.ports[0]
    # Only such PDUs from now on: longer than the timeout, so that they must have been taken.
    port.silent = True
    before, steps = counters(yoked), len(yoked.trace("eno1"))
    for _ in range(8):
        port.send(pdu.frame(port.hardware, UNUSUAL[what](port.lacpdu().pack())))
        time.sleep(0.5)
    after = counters(yoked)
    assert after["lacpdu_rx"] >= before["lacpdu_rx"] + 8
    assert after["illegal_rx"] == before["illegal_rx"]
    assert len(yoked.trace("eno1")) == steps
    assert yoked.passing() == {"eno1", "eno2"}


def test_garbage(pair):
    """Random frames of the slow protocol, 20 a second: counted, and both members go on."""
    yoked, partner = pair
    port = partner.ports[0]
    source = random.Random(802)
    good = port.lacpdu().pack()
    steps = len(yoked.trace("eno2"))
    for _ in range(60):
        octets = bytearray(source.choice([good, pdu.marker(1, port.hardware, 1)]))
        for _ in range(source.randrange(1, 5)):
            # Anywhere but in what says who sends: those would be good PDUs of another partner.
            octets[source.choice([0, 2, 3, 22, 23, 42, 43])] = source.randrange(256)
        port.send(pdu.frame(port.hardware, bytes(octets[:source.randrange(1, len(octets) + 1)])))
        time.sleep(0.05)
    assert yoked.process.poll() is None
    assert len(yoked.trace("eno2")) == steps
    wait_until(lambda: yoked.passing() == {"eno1", "eno2"}, 10, "both members pass")


@pytest.mark.parametrize("length", [16, 22])
def test_a_marker_is_answered(pair, length):
    """A Marker comes back as a Marker Response with the same fields, from the adapter's own address;
    what is reserved in it is zero, whatever it was in the question. Some write 22 for the length of
    the TLV, which has 16 octets: they get an answer too."""
    yoked, partner = pair
    port = partner.ports[0]
    asked = pdu.marker(7, "02:bb:00:00:00:01", 0xcafe, length)
    port.send(pdu.frame(port.hardware, changed(asked, (16, 1), (60, 0x5a))))

    def response():
        return next((heard for heard in port.heard if heard.payload[:3] == b"\x02\x01\x02"), None)
    found = wait_until(response, 3, "a Marker Response came")
    assert found.payload == changed(asked, (2, 2))
    assert found.frame[:6] == pdu.DESTINATION
    assert pdu.mac_text(found.frame[6:12]) == yoked.namespace.link("eno1")["address"]
    assert counters(yoked)["marker_response_tx"] == 1


def test_a_partner_with_key_0_is_taken(lab, build):
    """Old switches send key 0; they converge all the same."""
    host, far = lab.namespace("host"), lab.namespace("far")
    cables = [Cable(lab, host, f"eno{n}", far, f"p{n}") for n in (1, 2)]
    yoked = Yoked(lab, build, host)
    yoked.configure(team_config(["eno1", "eno2"]))
    partner = Partner(lab, cables, key=0)
    yoked.start()
    partner.await_passing(2)
    yoked.await_passing(["eno1", "eno2"])


def test_what_is_sent_is_what_the_partner_said(pair):
    """The partner's part of each LACPDU is what that partner last told of itself."""
    yoked, partner = pair
    for port in partner.ports:
        assert dataclasses.replace(port.told, state=0) == dataclasses.replace(port.actor(), state=0)
