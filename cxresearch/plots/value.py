"""Figures of lifetime value: what each group brings, with what of it lies beyond the data."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    QUIET,
    attach_alt,
    cx_style,
    folded,
    label_ends,
    money_axis,
    new_axes,
    quieten,
    say_below,
    say_beside,
)
from cxresearch._folding import wrapped
from cxresearch._language import term, tr
from cxresearch._looks import looks
from cxresearch.errors import CxError
from cxresearch.plots.curves import tenure_axis
from cxresearch.plots.projection import MARKERS, draw_forecast, mark_end_of_data
from cxresearch.value._band import Band
from cxresearch.value._lifetime_value import LifetimeValue

Values = LifetimeValue | Iterable[LifetimeValue]
ROW = 0.52  # inches
TICK_ROOM = 30.0  # points
MARKS = 8  # points of a line that are marked, about
MOST_ROWS = 60  # of the table of all points


def plot_lifetime_value(values: Values, *, ax: Axes | None = None) -> Axes:
    """Draw the value of each group with its interval; what lies beyond the data is hatched.

    Parameters
    ----------
    values
        Result of `lifetime_values`, or one or several of its groups.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is no value.
    """
    groups = _groups(values)
    with cx_style():
        ax = new_axes(1.15 + ROW * len(groups)) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        ax.axvline(0, color=QUIET, linewidth=0.9)
        colors = [color for color, _ in looks([group.label for group in groups])]
        for place, (group, color) in enumerate(zip(groups, colors, strict=True)):
            _draw_bar(ax, place, group, color)
        names = [group.name or term(group.population) for group in groups]
        ax.set_yticks(range(len(groups)), [wrapped(name, 18) for name in names])
        ax.set_ylim(len(groups) - 0.5, -0.5)
        money_axis(ax.xaxis)
        say_below(ax, _below_values(groups), letter=4.6)
        attach_alt(ax, _say_values(groups), _values_frame(groups))
    return ax


def plot_contribution(values: Values, *, ax: Axes | None = None) -> Axes:
    """Draw what each month adds to the value, with its interval; dashed beyond the data.

    Parameters
    ----------
    values
        Result of `lifetime_values`, or one or several of its groups.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is no value.
    """
    groups = _groups(values)
    months = [(g.months, g.contribution, g.data_end) for g in groups]
    with cx_style():
        ax = _curves(ax, groups, months)
        since = tr("{Periods} since the answer", Periods=words.sentence_start(_periods(groups[0])))
        ax.set_xlabel(since, labelpad=3)
        period, unit = term(_period(groups[0])), _unit(groups)
        _title(ax, tr("{Unit} per customer and {period}, discounted", Unit=unit, period=period))
        about = tr(
            "Contribution of each month per customer, discounted, with {level} intervals.",
            level=words.level_words(groups[0].confidence_level),
        )
        attach_alt(ax, _say_curves(about, groups, months), _curves_frame(since, groups, months))
    return ax


def plot_value_by_horizon(values: Values, *, ax: Axes | None = None) -> Axes:
    """Draw the value over each horizon with its interval, dashed beyond the data.

    Parameters
    ----------
    values
        Result of `lifetime_values`, or one or several of its groups.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is no value.
    """
    groups = _groups(values)
    horizons = [(np.arange(1, g.horizon + 1), g.by_horizon, g.bills_seen) for g in groups]
    with cx_style():
        ax = _curves(ax, groups, horizons)
        ahead = tr("Horizon, {periods} from the answer on", periods=_periods(groups[0]))
        ax.set_xlabel(ahead, labelpad=3)
        _title(ax, tr("{Unit} per customer up to the horizon, discounted", Unit=_unit(groups)))
        about = tr(
            "Value by horizon per customer, discounted, with {level} intervals.",
            level=words.level_words(groups[0].confidence_level),
        )
        attach_alt(ax, _say_curves(about, groups, horizons), _curves_frame(ahead, groups, horizons))
    return ax


Line = tuple[NDArray[np.int64], Band, int]  # x, y with its ends, last x within the data


def _groups(values: Values) -> list[LifetimeValue]:
    groups = [values] if isinstance(values, LifetimeValue) else list(values)
    if not groups:
        raise CxError(
            "there are 0 values, must be at least 1: every group may have too few customers; "
            "group by fewer columns."
        )
    return groups


def _draw_bar(ax: Axes, place: int, group: LifetimeValue, color: str) -> None:
    look: dict[str, Any] = {"height": 0.56, "edgecolor": color, "linewidth": 1}
    ax.barh(place, group.inside, color=color, **look)
    if group.projected:
        look |= {"left": group.inside, "hatch": "////"}
        ax.barh(place, group.projected, color="white", **look)
    value, lower, upper = group.values
    halo = [patheffects.withStroke(linewidth=3.4, foreground="white")]
    ax.hlines(place, lower, upper, color=INK, linewidth=1.5, path_effects=halo, zorder=3)
    ax.scatter([value], [place], s=16, color=INK, edgecolor="white", linewidth=0.8, zorder=4)
    said = words.money(value, lower, upper, group.prices.currency)
    say_beside(ax, place, folded(ax, said), color)


def _curves(ax: Axes | None, groups: Sequence[LifetimeValue], lines: Sequence[Line]) -> Axes:
    ax = new_axes(3.6) if ax is None else ax
    quieten(ax)
    first, last = int(lines[0][0][0]), int(lines[0][0][-1])
    ax.set_xlim(first, max(last, first + 1))
    series = []
    colors = [color for color, _ in looks([group.label for group in groups])]
    for i, (group, color, line) in enumerate(zip(groups, colors, lines, strict=True)):
        x, y, seen = line
        ax.fill_between(x, y.lower, y.upper, color=color, alpha=0.16, linewidth=0)
        series.append(draw_forecast(ax, x, y.value, seen, (group.name, color, 1.8)))
        if len(groups) > 1:
            _mark(ax, line, color, MARKERS[i % len(MARKERS)])
    bottom = min(0.0, *(float(y.lower.min()) for _, y, _ in lines))
    top = max(float(y.upper.max()) for _, y, _ in lines)
    top = max(top, 0.0) or float(bottom == 0)  # where all is nothing an axis still has a height
    ax.set_ylim(1.1 * bottom, 1.1 * top)  # what stands at the top is not in the bands
    if bottom < 0:
        ax.axhline(0, color=QUIET, linewidth=0.9)
    money_axis(ax.yaxis)
    tenure_axis(ax, (first, last), groups[0].terms.periods_per_year, TICK_ROOM)
    mark_end_of_data(ax, (seen for *_, seen in lines), last)
    label_ends(ax, [s for s in series if s.label])
    return ax


def _mark(ax: Axes, line: Line, color: str, marker: str) -> None:
    """Mark a few points, the last one too, so that lines that cross are told apart in grey."""
    x, y, seen = line
    some = np.arange(len(x) - 1, -1, -max(len(x) // MARKS, 1))
    look: dict[str, Any] = {
        "linestyle": "none",
        "marker": marker,
        "markersize": 4.2,
        "zorder": 3,
        "clip_on": False,
    }
    for inside, face in ((True, color), (False, "white")):
        here = some[(x[some] <= seen) == inside]
        if here.size:  # an empty line that is not clipped would take room of its own
            ax.plot(x[here], y.value[here], color=color, markerfacecolor=face, **look)


def _title(ax: Axes, text: str) -> None:
    ax.set_title(text, loc="left", fontsize=10, color=QUIET)


def _unit(groups: Sequence[LifetimeValue]) -> str:
    return words.money_unit(groups[0].prices.currency, capital=True)


def _period(group: LifetimeValue) -> str:
    return words.period_word(group.terms.periods_per_year)


def _periods(group: LifetimeValue) -> str:
    return words.plural(_period(group), 2)


def _name(group: LifetimeValue) -> str:
    return group.name or words.sentence_start(term(group.population))


def _below_values(groups: Sequence[LifetimeValue]) -> str:
    said = {"Unit": _unit(groups), "span": groups[0].terms.from_answer}
    if any(group.projected for group in groups):
        return tr("{Unit} per customer over {span}, discounted. Hatched: beyond the data.", **said)
    return tr("{Unit} per customer over {span}, discounted.", **said)


def _values_frame(groups: Sequence[LifetimeValue]) -> pd.DataFrame:
    rows = [
        (
            _name(group),
            words.money(*group.values, group.prices.currency),
            words.percent(group.share_beyond_data),
        )
        for group in groups
    ]
    return pd.DataFrame(rows, columns=["group", "lifetime_value", "share_beyond_data"])


def _curves_frame(
    along: str, groups: Sequence[LifetimeValue], lines: Sequence[Line]
) -> pd.DataFrame:
    """Return every point of short lines; of long ones whole years and the last point."""
    rows = []
    year = groups[0].terms.periods_per_year
    step = 1 if sum(len(x) for x, *_ in lines) <= MOST_ROWS else year
    for group, (x, y, seen) in zip(groups, lines, strict=True):
        for i in (i for i, at in enumerate(x) if at % step == 0 or i in (0, len(x) - 1)):
            known = tr("within the data") if x[i] <= seen else tr("beyond the data")
            value, lower, upper = (float(end[i]) for end in y)
            amount = words.money(value, lower, upper, group.prices.currency)
            rows.append((_name(group), int(x[i]), known, amount))
    return pd.DataFrame(rows, columns=["group", along, "reach", "value"])


def _say_values(groups: Sequence[LifetimeValue]) -> str:
    about = tr(
        "Value per customer over {span}, with {level} intervals.",
        span=groups[0].terms.from_answer,
        level=words.level_words(groups[0].confidence_level),
    )
    return words.sentences([about, *(_say_value(group) for group in groups)])


def _say_value(group: LifetimeValue) -> str:
    said = {"name": _name(group), "amount": words.money(*group.values, group.prices.currency)}
    if math.isnan(group.share_beyond_data):
        return tr("{name}: {amount}.", **said)
    share = words.percent(group.share_beyond_data)
    return tr("{name}: {amount}, {share} of it beyond the data.", **said, share=share)


def _say_curves(about: str, groups: Sequence[LifetimeValue], lines: Sequence[Line]) -> str:
    said = [about]
    for group, line in zip(groups, lines, strict=True):
        ends = [_say_point(group, line, i) for i in sorted({0, len(line[0]) - 1})]
        said.append(tr("{name}: {said}.", name=_name(group), said=words.and_list(ends)))
    return words.sentences(said)


def _say_point(group: LifetimeValue, line: Line, i: int) -> str:
    x, y, seen = line
    value, lower, upper = (float(end[i]) for end in y)
    said = {
        "amount": words.money(value, lower, upper, group.prices.currency),
        "period": term(_period(group)),
        "t": x[i],
    }
    if x[i] > seen:
        return tr("{amount} at {period} {t}, beyond the data", **said)
    return tr("{amount} at {period} {t}", **said)
