#!/usr/bin/python3 -ISB
"""The first process in a guest: makes a usual system of a bare kernel on the host's files, runs the
job's command and turns the guest off. One program, because in a guest each process that starts costs.

The kernel's command line gives
    yokejob=FOLDER      of the job
    yokemodules=FOLDER  in which a folder for each version lies, if the kernel has modules
    yoketerminal=PATH   the device that a job with a terminal has, if there is such a job"""

import ctypes
import fcntl
import json
import os
import pathlib
import subprocess
import termios
import traceback

PATH = "/run/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
POWER_OFF = 0x4321FEDC
_libc = ctypes.CDLL(None, use_errno=True)

MOUNTS = [
    ("proc", "/proc", ""),
    ("sysfs", "/sys", ""),
    ("devtmpfs", "/dev", ""),
    ("devpts", "/dev/pts", "newinstance,ptmxmode=666"),
    ("tmpfs", "/dev/shm", ""),
    ("tmpfs", "/run", "mode=755"),
    ("bpf", "/sys/fs/bpf", ""),
    ("debugfs", "/sys/kernel/debug", ""),
    ("tracefs", "/sys/kernel/tracing", ""),
    ("cgroup2", "/sys/fs/cgroup", ""),
]
OPTIONAL = {"debugfs", "tracefs", "cgroup2"}


def mount(kind, target, options):
    if os.path.ismount(target):
        return
    if target.startswith("/dev/"):
        os.makedirs(target, exist_ok=True)
    if _libc.mount(kind.encode(), target.encode(), kind.encode(), 0, options.encode()) < 0 and kind not in OPTIONAL:
        raise OSError(ctypes.get_errno(), f"cannot mount {kind} on {target}")


def make_devices():
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        if not os.path.lexists(f"/dev/{name}"):
            os.symlink(target, f"/dev/{name}")
    # Opening it loads the driver, where it is a module.
    if not os.path.exists("/dev/net/tun"):
        os.makedirs("/dev/net", exist_ok=True)
        os.mknod("/dev/net/tun", 0o600 | 0o020000, os.makedev(10, 200))


def find_modules(folder):
    """The host's /lib is not to be written to: modprobe, ours and the kernel's own, looks elsewhere."""
    os.makedirs("/run/kmod/lib")
    os.makedirs("/run/bin")
    os.symlink(folder, "/run/kmod/lib/modules")
    script = pathlib.Path("/run/bin/modprobe")
    script.write_text('#!/bin/sh\nexec /sbin/modprobe -d /run/kmod "$@"\n', encoding="ascii")
    script.chmod(0o755)
    pathlib.Path("/proc/sys/kernel/modprobe").write_text(str(script), encoding="ascii")
    # What the kernel does not ask for by itself.
    subprocess.run([script, "-qa", "ipv6"], check=False)


def prepare():
    for kind, target, options in MOUNTS:
        mount(kind, target, options)
    for folder in ("/run/netns", "/run/lock", "/run/tmp"):
        os.makedirs(folder, exist_ok=True)
    make_devices()
    if "yokemodules" in os.environ:
        find_modules(os.environ["yokemodules"])
    subprocess.run(["ip", "link", "set", "lo", "up"], env={"PATH": PATH}, check=True)


def output(job, folder):
    """What the command has as its standard input, output and error: files, or a terminal."""
    if not job["terminal"]:
        return [os.open(os.devnull, os.O_RDONLY)] + [
            os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644) for name in ("stdout", "stderr")]
    return [os.open(os.environ["yoketerminal"], os.O_RDWR | os.O_NOCTTY)] * 3


def start(job, files):
    """In a session of its own; a terminal is then the session's."""
    environment = {"PATH": PATH, "HOME": "/root", "TERM": "dumb", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8",
                   # In memory: sockets cannot live on every file system.
                   "TMPDIR": "/run/tmp", **job["environment"]}

    def own_terminal():
        if job["terminal"]:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    return subprocess.Popen(job["argv"], cwd=job["folder"], env=environment, start_new_session=True,
                            stdin=files[0], stdout=files[1], stderr=files[2], preexec_fn=own_terminal)


def run(job, folder):
    """The exit status of the job's command. Orphans end up here, so all that end are waited for."""
    process = start(job, output(job, folder))
    while True:
        pid, status = os.wait()
        if pid == process.pid:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


def tell(folder, status):
    (folder / "dmesg").write_bytes(subprocess.run(["/bin/dmesg"], capture_output=True, check=False).stdout)
    (folder / "status.new").write_text(f"{status}\n", encoding="ascii")
    (folder / "status.new").rename(folder / "status")


def main():
    try:
        os.environ["PATH"] = PATH
        prepare()
        folder = pathlib.Path(os.environ["yokejob"])
        job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
        tell(folder, run(job, folder))
    except BaseException:  # A first process that ends is a kernel that panics.
        traceback.print_exc()
    finally:
        os.sync()
        _libc.reboot(POWER_OFF)


if __name__ == "__main__":
    main()
