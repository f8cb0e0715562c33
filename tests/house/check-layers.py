#!/usr/bin/env python3
"""Holds the includes to the arrows of docs/architecture.md: one way, from the root of the tree."""

import re
import sys

from house import ROOT, Tap, c_files, text

# What each room may include. What a room may include, those who may include the room may as well: its
# headers speak of it. The log is a room of its own inside lib/base, as neither lib/ nor the pure core log.
ARROWS = {
    "lib/base": [],
    "lib/base/log": ["lib/base"],
    "lib/wire": ["lib/base"],
    "lib/ctl": ["lib/base"],
    "bpf": [],
    "daemon/core": ["lib/base", "lib/wire"],
    # The log's levels are words of the configuration.
    "daemon/config": ["lib/base", "lib/base/log", "daemon/core"],
    "daemon/kernel": ["lib/base", "lib/base/log", "lib/wire", "bpf"],
    "daemon/datapath": ["daemon/core", "daemon/kernel"],
    "plugins/plugin.h": [],
    "plugins": ["plugins/plugin.h"],
    "daemon/plugin": ["daemon/core", "daemon/kernel", "plugins/plugin.h"],
    "daemon/{team,host}": ["daemon/config", "daemon/datapath", "daemon/plugin"],
    "daemon/control": ["daemon/{team,host}", "lib/ctl"],
    "daemon": ["daemon/control"],
    # 'config check' works without a daemon, so the client has the parser in it.
    "client": ["lib/base", "lib/ctl", "daemon/config"],
    "tui": ["lib/base", "lib/ctl"],
}

# Who may know a library. Where none is named here a room's own business decides.
LIBRARIES = {
    r"curses\.h|panel\.h|menu\.h|form\.h": ["tui"],
    r"libconfig\.h": ["daemon/config"],
    r"jansson\.h": ["lib/ctl", "daemon/{team,host}", "daemon/control", "client", "tui"],
    r"systemd/sd-journal\.h": ["lib/base/log"],
    r"systemd/.*": ["lib/base/log", "daemon/control", "daemon"],
    r"netlink/.*|linux/rtnetlink\.h": ["daemon/kernel", "daemon/datapath"],
    r"bpf/libbpf\.h|bpf/bpf\.h|linux/bpf\.h": ["bpf", "daemon/kernel", "daemon/datapath"],
    r"bpf/bpf_.*": ["bpf"],
    r"check\.h": [],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)


def room(path):
    """The room a file lies in, by the longest name that fits; None for the tests, "?" for nowhere."""
    if path.startswith("tests/"):
        return None
    path = re.sub(r"^daemon/(team|host)/", "daemon/{team,host}/", path)
    stem = re.sub(r"(\.bpf)?\.[ch]$", "", path)
    fits = [name for name in ARROWS if path == name or stem == name or path.startswith(name + "/")]
    name = max(fits, key=len) if fits else "?"
    # 'daemon' itself is what lies in no folder of it.
    return "?" if name == "daemon" and path.count("/") > 1 else name


def reach(name, seen=None):
    """All rooms that 'name' may include: its arrows and those behind them."""
    seen = {name} if seen is None else seen
    for next_room in ARROWS[name]:
        if next_room not in seen:
            seen.add(next_room)
            reach(next_room, seen)
    return seen


def judge_own(path, here, include):
    """An #include "…" of a file that is none of the tests."""
    if include.endswith(".skel.h"):
        return None if "bpf" in reach(here) else f"{here} may not load eBPF ({include})"
    if not (ROOT / include).is_file():
        return f'"{include}" is no file: includes are written from the root'
    if include.startswith("tests/"):
        return f"{include} is a test's, and nothing includes tests"
    there = room(include)
    if there not in reach(here):
        return f"{here} may not include {there} ({include})"
    return None


def judge_library(here, include):
    for pattern, rooms in LIBRARIES.items():
        if re.fullmatch(pattern, include):
            return None if here in rooms else f"{here} may not know <{include}>"
    return None


def judge(path):
    here = room(path)
    if here == "?":
        yield f"{path}: lies in no room of the table"
        return
    for own, library in INCLUDE.findall(text(path)):
        if here is None:
            # A test includes what it likes, but by its name from the root.
            continue
        fault = judge_own(path, here, own) if own else judge_library(here, library)
        if fault:
            yield f"{path}: {fault}"


def find_cycle():
    """The table itself must have no way round."""
    for name in ARROWS:
        for next_room in ARROWS[name]:
            if name in reach(next_room):
                yield f"{name} and {next_room} include each other"


def main():
    tap = Tap()
    tap.case("the table of arrows has no cycle", find_cycle())
    by_room = {}
    for path in c_files():
        by_room.setdefault(room(path) or "tests", []).append(path)
    for name, paths in sorted(by_room.items()):
        complaints = [line for path in paths for line in judge(path)]
        tap.case(f"{name} includes only what it may", complaints)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
