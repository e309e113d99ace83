from __future__ import annotations

import math
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import betaln, expit, gammaln, log_expit
from shoppers import purchase_table, shoppers
from test_wording import CAUSAL, FUTURE, check_whole

from cxresearch.errors import DataError
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases import _fit
from cxresearch.purchases._bg_nbd import while_alive
from cxresearch.purchases._fit import Problem, fit
from cxresearch.purchases._histories import Histories, distinct
from cxresearch.purchases._pareto_nbd import stopped
from cxresearch.purchases.models import MODELS, PurchaseModel, purchase_models
from cxresearch.uncertainty import jackknife_se

REFERENCE = tomllib.loads((Path(__file__).parent / "reference" / "purchases.toml").read_text())
CASES = REFERENCE["lifetimes"]["case"]
NEW = Histories(np.array([0]), np.array([0.0]), np.array([0.0]))
TRUTH = {
    "bg_nbd": {"r": 0.8, "alpha": 8.0, "a": 1.2, "b": 6.0},
    "mbg_nbd": {"r": 0.8, "alpha": 8.0, "a": 1.2, "b": 6.0},
    "pareto_nbd": {"r": 0.8, "alpha": 8.0, "s": 0.9, "beta": 20.0},
}


def close(value: float, expected: float, digits: int) -> None:
    assert abs(value - expected) <= 0.5 * 10.0**-digits + 1e-9, (value, expected)


def named(model: PurchaseModel) -> dict[str, float]:
    return dict(zip(model.names, model.parameters[0].tolist(), strict=True))


def cdnow_orders(folder: Path) -> pd.DataFrame:
    names = ["master", "customer", "date", "items", "spend"]
    orders = pd.read_csv(
        folder / "cdnow" / "cdnow_sample.txt", sep=r"\s+", header=None, names=names
    )
    return orders.assign(date=pd.to_datetime(orders["date"].astype(str)))


def cdnow(folder: Path, *, replicates: int = 1) -> PurchaseTable:
    """Customers of CDNOW, counted as the papers count them."""
    until = pd.Timestamp(REFERENCE["cdnow"]["until"])
    orders = cdnow_orders(folder)
    days = orders[orders["date"] <= until].groupby(["customer", "date"], as_index=False).sum()
    first = days.groupby("customer")["date"].transform("min")
    again = days["spend"].where(days["date"] > first, 0.0).groupby(days["customer"]).sum()
    dates = days.groupby("customer")["date"].agg(["min", "max", "size"])
    frequency = dates["size"] - 1
    people = pd.DataFrame(
        {
            "frequency": frequency,
            "recency": (dates["max"] - dates["min"]).dt.days,
            "age": (until - dates["min"]).dt.days,
            "mean_spend": (again / frequency.where(frequency > 0, 1)),
        }
    )
    return purchase_table(people.reset_index(drop=True), replicates=replicates, currency="USD")


@pytest.fixture
def papers(shared_data: Path) -> PurchaseTable:
    return cdnow(shared_data)


def some(rng: np.random.Generator, n: int = 40) -> Histories:
    x = rng.integers(0, 12, n)
    age = rng.integers(30, 400, n) / 7
    return Histories(x, np.where(x > 0, age * rng.random(n), 0.0), age)


# Published


def test_cdnow_is_counted_as_in_the_papers(shared_data: Path) -> None:
    counted, orders = REFERENCE["cdnow"], cdnow_orders(shared_data)
    table = cdnow(shared_data).to_frame().iloc[0]
    assert len(orders) == counted["rows"]
    for name in ("customers", "repeat_customers", "repeat_purchases"):
        assert table[name] == counted[name]
    # without them the papers' 2,357 customers would be 2,349
    free = orders.groupby("customer")["spend"].sum() == 0
    assert free.sum() == counted["customers_with_nothing_but_0_dollars"]


@pytest.mark.parametrize("model", ["bg_nbd", "pareto_nbd"])
def test_cdnow_gives_the_published_parameters(papers: PurchaseTable, model: str) -> None:
    printed = REFERENCE[model]
    (found,) = purchase_models(papers, models=[model])
    for name, value in named(found).items():
        close(value, printed["printed"][name], 3)
        expected = printed["standard_errors"][name]
        assert found.parameter(name).standard_error == pytest.approx(expected, rel=1e-3)
    close(found.log_likelihood, printed["log_likelihood"], 1)
    close(found.log_likelihood, printed["log_likelihood_3"], 3)
    assert found.converged
    assert (found.n, found.n_repeat) == (2357, 946)


