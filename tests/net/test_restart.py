"""The daemon dies, is stopped and comes back, under traffic and in fast mode."""

import time

import pytest

from lab import pdu, wait_until
from lab.guest import place
from lab.partner import Port
from lab.traffic import assert_clean

RATE = place.pick(10000, {"uml": 1000, "time-travel": 100})


class Onlooker:
    """Hears the LACPDUs that leave an adapter, beside the switch."""

    active, fast, system_priority, system, key = True, True, 0, "02:00:00:00:00:00", 0

    def __init__(self, cable):
        self.port = Port(self, cable.far, cable.far_name, 1)

    def states(self):
        """The actor's states in the LACPDUs since then."""
        self.port.hear()
        return [heard.pdu.actor.state for heard in self.port.heard if heard.pdu]


@pytest.mark.parametrize("inbound", [False, True], ids=["out", "in"])
# The partner counts its 3 s from our last LACPDU, which may be a second old when we are killed.
@pytest.mark.parametrize("pause", [0.0, 1.0, 1.5])
def test_a_kill_and_a_restart_go_unnoticed(scene, pause, inbound):
    """kill -9 under 10 000 datagrams a second, and a restart within the partner's timeout: nothing
    is lost, and the switch's own record shows no change of state."""
    onlookers = [Onlooker(cable) for cable in scene.cables]
    before, log = scene.switch.record(), scene.switch.log()
    traffic = scene.traffic("udp", inbound, flows=64, rate=RATE, seconds=60).flows()
    time.sleep(0.5)
    scene.yoked.kill()
    time.sleep(pause)
    scene.yoked.start()
    time.sleep(7)  # Twice the partner's timeout and more: what it does not hear would show by now.
    result = traffic.stop()
    print(f"dead for {pause} s and the start: {result['lost']} of {result['sent']} lost, "
          f"longest gap {result['longest_gap_ms']} ms; switch dropped {scene.switch.receive_drops()}")
    assert scene.switch.record() == before
    assert scene.switch.news(log) == []
    passing = pdu.state_bits("synchronization", "collecting", "distributing")
    for onlooker in onlookers:
        assert onlooker.states()
        assert all(state & passing == passing for state in onlooker.states())
    assert_clean(result)
    assert scene.yoked.team()["adopted"]
    scene.await_converged()


def test_ten_kills_in_a_row(scene):
    """Killed again and again, also while it starts: nothing is lost."""
    before = scene.switch.record()
    traffic = scene.traffic("udp", flows=64, rate=RATE // 2, seconds=60).flows()
    for number in range(10):
        scene.yoked.kill()
        scene.yoked.start(ready=number % 2 == 0)
        time.sleep(0.02 * number)
    scene.yoked.await_ready()
    scene.await_converged()
    time.sleep(4)
    result = traffic.stop()
    assert_clean(result)
    assert scene.switch.record() == before


def test_a_stop_leaves_traffic_running(scene):
    """SIGTERM ends the daemon with status 0, sends no leave PDU, and no frame is lost."""
    onlooker = Onlooker(scene.cables[0])
    traffic = scene.traffic("udp", flows=64, rate=RATE, seconds=60).flows()
    time.sleep(0.3)
    start = time.monotonic()
    assert scene.yoked.stop() == 0
    print(f"stopped within {time.monotonic() - start:.2f} s")
    time.sleep(1.5)
    scene.yoked.start()
    time.sleep(3.5)
    result = traffic.stop()
    assert_clean(result)
    assert all("synchronization" in pdu.state_names(state) for state in onlooker.states())
    scene.await_converged()


def test_a_restart_after_the_partner_gave_up(scene):
    """Dead for longer than the partner's timeout: the switch gives up, and after the start the
    sessions begin anew and converge."""
    scene.yoked.kill()
    wait_until(lambda: not scene.switch.passing(), 15, "the switch has given up")
    wait_until(lambda: all("defaulted" in words["status"] for words in scene.switch.members().values()),
               15, "the switch has defaulted")
    scene.yoked.start()
    scene.await_converged(seconds=40)
    result = scene.traffic("udp", flows=16, rate=1000, seconds=1).result()
    assert_clean(result)


def test_a_cable_moved_while_the_daemon_was_dead(scene):
    """A link that was lost and came back meanwhile is not resumed but begun anew."""
    scene.yoked.kill()
    scene.cable("eno2").pull()
    scene.cable("eno2").plug()
    scene.yoked.start()
    scene.await_converged()
    transitions = [(step["machine"], step["to"]) for step in scene.yoked.trace("eno2")]
    assert ("mux", "collecting-distributing") in transitions
    assert ("mux", "detached") in transitions or ("mux", "waiting") in transitions \
        or ("receive", "expired") in transitions
    assert "starts its LACP session anew" in scene.yoked.log()


def test_a_member_that_was_pulled_while_the_daemon_was_dead(scene):
    """After the start the team does not send on a link that has gone."""
    scene.yoked.kill()
    scene.cable("eno3").pull()
    scene.yoked.start()
    scene.yoked.await_member("eno3", reason="no-carrier", buckets=0)
    result = scene.traffic("udp", flows=64, rate=2000, seconds=1).result()
    assert_clean(result)
