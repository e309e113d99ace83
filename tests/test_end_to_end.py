"""The commands from a company's files to a report, and the truth of a simulation found again."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import runs
from runs import ALL, CHECK, CURVES, SAMPLE, Report, Shelf, command
from sqlglot import exp, parse_one

from cxresearch import write_sample
from cxresearch.rates import period_rates
from cxresearch.retention import retention_curves
from cxresearch.source import Data, open_data

shelf = runs.shelf

# lifelines' KaplanMeierFitter on the 7,032 customers with tenure > 0
TELCO_RETAINED = {12: 0.8432, 24: 0.7887, 36: 0.7485, 48: 0.7088, 60: 0.6644, 72: 0.5928}
YEARS = (12, 24, 36, 48)


# Real customers


@pytest.fixture
def telco(shelf: Shelf, shared_data: Path) -> Report:
    assert shared_data.is_dir()  # its recipe names the folder by a variable that is set now
    return shelf.telco()


def test_the_curve_is_the_published_one(telco: Report) -> None:
    overall = [f for f in telco.of("retained") if set(f["group"]) == {"tenure"}]
    found = {int(f["group"]["tenure"]): round(f["value"], 4) for f in overall}
    assert found == TELCO_RETAINED
    assert {f["n"] for f in overall} == {7032}


def test_the_median_of_a_group(telco: Report) -> None:
    group = {"contract": "Month-to-month", "internet": "yes"}
    (median,) = [f for f in telco.of("median_tenure") if f["group"] == group]
    assert (median["value"], median["n"], median["unit"]) == (34, 3351, "months")


def test_the_eleven_left_out_are_counted(telco: Report) -> None:
    (left_out,) = telco.of("customers_left_out")
    assert (left_out["value"], left_out["n"]) == (11, 7043)


def test_the_page_says_what_the_file_is(telco: Report) -> None:
    assert "This file is a snapshot of a fictional firm" in telco.html
    (proper,) = telco.of("retained_as_snapshot")
    assert round(proper["value"], 4) == 0.0012
    assert proper["sentence"] in telco.html
    assert "Not shown: retention per calendar period." in telco.html


def test_no_customer_is_in_any_file(telco: Report, shared_data: Path) -> None:
    path = shared_data / "telco" / "telco_customer_churn.csv"
    with path.open(encoding="utf-8", newline="") as file:
        ids = [row["customerID"] for row in csv.DictReader(file)][::140]
    assert len(ids) >= 50
    files = [path for path in telco.folder.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert names >= {f"{CURVES}.html", f"{CURVES}.ipynb", "findings.json", "index.html"}
    for path in files:
        text = path.read_text("utf-8")
        assert [each for each in ids if each in text] == [], path.name


# The commands


def test_check_says_whether_data_can_be_used() -> None:
    done = command("check", SAMPLE)
    assert (done.returncode, done.stderr) == (0, "")
    assert "The data can be used." in done.stdout
    assert f"unlocked: {CURVES}" in done.stdout


def test_check_for_machines(tmp_path: Path) -> None:
    done = command("check", SAMPLE, "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["usable"] is True
    assert told["tables"]["customers"] == 2000
    assert {unlock["notebook"] for unlock in told["unlocks"] if unlock["unlocked"]} >= {
        CHECK, CURVES,
    }  # fmt: skip


def test_the_reduction_for_a_warehouse_is_one_query() -> None:
    done = command("sql", "life_table", "--dialect", "bigquery", "--group-by", "plan")
    assert (done.returncode, done.stderr) == (0, "")
    query = parse_one(done.stdout, read="bigquery")
    assert isinstance(query, exp.Select)
    assert {"plan", "replicate", "tenure", "entered", "churned", "censored"} == {
        column.alias_or_name for column in query.selects
    }
    tables = {table.name for table in query.find_all(exp.Table)}
    assert {"customers", "subscriptions"} <= tables
    assert "@" not in done.stdout
    assert "$" not in done.stdout


def test_a_sample_of_ones_own_from_simulation_to_report(tmp_path: Path) -> None:
    folder, out = tmp_path / "mine", tmp_path / "reports"
    made = command("sample", folder, "--customers", 400, "--seed", 7)
    assert (made.returncode, made.stdout) == (0, f"{folder}\n")
    assert command("check", folder).returncode == 0
    with runs.forked():
        done = command("report", CHECK, CURVES, "--data", folder, "--out", out)
    assert done.returncode == 0, done.stderr
    findings = json.loads((out / "findings.json").read_text("utf-8"))
    assert {f["notebook"] for f in findings} == {CHECK, CURVES}
    counted = {f["notebook"]: f["value"] for f in findings if f["id"] == "customers_used"
               and not f["group"]}  # fmt: skip
    assert counted[CHECK] == counted[CURVES] > 300
    index = (out / "index.html").read_text("utf-8")
    assert f'href="./{CHECK}.html"' in index
    assert f'href="./{CURVES}.html"' in index


@pytest.mark.verify
def test_every_report_is_made_of_few_customers(tmp_path: Path) -> None:
    """Where most groups are too small; of more customers the README's own commands make all."""
    folder, out = tmp_path / "few", tmp_path / "reports"
    assert command("sample", folder, "--customers", 400, "--seed", 7).returncode == 0
    done = command("report", "--data", folder, "--out", out)
    assert done.returncode == 0, done.stderr
    findings = json.loads((out / "findings.json").read_text("utf-8"))
    assert {f["notebook"] for f in findings} == {path.stem for path in ALL}


