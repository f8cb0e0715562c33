#!/usr/bin/env python3
"""The manual pages are well-formed, and say what the programs' --help says.

Usage: check-manual.py [PROGRAM PAGE]…; pages without a program are only read by mandoc.
"""

import os
import re
import shutil
import subprocess
import sys

from house import ROOT, Tap, files

OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
# A line of --help that names a command: "  team show NAME   …", "  status   …".
COMMAND = re.compile(r"^  ((?:[a-z]+)(?: [a-z|]+)?)(?=\s|$)")
EVERY_PROGRAM = {"--help", "--version"}


def lint(page):
    command = ["mandoc", "-Tlint", "-Wstyle", page]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()
    # Which other pages are installed is this machine's business.
    return [line for line in lines if "referenced manual not found" not in line]


def rendered(page):
    """The page as it is read, on one long line, without mandoc's overstriking."""
    command = ["mandoc", "-Tascii", "-Owidth=200", page]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return re.sub(r"\s+", " ", re.sub(".\b", "", output))


def help_text(program):
    """Exit status and words; a program that is not there has neither."""
    if not os.access(program, os.X_OK):
        return "none", ""
    result = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=10)
    return result.returncode, result.stdout


def commands(words):
    """'team list|show' is 'team list' and 'team show'."""
    for line in words.splitlines():
        match = COMMAND.match(line)
        if not match:
            continue
        first, _, verbs = match.group(1).partition(" ")
        yield from (f"{first} {verb}".strip() for verb in verbs.split("|"))


def judge(program, page):
    status, words = help_text(program)
    if status != 0 or not words:
        yield f"{program} --help: exit status {status}, {len(words)} characters"
        return
    manual = rendered(page)
    told, written = set(OPTION.findall(words)), set(OPTION.findall(manual))
    yield from (f"{option} is in --help and not in {page}" for option in sorted(told - written))
    yield from (f"{option} is in {page} and not in --help" for option in sorted(written - told - EVERY_PROGRAM))
    yield from (f"'{command}' is in --help and not in {page}" for command in commands(words) if command not in manual)


def main():
    tap = Tap()
    missing = None if shutil.which("mandoc") else "no mandoc here"
    for page in files():
        if re.fullmatch(r"docs/man/.+\.[1-8]", page):
            tap.case(f"mandoc: {page}", [] if missing else lint(page), missing)
    for program, page in zip(sys.argv[1::2], sys.argv[2::2]):
        name = program.rsplit("/", 1)[-1]
        tap.case(f"{name} --help and {page} agree", [] if missing else judge(program, page), missing)
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
