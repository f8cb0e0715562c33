"""A host whose kernel is busy with other things: somebody else holds the rtnl lock, or changes so
many devices that messages are lost."""

import time

import pytest

from lab import Cable, Pair, Scene, wait_until
from lab.guest import place
from lab.traffic import Traffic, assert_clean

RATE = place.pick(5000, {"time-travel": 100})
HOLD_SECONDS = 10
EVENTS = 4000


NEAR, FAR = "10.78.0.1", "10.78.0.2"


class Lock:
    """The kernel's rtnl lock, held by a process of the lab from the start on for so long."""

    def __init__(self, pair, seconds):
        self.lab = pair.lab
        # Its own cable: no device of the team is asked anything.
        cable = Cable(pair.lab, pair.host, "busy0", pair.far, "busy1")
        command = [pair.yoked.build.hold_rtnl, cable.near_name, seconds]
        self.process = pair.lab.start("hold-rtnl", command, pair.host)
        wait_until(lambda: "held" in self.log(), 10, lambda: f"the lock is held: {self.log()}")

    def log(self):
        return self.lab.log("hold-rtnl")

    def await_release(self):
        assert self.process.wait(timeout=HOLD_SECONDS + 10) == 0, self.log()
        print(f"rtnl: {' '.join(self.log().split())}")


# The kernel of the machine itself may have no team driver.
DATAPATHS = place.pick(["bpf"], {"time-travel": ["bpf", "team"]})


@pytest.fixture(params=DATAPATHS)
def pair(request, lab, build):
    """The partner is the lab's own, because a switch's daemon waits for the lock itself."""
    made = Pair(lab, build, nics=4, datapath=request.param).converge()
    made.bridge(NEAR, FAR)
    return made


def news(pair, seconds):
    """What befell the sessions of all members within so long."""
    return [(nic, step["machine"], step["to"], step["cause"]) for nic in pair.nics
            for step in pair.yoked.trace(nic)
            if step["age_us"] < seconds * 1e6 and step["machine"] in ("receive", "selection", "mux")]


def test_nobody_gets_the_rtnl_lock_for_ten_seconds(pair):
    """No LACP session is lost in fast mode: the partner hears a LACPDU each second on each port,
    no machine of ours changes its state, and no frame is lost."""
    traffic = Traffic(pair.lab, pair.yoked.build, "udp", pair.host, pair.far, FAR, flows=64, rate=RATE,
                      seconds=60).flows()
    begin = time.monotonic()
    lock = Lock(pair, HOLD_SECONDS)
    lock.await_release()
    time.sleep(3.5)  # More than the partner's patience.
    result = traffic.stop()
    status, gaps = pair.yoked.status(), pair.gaps(begin)
    print(f"{result['lost']} of {result['sent']} lost; at most {max(gaps):.2f} s between two LACPDUs; "
          f"the main loop was at most {status['loop']['latest_us'] / 1000:.1f} ms late, the slowest "
          f"answer of the kernel took {status['poller']['slowest_us'] / 1000:.0f} ms")
    assert max(gaps) < 1.5
    assert news(pair, time.monotonic() - begin) == []
    assert_clean(result)


def test_a_change_waits_for_the_lock_and_lacp_does_not(pair):
    """A member is drained while nobody gets the lock: the sessions go on, and
    what had to wait is carried out afterwards."""
    lock = Lock(pair, HOLD_SECONDS)
    begin = time.monotonic()
    drained = pair.yoked.call("member", "drain", "team0", "eno1", "on")
    assert drained.returncode == 0, drained.stderr
    lock.await_release()
    assert max(pair.gaps(begin)) < 1.5
    pair.yoked.await_member("eno1", buckets=0, state="disabled")
    traffic = Traffic(pair.lab, pair.yoked.build, "udp", pair.host, pair.far, FAR, flows=64, rate=RATE, seconds=1)
    assert_clean(traffic.result())


@pytest.fixture(params=DATAPATHS)
def deaf(request, lab, build):
    """As 'scene', but there is room for hardly a message where the kernel tells the daemon its news."""
    made = Scene(lab, build, datapath=request.param)
    made.yoked.environment = {"LD_PRELOAD": str(build.small_buffers)}
    made.start()
    made.await_converged()
    return made


def test_a_burst_of_link_events_with_small_socket_buffers(deaf):
    """Thousands of events of devices that are nobody's business, in which the loss of one member's
    link drowns: within a second the daemon's picture is right, and nothing that worked was touched."""
    host, nic = deaf.host, "eno2"
    others = [cable.far_name for cable in deaf.cables if cable.near_name != nic]
    Cable(deaf.lab, host, "busy0", deaf.other, "busy1")
    flips = deaf.lab.folder / "flips"
    flips.write_text("link set dev busy0 up\nlink set dev busy0 down\n" * (EVENTS // 2), encoding="ascii")
    resyncs = deaf.yoked.status()["lost"]["link_resyncs"]
    before = deaf.switch.record(others)
    traffic = deaf.traffic("udp", flows=64, rate=RATE, seconds=60).flows()
    burst = deaf.lab.start("burst", ["ip", "-batch", flips], host)
    deaf.cable(nic).pull()
    assert burst.wait(timeout=60) == 0, deaf.lab.log("burst")
    ended = time.monotonic()
    deaf.yoked.await_member(nic, carrier=False, seconds=5)
    late = time.monotonic() - ended
    result = traffic.stop()
    resyncs = deaf.yoked.status()["lost"]["link_resyncs"] - resyncs
    print(f"{EVENTS} events; everything was read again {resyncs} times; the picture was right "
          f"{late * 1000:.0f} ms after the last of them; {result['lost']} of {result['sent']} lost")
    assert resyncs > 0
    assert late <= 1
    assert deaf.switch.record(others) == before
    assert all(abs(hole["last_ms"] - hole["first_ms"]) < 1000 for hole in result["holes"])
    deaf.cable(nic).plug()
    deaf.await_converged()
    assert_clean(deaf.traffic("udp", flows=64, rate=RATE, seconds=1).result())
