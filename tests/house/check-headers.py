#!/usr/bin/env python3
"""Every header compiles alone.

Usage: check-headers.py COMPILER [ARGUMENT]…
"""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from house import ROOT, Tap, files

FLAGS = ["-std=gnu2x", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter", "-I.",
         "-fsyntax-only", "-x", "c", "-"]


def compiles_here(path):
    """Of the eBPF programs' headers only abi.h is also for this side of the kernel's border."""
    return path.endswith(".h") and (not path.startswith("bpf/") or path == "bpf/abi.h")


def judge(header):
    command = [*sys.argv[1:], *FLAGS]
    result = subprocess.run(command, cwd=ROOT, input=f'#include "{header}"\n', capture_output=True, text=True)
    return result.stderr.splitlines()[:10] if result.returncode else []


def main():
    headers = [path for path in files() if compiles_here(path)]
    tap = Tap()
    with ThreadPoolExecutor(max_workers=2) as workers:
        for header, complaints in zip(headers, workers.map(judge, headers)):
            tap.case(f"{header} compiles alone", complaints)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
