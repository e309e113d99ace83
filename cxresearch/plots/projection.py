"""Figures of projected retention: solid within the data, dashed beyond them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    QUIET,
    SMALL,
    Series,
    attach_alt,
    cx_style,
    label_ends,
    new_axes,
    percent_axis,
    quieten,
)
from cxresearch._language import term, tr
from cxresearch._looks import PALETTE, looks
from cxresearch.errors import CxError
from cxresearch.plots._projection_words import (
    group_name,
    projections_frame,
    rates_frame,
    say_projections,
    say_rates,
)
from cxresearch.plots.curves import tenure_axis
from cxresearch.projection._forecast import COMBINED, ModelCurve, curve_name
from cxresearch.projection._projected import Projection

Projected = Projection | Iterable[Projection]
MARKERS = ("o", "s", "^", "D", "v", "P")
DASHED = (0, (4, 2))
POINTS = 25  # observed shares that are drawn at most


def plot_projection(projected: Projected, *, ax: Axes | None = None) -> Axes:
    """Draw projected retention with its band, dashed where it goes beyond the data.

    Points are what was observed; those that were not fitted are hollow. With one group each
    model has a line of its own; with several, all models together are drawn for each group.

    Parameters
    ----------
    projected
        Result of `projections`, or one or several of its groups.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is no projection.
    """
    groups = _groups(projected)
    with cx_style():
        ax = new_axes(3.8) if ax is None else ax
        quieten(ax)
        _tenure_axis(ax, groups)
        ax.set_ylim(0, 1.015)
        ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1])
        series = _lines(ax, groups, "retained")
        for group, (color, marker) in zip(groups, _marks(groups), strict=True):
            _observed(ax, group, color, marker)
        _end_of_data(ax, groups)
        label_ends(ax, [s for s in series if s.label])
        attach_alt(ax, say_projections(groups), projections_frame(groups))
    return ax


def plot_retention_rates(projected: Projected, *, ax: Axes | None = None) -> Axes:
    """Draw the retention rate of each period after the models, and as observed with whiskers.

    Parameters
    ----------
    projected
        Result of `projections`, or one or several of its groups.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is no projection.
    """
    groups = _groups(projected)
    with cx_style():
        ax = new_axes(3.6) if ax is None else ax
        quieten(ax)
        _tenure_axis(ax, groups)
        series = _lines(ax, groups, "retention_rate")
        for i, (group, (color, marker)) in enumerate(zip(groups, _marks(groups), strict=True)):
            _observed_rates(ax, group, color, marker, 0.12 * (i - (len(groups) - 1) / 2))
        low, _ = ax.get_ylim()
        ax.set_ylim(max(low, 0), 1.0)
        percent_axis(ax)
        _end_of_data(ax, groups)
        unit = term(words.period_word(groups[0].observed.periods_per_year))
        title = tr("Retention rate per {unit}", unit=unit)
        ax.set_title(title, loc="left", fontsize=10, color=QUIET)
        label_ends(ax, [s for s in series if s.label])
        attach_alt(ax, say_rates(groups), rates_frame(groups))
    return ax


def _groups(projected: Projected) -> list[Projection]:
    groups = [projected] if isinstance(projected, Projection) else list(projected)
    if not groups:
        raise CxError(
            "there are 0 projections, must be at least 1: every group may have too few who left; "
            "group by fewer columns."
        )
    return groups


def _marks(groups: Sequence[Projection]) -> list[tuple[str, str]]:
    colors = [color for color, _ in looks([group.label for group in groups])]
    return [(color, MARKERS[i % len(MARKERS)]) for i, color in enumerate(colors)]


def _lines(ax: Axes, groups: Sequence[Projection], what: str) -> list[Series]:
    if len(groups) > 1:
        drawn = zip(groups, _marks(groups), strict=True)
        return [_line(ax, g, (g[COMBINED], group_name(g), color), what) for g, (color, _) in drawn]
    (group,) = groups
    single = [curve for curve in group.curves if curve.model != COMBINED]
    colors = (*PALETTE[1:4],)
    series = [
        _line(ax, group, (curve, curve_name(curve.model), color), what, wide=False)
        for curve, color in zip(single, colors, strict=False)
    ]
    all_of_them = (group[COMBINED], curve_name(COMBINED), PALETTE[0])
    return [_line(ax, group, all_of_them, what), *series]


def _line(
    ax: Axes,
    group: Projection,
    drawn: tuple[ModelCurve, str, str],
    what: str,
    *,
    wide: bool = True,
) -> Series:
    """Draw one curve: solid up to where the data end, dashed beyond; the band if it is `wide`."""
    curve, label, color = drawn
    x, y = curve.tenure, getattr(curve, what)
    if wide:
        ends = (getattr(curve, f"{what}_ci_lower"), getattr(curve, f"{what}_ci_upper"))
        ax.fill_between(x, *ends, color=color, alpha=0.16, linewidth=0)
    return draw_forecast(ax, x, y, group.longest, (label, color, 1.8 if wide else 1.0))


def draw_forecast(
    ax: Axes, x: NDArray[Any], y: NDArray[Any], longest: int, look: tuple[str, str, float]
) -> Series:
    """Draw a line that is solid up to where the data end, and dashed beyond.

    `look` is its label, its colour and its width.
    """
    label, color, width = look
    inside = x <= longest
    ax.plot(x[inside], y[inside], color=color, linewidth=width, label=label)
    beyond = ~inside | (x == longest)  # joined to the end of the solid part
    ax.plot(x[beyond], y[beyond], color=color, linewidth=width, linestyle=DASHED)
    return Series(label, color, "-", (float(x[-1]), float(y[-1])))


def _observed(ax: Axes, group: Projection, color: str, marker: str) -> None:
    observed = group.observed
    every = max(1, -(-len(observed.tenure) // POINTS))
    shown = np.arange(len(observed.tenure)) % every == 0
    for fitted, face in ((True, color), (False, "white")):
        here = shown & ((observed.tenure <= group.fitted_until) == fitted)
        here &= observed.tenure <= group.horizon
        ax.plot(
            observed.tenure[here],
            observed.retained[here],
            linestyle="none",
            marker=marker,
            markersize=3.8,
            color=color,
            markerfacecolor=face,
            zorder=3,
        )


def _observed_rates(ax: Axes, group: Projection, color: str, marker: str, shift: float) -> None:
    rates = group.observed_rates()
    x = rates["tenure"].to_numpy(float) + shift * float(rates["periods"].iloc[0])
    y, low, high = (
        rates[f"retention_rate{end}"].to_numpy(float) for end in ("", "_ci_lower", "_ci_upper")
    )
    style: dict[str, Any] = {"markersize": 4, "elinewidth": 1.1, "capsize": 2}
    ax.errorbar(x, y, yerr=[y - low, high - y], fmt=marker, color=color, zorder=3, **style)


def _tenure_axis(ax: Axes, groups: Sequence[Projection]) -> None:
    first, last = min(g.start for g in groups), max(g.horizon for g in groups)
    ax.set_xlim(first, last)
    percent_axis(ax)
    tenure_axis(ax, (first, last), groups[0].observed.periods_per_year, 30)


def _end_of_data(ax: Axes, groups: Sequence[Projection]) -> None:
    mark_end_of_data(ax, (g.longest for g in groups), max(g.horizon for g in groups))


def mark_end_of_data(ax: Axes, ends: Iterable[int], last: int) -> None:
    """Mark where extrapolation begins; with several ends, the first of them."""
    end = min(ends)
    if end >= last:
        return
    ax.axvline(end, color=QUIET, linewidth=0.8, linestyle=(0, (1, 2)), zorder=1)
    ax.annotate(
        tr("extrapolated →"),
        (end, 1),
        (4, -2),
        xycoords=ax.get_xaxis_transform(),
        textcoords="offset points",
        va="top",
        fontsize=SMALL,
        color=QUIET,
    )
