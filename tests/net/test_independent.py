"""Switch-independent teams on dumb switches, one and two of them joined: of every frame there is one copy, nothing comes
back, and no address moves but where it must. See tests/lab/copies.h; test_copies.py shows that it finds what is wrong."""

import pytest

from lab import Hall, Lab
from lab.copies import BROADCAST, MULTICAST, NOBODY, assert_once
from lab.guest import place
from lab.vms import announcement, send_frame

DATAPATHS = place.pick(["bpf"], {"uml": ["team"]})
BALANCES = ["vm-port", "address-hash", "dynamic"]
MACHINES = 10
COUNT = 1000
RATE = place.pick(2000, {"uml": 200})
FORMS = ["raw", "v4", "v6"]


@pytest.fixture(scope="module", name="shared", params=[
    pytest.param((datapath, balance, switches), id=f"{datapath}-{balance}-{switches}")
    for datapath in DATAPATHS for balance in BALANCES for switches in (1, 2)])
def shared_hall(request, build):
    """Four members, ten machines. Each test leaves it as it was."""
    datapath, balance, switches = request.param
    with Lab() as lab:
        hall = Hall(lab, build, switches=switches, datapath=datapath, balance=balance).start(MACHINES)
        hall.await_converged()
        hall.introduce()
        hall.moves()
        yield hall


@pytest.fixture(name="hall")
def healed_hall(shared):
    shared.heal()
    shared.introduce()
    shared.moves()
    return shared


def begin(hall, sender, to, form="raw", **options):
    return hall.copies.begin(sender, to, form, **{"count": COUNT, "rate": RATE, **options})


def run(hall, *arguments, **options):
    return hall.copies.end(begin(hall, *arguments, **options))


def others(hall, *ends):
    """Who hears what one of 'ends' sends to all: a machine is heard outside and by its neighbours on the bridge."""
    inward = any(end.startswith("out") for end in ends)
    return [end for end in (*hall.ends, *hall.outs, *(["team0"] if inward else [])) if end not in ends]


def test_1000_broadcasts_from_outside(hall):
    """From each outside host: each machine hears each of them once, and no address moves."""
    for out in hall.outs:
        result = run(hall, out, BROADCAST)
        assert [result[machine]["received"] for machine in hall.ends] == [COUNT] * MACHINES, result.describe()
        assert_once(result, others(hall, out))
    assert hall.moves() == []


def test_1000_broadcasts_from_a_machine(hall):
    """Each machine in turn with some, one with all: once at the others and outside, never back."""
    result = run(hall, "vm1", BROADCAST)
    assert_once(result, others(hall, "vm1"))
    for result in hall.copies.end_all([begin(hall, end, BROADCAST, count=100, rate=200) for end in hall.ends]):
        assert_once(result, others(hall, result.sender))
    assert hall.moves() == []


