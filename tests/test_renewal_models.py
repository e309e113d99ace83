from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import beta as beta_function
from scipy.special import logit

from cxresearch.projection._model_fit import fit_models
from cxresearch.projection._renewal_models import (
    LOWEST,
    MODELS,
    Fit,
    fit,
    information,
    links,
    log_likelihood,
    log_retained,
    log_retained_slopes,
    score,
)
from cxresearch.tables import LifeTable

REFERENCE = tomllib.loads((Path(__file__).parent / "reference" / "projection.toml").read_text())
SEGMENTS = ("regular", "high_end")


def at(alpha: float, beta: float, c: float = 1.0) -> np.ndarray:
    """Coordinates of an sBG or BdW."""
    return np.array([logit(alpha / (alpha + beta)), -np.log(alpha + beta), np.log(c)])


def published(segment: str, years: int) -> tuple[np.ndarray, np.ndarray]:
    """At risk and churned of Table 1, tenures 1 to `years`."""
    table = REFERENCE["table_1"]
    left = np.array(table[segment]) * table["cohort"] / 100
    return left[None, :years], -np.diff(left[: years + 1])[None]


def natural(model: str, found: Fit) -> dict[str, float]:
    return {name: float(np.exp(x[0])) for name, x in links(model, found.coordinates).items()}


def close(value: float, expected: float, digits: int) -> None:
    assert abs(value - expected) <= 0.5 * 10.0**-digits + 1e-9, (value, expected)


# Published


@pytest.mark.parametrize("segment", SEGMENTS)
def test_sbg_on_seven_years_is_as_published(segment: str) -> None:
    printed = REFERENCE["sbg_7_years"]
    n, d = published(segment, 7)
    found = fit("sbg", n, d)
    values = natural("sbg", found)
    for name in ("alpha", "beta"):
        close(values[name], printed[segment][name], 4)
        close(values[name], printed[segment][f"{name}_printed"], 3)
    close(found.log_likelihood[0] / 1000, printed["log_likelihood_per_customer"][segment], 6)
    close(
        values["alpha"] / (values["alpha"] + values["beta"]),
        printed["mean_churn_probability"][segment],
        4,
    )
    last = float(np.exp(log_retained(found.coordinates, np.array([12])))[0, 0])
    close(last, printed["retained_12"][segment], 4)
    seen = REFERENCE["table_1"][segment][12] / 100
    close(100 * (last / seen - 1), printed["relative_error_12_percent"][segment], 1)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_standard_errors_of_the_sbg_are_as_computed_elsewhere(segment: str) -> None:
    n, d = published(segment, 7)
    table = np.concatenate([[[1000.0]], n], axis=1), np.concatenate([[[0.0]], d], axis=1)
    (found,) = fit_models(*table, ["sbg"], step=None, whole=True)
    errors = REFERENCE["sbg_7_years"]["standard_errors_1000"][segment]
    for parameter, error in zip(found.parameters(0.95).values(), errors, strict=True):
        close(parameter.standard_error, error, 4)


def test_projection_and_retention_rates_of_high_end_are_as_published() -> None:
    printed = REFERENCE["sbg_high_end"]
    found = fit("sbg", *published("high_end", 7))
    share = np.exp(log_retained(found.coordinates, np.arange(13)))[0]
    for value, expected in zip(share[8:], printed["retained_8_to_12"], strict=True):
        close(value, expected, 3)
    # eCLV's optimiser stops a little short of the top: its fifth digit is not that of the maximum
    np.testing.assert_allclose(
        share[1:11] / share[:10], printed["retention_rate_1_to_10"], atol=0.5e-4
    )
    flat = log_likelihood(at(1, 1)[None], *published("high_end", 7))
    close(flat[0] / 1000, printed["log_likelihood_at_1_1_per_customer"], 5)


