"""The parts of a difference: the worked case, all 24 orders, and what has to hold always."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.value._shapley import PARTS, Stream, shapley_parts
from cxresearch.value.terms import Terms

BILLS = 12


def constant(retention, margin, cost, referral, terms):
    month = terms.months.astype(float)
    ones = np.ones_like(month)
    return Stream(retention**month, margin * ones, cost * ones, referral * ones)


def by_orders(exposed, reference, discount):
    """The mean step of each factor over all orders in which they can be swapped."""
    steps = np.zeros(4)
    for order in permutations(range(4)):
        now, before = list(reference), reference.value(discount)
        for factor in order:
            now[factor] = exposed[factor]
            after = Stream(*now).value(discount)
            steps[factor] += after - before
            before = after
    return steps / 24


def test_the_worked_case_to_the_cent():
    # endless: what comes after 600 years is worth nothing
    terms = Terms(0.10, 600, "now", periods_per_year=1)
    promoter = constant(0.90, 260, 40, 30, terms)
    detractor = constant(0.70, 200, 70, -10, terms)
    values = [side.value(terms.factors) for side in (promoter, detractor)]
    np.testing.assert_allclose(values, [1375, 330], atol=1e-6)
    parts = shapley_parts(promoter, detractor, terms.factors)
    np.testing.assert_allclose(parts, [508.75, 247.50, 123.75, 165.00], atol=1e-6)
    assert PARTS == ("staying", "spending", "cost_to_serve", "referring")


@st.composite
def streams(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    retained = np.cumprod(rng.uniform(0.5, 1, BILLS))
    return Stream(retained, *rng.normal(0, 100, (3, BILLS)))


@settings(max_examples=60)
@given(streams(), streams(), st.floats(0, 0.5))
def test_parts_are_the_mean_over_all_orders(exposed, reference, rate):
    discount = Terms(rate, BILLS, "end_of_period").factors
    parts = shapley_parts(exposed, reference, discount)
    np.testing.assert_allclose(parts, by_orders(exposed, reference, discount), atol=1e-9)
    whole = exposed.value(discount) - reference.value(discount)
    assert parts.sum() == pytest.approx(whole, abs=1e-9)


@settings(max_examples=30)
@given(streams(), streams(), st.floats(0.1, 10))
def test_parts_change_sign_with_the_groups_and_scale_with_the_currency(exposed, reference, scale):
    discount = np.ones(BILLS)
    parts = shapley_parts(exposed, reference, discount)
    np.testing.assert_allclose(shapley_parts(reference, exposed, discount), -parts, atol=1e-9)
    other = [Stream(s.retained, *(scale * m for m in s[1:])) for s in (exposed, reference)]
    np.testing.assert_allclose(shapley_parts(*other, discount), scale * parts, atol=1e-8)


@pytest.mark.parametrize("factor", range(4))
def test_a_factor_that_is_the_same_is_no_part(factor):
    rng = np.random.default_rng(1)
    one, two = (Stream(*rng.uniform(0.1, 1, (4, BILLS))) for _ in range(2))
    same = Stream(*(two[i] if i == factor else one[i] for i in range(4)))
    parts = shapley_parts(same, two, np.ones(BILLS))
    assert parts[factor] == 0
    assert (np.delete(parts, factor) != 0).all()


def test_every_row_is_split_on_its_own():
    rng = np.random.default_rng(2)
    many = [Stream(*rng.uniform(0, 1, (4, 5, BILLS))) for _ in range(2)]
    discount = rng.uniform(0.5, 1, BILLS)
    together = shapley_parts(*many, discount)
    for row in range(5):
        single = [Stream(*(x[row] for x in side)) for side in many]
        np.testing.assert_allclose(together[row], shapley_parts(*single, discount), rtol=1e-12)
