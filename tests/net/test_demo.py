"""The demonstration does what it shows, and builds what it needs."""

import os
import subprocess

from lab.build import ROOT


def test_it_builds_all_that_the_lab_starts(build):
    """A clone has nothing but what the target 'lab' makes."""
    made = subprocess.run(["ninja", "-C", build.folder, "-t", "query", "lab"], capture_output=True, text=True,
                          check=True).stdout.split()
    wanted = {str(program.relative_to(build.folder.resolve())) for program in build.programs}
    assert wanted <= set(made)
    assert "ninja -C build lab " in (ROOT / "tools" / "demo").read_text(encoding="utf-8")


def test_all_of_it_is_as_claimed(build):
    result = subprocess.run(["/usr/bin/python3", "-m", "lab.demo"], capture_output=True, text=True, timeout=120,
                            env={**os.environ, "PYTHONPATH": str(ROOT / "tests"), "YOKE_BUILD": str(build.folder)},
                            check=False)
    print(result.stdout)
    assert result.returncode == 0, result.stderr
    assert "All of it was as claimed" in result.stdout
