"""Orders reduced to frequency, recency and age, against a loop over customers; and their recipe."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from sqlglot import exp, parse

from cxresearch import sql
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.purchase_table import PurchaseTable
from cxresearch.source import Data, open_data, open_frames

AS_OF = dt.date(2025, 6, 30)
UNTIL = "2025-03-31"


def orders(n: int = 300, seed: int = 1) -> pd.DataFrame:
    """Orders with returns, gifts of value 0, nobody's orders, and several on one day."""
    rng = np.random.default_rng(seed)
    rows = rng.integers(0, 60, n)
    day = pd.Timestamp("2024-07-01") + pd.to_timedelta(rng.integers(0, 380, n), "D")
    amount = np.round(rng.gamma(2, 20, n), 2)
    amount = np.where(rng.random(n) < 0.08, -amount, np.where(rng.random(n) < 0.05, 0, amount))
    who = np.array([None if row == 0 else f"C{row:03d}" for row in rows], dtype=object)
    frame = pd.DataFrame({"customer_id": who, "order_date": day, "net_revenue": amount})
    return frame.assign(order_id=[f"O{i}" for i in range(n)])


def customers() -> pd.DataFrame:
    ids = [f"C{i:03d}" for i in range(1, 60)]
    return pd.DataFrame({"customer_id": ids, "shop": np.where(np.arange(59) % 3, "town", "web")})


def scores() -> pd.DataFrame:
    ids = [f"C{i:03d}" for i in range(1, 40)] * 2
    day = ["2025-01-10"] * 39 + ["2025-05-10"] * 39
    return pd.DataFrame(
        {
            "response_id": [f"R{i}" for i in range(78)],
            "customer_id": ids,
            "responded_at": pd.to_datetime(day),
            "metric": "nps",
            "score": np.r_[np.arange(39) % 11, np.full(39, 10)],
        }
    )


@pytest.fixture(scope="module")
def data() -> Data:
    frames = {"transactions": orders(), "customers": customers(), "survey_responses": scores()}
    return open_frames(frames, as_of=AS_OF, currency="EUR", scales={"nps": {"min": 0, "max": 10}})


def group_of(score: float) -> str:
    return "detractor" if score <= 6 else "passive" if score <= 8 else "promoter"


def by_hand(until: str) -> pd.DataFrame:
    """One row per customer, counted one at a time."""
    last, rows = pd.Timestamp(until), []
    shops = customers().set_index("customer_id")["shop"]
    for who, own in orders().dropna(subset=["customer_id"]).groupby("customer_id"):
        bought = own[(own["net_revenue"] >= 0) & (own["order_date"] <= pd.Timestamp(AS_OF))]
        early = bought[bought["order_date"] <= last]
        if early.empty:
            continue
        first, days = early["order_date"].min(), early["order_date"].nunique()
        back = own[(own["net_revenue"] < 0) & (own["order_date"] <= last)]
        later = bought[bought["order_date"] > last]
        said = scores()[(scores()["customer_id"] == who) & (scores()["responded_at"] <= last)]
        rows.append(
            {
                "shop": shops[who],
                "score_group": group_of(said.iloc[-1]["score"]) if len(said) else "no answer",
                "frequency": days - 1,
                "recency": (early["order_date"].max() - first).days,
                "age": (last - first).days,
                "repeat_spend": early.loc[early["order_date"] > first, "net_revenue"].sum(),
                "returned": -back["net_revenue"].sum(),
                "later_purchases": later["order_date"].nunique(),
                "later_spend": later["net_revenue"].sum(),
            }
        )
    return pd.DataFrame(rows)


SUMS = ("repeat_spend", "returned", "later_purchases", "later_spend")


@pytest.mark.parametrize("until", [UNTIL, AS_OF.isoformat()])
@pytest.mark.parametrize("by", [[], ["shop"], ["shop", "score_group"]])
def test_the_cells_are_those_of_a_loop_over_customers(
    data: Data, until: str, by: list[str]
) -> None:
    table, expected = data.purchase_table(by, until=until), by_hand(until)
    cells = pd.DataFrame(
        {name: getattr(table, name) for name in ("frequency", "recency", "age", "customers", *SUMS)}
    )
    for position, column in enumerate(by):
        cells[column] = [table.groups[g][position] for g in table.group]
    keys = [*by, "frequency", "recency", "age"]
    found = cells.groupby(keys)[["customers", *SUMS]].sum().sort_index()
    wanted = expected.assign(customers=1).groupby(keys)[["customers", *SUMS]].sum().sort_index()
    pd.testing.assert_frame_equal(found, wanted, check_dtype=False)
    assert table.later_days == (AS_OF - dt.date.fromisoformat(until)).days


