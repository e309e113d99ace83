"""Figures of how well models of purchases fit: the counts, and weeks that they had not seen."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import INK, SMALL, attach_alt, cx_style, quieten
from cxresearch._language import tr
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
    ax.set_yticks(places, [words.band_words(label) for label in CLASSES])
    ax.set_ylim(len(CLASSES) - 0.5, -0.5)
    ax.xaxis.set_major_formatter(lambda count, _: f"{count:,.10g}")
    ax.set_xlabel(tr("Customers; bars and number: counted"))
    draw_key(ax, [row.of.model for row in rows], title_of(rows, tr("Repeat purchases")))
    attach_alt(ax, _say_frequencies(rows), _frequencies_frame(rows))


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
    ax.set_xlabel(tr("Repeat purchases up to {day}", day=words.day(first.until)))
    title = tr("purchases per customer in the {weeks} weeks after", weeks=f"{first.weeks:,.4g}")
    title = words.sentence_start(title_of(rows, title))
    draw_key(ax, [row.model for row in rows], title, made=True)
    attach_alt(ax, _say_holdout(rows), _holdout_frame(rows))


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


def _frequencies_frame(rows: Sequence[FrequencyFit]) -> pd.DataFrame:
    first = rows[0]
    frame = pd.DataFrame({"repeat_purchases": [words.band_words(label) for label in CLASSES]})
    frame["customers"] = first.customers
    frame["customers_ci_lower"] = first.customers_ci_lower
    frame["customers_ci_upper"] = first.customers_ci_upper
    return frame.assign(**{row.of.name: np.rint(row.expected) for row in rows})


def _holdout_frame(rows: Sequence[PurchaseHoldout]) -> pd.DataFrame:
    frame = pd.DataFrame({"repeat_purchases": [words.band_words(label) for label in CLASSES]})
    for end, values in zip(("", "_ci_lower", "_ci_upper"), rows[0].actual_by_class, strict=True):
        frame[f"purchases_made{end}"] = values
    said = {
        row.name: [words.number(float(x), 0.01) for x in row.predicted_by_class.value]
        for row in rows
    }
    return frame.assign(**said)


def _say_frequencies(rows: Sequence[FrequencyFit]) -> str:
    labels = zip(CLASSES, rows[0].customers, strict=True)
    counts = [
        tr("{label}: {n}", label=words.band_words(label), n=words.number(float(count)))
        for label, count in labels
    ]
    counted = tr(
        "{Whom} by repeat purchases, counted {counts}.",
        Whom=words.sentence_start(whom(rows[0].of)),
        counts=tr(", ").join(counts),
    )
    models = words.sentences(_say_expected(row) for row in rows)
    after = tr("In the same order after each model, {models}", models=models)
    return words.sentences([counted, after])


def _say_expected(row: FrequencyFit) -> str:
    expected = tr(", ").join(words.number(float(x)) for x in row.expected)
    return tr("{name}: {said}.", name=row.of.name, said=expected)


def _say_holdout(rows: Sequence[PurchaseHoldout]) -> str:
    first = rows[0]
    about = tr(
        "Purchases per customer of {whom} in the {weeks} weeks after {day}, by repeat purchases "
        "before, with {level} intervals.",
        whom=whom(first.of),
        weeks=f"{first.weeks:,.4g}",
        day=words.day(first.until),
        level=words.level_words(first.of.confidence_level),
    )
    return words.sentences([about, *(_say_class(rows, c) for c in range(len(CLASSES)))])


def _say_class(rows: Sequence[PurchaseHoldout], c: int) -> str:
    """Return what one class bought, as made and after each model; empty where nobody is in it."""
    made: Any = [float(x[c]) for x in rows[0].actual_by_class]
    if np.isnan(made[0]):
        return ""
    models = [f"{row.name} {row.predicted_by_class.value[c]:.2f}" for row in rows]
    return tr(
        "{label}: {made} made, {models}.",
        label=words.band_words(CLASSES[c]),
        made=words.number_interval(*made),
        models=tr(", ").join(models),
    )
