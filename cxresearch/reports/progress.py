"""Showing on stderr how far a run is: a moving bar in a terminal, else a line per notebook."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

__all__ = ["PlainProgress", "Progress", "show_progress"]


class Progress(Protocol):
    """What a run tells while it goes."""

    def cell(self, name: str, index: int, count: int) -> None:
        """Tell that a cell of a notebook starts."""

    def finished(self, name: str, seconds: float, error: str | None) -> None:
        """Tell that a notebook's report is written."""


class PlainProgress:
    """One plain line per notebook, for logs."""

    def cell(self, name: str, index: int, count: int) -> None:
        """Say nothing."""

    def finished(self, name: str, seconds: float, error: str | None) -> None:
        """Print the line."""
        print(_line(name, seconds, error), file=sys.stderr, flush=True)


class _BarProgress:
    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def cell(self, name: str, index: int, count: int) -> None:
        from rich.markup import escape  # noqa: PLC0415 - only where a terminal is

        if name not in self._tasks:
            self._tasks[name] = self._bars.add_task(escape(name), total=count)
        self._bars.update(self._tasks[name], completed=index, total=count)

    def finished(self, name: str, seconds: float, error: str | None) -> None:
        if name in self._tasks:
            self._bars.remove_task(self._tasks.pop(name))
        self._bars.console.print(_line(name, seconds, error), markup=False, highlight=False)


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
    counts = (TextColumn("cell"), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, *counts, console=Console(stderr=True), transient=True) as bars:
        yield _BarProgress(bars)


def _line(name: str, seconds: float, error: str | None) -> str:
    return f"{name}: {'ok' if error is None else 'FAILED'} ({seconds:.1f} s)" + (
        f": {error}".replace("\n", "\n    ") if error else ""
    )
