"""Where a lift comes from: an experiment by hand, a finding of another report, or a guess."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from cxresearch.errors import DataError, NotEnoughError
from cxresearch.roi.effect import effect_from_findings, effect_of_experiment, entered_effect
from cxresearch.tables import LifeTable

Z = float(stats.norm.ppf(0.975))


def experiment(
    stayed: tuple[int, int] = (168, 150), n: int = 200, *, months: int = 18, replicates: bool = True
) -> LifeTable:
    """Everybody is followed past a year; who leaves does so in month 5."""
    arms = np.repeat(["treat", "holdout"], n)
    left = np.concatenate([np.arange(n) >= s for s in stayed])
    rng = np.random.default_rng(0)
    given = {"replicate": rng.integers(0, 256, 2 * n)} if replicates else {}
    return LifeTable.from_durations(np.where(left, 5, months), left, group={"arm": arms}, **given)


# An experiment


def test_without_losses_to_follow_up_it_is_the_difference_of_two_shares() -> None:
    found = effect_of_experiment(experiment(replicates=False), randomised=True)
    p, q = 0.84, 0.75
    error = math.sqrt(p * (1 - p) / 200 + q * (1 - q) / 200)
    assert found.value == pytest.approx(p - q)
    assert (found.ci_lower, found.ci_upper) == pytest.approx((0.09 - Z * error, 0.09 + Z * error))
    assert (found.grade, found.n) == ("A", 400)
    base = found.base
    assert base is not None
    half = Z * math.sqrt(q * (1 - q) / 200)
    assert base[:3] == pytest.approx((q, q - half, q + half))
    normal = -math.sqrt(q * (1 - q) / 200) / error
    assert base.rank_correlation == pytest.approx(6 / math.pi * math.asin(normal / 2))


def test_the_jackknife_agrees_with_greenwood() -> None:
    plain = effect_of_experiment(
        experiment(n=4000, stayed=(3400, 3000), replicates=False), randomised=True
    )
    found = effect_of_experiment(experiment(n=4000, stayed=(3400, 3000)), randomised=True)
    assert found.value == plain.value
    assert found.ci_lower == pytest.approx(plain.ci_lower, abs=0.002)
    assert found.base is not None
    assert plain.base is not None
    assert found.base == pytest.approx(plain.base, abs=0.1)


def test_customers_who_are_not_followed_for_a_year_count_as_long_as_they_are() -> None:
    """Against a product of shares by hand: 10 of 100 leave in month 2, 45 are cut in month 6."""
    durations = np.array([2] * 10 + [6] * 45 + [9] * 9 + [15] * 36)
    left = np.array([True] * 10 + [False] * 45 + [True] * 9 + [False] * 36)
    arm = np.repeat(["treat", "holdout"], 100)
    table = LifeTable.from_durations(
        np.concatenate([durations, np.full(100, 15)]),
        np.concatenate([left, np.arange(100) < 20]),
        group={"arm": arm},
    )
    found = effect_of_experiment(table, randomised=True)
    assert found.base is not None
    assert found.value + found.base.value == pytest.approx(0.9 * (1 - 9 / 45))
    assert found.base.value == 1  # all of its losses come after the first year


def test_intervals_hold_the_truth() -> None:
    """95 % of 300 experiments: fewer than 275 or all would be wrong by far."""
    rng, held = np.random.default_rng(3), 0
    for _ in range(300):
        stayed = rng.binomial(400, [0.8, 0.75])
        table = experiment((int(stayed[0]), int(stayed[1])), 400, replicates=False)
        found = effect_of_experiment(table, randomised=True)
        held += found.ci_lower <= 0.05 <= found.ci_upper
    assert 275 <= held < 300


def test_other_groups_and_arms_do_not_matter() -> None:
    table = experiment(replicates=False)
    durations, left = np.full(60, 5), np.ones(60, dtype=bool)
    more = LifeTable.from_durations(durations, left, group={"arm": np.repeat(["other"], 60)})
    assert effect_of_experiment(table + more, randomised=True) == effect_of_experiment(
        table, randomised=True
    )


def test_years_are_years_in_a_table_of_quarters() -> None:
    months = experiment(replicates=False)
    quarters = LifeTable.from_durations(
        np.where(np.tile(np.arange(200), 2) >= np.repeat([168, 150], 200), 2, 6),
        np.tile(np.arange(200), 2) >= np.repeat([168, 150], 200),
        group={"arm": np.repeat(["treat", "holdout"], 200)},
        periods_per_year=4,
    )
    first, second = (effect_of_experiment(t, randomised=True) for t in (months, quarters))
    assert (first.value, first.ci_lower) == (second.value, second.ci_lower)


def test_whom_it_was_measured_among_is_said() -> None:
    table = experiment(n=4000, stayed=(3400, 3000))
    found = effect_of_experiment(table, randomised=True, rule="half of the detractors")
    assert found.words == "we measured 10 percentage points (from 8 to 12) among 8,000 customers"
    assert found.sentence().endswith(
        "It was measured among 8,000 customers (rule: half of the detractors): that it is the same "
        "for everybody reached, and in every year that counts, is an assumption."
    )
    hostile = effect_of_experiment(table, randomised=True, rule="x\x1b[31m " * 200)
    assert "\x1b" not in hostile.sentence()
    assert len(hostile.sentence()) < 500


def test_only_chance_makes_it_grade_a() -> None:
    found = effect_of_experiment(experiment(), randomised=False)
    assert found.grade == "C"
    assert "an association" in found.sentence()
    assert "only if as much of it as is entered as attribution were the" in found.sentence()


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (experiment(n=20, stayed=(15, 15)), "Arm treat has 20 customers, must have at least 30"),
        (
            experiment(months=7),
            "In arm treat 0 customers are followed for a year, must be at least 10: wait",
        ),
        (
            LifeTable.from_durations([5] * 40, [True] * 40, group={"arm": ["treat"] * 40}),
            "arm 'holdout' does not exist",
        ),
        (
            LifeTable.from_durations([5] * 40, [True] * 40, group={"plan": ["a"] * 40}),
            "the table is grouped by plan, must be by arm",
        ),
    ],
)
def test_an_experiment_that_says_nothing_is_refused(table: LifeTable, said: str) -> None:
    with pytest.raises(DataError) as refused:
        effect_of_experiment(table, randomised=True)
    assert said in refused.value.problems[0]
    assert isinstance(refused.value, NotEnoughError) == ("must" in said and "grouped" not in said)


# A finding of another report


def finding(**changed: Any) -> dict[str, Any]:
    return {
        "notebook": "04_promoters_and_retention",
        "id": "retained_difference",
        "group": {"design": "doubly_robust", "months": "12"},
        "value": 0.06,
        "ci_lower": 0.01,
        "ci_upper": 0.11,
        "confidence_level": 0.9,
        "n": 1637,
        "unit": "share",
        "grade": "C",
        "as_of": "2025-12-31",
        "sentence": "Of 100 …",
        **changed,
    }


def write(folder: Path, *findings: Any) -> Path:
    path = folder / "04.findings.json"
    path.write_text(json.dumps(list(findings)), "utf-8")
    return path


GROUP = ["design:doubly_robust", "months: 12"]


def test_a_finding_keeps_its_number_its_interval_and_its_grade(tmp_path: Path) -> None:
    other = finding(group={"design": "landmark_6", "months": "12"})
    path = write(tmp_path, finding(), other)
    found = effect_from_findings(path, "retained_difference", GROUP)
    assert found == effect_from_findings(path, "retained_difference", {"design": "doubly_robust"})
    assert (found.value, found.ci_lower, found.ci_upper, found.grade) == (0.06, 0.01, 0.11, "C")
    assert (found.n, found.as_of) == (1637, "2025-12-31")
    error = 0.05 / float(stats.norm.ppf(0.95))
    np.testing.assert_allclose(
        found.distribution.quantile([0.05, 0.5, 0.95]), [0.01, 0.06, 0.11], atol=1e-12
    )
    assert found.distribution.quantile(stats.norm.cdf(1)) == pytest.approx(0.06 + error)
    assert found.sentence() == (
        "A difference of 6 percentage points (1 to 11) with its 90 % interval was observed "
        "(04_promoters_and_retention: retained_difference, design:doubly_robust, months:12): an "
        "association. What follows holds only if as much of it as is entered as attribution were "
        "the programme's doing. "
        "It was measured among 1,637 customers: that it is the same for everybody reached, and in "
        "every year that counts, is an assumption."
    )


def test_no_clear_difference_is_said_to_be_none(tmp_path: Path) -> None:
    path = write(tmp_path, finding(ci_lower=-0.02))
    found = effect_from_findings(path, "retained_difference", GROUP)
    assert found.sentence().startswith("No clear difference: a difference of 6 percentage points")


@pytest.mark.parametrize(
    ("findings", "group", "said"),
    [
        ([], GROUP, "finding 'retained_difference' does not exist, must be one of none"),
        (
            [finding(id="retained_diference")],
            GROUP,
            "'retained_difference' does not exist, must be one of none",
        ),
        (
            [finding(id="responder_retained_difference"), finding(id="csat_change")],
            GROUP,
            "does not exist, must be one of responder_retained_difference: did you mean 'respond",
        ),
        ([finding(group={"design": "weighted"})], GROUP, "has 0 findings retained_difference with"),
        ([finding(), finding(group={})], [], "has 2 findings retained_difference with any group"),
        ([finding(value=None)], GROUP, "has no number with an interval"),
        ([finding(value="0.06")], GROUP, "holds text where numbers must be: run that report again"),
        ([finding(confidence_level=None)], GROUP, "holds text where numbers must be"),
        ([finding(value=math.nan)], GROUP, "is nan from 0.01 to 0.11 at the level 0.9, must be"),
        ([finding(ci_lower=0.2)], GROUP, "is 0.06 from 0.2 to 0.11 at the level 0.9, must be"),
        ([finding(confidence_level=90)], GROUP, "at the level 90, must be shares in order, at a"),
        ([finding(grade="D")], GROUP, "has the grade 'D', must be measured (A, B, C): enter it as"),
        ([finding(grade=None)], GROUP, "has the grade None, must be measured"),
        ([finding(group="12")], GROUP, "holds no findings, must be the findings.json of a report"),
        ([finding(unit="months")], GROUP, "is in 'months', must be a share"),
        (
            [finding(group={"design": "doubly_robust", "months": "6"})],
            ["design:doubly_robust"],
            "is over 6 months, must be over 12: run that report with months=12.",
        ),
        ([finding()], ["doubly_robust"], "finding_group has 'doubly_robust', must be a name and"),
        (["no finding"], GROUP, "holds no findings, must be the findings.json of a report"),
    ],
)
def test_a_finding_that_is_no_lift_is_refused(
    tmp_path: Path, findings: list[Any], group: list[str], said: str
) -> None:
    with pytest.raises(DataError) as refused:
        effect_from_findings(write(tmp_path, *findings), "retained_difference", group)
    assert said in refused.value.problems[0]


@pytest.mark.parametrize("id_", ["retained", "csat_change", "response_rate", "earned_growth"])
def test_a_share_that_is_no_difference_of_shares_who_stay_is_no_lift(
    tmp_path: Path, id_: str
) -> None:
    """Else a report would take it that 76 points more stay, where 76 % stay."""
    path = write(tmp_path, finding(id=id_), finding(id="hazard_ratio", unit="ratio"))
    with pytest.raises(DataError, match=f"{id_} is no difference of shares who stay, must be one"):
        effect_from_findings(path, id_, GROUP)
    with pytest.raises(DataError, match="hazard_ratio is in 'ratio', must be a share: take a diff"):
        effect_from_findings(path, "hazard_ratio", GROUP)


def test_labels_that_are_numbers_are_labels(tmp_path: Path) -> None:
    path = write(tmp_path, finding(group={"design": "doubly_robust", "months": 12}))
    assert effect_from_findings(path, "retained_difference", GROUP).value == 0.06


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"is not there, must be the findings\.json of a finished"):
        effect_from_findings(tmp_path / "none.json", "retained_difference", GROUP)
    broken = tmp_path / "broken.json"
    broken.write_text("{", "utf-8")
    with pytest.raises(DataError, match="holds no findings"):
        effect_from_findings(broken, "retained_difference", GROUP)


# A guess


def test_what_is_entered_is_grade_d_and_said_to_be() -> None:
    found = entered_effect(0.02, 0.005, 0.04)
    assert (found.grade, found.entered, found.n) == ("D", True, None)
    assert found.sentence() == (
        "We assume that 2 percentage points more stay a year, between 0.5 and 4: entered, not "
        "measured."
    )
    assert entered_effect(0.01).words == "we assume exactly 1 percentage point"
    assert found.distribution.kind == "pert"
    assert entered_effect(0.02, 0, 0.04, kind="uniform").distribution.kind == "uniform"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ((2, 0, 4), "the lift is 2, from 0 to 4, must be shares from -1 to 1: write 0.02"),
        ((0.3, 0, 0.04), "lift is 0.3 and its range is 0 to 0.04, must lie within"),
        ((0.02, 0.04, 0), "lift is 0.02 and its range is 0.04 to 0, must lie within"),
        ((0.02, 0), "the ends of the lift are 0 and None, must be both there or neither"),
    ],
)
def test_a_guess_that_cannot_be_is_refused(given: tuple[float, ...], said: str) -> None:
    with pytest.raises(DataError) as refused:
        entered_effect(*given)
    assert refused.value.problems[0].startswith(said)
