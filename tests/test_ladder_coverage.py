"""On worlds of known truth the corrected rungs cover it, and the naive ones do not.

Every number goes the whole way: an extract is opened, DuckDB makes the risk sets, the ladder
estimates. Many draws share one extract, in which `draw` is an attribute of the customers.
"""

import datetime as dt
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from worlds import Setting, open_extract, true_retained, world

from cxresearch.adjust.bias_ladder import bias_ladder
from cxresearch.designs import Design

DRAWS, TOGETHER, MONTHS = 300, 75, 12
NAIVE = {
    "ever_promoter_from_signup": Design("ever_from_signup"),
    "first_score_from_signup": Design("first_from_signup"),
}
CORRECTED = {
    "ever_promoter_from_answer": Design("ever_from_answer"),
    "first_score_from_answer": Design("first_from_answer"),
    "landmark_12": Design("landmark"),
    # a score holds for the six months until the next survey, of which the blackout takes one
    "current_score": Design("current", max_age_months=5),
}
ADJUSTED = ("weighted", "doubly_robust")
HASTY = Design("current", blackout_days=0, max_age_months=6)
SETTING = Setting(n=4000, observed_from=dt.date(2021, 7, 1), symptom=0.8)


def together(setting, seeds):
    """Return the tables of several worlds as one extract, customers with their `draw`."""
    parts = [(f"{seed:04d}", world(seed, setting).frames) for seed in seeds]
    joint = {
        name: pd.concat([_of(draw, frames[name]) for draw, frames in parts], ignore_index=True)
        for name in parts[0][1]
    }
    return {
        name: frame if name == "customers" else frame.drop(columns="draw")
        for name, frame in joint.items()
    }


def _of(draw, frame):
    ids = [c for c in frame if c.endswith("_id")]
    return frame.assign(draw=draw, **{c: draw + frame[c] for c in ids})


def drawn(setting, designs, seeds):
    """Yield the life tables of each draw, those of followed answers last."""
    with open_extract(together(setting, seeds), setting) as data:
        found = {
            name: data.life_table(["score_group", "draw"], design=design)
            for name, design in designs.items()
        }
        followed = data.life_table(["score_group", "plan", "draw"], design=Design("followup"))
    for seed in seeds:
        draw = f"{seed:04d}"
        one = {n: t.select(draw=draw).pooled("score_group") for n, t in found.items()}
        yield one, followed.select(draw=draw).pooled("score_group", "plan")


def ends(setting, designs, first):
    """Return value, lower and upper end by figure and rung, each of shape (DRAWS, 3).

    `hasty` is the rung of the current score on another table.
    """
    found = defaultdict(list)
    for seed in range(first, first + DRAWS, TOGETHER):
        for tables, followed in drawn(setting, designs, range(seed, seed + TOGETHER)):
            hasty = tables.pop("hasty", None)
            ladder = bias_ladder(tables | dict.fromkeys(ADJUSTED, followed), months=MONTHS)
            rungs = [(rung.design, rung) for rung in ladder]
            if hasty is not None:
                rungs.append(("hasty", bias_ladder({"current_score": hasty})["current_score"]))
            for name, rung in rungs:
                found["hazard_ratio", name].append(rung.hazard_ratio)
                found["difference", name].append(rung.difference)
    return {key: np.array(values) for key, values in found.items()}


def coverage(found, truths):
    """Return the share of the draws in which the interval holds the truth."""
    shares = {
        key: float(np.mean((found[key][:, 1] <= truth) & (truth <= found[key][:, 2])))
        for key, truth in truths.items()
    }
    print({" ".join(key): round(share, 3) for key, share in shares.items()})
    return shares


def assert_covered(shares):
    # 300 draws: three standard errors of 1.26 points
    assert all(0.912 <= share <= 0.988 for share in shares.values()), shares


def true_difference(setting):
    retained = true_retained(setting, MONTHS)
    return retained[2] - retained[0]


@pytest.mark.verify
def test_where_scores_mean_nothing_corrected_rungs_say_so_and_naive_ones_do_not():
    found = ends(SETTING, NAIVE | CORRECTED | {"hasty": HASTY}, first=0)
    corrected = [*CORRECTED, *ADJUSTED]
    # on the clock of tenure, scores that hold for half a year leave gaps with nobody at risk
    curves = [design for design in corrected if design != "current_score"]
    shares = coverage(
        found,
        {("hazard_ratio", design): 1.0 for design in corrected}
        | {("difference", design): 0.0 for design in curves},
    )
    assert_covered(shares)
    assert 0.93 <= np.mean(list(shares.values())) <= 0.97
    ever = "ever_promoter_from_signup"
    assert max(coverage(found, {("hazard_ratio", ever): 1, ("difference", ever): 0}).values()) == 0
    # who is about to leave says so in the survey: without a blackout the answer seems to matter
    assert max(coverage(found, {("hazard_ratio", "hasty"): 1}).values()) < 0.01


@pytest.mark.verify
def test_a_true_hazard_ratio_is_found_by_the_current_score_and_lost_by_naive_rungs():
    setting = replace(SETTING, hazard_ratio=0.7)
    designs = NAIVE | {d: CORRECTED[d] for d in CORRECTED if d != "landmark_12"}
    found = ends(setting, designs, first=1000)
    difference = true_difference(setting)
    truths = {("difference", design): difference for design in ADJUSTED}
    assert_covered(coverage(found, truths | {("hazard_ratio", "current_score"): 0.7}))
    ever, first = NAIVE
    lost = {("hazard_ratio", ever): 0.7, ("difference", ever): difference}
    assert max(coverage(found, lost).values()) == 0
    # the ratio of first scores is spared: both groups are credited with the same unearned time
    assert max(coverage(found, {("difference", first): difference}).values()) < 0.12


@pytest.mark.verify
@pytest.mark.parametrize("ratio", [1.0, 0.7])
def test_adjusting_for_an_observed_confounder_leaves_the_difference_that_is_the_scores(ratio):
    setting = replace(SETTING, hazard_ratio=ratio, confounded=True)
    crude = "first_score_from_answer"
    found = ends(setting, {crude: CORRECTED[crude]}, first=2000 if ratio == 1 else 3000)
    difference = true_difference(setting)
    truths = {("difference", design): difference for design in ADJUSTED}
    if ratio == 1:
        truths |= {("hazard_ratio", design): 1.0 for design in ADJUSTED}
    assert_covered(coverage(found, truths))
    assert max(coverage(found, {("difference", crude): difference}).values()) < 0.4
