from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_wording import CAUSAL, FUTURE, check_digits, check_interval, check_whole
from valued import World, draw, months_of, rows, table

from cxresearch.errors import CxError, DataError
from cxresearch.uncertainty import jackknife_se
from cxresearch.value._lifetime_value import LifetimeValue
from cxresearch.value.lifetime import LifetimeValues, lifetime_values
from cxresearch.value.prices import Prices
from cxresearch.value.terms import FIRST_MARGINS, Terms, constant_value
from cxresearch.value_table import LIFE, MONEY, ValueTable

PRICES = Prices(cost_per_ticket=4.0, referral_value=80.0, currency="EUR")
TERMS = Terms(0.1, 24, "now")
GROUPS = ("detractor", "passive", "promoter")


@cache
def answers() -> ValueTable:
    return draw(World(), 1500, 1, known=())


@cache
def promoters() -> ValueTable:
    return answers().select(score_group="promoter")


def values(source: ValueTable | None = None, terms: Terms = TERMS, **words: Any) -> LifetimeValues:
    prices = words.pop("prices", PRICES)
    return lifetime_values(source or answers(), prices, terms, **words)


def one(source: ValueTable | None = None, terms: Terms = TERMS, **words: Any) -> LifetimeValue:
    return values(source, terms, **words)[0]


def scaled(source: ValueTable, factor: float) -> ValueTable:
    money = {name: factor * source.counts(name) for name in ("revenue", "margin", "direct_cost")}
    return replace(source, **money)


