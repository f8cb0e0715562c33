"""kill -9 of whoever makes the team, and its start half a second later, under traffic both ways."""

import time

from bench import machines
from bench.compare import Board
from bench.row import exact
from lab import Lab
from lab.traffic import Traffic

RATE, FLOWS = 500, 32
AFTER = 12
LOST, WHOLE = "frames lost, kill -9 and restart", "links that do not pass 12 s later"


def address_again(machine):
    """If the device was made anew, as an administrator would have to."""
    deadline = time.monotonic() + AFTER
    while time.monotonic() < deadline:
        if machine.host.link("team0") and "10.0.0.1" not in machine.host.ip("addr", "show", "dev", "team0"):
            machine.host.ip("link", "set", "dev", "team0", "up", check=False)
            machine.host.ip("addr", "add", "10.0.0.1/24", "dev", "team0", check=False)
        time.sleep(0.2)


def measure_kind(session, board, kind):
    with Lab() as lab:
        machine = kind(lab, session.build)
        machine.start()
        time.sleep(3)
        ways = [(machine.host, machine.far, "10.0.0.2"), (machine.far, machine.host, "10.0.0.1")]
        runs = [Traffic(lab, session.build, "udp", source, target, address, flows=FLOWS, rate=RATE, seconds=60,
                        port=5000 + number).flows() for number, (source, target, address) in enumerate(ways)]
        machine.kill()
        time.sleep(0.5)
        machine.restart()
        address_again(machine)
        results = [run.stop() for run in runs]
        passing = len(machine.bonds.passing("bond0"))
    lost = sum(result["lost"] + result["refused"] for result in results)
    session.say(f"{kind.name}: {lost} of {sum(result['sent'] for result in results)} lost; {passing} of 2 links pass")
    board.put(LOST, kind, exact(lost))
    board.put(WHOLE, kind, exact(2 - passing))


def measure(session):
    board = Board({LOST: f"frames at {2 * RATE}/s", WHOLE: "of 2 links"})
    board.fill(session, measure_kind, [*machines.OURS, machines.Teamd, machines.TeamdAnew])
    board.cannot(LOST, machines.TeamdAnew, "addresses and routes went with the device; the benchmark gave it its "
                 "address again")
    board.cannot(LOST, machines.BondingDriver, "there is nothing to be killed")
    yield from board.rows(peers=(machines.Teamd, machines.TeamdAnew, machines.BondingDriver))
