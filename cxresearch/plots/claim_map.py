"""The map of the claim: base retention against discount rate, where it holds, and where we are."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.contour import QuadContourSet
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import GRID, INK, QUIET, attach_alt, bold, cx_style, narrow, new_axes, quieten
from cxresearch._folding import wrapped
from cxresearch._language import tr
from cxresearch._looks import PALETTE
from cxresearch.plots._signed import percents, signed
from cxresearch.roi.claim_map import ClaimMap, own_words
from cxresearch.roi.economics import concept_name

OTHER_LEVELS: Final = (0.05, 0.10, 0.50, 1.0, math.inf)
HOLDS: Final = "#CFE3F1"
SIZE: Final = 9.5
PAGE: Final[dict[str, Any]] = {"facecolor": "white", "edgecolor": "none", "pad": 1.5, "alpha": 0.9}
HALO: Final = [patheffects.withStroke(linewidth=3, foreground="white")]


def plot_claim_map(found: ClaimMap, *, ax: Axes | None = None) -> Axes:
    """Draw where the claim holds: hatched, with its edge labelled, and the company's own point.

    Parameters
    ----------
    found
        Result of `claim_map`.
    ax
        Axes to draw on; a new figure when not given.

    Returns
    -------
    Axes
        Base retention on the x axis and the discount rate on the y axis, both as shares.
    """
    with cx_style():
        ax = new_axes(4.4) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        _axes(ax, found)
        _impossible(ax, found)
        _region(ax, found)
        _contours(ax, found)
        _own(ax, found)
        ax.set_title(_title(found, narrow(ax)), loc="left", fontsize=10, color=QUIET)
        attach_alt(ax, _say(found), *_numbers(found))
    return ax


def _title(found: ClaimMap, thin: bool) -> str:
    claim = words.sentence_start(found.lift.words)
    what = concept_name(found.concept, found.year)
    title = tr("{Claim}: how much higher is {what}?", Claim=claim, what=what)
    return wrapped(title, 38 if thin else 76)


def _axes(ax: Axes, found: ClaimMap) -> None:
    ax.set_xlim(found.retention[0], found.retention[-1])
    ax.set_ylim(found.rates[0], found.rates[-1])
    for axis in (ax.xaxis, ax.yaxis):
        percents(axis)
    ax.locator_params(axis="x", nbins=5 if narrow(ax) else 10)
    ax.locator_params(axis="y", nbins=5)
    ax.set_xlabel(tr("Customers who stay each year, before"), color=QUIET, fontsize=SIZE)
    ax.set_ylabel(tr("Discount rate a year"), color=QUIET, fontsize=SIZE)


def _impossible(ax: Axes, found: ClaimMap) -> None:
    """Grey out where the lift would pass 100 %."""
    capped = found.lift.capped(found.retention)
    if not capped.any():
        return
    edge = float(found.retention[~capped].max())
    ax.axvspan(edge, float(found.retention[-1]), color=GRID, linewidth=0, zorder=1)
    middle = (edge + float(found.retention[-1])) / 2
    heart = float(found.rates.mean())
    look: dict[str, Any] = {"rotation": 90, "ha": "center", "va": "center", "zorder": 4}
    ax.text(middle, heart, tr("more than 100 % would stay"), fontsize=SIZE, color=QUIET, **look)


def _region(ax: Axes, found: ClaimMap) -> None:
    """Hatch where the claim holds, and say so inside or, where it is nowhere, in the middle."""
    holds = _holds(found)
    if not np.isfinite(found.uplift).any():
        heart = (float(found.retention.mean()), float(found.rates.mean()))
        _write(ax, heart, wrapped(tr("nowhere a profit above 0 without the lift"), 24))
        return
    if not holds.any():
        nowhere = tr("nowhere\n{target} or more", target=words.percent(found.target))
        _write(ax, _heart(found, ~holds), nowhere)
        return
    filled = np.ma.masked_invalid(found.uplift)
    levels = [found.target, max(float(filled.max()), found.target) + 1]
    look: dict[str, Any] = {"colors": [HOLDS], "hatches": ["//"], "zorder": 0.5}
    _color_hatches(ax.contourf(found.retention, found.rates, filled, levels, **look))
    between = holds & (found.uplift < min(x for x in OTHER_LEVELS if x > found.target))
    _write(
        ax,
        _heart(found, between if between.any() else holds),
        tr("{target}\nor more", target=words.percent(found.target)),
    )


def _contours(ax: Axes, found: ClaimMap) -> None:
    filled = np.ma.masked_invalid(found.uplift)
    known = found.uplift[np.isfinite(found.uplift)]
    lowest, highest = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    for level in sorted({*OTHER_LEVELS, found.target}):
        if not lowest < level < highest:
            continue
        claimed = level == found.target
        look: dict[str, Any] = {"linewidths": 2.4 if claimed else 1.0}
        look |= {"linestyles": "-" if claimed else "--"}
        color = PALETTE[0] if claimed else QUIET
        lines = ax.contour(found.retention, found.rates, filled, [level], colors=color, **look)
        _label(ax, lines, level, claimed=claimed)


def _label(ax: Axes, lines: QuadContourSet, level: float, *, claimed: bool) -> None:
    """Write the level on its line: upwards of the middle, where no other line is near."""
    paths = (np.asarray(path.vertices, dtype=np.float64) for path in lines.get_paths())
    line = max(paths, key=len, default=np.empty((0, 2)))
    if not len(line):
        return  # the level is passed where the map has no numbers
    x, y = line.T
    steep = np.ptp(y) * np.ptp(ax.get_xlim()) > np.ptp(x) * np.ptp(ax.get_ylim())
    spot = np.abs(y - (y.min() + 0.7 * np.ptp(y))) if steep else np.abs(x - x.mean())
    at = int(spot.argmin())
    spots = [(float(x[at]), float(y[at]))]
    written = signed(level, 0.01)
    for text in ax.clabel(lines, fmt=lambda _: written, fontsize=SIZE, manual=spots):
        text.set(color=PALETTE[0] if claimed else QUIET, path_effects=HALO)
        text.set_fontweight("bold" if claimed else "normal")


def _own(ax: Axes, found: ClaimMap) -> None:
    if found.own is None:
        return
    retention, lower, upper = found.own
    rate = found.economics.annual_discount_rate
    if math.isfinite(lower) and math.isfinite(upper):
        look: dict[str, Any] = {"color": INK, "linewidth": 2, "path_effects": HALO, "zorder": 5}
        ax.plot([lower, upper], [rate, rate], solid_capstyle="butt", marker="|", **look)
    ax.plot(retention, rate, "D", color=INK, markeredgecolor="white", markersize=8, zorder=6)
    above = rate < float(found.rates.mean())
    left = retention > float(found.retention.mean())
    ax.annotate(
        tr("here: {retention}\n{higher}", retention=own_words(found.own), higher=_higher(found)),
        (retention, rate),
        (0, 9 if above else -9),
        textcoords="offset points",
        ha="right" if left else "left",
        va="bottom" if above else "top",
        fontsize=SIZE,
        color=INK,
        bbox=PAGE,
        zorder=6,
    )


def _higher(found: ClaimMap) -> str:
    return tr("no such number") if math.isnan(found.own_uplift) else signed(found.own_uplift)


def _holds(found: ClaimMap) -> NDArray[np.bool_]:
    return np.asarray(np.nan_to_num(found.uplift, nan=-1.0) >= found.target)


def _heart(found: ClaimMap, region: NDArray[np.bool_]) -> tuple[float, float]:
    """Return the spot inside a region that is farthest from its edges and from our own point."""
    from scipy.ndimage import distance_transform_edt  # noqa: PLC0415 - only when drawn

    free = region & ~np.isnan(found.uplift)
    if found.own is not None:
        across = np.abs(found.retention - found.own[0]) < 0.2 * np.ptp(found.retention)
        rate = found.economics.annual_discount_rate
        along = np.abs(found.rates - rate) < 0.15 * np.ptp(found.rates)
        clear = free & ~(along[:, None] & across)
        free = clear if clear.any() else free
    cell = (1 / len(found.rates), 1.5 / len(found.retention))  # a page is wider than high
    far = distance_transform_edt(np.pad(free, 1), sampling=cell)[1:-1, 1:-1]
    row, column = np.unravel_index(int(far.argmax()), far.shape)
    return float(found.retention[column]), float(found.rates[row])


def _write(ax: Axes, spot: tuple[float, float], text: str) -> None:
    look: dict[str, Any] = {"ha": "center", "va": "center", "bbox": PAGE, "zorder": 4}
    ax.text(*spot, text, fontsize=SIZE, color=PALETTE[0], fontweight=bold(), **look)


def _color_hatches(filled: QuadContourSet) -> None:
    filled.set_edgecolor(PALETTE[0])
    filled.set_linewidth(0)


def _numbers(found: ClaimMap) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Return where the claim begins to hold by discount rate, exactly."""
    frame = found.to_frame().map(lambda rate: words.percent(rate, 0.001))
    return frame, tuple(str(column) for column in frame)


def _say(found: ClaimMap) -> str:
    return tr(
        "Map of how much higher profit is, by the share of customers who stay each year and by "
        "discount rate; hatched where it is at least {target}. {sentence}",
        target=words.percent(found.target),
        sentence=found.sentence(),
    )
