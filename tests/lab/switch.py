"""A real LACP switch: Open vSwitch, forwarding in user space, with all its state in the lab's
folder. Nothing of it is the system's service."""

import ctypes
import os
import re
import socket
import subprocess

from lab.wait import LabError, wait_until

_SCHEMA = "/usr/share/openvswitch/vswitch.ovsschema"
_SYS_PIDFD_OPEN, _SYS_PIDFD_GETFD = 434, 438
_SOL_PACKET, _SO_RCVBUFFORCE = 263, 33
_libc = ctypes.CDLL(None, use_errno=True)


class Switch:
    def __init__(self, lab, name="switch"):
        self.lab = lab
        self.name = name
        self.namespace = lab.namespace(name)
        self.folder = lab.folder / name
        self.folder.mkdir()
        self._teams = []
        self._environment = dict(os.environ, **{
            f"OVS_{word}DIR": str(self.folder) for word in ("RUN", "LOG", "DB", "SYSCONF")})
        self._start()

    def _call(self, *command):
        result = subprocess.run([str(word) for word in command], env=self._environment, timeout=30,
                                capture_output=True, text=True, check=False)
        if result.returncode != 0:
            raise LabError(f"{' '.join(map(str, command))}: {result.stderr.strip()}")
        return result.stdout

    def _start(self):
        folder = self.folder
        self._call("ovsdb-tool", "create", folder / "conf.db", _SCHEMA)
        self._run("ovsdb-server", folder / "conf.db", f"--remote=punix:{folder}/db.sock",
                  f"--unixctl={folder}/db.ctl")
        wait_until((folder / "db.sock").exists, 10, "the switch's database listens")
        self.vsctl("--no-wait", "init")
        self._start_forwarding()
        self.vsctl("add-br", "br0", "--", "set", "bridge", "br0", "datapath_type=netdev",
                   "fail-mode=standalone")

    def _start_forwarding(self):
        folder = self.folder
        self.process = self._run("ovs-vswitchd", f"unix:{folder}/db.sock",
                                 f"--unixctl={folder}/switch.ctl", "--log-file=" + str(self.log_file))
        wait_until((folder / "switch.ctl").exists, 10, "the switch listens")

    def restart(self):
        """As by a fault: what forwards and speaks LACP is killed, and begins anew with the same ports."""
        ports = {name: set(self.members(name)) for name in self._teams}
        self.process.kill()
        self.process.wait()
        (self.folder / "switch.ctl").unlink()
        self._start_forwarding()
        wait_until(lambda: all(set(self.members(name)) == found for name, found in ports.items()), 10,
                   "the switch has its ports again")
        self._widen_buffers()

    @property
    def log_file(self):
        return self.folder / "switch.log"

    def _run(self, program, *arguments):
        command = [program, *arguments, "--no-chdir", "-vconsole:off",
                   f"--pidfile={self.folder}/{program}.pid"]
        return self.lab.start(f"{self.name}-{program}", command, self.namespace,
                              env=self._environment)

    def vsctl(self, *words):
        return self._call("ovs-vsctl", f"--db=unix:{self.folder}/db.sock", "--timeout=20", *words)

    def ask(self, *words):
        return self._call("ovs-appctl", "-t", self.folder / "switch.ctl", *words)

    def add_port(self, port):
        self.vsctl("add-port", "br0", port)
        self._widen_buffers()

    def add_team(self, ports, name="lag", mode="active", rate="fast"):
        """A LACP port of the switch. Its rebalancing between the links is off: a flow that it
        moves would look like one that we reordered."""
        self._teams.append(name)
        self.vsctl("add-bond", "br0", name, *ports, f"lacp={mode}", "bond_mode=balance-tcp",
                   f"other_config:lacp-time={rate}", "other_config:bond-rebalance-interval=0")
        wait_until(lambda: len(self.members(name)) == len(ports), 10, "the switch has the ports")
        self._widen_buffers()

    def configure(self, name="lag", rate="fast", active=True, system_priority=65534):
        """Changed in place; a port that needs it begins anew."""
        self.vsctl("set", "port", name, f"lacp={'active' if active else 'passive'}", f"other_config:lacp-time={rate}",
                   f"other_config:lacp-system-priority={system_priority}")

    def attach_again(self, port, name="lag"):
        """A device that came again under its name: the switch's socket is still on the one before."""
        self.vsctl("del-bond-iface", name, port)
        self.vsctl("add-bond-iface", name, port)
        self._widen_buffers()

    def _widen_buffers(self):
        """Larger receive buffers for the switch's ports: by default they hold 25 ms of our
        traffic, and what a busy machine makes the switch lose would be taken for our loss."""
        pid = self.process.pid
        pidfd = _libc.syscall(_SYS_PIDFD_OPEN, pid, 0)
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                if not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:"):
                    continue
            except OSError:
                continue
            fd = _libc.syscall(_SYS_PIDFD_GETFD, pidfd, int(name), 0)
            if fd < 0:
                continue
            with socket.socket(fileno=fd) as copy:
                if copy.family == socket.AF_PACKET:
                    copy.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, 16 << 20)
        os.close(pidfd)

    def receive_drops(self):
        """Frames that the switch's own sockets had no room for."""
        text = self.namespace.run("ss", "--packet", "--memory", "--numeric")
        return sum(int(drops) for drops in re.findall(r"skmem:\([^)]*,d(\d+)\)", text))

    def members(self, name="lag"):
        """The ports as 'lacp/show' tells them: port -> words by key."""
        found, port = {}, None
        for line in self.ask("lacp/show", name).splitlines():
            head = re.match(r"(?:member|slave): (\S+): (.*)", line.strip())
            if head:
                port = found.setdefault(head.group(1), {"status": head.group(2)})
            elif port is not None and ":" in line:
                key, value = line.split(":", 1)
                port[key.strip()] = value.strip()
        return found

    def statistics(self, name="lag"):
        """'lacp/show-stats': port -> figure -> number."""
        found, port = {}, None
        for line in self.ask("lacp/show-stats", name).splitlines():
            head = re.match(r"(?:member|slave): (\S+):", line.strip())
            if head:
                port = found.setdefault(head.group(1), {})
            elif port is not None and re.match(r"\s+[^:]+: \d+", line):
                key, value = line.split(":", 1)
                port[key.strip()] = int(value)
        return found

    def passing(self, name="lag"):
        """Ports on which both ends say that they collect and distribute. The switch's own word
        is not enough: it says so also while it hears nothing."""
        wanted = {"synchronized", "collecting", "distributing"}
        return {port for port, words in self.members(name).items()
                if words["status"].split()[:2] == ["current", "attached"]
                and wanted <= set(words.get("actor state", "").split())
                and wanted <= set(words.get("partner state", "").split())}

    def describe(self):
        return self.ask("lacp/show")

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def record(self, ports=None):
        """What the switch remembers of disturbances, and how its ports (or these) stand: equal
        before and after if nothing happened."""
        figures = {port: {key: count for key, count in values.items()
                          if re.search("Expired|Defaulted|Carrier|Bad", key)}
                   for port, values in self.statistics().items() if ports is None or port in ports}
        status = {port: (words["status"], words["partner state"], words["partner port_id"],
                         words["partner key"])
                  for port, words in self.members().items() if ports is None or port in ports}
        return figures, status

    def news(self, before):
        """Lines of the log since it was 'before' that tell of a change of a link."""
        return [line for line in self.log()[len(before):].splitlines()
                if re.search(r"\|(lacp|bond)\||link state|carrier", line)]
