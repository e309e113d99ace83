"""Revenue of existing customers, returns and repeat purchases, against loops in plain Python."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from sqlglot import exp, parse

from cxresearch import sql
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.scores.shares import shares
from cxresearch.share_table import ShareTable
from cxresearch.source import Data, open_data, open_frames

ROOT = Path(__file__).resolve().parents[1]
SAMPLE, RECIPES = ROOT / "data" / "sample", ROOT / "data" / "recipes"
AS_OF = dt.date(2025, 6, 17)  # June is covered in part: May is the last whole month
SCALES = {
    "nps": {"min": 0, "max": 10},
    "csat": {"min": 1, "max": 5},
    "ces": {"min": 1, "max": 7, "high_is": "easy"},
}
Row = dict[str, Any]


def day(text: str) -> dt.date:
    return dt.date.fromisoformat(text)


def month(date: dt.date) -> int:
    return 12 * date.year + date.month - 1


def opened(as_of: dt.date | None = AS_OF, **frames: Any) -> Data:
    words = {"scales": frames.pop("scales", SCALES), "currency": frames.pop("currency", "EUR")}
    observed = {"observed_from": frames.pop("observed_from")} if "observed_from" in frames else {}
    ends = {"as_of": as_of} if as_of else {}
    tables = {name: pd.DataFrame(rows) for name, rows in frames.items()}
    return open_frames(tables, **words, **observed, **ends)


def sums(table: ShareTable) -> dict[str, tuple[float, float, int]]:
    """Part, whole and people by label."""
    return {
        "".join(group): (float(p), float(w), int(n))
        for group, p, w, n in zip(
            table.groups, table.part.sum(1), table.whole.sum(1), table.people.sum(1), strict=True
        )
    }


def close(found: dict[str, tuple[float, ...]], wanted: dict[str, tuple[float, ...]]) -> None:
    assert list(found) == list(wanted)
    for label, values in wanted.items():
        assert found[label] == pytest.approx(values, abs=1e-6), label


# Random shops: lines of orders, some cancelled, without a customer, a day, an id or an amount


def lines(seed: int, n: int = 500) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows = []
    for i in range(n):
        order = f"{'C' if rng.random() < 0.15 else 'K'}{rng.integers(0, n // 2)}"
        amount = float(np.round(rng.lognormal(2, 1), 2)) * (rng.random() > 0.05)
        sign = -1 if order[0] == "C" or rng.random() < 0.02 else 1
        rows.append(
            {
                "customer_id": f"c{rng.integers(0, 60)}" if rng.random() > 0.15 else None,
                "order_id": order if i % 97 else None,
                # a few days lie after the last one
                "order_date": day("2024-02-10") + dt.timedelta(int(rng.integers(0, 500))),
                "net_revenue": sign * amount if i % 89 else None,
                "currency": "EUR",
            }
        )
    return rows


def usable(row: Row) -> bool:
    return row["net_revenue"] is not None and row["order_date"] <= AS_OF


def existing_of_orders(rows: list[Row], windows: list[int]) -> dict[str, tuple[float, float, int]]:
    """The same figures row by row."""
    first: dict[str, int] = {}
    for row in rows:
        name = row["customer_id"]
        if name and usable(row) and row["net_revenue"] >= 0:
            first[name] = min(first.get(name, 10**9), month(row["order_date"]))
    found = {}
    for length in windows:
        start, end = month(AS_OF) - length, month(AS_OF) - 1
        paid: dict[str, float] = defaultdict(float)
        for row in rows:
            inside = row["customer_id"] and usable(row) and row["net_revenue"] > 0
            if inside and start <= month(row["order_date"]) <= end:
                paid[row["customer_id"]] += row["net_revenue"]
        old = sum(amount for name, amount in paid.items() if first[name] < start)
        found[str(length)] = (old, sum(paid.values()), len(paid))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_existing_revenue_of_a_shop_is_that_of_a_loop(seed: int) -> None:
    rows = lines(seed)
    with opened(transactions=rows) as data:
        table = data.existing_revenue((1, 2, 3, 6, 12))
    close(sums(table), existing_of_orders(rows, [1, 2, 3, 6, 12]))
    assert table.name == "existing_revenue"
    assert table.whole_word == "EUR of revenue"
    missing = sum(row["customer_id"] is None for row in rows)
    assert table.left_out["no customer id"] == missing
    late = sum(row["customer_id"] is not None and row["order_date"] > AS_OF for row in rows)
    no_amount = table.left_out["no amount"]
    assert table.left_out["after the last day"] <= late <= table.left_out["after the last day"] + no_amount  # fmt: skip


def test_a_customer_is_in_one_replicate_by_the_md5_of_the_id() -> None:
    rows = lines(1)
    with opened(transactions=rows) as data:
        table = data.existing_revenue((3,))
    wanted = np.zeros((2, 256))
    for name in {row["customer_id"] for row in rows} - {None}:
        mine = existing_of_orders([row for row in rows if row["customer_id"] == name], [3])["3"]
        wanted[:, int(hashlib.md5(name.encode()).hexdigest()[:2], 16)] += mine[:2]
    np.testing.assert_allclose(table.part[0], wanted[0], atol=1e-6)
    np.testing.assert_allclose(table.whole[0], wanted[1], atol=1e-6)


def test_a_window_with_nothing_before_it_is_left_out_and_named() -> None:
    rows = lines(2)
    assert min(r["order_date"] for r in rows) < day("2024-03-01")
    with opened(transactions=rows) as data:
        table = data.existing_revenue((24, 6, 15, 16))
        assert [label for (label,) in table.groups] == ["6", "15"]
        assert "Left out: the windows of 16, 24 months" in table.definition
        assert "whole calendar months up to 2025-05" in table.definition
        with pytest.raises(NotEnoughError, match="the windows are 20, 30 months, one must lie"):
            data.existing_revenue((30, 20))


def test_the_last_month_counts_where_it_is_whole() -> None:
    rows = [
        {"customer_id": "a", "order_id": "1", "order_date": "2025-04-30", "net_revenue": 5.0},
        {"customer_id": "a", "order_id": "2", "order_date": "2025-05-01", "net_revenue": 7.0},
        {"customer_id": "b", "order_id": "3", "order_date": "2025-05-31", "net_revenue": 11.0},
    ]
    with opened(as_of=day("2025-05-31"), transactions=rows) as data:
        assert sums(data.existing_revenue((1,))) == {"1": (7.0, 18.0, 2)}
    with opened(as_of=day("2025-05-30"), transactions=rows) as data, pytest.raises(NotEnoughError):
        data.existing_revenue((1,))  # April, before which nobody bought


def test_before_the_observation_began_nothing_is_covered() -> None:
    rows = lines(3)
    with opened(transactions=rows, observed_from=day("2025-01-15")) as data:
        assert [g for (g,) in data.existing_revenue((3, 4, 5)).groups] == ["3", "4"]


# Contracts


def contracts(seed: int, n: int = 80) -> dict[str, list[Row]]:
    """Customers with bills: some doubled, some without a day or an id, some with credits."""
    rng = np.random.default_rng(seed)
    people, bills = [], []
    for i in range(n):
        start = day("2023-06-01") + dt.timedelta(int(rng.integers(0, 740)))
        known = rng.random() > 0.05
        row = {"customer_id": f"c{i}", "start_date": start if known else None, "end_date": None}
        people += [row] * (2 if rng.random() < 0.05 else 1)
        for m in range(month(start), month(AS_OF) + 1):
            bills.append(
                {
                    "customer_id": f"c{i}" if rng.random() > 0.03 else None,
                    "month": f"{m // 12}-{m % 12 + 1:02d}",
                    "revenue": float(np.round(rng.normal(20, 15), 2)),
                    "currency": "EUR",
                }
            )
    bills += [bills[0] | {"customer_id": "stranger"}]
    return {"customers": people, "revenue": bills}


def existing_of_bills(frames: dict[str, list[Row]], windows: list[int]) -> dict[str, Any]:
    start = {r["customer_id"]: r["start_date"] for r in frames["customers"] if r["start_date"]}
    found = {}
    for length in windows:
        begin, end = month(AS_OF) - length, month(AS_OF) - 1
        paid: dict[str, float] = defaultdict(float)
        for bill in frames["revenue"]:
            year, number = map(int, bill["month"].split("-"))
            billed, name = 12 * year + number - 1, bill["customer_id"]
            if name in start and bill["revenue"] > 0 and begin <= billed <= end:
                paid[name] += bill["revenue"]
        old = sum(amount for name, amount in paid.items() if month(start[name]) < begin)
        found[str(length)] = (old, sum(paid.values()), len(paid))
    return found


@pytest.mark.parametrize("seed", range(3))
def test_existing_revenue_of_contracts_is_that_of_a_loop(seed: int) -> None:
    frames = contracts(seed)
    with opened(**frames) as data:
        table = data.existing_revenue((1, 3, 6, 12))
    close(sums(table), existing_of_bills(frames, [1, 3, 6, 12]))
    assert table.left_out["no customer id"] == sum(
        b["customer_id"] is None for b in frames["revenue"]
    )
    assert table.left_out["credited"] > 0
    assert table.left_out["customer without a start date"] > 0
    assert "signed up before the first month of the window" in table.definition


def test_only_months_that_the_revenue_table_covers_are_in_a_window() -> None:
    frames = contracts(1)
    for left in ("2025-01", "2025-05"):
        frames["revenue"] = [b for b in frames["revenue"] if b["month"] != left]
    frames["revenue"] = [b for b in frames["revenue"] if b["month"] != "2025-06"]
    with opened(**frames) as data:
        table = data.existing_revenue((1, 3, 4, 12))
    assert [g for (g,) in table.groups] == ["1", "3"]  # February to April
    assert "up to 2025-04. Left out: the windows of 4, 12 months" in table.definition


def test_which_table_is_taken() -> None:
    frames = contracts(2) | {"transactions": lines(2)}
    with opened(**frames) as data:
        bills = sums(data.existing_revenue((3,)))
        assert bills == sums(data.existing_revenue((3,), table="revenue"))
        orders = sums(data.existing_revenue((3,), table="transactions"))
    close(orders, existing_of_orders(frames["transactions"], [3]))
    assert orders != bills
    frames["customers"] = [{"customer_id": "c1", "tenure": 4, "churned": 1}]
    with opened(**frames) as data:
        assert sums(data.existing_revenue((3,))) == orders
        with pytest.raises(NotEnoughError, match="nothing tells when customers signed up"):
            data.existing_revenue((3,), table="revenue")


@pytest.mark.parametrize(
    ("windows", "message"),
    [
        ((0,), "windows has 0, must be whole months from 1 to 120"),
        ((1.5,), "windows has 1.5, must be whole months"),
        ((True,), "windows has True, must be whole months"),
        ((), "windows is empty, must have a number of months"),
    ],
)
def test_bad_windows_are_named(windows: tuple[Any, ...], message: str) -> None:
    with opened(transactions=lines(1)) as data, pytest.raises(DataError, match=message):
        data.existing_revenue(windows)


def test_what_is_missing_is_named() -> None:
    with opened(customers=contracts(1)["customers"]) as data:
        with pytest.raises(NotEnoughError, match="revenue: there is no such table"):
            data.existing_revenue()
        with pytest.raises(NotEnoughError, match="transactions: there is no such table"):
            data.returns()
        with pytest.raises(DataError, match="table 'bills' does not exist"):
            data.existing_revenue(table="bills")
    with opened(as_of=None, transactions=lines(1)) as data:
        with pytest.raises(NotEnoughError, match="as_of is missing"):
            data.existing_revenue()
        with pytest.raises(NotEnoughError, match="as_of is missing"):
            data.returns()


def test_several_currencies_are_an_error_everywhere() -> None:
    rows = lines(1)
    rows[5]["currency"] = "USD"
    bills = contracts(1)
    bills["revenue"][9]["currency"] = "USD"
    with opened(transactions=rows, survey_responses=answers(1)) as data:
        for asked in (data.existing_revenue, data.returns, data.repurchase_table):
            with pytest.raises(DataError, match="transactions: there are amounts in 'EUR', 'USD'"):
                asked()
    with opened(**bills) as data, pytest.raises(DataError, match="revenue: there are amounts in"):
        data.existing_revenue()


# Returns


def returned_by_loop(rows: list[Row], mark: str = "") -> dict[str, tuple[float, float, int]]:
    orders: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row["order_id"] and usable(row):
            back = row["net_revenue"] < 0 and row["order_id"].startswith(mark)
            if back or row["net_revenue"] >= 0:
                orders[row["order_id"]].append(row | {"back": back})
    returned = [any(line["back"] for line in held) for held in orders.values()]
    every = [line for held in orders.values() for line in held]
    # an order of several customers is that of the first by name; one of nobody is its own buyer
    names = {key: {line["customer_id"] for line in held} - {None} for key, held in orders.items()}
    buyers = {(min(named), "") if (named := names[key]) else ("", key) for key in orders}
    value = sum(line["net_revenue"] for line in every if not line["back"])
    back = -sum(line["net_revenue"] for line in every if line["back"])
    return {
        "orders": (sum(returned), len(orders), len(buyers)),
        "value": (back, value, len(buyers)),
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mark", ["", "C"])
def test_returns_are_those_of_a_loop(seed: int, mark: str) -> None:
    rows = lines(seed)
    with opened(transactions=rows) as data:
        found = {by: sums(data.returns(by, mark=mark))[""] for by in ("orders", "value")}
        left_out = data.returns(mark=mark).left_out
    close(found, returned_by_loop(rows, mark))
    corrected = [
        r for r in rows if r["order_id"] and usable(r) and r["net_revenue"] < 0
        and not r["order_id"].startswith(mark)
    ]  # fmt: skip
    assert left_out.get("below 0 without the mark of a return", 0) == len(corrected)
    assert bool(corrected) == bool(mark)


def test_a_shop_with_more_returns_than_sales_is_refused_with_the_reason() -> None:
    rows = [{"customer_id": "a", "order_id": "1", "order_date": "2025-05-01", "net_revenue": -5.0}]
    with opened(transactions=rows) as data, pytest.raises(NotEnoughError, match="nothing was bou"):
        data.returns("value")
    rows += [rows[0] | {"order_id": "2", "net_revenue": 4.0}]
    rare = "in a group of fewer than 30 customers the part is more than the whole of EUR of what"
    with opened(transactions=rows) as data:
        with pytest.raises(DataError, match=rare):
            data.returns("value")
        assert sums(data.returns())[""] == (1, 2, 1)


def test_an_order_of_nobody_and_a_customer_of_the_same_id_are_two_buyers() -> None:
    """And an order that one of its lines names nobody for is its customer's, whatever its id."""
    row = {"order_date": day("2025-05-01"), "net_revenue": 4.0}
    rows = [
        row | {"customer_id": "7", "order_id": "a"},
        row | {"customer_id": None, "order_id": "7"},
        row | {"customer_id": "7", "order_id": "1"},
        row | {"customer_id": None, "order_id": "1"},
    ]
    with opened(transactions=rows) as data:
        table = data.returns()
    assert sums(table)[""] == (0, 3, 2)
    assert table.whole[0, int(hashlib.md5(b"7").hexdigest()[:2], 16)] == 3


