"""Figures of who answers: response rates, what silence leaves open, and who stays."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

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
    new_axes,
    percent_axis,
    quieten,
    size_in_points,
)
from cxresearch._folding import wrapped
from cxresearch._language import term, tr
from cxresearch._looks import PALETTE
from cxresearch.errors import CxError
from cxresearch.plots._ticks import period_tick, tick_letters
from cxresearch.plots.curves import plot_retention, retention_numbers, say_shares
from cxresearch.score_table import WAVE
from cxresearch.scores._nonresponse import NonResponse
from cxresearch.scores.responder_retention import SIDES, ResponderRetention
from cxresearch.scores.response_rates import ResponseRate


class Row(NamedTuple):
    """One line of the figure: what it is, the number, its interval, and what is assumed."""

    label: str
    value: float
    lower: float
    upper: float
    color: str
    marker: str


def plot_response_rates(rates: Iterable[ResponseRate], *, ax: Axes | None = None) -> Axes:
    """Draw response rates side by side, e.g. by wave, with their intervals as whiskers.

    Parameters
    ----------
    rates
        Result of `response_rates`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw.
    """
    shown = list(rates)
    if not shown:
        raise CxError(
            "there are 0 response rates, must be at least 1: take longer waves, or fewer groups."
        )
    values = np.array([r.response_rate for r in shown])
    ends = np.array([[r.response_rate_ci_lower, r.response_rate_ci_upper] for r in shown]).T
    with cx_style():
        ax = new_axes(3.2) if ax is None else ax
        quieten(ax)
        spread = [values - ends[0], ends[1] - values]
        ax.errorbar(
            range(len(shown)), values, yerr=spread, fmt="o", color=PALETTE[0], markersize=4.5,
            elinewidth=1.2, capsize=2,
        )  # fmt: skip
        ax.set_ylim(0, min(1.0, 1.15 * ends[1].max()))
        percent_axis(ax)
        ax.set_title(tr("Response rate"), loc="left", fontsize=10, color=QUIET)
        _wave_axis(ax, [_tick(r) for r in shown])
        attach_alt(ax, _say_rates(shown), pd.concat([r.to_frame() for r in shown]))
    return ax


def plot_nonresponse(result: NonResponse, *, ax: Axes | None = None) -> Axes:
    """Draw what is known of the score and what is assumed: answers, weights, bounds, tipping point.

    Parameters
    ----------
    result
        One result of `nps_nonresponse`.
    ax
        Axes to draw on; a new figure when not given.

    Returns
    -------
    Axes
        With the NPS on the x axis, −100 to 100 points. Dots are estimates with their intervals,
        the bar is all that is possible, the diamond is where the silent have to be for the score
        of all to be 0.
    """
    rows = _rows(result)
    with cx_style():
        ax = new_axes(0.9 + 0.5 * len(rows)) if ax is None else ax
        quieten(ax)
        ax.grid(visible=False)
        ax.axvline(0, color=QUIET, linewidth=0.8)
        for place, row in enumerate(rows):
            _draw_row(ax, place, row)
        ax.set_yticks(range(len(rows)), [wrapped(row.label, 26) for row in rows])
        ax.set_ylim(len(rows) - 0.4, -0.6)
        ax.set_xlim(-103, 103)
        ax.set_xticks([-100, -50, 0, 50, 100])
        ax.set_xlabel(tr("NPS in points"))
        attach_alt(ax, _say_rows(result, rows), _rows_frame(rows))
    return ax


def plot_responders(result: ResponderRetention, *, ax: Axes | None = None) -> Axes:
    """Draw the retention curves of those who answered and of the silent.

    Parameters
    ----------
    result
        One result of `compare_responders`.
    ax
        Axes to draw on; a new figure when not given.
    """
    named = dict(zip((term(side) for side in SIDES), result.curves, strict=True))
    ax = plot_retention(named, ax=ax)
    ax.set_xlabel(tr("Months since the last day to answer"), labelpad=3)
    title = tr(
        "Retention curves with {level} intervals, by months since the last day to answer.",
        level=words.level_words(result.answered.confidence_level),
    )
    attach_alt(ax, words.sentences([title, *say_shares(named)]), retention_numbers(named))
    return ax


def _tick(rate: ResponseRate) -> str:
    if list(rate.group) == [WAVE]:
        return period_tick(rate.group[WAVE])
    return rate.label or tr("all")


def _wave_axis(ax: Axes, labels: list[str]) -> None:
    room = max(1, int(size_in_points(ax)[0] // (6.0 * min(tick_letters(labels), 14) + 8)))
    every = -(-len(labels) // room)
    ticks = range((len(labels) - 1) % every, len(labels), every)
    ax.set_xticks(
        list(ticks), ["\n".join(wrapped(x, 14) for x in labels[i].splitlines()) for i in ticks]
    )
    ax.set_xlim(-0.5, len(labels) - 0.5)


def _rows(result: NonResponse) -> list[Row]:
    blue, orange = PALETTE[0], PALETTE[1]
    ends = (result.nps_ci_lower, result.nps_ci_upper)
    rows = [Row(tr("Those who answered"), result.nps, *ends, blue, "o")]
    if not result.no_weights:
        ends = (result.nps_weighted_ci_lower, result.nps_weighted_ci_upper)
        rows.append(Row(tr("Weighted to all reached"), result.nps_weighted, *ends, blue, "s"))
    if result.answered < result.delivered:
        nothing, bounds = float("nan"), (result.lower_bound, result.upper_bound)
        rows.append(Row(tr("All reached, if nothing is assumed"), nothing, *bounds, QUIET, ""))
        at = result.silent_at_tipping
        if abs(at) <= 100:
            rows.append(Row(tr("The silent, where all together are at 0"), at, at, at, orange, "D"))
    return rows


def _draw_row(ax: Axes, place: int, row: Row) -> None:
    if not row.marker:
        width = row.upper - row.lower
        ax.barh(place, width, left=row.lower, height=0.34, color="#D9D9D9", edgecolor=row.color)
    else:
        spread = [[row.value - row.lower], [row.upper - row.value]]
        ax.errorbar(
            row.value, place, xerr=spread, fmt=row.marker, color=row.color, markersize=6,
            elinewidth=1.6, capsize=3,
        )  # fmt: skip
    middle = row.value if row.marker else (row.lower + row.upper) / 2
    ax.annotate(
        _numbers(row), (middle, place), (0, 9), textcoords="offset points", ha="center",
        va="bottom", fontsize=SMALL, color=INK,
        bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
    )  # fmt: skip


def _numbers(row: Row) -> str:
    if not row.marker:
        return tr("{low} to {high}", low=words.number(row.lower), high=words.number(row.upper))
    if row.lower == row.upper:
        return words.number(row.value)
    return words.number_interval(row.value, row.lower, row.upper)


def _say_rows(result: NonResponse, rows: list[Row]) -> str:
    level = words.level_words(result.confidence_level)
    said = [tr("{Whom}: {score}", Whom=row.label, score=_numbers(row)) for row in rows]
    title = tr("NPS in points with {level} intervals, and what the silent leave open.", level=level)
    return words.sentences([title, tr("{list}.", list=tr("; ").join(said))])


def _rows_frame(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "group": [row.label for row in rows],
            "nps": [row.value if row.marker else _numbers(row) for row in rows],
            "nps_ci_lower": [_end(row, row.lower) for row in rows],
            "nps_ci_upper": [_end(row, row.upper) for row in rows],
        }
    )


def _end(row: Row, end: float) -> float:
    return end if row.marker and row.lower < row.upper else float("nan")


def _say_rates(shown: list[ResponseRate]) -> str:
    level = words.level_words(shown[0].confidence_level)
    ends = [shown[0], shown[-1]] if len(shown) > 1 else shown
    said = [tr("{share} for {whom}", share=_share(r), whom=r.label or tr("all")) for r in ends]
    title = tr("Response rates with {level} intervals.", level=level)
    return words.sentences([title, tr("{list}.", list=words.and_list(said))])


def _share(r: ResponseRate) -> str:
    return words.percent_interval(
        r.response_rate, r.response_rate_ci_lower, r.response_rate_ci_upper
    )
