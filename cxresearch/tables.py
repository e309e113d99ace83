"""Count tables: all that statistics ever see of the customers.

`LifeTable` counts by tenure, `PeriodTable` by calendar period. Both hold G groups and R
replicates (random groups of customers, for standard errors), are frozen, and pool with `+`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxresearch._cells import (
    N_REPLICATES,
    CountTable,
    check_columns,
    count_cube,
    count_replicates,
    encode_groups,
    frozen,
    grouped_cubes,
    groups_words,
    label_frame,
    long_frame,
    with_replicate,
    without_noise,
)
from cxresearch._checks import check_durations, check_life, check_long, check_period
from cxresearch._grouped import Counts, Labels
from cxresearch._pairing import first_in_first_out


@dataclass(frozen=True, eq=False, repr=False)
class LifeTable(CountTable):
    """Customers by tenure: who came under observation, who left, who is still there.

    Parameters
    ----------
    group_columns
        Names of the grouping columns; empty when nothing is grouped.
    groups
        One label tuple per group, G of them; `((),)` when nothing is grouped.
    entered, churned, censored
        Counts, shape (G, R, T + 1), last index = tenure in whole periods. A customer is at
        risk in (entry, exit]: one in `entered` at the entry, one in `churned` or `censored`
        at the exit. int64, or float64 when customers carry weights.
    periods_per_year
        12 when tenure is in months.
    as_of
        ISO date up to which the data are complete.
    population
        Words for the sentence: "customers", "respondents", …

    Raises
    ------
    DataError
        When shapes differ, a count is negative, more customers churn than are at risk, or
        those who entered are not those who left or were censored.
    """

    count_fields: ClassVar[Labels] = ("entered", "churned", "censored")

    group_columns: Labels
    groups: tuple[Labels, ...]
    entered: Counts
    churned: Counts
    censored: Counts
    periods_per_year: int = 12
    as_of: str | None = None
    population: str = "customers"

    def __post_init__(self) -> None:
        self._freeze()
        check_life(self)

    @classmethod
    def from_counts(
        cls,
        frame: pd.DataFrame,
        group_columns: Sequence[str] = (),
        *,
        n_replicates: int = N_REPLICATES,
        **words: Any,  # noqa: ANN401 - periods_per_year, as_of, population
    ) -> Self:
        """Build from a long frame, such as a reduction returns; duplicate rows are summed.

        Parameters
        ----------
        frame
            The group columns, `replicate` (0 to R − 1; without it everything is one
            replicate), `tenure`, `entered`, `churned`, `censored`.
        group_columns
            Names of the grouping columns.
        n_replicates
            R.
        words
            `periods_per_year`, `as_of`, `population`.
        """
        return cls(**cls._cubes(frame, group_columns, n_replicates), **words)

    @classmethod
    def _cubes(
        cls, frame: pd.DataFrame, group_columns: Sequence[str], n_replicates: int
    ) -> dict[str, Any]:
        """Return the groups and the counts of a long frame, by field."""
        frame, n_replicates = with_replicate(frame, n_replicates)
        check_columns(frame, (*group_columns, "tenure", *cls.count_fields))
        check_long(frame, ("replicate", "tenure"), cls.count_fields, n_replicates)
        tenure = frame["tenure"].to_numpy(dtype=np.int64)
        shape = (n_replicates, int(tenure.max(initial=0)) + 1)
        groups, found = grouped_cubes(frame, group_columns, cls.count_fields, tenure, shape)
        counts = dict(zip(cls.count_fields, found, strict=True))
        return {"group_columns": tuple(group_columns), "groups": groups, **counts}

    @classmethod
    def from_durations(
        cls,
        durations: ArrayLike,
        churned: ArrayLike,
        *,
        entry: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        group: pd.DataFrame | Mapping[str, Sequence[object]] | Sequence[object] | None = None,
        replicate: ArrayLike | None = None,
        **words: Any,  # noqa: ANN401 - periods_per_year, as_of, population
    ) -> Self:
        """Build from one row per customer.

        Parameters
        ----------
        durations
            Tenure at the exit, in whole periods, shape (N,).
        churned
            Whether the customer left at that tenure (True) or was still there (False).
        entry
            Tenure at which the customer came under observation, shape (N,); 0 when not given.
        weights
            Weight of each customer, shape (N,).
        group
            One label per customer, or a frame or mapping of several columns of labels.
        replicate
            Random group of each customer, 0 to R − 1; without it R = 1 and no jackknife
            is possible.
        words
            `periods_per_year`, `as_of`, `population`.

        Raises
        ------
        DataError
            When a tenure is negative, not whole or missing, or an exit does not come after
            the entry, so that the customer was never at risk.
        """
        exits, lost, entries = check_durations(durations, churned, entry)
        labels = label_frame(group, len(exits))
        codes, groups = encode_groups(labels, list(labels.columns))
        random = np.zeros(len(exits), np.int64) if replicate is None else np.asarray(replicate)
        each = np.ones(len(exits), np.int64) if weights is None else np.asarray(weights, float)
        shape = (len(groups), count_replicates(random), int(exits.max(initial=0)) + 1)

        def cube(tenure: NDArray[np.int64], which: NDArray[np.bool_]) -> Counts:
            return count_cube((codes[which], random[which], tenure[which]), each[which], shape)

        entered = cube(entries, np.ones(len(exits), dtype=bool))
        columns = tuple(map(str, labels.columns))
        return cls(columns, groups, entered, cube(exits, lost), cube(exits, ~lost), **words)

    @property
    def axis(self) -> tuple[int, ...]:
        """Tenures 0 to T."""
        return tuple(range(self.entered.shape[-1]))

    @property
    def n(self) -> Counts:
        """Customers who entered, shape (G,)."""
        return np.asarray(self.entered.sum(axis=(1, 2)))

    @cached_property
    def at_risk(self) -> Counts:
        """Customers at risk at each tenure, shape (G, R, T + 1): entry < tenure <= exit.

        At tenure 0 these are the customers who entered at 0.
        """
        return frozen(at_risk(self.entered, self.churned + self.censored))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and tenure, replicates summed."""
        names = ("at_risk", *self.count_fields)
        return long_frame(self, "tenure", {name: self.counts(name) for name in names})

    def to_lifelines(self) -> pd.DataFrame:
        """Return weighted rows for lifelines: group columns, durations, entry, churned, weights.

        The counts do not remember which entry belongs to which exit, so entries and exits
        are paired first in, first out. Every risk set is the same as in the original rows,
        and so is every estimate that depends on the data through its risk sets.
        """
        totals = (self.entered.sum(1), self.churned.sum(1), self.censored.sum(1))
        parts = []
        for i in range(len(self.groups)):
            paired = first_in_first_out(*(total[i] for total in totals))
            parts.append(paired.assign(**self.labels(i))[[*self.group_columns, *paired.columns]])
        return pd.concat(parts, ignore_index=True)

    def __repr__(self) -> str:
        return (
            f"LifeTable({groups_words(self)}, {self.n.sum():,.10g} {self.population}, "
            f"tenure 0 to {self.axis[-1]}, {self.n_replicates} replicates, as of {self.as_of})"
        )


