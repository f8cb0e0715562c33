#!/usr/bin/env python3
"""shellcheck has nothing to say of the shell scripts, and Python can read the Python ones."""

import shutil
import subprocess
import sys

from house import ROOT, Tap, files, script_language, text


def shellcheck(path):
    # Sourced files are looked for beside the script; what they set is not this file's fault.
    command = ["shellcheck", "--external-sources", "--source-path=SCRIPTDIR", "--format=gcc", path]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout.splitlines()


def python_syntax(path):
    try:
        compile(text(path), path, "exec")
    except SyntaxError as error:
        yield f"{path}:{error.lineno}: {error.msg}"


def main():
    tap = Tap()
    missing = None if shutil.which("shellcheck") else "no shellcheck here"
    for path in files():
        if path.endswith((".sh", ".bash")) or script_language(path) == "sh":
            tap.case(f"shellcheck: {path}", [] if missing else shellcheck(path), missing)
        elif path.endswith(".py") or script_language(path) == "python":
            tap.case(f"python: {path}", python_syntax(path))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
