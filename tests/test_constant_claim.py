"""The claim at a rate that never changes: printed grids, naive sums, thresholds, leverage."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_profit_readings import PLAIN

from cxresearch.errors import DataError
from cxresearch.roi.constant import (
    check_retention,
    closed_threshold,
    elasticity,
    thresholds,
    uplift,
)
from cxresearch.roi.economics import CONCEPTS, Concept, Economics
from cxresearch.roi.leverage import operating_leverage
from cxresearch.roi.readings import Lift, lifts

PRINTED = tomllib.loads(
    (Path(__file__).parent / "reference" / "profit_claim.toml").read_text("utf-8")
)
POINTS, RELATIVE, FEWER = lifts(0.05)
HORIZONS = {"years_5": 5, "years_10": 10, "all": None}


def terms(**changes: Any) -> Economics:
    return Economics(**(PLAIN | changes))


def percent(
    lift: Lift, retention: float, economics: Economics, concept: Concept, **more: Any
) -> float:
    return 100 * float(uplift(lift, retention, economics, concept, **more))


def naive_value(rate: float, margin: float, cost: float, economics: Economics) -> float:
    """One customer after another month of margins, until nothing is left."""
    total, there, year = -cost, 1.0, 0
    while year < (economics.horizon or 3000):
        if economics.first_margin == "end_of_period":
            there *= rate
        wait = year + (economics.first_margin == "end_of_period")
        total += margin * there / (1 + economics.annual_discount_rate) ** wait
        if economics.first_margin == "now":
            there *= rate
        year += 1
    return total


def naive_firm(before: float, after: float, year: int, economics: Economics) -> float:
    """Profit of a year: cohorts of 2,000 years, one customer each, kept year by year."""
    cohorts = [before**age for age in range(2000)]
    today = list(cohorts)
    for _ in range(year):
        cohorts = [1.0] + [there * after for there in cohorts]
    skip = economics.first_margin == "end_of_period"
    margin = economics.annual_margin - (economics.retention_cost if after != before else 0)
    fixed = economics.fixed_cost_share * economics.annual_margin * sum(today[skip:])
    return margin * sum(cohorts[skip:]) - fixed - economics.acquisition_cost


# Printed numbers


@pytest.mark.parametrize("row", PRINTED["customer_value"]["rows"])
@pytest.mark.parametrize("span", HORIZONS)
def test_printed_uplifts_of_value_per_customer(row: dict[str, Any], span: str) -> None:
    economics = terms(annual_discount_rate=row["rate"], horizon=HORIZONS[span])
    found = [percent(lift, row["retention"], economics, "customer_value") for lift in lifts()]
    assert found == pytest.approx(row[span], abs=0.05 + 1e-9)


def test_printed_uplifts_by_discount_rate_in_one_array() -> None:
    printed = PRINTED["points_by_rate"]
    rates = np.array(printed["rates"])[:, None]
    retention = np.array([float(r) for r in printed["rows"]])
    found = uplift(POINTS, retention, terms(), "customer_value", annual_discount_rate=rates)
    printed_there = np.array(list(printed["rows"].values()))
    np.testing.assert_allclose(100 * found.T, printed_there, atol=0.05)


def test_printed_uplifts_on_other_terms() -> None:
    printed = PRINTED["other_terms"]
    late = terms(first_margin="end_of_period")
    for name, size in printed["first_margin_after_a_year"].items():
        found = percent(Lift(**{name: 0.05}), 0.85, late, "customer_value")
        assert found == pytest.approx(size, abs=0.05)
    net = [percent(POINTS, 0.85, terms(acquisition_cost=k), "net_value") for k in (1.0, 2.0, 3.0)]
    assert net == pytest.approx(printed["net_of_1_2_3_margins"], abs=0.05)


def test_printed_uplifts_of_a_firm() -> None:
    printed, paid = PRINTED["firm"], terms(acquisition_cost=2.0)
    rates = np.array(printed["retention"])
    steady = 100 * uplift(POINTS, rates, paid, "steady_state")
    first = 100 * uplift(POINTS, rates, paid, "annual_profit", year=1)
    free = 100 * uplift(POINTS, rates, terms(), "annual_profit", year=1)
    assert steady == pytest.approx(np.array(printed["steady_state"]), abs=0.05)
    assert first == pytest.approx(np.array(printed["year_1"]), abs=0.05)
    assert free == pytest.approx(np.full(4, printed["year_1_without_cost"]), abs=1e-9)


def test_printed_path_of_annual_profit() -> None:
    printed = PRINTED["path"]
    years = [percent(POINTS, 0.8, terms(), "annual_profit", year=k) for k in (1, 2, 3, 4, 5, 15)]
    assert years == pytest.approx([*printed["years_1_to_5"], printed["year_15"]], abs=0.05)
    assert percent(POINTS, 0.8, terms(), "steady_state") == pytest.approx(
        printed["limit"], abs=0.05
    )


def test_printed_elasticities_and_their_place_in_the_literature() -> None:
    rates = [float(r) for r in PRINTED["elasticity"]["rows"]]
    found = elasticity(rates, terms(annual_discount_rate=0.12, first_margin="end_of_period"))
    assert found == pytest.approx(np.array(list(PRINTED["elasticity"]["rows"].values())), abs=0.005)


def test_printed_operating_leverage() -> None:
    firms = PRINTED["leverage"]["firms"]
    found = operating_leverage(0.05, [(a, b) for a, b, _ in firms])
    assert 100 * found.profit_lift == pytest.approx(np.array([c for _, _, c in firms]))
    assert "30.0 % more profit" in found.sentence()
    assert len(found.to_frame()) == 3
    assert ">7.5 %<" in found._repr_html_()
    with pytest.raises(DataError, match=r"contribution is 0.1 and profit 0.2 of revenue, must be"):
        operating_leverage(0.05, [(0.1, 0.2)])


# Thresholds


def test_printed_thresholds() -> None:
    for rate, lowest in PRINTED["thresholds"]["ninety_five"].items():
        assert float(closed_threshold(POINTS, float(rate), 0.95)) == pytest.approx(lowest, abs=5e-5)
    nowhere = terms(annual_discount_rate=0.103)
    assert thresholds(POINTS, nowhere, target=0.95, concept="customer_value") == ()


@given(st.sampled_from([0.0, 0.02, 0.05, 0.1, 0.15, 0.2]))
def test_points_hold_from_75_percent_plus_the_discount_rate(rate: float) -> None:
    economics = terms(annual_discount_rate=rate)
    ((low, high),) = thresholds(POINTS, economics, target=0.25, concept="customer_value")
    assert (low, high) == pytest.approx((0.75 + rate, 0.95), abs=1e-9)
    assert float(closed_threshold(POINTS, rate, 0.25)) == pytest.approx(0.75 + rate)


@given(st.sampled_from([0.0, 0.02, 0.05, 0.1, 0.15]))
def test_relative_holds_from_80_percent_of_one_plus_the_discount_rate(rate: float) -> None:
    economics = terms(annual_discount_rate=rate)
    ((low, high),) = thresholds(RELATIVE, economics, target=0.25, concept="customer_value")
    assert (low, high) == pytest.approx((0.8 * (1 + rate), 1 / 1.05), abs=1e-9)
    assert float(closed_threshold(RELATIVE, rate, 0.25)) == pytest.approx(0.8 * (1 + rate))


def test_fewer_who_leave_never_reach_it() -> None:
    for rate in (0.0, 0.05, 0.2):
        economics = terms(annual_discount_rate=rate)
        assert thresholds(FEWER, economics, target=0.25, concept="customer_value") == ()
        found = uplift(FEWER, np.linspace(0, 0.999, 200), economics, "customer_value")
        assert np.nanmax(found) <= 0.05 / 0.95 + 1e-12
    assert np.isnan(closed_threshold(FEWER, 0.1, 0.25))


@pytest.mark.parametrize(
    ("changes", "concept"),
    [
        ({"horizon": 20}, "customer_value"),
        ({"acquisition_cost": 2.0}, "net_value"),
        ({"first_margin": "end_of_period"}, "customer_value"),
        ({"acquisition_cost": 2.0}, "steady_state"),
    ],
)
def test_a_threshold_divides_what_holds_from_what_does_not(
    changes: dict[str, Any], concept: Concept
) -> None:
    economics, rates = terms(**changes), np.linspace(0.005, 0.945, 471)
    inside = np.zeros(len(rates), dtype=bool)
    for low, high in thresholds(POINTS, economics, target=0.25, concept=concept):
        inside |= (rates > low + 1e-9) & (rates < high - 1e-9)
    holds = uplift(POINTS, rates, economics, concept) >= 0.25
    assert (inside == holds).all()
    assert 0 < holds.sum() < len(rates)


# Naive sums


@pytest.mark.parametrize("lift", lifts(), ids=lambda lift: lift.reading)
@pytest.mark.parametrize("first", ["now", "end_of_period"])
@pytest.mark.parametrize("horizon", [None, 1, 7])
def test_values_are_the_sum_of_margins_one_by_one(
    lift: Lift, first: str, horizon: int | None
) -> None:
    economics = terms(first_margin=first, horizon=horizon, annual_margin=3.0, acquisition_cost=1.0,
                      retention_cost=0.1)  # fmt: skip
    for rate in (0.55, 0.9):
        kept = float(lift.apply(rate))
        for concept, cost in (("customer_value", 0.0), ("net_value", 1.0), ("base_value", 0.0)):
            before = naive_value(rate, 3.0, cost, economics)
            after = naive_value(kept, 2.9, cost, economics)
            found = float(uplift(lift, rate, economics, concept))  # type: ignore[arg-type]
            assert found == pytest.approx(after / before - 1, rel=1e-9)


@pytest.mark.parametrize("lift", lifts(), ids=lambda lift: lift.reading)
@pytest.mark.parametrize("first", ["now", "end_of_period"])
def test_the_profit_of_a_year_is_that_of_cohorts_kept_one_by_one(lift: Lift, first: str) -> None:
    economics = terms(first_margin=first, acquisition_cost=0.8, retention_cost=0.02,
                      fixed_cost_share=0.3)  # fmt: skip
    for rate, year in ((0.7, 1), (0.85, 6)):
        before = naive_firm(rate, rate, year, economics)
        after = naive_firm(rate, float(lift.apply(rate)), year, economics)
        found = float(uplift(lift, rate, economics, "annual_profit", year=year))
        assert found == pytest.approx(after / before - 1, rel=1e-9)


def test_the_long_run_is_what_the_years_come_to() -> None:
    economics = terms(acquisition_cost=1.0, retention_cost=0.02, fixed_cost_share=0.3)
    years = [float(uplift(POINTS, 0.8, economics, "annual_profit", year=k)) for k in (1, 10, 100)]
    end = float(uplift(POINTS, 0.8, economics, "steady_state"))
    assert years == sorted(years)
    assert years[-1] == pytest.approx(end, abs=1e-6)


@pytest.mark.parametrize("first", ["now", "end_of_period"])
@pytest.mark.parametrize("horizon", [None, 1, 8])
def test_elasticity_is_the_slope_of_log_value(first: str, horizon: int | None) -> None:
    economics, step = terms(first_margin=first, horizon=horizon), 1e-6
    for rate in (0.4, 0.85):
        up, down = (naive_value(rate * (1 + e), 1.0, 0.0, economics) for e in (step, -step))
        slope = (np.log(up) - np.log(down)) / (np.log1p(step) - np.log1p(-step))
        assert float(elasticity(rate, economics)) == pytest.approx(slope, abs=1e-6)


# Limits and properties


@given(
    st.floats(0.05, 0.9),
    st.floats(0.02, 0.3),
    st.integers(1, 40),
    st.sampled_from(["customer_value", "base_value", "steady_state"]),
)
def test_the_claim_is_stronger_with_retention_and_weaker_with_discounting(
    rate: float, discount: float, horizon: int, concept: Concept
) -> None:
    endless = terms(annual_discount_rate=discount)
    pair = uplift(POINTS, [rate, rate + 0.02], endless, concept)
    assert pair[1] >= pair[0] - 1e-12
    # over a few years only, a higher rate may make the same points worth less
    economics = terms(annual_discount_rate=discount, horizon=horizon)
    here = float(uplift(POINTS, rate, economics, concept))
    longer = terms(annual_discount_rate=discount, horizon=horizon + 1)
    assert float(uplift(POINTS, rate, longer, concept)) >= here - 1e-12
    dearer = terms(annual_discount_rate=discount + 0.05, horizon=horizon)
    assert float(uplift(POINTS, rate, dearer, concept)) <= here + 1e-12


@given(st.floats(0.1, 0.9), st.floats(0.1, 100))
def test_the_unit_of_money_does_not_matter(rate: float, scale: float) -> None:
    one = terms(acquisition_cost=0.5, retention_cost=0.01)
    other = terms(annual_margin=scale, acquisition_cost=0.5 * scale, retention_cost=0.01 * scale)
    for concept in CONCEPTS:
        found = [float(uplift(POINTS, rate, x, concept, year=4)) for x in (one, other)]
        assert found[0] == pytest.approx(found[1], rel=1e-9)


def test_one_margin_now_is_the_same_at_any_retention() -> None:
    assert percent(POINTS, 0.5, terms(horizon=1), "customer_value") == 0


def test_there_is_no_uplift_where_there_is_no_profit_or_no_end() -> None:
    assert np.isnan(percent(POINTS, 0.5, terms(acquisition_cost=5.0), "net_value"))
    assert np.isnan(percent(POINTS, 0.95, terms(annual_discount_rate=0.0), "customer_value"))
    assert np.isnan(percent(POINTS, 0.95, terms(), "steady_state"))
    assert np.isnan(percent(POINTS, 0.96, terms(), "customer_value"))
    assert percent(POINTS, 0.95, terms(), "customer_value") == pytest.approx(50)


# Errors


def test_a_rate_in_per_cent_is_refused() -> None:
    with pytest.raises(DataError, match=r"retention is 85.0, must be .* write 0.85 for 85 %"):
        check_retention(85, [POINTS])
    with pytest.raises(DataError, match="retention is nan"):
        uplift(POINTS, np.nan, terms(), "customer_value")


def test_a_monthly_rate_is_refused_for_what_it_would_be_in_a_year() -> None:
    with pytest.raises(DataError) as caught:
        check_retention(0.97, lifts())
    (said,) = caught.value.problems
    assert said == (
        "retention is 0.97 a year, which passes 1 with 5 percentage points more retention, must be "
        "at most 0.95: if it is a month's, write 0.694, which it is a year (0.97^12); if it is a "
        "year's, ask for a lift of at most 0.03."
    )


@pytest.mark.parametrize("rate", [0.951, 0.97, 0.985, 0.6, 0.999])
@pytest.mark.parametrize("reading", ["points", "relative"])
def test_the_smaller_lift_that_is_named_is_taken(rate: float, reading: str) -> None:
    """A firm that really keeps 97 % a year asks for less."""
    with pytest.raises(DataError, match="ask for a lift of at most") as caught:
        check_retention(rate, [Lift(**{reading: 0.7})])
    least = float(str(caught.value).rstrip(".").rpartition(" ")[2])
    check_retention(rate, [Lift(**{reading: least})])
    with pytest.raises(DataError):
        check_retention(rate, [Lift(**{reading: least + 2e-4})])


@pytest.mark.parametrize("rate", [1.0, 0.9999])
def test_where_nobody_leaves_nobody_is_asked_to_take_it_for_a_month(rate: float) -> None:
    with pytest.raises(DataError, match="next to nobody left to keep") as caught:
        check_retention(rate, lifts())
    assert "month" not in str(caught.value)


def test_an_unknown_concept_and_a_broken_rate_are_named_together() -> None:
    with pytest.raises(DataError) as caught:
        uplift(POINTS, 85, terms(), "profit")  # type: ignore[arg-type]
    assert len(caught.value.problems) == 2
