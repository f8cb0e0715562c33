"""What a lost carrier moves that need not move: flows on the three members that are left of four."""

import collections
import socket
import struct
import time

from bench.compare import Board
from bench.row import exact
from lab import Lab, LabError, wait_until
from lab.guest import place
from lab.traffic import Traffic

FLOWS = 256
RATE = place.pick(1000, {"emulator": 300})
FAILS, RETURNS = "surviving flows moved when one of 4 members fails", "flows moved when it returns"


class Places:
    """Where each flow comes out: its source port -> the cable's far end."""

    def __init__(self, machine):
        self.machine = machine
        self._sockets = {}
        for cable in machine.cables[0]:
            with cable.far.entered():
                found = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
                found.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)
                found.bind((cable.far_name, 0x0800))
            found.setblocking(False)
            self._sockets[cable.far_name] = found

    def look(self):
        for name in self._sockets:
            self._take(name)
        result = Traffic(self.machine.lab, self.machine.build, "udp", self.machine.host, self.machine.far,
                         "10.0.0.2", flows=FLOWS, rate=RATE, seconds=4 * FLOWS / RATE).result()
        if result["failure"]:
            raise LabError(result["failure"])
        found = {}
        for name in self._sockets:
            found.update(dict.fromkeys(self._take(name), name))
        return found

    def _take(self, name):
        """Source ports of the datagrams that came there."""
        ports = collections.Counter()
        while True:
            try:
                packet, address = self._sockets[name].recvfrom(128)
            except BlockingIOError:
                return ports
            except OSError:  # It was down in the meantime.
                continue
            if packet[9] == socket.IPPROTO_UDP and address[2] != socket.PACKET_OUTGOING:
                ports[struct.unpack_from("!H", packet, 20)[0]] += 1

    def close(self):
        for found in self._sockets.values():
            found.close()


def moved(before, after, flows):
    """Per cent of these flows."""
    return 100 * sum(before[flow] != after[flow] for flow in flows) / len(flows)


def settle(places):
    """Where the flows are when none moves any more."""
    def same():
        nonlocal last
        last, before = places.look(), last
        return last if last == before and len(last) == FLOWS else None
    last = None
    return wait_until(same, 60, "all flows stay where they are")


def measure_kind(session, board, kind):
    with Lab() as lab:
        machine = kind(lab, session.build, members=4)
        machine.start()
        places = Places(machine)
        before = settle(places)
        cable = machine.cables[0][1]
        cable.pull()
        time.sleep(1.5)
        failed = settle(places)
        survivors = [flow for flow, name in before.items() if name != cable.far_name]
        cable.plug()
        wait_until(machine.whole, 60, "the member is back")
        time.sleep(1.5)
        back = settle(places)
        figures = moved(before, failed, survivors), moved(failed, back, list(failed))
        places.close()
    session.say(f"{kind.name}: {len(before) - len(survivors)} of {FLOWS} flows were on it; of the others "
                f"{figures[0]:.1f} % moved; {figures[1]:.1f} % at its return")
    for what, value in zip((FAILS, RETURNS), figures):
        board.put(what, kind, exact(round(value, 1)))


def measure(session):
    board = Board({FAILS: "% of them", RETURNS: "% of all"})
    board.fill(session, measure_kind)
    yield from board.rows()
