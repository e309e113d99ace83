"""What a report shows besides results: escaped, complete, and without any customer."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pandas as pd
import pytest
from frames import answers, finding, lifetimes, recipe
from IPython import display

import cxresearch
from cxresearch import _format as words
from cxresearch.errors import CxError, DataError
from cxresearch.findings import MIME, Finding, not_reported, publish
from cxresearch.present import describe, provenance, require_usable, tabulate, unlocked
from cxresearch.rates import tenure_rates
from cxresearch.retention import retention_curves
from cxresearch.source import Data, open_frames
from cxresearch.tables import LifeTable

HOSTILE = "<script>alert('x')</script>\x1b[31m & \"co\""


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Be in a notebook, and return the display bundles."""
    bundles: list[dict[str, Any]] = []
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", object)
    monkeypatch.setattr(display, "publish_display_data", lambda *, data: bundles.append(data))
    return bundles


@pytest.fixture
def small() -> Iterator[Data]:
    with open_frames({"customers": lifetimes(60)}, **recipe(name="Small & co", note="")) as data:
        yield data


class Cells(HTMLParser):
    """The text of a table, row by row, and every tag that was used."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.tags: set[str] = set()
        self._in_cell = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        if tag == "tr":
            self.rows.append([])
        self._in_cell = tag in {"td", "th"}
        if self._in_cell:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_cell = False

    def handle_data(self, data: str) -> None:
        if self._in_cell:
            self.rows[-1][-1] += data


# publish


def test_outside_a_notebook_the_text_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    publish("<p>html</p>", "a\x1b[2Jb", [finding()])
    assert capsys.readouterr().out == "a\N{REPLACEMENT CHARACTER}[2Jb\n"


def test_in_a_notebook_one_bundle_carries_all_forms(
    shown: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    publish("<p>html</p>", "a\x1b[2Jb", [finding()])
    publish("<p>html</p>", "text")
    assert capsys.readouterr().out == ""
    assert shown == [
        {
            "text/html": "<p>html</p>",
            "text/plain": "a\N{REPLACEMENT CHARACTER}[2Jb",
            MIME: [finding().to_dict()],
        },
        {"text/html": "<p>html</p>", "text/plain": "text"},
    ]


# describe, provenance


def test_the_data_are_described(small: Data, capsys: pytest.CaptureFixture[str]) -> None:
    describe(small)
    assert capsys.readouterr().out == "Small & co. As of 2025-06-30. Rows: 60 customers.\n"


def test_an_extract_without_dates_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.DataFrame({"customer_id": ["a", "b"], "tenure": [1, 2], "churned": [True, False]})
    with open_frames({"customers": frame}, name="x", note="Read me.") as data:
        describe(data)
        provenance(data)
    out = capsys.readouterr().out
    assert out.startswith("x. The extract holds no dates. Rows: 2 customers.\nRead me.\n")
    assert re.search(r"As of +no dates\n", out)


def test_names_and_notes_are_text_whatever_they_say(shown: list[dict[str, Any]]) -> None:
    frames = {"customers": lifetimes(60)}
    with open_frames(frames, **recipe(name=HOSTILE, note=HOSTILE)) as data:
        describe(data)
        provenance(data, group_by=[HOSTILE])
        unlocked(data, "scores", HOSTILE)
    assert len(shown) == 3
    for bundle in shown:
        page = Cells(bundle["text/html"])
        assert "script" not in page.tags
        assert "&lt;script&gt;" in bundle["text/html"]
        assert "\x1b" not in bundle["text/plain"]


def test_the_provenance_says_that_no_data_were_opened(capsys: pytest.CaptureFixture[str]) -> None:
    provenance(None, base_retention=0.85)
    said = capsys.readouterr().out
    assert "none: what counts was entered" in said
    assert "0.85" in said
    assert "Fingerprint" not in said


def test_the_provenance_is_the_same_twice_and_holds_no_time(
    small: Data, shown: list[dict[str, Any]]
) -> None:
    provenance(small, horizon=36, name="x")
    provenance(small, horizon=36, name="x")
    assert shown[0] == shown[1]
    found = dict(Cells(shown[0]["text/html"]).rows[1:])  # type: ignore[arg-type]
    assert found["Data"] == "Small & co"
    assert found["As of"] == "2025-06-30"
    assert found["Fingerprint of the data"] == small.fingerprint
    assert (found["Parameter horizon"], found["Parameter name"]) == ("36", "'x'")
    assert found["cxresearch"] == cxresearch.__version__
    assert found["pandas"] == pd.__version__


# require_usable, unlocked


def test_usable_data_pass(small: Data) -> None:
    assert require_usable(small).usable


def test_broken_data_are_refused_by_rule_and_cure_and_without_a_customer() -> None:
    customers = lifetimes(300)
    customers["customer_id"] = "KUNDE-" + customers["customer_id"]
    customers["start_date"] = customers["start_date"].astype(str)
    customers.loc[5, "start_date"] = "KUNDE-C00005 soon"
    customers.loc[9, "customer_id"] = customers.loc[8, "customer_id"]
    replies = answers(lifetimes(300)).assign(response_id=lambda f: "KUNDE-" + f["response_id"])
    frames = {"customers": customers, "survey_responses": replies}
    with open_frames(frames, **recipe()) as data, pytest.raises(DataError) as error:
        require_usable(data)
    said = str(error.value)
    assert "KUNDE" not in said
    for where, count, problem, cure in (
        ("customers.customer_id", 2, "rows share their customer_id with", "Keep one row each"),
        ("customers.start_date", 1, "cells of start_date are no date", "format = "),
        ("survey_responses.customer_id", 300, "rows refer to a customer_id that", "leading zeros"),
    ):
        (line,) = [each for each in error.value.problems if each.startswith(f"{where}: ")]
        assert str(count) in line
        assert problem in line
        assert cure in line
    assert error.value.problems[-1] == "Run `cxresearch check` to see which rows they are."


def test_what_is_missing_is_named(small: Data, capsys: pytest.CaptureFixture[str]) -> None:
    assert unlocked(small, "dates", "anything")
    assert unlocked(small, "customers", "anything")
    assert capsys.readouterr().out == ""
    assert not unlocked(small, "scores", "retention by score")
    assert not unlocked(small, "costs", "what it costs")
    assert capsys.readouterr().out == (
        "Not shown: retention by score. It would take survey_responses with the nps scale in the "
        "recipe, and start_date and end_date.\n"
        "Not shown: what it costs. It would take the table costs.\n"
    )


# tabulate


def life(labels: list[str], n: int = 60, column: str = "plan") -> LifeTable:
    tenure = [1 + i % 24 for i in range(n * len(labels))]
    lost = [i % 3 == 0 for i in range(len(tenure))]
    group = [label for label in labels for _ in range(n)]
    return LifeTable.from_durations(tenure, lost, group={column: group})


def test_one_row_per_group_and_one_column_per_label(shown: list[dict[str, Any]]) -> None:
    curves = retention_curves(life(["a", "b"]))
    found = curves.findings([6, 12])
    tabulate(found, spread="tenure")
    (bundle,) = shown
    assert bundle[MIME] == [each.to_dict() for each in found]
    head, first, second = Cells(bundle["text/html"]).rows
    assert head == ["plan", "customers", "after 6 months", "after 12 months", "median tenure"]
    share = curves["a"].at(6)
    assert share.value is not None
    assert share.ci_lower is not None
    assert share.ci_upper is not None
    assert first[:3] == [
        "a", "60", words.percent_interval(share.value, share.ci_lower, share.ci_upper),
    ]  # fmt: skip
    assert second[:2] == ["b", "60"]
    assert 'class="cx-number"' in bundle["text/html"]


def counted(sentence: str = "2 groups with fewer than 30 customers are not reported.") -> Finding:
    return Finding("not_reported", None, None, None, None, "share", sentence)


def test_groups_too_small_are_counted_below_the_table(shown: list[dict[str, Any]]) -> None:
    tabulate([*retention_curves(life(["a"])).findings([12]), counted()], spread="tenure")
    (bundle,) = shown
    assert [row[0] for row in Cells(bundle["text/html"]).rows] == ["plan", "a"]
    assert bundle["text/html"].count("2 groups with fewer than 30 customers are not reported.") == 1
    assert bundle["text/plain"].endswith(
        "\n2 groups with fewer than 30 customers are not reported."
    )
    assert bundle[MIME][-1] == counted().to_dict()


def test_a_period_too_small_is_a_row_without_a_number(shown: list[dict[str, Any]]) -> None:
    tabulate(
        not_reported({"period": "2024"}, 30, "customers", None),
        finding(id="churn_rate", group={"period": "2025"}),
    )
    (bundle,) = shown
    assert Cells(bundle["text/html"]).rows == [
        ["period", "customers", "churn rate"],
        ["2024", "–", "–"],
        ["2025", "7,043", "84 % (83 to 85 %)"],
    ]
    assert "Customers with period 2024 are not reported: fewer than 30" in bundle["text/html"]


def test_only_groups_too_small(shown: list[dict[str, Any]]) -> None:
    tabulate(counted())
    assert "<table" not in shown[0]["text/html"]
    assert shown[0]["text/plain"] == counted().sentence
    assert shown[0][MIME] == [counted().to_dict()]


def test_nothing_is_shown_of_nothing(
    shown: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    tabulate()
    tabulate([])
    assert shown == []
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("column", ["customers", "median_tenure", "not_reported", "after 6 months"])
def test_a_column_may_be_called_as_a_heading_is(shown: list[dict[str, Any]], column: str) -> None:
    tabulate(retention_curves(life(["a", "b"], column=column)).findings([6]), spread="tenure")
    head, first, _ = Cells(shown[0]["text/html"]).rows
    assert len(head) == len(set(head)) == 4
    assert first[:2] == ["a", "60"]
    assert head[0].startswith(column.replace("_", " "))
    assert set(head[1:]) == {"customers", "after 6 months", "median tenure"}


def test_two_kinds_of_findings_do_not_share_a_column(shown: list[dict[str, Any]]) -> None:
    curves = retention_curves(life(["a"]))
    tabulate(tenure_rates(curves)[0].at("6"), spread="tenure")
    head, first = Cells(shown[0]["text/html"]).rows
    assert head[2:] == ["retention rate after 6 months", "churn rate after 6 months"]
    stay, leave = (float(cell.split(" ")[0]) for cell in first[2:])
    assert stay + leave == 100


def test_groups_with_hostile_names_are_text(shown: list[dict[str, Any]]) -> None:
    tabulate(retention_curves(life([HOSTILE, "b"])).findings([6]), spread="tenure")
    tabulate(not_reported({"plan": HOSTILE}, 30, "customers", None))
    for bundle in shown:
        page = Cells(bundle["text/html"])
        assert not page.tags & {"script", "b"}
        assert any("<script>" in row[0] for row in page.rows)
        assert "\x1b" not in bundle["text/plain"]
        json.dumps(bundle, allow_nan=False)


def test_units_decide_how_numbers_read(shown: list[dict[str, Any]]) -> None:
    tabulate(
        finding(group={"plan": "a"}),
        finding(id="mean", unit="months", value=20.14, ci_lower=19.7, ci_upper=20.5,
                group={"plan": "a"}),
        finding(id="open", unit="months", value=34, ci_lower=30, ci_upper=None,
                group={"plan": "a"}),
        finding(id="unknown", value=None, ci_lower=None, ci_upper=None, group={"plan": "a"}),
    )  # fmt: skip
    assert Cells(shown[0]["text/html"]).rows[1] == [
        "a", "7,043", "84 % (83 to 85 %)", "20.1 (19.7 to 20.5)", "34 (30 to not reached)", "–",
    ]  # fmt: skip


def test_outside_a_notebook_the_table_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    tabulate(finding(group={"plan": "a", "tenure": "12"}), spread="tenure")
    assert capsys.readouterr().out.split() == (
        [
            "plan",
            "customers",
            "after",
            "12",
            "months",
            "a",
            "7043",
            "84",
            "%",
            "(83",
            "to",
            "85",
            "%)",
        ]
    )


@pytest.mark.parametrize("wrong", ["text", 1, None])
def test_what_has_no_findings_is_refused(wrong: Any) -> None:
    with pytest.raises(CxError, match="has no findings"):
        tabulate(wrong)


def test_not_reported_says_whom_and_the_rule() -> None:
    said = not_reported({"plan": "a", "region": "n"}, 30, "customers who answered", None).sentence
    assert said == (
        "Customers who answered with plan a, region n are not reported: fewer than 30 customers "
        "who answered."
    )


def test_tenures_are_counted_in_the_periods_of_the_data(shown: list[dict[str, Any]]) -> None:
    found = retention_curves(life(["a"])).findings([1, 6])
    tabulate(found, spread="tenure", periods_per_year=1)
    assert Cells(shown[0]["text/html"]).rows[0][2:4] == ["after 1 year", "after 6 years"]


def test_rows_say_their_unit_and_what_is_assumed(shown: list[dict[str, Any]]) -> None:
    def at(tenure: str, grade: str, unit: str = "share") -> Finding:
        group = {"model": "sbg", "tenure": tenure}
        return finding(id="x", group=group, grade=grade, unit=unit)

    tabulate(
        at("7", "C"), at("14", "D"), spread="model", periods_per_year=1, assumed="extrapolated"
    )
    _, *rows = Cells(shown[0]["text/html"]).rows
    assert [row[0] for row in rows] == ["7 years", "14 years, extrapolated"]
    tabulate(at("7", "D", "years"), spread="model", periods_per_year=1)
    assert Cells(shown[1]["text/html"]).rows[0] == ["tenure", "customers", "sBG, years"]


def test_parameters_tests_and_missing_reasons_are_worded(shown: list[dict[str, Any]]) -> None:
    tabulate(
        finding(id="a", unit="parameter", value=0.66809, ci_lower=0.4928, ci_upper=0.9057),
        finding(id="b", unit="p-value", value=0.47, ci_lower=None, ci_upper=None),
        finding(id="c", unit="p-value", value=None, ci_lower=None, ci_upper=None),
    )
    assert Cells(shown[0]["text/html"]).rows[1][-3:] == [
        "0.6681 (0.4928 to 0.9057)", "p = 0.47", "–",
    ]  # fmt: skip
    tabulate(finding(id="d", group={"cause": "not recorded"}), spread="cause")
    assert Cells(shown[1]["text/html"]).rows[0][-1] == "no reason recorded"
    tabulate(finding(id="e", group={"model": "bdw", "fit_periods": "4"}))
    assert Cells(shown[2]["text/html"]).rows[1][:2] == ["BdW", "first 4 months"]


def test_money_is_rounded_by_its_interval_and_counts_can_be_left_out(
    shown: list[dict[str, Any]],
) -> None:
    amounts = [
        finding(id="lifetime_value", unit=unit, value=541.4, ci_lower=509.6, ci_upper=573.2, n=n,
                group={"horizon": horizon, "score_group": score})
        for score, n in (("detractor", 513), ("promoter", 1125))
        for horizon, unit in (("36", "EUR"), ("1", "amount"))
    ]  # fmt: skip
    tabulate(amounts, spread="score_group", counted="")
    (bundle,) = shown
    text = " ".join(bundle["text/plain"].split())
    assert "horizon detractor promoter" in text
    assert "36 months EUR 540 (510 to 570) EUR 540 (510 to 570)" in text
    assert "1 month 540 (510 to 570)" in text
    assert "513" not in text
