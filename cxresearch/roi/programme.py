"""A programme that is to keep more customers: what it costs, what it brings back, and when.

The customers of today are followed as one closed cohort, year by year, with the programme and
without it. Only what the additional customers bring counts for the programme, never the base.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import mark, speaking, tr
from cxresearch.errors import DataError
from cxresearch.roi._payments import (
    InternalRate,
    discounted,
    internal_rate,
    payback_months,
    present_value,
)
from cxresearch.roi.economics import rate_problems
from cxresearch.uncertainty import Floats

INPUTS: Final = {
    "customers": mark("number of customers"),
    "reached": mark("share reached"),
    "annual_margin": mark("margin per customer and year"),
    "base_retention": mark("base retention"),
    "lift": mark("lift"),
    "attribution": mark("attribution"),
    "one_off_cost": mark("one-off cost"),
    "annual_cost": mark("cost a year"),
    "annual_discount_rate": mark("discount rate"),
}
MEANINGS: Final = {
    "customers": mark("customers there today"),
    "reached": mark("share of them who are reached"),
    "annual_margin": mark("contribution of a customer in a year"),
    "base_retention": mark("share who stay a year without the programme"),
    "lift": mark("percentage points more who stay a year with it"),
    "attribution": mark("share of that lift that is the programme's doing"),
    "one_off_cost": mark("cost today"),
    "annual_cost": mark("cost at the end of each year"),
    "annual_discount_rate": mark("what a payment a year later is worth less"),
}
RATE: Final = "annual_discount_rate"
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "customers": (1, math.inf),
    "reached": (0, 1),
    "annual_margin": (0, math.inf),
    "base_retention": (0, 1),
    "lift": (-1, 1),
    "attribution": (0, 1),
    "one_off_cost": (0, math.inf),
    "annual_cost": (0, math.inf),
    "annual_discount_rate": (0, 1),
}
LONGEST: Final = 50  # years
HALVINGS: Final = 60

_CURES: Final = {
    "customers": "write how many are there today, e.g. 10000",
    "reached": "write 0.5 for half of them",
    "annual_margin": "write what a customer contributes a year; a loss is not worth keeping",
    "base_retention": "write 0.85 for 85 %",
    "lift": "write 0.02 for 2 percentage points",
    "attribution": "write 0.5 where half of the lift is the programme's doing",
    "one_off_cost": "costs count as positive",
    "annual_cost": "costs count as positive",
    "annual_discount_rate": "write 0.1 for 10 % a year",
}


@dataclass(frozen=True, kw_only=True)
class Programme(Table):
    """A plan: whom it reaches, what it costs, and what it is to bring about.

    Nothing has a default, since each moves the answer.

    Parameters
    ----------
    customers
        Customers there today.
    reached
        Share of them whom the programme reaches, 0–1.
    annual_margin
        What a customer contributes a year.
    base_retention
        Share who stay from one year to the next without the programme, 0–1.
    lift
        How many more of those reached stay a year, as a share: 0.02 for 2 percentage points.
    ramp
        Share of the lift that is there in year 1, 2, …, 0–1; the last one holds for all later
        years. `(0.5, 1)` is half in the first year.
    attribution
        Share of the lift that is the programme's doing, 0–1.
    one_off_cost
        Paid today.
    annual_cost
        Paid at the end of each year, the time of the company's own people included.
    annual_discount_rate
        0.1 for 10 % a year.
    horizon
        Years that count.
    currency
        Of the amounts; for words only.

    Raises
    ------
    DataError
        Naming every value that breaks its rule.
    """

    customers: float
    reached: float
    annual_margin: float
    base_retention: float
    lift: float
    ramp: Sequence[float]
    attribution: float
    one_off_cost: float
    annual_cost: float
    annual_discount_rate: float
    horizon: int
    currency: str | None = None

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise DataError(problems)
        object.__setattr__(self, "ramp", tuple(self.ramp))
        object.__setattr__(self, "horizon", int(self.horizon))

    @property
    def values(self) -> dict[str, float]:
        """The inputs that can be uncertain, by name."""
        return {name: float(getattr(self, name)) for name in INPUTS}

    @property
    def cash_flows(self) -> Floats:
        """Payments today and at the end of each year, shape (horizon + 1,)."""
        return self.payments(self.values)

    @property
    def npv(self) -> float:
        """Net present value of the payments."""
        return float(self.worth(self.values))

    @property
    def payback_month(self) -> float | None:
        """Month in which what was spent is back for good; None for never within the horizon."""
        return _finite(payback_months(self.cash_flows))

    @property
    def discounted_payback_month(self) -> float | None:
        """The same for payments at what they are worth today."""
        return _finite(payback_months(discounted(self.cash_flows, self.annual_discount_rate)))

    @property
    def internal_rate(self) -> InternalRate:
        """Rate at which the net present value is 0, where there is one and only one."""
        return internal_rate(self.cash_flows)

    @property
    def break_even_lift(self) -> float | None:
        """Lift at which the net present value is 0; None where even the largest does not pay."""
        return _finite(self.needed(self.values))

    @property
    def largest_lift(self) -> float:
        """Points more at which nobody leaves any more."""
        return 1 - self.base_retention

    def payments(self, values: Mapping[str, float | Floats]) -> Floats:
        """Return the payments for values by name, each of shape (...): shape (..., horizon + 1).

        Without the programme S_t = S_{t−1}·r, and with it
        S'_t = S'_{t−1}·min(1, r + lift·attribution·ramp_t);
        year t pays (S'_t − S_t)·margin − annual cost at its end.
        """
        at = {
            name: np.asarray(value, dtype=np.float64)[..., None] for name, value in values.items()
        }
        without, with_it = self._staying(at)
        there = at["customers"] * at["reached"]
        yearly = there * (with_it - without) * at["annual_margin"] - at["annual_cost"]
        today = np.broadcast_to(-at["one_off_cost"], (*yearly.shape[:-1], 1))
        return np.concatenate([today, yearly], axis=-1)

    def worth(self, values: Mapping[str, float | Floats]) -> Floats:
        """Return the net present value for values by name, each of shape (...)."""
        return present_value(self.payments(values), values["annual_discount_rate"])

    def needed(self, values: Mapping[str, float | Floats]) -> Floats:
        """Return the lift at which the net present value is 0, shape (...); infinite for none.

        By halving, from 0 to the lift at which nobody leaves: the value rises with the lift.
        """
        base = np.asarray(values["base_retention"], dtype=np.float64)
        most = self.worth({**values, "lift": 1 - base})
        low, high = np.zeros(most.shape), np.broadcast_to(1 - base, most.shape)
        for _ in range(HALVINGS):
            middle = (low + high) / 2
            pays = self.worth({**values, "lift": middle}) >= 0
            low, high = np.where(pays, low, middle), np.where(pays, middle, high)
        return np.where(
            most < 0, np.inf, np.where(self.worth({**values, "lift": low}) >= 0, low, high)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per year: customers who stay, contribution, cost, payment and its sum."""
        at = {name: np.asarray(value)[..., None] for name, value in self.values.items()}
        there = self.customers * self.reached
        without, with_it = (np.append(there, there * share) for share in self._staying(at))
        flows = self.cash_flows
        cost = np.append(self.one_off_cost, np.full(self.horizon, self.annual_cost))
        today = discounted(flows, self.annual_discount_rate)
        return pd.DataFrame(
            {
                "year": np.arange(self.horizon + 1),
                "customers_without": without,
                "customers_with": with_it,
                "contribution": flows + cost,
                "cost": cost,
                "payment": flows,
                "payment_today": today,
                "sum_today": np.cumsum(today),
            }
        )

    def sentence(self, lang: str | None = None) -> str:
        """Return value, payback and internal rate in words."""
        with speaking(lang):
            worth = words.money(self.npv, math.nan, math.nan, self.currency)
            rate = self.internal_rate
            return tr(
                "With the values as they stand, the payments of {span} are worth {worth} today. "
                "Paid back: {plain}; discounted: {discounted}. Internal rate of return: {rate}.",
                span=self.span,
                worth=worth,
                plain=self._when(self.payback_month),
                discounted=self._when(self.discounted_payback_month),
                rate=(
                    tr("none ({why})", why=rate.reason)
                    if rate.value is None
                    else words.percent(rate.value, 0.001)
                ),
            )

    def _repr_html_(self) -> str:
        frame = self.to_frame()
        more = frame["customers_with"] - frame["customers_without"]
        frame.insert(1, "more_customers", more.round())
        hidden = ["customers_without", "customers_with", "cost", "payment_today"]
        return html_table(frame.drop(columns=hidden), caption=self.sentence())

    @property
    def span(self) -> str:
        """The horizon in words: `5 years`."""
        return words.counted(self.horizon, "year")

    def _staying(self, at: Mapping[str, Floats]) -> tuple[Floats, Floats]:
        """Return the share still there at the end of each year, without and with the programme."""
        ramp = np.asarray(self.ramp, dtype=np.float64)
        years = ramp[np.minimum(np.arange(self.horizon), len(ramp) - 1)]
        base, lift = at["base_retention"], at["lift"] * at["attribution"]
        with_it = np.clip(base + lift * years, 0, 1)
        without = np.broadcast_to(base, with_it.shape)
        # multiplied up alike, so that without a lift nobody is more or less by rounding
        return (
            np.asarray(np.cumprod(without, axis=-1), dtype=np.float64),
            np.asarray(np.cumprod(with_it, axis=-1), dtype=np.float64),
        )

    def _when(self, month: float | None) -> str:
        if month is None:
            return tr("never within {span}", span=self.span)
        return tr("in month {n}", n=math.ceil(month)) if month else tr("at once")


def _finite(value: Floats) -> float | None:
    return float(value) if np.isfinite(value) else None


def range_words(name: str) -> str:
    """Return what an input must be, in words."""
    low, high = RANGES[name]
    return f"a number from {low:g}" if high == math.inf else f"a share from {low:g} to {high:g}"


def cure(name: str) -> str:
    """Return how an input is to be written."""
    return _CURES[name]


def _problems(plan: Programme) -> Iterator[str]:
    for name, value in plan.values.items():
        low, high = RANGES[name]
        if name != RATE and not (low <= value <= high and math.isfinite(value)):
            yield f"{name} is {value:.10g}, must be {range_words(name)}: {cure(name)}."
    yield from rate_problems(plan.annual_discount_rate)
    ramp = tuple(plan.ramp)
    wrong = [share for share in ramp if not 0 <= share <= 1]
    if wrong or not ramp:
        said = f"holds {wrong[0]:g}" if wrong else "is empty"
        yield (
            f"ramp {said}, must be at least one share from 0 to 1: write 0.5, 1 for half of the "
            "lift in the first year and all of it from the second on."
        )
    if not (1 <= plan.horizon <= LONGEST and float(plan.horizon).is_integer()):
        yield (
            f"horizon is {plan.horizon!r}, must be a whole number of years from 1 to {LONGEST}: "
            "write 5 for five years."
        )
