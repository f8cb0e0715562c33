"""1, 8 and 32 teams of two members on one host: how long it takes until they work, how much memory whoever
makes them has, and how many frames a lost carrier costs the first of them."""

import functools
import time

from bench.compare import Board
from bench.row import Figure, exact
from bench.session import map_memory, memory
from lab import Lab, wait_until
from lab.guest import place
from lab.traffic import Traffic

GUEST = {"memory": 768}
SECONDS = 1700
SIZES = [1, 8, 32]
RATE = place.pick(1000, {"emulator": 200})
FLOWS = 64
PULLS = 6
# Longer than the kernel ever holds the news of a lost carrier back.
WINDOW = 1.3
SETTLED = 2.5
MEMORY = ["private", "proportional share", "eBPF maps in the kernel"]


def lost_frames(machine):
    """At each of some pulls, the two cables of the first team in turn."""
    found = []
    for number in range(PULLS):
        wait_until(machine.team_whole, 60, f"the first team of {machine.name} is whole again")
        time.sleep(SETTLED)  # The cable has its share of the flows again, or there would be less to lose.
        traffic = Traffic(machine.lab, machine.build, "udp", machine.host, machine.far, "10.0.0.2",
                          flows=FLOWS, rate=RATE, seconds=60).flows()
        time.sleep(0.3)
        cable = machine.cables[0][number % 2]
        cable.pull()
        time.sleep(WINDOW)
        result = traffic.stop()
        found.append(result["lost"])
        cable.plug()
    return found


def measure_size(session, board, kind, size):
    if not kind.has_daemon:
        for words in MEMORY[:2]:
            board.cannot(f"memory for each of {size} teams, {words}", kind, "has no process")
    with Lab() as lab:
        machine = kind(lab, session.build, teams=size)
        start = time.monotonic()
        machine.start()
        took = time.monotonic() - start
        board.put(f"start of {size} teams until all links pass", kind, exact(round(took, 2)))
        session.say(f"{kind.name}, {size} teams: whole after {took:.2f} s")
        if machine.has_daemon:
            measure_memory(session, board, machine, size)
        lost = lost_frames(machine)
        session.say(f"{kind.name}, {size} teams: frames lost {lost}")
        board.put(f"frames lost with a carrier, {size} teams, median", kind, Figure.of(lost))
        board.put(f"frames lost with a carrier, {size} teams, worst", kind, exact(max(lost)))


def measure_memory(session, board, machine, size):
    shared, private = memory(machine.pids())
    maps = sum(map_memory(pid) for pid in machine.pids())
    for words, kib in zip(MEMORY, (private, shared, maps or None)):
        if kib is not None:
            board.put(f"memory for each of {size} teams, {words}", machine, exact(round(kib / size)))
    session.say(f"{machine.name}, {size} teams: {private} KiB private, {shared} KiB shared out, {maps:.0f} KiB maps")


def units():
    found = {}
    for size in SIZES:
        found[f"start of {size} teams until all links pass"] = "s"
    for size in SIZES:
        for words in ("median", "worst"):
            found[f"frames lost with a carrier, {size} teams, {words}"] = f"frames at {RATE}/s"
    for size in SIZES:
        for words in MEMORY:
            found[f"memory for each of {size} teams, {words}"] = "KiB"
    return found


def measure(session):
    board = Board(units())
    for size in SIZES:
        board.fill(session, functools.partial(measure_size, size=size))
    yield from board.rows()
