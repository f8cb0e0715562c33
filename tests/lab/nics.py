"""Cables between adapters of the emulator that have their real drivers. The test file asks for them
by GUEST = {"nics": [KIND, …]}: one pair for each, numbered from 1, of "virtio-net", "vmxnet3",
"e1000" or "e1000e".

An adapter outlives the lab: when its namespace goes it comes back to the guest's first one, as it
was left and under any name. So it is known by its place on the bus, and each lab gives it to its
driver anew."""

import pathlib
import subprocess

from lab.guest.monitor import Monitor
from lab.guest.pci import slot
from lab.wait import wait_until


class Nic:
    """One end of a pair. 'name' is what qemu calls it."""

    def __init__(self, end, number):
        self.name = f"{end}{number}"
        self._address = f"0000:00:{slot(end, number):02x}.0"
        self._device = pathlib.Path("/sys/bus/pci/devices") / self._address

    def _find(self):
        """Its name in the first namespace, or None while it is in another."""
        return next((path.name for path in self._device.glob("**/net/*")), None)

    def _load_driver(self):
        """Nothing in the guest does it when an adapter is found. What is built in has no module."""
        names = [path.read_text(encoding="ascii").strip() for path in self._device.glob("**/modalias")]
        subprocess.run(["modprobe", "-qa", *names], check=False)

    def rebind(self):
        """Takes it from its driver, whereupon the device vanishes, and gives it back: a new device."""
        self._load_driver()
        driver = (self._device / "driver").resolve()
        (driver / "unbind").write_text(self._address, encoding="ascii")
        (driver / "bind").write_text(self._address, encoding="ascii")

    def move(self, namespace, name):
        """Out of the first namespace into this one, under that name."""
        found = wait_until(self._find, 10, f"{self.name} is in the first namespace")
        subprocess.run(["ip", "link", "set", "dev", found, "netns", namespace.name, "name", name], check=True)


class NicPair:
    """As lab.Cable. Near end: the machine under test. Far end: the switch or whoever plays it."""

    def __init__(self, monitor, number, near, near_name, far, far_name, mtu=1500):
        self.near, self.near_name = near, near_name
        self.far, self.far_name = far, far_name
        self.near_nic, self.far_nic = Nic("near", number), Nic("far", number)
        self._monitor, self._mtu = monitor, mtu
        self.plug()
        self._put(self.near_nic, near, near_name)
        self._put(self.far_nic, far, far_name)
        # As a switch's port. The emulator's vmxnet3, once its address was changed (as bonding does) and it was
        # down, hears unicast only so.
        far.ip("link", "set", "dev", far_name, "promisc", "on")
        far.up(far_name)

    def _put(self, nic, namespace, name):
        nic.rebind()
        nic.move(namespace, name)
        namespace.ip("link", "set", "dev", name, "mtu", self._mtu)

    def _set_links(self, up):
        for nic in (self.near_nic, self.far_nic):
            self._monitor.call("set_link", name=nic.name, up=up)

    def pull(self):
        """From outside: both ends lose the link, as with a cable."""
        self._set_links(False)

    def plug(self):
        self._set_links(True)

    def reset_driver(self):
        """The near adapter vanishes and comes back, under its name."""
        self._put(self.near_nic, self.near, self.near_name)

    def without_checksum_offload(self):
        """Not needed: what an adapter has sent has its checksum."""


class Nics:
    """What a Scene makes its cables with instead of lab.Cable: the pairs of these numbers."""

    def __init__(self, lab, numbers):
        self._numbers = list(numbers)
        self._monitor = Monitor()
        lab.on_close(self._monitor.close)

    def __call__(self, _lab, near, near_name, far, far_name, mtu=1500):
        return NicPair(self._monitor, self._numbers.pop(0), near, near_name, far, far_name, mtu)
