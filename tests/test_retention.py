import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from lifelines.datasets import load_lung
from lifelines.utils import median_survival_times

from cxresearch.errors import CxError, DataError
from cxresearch.product_limit import first_below
from cxresearch.retention import first_safe_tenure, retention_curves
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import log_interval

HERE = Path(__file__).parent / "reference"
PUBLISHED = tomllib.loads((HERE / "survival.toml").read_text())


def curves(exits, churned, group=None, *, entry=None, replicate=None, **options):
    labels = None if group is None else pd.Series(group, name="plan").astype(str)
    table = LifeTable.from_durations(
        exits, churned, entry=entry, group=labels, replicate=replicate, as_of="2025-12-31"
    )
    return retention_curves(table, **({"min_group": 1} | options))


def simulated(n, seed, groups=1):
    rng = np.random.default_rng(seed)
    exits = rng.geometric(0.04, n)
    return (
        np.minimum(exits, 36),
        exits <= 36,
        rng.integers(0, groups, n),
        rng.integers(0, 256, n),
    )


def test_remission_data_match_the_textbook():
    data = pd.read_csv(HERE / "freireich.csv", comment="#")
    expected = PUBLISHED["freireich"]
    result = curves(data["weeks"], data["relapsed"], data["arm"])
    drug = result["6-MP"]
    for week, share, at_risk in zip(
        expected["weeks"], expected["retained"], expected["at_risk"], strict=True
    ):
        assert drug.at(week).value == pytest.approx(share, abs=5e-5)
        assert drug.at_risk[week] == at_risk
    assert drug.median[0] == expected["median_6mp"]
    assert result["placebo"].median[0] == expected["median_placebo"]


def test_lung_matches_r():
    lung, expected = load_lung(), PUBLISHED["lung"]
    result = curves(lung["time"], lung["status"], lung["sex"])
    for i, curve in enumerate(result):
        digits = expected["retained_365_half_digit"][i]
        assert curve.at(365).value == pytest.approx(expected["retained_365"][i], abs=digits)
        error = curve.standard_error[365]
        assert error == pytest.approx(expected["standard_error_365"][i], abs=5e-5)
        assert curve.median[0] == expected["median"][i]
        # R's default band is on the log scale: our crossing rule on that band gives its limits
        ends = log_interval(curve.retained, curve.standard_error)
        limits = [first_below(end) for end in ends]
        assert limits == [expected["median_lower_log"][i], expected["median_upper_log"][i]]


def test_median_interval_equals_lifelines_on_the_same_band():
    lung = load_lung()
    men = lung[lung["sex"] == 1]
    fitter = KaplanMeierFitter().fit(men["time"], men["status"])
    expected = median_survival_times(fitter.confidence_interval_).to_numpy()[0]
    assert curves(men["time"], men["status"])[0].median[1:] == tuple(expected)


def test_jackknife_agrees_with_greenwood():
    exits, churned, _, replicate = simulated(6000, seed=1)
    greenwood = curves(exits, churned, replicate=replicate)[0]
    jackknife = curves(exits, churned, replicate=replicate, method="jackknife")[0]
    np.testing.assert_array_equal(greenwood.retained, jackknife.retained)
    # a standard error from 256 groups has itself a relative error of 1 / sqrt(2 * 255) = 4.4 %
    ratio = jackknife.standard_error[3:] / greenwood.standard_error[3:]
    assert np.abs(ratio - 1).max() < 4 * 0.044
    assert ratio.mean() == pytest.approx(1, abs=0.08)


def test_weights_take_the_jackknife_and_equal_weights_change_nothing():
    exits, churned, _, replicate = simulated(600, seed=2)
    plain = curves(exits, churned, replicate=replicate, method="jackknife")[0]
    table = LifeTable.from_durations(exits, churned, weights=[0.5] * 600, replicate=replicate)
    weighted = retention_curves(table)
    assert weighted.method == "jackknife"
    np.testing.assert_allclose(weighted[0].retained, plain.retained)
    np.testing.assert_allclose(weighted[0].standard_error, plain.standard_error)


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=30)
def test_fractions_of_a_weight_change_nothing(seed):
    # sums of tenths are not exact: what is left of them must not look like customers at risk
    rng = np.random.default_rng(seed)
    exits, replicate = rng.integers(1, 20, 60), rng.integers(0, 5, 60)
    group, churned = (exits > 9).astype(str), rng.random(60) < 0.6
    tenths, ends = rng.integers(1, 9, 60), []
    for unit in (1.0, 0.1):
        table = LifeTable.from_durations(
            exits, churned, weights=tenths * unit, group=group, replicate=replicate
        )
        result = retention_curves(table, min_group=1)
        ends.append([(c.longest, c.retained, c.standard_error) for c in result])
    for whole, fraction in zip(*ends, strict=True):
        assert whole[0] == fraction[0]
        np.testing.assert_allclose(whole[1], fraction[1], atol=1e-9)
        np.testing.assert_allclose(whole[2], fraction[2], atol=1e-9)


