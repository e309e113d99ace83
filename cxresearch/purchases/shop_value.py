"""What customers of a shop bring in the next weeks, by group: purchases times spend, discounted.

Customers of a shop have no contract that says how long they stay, so their value is what models
expect of their purchases, given how each of them bought so far.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.polynomial.chebyshev import chebpts1, chebvander

from cxresearch import _format as words
from cxresearch._language import speaking, tr
from cxresearch._results import Results
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.findings import Finding, without_number
from cxresearch.projection._forecast import COMBINED, Standing
from cxresearch.purchase_table import DAYS_PER_WEEK, PurchaseTable
from cxresearch.purchases._histories import distinct
from cxresearch.purchases._local import Local
from cxresearch.purchases._shop_value import ShopDifference, ShopTerms, ShopValue
from cxresearch.purchases._together import (
    Days,
    Estimate,
    Row,
    banded,
    endless,
    estimate,
    per_customer,
)
from cxresearch.purchases.alive import weeks_problems
from cxresearch.purchases.frequencies import each_group, model_standing
from cxresearch.purchases.models import PurchaseModel, PurchaseModels
from cxresearch.purchases.spend import SpendModel, SpendModels
from cxresearch.uncertainty import Floats, log_interval, normal_interval

WEEKS_PER_YEAR: Final = 365.2425 / DAYS_PER_WEEK
POINTS: Final = 10  # weeks ahead that are computed: a sum over customers is below 0.02 % off


@dataclass(frozen=True, eq=False)
class ShopValues(Results[ShopValue]):
    """Values of all groups that are large enough, how many are not, and a difference.

    Parameters
    ----------
    results, suppressed
        As in `Results`.
    difference
        Of the two groups asked for; None where they are not both there.
    """

    difference: ShopDifference | None = field(default=None, kw_only=True)

    def sentence(self, lang: str | None = None) -> str:
        """Return the values in words, and the difference."""
        between = self.difference.sentence(lang) if self.difference else ""
        with speaking(lang):
            return words.sentences([super().sentence(), between])

    def findings(self) -> tuple[Finding, ...]:
        """Return `lifetime_value` of each group, their difference and ratio."""
        between = self.difference.findings() if self.difference else ()
        return (*super().findings(), *between)


def shop_values(
    models: PurchaseModels,
    spend: SpendModels,
    *,
    margin_share: float = 0.0,
    order_margin_share: float = 0.0,
    annual_discount_rate: float,
    weeks: int = 52,
    exposed: str = "promoter",
    reference: str = "detractor",
) -> ShopValues:
    """Return the discounted margin per customer of each group in the next weeks.

    Parameters
    ----------
    models
        Result of `purchase_models`.
    spend
        Result of `spend_models` on the same table.
    margin_share
        Contribution margin as a share of what customers spend, 0.4 for 40 %, as somebody enters
        it; 0 for not entered.
    order_margin_share
        The same as the data have it (`Data.order_margin_share`), taken where none is entered; 0
        for not known.
    annual_discount_rate
        0.1 for 10 % a year.
    weeks
        How far ahead to look.
    exposed, reference
        Labels of the two groups to compare, where the table has one group column and both.

    Notes
    -----
    Σ_w (E[Y(w)] − E[Y(w − 1)]) · E[M] · margin_share · (1 + d)^(−w/52.1775) over weeks w, with the
    expected purchases Y of each customer given the past, and the expected spend M per purchase
    given the past (Gamma-Gamma; Fader, Hardie & Lee 2005, Journal of Marketing Research 42,
    415–430), averaged over the customers. What came back is taken off as a share of what was
    spent; first purchases, whose amount is not in the counts, are taken to be as large as
    the customer's later ones.

    Intervals by model are the jackknife's, of models, spend and mix of customers together, on the
    log scale for a value and a ratio. All models together are as in `projection._forecast`; a
    difference is always one of the same model in both groups. It is descriptive.

    Raises
    ------
    DataError
        Naming every argument that breaks its rule.
    NotEnoughError
        When nothing says the margin.
    """
    _check(margin_share, order_margin_share, annual_discount_rate, weeks)
    found = model_standing(models)
    table = models.table
    terms = ShopTerms(
        weeks,
        margin_share or order_margin_share,
        bool(margin_share),
        annual_discount_rate,
        table.until,
        table.currency,
        tuple(found.credible),
    )
    known = {tuple(one.group.items()): one for one in spend}
    groups = [
        _Group(one, fits, known[key], found)
        for one, fits in each_group(models)
        if (key := tuple(fits[0].group.items())) in known
    ]
    values = tuple(_value(group, terms) for group in groups if group.spend.has_mean)
    left_out = (*models.suppressed, *spend.suppressed, *_without_mean(groups, table))
    return ShopValues(
        values,
        tuple({finding.sentence: finding for finding in left_out}.values()),
        difference=_difference(values, (exposed, reference), found),
    )


class _Group(NamedTuple):
    """The cells of one group, the models of its purchases and of its spend."""

    table: PurchaseTable
    fits: tuple[PurchaseModel, ...]
    spend: SpendModel
    found: Standing


def discounted(model: PurchaseModel, table: PurchaseTable, factors: Floats) -> Local:
    """Return the expected purchases of each cell, those of week w times `factors[w − 1]`.

    Σ_w f_w (E[Y(w)] − E[Y(w − 1)]) = Σ_w (f_w − f_{w + 1}) E[Y(w)]. E[Y] is smooth in log(1 + w),
    so that its Chebyshev interpolation through few points stands in for all weeks.
    """
    histories, place = distinct(table)
    days = (np.rint(DAYS_PER_WEEK * x).astype(np.int64) for x in histories[1:])
    cells = Days(histories.frequency, *days)
    points, weights = _points(factors - np.append(factors[1:], 0.0))
    near = [model.expected_near(cells, float(week)) for week in points]
    value = np.tensordot(weights, [one.value for one in near], 1)
    slopes = np.tensordot(weights, [one.slopes for one in near], 1)
    return replace(near[0], value=value, slopes=slopes).take(place)


def _points(weights: Floats) -> tuple[Floats, Floats]:
    """Return weeks to compute at and their weights, for a weighted sum over weeks 1 to W."""
    weeks = np.arange(1, len(weights) + 1.0)
    if len(weeks) <= POINTS:
        return weeks, weights
    half = math.log1p(weeks[-1]) / 2
    nodes = chebpts1(POINTS)
    spread = chebvander(np.log1p(weeks) / half - 1, POINTS - 1)
    back = np.linalg.inv(chebvander(nodes, POINTS - 1))
    return np.expm1(half * (nodes + 1)), weights @ spread @ back


def _value(group: _Group, terms: ShopTerms) -> ShopValue:
    table, spend = group.table, group.spend
    each = spend.expected_spend(table)
    week = np.arange(1, terms.weeks + 1)
    factors = (1 + terms.annual_discount_rate) ** (-week / WEEKS_PER_YEAR)
    kept = terms.margin_share * (1 - _returned(table, each, spend.step))
    found: dict[str, Estimate] = {}
    for fit in group.fits:
        brought = discounted(fit, table, factors).times(each)
        rows = per_customer(fit, brought, table)
        found[fit.model] = estimate(fit, rows * (kept if fit.step is None else kept[0]))
    by_model = banded(group.found, found, log_interval, group.fits[0].confidence_level)
    mean = float(np.average(each.value, weights=table.customers))
    back = 1 - float(kept[0]) / terms.margin_share
    open_ended = endless(group.fits, group.found.credible)
    return ShopValue(
        *by_model[COMBINED], by_model, found, mean, back, terms, open_ended, group.fits[0]
    )


def _returned(table: PurchaseTable, each: Local, step: float | None) -> Floats:
    """Return the share of all spend that came back, at the fit and without each replicate."""
    often = np.maximum(table.frequency, 1)
    repeat = table.repeat_spend * (table.frequency + 1) / often
    once = np.where(table.frequency > 0, 0.0, each.value * table.customers)
    sums = []
    for amount in (np.asarray(table.returned, dtype=float), repeat + once):
        own = np.bincount(table.replicate, amount, table.n_replicates)
        left = own.sum() - own if step is None else own[:0]
        sums.append(np.r_[own.sum(), left])
    return np.asarray(np.minimum(sums[0] / sums[1], 1.0))


def _difference(
    values: Sequence[ShopValue], labels: tuple[str, str], found: Standing
) -> ShopDifference | None:
    """Return first less second; None where the groups are not both there."""
    named = {value.label: value for value in values if len(value.group) == 1}
    if not set(labels) <= set(named):
        return None
    first, second = (named[label] for label in labels)
    level = first.of.confidence_level
    less = {name: _less(first.estimates[name], second.estimates[name]) for name in first.estimates}
    over = {name: _over(first.estimates[name], second.estimates[name]) for name in first.estimates}
    differences = banded(found, less, normal_interval, level)
    ratios = banded(found, over, log_interval, level)
    # a ratio of means, so that it fits the values that are shown
    ratio: Row = (first.lifetime_value / second.lifetime_value, *ratios[COMBINED][1:])
    ratios[COMBINED] = ratio
    return ShopDifference(*differences[COMBINED], *ratio, differences, ratios, first, second)


def _less(a: Estimate, b: Estimate) -> Estimate:
    """Return the difference; the groups have different customers, so errors add in squares."""
    return Estimate(a.value - b.value, math.hypot(a.standard_error, b.standard_error))


def _over(a: Estimate, b: Estimate) -> Estimate:
    ratio = a.value / b.value
    spread = math.hypot(a.standard_error / a.value, b.standard_error / b.value)
    return Estimate(ratio, ratio * spread)


def _without_mean(groups: Sequence[_Group], table: PurchaseTable) -> Iterator[Finding]:
    """Say how many groups have no value since a few orders are all of the spend."""
    count = sum(not group.spend.has_mean for group in groups)
    if count:
        said = tr(
            "The value of {groups} is not reported: spend per purchase varies so much that it has "
            "no mean; look at the largest orders.",
            groups=words.counted(count, "group"),
        )
        yield without_number(said, as_of=table.as_of, unit=table.currency or words.AMOUNT)


def _check(entered: float, in_data: float, rate: float, weeks: int) -> None:
    shares = {"margin_share": entered, "order_margin_share": in_data}
    problems = [*weeks_problems(weeks), *_problems(shares, rate)]
    if problems:
        raise DataError(problems)
    if not (entered or in_data):
        raise NotEnoughError(
            tr(
                "The orders do not say what they contribute, must do for a value: enter "
                "margin_share (0.4 for 40 % of what customers spend), or bring gross_margin of "
                "every order."
            )
        )


def _problems(shares: Mapping[str, float], rate: float) -> Iterator[str]:
    for name, share in shares.items():
        if not 0 <= share <= 1:
            yield (
                f"{name} is {share!r}, must be a share from 0 to 1: write 0.4 for 40 %, and 0 for "
                "not known."
            )
    if not 0 <= rate <= 1:
        yield (
            f"annual_discount_rate is {rate!r}, must be a share from 0 to 1 per year: write 0.1 "
            "for 10 % a year."
        )