def test_windows_without_revenue_are_left_out_or_an_error() -> None:
    row = {"customer_id": "a", "order_id": "1", "net_revenue": 4.0}
    rows = [row | {"order_date": d} for d in ("2024-01-05", "2024-02-05")]
    with opened(transactions=rows) as data:
        table = data.existing_revenue((3, 16))
        assert sums(table) == {"16": (4.0, 4.0, 1)}
        assert "Left out: the windows of 3 months, without revenue or not" in table.definition
        with pytest.raises(NotEnoughError, match="one must lie between 2024-02 and 2025-05, with"):
            data.existing_revenue((1, 3))
    rows = [row | {"order_date": None}]
    none = pytest.raises(NotEnoughError, match="within the extract, which holds no such month")
    with opened(transactions=rows) as data, none:
        data.existing_revenue()


def test_a_currency_that_is_no_code_is_not_repeated() -> None:
    rows = [row | {"currency": "EUR" if i else "Jane Doe, 12 High St"}
            for i, row in enumerate(lines(1))]  # fmt: skip
    with opened(transactions=rows) as data, pytest.raises(DataError) as error:
        data.returns()
    assert "there are amounts in 'EUR', another text, must all be in EUR" in str(error.value)


def test_bad_words_for_returns_are_named() -> None:
    with opened(transactions=lines(1)) as data:
        with pytest.raises(DataError, match=r"by 'order' does not exist.*did you mean 'orders'"):
            data.returns("order")
        with pytest.raises(DataError, match="mark is 'X', with which no order"):
            data.returns(mark="X")


