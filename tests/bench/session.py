"""What a part has at its place: the build, a way to say what goes on, and a sum of all figures that were
taken."""

import pathlib
import sys
import time

from lab.build import Build
from lab.wait import LabError


class Session:
    def __init__(self, part):
        self.part = part
        self.build = Build()
        self.build.check()
        self.pump = self.build.folder / "tests/bench/pump"
        if not self.pump.exists():
            raise LabError(f"{self.pump} is not there: build first")
        self._start = time.monotonic()

    def say(self, text):
        print(f"{self.part} {time.monotonic() - self._start:6.1f} s: {text}", file=sys.stderr, flush=True)


def memory(pids):
    """(proportional share, private) of these processes together, in KiB."""
    total = {"Pss": 0, "Private_Clean": 0, "Private_Dirty": 0}
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            key, _, words = line.partition(":")
            if key in total:
                total[key] += int(words.split()[0])
    return total["Pss"], total["Private_Clean"] + total["Private_Dirty"]


def map_memory(pid):
    """What the kernel charges for the eBPF maps that the process has open, in KiB."""
    found = {}
    for path in pathlib.Path(f"/proc/{pid}/fdinfo").iterdir():
        words = dict(line.split(":", 1) for line in path.read_text(encoding="ascii").splitlines() if ":" in line)
        if "map_id" in words:
            found[words["map_id"].strip()] = int(words["memlock"])
    return sum(found.values()) / 1024
