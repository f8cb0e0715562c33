"""Carrier sense inside the kernel: a member that loses its link is out of use at once, whether the
daemon lives or not. On cables whose ends have equal interface indexes, where the kernel tells a
lost carrier late; the partner is on the slow timeout, so that it waits for a daemon that is dead."""

import random
import statistics
import time

import pytest

from lab import Scene, wait_until
from lab.traffic import assert_clean

RATE = 1000
# Longer than the kernel ever holds the news of a lost carrier back.
WINDOW_MS = 1200
# The instant of a pull is taken before 'ip' is started; a frame may have left just before it.
BEFORE_MS = 5


def await_sense(scene):
    wait_until(lambda: scene.yoked.status()["carrier_sense"] == "kernel", 15,
               lambda: f"the kernel senses carrier; now:\n{scene.yoked.say('status')}\n{scene.yoked.log()}")


def make_scene(lab, build):
    scene = Scene(lab, build, rate="slow", lacp={"rate": "slow"}, partner="bonding")
    for cable in scene.cables:
        # Or the far end drops, while it is being closed, what comes before the carrier is lost.
        cable.far.run("ethtool", "-K", cable.far_name, "gro", "on")
    return scene


@pytest.fixture
def scene(lab, build):
    made = make_scene(lab, build).start()
    made.await_converged()
    await_sense(made)
    return made


def sent(scene):
    """Frames that each adapter has sent. Not asked of the daemon, which may be dead."""
    text = scene.host.run("cat", "/proc/net/dev")
    return {nic: int(line.split()[9]) for line in text.splitlines()
            for nic in scene.nics if line.strip().startswith(f"{nic}:")}


