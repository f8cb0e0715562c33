"""What the daemon costs when nothing happens."""

import pathlib
import re
import shutil
import time

import pytest

from lab import Scene, wait_until

SECONDS = 10


@pytest.fixture(scope="module")
def idle(build):
    from lab import Lab
    with Lab() as lab:
        scene = Scene(lab, build, nics=8).start()
        scene.await_converged()
        # What comes after convergence (markers, first churn timers) has passed.
        wait_until(lambda: scene.yoked.team()["state"] == "up", 5, "the team is up")
        time.sleep(5)
        yield scene


def threads(pid):
    """Thread number -> its name."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        found[int(task.name)] = (task / "comm").read_text().strip()
    return found


def cpu_ns(pid, thread):
    return int(pathlib.Path(f"/proc/{pid}/task/{thread}/schedstat").read_text().split()[0])


def pollers(names):
    return {thread for thread, name in names.items() if "poll" in name or "carrier" in name}


@pytest.mark.skipif(not shutil.which("strace"), reason="no strace")
def test_few_system_calls(idle):
    """8 members in fast mode: at most 30 system calls a second, the poller apart."""
    names = threads(idle.yoked.pid)
    assert len(pollers(names)) == 1, names
    counts = {}
    traces = {}
    for thread in names.keys() - pollers(names):
        traces[thread] = idle.lab.start(f"strace-{thread}", ["strace", "-q", "-p", thread, "-o",
                                                             idle.lab.folder / f"calls-{thread}"])
    time.sleep(SECONDS)
    for thread, process in traces.items():
        process.terminate()
        process.wait(timeout=10)
        calls = [line for line in (idle.lab.folder / f"calls-{thread}").read_text().splitlines()
                 if re.match(r"\w+\(", line)]
        counts[names[thread]] = counts.get(names[thread], 0) + len(calls)
    rate = sum(counts.values()) / SECONDS
    print(f"{rate:.1f} system calls a second:", {name: count / SECONDS for name, count in counts.items()})
    assert rate > 1  # It was traced at all.
    assert rate <= 30


def usage(idle, names, seconds):
    """Per cent of a processor that the poller and all other threads took, and questions a second."""
    pid = idle.yoked.pid
    before = {thread: cpu_ns(pid, thread) for thread in names}
    questions = idle.yoked.status()["poller"]["questions"]
    start = time.monotonic()
    time.sleep(seconds)
    passed = time.monotonic() - start
    used = {thread: (cpu_ns(pid, thread) - before[thread]) / passed / 1e7 for thread in names}
    asked = idle.yoked.status()["poller"]["questions"] - questions
    poller = sum(used[thread] for thread in pollers(names))
    return poller, sum(used.values()) - poller, asked / passed


def test_little_processor_time(idle):
    """The poller takes at most 1 % of a processor, all other threads together less. The least of
    three times counts: what else the machine does makes it more, nothing makes it less."""
    names = threads(idle.yoked.pid)
    times = [usage(idle, names, SECONDS / 2) for _ in range(3)]
    for poller, rest, asked in times:
        print(f"poller {poller:.2f} % of a processor at {asked:.0f} questions a second, "
              f"all other threads {rest:.2f} %")
    poller, rest, _ = min(times)
    assert poller <= 1.0
    assert rest <= 1.0


def test_little_memory(idle):
    """Resident memory is printed; it stays below 64 MB."""
    status = pathlib.Path(f"/proc/{idle.yoked.pid}/status").read_text()
    memory = {key: int(re.search(rf"{key}:\s+(\d+) kB", status).group(1)) for key in ("VmRSS", "RssAnon", "VmHWM")}
    print({key: f"{value} kB" for key, value in memory.items()})
    assert memory["VmRSS"] < 64 * 1024


def test_descriptors_do_not_grow(idle):
    """Cables pulled and put back, a client come and gone: no descriptor is left open."""
    def descriptors():
        return len(list(pathlib.Path(f"/proc/{idle.yoked.pid}/fd").iterdir()))
    wait_until(lambda: idle.yoked.status()["control"]["clients"] <= 1, 5, "only our own call is there")
    before = descriptors()
    for nic in idle.nics[:4]:
        idle.cable(nic).pull()
        idle.yoked.await_member(nic, reason="no-carrier")
        idle.cable(nic).plug()
    idle.await_converged()
    wait_until(lambda: descriptors() <= before, 5, lambda: f"{before} descriptors; now {descriptors()}")
