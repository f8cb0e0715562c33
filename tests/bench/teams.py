"""1, 8 and 32 teams of two members on one host: how long it takes until they work, how much memory whoever
makes them has, and how many frames a lost carrier costs the first of them."""

import functools
import subprocess
import time

from bench.compare import Board
from bench.row import exact
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


def set_far_ends(machine, cables, state):
    """All in one program: a process for each would take longer than what is measured."""
    commands = "".join(f"link set dev {cable.far_name} {state}\n" for cable in cables)
    subprocess.run(["ip", "-n", machine.far.name, "-batch", "-"], input=commands, text=True, check=True)


def lost_frames(machine, pulled):
    """Of the first team, at each of some pulls: pulled(number) are the cables, in their order."""
    found = []
    for number in range(PULLS):
        wait_until(machine.whole, 60, f"all teams of {machine.name} are whole again")
        time.sleep(SETTLED)  # The cable has its share of the flows again, or there would be less to lose.
        traffic = Traffic(machine.lab, machine.build, "udp", machine.host, machine.far, "10.0.0.2",
                          flows=FLOWS, rate=RATE, seconds=60).flows()
        time.sleep(0.3)
        cables = pulled(number)
        set_far_ends(machine, cables, "down")
        time.sleep(WINDOW)
        found.append(traffic.stop()["lost"])
        set_far_ends(machine, cables, "up")
    return found


def tell_ended(session, machine):
    for words in getattr(machine, "ended", ()):
        session.say(f"{machine.name} had to be started again, {words}")


def of(size):
    return f"{size} team" + "s" * (size > 1)


def loss(size, words):
    return f"frames lost with a carrier, {of(size)}, {words} of {PULLS} pulls"


def measure_size(session, board, kind, size):
    if not kind.has_daemon:
        for words in MEMORY[:2]:
            board.cannot(f"memory for each of {of(size)}, {words}", kind, "has no process")
    with Lab() as lab:
        machine = kind(lab, session.build, teams=size)
        start = time.monotonic()
        machine.start()
        took = time.monotonic() - start
        tell_ended(session, machine)
        board.put(f"start of {of(size)} until all links pass", kind, exact(round(took, 2)))
        session.say(f"{kind.name}, {of(size)}: whole after {took:.2f} s")
        if machine.has_daemon:
            measure_memory(session, board, machine, size)
        lost = lost_frames(machine, lambda number: [machine.cables[0][number % 2]])
        session.say(f"{kind.name}, {of(size)}: frames lost {lost}")
        board.put(loss(size, "all"), kind, exact(sum(lost)))
        board.put(loss(size, "worst"), kind, exact(max(lost)))


def measure_memory(session, board, machine, size):
    shared, private = memory(machine.pids())
    maps = sum(map_memory(pid) for pid in machine.pids())
    for words, kib in zip(MEMORY, (private, shared, maps or None)):
        if kib is not None:
            board.put(f"memory for each of {of(size)}, {words}", machine, exact(round(kib / size)))
    session.say(f"{machine.name}, {of(size)}: {private} KiB private, {shared} KiB shared out, {maps:.0f} KiB maps")


def units():
    found = {}
    for size in SIZES:
        found[f"start of {of(size)} until all links pass"] = "s"
    for size in SIZES:
        for words in ("all", "worst"):
            found[loss(size, words)] = f"frames at {RATE}/s"
    for size in SIZES:
        for words in MEMORY:
            found[f"memory for each of {of(size)}, {words}"] = "KiB"
    return found


def measure(session):
    board = Board(units())
    for size in SIZES:
        board.fill(session, functools.partial(measure_size, size=size))
    yield from board.rows()
