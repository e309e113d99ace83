"""Hazard ratios on counts: GLM and Cox as oracles, published studies, refusals, sentences."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from lifelines import CoxPHFitter
from lifelines.datasets import load_rossi, load_stanford_heart_transplants

from cxresearch.errors import DataError
from cxresearch.hazards._grouped_hazards import Cells, fit_proportional
from cxresearch.hazards._hazard_ratios import ratio_digits
from cxresearch.hazards.proportionality import proportionality_check
from cxresearch.hazards.ratios import HazardRatios, Wording, hazard_ratios
from cxresearch.tables import LifeTable

PUBLISHED = tomllib.loads(
    (Path(__file__).parent / "reference" / "hazards.toml").read_text(encoding="utf-8")
)
GROUPS = ["detractor", "passive", "promoter"]


def people(n: int = 3000, seed: int = 1, **ratio: float) -> pd.DataFrame:
    """Customers with late entry and a hazard that differs by score and by plan."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"plan": rng.choice(["basic", "plus"], n, p=[0.6, 0.4])})
    # those on the plus plan are promoters more often: the plan confounds
    lucky = frame["plan"].eq("plus") & (rng.random(n) < 0.4)
    frame["score_group"] = np.where(lucky, "promoter", rng.choice(GROUPS, n))
    hazard = 0.05 * frame["score_group"].map({g: ratio.get(g, 1.0) for g in GROUPS})
    hazard = hazard * np.where(frame["plan"].eq("plus"), ratio.get("plus", 0.6), 1.0)
    frame["entry"] = rng.integers(0, 10, n)
    frame["last"] = frame["entry"] + np.ceil(rng.exponential(1 / hazard)).astype(int)
    end = frame["entry"] + rng.integers(6, 30, n)
    frame["churned"] = frame["last"] <= end
    frame["exit"] = np.minimum(frame["last"], end)
    frame["replicate"] = rng.integers(0, 256, n)
    return frame


def life_table(frame: pd.DataFrame, columns: Sequence[str] = ("score_group", "plan"), **words: Any):
    return LifeTable.from_durations(
        frame["exit"],
        frame["churned"],
        entry=frame["entry"],
        group=frame[list(columns)],
        replicate=words.pop("replicate", frame["replicate"]),
        **words,
    )


def person_periods(frame: pd.DataFrame) -> pd.DataFrame:
    """One row per customer and month at risk, written out by hand."""
    rows = frame.loc[frame.index.repeat(frame["exit"] - frame["entry"])].copy()
    rows["month"] = rows.groupby(level=0).cumcount() + 1 + rows["entry"]
    rows["event"] = rows["churned"] & (rows["month"] == rows["exit"])
    keys = ["score_group", "plan", "month"]
    cells = rows.groupby(keys, as_index=False).agg(y=("event", "sum"), n=("event", "size"))
    return cells[cells.groupby("month")["y"].transform("sum") > 0]


def glm(cells: pd.DataFrame, baseline: str | list[str] = "month", columns=("score_group", "plan")):
    """Cloglog GLM with a column per period: statsmodels' own IRLS."""
    key = (
        cells[baseline].astype(str).agg("-".join, axis=1)
        if isinstance(baseline, list)
        else cells[baseline]
    )
    use = cells[cells["y"].groupby(key).transform("sum") > 0]
    periods = pd.get_dummies(key[use.index], dtype=float)
    effects = [pd.get_dummies(use[c], prefix=c, dtype=float).iloc[:, 1:] for c in columns]
    x = pd.concat([*effects, periods], axis=1)
    y = np.column_stack([use["y"], use["n"] - use["y"]])
    family = sm.families.Binomial(sm.families.links.CLogLog())
    return sm.GLM(y, x, family=family).fit(tol=1e-13, maxiter=100)


# Independent references


@pytest.mark.parametrize("seed", range(4))
def test_equals_the_glm_with_a_parameter_per_month(seed: int) -> None:
    frame = people(seed=seed, promoter=0.7)
    result = hazard_ratios(life_table(frame), reference="detractor", adjust_for=["plan"])
    expected = glm(person_periods(frame))
    names = [f"score_group_{level}" for level in result.levels]
    assert result.levels == ("passive", "promoter")
    assert result.log_hazard_ratio == pytest.approx(expected.params[names], abs=1e-6)
    assert result.estimate.model == pytest.approx(expected.bse[names], abs=1e-6)


