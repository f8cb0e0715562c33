"""A partner that floods one member."""

import json
import subprocess
import time

import pytest

from lab import pdu
from lab.pdu import Info, Lacpdu
from lab.traffic import assert_clean


def softirq_drops():
    """Frames that the kernel's queues between devices had no room for, on all processors."""
    with open("/proc/net/softnet_stat", encoding="ascii") as file:
        return sum(int(line.split()[1], 16) for line in file)


def flood_frames(scene, kind):
    port = scene.switch.members()["p4"]
    member = scene.yoked.member("eno4")["lacp"]
    hardware = scene.switch.namespace.link("p4")["address"]
    partner = Info(member["partner"]["system_priority"], member["partner"]["system"],
                   member["partner"]["key"], member["partner"]["port_priority"],
                   member["partner"]["port"], pdu.state_bits(*member["partner"]["state"]))
    actor = Info(member["actor"]["system_priority"], member["actor"]["system"], member["actor"]["key"],
                 member["actor"]["port_priority"], member["actor"]["port"],
                 pdu.state_bits(*member["actor"]["state"]))
    assert port["status"] == "current attached"
    payloads = {
        "repeated": [Lacpdu(partner, actor).pack()],
        "contradicting": [Lacpdu(Info(1, f"02:de:ad:00:00:{n:02x}", n, 1, n, 0x3d), Info()).pack()
                          for n in range(1, 9)],
        "markers": [pdu.marker(1, "02:de:ad:00:00:01", 7)],
        "malformed": [b"\x01\x01\x01\x00" + bytes(106), b"\x02\x01" + bytes(20)],
    }[kind]
    return [pdu.frame(hardware, payload).hex() for payload in payloads]


@pytest.mark.parametrize("kind", ["repeated", "contradicting", "markers", "malformed"])
def test_a_flood_on_one_member(scene, kind):
    """100 000 slow-protocol frames a second on one member for 5 s: the other members' LACP does not
    move, by their own trace and by the switch's record, and no frame on them is lost."""
    others = scene.nics[:3]
    steps = {nic: len(scene.yoked.trace(nic)) for nic in others}
    record = {port: values for port, values in scene.switch.members().items() if port != "p4"}
    flood = [scene.build.flood, "p4", 100000, 5, *flood_frames(scene, kind)]
    drops = softirq_drops()
    process = subprocess.Popen(["nsenter", f"--net={scene.switch.namespace.path}", "--",
                                *map(str, flood)], stdout=subprocess.PIPE, text=True)
    answers = []
    while process.poll() is None:
        start = time.monotonic()
        scene.yoked.status()
        answers.append(time.monotonic() - start)
        time.sleep(0.2)
    sent = json.loads(process.communicate()[0])
    host = scene.yoked.status()
    limited = scene.yoked.member("eno4")["lacp"]["counters"]["limited_rx"]
    print(f"{sent['rate']} frames a second; {limited} of {sent['sent']} dropped by the flood limit; the "
          f"control socket answered within {max(answers) * 1000:.0f} ms; the main loop was at most "
          f"{host['loop']['latest_recent_us'] / 1000:.1f} ms late; the kernel's queues dropped "
          f"{softirq_drops() - drops}")
    assert sent["rate"] > 50000
    assert limited > 0.9 * sent["sent"]
    assert {nic: len(scene.yoked.trace(nic)) for nic in others} == steps
    assert {port: values for port, values in scene.switch.members().items() if port != "p4"} == record
    assert set(others) <= scene.yoked.passing()
    scene.await_converged(seconds=40)


def test_traffic_on_the_others_during_a_flood(scene):
    """While one member is flooded with frames that contradict each other, flows on the others lose
    nothing."""
    steps = scene.yoked.trace("eno4")
    flood = subprocess.Popen(["nsenter", f"--net={scene.switch.namespace.path}", "--", str(scene.build.flood),
                              "p4", "100000", "6", *flood_frames(scene, "contradicting")],
                             stdout=subprocess.PIPE, text=True)
    scene.yoked.await_member("eno4", buckets=0)
    drops = softirq_drops()
    result = scene.traffic("udp", flows=64, rate=2000, seconds=3).result()
    flood.wait(timeout=20)
    print(f"{result['lost']} of {result['sent']} lost; the kernel's queues dropped {softirq_drops() - drops}, "
          f"the switch {scene.switch.receive_drops()}")
    assert result["failure"] == ""
    assert len(scene.yoked.trace("eno4")) > len(steps)
    assert_clean(result)
