"""One lab: a folder, and a journal of all that was made, which is what it is taken down by.

Everything is written into the journal before or as it is made: a process, a namespace, a mount.
Taking down reads the journal from its end, so it does the same whether the lab ends well, by an
exception, by Ctrl-C, or is found by a later run after its owner was killed. A lab whose owner
lives is told by the lock that the owner holds, and is left alone."""

import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

from lab.namespace import Namespace
from lab.wait import LabError

PREFIX = "yoke-lab-"
JOURNAL = "journal"
KEPT = "kept"


def _start_time(pid):
    """Tells a process from a later one of the same number; None: there is no such process."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rsplit(")", 1)[1].split()
    except (OSError, IndexError):
        return None
    return None if fields[0] == "Z" else fields[19]


def _pid_namespace():
    return os.readlink("/proc/self/ns/pid")


def _signal(pid, number):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _await_end(pid, start, seconds):
    deadline = time.monotonic() + seconds
    while _start_time(pid) == start:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return True


def _end_process(pid, start):
    if _start_time(pid) != start:
        return
    for number in (signal.SIGCONT, signal.SIGTERM):
        _signal(pid, number)
    if not _await_end(pid, start, 3):
        _signal(pid, signal.SIGKILL)
        _await_end(pid, start, 3)


def _end_visitors(namespace, folder):
    """What somebody else started in a kept lab, as the daemon that was killed: processes in its
    namespaces that name its folder. A shell that only looks around is left alone."""
    pids = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=False)
    for pid in map(int, pids.stdout.split()):
        with contextlib.suppress(OSError):
            if str(folder).encode() in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                _end_process(pid, _start_time(pid))


def _undo(line, folder):
    kind, *words = line.split()
    if kind == "process" and words[2] == _pid_namespace():
        _end_process(int(words[0]), words[1])
    elif kind == "namespace":
        subprocess.run(["ip", "netns", "del", words[0]], capture_output=True, check=False)
    elif kind == "mount" and os.path.ismount(words[0]) and words[0].startswith(str(folder)):
        subprocess.run(["umount", words[0]], check=False)


def take_down(folder):
    """Undoes what the journal of 'folder' tells, and removes the folder."""
    journal = pathlib.Path(folder, JOURNAL)
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    for line in lines:
        if line.startswith("namespace "):
            _end_visitors(line.split()[1], folder)
    for line in reversed(lines):
        _undo(line, folder)
    mounted = [line.split()[1] for line in lines if line.startswith("mount ")]
    if not any(os.path.ismount(path) for path in mounted):
        shutil.rmtree(folder, ignore_errors=True)


def _labs():
    root = pathlib.Path(tempfile.gettempdir())
    return [path for path in root.glob(PREFIX + "*") if path.is_dir() and path.stat().st_uid == 0]


def _lock(folder):
    """The locked file, or None if somebody else holds it, or has just taken the lab down."""
    try:
        file = open(pathlib.Path(folder, "lock"), "w", encoding="ascii")
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def take_down_left_over():
    """Labs whose owner is gone and which nobody asked to keep."""
    for folder in _labs():
        lock = None if (folder / KEPT).exists() else _lock(folder)
        if lock:
            with lock:
                take_down(folder)


def _make_folder():
    """The folder and its lock. Before it is locked it has not the name by which others would take
    it for one whose owner is gone."""
    new = pathlib.Path(tempfile.mkdtemp(prefix="." + PREFIX))
    lock = _lock(new)
    folder = new.with_name(new.name[1:])
    new.rename(folder)
    return folder, lock


def kept_labs():
    return [folder for folder in _labs() if (folder / KEPT).exists()]


@contextlib.contextmanager
def _signals_held():
    """Ctrl-C while cleaning up must not stop the cleaning up."""
    held = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Lab:
    """Use as 'with Lab() as lab'. All processes started here are ended by their numbers."""

    def __init__(self):
        if os.geteuid() != 0:
            raise LabError("the lab needs root")
        take_down_left_over()
        self.folder, self._held = _make_folder()
        self._tag = f"yk{os.getpid() % 100000}{self.folder.name[-3:]}"
        self._closers = []
        self._next_index = 1001

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def note(self, *words):
        with open(self.folder / JOURNAL, "a", encoding="utf-8") as file:
            file.write(" ".join(str(word) for word in words) + "\n")

    def on_close(self, function):
        """For what lives in this process: threads and sockets."""
        self._closers.append(function)

    def close(self):
        if (self.folder / KEPT).exists():
            return
        with _signals_held():
            for function in reversed(self._closers):
                function()
            self._closers.clear()
            take_down(self.folder)
            if self._held:
                self._held.close()
                self._held = None

    def keep(self):
        """Leaves everything as it is until somebody takes it down by its folder."""
        (self.folder / KEPT).touch()
        self._held.close()

    def namespace(self, name):
        """A machine: an empty network namespace with its loopback up."""
        full = f"{self._tag}-{name}"
        self.note("namespace", full)
        subprocess.run(["ip", "netns", "add", full], check=True)
        namespace = Namespace(full)
        namespace.ip("link", "set", "lo", "up")
        return namespace

    def next_index(self):
        self._next_index += 1
        return self._next_index

    def start(self, name, command, namespace=None, **options):
        """Starts a process in a session of its own, its output in NAME.log of the folder."""
        if namespace:
            # Not by 'ip netns exec', which hides what is mounted below /sys.
            command = ["nsenter", f"--net={namespace.path}", "--", *command]
        with open(self.folder / f"{name}.log", "ab") as log:
            process = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL,
                                       stdout=options.pop("stdout", log),
                                       stderr=options.pop("stderr", log),
                                       start_new_session=True, **options)
        self.note("process", process.pid, _start_time(process.pid), _pid_namespace())
        return process

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def bpffs(self):
        """A BPF file system of the lab's own: what is pinned there goes with it."""
        path = self.folder / "bpffs"
        if not path.exists():
            path.mkdir()
            self.note("mount", path)
            subprocess.run(["mount", "-t", "bpf", "yoke-lab", str(path)], check=True)
        return path
