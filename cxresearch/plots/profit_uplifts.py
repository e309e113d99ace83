"""Uplifts of profit side by side: reading by reading and model by model, against the claim."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.transforms import blended_transform_factory

from cxresearch import _format as words
from cxresearch._draw import (
    GRID,
    INK,
    QUIET,
    attach_alt,
    bold,
    cx_style,
    figure_of,
    folded,
    narrow,
    new_axes,
    quieten,
    say_below,
    say_beside,
)
from cxresearch._folding import wrapped
from cxresearch._language import mark, term, tr
from cxresearch._looks import LINES, PALETTE
from cxresearch.errors import NotEnoughError
from cxresearch.plots._signed import percents, signed, signed_interval
from cxresearch.roi._exact_shares import exact_shares
from cxresearch.roi._profit_uplift import ProfitUplift, model_name
from cxresearch.roi.economics import concept_name
from cxresearch.roi.profit_uplifts import ProfitUplifts

SIZE: Final = 9.5
HEADING: Final = 0.62  # rows of room that a line of a heading takes
ROW: Final = 0.32  # inches
WIDEST: Final = 6.0  # times the target; beyond, an interval ends in an arrow
MARKERS: Final = {"constant": "o", "sbg": "^", "bdw": "s", "product_limit": "D"}
RENEWALS: Final = {
    "first": mark("first renewal only"),
    "every": mark("every renewal"),
    "each_customer": mark("each customer's own rate"),
}
Block = tuple[str, list[ProfitUplift]]


def plot_uplifts(uplifts: ProfitUplifts, *, ax: Axes | None = None) -> Axes:
    """Draw how much higher profit is with its interval, a block per lift and a row per model.

    Each model has a mark of its own, filled where the whole interval reaches the claim.

    Parameters
    ----------
    uplifts
        Result of `profit_uplifts`, or a selection of it (`select`).
    ax
        Axes to draw on; a new figure when not given. Room is needed at the right for the numbers.

    Returns
    -------
    Axes
        Uplifts on the x axis, as shares; the claim is a vertical line.

    Raises
    ------
    NotEnoughError
        When there is no uplift to draw, saying why.
    """
    thin = ax is not None and narrow(ax)
    found = _blocks(uplifts)
    blocks = [(wrapped(title, 48 if thin else 78), block) for title, block in found]
    rows = list(_placed(blocks))
    with cx_style():
        ax = new_axes(0.85 + ROW * (rows[-1][0] + 1)) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        _axis(ax, rows, uplifts)
        _headings(ax, blocks, {id(one): place for place, one in rows})
        for place, one in rows:
            _draw(ax, place, one)
        target = rows[0][1].target
        ax.axvline(target, color=INK, linewidth=1.4, linestyle=LINES[1], zorder=2)
        ax.axvline(0, color=QUIET, linewidth=0.9, zorder=1)
        say_below(ax, _caption(rows))
        attach_alt(ax, _say(found), *exact_shares(_numbers(found)))
    return ax


def _blocks(uplifts: ProfitUplifts) -> list[Block]:
    """Return what belongs under one heading: all but the model is the same."""
    blocks: dict[str, list[ProfitUplift]] = {}
    if not uplifts.known:
        why = tr("; ").join(dict.fromkeys(one.reason for one in uplifts))
        raise NotEnoughError(
            tr(
                "There are 0 uplifts to draw, must be at least 1: {why}.",
                why=why or tr("none was selected"),
            )
        )
    several = [len({get(one) for one in uplifts}) > 1 for get in (_concept, _renewals)]
    for one in uplifts:
        blocks.setdefault(_heading(one, several), []).append(one)
    return list(blocks.items())


def _concept(one: ProfitUplift) -> str:
    return concept_name(one.asked.concept, one.asked.year)


def _renewals(one: ProfitUplift) -> str:
    return term(RENEWALS[one.asked.renewals])


def _heading(one: ProfitUplift, several: Sequence[bool]) -> str:
    more = [get(one) for get, many in zip((_concept, _renewals), several, strict=True) if many]
    return tr(", ").join([one.asked.lift.heading, *more])


def _placed(blocks: Sequence[Block]) -> Iterator[tuple[float, ProfitUplift]]:
    at = 0.0
    for title, block in blocks:
        at += 0.5 + HEADING * (1 + title.count("\n"))
        for one in block:
            yield at, one
            at += 1


def _axis(ax: Axes, rows: Sequence[tuple[float, ProfitUplift]], uplifts: ProfitUplifts) -> None:
    target = rows[0][1].target
    ends = [x for one in uplifts.known for x in one.values if math.isfinite(x)]
    high = min(max(1.3 * target, 1.06 * max(ends)), WIDEST * target)
    low = max(min(0.0, *(1.06 * x for x in ends)), -WIDEST * target)
    ax.set_xlim(low - 0.02 * (high - low), high)
    ax.set_ylim(rows[-1][0] + 0.7, -0.35)
    percents(ax.xaxis)
    ax.locator_params(axis="x", nbins=4 if narrow(ax) else 7)
    width = 13 if narrow(ax) else 18
    names = [wrapped(model_name(one.model), width) for _, one in rows]
    ax.set_yticks([place for place, _ in rows], names)


def _headings(ax: Axes, blocks: Sequence[Block], first: dict[int, float]) -> None:
    """Write each heading above its rows, from the left edge of the page on."""
    across = blended_transform_factory(figure_of(ax).transFigure, ax.transData)
    look: dict[str, Any] = {"fontweight": bold(), "color": INK, "va": "bottom", "zorder": 5}
    look |= {"path_effects": [patheffects.withStroke(linewidth=4, foreground="white")]}
    for title, block in blocks:
        text = ax.text(0.01, first[id(block[0])] - 0.5, title, transform=across, **look)
        text.set(fontsize=SIZE, in_layout=False)


def _draw(ax: Axes, place: float, one: ProfitUplift) -> None:
    ax.axhline(place, color=GRID, linewidth=0.8, zorder=0)
    color = PALETTE[0] if one.standing == "holds" else INK
    if one.why:
        say_beside(ax, place, tr("no number"), QUIET)
        return
    say_beside(ax, place, folded(ax, _digits(one)), color)
    value, lower, upper = one.values
    left, right = ax.get_xlim()
    if math.isfinite(lower):
        ends = (max(lower, left), min(upper, right))
        ax.plot(ends, (place, place), color=color, linewidth=1.8, solid_capstyle="butt", zorder=3)
    face = color if one.standing == "holds" else "white"
    look: dict[str, Any] = {"markersize": 7, "markeredgewidth": 1.5, "zorder": 4}
    if left <= value <= right:
        ax.plot(value, place, MARKERS[one.model], color=color, markerfacecolor=face, **look)
    for end, edge, marker in ((lower, left, "<"), (upper, right, ">"), (value, right, ">")):
        if (end > edge) if marker == ">" else (end < edge):
            ax.plot(edge, place, marker, color=color, markersize=6, clip_on=False, zorder=4)


def _digits(one: ProfitUplift) -> str:
    """Return `+41 % (40 to 42 %)`, with a star where a rate is cut at 100 %."""
    return f"{signed_interval(*one.values)}{'*' if one.cut else ''}"


def _caption(rows: Sequence[tuple[float, ProfitUplift]]) -> str:
    ones = [one for _, one in rows]
    concepts = {_concept(one) for one in ones}
    renewals = {_renewals(one) for one in ones}
    digits = words.number(100 * ones[0].target, 0.1).removesuffix(".0")
    return tr(
        "How much higher {what} is{lifted}. Dashed: {target}, filled: it holds.{star}",
        what=concepts.pop() if len(concepts) == 1 else tr("profit"),
        lifted=tr("; lifted: {renewals}", renewals=renewals.pop()) if len(renewals) == 1 else "",
        target=tr("{number} %", number=digits),
        star=tr(" * Rates are cut at 100 %.") if any(x.cut for x in ones) else "",
    )


def _say(blocks: Sequence[Block]) -> str:
    one = blocks[0][1][0]
    about = tr(
        "How much higher profit is, with {level} intervals where there are any; claimed: {claim}.",
        level=words.level_words(one.whose.confidence_level),
        claim=signed(one.target),
    )
    said = [
        tr("{title}: {rows}.", title=title, rows=tr("; ").join(_spoken(x) for x in block))
        for title, block in blocks
    ]
    return words.sentences([about, *said])


def _spoken(one: ProfitUplift) -> str:
    values = {"model": model_name(one.model), "higher": signed_interval(*one.values)}
    if one.why:
        return tr("{model} no number, {reason}", reason=one.reason, **values)
    values["standing"] = term(one.standing)
    if one.cut:
        return tr("{model} {higher}, {standing}, {cut}", cut=one.cut, **values)
    return tr("{model} {higher}, {standing}", **values)


def _numbers(blocks: Sequence[Block]) -> pd.DataFrame:
    """Return what is drawn, a row per mark."""
    ends = ("uplift_share", "uplift_share_ci_lower", "uplift_share_ci_upper")
    rows = [
        {
            "lift": title,
            "model": model_name(one.model),
            **dict(zip(ends, one.values, strict=True)),
            "claim": term(one.standing),
        }
        for title, block in blocks
        for one in block
    ]
    return pd.DataFrame(rows)
