import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from cxresearch import uncertainty as u
from cxresearch.errors import CxError

PUBLISHED = tomllib.loads((Path(__file__).parent / "reference" / "survival.toml").read_text())
share = st.floats(0.001, 0.999)
error = st.floats(0, 0.5)
level = st.floats(0.5, 0.999)


def test_wilson_and_newcombe_match_the_published_numbers():
    expected = PUBLISHED["newcombe"]
    assert u.wilson_interval(81, 263) == pytest.approx(expected["wilson_81_of_263"], abs=5e-5)
    difference, *ends = u.newcombe_difference((56, 70), (48, 80))
    assert difference == pytest.approx(0.2)
    assert ends == pytest.approx(expected["difference_56_of_70_and_48_of_80"], abs=5e-5)


@given(st.integers(0, 500), st.integers(1, 500), level)
def test_wilson_matches_statsmodels(x, n, confidence):
    x = min(x, n)
    expected = proportion_confint(x, n, alpha=1 - confidence, method="wilson")
    got = [float(end) for end in u.wilson_interval(x, n, confidence)]
    assert got == pytest.approx([max(expected[0], 0), min(expected[1], 1)], abs=1e-12)
    assert got[0] <= x / n <= got[1]


def test_wilson_without_trials_is_missing():
    assert np.isnan(u.wilson_interval([0], [0])).all()


def test_exact_edge_is_clopper_pearson():
    for n in (1, 5, 300):
        lower, upper = proportion_confint(n, n, alpha=0.1, method="beta")
        assert u.exact_edge(n, 0.9) == pytest.approx(lower)
        assert upper == 1
    assert u.exact_edge([0]).tolist() == [0]


@given(share, error, level)
def test_intervals_hold_the_estimate_and_stay_in_bounds(p, se, confidence):
    for interval in (u.loglog_interval, u.logit_interval):
        lower, upper = interval(p, se, confidence)
        assert 0 <= lower <= p + 1e-12
        assert p - 1e-12 <= upper <= 1
    lower, upper = u.log_interval(p, se, confidence)
    assert 0 <= lower <= p <= upper


@given(share, st.floats(1e-6, 1e-4))
def test_all_scales_agree_when_the_error_is_small(p, relative):
    se = relative * p * (1 - p) * -np.log(p)
    plain = np.array(u.normal_interval(p, se))
    for interval in (u.loglog_interval, u.logit_interval, u.log_interval):
        np.testing.assert_allclose(interval(p, se), plain, atol=20 * relative * se)


def test_edges_have_no_width_on_their_scale():
    assert [x.tolist() for x in u.loglog_interval([0.0, 1.0], [0.1, 0.1])] == [[0, 1], [0, 1]]
    assert [x.tolist() for x in u.logit_interval([0.0, 1.0], [0.1, 0.1])] == [[0, 1], [0, 1]]
    assert [float(x) for x in u.log_interval(0.0, 0.1)] == [0, 0]


def test_a_huge_error_gives_the_whole_scale():
    for interval in (u.loglog_interval, u.logit_interval):
        assert [float(x) for x in interval(1e-6, 0.5)] == pytest.approx([0, 1], abs=1e-6)


def test_leave_one_out_sums_the_others():
    counts = np.arange(24).reshape(2, 3, 4)
    left = u.leave_one_out(counts)
    assert left.shape == (4, 2, 4)
    np.testing.assert_array_equal(left[0], counts.sum(1))
    np.testing.assert_array_equal(left[2], counts[:, [0, 2]].sum(1))


def test_jackknife_of_a_mean_is_the_standard_error_of_the_mean():
    # Tukey 1958: with one observation per replicate the jackknife of a mean is s / sqrt(n)
    values = np.random.default_rng(1).normal(size=(1, 200, 1))
    result = u.jackknife(lambda total, n: (total / n)[..., 0], values, np.ones_like(values))
    assert result.estimate[0] == pytest.approx(values.mean())
    assert result.standard_error[0] == pytest.approx(values.std(ddof=1) / np.sqrt(200))
    assert result.left_out.shape == (200, 1)


def test_jackknife_needs_replicates():
    with pytest.raises(CxError, match="1 replicate, must have at least 2"):
        u.jackknife(lambda x: x[..., 0], np.ones((1, 1, 1)))


@pytest.mark.parametrize("bad", [0, 1, 95, -0.1])
def test_confidence_level_is_checked(bad):
    with pytest.raises(CxError, match="must be between 0 and 1: write"):
        u.critical_value(bad)


def test_wilson_covers_as_often_as_it_says():
    # exact coverage at n = 60, averaged over p (Newcombe 1998 finds 0.952 over all n and p)
    successes, shares = np.arange(61), np.linspace(0.02, 0.98, 500)
    lower, upper = u.wilson_interval(successes, 60)
    inside = (lower <= shares[:, None]) & (shares[:, None] <= upper)
    probability = binom.pmf(successes, 60, shares[:, None])
    assert (inside * probability).sum(axis=1).mean() == pytest.approx(0.952, abs=0.003)
