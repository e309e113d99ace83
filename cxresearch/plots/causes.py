"""Figures of churn by recorded reason: where the customers are, and each reason by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    QUIET,
    Series,
    at_risk_rows,
    attach_alt,
    cx_style,
    label_ends,
    new_axes,
    percent_axis,
    quieten,
)
from cxresearch._folding import cut
from cxresearch._language import term, tr
from cxresearch._looks import PALETTE, looks
from cxresearch._retention_curve import RetentionCurve
from cxresearch.cause_table import NOT_RECORDED
from cxresearch.causes._cause_words import periods, recorded, whom
from cxresearch.causes.cumulative_incidence import CumulativeIncidence
from cxresearch.errors import CxError
from cxresearch.plots.curves import at_risk_by_tenure, room_for_counts, tenure_axis

__all__ = ["plot_causes", "plot_incidence"]

MOST = 5  # causes with an area of their own; the smaller ones share one
STILL = "#B9C4CC"  # grey that stays apart from every fill in greyscale
LONGEST = 26  # letters of a name that has a number behind it
HATCHES = ("///", "...", "\\\\\\", "xxx", "---", "+++")


Layers = Sequence[tuple[str, NDArray[np.float64]]]  # shares by name, from the bottom up


class _Line(NamedTuple):
    label: str  # as the data have it, which the look goes by
    name: str
    values: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    curve: RetentionCurve


def plot_causes(incidence: CumulativeIncidence, *, ax: Axes | None = None) -> Axes:
    """Draw where 100 customers are after each period: still there, or left with which reason.

    Parameters
    ----------
    incidence
        One result of `cumulative_incidence`.
    ax
        Axes to draw on; a new figure when not given.

    Returns
    -------
    Axes
        With stacked shares that add up to 1 at each tenure; `alt_text(ax)` says in words what
        is shown.
    """
    layers = _layers(incidence)
    with cx_style():
        ax = new_axes(3.6) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        series = _stack(ax, incidence.curve, layers)
        _tenure_axis(ax, [incidence.curve])
        everybody = term(incidence.curve.population)
        _hundred(ax, tr("Where 100 {whom} are", whom=everybody))
        label_ends(ax, series)
        attach_alt(ax, _say_layers(incidence, layers), _layers_frame(incidence.curve, layers))
    return ax


def plot_incidence(
    incidences: CumulativeIncidence | Iterable[CumulativeIncidence],
    *,
    cause: str = "",
    ax: Axes | None = None,
) -> Axes:
    """Draw the share that has left with each reason, with its interval.

    Parameters
    ----------
    incidences
        One result, for a line per reason, or several groups and a `cause`, for a line per group.
    cause
        The reason to compare groups by; needed for more than one group.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw, or several groups and no cause.
    """
    groups = [incidences] if isinstance(incidences, CumulativeIncidence) else list(incidences)
    lines = _lines(groups, cause)
    with cx_style():
        curves = list({id(line.curve): line.curve for line in lines}.values())
        ax = new_axes(3.5 + 0.17 * len(curves)) if ax is None else ax
        quieten(ax)
        styles = looks([line.label for line in lines])
        series = [_draw(ax, line, look) for line, look in zip(lines, styles, strict=True)]
        _tenure_axis(ax, curves)
        ax.set_ylim(0, 1.08 * max(float(line.values[2].max()) for line in lines) or 1)
        what = _by_reason(len(lines), groups[0])
        if cause:
            what = tr("Left, {recorded}", recorded=recorded(cause))
        _title(ax, what)
        keys = series if len(curves) > 1 else [Series("", QUIET, "-", (0, 0))]
        rows = [_at_risk(curve, ax.get_xticks()) for curve in curves]
        everybody = words.sentence_start(term(curves[0].population))
        at_risk_rows(ax, keys, rows, tr("{Whom} at risk", Whom=everybody))
        label_ends(ax, [s for s in series if s.label])
        attach_alt(ax, _say_lines(what, lines), _lines_frame(lines, by_group=bool(cause)))
    return ax


def _layers(incidence: CumulativeIncidence) -> Layers:
    """Return the shares from below: still there, then the reasons from the most frequent."""
    shares, order = incidence.cumulative_incidence, _order(incidence)
    own = order if len(order) <= MOST else order[: MOST - 1]
    layers = [(tr("still there"), incidence.curve.retained)]
    layers += [(_short(incidence.causes[k]), shares[k]) for k in own]
    rest = order[len(own) :]
    return layers + ([(tr("all other reasons"), shares[rest].sum(axis=0))] if rest else [])


def _order(incidence: CumulativeIncidence) -> list[int]:
    """Return the positions of the reasons, the most frequent one first."""
    last = incidence.cumulative_incidence[:, -1]
    return [int(k) for k in np.argsort(-last, kind="stable")]


def _stack(ax: Axes, curve: RetentionCurve, layers: Layers) -> list[Series]:
    # everybody is still there at the first edge; the last share is seen a little beyond its period
    x = np.concatenate([curve.tenure[:1], curve.tenure, [_right([curve])]])
    below, found = np.zeros(len(x)), []
    for i, (label, share) in enumerate(layers):
        above = below + np.concatenate([[float(i == 0)], share, share[-1:]])
        color = PALETTE[(i - 1) % len(PALETTE)] if i else STILL
        fill = {"facecolor": STILL} if not i else _hatched(color, i - 1)
        ax.fill_between(x, below, above, step="post", linewidth=0, **fill)
        ax.step(x, above, where="post", color="white" if not i else color, linewidth=0.8)
        middle = float(below[-1] + above[-1]) / 2
        text = tr(
            "{name}: {number}", name=cut(label, LONGEST), number=_of_hundred(float(share[-1]))
        )
        found.append(Series(text, color if i else QUIET, "-", (float(x[-1]), middle)))
        below = above
    return found


def _hatched(color: str, i: int) -> dict[str, Any]:
    return {"facecolor": f"{color}30", "edgecolor": color, "hatch": HATCHES[i % len(HATCHES)]}


def _lines(groups: Sequence[CumulativeIncidence], cause: str) -> list[_Line]:
    if not groups or not groups[0].causes:
        raise CxError(
            "there are 0 shares to draw, must be at least 1: every group may be too small; group "
            "by fewer columns."
        )
    if not cause and len(groups) > 1:
        raise CxError(
            f"there are {len(groups)} groups and no cause, must be one of each kind: name one of "
            f"{', '.join(groups[0].causes)}, or draw one group."
        )
    if cause:
        return [_line(g, cause, g.curve.label, words.group_name(g.group)) for g in groups]
    most = MOST if len(groups[0].causes) <= MOST else MOST - 1  # the last one may be of the rest
    shown = [groups[0].causes[k] for k in _order(groups[0])[:most]]
    return [_line(groups[0], label, label, _short(label)) for label in shown]


def _by_reason(drawn: int, group: CumulativeIncidence) -> str:
    """Return the title; it says so where rare reasons are not drawn."""
    every = len(group.causes)
    if drawn == every:
        return tr("Left, by recorded reason")
    return tr("Left, by recorded reason (the {n} most frequent of {every})", n=drawn, every=every)


def _line(group: CumulativeIncidence, cause: str, label: str, name: str) -> _Line:
    group.at(cause, group.curve.longest)  # names the reasons there are when it is none of them
    k = group.causes.index(cause)
    arrays = (
        group.cumulative_incidence,
        group.cumulative_incidence_ci_lower,
        group.cumulative_incidence_ci_upper,
    )
    share, lower, upper = (array[k] for array in arrays)
    return _Line(label, name, (share, lower, upper), group.curve)


def _draw(ax: Axes, line: _Line, look: tuple[str, Any]) -> Series:
    color, style = look
    tenure = line.curve.tenure
    x = np.concatenate([tenure[:1], tenure])
    y, low, high = (np.concatenate([[0.0], end]) for end in line.values)
    ax.fill_between(x, low, high, step="post", color=color, alpha=0.14, linewidth=0)
    ax.step(x, y, where="post", color=color, linestyle=style, label=line.name)
    return Series(line.name, color, style, (float(x[-1]), float(y[-1])))


def _tenure_axis(ax: Axes, curves: Sequence[RetentionCurve]) -> None:
    first, last = min(c.start for c in curves), max(c.longest for c in curves)
    ax.set_xlim(first, _right(curves))
    percent_axis(ax)
    tenure_axis(ax, (first, last), curves[0].periods_per_year, room_for_counts(curves))


def _right(curves: Sequence[RetentionCurve]) -> float:
    """Return the right edge of the axis: the last step stays visible."""
    first, last = min(c.start for c in curves), max(c.longest for c in curves)
    return first + 1.012 * max(last - first, 1)


def _hundred(ax: Axes, title: str) -> None:
    ax.set_ylim(0, 1)
    ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
    ax.yaxis.set_major_formatter(lambda share, _: f"{100 * share:.6g}")
    _title(ax, title)


def _title(ax: Axes, title: str) -> None:
    ax.set_title(title, loc="left", fontsize=10, color=QUIET)


def _at_risk(curve: RetentionCurve, ticks: Iterable[float]) -> list[str]:
    at = at_risk_by_tenure(curve)
    return [words.number(float(at[t])) if t in at else words.MISSING for t in ticks]


def _short(cause: str) -> str:
    return tr("no reason recorded") if cause == NOT_RECORDED else words.label_words("cause", cause)


def _of_hundred(share: float) -> str:
    return tr("under 1") if 0 < share < 0.005 else words.number(100 * share)


def _say_layers(incidence: CumulativeIncidence, layers: Layers) -> str:
    curve = incidence.curve
    head = tr(
        "Where 100 {whom} are, by {period} of tenure.",
        whom=whom(curve),
        period=term(words.period_word(curve.periods_per_year)),
    )
    shown = dict.fromkeys((curve.years[0], curve.years[len(curve.years) // 2], curve.longest))
    return words.sentences([head, *(_say_layers_at(curve, layers, t) for t in shown)])


def _say_layers_at(curve: RetentionCurve, layers: Layers, tenure: int) -> str:
    i = tenure - curve.start
    parts = (
        tr("{name} {number}", name=name, number=_of_hundred(float(share[i])))
        for name, share in layers
    )
    return tr(
        "After {tenure}: {parts}.", tenure=periods(curve, tenure), parts=words.and_list(parts)
    )


def _say_lines(what: str, lines: Sequence[_Line]) -> str:
    level = words.level_words(lines[0].curve.confidence_level)
    said = [tr("{what}, with {level} intervals.", what=what, level=level)]
    for line in lines:
        t = line.curve.years[-1]
        ends = (float(end[t - line.curve.start]) for end in line.values)
        everybody = words.sentence_start(term(line.curve.population))
        said.append(
            tr(
                "{name}: {share} after {tenure}.",
                name=line.name or everybody,
                share=words.percent_interval(*ends),
                tenure=periods(line.curve, t),
            )
        )
    return words.sentences(said)


def _layers_frame(curve: RetentionCurve, layers: Layers) -> pd.DataFrame:
    rows = [
        {
            "reason": name,
            "tenure": periods(curve, t),
            "of_100": _of_hundred(float(share[t - curve.start])),
        }
        for name, share in layers
        for t in dict.fromkeys((*curve.years, curve.longest))
    ]
    return pd.DataFrame(rows)


def _lines_frame(lines: Sequence[_Line], *, by_group: bool) -> pd.DataFrame:
    ends = ("share", "share_ci_lower", "share_ci_upper")
    rows = []
    for line in lines:
        curve = line.curve
        for t in dict.fromkeys((*curve.years, curve.longest)):
            values = (float(end[t - curve.start]) for end in line.values)
            named = {"group" if by_group else "reason": line.name} if line.name else {}
            shares = dict(zip(ends, values, strict=True))
            rows.append({**named, "tenure": periods(curve, t), **shares})
    return pd.DataFrame(rows)
