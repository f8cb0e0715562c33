"""The team against LACP partners that are not ours, Open vSwitch and the kernel's bonding driver, with
each datapath. A pair of datapath and partner has one scene for most of the tests; each leaves it as it
found it, and one that did not costs the next test a new scene."""

import contextlib
import time

import pytest

from lab import Cable, Ear, Lab, Scene, TapCable, pdu, wait_until
from lab.guest import place
from lab.traffic import assert_clean
from lab.wait import LabError

PAIRS = [("bpf", "ovs"), ("bpf", "bonding"), ("team", "ovs"), ("team", "bonding")]
# For what the LACP engine alone decides; the first of PAIRS, as pytest tells parameters by their place.
ENGINE_PAIRS = PAIRS[:2]
RATE = place.pick(1000, {"time-travel": 250})
FLOWS = 32
SECONDS = 0.4
# How long frames may be lost with a pulled cable: in real time the guest's only processor has more to do.
OUTAGE_MS = place.pick(250, {"time-travel": 15})
PASSING = pdu.state_bits("synchronization", "collecting", "distributing")
TROUBLED = pdu.state_bits("defaulted", "expired")


def names(pair):
    return "-".join(pair)


def engine(test):
    """Where it takes long and costs nothing."""
    pairs = pytest.mark.parametrize("bench", ENGINE_PAIRS, ids=names, indirect=True, scope="module")
    return pytest.mark.at("time-travel")(pairs(test))


class Bench:
    """Makes a scene of a pair, and keeps it as long as it can be put back to what it was."""

    def __init__(self, build, datapath, partner):
        self.build, self.datapath, self.partner = build, datapath, partner
        self._lab = self._scene = None
        self.host, self.far = {}, {}

    def make(self, lab, **options):
        return Scene(lab, self.build, datapath=self.datapath, partner=self.partner, **options)

    def scene(self):
        if not self._scene:
            self.close()  # What could not be started.
            self._lab = Lab()
            scene = self.make(self._lab, nics=3)
            start = time.monotonic()
            scene.start()
            scene.await_converged()
            print(f"converged {time.monotonic() - start:.2f} s after the daemon's start")
            self._scene = scene
        return self._scene

    def configure_host(self, **lacp):
        """Our side, by a restart of the daemon, which finds another configuration."""
        if lacp != self.host:
            self._scene.yoked.stop()
            self._scene.configure(lacp=lacp)
            self._scene.yoked.start()
            self.host = lacp

    def configure_partner(self, **options):
        if options != self.far:
            self._scene.switch.configure(**options)
            self.far = options

    def put_back(self):
        try:
            for cable in self._scene.cables:
                cable.plug()
            self.configure_host()
            self.configure_partner()
            self._scene.await_converged(seconds=10)
        except (LabError, OSError, AttributeError):
            self.close()

    def close(self):
        if self._lab:
            self._lab.close()
        self._lab = self._scene = None
        self.host, self.far = {}, {}


@pytest.fixture(scope="module", params=PAIRS, ids=names)
def bench(request, build):
    made = Bench(build, *request.param)
    yield made
    made.close()


@pytest.fixture
def scene(bench):
    yield bench.scene()
    bench.put_back()


@contextlib.contextmanager
def undisturbed(scene):
    """The partner's own record is the same before and after, and no LACPDU of either end told of
    anything but a link that passes."""
    ears = [Ear(scene.lab, cable) for cable in scene.cables]
    before = scene.switch.record()
    yield
    assert scene.switch.record() == before
    for ear in ears:
        for end in ("host", "partner"):
            said = ear.states(end)
            assert said
            assert all(state & PASSING == PASSING and not state & TROUBLED for state in said), (end, said)
        print(f"LACPDUs at most {ear.longest_gap('host'):.2f} s apart, the partner's {ear.longest_gap('partner'):.2f} s")
        ear.close()


@contextlib.contextmanager
def under_load(scene):
    """Datagrams both ways. What became of them is in the list that it gives."""
    runs = [scene.traffic("udp", inbound, flows=FLOWS, rate=RATE, seconds=60, port=5000 + inbound).flows()
            for inbound in (False, True)]
    results = []
    yield results
    results += [run.stop() for run in runs]


