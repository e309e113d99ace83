"""Value tables against a loop over every answer and every row, and what is said of odd data."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
import sqlglot
from frames import AS_OF, answers, lifetimes, recipe

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


@pytest.mark.parametrize("name", ["revenue", "MARGIN", "tickets", "amount", "served_until"])
def test_a_column_that_is_called_as_an_amount_is_refused_in_words(name: str) -> None:
    named = lifetimes(300).assign(**{name: "u"})
    with shop(customers=named) as data:
        assert data.value_table(["plan"]).n.sum() > 0
        for ask in (data.value_table, lambda by: data.reduction_sql("value_life", by)):
            with pytest.raises(DataError, match=f"{name!r} has a meaning of its own here"):
                ask([name])


@pytest.mark.parametrize("name", ['x"y', "select", "month", "spells", "@groups", "a b", "x'y"])
def test_any_other_name_is_a_name(name: str) -> None:
    named = lifetimes(300).assign(**{name: lambda c: c["plan"]})
    with shop(customers=named) as data:
        by_name, by_plan = data.value_table([name]), data.value_table(["plan"])
        assert by_name.groups == by_plan.groups
        assert np.array_equal(by_name.paying, by_plan.paying)
        for dialect in sql.DIALECTS:
            sqlglot.parse_one(data.reduction_sql("value_life", [name], dialect), dialect=dialect)


def test_a_doubled_customer_is_as_often_there_as_in_the_life_table() -> None:
    customers = lifetimes(300).assign(monthly_margin=10.0, referred_by="C00001")
    doubled = pd.concat([customers, customers.head(50)])
    with shop(customers=customers) as data:
        once = data.value_table()
    with shop(customers=doubled, survey_responses=answers(customers)) as data:
        table, life = data.value_table(), data.life_table(design=Design("followup"))
    assert table.entered.sum() == life.entered.sum()
    assert table.margin.sum() == pytest.approx(10.0 * table.paying.sum())
    assert table.referrals.sum() == 2 * once.referrals.sum()  # of the one who brought, doubled


def test_who_names_themselves_was_brought_by_nobody() -> None:
    customers = lifetimes(300).assign(referred_by=lambda c: c["customer_id"])
    first_day = answers(customers).assign(responded_at=customers["start_date"])
    with shop(customers=customers, survey_responses=first_day) as data:
        assert data.value_table(design=Design("followup", blackout_days=0)).referrals.sum() == 0


def test_what_is_empty_throughout_is_not_known() -> None:
    calls = pd.DataFrame({"customer_id": "C00001", "event_at": AS_OF, "event_type": ["call"]})
    bills = revenue(contribution_margin=None)
    with shop(revenue=bills, touchpoints=calls.astype({"event_at": "datetime64[ns]"})) as data:
        table = data.value_table()
    assert (table.has_revenue, table.has_margin, table.has_tickets) == (True, False, False)
    with shop(customers=lifetimes(300).assign(monthly_margin=None, referred_by=None)) as data:
        bare = data.value_table()
    assert (bare.has_margin, bare.has_referrals) == (False, False)


def test_amounts_that_some_customers_lack_are_refused() -> None:
    half = lifetimes(300).assign(monthly_margin=lambda c: [None, 10.0] * (len(c) // 2))
    with (
        shop(customers=half) as data,
        pytest.raises(DataError, match=r"monthly_margin is empty for \d+ of \d+ answers"),
    ):
        data.value_table()


@pytest.mark.parametrize("bills", [revenue().head(0), revenue(month=None)])
def test_bills_without_a_month_are_refused(bills: pd.DataFrame) -> None:
    with shop(revenue=bills) as data, pytest.raises(DataError, match="no row with a month"):
        data.value_table()


def ledger(**columns: object) -> pd.DataFrame:
    months = pd.date_range("2024-01-01", "2024-12-01", freq="MS")
    frame = pd.DataFrame({"month": months, "cost_type": "serve", "driver": "per_ticket"})
    return frame.assign(amount=90.0, customer_id=None, **columns)


def tickets(first: str) -> pd.DataFrame:
    days = pd.date_range(first, "2025-06-01", freq="MS")
    return pd.DataFrame({"customer_id": "C00001", "event_at": days, "event_type": "ticket"})


def test_a_cost_per_ticket_takes_only_months_in_which_tickets_were_counted() -> None:
    """Six of twelve months hold a ticket each; the cost of the others is spread over none."""
    with shop(costs=ledger(), touchpoints=tickets("2024-07-15")) as data:
        assert data.unit_costs().per_ticket == pytest.approx(90.0)
    with shop(costs=ledger(), touchpoints=tickets("2026-01-15")) as data:
        assert data.unit_costs().per_ticket is None


def test_costs_without_an_amount_are_not_costs_of_0() -> None:
    with shop(costs=ledger().assign(amount=None), touchpoints=tickets("2024-01-15")) as data:
        assert data.unit_costs().per_ticket is None


def test_costs_in_another_currency_than_bills_are_refused_without_one_in_the_recipe() -> None:
    tables = {"revenue": revenue(currency="EUR"), "costs": ledger(currency="USD")}
    frames = {"customers": lifetimes(300), "survey_responses": answers(lifetimes(300)), **tables}
    with (
        open_frames(frames, **(dict(recipe()) | {"currency": None})) as data,
        pytest.raises(DataError, match="revenue and costs: there are amounts in 'EUR', 'USD'"),
    ):
        data.value_table()


def test_service_is_known_only_where_the_ledger_is() -> None:
    booked = ledger().assign(customer_id=[f"C{i:05d}" for i in range(12)])
    with shop(costs=booked) as data:
        part = data.value_table()
    with shop() as data:
        whole = data.value_table()
    assert 0 < part.served.sum() < whole.served.sum()
    assert np.array_equal(part.paying, whole.paying)


@pytest.mark.parametrize("day", ["2025-06-10", "2025-06-30"])
def test_the_bill_of_a_month_that_is_not_over_is_not_known(day: str) -> None:
    """The recipe's last day decides: a running month may be billed in part."""
    whole = dict(recipe()) | {"as_of": dt.date.fromisoformat(day)}
    customers = lifetimes(300)
    frames = {"customers": customers, "survey_responses": answers(customers)}
    sums = []
    for last in ("2025-05-31", "2025-06-30"):
        bills = revenue().query(f"month <= '{last}'")
        with open_frames({**frames, "revenue": bills}, **whole) as data:
            sums.append(data.value_table().paying.sum())
    assert (sums[0] < sums[1]) == (day == "2025-06-30")


