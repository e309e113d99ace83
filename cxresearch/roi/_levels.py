"""Profit without the lift and with it, on any retention by year, in each concept.

Two ways lead there. On a curve, retention rates are lifted year by year. Where every customer has
an own rate that never changes, and the lift is on that, it is the arithmetic of `constant` at
each rate, averaged over the customers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple, get_args

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from cxresearch._language import tr, trn
from cxresearch.roi._not_defined import NotDefinedError, endless, no_profit, no_sure_profit
from cxresearch.roi._strand import TINY, Nodes, Strand, yearly_rates
from cxresearch.roi.constant import firm_sizes, margins
from cxresearch.roi.economics import BY_YEAR, Concept, Economics
from cxresearch.roi.readings import Lift
from cxresearch.uncertainty import Floats

Renewals = Literal["first", "every", "each_customer"]
RENEWALS: Final[tuple[Renewals, ...]] = get_args(Renewals)
SURE: Final = 2.0  # standard errors above 0 from which on a profit is taken to be there


class Levels(NamedTuple):
    """Profit without the lift and with it, of the estimate and its variants, shape (1 + M,)."""

    before: Floats
    after: Floats


@dataclass(frozen=True)
class Asked:
    """What is asked of a strand: which profit, with which lift, of which renewals.

    Parameters
    ----------
    lift, economics, concept, year
        As in `constant.uplift`.
    renewals
        "first": only the first renewal is lifted. "every": each year's retention rate is.
        "each_customer": the own rate of each customer is, where they differ.
    cut
        Whether a rate that would pass 1 becomes 1, so that nobody leaves; else it stays as it is.
    """

    lift: Lift
    economics: Economics
    concept: Concept
    renewals: Renewals
    year: int | None = None
    cut: bool = True

    @property
    def late(self) -> int:
        """Years until the first margin."""
        return int(self.economics.first_margin == "end_of_period")

    @property
    def when(self) -> int | None:
        """The year whose profit is meant; None for the long run."""
        return self.year if self.concept == "annual_profit" else None

    def bills(self, strand: Strand) -> int:
        """Return how many margins count; where all do, what is left out is as good as nothing.

        Raises
        ------
        NotDefinedError
            When all count and have no end.
        """
        if self.economics.horizon is not None:
            return self.economics.horizon
        # at one rate what is left fades by itself, else by discounting alone
        kept = _highest_rate(strand) if strand.alike else 1.0
        kept /= 1 + self.economics.annual_discount_rate
        if kept >= 1:
            raise NotDefinedError(
                lambda: tr(
                    "without a discount rate all margins there ever are have no end where "
                    "customers differ or nobody leaves"
                )
            )
        return _terms(kept)


def levels(strand: Strand, asked: Asked) -> Levels:
    """Return profit without the lift and with it.

    Raises
    ------
    NotDefinedError
        Saying why there is none on these terms.
    """
    _refuse(strand, asked)
    if asked.renewals == "each_customer" or (strand.alike and asked.renewals == "every"):
        found = _of_customers(strand, asked)
    else:
        found = _of_curve(strand, asked)
    if not (np.isfinite(found.before).all() and np.isfinite(found.after).all()):
        if asked.concept == "base_value" and np.isnan(strand.ages).any():
            raise NotDefinedError(lambda: tr("nobody is there today"))
        raise NotDefinedError(endless)
    error = strand.error(found.before)
    if not (found.before > 0).all() or found.before[0] < SURE * error:
        raise NotDefinedError(no_profit if math.isnan(error) else no_sure_profit)
    return found


def duration(strand: Strand, economics: Economics) -> Floats:
    """Return Σ t v^t S(t)/Σ v^t S(t) over the margins, shape (1 + M,): see `elasticity`.

    Raises
    ------
    NotDefinedError
        As in `levels`.
    """
    asked = Asked(Lift(points=0.5), economics, "customer_value", "first")
    t = np.arange(asked.bills(strand)) + asked.late
    kept = _curve(strand, int(t[-1]))[:, t] * (1.0 + economics.annual_discount_rate) ** -t
    whole = kept.sum(-1)
    if not (whole > 0).all():
        raise NotDefinedError(lambda: tr("there are no margins"))
    return np.asarray((t * kept).sum(-1) / whole)


def _refuse(strand: Strand, asked: Asked) -> None:
    """Raise where the terms leave nothing to compute."""
    if asked.renewals == "each_customer" and strand.nodes is None:
        raise NotDefinedError(
            lambda: tr("only in the sBG model has each customer an own rate that stays")
        )
    if strand.late:
        _refuse_late(asked)
    if strand.alike and asked.lift.capped(strand.retained(1)[:1, 1]).any():
        rate = f"{100 * float(strand.retained(1)[0, 1]):.3g}"
        raise NotDefinedError(
            lambda: tr(
                "the rate of {rate} % passes 1 with {lift}", rate=rate, lift=asked.lift.words
            )
        )
    if asked.concept == "steady_state" and not strand.alike:
        raise NotDefinedError(
            lambda: tr(
                "where customers differ, those who stay longest decide what the long run comes to, "
                "and no data have seen them leave"
            )
        )
    if asked.concept not in BY_YEAR:
        asked.bills(strand)


def _refuse_late(asked: Asked) -> None:
    """Raise where it takes what was before the data begin."""
    if asked.renewals == "first":
        raise NotDefinedError(lambda: tr("the first renewal lies before the data"))
    if asked.economics.acquisition_cost and asked.concept in (*BY_YEAR, "net_value"):
        raise NotDefinedError(
            lambda: tr(
                "it is not known how many of those who were won are still there when the data begin"
            )
        )


def _of_customers(strand: Strand, asked: Asked) -> Levels:
    """Return the mean over customers, each with a rate of its own that is lifted."""
    assert strand.nodes is not None
    nodes = strand.nodes(asked.lift.highest)
    lifted = _lifted(nodes.rate, asked.lift.capped(nodes.rate), asked)
    if asked.concept in BY_YEAR:
        return _firm_of_customers(strand, asked, nodes, lifted)
    weight = nodes.weight
    if asked.concept == "base_value":
        weight = _weights_today(nodes, strand.ages)
    rate = asked.economics.annual_discount_rate
    before, after = (
        (weight * margins(r, rate, asked.economics)).sum(-1) for r in (nodes.rate, lifted)
    )
    return _priced(before, after, asked, None)


def _weights_today(nodes: Nodes, ages: Floats) -> Floats:
    """Return how many of today's customers have each rate: who has stayed has a better one."""
    found = np.zeros(nodes.rate.shape)
    for age in range(ages.shape[1]):
        stayed = nodes.weight * nodes.rate**age
        found += ages[:, age, None] * stayed / stayed.sum(-1, keepdims=True)
    return found


