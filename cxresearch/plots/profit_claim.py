"""Figures of the claim on profit: uplifts with intervals, and profit year by year."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes

from cxresearch._draw import (
    INK,
    QUIET,
    Series,
    attach_alt,
    cx_style,
    label_ends,
    narrow,
    new_axes,
    quieten,
)
from cxresearch._folding import wrapped
from cxresearch._language import tr
from cxresearch._looks import LINES, PALETTE
from cxresearch.plots._signed import percents, signed
from cxresearch.roi._exact_shares import exact_shares
from cxresearch.roi.profit_path import ProfitPath

SIZE: Final = 9.5
MARKS: Final = 10  # points of a line that are marked, about
FLAT: Final = 1e-9
HALO: Final = [patheffects.withStroke(linewidth=3, foreground="white")]


def plot_profit_path(path: ProfitPath, *, ax: Axes | None = None) -> Axes:
    """Draw the profit of each year with the lift and without, and what it comes to in the end.

    Parameters
    ----------
    path
        Result of `profit_path`.
    ax
        Axes to draw on; a new figure when not given.

    Returns
    -------
    Axes
        Years on the x axis and profit on the y axis, as a share of today's.
    """
    with cx_style():
        ax = new_axes(3.6) if ax is None else ax
        quieten(ax)
        ax.set_xlim(float(path.year[0]), float(path.year[-1]))
        last = signed(float(path.uplift[-1])).replace(" ", "\N{NO-BREAK SPACE}")
        name = tr("with the lift ({higher})", higher=last)
        after = Series(name, PALETTE[0], LINES[0], _end(path, path.after))
        before = Series(tr("without"), PALETTE[1], LINES[1], _end(path, path.before))
        _draw_interval(ax, path)
        _draw_line(ax, path, after, "o")
        _draw_line(ax, path, before, "s")
        _draw_limit(ax, path)
        low, high = ax.get_ylim()
        ax.set_ylim(low - 0.04 * (high - low), high + 0.12 * (high - low))
        percents(ax.yaxis)
        ax.locator_params(axis="x", integer=True, nbins=6 if narrow(ax) else 10)
        first = signed(float(path.uplift[1]))
        said = tr("Year (in year 1 it is {higher})", higher=first)
        ax.set_xlabel(said, color=QUIET, fontsize=SIZE)
        title = tr("Profit of a year, today's is 100 %; lift: {lift}", lift=path.asked.lift.words)
        ax.set_title(wrapped(title, 40 if narrow(ax) else 76), loc="left", fontsize=10, color=QUIET)
        label_ends(ax, [after, before])
        attach_alt(ax, _say_path(path), *exact_shares(path.to_frame()))
    return ax


def _end(path: ProfitPath, values: Any) -> tuple[float, float]:  # noqa: ANN401 - an array
    return float(path.year[-1]), float(values[-1])


def _draw_line(ax: Axes, path: ProfitPath, series: Series, marker: str) -> None:
    y = path.after if marker == "o" else path.before
    some = slice(None, None, max(len(y) // MARKS, 1))
    ax.plot(path.year, y, color=series.color, linestyle=series.line, clip_on=False, zorder=3)
    look: dict[str, Any] = {"linestyle": "none", "markersize": 5, "clip_on": False, "zorder": 4}
    face = series.color if marker == "o" else "white"
    ax.plot(path.year[some], y[some], marker, color=series.color, markerfacecolor=face, **look)


def _draw_interval(ax: Axes, path: ProfitPath) -> None:
    lower, upper = path.uplift_ci_lower, path.uplift_ci_upper
    if not np.isfinite(lower).any():
        return
    low, high = (path.before * (1 + end) for end in (lower, upper))
    ax.fill_between(path.year, low, high, color=PALETTE[0], alpha=0.16, linewidth=0)


def _draw_limit(ax: Axes, path: ProfitPath) -> None:
    """Draw the limit where the firm stands still without the lift, so that it is one level."""
    if math.isnan(path.limit) or np.ptp(path.before) > FLAT:
        return
    level = float(path.before[-1]) * (1 + path.limit)
    ax.axhline(level, color=INK, linewidth=1.2, linestyle=LINES[2])
    text = tr("in the long run {higher}", higher=signed(path.limit))
    look: dict[str, Any] = {"textcoords": "offset points", "fontsize": SIZE, "color": INK}
    ax.annotate(text, (float(path.year[0]), level), (6, 5), path_effects=HALO, **look)


def _say_path(path: ProfitPath) -> str:
    return tr("Profit by year, with the lift and without. {sentence}", sentence=path.sentence())
