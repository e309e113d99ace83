"""Binomial regression on counts: statsmodels as the oracle, and what no optimum looks like."""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cxresearch.errors import DataError
from cxresearch.hazards._binomial import fit_binomial
from cxresearch.hazards._links import Link, linear_predictor, probability

LINKS: tuple[Link, ...] = get_args(Link)
GLM_LINKS = {"logit": sm.families.links.Logit(), "cloglog": sm.families.links.CLogLog()}
Array = NDArray[np.float64]


def data(
    seed: int, cells: int = 60, p: int = 4, link: Link = "logit"
) -> tuple[Array, Array, Array]:
    rng = np.random.default_rng(seed)
    x = np.column_stack([np.ones(cells), rng.normal(size=(cells, p - 1))])
    n = rng.integers(0, 400, cells).astype(float)
    share = probability(x @ rng.normal([-2.0] + [0.3] * (p - 1), 0.2), link)
    return x, rng.binomial(n.astype(int), share).astype(float), n


def oracle(x: Array, y: Array, n: Array, link: str, offset: Array | None = None):
    used = n > 0
    model = sm.GLM(
        np.column_stack([y, n - y])[used],
        x[used],
        family=sm.families.Binomial(GLM_LINKS[link]),
        offset=None if offset is None else offset[used],
    )
    return model.fit(tol=1e-14, maxiter=200)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("seed", range(6))
def test_equals_statsmodels(link: Link, seed: int) -> None:
    x, y, n = data(seed, link=link)
    offset = np.random.default_rng(seed).normal(size=len(y)) / 3
    fit, expected = fit_binomial(x, y, n, link=link, offset=offset), oracle(x, y, n, link, offset)
    assert fit.converged
    assert not fit.separated
    assert fit.coefficients == pytest.approx(expected.params, abs=1e-8)
    assert fit.standard_errors == pytest.approx(expected.bse, abs=1e-8)
    assert fit.covariance == pytest.approx(expected.cov_params(), abs=1e-8)
    fitted = fit.probabilities(x, offset)[n > 0]
    assert fitted == pytest.approx(expected.fittedvalues, abs=1e-8)


@pytest.mark.parametrize("link", LINKS)
def test_weighted_counts_equal_statsmodels(link: Link) -> None:
    x, y, n = data(7, link=link)
    weight = np.random.default_rng(7).uniform(0.2, 3, len(y))
    fit, expected = (
        fit_binomial(x, y * weight, n * weight, link=link),
        oracle(x, y * weight, n * weight, link),
    )
    assert fit.coefficients == pytest.approx(expected.params, abs=1e-8)


@pytest.mark.parametrize("link", LINKS)
def test_leading_axes_are_separate_fits(link: Link) -> None:
    x, _, n = data(3, link=link)
    rng = np.random.default_rng(3)
    trials = rng.binomial(n.astype(int), 0.8, (2, 5, len(n))).astype(float)
    successes = rng.binomial(trials.astype(int), 0.2).astype(float)
    fit = fit_binomial(x, successes, trials, link=link)
    assert fit.coefficients.shape == (2, 5, 4)
    assert fit.covariance.shape == (2, 5, 4, 4)
    assert fit.converged.shape == (2, 5)
    for i, j in np.ndindex(2, 5):
        alone = fit_binomial(x, successes[i, j], trials[i, j], link=link)
        assert fit.coefficients[i, j] == pytest.approx(alone.coefficients, abs=1e-10)
        assert fit.log_likelihood[i, j] == pytest.approx(alone.log_likelihood)


@pytest.mark.parametrize("link", LINKS)
def test_the_closed_form_of_an_intercept(link: Link) -> None:
    fit = fit_binomial(np.ones((2, 1)), [3, 7], [40, 60], link=link)
    assert fit.coefficients[0] == pytest.approx(float(linear_predictor(np.array(0.1), link)))
    assert fit.probabilities([[1.0]]) == pytest.approx([0.1])


@pytest.mark.parametrize("link", LINKS)
def test_cells_without_trials_count_nothing(link: Link) -> None:
    x, y, n = data(5, link=link)
    padded = np.vstack([x, np.full((3, 4), 1e3)])
    empty = np.zeros(3)
    fit = fit_binomial(padded, np.append(y, empty), np.append(n, empty), link=link)
    assert fit.converged
    assert fit.coefficients == pytest.approx(fit_binomial(x, y, n, link=link).coefficients)


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize(
    ("successes", "trials"),
    [
        ([5, 0], [50, 60]),  # a level without success
        ([5, 60], [50, 60]),  # a level that succeeded throughout
        ([5e3, 0], [1e6, 1e6]),
        ([0, 0], [50, 60]),  # nobody at all
        ([50, 60], [50, 60]),
    ],
)
def test_separation_is_flagged(link: Link, successes: list[float], trials: list[float]) -> None:
    fit = fit_binomial([[1, 0], [1, 1]], successes, trials, link=link)
    assert fit.separated
    assert not fit.converged
    assert np.isfinite(fit.coefficients).all()