def test_cdnow_gives_the_parameters_of_clvtools(papers: PurchaseTable) -> None:
    (found,) = purchase_models(papers, models=["bg_nbd"])
    expected = REFERENCE["bg_nbd_elsewhere"]["parameters"]
    assert named(found) == pytest.approx(expected, rel=1e-5)


def test_cdnow_gives_the_published_parameters_of_the_mbg_nbd(papers: PurchaseTable) -> None:
    (found,) = purchase_models(papers, models=["mbg_nbd"])
    for name, value in named(found).items():
        close(value, REFERENCE["mbg_nbd"]["printed"][name], 3)
        close(value, REFERENCE["mbg_nbd"]["four"][name], 4)


def test_cdnow_gives_the_published_expectations(papers: PurchaseTable) -> None:
    printed = REFERENCE["bg_nbd_expected"]
    (found,) = purchase_models(papers, models=["bg_nbd"])
    one = Histories(*(np.array([part]) for part in printed["history"]))
    ahead = MODELS["bg_nbd"].expected(found.parameters[0], one, 39)
    close(float(ahead[0]), printed["in_39_weeks"], 3)
    for weeks, expected in zip(printed["weeks"], printed["new_customer"], strict=True):
        close(float(MODELS["bg_nbd"].expected(found.parameters[0], NEW, weeks)[0]), expected, 4)


def test_cdnow_gives_the_probability_alive_of_btyd(papers: PurchaseTable) -> None:
    (found,) = purchase_models(papers, models=["pareto_nbd"])
    never = SimpleNamespace(frequency=np.array([0]), recency=np.array([0]), age=np.array([39 * 7]))
    expected = REFERENCE["pareto_nbd_alive"]["never_again_39_weeks"]
    assert found.alive(never)[0, 0] == pytest.approx(expected, abs=2e-4)  # BTYD stops a bit short


# Independent references


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['model']} {case['parameters'][0]}")
def test_posteriors_are_those_of_lifetimes(case: dict) -> None:
    given_, model = REFERENCE["lifetimes"], MODELS[case["model"]]
    of = Histories(*(np.array(given_[name]) for name in ("frequency", "recency", "age")))
    at = np.array(case["parameters"])
    np.testing.assert_allclose(model.alive(at, of), case["alive"], atol=6e-7)
    np.testing.assert_allclose(model.expected(at, of, given_["weeks"]), case["expected"], atol=6e-7)
    fresh = [float(model.expected(at, NEW, weeks)[0]) for weeks in given_["new_weeks"]]
    np.testing.assert_allclose(fresh, case["new"], atol=6e-7)
    if "log_likelihood" in case:
        values, _ = model.log_likelihood(np.log(at), of)
        np.testing.assert_allclose(values, case["log_likelihood"], atol=6e-7)


@pytest.mark.parametrize("throws", [0, 1])
def test_the_beta_geometric_likelihood_is_the_formula_of_the_paper(throws: int) -> None:
    r, alpha, a, b = 0.7, 3.0, 1.4, 2.2
    of = some(np.random.default_rng(3))
    x, y = of.frequency, of.frequency + throws
    alive = np.exp(betaln(a, b + y) - betaln(a, b)) * (alpha + of.age) ** -(r + x)
    beta = np.exp(betaln(a + 1, b + np.maximum(y, 1) - 1) - betaln(a, b))
    dead = np.where(y > 0, beta * (alpha + of.recency) ** -(r + x), 0.0)
    expected = gammaln(r + x) - gammaln(r) + r * np.log(alpha) + np.log(alive + dead)
    model = MODELS["mbg_nbd" if throws else "bg_nbd"]
    values, _ = model.log_likelihood(np.log([r, alpha, a, b]), of)
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_the_pareto_integral_is_that_of_many_short_steps() -> None:
    rng = np.random.default_rng(5)
    at = np.exp(rng.uniform(-4.6, 5, (300, 4)))
    at[:50, 3] = at[:50, 1] * (1 + 1e-9)  # α ≈ β
    for r, alpha, s, beta in at:
        x = int(np.exp(rng.uniform(0, 6))) - 1
        age = float(np.exp(rng.uniform(0, 5.5)))
        last = age * rng.uniform(0.01, 0.99) if x else 0.0
        of = Histories(np.array([x]), np.array([last]), np.array([age]))
        found = stopped(np.array([r, alpha, s, beta]), of).log_integral[0]
        ends = last + (age - last) * np.r_[0, np.logspace(-9, 0, 40)]
        nodes, weights = np.polynomial.legendre.leggauss(20)
        half = np.diff(ends)[:, None] / 2
        tau = ends[:-1, None] + half * (1 + nodes)
        each = (r + x) * np.log((alpha + tau) / (alpha + last))
        each += (s + 1) * np.log((beta + tau) / (beta + last))
        scale = (r + x) * math.log(alpha + last) + (s + 1) * math.log(beta + last)
        assert found == pytest.approx(
            np.log((half * weights * np.exp(-each)).sum()) - scale, abs=1e-9
        )