@pytest.mark.parametrize("segment", SEGMENTS)
def test_sbg_on_four_years_is_poor_in_the_published_way(segment: str) -> None:
    values = natural("sbg", fit("sbg", *published(segment, 4)))
    for name, expected in REFERENCE["sbg_4_years"][segment].items():
        close(values[name], expected, 3)


def test_bdw_on_four_years_of_high_end_is_as_published() -> None:
    printed = REFERENCE["bdw_4_years_high_end"]
    found = fit("bdw", *published("high_end", 4))
    for name, value in natural("bdw", found).items():
        close(value, printed[name], 4)
    close(found.log_likelihood[0] / 1000, printed["log_likelihood_per_customer"], 4)
    share = 100 * np.exp(log_retained(found.coordinates, np.arange(1, 11)))[0]
    np.testing.assert_allclose(share, printed["retained_1_to_10"], atol=2e-3)
    seen = np.array(REFERENCE["table_1"]["high_end"][5:]) / 100
    for model, expected in printed["mape_to_12_percent"].items():
        end = fit(model, *published("high_end", 4))
        said = np.exp(log_retained(end.coordinates, np.arange(5, 13)))[0]
        close(100 * float(np.abs(said / seen - 1).mean()), expected, 1)


def test_bdw_on_seven_years_of_high_end_with_standard_errors() -> None:
    printed = REFERENCE["bdw_7_years_high_end"]
    n, d = published("high_end", 7)
    table = np.concatenate([[[1000.0]], n], axis=1), np.concatenate([[[0.0]], d], axis=1)
    (found,) = fit_models(*table, ["bdw"], step=None, whole=True)
    close(found.log_likelihood / 1000, printed["log_likelihood_per_customer"], 5)
    parameters = found.parameters(0.95)
    for (name, parameter), error in zip(
        parameters.items(), printed["standard_errors_1000"], strict=True
    ):
        close(parameter.value, printed[name], 4)
        close(parameter.standard_error, error, 4)


def test_five_cohorts_together_are_as_published() -> None:
    printed = REFERENCE["case_1"]
    n, d = case_1()
    found = fit("sbg", n, d)
    values = natural("sbg", found)
    for name in ("alpha", "beta"):
        close(values[name], printed[name], 1)  # printed from rounded survivors
        close(values[name], printed[f"{name}_refitted"], 4)


def case_1() -> tuple[np.ndarray, np.ndarray]:
    """Five cohorts, the k-th seen for k years less one."""
    left = np.array(REFERENCE["case_1"]["survivors"], dtype=float)
    seen = np.array([4, 3, 2, 1])  # cohorts that are seen in each year of tenure
    return (left[:-1] * seen)[None], (-np.diff(left) * seen)[None]


# Another way to the same numbers


def rows(seed: int, n: int = 400, longest: int = 10) -> tuple[np.ndarray, ...]:
    """Entry, exit and churned of customers who come under observation late and leave by an sBG."""
    rng = np.random.default_rng(seed)
    theta = rng.beta(0.9, 3.5, n)
    entry, exit_ = rng.integers(0, 4, n), rng.geometric(theta)
    end = rng.integers(2, longest + 1, n)
    seen = (np.minimum(exit_, end) > entry) & (exit_ > entry)
    return entry[seen], np.minimum(exit_, end)[seen], (exit_ <= end)[seen]


def naive(parameters: np.ndarray, entry: np.ndarray, last: np.ndarray, churned: np.ndarray):
    """Minus the log-likelihood, customer by customer, straight from the definition."""
    a, b, *c = np.exp(parameters)
    c = c[0] if c else 1.0

    def s(t):
        return beta_function(a, b + t**c) / beta_function(a, b)

    total = 0.0
    for e, t, gone in zip(entry.astype(float), last.astype(float), churned, strict=True):
        total += np.log((s(t - 1) - s(t) if gone else s(t)) / s(e))
    return -total