def test_equals_the_glm_with_a_baseline_per_plan() -> None:
    frame = people(seed=9, promoter=0.7)
    result = hazard_ratios(life_table(frame), reference="detractor", stratify_by=["plan"])
    expected = glm(person_periods(frame), ["plan", "month"], ["score_group"])
    names = ["score_group_passive", "score_group_promoter"]
    assert result.log_hazard_ratio == pytest.approx(expected.params[names], abs=1e-6)
    assert result.estimate.model == pytest.approx(expected.bse[names], abs=1e-6)


def test_each_left_out_value_is_a_fit_without_that_replicate() -> None:
    frame = people(600, promoter=0.7).assign(replicate=lambda f: f["replicate"] % 5)
    result = hazard_ratios(life_table(frame), reference="detractor", adjust_for=["plan"])
    assert result.left_out.shape == (256, 2)
    for r in range(5):
        rest = frame[frame["replicate"] != r]
        expected = hazard_ratios(
            life_table(rest, replicate=None), reference="detractor", adjust_for=["plan"]
        )
        assert result.left_out[r] == pytest.approx(expected.log_hazard_ratio, abs=1e-9)
    assert result.left_out[5:] == pytest.approx(
        np.tile(result.log_hazard_ratio, (251, 1)), abs=1e-9
    )


def test_blocks_of_tables_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    table = life_table(people(600, promoter=0.7))
    whole = hazard_ratios(table, reference="detractor")
    monkeypatch.setattr("cxresearch.hazards._grouped_hazards.BLOCK", 1)
    assert hazard_ratios(table, reference="detractor").left_out == pytest.approx(
        whole.left_out, abs=1e-12
    )


def test_equals_cox_with_entry_where_periods_are_fine() -> None:
    """One to two losses in each of two thousand periods: hazard and probability agree."""
    rng = np.random.default_rng(3)
    n = 4000
    group = rng.choice(["a", "b"], n)
    entry = rng.integers(0, 1000, n)
    last = entry + np.ceil(rng.exponential(np.where(group == "b", 3000, 1500))).astype(int)
    frame = pd.DataFrame({"entry": entry, "exit": np.minimum(last, 2000), "churned": last <= 2000})
    table = LifeTable.from_durations(
        frame["exit"], frame["churned"], entry=entry, group={"g": group}
    )
    found = hazard_ratios(table, "g", reference="a")
    rows = frame.assign(b=(group == "b").astype(float))
    cox = CoxPHFitter().fit(rows, "exit", "churned", entry_col="entry")
    assert found.log_hazard_ratio[0] == pytest.approx(cox.params_["b"], abs=1e-3)
    assert found.standard_error[0] == pytest.approx(cox.standard_errors_["b"], abs=1e-3)


def test_is_near_cox_in_months() -> None:
    """Efron's treatment of ties is an approximation of what is exact here."""
    frame = people(4000, promoter=0.7).assign(last=0)
    found = hazard_ratios(life_table(frame), reference="detractor", adjust_for=["plan"])
    dummies = pd.get_dummies(frame[["score_group", "plan"]], dtype=float)
    dummies = dummies.drop(columns=["score_group_detractor", "plan_basic"])
    rows = pd.concat([frame[["entry", "exit", "churned"]], dummies], axis=1)
    cox = CoxPHFitter().fit(rows, "exit", "churned", entry_col="entry")
    names = ["score_group_passive", "score_group_promoter"]
    assert found.log_hazard_ratio == pytest.approx(cox.params_[names], abs=0.005)
    assert found.estimate.model == pytest.approx(cox.standard_errors_[names], abs=0.002)


# Published studies


def days(frame: pd.DataFrame) -> LifeTable:
    """Half days, since one transplant and death are half a day apart."""
    return LifeTable.from_durations(
        (2 * frame["stop"]).astype(int),
        frame["event"].astype(bool),
        entry=(2 * frame["start"]).astype(int),
        group={"transplant": frame["transplant"].astype(str)},
    )


