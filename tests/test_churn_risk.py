import dataclasses

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter
from worlds import Setting, world

from cxresearch.errors import DataError
from cxresearch.hazards._calibration import calibration_slope, concordance, observed_to_predicted
from cxresearch.hazards._risk_model import (
    HeldOut,
    label_columns,
    predict_halves,
    risk_groups,
    split_in_halves,
)
from cxresearch.hazards.churn_risk import churn_risk
from cxresearch.tables import LifeTable

SETTING = Setting(n=6000, hazard_ratio=0.5, confounded=True, stays=1.0)


def table_of(rows, by=("score_group", "plan"), **words):
    return LifeTable.from_durations(
        rows["months"],
        rows["churned"],
        group=rows[list(by)],
        replicate=rows["replicate"],
        population="customers who answered",
        **words,
    )


@pytest.fixture(scope="module")
def rows():
    return world(1, SETTING).followup_rows()


@pytest.fixture(scope="module")
def table(rows):
    return table_of(rows, as_of="2024-12-31")


@pytest.fixture(scope="module")
def risk(table):
    return churn_risk(table, 6)


def held_out(table, months=6, min_group=30, min_events=10):
    counts = split_in_halves(table, months)
    return predict_halves(counts, label_columns(table, counts[0], min_group), min_events)


def true_risk(setting, groups, months):
    """Chance to leave within some months in each cell, where states never change."""
    state = {"detractor": 0, "passive": 1, "promoter": 2}
    plan = {"basic": 0, "plus": 1}
    rate = [
        setting.monthly_hazard
        * np.exp(setting.log_hazard_ratios[state[s]])
        * setting.plan_hazard[plan[p]]
        for s, p in groups
    ]
    return 1 - np.exp(-months * np.array(rate))


# Against truth


def test_what_was_predicted_comes_true(risk, table):
    assert risk.observed_to_predicted[1] < 1 < risk.observed_to_predicted[2]
    assert risk.slope[1] < 1 < risk.slope[2]
    assert risk.concordance[1] > 0.6
    assert len(risk) == 5
    assert risk.as_predicted.sum() >= 4
    truth = true_risk(SETTING, table.groups, 6)
    assert risk.predicted[0] == pytest.approx(truth.min(), abs=0.01)
    assert risk.predicted[-1] == pytest.approx(truth.max(), abs=0.02)


def test_a_model_of_customers_whose_labels_were_swapped_fails_visibly(rows):
    swap = {"promoter": "detractor", "detractor": "promoter", "passive": "passive"}
    wrong = rows["score_group"].where(rows["replicate"] % 2 == 0, rows["score_group"].map(swap))
    found = churn_risk(table_of(rows.assign(score_group=wrong), ["score_group"]), 6)
    assert found.slope[2] < 0
    assert found.concordance[2] < 0.5
    assert not found.as_predicted.all()
    said = found.sentence()
    assert "Risks were predicted to differ more than they do" in said
    assert "No clear difference from a coin" not in said


def test_a_model_of_twice_the_hazard_is_called_not_calibrated(table, risk):
    held = held_out(table)
    ratio = observed_to_predicted(dataclasses.replace(held, hazard=2 * held.hazard), 0.95)
    assert ratio[0] == pytest.approx(risk.observed_to_predicted[0] / 2)
    assert ratio[2] < 1
    said = dataclasses.replace(risk, observed_to_predicted=ratio)._quality()[0].sentence
    assert said.startswith("Not calibrated: 0.5")


def test_scores_that_are_too_extreme_have_a_slope_below_one(table, risk):
    held = held_out(table)
    steep = dataclasses.replace(held, score=2 * held.score)
    log_hazard = np.log(-np.log1p(-held.hazard[:, 1:])) + held.score[:, None]
    hazard = np.zeros(held.hazard.shape)
    hazard[:, 1:] = -np.expm1(-np.exp(log_hazard))
    slope = calibration_slope(dataclasses.replace(steep, hazard=hazard), 0.95)
    assert slope[0] == pytest.approx(risk.slope[0] / 2, rel=0.01)
    assert slope[2] < 1


# Against other code


