"""The bias ladder: its numbers against rows, its rules, its words, and worlds that are known."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest
from confounded import Truth, draw, rows
from lifelines.datasets import load_stanford_heart_transplants
from worlds import Setting, true_retained, world

import cxresearch as cx
from cxresearch.adjust.bias_ladder import BiasLadder, bias_ladder, survey_tables
from cxresearch.adjust.immortal_time import fieller, immortal_time_share
from cxresearch.designs import Design
from cxresearch.errors import CxError, DataError
from cxresearch.tables import LifeTable

EVER = ("ever_promoter_from_signup", "ever_promoter_from_answer")
ALL = (
    *EVER, "first_score_from_signup", "first_score_from_answer", "landmark_6", "landmark_12",
    "current_score", "each_score", "weighted", "doubly_robust",
)  # fmt: skip


@pytest.fixture(scope="module")
def tables():
    return survey_tables(cx.open_data("data/sample"), adjust_for=["plan", "tenure_band"])


@pytest.fixture(scope="module")
def ladder(tables):
    return bias_ladder(tables)


def lives(n=1500, seed=1, hazard=0.04, others="detractor", entry=6):
    """Two groups that leave alike, one row each, some under observation only from later on."""
    rng = np.random.default_rng(seed)
    entry = rng.integers(0, entry, n)
    exits = entry + np.minimum(rng.geometric(hazard, n), 30)
    return pd.DataFrame(
        {
            "entry": entry,
            "months": exits,
            "churned": exits - entry < 30,
            "score_group": rng.choice(["promoter", others], n),
            "replicate": rng.permutation(n) % 256,
        }
    )


def count(frame, **changes):
    options = {"entry": frame["entry"], "replicate": frame["replicate"]} | changes
    group = frame[["score_group"]]
    return LifeTable.from_durations(frame["months"], frame["churned"], group=group, **options)


def ever(**options):
    return {name: count(lives(others="other", seed=i, **options)) for i, name in enumerate(EVER)}


# Numbers


def kept_by_row(frame, label, start, end):
    side, share = frame[frame["score_group"] == label], 1.0
    for t in range(start + 1, end + 1):
        there = (side["entry"] < t) & (side["months"] >= t)
        share *= 1 - (there & side["churned"] & (side["months"] == t)).sum() / there.sum()
    return share


def test_the_difference_is_that_of_rows_and_so_is_its_jackknife():
    frame = lives(600, entry=25)
    rung = bias_ladder({"first_score_from_answer": count(frame)})["first_score_from_answer"]
    start, end = rung.start, rung.start + 12

    def difference(of):
        return kept_by_row(of, "promoter", start, end) - kept_by_row(of, "detractor", start, end)

    assert start > 0
    assert rung.difference[0] == pytest.approx(difference(frame))
    left = np.array([difference(frame[frame["replicate"] != r]) for r in range(256)])
    error = math.sqrt(255 / 256 * ((left - left.mean()) ** 2).sum())
    half = (rung.difference[2] - rung.difference[1]) / 2
    assert half == pytest.approx(1.959964 * error, rel=1e-6)


def test_without_replicates_the_textbook_interval_is_close():
    frame = lives(3000)
    many = bias_ladder({"current_score": count(frame)})["current_score"]
    one = bias_ladder({"current_score": count(frame, replicate=None)})["current_score"]
    assert one.difference[0] == pytest.approx(many.difference[0])
    assert one.difference[2] == pytest.approx(many.difference[2], abs=0.01)
    assert one.hazard_ratio[2] == pytest.approx(many.hazard_ratio[2], rel=0.05)


def test_weights_for_nothing_give_the_plain_rung():
    frame = lives(2000).assign(entry=0)
    plain = count(frame)
    ladder = bias_ladder({"first_score_from_answer": plain, "weighted": plain})
    first, second = ladder
    assert second.hazard_ratio == pytest.approx(first.hazard_ratio, rel=1e-6)
    assert second.difference == pytest.approx(first.difference, abs=1e-9)


def test_doubly_robust_for_nothing_is_the_product_limit():
    plain = count(lives(2000).assign(entry=0))
    ladder = bias_ladder({"first_score_from_answer": plain, "doubly_robust": plain})
    first, second = ladder
    assert second.difference == pytest.approx(first.difference, abs=1e-9)
    kept = second.retained
    assert second.hazard_ratio[0] == pytest.approx(math.log(kept[0]) / math.log(kept[1]))


def test_weighting_takes_a_known_trait_away():
    followed = draw(Truth(), 40_000, 3)
    ladder = bias_ladder(
        {"first_score_from_answer": followed, "weighted": followed, "doubly_robust": followed}
    )
    naive, *adjusted = (rung.difference for rung in ladder)
    assert naive[1] > Truth().difference
    for lower, upper in ((d[1], d[2]) for d in adjusted):
        assert lower < Truth().difference < upper


def heart():
    """Stanford heart transplants (Crowley & Hu 1977), in half days so that nothing is tied."""
    frame = load_stanford_heart_transplants()
    spans = pd.DataFrame(
        {
            "entry": (2 * frame["start"]).round().astype(int),
            "months": (2 * frame["stop"]).round().astype(int),
            "churned": frame["event"] == 1,
            "score_group": np.where(frame["transplant"] == 1, "promoter", "other"),
            "replicate": frame["id"] % 256,
        }
    )
    last = spans.assign(id=frame["id"]).groupby("id").last()
    # a patient is named by the group they end in, as if they had been in it all along
    return {EVER[0]: count(last.assign(entry=0)), EVER[1]: count(spans)}


def test_stanford_heart_transplants():
    """Cox: .266 for ever a transplant, 1.136 as it changes (R survival, lifelines)."""
    found = bias_ladder(heart(), min_at_risk=5)
    assert found[EVER[0]].hazard_ratio[0] == pytest.approx(0.266, abs=0.002)
    assert found[EVER[1]].hazard_ratio[0] == pytest.approx(1.136, abs=0.005)
    share = immortal_time_share(found)
    assert share.share == pytest.approx(1 - 0.127141 / -1.32344, abs=0.005)
    assert share.sentence().startswith(
        "All of the naive gap between ever-promoters and others and more is time before the "
        "answer, in which nobody could have left: 110 % ("
    )
    assert "counted from the answer on, no clear gap is left" in share.sentence()


# Immortal time


def test_fieller_is_the_set_of_ratios_that_are_not_rejected():
    values, covariance = np.array([-0.3, -1.1]), np.array([[0.02, 0.004], [0.004, 0.03]])
    lower, upper = fieller(values, covariance, 0.95)
    assert lower < 0.3 / 1.1 < upper
    for ratio in (lower, upper):
        error = np.array([1, -ratio]) @ covariance @ np.array([1, -ratio])
        distance = abs(values @ np.array([1, -ratio])) / math.sqrt(error)
        assert distance == pytest.approx(1.959964, rel=1e-6)


def test_fieller_is_near_the_jackknife_of_the_ratio(ladder):
    naive, corrected = (ladder[name].left_out for name in EVER)
    ratios = 1 - corrected / naive
    error = math.sqrt(255 / 256 * ((ratios - ratios.mean()) ** 2).sum())
    share = immortal_time_share(ladder)
    half = (share.share_ci_upper - share.share_ci_lower) / 2
    assert half == pytest.approx(1.959964 * error, rel=0.1)


def test_a_share_of_no_gap_is_refused():
    share = immortal_time_share(bias_ladder(ever()))
    assert share.refusal == "from sign-up, ever-promoters and others do not clearly differ"
    (found,) = share.findings()
    assert (found.id, found.value) == ("not_reported", None)
    assert found.sentence.startswith("No share of immortal time: from sign-up,")


def test_a_share_needs_both_rungs_and_replicates(tables):
    share = immortal_time_share(bias_ladder({"current_score": tables["current_score"]}))
    assert "lacks ever-promoters" in share.sentence()
    bare = {name: count(lives(others="other"), replicate=None) for name in EVER}
    assert "no replicates in common" in immortal_time_share(bias_ladder(bare)).sentence()
    with pytest.raises(CxError, match="the ladder has 0 rungs"):
        immortal_time_share(BiasLadder((), 12))


def test_a_gap_that_grows_when_counted_properly_is_said_to_grow():
    # promoters leave more often, and immortal time hides part of it
    sides = {}
    for seed, (name, hazard) in enumerate(zip(EVER, (0.06, 0.12), strict=True)):
        frame = lives(6000, seed=seed, hazard=0.03, others="other")
        fast = lives(6000, seed=seed + 9, hazard=hazard, others="other")
        both = [frame[frame["score_group"] == "other"], fast[fast["score_group"] == "promoter"]]
        sides[name] = count(pd.concat(both))
    share = immortal_time_share(bias_ladder(sides))
    assert share.share_ci_upper < 0
    assert share.sentence().startswith(
        "None of the naive gap between ever-promoters and others is immortal time: counted from "
        "the answer on the gap is larger, and the share is -"
    )


def test_words_of_a_share(ladder):
    share = immortal_time_share(ladder)
    (found,) = share.findings()
    assert (found.id, found.unit, found.group) == ("immortal_time_share", "share", {})
    assert re.fullmatch(
        r"Of the naive gap between ever-promoters and others, \d+ % \(\d+ to \d+ %\) is time before "
        r"the answer, in which nobody could have left \(95 % interval; of the log hazard ratio\)\.",
        found.sentence,
    )


# Naive rungs never stand alone


def test_a_naive_table_without_the_one_that_corrects_it_is_refused(tables):
    with pytest.raises(DataError, match=f"must stand beside {EVER[1]}: add its table"):
        bias_ladder({EVER[0]: tables[EVER[0]]})


def test_a_naive_rung_cannot_be_taken_out_of_the_ladder(ladder):
    naive = ladder[EVER[0]]
    with pytest.raises(DataError, match="must stand beside"):
        BiasLadder((naive,), 12)
    with pytest.raises(DataError, match="must stand beside"):
        BiasLadder((naive, ladder[EVER[1]].refused("no reason")), 12)
    assert not any(hasattr(naive, name) for name in ("sentence", "findings", "_repr_html_"))
    assert repr(naive) == "Rung('ever_promoter_from_signup', naive)"


def test_a_naive_number_goes_when_the_corrected_one_is_refused():
    both = ever()
    both[EVER[1]] = count(lives(n=40, others="other", hazard=0.01))
    ladder = bias_ladder(both)
    assert math.isnan(ladder[EVER[0]].hazard_ratio[0])
    assert math.isnan(ladder[EVER[0]].difference[0])
    assert {finding.id for finding in ladder.findings()} == {"not_reported"}
    assert "it is wrong, and the count that corrects it" in ladder.findings()[0].sentence


def test_each_naive_sentence_says_so_and_names_the_corrected_number(ladder):
    said = {(f.id, f.group["design"]): f.sentence for f in ladder.findings()}
    for name in ("ever_promoter", "first_score"):
        for what in ("hazard_ratio", "retained_difference"):
            wrong = said[what, f"{name}_from_signup"]
            right = said[what, f"{name}_from_answer"]
            assert "This count is wrong: it credits the time before the answer" in wrong
            amount = re.search(r"(-?[\d.]+ \(-?[\d.]+ to -?[\d.]+\))", right)
            assert f"counted from the answer on: {amount[1]}" in wrong
            assert "wrong" not in right


def test_the_table_names_the_naive_rungs(ladder):
    page = ladder._repr_html_()
    assert page.count("(wrong)") == 2
    assert list(ladder.to_frame()["wrong"]) == [name.endswith("signup") for name in ALL]


# Refusals


def test_few_losses_give_a_row_with_the_reason(tables):
    ladder = bias_ladder({"current_score": count(lives(n=200, hazard=0.001))})
    (rung,) = ladder
    assert not rung.reported
    assert rung.refusals == ("fewer than 10 promoters and detractors left",)
    hazard, difference = ladder.findings()
    assert hazard.group == {"design": "current_score"}
    assert difference.group == {"design": "current_score", "months": "12"}
    assert hazard.sentence == (
        "No hazard ratio (current score, as it changes): fewer than 10 promoters and detractors "
        "left."
    )
    assert "fewer than 10" in ladder._repr_html_()


def test_too_short_a_time_takes_the_difference_only():
    ladder = bias_ladder({"current_score": count(lives())}, months=60)
    hazard, difference = ladder.findings()
    assert hazard.id == "hazard_ratio"
    assert difference.id == "not_reported"
    assert "fewer than 30 of one group are still observed 60 months on" in difference.sentence


def answers(*sizes, covariate="plan"):
    """Follow-up table: (score_group, level, answers, losses), losses in month 3 of 20."""
    rows = [
        (label, level, 3 if i < lost else 20, i < lost)
        for label, level, n, lost in sizes
        for i in range(n)
    ]
    frame = pd.DataFrame(rows, columns=["score_group", covariate, "months", "churned"])
    columns = ["score_group", covariate]
    return LifeTable.from_durations(
        frame["months"],
        frame["churned"],
        group=frame[columns],
        replicate=np.random.default_rng(1).permutation(len(frame)) % 256,
    )


@pytest.mark.parametrize(
    ("detractors", "losses", "reason"),
    [
        (18, 12, "fewer than 30 answers of detractors have a counterpart"),
        (300, 3, "of promoters with a counterpart fewer than 10 left"),
    ],
)
def test_those_without_a_counterpart_carry_no_adjusted_number(detractors, losses, reason):
    # 40 promoters left on the plan on which there is no detractor
    followed = answers(
        ("promoter", "pro", 200, 40),
        ("promoter", "basic", 300, losses),
        ("detractor", "basic", detractors, 12),
    )
    for rung in bias_ladder({"weighted": followed, "doubly_robust": followed}):
        assert rung.refusals == (reason,)


def test_the_months_compared_are_those_of_answers_with_a_counterpart():
    # 70 promoters are followed for 12 months, but only 20 of them have a counterpart
    basic = [("promoter", "basic", 40, 20), ("detractor", "basic", 100, 20)]
    followed = answers(*basic, ("promoter", "pro", 50, 0))
    tables = {"weighted": followed, "doubly_robust": followed}
    for rung in bias_ladder(tables, min_at_risk=20):
        assert rung.difference_refusal is None
    for rung in bias_ladder(tables, min_at_risk=21):
        assert "fewer than 21 of one group are still observed" in rung.difference_refusal


def test_a_difference_needs_losses_of_both_groups_in_its_months():
    # everybody who left did so in month 3: an interval of 0 to 0 would claim certainty
    followed = answers(("promoter", "basic", 200, 20), ("detractor", "basic", 200, 40))
    tables = {"each_score": followed.pooled("score_group")}
    tables |= {"weighted": followed, "doubly_robust": followed}
    for rung in bias_ladder(tables, months=2):
        assert math.isnan(rung.difference[0])
    (said,) = [f for f in bias_ladder(tables, months=2).findings() if "each score, from" in
               f.sentence and "difference" in f.sentence]  # fmt: skip
    assert said.sentence.endswith("nobody of one group left within 2 months, or everybody did.")
    assert all(rung.difference_refusal is None for rung in bias_ladder(tables, months=3))


def test_where_all_leave_there_is_no_ratio_of_cumulative_hazards():
    followed = answers(("promoter", "basic", 50, 50), ("detractor", "basic", 50, 50))
    (rung,) = bias_ladder({"doubly_robust": followed}, months=3)
    assert rung.refusals == ("the share kept is estimated at or beyond 0 or 100 %",)


def test_separation_is_a_reason_and_no_error():
    frame = rows(Truth(), 1000, 2)
    frame["x"] = np.where(frame["score_group"] == "promoter", "1", "0")
    frame["entry"] = 0
    followed = LifeTable.from_durations(
        frame["months"],
        frame["churned"],
        group=frame[["score_group", "x"]],
        replicate=frame["replicate"],
    )
    for rung in bias_ladder({"weighted": followed, "doubly_robust": followed}):
        assert "there is no promoter or no detractor with the same history" in rung.refusals[0]


def test_a_group_that_one_design_lacks_is_a_reason():
    promoters = lives()[lambda f: f["score_group"] == "promoter"]
    ladder = bias_ladder({"current_score": count(lives()), "landmark_6": count(promoters)})
    assert ladder["landmark_6"].refusals == ("there are no detractors",)


def test_losses_that_one_group_never_has_are_refused():
    frame = lives()
    frame.loc[frame["score_group"] == "promoter", "churned"] = False
    (rung,) = bias_ladder({"current_score": count(frame)}, min_events=0)
    assert rung.hazard_refusal is not None


def test_errors_name_everything_at_once(tables):
    with pytest.raises(DataError, match=r"design 'currant_score' does not exist.*'current_score'"):
        bias_ladder({"currant_score": tables["current_score"]})
    with pytest.raises(DataError) as error:
        bias_ladder({EVER[0]: tables[EVER[0]]}, months=0, labels=("promotor", "other"))
    assert len(error.value.problems) == 3
    with pytest.raises(DataError, match="grouped by nothing, must be by score_group too"):
        bias_ladder({"current_score": tables["current_score"].pooled()})
    with pytest.raises(DataError, match="design 'weighted' does not exist, must be one of"):
        bias_ladder({"current_score": tables["current_score"]})["weighted"]


# Words, findings, and the data layer


def test_the_answer_is_the_most_adjusted_rung_that_has_one(tables, ladder):
    assert {f.group["design"] for f in ladder.answer()} == {"doubly_robust"}
    assert {f.sentence for f in ladder.answer()} < {f.sentence for f in ladder.findings()}
    robust = ladder["doubly_robust"].refused("no reason")
    short = BiasLadder((ladder["weighted"], robust), 12)
    assert {f.group["design"] for f in short.answer()} == {"weighted"}
    assert {f.id for f in BiasLadder((robust,), 12).answer()} == {"not_reported"}
    assert bias_ladder({"current_score": tables["current_score"]}).answer() == ()


def test_the_score_is_not_adjusted_for():
    with pytest.raises(DataError, match="adjust_for names score_group, must name what was known"):
        survey_tables(cx.open_data("data/sample"), adjust_for=["plan", "score_group"])


def test_all_designs_come_from_the_data(tables, ladder):
    assert tuple(tables) == ALL
    assert tuple(rung.design for rung in ladder) == ALL
    assert tables["weighted"].group_columns == ("score_group", "plan", "tenure_band")
    data = cx.open_data("data/sample")
    expected = data.life_table(["score_group"], design=Design("landmark", landmark_month=6))
    np.testing.assert_array_equal(tables["landmark_6"].churned, expected.churned)


def test_findings_are_named_as_agreed(ladder):
    found = ladder.findings()
    assert [f.id for f in found] == ["hazard_ratio", "retained_difference"] * len(ALL)
    assert [f.group for f in found[::2]] == [{"design": name} for name in ALL]
    assert [f.group for f in found[1::2]] == [{"design": name, "months": "12"} for name in ALL]
    assert {f.unit for f in found[::2]} == {"ratio"}
    assert {f.unit for f in found[1::2]} == {"share"}
    assert {f.grade for f in found} == {"C"}


def test_no_clear_difference_is_said_exactly_where_the_interval_says_so(ladder):
    for finding in ladder.findings():
        same = 1 if finding.id == "hazard_ratio" else 0
        unclear = finding.ci_lower <= same <= finding.ci_upper
        assert finding.sentence.startswith("No clear difference") == unclear, finding.sentence
    assert len({f.sentence.startswith("No clear") for f in ladder.findings()}) == 2


def test_sentences_of_a_difference_give_natural_frequencies(ladder):
    (said,) = [
        f.sentence
        for f in ladder.findings()
        if f.id == "retained_difference" and f.group["design"] == "weighted"
    ]
    assert re.fullmatch(
        r"Of 100 promoters \d+ and of 100 detractors \d+ are still there 12 months after the answer "
        r"counts, a difference of \d+ \(\d+ to \d+\) with its 95 % interval "
        r"\(each score, weighted for plan and tenure band\)\.",
        said,
    )


def test_rows_are_called_what_they_are(ladder):
    frame = ladder.to_frame().set_index("design")
    assert frame.loc["weighted", "counted"] == "answers"
    assert frame.loc["current_score", "counted"] == "stretches of time"
    assert frame.loc["first_score_from_answer", "counted"] == "customers"
    said = {f.group["design"]: f.sentence for f in ladder.findings() if f.id == "hazard_ratio"}
    assert re.search(r"[\d,]+ answers, \d+ of them followed by a loss\)", said["weighted"])
    assert said["doubly_robust"].endswith("the cumulative hazards over 12 months.")


# Worlds that are known


def test_weighting_finds_the_difference_of_a_known_world():
    setting = Setting(n=20_000, confounded=True, hazard_ratio=0.7)
    followed = world(4, setting).followup()
    ladder = bias_ladder({"weighted": followed, "doubly_robust": followed})
    true = true_retained(setting, 12)
    for rung in ladder:
        assert rung.difference[1] < true[2] - true[0] < rung.difference[2]