def _firm_of_customers(strand: Strand, asked: Asked, nodes: Nodes, lifted: Floats) -> Levels:
    sizes = firm_sizes(nodes.rate, lifted, asked.when, strand.firm_years)
    today = firm_sizes(nodes.rate, nodes.rate, 0, strand.firm_years)[0]
    before, after, now = ((nodes.weight * size).sum(-1) - asked.late for size in (*sizes, today))
    return _profit(before, after, now, asked, None)


def _of_curve(strand: Strand, asked: Asked) -> Levels:
    if asked.concept in BY_YEAR:
        return _firm_of_curve(strand, asked)
    t = np.arange(asked.bills(strand)) + asked.late
    discount = (1 + asked.economics.annual_discount_rate) ** -t.astype(float)
    base = asked.concept == "base_value"
    ages = strand.ages if base else np.ones((1, 1))
    last = int(t[-1])
    before, after = (
        ages[..., None] * _ahead(curve, last, ages.shape[1])
        for curve in _both(strand, asked, last + ages.shape[1] - 1)
    )
    # only those of today who are new have their first renewal ahead
    first = after[:, 0, t[0]] * discount[0] if asked.renewals == "first" else None
    sums = [curve[..., t].sum(axis=1) @ discount for curve in (before, after)]
    return _priced(sums[0], sums[1], asked, first)