def outage(result):
    """From the first lost frame to the last, in ms."""
    holes = result["holes"]
    return max(hole["last_ms"] for hole in holes) - min(hole["first_ms"] for hole in holes) if holes else 0.0


def tell(what, results):
    print(f"{what}: " + ", ".join(
        f"{way} {result['lost']} of {result['sent']} lost within {outage(result):.0f} ms"
        for way, result in zip(("out", "in"), results)))


def carries(scene):
    for inbound in (False, True):
        for v6 in (False, True):
            assert_clean(scene.traffic("udp", inbound, v6, flows=FLOWS, rate=RATE, seconds=SECONDS).result())


def packets(scene):
    """What each adapter has moved, by the kernel's own count."""
    return [{way: scene.host.link(nic)["stats64"][way]["packets"] for way in ("tx", "rx")} for nic in scene.nics]


def test_converges_and_carries(scene):
    """All links pass on both sides, and frames flow both ways by IPv4 and IPv6."""
    assert scene.yoked.team()["state"] == "up"
    assert scene.yoked.team()["datapath"] == scene.yoked.datapath
    # A link that came later gets its share when nothing can be overtaken.
    wait_until(lambda: min(member["buckets"] for member in scene.yoked.team()["members"]) > 80, 10,
               "the buckets are shared out")
    before = packets(scene)
    carries(scene)
    moved = [{way: now[way] - was[way] for way in now} for was, now in zip(before, packets(scene))]
    share = 0.1 * 2 * SECONDS * RATE
    assert all(link["tx"] > share for link in moved)
    assert sum(link["rx"] for link in moved) >= 2 * SECONDS * RATE
    wait_until(lambda: all(member["tx_packets"] > share for member in scene.yoked.team()["members"]), 5,
               "the daemon tells of it")


def test_a_kill_and_a_restart_under_load(scene):
    """kill -9 and a restart, partner in fast mode: nothing is lost, and the partner saw nothing."""
    with undisturbed(scene), under_load(scene) as results:
        scene.yoked.kill()
        time.sleep(0.3)
        scene.yoked.start()
        time.sleep(4)  # Longer than the partner's timeout: what it does not hear would show by now.
    tell("kill -9", results)
    assert scene.yoked.team()["adopted"]
    for result in results:
        assert_clean(result)


