from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import hyp2f1
from test_wording import CAUSAL, FUTURE, check_digits, check_whole

import cxresearch as cx
from cxresearch.errors import DataError
from cxresearch.projection._forecast import COMBINED
from cxresearch.projection.fitted import Projections, projections
from cxresearch.projection.residual_lifetime import residual_lifetimes
from cxresearch.tables import LifeTable

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = tomllib.loads((ROOT / "tests" / "reference" / "projection.toml").read_text())


def paper() -> Projections:
    table = cx.open_data(ROOT / "data" / "recipes" / "fader_hardie.toml").life_table(["segment"])
    return projections(table, fit_periods=7)


def case_1() -> Projections:
    """Five cohorts, the last of which has only just joined."""
    survivors = REFERENCE["case_1"]["survivors"]
    left, seen = np.array(survivors), np.array([4, 3, 2, 1])
    lost = -np.diff(left) * seen
    exits = np.repeat([1, 2, 3, 4], lost)
    there = np.repeat([0, 1, 2, 3, 4], survivors)  # the cohort seen for k years still has these
    durations = np.concatenate([exits, there])
    churned = np.arange(len(durations)) < len(exits)
    return projections(LifeTable.from_durations(durations, churned, periods_per_year=1))


def monthly(seed: int = 1, n: int = 2000, **words: object) -> LifeTable:
    rng = np.random.default_rng(seed)
    exits = rng.geometric(rng.beta(0.9, 25, n))
    return LifeTable.from_durations(np.minimum(exits, 40), exits <= 40, **words)


def values(projected: Projections, model: str, tenures: list[int], **words: float) -> list[float]:
    found = residual_lifetimes(projected, tenures, **{"annual_discount_rate": 0.1} | words)
    return [r.residual_lifetime for r in found if r.model == model]


def closed_form(alpha: float, beta: float, n: int, rate: float) -> float:
    """Fader & Hardie 2010, eq. 6; n renewals are still to be decided from the n-th on."""
    first = (beta + n - 1) / (alpha + beta + n - 1)
    return float(first * hyp2f1(1, beta + n, alpha + beta + n, 1 / (1 + rate)))


# Published


@pytest.mark.parametrize(("segment", "g"), [("high_end", 0), ("regular", 1)])
def test_derl_of_both_segments_is_as_published(segment: str, g: int) -> None:
    projected = paper()
    assert projected[g].label == segment
    found = residual_lifetimes(projected, range(8), annual_discount_rate=0.1)
    own = [r.residual_lifetime for r in found if (r.projection, r.model) == (projected[g], "sbg")]
    assert [round(value, 3) for value in own] == REFERENCE["derl"][segment]
    with_first = 1 + own[0] / 1.1
    assert round(with_first, 4) == pytest.approx(
        REFERENCE["derl"]["with_first_period"][segment], abs=1.5e-4
    )


def test_derl_of_five_cohorts_is_as_published_and_values_the_base() -> None:
    printed = REFERENCE["case_1"]
    own = values(case_1(), "sbg", [0, 1, 2, 3, 4])
    assert [round(value, 2) for value in own] == printed["derl"]
    base = float(np.dot(printed["survivors"], own))
    assert base == pytest.approx(printed["residual_value"], abs=5)


# Closed forms


def test_the_sum_is_the_closed_form() -> None:
    projected = projections(monthly(periods_per_year=12))
    alpha, beta = (p.value for p in projected[0].fits[1].parameters(0.95).values())
    rate = 1.1 ** (1 / 12) - 1
    own = values(projected, "sbg", [0, 1, 12, 60])
    expected = [closed_form(alpha, beta, tenure + 1, rate) for tenure in (0, 1, 12, 60)]
    np.testing.assert_allclose(own, expected, rtol=1e-6)


def test_the_geometric_is_the_same_at_every_tenure() -> None:
    projected = projections(monthly(periods_per_year=12))
    theta = projected[0].fits[0].parameters(0.95)["theta"].value
    discount = 1.1 ** (-1 / 12)
    own = values(projected, "geometric", [0, 10, 100])
    np.testing.assert_allclose(own, (1 - theta) / (1 - (1 - theta) * discount), rtol=1e-6)


def test_without_discount_a_horizon_counts_periods() -> None:
    projected = projections(monthly(), horizon=60)
    own = values(projected, "bdw", [0], annual_discount_rate=0.0, horizon=24)
    assert own[0] == pytest.approx(projected[0]["bdw"].retained[1:25].sum())
    conditional = values(projected, "bdw", [12], annual_discount_rate=0.0, horizon=24)
    share = projected[0]["bdw"].retained
    assert conditional[0] == pytest.approx(share[13:37].sum() / share[12])


def test_the_annual_rate_is_turned_into_that_of_a_period() -> None:
    months, years = (projections(monthly(periods_per_year=p)) for p in (12, 1))
    own = values(months, "sbg", [0, 6], annual_discount_rate=1.01**12 - 1)
    other = values(years, "sbg", [0, 6], annual_discount_rate=0.01)
    np.testing.assert_allclose(own, other, atol=2e-6)


# Intervals and what lies beyond


