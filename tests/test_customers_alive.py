from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from shops import DETRACTOR, PROMOTER, Kind, Shop, shop
from test_wording import CAUSAL, FUTURE, check_digits, check_whole

from cxresearch.errors import DataError
from cxresearch.projection._forecast import COMBINED
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases._together import Days, per_customer
from cxresearch.purchases.alive import alive_maps, customers_alive
from cxresearch.purchases.frequencies import each_group, model_standing
from cxresearch.purchases.models import PurchaseModels, purchase_models

MODELS = ["bg_nbd", "mbg_nbd"]


@pytest.fixture(scope="module")
def drawn() -> Shop:
    return shop(800, np.random.default_rng(1), {"promoter": PROMOTER, "detractor": DETRACTOR})


@pytest.fixture(scope="module")
def fitted(drawn: Shop) -> PurchaseModels:
    return purchase_models(drawn.table(), models=MODELS)


def without_replicates(table: PurchaseTable) -> PurchaseTable:
    """The same customers, as counts that know of no replicate."""
    cells = {
        name: getattr(table, name)
        for name in ("frequency", "recency", "age", "customers", "repeat_spend", "returned")
    }
    labels = np.array([label for (label,) in table.groups])
    frame = pd.DataFrame({"score_group": labels[table.group], **cells})
    spend = table.spend.assign(score_group=labels[table.spend["group"]])
    spend = spend.drop(columns=["replicate", "group"])
    return PurchaseTable.from_counts(frame, spend, ["score_group"], until=table.until)


# The numbers


def test_the_mean_is_over_customers(fitted: PurchaseModels) -> None:
    for result, (table, fits) in zip(customers_alive(fitted), each_group(fitted), strict=True):
        for fit in fits:
            each, bought = fit.alive(table)[0], fit.expected(table, 52)[0]
            expected = np.average(each, weights=table.customers)
            assert result.alive_by_model[fit.model][0] == pytest.approx(expected)
            expected = np.average(bought, weights=table.customers)
            assert result.purchases_by_model[fit.model][0] == pytest.approx(expected)


def test_a_row_without_a_replicate_is_what_its_customers_and_parameters_say(
    fitted: PurchaseModels,
) -> None:
    table, (fit, _) = next(each_group(fitted))
    rows = per_customer(fit, fit.expected_near(table, 26), table)
    for r in (0, 17, 255):
        rest = table.replicate != r
        said = fit.expected(table, 26)[1 + r, rest]
        assert rows[1 + r] == pytest.approx(np.average(said, weights=table.customers[rest]))


def test_all_together_is_between_the_models_and_holds_their_intervals(
    fitted: PurchaseModels,
) -> None:
    for result in customers_alive(fitted):
        for rows in (result.alive_by_model, result.purchases_by_model):
            each = [rows[model] for model in result.credible]
            value, lower, upper = rows[COMBINED]
            assert lower == min(row[1] for row in each)
            assert upper == max(row[2] for row in each)
            assert min(row[0] for row in rows.values()) <= value <= upper
        assert result.probability_alive == result.alive_by_model[COMBINED][0]
        assert result.expected_purchases == result.purchases_by_model[COMBINED][0]


def test_purchases_are_recovered(drawn: Shop, fitted: PurchaseModels) -> None:
    for result in customers_alive(fitted, weeks=26):
        _, lower, upper = result.purchases_by_model["bg_nbd"]
        spread = (upper - lower) / 2 / 1.96
        truth = drawn.expected_purchases(result.group["score_group"], 26)
        assert abs(result.purchases_by_model["bg_nbd"][0] - truth) < 3.5 * spread


def test_the_share_alive_is_recovered() -> None:
    kind = Kind("pareto_nbd", (1.5, 6.0, 1.2, 20.0))
    drawn = shop(1500, np.random.default_rng(2), {"promoter": kind}, later_days=0)
    (result,) = customers_alive(purchase_models(drawn.table(""), models=["pareto_nbd"]))
    spread = (result.probability_alive_ci_upper - result.probability_alive_ci_lower) / 3.92
    assert abs(result.probability_alive - drawn.alive("promoter")) < 3.5 * spread
    assert spread < 0.05


def test_more_weeks_bring_more_purchases(fitted: PurchaseModels) -> None:
    year, half = customers_alive(fitted, weeks=52), customers_alive(fitted, weeks=26)
    for longer, shorter in zip(year, half, strict=True):
        assert longer.expected_purchases > shorter.expected_purchases
        assert longer.probability_alive == shorter.probability_alive


def test_counts_without_replicates_have_an_interval_too(drawn: Shop) -> None:
    """Of the fit alone: who the customers are is then given, so that it is narrower."""
    table = drawn.table()
    single = without_replicates(table)
    with_r, without = (
        customers_alive(purchase_models(one, models=["bg_nbd"])) for one in (table, single)
    )
    for result, other in zip(with_r, without, strict=True):
        assert other.expected_purchases == pytest.approx(result.expected_purchases, rel=1e-5)
        width, own = (
            x.expected_purchases_ci_upper - x.expected_purchases_ci_lower for x in (result, other)
        )
        assert 0.3 * width < own < 1.1 * width


