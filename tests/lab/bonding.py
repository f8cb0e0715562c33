"""The kernel's bonding driver in mode 802.3ad as the LACP partner, or in another as a switch without LACP. Traffic ends at the bond, which has
addresses of its own: no switch is needed. Only in guests; this machine's kernel may not have the driver."""

import re

from lab import pdu

_PASSING = pdu.state_bits("synchronization", "collecting", "distributing")
_NOT_PASSING = pdu.state_bits("defaulted", "expired")


def parse(text):
    """/proc/net/bonding: (words of the bond, port -> its words), keys in lower case. What is said of
    one end's LACPDUs has that end before the key, as in 'actor port state'."""
    bond, ports = {}, {}
    words, end = bond, ""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        key, value = key.strip().lower(), value.strip()
        detail = re.match(r"details (actor|partner) lacp pdu", key)
        if key == "slave interface":
            words, end = ports.setdefault(value, {}), ""
        elif detail:
            end = detail.group(1) + " "
        elif colon:
            words[end + key] = value
    return bond, ports


def _passes(bond, port):
    if "aggregator id" not in bond:
        return port["mii status"] == "up"  # Another mode than 802.3ad.
    states = [int(port.get(f"{end} port state", 0)) for end in ("actor", "partner")]
    return (port.get("aggregator id") == bond.get("aggregator id") and port["mii status"] == "up"
            and all(state & _PASSING == _PASSING and not state & _NOT_PASSING for state in states))


class Bonding:
    """A machine with bonds. Options of a bond are those of 'ip link add … type bond'."""

    # No link delay of its own. Its hash has ports in it, so that many flows use all links.
    OPTIONS = {"mode": "802.3ad", "miimon": 100, "lacp_rate": "fast", "xmit_hash_policy": "layer3+4"}

    def __init__(self, lab, name="partner", namespace=None):
        """In a machine that is there, or in a new one of that name."""
        self.namespace = namespace or lab.namespace(name)
        self._teams = {}

    def add_team(self, ports, name="bond0", rate="fast", addresses=(), **options):
        """A bond of these devices, which are here."""
        self._teams[name] = (list(ports), list(addresses), {**self.OPTIONS, "lacp_rate": rate, **options})
        self._make(name)

    def _make(self, name):
        ports, addresses, options = self._teams[name]
        if options["mode"] != "802.3ad":
            options = {key: value for key, value in options.items() if not key.startswith("lacp_")}
        words = [str(word) for pair in options.items() for word in pair]
        self.namespace.ip("link", "add", "name", name, "type", "bond", *words)
        for port in ports:
            self.namespace.down(port)  # The driver takes none that is up.
            self.namespace.ip("link", "set", "dev", port, "master", name)
        # Last: else it waits eight seconds for ports that might come.
        self.namespace.up(name)
        self.namespace.address(name, *addresses)

    def remove_team(self, name="bond0"):
        self.namespace.ip("link", "del", "dev", name)

    def restart(self, name="bond0", **options):
        """The bond is deleted and made anew, with the same options but these."""
        ports, addresses, before = self._teams[name]
        self.remove_team(name)
        self._teams[name] = (ports, addresses, {**before, **options})
        self._make(name)

    def configure(self, rate="fast", active=True, system_priority=65535):
        """What the driver does not change on a bond in use: it is made anew."""
        self.restart(lacp_rate=rate, lacp_active="on" if active else "off", ad_actor_sys_prio=system_priority)

    def words(self, name="bond0"):
        """See parse()."""
        with self.namespace.entered():
            # Of this thread's namespace, as opposed to /proc/net.
            with open(f"/proc/thread-self/net/bonding/{name}", encoding="ascii") as file:
                return parse(file.read())

    def passing(self, name="bond0"):
        """Ports on which both ends say that they collect and distribute."""
        bond, ports = self.words(name)
        return {port for port, words in ports.items() if _passes(bond, words)}

    def has_carrier(self, name="bond0"):
        return self.namespace.has_carrier(name)

    def record(self, ports=None, name="bond0"):
        """What the driver remembers of disturbances, and how its ports (or these) stand: equal before
        and after if nothing happened."""
        bond, found = self.words(name)
        kept = {key: bond.get(key) for key in ("mii status", "aggregator id", "number of ports",
                                               "partner mac address")}
        return kept, {port: {key: value for key, value in words.items() if "churn state" not in key}
                      for port, words in found.items() if ports is None or port in ports}

    def churned(self, name="bond0"):
        """How often it has found one end of a port not in sync for a minute."""
        return {port: (int(words["actor churned count"]), int(words["partner churned count"]))
                for port, words in self.words(name)[1].items()}

    def describe(self):
        return "\n".join(f"{name}: {self.words(name)}" for name in self._teams)
