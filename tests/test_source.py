"""Opening data and reducing them: calendar months, late entry, every kind of file."""

from __future__ import annotations

import calendar
import datetime as dt
import hashlib
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from frames import AS_OF, answers, lifetimes, recipe
from hypothesis import given, settings
from hypothesis import strategies as st

from cxresearch.errors import DataError
from cxresearch.retention import retention_curves
from cxresearch.source import open_data, open_frames

DAYS = st.dates(dt.date(2019, 12, 1), dt.date(2021, 4, 30))


def anniversary(start: dt.date, months: int) -> dt.date:
    """The day on which so many months are complete; the last of the month where it is short."""
    year, month = divmod(12 * start.year + start.month - 1 + months, 12)
    return dt.date(year, month + 1, min(start.day, calendar.monthrange(year, month + 1)[1]))


def rounded_up(start: dt.date, day: dt.date) -> int:
    return next(k for k in range(400) if anniversary(start, k) >= day)


def completed(start: dt.date, day: dt.date) -> int:
    return next(k for k in range(400) if anniversary(start, k + 1) > day)


@settings(max_examples=30)
@given(st.lists(st.tuples(DAYS, DAYS), min_size=1, max_size=30), DAYS, DAYS)
def test_months_are_those_of_the_calendar(spells, as_of, observed_from) -> None:
    spells = [(start, max(start + dt.timedelta(days=1), end)) for start, end in spells]
    frame = pd.DataFrame(
        [(f"{i}", start, end) for i, (start, end) in enumerate(spells)],
        columns=["customer_id", "start_date", "end_date"],
    )
    expected = []
    for start, end in spells:
        after = as_of + dt.timedelta(days=1)
        entry = rounded_up(start, observed_from) if start < observed_from else 0
        full = completed(start, after) if start <= after else -1
        # a month that is not over on the last day has no losses, as it has nobody at risk
        churned = end <= after and rounded_up(start, end) <= full
        exit_ = rounded_up(start, end) if churned else full
        if exit_ > entry:
            expected.append((entry, exit_, churned))
    with open_frames({"customers": frame}, as_of=as_of, observed_from=observed_from) as data:
        used = int(data.waterfall().query("outcome == 'used'")["customers"].sum())
        assert used == len(expected)
        table = data.life_table()
    for t in range(table.churned.shape[-1]):
        assert table.entered[..., t].sum() == sum(entry == t for entry, _, _ in expected)
        assert table.churned[..., t].sum() == sum(e == t and c for _, e, c in expected)
        assert table.censored[..., t].sum() == sum(e == t and not c for _, e, c in expected)


def test_losses_on_any_day_leave_the_curve_where_it_is() -> None:
    """A month cut off by the last day must not count those who left in it and forget the others."""
    rng = np.random.default_rng(5)
    n, daily = 60_000, 1 / 300
    start = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 730, n), unit="D")
    end = start + pd.to_timedelta(rng.geometric(daily, n), unit="D")
    frame = pd.DataFrame({"customer_id": map(str, range(n)), "start_date": start, "end_date": end})
    frame["end_date"] = frame["end_date"].where(end <= pd.Timestamp("2024-12-31"), None)
    with open_frames({"customers": frame}, as_of=dt.date(2024, 12, 31)) as data:
        curve = retention_curves(data.life_table())[0]
    for months in (6, 12, 18):
        standing = curve.at(months)
        truth = (1 - daily) ** (months * 365.25 / 12)
        error = (standing.ci_upper - standing.ci_lower) / 3.92
        assert abs(standing.value - truth) < 3 * error


def test_replicates_are_the_first_two_hex_digits_of_md5() -> None:
    customers = lifetimes(500)
    with open_frames({"customers": customers}, **recipe()) as data:
        entered = data.life_table().entered.sum(axis=(0, 2))
        excluded = int(data.waterfall().query("outcome != 'used'")["customers"].sum())
    wanted = [int(hashlib.md5(i.encode()).hexdigest()[:2], 16) for i in customers["customer_id"]]
    counted = np.bincount(wanted, minlength=256)
    assert entered.sum() + excluded == 500
    assert (entered <= counted).all()
    assert (counted - entered).sum() == excluded


