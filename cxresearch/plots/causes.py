"""Figures of churn by recorded reason: where the customers are, and each reason by itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    PALETTE,
    QUIET,
    Series,
    at_risk_rows,
    attach_alt,
    cx_style,
    label_ends,
    looks,
    new_axes,
    percent_axis,
    quieten,
)
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
    label: str
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
        _hundred(ax, f"Where 100 {incidence.curve.population} are")
        label_ends(ax, series)
        attach_alt(ax, _say_layers(incidence, layers))
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
        what = f"Left, {recorded(cause)}" if cause else _by_reason(len(lines), groups[0])
        _title(ax, what)
        keys = series if len(curves) > 1 else [Series("", QUIET, "-", (0, 0))]
        rows = [_at_risk(curve, ax.get_xticks()) for curve in curves]
        at_risk_rows(ax, keys, rows, f"{curves[0].population.capitalize()} at risk")
        label_ends(ax, [s for s in series if s.label])
        attach_alt(ax, _say_lines(what, lines))
    return ax


def _layers(incidence: CumulativeIncidence) -> Layers:
    """Return the shares from below: still there, then the reasons from the most frequent."""
    shares = incidence.cumulative_incidence
    order = [int(k) for k in np.argsort(-shares[:, -1], kind="stable")]
    own = order if len(order) <= MOST else order[: MOST - 1]
    layers = [("still there", incidence.curve.retained)]
    layers += [(incidence.causes[k], shares[k]) for k in own]
    rest = order[len(own) :]
    return layers + ([("all other reasons", shares[rest].sum(axis=0))] if rest else [])


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
        text = f"{_cut(_short(label))}: {_of_hundred(float(share[-1]))}"
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
        return [_line(group, cause, group.curve.label) for group in groups]
    most = MOST if len(groups[0].causes) <= MOST else MOST - 1  # the last one may be of the rest
    layers = [label for label, _ in _layers(groups[0])[1 : most + 1]]
    return [_line(groups[0], label, _short(label)) for label in layers]


def _by_reason(drawn: int, group: CumulativeIncidence) -> str:
    """Return the title; it says so where rare reasons are not drawn."""
    every = len(group.causes)
    most = f" (the {drawn} most frequent of {every})" if drawn < every else ""
    return f"Left, by recorded reason{most}"


def _line(group: CumulativeIncidence, cause: str, label: str) -> _Line:
    group.at(cause, group.curve.longest)  # names the reasons there are when it is none of them
    k = group.causes.index(cause)
    arrays = (
        group.cumulative_incidence,
        group.cumulative_incidence_ci_lower,
        group.cumulative_incidence_ci_upper,
    )
    share, lower, upper = (array[k] for array in arrays)
    return _Line(label, (share, lower, upper), group.curve)


def _draw(ax: Axes, line: _Line, look: tuple[str, Any]) -> Series:
    color, style = look
    tenure = line.curve.tenure
    x = np.concatenate([tenure[:1], tenure])
    y, low, high = (np.concatenate([[0.0], end]) for end in line.values)
    ax.fill_between(x, low, high, step="post", color=color, alpha=0.14, linewidth=0)
    ax.step(x, y, where="post", color=color, linestyle=style, label=line.label)
    return Series(line.label, color, style, (float(x[-1]), float(y[-1])))


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
    return "no reason recorded" if cause == NOT_RECORDED else cause


def _cut(label: str) -> str:
    """Shorten a long name, so that the number behind it stays."""
    return label if len(label) <= LONGEST else f"{label[: LONGEST - 1].rstrip()}…"


def _of_hundred(share: float) -> str:
    return "under 1" if 0 < share < 0.005 else words.number(100 * share)


def _say_layers(incidence: CumulativeIncidence, layers: Layers) -> str:
    curve = incidence.curve
    parts = [
        f"After {periods(curve, t)}: "
        + words.and_list(f"{_short(label)} {_of_hundred(float(s[t - curve.start]))}"
                         for label, s in layers)
        + "."
        for t in dict.fromkeys((curve.years[0], curve.years[len(curve.years) // 2], curve.longest))
    ]  # fmt: skip
    head = f"Where 100 {whom(curve)} are, by {words.period_word(curve.periods_per_year)} of tenure."
    return " ".join([head, *parts])


def _say_lines(what: str, lines: Sequence[_Line]) -> str:
    level = words.level_words(lines[0].curve.confidence_level)
    said = []
    for label, values, curve in lines:
        t = curve.years[-1]
        share = words.percent_interval(*(float(end[t - curve.start]) for end in values))
        name = label or curve.population.capitalize()
        said.append(f"{name}: {share} after {periods(curve, t)}.")
    return " ".join([f"{what}, with {level} intervals.", *said])
