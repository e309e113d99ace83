"""`ShareTable`: of a whole, how much belongs to a part; by group and replicate.

The whole is a number of customers, orders or answers, or an amount of money.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd

from cxresearch._cells import (
    MIN_NAMED,
    N_REPLICATES,
    CountTable,
    check_columns,
    grouped_cubes,
    groups_words,
    long_frame,
    with_replicate,
)
from cxresearch._checks import ROUNDING, check_long
from cxresearch._grouped import Counts, Labels
from cxresearch.errors import DataError

WINDOW: Final = "window"  # a group column that holds how many months back a share looks


@dataclass(frozen=True, eq=False, repr=False)
class ShareTable(CountTable):
    """A part of a whole by group and replicate, and the customers behind it.

    Parameters
    ----------
    group_columns, groups
        As in `LifeTable`; G groups. The column `window` holds months back from the last whole one;
        windows overlap, so they are not to be pooled.
    part, whole
        Counts, or sums of money, shape (G, R); in no group is the part more than the whole.
    people
        Customers behind the whole, shape (G, R): fewer than are in it where one customer counts
        several times.
    name
        What the share is called among findings, in snake_case: "returned_orders".
    whole_word, part_word
        "Of 100 {whole_word}, 12 {part_word}": "orders" and "were returned"; an amount of money is
        "EUR of revenue". A group column in braces in `part_word` stands for its label: "came by
        {contact_channel}".
    amounts
        Whether the whole is an amount of money, so that its size says nothing of how sure it is.
    definition
        What counts, to be printed below the figure.
    left_out
        What does not count, by reason.
    grade
        Of the findings: C, or A where the groups were made at random.
    as_of, population
        As in `LifeTable`.

    Raises
    ------
    DataError
        When shapes differ, a count is negative, or a group's part is more than its whole.
    """

    count_fields: ClassVar[Labels] = ("part", "whole", "people")

    group_columns: Labels
    groups: tuple[Labels, ...]
    part: Counts
    whole: Counts
    people: Counts
    name: str
    whole_word: str
    part_word: str
    amounts: bool = False
    definition: str = ""
    left_out: Mapping[str, int] = field(default_factory=dict)
    grade: str = "C"
    as_of: str | None = None
    population: str = "customers"

    def __post_init__(self) -> None:
        self._freeze()
        _check_part(self)

    @classmethod
    def from_counts(
        cls,
        frame: pd.DataFrame,
        group_columns: Sequence[str] = (),
        *,
        n_replicates: int = N_REPLICATES,
        **words: Any,  # noqa: ANN401 - name, whole_word, part_word and the other fields
    ) -> Self:
        """Build from a long frame, such as a reduction returns; duplicate rows are summed.

        Parameters
        ----------
        frame
            The group columns, `replicate` (0 to R − 1; without it everything is one replicate),
            `part`, `whole`, and `people` (without it each of the whole is a customer of its own).
        group_columns
            Names of the grouping columns.
        n_replicates
            R.
        words
            The other fields.
        """
        frame, n_replicates = with_replicate(frame, n_replicates)
        if "people" not in frame.columns and "whole" in frame.columns:
            frame = frame.assign(people=frame["whole"])
        check_columns(frame, (*group_columns, *cls.count_fields))
        check_long(frame, ("replicate",), cls.count_fields, n_replicates)
        once = np.zeros(len(frame), dtype=np.int64)
        groups, cubes = grouped_cubes(
            frame, group_columns, cls.count_fields, once, (n_replicates, 1)
        )
        part, whole, people = (cube[..., 0] for cube in cubes)
        return cls(tuple(group_columns), groups, part, whole, people, **words)

    @property
    def axis(self) -> Labels:
        """There is one share per group."""
        return ("share",)

    @property
    def n(self) -> Counts:
        """Customers per group, shape (G,)."""
        return np.asarray(self.people.sum(axis=1))

    @property
    def once(self) -> bool:
        """Whether each of the whole is a customer of its own, so that they are independent."""
        return not self.amounts and bool((self.whole == self.people).all())

    def counts(self, name: str) -> Counts:
        """Return one count array by name, shape (G, R, 1)."""
        return np.asarray(getattr(self, name))[..., None]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group, replicates summed."""
        arrays = {name: self.counts(name) for name in self.count_fields}
        return long_frame(self, "share", arrays).drop(columns="share")

    def _replace(self, **changes: Any) -> Self:  # noqa: ANN401 - passes fields through
        flat = {k: v[..., 0] if k in self.count_fields else v for k, v in changes.items()}
        return super()._replace(**flat)

    def __repr__(self) -> str:
        return (
            f"ShareTable({self.name}, {groups_words(self)}, {self.n.sum():,.10g} "
            f"{self.population}, {self.n_replicates} replicates, as of {self.as_of})"
        )


def _check_part(table: ShareTable) -> None:
    part, whole = table.part.sum(axis=1), table.whole.sum(axis=1)
    problems = []
    for g in np.flatnonzero(part > whole * (1 + ROUNDING)):
        # a label of few may be one of them by name, and their amounts are theirs
        few = f"fewer than {MIN_NAMED} {table.population}"
        said = f"in a group of {few} the part is more than the whole of {table.whole_word}"
        if table.n[g] >= MIN_NAMED:
            labels = ", ".join(f"{c} {v}" for c, v in table.labels(int(g)).items())
            said = f"{f'{labels}: ' if labels else ''}part is {part[g]:,.10g} of {whole[g]:,.10g} "
            said += table.whole_word
        problems.append(
            f"{said}, must be at most the whole: count both over the same {table.population} and "
            "time."
        )
    if problems:
        raise DataError(dict.fromkeys(problems))
