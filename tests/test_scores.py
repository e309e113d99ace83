"""Levels and changes of scores against published numbers, exact coverage and simulation."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import gammaln, xlogy

from cxresearch.definitions import define
from cxresearch.errors import CxError, DataError
from cxresearch.recipe import Scale
from cxresearch.score_table import ScoreTable
from cxresearch.scores._score_intervals import (
    adjusted_wald,
    correlation,
    estimates,
    hajek,
    kish,
    score_interval,
    spread,
)
from cxresearch.scores._score_measures import measure_of
from cxresearch.scores.answers_needed import responses_needed
from cxresearch.scores.control_chart import IN_A_ROW, OUTSIDE, score_control_chart, signals
from cxresearch.scores.league import score_league
from cxresearch.scores.levels import score_levels, weighted_score
from cxresearch.scores.score_change import benjamini_hochberg, score_changes, wave_pairs, year_ago
from cxresearch.uncertainty import jackknife

with (Path(__file__).parent / "reference" / "scores.toml").open("rb") as file:
    KNOWN = tomllib.load(file)

TEN, FIVE = Scale(0, 10), Scale(1, 5)


def answered(columns=(), metric="nps", scale=TEN, **frame):
    return ScoreTable.from_counts(pd.DataFrame(frame), columns, metric=metric, scale=scale)


def nps_of(detractors, passives, promoters):
    return answered(score=[3, 7, 10], answers=[detractors, passives, promoters])


def waves(*counts, labels=None, **words):
    """Promoters, passives and detractors of each wave."""
    labels = labels or [f"w{i}" for i in range(len(counts))]
    rows = [(w, s, n) for w, c in zip(labels, counts, strict=True)
            for s, n in zip((10, 7, 3), c, strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["wave", "score", "answers"])
    return ScoreTable.from_counts(frame, ["wave"], metric="nps", scale=TEN, **words)


# Published numbers


def test_the_adjusted_wald_interval_is_the_published_one():
    known = KNOWN["rocks"]
    (found,) = score_levels(nps_of(*known["counts"]), min_group=1)
    n = sum(known["counts"])
    assert found.score == pytest.approx(100 * known["nps"], abs=0.005)
    variance = float(spread(3 / n, 1 / n))
    assert variance == pytest.approx(known["variance"], abs=5e-5)
    assert np.sqrt(variance / n) == pytest.approx(known["standard_error"], abs=5e-5)
    ends = [found.score_ci_lower / 100, found.score_ci_upper / 100]
    assert ends == pytest.approx(known["adjusted_wald"], abs=5e-5)


def test_margins_of_error():
    known = KNOWN["margin_of_error"]
    for n, points in zip(known["answers"], known["points"], strict=True):
        wald = 196 * np.sqrt(float(spread(0.5, 0.2)) / n)
        assert wald == pytest.approx(points, abs=0.05)
        # three more answers change it little
        (found,) = score_levels(nps_of(n // 5, 3 * n // 10, n // 2))
        half = (found.score_ci_upper - found.score_ci_lower) / 2
        assert half == pytest.approx(points, abs=0.3)


def test_the_weighted_example():
    known = KNOWN["weighted"]
    table = answered(["g"], g=list("abc"), score=[10, 7, 3], answers=[50, 30, 20])
    weights = np.array([1, 1.5, 2])
    found = hajek(table, measure_of(table), weights)
    assert 100 * found.score[0] == pytest.approx(known["nps"], abs=0.005)
    error = 100 * np.sqrt(found.variance[0] / found.effective_n[0])
    assert error == pytest.approx(known["standard_error"], abs=0.005)
    assert kish(weights, table.n_answers) == pytest.approx(known["effective_answers"], abs=0.005)
    result = weighted_score(table, weights)
    assert result.score == pytest.approx(known["nps"], abs=0.005)
    assert result.answers == 100
    assert result.distribution.sum() == pytest.approx(1)


def test_equal_weights_change_nothing():
    table = waves((30, 20, 10), (10, 20, 30))
    (plain,) = score_levels(answered(score=[10, 7, 3], answers=[40, 40, 40]))
    weighted = weighted_score(table, [3, 3])
    assert weighted.score == pytest.approx(plain.score, abs=1e-9)
    assert weighted.score_ci_upper == pytest.approx(plain.score_ci_upper)
    assert weighted.effective_n == pytest.approx(120)


def test_wilson_is_the_published_one():
    known = KNOWN["wilson"]
    rest = known["trials"] - known["successes"]
    table = answered(metric="csat", scale=FIVE, score=[5, 2], answers=[known["successes"], rest])
    (found,) = score_levels(table)
    assert [found.score_ci_lower, found.score_ci_upper] == pytest.approx(
        known["interval"], abs=5e-5
    )


def test_newcombe_is_the_published_one():
    table = answered(
        ["wave"], "csat", FIVE, wave=list("aabb"), score=[5, 1, 5, 1], answers=[48, 32, 56, 14]
    )
    (found,) = score_changes(table)
    assert [found.change_ci_lower, found.change_ci_upper] == pytest.approx(
        KNOWN["newcombe"]["interval"], abs=5e-5
    )
    assert found.change == pytest.approx(0.2)
    assert found.clear
    assert found.sentence() == (
        "CSAT in b was 20 percentage points (5 to 33) higher than in a (95 % interval)."
    )


def test_the_change_is_the_published_one():
    known = KNOWN["change"]
    (found,) = score_changes(waves((100, 60, 40), (112, 52, 36)))
    assert found.change == pytest.approx(known["raw"])
    assert found.adjusted_change == pytest.approx(known["adjusted"], abs=0.005)
    assert [found.change_ci_lower, found.change_ci_upper] == pytest.approx(
        known["interval"], abs=0.05
    )
    assert found.p_value == pytest.approx(known["p_value"], abs=0.005)
    assert found.sentence() == (
        "No clear change of NPS between w0 and w1: 8 points (-7 to 23), 95 % interval."
    )
    assert found.findings()[0].group == {"from": "w0", "to": "w1"}


def test_the_answers_needed_are_the_published_ones():
    known = KNOWN["answers_needed"]
    (found,) = responses_needed(nps_of(200, 300, 500), known["points"])
    assert found.answers_needed.tolist() == known["answers"]
    assert [f.group["points"] for f in found.findings()] == ["3", "5", "10", "15"]
    assert "each of two waves needs 3,800 answers" in found.sentence()
    assert "there were 1,000." in found.sentence()


def test_benjamini_and_hochberg_count_the_four_smallest():
    known = KNOWN["benjamini_hochberg"]
    found = benjamini_hochberg(known["p_values"])
    assert int((found <= 0.05).sum()) == known["counted"]
    shuffled = np.random.default_rng(1).permutation(15)
    again = benjamini_hochberg(np.array(known["p_values"])[shuffled])
    np.testing.assert_allclose(again, found[shuffled])


# Definitions follow the scale


@pytest.mark.parametrize(
    ("metric", "scale", "best"),
    [
        ("csat", FIVE, {4, 5}),
        ("csat", Scale(1, 3), {3}),
        ("csat", Scale(0, 1), {1}),
        ("csat", Scale(1, 4), {3, 4}),
        ("ces", Scale(1, 7, "easy"), {6, 7}),
        ("ces", Scale(1, 5, "hard"), {1, 2}),
    ],
)
def test_the_best_answers_are_those_of_the_scale(metric, scale, best):
    table = answered(metric=metric, scale=scale, score=[int(scale.maximum)], answers=[1])
    measure = measure_of(table)
    assert {s for s, v in zip(table.axis, measure.values, strict=True) if v} == best
    assert f"{min(best)}" in measure.definition
    if scale.high_is:
        assert f"a high answer means {scale.high_is}" in measure.definition


@pytest.mark.parametrize("lowest", [0, 1])
def test_promoters_are_the_same_on_both_scales(lowest):
    table = answered(scale=Scale(lowest, 10), score=[lowest, 6, 7, 8, 9, 10], answers=[1] * 6)
    assert measure_of(table).values[-5:].tolist() == [-1, 0, 0, 1, 1]
    assert (measure_of(table).values[:-4] == -1).all()
    assert f"detractors ({lowest} to 6)" in measure_of(table).definition


# Properties and limits


def three():
    return st.tuples(*[st.integers(0, 400)] * 3).filter(lambda counts: sum(counts) > 0)


@settings(max_examples=80)
@given(three(), st.sampled_from([0.5, 0.8, 0.95, 0.999]))
def test_an_interval_holds_its_score_and_turns_with_the_scale(counts, level):
    options = {"min_group": 1, "confidence_level": level}
    (found,) = score_levels(nps_of(*counts), **options)
    assert -100 <= found.score_ci_lower <= found.score <= found.score_ci_upper <= 100
    (turned,) = score_levels(nps_of(*counts[::-1]), **options)
    assert turned.score == pytest.approx(-found.score)
    assert turned.score_ci_lower == pytest.approx(-found.score_ci_upper)
    assert found.findings()[0].value == found.score


@settings(max_examples=60)
@given(three(), three())
def test_a_change_turns_with_time(before, after):
    rows = [tuple(c) for c in (before, after)]
    (found,) = score_changes(waves(*rows), [("w0", "w1")], min_group=1)
    (back,) = score_changes(waves(*rows), [("w1", "w0")], min_group=1)
    assert back.change == pytest.approx(-found.change)
    assert back.change_ci_upper == pytest.approx(-found.change_ci_lower)
    assert found.change_ci_lower <= found.change <= found.change_ci_upper
    assert back.p_value == pytest.approx(found.p_value)
    assert 0 <= found.p_value <= 1


def test_small_groups_are_counted_and_never_named():
    table = answered(["street"], street=["Elm 3", "big"], score=[10, 7], answers=[29, 30])
    found = score_levels(table)
    assert len(found) == 1
    assert "Elm" not in found.sentence()
    assert "1 group with fewer than 30 customers who answered is not reported." in found.sentence()
    assert not len(score_levels(table.select(street="Elm 3")))


def test_few_customers_do_not_become_a_group_by_answering_often():
    frame = {"score": [10, 3], "answers": [400, 200], "customers": [10, 8]}
    assert not len(score_levels(answered(**frame)))


# Customers who answer more than once


def clustered(rng, groups, customers, answers_each, alike):
    """Groups of customers of whom each answers several times, some always alike; true NPS 30."""
    each = 1 + rng.poisson(answers_each - 1, (groups, customers))
    group = np.repeat(np.arange(groups), each.sum(axis=1))
    who = np.repeat(np.arange(groups * customers), each.ravel())
    chances, scores = (0.2, 0.3, 0.5), np.array([3, 7, 10])
    own = rng.choice(scores, groups * customers, p=chances)[who]
    same = (rng.random(groups * customers) < alike)[who]
    score = np.where(same, own, rng.choice(scores, len(who), p=chances))
    first = np.r_[True, who[1:] != who[:-1]].astype(int)
    replicate = rng.integers(0, 256, groups * customers)[who]
    return pd.DataFrame(
        {"g": [f"{g:05d}" for g in group], "replicate": replicate, "score": score, "answers": 1,
         "customers": first, "who": who}
    )  # fmt: skip


def test_the_design_effect_is_that_of_the_jackknife():
    rng = np.random.default_rng(3)
    frame = clustered(rng, 3, 800, 3, 0.6)
    table = ScoreTable.from_counts(frame, ["g"], metric="nps", scale=TEN)
    measure = measure_of(table)
    found = estimates(table, measure)
    mean = jackknife(lambda c: c @ measure.values / c.sum(axis=-1), table.answers)
    errors = np.sqrt(found.variance / found.effective_n)
    np.testing.assert_allclose(errors, mean.standard_error, rtol=0.01)
    assert (found.design_effect > 1.5).all()


def test_the_design_effect_is_that_of_the_rows():
    """Every customer a replicate of its own: the variance of totals per customer, by pandas."""
    frame = clustered(np.random.default_rng(4), 1, 200, 2, 0.8)
    frame["replicate"] = frame["who"]
    table = ScoreTable.from_counts(frame, metric="nps", scale=TEN, n_replicates=200)
    found = estimates(table, measure_of(table))
    value = frame["score"].map({3: -1, 7: 0, 10: 1})
    totals = (value - value.mean()).groupby(frame["who"]).sum()
    n = len(frame)
    direct = (totals**2).sum() / (n * value.var(ddof=0)) * 200 / 199 * (n - 1) / n
    assert found.design_effect[0] == pytest.approx(direct)


def test_nobody_answers_twice_and_nothing_is_estimated_of_it():
    rng = np.random.default_rng(5)
    frame = clustered(rng, 4, 60, 1, 0)
    found = estimates(
        table := ScoreTable.from_counts(frame, ["g"], metric="nps", scale=TEN), measure_of(table)
    )
    np.testing.assert_array_equal(found.effective_n, found.answers)


def test_answers_that_are_all_alike_count_once_per_customer():
    frame = {"score": [10], "answers": [400], "customers": [40]}
    (found,) = score_levels(answered(**frame))
    assert found.effective_n == 40
    (alone,) = score_levels(answered(score=[10], answers=[40]))
    assert found.score_ci_lower == pytest.approx(alone.score_ci_lower)
    assert found.sentence().endswith("from 400 answers of 40 customers.")


def test_the_same_customers_twice_make_a_change_clearer():
    rng = np.random.default_rng(6)
    first = rng.choice([3, 7, 10], 600, p=(0.3, 0.3, 0.4))
    second = np.where(rng.random(600) < 0.7, first, rng.choice([7, 10], 600))
    frame = pd.DataFrame({"wave": np.repeat(["a", "b"], 600), "score": np.r_[first, second],
                          "replicate": np.tile(rng.integers(0, 256, 600), 2), "answers": 1})  # fmt: skip
    table = ScoreTable.from_counts(frame, ["wave"], metric="nps", scale=TEN)
    (same,) = score_changes(table)
    shuffled = frame.assign(replicate=rng.integers(0, 256, 1200))
    (apart,) = score_changes(ScoreTable.from_counts(shuffled, ["wave"], metric="nps", scale=TEN))
    value = pd.Series(np.r_[first, second]).map({3: -1, 7: 0, 10: 1}).to_numpy()
    direct = np.corrcoef(value[:600], value[600:])[0, 1]
    assert same.correlation == pytest.approx(direct, abs=0.15)
    assert abs(apart.correlation) < 0.2
    paired = (value[600:] - value[:600]).std() / np.sqrt(600)
    half = (same.change_ci_upper - same.change_ci_lower) / 2
    assert half == pytest.approx(196 * paired, rel=0.08)
    assert half < 0.8 * (apart.change_ci_upper - apart.change_ci_lower) / 2


def test_a_table_of_one_replicate_knows_no_correlation():
    table = waves((30, 20, 10), (10, 20, 30))
    assert correlation(estimates(table, measure_of(table)), 0, 1) == 0


# Which waves are compared


@pytest.mark.parametrize(
    ("wave", "before"),
    [("2025-03", "2024-03"), ("2025-Q1", "2024-Q1"), ("2025", "2024"), ("nps-2025", ""), ("", "")],
)
def test_a_year_ago(wave, before):
    assert year_ago(wave) == before


def test_the_latest_whole_wave_is_compared_with_the_last_and_with_a_year_ago():
    labels = ["2024-Q1", "2024-Q4", "2025-Q1", "2025-Q2"]
    table = waves(*[(30, 20, 10)] * 4, labels=labels, incomplete=("2025-Q2",))
    assert wave_pairs(table) == (("2024-Q4", "2025-Q1"), ("2024-Q1", "2025-Q1"))
    assert wave_pairs(waves((1, 1, 1), (1, 1, 1), labels=["2024", "2025"])) == (("2024", "2025"),)


def test_one_wave_alone_has_no_change_and_says_so():
    found = score_changes(waves((30, 20, 10)))
    assert len(found) == 0
    assert found.sentence() == (
        "Changes are not reported: the extract holds one wave only from beginning to end."
    )


def test_groups_are_compared_with_themselves_and_together():
    rows = [(w, p, s, n) for w, p, c in (("a", "x", (90, 20, 90)), ("b", "x", (110, 30, 60)),
            ("a", "y", (50, 50, 50)), ("b", "y", (50, 50, 50)), ("b", "z", (50, 50, 50)))
            for s, n in zip((10, 7, 3), c, strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["wave", "plan", "score", "answers"])
    table = ScoreTable.from_counts(frame, ["wave", "plan"], metric="nps", scale=TEN)
    found = {c.group["plan"]: c for c in score_changes(table)}
    assert set(found) == {"x", "y"}
    assert found["x"].change == pytest.approx(25)
    assert found["x"].adjusted_p_value == pytest.approx(2 * found["x"].p_value)
    assert found["x"].sentence().startswith("NPS with plan x in b was 25 points")
    assert found["y"].sentence().startswith("No clear change of NPS with plan y between a and b: 0")


def test_a_clear_change_among_many_groups_is_put_in_its_place():
    rows = [(w, f"{g}", s, n) for g in range(12) for w in "ab"
            for s, n in zip((10, 3), (60, 40) if (g, w) == (3, "b") else (46, 54), strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["wave", "team", "score", "answers"])
    table = ScoreTable.from_counts(frame, ["wave", "team"], metric="nps", scale=TEN)
    (found,) = (c for c in score_changes(table) if c.clear)
    assert found.p_value < 0.05 < found.adjusted_p_value
    assert "Among 12 groups compared at once this is not unusual" in found.sentence()


def test_waves_that_are_not_there_are_refused():
    with pytest.raises(DataError, match="wave 'w9' does not exist"):
        score_changes(waves((1, 1, 1), (1, 1, 1)), [("w0", "w9")])
    with pytest.raises(DataError, match="compared with itself"):
        score_changes(waves((1, 1, 1)), [("w0", "w0")])
    with pytest.raises(DataError, match="the table has no waves"):
        score_changes(nps_of(1, 1, 1))
    with pytest.raises(DataError, match="must be 2 numbers of at least 0"):
        weighted_score(waves((1, 1, 1), (1, 1, 1)), [1, -1])
    with pytest.raises(CxError) as error:
        responses_needed(nps_of(20, 20, 20), (0,), power=1)
    assert len(error.value.problems) == 2


def test_the_latest_whole_wave_says_how_many_answers_are_needed():
    table = waves((10, 10, 10), (50, 0, 50), (0, 90, 10), incomplete=("w2",))
    (found,) = responses_needed(table, (10,))
    assert found.answers == 100
    assert found.answers_needed[0] == pytest.approx(2 * 7.8489 / 0.01, rel=1e-3)
    assert found.answers_needed_ci_lower <= found.answers_needed <= found.answers_needed_ci_upper
    (alike,) = responses_needed(answered(score=[10], answers=[50]), (10,))
    assert alike.answers_needed[0] > 0


# Control chart and league


def test_the_limits_of_a_wave_follow_from_its_answers():
    found = score_control_chart(waves((50, 30, 20), (500, 300, 200), (100, 60, 40)))
    assert found.centre == pytest.approx(30)
    width = found.upper_limit - found.lower_limit
    total = 1300
    wanted = 600 * np.sqrt(0.61 * (1 / np.array([100, 1000, 200]) - 1 / total))
    np.testing.assert_allclose(width, wanted)
    assert found.signals == ("", "", "")
    assert found.p_value == pytest.approx(1)
    assert "no more than samples of one score would" in found.sentence()


def test_what_stands_out_is_named_with_its_rule():
    found = score_control_chart(waves(*[(50, 30, 20)] * 5, (20, 30, 50)))
    assert found.signals == ("",) * 5 + (OUTSIDE,)
    assert "w5 (outside the limits) stands out" in found.sentence()
    assert "more than samples of one score would" in found.sentence()
    assert found.findings()[0].value == 1
    run = signals(np.array([1.0] * 8 + [-1, 1]), 0.0, np.full(10, -3.0), np.full(10, 3.0))
    assert run == ("",) * 7 + (IN_A_ROW, "", "")


def test_a_wave_that_is_not_over_is_not_judged():
    found = score_control_chart(waves(*[(50, 30, 20)] * 3, incomplete=("w2",)))
    assert found.waves == ("w0", "w1")
    assert "Not shown, as the extract holds only part of it: w2." in found.sentence()
    alone = score_control_chart(waves((50, 30, 20), (1, 1, 1)))
    assert [f.id for f in alone.findings()] == ["not_reported"]
    assert not len(score_control_chart(waves((1, 1, 1))).waves)


def test_the_funnel_is_as_wide_as_chance():
    rows = [(t, s, n) for t, c in (("few", (20, 10, 10)), ("usual", (500, 300, 200)), ("bad", (60, 60, 180)))
            for s, n in zip((10, 7, 3), c, strict=True)]  # fmt: skip
    frame = pd.DataFrame(rows, columns=["team", "score", "answers"])
    found = score_league(ScoreTable.from_counts(frame, ["team"], metric="nps", scale=TEN))
    assert found.groups == (("few",), ("bad",), ("usual",))
    assert found.outside.tolist() == [0, 0.998, 0.998]
    assert found.overall == pytest.approx(100 * (580 - 390) / 1340)
    lower, upper = found.limits(100, 0.95)
    p, d = 580 / 1340, 390 / 1340
    half = 196 * np.sqrt((p + d - (p - d) ** 2) * (1 / 100 - 1 / 1340))
    assert (upper - lower) / 2 == pytest.approx(half, rel=1e-4)
    assert "2 lie outside the 95 % limits" in found.sentence()
    assert "team bad (-40, below)" in found.sentence()
    assert found.limits(1340, 0.998) == pytest.approx((found.overall, found.overall))


def test_a_league_needs_groups():
    with pytest.raises(DataError, match="nothing is grouped"):
        score_league(waves((50, 30, 20), (50, 30, 20)))


def test_by_chance_as_many_groups_lie_outside_as_is_said():
    rng = np.random.default_rng(8)
    sizes = np.exp(rng.uniform(np.log(30), np.log(600), 2000)).astype(int)
    counts = np.array([rng.multinomial(n, (0.65, 0.25, 0.1)) for n in sizes])
    frame = pd.DataFrame({"team": np.repeat([f"{i:04d}" for i in range(2000)], 3),
                          "score": np.tile([10, 7, 3], 2000), "answers": counts.ravel()})  # fmt: skip
    found = score_league(ScoreTable.from_counts(frame, ["team"], metric="nps", scale=TEN))
    assert (found.outside >= 0.95).mean() == pytest.approx(0.05, abs=0.015)
    assert (found.outside >= 0.998).mean() < 0.008


# Coverage


def coverage(n, promoters, detractors, level=0.95):
    """Chance, summed over every possible outcome, that the interval holds the true NPS."""
    up, down = (axis.ravel() for axis in np.meshgrid(np.arange(n + 1), np.arange(n + 1)))
    keep = up + down <= n
    up, down = up[keep], down[keep]
    rest = n - up - down
    shares = (promoters, detractors, 1 - promoters - detractors)
    log = gammaln(n + 1)
    for count, share in zip((up, down, rest), shares, strict=True):
        log = log - gammaln(count + 1) + xlogy(count, max(share, 0))
    lower, upper = adjusted_wald(up / n, down / n, np.full(up.shape, float(n)), level)
    truth = promoters - detractors
    return float(np.exp(log)[(lower <= truth + 1e-12) & (truth - 1e-12 <= upper)].sum())


# NPS, share of passives
MIXES = [(n, q) for n in (-60, 0, 30, 60, 80, 90) for q in (0.02, 0.05, 0.1, 0.2, 0.4, 0.6)
         if abs(n) / 100 + q < 1]  # fmt: skip


@pytest.mark.parametrize(("n", "least", "most"), [(10, 0.87, 0.999), (30, 0.935, 0.98)])
def test_the_interval_covers_down_to_ten_answers(n, least, most):
    found = [coverage(n, (1 - q + s / 100) / 2, (1 - q - s / 100) / 2) for s, q in MIXES]
    assert least < min(found)
    assert max(found) < most
    assert 0.94 < np.mean(found) < 0.97


def test_the_published_coverage_at_an_nps_of_ninety():
    """Methods: adjusted Wald covers 0.96, 0.97 and 0.96 at +90 with 10, 30 and 100 answers."""
    for n, published in ((10, 0.96), (30, 0.97), (100, 0.96)):
        assert coverage(n, 0.925, 0.025) == pytest.approx(published, abs=0.015)


@pytest.mark.verify
@pytest.mark.parametrize("n", [50, 100, 300])
def test_the_interval_covers_with_more_answers(n):
    found = [coverage(n, (1 - q + s / 100) / 2, (1 - q - s / 100) / 2) for s, q in MIXES]
    assert min(found) > 0.935
    assert max(found) < 0.98


@pytest.mark.verify
@pytest.mark.parametrize("customers", [30, 100, 300])
@pytest.mark.parametrize(("answers_each", "alike"), [(1.3, 0.5), (3, 0), (3, 0.5), (3, 0.9)])
def test_the_interval_covers_when_customers_answer_often(customers, answers_each, alike):
    rng = np.random.default_rng([customers, int(10 * answers_each), int(10 * alike)])
    frame = clustered(rng, 1500, customers, answers_each, alike)
    table = ScoreTable.from_counts(frame, ["g"], metric="nps", scale=TEN)
    measure = measure_of(table)
    found = estimates(table, measure)
    lower, upper = score_interval(found, measure, 0.95)
    assert 0.93 < np.mean((lower <= 0.3) & (upper >= 0.3)) < 0.985
    if answers_each == 3 and alike > 0:
        error = 1.96 * np.sqrt(found.variance / found.answers)
        assert np.mean(np.abs(found.score - 0.3) <= error) < 0.93


@pytest.mark.verify
@pytest.mark.parametrize("overlap", [0.0, 0.5, 1.0])
def test_the_interval_of_a_change_covers_when_customers_answer_both_times(overlap):
    rng = np.random.default_rng(int(10 * overlap))
    inside, draws, n = 0, 600, 250
    scores = np.array([3, 7, 10])
    for _ in range(draws):
        first = rng.choice(scores, n, p=(0.2, 0.3, 0.5))
        moved = np.where((first == 3) & (rng.random(n) < 0.25), 7, first)
        other = rng.choice(scores, n, p=(0.15, 0.35, 0.5))
        both = rng.random(n) < overlap
        replicate = rng.integers(0, 256, n)
        again = np.where(both, replicate, rng.integers(0, 256, n))
        frame = pd.DataFrame({"wave": np.repeat(["a", "b"], n), "answers": 1,
                              "score": np.r_[first, np.where(both, moved, other)],
                              "replicate": np.r_[replicate, again]})  # fmt: skip
        table = ScoreTable.from_counts(frame, ["wave"], metric="nps", scale=TEN)
        (found,) = score_changes(table)
        inside += found.change_ci_lower <= 5 <= found.change_ci_upper
    assert 0.925 < inside / draws < 0.985


# Words


def test_the_sentence_of_a_level():
    (found,) = score_levels(waves((150, 75, 75), labels=["2025-Q3"]))
    assert found.sentence() == ("NPS was 25 (95 % interval 15 to 34) in 2025-Q3, from 300 answers.")
    (finding,) = found.findings()
    assert (finding.id, finding.unit, finding.n, finding.group) == (
        "nps", "points", 300, {"wave": "2025-Q3"},
    )  # fmt: skip
    (share,) = score_levels(answered(metric="csat", scale=FIVE, score=[4, 2], answers=[80, 20]))
    assert share.sentence() == (
        "Of 100 CSAT answers, 80 were satisfied (95 % interval 71 to 87), from 100 answers."
    )
    assert share.to_frame().columns.tolist()[0] == "csat_share"
    ease = Scale(1, 7, "easy")
    (easy,) = score_levels(answered(metric="ces", scale=ease, score=[7, 2], answers=[80, 20]))
    assert "80 found it easy" in easy.sentence()


def test_a_definition_is_shown_once(capsys):
    levels = score_levels(waves((50, 30, 20), (30, 30, 40)))
    define(levels, levels[0])
    assert capsys.readouterr().out == f"{levels[0].definition}\n"
    define(score_levels(nps_of(1, 1, 1)))
    assert capsys.readouterr().out == ""
