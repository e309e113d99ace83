import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines.datasets import load_lung
from statsmodels.duration.survfunc import survdiff

from cxresearch.errors import DataError
from cxresearch.logrank import logrank_test
from cxresearch.retention import retention_curves
from cxresearch.tables import LifeTable

HERE = Path(__file__).parent / "reference"
PUBLISHED = tomllib.loads((HERE / "survival.toml").read_text())


def run(exits, churned, group, *, entry=None, start=0):
    labels = pd.Series(group, name="plan").astype(str)
    table = LifeTable.from_durations(exits, churned, entry=entry, group=labels)
    return logrank_test(retention_curves(table, start=start, min_group=1))


def test_lung_matches_r():
    lung, expected = load_lung(), PUBLISHED["lung"]
    test = run(lung["time"], lung["status"], lung["sex"])
    assert test.statistic == pytest.approx(expected["logrank"], abs=5e-7)
    assert test.p_value == pytest.approx(expected["logrank_p"], abs=5e-6)


def test_remission_data_match_the_textbook():
    data = pd.read_csv(HERE / "freireich.csv", comment="#")
    test = run(data["weeks"], data["relapsed"], data["arm"])
    assert test.statistic == pytest.approx(PUBLISHED["freireich"]["logrank"], abs=5e-3)
    # Kleinbaum & Klein 2012, chapter 2: expected 19.25 and 10.75, observed 9 and 21
    np.testing.assert_allclose(test.expected, [19.25, 10.75], atol=5e-3)
    assert test.observed.tolist() == [9, 21]


@pytest.mark.parametrize("groups", [2, 3, 5])
@pytest.mark.parametrize("late", [False, True])
def test_equals_statsmodels_with_ties_and_late_entry(groups, late):
    rng = np.random.default_rng(groups)
    group = rng.integers(0, groups, 500)
    entry = rng.integers(0, 5, 500) * late
    exits = entry + rng.integers(1, 20, 500) + group
    churned = rng.random(500) < 0.6
    expected, p = survdiff(exits, churned, group, entry=entry if late else None)
    test = run(exits, churned, group, entry=entry)
    assert test.statistic == pytest.approx(expected)
    assert test.p_value == pytest.approx(p)
    assert test.degrees_of_freedom == groups - 1
    assert test.observed.sum() == pytest.approx(test.expected.sum())


@given(st.permutations([0, 1, 2]))
def test_does_not_depend_on_which_group_is_left_out(names):
    rng = np.random.default_rng(5)
    group, exits = rng.integers(0, 3, 90), rng.integers(1, 12, 90)
    churned = rng.random(90) < 0.7
    renamed = np.array(names)[group]
    first, second = (run(exits, churned, g).statistic for g in (group, renamed))
    assert first == pytest.approx(second)


def test_start_leaves_out_what_came_before():
    rng = np.random.default_rng(6)
    group, exits = rng.integers(0, 2, 300), rng.integers(1, 20, 300)
    churned = rng.random(300) < 0.7
    later = exits > 4
    whole = run(exits[later], churned[later], group[later], entry=np.full(later.sum(), 4), start=4)
    assert run(exits, churned, group, start=4).statistic == pytest.approx(whole.statistic)


def test_groups_never_at_risk_together_are_named_and_not_compared():
    joined = run([3, 3, 9, 9], [1, 0, 0, 0], ["a", "a", "b", "b"])
    assert joined.statistic > 0
    apart = run([3, 3, 9, 9], [0, 0, 1, 0], ["a", "a", "b", "b"])
    assert np.isnan(apart.p_value)
    assert apart.apart == ("plan b",)
    assert "cannot be compared" in apart.sentence()
    assert apart.findings()[0].value is None


def test_nobody_left_cannot_be_compared():
    test = run([3, 4], [0, 0], ["a", "b"])
    assert np.isnan(test.statistic)
    assert "no customer left" in test.sentence()


def test_sentences_follow_the_p_value():
    lung = load_lung()
    assert (
        "differ (log-rank p = 0.0013)" in run(lung["time"], lung["status"], lung["sex"]).sentence()
    )
    same = run([1, 2, 3, 4] * 2, [1] * 8, ["a"] * 4 + ["b"] * 4)
    assert same.statistic == pytest.approx(0)
    assert same.sentence().startswith("No clear difference between the retention curves of plan a")
    finding = same.findings()[0]
    assert (finding.id, finding.value, finding.n) == ("logrank_p_value", pytest.approx(1), 8)


def test_one_group_or_weights_are_refused():
    with pytest.raises(DataError, match="have 1 group, must have at least 2"):
        run([1, 2], [1, 0], ["a", "a"])
    table = LifeTable.from_durations(
        [1, 2, 3], [1, 0, 1], weights=[0.5, 1, 2], group=["a", "b", "b"], replicate=[0, 1, 2]
    )
    with pytest.raises(DataError, match="counts are weighted"):
        logrank_test(retention_curves(table, min_group=0))


@pytest.mark.verify
def test_rejects_as_often_as_it_says():
    rng = np.random.default_rng(8)
    rejected = 0
    for _ in range(2000):
        group = rng.integers(0, 2, 200)
        exits, entry = rng.geometric(0.05, 200), rng.integers(0, 6, 200)
        seen = exits > entry
        end = np.minimum(exits, 24)[seen]
        test = run(end, (exits <= 24)[seen], group[seen], entry=entry[seen])
        rejected += test.p_value < 0.05
    assert abs(rejected / 2000 - 0.05) < 4 * np.sqrt(0.05 * 0.95 / 2000)
