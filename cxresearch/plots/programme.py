"""Figures of a programme: what it needs, what it may be worth, its payments, what it hangs on."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    PALETTE,
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
from cxresearch.errors import CxError
from cxresearch.roi._risk import ProgrammeRisk, chance
from cxresearch.roi._tornado import Moved, Tornado, value_words
from cxresearch.roi.programme import Programme

Floats = NDArray[np.float64]

BINS: Final = 40
ROW: Final = 0.5  # inches
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
    rows = [("Needed", risk.break_even, "D"), _lift(risk)]
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
        hollow = " Hollow: entered, not measured." if rows[1][2] == "D" else ""
        say_below(ax, f"Percentage points more who stay a year.{hollow}")
        attach_alt(ax, f"Points more who stay a year, needed and at hand. {risk.sentence()}")
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
        ax.yaxis.set_major_formatter(lambda percent, _: f"{percent:g} %")
        money_axis(ax.xaxis)
        ax.locator_params(axis="x", nbins=4 if narrow(ax) else 6)
        ax.axvline(risk.programme.npv, color=INK, linewidth=1.1, linestyle=(0, (4, 3)))
        ax.axvline(0, color=QUIET, linewidth=0.9)
        _say_as_entered(ax, risk.programme.npv, edges)
        loses_money = f"Hatched: loses money, {chance(risk.probability_of_loss[0])} of the draws."
        unit = words.money_unit(risk.programme.currency, capital=True)
        say_below(ax, f"{unit}, value today; share of {risk.draws:,} draws. {loses_money}")
        attach_alt(ax, _say_npv(risk))
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
        unit = words.money_unit(programme.currency, capital=True)
        line = "Line: the sum so far, at what it is worth today."
        say_below(ax, f"Year. {unit}; hatched: paid out. {line}")
        attach_alt(ax, _say_payments(programme, paid, total))
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
        unit = words.money_unit(tornado.currency, capital=True)
        say_below(ax, f"{unit}, value today. Hollow: at the first end. Dashed: as entered.")
        attach_alt(ax, _say_tornado(tornado))
    return ax


def _lift(risk: ProgrammeRisk) -> tuple[str, tuple[float, float, float], str]:
    effect, lift = risk.effect, risk.programme.lift
    if effect is None:
        return "Assumed", (lift, lift, lift), "D"
    name = {"A": "Measured", "D": "Assumed"}.get(effect.grade, "Observed, an association")
    return name, (effect.value, effect.ci_lower, effect.ci_upper), effect.grade


def _rows(ax: Axes, titles: list[str]) -> None:
    quieten(ax)
    ax.grid(visible=False)
    width = 16 if narrow(ax) else 26
    ax.set_yticks(range(len(titles)), [wrapped(title, width) for title in titles])
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
    said = f"{m.title[:1].upper()}{m.title[1:]}: {low} to {high}"
    return said.replace(" points to ", " to ").replace(" %", "\N{NO-BREAK SPACE}%")


def _say_as_entered(ax: Axes, value: float, edges: Floats) -> None:
    """Name the dashed line, on the side where there is room."""
    right = value < (edges[0] + edges[-1]) / 2
    ax.annotate(
        "as entered",
        (value, 0.97),
        xycoords=ax.get_xaxis_transform(),
        xytext=(4 if right else -4, 0),
        textcoords="offset points",
        ha="left" if right else "right",
        va="top",
        fontsize=SMALL,
        color=INK,
    )


def _say_sum(ax: Axes, year: float, total: float, programme: Programme) -> None:
    said = words.money(total, math.nan, math.nan, programme.currency)
    place: dict[str, Any] = {"xytext": (8, 0), "textcoords": "offset points", "va": "center"}
    ax.annotate(said, (year, total), fontsize=SMALL, color=INK, path_effects=HALO, **place)
    ax.margins(x=0.09)


def _say_npv(risk: ProgrammeRisk) -> str:
    return (
        f"How often each value today comes up among {risk.draws:,} draws; "
        f"{chance(risk.probability_of_loss[0])} of them lose money. {risk.worth_words}"
    )


def _say_payments(programme: Programme, paid: Floats, total: Floats) -> str:
    amounts = [words.money(float(x), math.nan, math.nan, programme.currency) for x in paid]
    years = "; ".join(f"year {year} {said}" for year, said in enumerate(amounts))
    end = words.money(float(total[-1]), math.nan, math.nan, programme.currency)
    lift = value_words("lift", programme.lift, None)
    return (
        f"Payments with a lift of {lift}: {years}. At what they are worth today they add up to "
        f"{end}."
    )


def _say_tornado(tornado: Tornado) -> str:
    said = []
    for m in tornado.moved:
        low, high = (value_words(m.name, end, tornado.currency) for end in m.ends)
        ends = [words.in_currency(end, tornado.currency) for end in m.said]
        said.append(f"{m.title.capitalize()}: {ends[0]} at {low}, {ends[1]} at {high}.")
    worth = words.money(tornado.npv, math.nan, math.nan, tornado.currency)
    return " ".join([f"Value today by input; as entered it is {worth}.", *said])
