#!/usr/bin/python3
"""Runs pytest on a file at a place and tells the results as TAP, so that the build counts cases.

Usage: run-tests.py [--at PLACE] [--seconds N] FILE.py [OPTION OF PYTEST]…
       run-tests.py [--at PLACE] [--seconds N] PROGRAM [ARGUMENT]…

At another place than this machine a guest is started, for at most N seconds, in which this program
runs the file. A program speaks TAP itself. See tests/lab/guest/place.py."""

import argparse
import ast
import os
import pathlib
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import pytest  # noqa: E402 (the path comes first)

from lab.build import Build  # noqa: E402
from lab.guest import place  # noqa: E402
from lab.guest.job import DIED, TIMEOUT, Job  # noqa: E402


class Tap:
    def __init__(self):
        self.count = 0

    @staticmethod
    def pytest_addoption(parser):
        """Of the terminal's reporter, which is off; the rest of pytest asks for it."""
        parser.addoption("--verbose", dest="verbose", type=int, default=0)

    def _case(self, nodeid, verdict, remark=""):
        self.count += 1
        name = nodeid.rsplit("/", 1)[-1]
        print(f"{verdict} {self.count} - {name}{remark}")

    @staticmethod
    def _comment(text):
        for line in text.splitlines():
            print(f"# {line}")

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self._case(report.nodeid, "ok", f" # SKIP {report.longrepr[2]}")
        elif report.failed:
            self._case(report.nodeid, "not ok")
            self._comment(report.longreprtext)
            for title, text in report.sections:
                self._comment(f"--- {title}\n{text}")
        elif report.when == "call":
            self._case(report.nodeid, "ok")
            self._comment(report.capstdout)
        sys.stdout.flush()

    def pytest_collectreport(self, report):
        if report.failed:
            self._case(report.nodeid, "not ok")
            self._comment(report.longreprtext)

    def pytest_sessionfinish(self):
        print(f"1..{self.count}", flush=True)


class Skip(Tap):
    """Each of the tests is skipped."""

    def __init__(self, reason):
        super().__init__()
        self._reason = reason

    def pytest_collection_finish(self, session):
        for item in session.items:
            self._case(item.nodeid, "ok", f" # SKIP {self._reason}")


def run_pytest(arguments, plugin):
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return pytest.main(["-p", "no:terminal", "-p", "no:cacheprovider", *arguments], [plugin])


def skip(name, arguments, reason):
    os.environ["YOKE_PLACE"] = name  # Its tests are to be counted, not those of this machine.
    if arguments[0].endswith(".py"):
        return run_pytest(["--collect-only", *arguments], Skip(reason))
    print(f"1..0 # SKIP {reason}")
    return 0


def wishes(file):
    """What a test file wants of its guest: the dictionary that it calls GUEST."""
    if not file.endswith(".py"):
        return {}
    for node in ast.parse(pathlib.Path(file).read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and [getattr(name, "id", "") for name in node.targets] == ["GUEST"]:
            return ast.literal_eval(node.value)
    return {}


def run_in_guest(name, seconds, arguments):
    build = Build().folder.resolve()
    file = pathlib.Path(arguments[0]).absolute()
    try:
        guest = place.prepare(name, build)
    except place.Unavailable as reason:
        return skip(name, arguments, reason)
    job = Job([__file__, "--at", name, file, *arguments[1:]], name, build, file.stem)
    status = guest.run(job.argv, job, seconds, wishes(str(file)))
    if status in (TIMEOUT, DIED):
        print("Bail out! The guest did not come to its end.", flush=True)
    if status == 0:
        job.remove()
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--at", choices=place.names(), default=place.current(), metavar="PLACE")
    parser.add_argument("--seconds", type=int, default=570)
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    if not options.arguments:
        parser.error("no file")
    if options.at != place.current():
        return run_in_guest(options.at, options.seconds, options.arguments)
    if options.arguments[0].endswith(".py"):
        return run_pytest(options.arguments, Tap())
    os.execv(options.arguments[0], options.arguments)


def end(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
