"""How a difference moves with each choice: every end against a run of its own."""

from __future__ import annotations

from dataclasses import replace

import pytest
import valued
from test_wording import CAUSAL, FUTURE, check_interval, check_whole

from cxresearch.errors import DataError
from cxresearch.value.difference import value_differences
from cxresearch.value.prices import Prices
from cxresearch.value.sensitivity import value_sensitivity
from cxresearch.value.terms import Terms

PRICES = Prices(
    margin_share=0.5, cost_per_ticket=5.0, cost_per_month=1.0, referral_value=40.0,
    currency="EUR", entered=("margin_share", "cost_per_ticket"),
)  # fmt: skip
TERMS = Terms(0.10, 24, "now")
WORLD = valued.World(shortest=30, longest=36)


@pytest.fixture(scope="module")
def table():
    return valued.draw(WORLD, 1500, 1)


@pytest.fixture(scope="module")
def found(table):
    return value_sensitivity(table, PRICES, TERMS)


def bar(found, choice):
    return next(bar for bar in found.bars if bar.choice == choice)


def test_every_choice_stands_once_the_widest_first(found):
    assert {b.choice for b in found.bars} == {
        "annual_discount_rate", "horizon", "first_margin", "margin_share", "cost_per_ticket",
        "cost_per_month", "referral_value",
    }  # fmt: skip
    widths = [b.width for b in found.bars]
    assert widths == sorted(widths, reverse=True)
    assert {b.choice for b in found.bars if b.entered} == {"margin_share", "cost_per_ticket"}


@pytest.mark.parametrize(
    ("choice", "values"),
    [
        ("annual_discount_rate", (0.0, 0.2)),
        ("horizon", (12, 60)),
        ("first_margin", ("now", "end_of_period")),
        ("margin_share", (0.4, 0.6)),
        ("cost_per_ticket", (0.0, 10.0)),
        ("cost_per_month", (0.0, 2.0)),
        ("referral_value", (0.0, 80.0)),
    ],
)
def test_each_end_is_a_difference_of_its_own(table, found, choice, values):
    for value, ends in zip(values, bar(found, choice).ends, strict=True):
        terms, prices = TERMS, PRICES
        if hasattr(TERMS, choice):
            terms = replace(TERMS, **{choice: value})
        else:
            prices = replace(PRICES, **{choice: value})
        alone = value_differences(table.pooled("score_group"), prices, terms)
        assert ends == pytest.approx(alone["as_they_are"].difference, rel=1e-6)


def test_as_chosen_it_is_the_difference_itself(table, found):
    rows = value_differences(table, PRICES, TERMS)
    assert found.base == pytest.approx(rows["as_they_are"].difference)
    weighted = value_sensitivity(table, PRICES, TERMS, counting="same_history")
    assert weighted.base == pytest.approx(rows["same_history"].difference)


def test_beyond_the_data_models_make_a_bar():
    table = valued.draw(valued.World(shortest=14, longest=18), 2500, 2)
    found = value_sensitivity(table.pooled("score_group"), PRICES, replace(TERMS, horizon=48))
    low, high = bar(found, "model").ends
    assert low[0] < high[0]
    assert low[0] < found.base[0] < high[0]
    assert found.base[1] <= low[1]
    assert found.base[2] >= high[2]
    assert all(
        " for " in s or s in ("geometric", "sBG", "BdW") for s in bar(found, "model").settings
    )


def test_where_no_model_goes_on_the_horizon_stays():
    table = valued.draw(replace(WORLD, loss=1e-6), 600, 3, ())
    found = value_sensitivity(table, PRICES, TERMS)
    assert "horizon" not in {b.choice for b in found.bars}
    assert "annual_discount_rate" in {b.choice for b in found.bars}


def test_where_the_data_end_with_the_last_bill_the_first_bill_stays_too():
    table = valued.draw(replace(WORLD, loss=1e-6), 600, 3, ())
    at_risk = table.select(score_group=["promoter", "detractor"]).at_risk.sum(axis=1)
    last = int((at_risk >= 30).sum(axis=-1).min()) - 1
    found = value_sensitivity(table, PRICES, Terms(0.1, last + 1, "now"))
    assert {b.choice for b in found.bars} == {
        "annual_discount_rate", "margin_share", "cost_per_ticket", "cost_per_month",
        "referral_value",
    }  # fmt: skip


def test_a_share_goes_to_1_at_most_and_what_is_free_does_not_move(table):
    found = value_sensitivity(
        table.pooled("score_group"), replace(PRICES, margin_share=0.9, cost_per_month=0.0), TERMS
    )
    assert bar(found, "margin_share").settings == ("72 %", "100 %")
    assert "cost_per_month" not in {b.choice for b in found.bars}


def test_a_refusal_is_said_and_draws_nothing(table):
    found = value_sensitivity(table.select(score_group=["promoter", "passive"]), PRICES, TERMS)
    assert found.bars == ()
    (finding,) = found.findings()
    assert finding.sentence == "No sensitivity of the difference: there are no detractors."
    assert found.sentence() == finding.sentence


def test_findings_and_words(found):
    keys = [(f.id, tuple(f.group.items())) for f in found.findings()]
    assert len(set(keys)) == len(keys) == 2 * len(found.bars)
    assert (
        "difference_sensitivity", (("choice", "horizon"), ("setting", "60 months"))
    ) in keys  # fmt: skip
    assert {f.grade for f in found.findings()} == {"D"}
    for finding in found.findings():
        check_whole(finding.sentence)
        check_interval(finding.to_dict())
        assert not CAUSAL.search(finding.sentence)
        assert not FUTURE.search(finding.sentence)
    check_whole(found.sentence())
    assert "moves most with the horizon: from EUR" in found.sentence()
    assert "Every interval leaves 0 out." in found.sentence()
    assert "margin share (entered)" in found._repr_html_()
    assert len(found.to_frame()) == 2 * len(found.bars)


def test_amounts_are_written_out_and_the_first_bill_has_its_month(table):
    dear = replace(PRICES, cost_per_ticket=20_000.0, cost_per_month=1.193, currency="JPY")
    found = value_sensitivity(table, dear, TERMS, counting="same_history")
    settings = {b.choice: b.settings for b in found.bars}
    assert settings["cost_per_ticket"] == ("JPY 0", "JPY 40,000")
    assert settings["cost_per_month"] == ("JPY 0", "JPY 2.39")
    assert settings["first_margin"] == ("month 0", "month 1")
    for said in (found.sentence(), *(f.sentence for f in found.findings())):
        assert "promoters and detractors, with the same history before the survey, " in said


def test_a_choice_that_hides_the_difference_is_named(table):
    world = replace(WORLD, margin_by_score=0.0, by_score=0.0, confounding=0.0, referrals=0.1)
    found = value_sensitivity(
        valued.draw(world, 1500, 5), replace(PRICES, cost_per_ticket=1.0), TERMS
    )
    assert "The interval holds 0 at: " in found.sentence()
    assert "value of a referral EUR 0" in found.sentence()


def test_where_every_choice_hides_the_difference_none_is_listed(found):
    nothing = [replace(b, ends=((0.0, -1.0, 1.0), (1.0, -2.0, 2.0))) for b in found.bars]
    said = replace(found, bars=tuple(nothing)).sentence()
    assert said.endswith(" intervals). Every interval holds 0.")


def test_a_way_of_comparing_that_the_table_has_not_is_an_error(table):
    with pytest.raises(DataError, match="counting 'same_tenure_mix' does not exist"):
        value_sensitivity(table.pooled("score_group"), PRICES, TERMS, counting="same_tenure_mix")
