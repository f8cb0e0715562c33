"""What an administrator does to a team that carries traffic."""

import time

from lab import Cable, Lab, Partner, Scene, Yoked, pdu, team_config, wait_until
from lab.traffic import assert_clean


def frames(scene, key):
    """The frames that each member moved, LACPDUs apart: its name -> their number."""
    return {member["name"]: member[key] for member in scene.yoked.team()["members"]}


def busiest_receiver(scene):
    """The member on which most of what comes in arrives: the switch spreads as it likes."""
    before = frames(scene, "rx_packets")
    time.sleep(0.5)
    after = frames(scene, "rx_packets")
    return max(after, key=lambda nic: after[nic] - before[nic])


def test_a_drained_member_sends_nothing_and_hears_all(scene):
    """Drain: no flow leaves by the member, what comes in by it is taken, LACP stays up on both
    sides, nothing is lost, and it ends as it began."""
    outbound = scene.traffic("udp", flows=64, rate=5000, seconds=60, first_port=20000).flows()
    inbound = scene.traffic("udp", True, flows=64, rate=5000, seconds=60, port=5001).flows()
    nic = busiest_receiver(scene)
    result = scene.yoked.call("member", "drain", "team0", nic, "on")
    assert result.returncode == 0, result.stderr
    member = scene.yoked.await_member(nic, state="disabled", reason="drained", buckets=0)
    time.sleep(0.2)
    sent, received = (frames(scene, key)[nic] for key in ("tx_packets", "rx_packets"))
    time.sleep(1.5)
    assert frames(scene, "tx_packets")[nic] == sent
    assert frames(scene, "rx_packets")[nic] > received + 500
    assert {"collecting", "distributing"} <= set(member["lacp"]["actor"]["state"])
    assert scene.switch.passing() == set(scene.ports)
    scene.yoked.call("member", "drain", "team0", nic, "off")
    scene.yoked.await_member(nic, state="active")
    wait_until(lambda: scene.yoked.member(nic)["buckets"] == 64, 10, "it has its buckets again")
    for result in (outbound.stop(), inbound.stop()):
        print(f"{result['lost']} of {result['sent']} lost, {result['reordered']} overtaken")
        assert_clean(result, reordered=False)


def test_a_drain_outlives_the_daemon(scene):
    """A restart does not end a drain."""
    scene.yoked.call("member", "drain", "team0", "eno2", "on")
    scene.yoked.await_member("eno2", reason="drained")
    scene.yoked.kill()
    scene.yoked.start()
    member = scene.yoked.await_member("eno2", reason="drained")
    assert member["buckets"] == 0


def test_the_last_member_is_not_drained(scene):
    """Draining all but one works; the last one is refused with a sentence."""
    for nic in scene.nics[:3]:
        assert scene.yoked.call("member", "drain", "team0", nic, "on").returncode == 0
        scene.yoked.await_member(nic, reason="drained")
    result = scene.yoked.call("member", "drain", "team0", "eno4", "on")
    print(result.stderr.strip())
    assert result.returncode == 1 and "eno4" in result.stderr
    assert scene.yoked.member("eno4")["buckets"] == 256


def leftovers(namespace, nics):
    """What a member should not keep, in words."""
    found = []
    for nic in nics:
        link = namespace.link(nic)
        if link.get("promiscuity"):
            found.append(f"{nic} is promiscuous")
        if "clsact" in namespace.run("tc", "qdisc", "show", "dev", nic):
            found.append(f"{nic} has a clsact")
    return found


def test_a_deleted_team_says_goodbye(lab, build):
    """Delete: the switch drops all links at once by our leave PDUs, the device is gone, and the
    adapters are as they were: here they were up, so that no lost link can have told the switch."""
    scene = Scene(lab, build)
    for nic in scene.nics:
        scene.host.up(nic)
    scene.start()
    scene.await_converged()
    before = {nic: scene.host.link(nic)["mtu"] for nic in scene.nics}
    result = scene.yoked.call("team", "delete", "team0")
    start = time.monotonic()
    assert result.returncode == 0, result.stderr
    wait_until(lambda: not scene.switch.passing(), 2, lambda: scene.switch.ask("lacp/show"))
    print(f"the switch dropped the links within {time.monotonic() - start:.2f} s of the answer")
    assert scene.host.link("team0") is None
    assert leftovers(scene.host, scene.nics) == []
    assert {nic: scene.host.link(nic)["mtu"] for nic in scene.nics} == before
    assert all("UP" in scene.host.link(nic)["flags"] for nic in scene.nics)
    devices = {line.split(":")[1].strip().split("@")[0]
               for line in scene.host.ip("-o", "link").splitlines()}
    assert devices == {"lo", *scene.nics}
    assert scene.yoked.ask("team", "list")["teams"] == []