def test_the_spend_is_the_mean_of_each_repeat_customer(data: Data) -> None:
    spend, expected = data.purchase_table().spend, by_hand(AS_OF.isoformat())
    repeat = expected[expected["frequency"] > 0]
    mean = (repeat["repeat_spend"] / repeat["frequency"]).round(2)
    total = (spend["mean_spend"] * spend["customers"]).sum()
    assert total == pytest.approx(mean.sum(), abs=0.01 * len(repeat))
    assert spend["customers"].sum() == len(repeat)


def test_every_row_is_counted_with_what_becomes_of_it(data: Data) -> None:
    counts = data.order_counts().set_index("outcome")
    rows, late = orders(), orders()["order_date"] > pd.Timestamp(AS_OF)
    assert counts["rows"].sum() == len(rows)
    assert counts.loc["no customer id", "rows"] == rows["customer_id"].isna().sum()
    assert counts.loc["after the last day", "rows"] == (late & rows["customer_id"].notna()).sum()
    known = rows[rows["customer_id"].notna() & ~late]["net_revenue"]
    assert counts.loc["returned", "amount"] == pytest.approx(known[known < 0].sum())
    assert counts.loc["of value 0", "rows"] == (known == 0).sum()
    assert counts.loc["bought", "amount"] == pytest.approx(known[known > 0].sum())


def test_the_margin_of_orders_is_known_only_where_every_order_has_one(data: Data) -> None:
    assert data.order_margin_share() == 0.0
    whole = orders().assign(gross_margin=lambda o: 0.3 * o["net_revenue"])
    part = whole.assign(gross_margin=whole["gross_margin"].where(whole.index > 5))
    for frame, expected in ((whole, 0.3), (part, 0.0)):
        with open_frames({"transactions": frame}, as_of=AS_OF) as one:
            assert one.order_margin_share() == pytest.approx(expected)


def test_groups_can_be_taken_selected_and_pooled(data: Data) -> None:
    table = data.purchase_table(["shop"])
    town = table.select(shop="town")
    assert town.groups == (("town",),)
    assert town.customers.sum() == table.n[table.groups.index(("town",))]
    whole = table.pooled()
    assert whole.n.tolist() == [int(table.n.sum())]
    assert whole.spend["customers"].sum() == table.spend["customers"].sum()
    frame = table.to_frame()
    assert frame["customers"].sum() == table.n.sum()
    assert "PurchaseTable(2 groups" in repr(table)
    with pytest.raises(DataError, match="did you mean 'shop'"):
        table.select(shopp="town")


def test_a_wrong_day_and_column_are_named_together(data: Data) -> None:
    with pytest.raises(DataError) as error:
        data.purchase_table(["plan"], until="2026-01-01")
    day, column = error.value.problems
    assert "until is '2026-01-01', which lies after 2025-06-30" in day
    assert "no column 'plan' to group purchases by, must be one of shop, score_group" in column
    with pytest.raises(DataError, match="until is 'soon', must be a day of the extract"):
        data.purchase_table(until="soon")


@pytest.mark.parametrize(
    ("frames", "as_of", "until", "problem"),
    [
        ({"customers": customers().assign(tenure=1, churned=0)}, AS_OF, None, "no such table"),
        ({"transactions": orders()}, None, None, "as_of is missing"),
        ({"transactions": orders()}, AS_OF, "2020-01-01", "nobody bought by 2020-01-01"),
    ],
)
def test_what_is_not_enough_says_what_to_bring(
    frames: dict[str, pd.DataFrame], as_of: dt.date | None, until: str | None, problem: str
) -> None:
    known = {"as_of": as_of} if as_of else {}
    with open_frames(frames, **known) as bare, pytest.raises(NotEnoughError, match=problem):
        bare.purchase_table(until=until)


@pytest.mark.parametrize("dialect", sql.DIALECTS)
@pytest.mark.parametrize("name", ["purchase_cells", "purchase_spend"])
@pytest.mark.parametrize("by", [[], ["shop", "score_group"]])
def test_the_reductions_are_one_query_in_every_dialect(
    data: Data, name: str, dialect: str, by: list[str]
) -> None:
    text = data.reduction_sql(name, by, dialect)
    (tree,) = parse(text, dialect=dialect)
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table) if not table.db} <= {*defined, ""}
    assert "@" not in text
    assert "$" not in text