def counts(entry: np.ndarray, last: np.ndarray, churned: np.ndarray):
    table = LifeTable.from_durations(last, churned, entry=entry)
    return table.at_risk.sum(1)[:, 1:].astype(float), table.churned.sum(1)[:, 1:].astype(float)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize(("model", "start"), [("sbg", [0.0, 1.0]), ("bdw", [0.0, 1.0, 0.0])])
def test_the_fit_is_that_of_a_naive_likelihood_of_rows(
    model: str, start: list[float], seed: int
) -> None:
    data = rows(seed)
    found = fit(model, *counts(*data))
    slow = minimize(naive, start, args=data, method="Nelder-Mead", options={"fatol": 1e-9, "xatol": 1e-7, "maxiter": 4000, "maxfev": 4000})  # fmt: skip
    assert found.converged.all()
    assert found.log_likelihood[0] == pytest.approx(-slow.fun, abs=1e-6)
    values = list(natural(model, found).values())
    np.testing.assert_allclose(values, np.exp(slow.x), rtol=2e-3 if model == "bdw" else 2e-4)


@pytest.mark.parametrize("c", [0.6, 1.0, 1.7])
def test_counts_and_rows_have_the_same_likelihood_everywhere(c: float) -> None:
    data = rows(3)
    value = log_likelihood(at(0.8, 2.5, c)[None], *counts(*data))[0]
    assert value == pytest.approx(-naive(np.log([0.8, 2.5, c]), *data), rel=1e-12)


POINTS = [
    (0.7, 1.2, 1.0),
    (0.26, 1.7, 1.58),
    (30.0, 900.0, 0.8),
    (3e3, 9e4, 1.2),
    (1e-3, 2e-3, 0.5),
]


@pytest.mark.parametrize("point", POINTS)
def test_slopes_are_those_of_differences(point: tuple[float, float, float]) -> None:
    here, tenure = at(*point), np.arange(60)
    slopes = log_retained_slopes(here, tenure)
    n, d = np.linspace(500, 60, 59)[None], np.linspace(60, 1, 59)[None]
    gradient = score(here[None], n, d)[0][0]
    for j in range(3):
        step = np.zeros(3)
        step[j] = 1e-5
        change = (log_retained(here + step, tenure) - log_retained(here - step, tenure)) / 2e-5
        np.testing.assert_allclose(slopes[:, j], change, rtol=1e-5, atol=1e-6)
        rise = log_likelihood(here + step, n, d) - log_likelihood(here - step, n, d)
        assert gradient[j] == pytest.approx(rise[0] / 2e-5, rel=1e-4, abs=1e-3)


@given(st.floats(-12, 12), st.floats(-13, 3) | st.just(-np.inf))
def test_the_closed_form_of_c_1_is_the_limit_of_the_general_one(mean: float, spread: float) -> None:
    """Where c is 1 for good the score needs no Γ; its own coordinates must not notice."""
    here = np.array([[mean, spread, 0.0]])
    n, d = np.linspace(500, 60, 29)[None], np.linspace(60, 1, 29)[None]
    near = log_likelihood(here + np.array([0, 0, 1e-12]), n, d)
    np.testing.assert_allclose(log_likelihood(here, n, d), near, rtol=1e-6)
    slopes, matrix = score(here, n, d)
    plain, plain_matrix = score(here, n, d, stretched=False)
    size = np.abs(n * (1 + np.exp(-mean))).sum()
    np.testing.assert_allclose(plain[:, :2], slopes[:, :2], rtol=1e-6, atol=1e-9 * size)
    own = np.s_[:, :2, :2]
    np.testing.assert_allclose(plain_matrix[own], matrix[own], rtol=1e-6, atol=1e-9 * size)
    assert not plain[:, 2].any()