def hostile_files(folder: Path) -> Path:
    """A recipe of Parquet files with everything, under a name that SQL would stumble over."""
    customers = lifetimes(300).assign(referred_by="C00001", **{'x"y': lambda c: c["plan"]})
    booked = ledger().assign(customer_id=[f"C{i:05d}" for i in range(12)])
    rng = np.random.default_rng(1)
    tables = {
        "customers": customers,
        "survey_responses": answers(customers),
        "revenue": revenue(contribution_margin=4.0).assign(customer_id="C00010"),
        "touchpoints": tickets("2022-03-15").assign(customer_id="C00010"),
        "costs": booked,
        "transactions": pd.DataFrame(
            {
                "customer_id": rng.choice(customers["customer_id"], 900),
                "order_id": np.arange(900),
                "order_date": pd.Timestamp("2024-01-01")
                + pd.to_timedelta(rng.integers(0, 500, 900), "D"),
                "net_revenue": rng.integers(-5, 50, 900) / 4,
            }
        ),
    }
    text = "as_of = 2025-06-15\nobserved_from = 2021-05-17\n[scales]\nnps = { min = 0, max = 10 }\n"
    for name, table in tables.items():
        duckdb.from_df(table).write_parquet(str(folder / f"{name}.parquet"))
        text += f'[{name}]\npath = "{name}.parquet"\n'
    (folder / "data.toml").write_text(text)
    return folder


def test_what_a_bare_engine_counts_is_what_is_counted_here(tmp_path: Path) -> None:
    by = ["score_group", 'x"y']
    with open_data(hostile_files(tmp_path)) as data:
        table, bought = data.value_table([*by, "tenure_band"]), data.purchase_table(by)
        parts = ("life", "bills", "tickets", "direct_costs", "referrals")
        texts = [data.reduction_sql(f"value_{part}", [*by, "tenure_band"]) for part in parts]
        cells = data.reduction_sql("purchase_cells", by)
        means = data.reduction_sql("purchase_spend", by)
    bare = duckdb.connect()
    life, *others = (bare.execute(text).df() for text in texts)
    frames = [life.drop(columns=["revenue", "margin"]), *others]
    for name in table.count_fields:
        (frame,) = (frame for frame in frames if name in frame)
        change = name in {"paying", "served"}
        worth = frame[name] * (len(table.axis) - frame["tenure"]).clip(lower=0) ** change
        groups = worth.groupby([frame[column] for column in table.group_columns]).sum()
        for index, labels in enumerate(table.groups):
            counted = table.counts(name)[index].sum()
            assert counted == pytest.approx(groups.get(labels, 0)), name
        assert table.counts(name).sum() > 0, name
    count = bare.execute(cells).df()
    assert count["customers"].sum() == bought.n.sum()
    for name in ("repeat_spend", "returned"):
        assert count[name].sum() == pytest.approx(float(getattr(bought, name).sum()))
    held = dict(zip(bought.groups, bought.n, strict=True))
    assert count.groupby(by)["customers"].sum().to_dict() == held
    assert bare.execute(means).df()["customers"].sum() == bought.spend["customers"].sum()


def test_a_query_of_value_says_what_it_lacks(sample: Data) -> None:
    for options, problem in (
        ({"name": "value_direct_costs"}, "there is no customer_id in costs, which it counts"),
        ({"name": "value_life", "design": Design("current")}, "must be 'followup'"),
        ({"name": "value_life", "group_by": ["tenure_bnad"]}, "Did you mean 'tenure_band'"),
    ):
        with pytest.raises(DataError, match=problem):
            sample.reduction_sql(**options)


@pytest.mark.parametrize("blackout_days", [30, 400, 3650])
def test_the_answers_said_to_be_used_are_those_that_are_followed(
    sample: Data, blackout_days: int
) -> None:
    design = Design("followup", blackout_days=blackout_days)
    counts = sample.answers(design).set_index("outcome")["answers"]
    followed = sample.life_table(["score_group"], design=design).n.sum()
    assert counts["valid"] == followed
    assert counts.sum() == sample.answers()["answers"].sum()
