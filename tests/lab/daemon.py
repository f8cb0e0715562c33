"""yoked and yokectl, run in a machine of the lab with nothing of the system's."""

import json
import os
import signal
import subprocess

from lab.wait import LabError, wait_until


def _value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return _group(value)
    if isinstance(value, (list, tuple)):
        return "( " + ", ".join(_value(found) for found in value) + " )"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _setting(key, value):
    return f"{key}{': ' if isinstance(value, dict) else ' = '}{_value(value)};"


def _group(values):
    return "{ " + " ".join(_setting(key, value) for key, value in values.items()) + " }"


def team_config(members, name="team0", lacp=None, mode="lacp", **keys):
    """The text of a team's file. 'members': names, or dictionaries of a member's keys. 'lacp' counts in
    mode "lacp" only. Of the keys a dictionary becomes a group and a list a list."""
    listed = [member if isinstance(member, dict) else {"name": member} for member in members]
    lines = [f"  {_setting(key, value)}" for key, value in keys.items()]
    if mode == "lacp":
        lines.append(f"  lacp: {_group({'rate': 'fast', **(lacp or {})})};")
    return "\n".join(["team: {", f'  name = "{name}";', f'  mode = "{mode}";', f"  members = {_value(listed)};",
                      *lines, "};", ""])


class Yoked:
    def __init__(self, lab, build, namespace, name="yoked"):
        self.lab, self.build, self.namespace = lab, build, namespace
        self.name = name
        self.folder = lab.folder / name
        (self.folder / "conf.d").mkdir(parents=True)
        (self.folder / "state").mkdir()
        self.bpffs = lab.bpffs() / name
        self.bpffs.mkdir(mode=0o700)
        self.socket = self.folder / "control.sock"
        self.process = None
        self.datapath = "bpf"
        self.environment = {}

    def configure(self, text, file="team0.conf"):
        (self.folder / "conf.d" / file).write_text(text, encoding="utf-8")

    def configure_host(self, text):
        (self.folder / "yoke.conf").write_text(text, encoding="utf-8")

    def command(self):
        return [self.build.yoked, "--config", self.folder / "yoke.conf", "--socket", self.socket,
                "--state-dir", self.folder / "state", "--datapath", self.datapath,
                "--bpffs", self.bpffs]

    def start(self, ready=True):
        self.process = self.lab.start(self.name, self.command(), self.namespace,
                                      env={**os.environ, "NO_COLOR": "1", **self.environment})
        if ready:
            self.await_ready()
        return self

    @property
    def pid(self):
        return self.process.pid

    def await_ready(self, seconds=15):
        """Until it answers on its control socket."""
        def answers():
            if self.process.poll() is not None:
                raise LabError(f"yoked ended with {self.process.returncode}:\n{self.log()[-2000:]}")
            return self.call("status").returncode == 0
        wait_until(answers, seconds, lambda: f"yoked answers; its log:\n{self.log()[-2000:]}")

    def kill(self):
        """-9: no last word."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds=10):
        """As the service manager does. Returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=seconds)

    def log(self):
        return self.lab.log(self.name)

    def call(self, *words, json_output=True):
        """yokectl, run to its end."""
        more = ["--json"] if json_output else []
        command = [self.build.yokectl, "--socket", self.socket, *more, *words]
        return subprocess.run([str(word) for word in command], capture_output=True, text=True,
                              timeout=30, check=False)

    def ask(self, *words):
        """The JSON that yokectl prints."""
        result = self.call(*words)
        if result.returncode != 0:
            raise LabError(f"yokectl {' '.join(words)}: {result.stderr.strip()}")
        return json.loads(result.stdout)

    def say(self, *words):
        """The text that yokectl prints for people."""
        return self.call(*words, json_output=False).stdout

    def status(self):
        return self.ask("status")["host"]

    def team(self, name="team0"):
        return self.ask("team", "show", name)

    def member(self, member, team="team0"):
        return next(found for found in self.team(team)["members"] if found["name"] == member)

    def trace(self, member, team="team0"):
        """Transitions of a member's LACP port, oldest first, as a list."""
        return self.ask("lacp", "trace", team, member)["transitions"]

    def passing(self, team="team0"):
        """Names of the members that carry, by the daemon's own word; in LACP, that collect and distribute."""
        return {member["name"] for member in self.team(team)["members"]
                if member["state"] == "active"
                and ("lacp" not in member
                     or {"collecting", "distributing"} <= set(member["lacp"]["actor"]["state"]))}

    def await_passing(self, members, team="team0", seconds=20):
        wait_until(lambda: self.passing(team) == set(members), seconds,
                   lambda: f"{sorted(members)} pass; now:\n{self.say('status')}")

    def await_member(self, member, team="team0", seconds=15, **expected):
        """Until the member's fields have these values; returns it."""
        def found():
            now = self.member(member, team)
            return now if all(now[key] == value for key, value in expected.items()) else None
        return wait_until(found, seconds, lambda: f"{member} has {expected}; now:\n{self.say('status')}")
