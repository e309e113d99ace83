from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from shops import BG_NBD, DETRACTOR, PROMOTER, Kind, Shop, shop
from test_customers_alive import without_replicates
from test_wording import CAUSAL, FUTURE, check_digits, check_whole

import cxresearch as cx
from cxresearch.errors import NotEnoughError
from cxresearch.projection._forecast import COMBINED
from cxresearch.purchases.frequencies import each_group
from cxresearch.purchases.holdout import purchase_holdout
from cxresearch.purchases.models import PurchaseModels, purchase_models


@pytest.fixture(scope="module")
def drawn() -> Shop:
    return shop(800, np.random.default_rng(1), {"promoter": PROMOTER, "detractor": DETRACTOR})


@pytest.fixture(scope="module")
def fitted(drawn: Shop) -> PurchaseModels:
    return purchase_models(drawn.table(), models=["bg_nbd", "mbg_nbd"])


def test_predicted_and_made_add_up(fitted: PurchaseModels) -> None:
    held = purchase_holdout(fitted)
    assert [h.model for h in held] == ["bg_nbd", "mbg_nbd", COMBINED] * 2
    for (table, fits), start in zip(each_group(fitted), (0, 3), strict=True):
        for fit, found in zip(fits, (held[start], held[start + 1]), strict=True):
            expected = fit.expected(table, table.later_days / 7)[0] @ table.customers
            assert found.predicted == pytest.approx(expected)
            assert found.actual == table.later_purchases.sum()
            assert found.holdout_purchases == pytest.approx(found.predicted / found.actual - 1)
            assert found.customers.sum() == table.customers.sum() == 800
            for per_class, total in (
                (found.predicted_by_class, found.predicted),
                (found.actual_by_class, found.actual),
            ):
                assert np.nansum(per_class.value * found.customers) == pytest.approx(total)
        both = [held[start], held[start + 1]]
        low, high = sorted(found.predicted for found in both)
        assert low <= held[start + 2].predicted <= high


def test_the_true_model_is_not_far_off(fitted: PurchaseModels) -> None:
    for found in purchase_holdout(fitted):
        if found.model == "bg_nbd":
            spread = (found.holdout_purchases_ci_upper - found.holdout_purchases_ci_lower) / 3.92
            assert abs(found.holdout_purchases) < 3.5 * spread
            assert 0.02 < spread < 0.2


def test_a_wrong_model_is_found_out() -> None:
    """Customers who stop, and a model fitted to those who seem to come for ever."""
    kind = Kind("bg_nbd", (1.0, 5.0, 2.0, 3.0))
    table = shop(1500, np.random.default_rng(2), {"promoter": kind}).table("")
    (model,) = purchase_models(table, models=["bg_nbd"])
    stay = model.parameters * np.array([1.0, 1.0, 0.01, 1.0])
    models = purchase_models(table, models=["bg_nbd"])
    wrong = replace(models, results=(replace(model, parameters=stay),))
    (found,) = purchase_holdout(wrong)
    assert found.holdout_purchases_ci_lower > 0.2
    assert "higher than the" in found.sentence()
    assert check_digits(found.findings()[0].to_dict())


@pytest.mark.verify
def test_the_interval_holds_no_error_as_often_as_it_says() -> None:
    rng, hits = np.random.default_rng(3), []
    for _ in range(300):
        table = shop(1000, rng, {"promoter": Kind("bg_nbd", (0.8, 8.0, 1.2, 4.0))}).table("")
        (found,) = purchase_holdout(purchase_models(table, models=["bg_nbd"]))
        hits.append(found.holdout_purchases_ci_lower < 0 < found.holdout_purchases_ci_upper)
    assert 0.92 <= np.mean(hits) <= 0.98, np.mean(hits)


def test_findings_and_sentences(fitted: PurchaseModels) -> None:
    found = purchase_holdout(fitted).findings()
    assert {f.id for f in found} == {"holdout_purchases"}
    assert {(f.group["model"], f.group["score_group"]) for f in found} == {
        (model, group)
        for model in ("bg_nbd", "mbg_nbd", COMBINED)
        for group in ("promoter", "detractor")
    }
    for finding in found:
        check_whole(finding.sentence)
        assert check_digits(finding.to_dict())
        assert not CAUSAL.search(finding.sentence)
        assert not FUTURE.search(finding.sentence)
        unclear = finding.sentence.startswith("No clear error")
        assert unclear == (finding.ci_lower <= 0 <= finding.ci_upper)


def test_nothing_to_compare_with_is_refused(drawn: Shop, fitted: PurchaseModels) -> None:
    table = without_replicates(drawn.table())
    with pytest.raises(NotEnoughError) as error:
        purchase_holdout(purchase_models(table, models=["bg_nbd"]))
    assert len(error.value.problems) == 2
    assert "there are no purchases after 2024-12-30" in str(error.value)
    none = replace(
        fitted.table,
        later_purchases=np.where(fitted.table.group == 0, 0, fitted.table.later_purchases),
    )
    held = purchase_holdout(replace(fitted, table=none))
    assert "too few customers (detractors) bought anything" in held[0].sentence()
    assert held[0].findings()[0].to_dict()["value"] is None
    assert held[3].findings()[0].value is not None


# Published


def test_cdnow_is_predicted_as_in_the_paper(shared_data: Path) -> None:
    """1.226 purchases in the next 39 weeks of who bought twice (x 2, t_x 30.43, T 38.86), and
    the shape of fig. 4: the more often before, the more often after."""
    with cx.open_data("data/recipes/cdnow.toml") as data:
        table = data.purchase_table(until="1997-09-30")
    models = purchase_models(table, models=["bg_nbd"])
    np.testing.assert_allclose(models[0].parameters[0], BG_NBD, rtol=2e-3)
    (found,) = purchase_holdout(models)
    assert found.weeks == 39
    assert found.actual == 1882
    assert (np.diff(found.predicted_by_class.value) > 0).all()
    inside = found.actual_by_class
    hit = (inside.ci_lower < found.predicted_by_class.value) & (
        found.predicted_by_class.value < inside.ci_upper
    )
    assert hit.sum() >= 6
