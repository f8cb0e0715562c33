"""Every copy of every frame, counted at many ends at once; see copies.h."""

import json
import os
import select
import subprocess
import time

from lab.guest import place
from lab.wait import LabError, wait_until

BROADCAST = "ff:ff:ff:ff:ff:ff"
# IPv4's 239.77.0.1 and IPv6's ff05::7777, by which the frames of a form are addressed.
MULTICAST = {"raw": "03:00:00:77:00:01", "v4": "01:00:5e:4d:00:01", "v6": "33:33:00:00:77:77"}
NOBODY = "02:0b:0d:1e:00:01"
# How long what was sent last may be under way.
LINGER = place.pick(0.3, {"uml": 1.0, "emulator": 1.0})


class Result:
    """What became of a stream: 'ends' has for each end received, distinct, doubled, missing, reordered, longest_hole."""

    def __init__(self, words):
        self.words = words
        self.name, self.sender, self.sent, self.rate = (words[key] for key in ("stream", "from", "sent", "rate"))
        self.refused, self.ends = words["refused"], words["ends"]

    def __getitem__(self, end):
        return self.ends[end]

    @property
    def returned(self):
        """Frames that came back to their sender."""
        return self.ends[self.sender]["received"]

    def doubled(self, ends=None):
        return sum(self.ends[end]["doubled"] for end in ends or self.ends)

    def outage_ms(self, end):
        """The longest time for which nothing arrived, by the rate of sending."""
        return self.ends[end]["longest_hole"] * 1000.0 / self.rate

    def describe(self, ends=None):
        return f"{self.name}: {self.sent} sent by {self.sender}; " + "; ".join(
            f"{end} {found['received']} (doubled {found['doubled']}, missing {found['missing']}"
            f"{', holes ' + str(found['holes']) if found['missing'] else ''})"
            for end, found in self.ends.items() if ends is None or end in ends or found["received"])


def assert_once(result, receivers, lossless=True):
    """Each of 'receivers' got each frame once ('lossless': else at most once), nothing came back to the sender, and no other
    end got any."""
    assert not result.refused and not any(end["overrun"] for end in result.ends.values()), result.words
    assert result.returned == 0, f"{result.returned} frames came back: {result.describe()}"
    assert result.doubled() == 0, f"copies: {result.describe()}"
    if lossless:
        wrong = [end for end in receivers if result[end]["received"] != result.sent]
        assert not wrong, f"not whole at {wrong}: {result.describe(receivers)}"
    strangers = [end for end in result.ends if end not in receivers and end != result.sender
                 and not end.startswith("wire-") and result[end]["received"]]
    assert not strangers, f"heard by {strangers}: {result.describe(receivers)}"


class Copies:
    """Ends by name, and streams between them. 'seconds': after that it is over, whatever happens."""

    def __init__(self, lab, build, seconds=900):
        command_in, answers_out = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        self._process = subprocess.Popen([str(build.copies), str(seconds)], stdin=command_in[0], stdout=answers_out[1],
                                         start_new_session=True)
        os.close(command_in[0])
        os.close(answers_out[1])
        self._commands = os.fdopen(command_in[1], "w", encoding="ascii")
        self._answers = answers_out[0]
        self._rest = b""
        self._count = 0
        lab.on_close(self.close)

    def close(self):
        if self._commands.closed:
            return
        self._commands.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._answers)

    def _line(self, seconds=30):
        deadline = time.monotonic() + seconds
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._answers], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self._answers, 65536) if ready else b""
            if not more:
                raise LabError(f"the counter of copies does not answer ({self._process.poll()})")
            self._rest += more
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def ask(self, *words):
        self._commands.write(" ".join(str(word) for word in words) + "\n")
        self._commands.flush()
        answer = self._line()
        if "error" in answer:
            raise LabError(f"copies {' '.join(map(str, words))}: {answer['error']}")
        return answer

    def add_end(self, name, namespace, device="eth0"):
        """A name that is there already counts there from now on."""
        self.ask("end", name, namespace.path, device)

    def begin(self, sender, to, form="raw", count=1000, rate=1000, source=None, vlan=None, flows=1):
        """Frames go out of the end 'sender' to the address 'to', from 'source'. Returns the stream's name."""
        self._count += 1
        name = f"{sender}-{self._count}"
        more = [f"{key}={value}" for key, value in (("from", source), ("vlan", vlan), ("flows", flows)) if value]
        self.ask("send", name, sender, to, form, count, rate, *more)
        return name

    def look(self, name):
        return Result(self.ask("report", name))

    def end_all(self, names, early=False):
        """Waits for the last frames ('early': does not send the rest) and until all have arrived. The streams are over
        then; their results."""
        for name in names if early else ():
            self.ask("stop", name)
        for name in names:
            words = self.look(name).words
            wait_until(lambda name=name: self.look(name).words["finished"], words["count"] / words["rate"] + 30,
                       f"{name} was sent")
        time.sleep(LINGER)
        results = [self.look(name) for name in names]
        for name in names:
            self.ask("forget", name)
        return results

    def end(self, name, early=False):
        return self.end_all([name], early)[0]

    def run(self, *arguments, **options):
        return self.end(self.begin(*arguments, **options))

    def talkers(self, end):
        """What was heard at an end since last asked: {(source, kind, vlan): frames}, kind: arp, nd, rarp, ip, raw, other."""
        answer = self.ask("talkers", end)
        if answer["overrun"]:
            raise LabError(f"{end} heard more than could be counted")
        return {(found["source"], found["kind"], found["vlan"]): found["frames"] for found in answer["talkers"]}
