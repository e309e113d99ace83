"""Payments of a programme: worked numbers, a loop over customers, limits, and what is refused."""

from __future__ import annotations

import math
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from cxresearch.errors import DataError
from cxresearch.roi._payments import internal_rate, payback_months, present_value
from cxresearch.roi.programme import INPUTS, MEANINGS, RANGES, Programme

REFERENCE = tomllib.loads(
    (Path(__file__).parent / "reference" / "programme.toml").read_text("utf-8")
)
CASE: dict[str, Any] = {k: v for k, v in REFERENCE["teaching_case"].items() if k != "source"}
ANSWERS = REFERENCE["teaching_case_answers"]


def programme(**changed: Any) -> Programme:
    return Programme(**{**CASE, **changed})


def by_loop(p: Programme) -> list[float]:
    """Follow the cohort year by year, with nothing but arithmetic."""
    with_it = without = p.customers * p.reached
    paid = [-p.one_off_cost]
    for year in range(1, p.horizon + 1):
        ramp = p.ramp[min(year, len(p.ramp)) - 1]
        without *= p.base_retention
        with_it *= max(0.0, min(1.0, p.base_retention + p.lift * p.attribution * ramp))
        paid.append((with_it - without) * p.annual_margin - p.annual_cost)
    return paid


# Published and worked


def test_the_teaching_case_to_the_digit() -> None:
    p = programme()
    np.testing.assert_allclose(p.cash_flows, ANSWERS["cash_flows"], rtol=0, atol=1e-6)
    assert p.npv == pytest.approx(ANSWERS["npv"], abs=1e-6)
    assert round(p.break_even_lift or 0, 6) == ANSWERS["break_even_lift"]
    assert (p.payback_month, p.discounted_payback_month) == (None, None)


@pytest.mark.parametrize("name", REFERENCE["teaching_case_ends"])
def test_one_input_at_a_time(name: str) -> None:
    low, high = (programme(**{name: end}).npv for end in REFERENCE["teaching_case_ends"][name])
    assert round(abs(high - low), 2) == REFERENCE["teaching_case_swings"][name]


@pytest.mark.parametrize(
    ("payments", "rate"),
    list(zip(*(REFERENCE["internal_rate"][k] for k in ("payments", "rate")), strict=True)),
)
def test_internal_rates_that_others_print(payments: list[float], rate: float) -> None:
    found = internal_rate(np.array(payments)).value
    roots = np.roots(payments[::-1])  # of the polynomial in 1/(1 + rate)
    real = roots[(np.abs(roots.imag) < 1e-9) & (roots.real > 0)].real
    rates = [1 / x - 1 for x in real if 1 / x - 1 > -0.99]
    if len(rates) == 1:
        assert found == pytest.approx(rates[0], abs=1e-9)
        assert found == pytest.approx(rate, abs=6e-5)
    else:  # the one that is printed is one of several: none is the internal rate
        assert found is None
        assert min(abs(r - rate) for r in rates) < 6e-5


def test_payments_with_two_rates_have_no_internal_rate() -> None:
    found = internal_rate(np.array(REFERENCE["two_rates"]["payments"]))
    assert found.value is None
    assert found.reason == "2 rates do it: 25.0 % and 400.0 %"


@pytest.mark.parametrize(
    ("payments", "why"),
    [
        ([-1.0, -2.0, 0.0], "no payment is above 0"),
        ([1.0, 2.0], "no payment is below 0"),
        ([0.0, 0.0], "no payment is below 0"),
        ([1.0, -1.0, 1.0], "at no rate do the payments turn from loss to gain"),
        ([-1.0, 2.0, -1.0], "at no rate do the payments turn"),  # 0 % only touches it
        ([-1.0, 3.0, -1e-6], "2 rates do it"),  # one of them is next to -100 %
    ],
)
def test_payments_without_an_internal_rate(payments: list[float], why: str) -> None:
    found = internal_rate(np.array(payments))
    assert found.value is None
    assert why in str(found.reason)


@pytest.mark.parametrize(
    ("payments", "rate"),
    [([-100, 0.5], -0.995), ([-1, 2000], 1999), ([-1e-9, 1], 1e9 - 1), ([0, -5, 0, 20], 1)],
)
def test_payments_that_turn_once_have_a_rate_however_far_out(
    payments: list[float], rate: float
) -> None:
    assert internal_rate(np.array(payments)).value == pytest.approx(rate)