def test_a_file_without_header_and_with_spaces_is_read(tmp_path: Path) -> None:
    (tmp_path / "orders.txt").write_text(
        " A1   20250101  2   11.50\n A1 20250201  1   0.00\n\n B2  20250303 3  -4.00\n"
    )
    (tmp_path / "data.toml").write_text(
        """
as_of = 2025-06-30
fit_until = 2025-02-28
[transactions]
path = "orders.txt"
delimiter = "spaces"
header = ["who", "day", "units", "price"]
[transactions.columns]
customer_id = "who"
order_id = { row_number = true }
order_date = { column = "day", format = "%Y%m%d" }
net_revenue = { product = ["units", "price"] }
"""
    )
    with open_data(tmp_path) as data:
        counts = data.order_counts().set_index("outcome")["amount"].to_dict()
        assert counts == {"bought": 23.0, "of value 0": 0.0, "returned": -12.0}
        assert data.fit_until == "2025-02-28"
        assert int(data.purchase_table().n[0]) == 1


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('net_revenue = { product = ["units"] }', "product == ['units'], must be two columns"),
        ('net_revenue = { product = ["units", "prise"] }', "'prise'"),
        ("net_revenue = { product = [] }", "product == [], must be two columns"),
        ('order_id = { product = ["units", "price"] }', "which 'order_id' is not"),
        ('net_revenue = { product = ["units", "price"], value = "1" }', "give one of column"),
    ],
)
def test_a_wrong_product_is_explained(tmp_path: Path, line: str, problem: str) -> None:
    (tmp_path / "orders.csv").write_text(
        "customer_id,order_id,order_date,units,price\nA,1,2025-01-01,2,3\n"
    )
    keys = {"net_revenue = ", "order_id = "}
    own = next(key for key in keys if line.startswith(key))
    rest = "" if own == "net_revenue = " else 'net_revenue = "price"'
    (tmp_path / "data.toml").write_text(
        f'as_of = 2025-06-30\n[transactions]\npath = "orders.csv"\n[transactions.columns]\n{line}\n{rest}\n'
    )
    with pytest.raises(DataError) as error:
        open_data(tmp_path)
    assert problem in str(error.value)


def test_cdnow_is_counted_as_in_the_papers(shared_data: Path) -> None:
    """Fader, Hardie & Lee 2005: 2,357 customers, 39 weeks, 946 with a repeat purchase."""
    with open_data("data/recipes/cdnow.toml") as data:
        table = data.purchase_table(until=data.fit_until)
    (row,) = table.to_frame().to_dict("records")
    assert (row["customers"], row["repeat_customers"]) == (2357, 946)
    assert table.age.max() == 272


def test_online_retail_explains_every_row(shared_data: Path) -> None:
    with open_data("data/recipes/online_retail.toml") as data:
        counts = data.order_counts().set_index("outcome")["rows"].to_dict()
    assert counts == {
        "bought": 397884,
        "returned": 8905,
        "no customer id": 135080,
        "of value 0": 40,
    }


def test_the_printed_cells_are_those_of_a_bare_engine(shared_data: Path) -> None:
    with open_data("data/recipes/online_retail.toml") as data:
        text = data.reduction_sql("purchase_cells", [], "duckdb")
        table: PurchaseTable = data.purchase_table()
    counts = duckdb.connect().execute(text).df()
    assert counts["customers"].sum() == table.n.sum()
    assert counts["repeat_spend"].sum() == pytest.approx(float(table.repeat_spend.sum()))


def test_a_column_called_as_ours_is_in_the_way_only_when_it_is_asked_for() -> None:
    named = customers().assign(age="30", email=lambda c: c["customer_id"] * 2)
    many = pd.DataFrame({"customer_id": [f"X{i}" for i in range(200)], "shop": "web", "age": "40"})
    people = pd.concat([named, many.assign(email=many["customer_id"])])
    with open_frames({"transactions": orders(), "customers": people}, as_of=AS_OF) as one:
        assert one.purchase_table(["shop"]).n.sum() == 59
        for ask in (one.purchase_table, lambda by: one.reduction_sql("purchase_cells", by)):
            with pytest.raises(DataError, match="'age' has a meaning of its own here"):
                ask(["age"])
        with pytest.raises(DataError, match=r"'email' has about \d+ different values"):
            one.purchase_table(["email"])