def test_predictions_and_shares_equal_those_from_rows(rows, risk, table):
    months = 6
    long = rows.loc[rows.index.repeat(np.minimum(rows["months"], months))].copy()
    long["month"] = long.groupby(level=0).cumcount() + 1
    long["left"] = (long["month"] == long["months"]) & long["churned"]
    design = sm.add_constant(
        pd.get_dummies(
            long[["score_group", "plan", "month"]].astype(str), drop_first=True, dtype=float
        )
    )
    even = long["replicate"] % 2 == 0
    link = sm.families.links.CLogLog()
    cells = pd.Series(list(zip(rows["score_group"], rows["plan"], strict=True)), index=rows.index)
    predicted = pd.Series(0.0, index=rows.index)
    for half in (even, ~even):
        model = sm.GLM(long["left"][~half], design[~half], sm.families.Binomial(link)).fit(
            tol=1e-13
        )
        hazard = model.predict(design)
        by_cell = hazard.groupby([cells[long.index].to_numpy(), long["month"]]).first()
        share = 1 - (1 - by_cell).groupby(level=0).prod()
        here = (rows["replicate"] % 2 == 0) == half.iloc[0]
        predicted[here] = share.loc[cells[here].to_list()].to_numpy()
    found = held_out(table)
    of = dict(zip(table.groups, found.risk.reshape(2, -1).T, strict=True))
    expected = [of[c][int(r % 2)] for c, r in zip(cells, rows["replicate"], strict=True)]
    np.testing.assert_allclose(predicted, expected, rtol=1e-6)

    member = dict(zip(table.groups, risk_groups(found, 6, 30).reshape(2, -1).T, strict=True))
    group = np.array([member[c][int(r % 2)] for c, r in zip(cells, rows["replicate"], strict=True)])
    for k in range(len(risk)):
        mine = rows[group == k]
        curve = KaplanMeierFitter().fit(mine["months"], mine["churned"])
        assert risk.churn_rate[k] == pytest.approx(1 - curve.predict(months), abs=1e-12)
        assert risk.at_risk[k] == len(mine)
        assert risk.churned[k] == (mine["churned"] & (mine["months"] <= months)).sum()


def test_predicted_shares_are_those_of_the_cells_where_nobody_is_censored():
    made = world(2, SETTING).followup_rows()
    made = made[(made["months"] >= 6) | made["churned"]]
    table = table_of(made)
    found, held = churn_risk(table, 6, groups=2), held_out(table)
    member = risk_groups(held, 2, 30)
    for k in (0, 1):
        mean = np.average(held.risk[member == k], weights=held.size[member == k])
        # not the same: those who leave first are those with the higher risk
        assert found.predicted[k] == pytest.approx(mean, abs=0.002)


def pairs(held, weight):
    """Share of won pairs within halves, one pair after the other."""
    won = total = 0.0
    n, d = held.at_risk.sum(axis=1), held.churned.sum(axis=1)
    for i, j in np.ndindex(len(n), len(n)):
        if held.half[i] != held.half[j]:
            continue
        for t in range(n.shape[1]):
            count = weight[t] * d[i, t] * (n[j, t] - d[j, t])
            total += count
            won += count * ((held.risk[i] > held.risk[j]) + 0.5 * (held.risk[i] == held.risk[j]))
    return won / total


def test_concordance_counts_pairs(table):
    held = held_out(table)
    n, d, c = (x.sum(axis=(0, 1)) for x in (held.at_risk, held.churned, held.censored))
    weight, kept = [], 1.0
    for t in range(len(n)):
        weight.append(kept**-2)
        kept *= 1 - (c[t] / (n[t] - d[t]) if n[t] > d[t] else 0)
    assert weight[-1] > 1.1
    assert concordance(held, 0.95)[0] == pytest.approx(pairs(held, weight), rel=1e-12)


