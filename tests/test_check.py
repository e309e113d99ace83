"""Every rule finds its offenders, counts them, names a few and says the cure."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from frames import AS_OF, answers, lifetimes, recipe

from cxresearch.checking import CheckResult, Offence, check
from cxresearch.needs import unlocks
from cxresearch.source import open_frames

Frames = dict[str, pd.DataFrame]


def sound() -> Frames:
    customers = lifetimes()
    subscriptions = customers[["customer_id", "start_date", "end_date"]].assign(
        subscription_id=lambda f: "S" + f["customer_id"], notice_date=pd.NaT
    )
    revenue = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "month": "2025-01",
            "revenue": 10.0,
            "currency": "EUR",
        }
    )
    return {
        "customers": customers.drop(columns=["start_date", "end_date"]),
        "subscriptions": subscriptions,
        "survey_responses": answers(customers),
        "revenue": revenue,
    }


def run(frames: Frames, **extra: Any) -> CheckResult:
    with open_frames(frames, **recipe(**extra)) as data:
        return check(data)


def only(result: CheckResult, rule: str) -> Offence:
    (offence,) = [o for o in result.offences if o.rule == rule]
    return offence


def put(table: str, row: int, column: str, value: object) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frame = frames[table] = frames[table].astype({column: object})
        frame.loc[row, column] = value

    return change


def double(table: str, row: int) -> Callable[[Frames], None]:
    def change(frames: Frames) -> None:
        frames[table] = pd.concat([frames[table], frames[table].iloc[[row]]], ignore_index=True)

    return change


def test_a_sound_extract_has_no_errors() -> None:
    result = run(sound())
    assert result.usable
    assert not [o for o in result.offences if o.severity == "error"]
    assert result.rules > 30
    assert result.sentence().startswith("The data can be used.")


@pytest.mark.parametrize(
    ("change", "rule", "where", "count", "named"),
    [
        (put("customers", 3, "customer_id", None), "missing", "customers.customer_id", 1, "(row 4)"),
        (double("customers", 5), "duplicate", "customers.customer_id", 2, "'C00005'"),
        (double("survey_responses", 5), "duplicate_pair", "survey_responses.response_id", 2, "'R5'"),
        (double("revenue", 7), "duplicate_pair", "revenue.customer_id", 2, "(row 8)"),
        (put("revenue", 2, "customer_id", "7"), "orphan", "revenue.customer_id", 1, "= '7'"),
        (
            put("subscriptions", 1, "start_date", "31.12.2024"),
            "unreadable", "subscriptions.start_date", 1, "= '31.12.2024'",
        ),
        (put("subscriptions", 1, "start_date", ""), "missing", "subscriptions.start_date", 1, "row 2"),
        (
            put("subscriptions", 1, "end_date", "2019-01-01"),
            "ends_before_start", "subscriptions.end_date", 1, "to 2019-01-01",
        ),
        (double("subscriptions", 2), "overlap", "subscriptions.start_date", 1, "'SC00002'"),
        (
            put("survey_responses", 9, "responded_at", "2025-07-01"),
            "after_as_of", "survey_responses.responded_at", 1, "= '2025-07-01'",
        ),
        (put("survey_responses", 9, "score", 11), "off_scale", "survey_responses.score", 1, "'R9' = '11"),
        (put("survey_responses", 9, "score", "ten"), "unreadable", "survey_responses.score", 1, "'ten'"),
        (
            put("survey_responses", 9, "metric", "smiles"),
            "unknown_metric", "survey_responses.metric", 1, "= 'smiles'",
        ),
        (put("revenue", 4, "currency", "USD"), "other_currency", "revenue.currency", 1, "= 'USD'"),
        (put("revenue", 4, "revenue", "1.000,50"), "unreadable", "revenue.revenue", 1, "'1.000,50'"),
    ],
)  # fmt: skip
def test_an_error_is_counted_and_named(
    change: Callable[[Frames], None], rule: str, where: str, count: int, named: str
) -> None:
    frames = sound()
    change(frames)
    result = run(frames)
    (offence,) = [o for o in result.offences if o.rule == rule and o.where == where]
    assert offence.severity == "error"
    assert offence.count == count
    assert named in " ".join(offence.rows)
    assert offence.cure
    assert not result.usable


def test_all_offenders_are_reported_at_once() -> None:
    frames = sound()
    for row in range(12):
        put("survey_responses", row, "score", -1)(frames)
    double("customers", 1)(frames)
    put("revenue", 4, "currency", "USD")(frames)
    result = run(frames)
    assert only(result, "off_scale").count == 12
    assert len(only(result, "off_scale").rows) == 5
    assert {"off_scale", "duplicate", "two_currencies", "other_currency"} <= {
        o.rule for o in result.offences
    }
    assert only(result, "two_currencies").problem == "currencies in one column"


def test_no_zero_on_a_scale_from_zero() -> None:
    frames = sound()
    frames["survey_responses"]["score"] = frames["survey_responses"]["score"].clip(lower=1)
    offence = only(run(frames), "no_zero")
    assert (offence.severity, offence.count) == ("warning", 400)
    assert "say min = 1" in offence.cure
    assert not [
        o
        for o in run(frames, scales={"nps": {"min": 1, "max": 10}}).offences
        if o.rule == "no_zero"
    ]


def test_answers_after_notice_and_after_the_end() -> None:
    frames = sound()
    gone = frames["subscriptions"]["end_date"].notna()
    frames["subscriptions"].loc[gone, "notice_date"] = frames["subscriptions"]["start_date"]
    late = (
        frames["survey_responses"]["customer_id"]
        == frames["subscriptions"].loc[gone, "customer_id"].iloc[0]
    )
    frames["survey_responses"].loc[late, "responded_at"] = pd.Timestamp(AS_OF)
    result = run(frames)
    reasons = {o.problem: o.count for o in result.offences if o.rule == "unused_answer"}
    assert reasons["nps answers were given after the customer left"] == 1
    assert reasons["nps answers were given after notice was given"] == gone.sum() - 1
    assert result.usable


def test_survivors_only() -> None:
    frames = {"customers": lifetimes().assign(end_date=pd.NaT)}
    offence = only(run(frames), "survivors_only")
    assert (offence.severity, offence.count) == ("error", 400)
    assert "survivors only" in offence.cure


def test_no_loss_while_observed() -> None:
    frames = {"customers": lifetimes()}
    last = frames["customers"]["end_date"].max().date() + dt.timedelta(days=1)
    offence = only(run(frames, observed_from=last), "no_events")
    assert offence.severity == "error"
    assert "observed_from" in offence.cure


def test_late_entry_is_suspected() -> None:
    customers = lifetimes(2000)
    kept = customers[~(customers["end_date"] < pd.Timestamp("2023-06-01"))]
    offence = only(run({"customers": kept}), "late_entry")
    assert offence.severity == "warning"
    first = kept["end_date"].min().date()
    assert f"observed_from = '{first}'" in offence.cure.replace('"', "'")
    assert not [
        o for o in run({"customers": kept}, observed_from=first).offences if o.rule == "late_entry"
    ]


def test_a_group_without_losses_and_few_customers() -> None:
    customers = lifetimes(25)
    customers["plan"] = ["never"] * 5 + ["some"] * 20
    customers.loc[:4, "end_date"] = pd.NaT
    result = run({"customers": customers}, group_by=["plan"])
    assert only(result, "silent_group").rows == ("'never' = '5'",)
    assert only(result, "few_customers").severity == "warning"
    assert result.usable


def test_tenure_extracts() -> None:
    frame = pd.DataFrame(
        {"customer_id": list("abcde"), "tenure": [0, -1, "2.5", 4, 5], "churned": [1, 0, 1, "?", 1]}
    )
    result = run({"customers": frame})
    assert only(result, "churned_at_zero").rows == ("'a' = '0' (row 1)",)
    assert "tenure_counts" in only(result, "churned_at_zero").cure
    assert only(result, "negative").count == 1
    assert {o.where for o in result.offences if o.rule == "unreadable"} == {
        "customers.tenure", "customers.churned",
    }  # fmt: skip


def test_an_empty_column_and_an_empty_table() -> None:
    frames = sound()
    frames["customers"]["segment"] = None
    frames["revenue"] = frames["revenue"].iloc[:0]
    result = run(frames)
    assert only(result, "only_nulls").where == "customers.segment"
    assert only(result, "no_rows").where == "revenue"


def test_hostile_ids_are_shown_on_one_line_and_never_in_a_frame() -> None:
    frames = sound()
    evil = "\x1b[31m<script>alert(1)</script>\n" + "x" * 200
    put("revenue", 2, "customer_id", evil)(frames)
    result = run(frames)
    (row,) = only(result, "orphan").rows
    assert "\x1b" not in row
    assert "\n" not in row
    assert len(row) < 200
    assert "script" not in result.to_frame().to_string()


def test_machines_get_everything() -> None:
    frames = sound()
    double("customers", 1)(frames)
    content = json.loads(json.dumps(run(frames).to_dict()))
    assert content["usable"] is False
    (offence,) = [o for o in content["offences"] if o["rule"] == "duplicate"]
    assert offence["count"] == 2
    assert offence["rows"] == ["'C00001' (row 2)", "'C00001' (row 401)"]
    assert content["tables"]["customers"] == 401


def test_notebooks_say_what_they_need(tmp_path: Path) -> None:
    def notebook(name: str, wants: Mapping[str, object]) -> None:
        cells = [{"cell_type": "markdown", "source": [f"# {name}?\n", "more"], "metadata": {}}]
        content = {"cells": cells, "metadata": {"cxresearch": wants}}
        (tmp_path / f"{name}.ipynb").write_text(json.dumps(content), encoding="utf-8")

    notebook("a", {"needs": ["lifetimes"], "adds": {"scores": "curves by score"}})
    notebook("b", {"needs": ["scores", "revenue"]})
    tenure = pd.DataFrame({"customer_id": ["a"], "tenure": [1], "churned": [1]})
    with open_frames({"customers": tenure}) as data:
        a, b = unlocks(data, tmp_path)
    assert a.unlocked
    assert a.title == "a?"
    assert a.missing == (
        "curves by score need survey_responses with the nps scale in the recipe, and start_date "
        "and end_date",
    )
    assert not b.unlocked
    assert b.missing[1] == "needs the table revenue"
    with open_frames(sound(), **recipe()) as data:
        assert all(unlock.unlocked for unlock in unlocks(data, tmp_path))


def test_who_was_brought_by_a_stranger_is_a_warning_without_the_name() -> None:
    frames = sound()
    brought = frames["customers"].assign(referred_by="C00001")
    frames["customers"] = brought
    put("customers", 2, "referred_by", "Ann Smith")(frames)
    result = run(frames)
    offence = only(result, "orphan")
    assert (offence.severity, offence.where, offence.count) == (
        "warning",
        "customers.referred_by",
        1,
    )
    assert "Ann" not in offence.sentence
    assert result.usable
