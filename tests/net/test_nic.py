"""Adapters that vanish, return, are renamed, belong to others or are set otherwise."""

import time

import pytest

from lab import Cable, Scene, wait_until
from lab.traffic import assert_clean


def test_an_adapter_that_vanishes_and_returns(scene):
    """Hot-unplug of one of four: the others go on; plugged in again under its name it joins."""
    ports = {cable.far_name for cable in scene.cables}
    old = scene.yoked.member("eno2")["lacp"]["actor"]
    scene.cable("eno2").destroy()
    member = scene.yoked.await_member("eno2", reason="no-device", ifindex=0)
    assert "eno2" in member["explanation"]
    assert scene.yoked.passing() == {"eno1", "eno3", "eno4"}
    result = scene.traffic("udp", flows=64, rate=2000, seconds=1).result()
    assert_clean(result)
    scene.cables[1] = Cable(scene.lab, scene.host, "eno2", scene.switch.namespace, "p2")
    scene.cables[1].without_checksum_offload()
    scene.switch.attach_again("p2")
    scene.await_converged()
    assert scene.switch.passing() == ports
    new = scene.yoked.member("eno2")["lacp"]["actor"]
    assert (new["system"], new["key"]) == (old["system"], old["key"])


def test_an_adapter_that_vanishes_under_traffic(scene):
    """Frames on their way to it are lost, no others, and only for a moment."""
    traffic = scene.traffic("udp", flows=64, rate=10000, seconds=30).flows()
    scene.cable("eno3").destroy()
    scene.yoked.await_member("eno3", reason="no-device")
    result = traffic.stop()
    hit = sum(lost > 0 for lost in result["flow_lost"])
    print(f"{result['lost']} of {result['sent']} lost, on {hit} of 64 flows")
    assert hit <= 32
    assert result["lost"] <= 10000 * 0.015
    assert scene.yoked.passing() == {"eno1", "eno2", "eno4"}


def test_an_adapter_is_renamed(scene):
    """A renamed adapter stays the member that it is, also for a daemon started later; the others
    never notice."""
    steps = {nic: len(scene.yoked.trace(nic)) for nic in ("eno1", "eno2", "eno4")}
    ifindex = scene.yoked.member("eno3")["ifindex"]
    traffic = scene.traffic("udp", flows=64, rate=2000, seconds=60).flows()
    scene.host.down("eno3")
    scene.yoked.await_member("eno3", reason="no-carrier")
    scene.host.ip("link", "set", "dev", "eno3", "name", "lan3")
    scene.host.up("lan3")
    scene.await_converged()
    assert scene.yoked.member("eno3")["ifindex"] == ifindex
    result = traffic.stop()
    print(f"{result['lost']} of {result['sent']} lost")
    assert {nic: len(scene.yoked.trace(nic)) for nic in steps} == steps
    assert result["lost"] <= 2000 * 0.015
    scene.yoked.kill()
    scene.yoked.start()
    scene.await_converged()
    assert scene.yoked.member("eno3")["ifindex"] == ifindex


def test_an_adapter_is_renamed_while_up(scene):
    """A rename of an adapter that is up interrupts nothing."""
    traffic = scene.traffic("udp", flows=64, rate=2000, seconds=60).flows()
    scene.host.ip("link", "set", "dev", "eno3", "name", "lan3", check=False)
    if not scene.host.link("lan3"):
        traffic.stop()
        pytest.skip("this kernel renames no device that is up")
    time.sleep(1)
    result = traffic.stop()
    assert_clean(result)
    assert scene.yoked.passing() == set(scene.nics)


def test_an_adapter_in_a_bridge_is_refused(lab, build):
    """An adapter that is a bridge's port stays the bridge's; the reason names the bridge. Set free
    it joins."""
    scene = Scene(lab, build)
    scene.host.ip("link", "add", "name", "br7", "type", "bridge")
    scene.host.up("br7")
    scene.host.ip("link", "set", "dev", "eno2", "master", "br7")
    scene.start()
    scene.await_converged(["eno1", "eno3", "eno4"])
    member = scene.yoked.member("eno2")
    print(member["explanation"])
    assert member["state"] == "failed"
    assert "br7" in member["explanation"] and "bridge" in member["explanation"]
    assert scene.host.link("eno2")["master"] == "br7"
    scene.host.ip("link", "set", "dev", "eno2", "nomaster")
    scene.await_converged()


