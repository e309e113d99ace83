"""Ratios of several groups or designs side by side, on a log axis, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    GRID,
    INK,
    QUIET,
    ROW,
    attach_alt,
    cx_style,
    narrow,
    new_axes,
    quieten,
    size_in_points,
)
from cxresearch._folding import wrapped
from cxresearch._language import mark, term, tr
from cxresearch._looks import PALETTE
from cxresearch.errors import CxError
from cxresearch.findings import Finding
from cxresearch.hazards._hazard_ratios import ratio_words

__all__ = ["ForestRow", "plot_forest"]

# in order of how much each is wanted, as far as there is room
TICKS = (1, 0.5, 2, 0.2, 5, 0.1, 10, 0.05, 20, 0.02, 50, 0.3, 3, 0.7, 1.5, 0.8, 1.2, 0.9, 1.1)
TICK_ROOM = 24  # points
WIDEST = (0.02, 50)  # beyond, an interval ends in an arrow
NOTHING = mark("not reported")
MEASURE = mark("Times as often as the reference")
SIDES = (mark("left less often"), mark("left more often"))


@dataclass(frozen=True)
class ForestRow:
    """One row of a forest plot.

    Parameters
    ----------
    label
        What is compared, or how.
    value, lower, upper
        A ratio and its interval; None where it is not reported.
    wrong
        Whether the row is there to be seen wrong: it is drawn hollow, dashed and grey.
    """

    label: str
    value: float | None
    lower: float | None
    upper: float | None
    wrong: bool = False

    @classmethod
    def of(cls, label: str, finding: Finding, *, wrong: bool = False) -> ForestRow:
        """Return the row of a finding, such as `hazard_ratio`."""
        return cls(label, finding.value, finding.ci_lower, finding.ci_upper, wrong)

    @property
    def ends(self) -> tuple[float, float, float] | None:
        """Value, lower and upper end; None where one is missing or is no positive number."""
        if self.value is None or self.lower is None or self.upper is None:
            return None
        found = (self.value, self.lower, self.upper)
        return found if all(math.isfinite(x) and x > 0 for x in found) else None

    @property
    def digits(self) -> str:
        """`0.72 (0.67 to 0.78)`."""
        if self.ends is None:
            return term(NOTHING)
        return ratio_words(*self.ends)


def plot_forest(
    rows: Sequence[ForestRow],
    *,
    measure: str = MEASURE,
    sides: tuple[str, str] = SIDES,
    confidence_level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Draw ratios with their intervals on a log axis, one row each, the first on top.

    Parameters
    ----------
    rows
        What to draw; rows that are `wrong` are hollow, dashed and grey.
    measure
        What the axis shows; "log scale" is added.
    sides
        What it means to stand left and right of 1.
    confidence_level
        Of the intervals, for the text alternative.
    ax
        Axes to draw on; a new figure when not given. Room is needed at the right for the
        numbers: take `layout="constrained"`.

    Returns
    -------
    Axes
        With ratios on the x axis; `alt_text(ax)` says in words what is shown.

    Raises
    ------
    CxError
        When there is no row.
    """
    if not rows:
        raise CxError("there are 0 rows, must be at least 1: pass one ForestRow per comparison.")
    measure, sides = term(measure), (term(sides[0]), term(sides[1]))
    with cx_style():
        ax = new_axes(1.35 + 0.42 * len(rows)) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        _ratio_axis(ax, rows, measure)
        for place, row in enumerate(rows):
            _draw_row(ax, place, row)
        _sides(ax, sides)
        numbers = {"of": [_label(row) for row in rows], "ratio": [row.digits for row in rows]}
        attach_alt(ax, _say(rows, measure, sides, confidence_level), pd.DataFrame(numbers))
    return ax


def _ratio_axis(ax: Axes, rows: Sequence[ForestRow], measure: str) -> None:
    seen = [x for row in rows for x in row.ends or ()]
    low, high = min([*seen, 0.8]) / 1.08, max([*seen, 1.25]) * 1.08
    low, high = max(low, WIDEST[0]), min(high, WIDEST[1])
    ax.set_xscale("log")
    ax.set_xlim(low, high)
    ax.set_ylim(len(rows) - 0.4, -0.75)
    labels = [wrapped(_label(row), _room(ax)) for row in rows]
    ax.set_yticks(range(len(rows)), labels)
    for text, row in zip(ax.get_yticklabels(), rows, strict=True):
        text.set_color(QUIET if row.wrong else INK)
    ax.set_xlabel(tr("{measure} (log scale)", measure=measure))
    _ticks(ax, low, high)
    ax.axvline(1, color=QUIET, linewidth=1, zorder=1)


def _label(row: ForestRow) -> str:
    return tr("{title} (wrong)", title=row.label) if row.wrong else row.label


def _room(ax: Axes) -> int:
    return 16 if narrow(ax) else 30


def _ticks(ax: Axes, low: float, high: float) -> None:
    """Write round ratios where they stand apart, 1 always."""
    scale = size_in_points(ax)[0] / math.log(high / low)
    shown: list[float] = []
    for tick in TICKS:
        apart = [abs(math.log(tick / other)) * scale for other in shown]
        if low <= tick <= high and min(apart, default=math.inf) >= TICK_ROOM:
            shown.append(tick)
    ax.set_xticks(sorted(shown))
    ax.set_xticks([], minor=True)
    ax.xaxis.set_major_formatter(lambda ratio, _: f"{ratio:g}")


def _draw_row(ax: Axes, place: int, row: ForestRow) -> None:
    color = QUIET if row.wrong else PALETTE[0]
    ax.axhline(place, color=GRID, linewidth=0.8, zorder=0)
    beside = ax.get_yaxis_transform()
    strong = {"color": QUIET if row.wrong or row.ends is None else INK}
    ax.text(1.03, place, row.digits, transform=beside, **(ROW | strong))
    if row.ends is None:
        return
    value, lower, upper = row.ends
    line = "--" if row.wrong else "-"
    ax.plot([lower, upper], [place, place], color=color, linestyle=line, linewidth=1.6)
    fill = "white" if row.wrong else color
    ax.plot(value, place, marker="o", markersize=6.5, color=color, markerfacecolor=fill)
    for end, edge, marker in ((lower, ax.get_xlim()[0], "<"), (upper, ax.get_xlim()[1], ">")):
        if (end < edge) == (marker == "<") and end != edge:
            ax.plot(edge, place, marker=marker, color=color, markersize=6, clip_on=False)


def _sides(ax: Axes, sides: tuple[str, str]) -> None:
    for text, shift, align in ((f"← {sides[0]}", -5, "right"), (f"{sides[1]} →", 5, "left")):
        ax.annotate(
            text,
            (1, 1),
            (shift, -4),
            xycoords=ax.get_xaxis_transform(),
            textcoords="offset points",
            color=QUIET,
            **(ROW | {"ha": align}),
        )


def _say(
    rows: Sequence[ForestRow], measure: str, sides: tuple[str, str], confidence_level: float
) -> str:
    title = tr(
        "{measure}, with {level} intervals; below 1: {below}, above 1: {above}.",
        measure=measure,
        level=words.level_words(confidence_level),
        below=sides[0],
        above=sides[1],
    )
    return words.sentences([title, *(_say_row(row) for row in rows)])


def _say_row(row: ForestRow) -> str:
    if row.wrong:
        return tr("{name}, a wrong way to count: {said}.", name=row.label, said=row.digits)
    return tr("{name}: {said}.", name=row.label, said=row.digits)
