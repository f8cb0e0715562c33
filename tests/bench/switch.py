"""A switch dies: each of 32 teams loses one of its two links in the same moment. Frames that the team in the
middle loses, which has as many link events before its own as after it."""

from bench import teams
from bench.compare import Board
from bench.row import exact
from lab import Lab

GUEST = teams.GUEST
SIZE = 32
ALL, WORST = (f"frames lost, {SIZE} teams lose a link at once, {words} of {teams.PULLS} times"
              for words in ("all", "worst"))


def measure_kind(session, board, kind):
    with Lab() as lab:
        machine = kind(lab, session.build, teams=SIZE)
        machine.start()
        teams.tell_ended(session, machine)
        # The first team, whose frames are counted, in the middle.
        order = machine.cables[SIZE // 2:] + machine.cables[:SIZE // 2]
        lost = teams.lost_frames(machine, lambda number: [cables[number % 2] for cables in order])
    session.say(f"{kind.name}: frames lost {lost}")
    board.put(ALL, kind, exact(sum(lost)))
    board.put(WORST, kind, exact(max(lost)))


def measure(session):
    board = Board(dict.fromkeys((ALL, WORST), f"frames at {teams.RATE}/s"))
    board.fill(session, measure_kind)
    yield from board.rows()
