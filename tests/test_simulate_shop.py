"""The simulated web shop: what it states must be found in its orders, and moves nothing else."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from functools import lru_cache
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from runs import SAMPLE
from scipy.integrate import quad
from scipy.special import betaln

from cxresearch.checking import check
from cxresearch.needs import capabilities
from cxresearch.purchase_table import PurchaseTable
from cxresearch.purchases._bg_nbd import BG_NBD
from cxresearch.purchases._histories import Histories
from cxresearch.purchases.alive import customers_alive
from cxresearch.purchases.models import purchase_models
from cxresearch.purchases.shop_value import shop_values
from cxresearch.purchases.spend import spend_models
from cxresearch.simulate import Settings, Simulation, shop, simulate, write_sample
from cxresearch.simulate import settings as s
from cxresearch.simulate.shop_truth import NO_ANSWER, latest_group, purchases, still_active
from cxresearch.source import open_data, open_frames

AS_OF, OPENED = pd.Timestamp("2025-12-31"), pd.Timestamp("2022-01-01")
TABLES = ("customers", "survey_responses", "transactions")
KINDS = list(shop.KINDS)


@lru_cache
def simulation() -> Simulation:
    return simulate(Settings(customers=20_000, seed=5, tables=TABLES))


def orders() -> pd.DataFrame:
    """Orders without what came back."""
    rows = simulation().tables["transactions"]
    return rows[rows["net_revenue"] >= 0]


@lru_cache
def kinds() -> pd.Series:
    """The kind of each customer, by the definition."""
    extract = simulation().world.extract
    thirds = np.select(
        [extract.people.quality < -0.4307, extract.people.quality < 0.4307], [0, 1], 2
    )
    return pd.Series(np.array(KINDS)[thirds], index=extract.ids)


@lru_cache
def table(column: str, until: str | None = None) -> PurchaseTable:
    frames = dict(simulation().tables)
    customers = frames["customers"]
    frames["customers"] = customers.assign(kind=customers["customer_id"].map(kinds()))
    scales = {"nps": {"min": 0, "max": 10}, "csat": {"min": 1, "max": 5}}
    with open_frames(frames, as_of=AS_OF.date(), currency="EUR", scales=scales) as data:
        return data.purchase_table([column], until=until)


def digest(frame: pd.DataFrame) -> str:
    return hashlib.sha256(frame.to_csv().encode()).hexdigest()


# --- the table -----------------------------------------------------------------------------


def test_same_seed_same_orders_and_no_other_table_moves() -> None:
    full = simulate(Settings(customers=400, seed=3))
    again = simulate(Settings(customers=400, seed=3, tables=("transactions",)))
    assert digest(full.tables["transactions"]) == digest(again.tables["transactions"])
    rest = tuple(name for name in s.TABLES if name != "transactions")
    without = simulate(Settings(customers=400, seed=3, tables=rest))
    assert {n: digest(f) for n, f in without.tables.items()} == {
        n: digest(f) for n, f in full.tables.items() if n != "transactions"
    }


def test_orders_are_drawn_from_streams_of_their_own() -> None:
    drawn, seed = simulate(Settings(customers=400, seed=3)), np.random.SeedSequence(3)
    streams = s.stream(seed, "shop"), s.stream(seed, "orders")
    again = shop.transactions(drawn.world.extract, *streams)
    pd.testing.assert_frame_equal(again, drawn.tables["transactions"])


def test_no_order_before_the_start_the_opening_or_after_as_of() -> None:
    drawn = simulation().tables
    rows = drawn["transactions"].merge(drawn["customers"], on="customer_id")
    assert (rows["order_date"] >= rows["start_date"]).all()
    assert drawn["transactions"]["order_date"].between(OPENED, AS_OF).all()
    ended = rows[rows["end_date"] <= rows["order_date"]]
    assert len(ended) > 0.2 * len(rows)  # whoever left may buy


def test_orders_are_numbered_by_day_and_one_a_day() -> None:
    rows = orders()
    assert rows["order_id"].is_monotonic_increasing
    assert rows["order_id"].is_unique
    assert simulation().tables["transactions"]["order_date"].is_monotonic_increasing
    assert not rows.dropna(subset="customer_id").duplicated(["customer_id", "order_date"]).any()
    assert set(rows["currency"]) == {"EUR"}


@pytest.mark.parametrize(
    ("odd", "share"),
    [("guests", shop.GUEST_SHARE), ("coupons", shop.COUPON_SHARE)],
)
def test_odd_orders_are_as_many_as_stated(odd: str, share: float) -> None:
    rows = orders()
    found = rows["customer_id"].isna() if odd == "guests" else rows["net_revenue"] == 0
    assert abs(found.mean() - share) < 3.5 * np.sqrt(share * (1 - share) / len(rows))


def test_what_comes_back_is_the_whole_order_later() -> None:
    rows = simulation().tables["transactions"]
    back = rows[rows["net_revenue"] < 0]
    pair = back.merge(orders(), on="order_id", suffixes=("", "_bought"), validate="1:1")
    assert len(pair) == len(back)
    for name in ("net_revenue", "gross_margin"):
        assert (pair[name] == -pair[f"{name}_bought"]).all()
    assert (pair["customer_id"].fillna("") == pair["customer_id_bought"].fillna("")).all()
    days = (pair["order_date"] - pair["order_date_bought"]).dt.days
    assert (days.min(), days.max()) == shop.RETURN_DAYS
    paid = orders().query("net_revenue > 0 and order_date <= '2025-12-01'")  # all seen by as_of
    share = paid["order_id"].isin(back["order_id"]).mean()
    assert abs(share - shop.RETURNED_SHARE) < 3.5 * np.sqrt(0.05 * 0.95 / len(paid))


def test_margin_is_a_third_or_so_of_the_amount() -> None:
    rows = orders().query("net_revenue > 5")
    share = rows["gross_margin"] / rows["net_revenue"]
    assert abs(share.mean() - shop.MARGIN_SHARE) < 4 * shop.MARGIN_SPREAD / np.sqrt(len(rows))
    assert share.std() == pytest.approx(shop.MARGIN_SPREAD, rel=0.05)


def test_half_of_the_customers_buy_and_begin_on_different_days() -> None:
    named = orders().dropna(subset="customer_id")
    first = named.groupby("customer_id")["order_date"].min()
    assert 0.45 < len(first) / 20_000 < 0.55
    assert first.value_counts().max() < 0.01 * len(first)
    per_year = first.dt.year.value_counts(normalize=True)
    assert per_year.between(0.2, 0.3).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_single_customer_is_simulated(seed: int) -> None:
    drawn = simulate(Settings(customers=1, seed=seed))
    assert list(drawn.tables["transactions"]) == list(simulation().tables["transactions"])
    assert json.loads(json.dumps(drawn.truth["shop"], allow_nan=False)) == drawn.truth["shop"]


# --- what is stated ------------------------------------------------------------------------


@pytest.mark.parametrize("name", KINDS)
def test_formulas_agree_with_integrals_and_with_the_model(name: str) -> None:
    kind = shop.KINDS[name]

    def density(p: float, weeks: float) -> float:
        beta = np.exp((kind.a - 1) * np.log(p) + (kind.b - 1) * np.log1p(-p))
        there = (kind.alpha / (kind.alpha + p * weeks)) ** kind.r
        return float(there * beta / np.exp(betaln(kind.a, kind.b)))

    new = Histories(np.array([0]), np.array([0.0]), np.array([0.0]))
    parameters = np.array([kind.r, kind.alpha, kind.a, kind.b])
    for weeks in (1.0, 30.0, 200.0):
        there = quad(density, 0, 1, args=(weeks,))[0]
        assert still_active(kind, np.array([weeks]))[0] == pytest.approx(there)
        bought = BG_NBD.expected(parameters, new, weeks)[0]
        assert purchases(kind, np.array([weeks]))[0] == pytest.approx(bought, rel=1e-9)


@pytest.mark.parametrize("until", ["2024-12-31", None])
def test_each_kind_buys_as_often_as_stated(until: str | None) -> None:
    """Repeat purchases by a day, and those of the year after it, by the reduction of the orders."""
    counted = table("kind", until)
    for g, (name,) in enumerate(counted.groups):
        mine, kind = counted.group == g, shop.KINDS[name]
        customers, weeks = counted.customers[mine], counted.age[mine] / 7
        now = purchases(kind, weeks)
        wanted = [(counted.frequency[mine] * customers, now)]
        if until:
            ahead = purchases(kind, weeks + counted.later_days / 7) - now
            wanted.append((counted.later_purchases[mine], ahead))
        for found, expected in wanted:
            off = found / customers - expected
            mean = np.average(off, weights=customers)
            error = np.sqrt(np.average((off - mean) ** 2, weights=customers) / customers.sum())
            assert abs(mean) < 3.5 * error, (name, mean, error)


def test_truth_says_who_is_of_which_group() -> None:
    """By the answers and the orders, with pandas alone."""
    drawn = simulation()
    answers = drawn.tables["survey_responses"].query("metric == 'nps'")
    last = answers.sort_values("responded_at").groupby("customer_id")["score"].last()
    named = orders().dropna(subset="customer_id")["customer_id"].unique()
    score = last.reindex(named)
    group = pd.cut(score, [-1, 6, 8, 10], labels=s.GROUPS).astype(object).fillna(NO_ANSWER)
    stated = drawn.truth["shop"]["latest_score"]
    assert {name: each["customers"] for name, each in stated.items()} == dict(group.value_counts())
    share = pd.crosstab(group, kinds().reindex(named), normalize="index")
    for name, each in stated.items():
        assert each["kinds"] == pytest.approx(share.loc[name].to_dict(), abs=1e-4)


def test_promoters_buy_more_often_and_stop_later() -> None:
    stated = simulation().truth["shop"]["latest_score"]
    for low, high in (("detractor", "passive"), ("passive", "promoter")):
        for figure in ("still_active", "purchases", "gross_margin"):
            assert stated[high][figure] > 1.05 * stated[low][figure]


def test_within_a_kind_the_score_moves_nothing() -> None:
    named = orders().dropna(subset="customer_id")
    bought = named.groupby("customer_id").size()
    extract = simulation().world.extract
    group = pd.Series(latest_group(extract), index=extract.ids).loc[bought.index]
    for name in KINDS:
        mine = kinds().loc[bought.index] == name
        low, high = (bought[mine & (group == code)] for code in (0, 2))
        error = np.sqrt(low.var() / len(low) + high.var() / len(high))
        assert abs(low.mean() - high.mean()) < 3.5 * error


# --- what an analysis finds ----------------------------------------------------------------


def test_parameters_of_each_kind_are_recovered() -> None:
    found = purchase_models(table("kind"), models=["bg_nbd"], confidence_level=0.99)
    assert len(found) == len(KINDS)
    for model in found:
        kind = shop.KINDS[model.group["kind"]]
        for name in model.names:
            p = model.parameter(name)
            assert p.ci_lower < getattr(kind, name) < p.ci_upper, (model.group, p)
            assert p.ci_upper < 3 * p.ci_lower


@pytest.mark.verify
def test_what_each_score_group_is_expected_to_do_is_recovered() -> None:
    """Score groups mix kinds, so the model is right only roughly: bands of 99 % hold the truth."""
    counted, stated = table("score_group"), simulation().truth["shop"]
    models = purchase_models(counted, confidence_level=0.99)
    for one in customers_alive(models, weeks=stated["weeks"]):
        truth = stated["latest_score"][one.group["score_group"]]
        assert one.of.n == truth["customers"]
        held = one.probability_alive_ci_lower, one.probability_alive_ci_upper
        assert held[0] < truth["still_active"] < held[1]
        held = one.expected_purchases_ci_lower, one.expected_purchases_ci_upper
        assert held[0] < truth["purchases"] < held[1]
    spend = spend_models(counted, confidence_level=0.99)
    values = shop_values(models, spend, margin_share=0.35, annual_discount_rate=0.0)
    for value in values:
        truth = stated["latest_score"][value.group["score_group"]]
        low, high = value.findings()[0].ci_lower, value.findings()[0].ci_upper
        assert low < truth["gross_margin"] < high


# --- the sample ----------------------------------------------------------------------------


def test_the_sample_can_be_used_for_customers_without_a_contract() -> None:
    with open_data(SAMPLE) as data:
        assert check(data).offences == ()
        assert data.fit_until == "2024-12-31"
        assert data.order_margin_share() == pytest.approx(0.35, abs=0.005)
        assert "purchases" in capabilities(data)


def test_the_sample_is_what_the_command_writes() -> None:
    drawn = simulate()
    written = json.loads((SAMPLE / "truth.json").read_text(encoding="utf-8"))["shop"]
    assert written == json.loads(json.dumps(drawn.truth["shop"]))
    rows = duckdb.read_parquet(str(SAMPLE / "transactions.parquet")).df()
    assert len(rows) == len(drawn.tables["transactions"])
    assert rows["net_revenue"].sum() == pytest.approx(
        drawn.tables["transactions"]["net_revenue"].sum()
    )


def test_a_short_history_holds_nothing_back(tmp_path: Path) -> None:
    for months, held in ((23, None), (24, dt.date(2024, 12, 31))):
        folder = write_sample(
            tmp_path / str(months), settings=Settings(months=months), customers=50
        )
        with open_data(folder) as data:
            assert data.recipe.fit_until == held
    rest = Settings(tables=("customers",))
    folder = write_sample(tmp_path / "rest", settings=rest, customers=50)
    assert "fit_until" not in (folder / "data.toml").read_text(encoding="utf-8")
