"""What the daemon sends, as Wireshark's dissector reads it: somebody else's idea of LACP."""

import collections
import json
import shutil
import struct
import subprocess
import time

import pytest

from lab import Lab, Scene, wait_until

pytestmark = pytest.mark.skipif(not shutil.which("tshark"), reason="no tshark")

FIELDS = ("frame.time_epoch", "slow.subtype", "lacp.version", "lacp.tlv_type", "lacp.tlv_length", "lacp.actor.key",
          "lacp.actor.port", "lacp.actor.state", "_ws.malformed", "_ws.expert.message", "_ws.expert.severity")
LACP, MARKER = 1, 2
Frame = collections.namedtuple("Frame", ["time", "subtype", "fields", "octets"])


def start_capture(lab, scene, port):
    # -Z root: tcpdump would give up the rights to write into our folder.
    lab.start(f"tcpdump-{port}", ["tcpdump", "-Z", "root", "-U", "-Q", "in", "--immediate-mode", "-i", port,
                                  "-w", lab.folder / f"{port}.pcap", "ether proto 0x8809"], scene.switch.namespace)
    wait_until(lambda: "listening" in lab.log(f"tcpdump-{port}"), 5, "tcpdump listens")


def frames_of(file):
    """The octets of a capture file's frames (pcap, in this machine's byte order)."""
    content = file.read_bytes()
    place, found = 24, []
    while place < len(content):
        size = struct.unpack_from("=I", content, place + 8)[0]
        found.append(content[place + 16:place + 16 + size])
        place += 16 + size
    return found


def dissect(file):
    words = [word for field in FIELDS for word in ("-e", field)]
    text = subprocess.run(["tshark", "-r", str(file), "-T", "json", *words], capture_output=True,
                          text=True, check=True, timeout=60).stdout
    layers = [packet["_source"]["layers"] for packet in json.loads(text)]
    octets = frames_of(file)
    assert len(octets) == len(layers)
    return [Frame(float(fields["frame.time_epoch"][0]), int(fields["slow.subtype"][0], 0), fields, frame)
            for fields, frame in zip(layers, octets)]


@pytest.fixture(scope="module")
def capture(build):
    """Every slow-protocol frame that left the two adapters, from before the start on: convergence, a
    pulled cable, a drain, a kill, a restart and the end of the team. Gives the frames of each port,
    the adapters' addresses, and when the daemon was started again."""
    with Lab() as lab:
        scene = Scene(lab, build, nics=2)
        for port in scene.ports:
            start_capture(lab, scene, port)
        scene.start()
        scene.await_converged()
        scene.cable("eno2").pull()
        scene.yoked.await_member("eno2", reason="no-carrier")
        scene.cable("eno2").plug()
        scene.await_converged()
        scene.yoked.call("member", "drain", "team0", "eno2", "on")
        sent = scene.yoked.member("eno1")["lacp"]["counters"]["lacpdu_tx"]
        scene.yoked.kill()
        restart = time.time()
        scene.yoked.start()
        # The counter goes on where the former daemon's ended.
        wait_until(lambda: scene.yoked.member("eno1")["lacp"]["counters"]["lacpdu_tx"] > sent + 3, 10,
                   "it sends")
        addresses = {port: scene.host.link(nic)["address"] for port, nic in zip(scene.ports, scene.nics)}
        assert scene.yoked.call("team", "delete", "team0").returncode == 0
        wait_until(lambda: not scene.switch.passing(), 3, "the switch dropped the links")
        yield {port: dissect(lab.folder / f"{port}.pcap") for port in scene.ports}, addresses, restart


def lacpdus(frames):
    return [frame for frame in frames if frame.subtype == LACP]


def test_no_frame_is_malformed(capture):
    """The dissector takes every frame for LACP or Marker and complains of none."""
    frames, _, _ = capture
    for found in frames.values():
        assert len(lacpdus(found)) >= 6
        assert {frame.subtype for frame in found} <= {LACP, MARKER}
        complaints = [frame.fields for frame in found
                      if "_ws.malformed" in frame.fields or "_ws.expert.message" in frame.fields]
        assert complaints == []


def test_fields_are_as_they_must_be(capture):
    """Version 1, the standard's TLVs with their lengths, a key and a port other than 0."""
    frames, _, _ = capture
    for frame in (frame for found in frames.values() for frame in lacpdus(found)):
        numbers = {key: [int(value, 0) for value in values] for key, values in frame.fields.items()
                   if key.startswith("lacp.")}
        assert numbers["lacp.version"] == [1]
        assert numbers["lacp.tlv_type"] == [1, 2, 3, 0]
        assert numbers["lacp.tlv_length"] == [20, 20, 16, 0]
        assert numbers["lacp.actor.key"][0] != 0
        assert numbers["lacp.actor.port"][0] != 0


def test_reserved_octets_are_zero(capture):
    """All padding is zero, the frame has 124 octets, the source is the adapter's own address and
    the destination the group address, untagged."""
    frames, addresses, _ = capture
    for port, found in frames.items():
        for frame in found:
            octets = frame.octets
            assert len(octets) == 124
            assert octets[:6].hex() == "0180c2000002" and octets[12:14].hex() == "8809"
            assert octets[6:12].hex(":") == addresses[port]
        for octets in (frame.octets for frame in lacpdus(found)):
            assert not any(octets[33:36] + octets[53:56] + octets[60:72] + octets[74:])


def most_within_a_second(times):
    window, most = collections.deque(), 0
    for when in sorted(times):
        window.append(when)
        # A capture's times are a little off: what is 1 s apart must not count as less.
        while when - window[0] > 0.995:
            window.popleft()
        most = max(most, len(window))
    return most


def test_never_more_than_three_a_second(capture):
    """No second of a daemon's life has more than three LACPDUs of a port, whatever happened. (One
    that was killed took with it what it had sent.)"""
    frames, _, restart = capture
    for port, found in frames.items():
        times = [frame.time for frame in lacpdus(found)]
        lives = [when for when in times if when < restart], [when for when in times if when >= restart]
        most = [most_within_a_second(life) for life in lives]
        print(f"{port}: {len(times)} LACPDUs, at most {most} within a second of the two lives, "
              f"{most_within_a_second(times)} over the kill")
        assert max(most) <= 3


def test_flags_go_the_standards_way(capture):
    """A port claims Collecting or Distributing only with Synchronization, begins defaulted or
    expired, is always active, fast and aggregatable; the last LACPDU is the leave PDU."""
    frames, _, _ = capture
    for found in frames.values():
        states = [int(frame.fields["lacp.actor.state"][0], 0) for frame in lacpdus(found)]
        assert states[0] & 0x38 == 0 and states[0] & 0xc0
        assert any(state & 0x38 == 0x38 for state in states)
        assert all(state & 0x08 for state in states if state & 0x30)
        assert all(state & 0x07 == 0x07 for state in states)
        assert states[-1] & 0x38 == 0