def test_groups_add_up_to_the_whole_and_nulls_are_a_group() -> None:
    with open_frames({"customers": lifetimes()}, **recipe()) as data:
        whole, by_region = data.life_table(), data.life_table(["region", "plan"])
    assert ("(missing)", "basic") in by_region.groups
    assert by_region.pooled().entered.sum() == whole.entered.sum()
    np.testing.assert_array_equal(by_region.churned.sum(axis=0), whole.churned.sum(axis=0))


def test_row_order_does_not_matter() -> None:
    customers = lifetimes()
    shuffled = customers.sample(frac=1, random_state=3)
    with (
        open_frames({"customers": customers}, **recipe()) as one,
        open_frames({"customers": shuffled}, **recipe()) as other,
    ):
        np.testing.assert_array_equal(one.life_table().churned, other.life_table().churned)


def test_spells_that_follow_each_other_are_one_lifetime() -> None:
    spells = pd.DataFrame(
        [
            ("a", "s1", "2024-01-01", "2024-03-01"),
            ("a", "s2", "2024-03-20", "2024-06-01"),  # 19 days later: the same lifetime
            ("b", "s3", "2024-01-01", "2024-03-01"),
            ("b", "s4", "2024-05-01", None),  # 61 days later: a return
            ("c", "s5", "2024-01-01", None),
            ("c", "s6", "2024-02-01", "2024-04-01"),  # inside a longer spell
        ],
        columns=["customer_id", "subscription_id", "start_date", "end_date"],
    )
    customers = pd.DataFrame({"customer_id": ["a", "b", "c", "d"]})
    frames = {"customers": customers, "subscriptions": spells}
    with open_frames(frames, as_of=dt.date(2024, 12, 31)) as data:
        table, waterfall = data.life_table(), data.waterfall()
    churned = dict(enumerate(table.churned.sum(axis=(0, 1))))
    assert {t: n for t, n in churned.items() if n} == {5: 1, 2: 1}
    assert table.censored.sum(axis=(0, 1))[12] == 1
    assert dict(zip(waterfall["outcome"], waterfall["customers"], strict=True)) == {
        "used": 3,
        "no start date or tenure": 1,
    }


def test_a_tenure_and_a_flag_are_enough() -> None:
    frame = pd.DataFrame(
        {"customer_id": list("abcd"), "tenure": [0, 3, 3, 5], "churned": ["n", "yes", "0", "T"]}
    )
    with open_frames({"customers": frame}) as data:
        table = data.life_table()
        assert table.churned.sum(axis=(0, 1)).tolist() == [0, 0, 0, 1, 0, 1]
        assert data.waterfall()["customers"].sum() == 4
        with pytest.raises(DataError, match="calendar periods need start_date and end_date"):
            data.period_table()
    with open_frames({"customers": frame}, tenure_counts="completed") as data:
        assert data.life_table().churned.sum(axis=(0, 1)).tolist() == [0, 0, 0, 0, 1, 0, 1]


def test_customers_at_the_start_of_a_period_and_how_many_of_them_were_lost() -> None:
    frame = pd.DataFrame(
        [
            ("a", "2024-01-15", None),
            ("b", "2023-12-01", "2024-02-10"),  # lost in February
            ("c", "2024-02-05", "2024-02-20"),  # joined and left within February: in neither
            ("d", "2024-02-01", None),  # joined on the first day of February: not at its start
            ("e", "2023-11-30", "2024-02-01"),  # the last day as a customer is in January
        ],
        columns=["customer_id", "start_date", "end_date"],
    )
    with open_frames({"customers": frame}, as_of=dt.date(2024, 3, 31)) as data:
        table = data.period_table("month").to_frame().set_index("period")
        quarters = data.period_table("quarter")
    assert table.loc["2024-01", ["at_start", "lost", "joined"]].tolist() == [2, 1, 1]
    assert table.loc["2024-02", ["at_start", "lost", "joined"]].tolist() == [2, 1, 2]
    assert table.loc["2024-03", ["at_start", "lost", "joined"]].tolist() == [2, 0, 0]
    assert quarters.periods[-1] == "2024-Q1"
    assert quarters.at_start[..., -1].sum() == quarters.lost[..., -1].sum() == 2


def test_only_whole_observed_periods_are_counted() -> None:
    with open_frames(
        {"customers": lifetimes()}, **recipe(observed_from=dt.date(2023, 2, 1))
    ) as data:
        assert data.period_table("month").periods[0] == "2023-02"
        assert data.period_table("month").periods[-1] == "2025-06"
        assert data.period_table("quarter").periods[0] == "2023-Q2"
        assert data.period_table("year").periods == ("2024",)


