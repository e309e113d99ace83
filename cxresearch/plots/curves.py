"""Figures: results in, Axes out. Nothing is estimated here.

Every figure is drawn in one quiet style without touching global settings, names its groups
at the line itself, can be read in greyscale, and carries a text alternative (`alt_text`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    Series,
    at_risk_rows,
    attach_alt,
    cx_style,
    label_ends,
    new_axes,
    percent_axis,
    quieten,
    size_in_points,
)
from cxresearch._folding import wrapped
from cxresearch._language import mark, term, tr
from cxresearch._looks import PALETTE, looks
from cxresearch._reasons import reason_words
from cxresearch._retention_curve import RetentionCurve
from cxresearch.errors import CxError
from cxresearch.exclusions import Waterfall
from cxresearch.retention import RetentionCurves

__all__ = ["plot_retention", "plot_waterfall"]

Curves = RetentionCurves | RetentionCurve | Mapping[str, RetentionCurve] | Iterable[RetentionCurve]
AXES = (
    mark("Years as a customer"),
    mark("Quarters as a customer"),
    mark("Months as a customer"),
    mark("Weeks as a customer"),
    mark("Days as a customer"),
    mark("Periods as a customer"),
)


def plot_retention(curves: Curves, *, ax: Axes | None = None) -> Axes:
    """Draw retention curves with their intervals, and the customers at risk below.

    Parameters
    ----------
    curves
        Result of `retention_curves`, one or several of its curves, or a mapping of labels to
        curves.
    ax
        Axes to draw on; a new figure when not given. Room is needed at the right for names
        and below for the customers at risk: take `layout="constrained"`.

    Returns
    -------
    Axes
        With shares 0–1 on the y axis and tenure on the x axis; `alt_text(ax)` says in words
        what is shown.

    Raises
    ------
    CxError
        When there is no curve.
    """
    named = _named(curves)
    with cx_style():
        ax = new_axes(3.7 + 0.17 * len(named)) if ax is None else ax
        quieten(ax)
        series = [
            _draw_curve(ax, label, curve, look)
            for (label, curve), look in zip(named.items(), looks(list(named)), strict=True)
        ]
        _tenure_axis(ax, list(named.values()))
        population = words.sentence_start(term(next(iter(named.values())).population))
        rows = [_at_risk(curve, ax.get_xticks()) for curve in named.values()]
        at_risk_rows(ax, series, rows, tr("{Population} at risk", Population=population))
        label_ends(ax, [s for s in series if s.label])
        attach_alt(ax, _say_curves(named), retention_numbers(named))
    return ax


def plot_waterfall(waterfall: Waterfall, *, ax: Axes | None = None) -> Axes:
    """Draw who is in the extract, who is left out for which reason, and who is used.

    Parameters
    ----------
    waterfall
        Result of `customer_waterfall` or `answer_waterfall`.
    ax
        Axes to draw on; a new figure when not given.
    """
    steps = [(tr("in the extract"), 0, waterfall.total)]
    left = waterfall.total
    for reason, count in waterfall.left_out.items():
        left -= count
        steps.append((tr("less: {reason}", reason=reason_words(reason)), left, count))
    steps.append((tr("used"), 0, waterfall.used))
    with cx_style():
        ax = new_axes(0.9 + 0.42 * len(steps)) if ax is None else ax
        quieten(ax)
        _draw_steps(ax, steps)
        ax.set_xlim(0, max(waterfall.total, 1) * 1.12)
        ax.set_xlabel(words.sentence_start(term(waterfall.what)))
        attach_alt(ax, waterfall.sentence(), waterfall.to_frame())
    return ax


def _draw_steps(ax: Axes, steps: Sequence[tuple[str, int, int]]) -> None:
    places = range(len(steps))
    losses = range(1, len(steps) - 1)
    colors = [PALETTE[place in losses] for place in places]
    ax.barh(places, [n for *_, n in steps], left=[low for _, low, _ in steps], color=colors)
    ax.set_yticks(places, [wrapped(label, 26) for label, *_ in steps])
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.xaxis.set_major_formatter(lambda count, _: f"{count:,.0f}")
    for place, (_, low, count) in enumerate(steps):
        sign = "−" if place in losses else ""
        ax.annotate(
            f"{sign}{count:,}",
            (low + count, place),
            (4, 0),
            textcoords="offset points",
            va="center",
        )


def _named(curves: Curves) -> dict[str, RetentionCurve]:
    if isinstance(curves, RetentionCurve):
        curves = [curves]
    if not isinstance(curves, Mapping):
        curves = {curve.label: curve for curve in curves}
    if not curves:
        raise CxError(
            "there are 0 curves, must be at least 1: every group may be too small; group by "
            "fewer columns."
        )
    return dict(curves)


def _draw_curve(ax: Axes, label: str, curve: RetentionCurve, look: tuple[str, Any]) -> Series:
    color, line = look
    x = np.concatenate([curve.tenure[:1], curve.tenure])
    y, low, high = (
        np.concatenate([[1.0], end])
        for end in (curve.retained, curve.retained_ci_lower, curve.retained_ci_upper)
    )
    ax.fill_between(x, low, high, step="post", color=color, alpha=0.14, linewidth=0)
    ax.step(x, y, where="post", color=color, linestyle=line, label=label)
    return Series(label, color, line, (float(x[-1]), float(y[-1])))


def _tenure_axis(ax: Axes, curves: Sequence[RetentionCurve]) -> None:
    first, last = min(c.start for c in curves), max(c.longest for c in curves)
    length = max(last - first, 1)
    ax.set_xlim(first, first + 1.012 * length)  # the last step and the top line stay visible
    ax.set_ylim(0, 1.015)
    percent_axis(ax)
    tenure_axis(ax, (first, last), curves[0].periods_per_year, room_for_counts(curves))
    ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])


def tenure_axis(ax: Axes, ends: tuple[int, int], per_year: int, width: float) -> None:
    """Name the axis of tenure and set ticks that each have `width` points of room."""
    unit = words.period_word(per_year).capitalize()
    ax.set_xlabel(term(f"{unit}s as a customer"), labelpad=3)
    room = max(2, int(size_in_points(ax)[0] * 0.8 // width))
    ax.set_xticks(tenure_ticks(*ends, per_year, room))


def room_for_counts(curves: Sequence[RetentionCurve]) -> float:
    """Return the points that the longest number of customers at risk takes."""
    longest = max(len(words.number(float(c.at_risk.max()))) for c in curves)
    return 5.2 * longest + 10


def at_risk_by_tenure(curve: RetentionCurve) -> dict[float, float]:
    """Return who is at risk, as it stands below a curve."""
    at = dict(zip(curve.tenure.tolist(), curve.at_risk.tolist(), strict=True))
    # at its start a curve stands on those who are at risk in the first month after it
    at[curve.start] = at.get(curve.start + 1, at[curve.start]) if curve.start else at[0]
    return at


def tenure_ticks(first: int, last: int, per_year: int, room: int) -> list[int]:
    """Return at most about `room` ticks that fall on whole years, or on even parts of one."""
    parts = [d for d in (1, 2, 3, 6, 13, 26) if per_year % d == 0 and d < per_year]
    steps = [*parts, *(per_year * k for k in (1, 2, 3, 5, 10, 20, 50))]
    step = next((s for s in steps if (last - first) / s <= min(room, 9)), steps[-1])
    inside = [t for t in range(0, last + 1, step) if t >= first]
    # the start itself is a tick when it does not crowd the next one
    return inside if inside and inside[0] - first < step / 2 else [first, *inside]


def _at_risk(curve: RetentionCurve, ticks: Iterable[float]) -> list[str]:
    at = at_risk_by_tenure(curve)
    beyond = f"<{curve.cut_below}" if curve.cut_below else "0"
    if curve.refills:
        beyond = words.MISSING  # more are at risk again, but the curve has ended
    texts = {tick: words.number(float(at[tick])) if tick in at else beyond for tick in ticks}
    return ["" if tick < curve.start else text for tick, text in texts.items()]


def _say_curves(named: Mapping[str, RetentionCurve]) -> str:
    first = next(iter(named.values()))
    about = {
        "level": words.level_words(first.confidence_level),
        "unit": words.plural(words.period_word(first.periods_per_year), 2),
    }
    title = tr("Retention curve with {level} interval, by {unit} as a customer.", **about)
    if len(named) > 1:
        title = tr("Retention curves with {level} intervals, by {unit} as a customer.", **about)
    return words.sentences([title, *say_shares(named)])


def say_shares(named: Mapping[str, RetentionCurve]) -> list[str]:
    """Return for each curve what share is retained at its first, middle and last whole year."""
    return [
        tr(
            "{Whom}: {shares}.",
            Whom=label or words.sentence_start(term(curve.population)),
            shares=_shares(curve),
        )
        for label, curve in named.items()
    ]


def retention_numbers(named: Mapping[str, RetentionCurve]) -> pd.DataFrame:
    """Return the curves at their whole years and their ends, as many rows as can be read."""
    frames = []
    for label, curve in named.items():
        frame = curve.summary([*curve.years, curve.longest])
        if label and not curve.group:
            frame.insert(0, "group", label)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True)


def _shares(curve: RetentionCurve) -> str:
    unit = words.period_word(curve.periods_per_year)
    shown = dict.fromkeys((curve.years[0], curve.years[len(curve.years) // 2], curve.years[-1]))
    said = []
    for tenure in shown:
        f = curve.at(tenure)
        share = words.percent_interval(
            *(float("nan") if x is None else x for x in (f.value, f.ci_lower, f.ci_upper))
        )
        after = words.counted(tenure, unit)
        said.append(tr("{share} retained after {tenure}", share=share, tenure=after))
    return words.and_list(said)
