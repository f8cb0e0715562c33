#!/usr/bin/env python3
"""The part of the style that a program can judge."""

import os
import re
import subprocess
import sys
import unicodedata

from house import ROOT, Tap, c_files, files, script_language, text

FUNCTION_LINES = 80
FILE_LINES = 600
LINE_COLUMNS = 100
CLANG_FORMAT = "14"  # Other versions format otherwise.

# --help and --version; everything else of the daemon's words is the log's.
ANSWERS_A_PERSON = ("daemon/main.c", "daemon/options.c")
NOT_OURS = ("LICENSE",)
MARKS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
# Words for what has another name here. The kernel's own names (IFLA_…_SLAVE_…, BOND_…) are capitals.
FOREIGN_WORDS = re.compile(r"\b\w*(slave|tnic|subinterface)\w*\b|\bbond(ed|ing)?_\w+\b|\b\w+_bond(ed|ing)?\b")


def code(path):
    """The file's lines with comments and strings blanked out."""
    blank = lambda match: re.sub(r"[^\n]", " ", match.group())
    pattern = r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, blank, text(path), flags=re.DOTALL).split("\n")


def find_format_tool():
    for name in (f"clang-format-{CLANG_FORMAT}", "clang-format"):
        try:
            version = subprocess.run([name, "--version"], capture_output=True, text=True).stdout
        except OSError:
            continue
        if f"version {CLANG_FORMAT}." in version:
            return name
    return None


def wrong_format(tool, paths):
    command = [tool, "--dry-run", "-Werror", "--ferror-limit=1", *paths]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return [line for line in result.stderr.splitlines() if "error:" in line]


def long_functions(paths):
    """clang-format lets a function's braces, and nothing else that is long, stand in column 0."""
    for path in paths:
        start, lines = 0, code(path)
        for number, line in enumerate(lines):
            if line == "{":
                start = number
                while start and lines[start - 1].strip() and not lines[start - 1].startswith(("}", "#")):
                    start -= 1
            elif line == "}" and number - start + 1 > FUNCTION_LINES:
                yield f"{path}:{start + 1}: function of {number - start + 1} lines"


def long_files(paths):
    for path in paths:
        lines = text(path).count("\n")
        if lines > FILE_LINES:
            yield f"{path}: {lines} lines"


def columns(line):
    wide = sum(unicodedata.combining(c) == 0 for c in line.expandtabs(8))
    return wide


def long_lines(paths):
    for path in paths:
        for number, line in enumerate(text(path).split("\n"), 1):
            if columns(line) > LINE_COLUMNS and "http" not in line:
                yield f"{path}:{number}: {columns(line)} columns"


def says_what_for(path):
    """Whether the file's first words are a comment, behind #! and before anything else."""
    content = text(path)
    if path.endswith((".c", ".h")):
        return content.startswith("/*")
    lines = content.split("\n")
    behind = [line for line in lines[1:] if line.strip()]
    return bool(behind) and behind[0].startswith(("# ", '"""'))


def without_purpose(paths, scripts):
    for path in paths:
        own_header = path.endswith(".c") and (ROOT / (path[:-2] + ".h")).exists()
        if not own_header and not says_what_for(path):
            yield f"{path}: does not begin with the comment that says what it is for"
    for path in scripts:
        if not says_what_for(path):
            yield f"{path}: does not say behind its first line what it is for"


def header_rules(paths):
    for path in paths:
        if path.endswith(".h") and not re.search(r"^#pragma once$", text(path), re.MULTILINE):
            yield f"{path}: has no #pragma once"
        own = path[:-2] + ".h"
        first = re.search(r'^#include\s+[<"]([^>"]+)', text(path), re.MULTILINE)
        if path.endswith(".c") and own in paths and (not first or first.group(1) != own):
            yield f"{path}: does not include {own} first"


def find(pattern, paths, lines_of, what):
    for path in paths:
        for number, line in enumerate(lines_of(path), 1):
            match = re.search(pattern, line)
            if match:
                yield f"{path}:{number}: {what}: {match.group().strip()}"


def untidy_text(paths):
    for path in paths:
        content = text(path)
        if not content:
            continue
        if not content.endswith("\n") or content.endswith("\n\n"):
            yield f"{path}: must end with one newline"
        if "\r" in content or re.search(r"[ \t]+$", content, re.MULTILINE):
            yield f"{path}: blanks or carriage returns at a line's end"


def not_executable(scripts):
    for path in scripts:
        if not os.access(ROOT / path, os.X_OK):
            yield f"{path}: begins with #! and is not executable"


def is_text(path):
    try:
        return "\0" not in text(path)
    except UnicodeDecodeError:
        return False


def judge_format(tap, ours):
    tool = find_format_tool()
    if tool:
        tap.case("clang-format would change nothing", wrong_format(tool, ours))
    else:
        tap.case("clang-format would change nothing", [], f"no clang-format {CLANG_FORMAT} here")


def judge_c(tap, ours):
    daemon = [path for path in ours if path.startswith("daemon/") and path not in ANSWERS_A_PERSON]
    shipped = [path for path in ours if not path.startswith("tests/")]
    lines_of = lambda path: text(path).split("\n")
    tap.case(f"no function is longer than {FUNCTION_LINES} lines", long_functions(ours))
    tap.case(f"no file is longer than {FILE_LINES} lines", long_files(ours))
    tap.case(f"no line is wider than {LINE_COLUMNS} columns", long_lines(ours))
    tap.case("headers are included once, each source's own one first", header_rules(ours))
    tap.case("the daemon logs and does not print",
             find(r"\b(printf|puts|putchar|perror)\s*\(", daemon, code, "prints"))
    tap.case("nothing calls what cannot be called safely",
             find(r"\b(alloca|gets|strtok|atoi|atol|atoll|system|popen)\s*\(", shipped, code, "call"))
    tap.case("comments are between /* and */", find(r"(^|[^:])//", ours, code, "comment"))
    tap.case("things have the names of this house",
             find(FOREIGN_WORDS, shipped, lines_of, "word"))


def main():
    everything = [path for path in files() if path not in NOT_OURS and is_text(path)]
    ours = c_files(everything)
    scripts = [path for path in everything if script_language(path)]
    tap = Tap()
    judge_format(tap, ours)
    judge_c(tap, ours)
    tap.case("every source says what it is for", without_purpose(ours, scripts))
    tap.case("nothing is left to be done",
             find(MARKS, [p for p in everything if "/house/" not in p], lambda p: text(p).split("\n"), "mark"))
    tap.case("text files end as they should", untidy_text(everything))
    tap.case("scripts can be run", not_executable(scripts))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
