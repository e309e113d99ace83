"""Figures of the bias ladder, of balance and of overlap: results in, Axes out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    narrow,
    new_axes,
    quieten,
    say_beside,
    say_refused,
)
from cxresearch._folding import wrapped
from cxresearch._language import term, tr
from cxresearch._looks import PALETTE, looks
from cxresearch.adjust._rung import Rung
from cxresearch.adjust._rung_words import difference_cell, hazard_cell, heading
from cxresearch.adjust.balance import Balance, Overlap
from cxresearch.adjust.bias_ladder import BiasLadder
from cxresearch.errors import CxError

MEASURES = ("hazard_ratio", "retained_difference")
TICKS = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20)
ROW = 0.4  # inches


def plot_bias_ladder(
    ladder: BiasLadder, *, measure: str = "hazard_ratio", ax: Axes | None = None
) -> Axes:
    """Draw one number of every rung with its interval, the naive ones hollow and named wrong.

    Parameters
    ----------
    ladder
        Result of `bias_ladder`.
    measure
        "hazard_ratio" (log scale) or "retained_difference" (customers in 100).
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When the measure does not exist, or the ladder has no rung.
    """
    _check(ladder, measure)
    with cx_style():
        ax = new_axes(1.1 + ROW * len(ladder)) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        ratio = measure == "hazard_ratio"
        ax.axvline(1 if ratio else 0, color=QUIET, linewidth=0.9)
        for place, rung in enumerate(ladder):
            _draw_rung(ax, rung, place, ratio=ratio)
        titles = [wrapped(heading(rung, short=True), 20 if narrow(ax) else 36) for rung in ladder]
        ax.set_yticks(range(len(ladder)), titles)
        ax.set_ylim(len(ladder) - 0.5, -0.5)
        _ladder_axis(ax, ladder, ratio=ratio)
        attach_alt(ax, _say_ladder(ladder, ratio=ratio), _ladder_frame(ladder, ratio=ratio))
    return ax


def plot_balance(balance: Balance, *, ax: Axes | None = None) -> Axes:
    """Draw how far the groups differ in each level before and after weighting (a love plot).

    Parameters
    ----------
    balance
        Result of `balance`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is no level.
    """
    if not balance.levels:
        raise CxError("there are 0 traits, must be at least 1: name columns to adjust for.")
    before, after = np.abs(balance.difference_before), np.abs(balance.difference_after)
    order = np.argsort(-before, kind="stable")
    with cx_style():
        ax = new_axes(1.2 + 0.26 * len(order)) if ax is None else ax
        quieten(ax)
        places = np.arange(len(order))
        ax.hlines(places, after[order], before[order], color=QUIET, linewidth=0.8)
        hollow: dict[str, Any] = {"facecolor": "white", "edgecolor": PALETTE[1]}
        ax.scatter(before[order], places, s=34, linewidth=1.4, zorder=3, **hollow)
        ax.scatter(after[order], places, color=PALETTE[0], s=34, zorder=4)
        ax.axvline(balance.threshold, color=QUIET, linewidth=0.9, linestyle=(0, (4, 3)))
        names = [balance.traits[i] for i in order]
        ax.set_yticks(places, [wrapped(name, 18 if narrow(ax) else 30) for name in names])
        ax.set_ylim(len(order) - 0.5, -1.6)
        right = max(1.08 * float(np.maximum(before, after).max()), 1.5 * balance.threshold)
        ax.set_xlim(-0.012 * right, right)  # a dot at 0 is not cut in half
        ax.set_xlabel(tr("Standardised difference between the groups, without its sign"))
        _name_dots(ax, float(before[order[0]]), float(after[order[0]]), balance.threshold)
        attach_alt(ax, balance.sentence(), balance.shown())
    return ax


def plot_overlap(overlap: Overlap, *, ax: Axes | None = None) -> Axes:
    """Draw how both groups spread over the chance to be in the first, one up and one down.

    Parameters
    ----------
    overlap
        Result of `overlap`.
    ax
        Axes to draw on; a new figure when not given.
    """
    first, second = overlap.labels
    colors = [color for color, _ in looks([first, second])]
    style: dict[str, Any] = {"edgecolor": "white", "linewidth": 0.8, "align": "edge"}
    with cx_style():
        ax = new_axes(3.2) if ax is None else ax
        quieten(ax)
        width = np.diff(overlap.edges)
        ax.bar(overlap.edges[:-1], overlap.shares[0], width, color=colors[0], **style)
        style["hatch"] = "////"
        ax.bar(overlap.edges[:-1], -overlap.shares[1], width, color=colors[1], **style)
        ax.axhline(0, color=INK, linewidth=0.8)
        top = 1.25 * float(overlap.shares.max())
        ax.set_ylim(-top, top)
        ax.set_xlim(0, 1)
        for axis in (ax.xaxis, ax.yaxis):
            axis.set_major_formatter(
                lambda share, _: tr("{number} %", number=f"{100 * abs(share):.6g}")
            )
        names = {"first": term(first), "second": term(second)}
        ax.set_xlabel(tr("Chance to be a {first} rather than a {second}", **names))
        for label, y, va, color in ((first, 0.98, "top", 0), (second, 0.02, "bottom", 1)):
            said, inside = words.sentence_start(words.plural(label, 2)), ax.transAxes
            ax.text(0.01, y, said, transform=inside, va=va, color=colors[color])
        said = words.sentences([_say_bands(overlap), overlap.sentence()])
        attach_alt(ax, said, overlap.to_frame())
    return ax


def _draw_rung(ax: Axes, rung: Rung, place: int, *, ratio: bool) -> None:
    refusal = rung.hazard_refusal if ratio else rung.difference_refusal
    if refusal is not None:
        say_refused(ax, place, refusal)
        return
    value, lower, upper = _values(rung, ratio=ratio)
    color, line = (QUIET, (0, (2, 1.5))) if rung.naive else (PALETTE[0], "-")
    ax.hlines(place, lower, upper, color=color, linewidth=1.6, linestyle=line)
    fill = "white" if rung.naive else color
    ax.scatter([value], [place], s=40, facecolor=fill, edgecolor=color, linewidth=1.4, zorder=3)
    said = hazard_cell(rung) if ratio else difference_cell(rung)
    say_beside(ax, place, said, color)


def _values(rung: Rung, *, ratio: bool) -> tuple[float, float, float]:
    if ratio:
        return rung.hazard_ratio
    value, lower, upper = (100 * x for x in rung.difference)
    return value, lower, upper


def _ladder_axis(ax: Axes, ladder: BiasLadder, *, ratio: bool) -> None:
    first = next(iter(ladder)).sides[0]
    if not ratio:
        ax.set_xlabel(tr("More {whom} kept of 100, over {n} months", whom=first, n=ladder.months))
        return
    ax.set_xscale("log")
    shown = [r.hazard_ratio for r in ladder if r.hazard_refusal is None] or [(1.0, 0.5, 2.0)]
    low = 0.92 * min(0.8, *(r[1] for r in shown))
    high = 1.08 * max(1.2, *(r[2] for r in shown))
    ax.set_xlim(low, high)
    ticks = [tick for tick in TICKS if low <= tick <= high]
    ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.set_xticks([], minor=True)
    ax.set_xlabel(tr("Hazard ratio: below 1, {whom} leave less often", whom=first))


def _name_dots(ax: Axes, before: float, after: float, threshold: float) -> None:
    """Name both kinds of dots at the first row, and the line, instead of a legend."""
    # with a space: a heading of the same spelling means the last time
    names = ((tr(" before").strip(), before, PALETTE[1]), (tr("weighted"), after, PALETTE[0]))
    for text, x, color in names:
        ax.annotate(
            text,
            (x, 0),
            (0, 7),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
            color=color,
        )
    ax.annotate(
        f"{threshold:g}",
        (threshold, -1.6),
        (3, -3),
        textcoords="offset points",
        va="top",
        fontsize=SMALL,
        color=QUIET,
    )


def _say_ladder(ladder: BiasLadder, *, ratio: bool) -> str:
    level = words.level_words(next(iter(ladder)).confidence_level)
    title = tr("Hazard ratio by way of counting, with {level} intervals.", level=level)
    if not ratio:
        title = tr(
            "More kept of 100 customers over {n} months by way of counting, with {level} "
            "intervals.",
            n=ladder.months,
            level=level,
        )
    said = [
        tr("{name}: {said}.", name=heading(rung), said=_cell(rung, ratio=ratio)) for rung in ladder
    ]
    return words.sentences([title, *said])


def _cell(rung: Rung, *, ratio: bool) -> str:
    if (rung.hazard_refusal if ratio else rung.difference_refusal) is not None:
        return tr("not reported")
    return hazard_cell(rung) if ratio else difference_cell(rung)


def _ladder_frame(ladder: BiasLadder, *, ratio: bool) -> pd.DataFrame:
    name = "hazard ratio" if ratio else tr("more kept of 100 over {n} months", n=ladder.months)
    cells = [_cell(rung, ratio=ratio) for rung in ladder]
    return pd.DataFrame({"counted by": [heading(rung) for rung in ladder], name: cells})


def _say_bands(overlap: Overlap) -> str:
    first, second = overlap.labels
    middles = (overlap.edges[:-1] + overlap.edges[1:]) / 2
    typical = [words.percent(float(share @ middles)) for share in overlap.shares]
    return tr(
        "Chance to be a {first} rather than a {second}, by what was known before the survey: on "
        "average {share} for {firsts} and {other_share} for {seconds}.",
        first=term(first),
        second=term(second),
        share=typical[0],
        other_share=typical[1],
        firsts=words.plural(first, 2),
        seconds=words.plural(second, 2),
    )


def _check(ladder: BiasLadder, measure: str) -> None:
    problems = []
    if measure not in MEASURES:
        problems.append(
            f"measure is {measure!r}, must be one of {', '.join(MEASURES)}: choose one."
        )
    if not len(ladder):
        problems.append("the ladder has 0 rungs, must have at least 1: add a table.")
    if problems:
        raise CxError(problems)
