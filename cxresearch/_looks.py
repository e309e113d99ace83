"""The colour and the line of each group, the same in every figure of a notebook."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count
from typing import Any

from cxresearch._language import term

# readable on white (contrast above 4.5) and told apart with any colour vision
GROUP_COLORS = {"promoter": "#0068A8", "passive": "#6B6B6B", "detractor": "#B84A00"}
PALETTE = ("#0068A8", "#B84A00", "#007A5A", "#B8397B", "#7A5F00", "#3D3D3D")
GROUP_LINES = {"promoter": "-", "passive": ":", "detractor": "--"}
LINES: tuple[Any, ...] = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (9, 2)))

_PLACES: dict[str, int] = {}  # of labels among colours, in the figures of one notebook


def looks(labels: Sequence[str]) -> list[tuple[str, Any]]:
    """Return colour and line style per label: fixed for score groups, else as in other figures.

    A label takes the first place that is free in the figure in which it is first seen, and keeps
    it: where a later figure lacks a group, the others do not change their colours.
    """
    found = []
    spoken = {term(score): score for score in GROUP_COLORS}
    keys = [spoken.get(label, label.lower().removesuffix("s")) for label in labels]
    taken = set(range(len(GROUP_COLORS))) if GROUP_COLORS.keys() & keys else set()
    for label, key in zip(labels, keys, strict=True):
        if key in GROUP_COLORS:
            found.append((GROUP_COLORS[key], GROUP_LINES[key]))
        else:
            i = _place(label, taken, {_PLACES[each] for each in labels if each in _PLACES})
            found.append((PALETTE[i % len(PALETTE)], LINES[i % len(LINES)]))
    return found


def _place(label: str, taken: set[int], known: Collection[int]) -> int:
    """Return the place of a label among colours, which no other of the figure has."""
    free = (i for i in count() if i not in taken and i not in known)
    place = _PLACES.get(label)
    if place is None:
        place = _PLACES[label] = next(free)
    elif place in taken:  # two that were first seen apart
        place = next(free)
    taken.add(place)
    return place
