"""Measured traffic between two machines of the lab; see traffic.h."""

import json
import os
import select
import signal
import time

from lab.wait import LabError


class Traffic:
    """A run of the traffic program. Wait until it flows(), do what is to be measured, then take
    the result(); with 'seconds' large, stop() ends it."""

    def __init__(self, lab, build, kind, source, target, address, **options):
        words = [build.traffic, kind, "--from", source.path, "--to", target.path,
                 "--address", address]
        for key, value in options.items():
            words += ["--" + key.replace("_", "-"), value]
        out, err = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        self.process = lab.start("traffic", words, stdout=out[1], stderr=err[1])
        os.close(out[1])
        os.close(err[1])
        self._out = os.fdopen(out[0], "r", encoding="utf-8")
        self._err = err[0]

    def flows(self, seconds=10):
        """Returns when the numbered datagrams have begun."""
        deadline = time.monotonic() + seconds
        text = b""
        while b"flowing" not in text:
            ready, _, _ = select.select([self._err], [], [], max(0, deadline - time.monotonic()))
            more = os.read(self._err, 4096) if ready else b""
            if not more:
                raise LabError(f"no traffic flows: {text.decode().strip() or 'nothing arrived'}")
            text += more
        return self

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        return self.result()

    def result(self):
        text = self._out.read()
        code = self.process.wait(timeout=60)
        said = b""
        while more := os.read(self._err, 4096):
            said += more
        os.close(self._err)
        self._out.close()
        if not text.strip():
            raise LabError(f"traffic ended with {code}: {said.decode().strip()}")
        return json.loads(text)


def assert_clean(result, reordered=True):
    """Nothing was lost, doubled or damaged; else says what and when. 'reordered': nor overtaken."""
    keys = ["refused", "lost", "duplicated", "corrupted"] + (["reordered"] if reordered else [])
    wrong = {key: result[key] for key in keys if result[key]}
    if result["failure"] or wrong:
        raise AssertionError(f"{result['failure']} {wrong} of {result['sent']}, holes {result['holes'][:8]}, "
                             f"the sender was at most {result['sender_latest_ms']} ms late")
