from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from scipy.special import betaln, gammaln
from shops import BG_NBD, PARETO_NBD, Kind, shop
from test_wording import CAUSAL, FUTURE, check_whole

import cxresearch as cx
from cxresearch.purchases.frequencies import (
    CLASSES,
    FrequencyFit,
    frequency_chances,
    model_standing,
    purchase_frequencies,
)
from cxresearch.purchases.models import PurchaseModel, PurchaseModels, purchase_models

MBG_NBD = (0.525, 6.183, 0.891, 1.614)
PARAMETERS = {"bg_nbd": BG_NBD, "mbg_nbd": MBG_NBD, "pareto_nbd": PARETO_NBD}


def model(name: str, parameters: tuple[float, ...] | None = None) -> PurchaseModel:
    row = np.array([parameters or PARAMETERS[name]])
    return PurchaseModel(name, {}, row, None, 0.0, True, (False,) * 4, 100, 60)


def chance_of_bg_nbd(x: int, t: float) -> float:
    """Fader, Hardie & Lee 2005, eq. 8."""
    r, alpha, a, b = BG_NBD
    stay, rest = alpha / (alpha + t), t / (alpha + t)

    def negative_binomial(j: int) -> float:
        return float(np.exp(gammaln(r + j) - gammaln(r) - gammaln(j + 1)) * stay**r * rest**j)

    found = np.exp(betaln(a, b + x) - betaln(a, b)) * negative_binomial(x)
    if x > 0:
        dead = np.exp(betaln(a + 1, b + x - 1) - betaln(a, b))
        found += dead * (1 - sum(negative_binomial(j) for j in range(x)))
    return float(found)


def test_chances_of_the_bg_nbd_are_those_of_its_formula() -> None:
    ages = np.array([0.5, 8.0, 39.0, 150.0])
    expected = [[chance_of_bg_nbd(x, t) for x in range(7)] for t in ages]
    found = frequency_chances(model("bg_nbd"), ages)
    np.testing.assert_allclose(found[:, :7], expected, rtol=2e-5, atol=1e-9)


@pytest.mark.parametrize(
    "name", ["bg_nbd", "mbg_nbd", pytest.param("pareto_nbd", marks=pytest.mark.verify)]
)
def test_chances_are_those_of_customers_who_follow_the_model(name: str) -> None:
    drawn = shop(20_000, np.random.default_rng(1), {"promoter": Kind(name, PARAMETERS[name])})
    table = drawn.table("")
    chances = frequency_chances(model(name), (table.age + 1) / 7)
    np.testing.assert_allclose(chances.sum(axis=-1), 1, atol=1e-9)
    expected = table.customers @ chances
    seen = np.bincount(np.minimum(table.frequency, 7), table.customers, 8)
    assert (np.abs(seen - expected) < 4 * np.sqrt(expected)).all(), (seen, expected)


def test_at_first_nobody_has_bought_again() -> None:
    for name in PARAMETERS:
        chances = frequency_chances(model(name), np.zeros(1))
        np.testing.assert_allclose(chances, [[1, 0, 0, 0, 0, 0, 0, 0]], atol=1e-12)


@pytest.fixture(scope="module")
def fitted() -> PurchaseModels:
    kinds = {"promoter": Kind("bg_nbd", (1.0, 8.0, 0.8, 3.0)), "detractor": Kind("bg_nbd")}
    table = shop(1500, np.random.default_rng(2), kinds).table()
    return purchase_models(table, models=["bg_nbd", "mbg_nbd"])


def test_all_customers_are_in_a_class(fitted: PurchaseModels) -> None:
    fits = purchase_frequencies(fitted)
    assert len(fits) == 4
    for fit in fits:
        assert fit.customers.sum() == 1500
        assert fit.customers.dtype.kind == "i"
        assert fit.expected.sum() == pytest.approx(1500)
        assert (fit.customers_ci_lower <= fit.customers).all()
        assert (fit.customers <= fit.customers_ci_upper).all()
    frame = fits.to_frame()
    assert frame["repeat_purchases"].tolist() == list(CLASSES) * 4
    assert set(frame["score_group"]) == {"promoter", "detractor"}