@pytest.mark.parametrize("case", REFERENCE["while_alive"]["case"])
def test_expected_purchases_while_alive_are_those_of_many_digits(case: list[float]) -> None:
    *at, expected = case
    found = float(while_alive(*(np.array(each) for each in at)))
    assert found == pytest.approx(expected, rel=1e-8)


def test_expected_purchases_while_alive_are_the_integral_over_who_stops() -> None:
    u, half = np.linspace(-60, 60, 6001, retstep=True)  # smooth and flat at both ends
    p, log_p, log_rest = expit(u), log_expit(u), log_expit(-u)
    for shape, a, b, ahead in (
        (0.5, 0.8, 2.4, 3.0),
        (40.0, 0.8, 40.0, 1.0),
        (3.0, 1.0, 5.0, 2.0),
        (3.0, 1.00005, 5.0, 2.0),
        (0.3, 0.5, 0.5, 4.0),
        (2.0, 0.7, 0.30001, 4.0),
        (200.0, 60.0, 300.0, 0.8),
    ):
        density = np.exp(a * log_p + b * log_rest - betaln(a, b))
        given_p = -np.expm1(-shape * np.log1p(p * ahead)) / p
        found = while_alive(np.array(shape), np.array(a), np.array(b), np.array(ahead))
        assert float(found) == pytest.approx(half * float((density * given_p).sum()), rel=2e-7)


@pytest.mark.parametrize("name", MODELS)
def test_likelihoods_of_all_histories_add_up_to_one(name: str) -> None:
    """Over x = 0, 1, … with the last purchase at any time; as densities of the order statistics."""
    model, age = MODELS[name], 10.0
    at = np.log([1.5, 5.0, 1.2, 3.0] if name != "pareto_nbd" else [1.5, 5.0, 1.2, 8.0])
    none = Histories(np.array([0]), np.array([0.0]), np.array([age]))
    total = np.exp(model.log_likelihood(at, none)[0])[0]
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for x in range(1, 120):
        last = age * (1 + nodes) / 2
        of = Histories(np.full(40, x), last, np.full(40, age))
        # where the other x − 1 purchases were: t^(x − 1)/(x − 1)!
        log = model.log_likelihood(at, of)[0] + (x - 1) * np.log(last) - gammaln(x)
        total += float((weights * age / 2) @ np.exp(log))
    assert total == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_is_that_of_the_likelihood(name: str) -> None:
    model, of = MODELS[name], some(np.random.default_rng(7))
    for at in ([0.3, 4, 0.8, 20.0], [2, 50, 0.5, 3], [1, 5, 1, 5], [0.1, 0.1, 10, 10]):
        logs = np.log(at)
        _, gradient = model.log_likelihood(logs, of)
        for j, shift in enumerate(1e-5 * np.eye(4)):
            ahead, behind = (model.log_likelihood(logs + sign * shift, of)[0] for sign in (1, -1))
            np.testing.assert_allclose(gradient[j], (ahead - behind) / 2e-5, atol=1e-7)


# Limits


