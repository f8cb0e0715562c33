"""What tools/matrix does: runs the cells where each can be, reads the results, prints the table."""

import re
import subprocess
import sys

from lab.build import ROOT

# Datapath -> the place where its cells are run.
PLACES = {"bpf": "host", "team": "uml"}
MODES = ["lacp", "static", "switch-independent"]
BALANCES = ["address-hash", "vm-port", "dynamic"]
SECONDS = 1200

_ROOM = ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "bash", "-c",
         "mount -t tmpfs lab /run && mkdir /run/netns /run/lock && mount -t bpf lab /sys/fs/bpf && ip link set lo up || exit; "
         '"$@"; exit $?', "matrix"]


def read(lines):
    """{(datapath, mode, balance): (verdict, remark)} of the lines of TAP."""
    cells, cell = {}, None
    for line in lines:
        head = re.match(r"(ok|not ok) \d+ - \S+::test_cell\[([a-z]+)-(.+)-(address-hash|vm-port|dynamic)\](.*)", line)
        if head:
            word, datapath, mode, balance, more = head.groups()
            cell = datapath, mode, balance
            skipped = re.search(r"# SKIP (.*)", more)
            cells[cell] = ("skipped", skipped.group(1)) if skipped else ("passed" if word == "ok" else "FAILED", "")
        elif cell and line.startswith("# refused: "):
            cells[cell] = "refused", line.removeprefix("# refused: ").strip()
        elif cell and line.startswith("# E  ") and not cells[cell][1]:
            cells[cell] = cells[cell][0], line.removeprefix("# E").strip()
    return cells


def run(datapath, verbose):
    room = _ROOM if PLACES[datapath] == "host" else []
    command = [*room, "/usr/bin/python3", ROOT / "tests/net/run-tests.py", "--at", PLACES[datapath], "--seconds", str(SECONDS),
               ROOT / "tests/net/test_matrix.py"]
    lines = []
    with subprocess.Popen([str(word) for word in command], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          text=True) as process:
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if verbose:
                print(line, end="", file=sys.stderr, flush=True)
    return read(lines)


def table(cells):
    """Lines: a row for each mode and balance, a column for each datapath; then why a cell is not passed."""
    notes = []
    width = max(len(f"{mode} {balance}") for mode in MODES for balance in BALANCES) + 1
    lines = ["".join([f"{'mode':<{width - 13}}{'balance':<14}", *(f"{datapath:<12}" for datapath in PLACES)]).rstrip()]
    for mode in MODES:
        for balance in BALANCES:
            row = f"{mode:<{width - 13}}{balance:<14}"
            for datapath in PLACES:
                verdict, remark = cells.get((datapath, mode, balance), ("not run", ""))
                if remark:
                    notes.append(f"{len(notes) + 1}) {remark}")
                    verdict += f" {len(notes)})"
                row += f"{verdict:<12}"
            lines.append(row.rstrip())
    return lines + notes


def main():
    cells = {}
    for datapath in PLACES:
        print(f"datapath {datapath}, at {PLACES[datapath]} …", file=sys.stderr)
        cells.update(run(datapath, "--verbose" in sys.argv[1:]))
    print("\n".join(table(cells)))
    wanted = [(datapath, mode, balance) for datapath in PLACES for mode in MODES for balance in BALANCES]
    return all(cells.get(cell, ("not run", ""))[0] in ("passed", "refused", "skipped") for cell in wanted)


if __name__ == "__main__":
    sys.exit(0 if main() else 1)