@dataclass(frozen=True, eq=False, repr=False)
class PeriodTable(CountTable):
    """Customers by calendar period: at the start, lost of those, and joined meanwhile.

    Parameters
    ----------
    group_columns, groups
        As in `LifeTable`.
    periods
        Labels in order of time: "2025-03", "2025-Q1", "2025"; P of them.
    at_start, lost, joined
        Counts, shape (G, R, P). `lost` counts only customers of `at_start`; those who joined
        within the period, whether they stayed or not, are in `joined` alone.
    period
        "month", "quarter" or "year".
    as_of, population
        As in `LifeTable`.

    Raises
    ------
    DataError
        When shapes differ, a count is negative, or more are lost than there were.
    """

    count_fields: ClassVar[Labels] = ("at_start", "lost", "joined")

    group_columns: Labels
    groups: tuple[Labels, ...]
    periods: Labels
    at_start: Counts
    lost: Counts
    joined: Counts
    period: str = "month"
    as_of: str | None = None
    population: str = "customers"

    def __post_init__(self) -> None:
        self._freeze()
        check_period(self)

    @classmethod
    def from_counts(
        cls,
        frame: pd.DataFrame,
        group_columns: Sequence[str] = (),
        *,
        n_replicates: int = N_REPLICATES,
        **words: Any,  # noqa: ANN401 - period, as_of, population
    ) -> Self:
        """Build from a long frame; duplicate rows are summed.

        The frame has the group columns, `replicate`, `period`, `at_start`, `lost` and
        `joined`; `words` are `period`, `as_of`, `population`.
        """
        frame, n_replicates = with_replicate(frame, n_replicates)
        check_columns(frame, (*group_columns, "period", *cls.count_fields))
        check_long(frame, ("replicate",), cls.count_fields, n_replicates)
        position, labels = encode_groups(frame, ["period"])
        groups, (at_start, lost, joined) = grouped_cubes(
            frame, group_columns, cls.count_fields, position, (n_replicates, len(labels))
        )
        periods = tuple(period for (period,) in labels)
        return cls(tuple(group_columns), groups, periods, at_start, lost, joined, **words)

    @property
    def axis(self) -> Labels:
        """Period labels."""
        return self.periods

    @property
    def n(self) -> Counts:
        """Most customers at the start of any period, shape (G,)."""
        return np.asarray(self.at_start.sum(axis=1).max(axis=-1, initial=0))

    def _with_axis(self, axis: Sequence[Any]) -> dict[str, Any]:
        return {"periods": tuple(axis)}

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and period, replicates summed."""
        return long_frame(self, "period", {name: self.counts(name) for name in self.count_fields})

    def __repr__(self) -> str:
        ends = f"{self.periods[0]} to {self.periods[-1]}" if self.periods else "none"
        return (
            f"PeriodTable({groups_words(self)}, {len(self.periods)} {self.period}s {ends}, "
            f"{self.n_replicates} replicates, as of {self.as_of})"
        )


def at_risk(entered: Counts, left: Counts) -> Counts:
    """Return customers at risk at each tenure from entries and exits, along the last axis."""
    net = np.cumsum(entered - left, axis=-1)
    net = without_noise(net, entered.sum(axis=-1, keepdims=True))
    return np.concatenate([entered[..., :1], net[..., :-1]], axis=-1)
