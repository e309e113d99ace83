"""What companies really send: every message names the table, the column, the value and the cure."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
import pytest
from frames import lifetimes, recipe

from cxresearch.errors import DataError
from cxresearch.recipe_reader import read_recipe
from cxresearch.source import open_data, open_frames

HEADER = "customer_id,tenure,churned\n"


def write(folder: Path, content: bytes | str, extra: str = "") -> Path:
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / "customers.csv").write_bytes(raw)
    text = f'name = "x"\n[customers]\npath = "customers.csv"\n{extra}'
    (folder / "data.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"customers: customers\.csv is empty \(0 bytes\)\. Export it again"),
        (
            "customer_id,tenure\na,1,2\n",
            r"customers\.csv: line 2 has 3 fields, the first line has 2",
        ),
        (HEADER + "a,1,0\nb,2\n", r"line 3 has 2 fields, the first line has 3"),
        (
            HEADER.encode() + "田,1,0\n".encode("cp932"),
            r"not UTF-8: byte 0x93 in line 2.*\"cp932\" \(Japan\)",
        ),
        ("id,tenure,churned\na,1,0\n", r"no column 'customer_id' for customer_id \(the customer\)"),
        ("customer_id,a,a\nx,1,2\n", r"several columns are called 'a'"),
        ("customer_id,,a\nx,1,2\n", r"column 2 has no name in line 1"),
        (b"PAR1 and then nonsense", r"customers\.csv is not a Parquet file that can be read"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, content: bytes | str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        open_data(write(tmp_path, content))


def test_a_wrong_encoding_is_not_guessed(tmp_path: Path) -> None:
    folder = write(tmp_path, HEADER.encode() + b"\x81\xff,1,0\n", 'encoding = "cp932"\n')
    with pytest.raises(DataError, match=r"cannot be read as encoding = 'cp932'"):
        open_data(folder)
    folder = write(tmp_path, HEADER + "a,1,0\n", 'encoding = "no-such"\n')
    with pytest.raises(DataError, match=r"encoding = 'no-such'"):
        open_data(folder)


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + (HEADER + 'a,1,0\n"b, c",2,1\n').replace("\n", "\r\n").encode()
    with open_data(write(tmp_path, content)) as data:
        assert data.query_column("customers", "customer_id") == ["a", "b, c"]
        assert data.life_table().churned.sum() == 1


def test_quoted_line_breaks_lose_no_row(tmp_path: Path) -> None:
    content = 'customer_id,tenure,churned,remark\na,1,0,"two\nlines"\nb,2,1,"he said ""no"""\n'
    with open_data(write(tmp_path, content)) as data:
        assert data.rows("customers") == 2
        assert data.query_column("customers", "remark") == ["two\nlines", 'he said "no"']


def test_every_table_is_reported_at_once(tmp_path: Path) -> None:
    folder = write(tmp_path, b"", '[survey_responses]\npath = "missing.csv"\n')
    with pytest.raises(DataError) as error:
        open_data(folder)
    assert len(error.value.problems) == 2
    assert "missing.csv" in error.value.problems[1]


def test_a_recipe_is_reported_whole(tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text(
        """
nmae = "x"
as_of = "yesterday"
group_by = "plan"
tenure_counts = "roughly"
first_periods = [4, 0]
reactivation_days = -3
[scales]
nps = { min = 10, max = 0 }
[customers]
pth = "a.csv"
[customers.columns]
churned = { colum = "x" }
price = { column = "p", bands = [3, 1] }
""",
        encoding="utf-8",
    )
    with pytest.raises(DataError) as error:
        read_recipe(tmp_path)
    text = str(error.value)
    for part in (
        "'nmae' is not a key of a recipe; did you mean 'name'?",
        "as_of == 'yesterday', must be a date, e.g. as_of = 2025-12-31",
        "group_by == 'plan', must be a list",
        "tenure_counts == 'roughly', must be one of: billed, completed",
        "first_periods == [4, 0], must be a list of whole numbers, e.g. first_periods = [4, 7]",
        "reactivation_days == -3, must be a whole number of at least 0",
        "nps == {'min': 10, 'max': 0}, must be like { min = 0, max = 10 }",
        "'pth' is not a key of a recipe; did you mean 'path'?",
        "[customers] names no data",
        "'colum' is not a key of a recipe; did you mean 'column'?",
        "bands == [3, 1], must be numbers in increasing order",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("no/such/place", r"'no/such/place': there is no such file or folder"),
        ("tests", r"the folder holds no data\.toml"),
        ("README.md", r"a recipe is a \.toml file"),
    ],
)
def test_a_recipe_that_is_not_there(where: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_recipe(where)


def test_a_broken_recipe(tmp_path: Path) -> None:
    (tmp_path / "data.toml").write_text("name = \n", encoding="utf-8")
    with pytest.raises(DataError, match=r"data\.toml: not a valid TOML file"):
        read_recipe(tmp_path)


def test_dates_need_a_last_day() -> None:
    with pytest.raises(DataError, match=r"as_of is missing\. State the last day"):
        open_frames({"customers": lifetimes()})


def test_a_default_group_must_exist() -> None:
    with pytest.raises(DataError, match=r"group_by: .*no column 'plam'.*Did you mean 'plan'"):
        open_frames({"customers": lifetimes()}, **recipe(group_by=["plam"]))


def test_a_reserved_name_is_refused() -> None:
    with pytest.raises(DataError, match=r"'replicate' has a meaning of its own"):
        open_frames({"customers": lifetimes().assign(replicate=1)}, **recipe())


def test_nothing_tells_how_long_customers_stayed() -> None:
    with (
        open_frames({"customers": pd.DataFrame({"customer_id": ["a"]})}) as data,
        pytest.raises(DataError, match="nothing tells how long customers stayed"),
    ):
        data.life_table()


def test_a_database_without_the_table(tmp_path: Path) -> None:
    with duckdb.connect(str(tmp_path / "crm.duckdb")) as connection:
        connection.execute("CREATE TABLE people (a INTEGER)")
    (tmp_path / "data.toml").write_text(
        '[customers]\ndatabase = "crm.duckdb"\ntable = "customers"\n', encoding="utf-8"
    )
    with pytest.raises(DataError, match=r"no table 'customers'; tables found: 'people'"):
        open_data(tmp_path)


def test_mixed_types_in_a_data_frame_are_text() -> None:
    frame = pd.DataFrame(
        {"customer_id": [1, "two", 3.5], "tenure": [1, "2", "x"], "churned": [True, "no", None]}
    )
    with open_frames({"customers": frame}) as data:
        assert data.query_column("customers", "customer_id") == ["1", "two", "3.5"]
        assert data.life_table().n.tolist() == [2]
        assert data.waterfall()["customers"].sum() == 3
