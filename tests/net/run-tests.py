#!/usr/bin/python3
"""Runs pytest on the files given and tells the results as TAP, so that the build counts cases."""

import os
import sys

sys.dont_write_bytecode = True

import pytest  # noqa: E402


class Tap:
    def __init__(self):
        self.count = 0

    @staticmethod
    def pytest_addoption(parser):
        """Of the terminal's reporter, which is off; the rest of pytest asks for it."""
        parser.addoption("--verbose", dest="verbose", type=int, default=0)

    def _case(self, report, verdict, remark=""):
        self.count += 1
        name = report.nodeid.rsplit("/", 1)[-1]
        print(f"{verdict} {self.count} - {name}{remark}")

    @staticmethod
    def _comment(text):
        for line in text.splitlines():
            print(f"# {line}")

    def pytest_runtest_logreport(self, report):
        if report.skipped:
            self._case(report, "ok", f" # SKIP {report.longrepr[2]}")
        elif report.failed:
            self._case(report, "not ok")
            self._comment(report.longreprtext)
            for title, text in report.sections:
                self._comment(f"--- {title}\n{text}")
        elif report.when == "call":
            self._case(report, "ok")
            self._comment(report.capstdout)
        sys.stdout.flush()

    def pytest_collectreport(self, report):
        if report.failed:
            self._case(report, "not ok")
            self._comment(report.longreprtext)

    def pytest_sessionfinish(self):
        print(f"1..{self.count}", flush=True)


if __name__ == "__main__":
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    sys.exit(pytest.main(["-p", "no:terminal", "-p", "no:cacheprovider", *sys.argv[1:]], [Tap()]))
