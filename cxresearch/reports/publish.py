"""Writing into the folder of reports: a report appears whole or not at all.

Files are written and flushed in a hidden folder inside the target. Renaming that folder is
the commit; only then do the files take their places. A run that dies before the commit has
changed nothing, and one that dies after it is completed by the next run.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cxresearch.errors import ReportError

if sys.platform != "win32":
    import fcntl

__all__ = ["INDEX", "ReportFolder", "open_folder"]

INDEX = "index.html"  # lists the reports of its folder
_BUILDING, _READY, _LOCK = ".cxresearch-building-", ".cxresearch-ready-", ".cxresearch.lock"


class ReportFolder:
    """A folder this process holds for writing; see `open_folder`."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def publish(self, files: Mapping[str, str | None]) -> None:
        """Replace a set of files, all or none.

        Parameters
        ----------
        files
            From file name to its text; None removes the file.

        Raises
        ------
        ReportError
            When they cannot be written; what was there before is unchanged.
        """
        with _explained(self.path):
            staged = Path(tempfile.mkdtemp(prefix=_BUILDING, dir=self.path))
            try:
                for name, text in files.items():
                    _write(staged / name, "" if text is None else text)
                ready = staged.with_name(_READY + staged.name.removeprefix(_BUILDING))
                staged.rename(ready)
            except BaseException:
                shutil.rmtree(staged, ignore_errors=True)
                raise
            _put_in_place(ready, self.path)

    def clean_up(self) -> None:
        """Complete or remove what a run that was killed has left."""
        for staged in self.path.glob(_BUILDING + "*"):
            shutil.rmtree(staged, ignore_errors=True)
        for ready in self.path.glob(_READY + "*"):
            _put_in_place(ready, self.path)


@contextmanager
def open_folder(path: Path) -> Iterator[ReportFolder]:
    """Make the folder, hold it against other runs, and clean up after killed ones.

    Raises
    ------
    ReportError
        When the folder cannot be written or another run is writing into it.
    """
    with _explained(path):
        path.mkdir(parents=True, exist_ok=True)
        lock = (path / _LOCK).open("a+")
    with lock:
        _hold(lock, path)
        folder = ReportFolder(path)
        with _explained(path):
            folder.clean_up()
        yield folder


def _hold(lock: IO[str], path: Path) -> None:
    if sys.platform == "win32":  # no flock there, so runs do not exclude each other
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.seek(0)
        who = lock.read().strip() or "unknown"
        message = f"{path} is in use by another run (process {who}): wait for it or choose --out"
        raise ReportError(message) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()


def _write(path: Path, text: str) -> None:
    # lone surrogates (broken text typed by somebody) must not stop a report
    with path.open("wb") as file:
        file.write(text.encode("utf-8", "replace"))
        file.flush()
        os.fsync(file.fileno())


def _put_in_place(ready: Path, target: Path) -> None:
    # Each step can be repeated, so that a later run may finish it. Empty = remove.
    # What lists the others comes last, so that it never names what is not there yet.
    for staged in sorted(ready.iterdir(), key=lambda path: (path.name == INDEX, path.name)):
        if staged.stat().st_size == 0:
            (target / staged.name).unlink(missing_ok=True)
            staged.unlink()
        else:
            staged.replace(target / staged.name)
    ready.rmdir()


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        where = error.filename2 or error.filename or path
        why = error.strerror or str(error)
        cure = "reports made before are unchanged; free space or rights there, or choose --out"
        raise ReportError(f"{path} cannot be written ({where}: {why}): {cure}") from error
