"""The place 'emulator': a whole computer in qemu, without hardware support, that runs Debian's
kernel of the backports: tracing programs, TCX, netkit, and adapters with their real drivers.

A test file's wishes, beside those of every guest (place.py):
    processors  how many, if not one
    counted     True: one instruction is one nanosecond of the guest's time, so that what a thing
                costs comes out the same each time; with one processor
    nics        kinds of adapters, of each a pair; see lab.nics"""

import shutil
import socket

from lab.guest import emulator_kernel, pci, place, processor
from lab.guest import job as jobs

_QEMU = "qemu-system-x86_64"
_QUICK = ["quiet", "panic=-1", "mitigations=off", "nokaslr"]
# Adapters that tell no speed have no place in an aggregation.
_DEVICES = {"virtio-net": "virtio-net-pci,speed=10000,duplex=full"}


def _processor(options):
    if options.get("counted"):
        # What copies a block in one instruction would cost one nanosecond for any length.
        return ["-accel", "tcg,thread=single,tb-size=256", "-icount", "shift=0,sleep=off",
                "-smp", 1, "-cpu", "max,-erms,-fsrm"]
    return ["-accel", "tcg,thread=multi,tb-size=256", "-smp", options.get("processors", 1), "-cpu", "max"]


def _nic(number, kind, end):
    """One end of a cable."""
    name, device = f"{end}{number}", _DEVICES.get(kind, kind)
    mac = f"52:54:00:00:{number:02x}:0{pci.ENDS.index(end)}"
    return ["-netdev", f"hubport,hubid={number},id=wire-{name}",
            "-device", f"{device},netdev=wire-{name},id={name},mac={mac},addr={pci.slot(end, number):#x}"]


def _share(name, path, more=""):
    path = str(path).replace(",", ",,")
    return ["-fsdev", f"local,security_model=none,multidevs=remap,id={name},path={path}{more}",
            "-device", f"virtio-9p-pci,fsdev={name},mount_tag={name}"]


def _monitor(ends):
    """qemu's own control, as a serial port of the guest: a test can reach what is outside of the
    guest. 'ends' of a pair of sockets, both qemu's."""
    control, port = (end.fileno() for end in ends)
    return ["-chardev", f"socket,id=control,fd={control}", "-mon", "chardev=control,mode=control",
            "-chardev", f"socket,id=monitor,fd={port}", "-device", "virtio-serial-pci",
            "-device", "virtserialport,chardev=monitor,name=monitor"]


def _console(job):
    """Its kernel's messages, or the terminal of who is at it."""
    if job.terminal:
        return ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    path = str(job.folder / "console").replace(",", ",,")
    return ["-chardev", f"file,id=console,path={path},append=on", "-serial", "chardev:console"]


class Emulator:
    def __init__(self, kernel):
        self._kernel = kernel

    def _command(self, job, options):
        kernel_words = ["console=ttyS0", *_QUICK, *options.get("kernel", []), f"yokejob={job.folder}",
                        f"yokeinit={jobs.INIT}", f"yokemodules={self._kernel}/tree/lib/modules",
                        "yoketerminal=/dev/ttyS0"]
        nics = [word for number, kind in enumerate(options.get("nics", []), 1)
                for end in pci.ENDS for word in _nic(number, kind, end)]
        return [_QEMU, "-machine", "q35", *_processor(options), "-m", options.get("memory", 1024),
                "-nodefaults", "-no-user-config", "-no-reboot", "-display", "none",
                "-kernel", self._kernel / "vmlinux", "-initrd", self._kernel / "initrd",
                "-append", " ".join(kernel_words), *_share("root", "/", ",readonly=on"),
                *_share("job", job.folder), *_console(job), *nics]

    def run(self, argv, job, seconds, options):
        ends = socket.socketpair()
        for end in ends:
            end.set_inheritable(True)
        with ends[0], ends[1], processor.claimed() as number:
            # One processor of the guest is one of this machine, and no other guest's.
            pinned = ["taskset", "-c", number] if options.get("processors", 1) == 1 else []
            return jobs.run_machine([*pinned, *self._command(job, options), *_monitor(ends)], job, seconds,
                                    pass_fds=[end.fileno() for end in ends])


def prepare(_build):
    if not shutil.which(_QEMU):
        raise place.Unavailable(f"no {_QEMU}: the package qemu-system-x86 is not installed")
    try:
        return Emulator(emulator_kernel.find_or_make())
    except emulator_kernel.KernelError as error:
        raise place.Unavailable(f"no kernel for the emulator: {error}") from error
