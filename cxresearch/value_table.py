"""Customers by months since their answer: a life table whose months also hold sums of money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd

from cxresearch._cells import N_REPLICATES, groups_words, long_frame
from cxresearch._grouped import Counts, Labels
from cxresearch.tables import LifeTable

LIFE: Final = ("entered", "churned", "censored")
MONEY: Final = ("paying", "revenue", "margin", "served", "tickets", "direct_cost", "referrals")


@dataclass(frozen=True, eq=False, repr=False)
class ValueTable(LifeTable):
    """A life table on the clock since the answer, with the money of each month.

    Month t of the clock begins with the bill of those who are still there: t = 0 is the bill of
    the day the clock begins, t = 1 that of one month later. Who churned at t paid no bill at t.

    Parameters
    ----------
    paying
        Bills that the extract holds, shape (G, R, T + 1): customers still there at t, of whom
        the revenue of that month is known. A bill of 0 is one.
    revenue, margin
        Sums of net revenue and of contribution margin of these bills; margin is 0 throughout
        where the data hold none (`has_margin` is False).
    served
        Customers who are there through all of month t (from t to t + 1) and whose tickets and
        costs of that month are known.
    tickets, direct_cost
        Of these: tickets opened, and the cost of service that is booked to a customer.
    referrals
        New customers whom customers at risk from t to t + 1 (`exposed`) brought in that month.
    has_revenue, has_margin, has_tickets, has_referrals
        Whether the data hold it at all; what is not there is 0.
    currency
        Of the amounts.
    """

    count_fields: ClassVar[Labels] = (*LIFE, *MONEY)
    signed_fields: ClassVar[Labels] = ("revenue", "margin", "direct_cost")

    paying: Counts = field(kw_only=True)
    revenue: Counts = field(kw_only=True)
    margin: Counts = field(kw_only=True)
    served: Counts = field(kw_only=True)
    tickets: Counts = field(kw_only=True)
    direct_cost: Counts = field(kw_only=True)
    referrals: Counts = field(kw_only=True)
    has_revenue: bool = field(default=True, kw_only=True)
    has_margin: bool = field(default=True, kw_only=True)
    has_tickets: bool = field(default=True, kw_only=True)
    has_referrals: bool = field(default=True, kw_only=True)
    currency: str | None = field(default=None, kw_only=True)

    @classmethod
    def from_counts(
        cls,
        frame: pd.DataFrame,
        group_columns: Sequence[str] = (),
        *,
        n_replicates: int = N_REPLICATES,
        changes: Sequence[str] = (),
        **words: Any,  # noqa: ANN401 - as_of, population, currency, has_…
    ) -> Self:
        """Build from a long frame, as `LifeTable.from_counts` does.

        `changes` names the columns that hold the change from one month to the next; what they
        add up to beyond the last exit is left out.
        """
        last = frame.loc[frame["churned"] + frame["censored"] > 0, "tenure"].max()
        cubes = cls._cubes(frame[frame["tenure"] <= last], group_columns, n_replicates)
        cubes |= {name: np.cumsum(cubes[name], axis=-1) for name in changes}
        nobody = cubes["paying"] == 0
        for name in {"revenue", "margin"} & set(changes):
            cubes[name] = np.where(nobody, 0.0, cubes[name])  # what is left there is rounding
        return cls(**cubes, **words)

    @property
    def weighted(self) -> bool:
        """Whether counts of customers are sums of weights."""
        return any(self.counts(name).dtype.kind == "f" for name in LIFE)

    @property
    def exposed(self) -> Counts:
        """Customers at risk through month t, from t to t + 1, shape (G, R, T + 1)."""
        later = self.at_risk[..., 1:]
        return np.concatenate([later, np.zeros_like(later[..., :1])], axis=-1)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and month, replicates summed."""
        names = ("at_risk", *self.count_fields)
        return long_frame(self, "month", {name: self.counts(name) for name in names})

    def __repr__(self) -> str:
        return (
            f"ValueTable({groups_words(self)}, {self.n.sum():,.10g} {self.population}, months 0 "
            f"to {self.axis[-1]}, {self.n_replicates} replicates, as of {self.as_of})"
        )
