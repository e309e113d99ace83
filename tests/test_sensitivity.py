"""E-values against published numbers, and the negative control."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.adjust._rung import Rung
from cxresearch.adjust.bias_ladder import BiasLadder
from cxresearch.adjust.sensitivity import (
    e_value,
    e_value_of_risk_ratio,
    e_values,
    negative_control,
    risk_ratio,
)
from cxresearch.cause_table import CauseTable
from cxresearch.errors import DataError

RUNG = Rung(
    "weighted",
    ("promoter", "detractor"),
    12,
    hazard_ratio=(0.7, 0.6, 0.8167),
    n=900,
    events=200,
    covariates=("plan",),
    difference_refusal="not asked for",
)


@pytest.mark.parametrize(
    ("ratio", "expected"),
    [
        (3.9, 7.263),  # VanderWeele & Ding 2017, infant feeding: RR 3.9
        (1.8, 3.0),  # the lower end of its interval
        (1 / 3.9, 7.263),
        (1.0, 1.0),
    ],
)
def test_published_e_values(ratio, expected):
    assert e_value_of_risk_ratio(ratio) == pytest.approx(expected, abs=5e-4)


def test_a_hazard_ratio_of_a_common_outcome_is_first_made_a_risk_ratio():
    assert risk_ratio(0.70) == pytest.approx(0.781, abs=5e-4)
    assert e_value_of_risk_ratio(risk_ratio(0.70)) == pytest.approx(1.88, abs=5e-3)
    assert e_value_of_risk_ratio(risk_ratio(0.70, rare=True)) == pytest.approx(2.21, abs=5e-3)


@given(st.floats(0.05, 20))
def test_e_values_do_not_depend_on_the_direction(ratio):
    assert e_value_of_risk_ratio(ratio) == pytest.approx(e_value_of_risk_ratio(1 / ratio))
    assert risk_ratio(ratio) * risk_ratio(1 / ratio) == pytest.approx(1)
    assert e_value_of_risk_ratio(ratio) >= max(ratio, 1 / ratio) * (1 - 1e-12)


@given(st.floats(1.01, 20))
def test_a_factor_of_that_strength_is_just_enough(ratio):
    # the bounding factor of Ding & VanderWeele 2016, Epidemiology 27, 368-377
    strength = e_value_of_risk_ratio(ratio)
    assert strength**2 / (2 * strength - 1) == pytest.approx(ratio)


def test_the_interval_has_the_e_value_of_its_end_nearest_1():
    found = e_value(RUNG)
    assert found.estimate == pytest.approx(e_value_of_risk_ratio(risk_ratio(0.7)))
    assert found.interval == pytest.approx(e_value_of_risk_ratio(risk_ratio(0.8167)))
    above = e_value(replace(RUNG, hazard_ratio=(1.5, 1.2, 1.9)))
    assert above.interval == pytest.approx(e_value_of_risk_ratio(risk_ratio(1.2)))
    assert e_value(replace(RUNG, hazard_ratio=(0.9, 0.7, 1.1))).interval == 1


def test_findings_and_words_of_an_e_value():
    estimate, interval = e_value(RUNG).findings()
    assert (estimate.id, interval.id) == ("e_value", "e_value")
    assert estimate.group == {"design": "weighted", "what": "estimate"}
    assert interval.group == {"design": "weighted", "what": "interval"}
    assert estimate.sentence == (
        "It takes something unrecorded that goes with both the score and leaving, each by a risk "
        "ratio of at least 1.9 over and above what is adjusted for, for nothing to be left of the "
        "hazard ratio (each score, weighted for plan)."
    )
    assert interval.sentence.startswith("It takes a risk ratio of at least 1.6 with each for")
    wide = e_value(replace(RUNG, hazard_ratio=(0.9, 0.7, 1.1))).findings()[1]
    assert wide.sentence.startswith("Nothing hidden is needed for the 95 % interval")
    assert e_value(RUNG).sentence() == f"{estimate.sentence} {interval.sentence}"


def test_e_values_of_a_ladder_say_which_are_missing():
    refused = replace(RUNG, design="doubly_robust").refused("nobody left")
    found = e_values(BiasLadder((RUNG, refused), 12))
    assert len(found) == 1
    missing = found.findings()[-1]
    assert (missing.id, missing.group) == ("not_reported", {"design": "doubly_robust"})
    assert missing.sentence == "No E-value (each score, doubly robust for plan): nobody left."


def test_a_naive_or_missing_hazard_ratio_has_no_e_value():
    naive = replace(RUNG, design="ever_promoter_from_signup")
    with pytest.raises(DataError, match="ever_promoter_from_signup is naive, must be"):
        e_value(naive)
    with pytest.raises(DataError, match="weighted has no hazard ratio, must be"):
        e_value(RUNG.refused("nobody left"))
    for wrong in (0.0, -1.0, math.inf, math.nan):
        with pytest.raises(DataError, match="must be above 0"):
            e_value_of_risk_ratio(wrong)


# The negative control


def causes(ratio=0.5, control=1.0, n=6000, seed=1):
    rng = np.random.default_rng(seed)
    group = rng.choice(["promoter", "detractor"], n)
    first = rng.exponential(1 / (0.03 * np.where(group == "promoter", ratio, 1)))
    second = rng.exponential(1 / (0.02 * np.where(group == "promoter", control, 1)))
    exits = np.minimum(np.ceil(np.minimum(first, second)), 24).astype(int)
    cause = np.where(first < second, "voluntary", "involuntary").astype(object)
    cause[np.minimum(first, second) > 24] = None
    return CauseTable.from_durations(
        exits, cause, group=pd.DataFrame({"score_group": group}), replicate=np.arange(n) % 256
    )


def test_a_control_that_has_nothing_to_do_with_the_score():
    found = negative_control(causes())
    outcome, control = found.rungs
    assert outcome.hazard_ratio[1] < 0.5 < outcome.hazard_ratio[2] < 1
    assert control.hazard_ratio[1] < 1 < control.hazard_ratio[2]
    assert found.clear is False
    said = found.findings()[1].sentence
    assert said.startswith("No clear difference in involuntary losses (first score, from the")
    assert "would mean that the groups differ in something else; none is seen" in said


def test_a_control_that_goes_with_the_score_is_a_warning():
    found = negative_control(causes(control=0.5))
    assert found.clear is True
    first, second = found.findings()
    assert first.group == {"design": "first_score_from_answer", "outcome": "voluntary"}
    assert second.group == {"design": "first_score_from_answer", "outcome": "involuntary"}
    assert {first.id, second.id} == {"hazard_ratio"}
    assert "the groups differ in something else" not in first.sentence
    assert "the groups differ in something else, and part of" in second.sentence
    assert found.sentence() == f"{first.sentence} {second.sentence}"


def test_other_causes_count_as_censored():
    table = causes()
    control = negative_control(table).rungs[1]
    assert control.events == table.cause("involuntary").churned.sum()


def test_a_cause_that_nobody_left_with_is_a_reason():
    found = negative_control(causes(), control="company")
    assert found.clear is None
    refused = found.findings()[1]
    assert (refused.id, refused.value) == ("not_reported", None)
    assert refused.group == {"design": "first_score_from_answer", "outcome": "company"}
    assert refused.sentence == (
        "No hazard ratio of company losses (first score, from the answer on): no loss is recorded "
        "as company."
    )
    assert found.to_frame()["not_reported"].tolist() == ["", "no loss is recorded as company"]


def test_few_losses_of_the_control_are_a_reason():
    few = negative_control(causes(n=90, control=0.1))
    assert few.rungs[1].hazard_refusal == "fewer than 10 promoters left"