def test_scores_count_from_the_answer_on() -> None:
    customers = lifetimes(300)
    responses = answers(customers)
    with open_frames({"customers": customers, "survey_responses": responses}, **recipe()) as data:
        table = data.life_table(["score_group"])
        waterfall, valid = data.waterfall(by_score=True), data.answers()
    merged = customers.merge(responses, on="customer_id")
    end = AS_OF + dt.timedelta(days=1)
    counts = {"detractor": 0, "passive": 0, "promoter": 0}
    for row in merged.itertuples():
        start, answered = row.start_date.date(), row.responded_at.date()
        left = None if pd.isna(row.end_date) else row.end_date.date()
        last = completed(start, end) if left is None else rounded_up(start, left)
        if (left is None or answered < left) and last > rounded_up(start, answered):
            group = "detractor" if row.score <= 6 else "passive" if row.score <= 8 else "promoter"
            counts[group] += 1
    assert {labels[0]: int(n) for labels, n in zip(table.groups, table.n, strict=True)} == counts
    assert waterfall["customers"].sum() == 300
    assert valid["answers"].sum() == 300


@pytest.mark.parametrize("kind", ["csv", "tsv", "semicolon", "parquet", "duckdb", "cp932"])
def test_every_kind_of_file_gives_the_same_counts(tmp_path: Path, kind: str) -> None:
    customers = lifetimes(200)
    customers["plan"] = customers["plan"].replace({"pro": "プロ"})
    with open_frames({"customers": customers}, **recipe()) as data:
        wanted = data.life_table(["plan"])
    path = tmp_path / f"cust'omers.{kind}"
    options = {
        "csv": {}, "tsv": {"sep": "\t"}, "semicolon": {"sep": ";"}, "cp932": {"encoding": "cp932"},
    }  # fmt: skip
    table = ""
    if kind in options:
        customers.to_csv(path, index=False, **options[kind])
    elif kind == "parquet":
        duckdb.from_df(customers).write_parquet(str(path))
    else:
        table = 'database = "cust\'omers.duckdb"\ntable = "my \\"odd\\" table"\n'
        with duckdb.connect(str(path)) as connection:
            connection.register("given", customers)
            connection.execute('CREATE TABLE "my ""odd"" table" AS SELECT * FROM given')
    source = table or f'path = "cust\'omers.{kind}"\n'
    encoding = 'encoding = "cp932"\n' if kind == "cp932" else ""
    (tmp_path / "data.toml").write_text(
        f'name = "x"\nas_of = 2025-06-30\n[customers]\n{source}{encoding}', encoding="utf-8"
    )
    with open_data(tmp_path) as data:
        got = data.life_table(["plan"])
    assert got.groups == wanted.groups
    np.testing.assert_array_equal(got.churned, wanted.churned)
    np.testing.assert_array_equal(got.censored, wanted.censored)


def test_ids_keep_their_leading_zeros(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "customer_id,tenure,churned\n007,3,1\n7,2,0\n", encoding="utf-8"
    )
    (tmp_path / "data.toml").write_text(
        'name = "x"\n[customers]\npath = "c.csv"\n', encoding="utf-8"
    )
    with open_data(tmp_path) as data:
        assert data.query_column("customers", "customer_id") == ["007", "7"]


def test_codes_words_and_bands(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "id,t,left,net,price\na,3,gone,D,10\nb,2,here,F,20\nc,5,gone,X,30.5\nd,5,gone,,\n",
        encoding="utf-8",
    )
    (tmp_path / "data.toml").write_text(
        """
name = "x"
group_by = ["internet"]
[customers]
path = "c.csv"
[customers.columns]
customer_id = "id"
tenure = "t"
churned = { column = "left", true = ["Gone"], false = ["Here"] }
internet = { column = "net", values = { D = "yes", F = "yes" } }
price = { column = "price", bands = [15, 30] }
""",
        encoding="utf-8",
    )
    with open_data(tmp_path) as data:
        table = data.life_table(["internet"])
        prices = data.life_table(["price"])
        assert data.columns("") == ["internet"]
        assert data.columns(" price, internet,") == ["price", "internet"]
    assert {g[0]: int(n) for g, n in zip(table.groups, table.n, strict=True)} == {
        "yes": 2, "X": 1, "(missing)": 1,
    }  # fmt: skip
    assert {g[0] for g in prices.groups} == {
        "under 15", "15 to under 30", "30 and over", "(missing)",
    }  # fmt: skip


