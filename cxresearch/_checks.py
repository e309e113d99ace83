"""Rules that counts must keep: each problem names the value, the rule and the cure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxresearch.errors import CxError, DataError

if TYPE_CHECKING:
    from cxresearch._cells import CountTable
    from cxresearch.tables import LifeTable, PeriodTable

ROUNDING = 1e-9  # sums of weights differ by rounding


def check_level(confidence_level: float) -> None:
    """Raise unless the confidence level lies strictly between 0 and 1."""
    if not 0 < confidence_level < 1:
        raise CxError(
            f"confidence_level is {confidence_level!r}, must be between 0 and 1: "
            "write 0.95 for 95 %."
        )


def check_shapes(table: CountTable) -> None:
    """Raise when arrays, groups and axis do not fit together, or a count is negative."""
    first = table.counts(table.count_fields[0])
    problems = list(_shape_problems(table, first.shape))
    if not problems:
        problems = list(_sign_problems(table))
    if problems:
        raise DataError(problems)


def check_life(table: LifeTable) -> None:
    """Raise when more customers churn than are at risk, or entries and exits differ."""
    excess = table.churned > table.at_risk + _slack(table.at_risk)
    problems = []
    if excess.any():
        group, replicate, tenure = first = tuple(np.argwhere(excess)[0])
        problems.append(
            f"{_name(table, group)}more customers churn than are at risk at tenure {tenure} "
            f"in replicate {replicate} ({_total(table.churned[first])} against "
            f"{_total(table.at_risk[first])}), must be at most as many: "
            "enter each customer before the tenure of the exit."
        )
    entered, left = table.entered.sum(-1), (table.churned + table.censored).sum(-1)
    uneven = np.abs(entered - left) > _slack(entered)
    if uneven.any():
        group = np.argwhere(uneven)[0][0]
        problems.append(
            f"{_name(table, group)}{_total(entered[group])} customers entered but "
            f"{_total(left[group])} churned or were censored, must be equal: count each customer "
            "once in entered and once in churned or censored."
        )
    if problems:
        raise DataError(problems)


def check_period(table: PeriodTable) -> None:
    """Raise when more customers are lost in a period than there were at its start."""
    excess = table.lost > table.at_start + _slack(table.at_start)
    if excess.any():
        group, _, period = first = tuple(np.argwhere(excess)[0])
        raise DataError(
            f"{_name(table, group)}{_total(table.lost[first])} customers lost against "
            f"{_total(table.at_start[first])} at the start in {table.periods[period]}, must be at "
            "most as many: count a customer who joined within the period in joined only."
        )


def check_long(
    frame: pd.DataFrame, positions: Sequence[str], counts: Sequence[str], n_replicates: int
) -> None:
    """Raise when a position of a long frame is not a whole number, or a count not a number."""
    problems = [p for name in (*positions, *counts) for p in _number_problems(frame[name])]
    if not problems:
        problems += [p for name in positions for p in _whole_problems(name, frame[name].to_numpy())]
    if not problems and (frame["replicate"] >= n_replicates).any():
        problems = [
            f"replicate has {frame['replicate'].max()}, must be below {n_replicates}: "
            "pass n_replicates, or build the replicates again."
        ]
    if problems:
        raise DataError(problems)


def check_durations(
    durations: ArrayLike, churned: ArrayLike, entry: ArrayLike | None
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.int64]]:
    """Return exits, churned flags and entries of the same length N, or raise."""
    exits, lost = np.asarray(durations), np.asarray(churned)
    entries = np.zeros(exits.shape, np.int64) if entry is None else np.asarray(entry)
    problems = list(_row_problems(exits, lost, entries))
    if problems:
        raise DataError(problems)
    return exits.astype(np.int64), lost.astype(bool), entries.astype(np.int64)


def _row_problems(exits: NDArray[Any], lost: NDArray[Any], entries: NDArray[Any]) -> Iterator[str]:
    if not exits.shape == lost.shape == entries.shape or exits.ndim != 1:
        yield (
            f"durations, churned and entry have shapes {exits.shape}, {lost.shape} and "
            f"{entries.shape}, must be one row per customer: pass columns of the same frame."
        )
        return
    problems = [*_whole_problems("durations", exits), *_whole_problems("entry", entries)]
    if lost.size and (lost.dtype.kind not in "biu" or not np.isin(lost, (0, 1)).all()):
        values = pd.unique(lost).tolist()
        odd = ([v for v in values if v not in (0, 1)] or values)[:3]  # 1.0 is equal to 1
        problems.append(f"churned has {odd}, must be True or False: map the file's words first.")
    yield from problems
    if problems:
        return
    late = (entries > exits) | ((entries == exits) & (exits > 0) & (lost == 1))
    if late.any():
        row = int(np.argmax(late))
        yield (
            f"{late.sum()} customers exit before or at their entry (first: row {row}, entry "
            f"{entries[row]}, exit {exits[row]}), must enter before: these were never at risk, "
            "so leave them out and say so."
        )


def _number_problems(column: pd.Series[Any]) -> Iterable[str]:
    if not pd.api.types.is_numeric_dtype(column):
        return [
            f"column {column.name!r} has type {column.dtype}, must be numbers: "
            "convert it before building the table."
        ]
    if column.isna().any():
        return [
            f"column {column.name!r} has {column.isna().sum()} missing values, must be filled: "
            "a count that did not happen is 0."
        ]
    return []


def _whole_problems(name: str, values: NDArray[Any]) -> Iterable[str]:
    if values.dtype.kind not in "biuf":
        return [f"{name} has type {values.dtype}, must be whole periods: convert it to numbers."]
    bad = ~np.isfinite(values) | (values < 0)
    bad |= np.where(bad, 0, values) % 1 != 0
    if not bad.any():
        return []
    row = int(np.argmax(bad))
    return [
        f"{name} has {bad.sum()} values such as {values[row]} (row {row}), must be whole numbers "
        "from 0: count completed periods, and leave out rows without a value."
    ]


def _shape_problems(table: CountTable, shape: tuple[int, ...]) -> Iterator[str]:
    for name in table.count_fields:
        got = table.counts(name).shape
        if got != shape or len(got) != 3:
            yield (
                f"{name} has shape {got}, must be {shape} as (groups, replicates, axis): "
                "build the table with from_counts or from_durations."
            )
    if len(shape) == 3 and shape[0] != len(table.groups):
        yield f"{len(table.groups)} groups for {shape[0]} rows of counts, must be equal: name each."
    if len(shape) == 3 and shape[2] != len(table.axis):
        yield f"{len(table.axis)} labels for {shape[2]} positions, must be equal: name each period."
    if any(len(group) != len(table.group_columns) for group in table.groups):
        yield (
            f"groups {table.groups[:3]} do not fit the columns {table.group_columns}, must have "
            "one label per column: give each group a tuple of labels."
        )
    if len(set(table.groups)) != len(table.groups):
        yield "a group is named twice, must be unique: pool its counts with pooled()."


def _sign_problems(table: CountTable) -> Iterator[str]:
    for name in table.count_fields:
        counts = table.counts(name)
        bad = ~np.isfinite(counts)
        if name not in table.signed_fields:
            bad |= counts < 0
        if bad.any():
            group = np.argwhere(bad)[0][0]
            yield (
                f"{_name(table, group)}{name} has {counts[bad][0]}, must be 0 or more: "
                "count customers, not changes."
            )


def _name(table: CountTable, index: int) -> str:
    labels = ", ".join(f"{c} {v}" for c, v in table.labels(int(index)).items())
    return f"{labels}: " if labels else ""


def _slack(counts: NDArray[Any]) -> float:
    return ROUNDING * float(counts.sum()) if counts.dtype.kind == "f" else 0.0


def _total(counts: NDArray[Any]) -> str:
    return f"{counts.sum():,.10g}"