def test_the_true_model_is_credible_and_a_wrong_one_departs(fitted: PurchaseModels) -> None:
    fits = {(fit.group["score_group"], fit.of.model): fit for fit in purchase_frequencies(fitted)}
    for group in ("promoter", "detractor"):
        assert fits[group, "bg_nbd"].misfit_p_value > 0.001
        wrong = model("bg_nbd", (5.0, 60.0, 0.1, 5.0))
        counts = fits[group, "bg_nbd"]
        assert np.abs(counts.customers - counts.expected).max() < 100
        ages = fitted.table.age / 7
        expected = fitted.table.customers @ frequency_chances(wrong, ages) / 2
        assert np.abs(counts.customers - expected).max() > 100
    found = model_standing(fitted)
    assert "bg_nbd" in found.credible
    assert sum(found.weights.values()) == pytest.approx(1)


def test_the_models_of_all_groups_are_ranked_as_one(fitted: PurchaseModels) -> None:
    aic = {name: sum(one.aic for one in fitted.of(name)) for name in fitted.models}
    best = min(aic.values())
    raw = {name: np.exp((best - value) / 2) for name, value in aic.items()}
    for name, weight in model_standing(fitted).weights.items():
        expected = raw[name] / sum(raw.values()) if aic[name] - best <= 10 else 0
        assert weight == pytest.approx(expected)


def fit_of(p: float) -> FrequencyFit:
    """A fit whose test has so small a p value."""
    from scipy.stats import chi2  # noqa: PLC0415 - slow to load

    eight = np.ones(8)
    return FrequencyFit(eight, eight, eight, eight, float(chi2.isf(p, 3)), 3, model("mbg_nbd"))


def test_what_is_said_of_the_fit() -> None:
    assert fit_of(0.3).sentence() == (
        "No clear departure of the MBG/NBD model from the numbers of repeat purchases of customers "
        "(chi-square by number, p = 0.3)."
    )
    assert (
        fit_of(0.001)
        .sentence()
        .endswith("(chi-square by number, p = 0.001): read its figures as rough.")
    )
    eight = np.ones(8)
    few = FrequencyFit(eight, eight, eight, eight, 0.0, 0, model("bg_nbd"))
    assert "cannot be tested: too few bought" in few.sentence()
    (finding,) = few.findings()
    assert finding.value is None
    (finding,) = fit_of(0.3).findings()
    assert (finding.id, finding.group) == ("model_fit_p_value", {"model": "mbg_nbd"})
    for fit in (fit_of(0.3), fit_of(0.001), few):
        check_whole(fit.sentence())
        assert not CAUSAL.search(fit.sentence())
        assert not FUTURE.search(fit.sentence())


# Published


def test_cdnow_fits_as_in_the_paper(shared_data: Mapping[str, object]) -> None:
    """Fader, Hardie & Lee 2005: chi-square with 3 degrees of freedom 4.82 (p .19) and, for the
    Pareto/NBD, 11.99 (p .007)."""
    with cx.open_data("data/recipes/cdnow.toml") as data:
        table = data.purchase_table(until="1997-09-30")
    models = purchase_models(table, models=["bg_nbd", "pareto_nbd"])
    first, second = purchase_frequencies(models)
    assert (first.freedom, second.freedom) == (3, 3)
    assert first.customers.tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    assert first.chi_square == pytest.approx(4.82, abs=0.005)
    assert first.misfit_p_value == pytest.approx(0.19, abs=0.005)
    assert second.chi_square == pytest.approx(11.99, abs=0.02)
    assert second.misfit_p_value == pytest.approx(0.007, abs=0.0005)
