"""`RevenueBridge`: what became of each customer's monthly revenue, as counts and sums.

Amounts are taken customer by customer, so that one who pays more never hides another who left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd

from cxresearch._cells import (
    N_REPLICATES,
    CountTable,
    check_columns,
    grouped_cubes,
    groups_words,
    long_frame,
    with_replicate,
)
from cxresearch._checks import check_long
from cxresearch._grouped import Counts, Labels
from cxresearch.errors import DataError

KEPT: Final = ("unchanged", "contraction", "expansion", "churned")
NEW: Final = ("new_earned", "new_bought", "new_unknown")
MOVES: Final = (*KEPT, *NEW, "reactivated")


@dataclass(frozen=True, eq=False, repr=False)
class RevenueBridge(CountTable):
    """Customers and their monthly revenue by group, replicate and what became of the amount.

    Parameters
    ----------
    group_columns, groups
        As in `LifeTable`.
    people, opening, closing
        Customers, and the sums of what they paid in the opening and in the closing month; shape
        (G, R, 8), last index = unchanged, contraction, expansion, churned (customers of the
        opening month), new_earned, new_bought, new_unknown (by how they were won), reactivated
        (customers before, without revenue in the opening month).
    opening_month, closing_month
        As YYYY-MM.
    currency
        Of the amounts.
    as_of, population
        As in `LifeTable`.

    Raises
    ------
    DataError
        When shapes differ, or an amount is negative.
    """

    count_fields: ClassVar[Labels] = ("people", "opening", "closing")

    group_columns: Labels
    groups: tuple[Labels, ...]
    people: Counts
    opening: Counts
    closing: Counts
    opening_month: str
    closing_month: str
    currency: str | None = None
    as_of: str | None = None
    population: str = "customers"

    def __post_init__(self) -> None:
        self._freeze()

    @classmethod
    def from_counts(
        cls,
        frame: pd.DataFrame,
        group_columns: Sequence[str] = (),
        *,
        n_replicates: int = N_REPLICATES,
        **words: Any,  # noqa: ANN401 - opening_month, closing_month, currency, as_of, population
    ) -> Self:
        """Build from a long frame, such as a reduction returns; duplicate rows are summed.

        The frame has the group columns, `replicate` (without it everything is one replicate),
        `move`, `people`, `opening` and `closing`.
        """
        frame, n_replicates = with_replicate(frame, n_replicates)
        check_columns(frame, (*group_columns, "move", *cls.count_fields))
        check_long(frame, ("replicate",), cls.count_fields, n_replicates)
        unknown = sorted({str(move) for move in frame["move"]} - set(MOVES))
        if unknown:
            raise DataError(
                f"move has {', '.join(map(repr, unknown))}, must be one of {', '.join(MOVES)}: "
                "rename it."
            )
        moves = frame["move"].map(MOVES.index).to_numpy(dtype=np.int64)
        groups, (people, opening, closing) = grouped_cubes(
            frame, group_columns, cls.count_fields, moves, (n_replicates, len(MOVES))
        )
        return cls(tuple(group_columns), groups, people, opening, closing, **words)

    @property
    def axis(self) -> Labels:
        """What can become of an amount."""
        return MOVES

    @property
    def n(self) -> Counts:
        """Customers of the opening month per group, shape (G,)."""
        return np.asarray(self.people[..., : len(KEPT)].sum(axis=(1, 2)))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and move, replicates summed."""
        return long_frame(self, "move", {name: self.counts(name) for name in self.count_fields})

    def __repr__(self) -> str:
        return (
            f"RevenueBridge({groups_words(self)}, {self.opening_month} to {self.closing_month}, "
            f"{self.n.sum():,} {self.population} at the opening, {self.n_replicates} replicates)"
        )
