"""What stands on a team: a bridge with a virtual machine, a macvtap."""

import time

from lab import Cable, Scene
from lab.scene import OTHER
from lab.traffic import Traffic, assert_clean


def machine_on_bridge(lab, scene):
    """team0 is a port of br0; behind another port lives a machine with its own address."""
    scene.host.ip("link", "add", "name", "br0", "type", "bridge")
    scene.host.ip("link", "set", "dev", "team0", "master", "br0")
    for device in ("br0", "team0"):
        scene.host.up(device)
    machine = lab.namespace("vm")
    cable = Cable(lab, machine, "eth0", scene.host, "tap0")
    scene.host.ip("link", "set", "dev", "tap0", "master", "br0")
    machine.up("eth0")
    machine.address("eth0", "10.77.0.50/24", "fd77::50/64")
    return machine, cable


def test_a_machine_behind_a_bridge(lab, build):
    """A virtual machine bridged to team0 talks to the other host, both ways, UDP and TCP, v4 and v6."""
    scene = Scene(lab, build)
    scene.yoked.start()
    scene.await_converged()
    machine, _ = machine_on_bridge(lab, scene)
    for source, target, address in ((machine, scene.other, OTHER[0]), (scene.other, machine, "10.77.0.50"),
                                    (machine, scene.other, OTHER[1]), (scene.other, machine, "fd77::50")):
        udp = Traffic(lab, build, "udp", source, target, address, flows=16, rate=2000, seconds=1).result()
        assert_clean(udp)
        tcp = Traffic(lab, build, "tcp", source, target, address, bytes=5000000, seconds=20).result()
        assert tcp["failure"] == "" and tcp["intact"]


def test_a_bridged_machine_survives_a_kill_and_a_pull(lab, build):
    """The machine's traffic goes on over a pulled cable and a killed daemon."""
    scene = Scene(lab, build)
    scene.yoked.start()
    scene.await_converged()
    machine, _ = machine_on_bridge(lab, scene)
    traffic = Traffic(lab, build, "udp", machine, scene.other, OTHER[0], flows=64, rate=5000, seconds=60).flows()
    scene.yoked.kill()
    scene.yoked.start()
    scene.yoked.await_passing(scene.nics)
    result = traffic.stop()
    assert_clean(result)
    traffic = Traffic(lab, build, "udp", machine, scene.other, OTHER[0], flows=64, rate=5000, seconds=60).flows()
    scene.cable("eno1").pull()
    scene.yoked.await_member("eno1", reason="no-carrier")
    time.sleep(1)
    result = traffic.stop()
    print(f"{result['lost']} of {result['sent']} lost by the pull")
    assert result["lost"] <= 5000 * 0.05


def test_a_macvtap_on_the_team(lab, build):
    """A macvlan in a machine's namespace, which shares the receive path of macvtap, on team0: traffic
    passes both ways. A macvtap can be made on it."""
    scene = Scene(lab, build)
    scene.yoked.start()
    scene.await_converged()
    scene.host.up("team0")
    machine = lab.namespace("vm")
    scene.host.ip("link", "add", "name", "eth0", "link", "team0", "netns", machine.name, "type", "macvlan",
                  "mode", "bridge")
    machine.up("eth0")
    machine.address("eth0", "10.77.0.51/24")
    for source, target, address in ((machine, scene.other, OTHER[0]), (scene.other, machine, "10.77.0.51")):
        udp = Traffic(lab, build, "udp", source, target, address, flows=16, rate=2000, seconds=1).result()
        assert_clean(udp)
    scene.host.ip("link", "add", "name", "tap7", "link", "team0", "type", "macvtap", "mode", "bridge")
    scene.host.up("tap7")
    assert scene.host.has_carrier("tap7")