def test_a_pulled_cable_under_load(bench, scene):
    """Two of three cables pulled one after the other, and put back: how much is lost."""
    for nic in scene.nics[:2]:
        with under_load(scene) as results:
            scene.cable(nic).pull()
            scene.yoked.await_member(nic, reason="no-carrier")
            time.sleep(0.3)
        tell(f"{nic} pulled", results)
        assert all(outage(result) <= OUTAGE_MS for result in results)
    with under_load(scene) as results:
        for nic in scene.nics[:2]:
            scene.cable(nic).plug()
        scene.await_converged()
    tell("both put back", results)
    # Bonding sends on a link before it says so, and says that it is in sync before it listens there.
    limit_ms = OUTAGE_MS + 300 * (bench.partner == "bonding")
    assert all(result["lost"] <= RATE * limit_ms // 1000 for result in results)


def test_the_partner_restarts(scene):
    """The switch's daemon is killed and comes back, or the bond is made anew: the team finds to it again."""
    with under_load(scene) as results:
        start = time.monotonic()
        scene.switch.restart()
        restarted = time.monotonic()
        scene.await_converged()
        passed = time.monotonic() - restarted
    tell(f"partner restarted within {restarted - start:.2f} s, all links pass {passed:.2f} s later", results)
    assert passed < 12
    carries(scene)


def lacpdus(scene):
    counters = scene.yoked.member("eno1")["lacp"]["counters"]
    return counters["lacpdu_tx"], counters["lacpdu_rx"]


@engine
@pytest.mark.parametrize("host, partner", [
    (("fast", True), ("slow", True)), (("slow", True), ("fast", False)), (("slow", False), ("slow", True))],
    ids=lambda end: f"{end[0]}-{'active' if end[1] else 'passive'}")
def test_rates_and_activity(bench, scene, host, partner):
    """Each end has its own rate; one active end is enough."""
    bench.configure_host(rate=host[0], active=host[1])
    bench.configure_partner(rate=partner[0], active=partner[1])
    time.sleep(6)  # Open vSwitch forgets a partner that follows its change to the slow rate at once.
    scene.await_converged()
    lacp = scene.yoked.member("eno1")["lacp"]
    for end, (rate, active) in (("actor", host), ("partner", partner)):
        assert ("timeout" in lacp[end]["state"]) == (rate == "fast")
        assert ("activity" in lacp[end]["state"]) == active
    time.sleep(1.5)  # What the last changes of state have to say.
    before = lacpdus(scene)
    time.sleep(20)
    sent, came = (after - was for was, after in zip(before, lacpdus(scene)))
    print(f"{sent} LACPDUs sent and {came} received within 20 s")
    # The partner's timeout is what our pace goes by, and the other way round.
    assert 18 <= sent <= 21 if partner[0] == "fast" else sent <= 1
    assert 14 <= came <= 21 if host[0] == "fast" else came <= 1


@engine
def test_two_passive_ends(bench, scene):
    """Neither begins: the team stays down and says why."""
    bench.configure_partner(active=False)
    scene.yoked.stop()
    wait_until(lambda: not scene.switch.passing(), 10, "the partner has given up")
    bench.configure_host(active=False)
    wait_until(lambda: "passive there as it is here" in scene.yoked.member("eno1")["explanation"], 20,
               lambda: f"the explanation says it:\n{scene.yoked.say('status')}")
    assert scene.yoked.passing() == set() == scene.switch.passing()
    assert not scene.host.has_carrier("team0")


@engine
def test_too_few_links_for_us(bench, scene):
    """min_links here: with two of three links nothing passes, on either side."""
    bench.configure_host(min_links=3)
    scene.await_converged()
    scene.cable("eno3").pull()
    member = scene.yoked.await_member("eno1", reason="min-links")
    print(member["explanation"])
    wait_until(lambda: not scene.switch.passing(), 5, "the partner passes on nothing")
    assert not scene.host.has_carrier("team0")
    scene.cable("eno3").plug()
    scene.await_converged()
    assert scene.host.has_carrier("team0")


@engine
@pytest.mark.parametrize("decider", ["host", "partner"])
def test_more_links_than_may_be_active(bench, scene, decider):
    """Of three links one may be active. When it fails, another takes its place."""
    bench.configure_partner(system_priority=1 if decider == "partner" else 65535)
    bench.configure_host(max_links=1)
    wait_until(lambda: len(scene.yoked.passing()) == 1 and len(scene.switch.passing()) == 1, 15,
               lambda: f"one link passes; now:\n{scene.yoked.say('status')}\n{scene.switch.describe()}")
    active, = scene.yoked.passing()
    assert scene.switch.passing() == {scene.cable(active).far_name}
    standby = [nic for nic in scene.nics if nic != active]
    for nic in standby:
        assert scene.yoked.member(nic)["state"] == "standby"
    if decider == "host":
        assert active == "eno1"
    carries(scene)
    with under_load(scene) as results:
        scene.cable(active).pull()
        wait_until(lambda: scene.yoked.passing() & set(standby), 10, "a standby member has taken over")
        time.sleep(1)
    tell(f"{active} failed, {scene.yoked.passing()} took over", results)
    assert all(outage(result) <= 200 for result in results)  # A round of LACP; bonding's takes 0.1 s.


def add_second_group(scene, partner):
    """The last port goes into a channel group of its own on the same system."""
    if partner == "ovs":
        spare = Cable(scene.lab, scene.other, "spare0", scene.switch.namespace, "p98")
        scene.switch.vsctl("del-bond-iface", "lag", scene.ports[-1])
        scene.switch.add_team([scene.ports[-1], spare.far_name], name="lag2")
        return
    _, ports = scene.switch.words()
    system = ports[scene.ports[0]]["actor system mac address"]
    scene.switch.namespace.ip("link", "set", "dev", scene.ports[-1], "nomaster")
    scene.switch.add_team([scene.ports[-1]], name="bond1", ad_actor_system=system, ad_user_port_key=9)


@engine
def test_partner_keys_that_differ(bench, lab):
    """A port in another channel group at the partner carries nothing, and why is told with both keys."""
    scene = bench.make(lab, nics=3)
    add_second_group(scene, bench.partner)
    scene.start()
    member = scene.yoked.await_member("eno3", reason="partner-key")
    scene.await_converged(["eno1", "eno2"])
    print(member["explanation"])
    keys = {str(member["lacp"]["partner"]["key"]), str(scene.yoked.member("eno1")["lacp"]["partner"]["key"])}
    assert len(keys) == 2 and all(key in member["explanation"] for key in keys)


def mixed(slow):
    """Makes cables of 10 Gbit/s, but one of 1."""
    def make(lab, near, near_name, far, far_name, mtu):
        kind = TapCable if near_name == slow else Cable
        return kind(lab, near, near_name, far, far_name, mtu)
    return make


@engine
def test_mixed_speeds(bench, lab):
    """Two links of 10 Gbit/s and one of 1: the slow one waits, takes over when the others are gone, and
    joins them when it has their speed."""
    scene = bench.make(lab, nics=3, cable=mixed("eno3"))
    if bench.partner == "bonding":
        scene.switch.restart(ad_select="bandwidth")
    scene.start()
    member = scene.yoked.await_member("eno3", reason="key")
    scene.await_converged(["eno1", "eno2"])
    print(member["explanation"])
    assert member["speed_mbps"] == 1000
    for nic in ("eno1", "eno2"):
        scene.cable(nic).pull()
    scene.await_converged(["eno3"])
    assert_clean(scene.traffic("udp", flows=4, rate=200, seconds=0.5).result())
    for nic in ("eno1", "eno2"):
        scene.cable(nic).plug()
    # Open vSwitch keeps to a link that works; see the next test.
    if bench.partner == "bonding":
        scene.await_converged(["eno1", "eno2"])
    scene.cable("eno3").pull()
    scene.await_converged(["eno1", "eno2"])
    scene.cable("eno3").plug(speed=10000)
    scene.await_converged()


@pytest.mark.at("time-travel")
def test_the_partner_insists_on_the_slow_link(build, lab):
    """The bonding driver keeps its one aggregator on the link that was first: rather than with the faster
    ones carry nothing, we follow."""
    scene = Scene(lab, build, nics=2, partner="bonding", datapath=PAIRS[0][0], cable=mixed("eno1"))
    scene.cable("eno2").pull()
    scene.start()
    scene.await_converged(["eno1"])
    scene.cable("eno2").plug()
    start = time.monotonic()
    scene.yoked.await_member("eno1", reason="key")
    scene.await_converged(["eno1"])
    print(f"back on the slow link after {time.monotonic() - start:.1f} s")
    assert scene.yoked.member("eno2")["speed_mbps"] == 10000


@pytest.mark.at("time-travel")
def test_too_few_links_for_the_partner(build, lab):
    """min_links at the bonding driver only takes its bond's carrier, and no LACPDU tells us: both ends
    go on passing on the links that are left."""
    scene = Scene(lab, build, nics=2, partner="bonding", datapath=PAIRS[0][0])
    scene.switch.restart(min_links=2)
    scene.start()
    scene.await_converged()
    assert scene.switch.has_carrier()
    scene.cable("eno2").pull()
    wait_until(lambda: not scene.switch.has_carrier(), 5, "the bond has lost its carrier")
    scene.await_converged(["eno1"])
    assert scene.yoked.team()["state"] == "degraded"
    scene.cable("eno2").plug()
    scene.await_converged()
    wait_until(scene.switch.has_carrier, 5, "the bond has its carrier again")


def test_a_deleted_team_says_goodbye(bench, scene):
    """The leave PDU: the partner drops the ports at once, while their links are still up."""
    ears = [Ear(scene.lab, cable) for cable in scene.cables]
    result = scene.yoked.call("team", "delete", "team0")
    start = time.monotonic()
    assert result.returncode == 0, result.stderr
    wait_until(lambda: not scene.switch.passing(), 2, "the partner has dropped all ports")
    print(f"{(time.monotonic() - start) * 1000:.0f} ms after the command the partner passed on none")
    for ear in ears:
        assert not ear.states("host")[-1] & PASSING
    bench.close()