def test_the_rate_of_a_small_late_payment_is_found_without_overflow() -> None:
    payments = np.array([-1e12, *([0.0] * 49), 1e-3])
    assert internal_rate(payments).value == pytest.approx(1e-15 ** (1 / 50) - 1)


@pytest.mark.parametrize(
    ("payments", "month"),
    [
        ([-100, 50, 50, 50], 24),
        ([-100, 50, 100], 18),
        ([-100, 150, -100, 100], 30),  # back after 8 months, spent again, and back for good
        ([-100, 150, -100], math.inf),
        ([0, 10, 10], 0),
        ([0, -10, 40], 15),
        ([-100, 99], math.inf),
    ],
)
def test_the_month_from_which_on_it_is_paid_back(payments: list[float], month: float) -> None:
    assert float(payback_months(payments)) == pytest.approx(month)


# Independent ways to the same


inputs = st.fixed_dictionaries(
    {
        "customers": st.floats(1, 1e6),
        "reached": st.floats(0, 1),
        "annual_margin": st.floats(0, 1e4),
        "base_retention": st.floats(0, 1),
        "lift": st.floats(-0.3, 0.5),
        "ramp": st.lists(st.floats(0, 1), min_size=1, max_size=4),
        "attribution": st.floats(0, 1),
        "one_off_cost": st.floats(0, 1e6),
        "annual_cost": st.floats(0, 1e6),
        "annual_discount_rate": st.sampled_from([0.0, 0.02, 0.1, 0.5]),
        "horizon": st.integers(1, 12),
    }
)


@given(inputs)
def test_payments_are_those_of_a_loop(values: dict[str, Any]) -> None:
    p = Programme(**values)
    flows = by_loop(p)
    size = p.customers * p.annual_margin + p.one_off_cost + p.annual_cost + 1
    np.testing.assert_allclose(p.cash_flows, flows, atol=1e-11 * size)
    worth = sum(x / (1 + p.annual_discount_rate) ** t for t, x in enumerate(flows))
    assert p.npv == pytest.approx(worth, abs=1e-9 * size)
    frame = p.to_frame()
    assert frame["sum_today"].iloc[-1] == pytest.approx(p.npv, abs=1e-9 * size)
    np.testing.assert_allclose(frame["payment"], p.cash_flows)


@given(inputs)
def test_at_the_break_even_lift_it_is_worth_nothing(values: dict[str, Any]) -> None:
    p = Programme(**values)
    lift = p.break_even_lift
    at = {**p.values, "lift": p.largest_lift}
    size = p.customers * p.annual_margin * p.horizon + p.one_off_cost + p.annual_cost + 1
    if lift is None:
        assert float(p.worth(at)) < 0
        return
    assert 0 <= lift <= p.largest_lift
    assert float(p.worth({**p.values, "lift": lift})) == pytest.approx(0, abs=1e-9 * size)


def test_the_break_even_lift_is_that_of_a_root_finder() -> None:
    p = programme(attribution=0.7, reached=0.4, one_off_cost=5e4, annual_cost=1e4)
    root = brentq(lambda lift: programme(**{**p.values, "lift": lift}).npv, 0, 0.2, xtol=1e-14)
    assert p.break_even_lift == pytest.approx(root, abs=1e-12)


def test_arrays_of_values_are_as_good_as_one_at_a_time() -> None:
    rng = np.random.default_rng(1)
    drawn = {"lift": rng.uniform(0, 0.1, 50), "annual_margin": rng.uniform(50, 400, 50)}
    p = programme()
    worth, needed = p.worth({**p.values, **drawn}), p.needed({**p.values, **drawn})
    for i in range(50):
        one = programme(**{name: float(x[i]) for name, x in drawn.items()})
        assert worth[i] == pytest.approx(one.npv, rel=1e-12)
        assert needed[i] == pytest.approx(one.break_even_lift, abs=1e-12)


# Limits and properties


def test_the_base_counts_for_nothing() -> None:
    """Without a lift only the costs are left, whatever all the customers bring."""
    p = programme(lift=0, annual_discount_rate=0, annual_margin=1e6)
    assert p.npv == -(200_000 + 5 * 60_000)
    assert p.internal_rate.value is None


def test_more_than_everybody_cannot_stay() -> None:
    most = programme(base_retention=0.95, lift=0.5, ramp=(1,)).npv
    assert most == pytest.approx(programme(base_retention=0.95, lift=0.05, ramp=(1,)).npv)
    assert programme(base_retention=1.0, lift=0.1).cash_flows[-1] == -60_000
    with_it = programme(base_retention=0.95, lift=0.5, ramp=(1,)).to_frame()["customers_with"]
    assert set(with_it) == {10_000}


