"""Figures of revenue: what is left of a month's revenue a year later, and where it went."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    PALETTE,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    new_axes,
    quieten,
    size_in_points,
)
from cxresearch.scores.revenue_retention import RevenueRetention


def plot_revenue_bridge(result: RevenueRetention, *, ax: Axes | None = None) -> Axes:
    """Draw the way from the opening to the closing revenue of the same customers.

    Parameters
    ----------
    result
        One result of `revenue_retention`.
    ax
        Axes to draw on; a new figure when not given. Below it stands the definition.

    Returns
    -------
    Axes
        With monthly revenue on the x axis, one bar per step; losses are hatched.
    """
    steps = _steps(result)
    with cx_style():
        ax = new_axes(3.6) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        for place, (_, left, width, loss) in enumerate(steps):
            _draw_step(ax, place, (left, width), loss=loss)
        ax.set_yticks(range(len(steps)), [label for label, *_ in steps])
        ax.invert_yaxis()
        ax.set_xlim(0, max(left + width for _, left, width, _ in steps) * 1.18)
        ax.xaxis.set_major_formatter(lambda amount, _: f"{amount:,.0f}")
        ax.set_title(_title(result), loc="left", fontsize=10, color=QUIET)
        wide = int(size_in_points(ax)[0] / 5.0)  # points per letter at this size
        currency = words.money_unit(result.currency, capital=True)
        below = "\n".join([f"{currency} per month", "", *_lines(result, wide)])
        ax.set_xlabel(below, loc="left", fontsize=SMALL)
        attach_alt(ax, _say(result))
    return ax


def _steps(result: RevenueRetention) -> list[tuple[str, float, float, bool]]:
    """Return label, left end, width and whether it is a loss, from the opening to the closing."""
    opening, closing = result.opening, result.closing
    left = opening - result.churned
    low = left - result.contraction
    return [
        (result.opening_month, 0.0, opening, False),
        ("who left", left, result.churned, True),
        ("who pay less", low, result.contraction, True),
        ("who pay more", low, result.expansion, False),
        (result.closing_month, 0.0, closing, False),
    ]


def _draw_step(ax: Axes, place: int, bar: tuple[float, float], *, loss: bool) -> None:
    left, width = bar
    color = PALETTE[1] if loss else PALETTE[0]
    ax.barh(
        place, width, left=left, color="white" if loss else color, edgecolor=color,
        hatch="////" if loss else None, linewidth=1,
    )  # fmt: skip
    sign = "−" if loss and width > 0 else ""
    ax.annotate(
        f"{sign}{width:,.0f}", (left + width, place), (4, 0), textcoords="offset points",
        va="center",
    )  # fmt: skip


def _title(result: RevenueRetention) -> str:
    gross, net = _shares(result)
    return f"Gross retention {gross}\nNet retention {net}"


def _shares(result: RevenueRetention) -> tuple[str, str]:
    return (
        words.percent_interval(
            result.gross_revenue_retention,
            result.gross_revenue_retention_ci_lower,
            result.gross_revenue_retention_ci_upper,
        ),
        words.percent_interval(
            result.net_revenue_retention,
            result.net_revenue_retention_ci_lower,
            result.net_revenue_retention_ci_upper,
        ),
    )


def _lines(result: RevenueRetention, width: int) -> list[str]:
    return textwrap.wrap(result.definition, width)


def _say(result: RevenueRetention) -> str:
    gross, net = _shares(result)
    level = words.level_words(result.confidence_level)
    whom = words.with_group(result.group)
    currency = words.money_unit(result.currency, capital=True)
    amounts = (
        ("opening", result.opening),
        ("lost with customers who left", result.churned),
        ("lower bills", result.contraction),
        ("higher bills", result.expansion),
        ("closing", result.closing),
    )
    said = ", ".join(f"{name} {words.number(amount)}" for name, amount in amounts)
    return (
        f"Monthly revenue of customers{whom} from {result.opening_month} to "
        f"{result.closing_month}, {currency}: {said}. Gross revenue retention {gross}, net revenue "
        f"retention {net} ({level} intervals)."
    )
