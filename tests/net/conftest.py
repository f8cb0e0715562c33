"""Tests of the real daemon on the wire. Each makes its own lab and takes it down.

YOKE_BUILD names the build's folder. What a test measures it prints; no test is tried twice."""

import pathlib
import re
import signal
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from lab import Build, Lab, Scene  # noqa: E402 (the path comes first)
from lab.guest import place  # noqa: E402


def pytest_configure(config):
    config.addinivalue_line("markers", "at(*places): the only places where the test means something")

    def end(*_):
        raise KeyboardInterrupt
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGHUP, end)


def pytest_collection_modifyitems(config, items):
    """A test that is not for this place is none here, rather than one that is skipped."""
    def is_elsewhere(item):
        wanted = [where for mark in item.iter_markers("at") for where in mark.args]
        return wanted and place.current() not in wanted
    config.hook.pytest_deselected(items=[item for item in items if is_elsewhere(item)])
    items[:] = [item for item in items if not is_elsewhere(item)]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A failure shows what everybody in the lab said, as long as the lab is there."""
    report = (yield).get_result()
    if report.when == "call" and report.failed:
        for name, lab in item.funcargs.items():
            folder = getattr(lab, "folder", getattr(getattr(lab, "lab", None), "folder", None))
            if name in ("lab", "scene", "shared") and folder and folder.exists():
                for log in sorted([*folder.glob("yoked*.log"), *folder.glob("*/switch.log")]):
                    report.sections.append((log.name, log.read_text(errors="replace")[-3000:]))


@pytest.fixture(scope="session")
def build():
    found = Build()
    found.check()
    return found


def assert_no_sanitizer_spoke(lab):
    """What a daemon that was built with sanitizers found, it wrote into its log."""
    for log in lab.folder.glob("yoked*.log"):
        text = log.read_text(errors="replace")
        assert not re.search("runtime error:|Sanitizer", text), text[-5000:]


@pytest.fixture
def lab():
    with Lab() as made:
        yield made
        assert_no_sanitizer_spoke(made)


@pytest.fixture
def scene(lab, build):
    """A host with four adapters whose team has converged with the switch."""
    made = Scene(lab, build).start()
    made.await_converged()
    return made


@pytest.fixture(scope="module")
def shared(build):
    """The same for tests that leave it as it was."""
    with Lab() as made:
        found = Scene(made, build).start()
        found.await_converged()
        yield found
