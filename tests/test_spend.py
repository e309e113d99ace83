from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln
from shoppers import purchase_table, shoppers, with_spend
from test_purchase_models import TRUTH, cdnow, close
from test_wording import CAUSAL, FUTURE, check_whole

from cxresearch.errors import DataError
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases._gamma_gamma import Spend, expected_mean, log_likelihood
from cxresearch.purchases.models import purchase_models
from cxresearch.purchases.spend import SpendModel, spend_models
from cxresearch.uncertainty import jackknife_se

REFERENCE = tomllib.loads((Path(__file__).parent / "reference" / "purchases.toml").read_text())
GAMMA_GAMMA = {"p": 6.25, "q": 3.74, "gamma": 15.44}


def bought(n: int, seed: int = 1, **truth: float) -> pd.DataFrame:
    """Customers who buy, and what they spend."""
    people = shoppers("bg_nbd", {**TRUTH["bg_nbd"], "a": 0.5}, n, seed)
    return with_spend(people, **{**GAMMA_GAMMA, **truth}, seed=seed + 1000)


def one(people: pd.DataFrame, *, replicates: int = 256, **words) -> SpendModel:
    return spend_models(purchase_table(people, replicates=replicates, **words))[0]


# Published


def test_cdnow_gives_the_published_parameters(shared_data: Path) -> None:
    printed = REFERENCE["gamma_gamma"]
    (found,) = spend_models(cdnow(shared_data))
    for name, expected in printed["printed"].items():
        close(found.parameter(name).value, expected, 2)
    close(found.log_likelihood, printed["log_likelihood"], 2)
    mean, lower, upper = found.mean_spend()
    close(mean, printed["mean_spend"], 2)
    assert lower < mean < upper
    correlation, *_ = found.spend_frequency()
    close(correlation, printed["correlation"], 3)
    assert (found.n, found.n_repeat, found.n_without_spend) == (946, 946, 0)
    assert found.currency == "USD"


def test_a_few_heavy_buyers_carry_the_correlation_of_cdnow(shared_data: Path) -> None:
    """Fisher's interval takes spend as normal; the replicates know that it is not."""
    fisher, honest = (
        spend_models(cdnow(shared_data, replicates=r))[0].spend_frequency() for r in (1, 256)
    )
    assert fisher[0] == pytest.approx(honest[0])
    assert fisher[1] > 0.04
    assert honest[2] - honest[1] > 1.5 * (fisher[2] - fisher[1])


# Independent references


def test_expected_spend_is_that_of_lifetimes() -> None:
    given_ = REFERENCE["lifetimes"]["spend"]
    of = Spend(np.array(given_["frequency"]), np.array(given_["mean"]))
    found = expected_mean(np.array(given_["parameters"]), of)
    np.testing.assert_allclose(found, given_["expected"], atol=6e-6)


def test_the_likelihood_is_a_density_of_the_mean_spend() -> None:
    logs = np.log([2.0, 3.0, 10.0])
    u, step = np.linspace(-25, 25, 20_001, retstep=True)
    for x in (1, 2, 15):
        value, _ = log_likelihood(logs, Spend(np.full(len(u), x), np.exp(u)))
        assert float(np.exp(value + u).sum()) * step == pytest.approx(1, abs=1e-9)
        mean = float(np.exp(value + 2 * u).sum()) * step  # whatever x is: p γ/(q − 1)
        assert mean == pytest.approx(2 * 10 / 2, rel=1e-6)


def test_the_likelihood_is_the_formula_of_the_paper() -> None:
    p, q, gamma = 6.25, 3.74, 15.44
    x, z = np.array([1, 4, 29]), np.array([12.0, 40.0, 33.3])
    expected = (
        gammaln(p * x + q) - gammaln(p * x) - gammaln(q) + q * np.log(gamma)
        + (p * x - 1) * np.log(z) + p * x * np.log(x) - (p * x + q) * np.log(gamma + x * z)
    )  # fmt: skip
    found, _ = log_likelihood(np.log([p, q, gamma]), Spend(x, z))
    np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_the_gradient_is_that_of_the_likelihood() -> None:
    of = Spend(np.array([1, 2, 3, 30]), np.array([5.0, 100.0, 0.01, 32.0]))
    for at in ([6.25, 3.74, 15.44], [0.3, 0.5, 100.0]):
        logs = np.log(at)
        _, gradient = log_likelihood(logs, of)
        for j, shift in enumerate(1e-5 * np.eye(3)):
            ahead, behind = (log_likelihood(logs + sign * shift, of)[0] for sign in (1, -1))
            np.testing.assert_allclose(gradient[j], (ahead - behind) / 2e-5, atol=1e-7)