def test_telco_matches_the_values_known_for_it(shared_data):
    data = pd.read_csv(shared_data / "telco" / "telco_customer_churn.csv")
    churned = data["Churn"] == "Yes"
    overall = curves(data["tenure"], churned)[0]
    expected = {12: 0.8432, 24: 0.7887, 36: 0.7485, 48: 0.7088, 60: 0.6644, 72: 0.5928}
    for tenure, share in expected.items():
        assert overall.at(tenure).value == pytest.approx(share, abs=5e-5)
    chosen = (data["Contract"] == "Month-to-month") & (data["InternetService"] != "No")
    monthly = curves(data["tenure"][chosen], churned[chosen])[0]
    assert (monthly.n, monthly.events, monthly.median[0]) == (3351, 1556, 34)


def test_start_conditions_on_having_reached_it():
    exits, churned, *_ = simulated(2000, seed=3)
    whole, later = curves(exits, churned)[0], curves(exits, churned, start=12)[0]
    np.testing.assert_allclose(later.retained, whole.retained[12:] / whole.retained[12])
    assert later.tenure[0] == 12
    assert later.n == (exits > 12).sum()
    assert "customers who reached 12 months, " in later.at(24).sentence


def test_beyond_the_data_raises_with_the_way_out():
    curve = curves([5, 9], [1, 0])[0]
    with pytest.raises(CxError, match=r"tenure is 10, must be .* from 0 to 9.*project the curve"):
        curve.at(10)
    with pytest.raises(CxError, match="must be a whole number"):
        curve.at(2.5)


def test_a_finding_beyond_the_data_says_so_and_has_no_value():
    finding = curves([5, 9], [1, 0], ["a", "a"])[0].findings([12])[0]
    assert finding.value is None
    assert finding.group == {"tenure": "12", "plan": "a"}
    assert "Not known" in finding.sentence
    assert "from 0 to 9 months" in finding.sentence


def test_findings_hold_what_the_report_needs():
    exits, churned, group, _ = simulated(3000, seed=4, groups=2)
    result = curves(exits, churned, group)
    found = [f.to_dict() for f in result.findings([12, 24])]
    assert [f["id"] for f in found] == ["retained", "retained", "median_tenure"] * 2
    first = found[0]
    assert first["group"] == {"tenure": "12", "plan": "0"}
    assert first["n"] == (group == 0).sum()
    assert (first["unit"], first["as_of"], first["grade"]) == ("share", "2025-12-31", "C")
    assert first["ci_lower"] < first["value"] < first["ci_upper"]
    assert found[2]["unit"] == "months"


def test_overall_findings_leave_the_group_out():
    assert curves([12, 13], [0, 0])[0].findings()[0].group == {"tenure": "12"}


def test_small_groups_are_named_without_numbers():
    exits, group = [12] * 40 + [3] * 5, ["big"] * 40 + ["tiny"] * 5
    result = curves(exits, [0] * 40 + [1] * 5, group, min_group=30)
    assert len(result) == 1
    last = result.findings()[-1]
    assert last.id == "not_reported"
    assert last.group == {"plan": "tiny"}
    assert (last.value, last.n) == (None, None)
    assert last.sentence == "Customers with plan tiny are not reported: fewer than 30 customers."
    assert last.sentence in result.sentence()
    assert "tiny" not in result.to_frame()["plan"].tolist()


def test_all_groups_small_leaves_an_empty_result_that_still_speaks():
    result = curves([3, 4], [1, 0], ["a", "b"], min_group=30)
    assert len(result) == 0
    assert "plan a are not reported" in result.sentence()
    assert result.to_frame().empty
    assert "<table" in result._repr_html_()


def test_few_events_come_with_a_warning():
    few = curves([2] * 4 + [24] * 96, [1] * 4 + [0] * 96)[0]
    assert "Only 4 of them left while observed: read the interval" in few.at(12).sentence
    many = curves([2] * 10 + [24] * 90, [1] * 10 + [0] * 90)[0]
    assert "Only" not in many.at(12).sentence


def test_sentences_of_the_median():
    falls = curves(list(range(1, 41)), [1] * 40)[0]
    assert falls.median_tenure().sentence.startswith("Half of the customers have left by 20 months")
    stays = curves([6] * 20 + [24] * 80, [1] * 20 + [0] * 80)[0].median_tenure()
    assert stays.value is None
    assert "the median is not reached" in stays.sentence
    open_end = curves([5] * 4 + [9] * 3, [1] * 4 + [0] * 3)[0].median_tenure()
    assert (open_end.value, open_end.ci_upper) == (5, None)
    assert "no upper end yet" in open_end.sentence


def test_natural_frequencies_use_no_digit_the_interval_does_not_support():
    wide = curves([6] * 20 + [12] * 80, [1] * 20 + [0] * 80)[0].at(12)
    assert wide.sentence.startswith("Of 100 customers, 80 are still there after 12 months (95 %")
    narrow = curves([6] * 2000 + [12] * 98000, [1] * 2000 + [0] * 98000)[0].at(12)
    assert narrow.sentence.startswith("Of 1,000 customers, 980 are still there")


