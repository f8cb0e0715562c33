"""Hears what both ends of a cable say of themselves by LACP, whatever moves the frames at either end."""

import ctypes
import socket
import struct

from lab import pdu

_SO_ATTACH_FILTER, _SO_TIMESTAMPNS, _OUTGOING, _ETH_P_ALL = 26, 35, 4, 3
# ldh [12]; jeq 0x8809, 0, 1; ret 65535; ret 0
_FILTER = [(0x28, 0, 0, 12), (0x15, 0, 1, pdu.ETHERTYPE), (0x06, 0, 0, 65535), (0x06, 0, 0, 0)]


class Ear:
    """At the far end of a cable, beside the partner."""

    def __init__(self, lab, cable):
        program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in _FILTER))
        with cable.far.entered():
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER,
                                    struct.pack("HL", len(_FILTER), ctypes.addressof(program)))
            self._socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            self._socket.bind((cable.far_name, _ETH_P_ALL))
        self._socket.setblocking(False)
        self._said = {"host": [], "partner": []}
        lab.on_close(self._socket.close)

    def _hear(self):
        while True:
            try:
                frame, extra, _, address = self._socket.recvmsg(256, 64)
            except BlockingIOError:
                return
            found = pdu.Lacpdu.unpack(frame[14:])
            if found:
                seconds, nanoseconds = struct.unpack("qq", extra[0][2])
                self._said["partner" if address[2] == _OUTGOING else "host"].append(
                    (seconds + nanoseconds / 1e9, found.actor.state))

    def said(self, end):
        """The LACPDUs of one end, "host" or "partner", until now: (when, by the kernel's clock; the
        actor's state)."""
        self._hear()
        return list(self._said[end])

    def states(self, end):
        return [state for _, state in self.said(end)]

    def longest_gap(self, end):
        """Seconds between two LACPDUs of that end."""
        times = [when for when, _ in self.said(end)]
        return max((later - earlier for earlier, later in zip(times, times[1:])), default=0.0)

    def close(self):
        self._socket.close()
