"""Places where a test of the suite 'net' can run, by name. This machine is one; each other one is
a guest: a kernel of its own, started for one test file, that sees the host's files as its own.

A guest's module has prepare(), which finds or makes what the guest needs and keeps it in the cache,
or raises Unavailable. What it returns has

    run(argv, job, seconds, options) -> exit status

which runs a command as root in the guest, in the checkout's folder; see job.py for what a job is.
'options' are the wishes of the test file (its GUEST), each guest takes those that it knows:
    memory   MB
    kernel   more words for the kernel's command line"""

import importlib
import os
import pathlib

HOST = "host"

# Name -> module of this package and the function in it.
_GUESTS = {
    "uml": ("uml", "prepare_stock"),
    "time-travel": ("uml", "prepare_time_travel"),
    "emulator": ("emulator", "prepare"),
}


class Unavailable(Exception):
    """Why a place cannot be used on this machine, in words."""


def guests():
    return list(_GUESTS)


def names():
    return [HOST, *_GUESTS]


def current():
    """Where this process runs."""
    return os.environ.get("YOKE_PLACE", HOST)


def pick(usual, values):
    """The value for where this process runs: of 'values' by the place's name, or the usual one. For
    what places differ in, as the rate that they can hold; never for what is asked of the daemon."""
    return values.get(current(), usual)


def prepare(name, build):
    """The guest of that name. 'build': the build's folder."""
    module, function = _GUESTS[name]
    return getattr(importlib.import_module(f"lab.guest.{module}"), function)(pathlib.Path(build))