def test_nothing_overflows_with_many_purchases_or_at_the_edge_of_the_search() -> None:
    x = np.array([0, 1, 400, 3000])
    of = Histories(x, np.array([0.0, 1 / 7, 150.0, 520.0]), np.array([0.0, 520.0, 151.0, 520.0]))
    for model in MODELS.values():
        for corner in (
            np.array(np.meshgrid(*[[-_fit.FURTHEST, _fit.FURTHEST]] * 4)).reshape(4, -1).T
        ):
            value, gradient = model.log_likelihood(corner, of)
            assert np.isfinite(value).all()
            assert np.isfinite(gradient).all()
            assert (
                (model.alive(np.exp(corner), of) >= 0) & (model.alive(np.exp(corner), of) <= 1)
            ).all()


def test_who_has_just_bought_is_alive_and_who_never_threw_the_coin_too() -> None:
    now = Histories(np.array([3]), np.array([20.0]), np.array([20.0]))
    never = Histories(np.array([0]), np.array([0.0]), np.array([500.0]))
    assert MODELS["pareto_nbd"].alive(np.array([0.5, 10, 0.6, 12]), now) == pytest.approx(1)
    assert MODELS["bg_nbd"].alive(np.array([0.5, 10, 0.6, 12]), never) == 1
    assert MODELS["mbg_nbd"].alive(np.array([0.5, 10, 2.0, 2.0]), never) < 0.2


@pytest.mark.parametrize("name", MODELS)
def test_where_nobody_stops_all_three_are_the_nbd(name: str) -> None:
    r, alpha = 0.9, 6.0
    of = some(np.random.default_rng(11))
    at = [r, alpha, 1e-15, 1e3] if name == "pareto_nbd" else [r, alpha, 1e-15, 1.0]
    x = of.frequency
    nbd = gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * np.log(alpha + of.age)
    np.testing.assert_allclose(MODELS[name].log_likelihood(np.log(at), of)[0], nbd, atol=1e-5)
    ahead = MODELS[name].expected(np.array(at), of, 10)
    np.testing.assert_allclose(ahead, (r + x) / (alpha + of.age) * 10, rtol=1e-4)


def test_nobody_stopping_is_said() -> None:
    truth = {"r": 1.0, "alpha": 4.0, "a": 1e-7, "b": 10.0}
    table = purchase_table(shoppers("bg_nbd", truth, 2000, 2))
    for model in purchase_models(table):
        first, second = model.names[2:]
        assert model.converged
        assert not model.parameter(first).determined
        assert not model.parameter(second).determined
        assert model.parameter("alpha").value == pytest.approx(4.0, rel=0.2)
        said = {f.group["parameter"]: f for f in model.findings()}
        assert said[first].value is None
        assert "is not determined by the counts: nobody seems to stop." in said[first].sentence
        alive = model.alive(table)
        assert np.isfinite(alive).all()
        assert (alive[0] @ table.customers) / 2000 > 0.98


def test_customers_who_are_all_alike_are_said() -> None:
    truth = {"r": 1e6, "alpha": 4e6, "a": 2e6, "b": 8e6}
    people = shoppers("bg_nbd", truth, 4000, 2)
    (found,) = purchase_models(purchase_table(people), models=["bg_nbd"])
    r, alpha, a, b = found.parameters[0]
    assert r / alpha == pytest.approx(0.25, rel=0.06)
    assert a / (a + b) == pytest.approx(0.2, rel=0.06)
    assert not found.parameter("alpha").determined or found.parameter("r").value > 20
    assert np.isfinite(found.parameters).all()


# Recovery


@pytest.mark.parametrize("name", MODELS)
def test_simulated_parameters_are_recovered(name: str) -> None:
    people = shoppers(name, TRUTH[name], 30_000, 4, weeks=80)
    (found,) = purchase_models(purchase_table(people), models=[name], confidence_level=0.999)
    for parameter, true in TRUTH[name].items():
        end = found.parameter(parameter)
        assert end.ci_lower < true < end.ci_upper, (parameter, end)
        assert end.value == pytest.approx(true, rel=0.25)
    assert found.converged


