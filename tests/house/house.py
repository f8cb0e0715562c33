"""What the checks of this folder share: the list of the project's files, and results told as TAP."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def files():
    """Paths of the project's files below ROOT, sorted. A tarball has no git: then what is there."""
    listed = _git_files() or _walked_files()
    return sorted(name for name in listed if (ROOT / name).is_file())


def _git_files():
    if not (ROOT / ".git").exists():
        return []
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        output = subprocess.run(command, check=True, capture_output=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return []
    return [name for name in output.decode().split("\0") if name]


def _walked_files():
    found = []
    for folder, below, names in os.walk(ROOT):
        relative = pathlib.Path(folder).relative_to(ROOT)
        top = relative == pathlib.Path(".")
        below[:] = [
            name
            for name in below
            if name not in (".git", "__pycache__", ".pytest_cache") and not (top and name.startswith("build"))
        ]
        found += [str(relative / name) for name in names]
    return found


def c_files(names=None):
    return [name for name in (files() if names is None else names) if name.endswith((".c", ".h"))]


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


def script_language(name):
    """'sh', 'python' or None, by the first line, which is what runs a script."""
    with open(ROOT / name, "rb") as file:
        first = file.readline().decode(errors="replace")
    if not first.startswith("#!"):
        return None
    if first.split("/")[-1].split()[-1] in ("sh", "bash", "dash"):
        return "sh"
    return "python" if "python" in first else None


class Tap:
    """Results as TAP: case() for each, then done() as the exit status."""

    def __init__(self):
        self.count = 0
        self.failed = 0

    def case(self, name, complaints, skip=None):
        """'complaints': lines that say what is wrong; none is a success."""
        self.count += 1
        complaints = list(complaints)
        self.failed += bool(complaints)
        end = f" # SKIP {skip}" if skip else ""
        print(f"{'not ok' if complaints else 'ok'} {self.count} - {name}{end}")
        for line in complaints:
            print(f"# {line}")

    def done(self):
        print(f"1..{self.count}")
        return 1 if self.failed else 0
