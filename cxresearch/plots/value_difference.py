"""Figures of a difference in value: side by side, part by part, and choice by choice."""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    QUIET,
    attach_alt,
    cx_style,
    folded,
    money_axis,
    narrow,
    new_axes,
    quieten,
    say_below,
    say_beside,
    say_refused,
)
from cxresearch._folding import wrapped
from cxresearch._language import term, tr
from cxresearch._looks import PALETTE, looks
from cxresearch.adjust._rung import Ends
from cxresearch.errors import CxError
from cxresearch.value._compared import PART_NAMES
from cxresearch.value._shapley import PARTS
from cxresearch.value._value_difference import ValueDifference
from cxresearch.value._value_sensitivity import MODEL, Bar, ValueSensitivity
from cxresearch.value.difference import ValueDifferences

ROW = 0.5  # inches
PALE = "#9CC3DE"
HOLLOW = ("white", INK)  # the first setting and the second
HALO = [patheffects.withStroke(linewidth=3.4, foreground="white")]


def plot_value_differences(differences: ValueDifferences, *, ax: Axes | None = None) -> Axes:
    """Draw the difference as the groups are and with the same history, each with its interval.

    Parameters
    ----------
    differences
        Result of `value_differences`.
    ax
        Axes to draw on; a new figure when not given.
    """
    rows = differences.rows
    with cx_style():
        ax = _rows(ax, len(rows), [row.title for row in rows])
        ax.axvline(0, color=QUIET, linewidth=0.9)
        for place, row in enumerate(rows):
            _draw_difference(ax, row, place)
        first, second = rows[0].plurals
        said = tr(
            "{Unit} that {first} are worth more each than {second} over {span}",
            Unit=_unit(rows[0]),
            first=first,
            second=second,
            span=rows[0].span,
        )
        say_below(ax, said)
        attach_alt(ax, _say_differences(differences), _differences_frame(differences))
    return ax


def plot_value_waterfall(difference: ValueDifference, *, ax: Axes | None = None) -> Axes:
    """Draw the way from the value of one group to that of the other, part by part.

    Parameters
    ----------
    difference
        One row of `value_differences`, e.g. `differences["as_they_are"]`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When it has no numbers.
    """
    if difference.refusal is not None:
        raise CxError(
            f"there is no difference to draw ({difference.refusal}), must be one with numbers: "
            "draw another row."
        )
    steps = _steps(difference)
    with cx_style():
        ax = _rows(ax, len(steps), [step.name for step in steps])
        ax.axvline(0, color=QUIET, linewidth=0.9)
        colors = [color for color, _ in looks(difference.labels)]
        for place, step in enumerate(steps):
            whole = {0: colors[1], len(steps) - 1: colors[0]}.get(place)
            _draw_step(ax, place, step, whole)
            amount = difference.none_of(step.part) or words.money(*step.ends, None)
            say_beside(ax, place, folded(ax, amount))
        _join(ax, steps)
        say_below(ax, _below_waterfall(difference))
        attach_alt(ax, _say_waterfall(difference), _steps_frame(difference, steps))
    return ax


def plot_value_sensitivity(sensitivity: ValueSensitivity, *, ax: Axes | None = None) -> Axes:
    """Draw how far the difference moves with each choice, the widest first (a tornado).

    Parameters
    ----------
    sensitivity
        Result of `value_sensitivity`.
    ax
        Axes to draw on; a new figure when not given.

    Raises
    ------
    CxError
        When there is nothing that moves.
    """
    if not sensitivity.bars:
        raise CxError(
            f"there are 0 choices to draw ({sensitivity.refusal or 'none moves'}), must be at "
            "least 1: enter a price, or look at another row."
        )
    bars = sensitivity.bars
    with cx_style():
        ax = _rows(ax, len(bars), [_heading(bar) for bar in bars])
        ax.axvline(0, color=QUIET, linewidth=0.9)
        ax.axvline(sensitivity.base[0], color=INK, linewidth=0.9, linestyle=(0, (4, 3)))
        for place, bar in enumerate(bars):
            _draw_bar(ax, place, bar)
            say_beside(ax, place, "\n".join(words.money(*ends, None) for ends in bar.ends))
        say_below(ax, _below_sensitivity(sensitivity))
        attach_alt(ax, _say_sensitivity(sensitivity), _bars_frame(sensitivity))
    return ax


