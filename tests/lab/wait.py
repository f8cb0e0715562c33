"""Waiting for conditions, never for time."""

import time

from lab.guest import place

_PAUSE = 0.02
# Under time travel waiting costs nothing, and each question is what costs.
_LONGEST_PAUSE = place.pick(_PAUSE, {"time-travel": 0.2})


class LabError(Exception):
    """What went wrong, in words for whoever runs the lab."""


def wait_until(condition, seconds, what):
    """Returns the first true value of condition(), or fails and says what it last saw. 'what' is
    a text, or a function that makes one when it is needed."""
    deadline = time.monotonic() + seconds
    pause = _PAUSE
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            words = what() if callable(what) else what
            raise LabError(f"not within {seconds} s: {words}")
        time.sleep(pause)
        pause = min(pause * 1.25, _LONGEST_PAUSE)
