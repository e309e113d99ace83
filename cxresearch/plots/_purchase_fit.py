"""Figures of how well models of purchases fit: the counts, and weeks that they had not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import INK, SMALL, attach_alt, cx_style, quieten
from cxresearch.plots._purchase_marks import (
    APART,
    LOOKS,
    draw_key,
    draw_marks,
    panels,
    title_of,
    whom,
)
from cxresearch.projection._forecast import COMBINED
from cxresearch.purchases.frequencies import CLASSES, FrequencyFit
from cxresearch.purchases.holdout import PurchaseHoldout


def plot_purchase_frequencies(fits: Iterable[FrequencyFit], *, ax: Axes | None = None) -> Axes:
    """Draw how many customers bought again how often: bars as counted, marks after each model.

    Parameters
    ----------
    fits
        Result of `purchase_frequencies`; each group has axes of its own.
    ax
        Axes to draw one group on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw, or several groups for one `ax`.
    """
    with cx_style():
        drawn = panels(fits, ax, 4.6)
        for own, rows in drawn:
            _draw_frequencies(own, rows)
    return drawn[0][0]


def plot_purchase_holdout(held: Iterable[PurchaseHoldout], *, ax: Axes | None = None) -> Axes:
    """Draw purchases per customer in the weeks held out, by how often they had bought before.

    Parameters
    ----------
    held
        Result of `purchase_holdout`; each group has axes of its own.
    ax
        Axes to draw one group on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw, or several groups for one `ax`.
    """
    with cx_style():
        drawn = panels([row for row in held if row.model != COMBINED], ax, 3.7)
        for own, rows in drawn:
            _draw_holdout(own, rows)
    return drawn[0][0]


def _draw_frequencies(ax: Axes, rows: Sequence[FrequencyFit]) -> None:
    places, first = np.arange(len(CLASSES)), rows[0]
    quieten(ax)
    ax.grid(visible=False)
    ax.barh(places, first.customers, height=0.8, color="#D5D5D5")
    _whiskers(ax, places - 0.28, first)
    for turn, row in enumerate(rows):
        draw_marks(ax, row.of.model, row.expected, places - 0.1 + APART * turn)
    right = float(max(first.customers_ci_upper.max(), *(r.expected.max() for r in rows)))
    ax.set_xlim(0, 1.16 * right)
    _counts(ax, places, rows)
    ax.set_yticks(places, CLASSES)
    ax.set_ylim(len(CLASSES) - 0.5, -0.5)
    ax.xaxis.set_major_formatter(lambda count, _: f"{count:,.10g}")
    ax.set_xlabel("Customers; bars and number: counted")
    draw_key(ax, [row.of.model for row in rows], title_of(rows, "Repeat purchases"))
    attach_alt(ax, _say_frequencies(rows))


def _draw_holdout(ax: Axes, rows: Sequence[PurchaseHoldout]) -> None:
    places, first = np.arange(len(CLASSES)), rows[0]
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
    title = f"purchases per customer in the {first.weeks:,.4g} weeks after"
    title = title_of(rows, title)
    draw_key(ax, [row.model for row in rows], f"{title[:1].upper()}{title[1:]}", made=True)
    attach_alt(ax, _say_holdout(rows))


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


def _say_frequencies(rows: Sequence[FrequencyFit]) -> str:
    counted = ", ".join(
        f"{label}: {words.number(float(count))}"
        for label, count in zip(CLASSES, rows[0].customers, strict=True)
    )
    after = [
        f"{row.of.name}: {', '.join(words.number(float(x)) for x in row.expected)}." for row in rows
    ]
    start = f"{whom(rows[0].of).capitalize()} by repeat purchases, counted {counted}."
    return " ".join([start, "In the same order after each model,", *after])


def _say_holdout(rows: Sequence[PurchaseHoldout]) -> str:
    first, level = rows[0], words.level_words(rows[0].of.confidence_level)
    weeks = f"{first.weeks:,.4g}"
    start = (
        f"Purchases per customer of {whom(first.of)} in the {weeks} weeks after {first.until}, "
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