# Purchases after an answer


def answers(seed: int, n: int = 300, metric: str = "csat", most: int = 5) -> list[Row]:
    rng = np.random.default_rng(seed + 100)
    rows = [
        {
            "response_id": f"r{i}",
            "customer_id": f"c{rng.integers(0, 60)}" if rng.random() > 0.05 else None,
            "responded_at": day("2024-02-01") + dt.timedelta(int(rng.integers(0, 520)))
            if rng.random() > 0.03 else None,
            "metric": metric.upper() if rng.random() < 0.5 else metric,
            "score": float(rng.integers(int(metric != "nps"), most + 1))
            if rng.random() > 0.03 else None,
        }
        for i in range(n)
    ]  # fmt: skip
    return [*rows, rows[0], rows[1], rows[2] | {"response_id": "off", "score": 99.0}]


def months_between(first: dt.date, second: dt.date) -> int:
    return month(second) - month(first) - (second.day < first.day)


def bought_again(
    asked: list[Row], orders: list[Row], months: int, group: Any
) -> dict[str, tuple[float, float, int]]:
    days: dict[str, set[dt.date]] = defaultdict(set)
    for row in orders:
        if row["customer_id"] and usable(row) and row["net_revenue"] >= 0:
            days[row["customer_id"]].add(row["order_date"])
    seen, found = set(), defaultdict(list)
    for row in asked:
        on, name = row["responded_at"], row["customer_id"]
        key = tuple(row.values())
        if key in seen or not on or not name or row["score"] in {None, 99.0} or on > AS_OF:
            continue
        seen.add(key)
        over = AS_OF + dt.timedelta(1)
        if months_between(on, over) < months or not any(d <= on for d in days[name]):
            continue
        again = any(d > on and months_between(on, d) < months for d in days[name])
        found[group(row["score"])].append((again, name))
    return {
        label: (sum(a for a, _ in held), len(held), len({n for _, n in held}))
        for label, held in sorted(found.items())
    }


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("months", [1, 3, 12])
def test_purchases_after_an_answer_are_those_of_a_loop(seed: int, months: int) -> None:
    asked, orders = answers(seed), lines(seed)
    with opened(transactions=orders, survey_responses=asked) as data:
        table = data.repurchase_table("CSAT", months=months)
    wanted = bought_again(
        asked, orders, months, lambda s: "satisfied" if s >= 4 else "not satisfied"
    )
    close(sums(table), wanted)
    assert set(wanted) == {"satisfied", "not satisfied"}
    assert table.whole.sum() + sum(table.left_out.values()) == len(asked) - 2  # two are doubled
    assert table.left_out["off the scale"] == 1
    span = "1 month" if months == 1 else f"{months} months"
    assert table.part_word == f"were followed by a purchase within {span}"


