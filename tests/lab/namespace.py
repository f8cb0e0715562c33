"""A network namespace: a machine of the lab."""

import contextlib
import ctypes
import json
import os
import subprocess

from lab.wait import LabError

_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)


def _setns(fd):
    if _libc.setns(fd, _CLONE_NEWNET) < 0:
        raise OSError(ctypes.get_errno(), "setns")


class Namespace:
    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"

    def run(self, *command, check=True, timeout=60):
        """Runs a command to its end in the namespace; returns its standard output."""
        result = subprocess.run(["nsenter", f"--net={self.path}", "--", *map(str, command)],
                                capture_output=True, text=True, timeout=timeout, check=False)
        if check and result.returncode != 0:
            raise LabError(f"{' '.join(map(str, command))}: {result.stderr.strip()}")
        return result.stdout

    def ip(self, *words, check=True):
        result = subprocess.run(["ip", "-n", self.name, *map(str, words)], capture_output=True,
                                text=True, check=False)
        if check and result.returncode != 0:
            raise LabError(f"ip {' '.join(map(str, words))}: {result.stderr.strip()}")
        return result.stdout

    def link(self, device):
        """What 'ip' tells about a device; None: there is none."""
        text = self.ip("-json", "-details", "-statistics", "link", "show", "dev", device, check=False)
        found = json.loads(text) if text.strip() else []
        return found[0] if found else None

    def has_carrier(self, device):
        link = self.link(device)
        return bool(link) and "LOWER_UP" in link["flags"]

    def up(self, device):
        self.ip("link", "set", "dev", device, "up")

    def down(self, device):
        self.ip("link", "set", "dev", device, "down")

    def address(self, device, *addresses):
        for address in addresses:
            more = ["nodad"] if ":" in address else []
            self.ip("addr", "add", address, "dev", device, *more)

    @contextlib.contextmanager
    def entered(self):
        """This thread is in the namespace: for making sockets, which then stay in it."""
        own = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        there = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _setns(there)
            yield
        finally:
            _setns(own)
            os.close(own)
            os.close(there)
