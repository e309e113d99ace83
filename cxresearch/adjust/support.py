"""Whether two groups hold enough for a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cxresearch import _format as words
from cxresearch._cells import Counts
from cxresearch.adjust.weighting import EXPOSURE, RefusedError
from cxresearch.tables import LifeTable

T = TypeVar("T", bound=LifeTable)


def two_groups(table: T, labels: tuple[str, str]) -> T:
    """Return the two groups, exposed first, whatever else the table is grouped by.

    Raises
    ------
    RefusedError
        When nobody is in one of them.
    """
    pooled = table.pooled(EXPOSURE)
    missing = [label for label in labels if (label,) not in pooled.groups]
    if missing:
        raise RefusedError(f"there are no {words.and_list(f'{label}s' for label in missing)}")
    return pooled.take([pooled.groups.index((label,)) for label in labels])


def check_people(people: Counts, labels: Sequence[str], least: int, *, matched: bool) -> None:
    """Refuse groups, shape (2,), of fewer answers; `matched` counts those with a counterpart."""
    few = fewer(people, labels, least)
    if few:
        whose = " have a counterpart" if matched else ""
        raise RefusedError(f"fewer than {least} answers of {few}{whose}")


def check_losses(left: Counts, labels: Sequence[str], least: int, *, matched: bool) -> None:
    """Refuse groups, shape (2,), of which fewer left."""
    few = fewer(left, labels, least)
    if few:
        whose = " with a counterpart" if matched else ""
        raise RefusedError(f"of {few}{whose} fewer than {least} left")


def fewer(counts: Counts, labels: Sequence[str], least: int) -> str:
    """Return the groups with fewer than `least`, in words; empty for none."""
    return words.and_list(f"{x}s" for x, n in zip(labels, counts, strict=True) if n < least)
