"""Who is counted and who is not: the steps add up whatever a company sends."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from frames import AS_OF, answers, lifetimes, recipe
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from matplotlib.patches import Rectangle

from cxresearch._format import number
from cxresearch.errors import DataError
from cxresearch.exclusions import (
    Waterfall,
    answer_waterfall,
    customer_waterfall,
    order_waterfall,
)
from cxresearch.findings import Finding
from cxresearch.plots import alt_text, plot_waterfall
from cxresearch.source import Data, open_data, open_frames

FALL = Waterfall("customers", 1_250, {"too new": 200, "no start date": 50}, "2025-06-30")


# What a waterfall says


def test_the_steps_add_up_in_the_table_and_in_words() -> None:
    frame = FALL.to_frame()
    assert frame["step"].tolist() == [
        "customers in the extract", "less: too new", "less: no start date", "customers used",
    ]  # fmt: skip
    assert frame["count"].tolist() == [1250, -200, -50, 1000]
    assert FALL.used == 1000
    assert FALL.sentence() == (
        "Of 1,250 customers in the extract, 1,000 are used. Left out: 200 too new and 50 no start "
        "date."
    )


def test_nobody_left_out() -> None:
    every = Waterfall("answers", 3, {}, None, where="to the NPS question in the extract")
    assert every.sentence() == (
        "Of 3 answers to the NPS question in the extract, 3 are used. None are left out."
    )
    assert every.to_frame()["step"].tolist() == [
        "answers to the NPS question in the extract", "answers used",
    ]  # fmt: skip
    assert [f.id for f in every.findings()] == ["answers_used"]


def test_each_step_is_a_finding_that_is_exact() -> None:
    used, *left_out = FALL.findings()
    assert (used.id, used.value, used.n, used.group) == ("customers_used", 1000, 1250, {})
    assert [(f.id, f.value, dict(f.group)) for f in left_out] == [
        ("customers_left_out", 200, {"reason": "too new"}),
        ("customers_left_out", 50, {"reason": "no start date"}),
    ]
    for found in (used, *left_out):
        assert found.ci_lower == found.value == found.ci_upper
        assert (found.unit, found.as_of) == ("customers", "2025-06-30")
        assert found.sentence == FALL.sentence()


# The figure


def bars(waterfall: Waterfall) -> list[tuple[float, float]]:
    """Return left edge and width of each bar, from the top."""
    ax = plot_waterfall(waterfall)
    found = [p for p in ax.patches if isinstance(p, Rectangle)]
    plt.close("all")
    return [(bar.get_x(), bar.get_width()) for bar in found]


def test_the_bars_are_the_counts_and_hang_together() -> None:
    assert bars(FALL) == [(0, 1250), (1050, 200), (1000, 50), (0, 1000)]


def test_the_figure_is_labelled_and_has_an_alternative() -> None:
    ax = plot_waterfall(FALL)
    assert [text.get_text() for text in ax.texts] == ["1,250", "−200", "−50", "1,000"]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "in the extract", "less: too new", "less: no start date", "used",
    ]  # fmt: skip
    assert ax.get_xlabel() == "Customers"
    low, high = ax.get_ylim()
    assert low > high, "the extract stands at the top"
    assert alt_text(ax) == FALL.sentence()
    plt.close("all")


def test_a_figure_of_nobody() -> None:
    assert bars(Waterfall("customers", 0, {}, None)) == [(0, 0), (0, 0)]


def test_it_draws_on_axes_of_ones_own() -> None:
    _, ax = plt.subplots()
    assert plot_waterfall(FALL, ax=ax) is ax
    plt.close("all")


# From data


def check(found: Waterfall, total: int, used: int) -> None:
    assert found.total == total
    assert found.used == used == total - sum(found.left_out.values())
    counts = list(found.left_out.values())
    assert counts == sorted(counts, reverse=True)
    assert all(count > 0 for count in counts)
    steps = found.to_frame()["count"].tolist()
    assert sum(steps[:-1]) == steps[-1] == used
    values: dict[tuple[str, str], Any] = {
        (f.id, f.group.get("reason", "")): f.value for f in found.findings()
    }
    assert len(values) == len(counts) + 1
    assert sum(v for (name, _), v in values.items() if name.endswith("left_out")) == total - used
    for figure in (total, used, *counts):
        assert number(figure) in found.sentence()


def test_the_sample_of_the_tests_adds_up() -> None:
    customers = lifetimes(400)
    tables = {"customers": customers, "survey_responses": answers(customers)}
    with open_frames(tables, **recipe(observed_from=dt.date(2023, 1, 1))) as data:
        whole = customer_waterfall(data)
        check(whole, 400, int(data.life_table().n.sum()))
        by_score = customer_waterfall(data, by_score=True)
        check(by_score, 400, int(data.life_table(["score_group"]).n.sum()))
        given_before = answer_waterfall(data)
        check(given_before, 400, 400 - given_before.left_out["before the observation began"])
    assert whole.group == {}
    assert by_score.group == {"curves": "by score"}
    assert {f.group.get("curves") for f in by_score.findings()} == {"by score"}
    assert whole.left_out["left before the first full month under observation"] > 50


def test_answers_to_other_questions_are_not_counted_as_answers() -> None:
    customers = lifetimes(100)
    replies = answers(customers)
    replies.loc[:29, "metric"] = "csat"
    scales = {"nps": {"min": 0, "max": 10}, "csat": {"min": 0, "max": 10}}
    tables = {"customers": customers, "survey_responses": replies}
    with open_frames(tables, **recipe(scales=scales)) as data:
        found = answer_waterfall(data)
    check(found, 70, 70)
    assert found.sentence().startswith("Of 70 answers to the NPS question in the extract, 70 are")


def test_without_lifetimes_or_scores_it_says_what_it_would_take() -> None:
    frame = pd.DataFrame({"customer_id": ["a"], "plan": ["x"]})
    with (
        open_frames({"customers": frame}) as data,
        pytest.raises(DataError, match="nothing tells how long customers stayed"),
    ):
        customer_waterfall(data)
    with (
        open_frames({"customers": lifetimes(40)}, **recipe()) as data,
        pytest.raises(DataError, match="grouping by score needs a table of answers"),
    ):
        answer_waterfall(data)


# around the last day of the extract, and some after it
days = st.dates(AS_OF - dt.timedelta(240), AS_OF + dt.timedelta(90))
maybe = st.one_of(st.none(), days)
dated = st.lists(st.tuples(maybe, maybe), min_size=1, max_size=25)
counted = st.lists(
    st.tuples(st.one_of(st.none(), st.integers(0, 5)), st.one_of(st.none(), st.booleans())),
    min_size=1,
    max_size=25,
)
scores = st.one_of(st.none(), st.integers(0, 10))
replied = st.lists(st.tuples(st.integers(0, 30), maybe, scores), max_size=25)


def stamps(values: list[dt.date | None]) -> pd.Series:
    return pd.Series(pd.to_datetime(pd.Series(values, dtype=object)))


def by_dates(people: list[tuple[dt.date | None, dt.date | None]]) -> pd.DataFrame:
    start, end = zip(*people, strict=True)
    ids = [f"C{i}" for i in range(len(people))]
    dates = {"start_date": stamps(list(start)), "end_date": stamps(list(end))}
    return pd.DataFrame({"customer_id": ids, **dates})


def by_answers(replies: list[tuple[int, dt.date | None, int | None]]) -> pd.DataFrame:
    """Customers 26 to 30 are nobody's."""
    return pd.DataFrame(
        {
            "response_id": [f"R{i}" for i in range(len(replies))],
            "customer_id": [f"C{who}" for who, _, _ in replies],
            "responded_at": stamps([day for _, day, _ in replies]),
            "metric": ["nps"] * len(replies),
            "score": pd.Series([score for *_, score in replies], dtype="Float64"),
        }
    )