def test_no_events_all_events_and_one_customer():
    none = curves([12] * 50, [0] * 50)[0].at(12)
    assert (none.value, none.ci_upper) == (1, 1)
    assert none.ci_lower == pytest.approx(0.025 ** (1 / 50))
    everyone = curves([12] * 50, [1] * 50)[0].at(12)
    assert (everyone.value, everyone.ci_lower) == (0, 0)
    assert everyone.ci_upper == pytest.approx(1 - 0.025 ** (1 / 50))
    alone = curves([3], [1])[0]
    assert alone.at(2).ci_lower == pytest.approx(0.025)
    assert alone.at(3).ci_upper == pytest.approx(0.975)


def test_tenure_zero_customers_count_but_are_at_risk_of_nothing_later():
    curve = curves([0, 0, 5, 5], [0, 0, 1, 0])[0]
    assert curve.n == 4
    assert curve.at_risk.tolist() == [4, 2, 2, 2, 2, 2]
    assert curve.at(5).value == 0.5


def test_a_gap_in_the_risk_set_is_refused_with_the_start_to_take():
    exits, entry = [2] * 3 + [9] * 3, [0] * 3 + [6] * 3
    with pytest.raises(DataError, match=r"plan a has nobody at risk at tenure 3.*start=6"):
        curves(exits, [1, 0, 0] * 2, ["a"] * 6, entry=entry)
    assert curves(exits, [1, 0, 0] * 2, ["a"] * 6, entry=entry, start=6)[0].longest == 9


def test_everyone_entering_late_needs_a_start_that_the_helper_finds():
    entry = np.repeat([4, 6], 50)
    table = LifeTable.from_durations(np.full(100, 20), np.arange(100) % 2, entry=entry)
    with pytest.raises(DataError, match="nobody at risk at tenure 1"):
        retention_curves(table)
    assert first_safe_tenure(table) == 4
    assert first_safe_tenure(table, 60) == 6
    assert retention_curves(table, start=4)[0].retained[0] == 1


def test_bad_arguments_are_named_together():
    table = LifeTable.from_durations([3], [1])
    with pytest.raises(DataError) as error:
        retention_curves(table, start=9, method="bootstrap")
    assert len(error.value.problems) == 2
    with pytest.raises(CxError, match="confidence_level is 95"):
        retention_curves(table, min_group=1, confidence_level=95)
    with pytest.raises(CxError, match="lang is 'xx'"):
        curves([3], [1])[0].sentence("xx")
    with pytest.raises(DataError, match="group 'z' has no curve, must be one of a and b"):
        curves([3, 3], [1, 0], ["a", "b"])["z"]


def test_hostile_labels_are_escaped_in_html():
    html = curves([13, 13], [0, 0], ["<script>", "b"])._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


@given(st.integers(0, 10**6))
@settings(deadline=None, max_examples=25)
def test_pooled_curve_lies_between_the_curves_of_its_groups(seed):
    exits, churned, group, _ = simulated(400, seed, groups=3)
    parts = curves(exits, churned, group)
    whole = curves(exits, churned)[0]
    tenure = min(parts.common_horizon, 10)
    rates = [c.churned[tenure] / c.at_risk[tenure] for c in parts]
    pooled = whole.churned[tenure] / whole.at_risk[tenure]
    assert min(rates) - 1e-12 <= pooled <= max(rates) + 1e-12


def covers(n, tenure, seed, method):
    """Tell whether the interval at one tenure holds the truth, with late entry and censoring."""
    rng = np.random.default_rng(seed)
    life, entry = rng.geometric(0.05, n), rng.integers(0, 4, n)
    end = entry + rng.integers(4, 30, n)
    seen = life > entry
    table = LifeTable.from_durations(
        np.minimum(life, end)[seen],
        (life <= end)[seen],
        entry=entry[seen],
        replicate=np.arange(n)[seen] % 256,
    )
    finding = retention_curves(table, method=method)[0].at(tenure)
    return finding.ci_lower <= 0.95**tenure <= finding.ci_upper


@pytest.mark.parametrize("method", ["greenwood", "jackknife"])
def test_interval_covers_the_truth(method):
    hits = sum(covers(250, 12, seed, method) for seed in range(400))
    # four binomial standard errors of 400 draws around 95 %
    assert abs(hits / 400 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 400)


@pytest.mark.verify
@pytest.mark.parametrize("method", ["greenwood", "jackknife"])
@pytest.mark.parametrize(("n", "tenure"), [(60, 6), (250, 20), (2000, 12)])
def test_interval_covers_the_truth_at_length(method, n, tenure):
    hits = sum(covers(n, tenure, seed, method) for seed in range(4000))
    # at 60 customers the interval is an approximation: one more point is allowed
    slack = 0.01 if n < 100 else 0.003
    assert abs(hits / 4000 - 0.95) < 4 * np.sqrt(0.95 * 0.05 / 4000) + slack
