"""The brief chooses and compares what a run found, and computes nothing anew."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cxresearch._language import speaking
from cxresearch.brief.brief import brief_answers, brief_changes, brief_claims, brief_open
from cxresearch.brief.changes import change_between
from cxresearch.brief.run import read_run
from cxresearch.errors import CxError
from cxresearch.findings import Finding

CURVES, SCORES, CLAIM = "02_retention_curves", "01_scorecard", "06_retention_profit_claim"


def found(
    name: str, value: float | None, *ends: float | None, unit: str = "share", **group: str
) -> dict[str, Any]:
    low, high = ends or (None, None)
    sentence = f"{name} {sorted(group.items())} is {value}."
    finding = Finding(name, value, low, high, 500, unit, sentence, group, as_of="2025-12-31")
    return finding.to_dict() | {"cell": f"said-{name}".replace("_", "-"), "figure": None}


def write(folder: Path, report: str, *rows: dict[str, Any], missing: str = "") -> None:
    notebook = report.split(".", maxsplit=1)[0]
    told = json.dumps([{"notebook": notebook, **row} for row in rows])
    (folder / f"{report}.findings.json").write_text(told, "utf-8")
    html = f'<p class="cx-missing">{missing}</p>' if missing else ""
    cells = [{"id": "a", "outputs": [{"data": {"text/html": html}}]}]
    (folder / f"{report}.ipynb").write_text(json.dumps({"cells": cells}), "utf-8")
    (folder / f"{report}.html").write_text("a page", "utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(
        tmp_path,
        CURVES,
        found("retained", 0.9, 0.88, 0.92, tenure="12", plan="pro"),
        found("retained", 0.7, 0.68, 0.72, tenure="24"),
        found("retained", 0.8, 0.78, 0.82, tenure="12") | {"figure": "curve"},
    )
    write(tmp_path, SCORES, found("nps", 20.0, 15.0, 25.0, unit="points", wave="2025-Q4"))
    return tmp_path


def test_each_question_takes_the_best_answer_for_all_customers(folder: Path) -> None:
    answers = brief_answers(read_run(folder))
    assert [told.finding.group for _, told in answers.told] == [
        {"tenure": "12"},
        {"wave": "2025-Q4"},
    ]
    first = answers.told[0][1]
    assert (first.finding.value, first.address) == (0.8, "./02_retention_curves.html#cell-curve")
    assert answers.told[1][1].address == "./01_scorecard.html#cell-said-nps"
    assert len(answers.to_frame()) == 2


def test_an_answer_without_a_number_or_of_a_part_only_is_none(tmp_path: Path) -> None:
    write(
        tmp_path, CURVES, found("retained", None, tenure="12"), found("retained", 0.5, plan="pro")
    )
    assert brief_answers(read_run(tmp_path)).told == ()


def test_there_are_never_more_than_seven_sentences(folder: Path) -> None:
    for report in ("04_promoters_and_retention", "05_promoter_value", "07_programme_roi"):
        names = ("retained_difference", "lifetime_value_difference", "break_even_lift")
        write(folder, report, *(found(n, 1.0, 0.5, 1.5, design="doubly_robust") for n in names))
    write(folder, "08_churn_reasons", found("controllable_share", 0.5))
    write(folder, CLAIM, found("verdict", 1.0, reading="points"))
    assert len(brief_answers(read_run(folder)).told) == 7
    assert brief_open(read_run(folder)).rows == ()


def test_open_questions_name_what_it_would_take(folder: Path) -> None:
    write(
        folder, "04_promoters_and_retention", missing="Not shown: &lt;b&gt;. It would take scores."
    )
    write(folder, CURVES, found("retained", 0.5, tenure="12"), missing="Not shown: scores.")
    opened = brief_open(read_run(folder))
    rows = dict(opened.rows)
    assert rows["Do promoters stay longer?"] == "Not shown: <b>. It would take scores."
    assert rows["What is a promoter worth?"] == (
        "the report 05_promoter_value, which this run does not hold"
    )
    assert rows[CURVES] == "Not shown: scores."
    assert len(opened.rows) == 6
    assert opened.sentence() == "6 questions are open."
    assert "<b>" not in opened._repr_html_()


def test_a_report_that_failed_is_an_open_question(folder: Path) -> None:
    write(folder, CLAIM, found("verdict", 1.0, reading="points"))
    (folder / f"{CLAIM}.findings.json").unlink()
    run = read_run(folder)
    assert run.failed == (CLAIM,)
    assert (CLAIM, "the cause mended: the report failed") in brief_open(run).rows


def test_reports_in_the_language_spoken_are_taken(tmp_path: Path) -> None:
    write(tmp_path, CURVES, found("retained", 0.1, tenure="12"))
    write(tmp_path, f"{CURVES}.ja", found("retained", 0.2, tenure="12"))
    write(tmp_path, SCORES, found("nps", 20.0, wave="2025-Q4"))
    with speaking("ja"):
        answers = brief_answers(read_run(tmp_path))
    assert [told.finding.value for _, told in answers.told] == [0.2, 20.0]
    answers = brief_answers(read_run(tmp_path))
    assert [told.finding.value for _, told in answers.told] == [0.1, 20.0]


def one(value: float, low: float | None = None, high: float | None = None, **other: str) -> Finding:
    return Finding("retained", value, low, high, 10, "share", "said", other, as_of="2025-12-31")


def test_the_interval_of_a_change_is_that_of_two_independent_normal_values() -> None:
    change = change_between(one(0.8, 0.8 - 0.03, 0.8 + 0.03), one(0.7, 0.7 - 0.04, 0.7 + 0.04))
    assert (change.change_ci_lower, change.change_ci_upper) == pytest.approx((0.05, 0.15))
    assert change.clear
    assert change.sentence() == "Higher by 10 (5 to 15) percentage points, 95 % interval."


def test_the_interval_of_a_change_covers_it() -> None:
    rng = np.random.default_rng(1)
    n, truth = 400, (0.80, 0.76)
    held = 0
    for shares in rng.binomial(n, truth, (2000, 2)) / n:
        half = [1.96 * math.sqrt(s * (1 - s) / n) for s in shares]
        now, before = (one(s, s - h, s + h) for s, h in zip(shares, half, strict=True))
        change = change_between(now, before)
        held += change.change_ci_lower <= truth[0] - truth[1] <= change.change_ci_upper
    assert held / 2000 == pytest.approx(0.95, abs=0.015)


def test_a_change_that_its_interval_does_not_show_is_none() -> None:
    change = change_between(one(0.8, 0.77, 0.83), one(0.79, 0.76, 0.82))
    assert not change.clear
    assert change.sentence() == "No clear change: 1 (-3 to 5) percentage points, 95 % interval."
    lower = change_between(one(0.7, 0.66, 0.74), one(0.8, 0.77, 0.83))
    assert lower.sentence() == "Lower by 10 (5 to 15) percentage points, 95 % interval."


def test_what_cannot_be_subtracted_is_said() -> None:
    assert change_between(one(0.8), one(0.7)).sentence() == "Not as before."
    same = change_between(one(0.8), one(0.8))
    assert same.sentence() == "The same data, the same answer."
    fewer = replace(one(0.8), n=9)
    assert change_between(one(0.8), fewer).sentence() == "As before."
    other = change_between(one(0.8, 0.7, 0.9, tenure="12"), one(0.8, 0.7, 0.9, tenure="24"))
    assert other.sentence().startswith("Not comparable")
    later = change_between(one(0.8, 0.7, 0.9, wave="Q2"), one(0.8, 0.7, 0.9, wave="Q1"))
    assert math.isfinite(later.change)
    # two changes that share a wave are not independent, and their difference says nothing
    windows = [{"from": "Q1", "to": "Q2"}, {"from": "Q2", "to": "Q3"}]
    before, now = (one(0.1, 0.05, 0.15, **window) for window in windows)
    assert change_between(now, before).sentence().startswith("Not comparable")


def test_an_estimate_with_an_open_interval_is_never_said_to_have_changed() -> None:
    median = change_between(one(0.8, 0.7), one(0.7, 0.65))
    assert median.sentence() == "Not clear whether it changed: an interval has no end."
    assert not median.clear


def test_runs_are_compared_by_the_level_and_not_by_its_change(tmp_path: Path) -> None:
    for name, waves in (("now", ("Q2", "Q3")), ("before", ("Q1", "Q2"))):
        (tmp_path / name).mkdir()
        change = found("nps_change", 8.0, 1.0, 15.0, unit="points") | {
            "group": {"from": waves[0], "to": waves[1]}
        }
        value = 40.0 if name == "now" else 20.0
        level = found("nps", value, value - 3, value + 3, unit="points", wave=waves[1])
        old = found("nps", 0.0, -1.0, 1.0, unit="points", wave=waves[0])
        write(tmp_path / name, SCORES, change, old, level)
    now, before = (read_run(tmp_path / name) for name in ("now", "before"))
    assert [told.finding.id for _, told in brief_answers(now).told] == ["nps_change"]
    ((_, change_of_level),) = brief_changes(now, before).changes
    assert (change_of_level.now.value, change_of_level.change) == (40.0, 20.0)


def test_a_verdict_that_cannot_be_given_is_not_replaced_by_that_of_another_reading(
    tmp_path: Path,
) -> None:
    rows = [found("verdict", None, reading="points"), found("verdict", 0.0, reading="relative")]
    write(tmp_path, CLAIM, *rows)
    told = [told.finding.group for _, told in brief_answers(read_run(tmp_path)).told]
    assert told == [{"reading": "points"}]


def test_a_report_that_is_there_is_not_said_to_be_missing(tmp_path: Path) -> None:
    write(tmp_path, CURVES, found("customers_used", 100.0))
    frame = brief_open(read_run(tmp_path)).to_frame().set_index("open")["it would take"]
    assert frame["How many customers do we keep?"].startswith("more data: the report 02_")
    assert frame["Did we get better?"].endswith("which this run does not hold")


@pytest.mark.parametrize(
    "notebook", ["[]", '{"cells": [1]}', '{"cells": [{"outputs": null}]}', "[" * 100_000]
)
def test_a_damaged_notebook_leaves_the_findings(folder: Path, notebook: str) -> None:
    (folder / f"{CURVES}.ipynb").write_text(notebook, "utf-8")
    assert len(brief_answers(read_run(folder)).told) == 2


def test_changes_are_of_questions_that_both_runs_answer(folder: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    before.mkdir()
    write(before, CURVES, found("retained", 0.7, 0.68, 0.72, tenure="12"))
    changes = brief_changes(read_run(folder), read_run(before))
    assert [change.clear for _, change in changes.changes] == [True]
    assert changes.sentence() == "Of 1 answer that both runs give, 1 changed clearly."


def test_the_register_stands_in_one_table(folder: Path) -> None:
    rows = [found("claims_tested", 27.0), found("claims_by_verdict", 5.0, verdict="supported")]
    write(folder, "13_claims_register", *rows, found("claim_verdict", None, claim="S0-1"))
    claims = brief_claims(read_run(folder))
    assert [f.id for f in claims.findings()] == ["claims_tested", "claims_by_verdict"]
    assert claims.to_frame()["how many"].tolist() == [5.0]
    (folder / "13_claims_register.findings.json").unlink()
    assert brief_claims(read_run(folder)).sentence() == "The register of claims is not in this run."


def test_without_an_earlier_run_nothing_is_compared(folder: Path) -> None:
    changes = brief_changes(read_run(folder), None)
    assert changes.sentence() == "There is no earlier run to compare with."
    assert changes.to_frame().empty


def test_a_run_is_known_by_its_findings(folder: Path) -> None:
    first = read_run(folder).fingerprint
    assert read_run(folder).fingerprint == first
    write(folder, CURVES, found("retained", 0.81, 0.78, 0.82, tenure="12"))
    assert read_run(folder).fingerprint != first


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "holds no findings"),
        ("[{", "is damaged"),
        ("[1]", "is damaged"),
        ('[{"id": "a"}]', "is damaged"),
    ],
)
def test_a_folder_that_is_no_run_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    if content:
        (tmp_path / f"{CURVES}.findings.json").write_text(content)
    with pytest.raises(CxError, match=said):
        read_run(tmp_path)
    with pytest.raises(CxError, match="is no folder"):
        read_run(tmp_path / "nowhere")
