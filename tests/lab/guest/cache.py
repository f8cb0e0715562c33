"""What is made once for all checkouts of this machine, below $YOKE_LAB_CACHE (/var/cache/yoke-lab)."""

import contextlib
import fcntl
import hashlib
import os
import pathlib
import shutil
import tempfile
import time

from lab.guest.place import Unavailable

# For so long what could not be made is not tried again by each test that would want it, in seconds.
_FAILURE_LASTS = 3600


def folder():
    path = pathlib.Path(os.environ.get("YOKE_LAB_CACHE") or "/var/cache/yoke-lab")
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"no folder for what the guests need: {error}") from error
    return path


def key(*parts):
    """A name for what is made of these: texts, bytes, or paths of files."""
    digest = hashlib.sha256()
    for part in parts:
        data = part.read_bytes() if isinstance(part, pathlib.Path) else part
        data = data.encode() if isinstance(data, str) else data
        digest.update(f"{len(data)}:".encode() + data)
    return digest.hexdigest()[:16]


@contextlib.contextmanager
def _locked(name):
    with open(folder() / f"{name}.lock", "w", encoding="ascii") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def forget_failures():
    for path in folder().glob("*.failed"):
        path.unlink(missing_ok=True)


def _make(kind, path, make):
    failure = path.with_suffix(".failed")
    if failure.exists() and time.time() - failure.stat().st_mtime < _FAILURE_LASTS:
        raise Unavailable(failure.read_text(encoding="utf-8"))
    for rest in folder().glob(f"{kind}-new-*"):  # Of one that was killed.
        shutil.rmtree(rest, ignore_errors=True)
    work = pathlib.Path(tempfile.mkdtemp(prefix=f"{kind}-new-", dir=folder()))
    try:
        make(work)
        work.rename(path)
    except Exception as error:
        failure.write_text(str(error), encoding="utf-8")
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def find_or_make(kind, wanted, make):
    """The folder for this key. If there is none make(path) fills a new one, which then appears under
    its name whole; only one maker is at work at a time, the others wait for what it makes."""
    with _locked(kind):
        path = folder() / f"{kind}-{wanted}"
        if not path.is_dir():
            _make(kind, path, make)
        return path