@pytest.mark.parametrize("name", ['x"y', "select", "day", "spend", "bought_on", "known", "a b"])
def test_any_other_name_is_a_name(name: str) -> None:
    named = customers().assign(**{name: lambda c: c["shop"]})
    with open_frames({"transactions": orders(), "customers": named}, as_of=AS_OF) as one:
        assert one.purchase_table([name]).n.tolist() == one.purchase_table(["shop"]).n.tolist()
        for dialect in sql.DIALECTS:
            assert parse(one.reduction_sql("purchase_cells", [name], dialect), dialect=dialect)


def test_orders_in_several_currencies_are_refused() -> None:
    mixed = orders().assign(currency=lambda o: np.where(o.index % 2, "EUR", "USD"))
    with (
        open_frames({"transactions": mixed}, as_of=AS_OF) as one,
        pytest.raises(DataError, match="transactions: there are amounts in 'EUR', 'USD'"),
    ):
        one.purchase_table()


def test_a_customer_who_is_doubled_buys_once() -> None:
    frames = {"transactions": orders(), "survey_responses": scores()}
    doubled = pd.concat([customers(), customers()])
    scale = {"scales": {"nps": {"min": 0, "max": 10}}}
    by = ["shop", "score_group"]
    with open_frames({**frames, "customers": customers()}, as_of=AS_OF, **scale) as one:
        wanted = one.purchase_table(by)
    with open_frames({**frames, "customers": doubled}, as_of=AS_OF, **scale) as one:
        assert one.purchase_table(by).n.tolist() == wanted.n.tolist()


def test_no_dialect_rounds_a_float_to_digits(data: Data) -> None:
    """PostgreSQL rounds to digits only what is NUMERIC, and amounts are DOUBLE PRECISION."""
    assert "ROUND" not in data.reduction_sql("purchase_spend", [], "postgres")


def test_a_table_of_survivors_beside_orders_names_no_groups() -> None:
    survivors = pd.DataFrame({"tenure": [0, 1], "survivors": [9, 8], "segment": "a"})
    with open_frames({"transactions": orders(), "retention": survivors}, as_of=AS_OF) as one:
        assert one.purchase_table().n.sum() == 59
        with pytest.raises(DataError, match="no column 'segment'"):
            one.purchase_table(["segment"])


HEADER = 'header = ["who", "day", "units", "price"]\n'
SPACED = HEADER + 'delimiter = "spaces"\n'


def text_orders(folder: Path, text: str, keys: str, top: str = "", encoding: str = "utf-8") -> Path:
    (folder / "orders.txt").write_bytes(text.encode(encoding))
    (folder / "data.toml").write_text(
        f"""
as_of = 2025-06-30
{top}
[transactions]
path = "orders.txt"
{keys}
[transactions.columns]
customer_id = "who"
order_id = {{ row_number = true }}
order_date = "day"
net_revenue = {{ product = ["units", "price"] }}
"""
    )
    return folder


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("A1,2025-01-01,2,3.5\r\nB,2025-01-02,1,4\r\n", HEADER),
        ("A1;2025-01-01;2;3,5\nB;2025-01-02;1;4\n", HEADER + 'decimal = ","'),
        ("\ufeffA1\t2025-01-01\t2\t3.5\nB\t2025-01-02\t1\t4\n", HEADER),
        (" A1 \t2025-01-01  2 3.5 \r\n\r\nB 2025-01-02 1\t4", SPACED),
        ("\ufeffA1 2025-01-01 2 3.5\nB 2025-01-02 1 4\n", SPACED),
        ("who day units  price\nA1 2025-01-01 2 3.5\nB 2025-01-02 1 4\n", 'delimiter = "spaces"'),
    ],
)
def test_files_without_header_are_read_whatever_parts_them(
    tmp_path: Path, text: str, keys: str
) -> None:
    with open_data(text_orders(tmp_path, text, keys)) as one:
        assert one.query_column("transactions", "customer_id") == ["A1", "B"]
        assert one.query_column("transactions", "net_revenue") == [7.0, 4.0]


