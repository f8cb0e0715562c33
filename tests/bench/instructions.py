"""Instructions for a frame, from the sender's system call to the filter at which it ends. The emulator counts
them: there each takes a nanosecond, and no clock or cache says otherwise."""

from bench import layouts
from bench.row import Figure, Row
from lab import Lab

GUEST = {"counted": True}
OURS = [layouts.bpf_netkit, layouts.bpf_veth, layouts.direct_netkit, layouts.direct_veth]
PEERS = [layouts.team, layouts.plain, layouts.bonding, layouts.bridge]
ROUNDS = 5
FRAMES, TRIPS = 2000, 400


def contests(session):
    yield "small UDP sent", layouts.Pump(session, "udp", False, count=FRAMES), "instructions/frame"
    yield "small UDP received", layouts.Pump(session, "udp", True, count=FRAMES), "instructions/frame"
    yield "TCP request and response", layouts.Pump(session, "rr", count=TRIPS), "instructions/round trip"


def costs(pump, found):
    for layout in found:
        pump.prepare(layout)
        pump.run(layout)
    values = {layout.name: [] for layout in found}
    for _ in range(ROUNDS):
        for layout in found:
            values[layout.name].append(pump.run(layout))
    return {name: Figure.of(list_of_one) for name, list_of_one in values.items()}


def measure(session):
    with Lab() as lab:
        found = []
        for make in OURS + PEERS:
            found.append(make(lab, session.build))
            session.say(f"made: {found[-1].name}")
        names = [layout.name for layout in found]
        for words, pump, unit in contests(session):
            cost = costs(pump, found)
            session.say(f"{words}: " + ", ".join(f"{name} {figure.value:.0f}" for name, figure in cost.items()))
            # The kernel's team driver is the first of the peers, and by its way of making one ours as well.
            for number, ours in enumerate(names[:len(OURS) + 1]):
                for peer in names[max(number + 1, len(OURS)):]:
                    yield Row(words, ours, cost[ours], peer, cost[peer], unit)
