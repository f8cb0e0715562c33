"""The parts of the benchmark, and how one is run at the place where its figures mean something."""

import contextlib
import dataclasses
import importlib
import io
import sys

from bench.row import Row
from bench.session import Session
from lab.build import ROOT, Build
from lab.guest import place
from lab.guest.job import Job


@dataclasses.dataclass
class Part:
    place: str
    words: str

    def describe(self, name):
        return f"  {name:13}{self.words} (at: {self.place})"


PARTS = {
    "here": Part("host", "frames, bulk and round trips through the bpf datapath, beside a plain cable"),
    "instructions": Part("emulator", "instructions for a frame, beside other ways through the kernel"),
    "linkup": Part("time-travel", "link-up to distributing"),
    "flows": Part("uml", "flows that a lost member moves"),
    "restart": Part("uml", "kill -9 and restart under traffic"),
    "idle": Part("emulator", "system calls and processor time of eight idle members"),
    "switch": Part("uml", "frames lost when each of 32 teams loses a link at once"),
    "teams": Part("uml", "start, memory and frames lost with 1, 8 and 32 teams; takes ten minutes"),
}
SECONDS = 900


class PartError(Exception):
    """Why a part has no figures, in words."""


def run_here(name):
    """The part's rows, as they come."""
    for row in importlib.import_module(f"bench.{name}").measure(Session(name)):
        row.part = name
        yield row


def run_in_guest(name, where):
    module = importlib.import_module(f"bench.{name}")
    build = Build().folder.resolve()
    try:
        guest = place.prepare(where, build)
    except place.Unavailable as reason:
        raise PartError(f"{where} cannot be had here: {reason}") from reason
    program = ["env", f"PYTHONPATH={ROOT}/tests", sys.executable, "-m", "bench"]
    job = Job([*program, "--rows", name], where, build, f"bench-{name}")
    # The guest's standard output is rows, for this program alone.
    with contextlib.redirect_stdout(io.StringIO()):
        status = guest.run(job.argv, job, getattr(module, "SECONDS", SECONDS), getattr(module, "GUEST", {}))
    rows = [Row.load(line) for line in job.text("stdout").splitlines()]
    if status != 0:
        raise PartError(f"ended with {status} in the guest; what it said is in {job.folder}")
    job.remove()
    return rows


def run(name, where=None):
    """'where': at another place than the part's own."""
    where = where or PARTS[name].place
    return list(run_here(name)) if where == place.current() else run_in_guest(name, where)