@pytest.mark.verify
@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("replicates", [1, 256])
def test_intervals_of_parameters_cover_the_truth(name: str, replicates: int) -> None:
    inside, draws = np.zeros(4), 300
    for seed in range(draws):
        people = shoppers(name, TRUTH[name], 4000, seed)
        table = purchase_table(people, replicates=replicates)
        (found,) = purchase_models(table, models=[name])
        ends = [found.parameter(parameter) for parameter in found.names]
        true = TRUTH[name].values()
        inside += [e.ci_lower < t < e.ci_upper for e, t in zip(ends, true, strict=True)]
    assert ((inside / draws > 0.91) & (inside / draws < 0.985)).all(), inside / draws


# Properties


@settings(max_examples=60)
@given(
    at=st.tuples(*[st.floats(-2, 3)] * 4),
    x=st.integers(0, 60),
    last=st.floats(0.01, 1),
    age=st.floats(1, 300),
    weeks=st.floats(0.1, 200),
)
@pytest.mark.parametrize("name", MODELS)
def test_posteriors_keep_their_bounds(name, *, at, x, last, age, weeks) -> None:
    model, parameters = MODELS[name], np.exp(np.array(at))
    of = Histories(np.array([x]), np.array([last * age if x else 0.0]), np.array([age]))
    alive = model.alive(parameters, of)[0]
    near, far = (model.expected(parameters, of, w)[0] for w in (weeks, 2 * weeks))
    assert 0 <= alive <= 1
    assert -1e-9 <= near <= far * (1 + 1e-6) + 1e-9
    # who could not stop any more would buy at this rate
    assert far <= 2 * weeks * (parameters[0] + x) / (parameters[1] + age) * (1 + 1e-6) + 1e-9
    older = of._replace(age=of.age + 10)
    if x:
        assert model.alive(parameters, older)[0] <= alive + 1e-9


@settings(max_examples=20)
@given(scale=st.floats(0.1, 10))
@pytest.mark.parametrize("name", MODELS)
def test_the_unit_of_time_changes_nothing(name: str, scale: float) -> None:
    model, of = MODELS[name], some(np.random.default_rng(2))
    at = np.array([0.6, 8.0, 0.9, 12.0])
    other = at * ([1, scale, 1, scale] if name == "pareto_nbd" else [1, scale, 1, 1])
    longer = Histories(of.frequency, of.recency * scale, of.age * scale)
    np.testing.assert_allclose(model.alive(at, of), model.alive(other, longer), rtol=1e-9)
    ahead = model.expected(at, of, 9), model.expected(other, longer, 9 * scale)
    np.testing.assert_allclose(*ahead, rtol=1e-7)


def test_a_batch_of_parameters_gives_what_each_gives() -> None:
    of, rows = (
        some(np.random.default_rng(2)),
        np.array([[0.6, 8.0, 0.9, 12.0], [2.0, 5.0, 1.5, 3.0]]),
    )
    for model in MODELS.values():
        for both in (lambda p, m=model: m.alive(p, of), lambda p, m=model: m.expected(p, of, 8)):
            np.testing.assert_allclose(both(rows), [both(row) for row in rows], rtol=1e-12)


# What a fit does not depend on


def test_cells_of_half_the_customers_twice_are_the_same_fit() -> None:
    people = shoppers("bg_nbd", TRUTH["bg_nbd"], 3000, 8)
    once = purchase_table(people, replicates=1)
    twice = replace(once, customers=2 * once.customers)
    order = np.random.default_rng(1).permutation(len(people))
    mixed = purchase_table(people.iloc[order].reset_index(drop=True))
    for table, factor in ((twice, 2), (mixed, 1)):
        for one, other in zip(purchase_models(once), purchase_models(table), strict=True):
            np.testing.assert_allclose(one.parameters[0], other.parameters[0], rtol=1e-5)
            assert other.log_likelihood == pytest.approx(factor * one.log_likelihood, rel=1e-9)


