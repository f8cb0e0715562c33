"""Where the programs are that the lab runs."""

import os
import pathlib

from lab.wait import LabError

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Build:
    """All of it is the build's target 'lab'."""

    def __init__(self, folder=None):
        self.folder = pathlib.Path(folder or os.environ.get("YOKE_BUILD") or ROOT / "build")
        self.programs = []
        self.yoked = self._program("daemon/yoked")
        self.yokectl = self._program("client/yokectl")
        self.traffic = self._program("tests/lab/traffic")
        self.copies = self._program("tests/lab/copies")
        self.flood = self._program("tests/lab/flood")
        self.tcx = self._program("tests/lab/tcx")
        self.hold_rtnl = self._program("tests/lab/hold-rtnl")
        self.small_buffers = self._program("tests/lab/small-buffers.so")

    def _program(self, name):
        self.programs.append((self.folder / name).resolve())
        return self.programs[-1]

    def check(self):
        for program in self.programs:
            if not program.exists():
                raise LabError(f"{program} is not there: build first, or set YOKE_BUILD to the build's folder")
