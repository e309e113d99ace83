"""The fewest people whom a count in a report may stand for, in one place for all that counts."""

from __future__ import annotations

from typing import Final

from cxresearch.errors import CxError

USUAL_MIN_CELL: Final = 10
# What rests on fewer customers who left comes with a warning, or not at all.
_FEW_EVENTS: Final = 10


class _Least:
    people = USUAL_MIN_CELL


def min_cell() -> int:
    """Return the fewest people that are counted now; fewer read "under 10", and nobody 0."""
    return _Least.people


def least_events() -> int:
    """Return how many must have left for a share of them to be told, and without a warning."""
    return max(_FEW_EVENTS, min_cell())


def use_min_cell(people: int) -> None:
    """Count no fewer people than this from now on: in tables, sentences and figures.

    Parameters
    ----------
    people
        1 shows every count.

    Raises
    ------
    CxError
        When it is no whole number from 1.
    """
    check_min_cell(people)
    _Least.people = people


def check_min_cell(people: int) -> None:
    """Raise when it is no whole number from 1."""
    if isinstance(people, bool) or not isinstance(people, int) or people < 1:
        raise CxError(f"min_cell is {people!r}, must be a whole number from 1: 10 is usual.")
