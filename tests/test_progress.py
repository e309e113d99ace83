"""Progress: how long it will take, a plain line per report in logs, bars in a terminal."""

from __future__ import annotations

import os
import pty
import sys
from io import StringIO

import pytest
from rich.console import Console
from rich.progress import Progress as Bars

from cxresearch.reports.progress import PlainProgress, TimeLeft, _BarProgress, show_progress


def left(count, workers, *seconds):
    found = TimeLeft()
    found.planned(count, workers)
    for each in seconds:
        found.finished(each)
    return found


@pytest.mark.parametrize(
    ("given", "seconds", "words"),
    [
        ((20, 2), None, "0 of 20"),
        ((20, 2, 4.0, 6.0), 45.0, "2 of 20, about 40 s left"),  # 18 left of 5 s each, two at once
        ((20, 2, None, None, 4.0), 34.0, "3 of 20, about 30 s left"),  # unchanged ones took none
        ((3, 8, 4.0, 6.0), 5.0, "2 of 3, about 10 s left"),  # one left: others cannot help
        ((100, 1, 60.0), 5940.0, "1 of 100, about 99 min left"),
        ((2, 2, 4.0, 6.0), None, "2 of 2"),
        ((1, 1), None, ""),
        ((3, 1, None), None, "1 of 3"),
    ],
)
def test_the_time_left_is_that_of_those_made(given, seconds, words):
    found = left(*given)
    assert (found.seconds, found.words) == (seconds, words)


def test_a_log_gets_one_plain_line_per_report(capsys):
    with show_progress() as shown:
        assert isinstance(shown, PlainProgress)
        shown.planned(3, 1)
        shown.cell("a", 1, 9)
        shown.finished("a", 4.25, None)
        shown.unchanged("b", "2026-01-02T03:04:05+00:00")
        shown.finished("c\x1b[31m", 1.0, "It failed:\none \x1b[31mreason")
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "a: ok (4.2 s; 1 of 3, about 10 s left)",
        "b: unchanged since 2026-01-02 03:04 (2 of 3, about 10 s left)",
        "c\N{REPLACEMENT CHARACTER}[31m: FAILED (1.0 s; 3 of 3): It failed:",
        "    one \N{REPLACEMENT CHARACTER}[31mreason",
    ]


def test_one_report_alone_is_not_counted(capsys):
    shown = PlainProgress()
    shown.planned(1, 1)
    shown.finished("a", 4.0, None)
    assert capsys.readouterr().err == "a: ok (4.0 s)\n"


def test_a_terminal_gets_bars_and_a_line_for_each_report():
    written = StringIO()
    with Bars(console=Console(file=written, force_terminal=True, width=100)) as bars:
        shown = _BarProgress(bars)
        shown.planned(2, 1)
        shown.cell("[a]", 1, 4)
        shown.cell("[a]", 2, 4)
        whole, one = bars.tasks
        assert (whole.total, one.total, one.completed, one.description) == (2, 4, 2, r"\[a]")
        shown.finished("[a]", 4.0, None)
        (whole,) = bars.tasks
        assert (whole.completed, whole.description) == (1, "1 of 2, about 10 s left")
        shown.unchanged("b", "2026-01-02T03:04:05+00:00")
        assert bars.finished
    assert "[a]: ok (4.0 s)" in written.getvalue()
    assert "b: unchanged since 2026-01-02 03:04" in written.getvalue()


def test_bars_are_for_terminals(monkeypatch):
    main, terminal = pty.openpty()
    with os.fdopen(main), os.fdopen(terminal, "w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        with show_progress() as shown:
            assert isinstance(shown, _BarProgress)
