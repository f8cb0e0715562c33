"""Switch-independent teams when something changes: what fails, returns, is added, stands by or moves away. What moves is
told to the switches at once, silent machines included, and what need not move stays."""

import time

import pytest

from lab import Hall, wait_until
from lab.copies import BROADCAST, NOBODY, assert_once
from lab.guest import place
from lab.traffic import assert_clean

DATAPATHS = place.pick(["bpf"], {"uml": ["team"]})
BALANCES = ["vm-port", "address-hash", "dynamic"]
RATE = place.pick(2000, {"uml": 200})
# How long frames may be lost with a pulled cable, in ms.
OUTAGE_MS = place.pick(50, {"uml": 250})
EVEN = 1.05

of_each_kind = pytest.mark.parametrize("datapath,balance", [(datapath, balance) for datapath in DATAPATHS
                                                            for balance in BALANCES])


def make(lab, build, datapath, balance, machines=4, silent=0, **options):
    hall = Hall(lab, build, datapath=datapath, balance=balance, **options).start(machines, silent)
    hall.await_converged()
    hall.introduce()
    hall.watch()
    hall.moves()
    return hall


def addresses(hall):
    return [machine.mac for machine in hall.machines]


def ports(hall):
    """Where the first switch has each machine's address."""
    return {mac: hall.switches[0].port_of(mac) for mac in addresses(hall)}


@of_each_kind
def test_a_silent_machine_on_two_switches(lab, build, datapath, balance):
    """Four machines of which one never sends again, on two joined switches: each member is cut in turn and put back, and
    each time the silent machine is reached at once from both."""
    hall = make(lab, build, datapath, balance, silent=1, switches=2)
    silent = hall.machines[-1]
    for nic in hall.nics:
        for act in (hall.pull, hall.plug):
            names = [hall.copies.begin(out, silent.mac, "v4", count=30 * RATE, rate=RATE) for out in hall.outs]
            time.sleep(0.3)
            act(nic)
            hall.await_settled()
            results = hall.copies.end_all(names, early=True)
            print(f"{act.__name__} {nic}: unreachable for",
                  ", ".join(f"{result.outage_ms(silent.name):.1f} ms from {result.sender}" for result in results))
            for result in results:
                assert result.doubled() == 0, result.describe()
                assert result.outage_ms(silent.name) <= OUTAGE_MS, result.describe([silent.name])
                assert result[silent.name]["missing"] <= 2 * RATE * OUTAGE_MS / 1000
                if act == hall.plug:
                    assert_once(result, [silent.name, "team0"])


@pytest.mark.parametrize("datapath", [datapath for datapath in DATAPATHS if datapath == "bpf"])
@pytest.mark.parametrize("balance", BALANCES)
def test_a_port_of_the_switch_that_is_late(lab, build, datapath, balance):
    """A returned link that the switch lets frames through only 0.7 s later, when the announcements and their repeats are
    over: the silent machine stays reachable."""
    hall = make(lab, build, datapath, balance, silent=1, switches=2)
    silent = hall.machines[-1]
    nic = next(nic for nic in hall.nics if hall.cables[nic].far_name == hall.switch_of(nic).port_of(silent.mac))
    switch, port = hall.switch_of(nic), hall.cables[nic].far_name
    hall.pull(nic)
    hall.await_settled()
    names = [hall.copies.begin(out, silent.mac, "v4", count=30 * RATE, rate=RATE) for out in hall.outs]
    switch.namespace.ip("link", "set", "dev", port, "nomaster")
    hall.plug(nic)
    time.sleep(0.7)
    switch.add_port(port)
    assert switch.passes(port)
    hall.await_settled()
    assert switch.port_of(silent.mac) == port
    for result in hall.copies.end_all(names, early=True):
        assert result.doubled() == 0, result.describe()
        assert result.outage_ms(silent.name) <= OUTAGE_MS, result.describe([silent.name])


@of_each_kind
def test_a_flap_moves_what_the_member_carried(lab, build, datapath, balance):
    """A member that fails and returns: at the switch only the addresses move that were on it, there and back again, and
    that is so for each member."""
    hall = make(lab, build, datapath, balance, machines=8)
    for nic in hall.nics:
        before, port = ports(hall), hall.cables[nic].far_name
        carried = {mac for mac, where in before.items() if where == port}
        hall.moves()
        hall.pull(nic)
        hall.await_settled()
        hall.introduce()
        away = {mac for _, mac, _, _ in hall.moves() if mac in before}
        hall.plug(nic)
        hall.await_settled()
        hall.introduce()
        back = {mac for _, mac, _, _ in hall.moves() if mac in before}
        print(f"{nic} carried {len(carried)} machines; {len(away)} moved away, {len(back)} came back")
        assert away == carried and back == carried
        assert ports(hall) == before