def test_finding_the_hill_by_some_cells_ends_on_the_same_top(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    of, place = distinct(purchase_table(shoppers("bg_nbd", TRUTH["bg_nbd"], 5_000, 9)))
    for model in MODELS.values():
        problem = Problem(model.log_likelihood, of, np.bincount(place))
        starts = [np.log(start) for start in model.starts]
        monkeypatch.setattr(_fit, "ENOUGH", 10**9)
        every = fit(problem, starts)
        monkeypatch.setattr(_fit, "ENOUGH", 300)
        some_cells = fit(problem, starts)
        assert len(problem.thinned().customers) < 600
        np.testing.assert_allclose(some_cells.logs, every.logs, atol=1e-5)
        assert some_cells.log_likelihood == pytest.approx(every.log_likelihood, abs=1e-6)
        assert some_cells.converged


# Without each replicate


@pytest.mark.parametrize("name", MODELS)
def test_one_step_without_a_replicate_is_nearly_the_full_refit(name: str) -> None:
    table = purchase_table(shoppers(name, TRUTH[name], 4000, 5), replicates=20)
    (found,) = purchase_models(table, models=[name])
    again = [purchase_models(without(table, r), models=[name])[0].parameters[0] for r in range(20)]
    full = jackknife_se(np.log(again))
    errors = found.error(np.log(found.parameters))
    # without a twentieth of the customers; what a step leaves is of the second order, and less
    # by its square without a 256th
    np.testing.assert_allclose(errors, full, rtol=0.08)
    far = np.abs(np.log(found.parameters[1:]) - np.log(again)) / full
    assert far.max() < 0.2


def without(table: PurchaseTable, replicate: int) -> PurchaseTable:
    names = ("group", "replicate", "frequency", "recency", "age", "customers", "repeat_spend")
    more = ("later_purchases", "later_spend", "returned")
    kept = table.replicate != replicate
    return replace(table, **{name: getattr(table, name)[kept] for name in (*names, *more)})


@pytest.mark.parametrize("name", MODELS)
def test_replicates_and_information_give_the_same_errors(name: str) -> None:
    people = shoppers(name, TRUTH[name], 10_000, 6)
    (jackknifed,), (informed,) = (
        purchase_models(purchase_table(people, replicates=replicates), models=[name])
        for replicates in (256, 1)
    )
    assert jackknifed.step is None
    for parameter in jackknifed.names:
        one, other = (each.parameter(parameter) for each in (jackknifed, informed))
        assert one.standard_error == pytest.approx(other.standard_error, rel=0.25)


def test_leaving_out_one_of_256_replicates_moves_as_a_full_refit_does() -> None:
    table = purchase_table(shoppers("bg_nbd", TRUTH["bg_nbd"], 10_000, 5))
    (found,) = purchase_models(table, models=["bg_nbd"])
    errors = found.error(np.log(found.parameters))
    for r in (0, 100, 255):
        again = purchase_models(without(table, r), models=["bg_nbd"])[0].parameters[0]
        assert (np.abs(np.log(found.parameters[1 + r]) - np.log(again)) / errors).max() < 0.002


@pytest.mark.parametrize("name", MODELS)
def test_numbers_follow_the_parameters_as_if_computed_again(name: str) -> None:
    table = purchase_table(shoppers(name, TRUTH[name], 3000, 7))
    (found,) = purchase_models(table, models=[name])
    histories, place = distinct(table)
    model = MODELS[name]
    for rows, again in (
        (found.alive(table), model.alive(found.parameters, histories)[:, place]),
        (found.expected(table, 26), model.expected(found.parameters, histories, 26)[:, place]),
    ):
        assert rows.shape == (257, len(table.customers))
        error = found.error(again)
        np.testing.assert_allclose(found.error(rows), error, rtol=0.03, atol=1e-3 * error.max())
        np.testing.assert_allclose(rows[0], again[0], rtol=1e-9)


def test_sums_without_each_replicate_are_those_of_a_loop() -> None:
    table = purchase_table(shoppers("bg_nbd", TRUTH["bg_nbd"], 1500, 7), replicates=16)
    (found,) = purchase_models(table, models=["bg_nbd"])
    near = found.expected_near(table, 12)
    rows = near.rows()
    whole = near.total(table.customers)
    left = near.total(table.customers, table.replicate)
    np.testing.assert_allclose(whole, rows @ table.customers)
    for r in range(found.parameters.shape[0] - 1):
        kept = table.customers * (table.replicate != r)
        assert left[1 + r] == pytest.approx(rows[1 + r] @ kept)
    squared = near.times(near)
    np.testing.assert_allclose(squared.value, near.value**2)
    error = found.error(rows**2)
    np.testing.assert_allclose(
        found.error(squared.rows()), error, rtol=0.1, atol=1e-2 * error.max()
    )
    np.testing.assert_allclose(
        near.times(np.arange(len(rows[0]))).rows(), rows * np.arange(len(rows[0]))
    )


def test_without_replicates_a_product_has_the_error_of_two_independent_numbers() -> None:
    table = purchase_table(shoppers("bg_nbd", TRUTH["bg_nbd"], 3000, 7), replicates=1)
    (found,) = purchase_models(table, models=["bg_nbd"])
    near = found.alive_near(table)
    alone = found.error(near.rows()) / near.value
    product = near.times(near)
    together_ = found.error(product.rows()) / product.value
    np.testing.assert_allclose(together_, math.sqrt(2) * alone, rtol=1e-6)


# Groups, words, errors


def grouped(n: int = 600) -> PurchaseTable:
    parts = [
        shoppers("bg_nbd", TRUTH["bg_nbd"], n, 1).assign(plan="basic"),
        shoppers("bg_nbd", {**TRUTH["bg_nbd"], "alpha": 3.0}, n, 2).assign(plan="plus"),
        shoppers("bg_nbd", TRUTH["bg_nbd"], 18, 3).assign(plan="an.address@example.org"),
        shoppers("bg_nbd", {**TRUTH["bg_nbd"], "alpha": 1e4}, 400, 4).assign(plan="seldom"),
    ]
    return purchase_table(pd.concat(parts, ignore_index=True), "plan")


def test_groups_are_fitted_each_by_itself_and_small_ones_counted() -> None:
    table = grouped()
    found = purchase_models(table)
    assert [(m.group["plan"], m.model) for m in found] == [
        (plan, model) for plan in ("basic", "plus") for model in MODELS
    ]
    alone = purchase_models(table.select(plan="plus"))
    for one, other in zip(found.results[3:], alone, strict=True):
        np.testing.assert_allclose(one.parameters, other.parameters, rtol=1e-9)
    assert found.table.groups == (("basic",), ("plus",))
    assert [m.model for m in found.of("mbg_nbd")] == ["mbg_nbd"] * 2
    said = [finding.sentence for finding in found.suppressed]
    assert said == [
        "1 group with fewer than 30 customers is not reported.",
        "1 group is not reported: fewer than 30 customers who bought again.",
    ]
    assert "address" not in found.sentence()
    assert found.results[4].expected(found.table.take([1]), 4).shape[0] == 257


def test_findings_have_their_keys_and_sentences_are_whole() -> None:
    found = purchase_models(grouped(), models=["bg_nbd"], confidence_level=0.9)
    findings = [f for f in found.findings() if f.id == "model_parameter"]
    assert len(findings) == 8
    for finding in findings:
        assert set(finding.group) == {"model", "parameter", "plan"}
        assert (finding.unit, finding.grade, finding.as_of) == ("parameter", "C", "2025-06-30")
        assert finding.confidence_level == 0.9
        assert finding.n == 600
        check_whole(finding.sentence)
        assert not CAUSAL.search(finding.sentence)
        assert not FUTURE.search(finding.sentence)
    frame = found.to_frame()
    assert list(frame.columns[:6]) == [
        "plan", "model", "parameter", "value", "value_ci_lower", "value_ci_upper",
    ]  # fmt: skip
    assert (frame["value_ci_lower"] < frame["value"]).all()
    assert found[0].aic == pytest.approx(8 - 2 * found[0].log_likelihood)


def test_nobody_left_is_an_empty_result() -> None:
    found = purchase_models(grouped(), min_group=10**6)
    assert len(found) == 0
    assert found.to_frame().empty
    assert "4 groups with fewer than 1,000,000 customers are not reported." in found.sentence()


def test_arguments_that_break_a_rule_are_named() -> None:
    table = grouped()
    with pytest.raises(DataError, match=r"model 'bgnbd'.*bg_nbd"):
        purchase_models(table, models=["bgnbd"])
    with pytest.raises(DataError, match="0 models, must be at least 1"):
        purchase_models(table, models=[])
    taken = replace(table, group_columns=("weeks",))
    with pytest.raises(DataError, match="a group column is called 'weeks'"):
        purchase_models(taken)
    found = purchase_models(table, models=["bg_nbd"])
    with pytest.raises(DataError, match="parameter 'beta'"):
        found[0].parameter("beta")
    with pytest.raises(DataError, match="model 'pareto_nbd'"):
        found.of("pareto_nbd")