def check_all(data: Data, n_customers: int, n_answers: int) -> None:
    check(customer_waterfall(data), n_customers, int(data.life_table().n.sum()))
    by_score = customer_waterfall(data, by_score=True)
    check(by_score, n_customers, int(data.life_table(["score_group"]).n.sum()))
    found = answer_waterfall(data)
    assert found.total == n_answers
    assert by_score.used <= found.used <= n_answers
    assert all(isinstance(f, Finding) for f in found.findings())


@settings(max_examples=25)
@given(dated, replied, st.sampled_from([None, dt.date(2024, 12, 15), dt.date(2025, 3, 1)]))
def test_every_customer_with_dates_is_used_or_left_out_for_one_reason(
    people: list[tuple[dt.date | None, dt.date | None]],
    replies: list[tuple[int, dt.date | None, int | None]],
    first: dt.date | None,
) -> None:
    tables = {"customers": by_dates(people), "survey_responses": by_answers(replies)}
    window = {} if first is None else {"observed_from": first}
    with open_frames(tables, **recipe(**window)) as data:
        check_all(data, len(people), len(replies))


@settings(max_examples=20)
@given(counted, st.sampled_from(["billed", "completed"]))
def test_every_customer_with_a_tenure_is_used_or_left_out_for_one_reason(
    people: list[tuple[int | None, bool | None]], counts: str
) -> None:
    tenure, churned = zip(*people, strict=True)
    frame = pd.DataFrame(
        {
            "customer_id": [f"C{i}" for i in range(len(people))],
            "tenure": pd.Series(tenure, dtype="Int64"),
            "churned": pd.Series(churned, dtype="boolean"),
        }
    )
    with open_frames({"customers": frame}, tenure_counts=counts) as data:
        check(customer_waterfall(data), len(people), int(data.life_table().n.sum()))