def test_scores_have_the_groups_of_their_question() -> None:
    orders = lines(1)
    nps, ces = answers(1, metric="nps", most=10), answers(1, metric="ces", most=7)

    def named(score: float) -> str:
        return "promoter" if score >= 9 else "passive" if score >= 7 else "detractor"

    with opened(transactions=orders, survey_responses=[*nps, *ces]) as data:
        close(sums(data.repurchase_table("nps", months=3)), bought_again(nps, orders, 3, named))
        close(
            sums(data.repurchase_table("ces", months=3)),
            bought_again(ces, orders, 3, lambda s: "easy" if s >= 6 else "not easy"),
        )
    hard = SCALES | {"ces": {"min": 1, "max": 3, "high_is": "hard"}}
    few = [row | {"score": 1.0 + i % 3} for i, row in enumerate(answers(1)) if row["score"] != 99]
    few = [row | {"metric": "ces"} for row in few]
    with opened(transactions=orders, survey_responses=few, scales=hard) as data:
        close(
            sums(data.repurchase_table("ces", months=3)),
            bought_again(few, orders, 3, lambda s: "easy" if s == 1 else "not easy"),
        )


def test_the_day_of_the_answer_itself_is_no_purchase_after_it() -> None:
    order = {"customer_id": "a", "order_id": "1", "order_date": "2024-01-31", "net_revenue": 1.0}
    asked = [{"response_id": "r", "customer_id": "a", "responded_at": "2024-01-31",
              "metric": "csat", "score": 5}]  # fmt: skip
    for later, part in (("2024-01-31", 0), ("2024-02-29", 1), ("2024-03-30", 0)):
        orders = [order, order | {"order_id": "2", "order_date": later}]
        with opened(transactions=orders, survey_responses=asked) as data:
            table = data.repurchase_table(months=1)
        assert sums(table) == {"satisfied": (part, 1, 1)}, later


