"""Showing on stderr how far a run is: moving bars in a terminal, else a plain line per report."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from cxresearch._format import plain

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

__all__ = ["PlainProgress", "Progress", "TimeLeft", "show_progress"]

_MINUTE = 60
_ROUNDED = 10  # seconds; nobody needs it closer


class Progress(Protocol):
    """What a run tells while it goes; from several threads."""

    def planned(self, count: int, workers: int) -> None:
        """Tell how many reports are to come, and how many are made at once."""

    def cell(self, name: str, index: int, count: int) -> None:
        """Tell that a cell of a report starts."""

    def finished(self, name: str, seconds: float, error: str | None) -> None:
        """Tell that a report is written."""

    def unchanged(self, name: str, made: str) -> None:
        """Tell that a report needs not be made again since `made`, an ISO time."""


class TimeLeft:
    """How many reports are done, and for how long the rest will take."""

    def __init__(self) -> None:
        self.count, self.done, self.workers = 0, 0, 1
        self._seconds: list[float] = []

    def planned(self, count: int, workers: int) -> None:
        """Start to count."""
        self.count, self.workers = count, workers

    def finished(self, seconds: float | None) -> None:
        """Count a report, made in so many seconds or unchanged."""
        self.done += 1
        if seconds is not None:
            self._seconds.append(seconds)

    @property
    def words(self) -> str:
        """`3 of 20, about 2 min left`; empty where there is one report only."""
        if self.count < 2:
            return ""
        counted, seconds = f"{self.done} of {self.count}", self.seconds
        return f"{counted}, {_about(seconds)} left" if seconds else counted

    @property
    def seconds(self) -> float | None:
        """What is left takes as long as the mean of those made; None before the first."""
        left = self.count - self.done
        if not self._seconds or left <= 0:
            return None
        mean = sum(self._seconds) / len(self._seconds)
        return mean * left / max(1, min(self.workers, left))


class PlainProgress:
    """One plain line per report, for logs."""

    def __init__(self) -> None:
        self._left = TimeLeft()
        self._lock = Lock()

    def planned(self, count: int, workers: int) -> None:
        """Say nothing."""
        self._left.planned(count, workers)

    def cell(self, name: str, index: int, count: int) -> None:
        """Say nothing."""

    def finished(self, name: str, seconds: float, error: str | None) -> None:
        """Print the line."""
        with self._lock:
            self._left.finished(seconds)
            print(_line(name, seconds, error, self._left.words), file=sys.stderr, flush=True)

    def unchanged(self, name: str, made: str) -> None:
        """Print the line."""
        with self._lock:
            self._left.finished(None)
            print(_kept(name, made, self._left.words), file=sys.stderr, flush=True)


class _BarProgress:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}
        self._left = TimeLeft()
        self._lock = Lock()
        self._whole: TaskID | None = None

    def planned(self, count: int, workers: int) -> None:
        self._left.planned(count, workers)
        if count > 1:
            self._whole = self._bars.add_task(self._left.words, total=count, unit="report")

    def cell(self, name: str, index: int, count: int) -> None:
        from rich.markup import escape  # noqa: PLC0415 - only where a terminal is

        with self._lock:
            if name not in self._tasks:
                shown = escape(plain(name))
                self._tasks[name] = self._bars.add_task(shown, total=count, unit="cell")
            self._bars.update(self._tasks[name], completed=index, total=count)

    def finished(self, name: str, seconds: float, error: str | None) -> None:
        self._say(name, seconds, _line(name, seconds, error, ""))

    def unchanged(self, name: str, made: str) -> None:
        self._say(name, None, _kept(name, made, ""))

    def _say(self, name: str, seconds: float | None, line: str) -> None:
        with self._lock:
            if name in self._tasks:
                self._bars.remove_task(self._tasks.pop(name))
            self._left.finished(seconds)
            if self._whole is not None:
                self._bars.update(self._whole, advance=1, description=self._left.words)
            self._bars.console.print(line, markup=False, highlight=False)


@contextmanager
def show_progress() -> Iterator[Progress]:
    """Give the display that fits stderr."""
    if not sys.stderr.isatty():
        yield PlainProgress()
        return
    from rich.console import Console  # noqa: PLC0415 - only where a terminal is
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        SpinnerColumn,
        TextColumn,
        TimeElapsedColumn,
    )

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn())
    counts = (TextColumn("{task.fields[unit]}"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, *counts, console=Console(stderr=True), transient=True) as bars:
        yield _BarProgress(bars)


def _about(seconds: float) -> str:
    if seconds >= 2 * _MINUTE:
        return f"about {seconds / _MINUTE:.0f} min"
    return f"about {max(_ROUNDED, round(seconds / _ROUNDED) * _ROUNDED)} s"


def _line(name: str, seconds: float, error: str | None, left: str) -> str:
    state = "ok" if error is None else "FAILED"
    told = f"{plain(name)}: {state} ({seconds:.1f} s{'; ' * bool(left)}{left})"
    return told + (f": {plain(error)}".replace("\n", "\n    ") if error else "")


def _kept(name: str, made: str, left: str) -> str:
    since = f"unchanged since {made[:16].replace('T', ' ')}"
    return f"{plain(name)}: {since}" + (f" ({left})" if left else "")