@pytest.mark.parametrize("spread", [-4.0, -6.5, -7.2, -9.0, -13.0])
@pytest.mark.parametrize("c", [1.0, 1.4])
def test_both_forms_of_the_share_agree_with_exact_products(spread: float, c: float) -> None:
    here = np.array([-2.0, spread, np.log(c)])
    share = np.exp(log_retained(here, np.arange(40)))
    if c == 1:
        mean, rho = 1 / (1 + np.exp(2.0)), np.exp(spread)
        hazard = mean / (1 + rho * np.arange(39))
        np.testing.assert_allclose(share[1:], np.cumprod(1 - hazard), rtol=1e-9)
    smaller = np.exp(log_retained(here - [0, 1e-6, 0], np.arange(40)))
    np.testing.assert_allclose(share, smaller, rtol=1e-4)


def test_the_share_is_exact_where_the_forms_meet() -> None:
    mean, spread = 1 / (1 + np.exp(6.0)), -7.2  # α + β is 1,339: both forms are in use
    share = log_retained(np.array([-6.0, spread, 0.0]), np.arange(5001))
    hazard = mean / (1 + np.exp(spread) * np.arange(5000))
    np.testing.assert_allclose(share[1:], np.cumsum(np.log1p(-hazard)), rtol=1e-8)


@given(st.floats(-12, 3), st.floats(-14, 3) | st.just(-np.inf), st.floats(-2, 2))
def test_the_share_only_falls_however_far_one_looks(mean: float, spread: float, c: float) -> None:
    """A hundred years of months stretch to t^c beyond 10^22, and no digit may be lost on the way."""
    share = log_retained(np.array([mean, spread, c]), np.arange(1201))
    step = np.diff(share[np.isfinite(share)])
    assert not np.isnan(share).any()
    assert share[0] == 0
    assert (step <= 1e-6 * np.maximum(1, np.abs(share[1 : len(step) + 1]))).all()


# Limits


def test_bdw_with_c_1_is_the_sbg_and_alike_customers_are_geometric() -> None:
    tenure = np.arange(30)
    sbg = np.exp(log_retained(at(0.7, 2.0), tenure))
    np.testing.assert_allclose(sbg, beta_function(0.7, 2.0 + tenure) / beta_function(0.7, 2.0))
    alike = np.array([logit(0.2), -np.inf, 0.0])
    np.testing.assert_allclose(np.exp(log_retained(alike, tenure)), 0.8**tenure)
    weibull = np.array([logit(0.2), -np.inf, np.log(1.5)])
    np.testing.assert_allclose(np.exp(log_retained(weibull, tenure)), 0.8 ** (tenure**1.5))
    nearly = np.array([logit(0.2), -16.0, np.log(1.5)])
    np.testing.assert_allclose(
        log_retained(nearly, tenure), log_retained(weibull, tenure), rtol=1e-3
    )


def test_the_geometric_fit_is_the_share_who_left() -> None:
    n, d = np.array([[100.0, 70, 20]]), np.array([[25.0, 10, 7]])
    found = fit("geometric", n, d)
    assert float(links("geometric", found.coordinates)["theta"][0]) == pytest.approx(
        logit(42 / 190)
    )


@pytest.mark.parametrize("model", ["sbg", "bdw"])
def test_where_customers_look_alike_the_limit_is_found(model: str) -> None:
    n = 1000 * np.cumprod(np.r_[1, 1 - 0.02 * np.arange(1, 10)])
    d = -np.diff(np.r_[n, n[-1] * 0.8])
    found = fit(model, n[None], d[None])
    assert found.converged.all()
    assert np.isneginf(found.coordinates[0, 1])


@pytest.mark.parametrize(
    "churned", [[0, 0, 0, 0, 0], [100, 0, 0, 0, 0], [50, 0, 0, 0, 0], [0, 0, 0, 0, 9]]
)
@pytest.mark.parametrize("model", list(MODELS))
def test_extremes_do_not_fail(model: str, churned: list[int]) -> None:
    d = np.array([churned], dtype=float)
    n = 100 - np.cumsum(d, axis=1) + d
    found = fit(model, n, d)
    assert np.isfinite(found.log_likelihood).all()
    share = np.exp(log_retained(found.coordinates, np.arange(6)))[0]
    assert (np.diff(share) <= 1e-12).all()
    if not d.any():
        assert share[-1] == pytest.approx(1, abs=1e-6)
    if churned[0] == 100:
        assert share[1] == pytest.approx(0, abs=1e-6)