def test_bad_questions_about_purchases_are_named() -> None:
    nobody = pytest.raises(NotEnoughError, match="there is no table of answers")
    with opened(transactions=lines(1)) as data, nobody:
        data.repurchase_table()
    with opened(transactions=lines(1), survey_responses=answers(1), scales={}) as data:
        with pytest.raises(DataError) as error:
            data.repurchase_table(months=0)
        assert [p[:9] for p in error.value.problems] == ["months is", "scales: t"]
        with pytest.raises(DataError, match="metric 'ncs' does not exist"):
            data.repurchase_table("ncs")
    with opened(transactions=lines(1), survey_responses=answers(1)) as data:
        with pytest.raises(NotEnoughError, match=r"there are 0 ces answers to follow \(none given"):
            data.repurchase_table("ces")
        with pytest.raises(NotEnoughError, match="the months after it were not over"):
            data.repurchase_table(months=24)


# Real data and the sample


def test_online_retail_gives_the_published_digits(shared_data: Path) -> None:
    """88.2, 81.9 and 77.1 % of revenue from existing customers in 1, 3 and 6 months; returned were
    14.8 % of invoices and 8.4 % of gross value: the last only without the two corrections of bad
    debt, which do not bear the C of a cancelled invoice (.0862 with them)."""
    assert shared_data.is_dir()
    with open_data(RECIPES / "online_retail.toml") as data:
        existing = data.existing_revenue()
        by = {name: shares(data.returns(name, mark="C"))[0].share for name in ("orders", "value")}
        unmarked = {name: shares(data.returns(name))[0] for name in ("orders", "value")}
    found = {r.group["window"]: round(100 * r.share, 1) for r in shares(existing)}
    assert found == {"1": 88.2, "3": 81.9, "6": 77.1}
    assert "Left out: the windows of 12 months" in existing.definition
    assert existing.left_out["no customer id"] == 135_080
    assert (round(100 * by["orders"], 1), round(100 * by["value"], 1)) == (14.8, 8.4)
    assert (unmarked["orders"].part, unmarked["orders"].whole) == (3838, 25_900)
    assert unmarked["value"].share == pytest.approx(0.08615, abs=5e-6)


