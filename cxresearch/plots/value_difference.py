"""Figures of a difference in value: side by side, part by part, and choice by choice."""

from __future__ import annotations

from typing import Any

from matplotlib import patheffects
from matplotlib.axes import Axes

from cxresearch import _format as words
from cxresearch._draw import (
    INK,
    PALETTE,
    QUIET,
    attach_alt,
    cx_style,
    folded,
    looks,
    money_axis,
    narrow,
    new_axes,
    quieten,
    say_below,
    say_beside,
    say_refused,
)
from cxresearch._folding import wrapped
from cxresearch.adjust._rung import Ends
from cxresearch.errors import CxError
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
        first, second = rows[0].labels
        more = f"that {first}s are worth more each than {second}s over {rows[0].span()}"
        say_below(ax, f"{_unit(rows[0])} {more}")
        attach_alt(ax, _say_differences(differences))
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
        ax = _rows(ax, len(steps), [name for name, *_ in steps])
        ax.axvline(0, color=QUIET, linewidth=0.9)
        colors = [color for color, _ in looks(difference.labels)]
        for place, (name, start, ends) in enumerate(steps):
            whole = {0: colors[1], len(steps) - 1: colors[0]}.get(place)
            _draw_step(ax, place, (start, ends), whole)
            say_beside(ax, place, folded(ax, _amount(difference, _part(name), ends)))
        _join(ax, steps)
        title = difference.title[:1].lower() + difference.title[1:]
        losses = any(ends[0] < 0 for ends in (difference.parts or {}).values())
        hatched = ". Hatched: takes off." if losses else ""
        say_below(
            ax, f"{_unit(difference)} per customer over {difference.span()}, {title}{hatched}"
        )
        attach_alt(ax, _say_waterfall(difference))
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
        entered = " Hatched: entered." if any(bar.entered for bar in bars) else ""
        unit = words.money_unit(sensitivity.prices.currency, capital=True)
        said = f"{unit}, {sensitivity.whole()}. Hollow: the first setting.{entered}"
        say_below(ax, said)
        attach_alt(ax, _say_sensitivity(sensitivity))
    return ax


Step = tuple[str, float, Ends]  # name, where it begins, and the amount with its interval


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
    steps: list[Step] = [(f"{row.labels[1]}s".capitalize(), 0.0, reference)]
    at = reference[0]
    for part in PARTS:
        ends = (row.parts or {})[part]
        steps.append((part.replace("_", " ").capitalize(), at, ends))
        at += ends[0]
    return [*steps, (f"{row.labels[0]}s".capitalize(), 0.0, exposed)]


def _draw_step(ax: Axes, place: int, step: tuple[float, Ends], whole: str | None) -> None:
    start, (value, lower, upper) = step
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
    for place, (_, start, ends) in enumerate(steps[:-1]):
        end = start + ends[0]
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
    title = f"{bar.title[:1].upper()}{bar.title[1:]}{' (entered)' if bar.entered else ''}"
    low, high = (setting.replace(" ", "\N{NO-BREAK SPACE}") for setting in bar.settings)
    return title if bar.choice == MODEL else f"{title}: {low} to {high}"


def _amount(row: ValueDifference, name: str, ends: Ends) -> str:
    return row.none_of(name) or words.money(*ends, None)


def _part(title: str) -> str:
    return title.lower().replace(" ", "_")


def _unit(row: ValueDifference) -> str:
    return words.money_unit(row.prices.currency, capital=True)


def _say_differences(found: ValueDifferences) -> str:
    first, second = found.rows[0].labels
    level = words.level_words(found.rows[0].confidence_level)
    said = [
        f"{row.title}: {row.money(row.difference) if row.reported else 'not reported'}."
        for row in found
    ]
    over = f"over {found.rows[0].span()}, with {level} intervals"
    about = f"How much more {first}s are worth each than {second}s {over}."
    return " ".join([about, *said])


def _say_waterfall(row: ValueDifference) -> str:
    first, second = row.labels
    level = words.level_words(row.confidence_level)
    title = row.title[:1].lower() + row.title[1:]
    parts = (f"{part.replace('_', ' ')} {_said(row, part)}" for part in PARTS)
    return (
        f"From the value of {second}s to that of {first}s over {row.span()}, {title}, with "
        f"{level} intervals: "
        f"{second}s {row.money(row.values[1])}; {'; '.join(parts)}; {first}s "
        f"{row.money(row.values[0])}."
    )


def _said(row: ValueDifference, part: str) -> str:
    why = row.nothing_in(part)
    return f"nothing ({why})" if why else row.money((row.parts or {})[part])


def _say_sensitivity(found: ValueSensitivity) -> str:
    said = [
        f"{bar.title.capitalize()}: {found.money(bar.ends[0])} at {bar.settings[0]}, "
        f"{found.money(bar.ends[1])} at {bar.settings[1]}."
        for bar in found.bars
    ]
    level = words.level_words(found.confidence_level)
    whole = found.whole()
    about = f"{whole[:1].upper()}{whole[1:]}, by choice, with {level} intervals; as chosen it is"
    return " ".join([f"{about} {found.money(found.base)}.", *said])
