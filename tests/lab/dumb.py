"""Dumb switches: Linux bridges that learn and flood, without LACP, isolation, spanning tree or snooping. Each lives in a
namespace of its own and tells which addresses have moved from port to port."""

import collections
import errno
import socket
import struct

from lab.cable import Cable
from lab.wait import LabError, wait_until

Move = collections.namedtuple("Move", "mac old new")

_SO_RCVBUFFORCE, _RTMGRP_NEIGH, _AF_BRIDGE = 33, 4, 7
_RTM_NEWNEIGH, _NDA_LLADDR, _NUD_PERMANENT = 28, 2, 0x80


class DumbSwitch:
    def __init__(self, lab, name="switch"):
        self.lab, self.name = lab, name
        self.namespace = lab.namespace(name)
        # A switch says nothing of its own.
        self.namespace.run("sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1", "net.ipv6.conf.all.disable_ipv6=1")
        self.namespace.ip("link", "add", "name", "br0", "type", "bridge", "stp_state", "0", "forward_delay", "0",
                          "mcast_snooping", "0")
        self.namespace.up("br0")
        self._names, self._ports, self._moves = {}, {}, []
        with self.namespace.entered():
            self._news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
            self._news.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 16 << 20)
            self._news.bind((0, _RTMGRP_NEIGH))
        self._news.setblocking(False)
        lab.on_close(self._news.close)

    def add_port(self, port):
        """A device that is here."""
        self._names[self.namespace.link(port)["ifindex"]] = port
        self.namespace.ip("link", "set", "dev", port, "master", "br0")
        self.namespace.up(port)

    def passes(self, port):
        """Whether frames go through there: a bridge lets none through until the kernel has looked at the port's link, for
        which it may take a second, see Cable.plug()."""
        return self.namespace.link(port)["linkinfo"]["info_slave_data"]["state"] == "forwarding"

    def forget_all(self):
        """As by a switch's restart or its ageing: every address is unknown again."""
        for port in self._names.values():
            self.namespace.ip("link", "set", "dev", port, "type", "bridge_slave", "fdb_flush", check=False)

    def be_a_hub(self, on=True):
        """Learns nothing and floods every frame."""
        self.namespace.ip("link", "set", "dev", "br0", "type", "bridge", "ageing_time", "0" if on else "30000")
        if on:
            self.forget_all()

    def _take(self, message):
        kind, = struct.unpack_from("H", message, 4)
        family, index, state = struct.unpack_from("BxxxiH", message, 16)
        at, mac = 28, None
        while at + 4 <= len(message):
            size, attribute = struct.unpack_from("HH", message, at)
            if attribute == _NDA_LLADDR:
                mac = ":".join(f"{octet:02x}" for octet in message[at + 4:at + 10])
            at += max(4, (size + 3) & ~3)
        port = self._names.get(index)
        if kind != _RTM_NEWNEIGH or family != _AF_BRIDGE or state & _NUD_PERMANENT or not mac or not port:
            return
        old = self._ports.get(mac)
        if old and old != port:
            self._moves.append(Move(mac, old, port))
        self._ports[mac] = port

    def _hear(self):
        while True:
            try:
                data = self._news.recv(1 << 20)
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno == errno.ENOBUFS:
                    raise LabError(f"news of {self.name} were lost") from error
                raise
            while len(data) >= 16:
                size, = struct.unpack_from("I", data, 0)
                self._take(data[:size])
                data = data[(size + 3) & ~3:]

    def moves(self):
        """Addresses that were heard on another port than before, in their order, since last asked."""
        self._hear()
        found, self._moves = self._moves, []
        return found

    def port_of(self, mac):
        """Where the address was heard last."""
        self._hear()
        return self._ports.get(mac)

    def describe(self):
        return self.namespace.run("bridge", "fdb", "show", "br", "br0", check=False)


def join(lab, left, right):
    """A cable between two dumb switches."""
    cable = Cable(lab, left.namespace, "join", right.namespace, "join")
    left.namespace.run("ethtool", "-K", "join", "tx", "off", check=False)
    left.add_port("join")
    right.add_port("join")
    for switch in (left, right):
        wait_until(lambda switch=switch: switch.passes("join"), 5, f"{switch.name} passes to the other one")
    return cable


def outside(lab, switch, name, number, addresses=(), mac=None):
    """A host of the outside world behind a port of the switch."""
    machine = lab.namespace(name)
    cable = Cable(lab, machine, "eth0", switch.namespace, f"p{90 + number}")
    cable.without_checksum_offload()
    machine.ip("link", "set", "dev", "eth0", "address", mac or f"02:00:5e:00:00:{number:02x}")
    machine.up("eth0")
    machine.address("eth0", *addresses)
    switch.add_port(cable.far_name)
    wait_until(lambda: switch.passes(cable.far_name), 5, f"{switch.name} passes to {name}")
    return machine