class Step(NamedTuple):
    """A value, or a part of the difference: its name, where it begins, and the amount."""

    part: str  # empty for a value
    name: str
    start: float
    ends: Ends


def _rows(ax: Axes | None, count: int, titles: list[str]) -> Axes:
    ax = new_axes(1.1 + ROW * count) if ax is None else ax
    quieten(ax)
    ax.grid(visible=False)
    width = 16 if narrow(ax) else 26
    ax.set_yticks(range(count), [wrapped(title, width) for title in titles])
    ax.set_ylim(count - 0.5, -0.5)
    money_axis(ax.xaxis)
    ax.locator_params(axis="x", nbins=4 if narrow(ax) else 6)
    return ax


def _draw_difference(ax: Axes, row: ValueDifference, place: int) -> None:
    if row.refusal is not None:
        say_refused(ax, place, row.refusal)
        return
    value, lower, upper = row.difference
    color = PALETTE[0]
    fill = color if row.adjusted else "white"
    ax.hlines(place, lower, upper, color=color, linewidth=1.6)
    ax.scatter([value], [place], s=40, facecolor=fill, edgecolor=color, linewidth=1.4, zorder=3)
    say_beside(ax, place, folded(ax, words.money(*row.difference, None)))


def _steps(row: ValueDifference) -> list[Step]:
    """Return the reference's value, each part from where the last one ends, and the exposed's."""
    exposed, reference = row.values
    first, second = (words.sentence_start(name) for name in row.plurals)
    steps = [Step("", second, 0.0, reference)]
    at = reference[0]
    for part in PARTS:
        ends = (row.parts or {})[part]
        steps.append(Step(part, words.sentence_start(term(PART_NAMES[part])), at, ends))
        at += ends[0]
    return [*steps, Step("", first, 0.0, exposed)]


def _draw_step(ax: Axes, place: int, step: Step, whole: str | None) -> None:
    start, (value, lower, upper) = step.start, step.ends
    loss = whole is None and value < 0
    edge = PALETTE[1] if loss else PALETTE[0]
    color = whole or ("white" if loss else PALE)
    look: dict[str, Any] = {"linewidth": 1, "hatch": "////" if loss else None}
    ax.barh(place, value, 0.6, left=start, color=color, edgecolor=whole or edge, **look)
    if upper > lower:
        ends = (start + lower, start + upper)
        ax.hlines(place, *ends, color=INK, linewidth=1.5, path_effects=HALO, zorder=3)


def _join(ax: Axes, steps: list[Step]) -> None:
    """Lead the eye from the end of each bar to the beginning of the next."""
    for place, step in enumerate(steps[:-1]):
        end = step.start + step.ends[0]
        ax.vlines(end, place + 0.3, place + 0.7, color=QUIET, linewidth=0.8)


def _draw_bar(ax: Axes, place: int, bar: Bar) -> None:
    start, width = bar.ends[0][0], bar.ends[1][0] - bar.ends[0][0]
    look: dict[str, Any] = {"edgecolor": PALETTE[0], "hatch": "////" if bar.entered else None}
    color = "white" if bar.entered else PALE
    ax.barh(place, width, 0.62, left=start, color=color, linewidth=1, **look)
    for (value, lower, upper), shift, fill in zip(bar.ends, (-0.13, 0.13), HOLLOW, strict=True):
        spot = place + shift
        ax.hlines(spot, lower, upper, color=INK, linewidth=1.3, path_effects=HALO, zorder=3)
        ax.scatter([value], [spot], s=18, facecolor=fill, edgecolor=INK, linewidth=1.1, zorder=4)


