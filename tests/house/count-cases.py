#!/usr/bin/env python3
"""Counts the test cases in JUnit files: prints "PASSED FAILED SKIPPED", and to standard error what failed.

Usage: count-cases.py FILE.xml…
"""

import os
import sys
import xml.etree.ElementTree as ElementTree


def verdict(case):
    if case.find("failure") is not None or case.find("error") is not None:
        return "failed"
    return "skipped" if case.find("skipped") is not None else "passed"


def suites(path):
    # Without a match the shell hands on the pattern itself.
    return ElementTree.parse(path).getroot().iter("testsuite") if os.path.exists(path) else ()


def explain(suite, failed):
    """The failed cases, and what the suite's program printed of them: TAP's 'not ok' lines and the comments behind."""
    for case in failed:
        print(f"failed: {suite.get('name')}: {case.get('name')}", file=sys.stderr)
        for verdict_of in case.findall("failure") + case.findall("error"):
            print(verdict_of.text or verdict_of.get("message") or "", file=sys.stderr)
    printing = False
    for line in (suite.findtext("system-out") or "").splitlines():
        printing = line.startswith("not ok") or (printing and line.startswith("#"))
        if printing:
            print(line, file=sys.stderr)


def main():
    count = {"passed": 0, "failed": 0, "skipped": 0}
    for path in sys.argv[1:]:
        for suite in suites(path):
            cases = [(verdict(case), case) for case in suite.findall("testcase")]
            for what, _ in cases:
                count[what] += 1
            failed = [case for what, case in cases if what == "failed"]
            if failed:
                explain(suite, failed)
    print(count["passed"], count["failed"], count["skipped"])


if __name__ == "__main__":
    main()