def test_where_no_lift_is_enough_there_is_no_break_even() -> None:
    p = programme(one_off_cost=1e9)
    assert p.break_even_lift is None
    assert "Paid back: never within 5 years" in p.sentence()


def test_what_costs_nothing_pays_at_once() -> None:
    p = programme(one_off_cost=0, annual_cost=0)
    assert (p.break_even_lift, p.payback_month) == (0, 0)
    assert "Paid back: at once" in p.sentence()


@given(st.floats(0.1, 10))
def test_the_currency_does_not_matter(rate: float) -> None:
    money = ("annual_margin", "one_off_cost", "annual_cost")
    other = programme(**{name: CASE[name] * rate for name in money})
    assert other.npv == pytest.approx(rate * programme().npv)
    assert other.break_even_lift == pytest.approx(programme().break_even_lift)
    assert other.internal_rate.value == pytest.approx(programme().internal_rate.value)


@given(st.floats(-0.2, 0.19), st.floats(1e-4, 0.01))
def test_more_lift_is_worth_more(lift: float, more: float) -> None:
    assert programme(lift=lift + more).npv > programme(lift=lift).npv


def test_half_the_attribution_is_half_the_lift() -> None:
    assert programme(attribution=0.5).npv == pytest.approx(programme(lift=0.01).npv)
    half, whole = (programme(attribution=a).break_even_lift for a in (0.5, 1))
    assert half == pytest.approx(2 * (whole or 0))


def test_present_value_at_no_rate_is_the_sum() -> None:
    assert float(present_value([1.0, 2.0, 3.0], 0.0)) == 6


# What is said and refused


def test_every_input_has_a_name_a_meaning_and_a_range() -> None:
    assert set(INPUTS) == set(MEANINGS) == set(RANGES) == set(programme().values)


def test_the_sentence_says_value_payback_and_rate() -> None:
    assert programme(currency="EUR").sentence() == (
        "With the values as they stand, the payments of 5 years are worth EUR -220,000 today. Paid "
        "back: never within 5 years; discounted: never within 5 years. Internal rate of return: "
        "-37.6 %."
    )
    assert "Paid back: in month 34" in programme(lift=0.06).sentence()


def test_the_table_says_how_many_more_there_are() -> None:
    html = programme()._repr_html_()
    for text in ("more customers", ">100<", ">242<", ">-221,801<", "Internal rate of return"):
        assert text in html


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"customers": -1}, "customers is -1, must be a number from 1: write how many are there"),
        ({"base_retention": 85}, "base_retention is 85, must be a share from 0 to 1: write 0.85"),
        ({"lift": 2}, "lift is 2, must be a share from -1 to 1: write 0.02 for 2 percentage"),
        ({"reached": 50}, "reached is 50, must be a share from 0 to 1: write 0.5"),
        ({"attribution": -0.1}, "attribution is -0.1, must be a share from 0 to 1"),
        ({"annual_margin": -5}, "annual_margin is -5, must be a number from 0"),
        ({"one_off_cost": -5}, "one_off_cost is -5, must be a number from 0: costs count as pos"),
        ({"annual_cost": math.nan}, "annual_cost is nan, must be a number from 0"),
        ({"annual_cost": math.inf}, "annual_cost is inf, must be a number from 0"),
        ({"annual_discount_rate": 10}, "annual_discount_rate is 10, must be a share from 0 to 1"),
        (
            {"annual_discount_rate": 0.008},
            "annual_discount_rate is 0.008, must be 0 or at least 0.02 a year: a month's 0.008 is "
            "0.1003 a year, write that.",
        ),
        ({"ramp": (0.5, 1.5)}, "ramp holds 1.5, must be at least one share from 0 to 1"),
        ({"ramp": (-0.1,)}, "ramp holds -0.1, must be"),
        ({"ramp": ()}, "ramp is empty, must be"),
        ({"horizon": 0}, "horizon is 0, must be a whole number of years from 1 to 50"),
        ({"horizon": 60}, "horizon is 60, must be a whole number of years"),
        ({"horizon": 2.5}, "horizon is 2.5, must be a whole number of years"),
    ],
)
def test_a_value_that_cannot_be_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError) as refused:
        programme(**wrong)
    (problem,) = refused.value.problems
    assert problem.startswith(said)
    assert problem.endswith(".")


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(DataError) as refused:
        programme(customers=0, base_retention=85, annual_discount_rate=0.008, ramp=())
    assert len(refused.value.problems) == 4
