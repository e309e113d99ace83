"""Retention tables as they stand in a paper: survivors by period, and no customers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cxresearch as cx
from cxresearch.errors import DataError
from cxresearch.needs import capabilities

RECIPE = Path(__file__).resolve().parents[1] / "data" / "recipes" / "fader_hardie.toml"


def slide(rows: list[tuple[object, ...]], columns: str, **recipe: object) -> cx.Data:
    return cx.open_frames({"retention": pd.DataFrame(rows, columns=columns.split())}, **recipe)


def test_the_published_table_becomes_the_counts_of_a_thousand_customers_each() -> None:
    with cx.open_data(RECIPE) as data:
        life = data.life_table(["segment"])
    assert (life.groups, life.periods_per_year) == ((("high_end",), ("regular",)), 1)
    assert life.n_replicates == 1
    assert life.n.tolist() == [1000, 1000]
    assert life.counts("churned")[1, 0, 1:4].tolist() == [369, 163, 86]  # 100, 63.1, 46.8, 38.2 %
    assert life.counts("censored")[:, 0, 12].tolist() == [394, 173]
    assert not life.weighted


def test_the_curve_is_the_column_of_the_paper() -> None:
    with cx.open_data(RECIPE) as data:
        curve = cx.retention_curves(data.life_table(["segment"]))[0]
    printed = [
        1,
        0.869,
        0.743,
        0.653,
        0.593,
        0.551,
        0.517,
        0.491,
        0.468,
        0.445,
        0.427,
        0.409,
        0.394,
    ]
    np.testing.assert_allclose(curve.retained, printed, atol=1e-12)


def test_cohorts_of_a_group_add_up_each_from_its_own_start() -> None:
    rows = [("a", 1, 0, 100), ("a", 1, 1, 80), ("a", 1, 2, 70), ("a", 2, 0, 50), ("a", 2, 1, 45)]
    rows += [("b", 1, 3, 30), ("b", 1, 4, 20)]  # known only from the third period on
    with slide(rows, "group cohort tenure survivors", period="quarter") as data:
        life = data.life_table(["group"])
        pooled = data.life_table()
    assert life.periods_per_year == 4
    assert life.entered[:, 0].tolist() == [[150, 0, 0, 0, 0], [0, 0, 0, 30, 0]]
    assert life.churned[:, 0].tolist() == [[0, 25, 10, 0, 0], [0, 0, 0, 0, 10]]
    assert life.censored[:, 0].tolist() == [[0, 45, 70, 0, 0], [0, 0, 0, 0, 20]]
    assert (pooled.entered == life.entered.sum(axis=0, keepdims=True)).all()


def test_a_single_figure_of_a_cohort_says_nothing_and_counts_nothing() -> None:
    rows = [(1, 0, 100), (1, 1, 80), (2, 0, 50)]
    with slide(rows, "cohort tenure survivors") as data:
        assert data.life_table().n.tolist() == [100]


def test_customers_take_precedence_over_a_table_of_survivors() -> None:
    people = pd.DataFrame({"customer_id": ["1", "2"], "tenure": [3, 5], "churned": [1, 0]})
    survivors = pd.DataFrame({"tenure": [0, 1], "survivors": [10, 5]})
    with cx.open_frames({"customers": people, "retention": survivors}) as data:
        assert data.life_table().n.tolist() == [2]


@pytest.mark.parametrize(
    ("rows", "rule"),
    [
        ([(0, 100), (2, 80)], "retention_gap"),
        ([(0, 100), (1, 80), (1, 80)], "retention_gap"),
        ([(0, 100), (1, 80), (2, 81)], "retention_rises"),
        ([(0, 100), (1, -1)], "retention_no_share"),
        ([(0, 100), (1, 63.1)], "retention_not_whole"),
    ],
)
def test_rows_that_are_no_retention_table_are_named(rows: list[tuple[int, int]], rule: str) -> None:
    with slide(rows, "tenure survivors") as data:
        result = cx.check(data)
    (offence,) = [o for o in result.offences if o.rule == rule]
    assert (offence.count, offence.severity) == (1, "error")
    assert f"(row {len(rows)})" in offence.rows[0]
    assert not result.usable


def test_more_than_a_hundred_percent_is_refused() -> None:
    with slide([(0, 1000, 1000), (1, 800, 1000)], "tenure survivors cohort_size") as data:
        rules = {o.rule: o.count for o in cx.check(data).offences}
    assert rules == {"retention_no_share": 2}


def test_printed_shares_of_any_cohort_are_whole_customers() -> None:
    shares = [(0, 100, 777), (1, 63.1, 777), (2, 46.8, 777), (3, 38.2, 777)]
    with slide(shares, "tenure survivors cohort_size", period="year") as data:
        assert cx.check(data).usable
        life = data.life_table()
    assert not life.weighted  # parts of customers would have no interval: there is one replicate
    assert life.counts("churned")[0, 0].tolist() == [0, 287, 126, 67]  # 490.3, 363.6, 296.8 left
    assert len(cx.projections(life)) == 1


def test_a_cohort_that_grows_by_its_size_rises() -> None:
    with slide([(0, 100, 50), (1, 90, 100)], "tenure survivors cohort_size") as data:
        assert {o.rule for o in cx.check(data).offences} == {"retention_rises"}


def test_a_retention_table_says_what_it_cannot_tell() -> None:
    with cx.open_data(RECIPE) as data:
        assert capabilities(data) == {"retention", "lifetimes"}
        assert cx.customer_waterfall(data).used == 2000
        for ask in (data.period_table, data.cause_table):
            with pytest.raises(DataError, match="holds no customers"):
                ask()
        with pytest.raises(DataError, match="no column 'plan' to group by"):
            data.life_table(["plan"])


def test_rows_without_an_id_are_numbered() -> None:
    people = pd.DataFrame({"tenure": [3, 5, 5], "churned": [1, 0, 0]})
    columns = {"customers": {"customer_id": {"row_number": True}}}
    with cx.open_frames({"customers": people}, columns=columns) as data:
        assert cx.check(data).rules > 0
        table = data.life_table()
        assert data.query_column("customers", "customer_id") == ["1", "2", "3"]
    assert table.n.tolist() == [3]
    assert (table.entered.sum(axis=2) > 0).sum() == 3  # every row is a customer of its own


def test_a_column_comes_from_one_place() -> None:
    columns = {"customers": {"customer_id": {"row_number": True, "column": "id"}}}
    people = pd.DataFrame({"id": ["1"], "tenure": [3], "churned": [1]})
    with pytest.raises(DataError, match="one of column = "):
        cx.open_frames({"customers": people}, columns=columns)


@pytest.mark.parametrize("said", [{}, {"high_is": "low"}, {"high_is": "good"}])
def test_what_a_high_effort_score_means_is_never_guessed(said: dict[str, str]) -> None:
    people = pd.DataFrame({"customer_id": ["1"], "tenure": [3], "churned": [1]})
    scales = {"ces": {"min": 1, "max": 7, **said}}
    with pytest.raises(DataError, match='must say what a high answer means: high_is = "easy"'):
        cx.open_frames({"customers": people}, scales=scales)


def test_an_unknown_period_is_refused() -> None:
    with pytest.raises(DataError, match="period == 'week', must be one of: month, quarter, year"):
        slide([(0, 100), (1, 80)], "tenure survivors", period="week")