def geometric(retention: float = 0.5, margin: float = 40.0, months: int = 8) -> ValueTable:
    """Customers of whom exactly the same share leaves each month, and who all pay the same."""
    start = 2 * 4**months
    left = np.array([start * retention**t for t in range(months + 1)])
    exits = np.repeat(np.arange(1, months + 1), (left[:-1] - left[1:]).astype(int))
    exits = np.r_[exits, np.full(int(left[-1]), months)]
    churned = np.arange(len(exits)) < len(exits) - left[-1]
    base = {"replicate": np.tile([0, 1], len(exits) // 2)}
    frame = pd.DataFrame({"tenure": exits, "churned": churned * 1, "censored": ~churned * 1} | base)
    there = [
        pd.DataFrame({"tenure": t, "paying": [n // 2] * 2, "replicate": [0, 1]})
        for t, n in enumerate(left.astype(int))
    ]
    entered = pd.DataFrame({"tenure": 0, "entered": 1} | base)
    bills = pd.concat(there).assign(margin=lambda x: margin * x["paying"])
    long = pd.concat([frame, entered, bills]).reindex(
        columns=["replicate", "tenure", *LIFE, *MONEY]
    )
    return ValueTable.from_counts(long.fillna(0), n_replicates=2)


# Closed forms and limits


@pytest.mark.parametrize("first", FIRST_MARGINS)
@pytest.mark.parametrize("horizon", [1, 3, 8])
def test_where_all_are_alike_it_is_the_closed_form(first: str, horizon: int) -> None:
    terms = Terms(0.3, horizon, first)  # type: ignore[arg-type]
    found = one(geometric(), terms, prices=Prices())
    expected = constant_value(
        0.5, 40.0, terms.rate_per_period, first_margin=terms.first_margin, horizon=horizon
    )
    assert found.lifetime_value == pytest.approx(float(expected))
    assert (found.inside, found.projected) == (pytest.approx(float(expected)), 0)


@pytest.mark.parametrize("first", FIRST_MARGINS)
def test_the_three_parts_add_up_to_all_bills_there_ever_are(first: str) -> None:
    """Beyond the data too: all three models hold the geometric one."""
    terms = Terms(0.3, 12, first)  # type: ignore[arg-type]
    found = one(geometric(), terms, prices=Prices())
    whole = constant_value(0.5, 40.0, terms.rate_per_period, first_margin=terms.first_margin)
    assert found.projected > 0
    assert found.inside + found.projected == pytest.approx(found.lifetime_value)
    assert found.lifetime_value + found.beyond == pytest.approx(float(whole), rel=1e-4)
    assert found.share_after_horizon == pytest.approx(found.beyond / float(whole), rel=1e-4)


def test_nobody_leaves_and_nothing_is_discounted() -> None:
    source = geometric(retention=1.0)
    found = one(source, Terms(0.0, 8, "now"), prices=Prices())
    assert found.lifetime_value == pytest.approx(320)
    assert found.lifetime_value_ci_lower < 320
    assert math.isnan(found.beyond)


def test_one_bill_is_the_mean_of_the_first_bills() -> None:
    found = one(terms=Terms(0.1, 1, "now"), prices=Prices())
    source = answers()
    mean = source.margin[0, :, 0].sum() / source.paying[0, :, 0].sum()
    assert found.lifetime_value == pytest.approx(mean)


# Against other ways to compute the same


@pytest.mark.parametrize("first", FIRST_MARGINS)
def test_it_is_what_a_loop_over_customers_gives(first: str) -> None:
    terms = Terms(0.1, 20, first)  # type: ignore[arg-type]
    frame = rows(World(), 600, 3)
    months = months_of(frame)
    for found in values(table(frame, known=()), terms):
        own, long = (x[x["score_group"] == found.label] for x in (frame, months))
        assert len(own) == round(found.n)
        assert found.lifetime_value == pytest.approx(loop(own, long, terms))


def loop(own: pd.DataFrame, long: pd.DataFrame, terms: Terms) -> float:
    """Go through the answers of one group, month by month."""
    total, retained = 0.0, 1.0
    for t in range(int(terms.months[-1]) + 1):
        if t:
            lost = ((own["months"] == t) & own["churned"]).sum()
            retained *= 1 - lost / (own["months"] >= t).sum()
        now = long[(long["tenure"] == t) & (long["paying"] == 1)]
        each = now["margin"].mean() - 4 * now["tickets"].mean() + 80 * now["referrals"].mean()
        if t in terms.months:
            total += retained * each / 1.1 ** (t / 12)
    return total


def test_the_interval_is_that_of_leaving_each_replicate_out_by_hand() -> None:
    source = promoters()
    counts = {name: source.counts(name) for name in source.count_fields}
    small = replace(
        source,
        **{name: x.reshape(1, 16, 16, -1).sum(axis=1) for name, x in counts.items()},
    )
    for terms in (TERMS, Terms(0.1, 60, "now")):
        found, left = one(small, terms), []
        for r in range(16):
            kept = {name: np.delete(small.counts(name), r, axis=1) for name in counts}
            left.append(one(replace(small, **kept), terms))
        if not found.projected:
            error = float(jackknife_se(np.array([x.lifetime_value for x in left])))
            half = 1.959964 * error
            assert found.lifetime_value_ci_upper - found.lifetime_value == pytest.approx(half)
            months = jackknife_se(np.array([x.contribution.value for x in left]))
            np.testing.assert_allclose(
                found.contribution.upper - found.contribution.value, 1.959964 * months, rtol=1e-6
            )
            continue
        for model, (value, lower, upper) in found.by_model.items():
            own = np.array([float(x.by_model[model].value) for x in left])
            half = 1.959964 * float(jackknife_se(own))
            assert upper - value == pytest.approx(half, rel=1e-2), model
            assert value - lower == pytest.approx(half, rel=1e-2), model


# Properties


@given(st.floats(0, 0.5), st.floats(0.01, 0.5))
@settings(max_examples=10)
def test_a_higher_discount_rate_gives_less(rate: float, more: float) -> None:
    cheap, dear = (one(promoters(), Terms(r, 48, "now")) for r in (rate, rate + more))
    assert dear.lifetime_value < cheap.lifetime_value
    assert dear.share_beyond_data < cheap.share_beyond_data


@given(st.integers(1, 40), st.integers(1, 20))
@settings(max_examples=10)
def test_a_longer_horizon_gives_more_and_leaves_less(horizon: int, more: int) -> None:
    near, far = (one(promoters(), Terms(0.1, h, "now")) for h in (horizon, horizon + more))
    assert (near.contribution.value > 0).all()
    assert near.lifetime_value < far.lifetime_value
    assert near.beyond > far.beyond
    assert near.lifetime_value + near.beyond == pytest.approx(far.lifetime_value + far.beyond)


@given(st.floats(0.01, 1000))
@settings(max_examples=10)
def test_it_scales_with_the_money(factor: float) -> None:
    """So a currency changes nothing but the unit."""
    source, terms = promoters(), Terms(0.1, 48, "now")
    dear = Prices(cost_per_ticket=4 * factor, referral_value=80 * factor, currency="JPY")
    plain, other = one(source, terms), one(scaled(source, factor), terms, prices=dear)
    for name in ("lifetime_value", "lifetime_value_ci_lower", "projected", "beyond_ci_upper"):
        assert getattr(other, name) == pytest.approx(factor * getattr(plain, name)), name
    assert other.share_beyond_data == pytest.approx(plain.share_beyond_data)
    assert other.findings()[0].unit == "JPY"


@pytest.mark.parametrize("horizon", [20, 48])
def test_the_unit_of_time_changes_nothing(horizon: int) -> None:
    months = Terms(0.1, horizon, "end_of_period")
    years = Terms(1.1 ** (1 / 12) - 1, horizon, "end_of_period", periods_per_year=1)
    found, other = one(terms=months), one(replace(answers(), periods_per_year=1), years)
    assert other.values == pytest.approx(found.values)
    assert other.beyond == pytest.approx(found.beyond)
    assert f"{horizon} years" in other.sentence()


def test_the_later_first_bill_is_the_same_value_without_it() -> None:
    now, later = one(terms=Terms(0.1, 21, "now")), one(terms=Terms(0.1, 20, "end_of_period"))
    assert now.lifetime_value - later.lifetime_value == pytest.approx(now.contribution.value[0])


# The three parts and the curves


def test_the_parts_and_the_curves_add_up() -> None:
    for horizon in (12, 36, 60):
        for found in values(terms=Terms(0.1, horizon, "now")):
            assert found.inside + found.projected == pytest.approx(found.lifetime_value)
            assert found.contribution.value.sum() == pytest.approx(found.lifetime_value)
            total = [float(end[-1]) for end in found.by_horizon]
            assert total == pytest.approx(found.values)
            seen = found.bills_seen
            assert found.contribution.value[:seen].sum() == pytest.approx(found.inside)
            share = found.projected / found.lifetime_value
            assert found.share_beyond_data == pytest.approx(share)
            assert (seen < horizon) == (found.projected > 0) == bool(found.by_model)


def test_the_band_beyond_the_data_holds_each_credible_model() -> None:
    found = one(terms=Terms(0.1, 60, "now"))
    ends = (
        [float(x.lower) for x in found.by_model.values()],
        [float(x.upper) for x in found.by_model.values()],
    )
    assert set(found.by_model) == {"geometric", "sbg", "bdw"}
    assert found.lifetime_value_ci_lower == pytest.approx(min(ends[0]))
    assert found.lifetime_value_ci_upper == pytest.approx(max(ends[1]))
    assert found.beyond_ci_lower < found.beyond < found.beyond_ci_upper
    after = found.findings()[2]
    assert (after.id, after.grade, after.unit) == ("share_after_horizon", "D", "share")
    assert after.value == pytest.approx(found.beyond / (found.beyond + found.lifetime_value))
    assert after.ci_lower < after.value < after.ci_upper
    assert after.sentence in found.sentence()


def test_without_a_discount_what_comes_after_has_no_end_and_is_not_given() -> None:
    found = one(terms=Terms(0.0, 60, "now"))
    assert math.isnan(found.beyond)
    assert math.isnan(found.share_after_horizon)
    assert found.projected > 0
    assert "a whole life" not in found.sentence()
    assert [f.id for f in found.findings()] == ["lifetime_value", "share_beyond_data"]


def test_a_value_below_0_has_no_share() -> None:
    dear = replace(PRICES, cost_per_month=500.0)
    found = one(terms=Terms(0.1, 60, "now"), prices=dear)
    assert found.lifetime_value < 0
    assert math.isnan(found.share_beyond_data)
    share = found.findings()[1]
    assert (share.value, share.ci_lower) == (None, None)
    assert share.sentence.endswith("is not defined: it is not above 0.")


def test_a_value_above_0_with_losses_beyond_the_data_has_no_share_either() -> None:
    source = promoters()
    late = np.where(np.arange(source.margin.shape[-1]) > 32, -2.0, 1.0)
    found = one(replace(source, margin=source.margin * late), Terms(0.1, 60, "now"))
    assert found.projected < 0 < found.lifetime_value
    share = found.findings()[1]
    assert share.value is None
    assert share.sentence.endswith("the bills before or after their end bring less than nothing.")


def test_what_comes_after_the_horizon_is_projected_only_where_the_data_end() -> None:
    near, far = one(terms=Terms(0.1, 12, "now")), one(terms=Terms(0.1, 60, "now"))
    end = near.data_end
    assert end > 12
    assert f", what lies after month {end} projected (95 % intervals)." in near.sentence()
    assert ", all of it projected (95 % intervals)." in far.sentence()


def test_bills_that_take_the_mean_of_other_months_are_said_and_grade_d() -> None:
    source = promoters()
    cut = np.arange(source.margin.shape[-1]) >= 18  # the extract holds bills of later months only
    late = {name: cut * source.counts(name) for name in ("paying", "revenue", "margin")}
    whole, found = one(source), one(replace(source, **late))
    assert (whole.borrowed, whole.grade) == (0, "C")
    assert (found.borrowed, found.grade) == (18, "D")
    for finding in found.findings()[:2]:
        assert "; for 18 of the bills too few are known, so they take" in finding.sentence
        assert finding.grade == "D"
        check_whole(finding.sentence)
    # what is entered is nobody's bill
    assert one(replace(source, **late), prices=Prices(monthly_margin=20.0)).borrowed == 0


def test_a_group_of_one_has_a_value_where_it_is_asked_for() -> None:
    frame = rows(World(), 400, 5).query("score_group != 'detractor' or index == 0")
    source = table(frame.assign(score_group=["alone", *["other"] * (len(frame) - 1)]), known=())
    found = values(source, Terms(0.1, 3, "now"), min_group=1, min_at_risk=1)
    alone = next(value for value in found if value.label == "alone")
    assert (alone.n, alone.share_beyond_data) == (1, 0)
    assert alone.lifetime_value_ci_lower < alone.lifetime_value < alone.lifetime_value_ci_upper


def test_further_horizons_are_as_if_asked_alone() -> None:
    found = values(horizons=(12, 24, 60))
    assert [x.horizon for x in found] == [24] * 3
    assert [x.horizon for x in found.others] == [12, 60] * 3
    for other in found.others:
        alone = values(terms=replace(TERMS, horizon=other.horizon))
        same = next(x for x in alone if x.group == other.group)
        assert other.values == pytest.approx(same.values)


# Who is not shown, and words


def test_small_groups_are_counted_and_never_named() -> None:
    few = answers().n.min() + 1
    found = values(min_group=int(few))
    assert len(found) == 2
    missing = GROUPS[int(answers().n.argmin())]
    said = found.sentence()
    assert f"1 group with fewer than {few:,} answers is not reported." in said
    assert missing not in said
    assert missing not in str(found.to_frame())


def test_groups_without_a_model_say_so_only_where_one_is_needed() -> None:
    stay = draw(World(loss=1e-6), 900, 2, known=())
    found = values(stay, horizons=(12, 60))
    assert len(found) == 3
    assert {x.horizon for x in found.others} == {12}
    (refusal,) = found.suppressed
    assert refusal.id == "not_reported"
    assert refusal.sentence.startswith("The value over 60 months of 3 groups is not reported: few")
    alone = values(stay.pooled(), Terms(0.1, 60, "now"))
    assert alone.sentence().startswith("The value over 60 months of answers is not reported")
    assert len(alone) == 0


def test_findings_say_what_they_are() -> None:
    found = values(terms=Terms(0.1, 12, "now"), horizons=(48, 60)).findings()
    assert len(found) == 27
    ids = {"lifetime_value", "share_beyond_data", "share_after_horizon"}
    assert {f.id for f in found} == ids
    assert all(set(f.group) == {"score_group", "horizon"} for f in found)
    assert {f.unit for f in found if f.id == "lifetime_value"} == {"EUR"}
    assert {f.grade for f in found if f.id == "share_after_horizon"} == {"D"}
    grades = {f.group["horizon"]: f.grade for f in found if f.id != "share_after_horizon"}
    assert grades == {"12": "C", "48": "D", "60": "D"}
    keys = [(f.id, *sorted(f.group.items())) for f in found]
    assert len(set(keys)) == len(keys)
    assert {f.as_of for f in found} == {"2025-12-31"}


def test_what_was_entered_gives_grade_d_and_is_named() -> None:
    assumed = replace(PRICES, entered=("cost_per_ticket",))
    found = values(prices=assumed).findings()
    assert {f.grade for f in found} == {"D"}
    assert "What was entered is in it: cost of a ticket." in found[0].sentence
    without = values(replace(answers(), currency=None), prices=replace(PRICES, currency=None))
    assert without.findings()[0].unit == "amount"
    assert "bring 4" in without.sentence()


def test_sentences_describe_and_round_to_their_interval() -> None:
    for prices in (PRICES, replace(PRICES, entered=("cost_per_ticket",), cost_per_month=500.0)):
        for terms in (TERMS, Terms(0.05, 60, "end_of_period"), Terms(0.0, 1, "now")):
            found = values(terms=terms, prices=prices)
            for said in (found.sentence(), *(f.sentence for f in found.findings())):
                check_whole(said)
                assert not CAUSAL.search(said), said
                assert not FUTURE.search(said), said
            for finding in found.findings():
                check_interval(finding.to_dict())
                check_digits(finding.to_dict())
    said = one(terms=Terms(0.05, 60, "end_of_period")).sentence()
    assert said.startswith("Answers (detractors) bring EUR ")
    assert "each on average, over the 60 months from the answer on (95 % interval)" in said
    assert "discounted at 5 % a year, with the first bill one month later." in said
    assert "of the BdW" not in said
    assert "by the BdW model" in said
    with pytest.raises(CxError, match="lang is 'de'"):
        one().sentence("de")


def test_frames_hold_every_group_and_month() -> None:
    found = values(horizons=(12,))
    frame = found.to_frame()
    assert frame["horizon"].tolist() == [12] * 3 + [24] * 3
    assert frame["lifetime_value"].tolist()[3:] == [x.lifetime_value for x in found]
    months = found[0].by_month()
    assert len(months) == 24
    assert months["month"].tolist() == list(range(24))
    assert not months["extrapolated"].any()
    assert one(terms=Terms(0.1, 60, "now")).by_month()["extrapolated"].sum() > 0
    assert "lifetime value" in found._repr_html_()


# Recovery


def truth(group: str, terms: Terms) -> float:
    return float(World(confounding=0.0).value(group, terms, PRICES))


def test_the_truth_of_a_large_world_is_found() -> None:
    terms = Terms(0.1, 24, "now")
    found = values(draw(World(confounding=0.0), 20_000, 5, known=()), terms, confidence_level=0.999)
    for value in found:
        low, high = value.values[1:]
        assert low < truth(value.label, terms) < high
        assert high - low < 0.1 * value.lifetime_value


@pytest.mark.verify
@pytest.mark.parametrize(("n", "horizon"), [(300, 24), (300, 60), (5000, 24), (5000, 60)])
def test_intervals_cover_the_truth(n: int, horizon: int) -> None:
    terms, draws = Terms(0.1, horizon, "now"), 300
    inside = dict.fromkeys(GROUPS, 0)
    for seed in range(draws):
        for value in values(draw(World(confounding=0.0), n, seed, known=()), terms):
            low, high = value.values[1:]
            inside[value.label] += low <= truth(value.label, terms) <= high
    shares = [count / draws for count in inside.values()]
    assert 0.93 <= np.mean(shares) <= 0.97, inside
    assert all(0.9 <= share <= 0.99 for share in shares), inside  # three errors of 300 draws


# Errors


def test_what_breaks_a_rule_is_said_at_once() -> None:
    source = replace(
        answers().pooled(),
        group_columns=("horizon",),
        groups=(("a",),),
        **{n: answers().pooled().counts(n).sum(1, keepdims=True) for n in (*LIFE, *MONEY)},
    )
    with pytest.raises(DataError) as raised:
        values(source, Terms(0.1, 5, "now", periods_per_year=1))
    said = str(raised.value)
    assert len(raised.value.problems) == 3
    assert "a group column is called 'horizon'" in said
    assert "the table has 1 replicate, must have at least 2" in said
    assert "the table counts 12 periods a year and the terms 1" in said


@pytest.mark.parametrize("words", [{"horizons": (0,)}, {"confidence_level": 95}])
def test_arguments_that_break_a_rule_are_refused(words: dict[str, Any]) -> None:
    with pytest.raises(CxError, match=r"horizon is 0|confidence_level is 95"):
        values(**words)
