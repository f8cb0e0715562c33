"""Each mode with each kind of balancing on each datapath: the same test for all. tools/matrix prints the results as a
table."""

import subprocess
import time

import pytest

from lab import Hall, wait_until
from lab.copies import BROADCAST, MULTICAST, NOBODY, assert_once
from lab.guest import place

DATAPATHS = place.pick(["bpf"], {"uml": ["team"]})
MODES = ["lacp", "static", "switch-independent"]
BALANCES = ["address-hash", "vm-port", "dynamic"]
RATE = place.pick(2000, {"uml": 400})
FLOWS = 512
# How long frames may be lost with a pulled cable, in ms; that of the switch's side is in it.
OUTAGE_MS = place.pick(100, {"uml": 400})


def refusal(hall):
    """Why this configuration cannot be, on this datapath, by the check that needs no daemon; None: it can."""
    folder = hall.yoked.folder / "conf.d"
    result = subprocess.run([str(hall.build.yokectl), "config", "check", "--datapath", hall.yoked.datapath, str(folder)],
                            capture_output=True, text=True, timeout=30, check=False)
    said = (result.stderr or result.stdout).strip()
    return None if result.returncode == 0 else said.partition("error: ")[2] or said


def assert_copies(hall):
    """Of whatever is for all, once to each, both ways."""
    for sender in ("vm1", "out1"):
        inward = ["team0"] if sender == "out1" else []
        receivers = [end for end in (*hall.ends, *hall.outs, *inward) if end != sender]
        for to, form in ((BROADCAST, "v4"), (MULTICAST["v6"], "v6"), (NOBODY, "v4")):
            assert_once(hall.copies.run(sender, to, form, count=300, rate=RATE, flows=16), receivers)


def shares(hall):
    """For each machine the frames that each member carried of the many flows that it sent outside."""
    there, found = hall.outside[0].link("eth0")["address"], []
    for machine in hall.machines:
        for nic in hall.nics:
            hall.wire(nic)
        assert_once(hall.copies.run(machine.name, there, "v4", count=2 * FLOWS, rate=RATE, flows=FLOWS), ["out1"])
        found.append([sum(n for (_, kind, _), n in hall.wire(nic).items() if kind == "ip") for nic in hall.nics])
    return found


def assert_balance(hall, balance):
    found = shares(hall)
    print("frames of each machine by member:", found)
    used = [sum(frames > 2 * FLOWS // 50 for frames in machine) for machine in found]
    total = [sum(frames) for frames in zip(*found)]
    if balance == "vm-port":
        assert used == [1] * len(found)
        assert sum(frames > 2 * FLOWS // 50 for frames in total) >= 3
    else:
        assert used == [len(hall.nics)] * len(found)
        assert max(total) / (sum(total) / len(total)) <= (1.25 if balance == "address-hash" else 1.05)


def assert_failover(hall):
    """A pulled cable costs milliseconds, put back nothing; in both directions nothing is doubled."""
    there = hall.outside[0].link("eth0")["address"]
    for act in (hall.pull, hall.plug):
        names, receivers = [], []
        for number, machine in enumerate(hall.machines):
            form = ("v4", "v6")[number % 2]
            for sender, to, ends in ((machine.name, there, ["out1"]), ("out1", machine.mac, [machine.name, "team0"])):
                names.append(hall.copies.begin(sender, to, form, count=60 * RATE, rate=RATE // 8, flows=32))
                receivers.append(ends)
        time.sleep(0.3)
        before = hall.yoked.member("eno1")["tx_packets"]
        act("eno1")
        hall.await_converged(hall.nics[1:] if act == hall.pull else hall.nics)
        if act == hall.plug:
            wait_until(lambda: hall.yoked.member("eno1")["tx_packets"] > before, 15, "eno1 carries again")
        hall.await_settled()
        results = hall.copies.end_all(names, early=True)
        lost = [result[ends[0]]["missing"] for result, ends in zip(results, receivers)]
        print(f"{act.__name__}: lost {lost} of {results[0].sent} each")
        for result, ends in zip(results, receivers):
            assert_once(result, ends, act == hall.plug)
            assert result[ends[0]]["missing"] <= RATE // 8 * OUTAGE_MS // 1000 + 1, result.describe(ends)


@pytest.mark.parametrize("balance", BALANCES)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("datapath", DATAPATHS)
def test_cell(lab, build, datapath, mode, balance):
    hall = Hall(lab, build, switches=1 if mode == "switch-independent" else 0, datapath=datapath, mode=mode, balance=balance)
    reason = refusal(hall)
    if reason:
        print("refused:", reason)
        assert balance in reason or mode in reason
        return
    hall.start(4)
    hall.await_converged()
    team = hall.yoked.team()
    assert (team["mode"], team["balance"], team["datapath"]) == (mode, balance, datapath)
    hall.watch()
    hall.introduce()
    assert_copies(hall)
    assert_balance(hall, balance)
    assert_failover(hall)
