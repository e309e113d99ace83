"""What more retention is worth where one rate never changes: the arithmetic behind the claim.

With the first margin now, all margins and no costs, value is m(1 + d)/(1 + d − r), so that Δ points
more retention are worth Δ/(1 + d − r − Δ): at least 25 % more if and only if r ≥ 0.75 + d, for
Δ = 0.05.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxresearch.errors import DataError
from cxresearch.roi.economics import BY_YEAR, Concept, Economics, concept_problems
from cxresearch.roi.readings import Lift
from cxresearch.uncertainty import Floats
from cxresearch.value.terms import constant_value

GRID: Final = 4001  # rates that are tried for a threshold
HALVINGS: Final = 50
A_MONTHS: Final = 0.8  # a retention rate from this on may be a month's
SMALLEST: Final = 0.001  # lift that is worth a question
ENOUGH: Final = 1e-12  # 25 % computed as 24.9999999999 % is 25 %


def uplift(
    lift: Lift,
    retention: ArrayLike,
    economics: Economics,
    concept: Concept,
    *,
    year: int | None = None,
    annual_discount_rate: ArrayLike | None = None,
) -> Floats:
    """Return by what share profit is higher with the lift, at rates that never change.

    Parameters
    ----------
    lift
        In one reading.
    retention
        Share that stays from each year to the next, 0–1.
    economics
        The terms.
    concept
        "customer_value": discounted margins of a new customer. "net_value": less acquisition
        cost. "base_value": of those who are there today. "annual_profit": of year `year`, with as
        many new customers every year and what they cost, less fixed costs. "steady_state": the
        same in the long run.
    year
        For "annual_profit": years since the lift began.
    annual_discount_rate
        In place of that of the terms, to vary it; it broadcasts with `retention`.

    Returns
    -------
    ndarray
        In the shape that retention and rate broadcast to. NaN where the lift would pass 1, the
        profit before is not above 0, or a sum never ends.

    Raises
    ------
    DataError
        When an argument breaks its rule.
    """
    rates = np.asarray(retention, dtype=np.float64)
    discount = economics.annual_discount_rate
    discounts = np.asarray(discount if annual_discount_rate is None else annual_discount_rate)
    problems = [*concept_problems(concept, year), *retention_problems(rates, ())]
    if problems:
        raise DataError(problems)
    lifted = np.where(lift.capped(rates), np.nan, lift.apply(rates))
    if concept in BY_YEAR:
        when = year if concept == "annual_profit" else None
        before, after, _ = np.broadcast_arrays(
            *firm_profits(rates, lifted, economics, when), discounts
        )
    else:
        cost = economics.acquisition_cost if concept == "net_value" else 0.0
        before = economics.annual_margin * margins(rates, discounts, economics) - cost
        kept = economics.annual_margin - economics.retention_cost
        after = kept * margins(lifted, discounts, economics) - cost
    return np.where(before > 0, after, np.nan) / np.where(before > 0, before, 1.0) - 1


def margins(retention: Floats, discount: ArrayLike, economics: Economics) -> Floats:
    """Return the margins of a customer in today's worth, in margins of a year; NaN where endless.

    See `constant_value`; a rate that is NaN has no value.
    """
    d = np.asarray(discount, dtype=np.float64)
    ends = ~np.isnan(retention) & ((retention < 1) | (d > 0) | (economics.horizon is not None))
    first, horizon = economics.first_margin, economics.horizon
    found = constant_value(
        np.where(ends, retention, 0.0), 1.0, d, first_margin=first, horizon=horizon
    )
    return np.where(ends, found, np.nan)


def firm_sizes(
    before: Floats, after: Floats, year: int | None, reach: int | None = None
) -> tuple[Floats, Floats]:
    """Return how many customers a firm has in a year, without the lift and with it.

    One new customer comes every year and has done so for `reach` years before today, or for ever.
    Who is there today has been kept at the rate before: with the lift there are
    Σ r'^n (n < year) + r'^year Σ r^n (n ≤ reach), and in the long run 1/(1 − r').

    Parameters
    ----------
    before, after
        Retention rates.
    year
        Years since the lift began; 0 for today, None for the long run.
    reach
        Years; None for ever, so that without the lift the firm is steady.
    """
    if year is None:
        return _geometric(before, None), _geometric(after, None)
    ages = None if reach is None else reach + 1
    today = _geometric(before, ages)
    plain = today if ages is None else _geometric(before, ages + year)
    newer = _geometric(after, year) if year else np.zeros_like(after)
    return plain, newer + after**year * today


def firm_profits(
    before: Floats, after: Floats, economics: Economics, year: int | None
) -> tuple[Floats, Floats]:
    """Return the profit of a year of the steady firm, without the lift and with it.

    Per new customer a year; `year` as in `firm_sizes`.
    """
    # who comes pays at once, or not before a year is over
    unpaid = 0.0 if economics.first_margin == "now" else 1.0
    plain, lifted = (size - unpaid for size in firm_sizes(before, after, year))
    fixed = economics.fixed_cost_share * economics.annual_margin * plain
    costs = economics.acquisition_cost + fixed
    kept = economics.annual_margin - economics.retention_cost
    return economics.annual_margin * plain - costs, kept * lifted - costs


def closed_threshold(lift: Lift, annual_discount_rate: ArrayLike, target: ArrayLike) -> Floats:
    """Return the retention rate from which on value per customer is higher by the target.

    With the first margin now, all margins and no costs. Where the lift would pass 1 at that rate,
    no rate is enough.

    Notes
    -----
    Points: r ≥ 1 + d − Δ(1 + u)/u. Relative: r ≥ u(1 + d)/(x + u(1 + x)). Fewer who leave has no
    such rate, NaN: the higher retention is, the less a share x of those who leave comes to, and
    it is never worth more than x/(1 − x), 5.26 % for x = 5 %.
    """
    d, u = np.asarray(annual_discount_rate, float), np.asarray(target, float)
    if lift.reading == "points":
        return np.asarray(1 + d - lift.size * (1 + u) / u)
    if lift.reading == "relative":
        return np.asarray(u * (1 + d) / (lift.size + u * (1 + lift.size)))
    return np.full(np.broadcast_shapes(d.shape, u.shape), np.nan)


def thresholds(
    lift: Lift,
    economics: Economics,
    *,
    target: float,
    concept: Concept,
    year: int | None = None,
) -> tuple[tuple[float, float], ...]:
    """Return the base retention rates at which profit is higher by the target, as ranges.

    Parameters
    ----------
    lift, economics, concept, year
        As in `uplift`.
    target
        0.25 for 25 % more.

    Returns
    -------
    tuple
        (lowest, highest) of each range, in order; empty where no rate is enough. A range ends at
        the highest rate at which the lift does not pass 1.
    """

    def holds(rates: Floats) -> NDArray[np.bool_]:
        found = uplift(lift, rates, economics, concept, year=year)
        return np.asarray(found >= target - ENOUGH)

    rates = np.linspace(0.0, 1.0, GRID)
    rates = np.r_[rates[~lift.capped(rates)], lift.highest]
    inside = np.r_[False, holds(rates), False]
    ends = np.flatnonzero(np.diff(inside.astype(int)))
    found = [_edge(holds, rates, int(i)) for i in ends]
    return tuple(zip(found[::2], found[1::2], strict=True))


def elasticity(
    retention: ArrayLike, economics: Economics, *, annual_discount_rate: ArrayLike | None = None
) -> Floats:
    """Return by how many per cent value is higher per 1 per cent more retention in each year.

    ∂ log V/∂ log r = Σ t (r/(1 + d))^t / Σ (r/(1 + d))^t, the duration of what a customer brings
    (Pfeifer & Farris 2004, Journal of Interactive Marketing 18(2), 20–33). With all margins it is
    (1 + d)/(1 + d − r) where the first comes after a year, and r/(1 + d − r) where it comes now.
    Costs are not in it.
    """
    discount = economics.annual_discount_rate
    d = np.asarray(discount if annual_discount_rate is None else annual_discount_rate, float)
    q = np.asarray(retention, dtype=np.float64) / (1 + d)
    late = economics.first_margin == "end_of_period"
    if economics.horizon is None:
        with np.errstate(divide="ignore"):
            return np.asarray(np.where(q < 1, (1.0 if late else q) / (1 - q), np.nan))
    t = np.arange(economics.horizon) + late
    # the first margin is left out of both sums: it counts alike at every rate
    weight = q[..., None] ** (t - late)
    return np.asarray((t * weight).sum(-1) / weight.sum(-1))


def check_retention(retention: ArrayLike, lifted_by: Sequence[Lift]) -> None:
    """Raise when a retention rate is no share, or passes 1 with a lift."""
    problems = list(retention_problems(np.asarray(retention, dtype=np.float64), lifted_by))
    if problems:
        raise DataError(problems)


def retention_problems(retention: Floats, lifted_by: Sequence[Lift]) -> Iterator[str]:
    """Yield what is wrong with retention rates that somebody entered."""
    wrong = ~((retention >= 0) & (retention <= 1))
    if wrong.any():
        yield (
            f"retention is {float(retention[wrong].flat[0])!r}, must be a share from 0 to 1 a "
            "year: write 0.85 for 85 %."
        )
        return
    # what passes 1 with any lift does so with the one that leaves least room
    for lift in sorted(lifted_by, key=lambda one: one.highest)[:1]:
        if (over := lift.capped(retention)).any():
            rate = float(retention[over].flat[0])
            yield (
                f"retention is {rate!r} a year, which passes 1 with {lift.words}, must be at most "
                f"{lift.highest:.4g}: {_passing_cure(rate, lift)}."
            )


def _passing_cure(rate: float, lift: Lift) -> str:
    """Return what to write in place of a rate that the lift brings past 1."""
    a_year = rate**12
    room = 1 / rate - 1 if lift.reading == "relative" else 1 - rate
    room = math.floor(1e4 * room + 1e-6) / 1e4
    smaller = f"ask for a lift of at most {room:g}"
    if room < SMALLEST:
        smaller = "there is next to nobody left to keep, so that no lift is worth asking for"
    if rate < A_MONTHS or lift.capped(a_year):
        return smaller
    return (
        f"if it is a month's, write {a_year:.3f}, which it is a year ({rate!r}^12); if it is a "
        f"year's, {smaller}"
    )


def _geometric(rate: Floats, terms: int | None) -> Floats:
    """Return 1 + r + r² + …, of so many terms or without end; NaN where it grows without end."""
    ends = ~np.isnan(rate) & ((rate < 1) | (terms is not None))
    found = constant_value(np.where(ends, rate, 0.0), 1.0, 0.0, first_margin="now", horizon=terms)
    return np.where(ends, found, np.nan)


def _edge(holds: Callable[[Floats], NDArray[np.bool_]], rates: Floats, i: int) -> float:
    """Return where what holds changes between rates i − 1 and i, by halving."""
    if i in (0, len(rates)):
        return float(rates[min(i, len(rates) - 1)])
    low, high = float(rates[i - 1]), float(rates[i])
    at_low = bool(holds(np.asarray(low)))
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        if bool(holds(np.asarray(middle))) == at_low:
            low = middle
        else:
            high = middle
    return low if at_low else high
