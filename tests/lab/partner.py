"""A LACP partner for what a well-behaved switch does not do: it can fall silent, change its
identity, be passive, reflect what it hears, or send any frame at all. It keeps what it hears."""

import dataclasses
import select
import socket
import struct
import threading
import time

from lab import pdu
from lab.wait import wait_until

_SOL_PACKET, _ADD_MEMBERSHIP, _MULTICAST, _AUXDATA = 263, 1, 0, 8
_PACKET_OUTGOING = 4
_TP_STATUS_VLAN_VALID = 1 << 4


@dataclasses.dataclass
class Heard:
    when: float
    frame: bytes
    tagged: bool
    pdu: object  # A Lacpdu or None.

    @property
    def payload(self):
        return self.frame[14:]


class Port:
    """One end of a cable in the partner's hands. What is public may be set at any time; the
    partner's thread acts on it."""

    def __init__(self, partner, namespace, device, number):
        self.partner = partner
        self.device = device
        self.number = number
        self.silent = False       # Sends nothing by itself.
        self.echo = False         # Reflects every slow-protocol frame that it hears.
        self.in_sync = True       # Whether it says so.
        self.key = None           # If not the partner's.
        self.system = None
        self.heard = []
        self.remote = pdu.Info()  # What the other end last said of itself …
        self.told = pdu.Info()    # … and of us.
        self.last_heard = None
        self.sent = 0
        self._next = 0.0
        self._last_state = None
        with namespace.entered():
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            index = socket.if_nametoindex(device)
            self.socket.setsockopt(_SOL_PACKET, _AUXDATA, 1)
            self.socket.setsockopt(_SOL_PACKET, _ADD_MEMBERSHIP,
                                   struct.pack("iHH8s", index, _MULTICAST, 6, pdu.DESTINATION))
            self.socket.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
            self.socket.bind((device, pdu.ETHERTYPE))
        self.socket.setblocking(False)
        self.hardware = pdu.mac_text(self.socket.getsockname()[4])

    def actor(self):
        partner = self.partner
        state = pdu.state_bits("aggregation")
        state |= pdu.state_bits("activity") if partner.active else 0
        state |= pdu.state_bits("timeout") if partner.fast else 0
        if self.last_heard is None:
            state |= pdu.state_bits("defaulted")
        elif self.in_sync and self._is_matched():
            state |= pdu.state_bits("synchronization")
            if "synchronization" in pdu.state_names(self.remote.state):
                state |= pdu.state_bits("collecting", "distributing")
        return pdu.Info(partner.system_priority, self.system or partner.system,
                        self.key or partner.key, 255, self.number, state)

    def _is_matched(self):
        """Whether the other end knows us rightly, so that it is us with whom it is in sync."""
        return self.told.port == self.number

    def lacpdu(self):
        return pdu.Lacpdu(self.actor(), self.remote)

    def frame(self):
        return pdu.frame(self.hardware, self.lacpdu().pack())

    def send(self, frame):
        try:
            self.socket.send(frame)
            self.sent += 1
        except OSError:
            pass  # The cable is out.

    def hear(self):
        """Takes all that is there."""
        while True:
            try:
                frame, extra, _, address = self.socket.recvmsg(9000, 64)
            except OSError:
                return
            if address[2] != _PACKET_OUTGOING:
                self._take(frame, extra)

    def _take(self, frame, extra):
        tagged = any(struct.unpack("I", data[:4])[0] & _TP_STATUS_VLAN_VALID
                     for level, kind, data in extra if level == _SOL_PACKET and kind == _AUXDATA)
        found = Heard(time.monotonic(), frame, tagged, pdu.Lacpdu.unpack(frame[14:]))
        self.heard.append(found)
        if self.echo:
            self.send(frame)
        elif found.pdu:
            self.remote, self.told = found.pdu.actor, found.pdu.partner
            self.last_heard = found.when
        elif frame[14:17] == b"\x02\x01\x01" and not self.silent:  # A Marker wants an answer.
            self.send(frame[:6] + pdu.mac_bytes(self.hardware) + frame[12:16] + b"\x02" + frame[17:])

    def step(self, now):
        limit = 3 if self.partner.fast else 90
        if self.last_heard is not None and now - self.last_heard > 2 * limit:
            self.last_heard, self.remote, self.told = None, pdu.Info(), pdu.Info()
        if self.silent or self.echo or (not self.partner.active and self.last_heard is None):
            return
        state = self.actor()
        if now >= self._next or state != self._last_state:
            self._last_state = state
            self.send(self.frame())
            is_fast = self.remote.state & pdu.state_bits("timeout") or self.last_heard is None
            self._next = now + (1 if is_fast else 30)


class Partner:
    """All ports run in one thread until close()."""

    def __init__(self, lab, cables, system="02:bb:00:00:00:01", key=11, active=True, fast=True,
                 system_priority=32768, silent=False):
        self.system, self.key, self.system_priority = system, key, system_priority
        self.active, self.fast = active, fast
        self.ports = [Port(self, cable.far, cable.far_name, number)
                      for number, cable in enumerate(cables, 1)]
        for port in self.ports:
            port.silent = silent
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="partner", daemon=True)
        self._thread.start()
        lab.on_close(self.close)

    def _run(self):
        poller = select.poll()
        for port in self.ports:
            poller.register(port.socket, select.POLLIN)
        while not self._stopping.is_set():
            poller.poll(20)
            now = time.monotonic()
            for port in self.ports:
                port.hear()
                port.step(now)

    def close(self):
        if self._thread:
            self._stopping.set()
            self._thread.join()
            self._thread = None
            for port in self.ports:
                port.socket.close()

    def passing(self):
        """Ports whose other end says that it collects and distributes."""
        wanted = {"synchronization", "collecting", "distributing"}
        return [port for port in self.ports if wanted <= pdu.state_names(port.remote.state)]

    def await_passing(self, count, seconds=15):
        wait_until(lambda: len(self.passing()) == count, seconds,
                   lambda: f"{count} ports pass, only {len(self.passing())} do")