@pytest.mark.parametrize(
    ("text", "keys", "problem"),
    [
        ("A 2025-01-01 2 3\n\nB 2025-01-02 1\n", SPACED, "line 3 has 3 columns with spaces"),
        ("A 2025-01-01 2 3\nB c 2025-01-02 1 4\n", SPACED, "line 2 has 5 columns with spaces"),
        ('"A" 2025-01-01 2 3\n', SPACED, "line 1 has quotes"),
        ("A\u00a0b 2025-01-01 2\n", SPACED, "line 1 has 3 columns"),
        ("A,2025-01-01,2,3\nB,2025-01-02,1\n", HEADER, "line 2 has 3 fields, the header"),
        ("A,2025-01-01,2,3\nB,c,2025-01-02,1,4\n", HEADER, "line 2 has 5 fields, the header"),
    ],
)
def test_a_row_that_does_not_fit_is_named_by_its_own_line(
    tmp_path: Path, text: str, keys: str, problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        open_data(text_orders(tmp_path, text, keys))


@pytest.mark.parametrize("keys", [HEADER, SPACED])
def test_a_file_that_is_not_utf8_is_explained_without_its_text(tmp_path: Path, keys: str) -> None:
    text = "A 2025-01-01 2 3\nM\u00fcller 2025-01-01 2 3\n"
    with pytest.raises(DataError, match=r"orders\.txt: not UTF-8: byte 0xfc in line 2") as error:
        open_data(text_orders(tmp_path, text, keys, encoding="cp1252"))
    assert error.value.__context__ is None or error.value.__suppress_context__
    with open_data(
        text_orders(tmp_path, text, SPACED + 'encoding = "cp1252"', "", "cp1252")
    ) as one:
        assert one.query_column("transactions", "customer_id") == ["A", "M\u00fcller"]


@pytest.mark.parametrize(
    ("keys", "top", "problem"),
    [
        ('header = ["who", "Who", "units", "price"]', "", "must be a name for every column"),
        ('header = ["who", " ", "units", "price"]', "", "must be a name for every column"),
        (HEADER, "fit_until = 2025-07-01", "fit_until == 2025-07-01, must not lie after as_of"),
    ],
)
def test_what_a_recipe_says_of_orders_is_checked(
    tmp_path: Path, keys: str, top: str, problem: str
) -> None:
    with pytest.raises(DataError, match=problem):
        open_data(text_orders(tmp_path, "A,2025-01-01,2,3\n", keys, top))


def test_factors_in_a_warehouse_are_numbers_already(tmp_path: Path) -> None:
    with open_data(text_orders(tmp_path, "A,2025-01-01,2,3\n", HEADER)) as one:
        for dialect in sql.DIALECTS:
            text = one.reduction_sql("purchase_cells", [], dialect)
            assert "ISFINITE" not in text.upper().replace("_", "")


def test_a_product_beyond_all_numbers_is_none(tmp_path: Path) -> None:
    with open_data(text_orders(tmp_path, "A,2025-01-01,1e300,1e300\n", HEADER)) as one:
        counts = one.order_counts().set_index("outcome")
    assert counts.loc["no amount", "rows"] == 1


def test_the_latest_score_is_that_of_the_day_whatever_the_order_of_rows() -> None:
    """Two on a day: the later answer id; no score, no date, after the last day: none."""
    said = pd.DataFrame(
        [
            ("1", "A", "2025-02-01", 9), ("2", "A", "2025-03-01", None), ("1", "B", "2025-02-01", 9),
            ("2", "B", "2025-02-01", 1), ("3", "C", "2025-07-01", 8), ("4", "D", None, 8),
            ("5", "E", "2025-06-30 23:59:59", 8),
        ],
        columns=["response_id", "customer_id", "responded_at", "score"],
    ).assign(metric="nps")  # fmt: skip
    bought = pd.DataFrame({"customer_id": list("ABCDE"), "order_date": "2025-01-01"})
    bought = bought.assign(order_id="1", net_revenue=[1.0, 2.0, 4.0, 8.0, 16.0])
    scale = {"scales": {"nps": {"min": 0, "max": 10}}}
    for answers in (said, said.iloc[::-1]):
        frames = {"transactions": bought, "survey_responses": answers}
        with open_frames(frames, as_of=AS_OF, **scale) as one:
            table = one.purchase_table(["score_group"])
        held = dict(zip(table.groups, table.n.tolist(), strict=True))
        assert held == {("promoter",): 1, ("detractor",): 1, ("no answer",): 2, ("passive",): 1}
