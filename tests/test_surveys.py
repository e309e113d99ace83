"""From answers in files to a score table: waves, reasons, replicates, scales."""

from __future__ import annotations

import datetime as dt
import hashlib

import duckdb
import numpy as np
import pandas as pd
import pytest
from frames import AS_OF, answers, lifetimes, recipe

from cxresearch import sql
from cxresearch.errors import DataError
from cxresearch.recipe import Scale
from cxresearch.score_table import ScoreTable
from cxresearch.scores.levels import score_levels, score_waterfall
from cxresearch.source import open_frames
from cxresearch.surveys import ScoreRequest, score_query

SCALES = {
    "nps": {"min": 0, "max": 10},
    "csat": {"min": 1, "max": 5},
    "ces": {"min": 1, "max": 7, "high_is": "easy"},
}


def replies(rows):
    names = ["response_id", "customer_id", "responded_at", "metric", "score"]
    return pd.DataFrame([(f"R{i}", *row) for i, row in enumerate(rows)], columns=names)


def opened(rows, **extra):
    customers = pd.DataFrame(
        {"customer_id": list("abcd"), "start_date": "2020-01-01", "end_date": [None] * 3 + ["2025-01-01"],
         "plan": ["x", "x", "y", None]}
    )  # fmt: skip
    frame = rows if isinstance(rows, pd.DataFrame) else replies(rows)
    given = recipe(scales=SCALES) | extra
    return open_frames({"customers": customers, "survey_responses": frame}, **given)


def test_the_table_counts_what_pandas_counts():
    customers = lifetimes(400)
    given = answers(customers)
    with open_frames({"customers": customers, "survey_responses": given}, **recipe()) as data:
        found = data.score_table("NPS", wave="quarter", group_by=["plan", "region"])
    used = given.merge(customers, on="customer_id")
    used["wave"] = used["responded_at"].dt.to_period("Q").map(lambda p: f"{p.year}-Q{p.quarter}")
    wanted = (
        used.fillna({"region": "(missing)"}).groupby(["wave", "plan", "region", "score"]).size()
    )
    counted = found.to_frame().set_index(["wave", "plan", "region", "score"])["answers"]
    assert counted[counted > 0].to_dict() == wanted.to_dict()
    assert found.as_of == AS_OF.isoformat()


def test_replicates_are_those_of_all_other_tables():
    customers = lifetimes(300)
    with open_frames(
        {"customers": customers, "survey_responses": answers(customers)}, **recipe()
    ) as data:
        found = data.score_table("nps", wave="none")
    wanted = [int(hashlib.md5(i.encode()).hexdigest()[:2], 16) for i in customers["customer_id"]]
    np.testing.assert_array_equal(
        found.answers.sum(axis=(0, 2)), np.bincount(wanted, minlength=256)
    )


def test_every_answer_is_used_or_left_out_for_one_reason():
    rows = [
        ("a", "2025-01-01", "nps", 9),
        ("a", None, "nps", 9),
        ("b", "2025-02-01", " NPS ", None),
        (None, "2025-02-01", "nps", 3),
        ("c", "2025-07-01", "nps", 3),
        ("c", "2019-12-31", "nps", 3),
        ("c", "2025-06-30", "csat", 3),
    ]
    with opened(rows, observed_from=dt.date(2020, 1, 1)) as data:
        found = data.score_table("nps", wave="year")
    assert found.left_out == {
        "no date": 1, "no score": 1, "no customer id": 1, "after the last day": 1,
        "before the observation began": 1,
    }  # fmt: skip
    fall = score_waterfall(found)
    assert (fall.total, fall.used) == (6, 1)
    assert fall.sentence().startswith("Of 6 answers to the NPS question in the extract, 1 are used")


@pytest.mark.parametrize(
    ("wave", "labels", "incomplete"),
    [
        ("month", ("2024-12", "2025-05"), ("2025-05",)),
        ("quarter", ("2024-Q4", "2025-Q2"), ("2025-Q2",)),
        ("year", ("2024", "2025"), ("2025",)),
        ("none", (), ()),
    ],
)
def test_only_whole_waves_count_as_whole(wave, labels, incomplete):
    rows = [("a", "2024-12-31", "nps", 9), ("b", "2025-05-30", "nps", 9)]
    with opened(rows, as_of=dt.date(2025, 5, 30)) as data:
        found = data.score_table("nps", wave=wave)
    assert (found.waves, found.incomplete) == (labels, incomplete)
    if labels:
        last = score_levels(found, min_group=1)[1]
        assert last.sentence().endswith("The extract holds only part of this wave.")


def test_surveys_are_in_the_order_of_their_first_answer():
    frame = replies([("a", "2024-02-01", "nps", 9), ("b", "2024-01-01", "nps", 1),
                     ("c", "2024-03-01", "nps", 1)]).assign(survey_id=["wave 10", "wave 9", None])  # fmt: skip
    with opened(frame) as data:
        found = data.score_table("nps", wave="survey")
    assert found.waves == ("wave 9", "wave 10")
    assert found.left_out == {"no survey id": 1}


