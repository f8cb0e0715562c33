"""The counter of copies, before anything is judged by it: on dumb switches every way of teaming that the switch does not
know of doubles, reflects or moves addresses, and all of that is counted exactly. Here with a team of mode "static", which is
for another switch; in guests with the kernel's own drivers."""

import time

import pytest

from lab import Hall, Lab
from lab.copies import BROADCAST, MULTICAST, NOBODY, assert_once
from lab.guest import place

COUNT = 100
RATE = place.pick(1000, {"uml": 200})
OUTSIDE = "02:00:5e:00:00:01"
FORMS = ["raw", "v4", "v6"]


def run(hall, sender, to, form="raw", **options):
    result = hall.copies.run(sender, to, form, **{"count": COUNT, "rate": RATE, **options})
    print(result.describe())
    return result


@pytest.fixture(scope="module", name="wrong")
def wrong_hall(build):
    """Four members of a static team in one dumb switch, three machines."""
    with Lab() as made:
        hall = Hall(made, build, mode="static").start(machines=3)
        hall.await_converged()
        hall.introduce()
        yield hall


at_host = pytest.mark.at("host")
at_uml = pytest.mark.at("uml")


@at_host
@pytest.mark.parametrize("form", FORMS)
def test_copies_from_outside_are_counted(wrong, form):
    """A broadcast and a multicast come on each of four members."""
    for to in (BROADCAST, MULTICAST[form]):
        result = run(wrong, "out1", to, form)
        for machine in wrong.ends:
            assert (result[machine]["received"], result[machine]["doubled"], result[machine]["missing"]) \
                == (4 * COUNT, COUNT, 0)
        assert result.returned == 0
        with pytest.raises(AssertionError, match="copies"):
            assert_once(result, wrong.inside)


@at_host
def test_reflections_are_counted(wrong):
    """What a machine broadcasts comes back on the three other members, to itself too, and its address moves."""
    wrong.moves()
    result = run(wrong, "vm1", BROADCAST)
    assert result.returned == 3 * COUNT
    assert result["vm2"]["received"] == 4 * COUNT
    assert result["out1"]["received"] == COUNT and result["out1"]["doubled"] == 0
    with pytest.raises(AssertionError, match="came back"):
        assert_once(result, ["vm2", "vm3", "out1"])


@at_host
def test_moves_are_seen(wrong):
    """One address on several members: the switch hears it here and there."""
    wrong.moves()
    run(wrong, "vm2", OUTSIDE, "v4", flows=32)
    moves = wrong.moves()
    print(f"{len(moves)} moves, the first {moves[:1]}")
    assert len(moves) > 20
    assert all(mac == wrong.machines[1].mac for _, mac, _, _ in moves)


# Copies that a machine gets of a broadcast from outside and of a frame for nobody known; whether addresses move.
OTHERS = {
    "active-backup": (1, 1, False),
    "balance-tlb": (1, 1, False),
    "balance-alb": (1, 4, False),
    "activebackup": (1, 1, None),
    "loadbalance": (4, 4, True),
}


@at_uml
@pytest.mark.parametrize("team", OTHERS)
def test_what_others_do(lab, build, team):
    """The kernel's drivers, by the bonding driver's modes and teamd's runners: one member at a time is right, and all at
    once is not. What came in more than once comes back as often, but for the copy that left."""
    known, unknown, moving = OTHERS[team]
    hall = Hall(lab, build, team=team).start(machines=3)
    hall.introduce()
    hall.moves()
    for to, copies in ((BROADCAST, known), (NOBODY, unknown)):
        inward, outward = run(hall, "out1", to, "v4", flows=16), run(hall, "vm1", to, "v4", flows=16)
        assert [inward[end]["received"] for end in hall.ends] == [copies * COUNT] * 3
        assert outward.returned == (copies - 1) * COUNT
        assert outward["vm2"]["received"] == copies * COUNT
        if copies == 1:
            assert_once(inward, hall.inside)
            assert_once(outward, ["vm2", "vm3", "out1"])
    moves = [move for move in hall.moves() if move[1] in [machine.mac for machine in hall.machines]]
    print(f"{team}: {len(moves)} moves of the machines' addresses")
    assert moving is None or bool(moves) == moving


@at_uml
@pytest.mark.parametrize("team", ["active-backup", "activebackup"])
def test_others_lose_a_silent_machine(lab, build, team):
    """On two joined switches a machine that says nothing is lost with its member: they announce no address but their
    own."""
    hall = Hall(lab, build, team=team, switches=2).start(4, 1)
    hall.introduce()
    silent = hall.machines[-1]
    carrier = [nic for nic in hall.nics if hall.switch_of(nic).port_of(silent.mac) == hall.cables[nic].far_name]
    names = [hall.copies.begin(out, silent.mac, "v4", count=30 * RATE, rate=RATE) for out in hall.outs]
    time.sleep(0.3)
    hall.cables[carrier[0]].pull()
    time.sleep(6)  # Long enough for whatever they might repeat.
    results = hall.copies.end_all(names, early=True)
    worst = max(result.outage_ms(silent.name) for result in results)
    print(f"{team}: unreachable for {worst:.0f} ms of the 6 s that were waited")
    assert worst >= 5000
