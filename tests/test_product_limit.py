import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from cxresearch import product_limit as pl
from cxresearch.tables import LifeTable

ROW = st.tuples(st.integers(0, 5), st.integers(1, 8), st.booleans())  # entry, length, churned
ROWS = st.lists(ROW, min_size=1, max_size=60)
quick = settings(max_examples=80)


def counts(rows):
    entry, length, churned = zip(*rows, strict=True)
    table = LifeTable.from_durations(np.add(entry, length), churned, entry=entry)
    return table.at_risk.sum(1)[0], table.churned.sum(1)[0]


def naive_share(rows, tenure):
    """Return S(tenure) from the rows, one factor per tenure, by counting customers."""
    share = 1.0
    for t in range(1, tenure + 1):
        at_risk = [1 for entry, length, _ in rows if entry < t <= entry + length]
        left = [1 for entry, length, churned in rows if entry + length == t and churned]
        share *= 1 - len(left) / len(at_risk) if at_risk else 1
    return share


@given(ROWS)
@quick
def test_share_equals_counting_rows(rows):
    share = pl.retained_share(*counts(rows))
    assert share[-1] == pytest.approx(naive_share(rows, len(share) - 1))


@given(ROWS)
@quick
def test_entry_zero_equals_no_entry(rows):
    rows = [(0, length, churned) for _, length, churned in rows]
    exits, churned = [r[1] for r in rows], [r[2] for r in rows]
    late = LifeTable.from_durations(exits, churned, entry=[0] * len(rows))
    plain = LifeTable.from_durations(exits, churned)
    np.testing.assert_array_equal(late.at_risk, plain.at_risk)


@given(ROWS, st.integers(0, 6), st.floats(0.5, 0.99))
@quick
def test_curve_falls_and_lies_inside_its_band(rows, start, level):
    at_risk, churned = counts(rows)
    assume(start < len(at_risk))
    share = pl.retained_share(at_risk, churned, start)
    error = pl.greenwood_se(at_risk, churned, start)
    lower, upper = pl.retained_band(at_risk, churned, error, level, start)
    assert (np.diff(share) <= 0).all()
    assert (share[: start + 1] == 1).all() if start else True
    assert ((lower >= 0) & (lower <= share + 1e-12)).all()
    assert ((upper <= 1) & (upper >= share - 1e-12)).all()


@given(ROWS)
@quick
def test_conditional_curve_is_the_ratio_of_two_shares(rows):
    at_risk, churned = counts(rows)
    share = pl.retained_share(at_risk, churned)
    assume(len(share) > 3)
    assume(share[3] > 0)
    np.testing.assert_allclose(pl.retained_share(at_risk, churned, 3)[3:], share[3:] / share[3])


@pytest.mark.parametrize("late", [False, True])
def test_curve_error_and_band_equal_lifelines_with_ties_and_late_entry(late):
    rng = np.random.default_rng(11)
    entry = rng.integers(0, 6, 400) * late
    exits = entry + rng.integers(1, 25, 400)
    churned = rng.random(400) < 0.5
    table = LifeTable.from_durations(exits, churned, entry=entry)
    at_risk, left = table.at_risk[0, 0], table.churned[0, 0]
    fitter = KaplanMeierFitter().fit(exits, churned, entry=entry if late else None)
    tenures = range(1, 25)
    share, error = pl.retained_share(at_risk, left), pl.greenwood_se(at_risk, left)
    expected = fitter.survival_function_at_times(tenures)
    np.testing.assert_allclose(share[1:25], expected, rtol=1e-12)
    band = fitter.confidence_interval_.reindex(tenures, method="ffill").to_numpy().T
    got = np.array(pl.retained_band(at_risk, left, error, 0.95))[:, 1:25]
    np.testing.assert_allclose(got, band, rtol=1e-10)


def test_band_before_the_first_churn_is_the_exact_binomial_limit():
    at_risk, churned = np.array([50, 50, 40, 60]), np.array([0, 0, 0, 0])
    lower, upper = pl.retained_band(at_risk, churned, np.zeros(4), 0.95)
    # all of 50, then of the smallest risk set so far: Clopper & Pearson 1934
    np.testing.assert_allclose(lower, [1, 0.025 ** (1 / 50), 0.025 ** (1 / 40), 0.025 ** (1 / 40)])
    assert (upper == 1).all()


def test_band_after_the_last_customer_left_is_exact_and_stays():
    at_risk, churned = np.array([7, 7, 0, 0]), np.array([0, 7, 0, 0])
    lower, upper = pl.retained_band(at_risk, churned, pl.greenwood_se(at_risk, churned), 0.95)
    assert lower.tolist() == [1, 0, 0, 0]
    np.testing.assert_allclose(upper, [1, *[1 - 0.025 ** (1 / 7)] * 3])


def test_band_when_the_curve_falls_to_zero_later_is_below_the_band_before():
    at_risk, churned = np.array([9, 9, 5]), np.array([0, 4, 5])
    error = pl.greenwood_se(at_risk, churned)
    _, upper = pl.retained_band(at_risk, churned, error, 0.95)
    assert upper[2] == pytest.approx(upper[1] * (1 - 0.025 ** (1 / 5)))


def test_restricted_area_without_censoring_is_the_mean_of_min_t_and_horizon():
    rng = np.random.default_rng(3)
    exits = rng.integers(1, 30, 500)
    table = LifeTable.from_durations(exits, np.ones(500, bool))
    at_risk, churned = table.at_risk[0, 0], table.churned[0, 0]
    lived = np.minimum(exits, 12)
    assert pl.restricted_area(pl.retained_share(at_risk, churned), 12) == pytest.approx(
        lived.mean()
    )
    # and its variance is the plain one of a mean: s^2 (n - 1)/n / n
    assert pl.restricted_area_se(at_risk, churned, 12) == pytest.approx(lived.std() / np.sqrt(500))


def test_first_below_is_the_first_tenure_at_or_under_the_threshold():
    share = np.array([[1, 0.7, 0.5 + 1e-15, 0.2], [1, 0.9, 0.8, 0.7]])
    np.testing.assert_array_equal(pl.first_below(share), [2, np.nan])


def test_safe_start_skips_thin_early_risk_sets_only():
    late = np.array([0, 2, 5, 31, 40, 80, 60, 20, 3])
    always = np.array([90, 90, 80, 70, 50, 30, 10, 5, 1])
    assert pl.safe_start(np.stack([late, always]), 30).tolist() == [2, 0]
    assert pl.last_observed(np.stack([late, np.zeros(9)])).tolist() == [8, 0]
