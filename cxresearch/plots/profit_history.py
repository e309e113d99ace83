"""Figures of where the claim comes from: the printed defection curve, and operating leverage."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from matplotlib import patheffects
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    QUIET,
    Series,
    attach_alt,
    cx_style,
    label_ends,
    money_axis,
    narrow,
    new_axes,
    quieten,
)
from cxresearch._folding import wrapped
from cxresearch._language import mark, term, tr
from cxresearch._looks import LINES, PALETTE
from cxresearch.plots._signed import percents
from cxresearch.roi._customer_lives import LIVES, Lives
from cxresearch.roi._defection_curve import CURRENCY, DefectionCurve
from cxresearch.roi._exact_shares import exact_shares
from cxresearch.roi.leverage import OperatingLeverage

SIZE: Final = 9.5
ROW: Final = 0.62  # inches
PALE: Final = "#9CC3DE"
HALO: Final = [patheffects.withStroke(linewidth=3, foreground="white")]
LOOKS: Final[dict[Lives, tuple[str, str, Any, str]]] = {  # name, colour, line, marker
    "fixed": (mark("everybody stays equally long"), PALETTE[0], LINES[0], "o"),
    "random": (mark("lives differ"), PALETTE[1], LINES[1], "s"),
}


def plot_defection_curve(curve: DefectionCurve, *, ax: Axes | None = None) -> Axes:
    """Draw the value of a customer by who leaves each year: as printed, and rebuilt.

    Parameters
    ----------
    curve
        `profit_history().curve`.
    ax
        Axes to draw on; a new figure when not given.

    Returns
    -------
    Axes
        The share who leave each year on the x axis, falling to the right, and dollars on the y
        axis. Printed values are crosses with their number beside them.
    """
    with cx_style():
        ax = new_axes(3.9) if ax is None else ax
        quieten(ax)
        ax.set_xlim(float(curve.line_rates.max()), float(curve.line_rates.min()))
        ax.set_ylim(0, 1.1 * max(float(line.max()) for line in curve.lines.values()))
        ax.set_xticks([rate for rate in (0.3, 0.2, 0.15, 0.1, 0.05) if rate <= ax.get_xlim()[0]])
        percents(ax.xaxis)
        money_axis(ax.yaxis)
        series = [_draw_lives(ax, curve, lives) for lives in LIVES]
        _draw_printed(ax, curve)
        ax.set_xlabel(tr("Customers who leave each year"), color=QUIET, fontsize=SIZE)
        title = tr(
            "{currency} per card customer, 1990: printed (crosses) and rebuilt (lines)",
            currency=words.money_unit(CURRENCY),
        )
        ax.set_title(wrapped(title, 40 if narrow(ax) else 76), loc="left", fontsize=10, color=QUIET)
        label_ends(ax, series)
        attach_alt(ax, _say_curve(curve), curve.to_frame())
    return ax


def plot_operating_leverage(found: OperatingLeverage, *, ax: Axes | None = None) -> Axes:
    """Draw how much higher profit is with a few per cent more customers, firm by firm.

    Parameters
    ----------
    found
        Result of `operating_leverage`.
    ax
        Axes to draw on; a new figure when not given.
    """
    count = len(found.profit_lift)
    with cx_style():
        ax = new_axes(1.15 + ROW * count) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        ax.barh(range(count), found.profit_lift, 0.56, color=PALE, edgecolor=PALETTE[0])
        for place, lift in enumerate(found.profit_lift):
            _beside(ax, place, float(lift))
        width = 18 if narrow(ax) else 30
        ax.set_yticks(range(count), [wrapped(_firm(found, i), width) for i in range(count)])
        ax.set_ylim(count - 0.5, -0.5)
        ax.set_xlim(0, 1.22 * float(found.profit_lift.max()))
        base = float(found.base_lift)
        ax.axvline(base, color=INK, linewidth=1.2, linestyle=LINES[1])
        percents(ax.xaxis)
        more = words.percent(base, 0.001 if round(100 * base, 6) % 1 else 0.01)
        label = tr(
            "Profit higher by, with {more} more customers (dashed), fixed costs as before; shares "
            "are of revenue",
            more=more,
        )
        wide = wrapped(label, 34 if narrow(ax) else 58)
        ax.set_xlabel(wide, loc="left", color=QUIET, fontsize=SIZE)
        attach_alt(ax, _say_leverage(found, more), *exact_shares(found.to_frame()))
    return ax


def _draw_lives(ax: Axes, curve: DefectionCurve, lives: Lives) -> Series:
    name, color, line, marker = LOOKS[lives]
    x, y = curve.line_rates, curve.lines[lives]
    ax.plot(x, y, color=color, linestyle=line)
    look: dict[str, Any] = {"linestyle": "none", "markersize": 6, "markerfacecolor": "white"}
    ax.plot(curve.defection_rates, curve.values[lives], marker, color=color, **look)
    end = int(np.argmin(x))
    return Series(term(name), color, line, (float(x[end]), float(y[end])))


def _draw_printed(ax: Axes, curve: DefectionCurve) -> None:
    look: dict[str, Any] = {"linestyle": "none", "markersize": 9, "markeredgewidth": 2}
    ax.plot(curve.defection_rates, curve.printed_values, "x", color=INK, zorder=4, **look)
    for rate, value in zip(curve.defection_rates, curve.printed_values, strict=True):
        ax.annotate(
            words.number(value),
            (rate, value),
            (-9, 5),
            textcoords="offset points",
            ha="right",
            fontsize=SIZE,
            color=INK,
            path_effects=HALO,
        )


def _beside(ax: Axes, place: int, lift: float) -> None:
    look: dict[str, Any] = {"va": "center", "fontsize": SIZE, "color": INK}
    ax.annotate(f"+{_tenth(lift)}", (lift, place), (5, 0), textcoords="offset points", **look)


def _firm(found: OperatingLeverage, i: int) -> str:
    contribution, profit = found.contribution_share[i], found.profit_share[i]
    return tr(
        "{contribution} contribution, {profit} profit",
        contribution=_tenth(contribution),
        profit=_tenth(profit),
    )


def _tenth(share: float) -> str:
    return tr("{number} %", number=f"{100 * share:.3g}")


def _say_curve(curve: DefectionCurve) -> str:
    rows = zip(
        curve.defection_rates,
        curve.printed_values,
        *(curve.values[lives] for lives in LIVES),
        strict=True,
    )
    said = [
        tr(
            "At {rate} who leave each year: printed {printed}, rebuilt {fixed} where everybody "
            "stays equally long and {random} where lives differ.",
            rate=words.percent(rate),
            printed=words.number(printed),
            fixed=words.number(fixed),
            random=words.number(random),
        )
        for rate, printed, fixed, random in rows
    ]
    about = tr(
        "Value of a card customer of 1990 in {currency}, rebuilt at {rate} a year.",
        currency=words.money_unit(CURRENCY),
        rate=words.percent(curve.annual_discount_rate, 0.001),
    )
    return words.sentences([about, *said])


def _say_leverage(found: OperatingLeverage, more: str) -> str:
    said = [
        tr("{firm} of revenue: {much} higher.", firm=_firm(found, i), much=_tenth(lift))
        for i, lift in enumerate(found.profit_lift)
    ]
    about = tr("Profit with {more} more customers and the same fixed costs.", more=more)
    return words.sentences([about, *said])
