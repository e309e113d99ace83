"""Cases that once gave a wrong number, a traceback or a customer's cell; each stays mended."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from frames import answers, lifetimes, recipe

from cxresearch.checking import check
from cxresearch.errors import DataError
from cxresearch.needs import capabilities
from cxresearch.source import open_data, open_frames


def test_nobody_was_a_customer_from_one_day_until_the_same_day() -> None:
    rows = [(f"c{i}", "2023-01-15", None) for i in range(40)]
    rows += [("same", "2024-03-01", "2024-03-01")]
    frame = pd.DataFrame(rows, columns=["customer_id", "start_date", "end_date"])
    with open_frames({"customers": frame}, as_of="2024-12-31") as data:
        months = data.period_table("month").to_frame().set_index("period")
        assert set(months.loc["2023-02":, "at_start"]) == {40}
        assert months["lost"].sum() == 0
        assert "left on the first day" in set(data.waterfall()["outcome"])


def test_notice_on_a_spell_that_another_followed_is_not_notice_of_leaving() -> None:
    frames = {
        "customers": pd.DataFrame({"customer_id": ["a", "b"]}),
        "subscriptions": pd.DataFrame(
            [
                ("a", "s1", "2022-01-01", "2023-01-01", "2022-12-01"),
                ("a", "s2", "2023-01-01", None, None),
                ("b", "s3", "2022-01-01", "2024-06-01", "2024-04-01"),
            ],
            columns=["customer_id", "subscription_id", "start_date", "end_date", "notice_date"],
        ),
        "survey_responses": pd.DataFrame(
            {
                "response_id": ["1", "2"],
                "customer_id": ["a", "b"],
                "responded_at": "2024-05-01",
                "metric": "nps",
                "score": 9,
            }
        ),
    }
    with open_frames(frames, **recipe()) as data:
        outcome = data.answers().set_index("outcome")["answers"].to_dict()
    assert outcome == {"valid": 1, "after notice was given": 1}


@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("lacking", [0, 1])
def test_files_of_one_table_need_the_same_columns(tmp_path: Path, kind: str, lacking: int) -> None:
    for part in range(2):
        frame = lifetimes(50, seed=part)
        if part == lacking:
            frame = frame.drop(columns="end_date")
        path = tmp_path / f"customers{part}.{kind}"
        frame.to_csv(path, index=False) if kind == "csv" else duckdb.from_df(frame).write_parquet(
            str(path)
        )
    (tmp_path / "data.toml").write_text(
        f'as_of = 2025-06-30\n[customers]\npath = "customers*.{kind}"\n', encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"customers1\.\w+ (lacks|has) 'end_date.*same columns"):
        open_data(tmp_path)


@pytest.mark.parametrize("value", ["23-05-26", "12/11/10", "0001-01-01", "epoch", "2024-02-30"])
def test_a_date_that_is_not_one_is_not_read_as_one(value: str) -> None:
    frame = lifetimes(40).astype({"start_date": str})
    frame.loc[3, "start_date"] = value
    with open_frames({"customers": frame}, **recipe()) as data:
        (offence,) = [o for o in check(data).offences if o.rule == "unreadable"]
    assert offence.where == "customers.start_date"
    assert repr(value) in offence.rows[0]


def test_the_end_of_time_means_still_a_customer() -> None:
    frame = lifetimes(200).astype({"end_date": object})
    frame["end_date"] = frame["end_date"].where(frame["end_date"].notna(), "9999-12-31")
    with (
        open_frames({"customers": frame}, **recipe()) as one,
        open_frames({"customers": lifetimes(200)}, **recipe()) as other,
    ):
        np.testing.assert_array_equal(one.life_table().churned, other.life_table().churned)


def test_times_with_a_zone_need_to_know_whose_day_it_is() -> None:
    frame = lifetimes(40)
    frame["start_date"] = frame["start_date"].dt.tz_localize("Asia/Tokyo")
    with pytest.raises(DataError, match=r"start_date: times with a time zone.*timezone = "):
        open_frames({"customers": frame}, **recipe())


def test_a_time_zone_says_whose_day_it_is(tmp_path: Path) -> None:
    duckdb.sql("SET TimeZone = 'Asia/Tokyo'")
    duckdb.sql(
        "SELECT 'a' AS customer_id, TIMESTAMPTZ '2024-03-01 00:30:00' AS start_date, "
        "NULL::DATE AS end_date"
    ).write_parquet(str(tmp_path / "c.parquet"))
    (tmp_path / "data.toml").write_text(
        'as_of = 2025-06-30\n[customers]\npath = "c.parquet"\ntimezone = "Asia/Tokyo"\n',
        encoding="utf-8",
    )
    with open_data(tmp_path) as data:
        assert str(data.query_column("customers", "start_date")[0])[:10] == "2024-03-01"


def test_bands_hold_only_numbers() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [f"{i}" for i in range(6)],
            "tenure": 5,
            "churned": [1, 0] * 3,
            "age": ["20", "40", "60", "abc", "inf", None],
        }
    )
    columns = {"customers": {"age": {"column": "age", "bands": [30, 50]}}}
    with open_frames({"customers": frame}, columns=columns) as data:
        table = data.life_table(["age"])
        (offence,) = [o for o in check(data).offences if o.rule == "unreadable"]
    assert {g[0]: int(n) for g, n in zip(table.groups, table.n, strict=True)} == {
        "under 30": 1, "30 to under 50": 1, "50 and over": 1, "(missing)": 3,
    }  # fmt: skip
    assert offence.count == 2


def test_a_check_shows_no_row_where_a_notebook_would_keep_it() -> None:
    frame = lifetimes(40).astype({"start_date": object})
    frame.loc[2, ["customer_id", "start_date"]] = ["SECRETID", "SECRETDATE"]
    with open_frames({"customers": frame}, **recipe()) as data:
        result = check(data)
    assert any("SECRET" in row for o in result.offences for row in o.rows)
    for shown in (
        repr(result),
        repr(result.offences),
        result._repr_html_(),
        str(result.findings()),
    ):
        assert "SECRET" not in shown


def test_an_error_quotes_no_cell_not_even_in_its_chain() -> None:
    frame = lifetimes(40).assign(label="SECRET")
    with open_frames({"customers": frame}, **recipe()) as data:
        with pytest.raises(DataError) as error:
            data._run("SELECT CAST(label AS INTEGER) FROM customers")
        assert "SECRET" not in str(error.value)
        assert error.value.__suppress_context__


def test_too_many_combinations_are_refused_before_they_are_counted() -> None:
    frame = lifetimes(5000)
    frame["a"], frame["b"] = frame.index % 90, frame.index // 90
    with (
        open_frames({"customers": frame}, **recipe()) as data,
        pytest.raises(DataError, match="a and b have more than 100 combinations"),
    ):
        data.life_table(["a", "b"])


def test_a_column_is_found_in_whatever_case_and_named_once() -> None:
    titled = lifetimes(100).rename(columns=str.title)
    with (
        open_frames({"customers": titled}, **recipe()) as one,
        open_frames({"customers": lifetimes(100)}, **recipe()) as other,
    ):
        np.testing.assert_array_equal(one.life_table().churned, other.life_table().churned)
        np.testing.assert_array_equal(
            one.life_table(["Plan", "Plan"]).churned, other.life_table("plan").churned
        )


@pytest.mark.parametrize("name", ["entered", "censored", "lost", "period", "Excluded"])
def test_a_name_that_would_break_a_reduction_is_refused(name: str) -> None:
    with pytest.raises(DataError, match="has a meaning of its own"):
        open_frames({"customers": lifetimes(40).assign(**{name: 1})}, **recipe())


def test_a_misspelt_mapping_is_an_error() -> None:
    spells = pd.DataFrame(
        {"customer_id": ["a"], "subscription_id": ["s"], "start_date": ["2024-01-01"],
         "end_date": [None], "kuend": [None]}
    )  # fmt: skip
    frames = {"customers": pd.DataFrame({"customer_id": ["a"]}), "subscriptions": spells}
    with pytest.raises(DataError, match=r"'notice_dte' is no column.*Did you mean 'notice_date'"):
        open_frames(frames, columns={"subscriptions": {"notice_dte": "kuend"}}, **recipe())
    with pytest.raises(DataError, match="columns are given for custmers"):
        open_frames(frames, columns={"custmers": {}}, **recipe())


def test_an_unknown_outcome_is_an_error() -> None:
    frame = pd.DataFrame({"customer_id": list("abcd"), "tenure": 5, "churned": [1, None, 0, None]})
    with open_frames({"customers": frame}) as data:
        (offence,) = [o for o in check(data).offences if o.rule == "missing"]
    assert (offence.where, offence.count, offence.severity) == ("customers.churned", 2, "error")


def test_an_endless_tenure_is_left_out_and_said() -> None:
    frame = pd.DataFrame(
        {"customer_id": list("abc"), "tenure": [5, 40000, 9], "churned": [1, 1, 0]}
    )
    with open_frames({"customers": frame}) as data:
        assert data.life_table().churned.shape[-1] == 10
        assert "too_long" in {o.rule for o in check(data).offences}


def test_half_scores_are_no_scores() -> None:
    frames = {
        "customers": lifetimes(3),
        "survey_responses": pd.DataFrame(
            {"response_id": list("abc"), "customer_id": ["C00000", "C00001", "C00002"],
             "responded_at": "2024-05-01", "metric": "nps", "score": [6.5, 9, 10]}
        ),
    }  # fmt: skip
    with open_frames(frames, **recipe()) as data:
        assert "not_whole" in {o.rule for o in check(data).offences}


def test_a_fingerprint_knows_data_frames() -> None:
    prints = set()
    for seed in (1, 1, 2):
        with open_frames({"customers": lifetimes(40, seed)}, **recipe()) as data:
            prints.add(data.fingerprint)
    assert len(prints) == 2


def test_odd_columns_of_a_data_frame_are_text() -> None:
    frame = lifetimes(40)
    frame["when"] = pd.period_range("2024-01", periods=40, freq="M")
    frame["kind"] = pd.Categorical(["x", "y"] * 20)
    with open_frames({"customers": frame}, **recipe()) as data:
        assert data.life_table(["kind"]).groups == (("x",), ("y",))
        assert data.query_column("customers", "when")[0] == "2024-01"
    with pytest.raises(DataError, match="several columns are called 'plan'"):
        open_frames({"customers": pd.concat([frame, frame[["plan"]]], axis=1)}, **recipe())


def test_recipes_that_once_ended_in_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text(
        'as_of = 9999-12-31\nscales = 5\n[customers]\npath = "c.csv"\ndelimiter = "tab"\n'
        '[customers.columns]\nplan = { column = "p", values = ["a"] }\n',
        encoding="utf-8",
    )
    with pytest.raises(DataError) as error:
        open_data(tmp_path)
    for part in ("as_of == ", "scales == 5", "delimiter == 'tab'", "values == " * 0 + "['a']"):
        assert part in str(error.value)
    folder = tmp_path / "deep"
    (folder / "data.toml").mkdir(parents=True)
    with pytest.raises(DataError, match=r"a recipe is a \.toml file"):
        open_data(folder)


def test_what_a_killed_run_left_is_deleted_by_the_next(tmp_path: Path) -> None:
    code = (
        "import os, sys; sys.path.insert(0, 'tests'); from frames import *; "
        "from cxresearch.source import open_frames; "
        "data = open_frames({'customers': lifetimes()}, **recipe()); data.life_table(); os._exit(9)"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert len(list(tmp_path.iterdir())) == 1
    code = code.replace("os._exit(9)", "data.close()")
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    assert not list(tmp_path.iterdir())


def test_a_recipe_that_compares_too_much_is_an_error() -> None:
    frame = lifetimes(2000).assign(code=lambda f: f.index)
    with open_frames({"customers": frame}, **recipe(group_by=["code"])) as data:
        data.life_table()
        result = check(data)
    assert not result.usable
    assert "too_many_groups" in {o.rule for o in result.offences}


def test_a_doubled_customer_does_not_double_the_answers() -> None:
    customers = lifetimes(300)
    customers.loc[3, "customer_id"] = customers.loc[4, "customer_id"]
    frames = {"customers": customers, "survey_responses": answers(lifetimes(300))}
    with open_frames(frames, **recipe()) as data:
        assert data.answers()["answers"].sum() == 300


def test_a_scale_without_promoters_does_not_unlock_them() -> None:
    frames = {"customers": lifetimes(300), "survey_responses": answers(lifetimes(300))}
    with open_frames(frames, **recipe(scales={"nps": {"min": 1, "max": 7}})) as data:
        assert "scores" not in capabilities(data)