def test_heart_transplants_naive_and_time_varying() -> None:
    heart, published = load_stanford_heart_transplants(), PUBLISHED["heart"]
    ever = heart.groupby("id").agg(
        {"start": "min", "stop": "max", "event": "max", "transplant": "max"}
    )
    for how, frame in (("naive", ever), ("time_varying", heart)):
        found = hazard_ratios(days(frame), "transplant", reference="0")
        expected = published[f"{how}_log_hazard_ratio"]
        assert found.log_hazard_ratio[0] == pytest.approx(expected, abs=published["tolerance"])
        expected = published[f"{how}_standard_error"]
        assert found.standard_error[0] == pytest.approx(expected, abs=0.002)
        expected = published[f"{how}_hazard_ratio"]
        assert found.hazard_ratio[0] == pytest.approx(expected, abs=0.004)


def test_rossi_by_week() -> None:
    published = PUBLISHED["rossi"]
    rossi = load_rossi()
    names = ["fin", "age", "race", "wexp", "mar", "paro", "prio"]
    weeks = np.arange(1, 53)
    at_risk = (weeks <= rossi["week"].to_numpy()[:, None]).astype(float)
    arrested = (weeks == rossi["week"].to_numpy()[:, None]) & (rossi[["arrest"]].to_numpy() == 1)
    fit = fit_proportional(
        rossi[names].to_numpy(float),
        arrested[None].astype(float),
        at_risk[None],
        np.zeros(432, int),
    )
    expected = [published[name] for name in names]
    assert fit.coefficients[0] == pytest.approx(expected, abs=published["tolerance"])


# Recovery, standard errors, coverage


def test_recovers_the_truth_that_the_unadjusted_ratio_misses() -> None:
    table = life_table(people(60_000, seed=4, promoter=0.7, plus=0.5))
    adjusted = hazard_ratios(table, reference="detractor", adjust_for=["plan"])
    assert abs(adjusted.log_hazard_ratio - np.log([1, 0.7])) == pytest.approx(
        [0, 0], abs=3 * adjusted.standard_error.max()
    )
    crude = hazard_ratios(table, reference="detractor")
    assert crude.hazard_ratio_ci_upper[1] < 0.7


def test_jackknife_and_model_errors_agree() -> None:
    result = hazard_ratios(life_table(people(20_000, promoter=0.7)), reference="detractor")
    assert result.standard_error is result.estimate.jackknife
    assert result.estimate.jackknife == pytest.approx(result.estimate.model, rel=0.15)


def test_without_replicates_the_model_error_stands() -> None:
    table = life_table(people(promoter=0.7), replicate=None)
    result = hazard_ratios(table, reference="detractor")
    assert result.left_out.shape == (0, 2)
    assert np.isnan(result.estimate.jackknife).all()
    assert result.standard_error is result.estimate.model


def test_customers_counted_twice_make_the_model_error_too_small() -> None:
    """Each customer occurs twice in the same replicate: the jackknife sees one."""
    frame = people(8000, promoter=0.7)
    once = hazard_ratios(life_table(frame), reference="detractor")
    twice = hazard_ratios(life_table(pd.concat([frame, frame])), reference="detractor")
    assert twice.log_hazard_ratio == pytest.approx(once.log_hazard_ratio, abs=1e-9)
    assert twice.estimate.jackknife == pytest.approx(once.estimate.jackknife, rel=1e-9)
    assert twice.estimate.model == pytest.approx(once.estimate.model / 2**0.5, rel=1e-9)


@pytest.mark.verify
@pytest.mark.parametrize("true", [1.0, 0.7])
def test_the_interval_covers_the_truth(true: float) -> None:
    draws, covered = 400, {"jackknife": 0, "model": 0}
    for seed in range(draws):
        table = life_table(people(1500, seed=seed + 1000, promoter=true))
        result = hazard_ratios(table, reference="detractor", adjust_for=["plan"])
        for which in covered:
            off = result.log_hazard_ratio[1] - np.log(true)
            covered[which] += abs(off) <= 1.96 * getattr(result.estimate, which)[1]
    for count in covered.values():
        assert 0.925 <= count / draws <= 0.975


# What must not matter


