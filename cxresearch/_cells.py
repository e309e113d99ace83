"""From long frames to dense arrays of counts, and what all count tables can do.

A count table has G groups, R replicates and K positions on its last axis (tenures or
calendar periods). Everything here treats that last axis as a list of labels.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxresearch._checks import check_shapes
from cxresearch._grouped import Counts, Grouped, Labels, unknown
from cxresearch.errors import DataError

N_REPLICATES = 256
MISSING_LABEL = "(missing)"
# Customers who share a label that may be named: what fewer do may be one of them by name.
MIN_NAMED = 30
_DIGITS = 12  # of a sum
_LEAST = 200  # zeros behind the point, beyond which nothing is told apart


class CountTable(Grouped):
    """Frozen counts by group, replicate and position: pooling, selecting, splitting.

    Subclasses are frozen dataclasses with the fields `group_columns`, `groups`, `as_of`,
    `population` and the count arrays named in `count_fields`, each of shape (G, R, K).
    """

    count_fields: ClassVar[tuple[str, ...]]
    signed_fields: ClassVar[tuple[str, ...]] = ()  # sums of money, which may be below 0
    as_of: str | None
    population: str

    @property
    def axis(self) -> tuple[Hashable, ...]:
        """Labels of the last axis."""
        raise NotImplementedError

    def _with_axis(self, axis: Sequence[Any]) -> dict[str, Any]:
        """Return the fields besides counts that a new last axis changes."""
        return {}

    def counts(self, name: str) -> Counts:
        """Return one count array by name, shape (G, R, K)."""
        return np.asarray(getattr(self, name))

    @property
    def n_replicates(self) -> int:
        """Random groups of customers, R."""
        return int(self.counts(self.count_fields[0]).shape[1])

    @property
    def weighted(self) -> bool:
        """Whether counts are sums of weights rather than customers."""
        return any(self.counts(name).dtype.kind == "f" for name in self.count_fields)

    def _freeze(self) -> None:
        """Make the counts read-only and check that they fit together."""
        for name in self.count_fields:
            object.__setattr__(self, name, frozen(getattr(self, name)))
        check_shapes(self)

    def take(self, index: Sequence[int]) -> Self:
        """Return the groups at these positions."""
        arrays = {name: self.counts(name)[list(index)] for name in self.count_fields}
        return self._replace(groups=tuple(self.groups[i] for i in index), **arrays)

    def pooled(self, *keep: str) -> Self:
        """Return all groups pooled into one, or into the groups of the columns to `keep`."""
        self._check_labels({column: set() for column in keep})
        kept = [self.group_columns.index(column) for column in keep]
        reduced = [tuple(group[i] for i in kept) for group in self.groups]
        groups = tuple(sorted(set(reduced)))
        index = [groups.index(labels) for labels in reduced]
        arrays = {
            name: add_rows(self.counts(name), index, len(groups)) for name in self.count_fields
        }
        return self._replace(group_columns=tuple(keep), groups=groups, **arrays)

    def __add__(self, other: Self) -> Self:
        """Pool two tables of different customers: groups united, the last axis padded."""
        _check_poolable(self, other)
        groups = tuple(dict.fromkeys((*self.groups, *other.groups)))
        axis: list[Any] = sorted({*self.axis, *other.axis})
        shape = (len(groups), self.n_replicates, len(axis))
        arrays = {}
        for name in self.count_fields:
            mine, theirs = self._spread(name, groups, axis), other._spread(name, groups, axis)
            arrays[name] = (mine + theirs).reshape(shape)
        dates = [d for d in (self.as_of, other.as_of) if d is not None]
        # two extracts together are complete only up to the earlier date
        return self._replace(
            groups=groups, as_of=min(dates, default=None), **arrays, **self._with_axis(axis)
        )

    def _spread(self, name: str, groups: Sequence[Labels], axis: Sequence[Any]) -> Counts:
        counts = self.counts(name)
        out = np.zeros((len(groups), self.n_replicates, len(axis)), dtype=counts.dtype)
        rows = [groups.index(group) for group in self.groups]
        columns = [axis.index(label) for label in self.axis]
        out[np.ix_(rows, range(self.n_replicates), columns)] = counts
        return out

    def _replace(self, **changes: Any) -> Self:  # noqa: ANN401 - passes fields through
        return replace(self, **changes)  # type: ignore[type-var]


def label_text(values: object) -> pd.Series[str]:
    """Return group labels as text; a missing label becomes `(missing)`."""
    series = pd.Series(values)
    return series.astype("object").where(series.notna(), MISSING_LABEL).astype(str)


def encode_groups(
    frame: pd.DataFrame, columns: Sequence[str]
) -> tuple[NDArray[np.int64], tuple[Labels, ...]]:
    """Return the group number of each row and the sorted label tuples, G of them."""
    codes = np.zeros(len(frame), dtype=np.int64)
    uniques: list[list[str]] = []
    for column in columns:
        # missing labels get their own code; the few distinct labels are sorted, not the rows
        raw, distinct = pd.factorize(frame[column], use_na_sentinel=False)
        texts = label_text(distinct).tolist()
        ordered = sorted(set(texts))
        lookup = np.array([ordered.index(text) for text in texts], dtype=np.int64)
        codes = codes * len(ordered) + lookup[raw]
        uniques.append(ordered)
    used, inverse = np.unique(codes, return_inverse=True)
    groups = tuple(_decode(int(code), uniques) for code in used)
    return inverse.astype(np.int64), groups or (((),) if not columns else ())


def count_cube(
    index: tuple[NDArray[np.int64], ...], values: ArrayLike, shape: tuple[int, int, int]
) -> Counts:
    """Sum `values` into a dense array of `shape` at `index`; whole numbers stay exact."""
    values = np.asarray(values)
    flat = np.ravel_multi_index(index, shape) if values.size else np.zeros(0, dtype=np.int64)
    sums = np.bincount(flat, weights=values, minlength=int(np.prod(shape))).reshape(shape)
    return sums if values.dtype.kind == "f" else sums.astype(np.int64)


def count_cubes(
    frame: pd.DataFrame,
    names: Sequence[str],
    index: tuple[NDArray[np.int64], ...],
    shape: tuple[int, int, int],
) -> Iterable[Counts]:
    """Sum the named columns of a long frame, in the order of the names."""
    return (count_cube(index, _whole(frame[name].to_numpy()), shape) for name in names)


def grouped_cubes(
    frame: pd.DataFrame,
    group_columns: Sequence[str],
    names: Sequence[str],
    position: NDArray[np.int64],
    shape: tuple[int, int],
) -> tuple[tuple[Labels, ...], list[Counts]]:
    """Return the groups of a long frame, and its named columns as arrays of (G, *shape).

    Parameters
    ----------
    position
        Place of each row on the last axis, shape (rows,).
    shape
        R and the length of the last axis.
    """
    codes, groups = encode_groups(frame, group_columns)
    index = (codes, frame["replicate"].to_numpy(dtype=np.int64), position)
    return groups, list(count_cubes(frame, names, index, (len(groups), *shape)))


def frozen(values: ArrayLike) -> Counts:
    """Return a read-only copy: int64 for whole numbers, float64 for weights."""
    array = np.array(values)
    array = array.astype(np.float64 if array.dtype.kind == "f" else np.int64, copy=False)
    array.flags.writeable = False
    return array


def without_noise(values: Counts, scale: Counts) -> Counts:
    """Return sums of weights with what is only rounding, below 1e-9 of `scale`, set to 0.

    Whole counts are exact and stay as they are.
    """
    if values.dtype.kind != "f":
        return values
    return np.where(np.abs(values) < 1e-9 * scale, 0.0, values)


def check_columns(frame: pd.DataFrame, columns: Iterable[str]) -> None:
    """Raise when the frame lacks a column; all missing ones are named at once."""
    known = [str(c) for c in frame.columns]
    problems = [unknown("column", column, known) for column in columns if column not in known]
    if problems:
        raise DataError(problems)


def long_frame(table: CountTable, axis_name: str, arrays: Mapping[str, Counts]) -> pd.DataFrame:
    """Return one row per group and position, replicates summed."""
    n_groups, length = len(table.groups), len(table.axis)
    columns: dict[str, Any] = {
        name: np.repeat([group[i] for group in table.groups], length)
        for i, name in enumerate(table.group_columns)
    }
    columns[axis_name] = list(table.axis) * n_groups
    columns |= {name: counts.sum(axis=1).ravel() for name, counts in arrays.items()}
    return pd.DataFrame(columns)


def label_frame(group: object, length: int) -> pd.DataFrame:
    """Return labels as a frame: one column per grouping column, none when not grouped."""
    if group is None:
        return pd.DataFrame(index=range(length))
    if isinstance(group, (pd.DataFrame, Mapping)):
        return pd.DataFrame(group).reset_index(drop=True)
    name = getattr(group, "name", None) or "group"
    return pd.DataFrame({str(name): pd.Series(group).reset_index(drop=True)})


def count_replicates(replicate: NDArray[Any]) -> int:
    """Return R: 1 when all customers share a replicate, else at least 256."""
    highest = int(replicate.max(initial=0))
    return 1 if highest == 0 else max(N_REPLICATES, highest + 1)


def with_replicate(frame: pd.DataFrame, n_replicates: int) -> tuple[pd.DataFrame, int]:
    """Return the frame with a replicate column, and R."""
    if "replicate" in frame.columns:
        return frame, n_replicates
    return frame.assign(replicate=0), 1


def groups_words(table: CountTable) -> str:
    """Return `groups by plan: 3`."""
    return f"groups by {', '.join(table.group_columns) or 'nothing'}: {len(table.groups)}"


def _whole(values: Counts) -> Counts:
    # engines return sums of integers as floats: without fractions they are counts again
    return values if (values % 1).any() else values.astype(np.int64)


def _decode(code: int, uniques: Sequence[Sequence[str]]) -> Labels:
    labels = []
    for ordered in reversed(uniques):
        code, position = divmod(code, len(ordered))
        labels.append(ordered[position])
    return tuple(reversed(labels))


def add_rows(counts: Counts, index: Iterable[int], n_groups: int) -> Counts:
    """Return the sums of the rows that go to each group, by the `index` of the row's group."""
    out = np.zeros((n_groups, *counts.shape[1:]), dtype=counts.dtype)
    for place, row in zip(index, counts, strict=True):  # far quicker than np.add.at
        out[place] += row
    return out


