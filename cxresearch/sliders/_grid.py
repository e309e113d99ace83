"""The values that a slider can take: a grid with sensible steps, the report's own value on it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal, NamedTuple

State = Mapping[str, Any]  # a number by slider, a word by choice
Kind = Literal["share", "points", "lift", "money"]
STEPS: Final = 40
SAME: Final = 1e-9  # of a step: 0.1 + 0.2 is 0.3
NEAR: Final = 0.25  # of a step: a point of the grid so near the report's value gives way to it


class Slider(NamedTuple):
    """One quantity that can be moved.

    Parameters
    ----------
    name
        What it is.
    kind
        How it is written: in percent, in percentage points, as the reading of the lift wants, or
        as money.
    values
        In order.
    start
        Index of the report's own value.
    unit
        That money is rounded to.
    """

    name: str
    kind: Kind
    values: tuple[float, ...]
    start: int
    unit: float = 1.0


class Choice(NamedTuple):
    """Words of which one is taken; the first is the report's own."""

    name: str
    values: tuple[str, ...]


def plain(each: Slider | Choice) -> dict[str, Any]:
    """Return a control as plain JSON values."""
    return {**each._asdict(), "values": list(each.values)}


def slider(name: str, kind: Kind, start: float, grid: tuple[float, float, float]) -> Slider:
    """Return a slider from a least to a most in steps, on which the report's own value lies."""
    low, high, step = grid
    low, high = min(low, start), max(high, start)
    count = math.floor((high - low) / step + SAME)
    first = math.ceil(low / step - SAME)
    # counted in steps and rounded, so that 3 · 0.1 is 0.3
    steps = (float(f"{(first + i) * step:.12g}") for i in range(count + 1))
    values = sorted(
        {x for x in steps if abs(x - start) > NEAR * step and low <= x <= high} | {start}
    )
    unit = min(1.0, 10.0 ** math.floor(math.log10(step) + SAME))
    return Slider(name, kind, tuple(values), values.index(start), unit)


def money(name: str, start: float, scale: float, *, free: bool) -> Slider:
    """Return a slider for an amount: to twice the report's own, or to `scale` where that is 0.

    `free` where the amount may be 0.
    """
    step = _round_step(2 * (start or scale / 2) / STEPS)
    return slider(name, "money", start, (0.0 if free else step, 2 * start or scale, step))


def start_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state that is the report's own."""
    moved = {each["name"]: each["values"][each["start"]] for each in spec["sliders"]}
    return moved | {each["name"]: each["values"][0] for each in spec["choices"]}


def neighbours(spec: Mapping[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the states a tenth of a slider below and above the report's own, one at a time."""
    own = start_of(spec)
    found = []
    for each in spec["sliders"]:
        if each["name"] == "base_retention" and own.get("curve") == "own":
            continue
        values: Sequence[float] = each["values"]
        stride = max(1, len(values) // 10)
        for i in (each["start"] - stride, each["start"] + stride):
            if 0 <= i < len(values):
                found.append((each["name"], {**own, each["name"]: values[i]}))
    return found


def _round_step(step: float) -> float:
    """Return the step of 1, 2 or 5 and zeros that is next to one."""
    power = 10.0 ** math.floor(math.log10(step) + SAME)
    return min((1.0, 2.0, 5.0, 10.0), key=lambda x: abs(math.log(x * power / step))) * power