@settings(max_examples=20)
@given(st.lists(st.tuples(st.integers(0, 12), days, maybe), max_size=25), st.integers(1, 10))
def test_every_customer_with_subscriptions_is_used_or_left_out_for_one_reason(
    spells: list[tuple[int, dt.date, dt.date | None]], n_customers: int
) -> None:
    customers = pd.DataFrame({"customer_id": [f"C{i}" for i in range(n_customers)]})
    subscriptions = pd.DataFrame(
        {
            "customer_id": [f"C{who}" for who, _, _ in spells],
            "subscription_id": [f"S{i}" for i in range(len(spells))],
            "start_date": stamps([start for _, start, _ in spells]),
            "end_date": stamps([end for *_, end in spells]),
        }
    )
    tables = {"customers": customers, "subscriptions": subscriptions}
    with open_frames(tables, **recipe()) as data:
        found = customer_waterfall(data)
        check(found, n_customers, int(data.life_table().n.sum()))


def test_orders_are_all_explained(shared_data: Path) -> None:
    with open_data("data/recipes/online_retail.toml") as data:
        found = order_waterfall(data)
    assert (found.total, found.used) == (541909, 397924)
    assert dict(found.left_out) == {"no customer id": 135080, "returned": 8905}
    said = found.sentence()
    assert "Of 541,909 orders or lines of orders in the extract, 397,924 are used." in said
    assert "40 of those used are of value 0" in said
    assert "taken off the spend: it is worth 7 % of what is used." in said


def test_nobodys_orders_without_amounts_are_counted_and_not_valued() -> None:
    orders = pd.DataFrame(
        {"customer_id": ["A", None], "order_id": ["1", "2"], "order_date": "2025-01-01"}
    ).assign(net_revenue=[5.0, None])
    with open_frames({"transactions": orders}, as_of="2025-06-30") as data:
        said = order_waterfall(data).sentence()
    assert "1 no customer id" in said
    assert "worth" not in said
