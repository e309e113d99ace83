"""Figures of scores: results in, Axes out. Nothing is estimated here.

The definition of the score stands below each figure.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._draw import (
    GRID,
    INK,
    QUIET,
    SMALL,
    attach_alt,
    cx_style,
    narrow,
    new_axes,
    quieten,
    size_in_points,
)
from cxresearch._folding import fold, wrapped
from cxresearch._language import tr
from cxresearch._looks import GROUP_COLORS, PALETTE
from cxresearch.errors import CxError
from cxresearch.plots._score_words import (
    answers_numbers,
    chart_numbers,
    say_answers,
    say_chart,
    say_scores,
    scores_numbers,
)
from cxresearch.plots._ticks import period_tick, tick_letters
from cxresearch.retention import MIN_GROUP
from cxresearch.scores.control_chart import SIGMAS, ControlChart, signal_words
from cxresearch.scores.league import INNER, OUTER, League
from cxresearch.scores.levels import Score

__all__ = ["plot_answers", "plot_control_chart", "plot_league", "plot_scores"]

THIN: Final = "#8A8A8A"  # fewer answers than a group should have, once those of one customer count
LABELLED: Final = 6  # of more groups only those outside the limits are named
NEEDED: Final = "take longer waves, or fewer columns"


def plot_scores(scores: Iterable[Score], *, ax: Axes | None = None) -> Axes:
    """Draw the score of each group as a dot with its interval, largest group first.

    Parameters
    ----------
    scores
        Result of `score_levels`. Waves stay in order of time. A dot is grey where the answers
        are worth fewer than 30 independent ones.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw.
    """
    drawn = _some(list(scores), "scores")
    if not any("wave" in score.group for score in drawn):
        drawn = sorted(drawn, key=lambda score: -score.answers)
    with cx_style():
        ax = new_axes(1.5 + 0.34 * len(drawn)) if ax is None else ax
        _sideways(ax)
        for place, score in enumerate(drawn):
            _whisker(ax, place, score)
        _group_axis(ax, _labels(drawn))
        _score_axis(ax, drawn[0].unit, "x")
        _answers_beside(ax, [score.answers for score in drawn])
        _define(ax, drawn[0].definition)
        attach_alt(ax, say_scores(drawn), scores_numbers(drawn))
    return ax


def plot_answers(scores: Iterable[Score], *, ax: Axes | None = None) -> Axes:
    """Draw what share of the answers fell on each step of the scale, one bar per group.

    Parameters
    ----------
    scores
        Result of `score_levels`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing to draw.
    """
    drawn = _some(list(scores), "scores")
    with cx_style():
        ax = new_axes(1.7 + 0.42 * len(drawn)) if ax is None else ax
        _sideways(ax)
        for place, score in enumerate(drawn):
            _stack(ax, place, score)
        _group_axis(ax, _labels(drawn))
        ax.set_xlim(0, 1)
        _percent(ax.xaxis)
        ax.grid(visible=False)
        _answers_beside(ax, [score.answers for score in drawn])
        _define(ax, drawn[0].definition)
        attach_alt(ax, say_answers(drawn), answers_numbers(drawn))
    return ax


def plot_control_chart(chart: ControlChart, *, ax: Axes | None = None) -> Axes:
    """Draw scores by wave with the limits that a sample of one score would keep to.

    Parameters
    ----------
    chart
        Result of `score_control_chart`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there are fewer than two waves.
    """
    _some(chart.waves, "waves", least=2)
    with cx_style():
        ax = new_axes(3.6) if ax is None else ax
        quieten(ax)
        _draw_chart(ax, chart)
        _wave_axis(ax, chart.waves)
        _score_axis(ax, chart.unit, "y")
        grey = tr("Grey: centre ± {n} standard errors of a wave.", n=f"{SIGMAS:g}")
        _define(ax, words.sentences([chart.definition, grey]))
        attach_alt(ax, say_chart(chart), chart_numbers(chart))
    return ax


def plot_league(league: League, *, ax: Axes | None = None) -> Axes:
    """Draw groups by their number of answers, in the funnel within which chance leaves them.

    Parameters
    ----------
    league
        Result of `score_league`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there are fewer than two groups.
    """
    _some(league.groups, "groups", least=2)
    with cx_style():
        ax = new_axes(3.9) if ax is None else ax
        quieten(ax)
        least, most = 0.75 * league.effective_n.min(), 1.25 * league.effective_n.max()
        ax.set_xlim(least, most)
        _draw_funnel(ax, league, np.linspace(least, most, 200))
        _draw_groups(ax, league)
        _score_axis(ax, league.unit, "y")
        _define(ax, league.definition, tr("Answers (worth as many independent ones)"))
        title = tr("Funnel plot of {name} by group.", name=league.metric.upper())
        attach_alt(ax, words.sentences([title, league.sentence()]), league.to_frame())
    return ax


def _some(items: Sequence[Any], what: str, least: int = 1) -> Sequence[Any]:
    if len(items) < least:
        raise CxError(f"there are {len(items)} {what}, must be at least {least}: {NEEDED}.")
    return items


def _sideways(ax: Axes) -> None:
    quieten(ax)
    ax.grid(visible=False, axis="y")
    ax.grid(visible=True, axis="x", color=GRID)


def _whisker(ax: Axes, place: int, score: Score) -> None:
    color = PALETTE[0] if score.effective_n >= MIN_GROUP else THIN
    ends = [[score.score - score.score_ci_lower], [score.score_ci_upper - score.score]]
    style: dict[str, Any] = {"color": color, "markersize": 5, "elinewidth": 1.4, "capsize": 2.5}
    ax.errorbar([score.score], [place], xerr=ends, fmt="o", **style)


def _stack(ax: Axes, place: int, score: Score) -> None:
    left = 0.0
    for step, share, value in zip(score.steps, score.distribution, score.values, strict=True):
        color, alpha = _step_look(score, step, value)
        ax.barh(place, share, 0.72, left=left, color=color, alpha=alpha, edgecolor="white")
        if share > (0.07 if narrow(ax) else 0.04):
            ink = "white" if alpha > 0.9 else INK
            ax.text(left + share / 2, place, str(step), ha="center", va="center", color=ink,
                    fontsize=SMALL)  # fmt: skip
        left += float(share)


def _step_look(score: Score, step: int, value: float) -> tuple[str, float]:
    """Return colour and strength: groups keep their colour, and the end of the scale is dark."""
    signed = bool((score.values < 0).any())
    kind = {1.0: "promoter", 0.0: "passive", -1.0: "detractor"}[float(value)]
    color = GROUP_COLORS[kind if signed or value else "passive"]
    same = [s for s, v in zip(score.steps, score.values, strict=True) if v == value]
    depth = same.index(step) if value > 0 else len(same) - 1 - same.index(step)
    low = 0.35 if len(same) > 2 else 0.75
    return color, low + (1 - low) * depth / max(len(same) - 1, 1)


def _labels(scores: Sequence[Score]) -> list[str]:
    """Return what tells the groups apart: a label that all share, such as one wave, is left out."""
    apart = [name for name in scores[0].group if len({s.group[name] for s in scores}) > 1]
    kept = apart or list(scores[0].group)
    return [words.group_name({n: s.group[n] for n in kept}) or tr("All answers") for s in scores]


def _group_axis(ax: Axes, labels: Sequence[str]) -> None:
    width = 14 if narrow(ax) else 26
    ax.set_yticks(range(len(labels)), [wrapped(label, width) for label in labels])
    ax.set_ylim(len(labels) - 0.4, -0.6)


def _score_axis(ax: Axes, unit: str, axis: str) -> None:
    target = ax.xaxis if axis == "x" else ax.yaxis
    if unit == "points":
        target.set_major_formatter(lambda value, _: f"{value:.6g}".replace("-", "−"))
    else:
        _percent(target)


def _percent(axis: Axis) -> None:
    axis.set_major_formatter(lambda share, _: tr("{number} %", number=f"{100 * share:.6g}"))


def _answers_beside(ax: Axes, answers: Sequence[int]) -> None:
    """Write the number of answers at the right of each row."""
    style: dict[str, Any] = {"transform": ax.get_yaxis_transform(), "color": QUIET,
                             "fontsize": SMALL, "va": "center"}  # fmt: skip
    for place, count in enumerate(answers):
        ax.text(1.02, place, f"n = {count:,}", **style)


def _define(ax: Axes, definition: str, above: str = "") -> None:
    characters = int(size_in_points(ax)[0] / 4.6)
    text = fold(definition, max(characters, 24))
    ax.set_xlabel(f"{above}\n{text}" if above else text, fontsize=SMALL, loc="left")


def _wave_axis(ax: Axes, waves: Sequence[str]) -> None:
    count = len(waves)
    ax.set_xlim(-0.5, count - 0.5)
    said = [period_tick(wave) for wave in waves]
    room = max(1, int(size_in_points(ax)[0] // (6.0 * tick_letters(said) + 8)))
    every = -(-count // room)
    ticks = list(range((count - 1) % every, count, every))
    ax.set_xticks(ticks, [said[i] for i in ticks])


def _draw_chart(ax: Axes, chart: ControlChart) -> None:
    x = np.arange(len(chart.waves))
    edges = np.arange(len(chart.waves) + 1) - 0.5
    low, high = (np.append(limit, limit[-1]) for limit in (chart.lower_limit, chart.upper_limit))
    ax.fill_between(edges, low, high, step="post", color=GRID, alpha=0.75, linewidth=0)
    ax.axhline(chart.centre, color=QUIET, linewidth=1, linestyle="--")
    ax.plot(x, chart.score, "o-", color=PALETTE[0], linewidth=1.2, markersize=5)
    out = [i for i, why in enumerate(chart.signals) if why]
    ax.margins(y=0.1)
    ax.plot(x[out], chart.score[out], "D", color=PALETTE[1], markersize=8)
    for i in out:
        ax.annotate(signal_words(chart.signals[i]), (float(x[i]), float(chart.score[i])), (0, 9),
                    textcoords="offset points", ha="center", fontsize=SMALL,
                    color=PALETTE[1])  # fmt: skip


def _draw_funnel(ax: Axes, league: League, n: NDArray[np.float64]) -> None:
    style: dict[str, Any] = {"textcoords": "offset points", "fontsize": SMALL, "color": QUIET}
    for level, line, above in ((INNER, "--", -11), (OUTER, "-", 4)):
        lower, upper = league.limits(n, level)
        for limit in (lower, upper):
            ax.plot(n, limit, color=QUIET, linewidth=1, linestyle=line)
        # in the middle the lines are flat, and the outer name stands above and the inner below
        place = (float(n[120]), float(upper[120]))
        ax.annotate(words.level_words(level), place, (0, above), **style)
    ax.axhline(league.overall, color=QUIET, linewidth=0.8)


def _draw_groups(ax: Axes, league: League) -> None:
    named = len(league.groups) <= LABELLED
    for g, (x, y) in enumerate(zip(league.effective_n, league.score, strict=True)):
        far = league.outside[g] >= OUTER
        ax.plot(x, y, "D" if far else "o", color=PALETTE[1] if far else PALETTE[0], markersize=6)
        if named or league.outside[g] >= INNER:
            ax.annotate(wrapped(league.label(g), 16), (float(x), float(y)), (6, 4),
                        textcoords="offset points", fontsize=SMALL, color=INK)  # fmt: skip