def test_the_correlation_is_pearsons_over_customers() -> None:
    people = bought(2000)
    again = people[people["frequency"] > 0]
    expected = np.corrcoef(again["frequency"], again["mean_spend"])[0, 1]
    found = one(people, replicates=32)
    assert found.correlation[0] == pytest.approx(expected, abs=1e-12)
    kept = again[again.index % 32 != 5]
    left = np.corrcoef(kept["frequency"], kept["mean_spend"])[0, 1]
    assert found.correlation[6] == pytest.approx(left, abs=1e-12)


# Limits


def test_without_a_mean_the_model_says_so() -> None:
    people = bought(4000, q=0.6)
    found = one(people)
    assert not found.has_mean
    assert found.mean_spend() is None
    table = purchase_table(people)
    said = found.expected_spend(table).value
    assert np.isnan(said[table.frequency == 0]).all()
    assert np.isfinite(said[table.frequency > 0]).all()


def test_who_spent_nothing_is_left_out_and_counted() -> None:
    people = bought(1500)
    free = people.assign(mean_spend=people["mean_spend"].where(people.index % 10 > 0, 0.0))
    found = one(free)
    again = free[free["frequency"] > 0]
    assert found.n == (again["mean_spend"] > 0).sum()
    assert found.n_without_spend == (again["mean_spend"] == 0).sum() > 0


def test_spend_that_never_differs_is_said() -> None:
    people = bought(800)
    same = people.assign(mean_spend=np.where(people["frequency"] > 0, 20.0, 0.0))
    found = one(same)
    assert found.spend_frequency() is None
    findings = {f.group.get("parameter", f.id): f for f in found.findings()}
    assert found.independence().value is None
    assert "cannot be told: one is constant" in found.independence().sentence
    assert findings["gamma"].value is None
    assert "not determined by the counts" in findings["gamma"].sentence
    mean, *_ = found.mean_spend()
    assert mean == pytest.approx(20, rel=1e-3)


def test_many_purchases_outweigh_the_mean_of_all() -> None:
    at = np.array([6.25, 3.74, 15.44])
    of = Spend(np.array([1, 10, 1000]), np.full(3, 100.0))
    near = expected_mean(at, of)
    assert (np.diff(near) > 0).all()
    assert near[-1] == pytest.approx(100, rel=2e-3)


# Recovery


def test_simulated_parameters_are_recovered() -> None:
    found = spend_models(purchase_table(bought(20_000)), confidence_level=0.999)[0]
    for name, true in GAMMA_GAMMA.items():
        end = found.parameter(name)
        assert end.ci_lower < true < end.ci_upper
        assert end.value == pytest.approx(true, rel=0.1)
    low, high = found.mean_spend()[1:]
    assert low < 6.25 * 15.44 / 2.74 < high
    _, low, high = found.spend_frequency()
    assert low < 0 < high


def test_a_connection_of_spend_and_frequency_is_found_and_said() -> None:
    people = bought(4000)
    more = people.assign(
        mean_spend=(people["mean_spend"] * (1 + 0.2 * people["frequency"])).round(2)
    )
    less = people.assign(
        mean_spend=(people["mean_spend"] / (1 + 0.2 * people["frequency"])).round(2)
    )
    for changed, word in ((more, "more"), (less, "less")):
        value, low, high = one(changed).spend_frequency()
        assert low * high > 0
        said = one(changed).independence().sentence
        assert f"who buys more often spends {word} per purchase" in said
        assert f"{100 * value**2:.1f} % of the variance" in said
    assert "no clear connection" in one(people).independence().sentence


@pytest.mark.verify
@pytest.mark.parametrize("replicates", [1, 256])
def test_intervals_cover_the_truth(replicates: int) -> None:
    inside, draws = np.zeros(5), 300
    true = [*GAMMA_GAMMA.values(), 6.25 * 15.44 / 2.74, 0.0]
    for seed in range(draws):
        found = one(bought(2000, seed), replicates=replicates)
        ends = [tuple(found.parameter(name)[:3]) for name in found.names]
        ends += [found.mean_spend(), found.spend_frequency()]
        inside += [low < t < high for (_, low, high), t in zip(ends, true, strict=True)]
    assert ((inside / draws > 0.91) & (inside / draws < 0.985)).all(), inside / draws


# Properties


@settings(max_examples=12)
@given(scale=st.sampled_from([0.01, 0.5, 150.0, 10_000.0]), seed=st.integers(0, 5))
def test_the_currency_changes_nothing_but_the_scale(scale: float, seed: int) -> None:
    people = bought(600, seed)
    again = people.assign(mean_spend=people["mean_spend"] * scale)
    mine, other = one(people, replicates=1), one(again, replicates=1)
    np.testing.assert_allclose(mine.parameters[0, :2], other.parameters[0, :2], rtol=1e-4)
    assert other.parameters[0, 2] == pytest.approx(scale * mine.parameters[0, 2], rel=1e-4)
    changed = mine.log_likelihood - mine.n * np.log(scale)
    assert other.log_likelihood == pytest.approx(changed, abs=1e-4)


