from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from cxresearch.cause_table import CauseTable
from cxresearch.causes.cause_hazards import cause_hazard_ratios, cause_rates, poisson_interval
from cxresearch.errors import CxError, DataError
from cxresearch.hazards.ratios import hazard_ratios

REFERENCE = tomllib.loads((Path(__file__).parent / "reference" / "causes.toml").read_text("utf-8"))


def table_of(n=6000, seed=1, ratio=2.0, weights=None):
    """Plan b leaves `ratio` times as often voluntarily as plan a; involuntary losses are alike."""
    rng = np.random.default_rng(seed)
    plan = rng.choice(["a", "b"], n, p=[0.6, 0.4])
    entry = np.where(rng.random(n) < 0.3, rng.integers(1, 8, n), 0)
    voluntary = 0.02 * np.where(plan == "b", ratio, 1.0)
    exits = entry + rng.geometric(1 - np.exp(-voluntary - 0.005))
    kind = np.where(rng.random(n) < voluntary / (voluntary + 0.005), "voluntary", "involuntary")
    last = np.minimum(exits, 24)
    return CauseTable.from_durations(
        last, np.where(exits <= 24, kind.astype(object), None), entry=entry, weights=weights,
        group={"plan": plan}, replicate=rng.integers(0, 256, n),
    )  # fmt: skip


def test_published_poisson_limits():
    case = REFERENCE["garwood"]
    lower, upper = poisson_interval(case["events"], 1)
    np.testing.assert_allclose(np.round(lower, 4), case["lower"], atol=0.005)
    np.testing.assert_allclose(np.round(upper, 2), case["upper"], atol=1e-9)


@pytest.mark.parametrize("level", [0.8, 0.95, 0.99])
def test_poisson_limits_are_where_the_tails_are(level):
    events, tail = np.array([1, 3, 40, 1000]), (1 - level) / 2
    lower, upper = poisson_interval(events, 12.5, level)
    np.testing.assert_allclose(stats.poisson.sf(events - 1, 12.5 * lower), tail, rtol=1e-8)
    np.testing.assert_allclose(stats.poisson.cdf(events, 12.5 * upper), tail, rtol=1e-8)


def test_no_events_and_no_exposure():
    lower, upper = poisson_interval([0, 0], [100, 0])
    assert lower[0] == 0
    assert upper[0] == pytest.approx(-np.log(0.025) / 100)
    assert np.isnan([lower[1], upper[1]]).all()
    with pytest.raises(CxError, match="confidence_level is 95"):
        poisson_interval(1, 1, 95)


def test_a_rate_is_customers_who_left_per_thousand_months_at_risk():
    """4 customers are at risk for 2 + 3 + 3 + 1 months; the last one came late."""
    table = CauseTable.from_durations([2, 3, 3, 6], ["a", "b", None, "a"], entry=[0, 0, 0, 5])
    (rates,) = cause_rates(table, min_group=1)
    assert rates.exposure == 9
    np.testing.assert_allclose(rates.cause_rate, [2000 / 9, 1000 / 9])
    np.testing.assert_allclose(rates.cause_rate_ci_lower, 1000 * poisson_interval([2, 1], 9)[0])


def test_the_constant_rates_of_a_simulation_are_recovered():
    a, b = cause_rates(table_of(40_000))
    for rates, voluntary in ((a, 0.02), (b, 0.04)):
        total = voluntary + 0.005
        for k, hazard in enumerate((0.005, voluntary)):
            truth = 1000 * -np.expm1(-total) * hazard / total
            error = rates.cause_rate[k] / np.sqrt(rates.churned[k])
            assert abs(rates.cause_rate[k] - truth) < 3 * error


def test_weights_have_the_jackknife_which_agrees():
    plain, weighted = table_of(), table_of(weights=np.ones(6000))
    for a, b in zip(cause_rates(plain), cause_rates(weighted), strict=True):
        np.testing.assert_allclose(a.cause_rate, b.cause_rate)
        wide = a.cause_rate_ci_upper - a.cause_rate_ci_lower
        np.testing.assert_allclose(b.cause_rate_ci_upper - b.cause_rate_ci_lower, wide, rtol=0.2)


def test_findings_and_words():
    found = cause_rates(table_of())
    first = found[0].findings()[1]
    assert first.id == "cause_rate"
    assert first.group == {"cause": "voluntary", "plan": "a"}
    assert first.unit == "per 1,000 customer-months"
    value, low, high = (round(x) for x in (first.value, first.ci_lower, first.ci_upper))
    assert first.sentence == (
        f"Customers with plan a left, recorded as voluntary, at a rate of {value} per 1,000 "
        f"customer-months (95 % interval {low} to {high})."
    )
    assert found.to_frame()["cause"].tolist() == ["involuntary", "voluntary"] * 2
    few = CauseTable.from_durations([1] * 3 + [9] * 60, ["a"] * 3 + [None] * 60)
    assert "Fewer than 10 of them left so" in cause_rates(few).sentence()


def test_small_groups_are_counted_and_not_named():
    found = cause_rates(table_of(), min_group=3000)
    assert [rates.group["plan"] for rates in found] == ["a"]
    assert found.findings()[-1].sentence.startswith("1 group with fewer than 3,000 customers")


def test_the_hazard_ratio_of_one_reason_is_recovered_and_the_other_shows_none():
    table = table_of(20_000)
    ratios = cause_hazard_ratios(table, ["voluntary"])
    assert (ratios.reference, ratios.levels) == ("a", ("b",))
    assert abs(ratios.log_hazard_ratio[0] - np.log(2)) < 3 * ratios.standard_error[0]
    assert ratios.hazard_ratio_ci_lower[0] > 1.5
    same = cause_hazard_ratios(table, ["involuntary"])
    assert abs(same.log_hazard_ratio[0]) < 3 * same.standard_error[0]


def test_it_is_the_ratio_of_the_table_of_these_causes():
    table = table_of()
    got = cause_hazard_ratios(table, ["voluntary", "involuntary"])
    expected = hazard_ratios(table.life, "plan", reference="a")
    np.testing.assert_allclose(got.log_hazard_ratio, expected.log_hazard_ratio)
    assert (
        "in the same month as a customer, counting churn recorded as voluntary and recorded as "
        "involuntary (95 % interval"
    ) in got.sentence()


def test_what_cannot_be_compared_is_refused():
    table = table_of()
    with pytest.raises(DataError, match="0 group columns"):
        cause_hazard_ratios(table.pooled(), ["voluntary"])
    with pytest.raises(DataError, match="did you mean 'voluntary'"):
        cause_hazard_ratios(table, ["volontary"])
    assert cause_hazard_ratios(table, ["company"]).refusal is not None
