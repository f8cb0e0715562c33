"""Cables: veth pairs.

Both ends get the same interface index, because that makes a veth behave as a network adapter: the
kernel takes a device whose lower link has another index for a virtual one and tells its lost
carrier at once, where it may hold back an adapter's by up to a second. With unequal indexes a test
of failover would prove nothing; 'shifted' asks for that where a test means it."""

import subprocess


class Cable:
    """Near end: the machine under test. Far end: the switch or whoever plays it."""

    def __init__(self, lab, near, near_name, far, far_name, mtu=1500, shifted=False):
        self.near, self.near_name = near, near_name
        self.far, self.far_name = far, far_name
        self.mtu = mtu
        index = lab.next_index()
        far_index = index + 100000 if shifted else index
        near.ip("link", "add", "name", near_name, "index", index, "mtu", mtu, "type", "veth",
                "peer", "name", far_name, "index", far_index, "mtu", mtu, "netns", far.name)
        far.up(far_name)

    def pull(self):
        """The near end loses its carrier."""
        self.far.down(self.far_name)

    def plug(self):
        """A bridge at the far end forwards there once the kernel has looked at the link, for which it takes up to a second if
        any link of the computer, in whatever namespace, has changed within the last one. To be asked for the device makes
        newer kernels look at once, as an adapter's switch would."""
        commands = f"link set dev {self.far_name} up\nlink show dev {self.far_name}\n"
        subprocess.run(["ip", "-n", self.far.name, "-batch", "-"], input=commands, text=True, check=True, capture_output=True)

    def destroy(self):
        """The adapter vanishes from the near machine, as by hot-unplug."""
        self.near.ip("link", "del", "dev", self.near_name)

    def without_checksum_offload(self):
        """A veth leaves checksums (and segmenting) to whoever reads the frame, and the switch's
        packet sockets forward them as they are. Without the offload the kernel does both as the
        frame enters the cable, as for an adapter that cannot."""
        self.near.run("ethtool", "-K", self.near_name, "tx", "off")
