"""Value tables against a loop over every answer and every row, and what is said of odd data."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
import pandas as pd
import pytest
from frames import answers, lifetimes, recipe

from cxresearch import sql
from cxresearch.designs import Design
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.source import Data, open_data, open_frames
from cxresearch.value_table import ValueTable

Sums = dict[tuple[str, str, int], float]


@pytest.fixture(scope="module")
def sample() -> Data:
    return open_data()


@pytest.fixture(scope="module")
def table(sample: Data) -> ValueTable:
    return sample.value_table(["score_group", "plan"])


def rows(data: Data, text: str) -> list[dict[str, Any]]:
    frame = data.query(sql.parse_one(text, dialect="duckdb"))
    return [dict(zip(frame, row, strict=True)) for row in frame.itertuples(index=False)]


def month_of(day: pd.Timestamp) -> int:
    return 12 * day.year + day.month - 1


def by_hand(data: Data) -> dict[str, Sums]:
    """Return every sum of the value table, one answer, one month and one row at a time."""
    money = {
        (row["customer_id"], month_of(row["month"])): row
        for row in rows(data, "SELECT * FROM revenue")
    }
    tickets: dict[str, list[Any]] = defaultdict(list)
    for row in rows(data, "SELECT customer_id, event_at FROM touchpoints"):
        tickets[row["customer_id"]].append(row["event_at"])
    found: dict[str, Sums] = defaultdict(lambda: defaultdict(float))
    for row in rows(data, f"SELECT * FROM {Design('followup').table} WHERE excluded IS NULL"):
        group, who = (row["score_group"], row["plan"]), row["customer_id"]
        for t in range(row["entry_tenure"], row["exit_tenure"] + 1):
            if t < row["exit_tenure"]:
                found["served"][*group, t] += 1
            if t == row["exit_tenure"] and row["churned"]:
                continue
            found["paying"][*group, t] += 1
            bill = money.get(
                (who, row["clock_month"] + t), {"revenue": 0, "contribution_margin": 0}
            )
            found["revenue"][*group, t] += bill["revenue"]
            found["margin"][*group, t] += bill["contribution_margin"]
        for day in tickets[who]:
            t = month_of(day) - (day.day < row["start_day"]) - row["clock_month"]
            if row["entry_tenure"] <= t < row["exit_tenure"]:
                found["tickets"][*group, t] += 1
    return found


@pytest.mark.parametrize("name", ["paying", "revenue", "margin", "served", "tickets"])
def test_every_sum_is_that_of_a_loop_over_the_rows(
    sample: Data, table: ValueTable, name: str
) -> None:
    expected = by_hand(sample)[name]
    for (score, plan, month), value in expected.items():
        group = table.groups.index((score, plan))
        assert table.counts(name)[group, :, month].sum() == pytest.approx(value)
    assert table.counts(name).sum() == pytest.approx(sum(expected.values()))


def test_its_life_table_is_that_of_the_design(sample: Data, table: ValueTable) -> None:
    life = sample.life_table(["score_group", "plan"], design=Design("followup"))
    for name in life.count_fields:
        assert np.array_equal(life.counts(name), table.counts(name))
    there = table.at_risk + table.entered - table.churned
    there[..., 0] = table.entered[..., 0]
    assert np.array_equal(there, table.paying)
    assert np.array_equal(table.exposed, table.served)


def test_costs_of_the_ledger_are_those_of_the_simulation(sample: Data) -> None:
    costs = sample.unit_costs()
    assert costs.per_ticket == pytest.approx(9.0)
    assert costs.per_new_customer == pytest.approx(60.0)
    assert costs.per_customer_month == pytest.approx(1.2, rel=0.02)
    assert (costs.first_month, costs.last_month) == ("2022-01", "2025-12")


def shop(**tables: pd.DataFrame) -> Data:
    customers = lifetimes(300)
    frames = {"customers": customers, "survey_responses": answers(customers), **tables}
    return open_frames(frames, **recipe())


def test_monthly_amounts_of_customers_stand_in_for_bills() -> None:
    customers = lifetimes(300).assign(monthly_margin=lambda c: 10.0 + np.arange(len(c)) % 7)
    amounts = customers.set_index("customer_id")["monthly_margin"]
    with shop(customers=customers) as data:
        table = data.value_table(["score_group"])
        expected: Sums = defaultdict(float)
        for row in rows(data, f"SELECT * FROM {Design('followup').table} WHERE excluded IS NULL"):
            for t in range(row["entry_tenure"], row["exit_tenure"] + 1 - row["churned"]):
                expected[row["score_group"], "", t] += amounts[row["customer_id"]]
    assert (table.has_margin, table.has_revenue, table.has_tickets) == (True, False, False)
    for (score, _, month), value in expected.items():
        group = table.groups.index((score,))
        assert table.margin[group, :, month].sum() == pytest.approx(value)
    assert table.margin.sum() == pytest.approx(sum(expected.values()))


def test_referrals_are_counted_in_the_month_they_began() -> None:
    customers = lifetimes(300)
    with shop(customers=customers) as data:
        data.value_table(["score_group"])
        followed = rows(data, f"SELECT * FROM {Design('followup').table} WHERE excluded IS NULL")
    row = max(followed, key=lambda r: r["exit_tenure"])
    month = row["clock_month"] + 2
    customers["referred_by"] = None
    customers.loc[0, "start_date"] = pd.Timestamp(month // 12, month % 12 + 1, 28)
    customers.loc[0, "referred_by"] = row["customer_id"]
    with shop(customers=customers) as data:
        table = data.value_table(["score_group"])
    assert table.has_referrals
    assert table.referrals.sum() >= 1
    group = table.groups.index((row["score_group"],))
    assert table.referrals[group, :, 2].sum() >= 1


def revenue(**columns: object) -> pd.DataFrame:
    months = pd.date_range("2022-01-01", "2025-06-01", freq="MS")
    frame = pd.DataFrame({"month": months}).assign(customer_id="C0001", revenue=10.0)
    return frame.assign(**columns)


def test_months_before_the_first_bill_hold_no_bills() -> None:
    with shop(revenue=revenue().query("month >= '2024-01-01'")) as data:
        late = data.value_table(["score_group"])
    with shop(revenue=revenue()) as data:
        whole = data.value_table(["score_group"])
    assert 0 < late.paying.sum() < whole.paying.sum()
    assert not late.has_margin


def test_gaps_half_filled_margins_and_mixed_currencies_are_named_at_once() -> None:
    bills = revenue(currency="EUR", contribution_margin=4.0)
    bills.loc[3, "currency"] = "USD"
    bills.loc[4, "contribution_margin"] = None
    with (
        shop(revenue=bills.drop(index=[10, 11])) as data,
        pytest.raises(DataError) as error,
    ):
        data.value_table(["score_group"])
    currency, margin, gap = error.value.problems
    assert "amounts in 'EUR', 'USD'" in currency
    assert "contribution_margin is empty in 1 of 40 rows" in margin
    assert "there are no amounts in 2022-11, 2022-12" in gap


def test_columns_that_other_tables_have_too_can_be_compared(sample: Data) -> None:
    both = sample.value_table(["score_group", "channel", "plan", "tenure_band", "tickets_before"])
    one = sample.value_table(["score_group"])
    for name in one.count_fields:
        assert both.pooled("score_group").counts(name) == pytest.approx(one.counts(name))


def test_another_design_and_a_wrong_column_are_refused(sample: Data) -> None:
    with pytest.raises(DataError, match="must be 'followup'"):
        sample.value_table(["score_group"], design=Design("current"))
    with pytest.raises(DataError, match="Did you mean 'plan'"):
        sample.value_table(["score_group", "plam"])


def test_without_answers_there_is_no_value_table() -> None:
    customers = lifetimes(50)
    with (
        open_frames({"customers": customers}, **recipe()) as data,
        pytest.raises((DataError, NotEnoughError), match="survey_responses"),
    ):
        data.value_table()


def test_without_a_ledger_no_cost_is_known() -> None:
    with shop() as data:
        costs = data.unit_costs()
    assert (costs.per_ticket, costs.per_customer_month, costs.per_new_customer) == (None,) * 3