def test_left_out_tables_are_fitted_as_if_each_were_alone() -> None:
    entry, last, churned = rows(5, 600)
    replicate = np.arange(len(entry)) % 16
    table = LifeTable.from_durations(last, churned, entry=entry, replicate=replicate)
    n, d = (x[0, :16, 1:].astype(float) for x in (table.at_risk, table.churned))
    without_n, without_d = n.sum(0) - n, d.sum(0) - d
    for model in MODELS:
        start = fit(model, n.sum(0)[None], d.sum(0)[None]).coordinates[0]
        warm = fit(model, without_n, without_d, start=start)
        cold = [fit(model, without_n[r : r + 1], without_d[r : r + 1]) for r in range(16)]
        np.testing.assert_allclose(
            warm.log_likelihood, [c.log_likelihood[0] for c in cold], atol=1e-7
        )
        share = np.exp(log_retained(warm.coordinates, np.arange(20)))
        apart = [np.exp(log_retained(c.coordinates, np.arange(20)))[0] for c in cold]
        np.testing.assert_allclose(share, apart, atol=1e-5)


# Properties

hazards = st.lists(st.floats(0.0, 0.9), min_size=5, max_size=12)


def drawn(hazard: list[float], size: int = 300) -> tuple[np.ndarray, np.ndarray]:
    n, d, left = [], [], size
    for h in hazard:
        n.append(left)
        d.append(round(left * h))
        left -= d[-1]
    return np.array([n], dtype=float), np.array([d], dtype=float)


@given(hazards)
@settings(max_examples=60)
def test_a_larger_model_is_at_least_as_likely(hazard: list[float]) -> None:
    n, d = drawn(hazard)
    ends = {model: fit(model, n, d) for model in MODELS}
    best = {model: float(end.log_likelihood[0]) for model, end in ends.items()}
    assert best["geometric"] <= best["sbg"] + 2e-3
    assert best["sbg"] <= best["bdw"] + 2e-3
    for end in ends.values():
        share = np.exp(log_retained(end.coordinates, np.arange(50)))[0]
        assert share[0] == 1
        assert (np.diff(share) <= 1e-9).all()
        assert (share >= 0).all()


@given(hazards)
@settings(max_examples=40)
def test_twice_the_customers_are_the_same_model(hazard: list[float]) -> None:
    n, d = drawn(hazard)
    once, twice = fit("sbg", n, d), fit("sbg", 2 * n, 2 * d)
    assert twice.log_likelihood[0] == pytest.approx(2 * once.log_likelihood[0], abs=2e-3)
    tenure = np.arange(len(hazard) + 1)
    shares = [np.exp(log_retained(f.coordinates, tenure)) for f in (once, twice)]
    np.testing.assert_allclose(*shares, atol=1e-3)


def test_the_observed_information_is_minus_the_second_derivative() -> None:
    n, d = published("high_end", 7)
    end = fit("bdw", n, d)
    matrix = information("bdw", end, n, d)[0]
    step = 1e-3
    for i in range(3):
        for j in range(3):
            e, f = np.eye(3)[i] * step, np.eye(3)[j] * step
            corners = [
                log_likelihood(end.coordinates + a * e + b * f, n, d)[0]
                for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))
            ]
            second = (corners[0] - corners[1] - corners[2] + corners[3]) / (4 * step**2)
            assert matrix[i, j] == pytest.approx(-second, rel=1e-3, abs=1e-2)


def test_the_edge_is_where_the_search_ends() -> None:
    assert LOWEST[1] < np.log(1e-5)
