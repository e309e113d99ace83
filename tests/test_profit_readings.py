"""The three readings of "5 % more retention", and the terms of a claim about profit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.errors import DataError
from cxresearch.roi.economics import CONCEPTS, Economics, concept_problems, concept_words
from cxresearch.roi.readings import READINGS, Lift, lifts

PLAIN: dict[str, Any] = {
    "annual_discount_rate": 0.1,
    "first_margin": "now",
    "horizon": None,
    "annual_margin": 1.0,
    "acquisition_cost": 0.0,
    "retention_cost": 0.0,
    "fixed_cost_share": 0.0,
}


def test_the_readings_are_different_rates() -> None:
    points, relative, fewer = (lift.apply(0.85) for lift in lifts(0.05))
    assert (float(points), float(relative), float(fewer)) == pytest.approx((0.90, 0.8925, 0.8575))
    assert [lift.reading for lift in lifts()] == list(READINGS)


def test_the_words_say_which_reading_it_is() -> None:
    assert [lift.words for lift in lifts(0.05)] == [
        "5 percentage points more retention",
        "5 % more retention (each rate times 1.05)",
        "5 % fewer customers who leave",
    ]
    assert Lift(points=0.01).words == "1 percentage point more retention"


def test_a_lift_ends_at_one_and_says_where() -> None:
    rates = np.array([0.94, 0.95, 0.96])
    points = Lift(points=0.05)
    assert points.apply(rates).tolist() == pytest.approx([0.99, 1.0, 1.0])
    assert points.capped(rates).tolist() == [False, False, True]
    assert not Lift(fewer_churners=0.5).capped(np.linspace(0, 1, 11)).any()


@given(st.sampled_from(READINGS), st.floats(0.001, 0.5), st.floats(0, 1))
def test_a_lift_never_takes_away_and_its_highest_rate_comes_to_one(
    reading: str, size: float, rate: float
) -> None:
    lift = Lift(**{reading: size})
    assert rate - 1e-12 <= float(lift.apply(rate)) <= 1
    assert (
        bool(lift.capped(rate)) == (rate > lift.highest + 1e-11) or abs(rate - lift.highest) < 1e-9
    )
    assert float(lift.apply(lift.highest)) == pytest.approx(1)


def test_a_lift_must_be_read_in_exactly_one_way() -> None:
    with pytest.raises(DataError, match="given as none, must be exactly one of points, relative"):
        Lift()
    with pytest.raises(DataError, match="given as points, fewer_churners, must be exactly one"):
        Lift(points=0.05, fewer_churners=0.05)
    with pytest.raises(DataError, match=r"points is 5, must be a share .* write 0.05 for 5 %"):
        Lift(points=5)
    with pytest.raises(DataError, match=r"relative is -0.05, must be a share"):
        Lift(relative=-0.05)


def test_no_term_has_a_default() -> None:
    for name in PLAIN:
        with pytest.raises(TypeError, match=name):
            Economics(**{key: value for key, value in PLAIN.items() if key != name})


def test_all_broken_terms_are_named_at_once() -> None:
    broken = {
        "annual_discount_rate": 10,
        "first_margin": "later",
        "horizon": 120,
        "annual_margin": 0,
        "acquisition_cost": -1,
        "retention_cost": -2,
        "fixed_cost_share": 1,
    }
    with pytest.raises(DataError) as caught:
        Economics(**broken)
    assert [problem.split()[0] for problem in caught.value.problems] == list(broken)
    text = str(caught.value)
    assert "write 0.1 for 10 % a year" in text
    assert "36 months are 3 years" in text
    assert "acquisition_cost is -1, must be 0 or more" in text


def test_a_discount_rate_that_looks_monthly_is_refused() -> None:
    with pytest.raises(DataError, match=r"a month's 0.008 is 0.1003 a year, write that"):
        Economics(**(PLAIN | {"annual_discount_rate": 0.008}))
    assert Economics(**(PLAIN | {"annual_discount_rate": 0.0})).annual_discount_rate == 0


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_that_are_none_are_refused(value: float) -> None:
    for name in ("annual_discount_rate", "annual_margin", "acquisition_cost", "fixed_cost_share"):
        with pytest.raises(DataError, match=f"{name} is {value}"):
            Economics(**(PLAIN | {name: value}))


def test_concepts_are_known_and_a_year_is_asked_for() -> None:
    assert "must be one of customer_value" in next(concept_problems("profit", 1))
    assert "year is None" in next(concept_problems("annual_profit", None))
    assert not [p for concept in CONCEPTS for p in concept_problems(concept, 5)]
    assert concept_words("annual_profit", 5) == "profit of year 5"


def test_the_terms_in_words() -> None:
    assert Economics(**PLAIN).words == (
        "discounted at 10 % a year, first margin now, all margins there ever are"
    )
    late = Economics(**(PLAIN | {"first_margin": "end_of_period", "horizon": 1}))
    assert late.words.endswith("first margin after a year, the margins of 1 year")
