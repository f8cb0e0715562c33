"""Cables of any speed: two tap devices and a thread that carries frames between them. A veth cannot be
told its speed, a tap can, by ethtool, as an adapter."""

import fcntl
import os
import select
import struct
import threading

_TUNSETIFF, _TUNSETCARRIER = 0x400454CA, 0x400454E2
_IFF_TAP, _IFF_NO_PI = 2, 0x1000


def _open(namespace, name, speed):
    with namespace.entered():
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    namespace.run("ethtool", "-s", name, "speed", speed, "duplex", "full")
    return fd


class TapCable:
    """As a Cable, with a speed in Mbit/s."""

    def __init__(self, lab, near, near_name, far, far_name, mtu=1500, speed=1000):
        self.near, self.near_name = near, near_name
        self.far, self.far_name = far, far_name
        self._fds = [_open(near, near_name, speed), _open(far, far_name, speed)]
        for namespace, name in ((near, near_name), (far, far_name)):
            namespace.ip("link", "set", "dev", name, "mtu", mtu)
        far.up(far_name)
        self._wake = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._carry, name="tap-cable", daemon=True)
        self._thread.start()
        lab.on_close(self._close)

    def _carry(self):
        ends = {self._fds[0]: self._fds[1], self._fds[1]: self._fds[0]}
        while True:
            ready, _, _ = select.select([*self._fds, self._wake[0]], [], [])
            if self._wake[0] in ready:
                return
            for fd in ready:
                try:
                    os.write(ends[fd], os.read(fd, 65536))
                except OSError:
                    pass  # An end is down: the frame is lost, as on any cable.

    def _carrier(self, there):
        for fd in self._fds:
            fcntl.ioctl(fd, _TUNSETCARRIER, struct.pack("i", there))

    def pull(self):
        self._carrier(0)

    def plug(self, speed=None):
        """Both ends negotiate another speed, if it is given."""
        for namespace, name in ((self.near, self.near_name), (self.far, self.far_name)):
            if speed:
                namespace.run("ethtool", "-s", name, "speed", speed, "duplex", "full")
        self._carrier(1)

    def without_checksum_offload(self):
        """There is none: whoever reads a tap gets whole frames."""

    def _close(self):
        os.write(self._wake[1], b"x")
        self._thread.join()
        for fd in (*self._fds, *self._wake):
            os.close(fd)
