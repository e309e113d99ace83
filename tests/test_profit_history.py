"""Where the claim comes from: printed numbers come back, and what is uncertain says so."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_wording import CAUSAL, FUTURE, check_whole

from cxresearch.errors import DataError
from cxresearch.findings import collect
from cxresearch.roi._customer_lives import LIVES, base_defection, lifetime_profit, uplift
from cxresearch.roi._industry_uplifts import constant_retention
from cxresearch.roi._published import CREDIT_CARD, FIRMS, LATER, NINE, STANDINGS
from cxresearch.roi.history import ProfitHistory, profit_history

CARD = CREDIT_CARD.profits or ()
rates = st.floats(0.02, 0.5)
defections = st.floats(0.02, 1.0)


@pytest.fixture(scope="module")
def history() -> ProfitHistory:
    return profit_history()


def by_name(history: ProfitHistory, name: str, year: int = 1990):
    (found,) = [x for x in history.industries if (x.industry.name, x.industry.year) == (name, year)]
    return found


# Published numbers


def test_the_defection_curve_comes_back(history: ProfitHistory) -> None:
    """Reichheld & Sasser 1990: 134, 300, 525 at 20, 10 and 5 % a year; all within 2.3 %."""
    curve = history.curve
    assert curve.annual_discount_rate == pytest.approx(0.061, abs=5e-4)
    assert [round(x) for x in curve.values["fixed"]] == [131, 303, 527]
    assert np.abs(curve.values["fixed"] / curve.printed_values - 1).max() < 0.023
    assert curve.printed_uplift == CREDIT_CARD.uplift == 0.75
    assert round(curve.uplifts["points"][0], 2) == 0.74


def test_random_lives_give_less() -> None:
    """At 6 % a year and lives that differ: 119, 248, 402, which are 62 % apart and not 74 %."""
    curve = profit_history(0.06).curve
    assert [round(x) for x in curve.values["random"]] == [119, 248, 402]
    assert round(curve.uplifts["points"][1], 2) == 0.62
    assert round(curve.uplifts["points"][0], 2) == 0.74


def test_the_rate_found_is_the_closest(history: ProfitHistory) -> None:
    def missed(rate: float) -> float:
        curve = profit_history(rate).curve
        return float(np.sum(np.log(curve.values["fixed"] / curve.printed_values) ** 2))

    best = history.curve.annual_discount_rate
    assert missed(best) < min(missed(best - 0.0005), missed(best + 0.0005))


def test_the_nine_industries_are_the_range_that_is_quoted() -> None:
    """Pfeifer & Farris 2004 quote the range as 25 to 85 %."""
    assert len(NINE) == 9
    assert (min(x.uplift for x in NINE), max(x.uplift for x in NINE)) == (0.25, 0.85)
    assert max(x.uplift for x in LATER) == 0.95
    assert [x.name for x in NINE if x.profits] == [
        "auto service", "credit card", "industrial distribution", "industrial laundry",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("share", "rate", "needed"), [(0.95, 0.0, 0.8974), (0.95, 0.10, 0.9974), (0.25, 0.10, 0.85)]
)
def test_a_constant_rate_that_gives_an_uplift(share: float, rate: float, needed: float) -> None:
    r = constant_retention(share, rate)
    assert r == pytest.approx(needed, abs=5e-5)
    assert (1 + rate - r) / (1 + rate - r - 0.05) - 1 == pytest.approx(share)


def test_elasticities_of_five_firms(history: ProfitHistory) -> None:
    """(1 + i)/(1 + i − r) at i = 12 % and the retention rates of Gupta, Lehmann & Stuart 2004."""
    shown = [round(x, 2) for x in history.elasticities.by_formula]
    assert shown == [2.67, 6.59, 4.15, 3.50, 6.59]
    printed = [firm.elasticity for firm in FIRMS]
    assert printed == [2.45, 6.75, 5.12, 3.42, 6.67]
    assert "2.5 to 6.8 % more value as printed" in history.elasticities.sentence()


# The arithmetic against loops, and its limits


def loop(profits: tuple[float, ...], defection: float, rate: float, lives: str) -> float:
    value, left = profits[0], 1.0
    for year in range(1, 1001):
        profit = profits[min(year, len(profits) - 1)]
        share = min(max(1 / defection - (year - 1), 0.0), 1.0) if lives == "fixed" else left
        value += profit * share / (1 + rate) ** year
        left *= 1 - defection
    return value


@pytest.mark.parametrize("lives", LIVES)
@pytest.mark.parametrize(("defection", "rate"), [(0.2, 0.1), (0.07, 0.04), (1.0, 0.5), (0.3, 0.06)])
def test_a_value_is_the_sum_over_years(defection: float, rate: float, lives) -> None:
    value = lifetime_profit(CARD, defection, rate, lives)
    assert value == pytest.approx(loop(CARD, defection, rate, lives), rel=1e-12)


@given(defections, rates)
def test_equal_profits_have_closed_forms(defection: float, rate: float) -> None:
    v, years = 1 / (1 + rate), math.floor(1 / defection)
    random = 1 / (1 + rate - (1 - defection))
    fixed = (1 - v**years) / rate + (1 / defection - years) * v ** (years + 1)
    assert lifetime_profit((0, 1), defection, rate, "random") == pytest.approx(random, rel=1e-9)
    assert lifetime_profit((0, 1), defection, rate, "fixed") == pytest.approx(fixed, rel=1e-9)


@given(st.floats(0.02, 0.9), rates)
def test_lives_of_one_length_are_worth_more(defection: float, rate: float) -> None:
    """Equal profits: discounting is convex in time, so lives that differ are worth less."""
    fixed, random = (lifetime_profit((0, 1), defection, rate, lives) for lives in LIVES)
    assert fixed >= random * (1 - 1e-12)


@given(st.floats(0.06, 0.5), rates)
def test_fewer_who_leave_are_worth_more(defection: float, rate: float) -> None:
    for lives in LIVES:
        assert uplift((0, 1), (defection, defection - 0.05), rate, lives) > 0


def test_all_leave_after_one_year() -> None:
    for lives in LIVES:
        assert lifetime_profit((-51, 30, 42), 1.0, 0.25, lives) == pytest.approx(-51 + 30 / 1.25)


@pytest.mark.parametrize("lives", LIVES)
def test_the_base_that_gives_the_print_gives_it(history: ProfitHistory, lives) -> None:
    rate = history.curve.annual_discount_rate
    for found in history.industries:
        if found.industry.profits is None:
            assert found.rebuilt == found.base_defection == (None, None)
            continue
        base = found.base_defection[LIVES.index(lives)]
        given_by = uplift(found.industry.profits, (base, base - 0.05), rate, lives)
        assert given_by == pytest.approx(found.industry.uplift, abs=1e-6)


def test_no_base_where_none_gives_it() -> None:
    assert base_defection((0, 1), 30.0, 0.05, 0.2, "random") is None


def test_only_the_card_starts_from_ten_percent(history: ProfitHistory) -> None:
    starts = {x.industry.name: x.base_defection[0] for x in history.industries if x.rebuilt[0]}
    assert starts["credit card"] == pytest.approx(0.10, abs=0.005)
    assert min(v for k, v in starts.items() if k != "credit card") > 0.15


# What was "5 %"


def test_five_percent_was_half_of_those_who_left(history: ProfitHistory) -> None:
    uplifts = history.curve.uplifts
    assert set(uplifts) == {"points", "relative", "fewer_churners"}
    assert min(uplifts["points"]) > min(uplifts["relative"]) > 0.5
    assert max(uplifts["fewer_churners"]) < 0.0527  # the bound of a constant rate, 5 of 95
    assert "half of them" in history.curve.sentence()
    assert "5 percentage points more retention from 90 %" in history.curve.sentence()


def test_what_no_constant_rate_can_give_has_no_number(history: ProfitHistory) -> None:
    """At 6.1 % a year 5 points more give at most 0.05/0.061 = 82 %."""
    impossible = {x.industry.name for x in history.industries if not x.possible}
    assert impossible == {x.name for x in (*NINE, *LATER) if x.uplift > 0.82}
    frame = history.industries.to_frame()
    assert frame["constant_retention_rate"].isna().sum() == 6
    assert (
        "No retention that never changes gives that"
        in by_name(history, "branch deposits").sentence()
    )
    assert "97.9 %" not in history.quotes.sentence()
    assert history.quotes.sentence().endswith("25 % more (2001): 81.1 %.")
    assert history.quotes.sentence().count("no retention there is") == 3


# Findings and words


def test_findings_are_of_grade_d_and_without_interval(history: ProfitHistory) -> None:
    found = collect([history])
    assert {f.grade for f in found} == {"D"}
    assert {(f.ci_lower, f.ci_upper, f.n) for f in found} == {(None, None, None)}
    values = {f.group["defection"]: f.value for f in found if f.id == "defection_curve_value"}
    assert list(values) == ["0.2", "0.1", "0.05"]
    np.testing.assert_array_equal(list(values.values()), history.curve.values["fixed"])
    uplifts = {f.group["industry"]: f.value for f in found if f.id == "industry_uplift"}
    assert uplifts == {x.name: x.uplift for x in NINE}


def test_only_numbers_that_others_quote_are_called_quoted() -> None:
    """Research on the claim read these where others quote them; all other bars are recalled."""
    quoted = {(x.name, x.year) for x in (*NINE, *LATER) if x.standing != "recalled"}
    assert quoted == {
        ("auto service", 1990), ("branch deposits", 1990), ("credit card", 1990),
        ("insurance brokerage", 1990), ("software", 1990), ("software", 1996),
        ("advertising agency", 1996),
    }  # fmt: skip


def test_every_number_says_its_standing(history: ProfitHistory) -> None:
    for finding in history.findings():
        assert any(standing in finding.sentence for standing in STANDINGS.values())
    for part in (history.curve, history.industries, history.elasticities, history.quotes):
        assert set(part.to_frame()["standing"]) <= set(STANDINGS.values())
        assert "<table" in part._repr_html_()
    assert list(history.to_frame()["standing"])[-1] == STANDINGS["source"]


def test_no_sentence_claims_a_cause(history: ProfitHistory) -> None:
    said = [f.sentence for f in history.findings()]
    parts = (history.curve, history.industries, history.elasticities, history.quotes, history)
    said += [part.sentence() for part in parts]
    claims = list(history.quotes.to_frame()["claim"])
    assert [s for s in (*said, *claims) if CAUSAL.search(s) or FUTURE.search(s)] == []
    for sentence in said:
        check_whole(sentence)


def test_sentences_show_the_numbers(history: ProfitHistory) -> None:
    finding = history.findings()[1]
    assert "USD 303" in finding.sentence
    assert "USD 300" in finding.sentence
    assert "USD 246" in finding.sentence
    said = by_name(history, "auto service").sentence()
    assert re.search(r"give 68 % from 10 % to 5 % .* and 56 %", said)
    assert "from 35 % who leave and from 23 % who leave" in said
    whole = history.industries.sentence()
    assert "auto service from 30 % in 1990 to 81 % in 1996" in whole
    assert "the printed number for credit card, but" in whole


def test_a_typed_rate_is_not_called_the_closest() -> None:
    typed = profit_history(0.1)
    assert "closest" in profit_history().curve.sentence()
    assert "closest" not in typed.sentence()
    assert "at 10.0 % a year" in typed.curve.sentence()


@pytest.mark.parametrize(
    ("rate", "rule"),
    [
        (10, "a share from 0 to 1"),
        (-0.1, "a share from 0 to 1"),
        (math.nan, "a share from 0 to 1"),
        (0.005, "0 or at least 0.02"),
        (0, "above 0"),
    ],
)
def test_a_wrong_rate_is_refused(rate: float, rule: str) -> None:
    with pytest.raises(DataError, match=f"annual_discount_rate is .*must be {rule}"):
        profit_history(rate)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(DataError) as caught:
        lifetime_profit(CARD, 0.0, 6, "fixed")
    assert len(caught.value.problems) == 2
