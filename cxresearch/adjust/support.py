"""Whether two groups hold enough for a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from cxresearch import _format as words
from cxresearch._grouped import Counts
from cxresearch._language import tr
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
        raise RefusedError(none_of(missing))
    return pooled.take([pooled.groups.index((label,)) for label in labels])


def check_people(people: Counts, labels: Sequence[str], least: int, *, matched: bool) -> None:
    """Refuse groups, shape (2,), of fewer answers; `matched` counts those with a counterpart."""
    few = fewer(people, labels, least)
    if few and matched:
        raise RefusedError(
            tr("fewer than {least} answers of {whom} have a counterpart", least=least, whom=few)
        )
    if few:
        raise RefusedError(tr("fewer than {least} answers of {whom}", least=least, whom=few))


def check_losses(left: Counts, labels: Sequence[str], least: int, *, matched: bool) -> None:
    """Refuse groups, shape (2,), of which fewer left."""
    few = fewer(left, labels, least)
    if few and matched:
        raise RefusedError(
            tr("of {whom} with a counterpart fewer than {least} left", least=least, whom=few)
        )
    if few:
        raise RefusedError(tr("of {whom} fewer than {least} left", least=least, whom=few))


def fewer(counts: Counts, labels: Sequence[str], least: int) -> str:
    """Return the groups with fewer than `least`, in words; empty for none."""
    few = [label for label, n in zip(labels, counts, strict=True) if n < least]
    return words.and_list(words.plural(label, 2) for label in few)


def none_of(labels: Sequence[str]) -> str:
    """Return that nobody is in some groups, in words."""
    return tr("there are no {whom}", whom=words.and_list(words.plural(x, 2) for x in labels))