def test_names_do_not_matter() -> None:
    frame = people(promoter=0.7)
    found = hazard_ratios(life_table(frame), reference="detractor", adjust_for=["plan"])
    renamed = frame.replace({"promoter": "a", "detractor": "z", "basic": "y", "plus": "b"})
    other = hazard_ratios(life_table(renamed), reference="z", adjust_for=["plan"])
    assert other.levels == ("a", "passive")
    assert other.log_hazard_ratio[::-1] == pytest.approx(found.log_hazard_ratio, abs=1e-9)
    assert other.standard_error[::-1] == pytest.approx(found.standard_error, abs=1e-9)


def test_another_reference_turns_the_ratio_round() -> None:
    table = life_table(people(promoter=0.7))
    found = hazard_ratios(table, reference="detractor")
    other = hazard_ratios(table, reference="promoter")
    assert other.log_hazard_ratio[0] == pytest.approx(-found.log_hazard_ratio[1], abs=1e-9)
    assert other.standard_error[0] == pytest.approx(found.standard_error[1], abs=1e-9)


def test_a_column_that_is_not_asked_for_does_not_matter() -> None:
    frame = people(promoter=0.7).assign(region=lambda f: np.where(f.index % 3, "north", "south"))
    split = hazard_ratios(life_table(frame, ["region", "score_group", "plan"]), reference="passive")
    whole = hazard_ratios(life_table(frame, ["score_group"]), reference="passive")
    assert split.log_hazard_ratio == pytest.approx(whole.log_hazard_ratio, abs=1e-9)
    assert split.left_out == pytest.approx(whole.left_out, abs=1e-9)


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.floats(0.1, 20))
def test_weights_on_everybody_change_neither_ratio_nor_error(seed: int, factor: float) -> None:
    frame = people(800, seed=seed, promoter=0.7)
    table = life_table(frame)
    plain = hazard_ratios(table, reference="detractor", min_events=0)
    weighted = life_table(frame, weights=np.full(len(frame), factor))
    found = hazard_ratios(weighted, reference="detractor", min_events=0)
    if plain.refusal is None and found.refusal is None:
        assert found.log_hazard_ratio == pytest.approx(plain.log_hazard_ratio, abs=1e-8)
        assert found.standard_error == pytest.approx(plain.standard_error, abs=1e-8)


def test_months_in_which_nobody_or_everybody_left_say_nothing() -> None:
    frame = people(promoter=0.7)
    table = life_table(frame)
    found = hazard_ratios(table, reference="detractor")
    # late comers of both groups who all leave at once, at a tenure that nobody else reaches
    last = pd.DataFrame({"score_group": GROUPS * 20, "plan": "basic", "entry": 98, "exit": 99,
                         "churned": True, "replicate": np.arange(60)})  # fmt: skip
    padded = hazard_ratios(life_table(pd.concat([frame, last])), reference="detractor")
    assert padded.log_hazard_ratio == pytest.approx(found.log_hazard_ratio, abs=1e-9)
    assert padded.left_out == pytest.approx(found.left_out, abs=1e-9)


# Refusals


def refused(frame: pd.DataFrame, **options: Any) -> str:
    result = hazard_ratios(life_table(frame), **({"reference": "detractor"} | options))
    assert result.refusal is not None
    assert np.isnan(result.hazard_ratio).all()
    assert np.isnan(result.standard_error).all()
    (found,) = result.findings()
    assert (found.value, found.ci_lower, found.ci_upper, found.n) == (None, None, None, None)
    assert found.sentence == result.sentence()
    assert found.sentence.startswith("No hazard ratio by score group is reported: ")
    return result.refusal


def test_a_group_without_losses_is_refused() -> None:
    frame = people(promoter=0.7)
    frame["churned"] &= frame["score_group"] != "promoter"
    assert refused(frame) == "none of the promoters left"


def test_a_group_that_all_left_at_once_is_refused() -> None:
    frame = people(promoter=0.7)
    all_gone = frame["score_group"].eq("promoter")
    frame.loc[all_gone, ["entry", "exit", "churned"]] = [0, 1, True]
    assert "all promoters left at once" in refused(frame)


