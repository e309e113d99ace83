"""Customers by tenure and by the cause recorded when they left.

A `CauseTable` is a `LifeTable` whose churned customers are split by cause: nothing else about
a customer depends on why somebody left. Everything it can do is done to its life tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxresearch._cells import (
    N_REPLICATES,
    add_rows,
    check_columns,
    count_cubes,
    encode_groups,
    frozen,
    groups_words,
    label_text,
    long_frame,
    with_replicate,
    without_noise,
)
from cxresearch._grouped import Counts, Labels, Small, unknown
from cxresearch._html import Table
from cxresearch._language import mark, tr
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.tables import LifeTable

NOT_RECORDED = mark(
    "not recorded"
)  # the cause of a customer who left without one being written down
CONTRACT = (  # the words of the contract
    mark("voluntary"),
    mark("involuntary"),
    mark("company"),
    mark("migration"),
)


@dataclass(frozen=True, eq=False, repr=False)
class CauseTable(Table):
    """A life table with its churned customers split by the cause that was recorded.

    Parameters
    ----------
    life
        All causes together.
    causes
        Names of the causes, K of them, each once.
    churned
        Customers who left with each cause, shape (K, G, R, T + 1); over the causes they add
        up to `life.churned`.

    Raises
    ------
    DataError
        When shapes differ, a cause is named twice, a count is negative, or the causes do not
        add up to those who churned.
    """

    life: LifeTable
    causes: Labels
    churned: Counts

    def __post_init__(self) -> None:
        object.__setattr__(self, "churned", frozen(self.churned))
        _check_shape(self)
        _check_sum(self)

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
            The columns of `LifeTable.from_counts`, and `cause`: the cause of those counted in
            `churned` of that row, empty in rows where nobody churned.
        group_columns, n_replicates, words
            As in `LifeTable.from_counts`.

        Raises
        ------
        DataError
            When a column is missing or customers churned without a cause.
        """
        check_columns(frame, ("cause",))
        life = LifeTable.from_counts(frame, group_columns, n_replicates=n_replicates, **words)
        _check_causes(frame)
        left, _ = with_replicate(frame, n_replicates)
        codes, _ = encode_groups(left, group_columns)
        which = left["churned"].to_numpy() > 0
        left, codes = left[which], codes[which]
        causes = _in_order(label_text(left["cause"].unique()))
        cause = pd.Categorical(label_text(left["cause"]), causes).codes.astype(np.int64)
        index = [left[name].to_numpy(dtype=np.int64) for name in ("replicate", "tenure")]
        n_groups, *rest = life.churned.shape
        shape = (len(causes) * n_groups, rest[0], rest[1])
        (churned,) = count_cubes(left, ["churned"], (cause * n_groups + codes, *index), shape)
        return cls(life, causes, churned.reshape(len(causes), n_groups, *rest))

    @classmethod
    def from_durations(
        cls,
        durations: ArrayLike,
        cause: Iterable[object],
        **options: Any,  # noqa: ANN401 - entry, weights, group, replicate and words
    ) -> Self:
        """Build from one row per customer.

        Parameters
        ----------
        durations
            Tenure at the exit, in whole periods, shape (N,).
        cause
            Cause of leaving, shape (N,); None (or NaN) where the customer was still there.
        options
            `entry`, `weights`, `group`, `replicate` and the words of
            `LifeTable.from_durations`.
        """
        given = pd.Series(list(cause), dtype="object")
        lost = given.notna().to_numpy()
        causes = _in_order(label_text(given[lost].unique()))
        texts = label_text(given).to_numpy()
        life = LifeTable.from_durations(durations, lost, **options)
        each = [LifeTable.from_durations(durations, lost & (texts == c), **options) for c in causes]
        return cls(life, causes, _stacked([table.churned for table in each], life))

    def cause(self, *names: str) -> LifeTable:
        """Return the life table of one cause or several, others who left as censored.

        For rates and hazards of these causes. Its product-limit curve is *not* the share still
        there: it is what would be if nobody left for another reason and nothing else changed,
        which no data can show. Take `cumulative_incidence` for shares.

        A word of the contract that nobody left with counts nothing.

        Raises
        ------
        DataError
            When there is no such cause.
        """
        check_causes(names, self.causes)
        return self._with(self.churned[[name in names for name in self.causes]].sum(axis=0))

    def merged(self, causes: Mapping[str, Sequence[str]]) -> Self:
        """Return the table with causes put together under new names; others keep their own.

        Parameters
        ----------
        causes
            New name to the causes it stands for, e.g. `{"controllable": ["voluntary"]}`. A
            cause that nobody left with counts nothing and may be named.

        Raises
        ------
        DataError
            When a cause is claimed twice, or a new name is that of a cause left over.
        """
        _check_merge(causes, self.causes)
        new = {old: name for name, members in causes.items() for old in members}
        names = tuple(dict.fromkeys([*causes, *(c for c in self.causes if c not in new)]))
        index = [names.index(new.get(c, c)) for c in self.causes]
        return type(self)(self.life, names, add_rows(self.churned, index, len(names)))

    def take(self, index: Sequence[int]) -> Self:
        """Return the groups at these positions."""
        return self._each(lambda table: table.take(index))

    def select(self, **labels: str | Iterable[str]) -> Self:
        """Return the groups with these labels, e.g. `select(plan=["basic", "premium"])`."""
        fixed = {c: v if isinstance(v, str) else tuple(v) for c, v in labels.items()}
        return self._each(lambda table: table.select(**fixed))

    def pooled(self, *keep: str) -> Self:
        """Return all groups pooled into one, or into the groups of the columns to `keep`."""
        return self._each(lambda table: table.pooled(*keep))

    def split_small(self, min_group: int, sizes: Counts | None = None) -> tuple[Self, Small]:
        """Return the groups with at least `min_group` customers, and the labels of the others."""
        life, small = self.life.split_small(min_group, sizes)
        return self.take([self.life.groups.index(group) for group in life.groups]), small

    def __add__(self, other: Self) -> Self:
        """Pool two tables of different customers: groups and causes united."""
        causes = _in_order({*self.causes, *other.causes})
        life = self.life + other.life
        each = [(self._or_nobody(c) + other._or_nobody(c)).churned for c in causes]
        return type(self)(life, causes, _stacked(each, life))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cause, group and tenure, replicates summed."""
        frames = []
        for name in self.causes:
            table = self.cause(name)
            arrays = {"at_risk": table.at_risk, "churned": table.churned}
            frames.append(long_frame(table, "tenure", arrays).assign(cause=name))
        columns = ["cause", *self.life.group_columns, "tenure", "at_risk", "churned"]
        return pd.concat(frames)[columns] if frames else pd.DataFrame(columns=columns)

    def _with(self, churned: Counts) -> LifeTable:
        censored = self.life.censored + np.maximum(self.life.churned - churned, 0)
        return self.life._replace(churned=churned, censored=censored)

    def _or_nobody(self, name: str) -> LifeTable:
        return self.cause(*(cause for cause in self.causes if cause == name))

    def _each(self, change: Callable[[LifeTable], LifeTable]) -> Self:
        life = change(self.life)
        each = [change(self.cause(name)).churned for name in self.causes]
        return type(self)(life, self.causes, _stacked(each, life))

    def __repr__(self) -> str:
        life = self.life
        return (
            f"CauseTable({groups_words(life)}, {life.n.sum():,.10g} {life.population}, "
            f"causes: {', '.join(self.causes) or 'none'}, tenure 0 to {life.axis[-1]}, "
            f"{life.n_replicates} replicates, as of {life.as_of})"
        )


def check_causes(names: Iterable[str], causes: Labels) -> None:
    """Raise when a table with these causes has no such cause; all unknown names are named.

    A word of the contract may be absent where others of them are used, or nothing is recorded:
    then nobody left with it. Where a company has words of its own, it would be a misreading: a
    report then goes on without, unless a name is so close that it was mistyped.
    """
    names = list(names)
    recorded = set(causes) - {NOT_RECORDED}
    known = {*causes, *(CONTRACT if recorded & set(CONTRACT) or not recorded else ())}
    problems = [unknown("reason", name, causes) for name in names if name not in known]
    if problems:
        foreign = len(problems) == len(names) and not any("did you mean" in p for p in problems)
        if foreign:
            raise NotEnoughError([_no_such(name, causes) for name in names])
        raise DataError(problems)


def _no_such(name: str, causes: Labels) -> str:
    return tr(
        "Reason {name} does not exist, must be one of {known}: choose one of these.",
        name=repr(name),
        known=tr(", ").join(causes) or tr("none"),
    )


def _in_order(causes: Iterable[str]) -> Labels:
    """Sort causes by name, with the one that says there is none at the end."""
    return tuple(sorted(set(causes), key=lambda name: (name == NOT_RECORDED, name)))


def _stacked(arrays: Sequence[Counts], life: LifeTable) -> Counts:
    return np.stack(arrays) if arrays else np.zeros((0, *life.churned.shape), np.int64)


def _check_shape(table: CauseTable) -> None:
    wanted = (len(table.causes), *table.life.churned.shape)
    problems = []
    if table.churned.shape != wanted:
        problems.append(
            f"churned has shape {table.churned.shape}, must be {wanted} as (causes, groups, "
            "replicates, tenures): build the table with from_counts or from_durations."
        )
    if len(set(table.causes)) != len(table.causes):
        problems.append(f"causes are {table.causes}, must be named once each: put them together.")
    if not (np.isfinite(table.churned) & (table.churned >= 0)).all():
        problems.append("churned has counts below 0, must be 0 or more: count customers.")
    if problems:
        raise DataError(problems)


def _check_sum(table: CauseTable) -> None:
    total, wanted = table.churned.sum(axis=0), table.life.churned
    uneven = without_noise(total - wanted, wanted.sum()) != 0
    if not uneven.any():
        return
    group, replicate, tenure = first = tuple(int(i) for i in np.argwhere(uneven)[0])
    labels = ", ".join(f"{c} {v}" for c, v in table.life.labels(group).items())
    raise DataError(
        f"{f'{labels}: ' if labels else ''}the causes add up to {total[first]:.10g} churned at "
        f"tenure {tenure} in replicate {replicate}, must be {wanted[first]:.10g} as in the life "
        f"table: give each customer who left one cause, or {NOT_RECORDED!r}."
    )


def _check_causes(frame: pd.DataFrame) -> None:
    missing = frame["cause"].isna() & (frame["churned"] > 0)
    if missing.any():
        raise DataError(
            f"cause is empty in {missing.sum()} rows with {frame['churned'][missing].sum():,.10g} "
            f"churned customers, must be given where somebody churned: write {NOT_RECORDED!r}."
        )


def _check_merge(wanted: Mapping[str, Sequence[str]], causes: Labels) -> None:
    members = [old for group in wanted.values() for old in group]
    problems = [
        f"cause {old!r} is put into {members.count(old)} groups, must be in one: drop the others."
        for old in dict.fromkeys(members)
        if members.count(old) > 1
    ]
    problems += [
        f"new name {name!r} is that of a cause left over, must be new: call it otherwise."
        for name in wanted
        if name in causes and name not in members
    ]
    if problems:
        raise DataError(problems)