@pytest.mark.parametrize("weeks", [0, -1, 2000, 1.5])
def test_weeks_that_cannot_be_are_refused(fitted: PurchaseModels, weeks: float) -> None:
    with pytest.raises(DataError, match="must be a whole number from 1 to 1040: write 52"):
        customers_alive(fitted, weeks=weeks)  # type: ignore[arg-type]


# What is said


def test_findings_are_named_as_the_issue_says(fitted: PurchaseModels) -> None:
    found = customers_alive(fitted, weeks=26).findings()
    assert [(f.id, dict(f.group)) for f in found] == [
        ("probability_alive", {"score_group": "detractor"}),
        ("expected_purchases", {"weeks": "26", "score_group": "detractor"}),
        ("probability_alive", {"score_group": "promoter"}),
        ("expected_purchases", {"weeks": "26", "score_group": "promoter"}),
    ]
    assert {f.grade for f in found} == {"D"}
    assert [f.n for f in found] == [800] * 4
    for finding in found:
        check_whole(finding.sentence)
        assert not CAUSAL.search(finding.sentence)
        assert not FUTURE.search(finding.sentence)
    assert check_digits(found[0].to_dict())


def test_sentences_say_which_models_and_when(fitted: PurchaseModels) -> None:
    said = customers_alive(fitted, weeks=1)[1].sentence()
    assert said.startswith("Of 100 customers (promoters), ")
    assert " are still active on 2024-12-30 by the BG/NBD" in said
    assert "in the 1 week after 2024-12-30, projected by the BG/NBD" in said


def test_where_nobody_seems_to_stop_nothing_is_certain(fitted: PurchaseModels) -> None:
    """At the edge of the parameters no replicate moves, so that all would be alive for certain."""
    edge = (False, False, False, True)
    stays = np.array([1.0, 1.0, 1e-4, 2e4])
    ends = tuple(
        replace(fit, parameters=fit.parameters[:1] * stays + 0 * fit.parameters, edge=edge)
        for fit in fitted
    )
    found, maps = (read(replace(fitted, results=ends)) for read in (customers_alive, alive_maps))
    for result in found:
        assert np.isnan(result.probability_alive)
        alive, bought = result.findings()
        assert [alive.to_dict()[key] for key in ("value", "ci_lower", "ci_upper")] == [None] * 3
        assert alive.sentence.startswith(f"How many {result.of.population} (")
        assert "cannot be told by the " in alive.sentence
        for finding in (alive, bought):
            assert "in which nobody seems to stop" in finding.sentence
            check_whole(finding.sentence)
        assert result.expected_purchases > 0
    assert all("nobody seems to stop" in one.sentence() for one in maps)
    assert not any("nobody seems" in one.sentence() for one in customers_alive(fitted))


def test_small_groups_are_counted_and_not_named(drawn: Shop) -> None:
    models = purchase_models(drawn.table(), models=["bg_nbd"], min_group=10**6)
    found = customers_alive(models)
    assert len(found) == 0
    assert "promoter" not in found.sentence()
    assert "2 groups" in found.sentence()


# The map


def test_the_map_is_what_the_models_say(fitted: PurchaseModels) -> None:
    weights, (row, column) = model_standing(fitted).weights, (3, 2)
    for found, (_, fits) in zip(alive_maps(fitted), each_group(fitted), strict=True):
        age = round(found.age * 7)
        last = age - 7 * found.weeks_since[column]
        cell = Days(*(np.array([x]) for x in (found.frequency[row], last, age)))
        expected = sum(weights[fit.model] * fit.alive(cell)[0, 0] for fit in fits)
        assert found.probability_alive[row, column] == pytest.approx(expected)


def test_who_is_silent_for_longer_is_less_likely_there(fitted: PurchaseModels) -> None:
    for found in alive_maps(fitted):
        shares = found.probability_alive
        assert (np.diff(shares[1:], axis=1)[np.isfinite(np.diff(shares[1:], axis=1))] <= 0).all()
        assert found.weeks_since[0] == 0
        assert found.weeks_since[-1] <= found.age
        assert np.isfinite(shares[0]).all()


def test_no_cell_is_said_that_nobody_can_be_in(fitted: PurchaseModels) -> None:
    for found in alive_maps(fitted):
        age = round(found.age * 7)
        room = age - 7 * found.weeks_since[None, :] >= found.frequency[:, None]
        room[0] = True
        np.testing.assert_array_equal(np.isfinite(found.probability_alive), room)
        assert found.findings() == ()
        check_whole(found.sentence())
        assert found.to_frame().shape == (len(found.frequency), 2 + len(found.weeks_since))
