"""Who was invited, who answered in time, and who was still there afterwards: counted by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from frames import lifetimes, recipe
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import parse

from cxresearch import sql
from cxresearch.errors import DataError
from cxresearch.invitation_table import OUTCOMES, InvitationTable
from cxresearch.invitations import Asked, invitation_query, invited_relations, responder_query
from cxresearch.source import Data, open_data, open_frames

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"


def customers(*rows: tuple[str, str, str | None]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["customer_id", "start_date", "end_date"])
    frame["plan"] = "basic"
    return frame


def invitations(*rows: tuple[str, str, str, bool]) -> pd.DataFrame:
    columns = ["invitation_id", "customer_id", "invited_at", "bounced"]
    return pd.DataFrame(rows, columns=columns).assign(survey_id="s")


def responses(*rows: tuple[str, str, str, float, str | None]) -> pd.DataFrame:
    columns = ["response_id", "customer_id", "responded_at", "score", "invitation_id"]
    return pd.DataFrame(rows, columns=columns).assign(metric="nps", survey_id="s")


def opened(people: pd.DataFrame, sent: pd.DataFrame, got: pd.DataFrame, **extra: Any) -> Data:
    tables = {"customers": people, "survey_invitations": sent, "survey_responses": got}
    tables |= extra.pop("tables", {})
    return open_frames(tables, **recipe(**extra))


def outcomes(table: InvitationTable) -> dict[str, int]:
    counts = table.invitations.sum(axis=(0, 1))
    return {name: int(n) for name, n in zip(OUTCOMES, counts, strict=True) if n}


FOUR = customers(
    ("A", "2024-01-10", None), ("B", "2024-06-15", None), ("C", "2025-01-20", "2025-03-20"),
    ("D", "2025-03-01", None),
)  # fmt: skip
SENT = invitations(
    ("I1", "A", "2025-02-01", False),
    ("I2", "B", "2025-02-01", True),
    ("I3", "C", "2025-02-01", False),
    ("I4", "D", "2025-02-01", False),  # not yet a customer
    ("I5", "C", "2025-04-01", False),  # no longer one
    ("I6", "A", "2025-06-10", False),  # could still answer
    ("I7", "B", "2025-04-10", True),  # bounced, they say, but it was answered
)
GOT = responses(
    ("R1", "A", "2025-02-03", 9, "I1"),
    ("R2", "C", "2025-04-15", 0, "I3"),  # after 73 days
    ("R3", "B", "2025-04-12", 3, "I7"),
    ("R4", "B", "2025-05-12", 10, None),
    ("R5", "A", "2025-02-04", 2, "I1"),  # a second answer to the same invitation
)


def test_each_invitation_is_counted_once_or_left_out_with_the_reason():
    with opened(FOUR, SENT, GOT) as data:
        table = data.invitation_table(wave="none")
        counted = data.invitation_counts()
    assert outcomes(table) == {"bounced": 1, "silent": 1, "promoter": 1, "detractor": 1}
    assert table.left_out == {
        "after the customer left": 1,
        "before the customer started": 1,
        "the time to answer was not over": 1,
    }
    assert counted.sum() == len(SENT)
    assert counted["counted"] == 4
    assert (table.delivered.sum(), table.answered.sum()) == (3, 2)
    assert table.unlinked == 1
    assert "within 30 days" in table.definition
    assert "bounced invitations are in neither" in table.definition


def test_days_to_answer_move_what_counts():
    with opened(FOUR, SENT, GOT) as data:
        assert outcomes(data.invitation_table(wave="none", response_days=73))["detractor"] == 2
        assert outcomes(data.invitation_table(wave="none", response_days=1)) == {
            "bounced": 2, "silent": 3,
        }  # fmt: skip
        assert "1 day," in data.invitation_table(response_days=1).definition


def test_an_answer_of_somebody_else_is_not_the_answer():
    got = responses(("R1", "B", "2025-02-03", 9, "I1"), ("R2", "A", "2025-02-03", 9, "I2"))
    sent = invitations(("I1", "A", "2025-02-01", False), ("I2", "B", "2025-02-01", False))
    with opened(FOUR, sent, got) as data:
        assert outcomes(data.invitation_table(wave="none")) == {"silent": 2}


def test_waves_stand_in_order_of_time():
    sent = invitations(("I1", "A", "2025-02-01", False), ("I2", "B", "2024-12-01", False))
    got = responses(("R1", "A", "2025-02-03", 9, "I1"), ("R2", "B", "2024-12-01", 7, "I2"))
    sent["survey_id"], got["survey_id"] = ["a later one", "the first"], ["a later one", "the first"]
    with opened(FOUR, sent, got) as data:
        assert data.invitation_table(wave="survey").waves == ("the first", "a later one")
        assert data.invitation_table(wave="month").waves == ("2024-12", "2025-02")
        assert data.invitation_table(wave="quarter").waves == ("2024-Q4", "2025-Q1")
        years = data.invitation_table(["plan"], wave="year")
    assert years.groups == (("2024", "basic"), ("2025", "basic"))
    assert [t.waves for t in years.by_wave()] == [("2024",), ("2025",)]


def test_only_surveys_that_asked_the_question_count():
    sent = invitations(
        ("I1", "A", "2025-02-01", False), ("I2", "B", "2025-02-01", False),
        ("I3", "A", "2025-02-05", False), ("I4", "B", "2025-02-05", False),
    ).assign(survey_id=["nps", "nps", "ticket", "ticket"])  # fmt: skip
    got = responses(("R1", "A", "2025-02-03", 9, "I1"), ("R2", "A", "2025-02-06", 4, "I3"))
    got["metric"] = ["NPS", "CSAT"]
    scales = {"nps": {"min": 0, "max": 10}, "csat": {"min": 1, "max": 5}}
    with opened(FOUR, sent, got, scales=scales) as data:
        assert outcomes(data.invitation_table(wave="none")) == {"promoter": 1, "silent": 1}
        csat = data.invitation_table(wave="none", metric="csat")
    assert outcomes(csat) == {"answered": 1, "silent": 1}
    assert csat.left_out == {"the survey asked something else": 2}


def test_what_is_known_on_the_day_of_the_invitation():
    people = customers(*((name, start, None) for name, start in (
        ("A", "2024-08-02"), ("B", "2024-08-01"), ("C", "2024-02-01"), ("D", "2023-02-01"),
    )))  # fmt: skip
    sent = invitations(*((f"I{name}", name, "2025-02-01", False) for name in "ABCD"))
    got = responses(("R1", "A", "2025-02-03", 9, "IA"))
    events = pd.DataFrame(
        {
            "customer_id": ["A", "A", "B", "C", "C"],
            "event_at": ["2025-01-31", "2024-12-24", "2025-02-01", "2024-08-05", "2024-08-04"],
            "event_type": "ticket",
        }
    )
    with opened(people, sent, got, tables={"touchpoints": events}) as data:
        table = data.invitation_table(["tenure_band", "tickets_before"], wave="none")
    assert dict(zip(table.groups, table.n.tolist(), strict=True)) == {
        ("0 to 5", "2 and more"): 1,  # A: 5 months and 30 days; both tickets within 180 days
        ("6 to 11", "0"): 1,  # B: 6 months; a ticket of the same day was not before
        ("12 to 23", "1"): 1,  # C: 12 months; one ticket 180 days before, one 181
        ("24 and more", "0"): 1,
    }


def test_customers_invited_twice_in_a_wave_are_counted_once():
    sent = invitations(("I1", "A", "2025-02-01", False), ("I2", "A", "2025-02-20", False))
    with opened(FOUR, sent, responses(("R1", "A", "2025-02-21", 9, "I2"))) as data:
        month, year = (data.invitation_table(wave=wave) for wave in ("month", "none"))
    assert not month.once
    assert year.invitations.sum() == 2
    assert year.customers.sum() == 1


def test_waves_pooled_hold_customers_twice():
    sent = invitations(("I1", "A", "2025-01-01", False), ("I2", "A", "2025-02-20", False))
    with opened(FOUR, sent, responses(("R1", "A", "2025-02-21", 9, "I2"))) as data:
        table = data.invitation_table(wave="month")
    assert table.once
    assert not table.pooled().once


# The clock after the survey


def test_the_clock_starts_for_both_on_the_last_day_to_answer():
    people = customers(
        ("A", "2024-01-01", None), ("B", "2024-01-01", "2025-03-03"),
        ("C", "2024-01-01", "2025-03-04"), ("D", "2024-01-01", "2025-05-03"),
        ("E", "2024-01-01", "2025-06-10"),
    )  # fmt: skip
    sent = invitations(*((f"I{name}", name, "2025-02-01", False) for name in "ABCDE"))
    sent.loc[len(sent)] = ["IX", "A", "2025-02-01", True, "s"]
    got = responses(("R1", "A", "2025-02-03", 9, "IA"), ("R2", "D", "2025-02-03", 9, "ID"))
    with opened(people, sent, got) as data:
        table = data.responder_table()
    frame = table.to_frame().set_index(["response", "tenure"])
    assert table.group_columns == ("response",)
    # The clock starts on 3 March; B has left by then and IX never arrived, so neither is in it.
    assert frame["entered"].groupby("response").sum().to_dict() == {"answered": 2, "silent": 2}
    assert frame.loc[("silent", 1), "churned"] == 1  # C, a day later
    assert frame.loc[("answered", 2), "churned"] == 1  # D, on the day the second month ends
    # At the last day, three months are whole: A is still there, and E left in a month not whole.
    assert frame.loc[("answered", 3), "censored"] == 1
    assert frame.loc[("silent", 3), "censored"] == 1
    assert table.axis[-1] == 3


def test_who_gave_notice_before_the_clock_began_is_on_neither_side():
    people = customers(("A", "2024-01-01", None), ("B", "2024-01-01", None))
    spells = pd.DataFrame(
        {
            "customer_id": ["A", "B"],
            "subscription_id": ["S1", "S2"],
            "start_date": "2024-01-01",
            "end_date": ["2025-03-20", "2025-03-20"],
            "notice_date": ["2025-02-20", "2025-03-10"],
        }
    )
    sent = invitations(("I1", "A", "2025-02-01", False), ("I2", "B", "2025-02-01", False))
    got = responses(("R1", "A", "2025-02-03", 9, "I1"), ("R2", "B", "2025-02-03", 9, "I2"))
    with opened(people, sent, got, tables={"subscriptions": spells}) as data:
        assert data.responder_table().n.tolist() == [1]


# The sample, other engines, and order


def test_the_sample_holds_what_its_truth_says():
    truth = json.loads((SAMPLE / "truth.json").read_text("utf-8"))["nps"]["waves"]
    with open_data(SAMPLE) as data:
        table = data.invitation_table(wave="survey")
    assert len(table.waves) == len(truth)
    for known, wave in zip(truth, table.by_wave(), strict=True):
        assert wave.invitations.sum() == known["invitations"]
        assert wave.answered.sum() == known["answers"]
        detractors, _, promoters = wave.scores.sum(axis=(0, 1))
        naive = 100 * (promoters - detractors) / known["answers"]
        assert naive == pytest.approx(known["naive_nps"], abs=1e-3)


@pytest.mark.parametrize("dialect", sql.DIALECTS)
def test_the_reductions_can_be_said_in_every_dialect(dialect: str):
    with open_data(SAMPLE) as data:
        blocks = data.pipeline
        relations = invited_relations(blocks, Asked(), ["plan"])
        for tree in (
            invitation_query(Asked(), "quarter", ["plan", "tenure_band"]),
            responder_query(blocks, ["plan"]),
        ):
            text = sql.render(sql.assemble(tree, {**blocks.relations, **relations}), dialect)
            assert len(parse(text, dialect=dialect)) == 1
            assert "@" not in text


@settings(max_examples=5)
@given(st.integers(0, 2**31))
def test_order_of_rows_changes_nothing(seed: int):
    people = lifetimes(60)
    rng = np.random.default_rng(1)
    sent = pd.DataFrame(
        {
            "invitation_id": [f"I{i}" for i in range(60)],
            "customer_id": people["customer_id"],
            "invited_at": people["start_date"] + pd.Timedelta(days=3),
            "survey_id": "s",
            "bounced": rng.random(60) < 0.1,
        }
    )
    got = sent[rng.random(60) < 0.5][["customer_id", "invitation_id", "invited_at"]]
    got = got.rename(columns={"invited_at": "responded_at"}).assign(metric="nps", score=9)
    got["response_id"] = [f"R{i}" for i in range(len(got))]
    found = []
    for order in (None, np.random.default_rng(seed)):
        frames = [
            f if order is None else f.sample(frac=1, random_state=order)
            for f in (people, sent, got)
        ]
        with opened(*frames) as data:
            found.append((data.invitation_table(["plan"]), data.responder_table(["plan"])))
    for first, second in zip(*found, strict=True):
        assert first.groups == second.groups
        for name in first.count_fields:
            np.testing.assert_array_equal(first.counts(name), second.counts(name))


# What is refused, and how


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ({"wave": "week"}, "wave 'week' does not exist"),
        ({"response_days": -1}, r"response_days is -1, must be a whole number from 0 to 365"),
        ({"response_days": 2.5}, r"response_days is 2\.5"),
        ({"metric": "nsp"}, "metric 'nsp' does not exist.*did you mean 'nps'"),
        ({"metric": "ces"}, "there is no scale for 'ces'"),
        ({"group_by": ["plam"]}, "no column 'plam' to group by.*Did you mean 'plan'"),
        ({"group_by": ["tickets_before"]}, "no column 'tickets_before'"),
    ],
)
def test_a_wrong_argument_is_named(call: dict[str, Any], message: str):
    with opened(FOUR, SENT, GOT) as data, pytest.raises(DataError, match=message):
        data.invitation_table(**call)


def test_a_missing_table_or_link_is_named():
    with (
        open_frames({"customers": FOUR}, **recipe()) as data,
        pytest.raises(
            DataError, match=r"survey_invitations: there is no such table.*\n.*responses"
        ),
    ):
        data.invitation_table()
    with (
        opened(FOUR, SENT, GOT.drop(columns="invitation_id")) as data,
        pytest.raises(DataError, match="no column invitation_id, so no answer can be matched"),
    ):
        data.invitation_table()
    with (
        opened(FOUR, SENT.drop(columns="survey_id"), GOT) as data,
        pytest.raises(DataError, match="wave is 'survey', must not be without a column survey_id"),
    ):
        data.invitation_table(wave="survey")


def test_nothing_to_count_says_why():
    got = responses(("R1", "A", "2025-06-12", 9, "I6"))
    with (
        opened(FOUR, SENT[SENT["invitation_id"] == "I6"], got) as data,
        pytest.raises(DataError, match=r"there are 0 invitations to count .*was not over: 1"),
    ):
        data.invitation_table()


def test_a_column_with_the_name_of_a_count_is_refused():
    people = FOUR.assign(bounced="x")
    with (
        opened(people, SENT, GOT) as data,
        pytest.raises(DataError, match="'bounced' has a meaning of its own"),
    ):
        data.invitation_table(["bounced"])


def test_an_unknown_outcome_is_refused():
    frame = pd.DataFrame({"outcome": ["lost"], "invitations": [1]})
    with pytest.raises(DataError, match="outcome has 'lost', must be one of bounced, silent"):
        InvitationTable.from_counts(frame)
