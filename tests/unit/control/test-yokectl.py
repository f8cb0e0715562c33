#!/usr/bin/env python3
"""The real yokectl against the real control server on a fake host: test-yokectl.py YOKECTL FAKE_YOKED"""

import json
import os
import pathlib
import re
import select
import subprocess
import sys
import tempfile

YOKECTL, FAKE_YOKED = sys.argv[1:3]
TIMEOUT = 30
results = []


class Daemon:
    """A fake yoked with so many teams and members; ends with its standard input."""

    def __init__(self, teams=1, members=2):
        self.folder = tempfile.TemporaryDirectory(prefix="yoke-ctl-")
        os.chmod(self.folder.name, 0o755)
        self.socket = self.folder.name + "/control.sock"
        self.process = subprocess.Popen(
            [FAKE_YOKED, self.socket, str(teams), str(members)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        assert self.process.stdout.readline() == b"ready\n"

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        assert self.process.wait(TIMEOUT) == 0
        self.process.stdout.close()
        self.folder.cleanup()

    def ctl(self, *words, **how):
        return ctl("--socket", self.socket, *words, **how)


def ctl(*words, **how):
    return subprocess.run([YOKECTL, *words], capture_output=True, text=True, timeout=TIMEOUT, **how)


def case(function):
    try:
        function()
        trouble = None
    except Exception as error:  # Whatever it is, the other cases run.
        trouble = f"{type(error).__name__}: {error}"
    results.append(trouble)
    print(f"{'not ok' if trouble else 'ok'} {len(results)} - {function.__name__.replace('_', ' ')}")
    for line in (trouble or "").splitlines():
        print(f"# {line}")


def equal(got, wanted):
    assert got == wanted, f"got {got!r}, not {wanted!r}"


def refused(result, status, sentence):
    equal(result.stdout, "")
    assert re.fullmatch(r"yokectl: " + sentence + r"\n", result.stderr), result.stderr
    equal(result.returncode, status)


@case
def commands_print_something_and_nothing_on_standard_error():
    with Daemon() as daemon:
        for words in ("status", "team list", "team show", "team show team0", "member list", "member list team0",
                      "lacp show", "lacp show team0", "lacp show team0 eno1", "lacp trace team0 eno1"):
            result = daemon.ctl(*words.split())
            equal((words, result.returncode, result.stderr), (words, 0, ""))
            assert "team0" in result.stdout or "eno1" in result.stdout or "MACHINE" in result.stdout, result.stdout
            assert "\033" not in result.stdout


@case
def json_is_one_document():
    with Daemon() as daemon:
        team = json.loads(daemon.ctl("--json", "team", "show", "team0").stdout)
        equal(team["name"], "team0")
        equal([member["name"] for member in team["members"]], ["eno1", "eno2"])
        equal(json.loads(daemon.ctl("team", "show", "--json").stdout), team)
        equal([station["member"] for station in team.pop("stations")], ["eno2", None])
        equal(team.pop("stations_refused"), 7)
        equal(json.loads(daemon.ctl("team", "list", "--json").stdout)["teams"], [team])
        status = json.loads(daemon.ctl("status", "--json").stdout)
        equal(sorted(status), ["host", "teams"])
        equal(status["teams"][0]["members"][0]["lacp"]["churn"], {"actor": "no-churn", "partner": "no-churn"})
        equal(len(json.loads(daemon.ctl("lacp", "show", "--json").stdout)["teams"]), 1)
        equal(len(json.loads(daemon.ctl("lacp", "trace", "team0", "eno1", "--json").stdout)["transitions"]), 2)
        equal(json.loads(daemon.ctl("team", "delete", "team0", "--json").stdout), {})


@case
def changes_are_silent_and_refusals_are_not():
    with Daemon() as daemon:
        done = daemon.ctl("member", "drain", "team0", "eno1")
        equal((done.returncode, done.stdout, done.stderr), (0, "", ""))
        refused(daemon.ctl("member", "drain", "team0", "eno2"), 1, "eno2 is the last member that carries")
        equal(daemon.ctl("member", "drain", "team0", "eno2", "on", "--force").returncode, 0)
        equal(daemon.ctl("member", "drain", "team0", "eno2", "off").returncode, 0)
        refused(daemon.ctl("member", "drain", "team0", "eno2", "maybe"), 2,
                "a drain is 'on' or 'off', not 'maybe'")
        equal(daemon.ctl("team", "delete", "team0").returncode, 0)


@case
def a_team_is_created_and_changed_by_its_settings():
    with Daemon() as daemon:
        done = daemon.ctl("team", "create", "team0", "--mode", "static", "--member", "eno1", "--member=eno2",
                          "--up-delay", "9", "mtu=9000")
        refused(done, 1, 'unknown key "up_delay".*')
        equal(daemon.ctl("team", "create", "team0", "--mode", "static", "--member", "eno1", "--member=eno2",
                         "--hash", "ip-addresses", "mtu=9000").returncode, 0)
        settings = json.loads(daemon.ctl("team", "show", "--json").stdout)["settings"]
        equal([settings[key] for key in ("mode", "hash", "mtu")], ["static", "ip-addresses", 9000])
        equal([member["name"] for member in settings["members"]], ["eno1", "eno2"])
        done = daemon.ctl("team", "set", "team0", "mtu=", "mode=lacp", "lacp.rate=slow")
        equal((done.returncode, done.stdout, done.stderr), (0, "", ""))
        settings = json.loads(daemon.ctl("team", "show", "--json").stdout)["settings"]
        equal((settings["mtu"], settings["mode"], settings["lacp"]["rate"]), (0, "lacp", "slow"))
        refused(daemon.ctl("team", "set", "team0", "mtu=20"), 1, "mtu is 20: expected 0 or 68 to 65535")
        refused(daemon.ctl("team", "set", "team0", "mtu"), 2, "'mtu' is no setting: expected KEY=VALUE")
        refused(daemon.ctl("team", "set", "team9", "mtu=9000"), 1, 'there is no team "team9"; .*')
        refused(daemon.ctl("team", "create", "team0"), 1, ".* is missing: expected .*")


@case
def members_come_change_and_go():
    with Daemon() as daemon:
        equal(daemon.ctl("member", "add", "team0", "eno3", "drain=true").returncode, 0)
        refused(daemon.ctl("member", "add", "team0", "eno3"), 1, "eno3 is a member of team0 already")
        refused(daemon.ctl("member", "add", "team0", "enp9"), 1, 'there is no network device "enp9"; use --force .*')
        equal(daemon.ctl("member", "add", "team0", "enp9", "--force").returncode, 0)
        equal(daemon.ctl("member", "set", "team0", "eno2", "standby").returncode, 0)
        equal(daemon.ctl("member", "set", "team0", "eno3", "drain=false", "priority=7").returncode, 0)
        equal(daemon.ctl("member", "remove", "team0", "eno1").returncode, 0)
        members = json.loads(daemon.ctl("team", "show", "--json").stdout)["settings"]["members"]
        equal([(member["name"], member["standby"], member["priority"], member["drain"]) for member in members],
              [("eno2", True, 65535, False), ("eno3", False, 7, False), ("enp9", False, 255, False)])
        refused(daemon.ctl("member", "remove", "team0", "eno1"), 1, "team \"team0\" has no member \"eno1\".*")
        refused(daemon.ctl("member", "set", "team0", "eno2", "priority=70000"), 1,
                "member eno2: priority is 70000: expected 0 to 65535")


@case
def unknown_names_get_a_sentence_that_tells_where_to_look():
    with Daemon() as daemon:
        refused(daemon.ctl("team", "show", "team9"), 1, "there is no team \"team9\"; see 'yokectl team list'")
        refused(daemon.ctl("--json", "team", "delete", "team9"), 1,
                "there is no team \"team9\"; see 'yokectl team list'")
        refused(daemon.ctl("lacp", "trace", "team0", "eno9"), 1,
                "team \"team0\" has no member \"eno9\"; see 'yokectl member list'")
        refused(daemon.ctl("monitor", "team9"), 1, "there is no team \"team9\".*")
        refused(daemon.ctl("lacp", "trace", "team0", "eno9", "--json", "--follow"), 1, ".*no member \"eno9\".*")
        refused(daemon.ctl("team", "show", "\033[2J"), 1, r"there is no team \"\\x1b\[2J\".*")
        refused(subprocess.run([YOKECTL, "--socket", daemon.socket, "team", "show", b"\xff"], capture_output=True,
                               text=True, timeout=TIMEOUT), 2, "the name of a team is UTF-8")


@case
def without_a_name_the_only_team_is_meant():
    with Daemon(teams=3) as daemon:
        refused(daemon.ctl("team", "show"), 1, "there are 3 teams, say which one: team0, team1, team2")
    with Daemon(teams=0) as daemon:
        refused(daemon.ctl("team", "show"), 1, "there is no team: .*")
        equal(daemon.ctl("team", "list").stdout, "")


@case
def a_daemon_that_does_not_run_gets_one_sentence():
    refused(ctl("--socket", "/nonexistent/control.sock", "status"), 1,
            "yoked does not run: nobody listens on /nonexistent/control.sock; start it .*")
    refused(ctl("--socket", "/nonexistent/control.sock", "monitor", "--json"), 1, "yoked does not run: .*")
    refused(ctl("--socket", "/" + "x" * 200, "status"), 1, "the path of a socket has 1 to 107 characters, not 201")


@case
def a_stranger_gets_one_sentence():
    if os.geteuid() != 0:
        return
    with Daemon() as daemon:
        nobody = {"user": 65534, "group": 65534, "extra_groups": []}
        refused(daemon.ctl("status", **nobody), 1, 'this is for root and members of groups "games" and "audio"')
        refused(daemon.ctl("team", "delete", "team0", **nobody), 1, 'changes are for root .*"audio"')
        os.chmod(daemon.folder.name, 0o700)
        refused(daemon.ctl("status", **nobody), 1, "no permission to talk to yoked on .*")


@case
def wrong_usage_is_status_2():
    refused(ctl("team", "sho"), 2, "unknown verb of team 'sho', did you mean 'show'\\? There are .*")
    refused(ctl(), 2, "what is to be done\\? See yokectl --help")
    refused(ctl("team", "list", "--nonsense"), 2, "unknown option --nonsense: .*")


@case
def help_and_version_need_no_daemon():
    for words in ([], ["team"], ["team", "delete"], ["status"], ["lacp", "trace"]):
        result = ctl(*words, "--help")
        equal((result.returncode, result.stderr), (0, ""))
        assert result.stdout.startswith("Usage: yokectl"), result.stdout
    assert re.fullmatch(r"yokectl \d+\.\d+\.\d+\n", ctl("--version").stdout)


@case
def a_reader_that_has_seen_enough_is_no_error():
    with Daemon(teams=64, members=32) as daemon:
        for ignore in ("", "trap '' PIPE; "):
            command = f'{ignore}("$0" --socket "$1" status; echo $? >&2) | head -n 1'
            result = subprocess.run(["sh", "-c", command, YOKECTL, daemon.socket], capture_output=True, text=True,
                                    timeout=TIMEOUT)
            assert result.stdout.startswith("yoked 0.1.0"), result.stdout
            assert result.stderr.strip() in ("0", "141"), result.stderr


@case
def a_full_disk_is_an_error():
    with Daemon() as daemon, open("/dev/full", "w") as full:
        result = subprocess.run([YOKECTL, "--socket", daemon.socket, "status"], stdout=full, stderr=subprocess.PIPE,
                                text=True, timeout=TIMEOUT)
        equal(result.returncode, 1)
        equal(result.stderr, "yokectl: cannot write the answer: No space left on device\n")


def follow(daemon, *words):
    """Starts a command that goes on, makes events until it prints a line, and returns the line."""
    process = subprocess.Popen([YOKECTL, "--socket", daemon.socket, *words], stdout=subprocess.PIPE)
    try:
        for _ in range(200):
            daemon.ctl("member", "drain", "team0", "eno2")
            if select.select([process.stdout], [], [], 0.05)[0]:
                return process.stdout.readline().decode()
        raise AssertionError("nothing was printed")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


@case
def monitor_prints_events_as_they_come():
    with Daemon(teams=2) as daemon:
        event = json.loads(follow(daemon, "--json", "monitor"))
        equal((event["team"], event["member"], event["to"]), ("team0", "eno2", "disabled"))
        equal(json.loads(follow(daemon, "--json", "monitor", "team0"))["reason"], "drained")
        line = follow(daemon, "monitor")
        assert re.search(r"team0/eno2 +active -> disabled +the administrator drained it\n", line), line


@case
def trace_goes_on_with_follow():
    with Daemon() as daemon:
        equal(json.loads(follow(daemon, "--json", "lacp", "trace", "team0", "eno2", "--follow"))["serial"], 1)


@case
def a_daemon_that_goes_ends_monitor():
    with Daemon() as daemon:
        monitor = subprocess.Popen([YOKECTL, "--socket", daemon.socket, "monitor"], stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        while json.loads(daemon.ctl("--json", "status").stdout)["host"]["control"]["clients"] < 2:
            pass
    output, errors = monitor.communicate(timeout=TIMEOUT)
    equal((monitor.returncode, output), (1, ""))
    assert errors.startswith("yokectl: yoked closed the connection"), errors


@case
def a_configuration_is_checked_without_a_daemon():
    with tempfile.TemporaryDirectory(prefix="yoke-config-") as folder:
        good, bad = pathlib.Path(folder, "good.conf"), pathlib.Path(folder, "bad.conf")
        good.write_text('team: { name = "team0"; mode = "lacp"; members = ( { name = "eno1"; } ); };\n')
        bad.write_text(good.read_text().replace('mode', '\n\n  nonsense = 1; mode'))
        result = ctl("config", "check", str(good))
        equal((result.returncode, result.stderr), (0, ""))
        equal(result.stdout, "the configuration is fine: 1 team\n")
        equal(json.loads(ctl("--json", "config", "check", str(good)).stdout)["teams"], ["team0"])
        result = ctl("config", "check", str(bad))
        equal((result.returncode, result.stdout), (1, ""))
        assert f"{bad}:3: error: " in result.stderr, result.stderr
        assert re.search(r"yokectl: the configuration has \d+ errors?: nothing of it would be applied\n$",
                         result.stderr), result.stderr
        result = ctl("--json", "config", "check", str(bad))
        equal(result.returncode, 1)
        equal(json.loads(result.stdout)["problems"][0]["line"], 3)


@case
def the_protocol_page_tells_the_truth():
    """The script of docs/protocol.md works as it stands there."""
    page = pathlib.Path(__file__).resolve().parents[3] / "docs/protocol.md"
    script = re.search(r"```python\n(.*?)```", page.read_text(), re.DOTALL).group(1)
    with Daemon() as daemon:
        script = script.replace("/run/yoke/control.sock", daemon.socket)
        result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=TIMEOUT)
        equal((result.returncode, result.stderr), (0, ""))
        assert "team0 up" in result.stdout, result.stdout


print(f"1..{len(results)}")
sys.exit(any(results))
