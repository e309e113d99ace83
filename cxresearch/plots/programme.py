"""Figures of a programme: what it needs, what it may be worth, its payments, what it hangs on."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    money_axis,
    narrow,
    new_axes,
    quieten,
    say_below,
    say_beside,
)
from cxresearch._folding import wrapped
from cxresearch._language import tr
from cxresearch._looks import PALETTE
from cxresearch.errors import CxError
from cxresearch.roi._draws import Ends
from cxresearch.roi._risk import ProgrammeRisk, chance
from cxresearch.roi._tornado import Moved, Tornado, two_digits, value_words
from cxresearch.roi.programme import Programme

Floats = NDArray[np.float64]

BINS: Final = 40
ROW: Final = 0.5  # inches
LIFT: Final = "lift"
AT_ENDS: Final = ("low", "value_at_low", "high", "value_at_high")
PALE: Final = "#9CC3DE"
LOSS: Final = PALETTE[1]
HATCH: Final = "////"
HALO: Final = [patheffects.withStroke(linewidth=3.4, foreground="white")]


def plot_break_even(risk: ProgrammeRisk, *, ax: Axes | None = None) -> Axes:
    """Draw the lift that is needed beside the lift there is, each with its interval.

    Parameters
    ----------
    risk
        Result of `programme_risk`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When no lift is enough.
    """
    if risk.break_even is None:
        raise CxError(
            "no lift is enough, even with nobody leaving, must be one that is: enter other costs, "
            "or leave the figure out."
        )
    rows = [(tr("Needed"), risk.break_even, "D"), _lift(risk)]
    with cx_style():
        ax = new_axes(1.1 + ROW * len(rows)) if ax is None else ax
        _rows(ax, [name for name, *_ in rows])
        ax.axvline(100 * risk.break_even[0], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        ax.axvline(0, color=QUIET, linewidth=0.9)
        for place, (_, ends, grade) in enumerate(rows):
            value, lower, upper = (100 * end for end in ends)
            fill = "white" if place and grade == "D" else PALETTE[0]
            ax.hlines(place, lower, upper, color=PALETTE[0], linewidth=2, zorder=2)
            look: dict[str, Any] = {"facecolor": fill, "edgecolor": PALETTE[0], "linewidth": 1.4}
            ax.scatter([value], [place], s=44, marker="Ds"[place], zorder=3, **look)
            said = words.number_interval(value, lower, upper)
            say_beside(ax, place, said if place else risk.need_words)
        hollow = tr(" Hollow: entered, not measured.") if rows[1][2] == "D" else ""
        say_below(ax, tr("Percentage points more who stay a year.{hollow}", hollow=hollow))
        said = tr(
            "Points more who stay a year, needed and at hand. {sentence}", sentence=risk.sentence()
        )
        attach_alt(ax, said, _lifts(rows, risk.need_words), ["points"])
    return ax


def plot_npv(risk: ProgrammeRisk, *, ax: Axes | None = None) -> Axes:
    """Draw how often each value comes up among the draws; what loses money is hatched.

    Parameters
    ----------
    risk
        Result of `programme_risk`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When all draws are the same.
    """
    if risk.npv.min() == risk.npv.max():
        raise CxError(
            "all draws are the same, must differ to be drawn: enter a range for an input."
        )
    edges = _edges(risk.npv)
    counts, _ = np.histogram(risk.npv, edges)
    share = 100 * counts / risk.draws
    with cx_style():
        ax = new_axes(3.1) if ax is None else ax
        quieten(ax)
        for side in (edges[:-1] < 0, edges[:-1] >= 0):
            place, look = edges[:-1][side], _look(lost=bool(edges[0] < 0 and side[0]))
            ax.bar(place, share[side], np.diff(edges)[side], align="edge", linewidth=0.8, **look)
        top = 1.22 * float(share.max())
        ax.set_ylim(0, top)
        ax.yaxis.set_major_formatter(lambda percent, _: tr("{number} %", number=f"{percent:g}"))
        money_axis(ax.xaxis)
        ax.locator_params(axis="x", nbins=4 if narrow(ax) else 6)
        ax.axvline(risk.programme.npv, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
        ax.axvline(0, color=QUIET, linewidth=0.9)
        _say_as_entered(ax, risk.programme.npv, edges)
        below = tr(
            "{Unit}, value today; share of {draws} draws. Hatched: loses money, {share} of the "
            "draws.",
            Unit=words.money_unit(risk.programme.currency, capital=True),
            draws=words.number(risk.draws),
            share=chance(risk.probability_of_loss[0]),
        )
        say_below(ax, below)
        bars = _bars(edges, counts / risk.draws)
        attach_alt(ax, _say_npv(risk), bars, [str(column) for column in bars])
    return ax


def plot_payments(programme: Programme, *, ax: Axes | None = None) -> Axes:
    """Draw what is paid and received each year, and the sum of it at what it is worth today.

    Parameters
    ----------
    programme
        The plan.
    ax
        Axes to draw on; a new figure when not given.
    """
    frame = programme.to_frame()
    years, paid, total = (frame[c].to_numpy() for c in ("year", "payment", "sum_today"))
    with cx_style():
        ax = new_axes(3.1) if ax is None else ax
        quieten(ax)
        for year, amount in zip(years, paid, strict=True):
            ax.bar(year, amount, 0.6, linewidth=1, **_look(lost=amount < 0))
        ax.plot(years, total, color=INK, marker="o", markersize=4.2)
        ax.axhline(0, color=QUIET, linewidth=0.9)
        money_axis(ax.yaxis)
        ax.set_xticks(years[:: max(1, len(years) // 8)])
        _say_sum(ax, float(years[-1]), float(total[-1]), programme)
        below = tr(
            "Year. {Unit}; hatched: paid out. Line: the sum so far, at what it is worth today.",
            Unit=words.money_unit(programme.currency, capital=True),
        )
        say_below(ax, below)
        said = _say_payments(programme, paid, total)
        attach_alt(ax, said, frame[["year", "payment", "sum_today"]])
    return ax


def plot_tornado(tornado: Tornado, *, ax: Axes | None = None) -> Axes:
    """Draw how far the value moves with each input, the widest first.

    Parameters
    ----------
    tornado
        `tornado` of a result of `programme_risk`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When every input is fixed.
    """
    if not tornado.moved:
        raise CxError(
            "there are 0 uncertain inputs, must be at least 1 to draw: enter a range for one."
        )
    with cx_style():
        ax = new_axes(1.1 + ROW * len(tornado.moved)) if ax is None else ax
        _rows(ax, [_heading(m, tornado.currency) for m in tornado.moved])
        ax.axvline(0, color=QUIET, linewidth=0.9)
        ax.axvline(tornado.npv, color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        for place, m in enumerate(tornado.moved):
            low, high = m.npv
            bar = ax.barh(place, high - low, 0.56, left=low, color=PALE, edgecolor=PALETTE[0])
            bar[0].sticky_edges.x.clear()  # else the axis ends on the mark
            for end, fill in zip(m.npv, ("white", INK), strict=True):
                ax.scatter([end], [place], s=22, facecolor=fill, edgecolor=INK, zorder=4)
            say_beside(ax, place, "\n".join(m.said))
        money_axis(ax.xaxis)
        ax.margins(x=0.07)
        ax.locator_params(axis="x", nbins=3 if narrow(ax) else 6)
        below = tr(
            "{Unit}, value today. Hollow: at the first end. Dashed: as entered.",
            Unit=words.money_unit(tornado.currency, capital=True),
        )
        say_below(ax, below)
        attach_alt(ax, _say_tornado(tornado), _ends(tornado), AT_ENDS)
    return ax


def _lift(risk: ProgrammeRisk) -> tuple[str, tuple[float, float, float], str]:
    effect, lift = risk.effect, risk.programme.lift
    if effect is None:
        return tr("Assumed"), (lift, lift, lift), "D"
    named = {"A": tr("Measured"), "D": tr("Assumed")}
    name = named.get(effect.grade, tr("Observed, an association"))
    return name, (effect.value, effect.ci_lower, effect.ci_upper), effect.grade


def _rows(ax: Axes, titles: list[str]) -> None:
    quieten(ax)
    ax.grid(visible=False)
    width = 16 if narrow(ax) else 26
    names = ["\n".join(wrapped(part, width) for part in x.splitlines()) for x in titles]
    ax.set_yticks(range(len(titles)), names)
    ax.set_ylim(len(titles) - 0.5, -0.5)


def _look(*, lost: bool) -> dict[str, Any]:
    if lost:
        return {"color": "white", "edgecolor": LOSS, "hatch": HATCH}
    return {"color": PALE, "edgecolor": PALETTE[0]}


def _edges(npv: Floats) -> Floats:
    """Return edges of bins of one width, one of them at 0, past which money is lost."""
    low, high = float(npv.min()), float(npv.max())
    width = (high - low) / BINS
    # one more on each side, since an end divided by the width may be off by rounding
    first, last = math.floor(low / width) - 1, math.floor(high / width) + 2
    return np.asarray(width * np.arange(first, last + 1, dtype=np.float64))


def _heading(m: Moved, currency: str | None) -> str:
    low, high = (value_words(m.name, end, currency) for end in m.ends)
    if m.name == LIFT:
        low = f"{100 * m.ends[0]:.4g}"
    title = words.sentence_start(m.title)
    said = tr("{Input}: {low} to {high}", Input=title, low=low, high=high)
    return said.replace(" %", "\N{NO-BREAK SPACE}%")


def _say_as_entered(ax: Axes, value: float, edges: Floats) -> None:
    """Name the dashed line, on the side where there is room."""
    right = value < (edges[0] + edges[-1]) / 2
    ax.annotate(
        tr("as entered"),
        (value, 0.97),
        xycoords=ax.get_xaxis_transform(),
        xytext=(4 if right else -4, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        fontsize=SMALL,
        color=INK,
        path_effects=HALO,
    )


def _say_sum(ax: Axes, year: float, total: float, programme: Programme) -> None:
    said = words.money(total, math.nan, math.nan, programme.currency)
    place: dict[str, Any] = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
    ax.annotate(said, (year, total), fontsize=SMALL, color=INK, path_effects=HALO, **place)
    ax.margins(x=0.09)


def _say_npv(risk: ProgrammeRisk) -> str:
    return tr(
        "How often each value today comes up among {draws} draws; {share} of them lose money. "
        "{worth}",
        draws=words.number(risk.draws),
        share=chance(risk.probability_of_loss[0]),
        worth=risk.worth_words,
    )


def _say_payments(programme: Programme, paid: Floats, total: Floats) -> str:
    amounts = [words.money(float(x), math.nan, math.nan, programme.currency) for x in paid]
    years = (tr("year {year} {amount}", year=k, amount=said) for k, said in enumerate(amounts))
    return tr(
        "Payments with a lift of {lift}: {years}. At what they are worth today they add up to "
        "{sum}.",
        lift=value_words(LIFT, programme.lift, None),
        years=tr("; ").join(years),
        sum=words.money(float(total[-1]), math.nan, math.nan, programme.currency),
    )


def _say_tornado(tornado: Tornado) -> str:
    said = []
    for m in tornado.moved:
        low, high = (value_words(m.name, end, tornado.currency) for end in m.ends)
        first, second = (words.in_currency(end, tornado.currency) for end in m.said)
        said.append(
            tr(
                "{Input}: {first} at {low}, {second} at {high}.",
                Input=words.sentence_start(m.title),
                first=first,
                low=low,
                second=second,
                high=high,
            )
        )
    worth = words.money(tornado.npv, math.nan, math.nan, tornado.currency)
    about = tr("Value today by input; as entered it is {worth}.", worth=worth)
    return words.sentences([about, *said])


def _lifts(rows: Sequence[tuple[str, Ends, str]], need: str) -> pd.DataFrame:
    """Return the lifts that are drawn, in percentage points."""
    names = [name for name, *_ in rows]
    said = [words.number_interval(*(100 * end for end in ends)) for _, ends, _ in rows[1:]]
    return pd.DataFrame({"what": names, "points": [need, *said]})


def _bars(edges: Floats, shares: Floats) -> pd.DataFrame:
    """Return the bars: between which amounts, and the share of the draws."""
    unit = two_digits(float(edges[1] - edges[0]))
    ends = [words.number(float(edge), unit) for edge in edges]
    said = [words.percent(float(share), 0.001) for share in shares]
    frame = pd.DataFrame({"from": ends[:-1], "to": ends[1:], "share": said})
    return frame[shares > 0]


def _ends(tornado: Tornado) -> pd.DataFrame:
    """Return the inputs with the value at each end."""
    rows = []
    for m in tornado.moved:
        low, high = (value_words(m.name, end, tornado.currency) for end in m.ends)
        said = (low, m.said[0], high, m.said[1])
        rows.append({"input": m.title, **dict(zip(AT_ENDS, said, strict=True))})
    return pd.DataFrame(rows)
