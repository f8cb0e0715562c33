#!/usr/bin/env python3
"""Holds the pure libraries to what a pure library may call: no clock, no descriptor, no log.

Usage: check-pure.py ARCHIVE… with all archives that call one another. Each object of each is a case.
"""

import re
import subprocess
import sys

from house import Tap

# Of the C library. snprintf and strerror are for sentences to a person; assert is for our own bugs.
ALLOWED = re.compile(
    r"mem(cpy|move|set|cmp|chr|rchr|mem)"
    r"|str(len|nlen|cmp|ncmp|casecmp|ncasecmp|chr|chrnul|rchr|spn|cspn|str|error|tol|toul|toll|toull)"
    r"|__isoc23_strto(l|ul|ll|ull)"
    r"|snprintf|vsnprintf|__ctype_b_loc|qsort|__assert_fail"
    # What the compiler and its sanitizers add.
    r"|__(memcpy|memmove|memset|strcpy|strcat|snprintf|vsnprintf)_chk|__stack_chk_(fail|guard)"
    r"|__(popcount|parity|clz|ctz|ffs|u?div|u?mod|mul)[sdt]i[0-9]"
    r"|__(asan|ubsan|sanitizer|gcov|llvm|sanitizer_cov)_.*|_GLOBAL_OFFSET_TABLE_|_ITM_.*|__tls_get_addr"
)

# Where memory is got and given back, once in an object's life. Nothing else in these libraries allocates.
ALLOCATING = {name: ["calloc", "free"] for name in ("announce.c", "lacp.c", "stations.c")}


def symbols(archive):
    """For each object of the archive what it defines and what it wants, as two sets."""
    # POSIX format: "name type value size"; an object begins with "archive[object]:" or "object:".
    output = subprocess.run(["nm", "-P", archive], check=True, capture_output=True, text=True).stdout
    objects, current = {}, None
    for line in output.splitlines():
        if line.endswith(":"):
            current = re.sub(r".*\[(.*)\]$", r"\1", line[:-1]).rsplit("/", 1)[-1]
            objects[current] = (set(), set())
            continue
        name, kind = line.split()[:2]
        objects[current][kind in "UvwV" and kind != "V"].add(name)
    return objects


def source(name):
    """lacp.c of 'meson-generated_lacp.c.o'."""
    return re.sub(r"\.o$", "", name)


def judge(name, wanted, own):
    allowed = ALLOCATING.get(source(name), [])
    for symbol in sorted(wanted - own):
        if symbol not in allowed and not ALLOWED.fullmatch(symbol):
            yield f"{source(name)} uses {symbol}"


def main():
    archives = [symbols(path) for path in sys.argv[1:]]
    own = set().union(*(defined for archive in archives for defined, _ in archive.values()))
    tap = Tap()
    tap.case("there is something to judge", [] if own else ["no archive, or empty ones"])
    for archive in archives:
        for name, (_, wanted) in sorted(archive.items()):
            tap.case(f"{source(name)} is pure", judge(name, wanted, own))
    return tap.done()


if __name__ == "__main__":
    sys.exit(main())