def test_a_cell_takes_the_sum_of_its_customers_only() -> None:
    at = np.array([6.25, 3.74, 15.44])
    apart = Spend(np.array([3, 3, 3]), np.array([10.0, 50.0, 90.0]))
    together = Spend(np.array([3]), np.array([50.0]))
    mean = float(expected_mean(at, apart).mean())
    assert mean == pytest.approx(float(expected_mean(at, together)[0]), rel=1e-12)


def test_expected_spend_times_expected_purchases_has_one_interval() -> None:
    """Without each replicate both change: their product knows how they go together."""
    table = purchase_table(bought(4000))
    (buying,) = purchase_models(table, models=["bg_nbd"])
    (spend,) = spend_models(table)
    bill = buying.expected_near(table, 26).times(spend.expected_spend(table))
    total = bill.total(table.customers, table.replicate)
    rows = buying.expected(table, 26) * spend.expected_spend(table).rows()
    again = [
        rows[v] @ (table.customers * ((table.replicate != v - 1) if v else 1)) for v in range(257)
    ]
    assert total[0] == pytest.approx(again[0])
    assert buying.error(total) == pytest.approx(float(jackknife_se(np.array(again[1:]))), rel=0.02)
    alone = purchase_table(bought(4000), replicates=1)
    bill = purchase_models(alone, models=["bg_nbd"])[0].expected_near(alone, 26)
    both = bill.times(spend_models(alone)[0].expected_spend(alone))
    assert both.rows().shape[0] == 1 + 8 + 6  # pairs of moves of 4 parameters and of 3


@pytest.mark.parametrize("replicates", [40])
def test_one_step_without_a_replicate_is_nearly_the_full_refit(replicates: int) -> None:
    people = bought(3000)
    found = one(people, replicates=replicates)
    again = []
    for r in range(replicates):
        left = people[people.index % replicates != r].reset_index(drop=True)
        again.append(one(left, replicates=1).parameters[0])
    errors = found.error(np.log(found.parameters))
    np.testing.assert_allclose(errors, jackknife_se(np.log(again)), rtol=0.05)
    far = np.abs(np.log(found.parameters[1:]) - np.log(again)) / errors
    assert far.max() < 0.05


def test_replicates_and_information_give_the_same_errors() -> None:
    people = bought(10_000)
    jackknifed, informed = one(people), one(people, replicates=1)
    for name in jackknifed.names:
        errors = [each.parameter(name).standard_error for each in (jackknifed, informed)]
        assert errors[0] == pytest.approx(errors[1], rel=0.25)
    wide, narrow = (np.ptp(each.spend_frequency()[1:]) for each in (jackknifed, informed))
    assert wide == pytest.approx(narrow, rel=0.3)


# Groups, words, errors


def grouped() -> PurchaseTable:
    parts = [
        bought(600, 1).assign(plan="basic"),
        bought(600, 2, gamma=30.0).assign(plan="plus"),
        bought(19, 3).assign(plan="an.address@example.org"),
        bought(300, 4).assign(plan="free", mean_spend=0.0),
    ]
    return purchase_table(pd.concat(parts, ignore_index=True), "plan", currency="EUR")


def test_groups_are_fitted_each_by_itself_and_small_ones_counted() -> None:
    found = spend_models(grouped())
    assert [model.group["plan"] for model in found] == ["basic", "plus"]
    assert found.table.groups == (("basic",), ("plus",))
    assert found[1].parameters[0, 2] > 1.5 * found[0].parameters[0, 2]
    alone = spend_models(grouped().select(plan="plus"))[0]
    np.testing.assert_allclose(alone.parameters, found[1].parameters, rtol=1e-9)
    assert [finding.sentence for finding in found.suppressed] == [
        "1 group with fewer than 30 customers is not reported.",
        "1 group is not reported: fewer than 30 customers who spent something when they bought again.",
    ]
    assert "address" not in found.sentence()


def test_findings_have_their_keys_and_sentences_are_whole() -> None:
    found = spend_models(grouped(), confidence_level=0.9)
    findings = [f for f in found.findings() if f.id != "not_reported"]
    findings += [model.independence() for model in found]
    assert len(findings) == 8
    for finding in findings:
        keys = {"model", "parameter", "plan"} if finding.id == "model_parameter" else {"plan"}
        assert set(finding.group) == keys
        assert finding.confidence_level == 0.9
        assert finding.grade == "C"
        check_whole(finding.sentence)
        assert not CAUSAL.search(finding.sentence)
        assert not FUTURE.search(finding.sentence)
    assert {f.id for f in findings} == {"model_parameter", "spend_frequency_correlation"}
    assert {f.group.get("model") for f in findings} == {"gamma_gamma", None}
    assert list(found.to_frame()["parameter"]) == ["p", "q", "gamma"] * 2


def test_a_column_called_as_a_key_of_findings_is_named() -> None:
    with pytest.raises(DataError, match="a group column is called 'parameter'"):
        spend_models(replace(grouped(), group_columns=("parameter",)))
