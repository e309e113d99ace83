"""Customers without a contract as counts: how often they bought, when last, since when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch._cells import N_REPLICATES, check_columns, encode_groups, frozen, with_replicate
from cxresearch._checks import check_long
from cxresearch._grouped import Counts, Grouped, Labels

DAYS_PER_WEEK: Final = 7
_KEYS: Final = ("frequency", "recency", "age")
_SUMS: Final = ("customers", "repeat_spend", "later_purchases", "later_spend", "returned")
_SPEND: Final = ("frequency", "customers")


@dataclass(frozen=True, eq=False, repr=False)
class PurchaseTable(Grouped):
    """Customers by frequency, recency and age, in days, in cells that hold somebody.

    A purchase is a day with at least one order. N cells, M cells of spend.

    Parameters
    ----------
    group_columns, groups
        As in `LifeTable`; G groups.
    group, replicate
        Of each cell, shape (N,).
    frequency, recency, age
        Repeat purchases; days from the first to the last purchase (0 without a repeat); days
        from the first purchase to `until`; shape (N,), int64.
    customers, repeat_spend
        Customers in the cell, and what they spent on repeat purchases altogether (returns not
        taken off), shape (N,).
    later_purchases, later_spend
        Purchases, and what was spent on them, in the `later_days` after `until`, shape (N,).
    returned
        What was returned up to `until`, as an amount of at least 0, shape (N,).
    spend
        Repeat customers by frequency and mean spend per repeat purchase (to the cent), for the
        distribution of spend: columns `group`, `replicate`, `frequency`, `mean_spend`,
        `customers`.
    until
        ISO day up to and including which purchases are counted.
    later_days
        Days after `until` that the extract holds; 0 for none.
    currency, as_of, population
        As in `LifeTable`.

    Raises
    ------
    DataError
        When a column is missing or not a number.
    """

    group_columns: Labels
    groups: tuple[Labels, ...]
    group: NDArray[np.int64]
    replicate: NDArray[np.int64]
    frequency: NDArray[np.int64]
    recency: NDArray[np.int64]
    age: NDArray[np.int64]
    customers: Counts
    repeat_spend: Counts
    later_purchases: Counts
    later_spend: Counts
    returned: Counts
    spend: pd.DataFrame
    n_replicates: int
    until: str
    later_days: int = 0
    currency: str | None = None
    as_of: str | None = None
    population: str = "customers"

    def __post_init__(self) -> None:
        for name in ("group", "replicate", *_KEYS, *_SUMS):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @classmethod
    def from_counts(
        cls,
        cells: pd.DataFrame,
        spend: pd.DataFrame,
        group_columns: Sequence[str] = (),
        *,
        n_replicates: int = N_REPLICATES,
        **words: Any,  # noqa: ANN401 - until, later_days, currency, as_of, population
    ) -> Self:
        """Build from long frames, such as the reductions return.

        Parameters
        ----------
        cells
            The group columns, `replicate` (without it all is one replicate), `frequency`,
            `recency`, `age`, `customers`, `repeat_spend`, and where they are known
            `later_purchases`, `later_spend` and `returned`.
        spend
            The group columns, `replicate`, `frequency`, `mean_spend` and `customers`.
        """
        cells, found = with_replicate(_filled(cells), n_replicates)
        spend, _ = with_replicate(spend, n_replicates)
        check_columns(cells, (*group_columns, *_KEYS, *_SUMS))
        check_columns(spend, (*group_columns, *_SPEND, "mean_spend"))
        check_long(cells, ("replicate", *_KEYS), _SUMS, found)
        check_long(spend, ("replicate", *_SPEND), ("mean_spend",), found)
        # queries return rows in any order, in which sums of money would differ in the last digit
        cells, spend = (
            frame.sort_values(["replicate", *keys], kind="stable")
            for frame, keys in ((cells, _KEYS), (spend, (*_SPEND, "mean_spend")))
        )
        codes, groups = encode_groups(cells, group_columns)
        whole = ("replicate", *_KEYS, "customers")
        columns: dict[str, Any] = {name: cells[name].to_numpy(dtype=np.int64) for name in whole}
        columns |= {name: cells[name].to_numpy() for name in _SUMS[1:]}
        return cls(
            tuple(group_columns),
            groups,
            codes,
            **columns,
            spend=_spend_codes(spend, group_columns, groups),
            n_replicates=found,
            **words,
        )

    @property
    def n(self) -> Counts:
        """Customers of each group, shape (G,)."""
        return np.bincount(self.group, self.customers, minlength=len(self.groups)).astype(int)

    def take(self, index: Sequence[int]) -> Self:
        """Return the groups at these positions, in this order."""
        place = np.full(len(self.groups), -1)
        place[list(index)] = np.arange(len(index))
        cells = {name: getattr(self, name) for name in ("replicate", *_KEYS, *_SUMS)}
        group, kept = place[self.group], place[self.group] >= 0
        spend = self.spend.assign(group=place[self.spend["group"].to_numpy(dtype=int)])
        return replace(
            self,
            groups=tuple(self.groups[i] for i in index),
            group=group[kept],
            spend=spend[spend["group"] >= 0].reset_index(drop=True),
            **{name: values[kept] for name, values in cells.items()},
        )

    def pooled(self) -> Self:
        """Return all groups as one."""
        return replace(
            self,
            group_columns=(),
            groups=((),),
            group=np.zeros_like(self.group),
            spend=self.spend.assign(group=0),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group: customers, repeat buyers, purchases and spend."""
        rows = []
        for g in range(len(self.groups)):
            one = self.group == g
            each = self.customers[one]
            rows.append(
                self.labels(g)
                | {
                    "customers": int(each.sum()),
                    "repeat_customers": int(each[self.frequency[one] > 0].sum()),
                    "repeat_purchases": int((each * self.frequency[one]).sum()),
                    "repeat_spend": float(self.repeat_spend[one].sum()),
                }
            )
        return pd.DataFrame(rows)

    def __repr__(self) -> str:
        return (
            f"PurchaseTable({len(self.groups)} groups, {int(self.customers.sum()):,} "
            f"{self.population} in {len(self.group):,} cells, until {self.until})"
        )


def _filled(cells: pd.DataFrame) -> pd.DataFrame:
    return cells.assign(**{name: 0 for name in _SUMS[2:] if name not in cells})


def _spend_codes(
    spend: pd.DataFrame, columns: Sequence[str], groups: tuple[Labels, ...]
) -> pd.DataFrame:
    codes, found = encode_groups(spend, columns)
    place = np.array([groups.index(label) for label in found], dtype=np.int64)
    whole = spend[["replicate", "frequency", "customers"]].astype(np.int64)
    plain = whole.assign(mean_spend=spend["mean_spend"].astype(float))
    return plain.assign(group=place[codes] if len(codes) else codes).reset_index(drop=True)
