from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2
from test_wording import CAUSAL, check_whole

import cxresearch as cx
from cxresearch.errors import DataError
from cxresearch.projection._likelihood_ratio import equal_parameters_test, nested_model_tests
from cxresearch.projection.fitted import Projections, projections
from cxresearch.tables import LifeTable

ROOT = Path(__file__).resolve().parents[1]


def paper() -> Projections:
    table = cx.open_data(ROOT / "data" / "recipes" / "fader_hardie.toml").life_table(["segment"])
    return projections(table, fit_periods=7)


def two_groups(rng: np.random.Generator, shift: float = 0.0, n: int = 600) -> Projections:
    theta = np.concatenate([rng.beta(0.9, 6, n), rng.beta(0.9 + shift, 6, n)])
    exits = rng.geometric(theta)
    plan = np.repeat(["a", "b"], n)
    table = LifeTable.from_durations(np.minimum(exits, 9), exits <= 9, group={"plan": plan})
    return projections(table)


def test_the_statistic_is_twice_the_difference_of_log_likelihoods() -> None:
    projected = paper()
    pooled = projections(projected.table.pooled(), fit_periods=7)[0]
    for test, together in zip(equal_parameters_test(projected), pooled.fits, strict=True):
        apart = sum(
            f.log_likelihood for r in projected for f in r.fits if f.model == together.model
        )
        statistic = 2 * (apart - together.log_likelihood)
        assert test.statistic == pytest.approx(statistic, abs=1e-6)
        freedom = {"geometric": 1, "sbg": 2, "bdw": 3}[together.model]
        assert test.degrees_of_freedom == freedom
        assert test.p_value == pytest.approx(chi2.sf(statistic, freedom))


def test_the_geometric_test_is_that_of_two_shares() -> None:
    exits = np.minimum(np.random.default_rng(1).geometric(0.2, 800), 6)
    plan = np.arange(800) % 2
    table = LifeTable.from_durations(exits, exits < 6, group={"plan": plan.astype(str)})
    (test,) = equal_parameters_test(projections(table, models=["geometric"]))
    n, d = (table.counts(k).sum(axis=1)[:, 1:].sum(axis=1) for k in ("at_risk", "churned"))

    def log(n: float, d: float) -> float:
        return float(d * np.log(d / n) + (n - d) * np.log(1 - d / n))

    expected = 2 * (log(n[0], d[0]) + log(n[1], d[1]) - log(n.sum(), d.sum()))
    assert test.statistic == pytest.approx(expected, abs=1e-7)


def test_nested_models_are_tested_by_their_own_distributions() -> None:
    projected = paper()
    tests = list(nested_model_tests(projected))
    assert [(t.group["model"], t.group["segment"]) for t in tests] == [
        ("sbg", "high_end"), ("bdw", "high_end"), ("sbg", "regular"), ("bdw", "regular"),
    ]  # fmt: skip
    for test in tests:
        half = 0.5 if test.group["model"] == "sbg" else 1.0
        assert test.p_value == pytest.approx(half * chi2.sf(test.statistic, 1))
    clear = tests[1].sentence()
    assert clear.startswith("How likely each of the customers with segment high_end is to leave ")
    assert tests[3].sentence().startswith("No clear change with tenure")


def test_where_customers_are_alike_p_is_one() -> None:
    hazard = 0.03 * np.arange(1, 9)
    left = 2000 * np.cumprod(np.r_[1, 1 - hazard])
    lost = np.round(-np.diff(left)).astype(int)
    exits = np.repeat(np.r_[1:9, 8], np.r_[lost, round(left[-1])])
    table = LifeTable.from_durations(exits, np.arange(len(exits)) < lost.sum())
    first, _ = nested_model_tests(projections(table))
    assert (first.statistic, first.p_value) == (
        pytest.approx(0, abs=1e-6),
        pytest.approx(1, abs=0.6),
    )
    assert first.sentence().startswith("No clear difference between customers in how likely")


def test_findings_and_sentences() -> None:
    projected = paper()
    found = [
        *equal_parameters_test(projected).findings(),
        *nested_model_tests(projected).findings(),
    ]
    assert {f.id for f in found} == {"equal_parameters_p_value", "larger_model_p_value"}
    assert {f.unit for f in found} == {"p-value"}
    for one in found:
        check_whole(one.sentence)
        assert not CAUSAL.search(one.sentence), one.sentence
        assert one.sentence.startswith("No clear ") == (one.value > 0.05)
    same = equal_parameters_test(two_groups(np.random.default_rng(4)))
    assert "No clear difference in the parameters of the sBG model between the 2 groups" in same.sentence()  # fmt: skip


def test_arguments_that_break_a_rule_are_refused() -> None:
    exits = np.minimum(np.random.default_rng(1).geometric(0.2, 400), 6)
    plain = LifeTable.from_durations(exits, exits < 6)
    with pytest.raises(DataError, match="1 group can be projected, must be at least 2"):
        equal_parameters_test(projections(plain))
    weighted = LifeTable.from_durations(
        exits, exits < 6, weights=np.full(400, 1.5), replicate=np.arange(400) % 50
    )
    with pytest.raises(DataError, match="the counts are weighted, must be whole customers"):
        nested_model_tests(projections(weighted))


@pytest.mark.verify
def test_the_tests_keep_their_size_and_have_power() -> None:
    rng = np.random.default_rng(31)
    runs = 600
    null, other, nested = [], [], []
    for _ in range(runs):
        same, unlike = two_groups(rng), two_groups(rng, shift=0.4)
        null.append([t.p_value for t in equal_parameters_test(same)])
        other.append([t.p_value for t in equal_parameters_test(unlike)])
        nested.append([t.p_value for t in nested_model_tests(same) if t.group["model"] == "bdw"])
    size = np.mean(np.array(null)[:, 1:] < 0.05, axis=0)  # sBG and BdW are true, geometric is not
    assert ((size > 0.03) & (size < 0.075)).all(), size
    assert (np.mean(np.array(other) < 0.05, axis=0) > 0.5).all()
    assert 0.03 < np.mean(np.array(nested) < 0.05) < 0.075


@pytest.mark.verify
def test_the_test_at_the_edge_keeps_its_size() -> None:
    rng, found = np.random.default_rng(32), []
    for _ in range(1000):
        exits = rng.geometric(0.15, 800)
        table = LifeTable.from_durations(np.minimum(exits, 9), exits <= 9)
        found.append(next(iter(nested_model_tests(projections(table)))).p_value)
    assert 0.03 < np.mean(np.array(found) < 0.05) < 0.07