def test_a_perfect_order_has_a_concordance_of_one():
    at_risk = np.zeros((4, 4, 3), dtype=int)
    # in each half (two replicates) the first cell stays and the second leaves
    at_risk[:2, ::2, 1] = at_risk[2:, 1::2, 1] = 10
    churned = at_risk * np.array([0, 1, 0, 1])[:, None, None]
    hazard = np.zeros((4, 3))
    hazard[:, 1] = [0.1, 0.3, 0.1, 0.3]
    held = HeldOut(at_risk, churned, at_risk - churned, hazard, np.array([0.0, 1, 0, 1]))
    assert concordance(held, 0.95) == (1, 1, 1)
    reverse = dataclasses.replace(held, hazard=hazard[[1, 0, 3, 2]])
    assert concordance(reverse, 0.95)[0] == 0
    same = dataclasses.replace(held, hazard=hazard[[0, 0, 2, 2]])
    assert concordance(same, 0.95)[0] == 0.5


def test_jackknife_agrees_with_greenwood_where_each_customer_answers_once(rows):
    once = rows.drop_duplicates("customer")
    found = churn_risk(table_of(once), 6)
    p, n = found.churn_rate, found.at_risk
    # little censoring within six months: nearly binomial
    binomial = 2 * 1.96 * np.sqrt(p * (1 - p) / n)
    width = found.churn_rate_ci_upper - found.churn_rate_ci_lower
    np.testing.assert_allclose(width / binomial, 1, atol=0.15)


# Limits and invariance