def _check_poolable(a: CountTable, b: CountTable) -> None:
    problems = []
    for name in ("group_columns", "n_replicates", "periods_per_year", "period"):
        mine, theirs = getattr(a, name, None), getattr(b, name, None)
        if mine != theirs:
            problems.append(
                f"{name} is {mine!r} and {theirs!r}, must be the same to pool two tables: "
                "reduce both data sets in the same way."
            )
    if type(a) is not type(b):
        problems = [f"cannot pool {type(a).__name__} and {type(b).__name__}: use the same kind."]
    if problems:
        raise DataError(problems)


def steady(counted: pd.DataFrame) -> pd.DataFrame:
    """Return sums without the digits that depend on the order of their rows, which is by chance.

    Twelve digits of a fraction are kept: far more than are shown, and so few that the same data
    give the same bytes.
    """
    for column in counted.select_dtypes("float64"):
        values = counted[column].to_numpy()
        with np.errstate(divide="ignore", invalid="ignore"):
            size = np.floor(np.log10(np.abs(values)))
        whole = values == np.floor(values)  # as exact as a count
        known = ~whole & np.isfinite(size) & (size > -_LEAST)
        scale = 10.0 ** (_DIGITS - 1 - size[known])
        rounded = values.copy()
        rounded[known] = np.round(values[known] * scale) / scale
        counted[column] = rounded
    return counted
