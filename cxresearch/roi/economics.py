"""The terms of a claim about profit: each of them can move its verdict, so none has a default."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cxresearch._language import mark, tr, trn
from cxresearch.errors import DataError
from cxresearch.value.terms import FIRST_MARGINS, FirstMargin

Concept = Literal["customer_value", "net_value", "base_value", "annual_profit", "steady_state"]
CONCEPTS: Final[tuple[Concept, ...]] = get_args(Concept)
SAID: Final[dict[Concept, str]] = {
    "customer_value": mark("customer value"),
    "net_value": mark("net value"),
    "base_value": mark("base value"),
    "annual_profit": mark("annual profit"),
    "steady_state": mark("steady state"),
}
BY_YEAR: Final = ("annual_profit", "steady_state")
MONTHLY_BELOW: Final = 0.02  # a year's discount rate under this is taken for a month's
LONGEST: Final = 100  # years


@dataclass(frozen=True, kw_only=True)
class Economics:
    """What a customer brings and costs, and how profit is counted; periods are years.

    Parameters
    ----------
    annual_discount_rate
        0.1 for 10 % a year.
    first_margin
        "now": a new customer's first margin is today's. "end_of_period": it comes after a year,
        from those who are still there.
    horizon
        Years of margins that count; None for all there ever are.
    annual_margin
        Contribution of a customer in a year, above 0.
    acquisition_cost
        Once per new customer.
    retention_cost
        What the lift costs: with each margin, per customer who is there.
    fixed_cost_share
        Share of today's contribution that goes to costs which do not grow with customers; matters
        to the profit of a year only.

    Raises
    ------
    DataError
        Naming every value that breaks its rule.
    """

    annual_discount_rate: float
    first_margin: FirstMargin
    horizon: int | None
    annual_margin: float
    acquisition_cost: float
    retention_cost: float
    fixed_cost_share: float

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise DataError(problems)

    @property
    def words(self) -> str:
        """The terms in words, to stand at the end of a sentence."""
        rate = tr("{number} %", number=f"{100 * self.annual_discount_rate:.4g}")
        if self.first_margin == "now":
            return tr(
                "discounted at {rate} a year, first margin now, {span}", rate=rate, span=self.span
            )
        return tr(
            "discounted at {rate} a year, first margin after a year, {span}",
            rate=rate,
            span=self.span,
        )

    @property
    def span(self) -> str:
        """Which margins count, in words: `the margins of 5 years`."""
        if self.horizon is None:
            return tr("all margins there ever are")
        n = self.horizon
        return trn("the margins of {n} year", "the margins of {n} years", n, n=n)


def concept_words(concept: Concept, year: int | None = None) -> str:
    """Return what is compared, to stand before "is 25 % higher"."""
    if concept == "net_value":
        return tr("value per customer, less what winning one costs,")
    return concept_name(concept, year)


def concept_name(concept: Concept, year: int | None = None) -> str:
    """Return what is compared, to stand by itself."""
    return {
        "customer_value": tr("value per customer"),
        "net_value": tr("value per customer, less what winning one costs"),
        "base_value": tr("the value of today's customers"),
        "annual_profit": tr("profit of year {year}", year=year),
        "steady_state": tr("the profit of a year in the long run"),
    }[concept]


def concept_problems(concept: str, year: int | None) -> Iterator[str]:
    """Yield what is wrong with a profit concept, or with the year that goes with it."""
    if concept not in CONCEPTS:
        yield f"concept is {concept!r}, must be one of {', '.join(CONCEPTS)}: say which profit."
    if concept == "annual_profit" and not _whole(year, LONGEST):
        yield (
            f"year is {year!r}, must be a whole number from 1 to {LONGEST}: say which year's "
            "profit is meant."
        )


def rate_problems(rate: float) -> Iterator[str]:
    """Yield what is wrong with a year's discount rate; one that looks like a month's is refused."""
    if not 0 <= rate <= 1:
        yield (
            f"annual_discount_rate is {rate!r}, must be a share from 0 to 1 a year: write 0.1 for "
            "10 % a year."
        )
    elif 0 < rate < MONTHLY_BELOW:
        a_year = math.expm1(12 * math.log1p(rate))
        yield (
            f"annual_discount_rate is {rate!r}, must be 0 or at least {MONTHLY_BELOW} a year: a "
            f"month's {rate!r} is {a_year:.4f} a year, write that."
        )


def _problems(terms: Economics) -> Iterator[str]:
    yield from rate_problems(terms.annual_discount_rate)
    if terms.first_margin not in FIRST_MARGINS:
        yield (
            f"first_margin is {terms.first_margin!r}, must be one of {', '.join(FIRST_MARGINS)}: "
            "say whether the first margin comes now or after a year."
        )
    if terms.horizon is not None and not _whole(terms.horizon, LONGEST):
        yield (
            f"horizon is {terms.horizon!r}, must be a whole number of years from 1 to {LONGEST}, "
            "or None for all margins: 36 months are 3 years."
        )
    if not 0 < terms.annual_margin < math.inf:
        yield f"annual_margin is {terms.annual_margin!r}, must be above 0: say a year's margin."
    for name in ("acquisition_cost", "retention_cost"):
        if not 0 <= (cost := getattr(terms, name)) < math.inf:
            yield f"{name} is {cost!r}, must be 0 or more: write a cost without a minus sign."
    if not 0 <= terms.fixed_cost_share < 1:
        yield (
            f"fixed_cost_share is {terms.fixed_cost_share!r}, must be a share from 0 to below 1: "
            "write 0.6 where 60 % of the contribution goes to fixed costs."
        )


def _whole(value: float | None, most: int) -> bool:
    return value is not None and 1 <= value <= most and float(value).is_integer()
