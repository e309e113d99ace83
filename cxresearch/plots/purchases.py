"""Figures of a shop's customers: do models fit, who is still there, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    QUIET,
    STYLE,
    attach_alt,
    cx_style,
    folded,
    money_axis,
    narrow,
    new_axes,
    quieten,
    say_beside,
)
from cxresearch._folding import wrapped
from cxresearch._language import term, tr
from cxresearch._looks import looks
from cxresearch.errors import CxError
from cxresearch.plots._purchase_fit import plot_purchase_frequencies, plot_purchase_holdout
from cxresearch.plots._purchase_marks import (
    APART,
    draw_key,
    draw_marks,
    model_words,
    panels,
    whom,
)
from cxresearch.projection._forecast import COMBINED
from cxresearch.purchases._alive_map import AliveMap
from cxresearch.purchases._shop_value import ShopValue
from cxresearch.purchases._together import Row

__all__ = [
    "plot_alive_map",
    "plot_purchase_frequencies",
    "plot_purchase_holdout",
    "plot_shop_value",
]

SHADES = LinearSegmentedColormap.from_list("alive", ["#FFFFFF", "#8DBBDA", "#00568C"])
DARK = 0.77  # share from which on numbers are white


def plot_alive_map(found: AliveMap | Iterable[AliveMap], *, ax: Axes | None = None) -> Axes:
    """Draw the probability to be alive by repeat purchases and weeks since the last one.

    Parameters
    ----------
    found
        Result of `alive_maps`; each group has axes of its own.
    ax
        Axes to draw one group on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw, or several groups for one `ax`.
    """
    maps = [found] if isinstance(found, AliveMap) else list(found)
    rows = max((len(one.frequency) for one in maps), default=0)
    with cx_style():
        drawn = panels(maps, ax, 1.2 + 0.3 * rows)
        for own, (one,) in drawn:
            _draw_map(own, one)
    return drawn[0][0]


def plot_shop_value(values: ShopValue | Iterable[ShopValue], *, ax: Axes | None = None) -> Axes:
    """Draw the value per customer of each group with its interval, and each model's beside it.

    Parameters
    ----------
    values
        Result of `shop_values`, or one or several of its groups.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is no value.
    """
    groups = [values] if isinstance(values, ShopValue) else list(values)
    if not groups:
        raise CxError(
            "there are 0 values, must be at least 1: every group may have too few customers; "
            "group by fewer columns."
        )
    models = [name for name in groups[0].by_model if name != COMBINED]
    with cx_style():
        ax = new_axes(1.3 + (0.3 + 0.16 * len(models)) * len(groups)) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        ax.axvline(0, color=QUIET, linewidth=0.9)
        colors = [color for color, _ in looks([group.label for group in groups])]
        for place, (group, color) in enumerate(zip(groups, colors, strict=True)):
            _draw_value(ax, place, group, color)
        names = [group.name or term(group.of.population) for group in groups]
        ax.set_yticks(
            range(len(groups)), [wrapped(name, 14 if narrow(ax) else 22) for name in names]
        )
        ax.set_ylim(len(groups) - 0.4, -0.6)
        ax.set_xlim(left=0)
        money_axis(ax.xaxis)
        terms = groups[0].terms
        below = tr(
            "{Unit} per customer in {span}, discounted",
            Unit=words.money_unit(terms.currency, capital=True),
            span=terms.span,
        )
        ax.set_xlabel(wrapped(below, 36 if narrow(ax) else 80))
        draw_key(ax, [COMBINED, *models], "")
        attach_alt(ax, _say_values(groups), _values_frame(groups))
    return ax


def _draw_map(ax: Axes, one: AliveMap) -> None:
    shares = one.probability_alive
    quieten(ax)
    ax.grid(visible=False)
    ax.spines["bottom"].set_visible(False)
    ax.pcolormesh(shares, cmap=SHADES, vmin=0, vmax=1, edgecolor="white", linewidth=1.5)
    for (row, column), share in np.ndenumerate(shares):
        if np.isfinite(share):
            color = "white" if share >= DARK else INK
            number = f"{100 * share:.0f}"
            ax.text(column + 0.5, row + 0.5, number, ha="center", va="center", color=color)
    ax.set_xticks(np.arange(shares.shape[1]) + 0.5, [str(w) for w in one.weeks_since])
    ax.set_yticks(np.arange(shares.shape[0]) + 0.5, [str(x) for x in one.frequency])
    ax.tick_params(length=0)
    ax.invert_yaxis()
    ago = f"{one.age:.0f}"
    ax.set_xlabel(tr("Weeks since the last purchase (first: {n} weeks ago)", n=ago))
    ax.set_ylabel(tr("Repeat purchases"), color=QUIET, fontsize=STYLE["font.size"])
    title = tr("Still active, of 100 {whom}, {by}", whom=whom(one.of), by=one.source)
    ax.set_title(wrapped(title, 46 if narrow(ax) else 90), loc="left", fontsize=10, color=QUIET)
    attach_alt(ax, _say_map(one, title), _map_frame(one))


def _draw_value(ax: Axes, place: int, group: ShopValue, color: str) -> None:
    models = [name for name in group.by_model if name != COMBINED]
    _interval(ax, group.by_model[COMBINED], place - 0.2, color, 2.0)
    ax.plot(group.lifetime_value, place - 0.2, marker="o", markersize=7, color=color)
    for row, model in enumerate(models):
        y = place - 0.2 + APART * (row + 1.5)
        _interval(ax, group.by_model[model], y, QUIET, 0.9)
        draw_marks(ax, model, [group.by_model[model][0]], [y])
    said = group.terms.money(group.by_model[COMBINED])
    say_beside(ax, place - 0.2, folded(ax, said), color)


def _interval(ax: Axes, row: Row, y: float, color: str, width: float) -> None:
    ax.plot(row[1:], (y, y), color=color, linewidth=width, solid_capstyle="butt")


def _map_frame(one: AliveMap) -> pd.DataFrame:
    """Return of 100 customers how many are still active, a column per time since the last."""
    frame = pd.DataFrame({"repeat_purchases": one.frequency})
    for weeks, shares in zip(one.weeks_since, one.probability_alive.T, strict=True):
        frame[words.counted(int(weeks), "week")] = np.rint(100 * shares)
    return frame


def _values_frame(groups: Sequence[ShopValue]) -> pd.DataFrame:
    rows = [
        (_name(group), model_words(model), group.terms.money(row))
        for group in groups
        for model, row in group.by_model.items()
    ]
    return pd.DataFrame(rows, columns=["group", "model", "lifetime_value"])


def _name(group: ShopValue) -> str:
    return group.name or words.sentence_start(term(group.of.population))


def _say_map(one: AliveMap, title: str) -> str:
    rows = [
        tr("{name}: {said}.", name=often, said=tr(", ").join(_say_row(one, shares)))
        for often, shares in zip(one.frequency, one.probability_alive, strict=True)
    ]
    by = tr("{title}. By repeat purchases, and weeks since the last purchase:", title=title)
    return words.sentences([by, *rows])


def _say_row(one: AliveMap, shares: NDArray[np.float64]) -> Iterator[str]:
    for weeks, share in zip(one.weeks_since, shares, strict=True):
        if np.isfinite(share):
            yield tr("{share} at {weeks}", share=f"{100 * share:.0f}", weeks=weeks)


def _say_values(groups: Sequence[ShopValue]) -> str:
    about = tr(
        "Value per customer in {span}, discounted, with {level} intervals.",
        span=groups[0].terms.span,
        level=words.level_words(groups[0].of.confidence_level),
    )
    return words.sentences([about, *(_say_value(group) for group in groups)])


def _say_value(group: ShopValue) -> str:
    each = [
        tr("{model} {amount}", model=model_words(model), amount=group.terms.money(row))
        for model, row in group.by_model.items()
    ]
    return tr("{name}: {said}.", name=_name(group), said=tr(", ").join(each))
