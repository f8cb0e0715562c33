"""Prints a table of what Yoke costs and how fast it is, beside others that do the same. Progress goes to
standard error. Parts run one after the other, each in a lab of its own that is taken down."""

import argparse
import contextlib
import dataclasses
import json
import signal
import sys

from bench import parts
from bench.row import table
from lab.guest import place
from lab.wait import LabError


def parse():
    text = "parts:\n" + "\n".join(part.describe(name) for name, part in parts.PARTS.items())
    parser = argparse.ArgumentParser(prog="tools/bench", description=__doc__, epilog=text,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help="all of them, if none is named")
    parser.add_argument("--json", action="store_true", help="the same figures as data")
    parser.add_argument("--at", choices=place.names(), metavar="PLACE",
                        help=f"not where the part's figures mean most, but there: {', '.join(place.names())}")
    parser.add_argument("--list", action="store_true", help="name the parts, and measure nothing")
    parser.add_argument("--rows", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    for name in options.parts:
        if name not in parts.PARTS:
            parser.error(f"there is no part {name}; there are {', '.join(parts.PARTS)}")
    return options


def tell_rows(name):
    """For the one who started this in a guest."""
    for row in parts.run_here(name):
        print(row.dump(), flush=True)
    return 0


def measure(options):
    """(rows, the failed parts with the reason)."""
    rows, failed = [], {}
    for name in options.parts or parts.PARTS:
        try:
            rows += parts.run(name, options.at)
        except (parts.PartError, LabError, OSError) as error:
            failed[name] = str(error)
            print(f"{name}: {error}", file=sys.stderr, flush=True)
    return rows, failed


def main():
    options = parse()
    if options.list:
        print("\n".join(part.describe(name).strip() for name, part in parts.PARTS.items()))
        return 0
    if options.rows:
        return tell_rows(*options.parts)
    rows, failed = measure(options)
    if options.json:
        print(json.dumps({"rows": [dataclasses.asdict(row) for row in rows], "failed": failed}, indent=2))
    elif rows:
        print(table(rows))
    return 1 if failed or not rows else 0


def end(*_):
    raise KeyboardInterrupt


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    with contextlib.suppress(KeyboardInterrupt):
        sys.exit(main())
    sys.exit(130)