def test_a_deleted_team_stays_away(scene):
    """A restart does not bring a deleted team back."""
    assert scene.yoked.call("team", "delete", "team0").returncode == 0
    scene.yoked.kill()
    scene.yoked.start()
    time.sleep(1)
    assert scene.host.link("team0") is None
    assert scene.yoked.ask("team", "list")["teams"] == []


def test_the_leave_pdu(lab, build):
    """It clears what says that we carry, and leaves Aggregation set."""
    host, far = lab.namespace("host"), lab.namespace("far")
    cables = [Cable(lab, host, f"eno{n}", far, f"p{n}") for n in (1, 2)]
    yoked = Yoked(lab, build, host)
    yoked.configure(team_config(["eno1", "eno2"]))
    partner = Partner(lab, cables)
    yoked.start()
    partner.await_passing(2)
    assert yoked.call("team", "delete", "team0").returncode == 0
    for port in partner.ports:
        wait_until(lambda: not port.remote.state & pdu.state_bits("synchronization"), 2, "a leave PDU came")
        last = [heard.pdu for heard in port.heard if heard.pdu][-1]
        assert pdu.state_names(last.actor.state) & {"synchronization", "collecting", "distributing"} == set()
        assert "aggregation" in pdu.state_names(last.actor.state)


def test_names_that_are_not_there(shared):
    """An unknown team or member gets one clear sentence and exit status 1."""
    for words in (("team", "show", "team9"), ("lacp", "trace", "team0", "eno9"),
                  ("member", "drain", "team0", "eno9", "on"), ("team", "delete", "team9")):
        result = shared.yoked.call(*words)
        assert result.returncode == 1
        assert "eno9" in result.stderr or "team9" in result.stderr
        assert len(result.stderr.strip().splitlines()) == 1
    assert shared.yoked.passing() == set(shared.nics)


def test_monitor_tells_what_happens(scene):
    """'monitor' prints a pulled cable as it happens."""
    monitor = scene.lab.start("monitor", [scene.build.yokectl, "--socket", scene.yoked.socket, "monitor"])
    time.sleep(0.3)
    scene.cable("eno2").pull()
    wait_until(lambda: "active -> down" in scene.lab.log("monitor"), 5,
               lambda: f"monitor tells; it said: {scene.lab.log('monitor')}")
    assert "eno2" in scene.lab.log("monitor")
    monitor.terminate()


def test_the_device_deleted_by_somebody(scene):
    """Is told, and the daemon goes on; started again, it makes a new one."""
    scene.host.ip("link", "del", "dev", "team0")
    wait_until(lambda: "somebody else deleted" in scene.yoked.team()["explanation"], 5,
               lambda: scene.yoked.team()["explanation"])
    assert scene.yoked.team()["state"] == "down"
    assert scene.yoked.stop() == 0
    scene.yoked.start()
    scene.give_addresses()
    scene.await_converged()
    assert_clean(scene.traffic("udp", flows=16, rate=1000, seconds=1).result())


def test_two_daemons_in_two_namespaces(scene, build):
    """With the same names, interface indexes and folder for pins: neither disturbs the other, whether
    it is killed, pulled or deletes its team."""
    with Lab() as lab:
        other = Scene(lab, build)
        other.yoked.bpffs = scene.yoked.bpffs
        other.start()
        other.await_converged()
        before = scene.switch.record()
        traffic = scene.traffic("udp", flows=16, rate=2000, seconds=60).flows()
        other.yoked.kill()
        other.yoked.start()
        other.await_converged()
        other.cable("eno1").pull()
        other.yoked.await_member("eno1", reason="no-carrier")
        assert other.yoked.call("team", "delete", "team0").returncode == 0
        assert other.yoked.stop() == 0
        assert_clean(traffic.stop())
        assert scene.switch.record() == before
        assert scene.yoked.passing() == set(scene.nics)
