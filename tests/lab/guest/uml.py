"""User-mode Linux as a guest: Debian's own (kernel 6.1, in real time), and ours for time travel, in
which waiting costs nothing."""

import os
import pathlib
import shutil

from lab.guest import job as jobs
from lab.guest import cache, place, processor, uml_kernel

_MODULES = pathlib.Path("/usr/lib/uml/modules")
# What costs a second at the start and is of no use here.
_QUICK = ["quiet", "panic=-1", "security=none", "initcall_blacklist=raid6_select_algo,init_zswap"]


class Uml:
    def __init__(self, program, words):
        self._program, self._words = program, words

    def run(self, argv, job, seconds, options):
        memory = options.get("memory", 256)
        command = [self._program, f"mem={memory}M", "root=host", "rootfstype=hostfs", "rootflags=/", "rw",
                   f"init={jobs.INIT}", "con=null", *_console(job), f"uml_dir={job.folder}/uml", "umid=guest",
                   *_QUICK, *self._words, *options.get("kernel", []), f"yokejob={job.folder}"]
        environment = dict(os.environ, TMPDIR=_memory_folder(memory << 20) or str(job.folder))
        with processor.claimed() as number:
            return jobs.run_machine(["taskset", "-c", number, *command], job, seconds, env=environment)


def _console(job):
    return ["con0=fd:0,fd:1", "yoketerminal=/dev/tty0"] if job.terminal else ["con0=null,fd:1"]


def _memory_folder(size):
    """Where the guest's memory, a file that was deleted, can be."""
    for path in ("/dev/shm", "/tmp"):
        state = os.statvfs(path)
        if state.f_bavail * state.f_frsize > size and not state.f_flag & os.ST_NOEXEC:
            return path
    return None


def prepare_stock(_build):
    """Debian's package."""
    cache.folder()
    program = shutil.which("linux.uml")
    if not program:
        raise place.Unavailable("no linux.uml: the package user-mode-linux is not installed")
    if not any(_MODULES.glob("*/modules.dep")):
        raise place.Unavailable(f"{_MODULES} has no modules for linux.uml")
    return Uml(program, [f"yokemodules={_MODULES}"])


def prepare_time_travel(_build):
    """Waiting is skipped, and what a processor does takes no time."""
    try:
        return Uml(uml_kernel.find_or_make(), ["time-travel=inf-cpu"])
    except uml_kernel.KernelError as error:
        raise place.Unavailable(str(error)) from error
