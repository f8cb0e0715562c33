"""What eight members on LACP's fast rate cost when nothing happens."""

import pathlib
import re
import time

from bench import machines
from bench.compare import Board
from bench.row import exact
from lab import Lab

MEMBERS = 8
SECONDS_TRACED = 20
CALLS, TIME = "system calls, idle, 8 members on the fast rate", "processor time, idle, 8 members on the fast rate"


def processor_ns(pids):
    return sum(int(path.read_text(encoding="ascii").split()[0])
               for pid in pids for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"))


def calls(machine):
    """In a second, all threads and processes together."""
    traces = {}
    for pid in machine.pids():
        path = machine.lab.folder / f"calls-{pid}"
        traces[path] = machine.lab.start(f"strace-{pid}", ["strace", "-f", "-q", "-p", pid, "-o", path])
    time.sleep(3)  # Until all of its threads are traced.
    before = {path: path.stat().st_size for path in traces}
    time.sleep(SECONDS_TRACED)
    count = 0
    for path, process in traces.items():
        text = path.read_bytes()[before[path]:].decode(errors="replace")
        count += len(re.findall(r"^\d+ +\w+\(", text, re.MULTILINE))
        process.terminate()
        process.wait(timeout=10)
    return count / SECONDS_TRACED


def measure_kind(session, board, kind):
    with Lab() as lab:
        machine = kind(lab, session.build, members=MEMBERS)
        machine.start()
        time.sleep(8)  # What comes after convergence has passed.
        before, start = processor_ns(machine.pids()), time.monotonic()
        time.sleep(SECONDS_TRACED)
        share = (processor_ns(machine.pids()) - before) / (time.monotonic() - start) / 1e7
        rate = calls(machine)
    session.say(f"{kind.name}: {rate:.1f} system calls a second, {share:.2f} % of the guest's processor")
    board.put(CALLS, kind, exact(round(rate, 1)))
    board.put(TIME, kind, exact(round(share, 2)))


def measure(session):
    board = Board({CALLS: "calls/s", TIME: "% of the guest's processor"})
    board.fill(session, measure_kind, [kind for kind in machines.ALL if kind.has_daemon])
    for what in (CALLS, TIME):
        board.cannot(what, machines.BondingDriver, "has no process; its work is the kernel's and not counted here")
    yield from board.rows()
