"""From parameters and data to a plan: what is taken from where, and what is refused before."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from scipy import stats

from cxresearch.errors import DataError, NotEnoughError
from cxresearch.reports.notebooks import read_notebook
from cxresearch.roi._effect import Effect
from cxresearch.roi.effect import effect_of_experiment, entered_effect
from cxresearch.roi.entered import pairs, programme_problems, spreads, two_ends
from cxresearch.roi.plan import ENTERED, Plan, programme_plan
from cxresearch.source import Data, open_data, open_frames

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "data" / "sample"
NOTEBOOK = ROOT / "notebooks" / "07_programme_roi.ipynb"
TYPED: dict[str, Any] = {
    "customers": 10_000,
    "reached": 1.0,
    "annual_margin": 200.0,
    "base_retention": 0.8,
    "ramp": [0.5, 1.0],
    "attribution": 1.0,
    "one_off_cost": 200_000.0,
    "annual_cost": 60_000.0,
    "annual_discount_rate": 0.1,
    "horizon": 5,
}
RANGES = {
    "annual_margin": [145.0, 255.0],
    "base_retention": [0.75, 0.85],
    "attribution": [0.5, 1.0],
}
GUESS = entered_effect(0.02, 0, 0.04)


def plan(effect: Effect = GUESS, data: Data | None = None, **changed: Any) -> Plan:
    return programme_plan(effect, data, ranges=RANGES, **{**TYPED, **changed})


@pytest.fixture(scope="module")
def sample() -> Iterator[Data]:
    with open_data(SAMPLE) as data:
        yield data


def asked(query: str) -> float:
    """Ask the files themselves, past everything that is tested here."""
    (row,) = duckdb.sql(query.replace("FROM ", f"FROM '{SAMPLE}/")).fetchall()
    return float(row[0])


# What is typed


def test_what_is_typed_needs_no_data() -> None:
    found = plan()
    assert set(found.sources.values()) == {ENTERED}
    assert found.programme.currency is None
    assert found.sentence() == "Everything was entered, so that every figure is an assumption."
    risk = found.risk(draws=1000)
    assert risk.programme.npv == pytest.approx(-221_800.6052741)
    assert {m.name for m in risk.tornado.moved} == {*RANGES, "lift"}


def test_the_table_says_value_ends_and_where_from() -> None:
    found = plan(correlations=["lift:annual_margin:0.3"])
    frame = found.to_frame().set_index("input")
    assert list(frame.loc["annual_margin"][:4]) == [200, 145, 255, "pert"]
    assert frame.loc["customers", "distribution"] == "fixed"
    html = found._repr_html_()
    for text in ("75 % to 85 %", "0 points to 4 points", "50 %, 100 %", ENTERED):
        assert text in html
    assert found.correlation == {("lift", "annual_margin"): 0.3}


# What is taken from data


def test_customers_retention_and_margin_come_from_the_data(sample: Data) -> None:
    found = plan(data=sample, customers=0, base_retention=0, annual_margin=0)
    values = found.programme.values
    there = "FROM subscriptions.parquet' WHERE end_date IS NULL OR end_date > DATE '2025-12-31'"
    assert values["customers"] == asked(f"SELECT COUNT(DISTINCT customer_id) {there}")
    began = "start_date < DATE '2025-01-01' AND (end_date IS NULL OR end_date >= DATE '2025-01-01')"
    stayed = "AVG(CASE WHEN end_date < DATE '2026-01-01' THEN 0 ELSE 1 END)"
    share = asked(f"SELECT {stayed} FROM subscriptions.parquet' WHERE {began}")
    assert values["base_retention"] == pytest.approx(share)
    year = "month >= DATE '2025-01-01'"
    bills = asked(f"SELECT SUM(contribution_margin) FROM revenue.parquet' WHERE {year}")
    months = sample.period_table("month").to_frame().tail(12)
    there = (months["at_start"] + (months["joined"] - months["lost"]) / 2).mean()
    assert values["annual_margin"] == pytest.approx(bills / there)  # of all, not who answered
    assert found.programme.currency == "EUR"
    assert not found.inputs["base_retention"].known
    assert not found.inputs["annual_margin"].known
    assert found.inputs["attribution"].ends == (0.5, 1)
    assert [s for s in found.sources.values() if s.startswith("data: ")] == [
        "data: there at the end of 2025-12",
        "data: margin of 2025-01 to 2025-12, per customer there and year",
        "data: of those there when 2025 began, who stayed it out",
    ]
    assert found.sentence().startswith("Not entered, but from data: number of customers, margin")


def test_the_interval_of_measured_retention_goes_on(sample: Data) -> None:
    spread = plan(data=sample, base_retention=0).inputs["base_retention"]
    n = 1173
    p = spread.middle
    error = (p * (1 - p) / n) ** 0.5
    assert spread.quantile(stats.norm.cdf(1)) - p == pytest.approx(error, rel=0.01)


def test_the_base_of_an_experiment_goes_with_its_lift(sample: Data) -> None:
    effect = effect_of_experiment(sample.experiment_table(), randomised=True)
    assert effect.base is not None
    found = plan(effect, sample, base_retention=0)
    assert found.programme.base_retention == effect.base.value
    assert found.sources["base_retention"] == (
        "experiment: those held out, a year after; not all customers"
    )
    assert found.sources["lift"].endswith("(grade A)")
    assert -1 < found.correlation["lift", "base_retention"] < -0.3
    other = plan(effect, sample, base_retention=0, correlations=["base_retention:lift:-0.2"])
    assert other.correlation == {("base_retention", "lift"): -0.2}
    assert other.risk(draws=1000).draws == 1000
    typed = plan(effect, sample)
    assert typed.programme.base_retention == 0.8
    assert typed.correlation == {}


def test_without_data_there_is_nothing_to_take() -> None:
    with pytest.raises(DataError, match="customers is 0 and no data are opened, must be one or"):
        plan(customers=0)


def test_data_that_do_not_hold_it_say_what_to_enter() -> None:
    frame = pd.DataFrame({"customer_id": ["a", "b"], "tenure": [3, 4], "churned": [True, False]})
    with open_frames({"customers": frame}) as data:
        names = ("customers", "base_retention", "annual_margin")
        with pytest.raises(DataError) as refused:
            plan(GUESS, data, **dict.fromkeys(names, 0))
    for name, problem in zip(names, refused.value.problems, strict=True):
        assert problem.startswith(f"{name} is 0, which takes it from the data, and they do not")
        assert f"enter {name} (" in problem
        assert problem.endswith(").")
        assert "survey" not in problem


def test_the_margin_of_data_without_bills_is_that_noted_with_the_customers() -> None:
    frame = pd.DataFrame(
        {
            "customer_id": [str(i) for i in range(40)],
            "start_date": ["2024-01-05"] * 40,
            "end_date": [None] * 40,
            "monthly_margin": [10.0, 20.0] * 20,
        }
    )
    with open_frames({"customers": frame}, as_of="2025-12-31") as data:
        found = plan(data=data, annual_margin=0)
        assert found.programme.annual_margin == 180
        se = found.inputs["annual_margin"].quantile(stats.norm.cdf(1)) - 180
        assert se == pytest.approx(12 * 5 / 40**0.5, rel=0.1)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda rows: rows.assign(contribution_margin=None), "no whole month has a contribution"),
        (
            lambda rows: rows.assign(
                contribution_margin=rows["contribution_margin"].where(rows.index > 3)
            ),
            "contribution_margin is empty in some rows",
        ),
        (lambda rows: rows[rows["month"] != "2025-06-01"], "there are no amounts in 2025-06"),
        (lambda rows: rows.assign(contribution_margin=-1.0), "margin of a customer is -"),
        (lambda rows: rows.assign(currency=["EUR", "USD"] * (len(rows) // 2)), "amounts in"),
    ],
)
def test_bills_that_say_no_margin_are_refused(change: Any, said: str) -> None:
    customers = pd.DataFrame({"customer_id": list("abcd"), "start_date": ["2024-01-05"] * 4})
    months = [str(month) for month in pd.date_range("2025-01-01", "2025-12-01", freq="MS").date]
    rows = pd.DataFrame(
        [(c, month, 5.0, 2.0) for month in months for c in "abcd"],
        columns=["customer_id", "month", "revenue", "contribution_margin"],
    )
    frames = {"customers": customers.assign(end_date=None), "revenue": change(rows)}
    with open_frames(frames, as_of="2025-12-31") as data, pytest.raises(DataError) as refused:
        plan(data=data, annual_margin=0)
    assert said in refused.value.problems[0]


# What is refused before anything runs


def defaults() -> dict[str, Any]:
    return {p.name: p.default for p in read_notebook(NOTEBOOK).parameters}


def test_the_notebook_as_it_is_has_no_problem() -> None:
    assert read_notebook(NOTEBOOK).check == "programme_problems"
    assert programme_problems(defaults()) == []
    assert programme_problems({**defaults(), "customers": 0, "base_retention": 0.0}) == []
    assert programme_problems({**defaults(), "effect_source": "experiment", "lift": 0.5}) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"customers": -1}, "customers is -1, must be a number from 1"),
        ({"base_retention": 85}, "base_retention is 85, must be a share from 0 to 1"),
        ({"annual_discount_rate": 0.008}, "annual_discount_rate is 0.008, must be 0 or at least"),
        ({"one_off_cost": -1}, "one_off_cost is -1, must be a number from 0"),
        ({"ramp": [0.5, 1.5]}, "ramp holds 1.5, must be at least one share"),
        ({"ramp": []}, "ramp is empty"),
        ({"lift": 0.3}, "lift is 0.3 and its range is 0 to 0.04, must lie within"),
        ({"lift": 2, "lift_range": []}, "the lift is 2, from 2 to 2, must be shares from -1 to 1"),
        ({"annual_cost_range": [80_000, 40_000]}, "annual_cost_range is 80000, 40000, must be two"),
        ({"annual_cost_range": [40_000]}, "annual_cost_range is 40000, must be two numbers"),
        ({"annual_margin": 300}, "annual_margin is 300 and its range is 145 to 255, must lie with"),
        (
            {"base_retention_range": [0.5, 1.5]},
            "base_retention reaches from 0.5 to 1.5 (pert), mus",
        ),
        (
            {"annual_cost_range": [50_000, 50_000]},
            "annual_cost is 60000 and its range is 50000 to 50000, must lie within",
        ),
        (
            {"annual_discount_rate": 0.0},
            "annual_discount_rate is 0 and its range is 0.08 to 0.12, must lie within",
        ),
        (
            {"annual_discount_rate_range": [0.01, 0.12]},
            "annual_discount_rate_range holds 0.01, must be 0 or at least 0.02 a year: a month's",
        ),
        ({"lift_range": [0, 0.02, 0.04]}, "lift_range is 0, 0.02, 0.04, must be two numbers"),
        ({"lift_range": [0.04]}, "lift_range is 0.04, must be two numbers"),
        (
            {"lift_range": [0.02, 0.02], "correlations": ["lift:annual_margin:0.3"]},
            "the correlation is of lift, which is certain, must be of inputs that have a range (",
        ),
        (
            {"annual_cost": 0.0, "annual_cost_range": [], "correlations": ["lift:annual_cost:0.3"]},
            "the correlation is of annual_cost, which is certain, must be of inputs",
        ),
        ({"correlations": ["lift:0.3"]}, "the correlation is 'lift:0.3', must be two inputs and a"),
        ({"correlations": ["lift:reached:0.3"]}, "the correlation is of reached, which is cert"),
        ({"effect_source": "findings"}, "findings is empty, must be the findings.json of a finish"),
    ],
)
def test_each_problem_is_said(wrong: dict[str, Any], said: str) -> None:
    problems = programme_problems({**defaults(), **wrong})
    assert any(problem.startswith(said) for problem in problems), problems
    assert all(problem.endswith(".") for problem in problems)


def test_all_problems_are_said_at_once(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text(json.dumps([]), "utf-8")
    wrong = {
        "customers": -1,
        "annual_cost_range": [1.0],
        "effect_source": "findings",
        "findings": str(path),
        "correlations": ["x"],
    }
    assert len(programme_problems({**defaults(), **wrong})) == 4


def test_ranges_are_two_ends_or_none() -> None:
    assert two_ends("x", [], 3) == (3, 3)
    assert two_ends("x", [1, 2], 3) == (1, 2)
    assert spreads({"attribution": 0.5}, {"attribution": []}, "pert")["attribution"].known
    assert pairs([" lift : annual_margin : -0.2"]) == {("lift", "annual_margin"): -0.2}
    with pytest.raises(DataError, match="range of 'margin' does not exist"):
        spreads({}, {"margin": [0, 1]}, "pert")


def test_too_little_is_said_as_too_little(sample: Data) -> None:
    table = sample.experiment_table()
    with pytest.raises(NotEnoughError):
        effect_of_experiment(table, randomised=True, min_group=100_000)
