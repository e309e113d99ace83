"""Rates that a lift would bring past 1: they are cut, it is said, and the verdict knows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import beta
from test_constant_claim import terms
from test_own_curve import months
from test_profit_claim import claim
from test_wording import check_digits, check_whole

from cxresearch.projection.fitted import projections
from cxresearch.roi._cut import cut_words
from cxresearch.roi._levels import Asked
from cxresearch.roi._strand import Strand
from cxresearch.roi.own_curve import OwnCurve, own_curve
from cxresearch.roi.readings import Lift


@pytest.fixture(scope="module")
def own() -> OwnCurve:
    return own_curve(projections(months()), average="all_years")


def counted(own: OwnCurve, lift: Lift, renewals: str) -> tuple[float, float, float]:
    """Uplift by the sBG, customer by customer: rates past 1 cut there, or left; and how many are.

    Years of margins at 10 %, the first now. With `each_customer`, 200,000 of them with a rate each.
    """
    retained, years = own.strand("sbg").retained(600), np.arange(601)
    rates = (retained[:1, 1:] / retained[:1, :-1])[0]
    (fit,) = (x for x in own.projection.fits if x.model == "sbg")
    if renewals == "each_customer":
        mean, spread = fit.coordinates[0, 0], fit.coordinates[0, 1]
        a, b = np.exp(-np.logaddexp(0, -mean) - spread), np.exp(-np.logaddexp(0, mean) - spread)
        grid = (np.arange(200_000) + 0.5) / 200_000
        rates = (1 - beta.ppf(grid, a, b)) ** own.table.periods_per_year
    over = rates * (1 + (lift.relative or 0)) + (lift.points or 0) > 1
    more = np.minimum(rates * (1 + (lift.relative or 0)) + (lift.points or 0), 1)
    worth = [
        (1.1 / (1.1 - x)).mean() if renewals == "each_customer"
        else (np.cumprod(np.r_[1, x]) / 1.1**years).sum()
        for x in (rates, more, np.where(over, rates, more))
    ]  # fmt: skip
    return worth[1] / worth[0] - 1, worth[2] / worth[0] - 1, float(over.mean())


@pytest.mark.parametrize("renewals", ["every", "each_customer"])
def test_what_holds_only_where_nobody_leaves_is_no_plain_yes(own: OwnCurve, renewals: str) -> None:
    cut, uncut, many = counted(own, Lift(points=0.05), renewals)
    (points,) = claim(own, model="sbg", renewals=renewals).headline.select(reading="points")
    assert points.uncut
    assert (points.uplift, points.uncut.value) == pytest.approx((cut, uncut), rel=2e-4)
    assert points.uncut.lower < points.uncut.value < points.uncut.upper < points.uplift
    between = claim(own, model="sbg", renewals=renewals, target=(points.uncut.upper + cut) / 2)
    if points.uplift_ci_lower >= between.target:
        assert between.verdicts["points"] == "true only if"
        assert between.answer()[0].sentence.startswith(f"True only if {points.cut}, read as")
    both = claim(own, model="sbg", renewals=renewals, target=points.uncut.lower - 0.001)
    assert both.verdicts["points"] == "true here"
    assert f" No rate can pass 100 %: {points.cut}." in points.sentence()
    (uncut, *_) = (x for x in both.answer() if x.id == "profit_uplift_uncut")
    assert uncut.value == points.uncut.value
    assert f", no rate can pass 100 %: {points.cut}; where rates that would" in uncut.sentence
    check_whole(uncut.sentence)
    check_digits(uncut.to_dict())
    if renewals == "each_customer":
        assert points.cut == f"{100 * many:.0f} % of customers never leave"


def strand_of(*rates: float) -> Strand:
    """Return a curve with these rates a year and no error."""
    retained = np.cumprod(np.array([[1.0, *rates]]), axis=1)
    ages = np.ones((1, 1))
    return Strand("bdw", lambda years: retained[:, : years + 1], None, None, len(rates), ages, 5)


def test_years_that_are_cut_are_named_where_retention_falls_again() -> None:
    strand = strand_of(0.9, 0.96, 0.97, 0.9, 0.98)
    asked = Asked(Lift(points=0.05), terms(horizon=6), "customer_value", "every")
    assert cut_words(strand, asked) == "nobody leaves in years 2, 3 and 5 as a customer"
    assert cut_words(strand, replace(asked, economics=terms(horizon=4))) == (
        "nobody leaves from year 2 as a customer on"
    )
    assert cut_words(strand, replace(asked, renewals="first")) == ""
    assert cut_words(replace(strand, late=True), replace(asked, economics=terms(horizon=4))) == (
        "nobody leaves from year 2 that is counted on"
    )


def test_a_first_renewal_that_is_cut_is_named() -> None:
    strand = strand_of(0.97, 0.93, 0.89)
    asked = Asked(Lift(points=0.05), terms(horizon=3), "customer_value", "first")
    assert cut_words(strand, asked) == "nobody leaves in year 1 as a customer"


def test_the_sentence_says_where_the_model_takes_over(own: OwnCurve) -> None:
    (said, *_) = claim(own).answer()
    assert f" The data reach {own.reach} years; what comes after is the model's." in said.sentence
    for inside in (claim(own, horizon=own.reach), claim(own, model="constant"), claim(0.8)):
        assert "the model's" not in inside.answer()[0].sentence