def test_a_combination_that_tells_who_left_is_refused() -> None:
    """No group is without losses, and yet the likelihood has no maximum."""
    frame = people(promoter=0.7)
    frame["plan"] = np.where(frame["churned"], "basic", "plus")
    frame.loc[frame.index[:40], "plan"] = "basic"
    assert "nobody with plan 'plus' left" in refused(frame, adjust_for=["plan"])
    basic, plus = frame[frame["plan"] == "basic"], frame[frame["plan"] == "plus"]
    apart = pd.concat([basic.assign(exit=lambda f: f["entry"] + 1, churned=True), plus])
    assert "nobody with plan 'plus' left" in refused(apart, adjust_for=["plan"])


def test_separation_across_columns_is_flagged_by_the_fit() -> None:
    x = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1]])
    left = np.array([[5.0], [0], [50], [5]])
    fit = fit_proportional(x, left[None], np.full((1, 4, 1), 50.0), np.zeros(4, int))
    assert fit.separated[0]
    assert not fit.converged[0]


def test_few_losses_are_refused() -> None:
    frame = people(promoter=0.7)
    promoters = frame.index[frame["score_group"].eq("promoter") & frame["churned"]]
    frame.loc[promoters[9:], "churned"] = False
    assert refused(frame) == "fewer than 10 promoters left"
    assert hazard_ratios(life_table(frame), reference="detractor", min_events=9).refusal is None


def test_few_losses_per_parameter_are_refused() -> None:
    frame = people(300, promoter=0.7)
    frame["plan"] = [f"plan {i % 9}" for i in range(len(frame))]
    said = refused(frame, adjust_for=["plan"], min_events=30)
    assert "customers left, and 10 parameters ask for at least 300" in said


def test_small_groups_are_counted_and_not_named() -> None:
    frame = people(promoter=0.7)
    frame.loc[frame.index[:29], "score_group"] = "12 Low Street"
    said = refused(frame)
    assert said == "1 group by score group with fewer than 30 customers"
    frame.loc[frame.index[29], "score_group"] = "12 Low Street"
    assert "fewer than 30" not in (
        hazard_ratios(life_table(frame), reference="detractor").refusal or ""
    )


def test_small_groups_to_adjust_for_are_not_named() -> None:
    frame = people(promoter=0.7)
    frame.loc[frame.index[:5], ["plan", "churned"]] = ["12 Low Street", False]
    assert refused(frame, adjust_for=["plan"]) == (
        "nobody in a small group by plan left: put it together with another"
    )


def test_nothing_to_compare_is_refused() -> None:
    frame = people(promoter=0.7)
    assert "there are no others to compare" not in refused(frame, reference="other")
    assert refused(frame, reference="other") == "there are no other customers to compare with"
    alone = frame[frame["score_group"] == "detractor"]
    assert refused(alone) == "there are only detractors"


def test_groups_that_never_meet_are_refused() -> None:
    frame = people(promoter=0.7)
    early = frame["score_group"].eq("promoter")
    frame.loc[early, ["entry", "exit"]] += 200
    assert refused(frame) == "the groups are never at risk in the same month"


def test_columns_that_say_the_same_are_refused() -> None:
    frame = people(promoter=0.7)
    frame["plan"] = frame["score_group"].str.upper()
    assert refused(frame, adjust_for=["plan"]) == (
        "score group and plan divide the customers in the same way and cannot be told apart"
    )
    assert "cannot be told apart" in refused(frame, stratify_by=["plan"])


def test_weights_without_replicates_are_refused() -> None:
    frame = people(promoter=0.7)
    table = life_table(frame, weights=np.full(len(frame), 1.5), replicate=None)
    result = hazard_ratios(table, reference="detractor")
    assert result.refusal == "weighted counts without replicates have no standard error"


def test_one_replicate_that_carries_everything_is_refused() -> None:
    frame = people(promoter=0.7)
    lost = frame["score_group"].eq("promoter") & frame["churned"]
    frame.loc[lost, "replicate"] = 3
    assert refused(frame).startswith("without one random group of customers it cannot be computed")


