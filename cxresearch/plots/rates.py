"""Figures of retention and churn rates by period: results in, Axes out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    QUIET,
    Series,
    attach_alt,
    cx_style,
    label_ends,
    new_axes,
    percent_axis,
    quieten,
    size_in_points,
)
from cxresearch._language import mark, term, tr
from cxresearch._looks import looks
from cxresearch._results import Results
from cxresearch.errors import CxError
from cxresearch.plots._ticks import period_tick, tick_letters
from cxresearch.rates import Rates

__all__ = ["plot_rates"]

RATES = ("retention_rate", "churn_rate")
STEPS = {"month": (1, 2, 3, 6, 12, 24), "quarter": (1, 2, 4, 8), "year": (1, 2, 5, 10)}
ONE = (
    mark("Year as a customer"),
    mark("Quarter as a customer"),
    mark("Month as a customer"),
    mark("Week as a customer"),
    mark("Day as a customer"),
    mark("Period as a customer"),
)
TITLES = (
    mark("Retention rate per year"),
    mark("Retention rate per quarter"),
    mark("Retention rate per month"),
    mark("Retention rate per week"),
    mark("Retention rate per day"),
    mark("Retention rate per period"),
    mark("Churn rate per year"),
    mark("Churn rate per quarter"),
    mark("Churn rate per month"),
    mark("Churn rate per week"),
    mark("Churn rate per day"),
    mark("Churn rate per period"),
)


def plot_rates(
    rates: Results[Rates] | Rates | Iterable[Rates],
    *,
    rate: str = "retention_rate",
    ax: Axes | None = None,
) -> Axes:
    """Draw retention or churn rates by period, with their intervals as whiskers.

    Parameters
    ----------
    rates
        Result of `period_rates` or `tenure_rates`, or one or several of its groups.
    rate
        "retention_rate" or "churn_rate".
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw, or the rate is not one of the two.
    """
    groups = [rates] if isinstance(rates, Rates) else list(rates)
    _check_rates(groups, rate)
    with cx_style():
        ax = new_axes(3.4) if ax is None else ax
        quieten(ax)
        labels = [group.label for group in groups]
        shifts = _side_by_side(len(groups))
        series = [
            _draw_rates(ax, group, rate, look, shift)
            for group, look, shift in zip(groups, looks(labels), shifts, strict=True)
        ]
        _period_axis(ax, groups[0], rate)
        label_ends(ax, [s for s in series if s.label])
        attach_alt(ax, _say_rates(groups, rate), _rates_drawn(groups, rate))
    return ax


def _check_rates(groups: Sequence[Rates], rate: str) -> None:
    problems = []
    if rate not in RATES:
        problems.append(f"rate is {rate!r}, must be one of {', '.join(RATES)}: choose one.")
    if not groups:
        problems.append("there are 0 groups, must be at least 1: take longer periods.")
    if problems:
        raise CxError(problems)


def _side_by_side(count: int) -> list[float]:
    width = min(0.12, 0.5 / max(count, 1))
    return [(i - (count - 1) / 2) * width for i in range(count)]


def _draw_rates(ax: Axes, rates: Rates, rate: str, look: tuple[str, Any], shift: float) -> Series:
    color, line = look
    frame = rates.to_frame()
    x = np.arange(len(frame)) + shift
    y, low, high = (
        frame[name].to_numpy(dtype=float) for name in (rate, f"{rate}_ci_lower", f"{rate}_ci_upper")
    )
    ax.plot(x, y, color=color, linestyle=line, linewidth=1, alpha=0.6)
    ax.errorbar(
        x,
        y,
        yerr=[y - low, high - y],
        fmt="o",
        color=color,
        markersize=4.5,
        elinewidth=1.2,
        capsize=2,
        label=rates.label,
    )
    shown = np.flatnonzero(~np.isnan(y))
    end = int(shown[-1]) if shown.size else 0
    return Series(rates.label, color, line, (float(x[end]), float(np.nan_to_num(y[end]))))


def _period_axis(ax: Axes, rates: Rates, rate: str) -> None:
    count = len(rates.periods)
    ax.set_xlim(-0.5, count - 0.5)
    low, high = ax.get_ylim()
    ax.set_ylim(max(0.0, low), min(1.0, high))
    percent_axis(ax)
    ax.set_title(_title(rates, rate), loc="left", fontsize=10, color=QUIET)
    said = [period_tick(period) for period in rates.periods]
    room = max(1, int(size_in_points(ax)[0] * 0.8 // (6.4 * tick_letters(said) + 8)))
    steps = STEPS.get(rates.unit, STEPS["year"])
    every = next((step for step in steps if count / step <= room), count)
    ticks = list(range((count - 1) % every, count, every))
    ax.set_xticks(ticks, [said[i] for i in ticks])
    if rates.axis == "tenure":
        ax.set_xlabel(term(f"{rates.unit.capitalize()} as a customer"))


def _title(rates: Rates, rate: str) -> str:
    return term(f"{rate.replace('_', ' ').capitalize()} per {rates.unit}")


def _say_rates(groups: Sequence[Rates], rate: str) -> str:
    level = words.level_words(groups[0].confidence_level)
    title = _title(groups[0], rate)
    said = [tr("{title} with {level} intervals.", title=title, level=level)]
    for rates in groups:
        frame = rates.to_frame().dropna(subset=[rate])
        ends = frame.iloc[[0, -1]] if len(frame) > 1 else frame
        values = [
            tr(
                "{share} in {period}",
                share=words.percent_interval(
                    row[rate], row[f"{rate}_ci_lower"], row[f"{rate}_ci_upper"]
                ),
                period=words.period_label(row[rates.axis]),
            )
            for _, row in ends.iterrows()
        ]
        whom = rates.label or words.sentence_start(term(rates.population))
        shares = words.and_list(values) if values else tr("too few to show")
        said.append(tr("{Whom}: {shares}.", Whom=whom, shares=shares))
    return words.sentences(said)


def _rates_drawn(groups: Sequence[Rates], rate: str) -> pd.DataFrame:
    ends = [rate, f"{rate}_ci_lower", f"{rate}_ci_upper"]
    return pd.concat(
        [g.to_frame()[[*g.group, g.axis, "at_start", *ends]] for g in groups], ignore_index=True
    )