def test_the_sample_answers_all_of_it() -> None:
    with open_data(SAMPLE) as data:
        found = {r.group["window"]: r for r in shares(data.existing_revenue())}
        again = shares(data.repurchase_table("nps"))
        returned = shares(data.returns())
    values = [found[w].share for w in ("1", "3", "6", "12")]
    assert values == sorted(values, reverse=True)
    assert 0.85 < values[-1] < values[0] < 1
    assert {r.label for r in again} == {"detractor", "passive", "promoter"}
    assert 0 < returned[0].share < 0.1
    assert "Of 100 NPS answers (promoters), " in again.sentence()


@pytest.mark.parametrize("dialect", sql.DIALECTS)
@pytest.mark.parametrize("name", ["existing_revenue", "returns", "repurchase_table"])
def test_every_share_is_one_query_in_every_dialect(name: str, dialect: str) -> None:
    with open_data(SAMPLE) as data:
        text = data.reduction_sql(name, [], dialect, period="quarter")
    (tree,) = parse(text, dialect=dialect)
    assert isinstance(tree, exp.Select)
    defined = {cte.alias for cte in tree.find_all(exp.CTE)}
    assert {table.name for table in tree.find_all(exp.Table) if not table.db} <= {*defined, ""}
    assert "@" not in text
    assert "$" not in text


def test_a_printed_query_gives_the_same_sums() -> None:
    def of(rows: pd.DataFrame) -> tuple[float, float, int]:
        return tuple(rows[name].sum() for name in ("part", "whole", "people"))

    with open_data(SAMPLE) as data:
        bills = data.reduction_sql("existing_revenue", period="year")
        wanted = sums(data.existing_revenue((12,)))["12"]
        asked = data.reduction_sql("repurchase_table", metric="nps")
        again = sums(data.repurchase_table("nps"))
    assert of(duckdb.connect().execute(bills).df()) == pytest.approx(wanted)
    rows = duckdb.connect().execute(asked).df()
    used = rows[rows["excluded"].isna()]
    assert {label: of(group) for label, group in used.groupby("score_group")} == again


def test_an_export_that_lacks_something_says_which() -> None:
    with opened(transactions=lines(1), scales={}) as data:
        for name, message in (
            ("repurchase_table", "survey_responses: there is no table of answers"),
            ("experiment_table", "interventions: there is no such table, which experiment_table"),
        ):
            with pytest.raises(DataError, match=message):
                data.reduction_sql(name)
        with pytest.raises(DataError, match="returns has no groups: ask for it without group_by"):
            data.reduction_sql("returns", ["plan"])
    with opened(as_of=None, transactions=lines(1)) as data:
        for name in ("existing_revenue", "returns", "repurchase_table"):
            with pytest.raises(DataError, match="as_of is missing"):
                data.reduction_sql(name)
