"""The simulator of shops does what it says, and agrees with the reduction of the same orders."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from frames import recipe
from shops import BG_NBD, GAMMA_GAMMA, PARETO_NBD, SCORE_GROUPS, Habits, Kind, Shop, shop

from cxresearch.source import open_frames

KINDS = {
    "bg_nbd": Kind("bg_nbd", BG_NBD),
    "mbg_nbd": Kind("mbg_nbd", (0.525, 6.183, 0.891, 1.614)),
    "pareto_nbd": Kind("pareto_nbd", PARETO_NBD),
}


@pytest.mark.parametrize("model", list(KINDS))
def test_customers_buy_as_often_as_the_formula_says(model: str) -> None:
    drawn = shop(30_000, np.random.default_rng(1), {"promoter": KINDS[model]}, later_days=364)
    table = drawn.table()
    weeks = (table.age + 1) / 7  # the last day is whole
    for seen, expected in (
        (table.frequency * table.customers, KINDS[model].purchases(weeks)),
        (table.later_purchases, drawn.expected_purchases("promoter", 52)),
    ):
        mean = np.average(np.broadcast_to(expected, weeks.shape), weights=table.customers)
        each = seen / table.customers
        error = np.sqrt(np.average((each - mean) ** 2, weights=table.customers) / 30_000)
        assert abs(np.average(each, weights=table.customers) - mean) < 4 * error


def test_spend_is_gamma_over_customers() -> None:
    drawn = shop(20_000, np.random.default_rng(2), {"promoter": Kind()}, later_days=0)
    mean = drawn.purchases.groupby("customer_id")["amount"].mean()
    error = mean.std() / np.sqrt(len(mean))
    assert abs(mean.mean() - Kind(spend=GAMMA_GAMMA).mean_spend) < 4 * error


def test_half_of_the_pareto_customers_are_alive_when_the_formula_says_so() -> None:
    kind = Kind("pareto_nbd", (5.0, 1.0, 1.5, 30.0))  # they buy so often that silence is the end
    drawn = shop(4000, np.random.default_rng(3), {"promoter": kind}, later_days=0)
    table = drawn.table()
    silent = (table.age - table.recency) / 7 > 6
    share = 1 - table.customers[silent].sum() / 4000
    assert share == pytest.approx(drawn.alive("promoter"), abs=0.06)


def test_habits_change_the_orders_and_not_the_purchases() -> None:
    habits = Habits(several=0.3, returned=0.2, zero=0.1, nobody=0.1)
    drawn = shop(500, np.random.default_rng(4), habits=habits)
    orders, bought = drawn.transactions, drawn.purchases
    assert orders["order_id"].is_unique
    assert (orders["net_revenue"] < 0).sum() == pytest.approx(0.2 * len(bought), rel=0.15)
    assert (orders["net_revenue"] == 0).sum() == pytest.approx(0.1 * len(bought), rel=0.25)
    assert orders["customer_id"].isna().sum() == pytest.approx(0.1 * len(bought), rel=0.25)
    mine = orders[orders["customer_id"].notna() & (orders["net_revenue"] > 0)]
    by_day = mine.groupby(["customer_id", "order_date"])["net_revenue"]
    assert (by_day.size() == 2).mean() == pytest.approx(0.3, abs=0.03)
    paid = bought.set_index(["customer_id", "day"])["amount"].sort_index()
    np.testing.assert_allclose(by_day.sum().sort_index(), paid, atol=0.011)


def counts(table) -> pd.DataFrame:
    names = ["frequency", "recency", "age", "customers", "repeat_spend", "later_purchases"]
    columns = {name: getattr(table, name) for name in [*names, "later_spend", "returned"]}
    labels = [table.groups[g][0] for g in table.group]
    keys = ["group", "frequency", "recency", "age"]
    return pd.DataFrame({"group": labels, **columns}).groupby(keys).sum().round(2)


def test_the_reduction_counts_the_same_customers() -> None:
    rng = np.random.default_rng(5)
    drawn: Shop = shop(300, rng, SCORE_GROUPS, habits=Habits(several=0.2, returned=0.1, nobody=0.1))
    last = (drawn.until + pd.Timedelta(days=drawn.later_days)).date()
    frames = {"transactions": drawn.transactions, "survey_responses": drawn.survey_responses(rng)}
    with open_frames(frames, **recipe(as_of=last)) as data:
        table = data.purchase_table(["score_group"], until=str(drawn.until.date()))
    assert (table.until, table.later_days) == (str(drawn.until.date()), drawn.later_days)
    pd.testing.assert_frame_equal(counts(table), counts(drawn.table()), check_dtype=False)
    spend = [
        one.spend.groupby(["group", "frequency"])["customers"].sum()
        for one in (table, drawn.table())
    ]
    pd.testing.assert_series_equal(*spend, check_dtype=False, check_index_type=False)
