"""Counts that the reports of one run share, so that the same rows are scanned and reduced once.

They lie in a temporary folder of the run, which is private, is named by the environment of its
kernels, and is deleted with the run. Without it nothing is shared.
"""

from __future__ import annotations

import hashlib
import os
import pickle
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import pandas as pd

try:
    import fcntl
except ImportError:  # where there is none, two kernels may count the same
    fcntl = None  # type: ignore[assignment]

SHARED: Final = "CXRESEARCH_SHARED"  # the variable that names the folder


def shares() -> bool:
    """Say whether this is a report of a run that shares its counts."""
    return bool(os.environ.get(SHARED))


def recall(key: str, count: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Return counts that another report of this run has made, or make them.

    What is read back is bit for bit what was counted. Whoever wants what another kernel is just
    counting waits for it.

    Parameters
    ----------
    key
        Says all that the counts depend on: the data, the query and what it reads.
    count
        Makes them.
    """
    path = Path(os.environ[SHARED]) / hashlib.sha256(key.encode()).hexdigest()
    try:
        lock = path.with_suffix(".lock").open("wb")
    except OSError:  # the disk is full, or the run is over
        return count()
    with lock:
        if fcntl:
            fcntl.flock(lock, fcntl.LOCK_EX)  # until the file is closed, or the process dies
        return _read_or_write(path, count)


def _read_or_write(path: Path, count: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    if path.exists():
        # only this user can have written it: the folder is private
        counts: pd.DataFrame = pickle.loads(path.read_bytes())
        return counts
    counts = count()
    with suppress(OSError):  # on a full disk the next report counts again
        draft = path.with_suffix(f".{os.getpid()}")
        draft.write_bytes(pickle.dumps(counts, pickle.HIGHEST_PROTOCOL))
        draft.replace(path)
    return counts
