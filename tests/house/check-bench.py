#!/usr/bin/env python3
"""The benchmark as far as it can be judged without measuring: its words, its parts, and how ratios are made."""

import ast
import re
import subprocess
import sys

from house import ROOT, Tap, text

sys.path.insert(0, str(ROOT / "tests"))

from bench.parts import PARTS  # noqa: E402 (the path comes first)
from bench.row import Figure, Row, table  # noqa: E402
from lab.guest import place  # noqa: E402

# (ours, the peer's, whether more is better, the ratio, as the table has it)
RATIOS = [
    (80, 100, True, "0.800"),
    (125, 100, False, "0.800"),
    (50, 100, False, "2.000"),
    (0, 12, False, "-"),  # Better without measure.
    (12, 0, False, "0.000"),
    (0, 0, False, "1.000"),
    (None, 3, False, "-"),
]


def bench(*words):
    return subprocess.run([ROOT / "tools/bench", *words], capture_output=True, text=True)


def names_its_parts(result):
    if result.returncode:
        yield f"ended with {result.returncode}: {result.stderr}"
    for name, part in PARTS.items():
        if not re.search(rf"^ *{name} +{re.escape(part.words)}", result.stdout, re.MULTILINE):
            yield f"does not tell of the part {name}"


def refused(result, words):
    if result.returncode != 2 or words not in result.stderr:
        yield f"ended with {result.returncode}: {result.stderr}"


def wrong_parts():
    for name, part in PARTS.items():
        tree = ast.parse(text(f"tests/bench/{name}.py"))
        if "measure" not in [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]:
            yield f"{name} measures nothing"
        if part.place not in place.names():
            yield f"{name} is at no place: {part.place}"
        if f"`{name}`" not in text("docs/bench.md"):
            yield f"docs/bench.md does not tell of {name}"


def figure(value):
    return None if value is None else Figure(value)


def wrong_ratios():
    for ours, peer, more, wanted in RATIOS:
        row = Row("this", "us", figure(ours), "them", figure(peer), "s", more)
        line = table([row]).splitlines()[2]
        if not re.search(rf"  {wanted} +s$", line):
            yield f"{ours} and {peer}: {line}"
        if table([Row.load(row.dump())]) != table([row]):
            yield f"{line}: is not the same when it was sent"


def wrong_figures():
    found = Figure.of([5, 1, 4, 2, 3])
    if (found.low, found.value, found.high) != (2, 3, 4):
        yield f"median and quartiles: {found}"


def main():
    tap = Tap()
    tap.case("tools/bench --list names its parts", names_its_parts(bench("--list")))
    tap.case("tools/bench --help tells of its parts", names_its_parts(bench("--help")))
    tap.case("tools/bench refuses a part that it has not", refused(bench("--list", "x"), "there is no part x"))
    tap.case("tools/bench refuses a place that is none", refused(bench("--list", "--at", "x"), "x"))
    tap.case("each part measures, at a place that is one, and is documented", wrong_parts())
    tap.case("above 1, ours is better", wrong_ratios())
    tap.case("figures are medians", wrong_figures())
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
