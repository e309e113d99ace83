"""Differences of value: the worked case, rows, a world whose truth is known, and refusals."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import valued
from test_weighted_money import row_weights
from test_wording import CAUSAL, FUTURE, check_digits, check_interval, check_whole

from cxresearch.adjust.weighting import arms, weights
from cxresearch.errors import DataError
from cxresearch.product_limit import curve_end
from cxresearch.uncertainty import jackknife_se
from cxresearch.value._comparison import Comparison, share_left
from cxresearch.value._flow import Flow
from cxresearch.value._shapley import PARTS
from cxresearch.value.difference import value_differences
from cxresearch.value.lifetime import lifetime_values
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms
from cxresearch.value_table import ValueTable

PRICES = Prices(cost_per_ticket=5.0, referral_value=40.0, currency="EUR")
TERMS = Terms(0.10, 24, "now")
WORLD = valued.World()
PROJECTED = replace(WORLD, shortest=14, longest=20)


@pytest.fixture(scope="module")
def table():
    return valued.draw(WORLD, 6000, 1)


@pytest.fixture(scope="module")
def found(table):
    return value_differences(table, PRICES, TERMS)


@pytest.fixture(scope="module")
def far():
    """Differences of which a part lies beyond the data."""
    return value_differences(valued.draw(PROJECTED, 2500, 1), PRICES, replace(TERMS, horizon=36))


# The worked case


def constant(group, retention, amounts, months):
    """A flow that never changes, the same without each of four replicates."""
    rows = np.ones((5, months))
    curve = {"observed": rows * retention ** np.arange(months)}
    money = (rows * amount for amount in amounts)
    return Flow({"score_group": group}, 100, curve, ("observed",), *money, months)


def test_the_worked_case_to_the_cent():
    terms = Terms(0.10, 600, "now", periods_per_year=1)  # what comes after it is worth nothing
    promoter = constant("promoter", 0.90, (260, 40, 30), 600)
    detractor = constant("detractor", 0.70, (200, 70, -10), 600)
    compared = Comparison(promoter, detractor, terms)
    assert [ends[0] for ends in compared.values(0.95)] == pytest.approx([1375, 330], abs=1e-6)
    assert compared.difference_band(0.95) == pytest.approx([1045] * 3, abs=1e-6)
    parts = [ends[0] for ends in compared.part_bands(0.95).values()]
    assert parts == pytest.approx([508.75, 247.50, 123.75, 165.00], abs=1e-6)
    assert compared.ratio_band(0.95) == pytest.approx([1375 / 330] * 3)


# What has to hold always


@pytest.mark.parametrize("which", ["found", "far"])
def test_parts_add_up_whatever_the_curves_and_without_each_replicate(which, request):
    differences = request.getfixturevalue(which)
    for row in differences:
        compared = row.comparison
        assert compared.projected == (which == "far")
        assert len(compared.credible) > (1 if which == "far" else 0)
        for curves in (compared.best, *compared.credible):
            parts, whole = compared.parts(curves), compared.difference(curves)
            assert parts.shape == (257, 4)
            np.testing.assert_allclose(parts.sum(axis=-1), whole, atol=1e-8)
        shown = sum(row.parts[part][0] for part in PARTS)
        assert shown == pytest.approx(row.difference[0], abs=1e-8)
        assert row.values[0][0] - row.values[1][0] == pytest.approx(row.difference[0], abs=1e-8)


def test_the_values_as_they_are_are_the_lifetime_values(table, found):
    values = lifetime_values(table.pooled("score_group"), PRICES, TERMS)
    for label, ends in zip(valued.PAIR, found["as_they_are"].values, strict=True):
        (value,) = [v for v in values if v.group["score_group"] == label]
        assert ends == pytest.approx(value.values, rel=1e-9)


def test_the_other_way_round_everything_changes_its_sign(table, found):
    turned = value_differences(table, PRICES, TERMS, exposed="detractor", reference="promoter")
    for row, other in zip(found, turned, strict=True):
        value, lower, upper = row.difference
        assert other.difference == pytest.approx((-value, -upper, -lower), rel=1e-6)
        value, lower, upper = row.ratio
        assert other.ratio == pytest.approx((1 / value, 1 / upper, 1 / lower), rel=1e-6)
        for part in PARTS:
            assert other.parts[part][0] == pytest.approx(-row.parts[part][0], rel=1e-6, abs=1e-6)


def test_another_currency_changes_no_share_and_no_ratio(table, found):
    dear = {name: 100 * table.counts(name) for name in ("margin", "revenue", "direct_cost")}
    prices = Prices(cost_per_ticket=500.0, referral_value=4000.0, currency="JPY")
    other = value_differences(replace(table, **dear), prices, TERMS)
    for row, same in zip(found, other, strict=True):
        assert same.ratio == pytest.approx(row.ratio)
        assert same.difference == pytest.approx([100 * x for x in row.difference])
    assert other.left == pytest.approx(found.left)


# Against rows


def naive(frame, long, label, weight):
    """Parts of a value from rows, one month at a time, in the plainest way."""
    mine = long[long["score_group"] == label]
    w = mine.index.map(weight).to_numpy()
    t, exits = mine["tenure"].to_numpy(), frame["months"].loc[mine.index].to_numpy()
    share, curve, margin, cost, referral = 1.0, [], [], [], []
    for month in range(TERMS.horizon):
        now = t == month
        if month:
            at_risk = (w * now * (exits >= month)).sum()
            share *= 1 - (w * now * mine["churned"]).sum() / at_risk
        curve.append(share)
        margin.append((w * now * mine["margin"]).sum() / (w * now * mine["paying"]).sum())
        tickets = (w * now * mine["tickets"]).sum() / (w * now * mine["served"]).sum()
        cost.append(PRICES.cost_per_ticket * tickets)
        exposed = (w * now * (exits > month)).sum()
        referral.append(PRICES.referral_value * (w * now * mine["referrals"]).sum() / exposed)
    return np.array([curve, margin, cost, referral])


def naive_difference(frame, long):
    """Difference and parts, with weights that are estimated from these rows."""
    sides = []
    for label in valued.PAIR:
        weight = dict(zip(frame.index, row_weights(frame, label), strict=True))
        sides.append(naive(frame, long, label, weight))
    (s1, m1, c1, f1), (s0, m0, c0, f0) = sides
    v = TERMS.factors
    x1, x0, s = m1 - c1 + f1, m0 - c0 + f0, (s1 + s0) / 2
    parts = (
        v * (s1 - s0) * (x1 + x0) / 2, v * s * (m1 - m0), -v * s * (c1 - c0), v * s * (f1 - f0),
    )  # fmt: skip
    return (v * s1 * x1).sum() - (v * s0 * x0).sum(), [part.sum() for part in parts]


def test_weighted_rows_give_the_same_difference_and_the_same_interval():
    frame = valued.rows(WORLD, 1500, 3)
    frame["replicate"] = frame["replicate"] % 8
    long = valued.months_of(frame)
    row = value_differences(valued.table(frame, n_replicates=8), PRICES, TERMS)["same_history"]
    whole, parts = naive_difference(frame, long)
    assert row.difference[0] == pytest.approx(whole, rel=1e-6)
    assert [row.parts[part][0] for part in PARTS] == pytest.approx(parts, rel=1e-5)
    left_out = []
    for replicate in range(8):
        rest = frame[frame["replicate"] != replicate]
        left_out.append(naive_difference(rest, long.loc[long["replicate"] != replicate])[0])
    half = 1.959964 * float(jackknife_se(np.array(left_out)))
    assert row.difference[2] - row.difference[0] == pytest.approx(half, rel=1e-5)


def test_one_tenure_mix_is_the_mean_over_tenures_where_nobody_is_censored(found, table):
    """Weights by tenure alone and the mean of residual values estimate the same."""
    everybody = table.pooled("tenure_band").n / table.n.sum()
    for i, label in enumerate(valued.PAIR):
        cells = table.pooled("score_group", "tenure_band").select(score_group=label)
        values = [v.lifetime_value for v in lifetime_values(cells, PRICES, TERMS)]
        expected = float(np.dot(everybody, values))
        assert found["same_tenure_mix"].values[i][0] == pytest.approx(expected, rel=2e-3)


# A world whose truth is known


def test_as_they_are_is_wrong_and_the_same_history_recovers_the_truth():
    found = value_differences(valued.draw(WORLD, 30_000, 5), PRICES, TERMS)
    truth = WORLD.difference(TERMS, PRICES)
    crude = WORLD.difference(TERMS, PRICES, as_they_are=True)
    value, lower, upper = found["as_they_are"].difference
    assert lower > 1.5 * truth  # who scores high pays more and stays longer anyway
    assert lower <= crude <= upper
    value, lower, upper = found["same_history"].difference
    assert lower <= truth <= upper
    assert value == pytest.approx(truth, rel=0.1)
    assert found["same_tenure_mix"].difference[1] > truth  # the plan is not in the tenure
    assert found.left[1] <= truth / crude <= found.left[2]


def test_without_confounding_all_three_say_the_same():
    world = replace(WORLD, confounding=0.0)
    found = value_differences(valued.draw(world, 20_000, 6), PRICES, TERMS)
    truth = world.difference(TERMS, PRICES)
    for row in found:
        assert row.difference[1] <= truth <= row.difference[2]
    assert found.left[1] <= 1 <= found.left[2]


def coverage(world, terms, n, draws):
    """How often the intervals hold the truth: as they are, and with the same history."""
    truth = [world.difference(terms, PRICES, as_they_are=plain) for plain in (True, False)]
    held = np.zeros(2)
    for seed in range(draws):
        found = value_differences(valued.draw(world, n, 1000 + seed), PRICES, terms)
        rows = (found["as_they_are"], found["same_history"])
        held += [r.difference[1] <= x <= r.difference[2] for r, x in zip(rows, truth, strict=True)]
    return held / draws


@pytest.mark.verify
@pytest.mark.parametrize("n", [300, 5000])
def test_intervals_hold_the_truth_as_often_as_they_say(n):
    shares = coverage(WORLD, TERMS, n, 300)
    assert ((shares >= 0.92) & (shares <= 0.98)).all(), shares


# What cannot be said


def test_no_overlap_is_a_reason_and_the_rest_stays(table):
    frame = valued.rows(WORLD, 2000, 7)
    apart = frame.assign(plan=np.where(frame["score_group"] == "promoter", "premium", "basic"))
    found = value_differences(valued.table(apart), PRICES, TERMS)
    row = found["same_history"]
    assert math.isnan(row.difference[0])
    assert "there is no promoter or no detractor with the same history" in row.refusal
    assert found["as_they_are"].reported
    assert found["same_tenure_mix"].reported
    (finding,) = row.findings()
    assert (finding.id, finding.value) == ("not_reported", None)
    assert finding.group == {"adjusted": "history", "horizon": "24"}
    ids = [f.id for f in found.answer()]
    assert ids == [
        "lifetime_value_difference", "lifetime_value_difference", "not_reported",
        "difference_left_share",
    ]  # fmt: skip
    assert found.most_adjusted is found["same_tenure_mix"]


def test_tiny_groups_and_nobody_at_all_are_reasons():
    frame = valued.rows(WORLD, 1500, 8)
    some = frame.index[frame["score_group"] == "detractor"][29:]
    few = value_differences(valued.table(frame.drop(some)), PRICES, TERMS)
    assert {row.refusal for row in few} == {"fewer than 30 answers of detractors"}
    assert [f.value for f in few.findings()] == [None] * 3
    asked = value_differences(valued.table(frame), PRICES, TERMS, min_group=5000)
    assert {row.refusal for row in asked} == {"fewer than 5000 answers of promoters and detractors"}
    none = value_differences(
        valued.table(frame[frame["score_group"] != "detractor"]), PRICES, TERMS
    )
    assert {row.refusal for row in none} == {"there are no detractors"}
    said = "The difference in value, as they are, is not reported: there are no detractors."
    assert none.answer()[0].sentence == said


def test_a_horizon_that_no_model_reaches_is_a_reason():
    still = valued.draw(replace(PROJECTED, loss=1e-6), 400, 1)
    row = value_differences(still, PRICES, replace(TERMS, horizon=36))["as_they_are"]
    assert row.refusal.startswith("of promoters fewer than 10 customers left within the data")


def test_a_table_without_replicates_has_no_interval_and_no_number():
    frame = valued.rows(WORLD, 500, 9).assign(replicate=0)
    found = value_differences(valued.table(frame, n_replicates=1), PRICES, TERMS)
    assert "no replicates" in found["as_they_are"].refusal


def test_weighted_months_end_by_how_many_customers_they_are_worth():
    world = replace(WORLD, confounding=3.0, shortest=4, longest=40)
    sides = arms(valued.draw(world, 900, 14), *valued.PAIR)
    given = weights(sides)
    ends = curve_end(given.effective_at_risk, 0, 30)
    raw = curve_end(sides.at_risk.sum(axis=(1, 2)), 0, 30)
    assert (ends < raw).all()
    found = value_differences(valued.draw(world, 900, 14), PRICES, TERMS)
    compared = found["same_history"].comparison
    assert [compared.exposed.data_end, compared.reference.data_end] == ends.tolist()
    assert found["as_they_are"].comparison.exposed.data_end == raw[0]


def late(table: ValueTable) -> ValueTable:
    """Half of the replicates come under observation three months after the answer."""
    counts = {name: table.counts(name).copy() for name in table.count_fields}
    entered = counts["entered"]
    gone = (counts["churned"] + counts["censored"])[:, ::2, :4].sum(axis=-1)
    entered[:, ::2, 3] = entered[:, ::2, 0] - gone
    entered[:, ::2, 0] = 0
    for name, values in counts.items():
        if name != "entered":
            values[:, ::2, : 4 if name in ("churned", "censored") else 3] = 0
    return replace(table, **counts)


def test_late_entry_is_counted_as_they_are_and_not_weighted(table, found):
    entered = value_differences(late(table), PRICES, TERMS)
    value, lower, upper = entered["as_they_are"].difference
    assert lower <= found["as_they_are"].difference[0] <= upper
    assert value != found["as_they_are"].difference[0]
    assert "only after their clock began" in entered["same_history"].refusal


def test_there_is_no_ratio_to_what_may_be_nothing():
    world = replace(WORLD, margin=2.0, margin_by_plan=0.0, hidden=0.0)
    row = value_differences(valued.draw(world, 400, 10), PRICES, TERMS)["as_they_are"]
    assert row.values[1][1] < 0 < row.values[1][2]
    assert row.reported
    assert math.isnan(row.ratio[0])
    assert re.fullmatch(
        r"the value of detractors, EUR .*, is not clearly above 0", row.ratio_refusal
    )
    ids = [finding.id for finding in row.findings()]
    assert ids == ["lifetime_value_difference", "not_reported", *["difference_part"] * 4]
    said = row.findings()[1].sentence
    assert said.startswith("The ratio of the values, as they are, is not reported: the value of ")


def test_what_part_is_left_of_no_clear_difference_is_not_said():
    world = replace(WORLD, confounding=0.0, by_score=0.0, margin_by_score=0.0, referrals=0.0)
    prices = Prices(currency="EUR", lacking=("cost_per_ticket", "referral_value"))
    found = value_differences(valued.draw(world, 600, 12), prices, TERMS)
    assert not found["as_they_are"].clear
    assert math.isnan(found.left[0])
    *_, last = found.findings()
    assert last.id == "not_reported"
    assert last.sentence.endswith("is not said: there is no clear difference as they are.")
    first = found["as_they_are"].findings()[0].sentence
    assert first.startswith("No clear difference in value, as they are: promoters are worth EUR")


def test_a_name_that_does_not_exist_and_a_wrong_argument_are_errors(table):
    with pytest.raises(DataError) as error:
        value_differences(
            table, PRICES, Terms(0.1, 3, "now", 1), exposed="promotor", max_weight=0.5
        )
    assert len(error.value.problems) == 3
    with pytest.raises(DataError, match="exposed and reference are both 'promoter'"):
        value_differences(table, PRICES, TERMS, reference="promoter")
    with pytest.raises(DataError, match="must be by score_group too"):
        value_differences(table.pooled("plan"), PRICES, TERMS)


# Rows, words and findings


def test_rows_are_those_that_the_table_can_tell_apart(table):
    rows = {
        (): ["as_they_are"],
        ("tenure_band",): ["as_they_are", "same_tenure_mix"],
        ("plan",): ["as_they_are", "same_history"],
    }
    for known, countings in rows.items():
        found = value_differences(table.pooled("score_group", *known), PRICES, TERMS)
        assert [row.counting for row in found] == countings
        assert len(found.answer()) == (1 if not known else 3)


def test_findings_have_the_names_that_readers_look_for(found):
    keys = [(f.id, tuple(sorted(f.group.items()))) for f in found.findings()]
    assert len(set(keys)) == len(keys) == 3 * 6 + 1
    assert ("lifetime_value_difference", (("horizon", "24"),)) in keys
    for adjusted in ("tenure", "history"):
        known = ("adjusted", adjusted)
        assert ("lifetime_value_ratio", (known, ("horizon", "24"))) in keys
        for part in PARTS:
            assert ("difference_part", (known, ("horizon", "24"), ("part", part))) in keys
    assert ("difference_left_share", (("adjusted", "history"), ("horizon", "24"))) in keys
    assert {f.unit for f in found.findings()} == {"EUR", "ratio", "share"}
    assert {f.grade for f in found.findings()} == {"C"}


def test_a_projection_and_an_assumption_are_grade_d(far, table):
    assert {f.grade for f in far.findings()} == {"D"}
    assert "bills after month 20 are projected" in far["as_they_are"].sentence()
    assumed = replace(PRICES, entered=("cost_per_ticket",))
    entered = value_differences(table, assumed, TERMS)
    assert {f.grade for f in entered.findings()} == {"D"}
    for said in entered.answer()[:2]:
        assert said.sentence.endswith("; entered, so an assumption: cost of a ticket).")


def test_sentences_claim_no_cause_and_are_whole(found, far):
    world = replace(WORLD, margin_by_score=-6.0, confounding=0.0, by_score=0.2)
    turned = value_differences(valued.draw(world, 4000, 13), PRICES, TERMS)
    said = []
    for differences in (found, far, turned):
        for finding in differences.findings():
            check_whole(finding.sentence)
            check_interval(finding.to_dict())
            said.append(finding.sentence)
            if finding.id == "difference_left_share":
                assert check_digits(finding.to_dict())
            if finding.id != "not_reported":
                middle = 1 if finding.id == "lifetime_value_ratio" else 0
                unclear = finding.ci_lower <= middle <= finding.ci_upper
                if finding.id != "difference_left_share":
                    assert finding.sentence.startswith("No clear ") == unclear
    assert [s for s in said if CAUSAL.search(s) or FUTURE.search(s)] == []
    assert any("promoters are worth EUR" in s and " less each than detractors" in s for s in said)
    assert any("promoters referring more is EUR" in s for s in said)
    # of a difference by which promoters are worth less
    assert any("promoters spending less is EUR" in s for s in said)
    assert any("promoters staying less long is EUR" in s for s in said)
    assert any("promoters referring more takes EUR" in s for s in said)


def test_bills_that_take_the_mean_of_other_months_are_said_and_grade_d(table):
    cut = np.arange(table.margin.shape[-1]) < 6
    few = replace(table, **{name: cut * table.counts(name) for name in ("paying", "margin")})
    for row in value_differences(few, PRICES, TERMS):
        assert "; for 18 of the bills too few are known, so they take" in row.headline()[0].sentence
        assert {f.grade for f in row.findings() if f.id != "not_reported"} == {"D"}


def test_who_stays_longer_at_a_loss_is_said_to_stay_longer(table):
    """Promoters stay longer, and each bill is a loss: they are worth less, in part for staying."""
    loss = replace(table, margin=-table.margin)
    row = value_differences(loss, Prices(currency="EUR"), TERMS)["as_they_are"]
    staying = row.findings()[2].sentence
    assert row.parts["staying"][2] < 0 > row.difference[2]
    assert staying.startswith("As they are, promoters staying longer is EUR ")


def test_what_the_data_do_not_say_is_left_out_and_said(table):
    lacking = Prices(
        monthly_margin=20.0, currency="EUR", entered=("monthly_margin",),
        lacking=("cost_per_ticket", "referral_value"),
    )  # fmt: skip
    row = value_differences(table, lacking, TERMS)["as_they_are"]
    assert [row.parts[part] for part in PARTS[1:]] == [(0, 0, 0)] * 3
    assert row.parts["staying"] == pytest.approx(row.difference)
    said = [f.sentence for f in row.findings() if f.id == "not_reported"]
    assert len(said) == 3
    assert said[0].startswith("Spending is no part of the difference in value between promoters")
    assert said[0].endswith("as they are: the margin was entered, one for everybody.")
    assert said[2].endswith("as they are: the data do not say it.")
    page = value_differences(table, lacking, TERMS)._repr_html_()
    assert page.count("left out") == 6
    assert page.count("the same<") == 3


def test_the_table_stands_side_by_side(found):
    frame = found.to_frame()
    assert list(frame["counting"]) == ["as_they_are", "same_tenure_mix", "same_history"]
    assert frame["difference"].tolist() == [row.difference[0] for row in found]
    assert (frame["effective_n"] <= frame["n"] + 1e-6).all()
    page = found._repr_html_()
    assert "With the same history before the survey" in page
    assert found["same_history"].money(found["same_history"].difference) in page


def test_hostile_names_are_escaped(table):
    groups = tuple((s, "<script>" + band, plan) for s, band, plan in table.groups)
    found = value_differences(replace(table, groups=groups), replace(PRICES, currency="<b>"), TERMS)
    assert "<b>" not in found._repr_html_()
    assert "<script>" not in found._repr_html_()


def test_weights_of_one_give_the_same_difference_beyond_the_data_too():
    """With nothing to make alike, no part of crude against adjusted may be in the models."""
    frame = valued.rows(PROJECTED, 2500, 1).assign(tenure_band="0 to 5")
    found = value_differences(valued.table(frame, ("tenure_band",)), PRICES, Terms(0.1, 96, "now"))
    crude, adjusted = found["as_they_are"], found["same_tenure_mix"]
    assert adjusted.comparison.credible == crude.comparison.credible
    assert adjusted.difference == pytest.approx(crude.difference, rel=1e-6)
    assert found.left == pytest.approx((1, 1, 1), abs=1e-6)


def test_the_part_that_is_left_takes_the_same_model_on_both_sides(far):
    crude, adjusted = far["as_they_are"].comparison, far["same_history"].comparison
    value, lower, upper = share_left(adjusted, crude, 0.95)
    both = [pair for pair in crude.credible if pair in adjusted.credible]
    assert len(both) > 1
    rows = [adjusted.difference(pair) / crude.difference(pair) for pair in both]
    half = [1.959964 * float(jackknife_se(row[1:])) for row in rows]
    assert lower == pytest.approx(min(r[0] - h for r, h in zip(rows, half, strict=True)))
    assert upper == pytest.approx(max(r[0] + h for r, h in zip(rows, half, strict=True)))
    assert far.left == (value, lower, upper)
