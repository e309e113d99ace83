"""What is counted by group: taking some groups, and keeping the small ones out of sight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cxresearch._html import Table
from cxresearch._min_cell import min_cell
from cxresearch.errors import DataError

Counts: TypeAlias = NDArray[Any]  # int64, or float64 when rows carry weights
Labels: TypeAlias = tuple[str, ...]


class Grouped(Table):
    """What is counted by group: the labels of groups, and taking some of them.

    Subclasses are dataclasses with the fields `group_columns` and `groups`.
    """

    group_columns: Labels
    groups: tuple[Labels, ...]

    @property
    def n(self) -> Counts:
        """Customers per group, shape (G,)."""
        raise NotImplementedError

    def take(self, index: Sequence[int]) -> Self:
        """Return the groups at these positions."""
        raise NotImplementedError

    def labels(self, index: int) -> dict[str, str]:
        """Return the labels of one group as text to text; empty when nothing is grouped."""
        return dict(zip(self.group_columns, self.groups[index], strict=True))

    def select(self, **labels: str | Iterable[str]) -> Self:
        """Return the groups with these labels, e.g. `select(plan=["basic", "premium"])`.

        Raises
        ------
        DataError
            When a column or a label does not exist.
        """
        wanted = {c: {v} if isinstance(v, str) else set(v) for c, v in labels.items()}
        self._check_labels(wanted)
        keep = [
            i
            for i in range(len(self.groups))
            if all(self.labels(i)[column] in allowed for column, allowed in wanted.items())
        ]
        return self.take(keep)

    def split_small(self, min_group: int, sizes: Counts | None = None) -> tuple[Self, Small]:
        """Return the groups with at least `min_group` customers, and the labels of the others.

        `sizes`, shape (G,), replaces `n` where only some of the customers count. Where those
        that are hidden are so few together that the total would give them away, the smallest of
        the others is hidden with them; waves of a survey follow each other and have no total.
        """
        counted = np.asarray(self.n if sizes is None else sizes)
        hidden = counted < min_group
        guards = 0
        guard = guard_of(counted, hidden, min(min_group, min_cell()))
        if guard is not None and "wave" not in self.group_columns:
            hidden[guard] = True
            guards = 1
        small = (self.groups[i] for i in np.flatnonzero(hidden))
        return self.take(np.flatnonzero(~hidden).tolist()), Small(small, guards)

    def _check_labels(self, wanted: Mapping[str, set[str]]) -> None:
        problems = []
        for column, labels in wanted.items():
            if column not in self.group_columns:
                problems.append(unknown("group column", column, self.group_columns))
                continue
            position = self.group_columns.index(column)
            known = sorted({group[position] for group in self.groups})
            problems += [unknown(column, label, known) for label in labels if label not in known]
        if problems:
            raise DataError(problems)


def guard_of(counted: Counts, hidden: NDArray[np.bool_], least: int) -> int | None:
    """Return the group to hide with the hidden ones, where the total would tell of fewer people.

    It is the smallest of the others; None where those that are hidden are nobody, or at least
    `least` together, or all.
    """
    if hidden.all() or not 0 < counted[hidden].sum() < least:
        return None
    return int(np.argmin(np.where(hidden, np.inf, counted)))


class Small(tuple[Labels, ...]):
    """Labels of the groups that are not shown; `guards` of them only keep the others secret."""

    guards: int

    def __new__(cls, labels: Iterable[Labels], guards: int = 0) -> Self:
        """Keep the labels, and how many of them are large enough to be shown."""
        made = super().__new__(cls, labels)
        made.guards = guards
        return made


def unknown(what: str, value: str, known: Sequence[str]) -> str:
    """Return the sentence for a name that does not exist, with the closest one that does."""
    close = get_close_matches(value, known, n=1)
    cure = f"did you mean {close[0]!r}?" if close else "choose one of these."
    return f"{what} {value!r} does not exist, must be one of {', '.join(known) or 'none'}: {cure}"