def test_order_of_rows_and_customers_within_a_half_does_not_matter(rows, risk):
    rng = np.random.default_rng(3)
    shuffled = rows.sample(frac=1, random_state=4)
    moved = 2 * rng.permutation(128)[shuffled["replicate"] // 2] + shuffled["replicate"] % 2
    found = churn_risk(table_of(shuffled.assign(replicate=moved), ["plan", "score_group"]), 6)
    for name in ("predicted", "churn_rate", "churn_rate_ci_lower", "churn_rate_ci_upper"):
        np.testing.assert_allclose(getattr(found, name), getattr(risk, name), rtol=1e-9)
    np.testing.assert_allclose(found.slope, risk.slope, rtol=1e-7)
    np.testing.assert_allclose(found.concordance, risk.concordance, rtol=1e-9)


def test_labels_that_others_add_up_to_change_nothing(rows, risk):
    doubled = rows.assign(price=rows["plan"].map({"basic": "low", "plus": "high"}))
    found = churn_risk(table_of(doubled, ["score_group", "plan", "price"]), 6)
    np.testing.assert_allclose(found.predicted, risk.predicted, rtol=1e-8)


def test_a_rare_label_stands_with_the_common_one(rows):
    rare = rows.assign(plan=rows["plan"].where(rows.index % 400 > 0, "one@example.org"))
    found = churn_risk(table_of(rare), 6)
    assert found.refusal is None
    table = table_of(rare)
    labels = label_columns(table, split_in_halves(table, 6)[0], 30)
    own = [i for i, group in enumerate(table.groups) if group[1] == "one@example.org"]
    common = [i for i, group in enumerate(table.groups) if group[1] == "plus"]
    np.testing.assert_array_equal(labels[own], labels[common])
    assert "one@example.org" not in found.to_frame().to_string() + found.sentence()


def test_a_group_in_which_nobody_left_has_an_exact_upper_end():
    made = pd.DataFrame(
        {
            "months": np.tile([3, 12, 12, 12, 12, 12], 200),
            "churned": np.tile([True, False, False, False, False, False], 200),
            "score_group": np.tile(["detractor", "detractor", *["promoter"] * 4], 200),
            "replicate": np.repeat(np.arange(200), 6),
        }
    )
    # one promoter leaves in each half, early enough to be judged in month 2 only
    made.loc[[2, 8], ["months", "churned"]] = [12, True]
    found = churn_risk(table_of(made, ["score_group"]), 12)
    assert found.churned[0] == 2
    assert "Fewer than 10 left while observed: read the interval" in found.findings()[0].sentence
    none = churn_risk(table_of(made, ["score_group"]), 6)
    assert none.refusal
    assert "Nobody with one of the labels left" in none.refusal


@given(
    sizes=st.lists(st.integers(0, 60), min_size=2, max_size=12),
    groups=st.integers(2, 10),
    min_group=st.integers(1, 40),
    seed=st.integers(0, 10),
)
def test_groups_are_large_enough_ordered_and_hold_ties_together(sizes, groups, min_group, seed):
    rng = np.random.default_rng(seed)
    units = 2 * len(sizes)
    at_risk = np.zeros((units, 2, 2), dtype=int)
    at_risk[: len(sizes), 0, 1] = sizes
    at_risk[len(sizes) :, 1, 1] = rng.permutation(sizes)
    hazard = np.zeros((units, 2))
    hazard[:, 1] = rng.integers(1, 6, units) / 10
    nothing = np.zeros_like(at_risk)
    held = HeldOut(at_risk, nothing, at_risk, hazard, np.log(hazard[:, 1]))
    member = risk_groups(held, groups, min_group)
    if member is None:
        assert at_risk.sum() < min_group
        return
    total = np.bincount(member, weights=held.size)
    assert (total[: member.max() + 1] >= min_group).all()
    for half in (0, 1):
        here = held.half == half
        order = np.argsort(held.risk[here], kind="stable")
        ranked, placed = held.risk[here][order], member[here][order]
        assert (np.diff(placed) >= 0).all()
        assert (np.diff(placed)[np.diff(ranked) == 0] == 0).all()


def test_ten_groups_of_about_equal_size_where_predictions_allow():
    rng = np.random.default_rng(5)
    made = world(6, SETTING).followup_rows()
    made["band"] = rng.integers(0, 12, len(made)).astype(str)
    found = churn_risk(table_of(made, ["score_group", "plan", "band"]), 6)
    assert len(found) == 10
    assert found.at_risk.max() < 1.6 * found.at_risk.mean()
    assert (np.diff(found.predicted) > 0).all()


# What is said


def test_findings_name_the_group_and_the_months(risk):
    found = risk.findings()
    assert [dict(f.group) for f in found[:5]] == [
        {"decile": str(k), "months": "6"} for k in range(1, 6)
    ]
    assert [f.id for f in found] == ["churn_risk"] * 5 + [
        "risk_observed_to_predicted",
        "risk_slope",
        "risk_concordance",
    ]
    for finding, rate, n in zip(found, risk.churn_rate, risk.at_risk, strict=False):
        assert (finding.value, finding.n, finding.grade) == (rate, n, "C")
        assert finding.ci_lower < finding.value < finding.ci_upper
        assert "risk group" in finding.sentence
        assert "within 6 months" in finding.sentence
    assert found[0].as_of == "2024-12-31"
    assert risk.sentence().count("risk group") == 2


def test_the_frame_and_the_page_hold_groups_and_never_names(rows):
    named = rows.assign(plan=rows["plan"].where(rows["plan"] != "plus", "<b>plus</b>"))
    found = churn_risk(table_of(named), 6)
    frame = found.to_frame()
    assert list(frame) == [
        "decile", "at_risk", "churned", "predicted_churn_rate", "churn_rate",
        "churn_rate_ci_lower", "churn_rate_ci_upper", "mostly",
    ]  # fmt: skip
    assert "<b>" not in found._repr_html_()
    assert "&lt;b&gt;plus" in found._repr_html_()
    assert (frame["at_risk"] >= 30).all()


def test_a_label_describes_a_group_only_when_many_share_it(rows, risk):
    assert risk.mostly[-1] == "score group detractor, plan basic"
    few = rows[rows["plan"] == "basic"].head(3000)
    found = churn_risk(table_of(few), 6, min_group=30)
    assert all("plan" not in text for text in found.mostly)  # everybody has that


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"months": 0}, "months is 0, must be a whole number from 1: take 6"),
        ({"months": 1.5}, r"months is 1\.5, must be a whole number"),
        ({"groups": 1}, "groups is 1, must be from 2 to 100"),
    ],
)
def test_arguments_are_checked(table, change, expected):
    with pytest.raises(DataError, match=expected):
        churn_risk(table, **({"months": 6} | change))


