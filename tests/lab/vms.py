"""Virtual machines on a host: namespaces behind ports of a bridge that stands on the team."""

import ipaddress
import socket
import struct

from lab.cable import Cable

BROADCAST = b"\xff" * 6


def _bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def _arp(mac, v4):
    """Gratuitous: who has my own address?"""
    own = _bytes(mac) + ipaddress.ip_address(v4).packed
    return BROADCAST + _bytes(mac) + struct.pack("!HHHBBH", 0x0806, 1, 0x0800, 6, 4, 1) + own + bytes(6) + own[6:]


def _rarp(mac):
    own = _bytes(mac) + bytes(4)
    return BROADCAST + _bytes(mac) + struct.pack("!HHHBBH", 0x8035, 1, 0x0800, 6, 4, 3) + 2 * own


def _neighbour(mac, v6):
    """An advertisement that nobody asked for, to all nodes."""
    source, target = ipaddress.ip_address(v6).packed, ipaddress.ip_address("ff02::1").packed
    body = struct.pack("!BBHI", 136, 0, 0, 0x20000000) + source + b"\x02\x01" + _bytes(mac)
    words = struct.unpack("!36H", source + target + struct.pack("!II", len(body), 58) + body[:32])
    total = sum(words)
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    body = body[:2] + struct.pack("!H", ~total & 0xffff) + body[4:]
    return (b"\x33\x33\x00\x00\x00\x01" + _bytes(mac) + struct.pack("!HIHBB", 0x86dd, 6 << 28, len(body), 58, 255)
            + source + target + body)


def announcement(kind, mac, v4, v6):
    """The frame by which a machine says where it is: "arp", "nd" or "rarp"."""
    return {"arp": lambda: _arp(mac, v4), "nd": lambda: _neighbour(mac, v6), "rarp": lambda: _rarp(mac)}[kind]()


def send_frame(namespace, frame, device="eth0"):
    with namespace.entered(), socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0) as out:
        out.bind((device, 0))
        out.send(frame)


class VirtualMachine:
    """A namespace with eth0, and the host's end of it on the bridge. A silent one has no IP and says nothing of itself."""

    def __init__(self, lab, host, number, silent=False, bridge="br0"):
        self.lab, self.number, self.silent = lab, number, silent
        self.name, self.port = f"vm{number}", f"tap{number}"
        self.mac = f"02:76:6d:00:00:{number:02x}"
        self.v4, self.v6 = f"10.77.1.{number}", f"fd77::1:{number:x}"
        self.namespace = lab.namespace(self.name)
        if silent:
            self._be_silent()
        self.host, self._bridge = host, bridge
        self._plug(host, self.port)
        host.ip("link", "set", "dev", self.port, "master", bridge)
        host.up(self.port)

    def _be_silent(self):
        self.namespace.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv6.conf.all.disable_ipv6=1")

    def _plug(self, where, port):
        self.cable = Cable(self.lab, self.namespace, "eth0", where, port)
        self.cable.without_checksum_offload()
        self.namespace.ip("link", "set", "dev", "eth0", "address", self.mac)
        if self.silent:
            self.namespace.ip("link", "set", "dev", "eth0", "arp", "off")
        self.namespace.up("eth0")
        if not self.silent:
            self.namespace.address("eth0", f"{self.v4}/16", f"{self.v6}/64")

    def migrate(self, switch, port, port_stays=False):
        """Lives behind a port of the switch from now on, with its address, and says nothing of it. 'port_stays': the port that
        it had is still there, and the bridge still knows it there."""
        if port_stays:
            self.namespace.down("eth0")
            self.namespace.ip("link", "set", "dev", "eth0", "name", "old0", "address", "02:76:6d:00:ff:01")
            self.namespace.ip("addr", "flush", "dev", "old0")
            self.namespace.up("old0")
        else:
            self.cable.destroy()
        self.silent = True
        self._be_silent()
        self._plug(switch.namespace, port)
        switch.add_port(port)

    def announce(self, kind="arp"):
        send_frame(self.namespace, announcement(kind, self.mac, self.v4, self.v6))


class Machines:
    """The bridge br0 on the host, and virtual machines on it."""

    def __init__(self, lab, host, device="team0", bridge="br0"):
        self.lab, self.host, self.bridge = lab, host, bridge
        self.machines = []
        host.ip("link", "add", "name", bridge, "type", "bridge", "stp_state", "0", "forward_delay", "0")
        host.ip("link", "set", "dev", device, "master", bridge)
        host.up(device)
        # As the host's address is usually made to be; else it would follow the lowest of its ports.
        host.ip("link", "set", "dev", bridge, "address", host.link(device)["address"])
        host.up(bridge)

    def add(self, n=1, silent=False):
        for _ in range(n):
            self.machines.append(VirtualMachine(self.lab, self.host, len(self.machines) + 1, silent, self.bridge))
        return self.machines[-n:]

    def __iter__(self):
        return iter(self.machines)

    def __getitem__(self, index):
        return self.machines[index]

    def __len__(self):
        return len(self.machines)