def test_a_customer_counts_once_per_wave():
    rows = [("a", "2025-01-01", "csat", 5), ("a", "2025-02-01", "csat", 1),
            ("b", "2025-02-01", "csat", 4), ("a", "2025-04-01", "csat", 4)]  # fmt: skip
    with opened(rows) as data:
        by_wave = data.score_table("csat", wave="quarter")
        whole = data.score_table("csat", wave="none")
    assert by_wave.n.tolist() == [2, 1]
    assert by_wave.n_answers.tolist() == [3, 1]
    assert whole.n.tolist() == [2]
    # of the same customer the first answer counts
    assert whole.customers.sum(axis=(0, 1)).tolist() == [0, 0, 0, 1, 1]


def test_a_doubled_customer_doubles_no_answer():
    customers = pd.DataFrame(
        {"customer_id": ["a", "a"], "start_date": "2020-01-01", "plan": ["x", "y"]}
    )
    frames = {"customers": customers, "survey_responses": replies([("a", "2025-01-01", "nps", 9)])}
    with open_frames(frames, **recipe()) as data:
        assert data.score_table("nps", group_by=["plan"]).n_answers.tolist() == [1]


def test_answers_alone_are_enough():
    frames = {"survey_responses": replies([("a", "2025-01-01", "nps", 9)])}
    with open_frames(frames, **recipe()) as data:
        assert data.score_table("nps").n_answers.tolist() == [1]


def refuse(match, rows=(("a", "2025-01-01", "nps", 9),), metric="nps", extra=None, **options):
    with opened(list(rows), **(extra or {})) as data, pytest.raises(DataError, match=match):
        data.score_table(metric, **options)


def test_what_cannot_be_counted_is_refused_with_the_cure():
    refuse("did you mean 'quarter'", wave="quartr")
    refuse(r"\[scales\] nps = \{ min = 0, max = 10 \}", extra={"scales": {}})
    refuse("there are 0 csat answers", metric="csat")
    refuse("score_group.*has a meaning of its own", group_by=["score_group"])
    refuse("no column 'plam' to group by", group_by=["plam"])
    refuse("without a column survey_id", wave="survey")
    refuse("1 nps scores lie outside 0 to 10", rows=[("a", "2025-01-01", "nps", 11)])
    with (
        open_frames({"customers": lifetimes(50)}, **recipe()) as data,
        pytest.raises(DataError, match="no table of answers"),
    ):
        data.score_table("nps")


def test_the_metrics_at_hand_are_those_with_answers_and_a_scale():
    rows = [("a", "2025-01-01", "NPS", 9), ("a", "2025-01-01", "csat", None), ("a", None, "ces", 5)]
    with opened(rows) as data:
        assert data.metrics == {"nps"}
    with opened(rows, scales={"nps": {"min": 0, "max": 5}}) as data:
        assert data.metrics == frozenset()
    with open_frames({"customers": lifetimes(50)}, **recipe()) as data:
        assert data.metrics == frozenset()


def test_no_value_of_a_customer_is_in_an_error():
    with opened([("SECRET", "2025-01-01", "nps", 77)]) as data, pytest.raises(DataError) as error:
        data.score_table("nps")
    assert "SECRET" not in str(error.value)
    assert "77" not in str(error.value)


@pytest.mark.parametrize("dialect", sql.DIALECTS)
def test_the_query_is_said_in_every_dialect(dialect):
    with opened([("a", "2025-01-01", "nps", 9)]) as data:
        tree = score_query(ScoreRequest("nps", "quarter", ["plan"]), data.recipe)
    text = sql.render(tree, dialect, pretty=True)
    assert "@" not in text
    assert "$" not in text


def test_the_query_runs_on_a_bare_engine():
    given = replies([("a", dt.date(2025, 1, 1), "NPS", 9), ("b", dt.date(2025, 1, 2), "nps", 2)])
    with opened(given) as data:
        text = sql.render(score_query(ScoreRequest("nps", "month"), data.recipe))
        found = data.score_table("nps", wave="month")
    with duckdb.connect() as connection:
        connection.register("customers", pd.DataFrame({"customer_id": ["a"]}))
        connection.register("survey_responses", given.assign(survey_id=None))
        assert connection.execute(text).df()["answers"].sum() == found.n_answers.sum() == 2


def test_national_results_of_hospitals_are_a_score_by_release(shared_data):
    """HCAHPS publishes the boxes 0–6, 7–8 and 9–10, which are the groups of the NPS."""
    frame = pd.read_csv(shared_data / "hcahps" / "national_results.csv")
    rating = frame[frame["Measure ID"] == "H_HSP_RATING"]
    boxes = {"Bottom-box Percentage": 3, "Middle-box Percentage": 7, "Top-box Percentage": 10}
    waves = rating["Release Period"].str.replace(r"(\d\d)_(\d{4})", r"\2-\1", regex=True)
    long = rating.assign(wave=waves).melt("wave", list(boxes), "box", "answers")
    long["score"] = long["box"].map(boxes)
    from_file = ScoreTable.from_counts(long, ["wave"], metric="nps", scale=Scale(0, 10))
    levels = {s.group["wave"]: s for s in score_levels(from_file)}
    assert len(levels) == len(rating) == 9
    for row, wave in zip(rating.itertuples(index=False), waves, strict=True):
        bottom, middle, top = row[2:5]
        assert levels[wave].score == pytest.approx(100 * (top - bottom) / (top + middle + bottom))
    assert levels["2015-07"].score == pytest.approx(63)
