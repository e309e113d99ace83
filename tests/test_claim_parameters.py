"""What is entered for the report on the claim is refused before anything runs, with the cure."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import runs

from cxresearch.reports.notebooks import read_notebook
from cxresearch.roi.claim_parameters import claim_problems

NOTEBOOK = runs.ROOT / "notebooks" / "06_retention_profit_claim.ipynb"


def parameters(**given: Any) -> dict[str, Any]:
    return {p.name: p.default for p in read_notebook(NOTEBOOK).parameters} | given


def test_the_defaults_and_the_case_of_the_papers_are_right() -> None:
    assert claim_problems(parameters()) == []
    assert claim_problems(parameters(base_retention=0.85, annual_discount_rate=0.10)) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"base_retention": 85.0}, "write 0.85 for 85 %"),
        (
            {"base_retention": 0.97},
            "write 0.694, which it is a year (0.97^12); if it is a year's, ask for a lift of at most 0.03",
        ),
        ({"annual_discount_rate": 0.008}, "a month's 0.008 is 0.1003 a year, write that"),
        ({"acquisition_cost": -200.0}, "without a minus sign"),
        ({"annual_margin": 0.0}, "must be above 0"),
        ({"base_retention": 0.85, "model": "sbg"}, "leave out base_retention"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_cure(given: dict[str, Any], said: str) -> None:
    (problem, *_) = claim_problems(parameters(**given))
    assert said in problem


def test_all_problems_are_said_at_once() -> None:
    wrong = {"base_retention": 0.97, "annual_discount_rate": 0.008, "acquisition_cost": -1.0}
    said = " ".join(claim_problems(parameters(**wrong)))
    for name in ("retention is 0.97", "annual_discount_rate is 0.008", "acquisition_cost is -1.0"):
        assert name in said


def test_a_firm_without_a_profit_gets_a_report_that_says_so(tmp_path: Path) -> None:
    """What cannot be said in per cent of nothing is left out, and the rest is shown."""
    loss = {"base_retention": 0.5, "profit_concept": "annual_profit", "acquisition_cost": 50.0}
    given = [x for name, value in loss.items() for x in ("-p", f"{name}={value}")]
    with runs.forked():
        done = runs.command("report", NOTEBOOK.stem, "--out", tmp_path, *given)
    assert done.returncode == 0, done.stderr
    page = (tmp_path / f"{NOTEBOOK.stem}.html").read_text("utf-8")
    for said in ("Cannot be said here", "Not shown: how much higher profit is",
                 "nowhere on this map", "Where does the sentence come from?"):  # fmt: skip
        assert said in page


def test_the_report_is_refused_before_a_kernel_starts(tmp_path: Path) -> None:
    done = runs.command(
        "report", NOTEBOOK.stem, "--out", tmp_path / "out", "-p", "base_retention=85",
    )  # fmt: skip
    assert done.returncode == 2
    assert "-p base_retention=0.85" in done.stderr
    monthly = ["-p", "base_retention=0.85", "-p", "annual_discount_rate=0.008"]
    done = runs.command("report", NOTEBOOK.stem, "--out", tmp_path / "out", *monthly)
    assert done.returncode == 2
    assert "0.1003" in done.stderr
    assert not (tmp_path / "out").exists()
