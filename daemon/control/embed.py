#!/usr/bin/env python3
"""Makes C of Varlink interface descriptions: embed.py OUTPUT.c INPUT.varlink…"""

import pathlib
import re
import sys


def quoted(line):
    return '\t"' + line.replace("\\", "\\\\").replace('"', '\\"') + '\\n"'


def main():
    output, *inputs = sys.argv[1:]
    parts = ['#include "daemon/control/idl.h"\n']
    for name in inputs:
        path = pathlib.Path(name)
        symbol = "idl_" + re.sub(r"\W", "_", path.stem)
        lines = "\n".join(quoted(line) for line in path.read_text().splitlines())
        parts.append(f"const char {symbol}[] =\n{lines};\n")
    pathlib.Path(output).write_text("\n".join(parts))


if __name__ == "__main__":
    main()