def carrier_of_flow(scene):
    """The adapter by which the one flow leaves now."""
    def found():
        before = sent(scene)
        time.sleep(0.1)
        busy = [nic for nic, count in sent(scene).items() if count - before[nic] > RATE // 20]
        return busy[0] if len(busy) == 1 else None
    return wait_until(found, 10, "the flow leaves by one adapter")


class Series:
    """Pulls one cable after the other out from under one flow, which goes on on the next one."""

    def __init__(self, scene, port):
        self.scene = scene
        self.traffic = scene.traffic("udp", flows=1, rate=RATE, seconds=120, first_port=port).flows()
        self.pulls = []

    def pull(self):
        nic = carrier_of_flow(self.scene)
        self.pulls.append((nic, time.monotonic_ns()))
        self.scene.cable(nic).pull()
        time.sleep(WINDOW_MS / 1000)
        return nic

    def lost(self):
        """Ends the flow; frames lost at each pull. None may be lost at any other time."""
        result = self.traffic.stop()
        assert result["failure"] == "" and not result["duplicated"], result
        found = [0] * len(self.pulls)
        for hole in result["holes"]:
            number = self._pull_of(hole, result["start_ns"])
            assert number is not None, f"frames lost while nothing was pulled: {hole}, pulls {self.pulls}"
            found[number] += hole["lost"]
        assert sum(found) == result["lost"], result
        return found

    def _pull_of(self, hole, start_ns):
        for number, (_, when) in enumerate(self.pulls):
            after = hole["first_ms"] - (when - start_ns) / 1e6
            if -BEFORE_MS <= after <= WINDOW_MS:
                return number
        return None


def plug_all(scene):
    for cable in scene.cables:
        cable.plug()
    scene.await_converged()


def tell(what, lost):
    print(f"{len(lost)} pulls {what}: frames lost of {RATE} a second: {statistics.median(lost):g} (median), "
          f"{max(lost)} (worst); all: {' '.join(map(str, sorted(lost)))}")


def assert_few(lost):
    assert len(lost) >= 20
    assert statistics.median(lost) <= 2
    assert max(lost) <= 5


@pytest.mark.at("emulator")
def test_a_pulled_cable_costs_frames_not_milliseconds(scene):
    """21 pulls while the daemon lives: at most 2 frames lost (median), 5 (worst)."""
    lost = []
    for number in range(7):
        series = Series(scene, 20000 + number)
        for _ in range(3):
            nic = series.pull()
            scene.yoked.await_member(nic, reason="no-carrier", buckets=0)
        lost += series.lost()
        plug_all(scene)
    tell("with the daemon alive", lost)
    assert_few(lost)


@pytest.mark.at("emulator")
def test_a_pulled_cable_while_the_daemon_is_dead(scene):
    """21 pulls while the daemon is dead, killed by -9: at most 2 frames lost (median), 5 (worst).
    Started again it takes over what the kernel did, and no frame is lost."""
    lost = []
    for number in range(7):
        series = Series(scene, 30000 + number)
        scene.yoked.kill()
        pulled = [series.pull() for _ in range(3)]
        scene.yoked.start()
        for nic in pulled:
            scene.yoked.await_member(nic, reason="no-carrier", buckets=0)
        (left,) = set(scene.nics) - set(pulled)
        assert scene.yoked.member(left)["buckets"] == 256
        assert "goes on with its LACP session" in scene.yoked.log()
        time.sleep(0.5)
        lost += series.lost()
        plug_all(scene)
    tell("with the daemon dead", lost)
    assert_few(lost)


@pytest.mark.at("emulator")
def test_a_pulled_cable_while_the_daemon_takes_over(scene):
    """The daemon is killed and started, and cables are pulled meanwhile: from before it has found the
    team until its own programs have replaced those of the dead one."""
    lost = []
    for number in range(4):
        series = Series(scene, 40000 + number)
        scene.yoked.kill()
        scene.yoked.start(ready=False)
        for _ in range(3):
            time.sleep(random.uniform(0, 0.5))
            series.pull()
        await_sense(scene)
        lost += series.lost()
        plug_all(scene)
    tell("while the daemon takes over", lost)
    assert max(lost) <= 5


@pytest.mark.at("emulator")
def test_a_cable_that_was_out_and_in_again_while_the_daemon_was_dead(scene):
    """In LACP it carries nothing until the daemon is there, which takes over without a lost frame and
    begins that session anew; then the member takes its share again. What that costs is the partner's
    matter: the bonding driver looks each tenth of a second whether it may receive."""
    series = Series(scene, 50000)
    scene.yoked.kill()
    nic = series.pull()
    scene.cable(nic).plug()
    wait_until(lambda: scene.host.has_carrier(nic), 5, "the link is back")
    before = sent(scene)[nic]
    time.sleep(0.5)
    assert sent(scene)[nic] == before
    scene.yoked.start()
    assert "starts its LACP session anew" in scene.yoked.log()
    assert scene.yoked.team()["adopted"]
    assert max(series.lost()) <= 5
    scene.await_converged()
    wait_until(lambda: scene.yoked.member(nic)["buckets"] > 50, 15, "the member has its buckets again")


@pytest.mark.at("emulator")
def test_beside_the_kernel_members_are_asked_every_second(scene):
    """Status tells what is at work, in both forms; the poller is slow, because what a veth's driver
    answers is what the kernel knows. (For adapters of which that is not so see test_nics.py.)"""
    status = scene.yoked.status()
    assert status["carrier_sense"] == "kernel" and "also while the daemon is dead" in status["carrier_sense_why"]
    assert "carrier sense" in scene.yoked.say("status") and "kernel: a program" in scene.yoked.say("status")

    def questions(seconds):
        before = scene.yoked.status()["poller"]["questions"]
        time.sleep(seconds)
        return scene.yoked.status()["poller"]["questions"] - before
    wait_until(lambda: questions(1) <= 2 * len(scene.nics), 10, "the poller is slow")
    start = time.monotonic()
    asked = questions(5)
    assert asked <= len(scene.nics) * (time.monotonic() - start + 1)
    assert "polled" not in scene.yoked.log()


def start_without_privilege(scene):
    """Everything that root may but tracing."""
    usual = scene.yoked.command()
    scene.yoked.command = lambda: ["setpriv", "--bounding-set=-perfmon,-sys_admin", "--inh-caps=-perfmon,-sys_admin", *usual]
    scene.yoked.start()
    wait_until(lambda: "polled" in scene.yoked.log(), 15, "the daemon says that it polls")


def assert_polls(scene, *words):
    status = scene.yoked.status()
    assert status["carrier_sense"] == "polling"
    assert status["poller"]["interval_us"] == 10000
    lines = [line for line in scene.yoked.log().splitlines() if "polled for their carrier" in line]
    assert len(lines) == 1 and " notice: " in lines[0], lines
    assert status["carrier_sense_why"] in lines[0]
    for word in words:
        assert word in lines[0]


@pytest.mark.at("emulator")
def test_without_the_privilege_members_are_polled(lab, build):
    """One line tells why, and the team works; but a cable that is pulled while the daemon is dead
    costs what the kernel's programs save."""
    scene = make_scene(lab, build)
    start_without_privilege(scene)
    scene.give_addresses()
    scene.await_converged()
    assert_polls(scene, "CAP_PERFMON")
    series = Series(scene, 60000)
    nic = series.pull()
    scene.yoked.await_member(nic, reason="no-carrier")
    scene.yoked.kill()
    series.pull()
    asked, dead = series.lost()
    print(f"lost of {RATE} a second: {asked} with the daemon alive and polling, {dead} with none")
    assert dead > RATE * WINDOW_MS / 1000 / 2


@pytest.mark.at("emulator")
def test_a_daemon_without_the_privilege_after_one_that_had_it(scene):
    """What the former daemon left at work in the kernel is taken away: of bits that are cleared there
    a daemon has to hear."""
    scene.yoked.kill()
    (folder,) = scene.lab.bpffs().glob("yoked/netns-*")
    assert (folder / "carrier-lost").exists()
    start_without_privilege(scene)
    assert_polls(scene, "CAP_PERFMON")
    assert not [pin.name for pin in folder.iterdir() if pin.name.startswith(("carrier", "losses"))]
    scene.await_converged()


@pytest.mark.at("host")
def test_a_kernel_that_refuses_tracing_has_members_polled(lab, build):
    """One line, and polling. Not told where this machine's kernel lets the programs in."""
    scene = Scene(lab, build).start()
    wait_until(lambda: scene.yoked.status()["carrier_sense"] == "kernel" or "polled" in scene.yoked.log(), 15,
               "it is decided who senses carrier")
    if scene.yoked.status()["carrier_sense"] == "kernel":
        pytest.skip("this kernel lets tracing programs in")
    assert_polls(scene)


def tx_packets(scene):
    return [scene.host.link(nic)["stats64"]["tx"]["packets"] for nic in scene.nics]


@pytest.mark.at("emulator")
def test_a_cable_that_returns_while_the_daemon_is_dead(lab, build):
    """In mode "static" the kernel's part takes a member out of use and back again; also one that the
    daemon had taken out before it died."""
    scene = Scene(lab, build, mode="static", partner="xor").start()
    scene.await_converged()
    await_sense(scene)
    scene.cable("eno1").pull()
    scene.yoked.await_member("eno1", reason="no-carrier", buckets=0)
    scene.yoked.kill()
    time.sleep(4)  # Until its heartbeat is stale.
    scene.cable("eno2").pull()
    for nic in ("eno1", "eno2"):
        scene.cable(nic).plug()
    for nic in ("eno3", "eno4"):
        scene.cable(nic).pull()
    time.sleep(WINDOW_MS / 1000)
    before = tx_packets(scene)
    assert_clean(scene.traffic("udp", flows=64, rate=200, seconds=2).result())
    sent_now = [now - was for was, now in zip(before, tx_packets(scene))]
    print(f"frames sent while the daemon was dead: {sent_now}")
    assert all(count > 50 for count in sent_now[:2]) and not any(sent_now[2:])
    scene.yoked.start()
    scene.yoked.await_passing(["eno1", "eno2"])