def test_wrong_columns_are_an_error_that_names_all() -> None:
    table = life_table(people())
    with pytest.raises(DataError, match=r"(?s)'score' does not exist.*'plans' does not exist"):
        hazard_ratios(table, "score", reference="detractor", adjust_for=["plans"])
    with pytest.raises(DataError, match="'plan' is named 2 times"):
        hazard_ratios(table, reference="detractor", adjust_for=["plan"], stratify_by=["plan"])
    with pytest.raises(
        DataError, match="level is 'detractor', must be one of passive and promoter"
    ):
        hazard_ratios(table, reference="detractor").at("detractor")


# Sentences and findings


def ratios(**options: Any) -> HazardRatios:
    return hazard_ratios(
        life_table(people(20_000, promoter=0.7), as_of="2025-12-31"),
        reference="detractor",
        **options,
    )


def test_sentences_say_who_left_how_many_times_as_often() -> None:
    result = ratios()
    unclear, clear = (finding.sentence for finding in result.findings())
    low, value, high = (
        f"{x[1]:.2f}"
        for x in (result.hazard_ratio_ci_lower, result.hazard_ratio, result.hazard_ratio_ci_upper)
    )
    assert clear == (
        f"Promoters left {value} times as often as detractors in the same month as a customer "
        f"(95 % interval {low} to {high})."
    )
    assert unclear.startswith(
        "No clear difference between passives and detractors in how often they left in the same "
        "month as a customer: "
    )
    assert result.sentence() == f"{unclear} {clear}"


def test_findings_carry_the_design_and_the_label() -> None:
    wording = Wording(design="current", when="in the same month after the answer", note="It is so.")
    result = ratios(adjust_for=["plan"], wording=wording)
    passive, promoter = result.findings()
    assert (promoter.id, promoter.unit, promoter.grade) == ("hazard_ratio", "ratio", "C")
    assert promoter.group == {"design": "current", "score_group": "promoter"}
    assert promoter.value == pytest.approx(result.hazard_ratio[1])
    assert promoter.n == result.n["promoter"] + result.n["detractor"]
    assert promoter.as_of == "2025-12-31"
    assert "in the same month after the answer, with the same plan (95 %" in promoter.sentence
    assert promoter.sentence.endswith(". It is so.")
    assert passive.group["score_group"] == "passive"


def test_other_columns_are_named() -> None:
    result = hazard_ratios(life_table(people(20_000)), "plan", reference="basic")
    assert re.match(
        r"Customers with plan plus left 0\.\d\d times as often as customers with plan basic in",
        result.sentence(),
    )


def test_the_frame_has_the_reference_and_its_counts() -> None:
    frame = ratios().to_frame()
    assert frame["score_group"].tolist() == GROUPS
    table = life_table(people(20_000, promoter=0.7)).pooled("score_group")
    assert frame["customers"].tolist() == table.n.tolist()
    assert frame["churned"].tolist() == table.churned.sum(axis=(1, 2)).tolist()
    assert frame["hazard_ratio"].isna().tolist() == [True, False, False]


@pytest.mark.parametrize(
    ("ends", "said"),
    [
        ((0.72, 0.67, 0.78), ("0.72", "0.67", "0.78")),
        ((0.72, 0.31, 1.7), ("0.7", "0.3", "1.7")),
        ((0.97, 0.943, 0.9978), ("0.970", "0.943", "0.998")),
        ((0.98, 0.96, 1.0), ("0.98", "0.96", "1.00")),
        ((2.0, 0.31, 212.4), ("2.0", "0.3", "212")),
        ((31.2, 22.4, 44.8), ("31", "22", "45")),
    ],
)
def test_digits_of_a_ratio(ends: tuple[float, ...], said: tuple[str, ...]) -> None:
    assert ratio_digits(*ends) == said


# Proportionality


def crossing(n: int = 8000) -> pd.DataFrame:
    """Promoters leave half as often in the first year and as often as anybody later."""
    rng = np.random.default_rng(5)
    group = rng.choice(["detractor", "promoter"], n)
    steps = rng.random((n, 30)) < 0.04 * np.where(
        (group == "promoter")[:, None] & (np.arange(30) < 12), 0.5, 1.0
    )
    churned = steps.any(axis=1)
    last = np.where(churned, steps.argmax(axis=1) + 1, 30)
    return pd.DataFrame({"score_group": group, "plan": "basic", "entry": 0, "exit": last,
                         "churned": churned, "replicate": rng.integers(0, 256, n)})  # fmt: skip


