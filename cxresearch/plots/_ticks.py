"""Calendar periods at an axis: short enough to stand side by side."""

from __future__ import annotations

from collections.abc import Iterable

from cxresearch import _format as words
from cxresearch._folding import letters
from cxresearch._language import tr


def period_tick(label: str) -> str:
    """Return a calendar period as it stands at an axis; where it is long, the year above."""
    said = words.period_label(label)
    year = tr("{year}", year=label[:4])
    rest = said.removeprefix(year)
    return said if said in {label, rest} or not rest else f"{year}\n{rest}"


def tick_letters(said: Iterable[str]) -> int:
    """Return how many Latin letters wide the widest of these ticks is."""
    return max(letters(line) for text in said for line in [*text.splitlines(), ""])
