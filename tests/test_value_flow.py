"""Against a customer-by-customer loop, and against leaving each replicate out by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from cxresearch.errors import DataError, NotEnoughError
from cxresearch.projection.fitted import projections
from cxresearch.uncertainty import jackknife_se, leave_one_out, normal_interval
from cxresearch.value._band import band
from cxresearch.value._flow import YEAR, Flow, flow
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms
from cxresearch.value_table import LIFE, MONEY, ValueTable

PRICES = Prices(cost_per_ticket=5.0, cost_per_month=1.5, referral_value=60.0, currency="EUR")
TERMS = Terms(0.1, 12, "now")


def customers(n: int = 400, seed: int = 1, hazard: float = 0.04, longest: int = 20) -> pd.DataFrame:
    """One row per customer and month: some bills and months of service are not known."""
    rng = np.random.default_rng(seed)
    leaves, ends = rng.geometric(hazard, n), rng.integers(3, longest + 1, n)
    exits, churned = np.minimum(leaves, ends), leaves <= ends
    who = np.repeat(np.arange(n), exits + 1)
    t = np.concatenate([np.arange(x + 1) for x in exits])
    last = t == exits[who]
    there, through = ~(last & churned[who]), ~last
    known, seen = there & (rng.random(len(t)) < 0.9), through & (t + who % 7 >= 3)
    money = rng.gamma(2, 20, n)[who] + rng.normal(0, 3, len(t))
    return pd.DataFrame(
        {
            "who": who,
            "replicate": who % 16,
            "tenure": t,
            "entered": (t == 0) * 1,
            "churned": (last & churned[who]) * 1,
            "censored": (last & ~churned[who]) * 1,
            "paying": known * 1,
            "revenue": known * 2.5 * money,
            "margin": known * money,
            "served": seen * 1,
            "tickets": seen * rng.poisson(0.3, len(t)),
            "direct_cost": seen * rng.gamma(1, 2, len(t)),
            "referrals": through * rng.poisson(0.05, len(t)),
        }
    )


def table(frame: pd.DataFrame, **words: Any) -> ValueTable:
    return ValueTable.from_counts(frame, n_replicates=16, **words)


def counts(source: ValueTable) -> dict[str, Any]:
    return {name: leave_one_out(source.counts(name))[:, 0] for name in source.count_fields}


def made(source: ValueTable, terms: Terms = TERMS, **words: Any) -> Flow:
    options = {"min_at_risk": 1, "whole": not source.weighted} | words
    prices = options.pop("prices", PRICES)
    return flow(counts(source), prices, terms, group={}, n=float(source.n[0]), **options)


def by_hand(frame: pd.DataFrame, months: int) -> pd.DataFrame:
    """Go through the customers month by month."""
    rows, retained = [], 1.0
    exits = frame.groupby("who").agg(exit=("tenure", "max"), churned=("churned", "max"))
    for t in range(months):
        at_risk = int((exits["exit"] >= t).sum())
        if t:
            lost = int(((exits["exit"] == t) & (exits["churned"] == 1)).sum())
            retained *= 1 - lost / at_risk
        now = frame[frame["tenure"] == t]
        paid, served = now[now["paying"] == 1], now[now["served"] == 1]
        through = int((exits["exit"] > t).sum())
        cost = (5 * served["tickets"] + served["direct_cost"]).sum() / max(len(served), 1) + 1.5
        rows.append(
            (retained, paid["margin"].mean(), cost, 60 * now["referrals"].sum() / max(through, 1))
        )
    return pd.DataFrame(rows, columns=["retained", "margin", "cost", "referral"])


def check(found: Flow, row: int, expected: pd.DataFrame) -> None:
    np.testing.assert_allclose(found.retained[found.best][row], expected["retained"])
    for name in ("margin", "cost", "referral"):
        np.testing.assert_allclose(getattr(found, name)[row], expected[name], err_msg=name)


# Within the data


def test_curve_and_rates_are_those_of_a_loop_over_customers() -> None:
    frame = customers()
    found = made(table(frame))
    assert (found.best, found.credible, found.months) == ("observed", ("observed",), 12)
    expected = by_hand(frame, 12)
    check(found, 0, expected)
    whole = expected["retained"] * (expected["margin"] - expected["cost"] + expected["referral"])
    np.testing.assert_allclose(found.contribution()[0], whole)
    assert found.value(TERMS)[0] == pytest.approx((whole * TERMS.factors).sum())


def test_each_row_leaves_the_customers_of_one_replicate_out() -> None:
    frame = customers(n=600)
    found = made(table(frame), Terms(0.1, 6, "end_of_period"))
    for r in range(16):
        check(found, 1 + r, by_hand(frame[frame["replicate"] != r], 7))


def test_bills_that_come_one_period_later_are_those_of_later_months() -> None:
    source, terms = table(customers()), Terms(0.0, 5, "end_of_period")
    found = made(source, terms)
    np.testing.assert_allclose(found.value(terms), found.contribution()[:, 1:6].sum(axis=-1))


def test_a_margin_may_be_a_share_of_revenue_or_one_amount() -> None:
    source = table(customers())
    held = made(source).margin
    np.testing.assert_allclose(made(source, prices=replace(PRICES, margin_share=0.4)).margin, held)
    flat = made(source, prices=replace(PRICES, monthly_margin=30.0)).margin
    assert (flat == 30).all()


def test_what_has_no_price_is_not_in_it() -> None:
    found = made(table(customers()), prices=Prices(cost_per_month=2.0))
    assert (found.referral == 0).all()
    bare = made(table(customers().assign(direct_cost=0.0)), prices=Prices(cost_per_month=2.0))
    assert (bare.cost == 2).all()


def test_weights_that_are_all_alike_change_nothing() -> None:
    frame = customers()
    heavy = frame.copy()
    heavy[[*LIFE, *MONEY]] *= 2.5
    one, other = made(table(frame)), made(table(heavy), whole=False)
    np.testing.assert_allclose(other.contribution(), one.contribution())


def test_weights_that_are_all_alike_change_no_model_either() -> None:
    """Weights have no AIC: models count as they do for the same customers unweighted."""
    frame, far = customers(n=1500, hazard=0.03), Terms(0.1, 60, "now")
    heavy = frame.copy()
    heavy[[*LIFE, *MONEY]] *= 2.5
    source = table(frame)
    plain = {name: x[:1] for name, x in counts(source).items() if name in LIFE}
    one = made(source, far, min_at_risk=30)
    other = made(table(heavy), far, whole=plain, min_at_risk=75)
    assert other.credible == one.credible
    np.testing.assert_allclose(other.contribution(), one.contribution(), rtol=1e-5)
    alike = made(table(heavy), far, whole=False, min_at_risk=75)
    assert alike.value(far)[0] != pytest.approx(one.value(far)[0], rel=1e-4)


# Thin months, and beyond the data


def test_a_month_with_too_few_bills_takes_the_rate_of_the_last_year_with_enough() -> None:
    frame = customers(n=900, hazard=0.01, longest=40)
    frame.loc[(frame["tenure"] == 5) & (frame["who"] > 8), ["paying", "margin"]] = 0
    source = table(frame)
    found = made(source, Terms(0.1, 30, "now"), min_at_risk=30)
    total = {name: source.counts(name)[0].sum(axis=0) for name in ("margin", "paying")}
    enough = [t for t in range(found.data_end + 1) if total["paying"][t] >= 30]
    assert 5 not in enough
    late = enough[-YEAR:]
    level = total["margin"][late].sum() / total["paying"][late].sum()
    assert found.margin[0, 5] == pytest.approx(level)
    assert found.margin[0, 6] == pytest.approx(total["margin"][6] / total["paying"][6])


def test_a_month_whose_last_bills_are_not_due_yet_is_no_month_without_bills() -> None:
    frame = customers(n=600, hazard=0.01, longest=4).query("who % 2 == 0 or tenure < 4")
    last = frame["tenure"] == frame.groupby("who")["tenure"].transform("max")
    frame = frame.assign(censored=last * (1 - frame["churned"]))
    frame.loc[last, ["paying", "revenue", "margin"]] = 0
    found = made(table(frame), Terms(0.1, 4, "end_of_period"), min_at_risk=30)
    assert (found.data_end, found.unbilled) == (4, frozenset())
    frame.loc[frame["tenure"] == 2, ["paying", "revenue", "margin"]] = 0
    assert made(table(frame), min_at_risk=30, months=5).unbilled == {2}


def test_beyond_the_data_those_still_there_follow_the_models() -> None:
    source = table(customers(n=1500, hazard=0.03))
    found = made(source, Terms(0.1, 48, "now"), min_at_risk=30)
    end = found.data_end
    at_risk = source.at_risk[0].sum(axis=0)
    assert at_risk[end] >= 30 > np.append(at_risk, 0)[end + 1]
    (projected,) = projections(source, horizon=47, fit_periods=end, min_at_risk=30)
    curves = {fit.model: np.exp(fit.log_retained(np.arange(48))) for fit in projected.fits}
    assert found.best == "combined"
    assert set(found.retained) == {"combined", *curves}
    assert found.credible == tuple(projected.standing.credible)
    seen = made(source, Terms(0.1, end + 1, "now"), min_at_risk=30).retained["observed"]
    for model, curve in curves.items():
        np.testing.assert_array_equal(found.retained[model][:, : end + 1], seen)
        later = found.retained[model][:, end + 1 :] / seen[:, -1:]
        np.testing.assert_allclose(later[0], curve[0, end + 1 :] / curve[0, end])
        # without a replicate each: the fits of `projections` begin elsewhere
        np.testing.assert_allclose(later, curve[:, end + 1 :] / curve[:, end : end + 1], rtol=1e-4)
    weights = projected.standing.weights
    mean = sum(weights[model] * found.retained[model] for model in curves)
    np.testing.assert_allclose(found.retained["combined"], mean)
    for name in ("margin", "cost", "referral"):
        later = getattr(found, name)[:, end + 1 :]
        assert (later == later[:, :1]).all(), name


def test_a_short_flow_is_the_beginning_of_a_long_one() -> None:
    source = table(customers(n=1500))
    short, long = (made(source, min_at_risk=30, months=months) for months in (10, 60))
    assert (short.best, long.best) == ("observed", "combined")
    np.testing.assert_allclose(long.contribution()[:, :10], short.contribution())


def test_where_nobody_left_the_band_goes_down_to_the_exact_limit() -> None:
    frame = customers(hazard=1e-9, longest=15).assign(direct_cost=0.0)
    source = table(frame)
    terms = Terms(0.0, 8, "now")
    found = made(source, terms, prices=Prices(monthly_margin=10.0))
    assert found.credible == ("observed", "at_least")
    assert found.value(terms)[0] == 80
    at_risk = source.at_risk[0].sum(axis=0)[:8]
    limit = np.r_[1.0, 0.025 ** (1 / at_risk[1:])]
    np.testing.assert_allclose(found.retained["at_least"][0], limit)
    rows = (found.value(terms, curve) for curve in found.credible)
    value, lower, upper = band(found.value(terms), rows, 0.95)
    assert (value, upper) == (80, 80)
    assert lower == pytest.approx(10 * limit.sum())


# Bands


def test_a_band_holds_the_intervals_of_all_its_curves() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(10, 1, (33, 4)), rng.normal(12, 1, (33, 4))
    mean = (one + other) / 2
    found = band(mean, [one, other], 0.9)
    ends = [normal_interval(x[0], jackknife_se(x[1:]), 0.9) for x in (one, other)]
    np.testing.assert_array_equal(found.value, mean[0])
    np.testing.assert_array_equal(found.lower, np.minimum(ends[0][0], ends[1][0]))
    np.testing.assert_array_equal(found.upper, np.maximum(ends[0][1], ends[1][1]))
    alone = band(one, [one], 0.9)
    np.testing.assert_array_equal(alone.lower, ends[0][0])


# Errors


@pytest.mark.parametrize(
    ("frame", "words", "message"),
    [
        ({"paying": 0, "margin": 1.0}, {}, "in every month there are no customers whose margin"),
        ({"paying": 0, "margin": 0.0}, {}, "in every month there are no customers whose margin"),
        ({}, {"min_at_risk": 390, "months": 40}, "too few months for a model"),
        ({"churned": 0}, {"months": 40}, "fewer than 10 customers left within the data"),
    ],
)
def test_a_group_that_cannot_be_valued_says_why(
    frame: Mapping[str, float], words: dict[str, Any], message: str
) -> None:
    rows = customers().assign(**frame)
    last = rows["tenure"] == rows.groupby("who")["tenure"].transform("max")
    rows["censored"] = last * (1 - rows["churned"])
    with pytest.raises(NotEnoughError, match=message):
        made(table(rows), **words)


def test_bills_beyond_the_months_covered_are_refused() -> None:
    with pytest.raises(DataError, match="the last bill is that of month 35, must be before 12"):
        made(table(customers())).value(Terms(0.1, 36, "now"))
