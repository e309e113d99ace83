"""Answers as counts: what a score table keeps, pools and refuses."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.errors import DataError
from cxresearch.recipe import Scale
from cxresearch.score_table import ScoreTable

TEN = Scale(0, 10)


def table(rows, columns=("wave", "plan"), **words):
    names = [*columns, "score", "answers"]
    options = {"metric": "nps", "scale": TEN} | words
    return ScoreTable.from_counts(pd.DataFrame(rows, columns=names), columns, **options)


SMALL = [("2025", "a", 10, 5), ("2025", "b", 3, 2), ("2024", "a", 8, 4), ("2025", "a", 10, 1)]


def test_rows_are_summed_into_groups_and_scores():
    found = table(SMALL)
    assert found.groups == (("2024", "a"), ("2025", "a"), ("2025", "b"))
    assert found.axis == tuple(range(11))
    assert found.answers.shape == (3, 1, 11)
    assert found.n_answers.tolist() == [4, 6, 2]
    assert found.answers[1, 0, 10] == 6
    assert found.shown_waves == found.whole_waves == ("2024", "2025")
    assert found.to_frame()["answers"].sum() == 12
    assert "12 answers" in repr(found)


def test_counts_are_frozen():
    with pytest.raises(ValueError, match="read-only"):
        table(SMALL).answers[0, 0, 0] = 1


def test_waves_keep_the_order_of_time_that_is_given():
    found = table(SMALL, waves=("2025", "2024"), incomplete=("2024",))
    assert found.shown_waves == ("2025", "2024")
    assert found.whole_waves == ("2025",)
    assert found.select(wave="2024").shown_waves == ("2024",)


def test_pooled_waves_no_longer_tell_how_many_customers_there_are():
    found = table(SMALL)
    assert not found.repeated.any()
    assert not found.pooled("wave").linked
    assert not found.select(wave="2025").pooled("plan").linked
    assert found.pooled("plan").linked
    assert found.pooled().repeated.all()


def test_a_customer_who_answers_twice_is_one_customer():
    frame = pd.DataFrame({"score": [9, 4], "answers": [3, 2], "customers": [2, 1]})
    found = ScoreTable.from_counts(frame, metric="nps", scale=TEN)
    assert found.n.tolist() == [3]
    assert found.n_answers.tolist() == [5]
    assert found.repeated.all()
    with pytest.raises(DataError, match="customers has more than answers"):
        ScoreTable.from_counts(frame.assign(customers=9), metric="nps", scale=TEN)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from(["2024", "2025"]), st.sampled_from("abc"),
                          st.integers(0, 10), st.integers(1, 50)), min_size=1, max_size=20),
       st.randoms())  # fmt: skip
def test_pooling_is_addition_and_order_does_not_matter(rows, random):
    whole = table(rows)
    shuffled = random.sample(rows, len(rows))
    np.testing.assert_array_equal(table(shuffled).answers, whole.answers)
    cut = random.randint(0, len(rows))
    if 0 < cut < len(rows):
        both = table(rows[:cut]) + table(rows[cut:])
        assert sorted(both.groups) == list(whole.groups)
        order = [both.groups.index(group) for group in whole.groups]
        np.testing.assert_array_equal(both.take(order).answers, whole.answers)
    assert whole.pooled().n_answers.sum() == sum(n for *_, n in rows)


def test_different_questions_are_never_put_together():
    other = table(SMALL, scale=Scale(1, 10))
    with pytest.raises(DataError, match=r"scale is .*must be the same to pool"):
        table(SMALL) + other


@pytest.mark.parametrize(
    ("metric", "scale", "said"),
    [
        ("nps", Scale(0, 5), "must be 0 to 10 or 1 to 10"),
        ("nps", Scale(-5, 5), "nps is from -5 to 5"),
        ("csat", Scale(0, 100), "at most 11 steps"),
        ("csat", Scale(0.5, 5), "must be whole numbers"),
        ("ces", Scale(1, 7), "'easy' or 'hard'"),
        ("ces", Scale(1, 7, "good"), "high_is == 'good'"),
        ("stars", Scale(1, 5), "must be one of nps, csat, ces"),
    ],
)
def test_a_scale_without_a_definition_is_refused(metric, scale, said):
    with pytest.raises(DataError, match=said):
        table([("2025", "a", 1, 1)], metric=metric, scale=scale)


def test_scores_off_the_scale_are_refused_with_their_number_alone():
    rows = [("2025", "a", 11, 3), ("2025", "a", 4.5, 2), ("2025", "a", 5, 100)]
    with pytest.raises(DataError) as error:
        table(rows)
    assert len(error.value.problems) == 2
    assert error.value.problems[0].startswith("3 nps scores lie outside 0 to 10: correct them")
    assert error.value.problems[1].startswith("2 nps scores are no whole numbers")


def test_zero_is_off_a_scale_that_begins_at_one():
    with pytest.raises(DataError, match="7 nps scores lie outside 1 to 10"):
        table([("2025", "a", 0, 7)], scale=Scale(1, 10))
