"""A job: one command in a guest, and the folder by which host and guest speak of it.

The host writes job.json (argv, folder, environment); init.py, the guest's first process, runs it
with its output in the files stdout and stderr, writes its exit status into the file status and the
kernel's log into dmesg, and turns the guest off. The guest's console is the file console. A job with a
terminal is for a person: the guest's console is that person's terminal, and the command has it."""

import json
import os
import pathlib
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import time

from lab.build import ROOT

INIT = pathlib.Path(__file__).with_name("init.py")
TIMEOUT, DIED = 124, 125

# Of the caller's environment; the rest is the guest's own.
_PASSED = ("YOKE_BUILD", "PYTHONDONTWRITEBYTECODE", "CK_", "ASAN_OPTIONS", "UBSAN_OPTIONS")


class Job:
    def __init__(self, argv, place, build, name, terminal=False):
        """In a new folder below the build's; the checkout's folder is where the command runs."""
        self.terminal = terminal
        parent = pathlib.Path(build) / "guest"
        parent.mkdir(exist_ok=True)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=f"{place}-{name}-", dir=parent))
        environment = {key: value for key, value in os.environ.items() if key.startswith(_PASSED)}
        environment.update(YOKE_BUILD=str(build), YOKE_PLACE=place)
        self.argv = [str(word) for word in argv]
        text = json.dumps({"argv": self.argv, "folder": str(ROOT), "terminal": terminal,
                           "environment": environment})
        (self.folder / "job.json").write_text(text, encoding="utf-8")

    def text(self, name):
        path = self.folder / name
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def status(self):
        """The command's exit status, or None if it has none."""
        text = self.text("status").strip()
        return int(text) if text else None

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def console_tail(self):
        """The last that the guest said, as comments."""
        lines = self.text("console").splitlines()[-25:]
        return "\n".join(line.rstrip() for line in lines) or "(its console is empty)"


class _Passer:
    """Passes on what a growing file gets."""

    def __init__(self, path, target):
        self._path, self._target, self._file = path, target, None

    def step(self):
        if self._file is None and self._path.exists():
            self._file = open(self._path, encoding="utf-8", errors="replace")
        text = self._file.read() if self._file else ""
        if text:
            self._target.write(text)
            self._target.flush()

    def close(self):
        self.step()
        if self._file:
            self._file.close()


def _has_ended(process):
    """Without taking its number from it, which its helpers are still known by."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _end(process):
    """The machine and what it started, which is all of one process group."""
    for number, seconds in ((signal.SIGTERM, 3), (signal.SIGKILL, 3)):
        if _has_ended(process):
            break
        os.kill(process.pid, number)
        deadline = time.monotonic() + seconds
        while not _has_ended(process) and time.monotonic() < deadline:
            time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def run_machine(command, job, seconds, **options):
    """Runs the program that is the guest's machine until the job is done. Returns the exit status of
    the job's command; TIMEOUT or DIED, with words on standard error, if there is none."""
    # The kernel ends the machine if this process is killed.
    command = ["setpriv", "--pdeathsig", "TERM", *map(str, command)]
    if job.terminal:
        return _run_on_terminal(command, job, options.get("env", os.environ))
    deadline = time.monotonic() + seconds
    passers = [_Passer(job.folder / "stdout", sys.stdout), _Passer(job.folder / "stderr", sys.stderr)]
    with open(job.folder / "console", "ab") as console:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=console, stderr=console,
                                   start_new_session=True, **options)
    try:
        while not _has_ended(process) and time.monotonic() < deadline:
            for passer in passers:
                passer.step()
            time.sleep(0.05)
        late = not _has_ended(process)
    finally:
        _end(process)
        for passer in passers:
            passer.close()
    return _verdict(job, late, seconds, process.returncode)


def _run_on_terminal(command, job, environment):
    """The machine has a terminal of its own, in a session of its own, that is joined to ours."""
    assignments = [f"{key}={value}" for key, value in environment.items()]
    try:
        code = pty.spawn(["env", "-i", *assignments, *command])
    except (OSError, KeyboardInterrupt):  # Our terminal is gone: so is the machine's.
        code = 1
    return job.status() if job.status() is not None else code or DIED


def _verdict(job, late, seconds, returncode):
    status = job.status()
    if status is not None:
        return status
    what = f"was not done within {seconds} s" if late else f"died ({returncode})"
    print(f"the guest {what}; the end of {job.folder}/console:\n{job.console_tail()}", file=sys.stderr)
    return TIMEOUT if late else DIED
