"""The kernel for time travel: user-mode Linux built from Debian's source, with little in it. Built once
and kept in the cache; some three minutes on two idle processors."""

import os
import pathlib
import shutil
import signal
import subprocess

from lab.guest import cache

PACKAGE = "linux-source-6.1"
SOURCE = pathlib.Path(f"/usr/src/{PACKAGE}.tar.xz")
CONFIG = pathlib.Path(__file__).parent / "kernel" / "time-travel.config"
TOOLS = ("gcc", "make", "bc", "flex", "bison", "tar", "xz", "strip")
KIND = "time-travel"

# Large, and only their Kconfig files are read.
_LEFT_OUT = ("drivers/gpu", "drivers/media", "drivers/infiniband", "drivers/staging", "drivers/scsi",
             "drivers/net/ethernet", "drivers/net/wireless", "sound", "Documentation")
_MAKE = ["make", "--silent", "ARCH=um", "SUBARCH=x86_64", "KCFLAGS=-O1"]
# Of what has no question in the configuration: file, what is there, what is wanted.
_CHANGES = [("arch/um/Kconfig", "config HZ\n\tint\n\tdefault 100\n", "config HZ\n\tint\n\tdefault 1000\n")]


class KernelError(Exception):
    """Why there is no such kernel, in words."""


class _Builder:
    def __init__(self, folder):
        self._tree = folder / "tree"
        self._log = cache.folder() / f"{KIND}.log"
        self._log.unlink(missing_ok=True)

    def run(self, command, folder, **more):
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "HOME": "/", **more}
        with open(self._log, "ab") as log:
            process = subprocess.Popen([str(word) for word in command], cwd=folder, env=environment,
                                       stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        try:
            code = process.wait()
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)  # make's own makes do not end with it.
            process.wait()
            raise
        if code != 0:
            said = self._log.read_text(encoding="utf-8", errors="replace").splitlines()[-3:]
            raise KernelError(f"'{' '.join(map(str, command[:4]))} …' failed, see {self._log}: {' '.join(said)}")

    def unpack(self):
        self._tree.mkdir()
        left_out = [f"--exclude={PACKAGE}/{folder}/*.{kind}" for folder in _LEFT_OUT for kind in "chS"]
        self.run(["tar", "-xJf", SOURCE, "--strip-components=1", *left_out], self._tree)
        for name, old, new in _CHANGES:
            path = self._tree / name
            text = path.read_text(encoding="utf-8")
            if old not in text:
                raise KernelError(f"{name} of {PACKAGE} is not as it is expected to be")
            path.write_text(text.replace(old, new), encoding="utf-8")

    def configure(self):
        self.run([*_MAKE, "allnoconfig"], self._tree, KCONFIG_ALLCONFIG=str(CONFIG))
        got = set((self._tree / ".config").read_text(encoding="utf-8").splitlines())
        lost = [line for line in _wanted() if line not in got]
        if lost:
            raise KernelError(f"the kernel's configuration has lost {', '.join(lost)}")

    def build(self):
        self.run([*_MAKE, f"-j{len(os.sched_getaffinity(0))}", "linux"], self._tree)
        self.run(["strip", "-o", self._tree.parent / "linux", "linux"], self._tree)
        shutil.rmtree(self._tree)


def _wanted():
    lines = CONFIG.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.startswith("CONFIG_") or line.endswith(" is not set")]


def _make(folder):
    builder = _Builder(folder)
    builder.unpack()
    builder.configure()
    builder.build()


def _ask(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _key():
    version = _ask("dpkg-query", "-W", "-f", "${Version}", PACKAGE)
    return cache.key(version, _ask("gcc", "-dumpfullversion"), CONFIG, repr((_MAKE, _CHANGES)))


def find_or_make():
    """The program, from the cache or built. Raises KernelError."""
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    if missing:
        raise KernelError(f"the kernel for time travel cannot be built without {', '.join(missing)}")
    if not SOURCE.exists():
        raise KernelError(f"the package {PACKAGE} is not installed")
    return cache.find_or_make(KIND, _key(), _make) / "linux"
