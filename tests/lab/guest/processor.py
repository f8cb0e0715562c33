"""A processor for a guest. User-mode Linux spends most of its time moving between processors unless it
is pinned to one, and two guests on one disturb each other's clock: a lock per processor shares them out."""

import contextlib
import fcntl
import os
import time

from lab.guest import cache


def _try(number):
    file = open(cache.folder() / f"processor-{number}.lock", "w", encoding="ascii")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


@contextlib.contextmanager
def claimed():
    """The number of a processor that no other guest has; waits until there is one."""
    while True:
        for number in sorted(os.sched_getaffinity(0)):
            lock = _try(number)
            if lock:
                with lock:
                    yield number
                return
        time.sleep(0.1)
