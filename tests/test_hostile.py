"""Customers may type what they like: on no page does any of it run, load, hide or name anybody."""

from __future__ import annotations

from pathlib import Path

import browser as browsers
import duckdb
import pytest
import runs
from browser import opened
from playwright.sync_api import Browser

from cxresearch.reports.audit import audit
from cxresearch.reports.runner import run_reports
from cxresearch.simulate import write_sample

browser = browsers.browser

CUSTOMERS = 900
PLANTED = (
    "<script>document.title='pwned'</script>",
    "\"><img src=x onerror=document.title='pwned'>",
    "</table></main><iframe srcdoc='<script>parent.document.title=1</script>'></iframe>",
    '=HYPERLINK("http://evil.example/","click")',
    "abc\u202efdp.exe \u2067 \u200f",
    "a very long name " * 30,
    "javascript:document.title='pwned'",
    "{0.__class__} {whom} %s $\\frac{1}{2}$ **bold** [x](http://evil.example/)",
)
# What the contract knows by name stays as it is: another value would only be refused.
KNOWN = {
    "metric",
    "cancel_type",
    "event_type",
    "currency",
    "arm",
    "cost_type",
    "driver",
    "severity",
}


def plant(folder: Path) -> Path:
    """Write simulated customers whose every other text, ids and all, is hostile."""
    sample = folder / "plain"
    write_sample(sample, customers=CUSTOMERS, seed=3)
    planted = folder / "planted"
    planted.mkdir()
    with duckdb.connect() as engine:
        for path in sorted(sample.glob("*.parquet")):
            _plant(engine, path, planted / path.name)
    recipe = (sample / "data.toml").read_text("utf-8")
    recipe = recipe.replace("Simulated telecom", PLANTED[0].replace("'", "`"))
    (planted / "data.toml").write_text(recipe, "utf-8")
    return planted


def _plant(engine: duckdb.DuckDBPyConnection, source: Path, target: Path) -> None:
    described = engine.execute(f"DESCRIBE SELECT * FROM '{source}'").fetchall()
    columns = [_column(name, kind) for name, kind, *_ in described]
    engine.execute("CREATE OR REPLACE TABLE planted (i INTEGER, hostile VARCHAR)")
    engine.executemany("INSERT INTO planted VALUES (?, ?)", list(enumerate(PLANTED)))
    engine.execute(f"COPY (SELECT {', '.join(columns)} FROM '{source}') TO '{target}'")


def _column(name: str, kind: str) -> str:
    quoted = f'"{name}"'
    if kind != "VARCHAR" or name in KNOWN:
        return quoted
    if name.endswith("_id") or name == "referred_by":
        return f"'eve@mail.example ' || {quoted} || {_text(PLANTED[0])} AS {quoted}"
    rank = f"dense_rank() OVER (ORDER BY {quoted})"  # so that neighbours differ
    hostile = f"(SELECT list(hostile ORDER BY i) FROM planted)[1 + {rank} % {len(PLANTED)}]"
    return f"{quoted} || ' ' || {hostile} AS {quoted}"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


SOON = ["00_data_check", "01_scorecard", "02_retention_curves", "14_executive_brief"]


@pytest.fixture(scope="module", params=["soon", pytest.param("all", marks=pytest.mark.verify)])
def planted(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path]:
    """Return the hostile data, and the folder of some reports on them, or of all."""
    folder = tmp_path_factory.mktemp("hostile")
    data, out = plant(folder), folder / "out"
    wanted = SOON if request.param == "soon" else [path.stem for path in runs.ALL]
    given = {"group_by": "plan,channel"}
    with runs.forked():
        results = run_reports(wanted, data=str(data), out=out, parameters=given, jobs=2)
    assert {result.name: result.error for result in results if result.error} == {}
    return data, out


def test_nothing_planted_runs_or_loads_in_a_browser(
    planted: tuple[Path, Path], browser: Browser
) -> None:
    pages = sorted(planted[1].glob("*.html"))
    assert len(pages) > len(SOON)
    shown = 0
    for path in pages:
        with opened(browser, path) as seen:
            assert "pwned" not in seen.page.title()
            assert seen.requests == [], path.name
            assert seen.console == [], path.name
            assert seen.page.locator("iframe, object, embed, form").count() == 0
            assert seen.overflow() == 0, path.name
            shown += "onerror=document.title" in (seen.page.locator("body").text_content() or "")
    assert shown > 1, "the planted names must be there as text, else nothing was tried"


def test_the_audit_finds_neither_customers_nor_code(planted: tuple[Path, Path]) -> None:
    data, out = planted
    assert audit(out, data=data).to_text().splitlines()[1:] == []


def test_marks_that_turn_text_are_gone(planted: tuple[Path, Path]) -> None:
    for path in planted[1].glob("*.html"):
        assert not set("\u202e\u2067\u200f") & set(path.read_text("utf-8")), path.name