@pytest.mark.parametrize("link", LINKS)
def test_separation_of_two_columns_together_is_flagged(link: Link) -> None:
    """No level is without success, yet a combination of columns tells the two apart."""
    x = np.column_stack([np.ones(8), np.arange(8.0), [0, 1, 0, 1, 0, 1, 0, 1]])
    fit = fit_binomial(x, [0, 0, 0, 0, 1, 1, 1, 1], np.ones(8), link=link)
    assert fit.separated


@pytest.mark.parametrize("link", LINKS)
def test_one_separated_fit_leaves_the_others_alone(link: Link) -> None:
    x = np.array([[1.0, 0], [1, 1]])
    fit = fit_binomial(x, [[5, 6], [5, 0], [8, 1]], [[50, 60]] * 3, link=link)
    assert fit.separated.tolist() == [False, True, False]
    assert fit.converged.tolist() == [True, False, True]
    alone = fit_binomial(x, [8, 1], [50, 60], link=link)
    assert fit.coefficients[2] == pytest.approx(alone.coefficients, abs=1e-12)


@pytest.mark.parametrize("link", LINKS)
def test_a_level_lost_from_one_data_set_is_not_converged(link: Link) -> None:
    fit = fit_binomial([[1, 0], [1, 1]], [[5, 6], [5, 0]], [[50, 60], [50, 0]], link=link)
    assert fit.converged.tolist() == [True, False]
    assert np.isnan(fit.covariance[1]).all()


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("far", [-40.0, 15.0])
def test_a_bad_start_does_not_diverge(link: Link, far: float) -> None:
    x, y, n = data(2, link=link)
    expected = fit_binomial(x, y, n, link=link)
    fit = fit_binomial(x, y, n, link=link, start=np.full(4, far), max_iterations=200)
    assert fit.log_likelihood <= expected.log_likelihood + 1e-6
    if fit.converged:
        assert fit.coefficients == pytest.approx(expected.coefficients, abs=1e-8)


def test_a_warm_start_needs_few_steps() -> None:
    x, y, n = data(2)
    known = fit_binomial(x, y, n).coefficients
    fit = fit_binomial(x, y, n, start=known + 1e-3, max_iterations=3)
    assert fit.converged
    assert fit.coefficients == pytest.approx(known, abs=1e-8)


def test_too_few_iterations_are_not_convergence() -> None:
    x, y, n = data(2)
    fit = fit_binomial(x, y, n, start=np.zeros(4), max_iterations=1)
    assert not fit.converged
    assert not fit.separated


@settings(max_examples=50)
@given(st.integers(0, 10**6), st.floats(0.1, 50), st.sampled_from(LINKS))
def test_counting_everybody_more_often_changes_only_the_errors(
    seed: int, factor: float, link: Literal["logit", "cloglog"]
) -> None:
    x, y, n = data(seed, link=link)
    once, often = (fit_binomial(x, y * f, n * f, link=link) for f in (1, factor))
    if once.converged:
        assert often.coefficients == pytest.approx(once.coefficients, abs=1e-7)
        assert often.standard_errors * factor**0.5 == pytest.approx(once.standard_errors, rel=1e-6)


@settings(max_examples=50)
@given(st.integers(0, 10**6))
def test_failures_for_successes_turn_the_signs_of_a_logit(seed: int) -> None:
    x, y, n = data(seed)
    assert fit_binomial(x, n - y, n).coefficients == pytest.approx(
        -fit_binomial(x, y, n).coefficients, abs=1e-8
    )


@pytest.mark.parametrize("link", LINKS)
def test_link_and_inverse(link: Link) -> None:
    share = np.array([1e-12, 1e-3, 0.5, 0.999, 1 - 1e-12])
    assert probability(linear_predictor(share, link), link) == pytest.approx(share, rel=1e-9)
    assert probability(np.array([-1e4, 1e4]), link) == pytest.approx([0, 1])


def test_errors_name_all_that_is_wrong() -> None:
    with pytest.raises(DataError, match=r"(?s)shape \(3, 1\).*successes are not from 0"):
        fit_binomial(np.ones((3, 1)), [1, 5], [4, 4])
    with pytest.raises(DataError, match="2 columns of rank 1 on 2 cells"):
        fit_binomial(np.ones((2, 2)), [1, 2], [4, 4])
    with pytest.raises(DataError, match="not finite"):
        fit_binomial([[1.0], [np.nan]], [1, 2], [4, 4])
