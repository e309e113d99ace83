"""Sentences of grade C and D describe; they never claim a cause or look beyond the data.

Read are the sentences of constructed results, in which everything occurs, and all that the
notebooks print and say of themselves.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest
import runs
from runs import CURVES, NOTEBOOKS, Report, Shelf

from cxresearch._format import rounding_unit
from cxresearch.findings import Finding
from cxresearch.logrank import logrank_test
from cxresearch.plots import alt_text, plot_retention
from cxresearch.rates import period_rates, tenure_rates
from cxresearch.restricted_mean import restricted_mean_difference, restricted_means
from cxresearch.retention import retention_curves
from cxresearch.snapshot import snapshot_warning
from cxresearch.tables import LifeTable, PeriodTable

shelf = runs.shelf

CAUSAL = re.compile(
    r"\b(because|due to|owing to|thanks to|caus(?:e[sd]?|ing|al|ally)|affect(?:s|ed|ing)?|"
    r"impact(?:s|ed|ing)?|(?:an?|the|has|have|had) effects?|effects? (?:of|on)|leads? to|"
    r"le(?:d|ading) to|dri(?:ves?|ven|ving)|boost(?:s|ed|ing)?|prevent(?:s|ed|ing)?|"
    r"increas(?:es?|ed|ing)|decreas(?:es?|ed|ing)|reduc(?:es?|ed|ing|tion)|improv(?:es?|ed|ing)|"
    r"rais(?:es?|ed|ing)|lower(?:s|ed|ing)|results? in|resulted in|owes? to|therefore|"
    r"makes? (?:people|customers|them|us)|explains?|trigger(?:s|ed)?|thereby|so that they stay)\b",
    re.IGNORECASE,
)
FUTURE = re.compile(r"\b(?:will|would have|going to|is expected to|forecasts?)\b", re.IGNORECASE)
# what has no interval: a test's p value, a sum of the ledger
WITHOUT_INTERVAL = {
    "logrank_p_value", "model_fit_p_value", "equal_parameters_p_value", "larger_model_p_value",
    "e_value", "acquisition_cost",
    # what somebody entered, printed long ago or decided has none of ours
    "claim_verdict", "defection_curve_value", "industry_uplift", "payback_month",
    "threshold_retention", "tornado", "verdict",
}  # fmt: skip
OF_A_RATE = {"profit_uplift", "retention_elasticity"}
COUNTS = {"customers", "answers", "rules", "rows", "waves", "groups", "invitations", "orders"}

DIFFERENCES = {
    "retention_rate_change", "restricted_mean_difference", "nps_change", "csat_change",
    "ces_change", "responder_retained_difference", "lifetime_value_difference", "difference_part",
    "experience_excess",
}  # fmt: skip
NUMBER = r"[\d,]+(?:\.\d+)?"
OUT_OF = re.compile(
    rf"Of ({NUMBER}) .*?, ({NUMBER}) (?:(?:is|are) still|remained|left|were|found) "
    rf".*\([\d.]+ % interval ({NUMBER}) to ({NUMBER})\)"
)
SPREAD = re.compile(
    rf"(-?{NUMBER})[^\d(]*\((?:[\d.]+ % interval )?(-?{NUMBER}) to (-?{NUMBER})(?: %)?\)"
)


# Constructed results, in which everything occurs


def results() -> list[Any]:
    rng = np.random.default_rng(1)
    group = rng.choice(["detractor", "passive", "promoter"], 900)
    exits = rng.geometric(np.where(group == "promoter", 0.02, 0.05))
    table = LifeTable.from_durations(np.minimum(exits, 30), exits <= 30, group={"nps_group": group})
    frame = pd.DataFrame({"period": ["2024", "2025"], "at_start": [90, 80], "lost": [9, 30]})
    periods = PeriodTable.from_counts(frame.assign(joined=0), period="year")
    same = PeriodTable.from_counts(frame.assign(joined=0, lost=[9, 8]), period="year")
    curves = retention_curves(table)
    means = restricted_means(curves, 24)
    return [
        curves,
        retention_curves(table, start=6, min_group=10**6),
        means,
        restricted_mean_difference(means[0], means[2]),
        restricted_mean_difference(means[0], means[1]),
        logrank_test(curves),
        tenure_rates(curves),
        period_rates(periods),
        period_rates(periods)[0].change(),
        period_rates(same)[0].change(),
        snapshot_warning(table, 1, 12),
        snapshot_warning(table, 1, 12, min_group=10**6),
    ]


@pytest.fixture(scope="module")
def constructed() -> list[dict[str, Any]]:
    return [finding.to_dict() for result in results() for finding in result.findings()]


@pytest.fixture(scope="module")
def said(constructed: list[dict[str, Any]]) -> list[str]:
    described = [r.sentence() for r in results() if not isinstance(r, Finding)]
    figure = alt_text(plot_retention(results()[0]))
    return [*(finding["sentence"] for finding in constructed), *described, figure]


def test_no_sentence_claims_a_cause_or_a_future(said: list[str]) -> None:
    assert len(said) > 50
    assert [s for s in said if CAUSAL.search(s) or FUTURE.search(s)] == []


def test_every_sentence_is_whole(said: list[str]) -> None:
    for sentence in said:
        check_whole(sentence)


def test_the_causal_pattern_finds_what_it_should() -> None:
    for claim in (
        "Promoters stay longer because of the score.",
        "Calling them reduces churn.",
        "A higher NPS leads to retention.",
        "The programme led to fewer losses.",
        "Churn caused by price.",
        "Price drives churn.",
        "Retention increases with the score.",
        "Onboarding improves retention.",
        "The effect of the call is two points.",
        "It has an effect on churn.",
        "The impact of tickets.",
        "This boosts value.",
        "More stay thanks to the programme.",
        "Churn fell due to the call.",
        "A call prevents a loss.",
        "Good service makes customers stay.",
    ):
        assert CAUSAL.search(claim), claim
    for description in (
        "Of 100 customers, 84 are still there.",
        "No clear difference between the retention curves.",
        "The retention rate in 2025 was 4 percentage points lower than in 2024.",
        "Those who answered stay longer on average.",
    ):
        assert not CAUSAL.search(description), description


# What every finding has to keep to, wherever it comes from


def check_whole(sentence: str) -> None:
    assert re.match(r"[A-Z\d–]", sentence), sentence
    assert sentence.endswith("."), sentence
    assert "nan" not in sentence.lower().split(), sentence
    assert not re.search(
        r"  |\bNone\b(?! (?:are left out|of them left))|\binf\b|\{|\}", sentence
    ), sentence


def check_interval(finding: Mapping[str, Any]) -> None:
    """A number has an interval, and a missing number has no customers counted behind a guess."""
    value, lower, upper = (finding[key] for key in ("value", "ci_lower", "ci_upper"))
    sentence = finding["sentence"]
    if finding["id"] == "not_reported":
        assert (value, lower, upper, finding["n"]) == (None, None, None, None)
    elif finding["unit"] in COUNTS:
        assert value == lower == upper
    elif value is not None and finding["id"] in OF_A_RATE and "at one rate of" in sentence:
        assert (lower, upper, finding["grade"]) == (None, None, "D")  # the rate was entered
    elif value is not None and finding["id"] not in WITHOUT_INTERVAL:
        assert lower is not None, finding
        open_end = finding["id"] == "median_tenure" and "no upper end yet" in finding["sentence"]
        assert upper is not None or open_end, finding
        assert lower <= value <= upper if upper is not None else lower <= value


def check_digits(finding: Mapping[str, Any]) -> bool:
    """No digit beyond the interval, and the digits shown are those of the numbers.

    Returns whether the sentence holds a number that could be checked.
    """
    lower, value, upper = (finding[key] for key in ("ci_lower", "value", "ci_upper"))
    if finding["unit"] not in {"share", "months"} or None in {lower, value, upper}:
        return False
    sentence = finding["sentence"]
    natural = OUT_OF.search(sentence)
    if natural and finding["unit"] == "share":
        whole, *shown = (float(text.replace(",", "")) for text in natural.groups())
        unit = 1 / whole
        # a natural frequency is never out of more than ten thousand
        allowed = max(rounding_unit(lower, upper, coarsest=0.01), 1e-4)
        scale = whole
    else:
        found = SPREAD.search(sentence)
        if found is None:
            return False
        texts = found.groups()
        shown = [float(text.replace(",", "")) for text in texts]
        scale = 100.0 if finding["unit"] == "share" else 1.0
        decimals = max(len(text.partition(".")[2]) for text in texts)
        unit = 10.0**-decimals / scale
        allowed = rounding_unit(lower, upper, coarsest=1 / scale)
    assert unit >= allowed * (1 - 1e-9), f"{unit} is finer than {allowed}: {sentence}"
    signed = [value, *sorted((lower, upper))]
    if "lower than" in sentence or "shorter" in sentence:
        signed = [-value, *sorted((-lower, -upper))]
    for text, true in zip(shown, signed, strict=True):
        # half a unit of the last digit shown, plus what a float may be off
        assert abs(text - true * scale) <= 0.5 * unit * scale + 1e-6, (text, true, sentence)
    return True


def check_no_clear_difference(finding: Mapping[str, Any]) -> bool:
    """Return whether the finding is a comparison."""
    unclear = finding["sentence"].startswith("No clear ")
    if finding["id"] in DIFFERENCES:
        assert unclear == (finding["ci_lower"] <= 0 <= finding["ci_upper"]), finding
        return True
    if finding["id"] == "logrank_p_value":
        assert unclear == (finding["value"] > 1 - finding["confidence_level"]), finding
        return True
    return False


def test_constructed_findings_keep_the_rules(constructed: list[dict[str, Any]]) -> None:
    for finding in constructed:
        check_interval(finding)
    checked = {f["id"] for f in constructed if check_digits(f)}
    assert checked == {
        "retained", "median_tenure", "restricted_mean", "restricted_mean_difference",
        "retention_rate", "churn_rate", "retention_rate_change", "retained_as_snapshot",
    }  # fmt: skip
    compared = [f for f in constructed if check_no_clear_difference(f)]
    assert len({f["sentence"][:8] for f in compared if f["id"] == "retention_rate_change"}) == 2
    assert len({f["sentence"][:8] for f in compared if f["id"] != "retention_rate_change"}) >= 2


@pytest.mark.parametrize(
    "sentence",
    [
        "Of 1,000 customers, 764 are still there after 12 months (95 % interval 738 to 785).",
        "Of 100 customers, 77 are still there after 12 months (95 % interval 74 to 79).",
        "Of 100 customers, 76 are still there after 12 months (95 % interval 74 to 78).",
    ],
)
def test_the_check_of_digits_can_fail(sentence: str) -> None:
    finding = {
        "id": "retained", "unit": "share", "value": 0.7625, "ci_lower": 0.7379, "ci_upper": 0.7851,
        "sentence": sentence,
    }  # fmt: skip
    right = "Of 100 customers, 76 are still there after 12 months (95 % interval 74 to 79)."
    assert check_digits(finding | {"sentence": right})
    with pytest.raises(AssertionError):
        check_digits(finding)


# The notebooks


RECIPES = {recipe.stem: recipe for recipe, _ in runs.ON_RECIPES}
RUNS = [(run, path.stem) for run in ("default", "second") for path in NOTEBOOKS]
RUNS += [(recipe.stem, notebook) for recipe, notebook in runs.ON_RECIPES]
SELDOM = [(recipe.stem, notebook) for recipe, notebook in runs.SELDOM]
MARKED = [pytest.param(run, marks=pytest.mark.verify if run in SELDOM else ()) for run in RUNS]


@pytest.fixture(params=MARKED, ids="-".join)
def report(request: pytest.FixtureRequest, shelf: Shelf) -> Report:
    run, notebook = request.param
    if run in RECIPES:
        if RECIPES[run] != runs.PAPER:
            request.getfixturevalue("shared_data")
        return shelf.recipe(RECIPES[run], notebook)
    return shelf.second(notebook) if run == "second" else shelf.default(notebook)


def test_a_report_claims_no_cause(report: Report) -> None:
    """Nor does what was randomised here, which only two reports can hold."""
    grades = {finding["grade"] for finding in report.findings}
    assert grades <= set("ACD" if report.name in {runs.PROGRAMME, runs.REGISTER} else "CD")
    said = [finding["sentence"] for finding in report.findings]
    assert [s for s in said if CAUSAL.search(s) or FUTURE.search(s)] == []


def test_the_findings_of_a_report_keep_the_rules(report: Report) -> None:
    for finding in report.findings:
        check_whole(finding["sentence"])
        check_interval(finding)
        check_digits(finding)
        check_no_clear_difference(finding)
    checked = sum(check_digits(finding) for finding in report.findings)
    assert checked > (15 if report.name == CURVES and report.monthly else -1)


def test_tables_and_alternatives_have_no_digit_beyond_the_interval(report: Report) -> None:
    """Each `84 % (83 to 85 %)` is a finding's, and as wide as its last digit at least."""
    # the numbers that unfold below a figure are all that it plots, of which findings name some
    page = re.sub(r'<details class="cx-numbers">.*?</details>', "", report.html, flags=re.DOTALL)
    page = unescape(page)
    if not report.monthly or not any(f["group"].get("tenure") == "12" for f in report.findings):
        page = re.sub(r"<img[^>]*>", "", page)  # figures speak of whole years
    texts = re.findall(rf"({NUMBER}) % \(({NUMBER}) to ({NUMBER}) %\)", page)
    shares = [
        (f["value"], f["ci_lower"], f["ci_upper"])
        for f in report.findings
        if f["unit"] == "share" and None not in (f["value"], f["ci_lower"], f["ci_upper"])
    ]
    shares += [(-value, -upper, -lower) for value, lower, upper in shares if value < 0]
    for cell in texts:
        unit = 10.0 ** -len(cell[0].partition(".")[2])
        wide = [s for s in shares if unit == 1 or 100 * (s[2] - s[1]) >= unit * (1 - 1e-9)]
        assert any(
            all(math.isclose(float(text), 100 * x, abs_tol=unit / 2 + 1e-6)
                for text, x in zip(cell, share, strict=True))
            for share in wide
        ), cell  # fmt: skip
    assert texts or report.name != CURVES


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_a_notebook_says_of_itself_claims_no_cause(path: Path) -> None:
    for source in markdown(path):
        assert not CAUSAL.search(source), CAUSAL.findall(source)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_parameters_claim_no_cause(path: Path) -> None:
    source = nbformat.read(path, as_version=4).cells[1].source
    assert not CAUSAL.search(source)


def markdown(path: Path) -> Iterator[str]:
    cells = nbformat.read(path, as_version=4).cells
    return (cell.source for cell in cells if cell.cell_type == "markdown")
