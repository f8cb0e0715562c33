"""Other programs of the host put theirs where the daemon's are, or take those away."""

import subprocess
import time

import pytest

from lab import wait_until
from lab.traffic import assert_clean

# Without news of the kernel the daemon looks every five seconds.
LOOK = 5


# User-mode Linux is of 6.1.
with_tcx = pytest.mark.at("host", "emulator")


@pytest.fixture
def tcx(scene, build):
    """Runs the program that does what Debian's tools cannot do yet."""
    if subprocess.run([build.tcx, "list", "lo"], capture_output=True, check=False).returncode:
        pytest.skip("this kernel has no TCX")

    def run(*words):
        return scene.host.run(build.tcx, *words).split()
    return run


def put_before(scene, build, tcx, nic, action="ok"):
    """Returns the process of another program whose eBPF program is before ours."""
    count = len(tcx("list", nic))
    process = scene.lab.start(f"stranger-{nic}", [build.tcx, "before", nic, action], scene.host)
    wait_until(lambda: len(tcx("list", nic)) > count, 5, "it is attached")
    return process


def end(process):
    process.terminate()
    process.wait()


def lines(scene, *words):
    return [line for line in scene.yoked.log().splitlines() if all(word in line for word in words)]


@with_tcx
def test_a_program_before_ours(scene, build, tcx):
    """It makes the member deaf; ours is put before it, and whoever reads the log knows."""
    ours = tcx("list", "eno2")
    stranger = put_before(scene, build, tcx, "eno2")
    assert tcx("list", "eno2")[1:] == ours
    wait_until(lambda: lines(scene, "eno2", "put before ours", "stranger"), 3 * LOOK, "it is told")
    assert len(tcx("list", "eno2")) == 2
    result = scene.traffic("udp", True, flows=64, rate=5000, seconds=1).result()
    assert_clean(result)
    end(stranger)
    assert scene.yoked.member("eno2")["state"] == "active"
    assert len(lines(scene, "put before ours")) == 1


@with_tcx
def test_a_program_that_lets_frames_pass_costs_none(scene, build, tcx):
    """What comes before ours and lets each frame pass on, and our move before it, lose no frame."""
    traffic = scene.traffic("udp", True, flows=64, rate=10000, seconds=60).flows()
    stranger = put_before(scene, build, tcx, "eno1", "next")
    wait_until(lambda: lines(scene, "eno1", "put before ours"), 3 * LOOK, "it is told")
    end(stranger)
    time.sleep(0.5)
    assert_clean(traffic.stop())


@with_tcx
def test_our_program_is_detached(scene, tcx):
    """It is attached again."""
    tcx("detach", "eno3")
    assert tcx("list", "eno3") == []
    wait_until(lambda: tcx("list", "eno3"), 3 * LOOK, "ours is there again")
    wait_until(lambda: lines(scene, "eno3", "took our program"), 5, "it is told")
    assert_clean(scene.traffic("udp", True, flows=64, rate=5000, seconds=1).result())


@pytest.mark.at("host")
def test_the_hidden_device_is_watched(scene, tcx):
    """Without the program there nothing would be sent. (In the emulator team0 is a netkit, whose program has no other beside
    it and is nobody's to detach by its place.)"""
    peer = f"yk{scene.host.link('team0')['ifindex']}"
    tcx("detach", peer)
    wait_until(lambda: tcx("list", peer), 3 * LOOK, "ours is there again")
    wait_until(lambda: lines(scene, "team0", "took our program"), 5, "it is told")
    assert_clean(scene.traffic("udp", flows=64, rate=5000, seconds=1).result())


@with_tcx
def test_who_insists(scene, tcx):
    """After five repairs within a minute one line says so; then the member says why it is deaf."""
    for number in range(6):
        wait_until(lambda: tcx("list", "eno4"), 3 * LOOK, f"ours is there, {number}")
        tcx("detach", "eno4")
    member = scene.yoked.await_member("eno4", reason="disturbed", state="failed", seconds=3 * LOOK)
    assert "took our program" in member["explanation"]
    assert scene.yoked.team()["state"] == "degraded"
    assert len(lines(scene, "once a minute")) == 1
    assert len(lines(scene, "eno4", "took our program", "ours is the first")) == 5


def test_clsact_is_deleted_under_traffic(scene):
    """By TCX it does not matter; else the daemon hears of it and has its filter back at once."""
    for nic in scene.nics:
        scene.host.run("tc", "qdisc", "replace", "dev", nic, "clsact")
    traffic = scene.traffic("udp", True, flows=64, rate=2000, seconds=60).flows()
    for nic in scene.nics:
        scene.host.run("tc", "qdisc", "del", "dev", nic, "clsact")
        time.sleep(0.3)
    result = traffic.stop()
    told = len(lines(scene, "took our program"))
    print(f"clsact of each of {len(scene.nics)} members deleted: {result['lost']} of {result['sent']} lost, "
          f"told {told} times")
    assert told in (0, len(scene.nics))
    # While the program is not there, and while its clsact comes and goes: the kernel stops a device then.
    assert result["lost"] <= (500 if told else 0)
    assert_clean(scene.traffic("udp", True, flows=64, rate=2000, seconds=1).result())
