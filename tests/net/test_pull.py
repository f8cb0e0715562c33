"""A pulled cable under 10 000 datagrams a second, on cables whose ends have equal interface
indexes: there the kernel may be late with the news by up to a second."""

import random
import statistics
import time

import pytest

from lab import Cable, wait_until
from lab.traffic import assert_clean

RATE = 10000
FLOWS = 64
LIMIT_MS = 15
# What is not the poller's: the instant of the pull falls between two questions (the interval), the
# answer takes its time (slowest_us), and a frame that is on its way is lost a little later.
SLACK_MS = 3


def outage(result):
    """How long frames were lost, in ms: from the first of them to the last. Stricter than the count
    of lost frames, of which the pulled member carries only its share."""
    if not result["holes"]:
        return 0.0
    first = min(hole["first_ms"] for hole in result["holes"])
    last = max(hole["last_ms"] for hole in result["holes"])
    return last - first


def pull_once(scene, spare, nic, after_event):
    """Returns (outage in ms, frames lost, how late the poller was within the last minute)."""
    scene.await_converged()
    time.sleep(2.5)  # No link event of this lab for so long: the kernel owes no wait.
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=20).flows()
    time.sleep(0.2)
    if after_event:
        spare.pull()
        time.sleep(random.uniform(0.05, 0.3))
    scene.cable(nic).pull()
    time.sleep(1.3)  # Longer than the kernel ever holds the news back.
    result = traffic.stop()
    poller = scene.yoked.status()["poller"]
    assert scene.yoked.member(nic)["carrier"] is False
    scene.cable(nic).plug()
    if after_event:
        spare.plug()
    assert result["failure"] == ""
    return outage(result), result["lost"], poller


def series(scene, spare, after_event, count=20):
    found = []
    for number in range(count):
        nic = scene.nics[number % len(scene.nics)]
        ms, lost, poller = pull_once(scene, spare, nic, after_event)
        found.append((ms, lost, poller))
    times = sorted(ms for ms, _, _ in found)
    losses = sorted(lost for _, lost, _ in found)
    print(f"{count} pulls {'right after another link event' if after_event else 'after quiet'}: "
          f"frames were lost for {statistics.median(times):.1f} ms (median), {times[-1]:.1f} ms (worst); "
          f"of {RATE} a second {statistics.median(losses):.0f} (median), {losses[-1]} (worst)")
    print("  all, in ms:", " ".join(f"{ms:.1f}" for ms in times))
    return found


def explain_worst(scene, found):
    """The worst must be no longer than the poller itself admits."""
    ms, _, poller = max(found, key=lambda entry: entry[0])
    interval, late, slow = (poller[key] / 1000 for key in ("interval_us", "latest_recent_us", "slowest_us"))
    print(f"  the worst, {ms:.1f} ms: the poller's interval is {interval:.1f} ms, within that minute it was "
          f"at most {late:.1f} ms late; an answer took at most {slow:.1f} ms")
    assert ms <= interval + late + slow + SLACK_MS


def test_a_pulled_cable_costs_milliseconds(scene):
    """20 pulls right after another link event and 20 after quiet: the median loss is at most
    15 ms of frames, and the poller's own record of its lateness explains the worst."""
    spare = Cable(scene.lab, scene.host, "spare0", scene.switch.namespace, "spare1")
    scene.host.up("spare0")
    wait_until(lambda: scene.host.has_carrier("spare0"), 5, "the spare cable has carrier")
    after_event = series(scene, spare, True)
    after_quiet = series(scene, spare, False)
    for found in (after_event, after_quiet):
        explain_worst(scene, found)
        assert statistics.median(ms for ms, _, _ in found) <= LIMIT_MS
        assert statistics.median(lost for _, lost, _ in found) <= RATE * LIMIT_MS // 1000


def test_a_cable_put_back_costs_nothing(scene):
    """A link that comes back takes its share again without a lost frame."""
    nic = scene.nics[1]
    scene.cable(nic).pull()
    scene.yoked.await_member(nic, state="down")
    traffic = scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=60).flows()
    scene.cable(nic).plug()
    scene.await_converged()
    wait_until(lambda: scene.yoked.member(nic)["buckets"] > 50, 15, "the member has its buckets again")
    time.sleep(0.5)
    result = traffic.stop()
    assert_clean(result)


@pytest.mark.parametrize("last", [0, 1, 2, 3])
def test_all_cables_but_one(scene, last):
    """Three of four cables go one after the other; the last one carries everything, both ways."""
    nic = scene.nics[last]
    for other in scene.nics[:last] + scene.nics[last + 1:]:
        scene.cable(other).pull()
        scene.yoked.await_member(other, reason="no-carrier")
    before = scene.yoked.member(nic)
    assert before["buckets"] == 256
    assert scene.yoked.team()["state"] == "degraded"
    for inbound in (False, True):
        assert_clean(scene.traffic("udp", inbound, flows=16, rate=2000, seconds=1).result())
    after = scene.yoked.member(nic)
    assert all(after[key] - before[key] >= 2000 for key in ("rx_packets", "tx_packets"))