@of_each_kind
def test_a_member_that_comes_or_goes_at_run_time(lab, build, datapath, balance):
    """A fifth member, added and removed under load: no datagram is lost. It takes at most its share when it comes, and only
    what it carries moves when it goes: between the four others nothing does."""
    hall = Hall(lab, build, nics=5, datapath=datapath, balance=balance)
    hall.configure(hall.nics[:4])
    hall.start(8)
    hall.await_converged(hall.nics[:4])
    hall.introduce()
    hall.moves()
    for verb, members in (("add", hall.nics), ("remove", hall.nics[:4])):
        was = ports(hall)
        traffic = [hall.traffic(hall.machines[0], inbound, flows=32, rate=RATE, seconds=60).flows()
                   for inbound in (False, True)]
        answer = hall.yoked.call("member", verb, "team0", "eno5")
        assert answer.returncode == 0, answer.stderr
        hall.await_converged(members)
        hall.await_settled()
        for found in traffic:
            assert_clean(found.stop())
        hall.introduce()
        moved = [(mac, old, new) for _, mac, old, new in hall.moves() if mac in was]
        print(f"{verb}: {len(moved)} of {len(was)} machines moved")
        assert all("p5" in (old, new) for _, old, new in moved), moved
        assert len(moved) <= -(-len(was) // 5) if verb == "add" else len(moved) == list(was.values()).count("p5")


@of_each_kind
def test_a_return_costs_no_frame(lab, build, datapath, balance):
    """Under load in both directions: a pulled cable costs milliseconds, put back nothing. The primary's and another."""
    hall = make(lab, build, datapath, balance, silent=0)
    for nic in ("eno1", "eno3"):
        lost = {}
        for act in (hall.pull, hall.plug):
            # Datagrams of the machines' own kernels, which also answer for their addresses.
            streams = [hall.traffic(machine, inbound, v6, flows=32, rate=RATE, seconds=60).flows()
                       for machine, inbound, v6 in zip(hall.machines, (False, True, True, True), (False, False, True, False))]
            time.sleep(0.3)
            act(nic)
            hall.await_settled()
            results = [stream.stop() for stream in streams]
            lost[act.__name__] = [result["lost"] for result in results]
            for result in results:
                assert_clean(result, False) if act == hall.plug else None
                assert result["duplicated"] == result["corrupted"] == 0
                assert result["lost"] <= RATE * OUTAGE_MS / 1000, result["holes"][:8]
        print(f"{nic}: lost {lost['pull']} of {RATE}/s with it, {lost['plug']} when it returned")


@pytest.mark.parametrize("datapath,balance,kind", [
    (datapath, balance, kind) for datapath in DATAPATHS
    for balance, kind in (("vm-port", "arp"), ("vm-port", "nd"), ("vm-port", "rarp"), ("address-hash", "arp"), ("dynamic", "arp"))])
@pytest.mark.parametrize("port_stays", [True, False], ids=["port-stays", "port-goes"])
def test_a_machine_that_migrates_is_believed(lab, build, datapath, balance, kind, port_stays):
    """It goes to a port of the switch with its address, and announces itself there: from then on the others reach it
    there, and it reaches them; also if nothing else says that it has left."""
    hall = make(lab, build, datapath, balance)
    machine, other = hall.machines[2], hall.machines[0]
    hall.await_settled()  # Or its last announcement here might be what comes back.
    machine.migrate(hall.switches[0], "p80", port_stays)
    hall.copies.add_end(machine.name, machine.namespace)
    machine.announce(kind)
    hall.copies.run(machine.name, BROADCAST, count=20, rate=100)
    assert_once(hall.copies.run(other.name, machine.mac, "v4", count=200, rate=RATE, flows=8), [machine.name])
    assert_once(hall.copies.run(machine.name, other.mac, "v4", count=200, rate=RATE, flows=8), [other.name, "team0"])
    result = hall.copies.run(machine.name, BROADCAST, count=200, rate=RATE)
    assert_once(result, [end for end in (*hall.inside, *hall.outs) if end != machine.name])


def from_here(hall, nic):
    """Sources that the switch heard on the member's cable."""
    return {source for source, _, _ in hall.wire(nic)}


@pytest.mark.parametrize("datapath", DATAPATHS)
@pytest.mark.parametrize("fail_back", ["at-once", "never"])
def test_a_standby_is_silent(lab, build, datapath, fail_back):
    """One active member and two standby ones: these send nothing, also as their links come up; the first by priority takes
    over, and what comes then is as 'fail_back' says."""
    hall = Hall(lab, build, nics=3, datapath=datapath, fail_back=fail_back)
    hall.configure(["eno1", {"name": "eno2", "standby": True, "priority": 20},
                    {"name": "eno3", "standby": True, "priority": 10}])
    hall.start(3)
    hall.await_converged(["eno1"])
    hall.watch()
    hall.introduce()
    hall.moves()

    def all_talk():
        names = [hall.copies.begin(end, to, form, count=200, rate=RATE, flows=8)
                 for end in (*hall.ends, *hall.outs) for to, form in ((BROADCAST, "raw"), (NOBODY, "v4"))]
        for result in hall.copies.end_all(names):
            inward = ["team0"] if result.sender in hall.outs else []
            assert_once(result, [end for end in (*hall.ends, *hall.outs, *inward) if end != result.sender])
    all_talk()
    assert from_here(hall, "eno1") >= set(addresses(hall))
    for nic in ("eno2", "eno3"):
        assert hall.wire(nic) == {}, f"{nic} stands by and sends"
        hall.pull(nic)
        hall.plug(nic)
        hall.await_settled()
        all_talk()
        assert hall.wire(nic) == {}, f"{nic} came up, stands by and sends"
    assert hall.moves() == []
    hall.pull("eno1")
    hall.yoked.await_member("eno3", state="active")
    assert hall.yoked.member("eno2")["state"] == "standby"
    all_talk()
    assert from_here(hall, "eno3") >= set(addresses(hall))
    assert from_here(hall, "eno2") == set()
    from_here(hall, "eno1")
    hall.plug("eno1")
    hall.await_settled()
    active = "eno1" if fail_back == "at-once" else "eno3"
    hall.yoked.await_member(active, state="active")
    for nic in hall.nics:
        hall.wire(nic)
    all_talk()
    for nic in hall.nics:
        assert bool(from_here(hall, nic)) == (nic == active), nic
    assert set(ports(hall).values()) == {hall.cables[active].far_name}


@of_each_kind
@pytest.mark.parametrize("switches", [1, 2])
def test_all_members_down_and_up(lab, build, datapath, balance, switches):
    """Time until the team is whole, and until a silent machine is heard and reached again."""
    hall = make(lab, build, datapath, balance, silent=1, switches=switches)
    silent = hall.machines[-1]
    for nic in hall.nics:
        hall.cables[nic].pull()
    wait_until(lambda: not hall.host.has_carrier("team0"), 5, "the team has lost its carrier")
    assert hall.yoked.team()["state"] == "down"
    names = [hall.copies.begin(out, silent.mac, "v4", count=30 * RATE, rate=RATE) for out in hall.outs]
    names.append(hall.copies.begin("vm1", BROADCAST, "v4", count=30 * RATE, rate=RATE))
    time.sleep(0.3)
    start = time.monotonic()
    at = {name: hall.copies.look(name).sent for name in names}
    for nic in hall.nics:
        hall.cables[nic].plug()
    hall.await_converged()
    print(f"whole {time.monotonic() - start:.2f} s after the first cable was put in")
    hall.await_settled()
    results = hall.copies.end_all(names, early=True)
    for name, result in zip(names, results):
        receiver = "out1" if name.startswith("vm1") else silent.name
        found = result[receiver]["holes"]
        until = max((first + length for first, length in found), default=0)
        print(f"{result.sender} to {receiver}: whole {(until - at[name]) * 1000 / RATE:.0f} ms after")
        assert result.doubled() == 0, result.describe()
        assert until - at[name] <= 3 * RATE, result.describe([receiver])


@pytest.mark.parametrize("datapath", DATAPATHS)
def test_addresses_on_the_wire_with_address_hash(lab, build, datapath):
    """Off the primary frames carry the member's own address and nothing else; ARP, ND and what is not IP leave on the
    primary only; all members carry."""
    hall = make(lab, build, datapath, "address-hash")
    there = hall.outside[0].link("eth0")["address"]
    for nic in hall.nics:
        hall.wire(nic)
    for machine in hall.machines:
        for kind in ("arp", "nd", "rarp"):
            machine.announce(kind)
        for form in ("raw", "v4", "v6"):
            assert_once(hall.copies.run(machine.name, there, form, count=256, rate=RATE, flows=64), ["out1"])
    primary = next(nic for nic in hall.nics if hall.cables[nic].far_name == ports(hall)[hall.machines[0].mac])
    for nic in hall.nics:
        heard = hall.wire(nic)
        frames = sum(heard.values())
        print(f"{nic}{' (primary)' if nic == primary else ''}: {frames} frames, "
              f"{sorted({(source, kind) for source, kind, _ in heard})}")
        assert frames > 4 * 2 * 256 / len(hall.nics) / 2
        if nic != primary:
            own = hall.host.link(nic)["address"]
            assert {(source, kind) for source, kind, _ in heard} == {(own, "ip")}
        else:
            assert {source for source, _, _ in heard} >= set(addresses(hall))
    assert hall.moves() == []


@pytest.mark.parametrize("datapath", DATAPATHS)
def test_a_machine_of_several_vlans_is_announced_in_each(lab, build, datapath):
    """It is on one member in all of them; when that fails, the new one announces it in each, tagged."""
    hall = make(lab, build, datapath, "vm-port")
    machine = hall.machines[0]
    for vlan in (None, 10, 20):
        assert_once(hall.copies.run("vm1", BROADCAST, count=50, rate=100, vlan=vlan), [*hall.ends[1:], "out1"])
    assert hall.moves() == []
    nic = next(nic for nic in hall.nics if hall.cables[nic].far_name == ports(hall)[machine.mac])
    for other in hall.nics:
        hall.wire(other)
    hall.pull(nic)
    hall.await_settled()
    heard = {other: {(kind, vlan) for source, kind, vlan in hall.wire(other) if source == machine.mac}
             for other in hall.nics if other != nic}
    print({other: sorted(found) for other, found in heard.items()})
    assert sorted(len(found) > 0 for found in heard.values()) == [False, False, True]
    assert {("rarp", 0), ("rarp", 10), ("rarp", 20)} <= set.union(*heard.values())


@of_each_kind
def test_32_members(lab, build, datapath, balance):
    """One copy each way; with one cut, too; and all of them are used."""
    hall = make(lab, build, datapath, balance, machines=32 if balance == "vm-port" else 4, nics=32)
    there = hall.outside[0].link("eth0")["address"]
    hall.moves()
    for sender in ("vm1", "out1"):
        receivers = [end for end in (hall.inside if sender == "out1" else hall.ends) if end != sender]
        receivers += ["out1"] if sender != "out1" else []
        for to in (BROADCAST, NOBODY):
            assert_once(hall.copies.run(sender, to, "v4", count=300, rate=RATE, flows=32), receivers)
    for nic in hall.nics:
        hall.wire(nic)
    names = [hall.copies.begin(end, there, "v4", count=1024 if len(hall.ends) < 32 else 64, rate=1000, flows=512)
             for end in hall.ends]
    for result in hall.copies.end_all(names):
        assert_once(result, ["out1"])
    carried = [sum(hall.wire(nic).values()) for nic in hall.nics]
    print("frames by member:", carried)
    assert min(carried) > 0
    assert hall.moves() == []
    hall.pull("eno1")
    hall.await_settled()
    assert_once(hall.copies.run("out1", BROADCAST, count=200, rate=RATE), hall.inside)
    assert_once(hall.copies.run("vm1", BROADCAST, count=200, rate=RATE), [*hall.ends[1:], "out1"])


@pytest.mark.parametrize("datapath", DATAPATHS)
def test_dynamic_is_even(lab, build, datapath):
    """10 000 flows over 8 members: the busiest carries at most 1.05 times the mean."""
    hall = make(lab, build, datapath, "dynamic", nics=8)
    there = hall.outside[0].link("eth0")["address"]
    for nic in hall.nics:
        hall.wire(nic)
    result = hall.copies.run("vm1", there, "v4", count=40000, rate=10000, flows=10000)
    assert_once(result, ["out1"])
    carried = [sum(hall.wire(nic).values()) for nic in hall.nics]
    mean = sum(carried) / len(carried)
    print(f"frames by member: {carried}; busiest over mean {max(carried) / mean:.3f}")
    assert max(carried) / mean <= EVEN
