"""Distributions of inputs: against SciPy, with the right ends, and drawn together as asked."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from cxresearch.errors import DataError
from cxresearch.roi.uncertain import Uncertain, correlation_problems, draw

Z90 = float(stats.norm.ppf(0.9))
SHARES = np.linspace(0.001, 0.999, 201)

ORACLES: dict[str, tuple[Uncertain, Any]] = {
    "normal": (Uncertain.normal(10, 20), stats.norm(15, 5 / Z90)),
    "measured": (Uncertain.measured(2, 1, 3, 0.95), stats.norm(2, 1 / stats.norm.ppf(0.975))),
    "lognormal": (Uncertain.lognormal(10, 40), stats.lognorm(math.log(4) / 2 / Z90, scale=20)),
    "uniform": (Uncertain.uniform(-1, 3), stats.uniform(-1, 4)),
    "triangular": (Uncertain.triangular(1, 2, 5), stats.triang(0.25, 1, 4)),
    "triangular at its end": (Uncertain.triangular(0.5, 1, 1), stats.triang(1, 0.5, 0.5)),
    "pert": (Uncertain.pert(0, 0.02, 0.04), stats.beta(3, 3, 0, 0.04)),
    "pert at its end": (Uncertain.pert(0.5, 1, 1), stats.beta(5, 1, 0.5, 0.5)),
}
each = pytest.mark.parametrize(("spread", "oracle"), ORACLES.values(), ids=ORACLES)


@each
def test_quantiles_are_those_of_scipy(spread: Uncertain, oracle: Any) -> None:
    np.testing.assert_allclose(spread.quantile(SHARES), oracle.ppf(SHARES), rtol=1e-9, atol=1e-12)


@each
def test_draws_have_the_distribution(spread: Uncertain, oracle: Any) -> None:
    drawn = draw({"x": spread}, draws=20_000, seed=3)["x"]
    assert stats.kstest(drawn, oracle.cdf).pvalue > 0.001
    assert stats.kstest(drawn + 0.05 * oracle.std(), oracle.cdf).pvalue < 0.001


def test_the_ends_of_a_normal_and_a_lognormal_hold_eight_tenths() -> None:
    for spread in (Uncertain.normal(1, 4), Uncertain.lognormal(1, 4)):
        np.testing.assert_allclose(spread.quantile([0.1, 0.9]), spread.ends)


@given(st.floats(-10, 10), st.floats(0.01, 5), st.floats(0.01, 5))
def test_the_mean_of_a_pert_counts_the_most_likely_four_times(
    low: float, first: float, second: float
) -> None:
    spread = Uncertain.pert(low, low + first, low + first + second)
    middle = (np.arange(20_000) + 0.5) / 20_000
    mean = (low + 4 * (low + first) + low + first + second) / 6
    assert spread.quantile(middle).mean() == pytest.approx(mean, abs=1e-4 * (first + second))


def test_what_is_fixed_is_never_drawn_otherwise() -> None:
    drawn = draw({"a": Uncertain.fixed(3), "b": Uncertain.pert(1, 1, 1)}, draws=10, seed=1)
    assert set(drawn["a"]) == {3}
    assert set(drawn["b"]) == {1}
    assert Uncertain.between("pert", 2, 2, 2).kind == "fixed"


TWO = {"a": Uncertain.pert(0, 1, 10), "b": Uncertain.lognormal(1, 5), "c": Uncertain.normal(0, 1)}


@pytest.mark.parametrize("rank", [-0.8, -0.3, 0.0, 0.5, 0.95])
def test_draws_go_together_as_asked(rank: float) -> None:
    drawn = draw(TWO, draws=40_000, seed=5, correlation={("a", "b"): rank})
    assert stats.spearmanr(drawn["a"], drawn["b"])[0] == pytest.approx(rank, abs=0.015)
    assert stats.spearmanr(drawn["a"], drawn["c"])[0] == pytest.approx(0, abs=0.02)
    alone = draw(TWO, draws=40_000, seed=5)
    np.testing.assert_array_equal(np.sort(drawn["c"]), np.sort(alone["c"]))
    assert stats.ks_2samp(drawn["b"], alone["b"]).pvalue > 0.001


def test_the_seed_decides_and_each_input_has_draws_of_its_own() -> None:
    first, again, other = (draw(TWO, draws=100, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(first["a"], again["a"])
    assert (first["a"] != other["a"]).any()
    np.testing.assert_array_equal(draw({"a": TWO["a"]}, draws=100, seed=1)["a"], first["a"])


@pytest.mark.parametrize(
    ("correlation", "said"),
    [
        ({("a", "x"): 0.3}, "correlation: uncertain input 'x' does not exist"),
        ({("a", "a"): 0.3}, "correlation is of a and a, must be of two, once"),
        ({("a", "b"): 0.3, ("b", "a"): 0.3}, "correlation is of b and a, must be of two, once"),
        ({("a", "b"): 1.0}, "the correlation of a and b is 1.0, must be between -1 and 1"),
        (
            {("a", "b"): 0.9, ("b", "c"): 0.9, ("a", "c"): -0.9},
            "the correlations (a and b 0.9, b and c 0.9, a and c -0.9) do not fit together",
        ),
    ],
)
def test_correlations_that_cannot_be_are_refused(
    correlation: dict[tuple[str, str], float], said: str
) -> None:
    with pytest.raises(DataError) as refused:
        draw(TWO, draws=10, seed=1, correlation=correlation)
    assert refused.value.problems[0].startswith(said)
    assert correlation_problems(list(TWO), correlation) == list(refused.value.problems)


def test_what_is_fixed_goes_with_nothing() -> None:
    inputs = {"a": Uncertain.fixed(1), "b": Uncertain.normal(0, 1)}
    with pytest.raises(DataError, match="uncertain input 'a' does not exist"):
        draw(inputs, draws=10, seed=1, correlation={("a", "b"): 0.3})


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Uncertain.pert(0.04, 0.02, 0.0), "low is 0.04 and high is 0, must be in order"),
        (lambda: Uncertain.triangular(0, 5, 4), "the most likely value is 5, must lie between"),
        (lambda: Uncertain.lognormal(-1, 4), "the ends of a lognormal are -1 and 4, must be above"),
        (lambda: Uncertain.normal(0, math.inf), "the ends are 0, inf and inf, must be finite"),
        (lambda: Uncertain.between("normal", 0, 1, 2), "the distribution is 'normal', must be one"),
        (lambda: Uncertain("beta", 0, 1, 2), "the distribution is 'beta', must be one of fixed"),
        (lambda: Uncertain.measured(1, 2, 0), "low is 1.65"),
    ],
)
def test_a_distribution_that_cannot_be_is_refused(make: Any, said: str) -> None:
    with pytest.raises(DataError) as refused:
        make()
    assert refused.value.problems[0].startswith(said)