def test_the_combined_one_is_in_the_hull_of_the_credible() -> None:
    projected = paper()
    found = residual_lifetimes(projected, [0, 5], annual_discount_rate=0.1)
    for result in projected:
        for tenure in (0, 5):
            rows = {r.model: r for r in found if (r.projection, r.tenure) == (result, tenure)}
            kept = [rows[model] for model in result.standing.credible]
            both = rows[COMBINED]
            assert both.residual_lifetime_ci_lower == min(
                r.residual_lifetime_ci_lower for r in kept
            )
            assert both.residual_lifetime_ci_upper == max(
                r.residual_lifetime_ci_upper for r in kept
            )
            assert both.residual_lifetime_ci_lower < both.residual_lifetime


def test_jackknife_and_information_agree() -> None:
    table = monthly(n=6000, replicate=np.arange(6000) % 256)
    single = replace(
        table, **{k: table.counts(k).sum(1, keepdims=True) for k in table.count_fields}
    )
    for many, one in zip(
        *(residual_lifetimes(projections(t), [0, 24], annual_discount_rate=0.1, horizon=60) for t in (table, single)),
        strict=True,
    ):  # fmt: skip
        assert many.residual_lifetime == pytest.approx(one.residual_lifetime)
        widths = [r.residual_lifetime_ci_upper - r.residual_lifetime_ci_lower for r in (many, one)]
        assert widths[0] == pytest.approx(widths[1], rel=0.3)


def test_the_share_beyond_the_data_is_what_is_not_observed() -> None:
    projected = projections(monthly())
    near, far = (
        residual_lifetimes(projected, [t], annual_discount_rate=0.1, horizon=12) for t in (0, 40)
    )
    assert [r.beyond_data_share for r in near] == [0] * 4
    assert [r.beyond_data_share for r in far] == pytest.approx([1] * 4)
    (mid, *_) = residual_lifetimes(projected, [34], annual_discount_rate=0.0, horizon=12)
    assert 0.4 < mid.beyond_data_share < 0.5


@given(st.floats(0.05, 1.0), st.floats(1.05, 3.0), st.integers(0, 30))
@settings(max_examples=25)
def test_a_higher_discount_rate_gives_less_and_a_longer_tenure_more(
    rate: float, factor: float, tenure: int
) -> None:
    low = values(MONTHLY, "sbg", [tenure, tenure + 5], annual_discount_rate=rate)
    high = values(MONTHLY, "sbg", [tenure, tenure + 5], annual_discount_rate=rate * factor)
    assert low[0] > high[0]
    assert low[1] > low[0]


MONTHLY = projections(monthly())


# Words and rules


def test_the_findings_say_which_unit_and_how_much_is_assumed() -> None:
    found = residual_lifetimes(paper(), [0, 1, 3], annual_discount_rate=0.1).findings()
    assert {f.id for f in found} == {"residual_lifetime"}
    assert {f.unit for f in found} == {"years"}
    assert {f.grade for f in found} == {"D"}
    assert {frozenset(f.group) for f in found} == {frozenset({"model", "tenure", "segment"})}
    assert "At the start" in found[0].sentence
    assert "After 1 year, customers" in found[4].sentence
    monthly = residual_lifetimes(MONTHLY, [1], annual_discount_rate=0.1, horizon=1).findings()
    assert (
        "within the next 1 month, 95 % interval, discounted at 10 % a year" in monthly[0].sentence
    )
    for one in (*found, *monthly):
        check_whole(one.sentence)
        assert not CAUSAL.search(one.sentence)
        assert not FUTURE.search(one.sentence)
    assert all(check_digits(f.to_dict()) for f in residual_lifetimes(MONTHLY, [0, 12], annual_discount_rate=0.1).findings())  # fmt: skip


def test_a_tenure_before_the_data_is_said_and_not_proposed() -> None:
    rng = np.random.default_rng(2)
    exits, entry = rng.geometric(0.03, 3000), np.tile([6, 9], 1500)
    kept = exits > entry
    end = np.minimum(exits, 36)[kept]
    table = LifeTable.from_durations(end, (exits < 36)[kept], entry=entry[kept])
    projected = projections(table, start=6)
    assert (projected.tenures_seen[0], projected.tenures[0]) == (6, 12)
    early, since = residual_lifetimes(projected, [0, 6], annual_discount_rate=0.1, horizon=12)[::4]
    said = (
        "lies beyond the data. So does what comes before: customers are observed from 6 months on."
    )
    assert early.sentence().endswith(said)
    assert "what comes before" not in since.sentence()


@pytest.mark.parametrize(
    ("tenures", "words", "message"),
    [
        ([], {}, "there are 0 tenures"),
        ([-1], {}, "tenure is -1, must be a whole number from 0"),
        ([0], {"annual_discount_rate": -0.1}, "annual_discount_rate is -0.1, must be from 0 to 10"),
        ([0], {"annual_discount_rate": 10.5}, "write 0.1 for 10 % a year"),
        (
            [0],
            {"annual_discount_rate": 0.0},
            "annual_discount_rate is 0.0, must be higher .*residual_horizon in the report",
        ),
        ([0], {"annual_discount_rate": 1e-4}, "how many periods ahead count"),
        ([0], {"horizon": -3}, "horizon is -3, must be from 0"),
    ],
)
def test_arguments_that_break_a_rule_are_refused(
    tenures: list[int], words: dict[str, float], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        residual_lifetimes(MONTHLY, tenures, **{"annual_discount_rate": 0.1} | words)