def test_a_ratio_that_changes_with_tenure_is_seen() -> None:
    check = proportionality_check(life_table(crossing()), reference="detractor")
    assert check.p_value < 1e-6
    assert check.early.log_ratio[0] < -0.5
    assert check.sentence().startswith("The ratio changes with tenure (test of proportional haz")
    assert check.sentence().endswith("One ratio for all of it is an average.")


def test_a_steady_ratio_is_not_called_changing() -> None:
    table = life_table(people(8000, seed=2, promoter=0.7))
    check = proportionality_check(table, reference="detractor", adjust_for=["plan"])
    assert check.degrees_of_freedom == 2
    assert check.p_value > 0.05
    assert check.sentence().startswith("No clear sign that the ratio changes with tenure")
    assert len(check.to_frame()) == 4


def test_the_parts_are_what_each_part_alone_would_say() -> None:
    """Without covariates the two halves share no parameter: two fits of half a table."""
    frame = people(8000, seed=2, promoter=0.7)
    check = proportionality_check(life_table(frame), reference="detractor")
    before = frame[frame["entry"] < check.late_from - 1].copy()
    before["churned"] &= before["exit"] < check.late_from
    before["exit"] = before["exit"].clip(upper=check.late_from - 1)
    later = frame[frame["exit"] >= check.late_from].copy()
    later["entry"] = later["entry"].clip(lower=check.late_from - 1)
    for part, rows in ((check.early, before), (check.late, later)):
        alone = hazard_ratios(life_table(rows), reference="detractor")
        assert part.log_ratio == pytest.approx(alone.log_hazard_ratio, abs=1e-8)
        assert part.standard_error == pytest.approx(alone.standard_error, abs=1e-8)


def test_the_test_without_replicates_is_near_the_one_with() -> None:
    frame = people(8000, seed=2, promoter=0.7)
    jackknife = proportionality_check(life_table(frame), reference="detractor")
    model = proportionality_check(life_table(frame, replicate=None), reference="detractor")
    assert model.statistic == pytest.approx(jackknife.statistic, rel=0.35)


def test_the_check_is_refused_with_the_reason() -> None:
    frame = people(promoter=0.7)
    frame["churned"] &= (frame["score_group"] != "promoter") | (frame["exit"] < 8)
    check = proportionality_check(life_table(frame), reference="detractor")
    assert check.refusal is not None
    assert check.sentence().startswith(
        "Whether the ratio changes with tenure cannot be tested: in a group"
    )
    assert np.isnan(check.p_value)
    none = proportionality_check(life_table(frame), reference="other")
    assert none.refusal == "there are no other customers to compare with"


@pytest.mark.verify
def test_the_proportionality_test_keeps_its_level() -> None:
    rejected = 0
    for seed in range(400):
        table = life_table(people(1500, seed=seed, promoter=0.7))
        rejected += proportionality_check(table, reference="detractor").p_value < 0.05
    assert 0.025 <= rejected / 400 <= 0.08


# The step itself


def test_the_eliminated_step_is_the_full_newton_step() -> None:
    rng = np.random.default_rng(0)
    x = np.array([[0.0, 0], [1, 0], [0, 1], [1, 1], [1, 0]])
    n = rng.integers(20, 60, (1, 5, 4)).astype(float)
    y = rng.binomial(n.astype(int), 0.2).astype(float)
    strata = np.array([0, 0, 1, 1, 1])
    cells = Cells(x, y, n, strata)
    theta = cells.start() + rng.normal(0, 0.1, (1, 10))
    step = cells.newton(theta)

    def gradient(at: np.ndarray) -> np.ndarray:
        moves = 1e-5 * np.eye(10)
        return np.array(
            [(cells.log_likelihood(at + m) - cells.log_likelihood(at - m))[0] / 2e-5 for m in moves]
        )

    hessian = np.array(
        [(gradient(theta + m) - gradient(theta - m)) / 2e-3 for m in 1e-3 * np.eye(10)]
    )
    assert step.step[0] == pytest.approx(-np.linalg.solve(hessian, gradient(theta)), rel=1e-3)
    assert step.length[0] == pytest.approx(step.step[0] @ gradient(theta), rel=1e-5)