def test_addresses_are_no_groups_and_no_message_quotes_one() -> None:
    frame = lifetimes(60).assign(owner=["eve@example.org", "plain"] * 30, team=["a @ b", "c"] * 30)
    with open_frames({"customers": frame}, as_of=AS_OF) as data:
        assert data.life_table(["team"]).groups == (("a @ b",), ("c",))
        with pytest.raises(DataError, match="'owner' holds e-mail addresses") as refused:
            data.life_table(["owner"])
    assert "example.org" not in str(refused.value)


def test_too_many_groups_and_misspelt_groups_are_refused() -> None:
    with open_frames(
        {"customers": lifetimes(2000).assign(name=lambda f: f.index)}, **recipe()
    ) as data:
        with pytest.raises(
            DataError, match=r"'name' has about [\d,]+ different values, at most 100"
        ):
            data.life_table(["name"])
        with pytest.raises(
            DataError, match=r"no column 'plam' to group by\. Did you mean 'plan'\?"
        ):
            data.life_table(["plam"])


def test_scores_need_answers_and_a_scale() -> None:
    customers = lifetimes()
    with (
        open_frames({"customers": customers}, **recipe()) as data,
        pytest.raises(DataError, match="grouping by score needs a table of answers"),
    ):
        data.life_table(["score_group"])
    frames = {"customers": customers, "survey_responses": answers(customers)}
    with (
        open_frames(frames, as_of=AS_OF) as data,
        pytest.raises(DataError, match=r"nps = \{ min = 0, max = 10 \}"),
    ):
        data.life_table(["score_group"])


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with open_frames({"customers": lifetimes()}, **recipe()) as data:
        data.life_table()
        assert list(tmp_path.iterdir())
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError):
        open_frames({"customers": pd.DataFrame({"nobody": [1]})})
    assert not list(tmp_path.iterdir())


def test_the_fingerprint_follows_the_data(tmp_path: Path) -> None:
    prints = []
    for text in ("a,3,1", "a,3,1", "a,4,1"):
        (tmp_path / "c.csv").write_text(f"customer_id,tenure,churned\n{text}\n", encoding="utf-8")
        (tmp_path / "data.toml").write_text('[customers]\npath = "c.csv"\n', encoding="utf-8")
        with open_data(tmp_path) as data:
            prints.append(data.fingerprint)
    assert prints[0] == prints[1] != prints[2]


def test_telco_is_read_as_published(shared_data: Path) -> None:
    with open_data("data/recipes/telco.toml") as data:
        table = data.life_table(["contract", "internet"])
        assert data.rows("customers") == 7043
        left_out = data.waterfall().query("outcome != 'used'")
    n = dict(zip(table.groups, table.n, strict=True))
    assert n["Month-to-month", "yes"] == 3351
    assert table.churned[list(table.groups).index(("Month-to-month", "yes"))].sum() == 1556
    assert left_out["customers"].tolist() == [11]


def test_the_environment_variable_must_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CXRESEARCH_DATA", raising=False)
    with pytest.raises(DataError, match=r"environment variable CXRESEARCH_DATA is not set"):
        open_data("data/recipes/telco.toml")


def test_the_replicates_of_the_reduction_agree_with_the_textbook() -> None:
    with open_frames({"customers": lifetimes(4000)}, **recipe()) as data:
        table = data.life_table(["plan"])
    textbook, replicated = (
        retention_curves(table, method=method) for method in ("greenwood", "jackknife")
    )
    for one, other in zip(textbook, replicated, strict=True):
        np.testing.assert_allclose(one.standard_error[6:36], other.standard_error[6:36], rtol=0.25)


def test_a_frame_whose_rows_are_turned_around_is_the_same_extract() -> None:
    with open_frames({"customers": lifetimes(50)}, **recipe()) as data:
        wanted = data.life_table(["plan"]).to_frame()
    with open_frames({"customers": lifetimes(50).iloc[::-1]}, **recipe()) as data:
        pd.testing.assert_frame_equal(data.life_table(["plan"]).to_frame(), wanted)
