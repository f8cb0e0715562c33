"""Traffic through a team that has converged: both ways, both IP versions, small and large."""

import subprocess

import pytest

from lab import Lab, Scene, wait_until
from lab.traffic import assert_clean


@pytest.fixture(scope="module", params=[1500, 9000], ids=["mtu1500", "mtu9000"])
def wired(request, build):
    with Lab() as lab:
        scene = Scene(lab, build, mtu=request.param).start()
        scene.await_converged()
        assert scene.yoked.team()["mtu"] == request.param
        yield scene


ways = pytest.mark.parametrize("inbound", [False, True], ids=["out", "in"])
versions = pytest.mark.parametrize("v6", [False, True], ids=["v4", "v6"])


@ways
@versions
def test_udp(wired, inbound, v6):
    """Datagrams as large as the MTU allows, on 64 flows: all arrive, in order, whole."""
    size = wired.cables[0].mtu - (48 if v6 else 28)
    result = wired.traffic("udp", inbound, v6, flows=64, rate=2000, seconds=1, size=size).result()
    assert result["failure"] == ""
    assert result["received"] == result["sent"] == 2000
    assert result["refused"] == result["duplicated"] == result["reordered"] == result["corrupted"] == 0


@ways
@versions
def test_tcp(wired, inbound, v6):
    """Four connections of 5 MB: every byte arrives as it was sent."""
    result = wired.traffic("tcp", inbound, v6, flows=4, bytes=5000000, seconds=20).result()
    print(f"{result['mbit_s']} Mbit/s, {result['retransmitted']} segments sent again")
    assert result["failure"] == ""
    assert result["intact"]


@versions
def test_segments(wired, v6):
    """Datagrams handed to team0 as one large one (UDP_SEGMENT) arrive as the many that they are."""
    size = wired.cables[0].mtu - 100
    segments = min(20, 60000 // size)
    result = wired.traffic("udp", v6=v6, flows=8, rate=2000, seconds=1, size=size, segments=segments).result()
    assert result["failure"] == ""
    assert result["received"] == result["sent"] > 1900
    assert result["corrupted"] == result["refused"] == 0


@versions
def test_frames_larger_than_a_segment(wired, v6):
    """TCP hands team0 frames of many segments, and what arrives is intact."""
    capture = wired.lab.start("capture", ["tcpdump", "-Z", "root", "--immediate-mode", "-nn", "-e", "-l", "-i", "team0",
                                          "-c", "100", f"tcp and greater {2 * wired.cables[0].mtu}"],
                              wired.host, stdout=subprocess.PIPE, text=True)
    wait_until(lambda: "listening" in wired.lab.log("capture"), 5, "tcpdump listens")
    result = wired.traffic("tcp", v6=v6, bytes=20000000, seconds=20).result()
    capture.terminate()
    large = capture.communicate(timeout=10)[0].splitlines()
    print(f"{len(large)} or more frames of more than twice the MTU, e.g. {large[0] if large else ''}")
    assert large
    assert result["intact"]


def test_all_members_carry(wired):
    """With 128 flows each member sends some of the frames. (How the switch spreads what comes in is
    its own affair; each member alone receives in test_pull.)"""
    def packets():
        return [member["tx_packets"] for member in wired.yoked.team()["members"]]
    before = packets()
    assert_clean(wired.traffic("udp", flows=128, rate=5000, seconds=1).result())
    moved = [now - then for now, then in zip(packets(), before)]
    print("frames by member:", moved)
    assert all(count > 200 for count in moved)


def test_the_devices_counters_count(wired):
    """'ip -s link' of team0 tells what was sent and received."""
    def counters():
        found = wired.host.link("team0")["stats64"]
        return found["tx"]["packets"], found["rx"]["packets"]
    before = counters()
    wired.traffic("udp", flows=4, rate=1000, seconds=1).result()
    wired.traffic("udp", True, flows=4, rate=1000, seconds=1).result()
    sent, received = (now - then for now, then in zip(counters(), before))
    assert 1000 <= sent < 1500 and 1000 <= received < 1500
