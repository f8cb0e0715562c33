"""The emulator's control (QMP), from inside: a test reaches what is outside of its guest."""

import json
import os
import pathlib
import select
import time

from lab.wait import LabError

_PORTS = pathlib.Path("/sys/class/virtio-ports")


class Monitor:
    """One at a time, in a guest that the emulator runs."""

    def __init__(self):
        self._fd = os.open(self._device(), os.O_RDWR | os.O_CLOEXEC)
        self._text = b""
        # Who comes first is greeted and has to begin so; for all others that is an error of no weight.
        self._ask("qmp_capabilities", {})

    @staticmethod
    def _device():
        for port in _PORTS.glob("*"):
            if (port / "name").read_text(encoding="ascii").strip() == "monitor":
                return f"/dev/{port.name}"
        raise LabError("there is no monitor: this is not the emulator")

    def close(self):
        os.close(self._fd)

    def _lines(self, seconds):
        deadline = time.monotonic() + seconds
        while True:
            line, newline, rest = self._text.partition(b"\n")
            if newline:
                self._text = rest
                yield json.loads(line)
            elif select.select([self._fd], [], [], max(0, deadline - time.monotonic()))[0]:
                self._text += os.read(self._fd, 65536)
            else:
                raise LabError(f"the emulator did not answer within {seconds} s")

    def _ask(self, command, arguments, seconds=10):
        request = json.dumps({"execute": command, "arguments": arguments, "id": time.monotonic_ns()})
        os.write(self._fd, request.encode() + b"\n")
        number = json.loads(request)["id"]
        return next(answer for answer in self._lines(seconds) if answer.get("id") == number)

    def call(self, command, **arguments):
        """What the emulator answers, or its error as ours."""
        answer = self._ask(command, arguments)
        if "error" in answer:
            raise LabError(f"{command}: {answer['error']['desc']}")
        return answer["return"]