def test_all_problems_at_once(rows):
    alone = LifeTable.from_durations(rows["months"], rows["churned"], group=rows[["plan"]])
    with pytest.raises(DataError) as error:
        churn_risk(alone, 0, groups=0)
    assert len(error.value.problems) == 3
    assert "must have at least 2 to judge a model on customers it has not seen" in str(error.value)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"n": 150}, "answers were followed by a loss, must be at least 30 (10 for each"),
        ({"n": 20}, "Nothing that was known at the answer tells customers apart"),
    ],
)
def test_too_few_are_refused_with_the_reason_and_no_number(change, expected):
    made = world(7, dataclasses.replace(SETTING, n=20 * change["n"])).followup_rows()
    found = churn_risk(table_of(made.head(3 * change["n"])), 6)
    assert expected in found.refusal
    (finding,) = found.findings()
    assert (finding.id, finding.value, finding.n) == ("churn_risk", None, None)
    assert finding.sentence == found.sentence()
    assert finding.sentence.startswith("Who is likely to leave within 6 months is not known. ")
    assert len(found) == len(found.to_frame()) == 0


def test_nobody_followed_so_long_is_refused(rows):
    short = rows.assign(
        churned=rows["churned"] & (rows["months"] <= 6), months=rows["months"].clip(upper=6)
    )
    short.loc[short.index[:10], ["months", "churned"]] = [9, False]
    found = churn_risk(table_of(short), 9)
    assert "In the last month fewer than 30 customers who answered were at risk" in found.refusal


def test_a_horizon_beyond_all_that_was_seen_is_a_reason_and_no_error(rows):
    nobody = LifeTable(("score_group",), (), *(np.zeros((0, 256, 1)) for _ in range(3)))
    for table, months in ((table_of(rows), 60), (nobody, 6)):
        found = churn_risk(table, months)
        assert found.refusal == "Nobody was followed for so long: look less far ahead."
        assert [f.value for f in found.findings()] == [None]


def test_without_a_difference_no_order_is_claimed():
    found = churn_risk(world(8, Setting(n=4000)).followup(), 6)
    assert found.concordance[1] < 0.5 < found.concordance[2]
    said = found.sentence()
    assert "No clear difference from a coin" in said
    assert "It is not clear that risks differ as predicted at all" in said


# Long simulations


@pytest.mark.verify
@pytest.mark.parametrize("ratio", [0.5, 0.8])
def test_intervals_hold_the_truth(ratio):
    """The models are fixed once fitted; what would truly happen lies in the intervals."""
    setting, draws = dataclasses.replace(SETTING, n=4000, hazard_ratio=ratio), 300
    groups, rest = [], []
    for seed in range(draws):
        table = table_of(world(seed, setting).followup_rows())
        found, held = churn_risk(table, 6), held_out(table)
        each = 1 - (1 - true_risk(setting, table.groups * 2, 6)) ** (1 / 6)
        hazard = np.repeat(each[:, None], 7, axis=1) * (np.arange(7) > 0)
        n, member = held.at_risk.sum(axis=1), risk_groups(held, 6, 30)
        for k in range(len(found)):
            here = member == k
            truth = 1 - np.prod(1 - (n * hazard)[here].sum(0)[1:] / n[here].sum(0)[1:])
            groups.append(found.churn_rate_ci_lower[k] <= truth <= found.churn_rate_ci_upper[k])
        exact = dataclasses.replace(held, churned=held.at_risk * hazard[:, None])
        rest.append(
            [
                mine[1] <= measure(exact, 0.95)[0] <= mine[2]
                for mine, measure in (
                    (found.observed_to_predicted, observed_to_predicted),
                    (found.slope, calibration_slope),
                    (found.concordance, concordance),
                )
            ]
        )
    level, slope, order = np.mean(rest, axis=0)
    # at least 1,500 groups, and 300 draws: standard errors of 0.6 and 1.3 points
    assert 0.93 <= np.mean(groups) <= 0.965
    assert 0.92 <= level <= 0.98
    # the errors of the two halves are added: never too narrow
    assert min(slope, order) >= 0.93


@pytest.mark.verify
def test_where_scores_tell_nothing_a_better_order_than_a_coin_is_rarely_claimed():
    draws = 300
    claimed = sum(
        churn_risk(world(seed, Setting(n=4000)).followup(), 6).concordance[1] > 0.5
        for seed in range(draws)
    )
    assert claimed / draws <= 0.045  # at most 2.5 %, and three standard errors of 300 draws
