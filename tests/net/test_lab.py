"""The lab itself: what it measures with is right, and it leaves nothing behind."""

import os
import signal
import socket
import statistics
import struct
import subprocess
import sys
import time

from lab import Cable, Lab, Partner, Switch, wait_until
from lab import lab as lab_module
from lab.traffic import Traffic


def two_hosts(lab):
    """Two machines behind one switch."""
    switch = Switch(lab)
    hosts, cables = [], []
    for number, name in enumerate(("left", "right"), 1):
        host = lab.namespace(name)
        cable = Cable(lab, host, "eth0", switch.namespace, f"p{number}")
        cable.without_checksum_offload()
        host.up("eth0")
        host.address("eth0", f"10.77.0.{number}/24")
        switch.add_port(cable.far_name)
        hosts.append(host)
        cables.append(cable)
    return switch, hosts, cables


def carrier_news(namespace, index):
    """A function that waits for the kernel's news that the device has lost its carrier."""
    with namespace.entered():
        news = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        news.bind((0, 1))  # RTMGRP_LINK
    news.settimeout(5)

    def wait():
        while True:
            message = news.recv(65536)
            kind = struct.unpack_from("H", message, 4)[0]
            found, flags = struct.unpack_from("iI", message, 20)
            if kind == 16 and found == index and not flags & 0x40:  # RTM_NEWLINK, IFF_RUNNING
                news.close()
                return time.monotonic()
    return wait


def lateness(lab, name, shifted):
    """How late the kernel tells a lost link that follows another link event, in seconds."""
    host, far = lab.namespace(f"{name}-near"), lab.namespace(f"{name}-far")
    cables = [Cable(lab, host, f"eno{n}", far, f"p{n}", shifted=shifted) for n in (1, 2)]
    for cable in cables:
        host.up(cable.near_name)
        wait_until(lambda: host.has_carrier(cable.near_name), 5, "there is carrier")
    index = host.link("eno1")["ifindex"]
    found = []
    for _ in range(4):
        time.sleep(1.5)  # Quiet, so that the first event is told at once and opens the second's wait.
        cables[1].pull()
        time.sleep(0.05)
        wait = carrier_news(host, index)
        start = time.monotonic()
        cables[0].pull()
        found.append(wait() - start)
        for cable in cables:
            cable.plug()
    return found


def test_cables_behave_as_those_of_real_adapters(lab):
    """The kernel is late with a lost link on the lab's cables, and not on shifted ones."""
    real, shifted = lateness(lab, "real", False), lateness(lab, "shifted", True)
    print("late by ms:", [round(value * 1000) for value in real],
          "with shifted indexes:", [round(value * 1000) for value in shifted])
    assert statistics.median(real) > 0.1
    assert statistics.median(shifted) < 0.1


def test_the_meter_counts_exactly_what_was_lost(lab, build):
    """What the loss meter misses is what the kernel's counters of both ends differ by."""
    _, (left, right), (_, cable) = two_hosts(lab)
    traffic = Traffic(lab, build, "udp", left, right, "10.77.0.2", flows=4, rate=5000, seconds=20)
    traffic.flows()

    def datagrams(host, word):
        names, values = [line.split() for line in host.run("cat", "/proc/net/snmp").splitlines()
                         if line.startswith("Udp:")]
        return int(values[names.index(word)])
    before = datagrams(left, "OutDatagrams"), datagrams(right, "InDatagrams")
    time.sleep(0.2)
    cable.pull()
    time.sleep(0.1)
    cable.plug()
    time.sleep(0.2)
    result = traffic.stop()
    # Only roughly the same instant was read on both ends: up to what is sent between two readings.
    sent, got = (datagrams(left, "OutDatagrams") - before[0], datagrams(right, "InDatagrams") - before[1])
    print(f"lost {result['lost']} of {result['sent']}, by the kernel {sent - got}")
    assert result["lost"] > 200
    assert abs(result["lost"] - (sent - got)) <= 50
    assert result["duplicated"] == result["corrupted"] == 0


def test_nothing_is_lost_where_nothing_happens(lab, build):
    """10 000 datagrams a second pass the switch without loss, in order, whole."""
    switch, (left, right), _ = two_hosts(lab)
    traffic = Traffic(lab, build, "udp", left, right, "10.77.0.2", flows=16, rate=10000, seconds=2)
    result = traffic.flows().result()
    assert result["sent"] == result["received"] == 20000
    assert result["reordered"] == result["corrupted"] == 0
    assert switch.receive_drops() == 0


def test_the_partner_agrees_with_the_switch(lab):
    """The stand-in for odd partners speaks LACP well enough for Open vSwitch."""
    switch = Switch(lab)
    host = lab.namespace("host")
    ends = [Cable(lab, switch.namespace, f"p{n}", host, f"eno{n}") for n in (1, 2)]
    for end in ends:
        switch.namespace.up(end.near_name)
    switch.add_team([end.near_name for end in ends])
    partner = Partner(lab, ends)
    partner.await_passing(2)
    wait_until(lambda: switch.passing() == {"p1", "p2"}, 10, "the switch passes on both")


OWNER = """
import sys, time
sys.path.insert(0, sys.argv[1])
from lab import Lab
lab = Lab()
machine = lab.namespace("left-over")
lab.bpffs()
process = lab.start("sleep", ["sleep", "300"], machine)
print(lab.folder, machine.name, process.pid, flush=True)
time.sleep(300)
"""


def run_owner():
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    owner = subprocess.Popen([sys.executable, "-c", OWNER, here], stdout=subprocess.PIPE, text=True)
    folder, name, pid = owner.stdout.readline().split()
    return owner, folder, name, int(pid)


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().split()[2] != "Z"
    except OSError:
        return False


def test_a_lab_that_was_left_over_is_taken_down(build):
    """A lab whose owner was killed goes with the next one; that of a living owner stays."""
    owner, folder, name, pid = run_owner()
    try:
        lab_module.take_down_left_over()
        assert os.path.exists(folder) and is_running(pid)
        owner.kill()
        owner.wait()
        assert is_running(pid)
        with Lab():
            assert not os.path.exists(folder)
        assert not is_running(pid)
        assert name not in os.listdir("/run/netns")
    finally:
        owner.kill()


def test_a_stopped_lab_cleans_up(build):
    """SIGINT takes the lab down, with all that runs in it."""
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    script = OWNER.replace("lab = Lab()", "lab = Lab().__enter__()").replace(
        "time.sleep(300)", "try:\n    time.sleep(300)\nfinally:\n    lab.close()")
    owner = subprocess.Popen([sys.executable, "-c", script, here], stdout=subprocess.PIPE,
                             stderr=subprocess.DEVNULL, text=True)
    folder, name, pid = owner.stdout.readline().split()
    owner.send_signal(signal.SIGINT)
    owner.wait(timeout=20)
    assert not os.path.exists(folder) and not is_running(int(pid))
    assert name not in os.listdir("/run/netns")