def test_an_adapter_put_into_a_bridge_later(scene):
    """Somebody makes a member a bridge's port: the daemon says so, and nothing is lost."""
    scene.host.ip("link", "add", "name", "br7", "type", "bridge")
    scene.host.ip("link", "set", "dev", "eno2", "master", "br7", check=False)
    result = scene.traffic("udp", flows=64, rate=2000, seconds=1).result()
    assert_clean(result)
    assert scene.yoked.passing() == set(scene.nics)
    assert scene.host.link("eno2")["master"] == "br7"
    wait_until(lambda: "br7" in scene.yoked.log(), 5, scene.yoked.log)


@pytest.mark.parametrize("mtu", [1400, 9000])
def test_an_adapter_with_another_mtu(lab, build, mtu):
    """An adapter's MTU is made the team's while it is a member; large frames pass on all."""
    scene = Scene(lab, build)
    scene.host.ip("link", "set", "dev", "eno2", "mtu", mtu)
    scene.start()
    scene.await_converged()
    assert scene.host.link("eno2")["mtu"] == 1500
    result = scene.traffic("udp", flows=64, rate=2000, seconds=1, size=1472).result()
    assert_clean(result)


def test_the_mtu_of_team0_is_changed_by_hand(scene):
    """'ip link set team0 mtu' works: what is then the team's largest frame passes."""
    scene.host.ip("link", "set", "dev", "team0", "mtu", 1400)
    wait_until(lambda: scene.yoked.team()["mtu"] == 1400, 5, "the team knows its MTU")
    result = scene.traffic("udp", flows=16, rate=1000, seconds=1, size=1372).result()
    assert_clean(result)


def test_an_adapter_without_carrier_at_the_start(lab, build):
    """A cable that is out when the daemon starts: the reason says so, and it joins when plugged."""
    scene = Scene(lab, build)
    scene.cable("eno4").pull()
    scene.start()
    scene.await_converged(["eno1", "eno2", "eno3"])
    scene.yoked.await_member("eno4", reason="no-carrier", state="down")
    assert scene.yoked.team()["state"] == "degraded"
    scene.cable("eno4").plug()
    scene.await_converged()
    assert scene.yoked.team()["state"] == "up"


def test_an_adapter_that_is_not_there_at_the_start(lab, build):
    """Named in the configuration and absent: the others form the team, it joins when it comes."""
    scene = Scene(lab, build)
    scene.cable("eno4").destroy()
    scene.start()
    scene.await_converged(["eno1", "eno2", "eno3"])
    scene.yoked.await_member("eno4", reason="no-device")
    scene.cables[3] = Cable(scene.lab, scene.host, "eno4", scene.switch.namespace, "p4")
    scene.switch.attach_again("p4")
    scene.await_converged()


def test_an_administrator_sets_an_adapter_down(scene):
    """'ip link set eno2 down' takes the member out, up brings it back; nothing else is lost."""
    scene.host.down("eno2")
    scene.yoked.await_member("eno2", buckets=0)
    result = scene.traffic("udp", flows=64, rate=2000, seconds=1).result()
    assert_clean(result)
    scene.host.up("eno2")
    scene.await_converged()


def test_all_adapters_vanish_and_return(scene):
    """Without a single adapter the team stays, without carrier, and comes back with them."""
    for nic in scene.nics:
        scene.cable(nic).destroy()
    wait_until(lambda: not scene.host.has_carrier("team0"), 5, "team0 has no carrier")
    assert scene.yoked.team()["state"] == "down"
    for number, nic in enumerate(scene.nics):
        scene.cables[number] = Cable(scene.lab, scene.host, nic, scene.switch.namespace, f"p{number + 1}")
        scene.cables[number].without_checksum_offload()
        scene.switch.attach_again(f"p{number + 1}")
    scene.await_converged()
    result = scene.traffic("udp", flows=16, rate=1000, seconds=1).result()
    assert_clean(result)