@pytest.mark.parametrize("form", FORMS)
def test_multicast_and_unknown_unicast_both_ways(hall, form):
    """One copy each."""
    names = [begin(hall, sender, to, form, count=300, rate=RATE // 4, flows=16)
             for sender in ("vm2", *hall.outs) for to in (MULTICAST[form], NOBODY)]
    for result in hall.copies.end_all(names):
        assert_once(result, others(hall, result.sender))
    assert hall.moves() == []


@pytest.mark.parametrize("form", FORMS)
def test_unicast_both_ways(hall, form):
    """To each machine from each outside host, and from each to each of these."""
    streams = {}
    for out, host in zip(hall.outs, hall.outside):
        there = host.link("eth0")["address"]
        for machine in hall.machines:
            streams[begin(hall, out, machine.mac, form, count=100, rate=100, flows=8)] = [machine.name, "team0"]
            streams[begin(hall, machine.name, there, form, count=100, rate=100, flows=8)] = [out]
    for result, (name, receivers) in zip(hall.copies.end_all(list(streams)), streams.items()):
        assert_once(result, receivers)
    assert hall.moves() == []


@pytest.mark.parametrize("form", FORMS)
def test_flooded_unicast_both_ways(hall, form):
    """Switches that know no address flood what is for machines here, and what these send, on every cable."""
    for switch in hall.switches:
        switch.be_a_hub()
    try:
        there = hall.outside[0].link("eth0")["address"]
        flooded = [out for out in hall.outs if out != "out1"]
        for machine in hall.machines[:3]:
            assert_once(run(hall, "out1", machine.mac, form, count=200, flows=8), [machine.name, "team0", *flooded])
            assert_once(run(hall, machine.name, there, form, count=200, flows=32), hall.outs)
    finally:
        for switch in hall.switches:
            switch.be_a_hub(False)


def test_during_failures_and_returns(hall):
    """All kinds of frames at once, while one member after the other loses its link and has it back: some may be lost with a link,
    none is doubled, none comes back; and a return costs none."""
    def streams():
        return [begin(hall, sender, to, form, count=60 * RATE, rate=RATE // 10, flows=16)
                for sender in ("vm1", hall.outs[-1])
                for to, form in ((BROADCAST, "v4"), (MULTICAST["v6"], "v6"), (NOBODY, "raw"), (NOBODY, "v4"))]
    # Of two switches, one member of each.
    for nic in hall.nics if len(hall.switches) == 1 else hall.nics[:2]:
        for act, lossless in ((hall.pull, False), (hall.plug, True)):
            names = streams()
            act(nic)
            hall.await_settled()
            results = hall.copies.end_all(names, early=True)
            lost = {result.sender: max(result[end]["missing"] for end in others(hall, result.sender)) for result in results}
            print(f"{act.__name__} {nic}: lost of {results[0].sent} frames of each kind: {lost}")
            for result in results:
                assert_once(result, others(hall, result.sender), lossless)
                assert all(result.outage_ms(end) <= 100 for end in others(hall, result.sender)), result.describe()


def test_flooded_unicast_during_failures_and_returns(hall):
    """The same by switches that flood all: what is for a machine comes on every member, and is let in once, also while the
    machine is moved from one working member to another. A copy may be let in beside the first where that happens."""
    for switch in hall.switches:
        switch.be_a_hub()
    try:
        there = hall.outside[0].link("eth0")["address"]
        for act in (hall.pull, hall.plug):
            names = [begin(hall, sender, to, "v4", count=60 * RATE, rate=RATE // 10, flows=16)
                     for machine in hall.machines[:4] for sender, to in (("out1", machine.mac), (machine.name, there))]
            act("eno1")
            hall.await_settled()
            results = hall.copies.end_all(names, early=True)
            print(f"{act.__name__}: let in twice", [result.doubled() for result in results], "of", results[0].sent)
            for result in results:
                assert result.returned == 0 and result.doubled() <= 2, result.describe()
    finally:
        for switch in hall.switches:
            switch.be_a_hub(False)


def claims(hall, machine, frame):
    """What the machines hear of a frame with a local machine's address that comes from outside, and the bridge's belief."""
    hall.copies.talkers("team0")
    send_frame(hall.outside[0], frame)
    hall.copies.run("out1", BROADCAST, count=1, rate=10)  # Behind it: when this has come, that has.
    heard = [key for key in hall.copies.talkers("team0") if key[0] == machine.mac]
    table = hall.host.run("bridge", "fdb", "show", "br", "br0", "dynamic")
    ports = [line.split()[2] for line in table.splitlines() if line.startswith(machine.mac)]
    return heard, ports


def test_a_reflected_frame_is_not_believed(hall):
    """An ordinary broadcast that comes from outside with a machine's address neither comes in nor moves it; nor does its own
    announcement that it has just sent itself."""
    machine = hall.machines[3]
    ordinary = b"\xff" * 6 + bytes.fromhex(machine.mac.replace(":", "")) + b"\x88\xb5" + bytes(50)
    hall.introduce()
    assert claims(hall, machine, ordinary) == ([], [machine.port])
    for kind in ("arp", "nd", "rarp"):
        machine.announce(kind)
        echo = announcement(kind, machine.mac, machine.v4, machine.v6)
        assert claims(hall, machine, echo) == ([], [machine.port]), kind


def test_frames_of_several_vlans(hall):
    """Of one machine, tagged: one copy each both ways."""
    for vlan in (10, 20):
        assert_once(run(hall, "vm5", BROADCAST, "v4", vlan=vlan, count=200), others(hall, "vm5"))
        assert_once(run(hall, "out1", BROADCAST, "v4", vlan=vlan, count=200), others(hall, "out1"))
        assert_once(run(hall, "vm5", NOBODY, "v4", vlan=vlan, count=200), others(hall, "vm5"))


def test_the_host_itself(hall):
    """The bridge's own address, which is the team's, both ways: UDP, every datagram once and in order."""
    own = hall.host.link("br0")["address"]
    assert own == hall.yoked.team()["mac"]
    result = run(hall, "out1", own, "v4", count=300, flows=16)
    assert result["team0"]["received"] == 300 and result.doubled() == 0, result.describe()
    assert hall.moves() == []
