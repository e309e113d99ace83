"""What one group brings, month by month: who is still there, and what each of them contributes.

Contribution per month is S(t) × (mean among those present), summed over months: the estimator of
Lin, Feuer, Etzioni & Wax (1997, Biometrics 53, 419–434). Beyond the data S follows the models of
`cxresearch.projection`, and what those present bring stays as it was in the last year seen.
Everything is there without each replicate too, so that whatever is computed from it has an
interval that also holds the estimation of the curve, the models and the rates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._grouped import Counts
from cxresearch._language import mark, tr
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.product_limit import curve_end, retained_share
from cxresearch.projection._forecast import COMBINED, Standing, conditional, standing
from cxresearch.projection._model_fit import ModelFit, fit_models
from cxresearch.projection._renewal_models import MODELS
from cxresearch.tables import at_risk
from cxresearch.uncertainty import Floats, exact_edge
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms

OBSERVED: Final = "observed"
NOBODY_LEFT: Final = "at_least"
EVENTS_PER_PARAMETER: Final = 10  # who left, for each parameter of a model beyond the data
YEAR: Final = 12  # months that the rates beyond the data are taken from


@dataclass(frozen=True, eq=False)
class Flow:
    """Who of one group is still there at t = 0, 1, …, and what each of them contributes.

    Parameters
    ----------
    group
        Its labels.
    n
        Customers (or answers, or the sum of their weights) that began the clock.
    retained
        Share still there at t by name of the curve, each of shape (1 + R, T): row 0 is all
        customers, the others leave one replicate out each. "observed" where the data reach as
        far; else one per model, and "combined".
    credible
        Names of the curves whose intervals a band holds. Besides models, where nobody left:
        "at_least", the lower exact limit of the curve, since a jackknife of nothing has no width.
    margin, cost, referral
        Contribution margin, cost to serve and value of referrals per month of a customer who is
        there, shape (1 + R, T).
    data_end
        Last t at which enough were at risk; what comes later is projected.
    unbilled
        Months t before then of which too few bills are known, fewer than half of all: they take the
        mean of others.
    """

    group: Mapping[str, str]
    n: float
    retained: Mapping[str, Floats]
    credible: tuple[str, ...]
    margin: Floats
    cost: Floats
    referral: Floats
    data_end: int
    unbilled: frozenset[int] = frozenset()

    @property
    def best(self) -> str:
        """Name of the curve that estimates are taken from: "observed" or "combined"."""
        return OBSERVED if OBSERVED in self.retained else COMBINED

    @property
    def months(self) -> int:
        """Months t that it covers, T."""
        return int(self.margin.shape[-1])

    @property
    def per_customer(self) -> Floats:
        """What a customer who is there contributes in month t, shape (1 + R, T)."""
        return self.margin - self.cost + self.referral

    def borrowed(self, terms: Terms) -> int:
        """Return how many of the bills that count take the mean of other months."""
        return len(self.unbilled.intersection(terms.months.tolist()))

    def contribution(self, curve: str = "") -> Floats:
        """Return S × (margin − cost + referral) by month, not discounted, shape (1 + R, T)."""
        return self.retained[curve or self.best] * self.per_customer

    def discounted(self, terms: Terms, curve: str = "") -> Floats:
        """Return what each bill of the horizon is worth today, shape (1 + R, horizon)."""
        last = int(terms.months[-1])
        if last >= self.months:
            raise DataError(
                f"the last bill is that of month {last}, must be before {self.months}, up to "
                "which this group is known: ask for its flow with more months."
            )
        return self.contribution(curve)[:, terms.months] * terms.factors

    def value(self, terms: Terms, curve: str = "") -> Floats:
        """Return the discounted contribution of the horizon, shape (1 + R,)."""
        return np.asarray(self.discounted(terms, curve).sum(axis=-1))


class _Months(NamedTuple):
    """Which months of the clock a rate can be taken from, and how many are to be covered."""

    last: int
    covered: int
    least: int


def flow(
    counts: Mapping[str, Floats],
    prices: Prices,
    terms: Terms,
    *,
    group: Mapping[str, str],
    n: float,
    min_at_risk: int,
    whole: bool | Mapping[str, Floats],
    months: int = 0,
    confidence_level: float = 0.95,
) -> Flow:
    """Return who of a group is still there month by month, and what they contribute.

    Parameters
    ----------
    counts
        By name (`ValueTable.count_fields`), each of shape (1 + R, T₀ + 1), as
        `uncertainty.leave_one_out` returns them for one group.
    prices, terms
        What a count is worth, and which bills count.
    group, n
        Its labels, and how many began the clock.
    min_at_risk
        At least so many at risk, and so many bills (or months served), for a month to be used.
    whole
        Whether counts are of customers rather than weights, which have no likelihood to compare
        models by. Where the same customers are known without their weights: "entered", "churned"
        and "censored" of them, shape (1, T₀ + 1), by which each model counts as much as unweighted.
    months
        How many months to cover; up to the last bill of the terms unless said.
    confidence_level
        Of the exact limit that stands in where nobody left.

    Raises
    ------
    NotEnoughError
        When too few pay, or too few left for any model where the data do not reach.
    """
    covered = months or int(terms.months[-1]) + 1
    life = _life(counts, whole=whole is True)
    people = life if isinstance(whole, bool) else _life(whole, whole=True)
    last = int(curve_end(life.present[0], 0, max(min_at_risk, 1)))
    retained, credible = _retained(life, people, (last, covered), confidence_level)
    span = _Months(last, covered, max(min_at_risk, 1))
    exposed = np.concatenate([life.present[:, 1:], np.zeros_like(life.present[:, :1])], axis=-1)
    brought = _rate_if_any(counts["referrals"], exposed, span, mark("customers at risk"))
    rates = (
        _margin(counts, prices, span),
        _cost(counts, prices, span),
        (prices.referral_value or 0.0) * brought,
    )
    unbilled = _unbilled(counts, prices, span, (life.present - life.churned)[0])
    return Flow(dict(group), n, retained, credible, *rates, last, unbilled)


def _margin(counts: Mapping[str, Floats], prices: Prices, span: _Months) -> Floats:
    if prices.monthly_margin is not None:
        return np.full((len(counts["paying"]), span.covered), prices.monthly_margin)
    if prices.margin_share is not None:
        revenue = _rate(
            counts["revenue"], counts["paying"], span, mark("customers whose revenue is known")
        )
        return prices.margin_share * revenue
    return _rate(counts["margin"], counts["paying"], span, mark("customers whose margin is known"))


def _cost(counts: Mapping[str, Floats], prices: Prices, span: _Months) -> Floats:
    ticket = prices.cost_per_ticket or 0.0
    spent = ticket * counts["tickets"] + counts["direct_cost"]
    served = _rate_if_any(spent, counts["served"], span, mark("customers whose costs are known"))
    return served + (prices.cost_per_month or 0.0)


def _rate_if_any(amount: Counts, people: Counts, span: _Months, whose: str) -> Floats:
    """Return the rate of what may not occur at all: then it is nothing, whoever is known."""
    if not amount.any():
        return np.zeros((len(amount), span.covered))
    return _rate(amount, people, span, whose)


def _rate(amount: Counts, people: Counts, span: _Months, whose: str) -> Floats:
    """Return amount per head by month, (1 + R, T₀ + 1) to (1 + R, T).

    Where the months seen have too few, and beyond them, it is that of the last year with enough.
    """
    enough = _enough(people, span)
    if not enough.any():
        few = words.fewer_than(span.least, whose)
        raise NotEnoughError(tr("in every month there are {few}", few=few))
    late = np.flatnonzero(enough)[-YEAR:]
    level = _ratio(amount[:, late].sum(axis=-1), people[:, late].sum(axis=-1))
    rates = np.repeat(level[:, None], span.covered, axis=-1)
    own = np.flatnonzero(enough[: span.covered])
    rates[:, own] = _ratio(amount[:, own], people[:, own])
    return rates


def _enough(people: Counts, span: _Months) -> NDArray[np.bool_]:
    enough = people[0] >= span.least
    enough[span.last + 1 :] = False
    return np.asarray(enough)


def _unbilled(
    counts: Mapping[str, Floats], prices: Prices, span: _Months, there: Floats
) -> frozenset[int]:
    if prices.monthly_margin is not None:
        return frozenset()
    lacking = counts["paying"][0] < there / 2  # else it is people that are few
    few = lacking & ~_enough(counts["paying"], span)
    # the bill of the month in which the data end is often not due yet
    return frozenset(np.flatnonzero(few[: span.last]).tolist())


def _ratio(amount: Counts, people: Counts) -> Floats:
    return np.divide(amount, people, out=np.zeros(amount.shape), where=people > 0)


class _Life(NamedTuple):
    """Who is at risk and who is lost at each month, and whether that is customers or weights."""

    present: Counts
    churned: Counts
    whole: bool

    def until(self, last: int) -> tuple[Counts, Counts]:
        """Return both counts of the months up to the last."""
        return self.present[:, : last + 1], self.churned[:, : last + 1]


def _life(counts: Mapping[str, Floats], *, whole: bool) -> _Life:
    present = at_risk(counts["entered"], counts["churned"] + counts["censored"])
    return _Life(present, counts["churned"], whole)


def _retained(
    life: _Life, people: _Life, ends: tuple[int, int], level: float
) -> tuple[dict[str, Floats], tuple[str, ...]]:
    """Return the curves over the months covered, and the names of those a band holds."""
    last, covered = ends
    seen = retained_share(life.present, life.churned)[:, : last + 1]
    if covered <= last + 1:
        return _observed(seen[:, :covered], life.present, level)
    fits, found = _fits(life, people, last)
    later = np.arange(last + 1, covered)
    curves = {fit.model: _joined(seen, fit, later) for fit in fits}
    curves[COMBINED] = np.sum([found.weights[model] * curves[model] for model in curves], axis=0)
    return curves, tuple(found.credible)


def _observed(
    seen: Floats, present: Counts, level: float
) -> tuple[dict[str, Floats], tuple[str, ...]]:
    curves = {OBSERVED: seen}
    if seen[0, -1] < 1 or seen.shape[-1] == 1:
        return curves, (OBSERVED,)
    smallest = np.minimum.accumulate(present[0, : seen.shape[-1]])
    limit = np.r_[1.0, exact_edge(smallest[1:], level)]
    return curves | {NOBODY_LEFT: np.tile(limit, (len(seen), 1))}, (OBSERVED, NOBODY_LEFT)


def _joined(seen: Floats, fit: ModelFit, later: NDArray[np.int64]) -> Floats:
    """Return the observed curve, continued by what the model says of those still there."""
    last = seen.shape[-1] - 1
    return np.concatenate([seen, seen[:, -1:] * conditional(fit, later, last)], axis=-1)


def _fits(life: _Life, people: _Life, last: int) -> tuple[tuple[ModelFit, ...], Standing]:
    """Return each model that the losses can carry, and how much it counts by the people's."""
    events = people.churned[0, 1 : last + 1].sum()
    allowed = [x for x, own in MODELS.items() if events >= EVENTS_PER_PARAMETER * len(own)]
    fits = fit_models(*life.until(last), allowed, step=None, whole=life.whole)
    if not fits:
        few = words.fewer_than(EVENTS_PER_PARAMETER, "customers")
        raise NotEnoughError(
            tr("{few} left within the data, or there are too few months for a model", few=few)
        )
    if people is life:
        return fits, standing(fits, whole=life.whole)
    models = [fit.model for fit in fits]
    plain = fit_models(*people.until(last), models, step=None, whole=people.whole)
    return fits, standing(plain, whole=people.whole)
