"""Figures of revenue: what is left of a month's revenue a year later, and where it went."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import QUIET, SMALL, attach_alt, cx_style, new_axes, quieten, size_in_points
from cxresearch._folding import fold
from cxresearch._language import tr
from cxresearch._looks import PALETTE
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
        unit = tr("{currency} per month", currency=currency)
        below = f"{unit}\n\n{fold(result.definition, wide)}"
        ax.set_xlabel(below, loc="left", fontsize=SMALL)
        attach_alt(ax, _say(result), _numbers(result))
    return ax


def _steps(result: RevenueRetention) -> list[tuple[str, float, float, bool]]:
    """Return label, left end, width and whether it is a loss, from the opening to the closing."""
    opening, closing = result.opening, result.closing
    left = opening - result.churned
    low = left - result.contraction
    return [
        (words.period_label(result.opening_month), 0.0, opening, False),
        (tr("who left"), left, result.churned, True),
        (tr("who pay less"), low, result.contraction, True),
        (tr("who pay more"), low, result.expansion, False),
        (words.period_label(result.closing_month), 0.0, closing, False),
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
    return tr("Gross retention {gross}\nNet retention {net}", gross=gross, net=net)


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


def _numbers(result: RevenueRetention) -> pd.DataFrame:
    rows = [(label, -amount if loss else amount) for label, _, amount, loss in _steps(result)]
    return pd.DataFrame(rows, columns=["step", "amount"]).round(0)


def _say(result: RevenueRetention) -> str:
    gross, net = _shares(result)
    return tr(
        "Monthly revenue of customers{group} from {first} to {last}, {currency}: opening "
        "{opening}, lost with customers who left {churned}, lower bills {less}, higher bills "
        "{more}, closing {closing}. Gross revenue retention {gross}, net revenue retention {net} "
        "({level} intervals).",
        group=words.with_group(result.group),
        first=words.period_label(result.opening_month),
        last=words.period_label(result.closing_month),
        currency=words.money_unit(result.currency, capital=True),
        opening=words.number(result.opening),
        churned=words.number(result.churned),
        less=words.number(result.contraction),
        more=words.number(result.expansion),
        closing=words.number(result.closing),
        gross=gross,
        net=net,
        level=words.level_words(result.confidence_level),
    )