def _ahead(curve: Floats, years: int, ages: int) -> Floats:
    """Return the share still there 0, 1, … years on by age today, (1 + M, ages, years + 1)."""
    windows = sliding_window_view(curve, years + 1, axis=-1)[:, :ages]
    now = windows[..., :1]
    return np.divide(windows, now, out=np.zeros(windows.shape), where=now > 0)


def _firm_of_curve(strand: Strand, asked: Asked) -> Levels:
    """Return a year's profit where one new customer has come every year of the firm so far."""
    ages = strand.firm_years
    if ages is None:
        # in the firm that has always been there, only those are counted who matter
        ages = _terms(_highest_rate(strand))
    year = ages if asked.when is None else asked.when
    before, after = _both(strand, asked, ages + year)
    still = np.divide(
        after[:, year:], after[:, : ages + 1], out=np.zeros((len(after), ages + 1)),
        where=after[:, : ages + 1] > 0,
    )  # fmt: skip
    kept = after[:, :year].sum(-1) + (before[:, : ages + 1] * still).sum(-1)
    today = before[:, : ages + 1].sum(-1)
    first = after[:, asked.late] if asked.renewals == "first" else None
    plain, kept, today = (size - asked.late for size in (before.sum(-1), kept, today))
    return _profit(plain, kept, today, asked, first)


def _lifted(rates: Floats, over: NDArray[np.bool_], asked: Asked) -> Floats:
    lifted = asked.lift.apply(rates)
    return lifted if asked.cut else np.where(over, rates, lifted)


def passes_one(curve: Floats, asked: Asked) -> NDArray[np.bool_]:
    """Return in which years the lifted rate would pass 1, shape (rows, years)."""
    over = asked.lift.capped(yearly_rates(curve))
    if asked.renewals == "first":
        over[:, 1:] = False
    return over


def _both(strand: Strand, asked: Asked, years: int) -> tuple[Floats, Floats]:
    """Return the curve up to a year without the lift and with it."""
    before = _curve(strand, years)
    rates = yearly_rates(before)
    # the years that are left out are those of the estimate, so that variants move by little
    lifted = _lifted(rates, passes_one(before[:1], asked), asked)
    if asked.renewals == "first":
        lifted[:, 1:] = rates[:, 1:]
    return before, np.cumprod(np.concatenate([before[:, :1], lifted], axis=-1), axis=-1)


def _highest_rate(strand: Strand) -> float:
    return float(strand.retained(1)[:, 1].max())


def _terms(kept: float) -> int:
    """Return after how many terms 1 + q + q² + … is as good as complete."""
    if kept >= 1:
        raise NotDefinedError(endless)
    return math.ceil(math.log(TINY * (1 - kept)) / math.log(kept)) if kept > TINY else 2


def _curve(strand: Strand, years: int) -> Floats:
    longest = strand.longest
    if longest is not None and years > longest:
        raise NotDefinedError(
            lambda: trn(
                "the data reach {n} year, and it needs retention after that",
                "the data reach {n} years, and it needs retention after that",
                longest,
                n=longest,
            )
        )
    return strand.retained(years)


def _priced(before: Floats, after: Floats, asked: Asked, paid_for: Floats | None) -> Levels:
    """Return the worth of margins, less what winning a customer costs where it counts."""
    won = asked.economics.acquisition_cost if asked.concept == "net_value" else 0.0
    return _net(before, after, asked, won, paid_for)


def _profit(
    before: Floats, after: Floats, today: Floats, asked: Asked, paid_for: Floats | None
) -> Levels:
    """Return a year's profit: fixed costs are a share of today's contribution."""
    terms = asked.economics
    fixed = terms.fixed_cost_share * terms.annual_margin * today
    return _net(before, after, asked, terms.acquisition_cost + fixed, paid_for)


def _net(
    before: Floats, after: Floats, asked: Asked, costs: Floats | float, paid_for: Floats | None
) -> Levels:
    """Return margins less costs; `paid_for` are those with the cost of the lift, or all."""
    margin, lift = asked.economics.annual_margin, asked.economics.retention_cost
    spent = lift * (after if paid_for is None else paid_for)
    return Levels(margin * before - costs, margin * after - spent - costs)
