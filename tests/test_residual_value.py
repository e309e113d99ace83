"""Residual value by score and tenure, and over one tenure mix."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import valued
from test_wording import CAUSAL, FUTURE, check_interval, check_whole

from cxresearch.errors import DataError
from cxresearch.uncertainty import jackknife_se, leave_one_out
from cxresearch.value.lifetime import lifetime_values
from cxresearch.value.prices import Prices
from cxresearch.value.residual_value import residual_values
from cxresearch.value.terms import Terms

PRICES = Prices(cost_per_ticket=5.0, referral_value=40.0, currency="EUR")
TERMS = Terms(0.10, 24, "now")
WORLD = valued.World()


@pytest.fixture(scope="module")
def table():
    return valued.draw(WORLD, 5000, 1)


@pytest.fixture(scope="module")
def found(table):
    return residual_values(table, PRICES, TERMS)


def test_each_is_the_lifetime_value_of_its_group(table, found):
    values = lifetime_values(table.pooled("score_group", "tenure_band"), PRICES, TERMS)
    expected = {tuple(v.group.values()): v.values for v in values}
    mine = {(r.group["score_group"], r.group["tenure"]): r.values for r in found}
    assert mine.keys() == expected.keys()
    for cell, values in mine.items():
        assert values == pytest.approx(expected[cell], rel=1e-9)


def test_over_one_tenure_mix_it_is_the_mean_with_its_own_jackknife():
    """All of it again, with nothing but replicates left out of the table."""
    frame = valued.rows(WORLD, 3000, 2)
    frame["replicate"] = frame["replicate"] % 8
    cells = valued.table(frame, n_replicates=8).pooled("score_group", "tenure_band")
    for result in residual_values(cells, PRICES, TERMS).standardised:
        score, every = result.group["score_group"], set(range(8))
        rows = [mean(cells, score, sorted(every - {r})) for r in (None, *range(8))]
        assert result.residual_value == pytest.approx(rows[0], rel=1e-9)
        half = 1.959964 * float(jackknife_se(np.array(rows[1:])))
        assert result.residual_value_ci_upper - rows[0] == pytest.approx(half, rel=1e-6)


def mean(cells, score, kept):
    """Σ q V from sums of counts, in the plainest way."""
    sums = {name: cells.counts(name)[:, kept].sum(axis=1) for name in cells.count_fields}
    n = {cell: sums["entered"][g].sum() for g, cell in enumerate(cells.groups)}
    value = 0.0
    for g, (group, band) in enumerate(cells.groups):
        if group == score:
            mix = sum(n[x] for x in cells.groups if x[1] == band) / sum(n.values())
            value += mix * plain({name: x[g] for name, x in sums.items()})
    return value


def plain(counts):
    at_risk = counts["entered"].sum() - np.cumsum(counts["churned"] + counts["censored"])
    before = np.r_[counts["entered"].sum(), at_risk[:-1]]
    stay = np.cumprod(1 - counts["churned"] / np.maximum(before, 1))
    t = TERMS.months
    money = counts["margin"][t] / counts["paying"][t]
    money = money - PRICES.cost_per_ticket * counts["tickets"][t] / counts["served"][t]
    money = money + PRICES.referral_value * counts["referrals"][t] / at_risk[t]
    return float((stay[t] * money * TERMS.factors).sum())


def test_who_has_stayed_longer_is_worth_more_and_the_mix_takes_it_out():
    """Scores that go with tenure alone: apart in total, alike within each tenure."""
    world = replace(
        WORLD, by_score=0.0, margin_by_score=0.0, tickets=0.0, referrals=0.0, margin_by_plan=0.0,
        confounding=2.5, by_trait=-1.2,
    )  # fmt: skip
    # plan goes with both too: within one plan tenure is all there is
    one = valued.draw(world, 20_000, 3).select(plan="basic")
    total = {
        v.group["score_group"]: v for v in lifetime_values(one.pooled("score_group"), PRICES, TERMS)
    }
    assert total["promoter"].lifetime_value_ci_lower > total["detractor"].lifetime_value_ci_upper
    found = residual_values(one, PRICES, TERMS)
    promoter, detractor = (
        next(r for r in found.standardised if r.group["score_group"] == label)
        for label in valued.PAIR
    )
    assert promoter.residual_value_ci_lower < detractor.residual_value_ci_upper
    assert detractor.residual_value_ci_lower < promoter.residual_value_ci_upper


def test_small_groups_are_counted_and_never_named():
    frame = valued.rows(WORLD, 2000, 4)
    cell = (frame["score_group"] == "detractor") & (frame["tenure_band"] == "6 to 11")
    found = residual_values(valued.table(frame.drop(frame.index[cell][20:])), PRICES, TERMS)
    assert len(found) == 5
    (few,) = found.suppressed
    assert few.sentence == "1 group with fewer than 30 answers is not reported."
    # detractors have one tenure only, and so has the mix of all
    assert {r.bands for r in found.standardised} == {("0 to 5",)}
    value = {r.group["score_group"]: r.residual_value for r in found if r.tenure == "0 to 5"}
    for result in found.standardised:
        assert result.residual_value == pytest.approx(value[result.group["score_group"]])
        assert "of everybody who answered but after 6 to 11 months, bring EUR" in result.sentence()


def test_what_no_model_reaches_is_a_reason():
    world = replace(WORLD, shortest=10, longest=12, loss=1e-6)
    found = residual_values(valued.draw(world, 800, 5), PRICES, TERMS)
    assert (len(found), found.standardised) == (0, ())
    (finding,) = found.findings()
    assert finding.sentence.startswith(
        "Residual values of 6 groups are not reported: fewer than 10 customers left"
    )


def test_tenures_stand_in_their_order_and_not_in_that_of_letters(table):
    names = {"0 to 5": "6 to 11", "6 to 11": "12 to 23"}
    groups = tuple((s, names[band], plan) for s, band, plan in table.groups)
    found = residual_values(replace(table, groups=groups), PRICES, TERMS)
    assert [r.tenure for r in found] == ["6 to 11", "12 to 23"] * 3


def test_beyond_the_data_one_model_at_a_time_makes_the_band():
    world = replace(WORLD, shortest=14, longest=18)
    table = valued.draw(world, 3000, 6)
    found = residual_values(table, PRICES, replace(TERMS, horizon=36))
    assert all(r.projected for r in (*found, *found.standardised))
    assert {f.grade for f in found.findings()} == {"D"}
    for result in found.standardised:
        assert "in part projected" in result.sentence()
        within = [r.values for r in found if r.group["score_group"] == result.group["score_group"]]
        low, high = min(v[0] for v in within), max(v[0] for v in within)
        assert low <= result.residual_value <= high


def test_findings_and_sentences(found):
    keys = [(f.id, tuple(f.group.items())) for f in found.findings()]
    assert len(set(keys)) == len(keys) == 6 + 3
    assert ("residual_value", (("score_group", "promoter"), ("tenure", "0 to 5"))) in keys
    assert ("residual_value", (("score_group", "promoter"), ("adjusted", "tenure"))) in keys
    for finding in found.findings():
        check_whole(finding.sentence)
        check_interval(finding.to_dict())
        assert not CAUSAL.search(finding.sentence)
        assert not FUTURE.search(finding.sentence)
    first, last = found.findings()[0].sentence, found.findings()[-1].sentence
    assert first.startswith("Detractors who had been customers for 0 to 5 months bring EUR ")
    assert last.startswith("Promoters, with the mix of tenure of everybody who answered, bring EUR")
    assert len(found.to_frame()) == 9


def test_what_is_not_grouped_by_tenure_is_an_error(table):
    with pytest.raises(DataError) as error:
        residual_values(table.pooled("score_group"), PRICES, Terms(0.1, 3, "now", 1))
    assert len(error.value.problems) == 2
    assert "must be by tenure_band too" in str(error.value)


def test_without_replicates_there_is_a_reason():
    frame = valued.rows(WORLD, 500, 7).assign(replicate=0)
    found = residual_values(valued.table(frame, n_replicates=1), PRICES, TERMS)
    assert "no replicates" in found.sentence()
    assert found.to_frame().empty


def test_the_mix_is_that_of_everybody(table, found):
    """Passives count too, though no comparison is with them."""
    people = leave_one_out(table.pooled("tenure_band").entered.sum(axis=-1).T[None])[0, 0]
    share = people / people.sum()
    for result in found.standardised:
        own = [r for r in found if r.group["score_group"] == result.group["score_group"]]
        expected = float(share @ [r.residual_value for r in own])
        assert result.residual_value == pytest.approx(expected)
