"""Figures of a shop's customers: do models fit, who is still there, and what they are worth."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    PALETTE,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    looks,
    narrow,
    new_axes,
    quieten,
    wrapped,
)
from cxresearch.errors import CxError
from cxresearch.purchases._fitted import NAMES
from cxresearch.purchases._shop_value import ShopValue
from cxresearch.purchases._together import COMBINED, Row
from cxresearch.purchases.alive import AliveMap
from cxresearch.purchases.frequencies import CLASSES, FrequencyFit
from cxresearch.purchases.holdout import PurchaseHoldout
from cxresearch.purchases.models import PurchaseModel

TOGETHER = "all together"
LOOKS = {
    "bg_nbd": ("s", PALETTE[1]),
    "mbg_nbd": ("^", PALETTE[2]),
    "pareto_nbd": ("D", PALETTE[3]),
    COMBINED: ("o", INK),
}
APART = 0.17  # rows between two models
SHADES = LinearSegmentedColormap.from_list("alive", ["#FFFFFF", "#8DBBDA", "#00568C"])
DARK = 0.6  # share from which on numbers are white


class OfGroup(Protocol):
    """A result of one model for one group."""

    @property
    def of(self) -> PurchaseModel:
        """The model."""


T = TypeVar("T", bound=OfGroup)


def plot_purchase_frequencies(fits: Iterable[FrequencyFit], *, ax: Axes | None = None) -> Axes:
    """Draw how many customers bought again how often: bars as counted, marks after each model.

    Parameters
    ----------
    fits
        Result of `purchase_frequencies` for one group.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw, or more than one group.
    """
    rows = _one_group(fits)
    places, first = np.arange(len(CLASSES)), rows[0]
    with cx_style():
        ax = new_axes(4.6) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        ax.barh(places, first.customers, height=0.8, color="#D5D5D5")
        _whiskers(ax, places - 0.28, first)
        for turn, row in enumerate(rows):
            _marks(ax, row.of.model, row.expected, places - 0.1 + APART * turn)
        right = float(max(first.customers_ci_upper.max(), *(r.expected.max() for r in rows)))
        ax.set_xlim(0, 1.16 * right)
        _counts(ax, places, rows)
        ax.set_yticks(places, CLASSES)
        ax.set_ylim(len(CLASSES) - 0.5, -0.5)
        ax.xaxis.set_major_formatter(lambda count, _: f"{count:,.10g}")
        ax.set_xlabel("Customers; bars and number: counted")
        _key(ax, [row.of.model for row in rows], "Repeat purchases")
        attach_alt(ax, _say_frequencies(rows))
    return ax


def plot_alive_map(found: AliveMap | Iterable[AliveMap], *, ax: Axes | None = None) -> Axes:
    """Draw the probability to be alive by repeat purchases and weeks since the last one.

    Parameters
    ----------
    found
        Result of `alive_maps` for one group.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw, or more than one group.
    """
    (one,) = _one_group([found] if isinstance(found, AliveMap) else found)
    shares = one.probability_alive
    with cx_style():
        ax = new_axes(1.2 + 0.3 * len(shares)) if ax is None else ax
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
        ax.set_xlabel(f"Weeks since the last purchase (first: {one.age:.0f} weeks ago)")
        title = "Still active, of 100 customers, by repeat purchases"
        ax.set_title(title, loc="left", fontsize=10, color=QUIET)
        attach_alt(ax, f"{title} and weeks since the last purchase. {_say_map(one)}")
    return ax


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
        names = [group.label or group.of.population for group in groups]
        ax.set_yticks(
            range(len(groups)), [wrapped(name, 14 if narrow(ax) else 22) for name in names]
        )
        ax.set_ylim(len(groups) - 0.4, -0.6)
        ax.set_xlim(left=0)
        ax.xaxis.set_major_formatter(lambda amount, _: f"{amount:,.10g}")
        terms = groups[0].terms
        ax.set_xlabel(f"{terms.currency or 'Amount'} per customer in {terms.span}, discounted")
        _key(ax, [COMBINED, *models], "")
        attach_alt(ax, _say_values(groups))
    return ax


def plot_purchase_holdout(held: Iterable[PurchaseHoldout], *, ax: Axes | None = None) -> Axes:
    """Draw purchases per customer in the weeks held out, by how often they had bought before.

    Parameters
    ----------
    held
        Result of `purchase_holdout` for one group.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw, or more than one group.
    """
    rows = [row for row in _one_group(held) if row.model != COMBINED]
    places, first = np.arange(len(CLASSES)), rows[0]
    with cx_style():
        ax = new_axes(3.7) if ax is None else ax
        quieten(ax)
        value, low, high = first.actual_by_class
        ax.errorbar(
            places, value, yerr=[value - low, high - value], fmt="o", color=INK, markersize=5.5,
            elinewidth=1.4, capsize=3, zorder=3,
        )  # fmt: skip
        for row in rows:
            marker, color = LOOKS[row.model]
            look: dict[str, Any] = {"marker": marker, "color": color, "markersize": 5}
            ax.plot(places, row.predicted_by_class.value, linewidth=1, alpha=0.9, **look)
        ax.set_xticks(places, [label.replace(" and more", "+") for label in CLASSES])
        top = float(np.nanmax([value, *(row.predicted_by_class.value for row in rows)]))
        ax.set_ylim(0, 1.3 * top)
        ax.set_xlabel(f"Repeat purchases up to {first.until}")
        weeks = f"{first.weeks:,.4g}"
        title = f"Purchases per customer in the {weeks} weeks after"
        _key(ax, [row.model for row in rows], title, made=True)
        attach_alt(ax, _say_holdout(rows))
    return ax


def _one_group(results: Iterable[T]) -> list[T]:
    rows = list(results)
    groups = {tuple(row.of.group.items()) for row in rows}
    if len(groups) != 1:
        raise CxError(
            f"there are results of {len(groups)} groups, must be of 1: fit the models to the "
            "pooled table, or pass the results of one group."
        )
    return rows


def _marks(ax: Axes, model: str, x: Any, y: Any) -> None:  # noqa: ANN401 - arrays
    marker, color = LOOKS[model]
    ax.plot(
        x, y, linestyle="none", marker=marker, color=color, markersize=5, markeredgecolor="white",
        markeredgewidth=0.5, zorder=4,
    )  # fmt: skip


def _whiskers(ax: Axes, places: Any, fit: FrequencyFit) -> None:  # noqa: ANN401 - array
    ends = [fit.customers - fit.customers_ci_lower, fit.customers_ci_upper - fit.customers]
    ax.errorbar(
        fit.customers, places, xerr=ends, fmt="none", ecolor=INK, elinewidth=1.2, capsize=2.5,
        zorder=3,
    )  # fmt: skip


def _counts(ax: Axes, places: Any, rows: Sequence[FrequencyFit]) -> None:  # noqa: ANN401 - array
    for place, count in zip(places, rows[0].customers, strict=True):
        furthest = max(rows[0].customers_ci_upper[place], *(r.expected[place] for r in rows))
        ax.annotate(
            words.number(float(count)), (furthest, place), (7, 0), textcoords="offset points",
            va="center", fontsize=SMALL, color=INK,
        )  # fmt: skip


def _draw_value(ax: Axes, place: int, group: ShopValue, color: str) -> None:
    models = [name for name in group.by_model if name != COMBINED]
    _interval(ax, group.by_model[COMBINED], place - 0.2, color, 2.0)
    ax.plot(group.lifetime_value, place - 0.2, marker="o", markersize=7, color=color)
    for row, model in enumerate(models):
        y = place - 0.2 + APART * (row + 1.5)
        _interval(ax, group.by_model[model], y, QUIET, 0.9)
        _marks(ax, model, [group.by_model[model][0]], [y])
    ax.annotate(
        group.terms.money(group.by_model[COMBINED]),
        (1, place - 0.2),
        xycoords=ax.get_yaxis_transform(),
        xytext=(6, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL,
        color=color,
    )


def _interval(ax: Axes, row: Row, y: float, color: str, width: float) -> None:
    ax.plot(row[1:], (y, y), color=color, linewidth=width, solid_capstyle="butt")


def _key(ax: Axes, models: Sequence[str], title: str, *, made: bool = False) -> None:
    """Name the marks; they lie on top of each other, so that no label could stand beside them."""
    handles = [_handle(ax, "o", INK, "made")] if made else []
    handles += [_handle(ax, *LOOKS[model], NAMES.get(model, TOGETHER)) for model in models]
    ax.legend(
        handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2 if narrow(ax) else 4,
        frameon=False, fontsize=SMALL, labelcolor=QUIET, handletextpad=0.2, columnspacing=1.2,
        borderaxespad=0.2,
    )  # fmt: skip
    ax.set_title(title, loc="left", fontsize=10, color=QUIET, pad=36 if narrow(ax) else 22)


def _handle(ax: Axes, marker: str, color: str, label: str) -> Any:  # noqa: ANN401 - artist
    (line,) = ax.plot([], [], linestyle="none", marker=marker, color=color, label=label)
    return line


def _whom(of: PurchaseModel) -> str:
    return f"{of.population}{words.with_group(of.group)}"


def _say_frequencies(rows: Sequence[FrequencyFit]) -> str:
    counted = ", ".join(
        f"{label}: {words.number(float(count))}"
        for label, count in zip(CLASSES, rows[0].customers, strict=True)
    )
    after = [
        f"{row.of.name}: {', '.join(words.number(float(x)) for x in row.expected)}." for row in rows
    ]
    start = f"{_whom(rows[0].of).capitalize()} by repeat purchases, counted {counted}."
    return " ".join([start, "In the same order after each model,", *after])


def _say_map(one: AliveMap) -> str:
    rows = []
    for often, shares in zip(one.frequency, one.probability_alive, strict=True):
        known = [
            f"{100 * share:.0f} at {weeks}"
            for weeks, share in zip(one.weeks_since, shares, strict=True)
            if np.isfinite(share)
        ]
        rows.append(f"{often} times: {', '.join(known)} weeks.")
    return " ".join([f"{_whom(one.of).capitalize()}.", *rows])


def _say_values(groups: Sequence[ShopValue]) -> str:
    first = groups[0]
    level = words.level_words(first.of.confidence_level)
    said = [f"Value per customer in {first.terms.span}, discounted, with {level} intervals."]
    for group in groups:
        each = ", ".join(
            f"{NAMES.get(model, TOGETHER)} {group.terms.money(row)}"
            for model, row in group.by_model.items()
        )
        said.append(f"{group.label or group.of.population.capitalize()}: {each}.")
    return " ".join(said)


def _say_holdout(rows: Sequence[PurchaseHoldout]) -> str:
    first, level = rows[0], words.level_words(rows[0].of.confidence_level)
    weeks = f"{first.weeks:,.4g}"
    start = (
        f"Purchases per customer of {_whom(first.of)} in the {weeks} weeks after {first.until}, "
        f"by repeat purchases before, with {level} intervals."
    )
    said = [start]
    for c, label in enumerate(CLASSES):
        made: Any = [float(x[c]) for x in first.actual_by_class]
        if np.isnan(made[0]):
            continue
        models = ", ".join(f"{row.name} {row.predicted_by_class.value[c]:.2f}" for row in rows)
        said.append(f"{label}: {words.number_interval(*made)} made, {models}.")
    return " ".join(said)
