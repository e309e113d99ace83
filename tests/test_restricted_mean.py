import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lifelines.datasets import load_lung, load_waltons

from cxresearch.errors import CxError, DataError
from cxresearch.restricted_mean import restricted_mean_difference, restricted_means
from cxresearch.retention import retention_curves
from cxresearch.tables import LifeTable

PUBLISHED = tomllib.loads((Path(__file__).parent / "reference" / "survival.toml").read_text())


def means(exits, churned, group=None, horizon=None, *, replicate=None, **options):
    labels = None if group is None else pd.Series(group, name="plan").astype(str)
    table = LifeTable.from_durations(exits, churned, group=labels, replicate=replicate)
    return restricted_means(retention_curves(table, **({"min_group": 1} | options)), horizon)


def test_lung_matches_r_and_survrm2():
    lung, expected = load_lung(), PUBLISHED["lung"]
    result = means(lung["time"], lung["status"], lung["sex"], expected["horizon"])
    for mean, value, error in zip(
        result, expected["restricted_mean"], expected["restricted_mean_se"], strict=True
    ):
        assert mean.restricted_mean == pytest.approx(value, abs=5e-4)
        assert mean.standard_error == pytest.approx(error, abs=5e-4)
    difference = restricted_mean_difference(result[1], result[0])
    assert difference.difference == pytest.approx(expected["difference"], abs=5e-5)
    assert difference.standard_error == pytest.approx(expected["difference_se"], abs=5e-5)
    assert difference.p_value == pytest.approx(expected["difference_p"], abs=5e-8)


def test_waltons_matches_survrm2():
    data, expected = load_waltons(), PUBLISHED["waltons"]
    data = data[data["group"] == "miR-137"]
    mean = means(data["T"], data["E"], horizon=expected["horizon"])[0]
    assert mean.restricted_mean == pytest.approx(expected["restricted_mean"], abs=5e-5)
    assert mean.standard_error == pytest.approx(expected["restricted_mean_se"], abs=5e-4)


def test_without_censoring_it_is_a_plain_mean_with_its_standard_error():
    exits = np.random.default_rng(1).integers(1, 40, 300)
    mean = means(exits, np.ones(300, bool), horizon=24)[0]
    lived = np.minimum(exits, 24)
    assert mean.restricted_mean == pytest.approx(lived.mean())
    assert mean.standard_error == pytest.approx(lived.std() / np.sqrt(300))


def test_jackknife_agrees():
    rng = np.random.default_rng(2)
    exits, replicate = rng.geometric(0.05, 4000), rng.integers(0, 256, 4000)
    plain, jack = (
        means(np.minimum(exits, 40), exits <= 40, horizon=36, replicate=replicate, method=m)[0]
        for m in ("greenwood", "jackknife")
    )
    assert plain.restricted_mean == jack.restricted_mean
    # the jackknife's own relative error with 256 groups is 4.4 %
    assert jack.standard_error == pytest.approx(plain.standard_error, rel=4 * 0.044)


def test_start_counts_time_after_it():
    exits = np.random.default_rng(3).integers(1, 40, 500)
    mean = means(exits, np.ones(500, bool), horizon=24, start=6)[0]
    later = np.minimum(exits[exits > 6], 24) - 6
    assert mean.restricted_mean == pytest.approx(later.mean())
    assert "Of the first 24 months after reaching 6" in mean.sentence()


def test_nobody_left_has_an_interval_from_the_exact_limit():
    mean = means([12] * 40, [0] * 40, horizon=12)[0]
    assert (mean.restricted_mean, mean.standard_error) == (12, 0)
    assert mean.restricted_mean_ci_upper == 12
    assert mean.restricted_mean_ci_lower == pytest.approx(1 + 11 * 0.025 ** (1 / 40))


def test_everybody_left_at_once_has_an_interval_too():
    mean = means([1] * 40 + [12], [1] * 40 + [1], horizon=6)[0]
    assert 0 < mean.restricted_mean_ci_lower <= mean.restricted_mean
    all_at_once = means([3] * 40, [1] * 40, horizon=3)[0]
    assert all_at_once.restricted_mean == 3


def test_difference_with_a_group_without_events_still_has_an_interval():
    result = means([3] * 20 + [12] * 60, [1] * 20 + [0] * 60, ["a"] * 40 + ["b"] * 40, 12)
    difference = restricted_mean_difference(result[1], result[0])
    assert difference.difference_ci_lower < difference.difference < difference.difference_ci_upper
    wider = difference.difference_ci_upper - difference.difference_ci_lower
    alone = result[0].restricted_mean_ci_upper - result[0].restricted_mean_ci_lower
    assert wider > alone


def test_beyond_the_data_raises_for_each_group():
    with pytest.raises(CxError) as error:
        means([5, 9, 20], [1, 0, 1], ["a", "b", "c"], 12)
    assert len(error.value.problems) == 2
    assert "horizon is 12, must be a whole number from 1 to 5 for plan a" in str(error.value)


def test_horizon_defaults_to_what_all_groups_reach():
    assert means([5, 9, 20], [1, 0, 1], ["a", "b", "c"])[0].horizon == 5


def test_incomparable_means_are_refused():
    first = means([9] * 9, [1] * 9, horizon=6)[0]
    second = means([9] * 9, [1] * 9, horizon=9, confidence_level=0.9)[0]
    with pytest.raises(DataError) as error:
        restricted_mean_difference(first, second)
    assert len(error.value.problems) == 2


def test_sentences():
    lung = load_lung()
    result = means(lung["time"], lung["status"], lung["sex"], 965)
    longer = restricted_mean_difference(result[1], result[0])
    shorter = restricted_mean_difference(result[0], result[1])
    assert "with plan 2 stay 132 months (54 to 210) longer on average" in longer.sentence()
    assert "with plan 1 stay 132 months (54 to 210) shorter on average" in shorter.sentence()
    none = restricted_mean_difference(result[0], result[0]).sentence()
    assert none.startswith("No clear difference in time stayed between plan 1 and plan 1")
    finding = longer.findings()[0]
    assert finding.group == {"horizon": "965", "plan_first": "2", "plan_second": "1"}
    assert finding.n == len(lung)
    assert result.findings()[0].group == {"horizon": "965", "plan": "1"}
    assert len(result.to_frame()) == 2
    assert "p value" in longer._repr_html_()


def test_small_groups_are_named():
    result = means([9] * 50, [0] * 50, ["a"] * 35 + ["b"] * 15, min_group=30)
    assert len(result) == 1
    assert result.findings()[-1].id == "not_reported"


def covers(n, seed, method):
    rng = np.random.default_rng(seed)
    life, end = rng.geometric(0.05, n), rng.integers(24, 40, n)
    mean = means(
        np.minimum(life, end), life <= end, horizon=24, replicate=np.arange(n) % 256, method=method
    )[0]
    truth = (1 - 0.95**24) / 0.05
    return mean.restricted_mean_ci_lower <= truth <= mean.restricted_mean_ci_upper


@pytest.mark.parametrize("method", ["greenwood", "jackknife"])
def test_interval_covers_the_truth(method):
    hits = sum(covers(300, seed, method) for seed in range(400))
    assert abs(hits / 400 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400)


@pytest.mark.verify
@pytest.mark.parametrize("method", ["greenwood", "jackknife"])
@pytest.mark.parametrize("n", [100, 2000])
def test_interval_covers_the_truth_at_length(method, n):
    hits = sum(covers(n, seed, method) for seed in range(4000))
    assert abs(hits / 4000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 4000) + 0.005
