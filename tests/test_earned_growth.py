"""Earned growth: the published example, what is not known, and the simulator's truth."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_wording import CAUSAL, FUTURE, check_digits, check_interval, check_whole

from cxresearch.revenue_bridge import RevenueBridge
from cxresearch.scores.earned_growth import EarnedGrowth, earned_growth
from cxresearch.simulate import Settings, simulate
from cxresearch.source import open_frames

MONTHS = {"opening_month": "2024-12", "closing_month": "2025-12"}


def bridge(**sums: tuple[float, float]) -> RevenueBridge:
    """Opening and closing sums by move, without replicates."""
    frame = pd.DataFrame(
        [(move, 40, *pair) for move, pair in sums.items()],
        columns=["move", "people", "opening", "closing"],
    )
    return RevenueBridge.from_counts(frame, **MONTHS)


def only(table: RevenueBridge) -> EarnedGrowth:
    (result,) = earned_growth(table, min_group=1)
    return result


def test_the_worked_example():
    """NRR .85 and earned new .25: 10 % of a growth of 30 %, ratio 1/3."""
    result = only(
        bridge(
            churned=(20.0, 0.0), expansion=(80.0, 85.0), new_earned=(0.0, 25.0),
            new_bought=(0.0, 20.0), reactivated=(0.0, 33.0),
        )
    )  # fmt: skip
    assert result.net_revenue_retention == pytest.approx(0.85)
    assert result.earned_growth == pytest.approx(0.10)
    assert result.total_growth == pytest.approx(0.30)
    assert result.earned_share == pytest.approx(1 / 3)
    assert result.n_reactivated == 40
    assert result.earned_growth_if_bought == result.earned_growth_if_earned == result.earned_growth
    assert "Reactivated customers are left out" in result.definition


def test_what_is_not_known_makes_a_range():
    result = only(
        bridge(unchanged=(100.0, 100.0), new_earned=(0.0, 10.0), new_bought=(0.0, 30.0),
               new_unknown=(0.0, 20.0))
    )  # fmt: skip
    assert result.earned_growth_if_bought == pytest.approx(0.10)
    assert result.earned_growth_if_earned == pytest.approx(0.30)
    assert result.earned_growth == pytest.approx(0.15)
    assert result.unknown_share == pytest.approx(1 / 3)
    assert result.findings()[0].grade == "D"
    assert "for 33 % of the new revenue nobody recorded" in result.sentence()


def test_when_nothing_is_known_there_is_a_range_and_no_number():
    result = only(bridge(unchanged=(100.0, 100.0), new_unknown=(0.0, 20.0)))
    (finding,) = result.findings()
    assert finding.value is None
    assert np.isnan(result.earned_growth)
    assert (result.earned_growth_if_bought, result.earned_growth_if_earned) == pytest.approx(
        (0, 0.2)
    )
    assert "of no new customer is it known" in finding.sentence


def test_without_new_customers_it_is_the_net_retention():
    result = only(bridge(contraction=(100.0, 90.0)))
    assert result.earned_growth == pytest.approx(-0.1)
    assert np.isnan(result.unknown_share)
    assert np.isnan(result.earned_share)


@given(st.lists(st.floats(0, 100), min_size=3, max_size=3), st.floats(0, 200))
def test_the_figure_lies_in_its_range_and_scales_with_no_currency(new: list[float], closing: float):
    def result(factor: float) -> EarnedGrowth:
        moves = dict(zip(("new_earned", "new_bought", "new_unknown"), new, strict=True))
        return only(
            bridge(
                expansion=(100.0 * factor, closing * factor),
                **{move: (0.0, amount * factor) for move, amount in moves.items()},
            )
        )

    one, other = result(1.0), result(130.0)
    if np.isfinite(one.earned_growth):
        low, high = one.earned_growth_if_bought, one.earned_growth_if_earned
        assert low - 1e-9 <= one.earned_growth <= high + 1e-9
        assert one.earned_growth == pytest.approx(other.earned_growth, abs=1e-9)
    assert one.total_growth >= one.earned_growth_if_earned - 1e-9


@lru_cache
def simulated() -> tuple[RevenueBridge, RevenueBridge, dict[str, Any]]:
    sim = simulate(Settings(customers=12_000, seed=5, tables=("customers", "revenue")))
    words: dict[str, Any] = {"as_of": sim.settings.as_of, "currency": "EUR"}
    with open_frames(dict(sim.tables), observed_from="2022-01-01", **words) as data:
        return data.revenue_bridge(), data.revenue_bridge(["plan"]), sim.truth


def test_the_simulated_truth_lies_in_the_interval():
    table, _, truth = simulated()
    result = only(table)
    new = result.new_earned + result.new_bought + result.new_unknown
    known = result.net_revenue_retention + truth["acquisition"]["earned"] * new - 1
    assert result.earned_growth_ci_lower < known < result.earned_growth_ci_upper
    assert result.earned_growth == pytest.approx(known, abs=0.02)
    assert result.unknown_share == pytest.approx(1 - truth["acquisition"]["recorded"], abs=0.03)


def test_the_interval_is_wider_than_the_range_by_the_sampling_error():
    result = only(simulated()[0])
    assert result.earned_growth_ci_lower < result.earned_growth_if_bought
    assert result.earned_growth_if_earned < result.earned_growth_ci_upper
    assert result.earned_growth_ci_upper - result.earned_growth_ci_lower < 0.15


def test_findings_keep_the_rules_and_claim_no_cause():
    table, by_plan, _ = simulated()
    found = [*earned_growth(table).findings(), *earned_growth(by_plan, min_group=1500).findings()]
    certain = bridge(unchanged=(100.0, 100.0), new_earned=(0.0, 10.0)), bridge(unchanged=(9.0, 9.0))
    assert {f.id for f in found} == {"earned_growth", "not_reported"}
    for finding in found:
        check_whole(finding.sentence)
        check_interval(finding.to_dict())
        assert check_digits(finding.to_dict()) or finding.id == "not_reported"
    for sentence in [*(f.sentence for f in found), *(only(t).sentence() for t in certain)]:
        assert not CAUSAL.search(sentence)
        assert not FUTURE.search(sentence)
    assert not CAUSAL.search(only(table).definition)
    assert len(earned_growth(by_plan).to_frame()) == 3
