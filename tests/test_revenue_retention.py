"""Gross and net revenue retention, from rows to a figure; the published example and by hand."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from sqlglot import parse
from test_wording import CAUSAL, FUTURE, check_digits, check_interval, check_whole

from cxresearch import sql
from cxresearch.errors import DataError
from cxresearch.money import bridge_query
from cxresearch.plots import alt_text
from cxresearch.plots.revenue import plot_revenue_bridge
from cxresearch.revenue_bridge import MOVES, RevenueBridge
from cxresearch.scores.revenue_retention import RevenueRetention, revenue_retention
from cxresearch.source import Data, open_data, open_frames

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "sample"
MONTHS = {"opening_month": "2024-12", "closing_month": "2025-12"}
DEC = dt.date(2025, 12, 31)


@pytest.fixture(autouse=True)
def _close():
    yield
    plt.close("all")


def bridge(*rows: tuple[Any, ...], **words: Any) -> RevenueBridge:
    """Rows of (move, people, opening, closing)."""
    frame = pd.DataFrame(rows, columns=["move", "people", "opening", "closing"])
    return RevenueBridge.from_counts(frame, **(MONTHS | words))


def revenue(**paid: tuple[float, float]) -> pd.DataFrame:
    """Opening and closing amounts of each customer, and somebody who pays every month."""
    rows = [("every", f"2025-{m:02d}", 10.0) for m in range(1, 13)] + [("every", "2024-12", 10.0)]
    for name, (opening, closing) in paid.items():
        rows += [(name, "2024-12", opening)] if opening else []
        rows += [(name, "2025-12", closing)] if closing else []
    return pd.DataFrame(rows, columns=["customer_id", "month", "revenue"])


def opened(paid: pd.DataFrame, people: pd.DataFrame | None = None, **extra: Any) -> Data:
    if people is None:
        names = sorted(set(paid["customer_id"]))
        people = pd.DataFrame({"customer_id": names, "start_date": "2025-01-05", "end_date": None})
        people["plan"] = ["a" if name < "c" else "b" for name in names]
    return open_frames(
        {"customers": people, "revenue": paid}, **({"as_of": DEC, "currency": "EUR"} | extra)
    )


def moves(table: RevenueBridge) -> dict[str, tuple[int, float, float]]:
    sums = [table.counts(name).sum(axis=(0, 1)) for name in table.count_fields]
    return {
        move: (int(n), float(a), float(b)) for move, n, a, b in zip(MOVES, *sums, strict=True) if n
    }


def only(table: RevenueBridge, **words: Any) -> RevenueRetention:
    (result,) = revenue_retention(table, **({"min_group": 1} | words))
    return result


# Published and by hand


def test_the_worked_example():
    """10.0 at the opening, −0.6, −0.9, +1.8: GRR 85 %, NRR 103 %."""
    result = only(
        bridge(("churned", 6, 0.6, 0.0), ("contraction", 20, 4.0, 3.1), ("expansion", 30, 4.0, 5.8),
               ("unchanged", 10, 1.4, 1.4), ("new_bought", 9, 0.0, 7.0))
    )  # fmt: skip
    assert result.opening == pytest.approx(10.0)
    assert result.gross_revenue_retention == pytest.approx(0.85)
    assert result.net_revenue_retention == pytest.approx(1.03)
    assert result.closing == pytest.approx(10.3)
    steps = (result.churned, result.contraction, result.expansion, result.new)
    assert steps == pytest.approx((0.6, 0.9, 1.8, 7.0))
    assert np.isnan(result.gross_revenue_retention_ci_lower)
    assert "85 %" in result.findings()[0].sentence


def test_nobody_is_netted_against_another():
    """One pays 5 less and one pays 5 more: net nothing happened, gross 5 of 30 are lost."""
    with opened(revenue(a=(10, 5), b=(10, 15))) as data:
        table = data.revenue_bridge()
    assert moves(table) == {
        "unchanged": (1, 10, 10), "contraction": (1, 10, 5), "expansion": (1, 10, 15),
    }  # fmt: skip
    result = only(table)
    assert result.gross_revenue_retention == pytest.approx(25 / 30)
    assert result.net_revenue_retention == pytest.approx(1)


def test_every_customer_is_in_one_move():
    paid = revenue(a=(10, 0), b=(0, 7), c=(0, 8), d=(0, 9), e=(5, -3), f=(-4, 6))
    paid.loc[len(paid)] = ["b", "2024-03", 7.0]  # paid before: came back
    people = pd.DataFrame(
        {
            "customer_id": ["a", "b", "c", "d", "e", "f", "every"],
            "start_date": ["2024-01-01", "2024-01-01", "2025-03-01", "2024-02-01", "2024-01-01",
                           "2025-02-01", "2024-01-01"],
            "end_date": None,
            "acquisition_source": [None, "earned", "EARNED", "bought", None, "a billboard", None],
        }
    )  # fmt: skip
    with opened(paid, people) as data:
        table = data.revenue_bridge()
    assert moves(table) == {
        "unchanged": (1, 10, 10),
        "churned": (2, 15, 0),  # a, and e whose credits outweigh the bill
        "new_earned": (1, 0, 8),  # c
        "new_unknown": (1, 0, 6),  # f: a source that is neither word is not known
        "reactivated": (2, 0, 16),  # b paid before, d was a customer before
    }
    result = only(table)
    assert (result.n, result.n_churned, result.n_reactivated) == (3, 2, 2)
    assert (result.new, result.reactivated) == (14, 16)


def test_several_bills_of_a_month_add_up():
    paid = revenue(a=(10, 5))
    paid.loc[len(paid)] = ["a", "2025-12-20", 5.0]
    with opened(paid) as data:
        assert moves(data.revenue_bridge()) == {"unchanged": (2, 20, 20)}


def test_months_between_can_be_chosen_and_the_last_whole_month_closes():
    paid = revenue(a=(10, 0))
    paid.loc[len(paid)] = ["a", "2025-11", 20.0]
    with opened(paid) as data:
        table = data.revenue_bridge(months=1)
    assert (table.opening_month, table.closing_month) == ("2025-11", "2025-12")
    assert moves(table)["churned"] == (1, 20, 0)
    with opened(paid, as_of=dt.date(2025, 12, 30)) as data:
        assert data.revenue_bridge(months=10).closing_month == "2025-11"


def test_groups_are_the_customers_attributes():
    with opened(revenue(a=(10, 5), c=(10, 20))) as data:
        found = revenue_retention(data.revenue_bridge(["plan"]), min_group=1)
    assert [r.group for r in found] == [{"plan": "a"}, {"plan": "b"}]
    assert [r.net_revenue_retention for r in found] == pytest.approx([0.5, 1.5])
    assert "customers with plan a paid" in found[0].sentence()


# Against independent code


def test_the_sample_agrees_with_plain_pandas():
    with open_data(SAMPLE) as data:
        table = data.revenue_bridge(["plan"])
        paid = data.query(sql.parse_one("SELECT customer_id, month, revenue FROM revenue"))
        plan = data.query(sql.parse_one("SELECT customer_id, plan FROM customers"))
    wide = paid.pivot_table("revenue", "customer_id", "month", aggfunc="sum", fill_value=0)
    start, end = wide[pd.Timestamp("2024-12-01")], wide[pd.Timestamp("2025-12-01")]
    plans = plan.set_index("customer_id")["plan"].reindex(wide.index)
    for result in revenue_retention(table):
        here = (plans == result.group["plan"]) & (start > 0)
        gross = np.minimum(start, end)[here].sum() / start[here].sum()
        assert result.gross_revenue_retention == pytest.approx(gross, rel=1e-12)
        net = end[here].sum() / start[here].sum()
        assert result.net_revenue_retention == pytest.approx(net, rel=1e-12)
        assert result.n == here.sum()


def draw(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    opening = np.round(np.exp(rng.normal(3, 0.6, n)), 2)
    factor = np.where(rng.random(n) < 0.15, 0, rng.choice([1, 0.8, 1.3], n, p=[0.5, 0.2, 0.3]))
    return pd.DataFrame(
        {"opening": opening, "closing": np.round(opening * factor, 2),
         "replicate": rng.integers(0, 256, n)}
    )  # fmt: skip


def reduced(rows: pd.DataFrame) -> RevenueBridge:
    start, end = rows["opening"], rows["closing"]
    cases = [end == 0, end < start, end == start]
    move = np.select(cases, ["churned", "contraction", "unchanged"], default="expansion")
    frame = rows.assign(move=move, people=1)
    return RevenueBridge.from_counts(frame, **MONTHS)


def test_the_interval_is_that_of_a_ratio():
    """Linearised variance of a ratio, Σ(y − rx)²/(Σx)² (Cochran 1977, Sampling Techniques, §2.11)."""
    rows = draw(20_000, 1)
    result = only(reduced(rows))
    for rate, kept in (
        ("gross", np.minimum(rows["opening"], rows["closing"])),
        ("net", rows["closing"]),
    ):
        ratio = kept.sum() / rows["opening"].sum()
        error = np.sqrt(((kept - ratio * rows["opening"]) ** 2).sum()) / rows["opening"].sum()
        name = f"{rate}_revenue_retention"
        width = getattr(result, f"{name}_ci_upper") - getattr(result, f"{name}_ci_lower")
        assert getattr(result, name) == pytest.approx(ratio)
        assert width == pytest.approx(2 * 1.96 * error, rel=0.15)


@pytest.mark.verify
def test_the_intervals_cover():
    truth = reduced(draw(2_000_000, 2))
    gross, net = only(truth).gross_revenue_retention, only(truth).net_revenue_retention
    found = [only(reduced(draw(400, 100 + seed))) for seed in range(500)]
    for name, known in (("gross_revenue_retention", gross), ("net_revenue_retention", net)):
        inside = [
            getattr(r, f"{name}_ci_lower") <= known <= getattr(r, f"{name}_ci_upper") for r in found
        ]
        assert 0.92 <= np.mean(inside) <= 0.98


# Properties

AMOUNTS = st.lists(
    st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 255)),
    min_size=1,
    max_size=30,
).filter(lambda rows: any(row[0] for row in rows))


def rows_of(amounts: list[tuple[int, int, int]]) -> pd.DataFrame:
    # two customers in different replicates, so that something is left when one is left out
    more = [*amounts, (50, 50, 0), (50, 60, 1)]
    frame = pd.DataFrame(more, columns=["opening", "closing", "replicate"])
    return frame[frame["opening"] > 0].astype({"opening": float, "closing": float})


@given(AMOUNTS)
def test_gross_is_never_above_1_or_net(amounts: list[tuple[int, int, int]]):
    result = only(reduced(rows_of(amounts)))
    assert 0 <= result.gross_revenue_retention <= min(1, result.net_revenue_retention) + 1e-12
    assert result.closing == pytest.approx(result.net_revenue_retention * result.opening)
    low, high = result.gross_revenue_retention_ci_lower, result.gross_revenue_retention_ci_upper
    assert 0 <= low <= result.gross_revenue_retention + 1e-12
    assert result.gross_revenue_retention - 1e-12 <= high <= 1


@settings(max_examples=40)
@given(AMOUNTS, st.floats(0.001, 1000), st.randoms(use_true_random=False))
def test_currency_and_order_change_nothing(amounts: Any, factor: float, random: Any):
    rows = rows_of(amounts)
    order = list(range(len(rows)))
    random.shuffle(order)
    other = rows.iloc[order].assign(
        opening=lambda f: f["opening"] * factor, closing=lambda f: f["closing"] * factor
    )
    a, b = only(reduced(rows)), only(reduced(other))
    for name in ("gross_revenue_retention", "net_revenue_retention"):
        for end in ("", "_ci_lower", "_ci_upper"):
            assert getattr(a, name + end) == pytest.approx(getattr(b, name + end), rel=1e-6)


def test_when_nobody_has_left_the_interval_says_how_few_were_seen():
    rows = draw(40, 5).assign(closing=lambda f: f["opening"])
    result = only(reduced(rows))
    assert result.gross_revenue_retention == result.gross_revenue_retention_ci_upper == 1
    assert result.gross_revenue_retention_ci_lower == pytest.approx(0.025 ** (1 / 40))
    assert result.net_revenue_retention_ci_lower == pytest.approx(0.025 ** (1 / 40))
    gone = only(reduced(rows.assign(closing=0.0)))
    assert gone.gross_revenue_retention_ci_upper == pytest.approx(1 - 0.025 ** (1 / 40))


# Words, figure, engines


def test_findings_keep_the_rules_and_claim_no_cause():
    with open_data(SAMPLE) as data:
        found = [
            *revenue_retention(data.revenue_bridge()).findings(),
            *revenue_retention(data.revenue_bridge(["plan"]), min_group=250).findings(),
        ]
    assert {f.id for f in found} == {
        "gross_revenue_retention", "net_revenue_retention", "not_reported",
    }  # fmt: skip
    assert found[0].group == {}
    for finding in found:
        check_whole(finding.sentence)
        check_interval(finding.to_dict())
        assert not CAUSAL.search(finding.sentence)
        assert not FUTURE.search(finding.sentence)
        assert check_digits(finding.to_dict()) or finding.id == "not_reported"


def test_the_definition_names_both_months_and_who_is_left_out():
    said = only(reduced(draw(50, 3))).definition
    assert "2024-12" in said
    assert "2025-12" in said
    assert "the smaller of the two amounts of each customer" in said
    assert "New and reactivated customers are in neither" in said
    assert not CAUSAL.search(said)


def test_the_figure_shows_the_amounts_and_the_definition():
    result = only(reduced(draw(400, 4)))
    ax = plot_revenue_bridge(result)
    widths = [patch.get_width() for patch in ax.patches]
    assert widths == pytest.approx(
        [result.opening, result.churned, result.contraction, result.expansion, result.closing]
    )
    ends = [patch.get_x() + patch.get_width() for patch in ax.patches]
    # each step begins where the one before it ended
    assert ends[1] == pytest.approx(result.opening)
    assert ends[2] == pytest.approx(ax.patches[1].get_x())
    assert ends[3] == pytest.approx(result.closing)
    label = " ".join(ax.get_xlabel().split())
    assert " ".join(result.definition.split()) in label
    assert "Gross revenue retention" in alt_text(ax)
    assert f"{result.churned:,.0f}" in alt_text(ax)


@pytest.mark.parametrize("dialect", sql.DIALECTS)
def test_the_reduction_can_be_said_in_every_dialect(dialect: str):
    text = sql.render(bridge_query(["plan", 'a "b"'], 24299, 24311), dialect)
    assert len(parse(text, dialect=dialect)) == 1
    assert "$" not in text


# What is refused, and how


def test_months_without_revenue_are_named():
    paid = revenue(a=(10, 5))
    paid = paid[~paid["month"].isin(["2025-03", "2025-04"])]
    with (
        opened(paid) as data,
        pytest.raises(DataError, match="no amounts in 2025-03, 2025-04, must be in every month"),
    ):
        data.revenue_bridge()


def test_currencies_are_not_mixed():
    paid = revenue(a=(10, 5)).assign(currency="EUR")
    paid.loc[3, "currency"] = "USD"
    with (
        opened(paid) as data,
        pytest.raises(DataError, match="amounts in 'EUR', 'USD', must all be in EUR"),
    ):
        data.revenue_bridge()
    people = pd.DataFrame({"customer_id": ["a", "every"], "start_date": "2024-01-01"})
    with (
        open_frames({"customers": people, "revenue": paid}, as_of=DEC) as data,
        pytest.raises(DataError, match="amounts in 'EUR', 'USD', must be in one currency"),
    ):
        data.revenue_bridge()


def test_an_opening_before_the_observation_is_refused():
    with (
        opened(revenue(a=(10, 5)), observed_from=dt.date(2025, 2, 1)) as data,
        pytest.raises(DataError, match="opening month is 2024-12, must not lie before 2025-02"),
    ):
        data.revenue_bridge()


@pytest.mark.parametrize("months", [0, 1.5, 121])
def test_a_span_out_of_range_is_named(months: Any):
    with (
        opened(revenue(a=(10, 5))) as data,
        pytest.raises(DataError, match=f"months is {months}, must be a whole number from 1 to 120"),
    ):
        data.revenue_bridge(months=months)


def test_a_missing_table_and_a_taken_name_are_named():
    people = pd.DataFrame({"customer_id": ["a"], "start_date": "2025-01-01", "move": "x"})
    with (
        open_frames({"customers": people}, as_of=DEC) as data,
        pytest.raises(DataError, match=r"revenue: there is no such table(.|\n)*'move' has a mean"),
    ):
        data.revenue_bridge(["move"])


def test_an_opening_without_revenue_is_refused():
    paid = revenue()
    paid.loc[paid["month"] == "2024-12", "revenue"] = -5.0
    with (
        opened(paid) as data,
        pytest.raises(DataError, match="no customer paid in 2024-12"),
    ):
        data.revenue_bridge()


def test_an_unknown_move_is_refused():
    with pytest.raises(DataError, match="move has 'gone', must be one of unchanged"):
        bridge(("gone", 1, 1.0, 0.0))
