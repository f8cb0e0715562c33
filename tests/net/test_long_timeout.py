"""What takes long: the slow rate with its 90 s, an hour in which nothing happens, and figures that are
exact because time stands still while anybody works. All under time travel."""

import contextlib
import pathlib
import re
import time

import pytest

from lab import Ear, Pair, Scene, wait_until
from lab.traffic import assert_clean

pytestmark = pytest.mark.at("time-travel")
DATAPATHS = ["bpf", "team"]
PARTNERS = ["ovs", "bonding"]
RATE = 200
FLOWS = 32


@contextlib.contextmanager
def silent(cable):
    """No frame gets through, either way, and both ends keep their carrier."""
    ends = ((cable.near, cable.near_name), (cable.far, cable.far_name))
    for namespace, device in ends:
        namespace.run("tc", "qdisc", "add", "dev", device, "root", "netem", "loss", "100%")
    yield
    for namespace, device in ends:
        namespace.run("tc", "qdisc", "del", "dev", device, "root")


def memory_kb(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1))


def trace_end(yoked, nics):
    """The serial of each port's last transition."""
    return {nic: yoked.trace(nic)[-1]["serial"] for nic in nics}


def counters(yoked):
    return {member["name"]: member["lacp"]["counters"] for member in yoked.team()["members"]}


def outage(result):
    """From the first lost frame to the last, in seconds."""
    holes = result["holes"]
    first, last = [hole["first_ms"] for hole in holes], [hole["last_ms"] for hole in holes]
    return (max(last) - min(first)) / 1000 if holes else 0.0


def test_a_silent_partner_in_slow_mode(lab, build):
    """It is given 90 s from its last LACPDU, and when it speaks again it is believed at once."""
    pair = Pair(lab, build, lacp={"rate": "slow"}, fast=False).converge()
    ear = Ear(lab, pair.cables[0])
    time.sleep(35)  # One period at least has gone by.
    pair.ports[0].silent = True
    last, _ = ear.said("partner")[-1]
    time.sleep(last + 89.9 - time.time())
    assert pair.yoked.passing() == {"eno1", "eno2"}
    member = pair.yoked.await_member("eno1", state="failed", buckets=0)
    passed = time.time() - last
    print(f"{passed:.2f} s after the partner's last LACPDU: {member['explanation']}")
    assert 90 <= passed <= 90.1
    assert "90 s" in member["explanation"]
    pair.ports[0].silent = False
    start = time.monotonic()
    pair.yoked.await_passing(pair.nics)
    print(f"{time.monotonic() - start:.2f} s after it spoke again it passes")
    assert time.monotonic() - start < 1.5


@pytest.mark.parametrize("partner", PARTNERS)
def test_both_have_forgotten_each_other(lab, build, partner):
    """A link that was deaf both ways for minutes: when it hears again a LACPDU is there within a second."""
    scene = Scene(lab, build, nics=2, partner=partner).start()
    scene.await_converged()
    with silent(scene.cable("eno1")):
        time.sleep(100)
        assert scene.yoked.passing() == {"eno2"}
    start = time.monotonic()
    scene.await_converged(seconds=40)
    print(f"{time.monotonic() - start:.2f} s later both ends pass again")
    assert time.monotonic() - start < (4 if partner == "bonding" else 2)  # It waits two seconds for others.


@pytest.mark.parametrize("rate,period", [("fast", 1), ("slow", 30)])
@pytest.mark.parametrize("datapath", DATAPATHS)
def test_an_hour_in_which_nothing_happens(lab, build, datapath, rate, period):
    """No transition, no churn, as many LACPDUs as the standard has it, and no memory."""
    scene = Scene(lab, build, nics=2, partner="bonding", datapath=datapath, rate=rate, lacp={"rate": rate})
    scene.yoked.configure_host("carrier_poll_ms = 1000;\n")
    scene.start()
    scene.await_converged()
    time.sleep(150)  # Churn and first LACPDUs are over.
    record, traced, counted = scene.switch.record(), trace_end(scene.yoked, scene.nics), counters(scene.yoked)
    memory = memory_kb(scene.yoked.pid)
    time.sleep(3600)
    assert scene.switch.record() == record
    assert set(scene.switch.churned().values()) == {(0, 0)}
    assert trace_end(scene.yoked, scene.nics) == traced
    assert scene.yoked.passing() == set(scene.nics)
    for nic, now in counters(scene.yoked).items():
        changed = {key: now[key] - was for key, was in counted[nic].items() if now[key] != was}
        print(f"{nic}: {changed}")
        assert set(changed) == {"lacpdu_rx", "lacpdu_tx"}
        # Ports that are due soon are served together, which makes a period up to a tenth of a second shorter.
        assert 3600 / period - 1 <= changed["lacpdu_tx"] <= 3600 / period * 1.12
        # Bonding's second is up to 1.32.
        assert 3600 / period / 1.4 <= changed["lacpdu_rx"] <= 3600 / period * 1.12
    after = memory_kb(scene.yoked.pid)
    print(f"{memory} kB resident before, {after} kB after")
    assert after <= memory + 16


def lose(scene, cable, seconds):
    """What both ways lose while the cable is silent."""
    runs = [scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=300, port=5000 + inbound).flows()
            for inbound in (False, True)]
    time.sleep(0.4)
    with silent(cable):
        time.sleep(seconds)
        results = [run.stop() for run in runs]
    return results


@pytest.mark.parametrize("partner", PARTNERS)
@pytest.mark.parametrize("datapath", DATAPATHS)
def test_figures_of_failover(lab, build, datapath, partner):
    """Convergence, a lost carrier and a silent link in fast mode, on two links: exact times."""
    scene = Scene(lab, build, nics=2, partner=partner, datapath=datapath)
    start = time.monotonic()
    scene.start()
    scene.await_converged()
    print(f"{datapath} with {partner}: both ends pass {time.monotonic() - start:.2f} s after the daemon's start")
    wait_until(lambda: min(member["buckets"] for member in scene.yoked.team()["members"]) == 128, 10,
               "each link has its half")
    for nic in scene.nics:
        time.sleep(2)
        results = lose(scene, scene.cable(nic), 5)
        print(f"{nic} silent: out {outage(results[0]):.3f} s, in {outage(results[1]):.3f} s; "
              f"{[result['lost'] for result in results]} of {RATE} a second lost")
        # From the last LACPDU that got through: 3 s, less up to a second until the next one was due.
        assert all(outage(result) <= 3.1 for result in results)
        assert 1.6 <= outage(results[0])
        scene.await_converged()


@pytest.mark.parametrize("datapath", DATAPATHS)
def test_figures_of_the_slow_rate(lab, build, datapath):
    """A silent link in slow mode costs up to 90 s, as the standard has it."""
    scene = Scene(lab, build, nics=2, partner="bonding", datapath=datapath, rate="slow", lacp={"rate": "slow"})
    scene.start()
    scene.await_converged()
    time.sleep(40)
    results = lose(scene, scene.cable("eno1"), 95)
    print(f"{datapath}: out {outage(results[0]):.2f} s, in {outage(results[1]):.2f} s")
    assert all(59 <= outage(result) <= 90.2 for result in results)
    scene.await_converged()
    assert_clean(scene.traffic("udp", flows=FLOWS, rate=RATE, seconds=1).result())
