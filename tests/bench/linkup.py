"""From links that come up to both ends distributing on all of them, by their own LACPDUs. Under time travel:
the figure is what protocol and timers take, exactly; no program's speed is in it."""

import contextlib
import functools
import time

from bench.compare import Board
from bench.row import Figure
from lab import Ear, Lab, pdu, wait_until

REPEATS = 5
PASSING = pdu.state_bits("synchronization", "collecting", "distributing")
PARTNERS = {"lab": "link-up to distributing, a partner that answers at once",
            "bonding": "link-up to distributing, the bonding driver as the partner"}


def _passes(state):
    return state & PASSING == PASSING


def both_pass(ear):
    """When both ends first said so, or None."""
    said = sorted((when, end, state) for end in ("host", "partner") for when, state in ear.said(end))
    last = {"host": 0, "partner": 0}
    for when, end, state in said:
        last[end] = state
        if all(map(_passes, last.values())):
            return when
    return None


def once(machine, number):
    """Milliseconds. What is below one is the order of things that happen at the same instant."""
    for cable in machine.cables[0]:
        cable.pull()
    # Whatever the two keep of each other is forgotten; not always at the same phase of their timers.
    time.sleep(8 + 0.37 * number)
    ears = [Ear(machine.lab, cable) for cable in machine.cables[0]]
    for ear in ears:
        with contextlib.suppress(OSError):  # That the device is down is told once.
            ear.said("host")
    start = time.time()
    for cable in machine.cables[0]:
        cable.plug()
    wait_until(machine.team_whole, 60, lambda: f"the links pass;\n{machine.log()[-2000:]}")
    found = wait_until(lambda: all(map(both_pass, ears)) and max(map(both_pass, ears)), 40, "both ends say so")
    time.sleep(2)
    for ear in ears:
        ear.close()
    return round((found - start) * 1000)


def measure_kind(session, board, kind, partner):
    with Lab() as lab:
        machine = kind(lab, session.build, partner=partner)
        machine.start()
        found = [once(machine, number) for number in range(REPEATS)]
    session.say(f"{kind.name}, {PARTNERS[partner]}: " + f"{found} ms")
    board.put(PARTNERS[partner], kind, Figure.of(found))


def measure(session):
    board = Board({words: "ms" for words in PARTNERS.values()})
    for partner in PARTNERS:
        board.fill(session, functools.partial(measure_kind, partner=partner))
    yield from board.rows()