def _heading(bar: Bar) -> str:
    """Return what moves and over which range; models are named in the text alternative."""
    title = words.sentence_start(bar.heading)
    low, high = (setting.replace(" ", "\N{NO-BREAK SPACE}") for setting in bar.settings)
    if bar.choice == MODEL:
        return title
    return tr("{choice}: {low} to {high}", choice=title, low=low, high=high)


def _below_waterfall(row: ValueDifference) -> str:
    said = {"Unit": _unit(row), "span": row.span, "how": row.how}
    if any(ends[0] < 0 for ends in (row.parts or {}).values()):
        return tr("{Unit} per customer over {span}, {how}. Hatched: takes off.", **said)
    return tr("{Unit} per customer over {span}, {how}", **said)


def _below_sensitivity(found: ValueSensitivity) -> str:
    unit = words.money_unit(found.prices.currency, capital=True)
    said = {"Unit": unit, "difference": found.whole()}
    if any(bar.entered for bar in found.bars):
        return tr("{Unit}, {difference}. Hollow: the first setting. Hatched: entered.", **said)
    return tr("{Unit}, {difference}. Hollow: the first setting.", **said)


def _unit(row: ValueDifference) -> str:
    return words.money_unit(row.prices.currency, capital=True)


def _differences_frame(found: ValueDifferences) -> pd.DataFrame:
    missing = words.MISSING
    rows = [(row.title, row.money(row.difference) if row.reported else missing) for row in found]
    return pd.DataFrame(rows, columns=["comparison", "difference"])


def _steps_frame(row: ValueDifference, steps: list[Step]) -> pd.DataFrame:
    rows = [(step.name, row.none_of(step.part) or row.money(step.ends)) for step in steps]
    return pd.DataFrame(rows, columns=["part", "value"])


def _bars_frame(found: ValueSensitivity) -> pd.DataFrame:
    rows = [
        (bar.heading, setting, found.money(ends))
        for bar in found.bars
        for setting, ends in zip(bar.settings, bar.ends, strict=True)
    ]
    return pd.DataFrame(rows, columns=["choice", "setting", "difference"])


def _say_differences(found: ValueDifferences) -> str:
    first, second = found.rows[0].plurals
    about = tr(
        "How much more {first} are worth each than {second} over {span}, with {level} intervals.",
        first=first,
        second=second,
        span=found.rows[0].span,
        level=words.level_words(found.rows[0].confidence_level),
    )
    missing = tr("not reported")
    said = [
        tr(
            "{name}: {said}.",
            name=row.title,
            said=row.money(row.difference) if row.reported else missing,
        )
        for row in found
    ]
    return words.sentences([about, *said])


def _say_waterfall(row: ValueDifference) -> str:
    first, second = row.plurals
    one, other = (row.money(ends) for ends in row.values)
    return tr(
        "From the value of {second} to that of {first} over {span}, {how}, with {level} "
        "intervals: {second} {other}; {parts}; {first} {one}.",
        first=first,
        second=second,
        span=row.span,
        how=row.how,
        level=words.level_words(row.confidence_level),
        one=one,
        other=other,
        parts=tr("; ").join(_said(row, part) for part in PARTS),
    )


def _said(row: ValueDifference, part: str) -> str:
    name, why = term(PART_NAMES[part]), row.nothing_in(part)
    if why:
        return tr("{part} nothing ({why})", part=name, why=term(why))
    return tr("{part} {amount}", part=name, amount=row.money((row.parts or {})[part]))


def _say_sensitivity(found: ValueSensitivity) -> str:
    about = tr(
        "{Difference}, by choice, with {level} intervals; as chosen it is {amount}.",
        Difference=words.sentence_start(found.whole()),
        level=words.level_words(found.confidence_level),
        amount=found.money(found.base),
    )
    return words.sentences([about, *(_say_bar(found, bar) for bar in found.bars)])


def _say_bar(found: ValueSensitivity, bar: Bar) -> str:
    first, second = (found.money(ends) for ends in bar.ends)
    return tr(
        "{choice}: {first} at {low}, {second} at {high}.",
        choice=words.sentence_start(bar.title),
        first=first,
        low=bar.settings[0],
        second=second,
        high=bar.settings[1],
    )