# The truth of a simulation


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample(tmp_path_factory.mktemp("simulated") / "data", customers=20_000, seed=11)


@pytest.fixture(scope="module")
def opened(simulated: Path) -> Data:
    return open_data(simulated)


@pytest.fixture(scope="module")
def truth(simulated: Path) -> dict[str, dict[str, dict[str, float]]]:
    return dict(json.loads((simulated / "truth.json").read_text("utf-8"))["retained"])


@pytest.mark.parametrize("plan", ["", "basic", "plus", "pro"])
def test_curves_recover_the_truth(
    opened: Data, truth: dict[str, dict[str, dict[str, float]]], plan: str
) -> None:
    """Customers who left before the first day are in no table: late entry has to mend that."""
    curves = retention_curves(opened.life_table(["plan"] if plan else []))
    curve = curves[plan] if plan else curves[0]
    known = truth["plan"][plan] if plan else truth["overall"]
    errors = [
        (curve.retained[years] - known[str(years)]) / curve.standard_error[years] for years in YEARS
    ]
    assert np.abs(errors).max() < 3
    assert curve.standard_error[YEARS[-1]] < 0.02  # so that three of them are not everything


def test_without_late_entry_the_truth_would_be_missed(
    opened: Data, truth: dict[str, dict[str, dict[str, float]]]
) -> None:
    """The draw is able to fail the test above."""
    table = opened.life_table()
    everybody = np.zeros_like(table.entered)
    everybody[..., 0] = table.entered.sum(axis=-1)
    naive = retention_curves(type(table)(table.group_columns, table.groups, everybody,
                                         table.churned, table.censored))[0]  # fmt: skip
    gap = (naive.retained[12] - truth["overall"]["12"]) / naive.standard_error[12]
    assert gap > 10


@pytest.mark.parametrize("columns", [[], ["plan"]])
def test_calendar_rates_agree_with_the_life_table(opened: Data, columns: list[str]) -> None:
    """Two clocks, one hazard: months of the calendar and months of tenure, all pooled."""
    life, calendar = opened.life_table(columns), opened.period_table("month", columns)
    assert life.groups == calendar.groups
    by_tenure = life.churned.sum((1, 2)) / life.at_risk[..., 1:].sum((1, 2))
    by_month = calendar.lost.sum((1, 2)) / calendar.at_start.sum((1, 2))
    np.testing.assert_allclose(by_month, by_tenure, rtol=0.015)


def test_quarters_begin_with_the_customers_of_their_first_month(opened: Data) -> None:
    month, quarter = (
        period_rates(opened.period_table()),
        period_rates(opened.period_table("quarter")),
    )
    first = {f"{p[:4]}-Q{(int(p[5:]) + 2) // 3}": n for p, n in
             zip(month[0].periods, month[0].at_start, strict=True) if int(p[5:]) % 3 == 1}  # fmt: skip
    assert dict(zip(quarter[0].periods, quarter[0].at_start, strict=True)) == first
    monthly = month[0].retention_rate.reshape(-1, 3).prod(axis=1)
    # newcomers leave sooner, and count in the months only
    assert (quarter[0].retention_rate >= monthly - 0.001).all()
    np.testing.assert_allclose(quarter[0].retention_rate, monthly, atol=0.006)
