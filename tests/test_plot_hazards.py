"""The forest plot: the numbers on the artists, what is wrong to see as wrong, and its words."""

from __future__ import annotations

import itertools

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from cxresearch._draw import WIDTH
from cxresearch.errors import CxError
from cxresearch.findings import Finding
from cxresearch.plots import alt_text
from cxresearch.plots.hazards import ForestRow, plot_forest

NAIVE = ForestRow("Ever promoter, from sign-up", 0.27, 0.22, 0.31, wrong=True)
RIGHT = ForestRow("Latest score as it changes", 0.72, 0.67, 0.78)
REFUSED = ForestRow("Landmark at 12 months", None, None, None)
ROWS = (NAIVE, RIGHT, REFUSED)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def whiskers(ax: Axes) -> list[tuple[float, float, float]]:
    lines = [
        line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_marker() == "None"
    ]
    spans = [(np.asarray(line.get_xdata()), line.get_ydata()[0]) for line in lines]
    return [(float(x[0]), float(x[1]), y) for x, y in spans if tuple(x) not in {(0, 1), (1, 1)}]


def points(ax: Axes, marker: str = "o") -> list[tuple[float, float]]:
    shown = [line for line in ax.lines if line.get_marker() == marker]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in shown]


def texts(ax: Axes) -> list[str]:
    return [text.get_text() for text in ax.texts]


def test_each_row_is_drawn_as_it_was_estimated() -> None:
    ax = plot_forest(ROWS)
    assert ax.get_xscale() == "log"
    assert points(ax) == [(0.27, 0), (0.72, 1)]
    assert whiskers(ax) == [(0.22, 0.31, 0), (0.67, 0.78, 1)]
    assert "0.72 (0.67 to 0.78)" in texts(ax)
    assert "not reported" in texts(ax)
    top, bottom = (ax.transData.transform((1, place))[1] for place in (0, 2))
    assert top > bottom


def test_wrong_rows_are_hollow_dashed_and_said() -> None:
    ax = plot_forest(ROWS)
    wrong, right = (line for line in ax.lines if line.get_marker() == "o")
    assert (wrong.get_markerfacecolor(), right.get_markerfacecolor()) == (
        "white",
        right.get_color(),
    )
    dashes = {
        line.get_ydata()[0]: line.get_linestyle()
        for line in ax.lines
        if line.get_linewidth() == 1.6
    }
    assert dashes == {0: "--", 1: "-"}
    labels = [label.get_text().replace("\n", " ") for label in ax.get_yticklabels()]
    assert labels == ["Ever promoter, from sign-up (wrong)", RIGHT.label, REFUSED.label]


def test_the_line_of_no_difference_is_always_in_sight() -> None:
    for row in (ForestRow("far below", 0.1, 0.08, 0.12), ForestRow("far above", 9, 8, 10)):
        ax = plot_forest([row])
        low, high = ax.get_xlim()
        assert low < min(row.lower or 1, 1)
        assert high > max(row.upper or 1, 1)
        assert 1 in ax.get_xticks()


@pytest.mark.parametrize("span", [(0.9, 1.05), (0.2, 0.9), (0.03, 40)])
def test_ticks_stand_apart(span: tuple[float, float]) -> None:
    ax = plot_forest([ForestRow("a", 1.0, *span)])
    ax.figure.draw_without_rendering()
    boxes = [label.get_window_extent() for label in ax.get_xticklabels()]
    assert len(boxes) >= 3
    assert all(a.x1 < b.x0 for a, b in itertools.pairwise(boxes))


def test_an_interval_beyond_the_axis_ends_in_an_arrow() -> None:
    ax = plot_forest([ForestRow("a", 2, 0.001, 400), RIGHT])
    low, high = ax.get_xlim()
    assert (low, high) == (0.02, 50)
    assert points(ax, "<") == [(low, 0)]
    assert points(ax, ">") == [(high, 0)]


def test_numbers_beside_the_axis_stay_inside_the_figure() -> None:
    ax = plot_forest([*ROWS, ForestRow("A long name " * 6, 12.3, 4.5, 30)])
    assert ax.figure.get_figwidth() == WIDTH
    ax.figure.draw_without_rendering()
    edge = ax.figure.bbox
    for text in (*ax.texts, *ax.get_yticklabels()):
        box = text.get_window_extent()
        assert edge.x0 <= box.x0
        assert box.x1 <= edge.x1


def test_the_alternative_text_says_every_row() -> None:
    said = alt_text(plot_forest(ROWS, measure="Losses, times as often as detractors'"))
    assert said == (
        "Losses, times as often as detractors', with 95 % intervals; below 1: left less often, above "
        "1: left more often. Ever promoter, from sign-up, a wrong way to count: 0.27 (0.22 to 0.31). "
        "Latest score as it changes: 0.72 (0.67 to 0.78). Landmark at 12 months: not reported."
    )


def test_a_row_comes_from_a_finding() -> None:
    finding = Finding("hazard_ratio", 0.72, 0.67, 0.78, 900, "ratio", "Said.")
    assert ForestRow.of(RIGHT.label, finding) == RIGHT
    assert ForestRow.of("a", finding, wrong=True).wrong


@pytest.mark.parametrize("value", [None, float("nan"), 0.0, -1.0, float("inf")])
def test_what_is_no_ratio_is_not_drawn(value: float | None) -> None:
    ax = plot_forest([ForestRow("a", value, 0.5, 1.5)])
    assert points(ax) == []
    assert "not reported" in texts(ax)


def test_it_draws_on_given_axes_and_leaves_settings_alone() -> None:
    before = dict(mpl.rcParams)
    _, mine = plt.subplots(layout="constrained")
    assert plot_forest(ROWS, ax=mine) is mine
    assert dict(mpl.rcParams) == before


def test_no_row_is_an_error() -> None:
    with pytest.raises(CxError, match="there are 0 rows, must be at least 1"):
        plot_forest([])
