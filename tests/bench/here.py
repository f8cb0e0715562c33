"""Our bpf datapath against a plain cable on this machine: all work on one processor, in rounds of the two in
turn, since what else the machine does comes and goes."""

from bench import layouts
from bench.row import Figure, Row
from lab import Lab

ROUNDS = 11
FRAMES, OCTETS, TRIPS = 60000, 256 << 20, 10000


def contests(session):
    """(words, the pump, unit, what makes the unit of a second's count)."""
    for inbound, way in ((False, "sent"), (True, "received")):
        for flows in (1, 4):
            words = f"small UDP {way}, {flows} flow{'s' * (flows > 1)}"
            yield words, layouts.Pump(session, "udp", inbound, flows, FRAMES), "1000 frames/s", 1e3
    for inbound, way in ((False, "sent"), (True, "received")):
        for flows in (1, 4):
            words = f"TCP {way}, {flows} flow{'s' * (flows > 1)}"
            yield words, layouts.Pump(session, "tcp", inbound, flows, OCTETS), "MiB/s", 1 << 20
    yield "TCP request and response", layouts.Pump(session, "rr", count=TRIPS), "1000 round trips/s", 1e3


def rates(pump, pair, unit):
    """A list of (ours, plain)."""
    for layout in pair:
        pump.prepare(layout)
        pump.run(layout)
    found = []
    for number in range(ROUNDS):
        order = pair if number % 2 else tuple(reversed(pair))
        times = {layout.name: pump.run(layout) for layout in order}
        found.append(tuple(1e9 / unit / times[layout.name] for layout in pair))
    return found


def measure(session):
    with Lab() as lab:
        pair = layouts.bpf_veth(lab, session.build), layouts.plain(lab, session.build)
        for words, pump, unit_name, unit in contests(session):
            found = rates(pump, pair, unit)
            ours, plain = (Figure.of(values) for values in zip(*found))
            ratio = Figure.of(our_rate / plain_rate for our_rate, plain_rate in found)
            session.say(f"{words}: {ratio.value:.3f} of a plain cable")
            yield Row(words, pair[0].name, ours, pair[1].name, plain, unit_name, True, ratio)
