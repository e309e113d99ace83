from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.errors import DataError
from cxresearch.value.terms import FIRST_MARGINS, FirstMargin, Terms, constant_value

rates = st.floats(0, 1)
retentions = st.floats(0, 1)
horizons = st.integers(1, 240)
firsts = st.sampled_from(FIRST_MARGINS)


def summed(r: float, m: float, d: float, bills: int, first: FirstMargin) -> float:
    """Bill after bill, as one would do it by hand."""
    total, there, worth = 0.0, 1.0, 1.0
    for _ in range(bills):
        if first == "now":
            total, there, worth = total + m * there * worth, there * r, worth / (1 + d)
        else:
            there, worth = there * r, worth / (1 + d)
            total += m * there * worth
    return total


# Bills and what they are worth


def test_the_bills_begin_now_or_one_period_later() -> None:
    assert Terms(0.1, 3, "now").months.tolist() == [0, 1, 2]
    assert Terms(0.1, 3, "end_of_period").months.tolist() == [1, 2, 3]


def test_one_bill_is_that_of_the_month() -> None:
    assert Terms(0.1, 1, "now").span == "month"
    assert Terms(0.1, 1200, "now").span == "1,200 months"
    assert Terms(0.1, 1, "now", periods_per_year=1).span == "year"


def test_a_year_of_months_discounts_as_one_year() -> None:
    months, years = Terms(0.1, 37, "now"), Terms(0.1, 4, "now", periods_per_year=1)
    np.testing.assert_allclose(months.factors[::12], years.factors)
    np.testing.assert_allclose(years.factors, [1, 1 / 1.1, 1 / 1.21, 1 / 1.331])
    assert (1 + months.rate_per_period) ** 12 == pytest.approx(1.1)
    np.testing.assert_allclose(months.discount(np.array([24])), years.factors[2])


def test_without_a_discount_every_bill_is_worth_itself() -> None:
    assert Terms(0.0, 5, "now").factors.tolist() == [1.0] * 5
    assert Terms(0.0, 5, "now").rate_per_period == 0


# A constant rate


def test_the_worked_case() -> None:
    """M10: promoters keep 90 % at 260 − 40 + 30, detractors 70 % at 200 − 70 − 10, at 10 %."""
    found = constant_value([0.9, 0.7], [250, 120], 0.1, first_margin="now")
    np.testing.assert_allclose(found, [1375, 330])


@given(st.floats(0, 0.99), st.floats(-100, 1000), st.floats(0.01, 1), firsts)
def test_the_closed_form_is_the_long_sum(r: float, m: float, d: float, first: FirstMargin) -> None:
    formula = m * (1 + d if first == "now" else r) / (1 + d - r)
    found = constant_value(r, m, d, first_margin=first)
    assert found == pytest.approx(formula, rel=1e-9)
    assert found == pytest.approx(summed(r, m, d, 4000, first), rel=1e-9, abs=1e-9)


@given(retentions, rates, horizons, firsts)
def test_a_horizon_counts_that_many_bills(r: float, d: float, h: int, first: FirstMargin) -> None:
    found = constant_value(r, 10, d, first_margin=first, horizon=h)
    assert found == pytest.approx(summed(r, 10, d, h, first), rel=1e-9)


def test_limits() -> None:
    def value(r: float, d: float, h: int | None, first: FirstMargin = "now") -> float:
        return float(constant_value(r, 10, d, first_margin=first, horizon=h))

    assert value(1, 0, 7) == 70
    assert value(1 - 1e-13, 0, 7) == pytest.approx(70, rel=1e-11)
    assert value(0.5, 0.3, 1) == 10
    assert value(0.5, 0.25, 1, "end_of_period") == pytest.approx(4)
    assert (value(0, 0.1, None), value(0, 0.1, None, "end_of_period")) == (10, 0)
    assert value(1, 0.1, None) == pytest.approx(110)
    assert value(0.8, 0, None) == pytest.approx(50)
    assert value(0.8, 0.1, 2000) == pytest.approx(value(0.8, 0.1, None))


@given(st.floats(0.01, 1), rates, st.floats(1.001, 2), horizons, firsts)
def test_a_higher_rate_gives_less_and_a_longer_horizon_more(
    r: float, d: float, factor: float, h: int, first: FirstMargin
) -> None:
    near, dear, far = (
        float(constant_value(r, 10, rate, first_margin=first, horizon=bills))
        for rate, bills in ((d, h), (min(d * factor, 1), h), (d, h + 1))
    )
    assert dear <= near * (1 + 1e-12) <= far * (1 + 1e-11)
    if d > 0.01 and h > 1 and d * factor < 1:
        assert dear < near


@given(retentions, rates, horizons, firsts, st.floats(-1e6, 1e6))
def test_the_value_scales_with_the_margin(
    r: float, d: float, h: int, first: FirstMargin, scale: float
) -> None:
    one, many = (float(constant_value(r, m, d, first_margin=first, horizon=h)) for m in (1, scale))
    assert many == pytest.approx(scale * one)


def test_arrays_are_taken_together() -> None:
    r, d = np.linspace(0, 0.99, 5)[:, None], np.array([0.05, 0.1])
    found = constant_value(r, 10, d, first_margin="end_of_period")
    assert found.shape == (5, 2)
    np.testing.assert_allclose(found, 10 * r / (1 + d - r))


# Errors


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"annual_discount_rate": 10}, "is 10, must be a share from 0 to 1 per year: write 0.1"),
        ({"annual_discount_rate": -0.1}, "is -0.1, must be a share from 0 to 1"),
        ({"annual_discount_rate": float("nan")}, "is nan, must be a share"),
        ({"horizon": 0}, "horizon is 0, must be a whole number of periods from 1 to 1200"),
        ({"horizon": 2.5}, "horizon is 2.5, must be"),
        ({"horizon": float("nan")}, "horizon is nan, must be"),
        ({"horizon": 1201}, "write 36 for three years"),
        ({"first_margin": "later"}, "first_margin is 'later', must be one of now, end_of_period"),
        ({"periods_per_year": 0}, "periods_per_year is 0, must be at least 1"),
    ],
)
def test_terms_that_break_a_rule_are_refused(changes: dict[str, object], message: str) -> None:
    good = {"annual_discount_rate": 0.1, "horizon": 36, "first_margin": "now"}
    with pytest.raises(DataError, match=message):
        Terms(**good | changes)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(DataError) as raised:
        Terms(10, 0, "later", periods_per_year=0)  # type: ignore[arg-type]
    assert len(raised.value.problems) == 4


@pytest.mark.parametrize(
    ("arguments", "words", "message"),
    [
        ((85, 10, 0.1), {}, r"retention is 85.0, must be a share from 0 to 1: write 0.85"),
        (([0.5, 1.2], 10, 0.1), {}, r"retention is 1.2, must be"),
        ((0.5, 10, 10), {}, r"rate is 10.0, must be a share from 0 to 1 per period"),
        ((0.5, 10, 0.1), {"horizon": 0}, "horizon is 0, must be a whole number from 1"),
        ((1, 10, 0), {}, r"say how many do \(horizon\)"),
        ((0.5, 10, 0.1), {"first_margin": ""}, "first_margin is '', must be one of"),
    ],
)
def test_a_constant_value_of_nonsense_is_refused(
    arguments: tuple[object, ...], words: dict[str, object], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        constant_value(*arguments, **{"first_margin": "now"} | words)
