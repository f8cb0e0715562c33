"""Slow-protocol frames, written from IEEE 802.1AX and on purpose not from the daemon's code."""

import dataclasses
import struct

DESTINATION = bytes.fromhex("0180c2000002")
ETHERTYPE = 0x8809
STATE = ("activity", "timeout", "aggregation", "synchronization", "collecting", "distributing",
         "defaulted", "expired")


def state_bits(*names):
    return sum(1 << STATE.index(name) for name in names)


def state_names(bits):
    return {name for i, name in enumerate(STATE) if bits >> i & 1}


def mac_bytes(text):
    return bytes.fromhex(text.replace(":", ""))


def mac_text(octets):
    return ":".join(f"{octet:02x}" for octet in octets)


@dataclasses.dataclass(frozen=True)
class Info:
    """What a LACPDU tells of one end."""
    system_priority: int = 0
    system: str = "00:00:00:00:00:00"
    key: int = 0
    port_priority: int = 0
    port: int = 0
    state: int = 0

    def pack(self):
        return struct.pack("!H6sHHHB3x", self.system_priority, mac_bytes(self.system), self.key,
                           self.port_priority, self.port, self.state)

    @staticmethod
    def unpack(octets):
        priority, system, key, port_priority, port, state = struct.unpack("!H6sHHHB3x", octets)
        return Info(priority, mac_text(system), key, port_priority, port, state)


@dataclasses.dataclass(frozen=True)
class Lacpdu:
    actor: Info
    partner: Info
    version: int = 1
    max_delay: int = 0

    def pack(self):
        """The payload, from the subtype octet on."""
        return (bytes([1, self.version, 1, 20]) + self.actor.pack() + bytes([2, 20])
                + self.partner.pack() + bytes([3, 16]) + struct.pack("!H12x", self.max_delay)
                + bytes(52))

    @staticmethod
    def unpack(payload):
        """None if it is no LACPDU."""
        if len(payload) < 110 or payload[0] != 1:
            return None
        return Lacpdu(Info.unpack(payload[4:22]), Info.unpack(payload[24:42]), payload[1],
                      int.from_bytes(payload[44:46], "big"))


def marker(port, system, transaction, length=16):
    """A Marker Information PDU. The TLV has 16 octets; Linux' bonding driver writes 22."""
    return (bytes([2, 1, 1, length])
            + struct.pack("!H6sI2x", port, mac_bytes(system), transaction) + bytes(92))


def frame(source, payload, destination=DESTINATION, ethertype=ETHERTYPE, vlan=None):
    tag = struct.pack("!HH", 0x8100, vlan) if vlan is not None else b""
    return destination + mac_bytes(source) + tag + struct.pack("!H", ethertype) + payload
