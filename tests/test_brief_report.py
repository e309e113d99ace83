"""The brief as leadership gets it: two pages, each sentence with the place that it comes from."""

from __future__ import annotations

import re
from pathlib import Path

import browser as browsers
import pytest
import runs
from browser import DESKTOP, PHONE, opened
from playwright.sync_api import Browser
from runs import Report, Shelf

from cxresearch.errors import CxError
from cxresearch.reports.audit import audit
from cxresearch.reports.runner import run_report

shelf, browser = runs.shelf, browsers.browser


def links(report: Report) -> list[str]:
    return re.findall(r'href="\./([^"]+)"', report.html)


@pytest.fixture(params=["en", pytest.param("ja", marks=pytest.mark.verify)])
def brief(request: pytest.FixtureRequest, shelf: Shelf) -> Report:
    return shelf.brief(request.param)


def test_it_says_at_most_seven_sentences_with_grade_and_place(brief: Report) -> None:
    assert (brief.entry["status"], brief.entry["error"]) == ("ok", None)
    said = brief.html.partition('<ol class="cx-brief">')[2].partition("</ol>")[0]
    items = re.findall(r"<li>.*?</li>", said, re.DOTALL)
    assert 5 <= len(items) <= 7
    assert all("cx-grade" in item and "href=" in item for item in items)
    assert all(re.search(r"\d", item) for item in items)


def test_every_link_leads_to_a_place_in_a_report_beside_it(brief: Report) -> None:
    found = [link for link in links(brief) if "#" in link]
    assert len(found) >= 5
    for link in found:
        page, _, place = link.partition("#")
        assert f'id="{place}"' in (brief.folder / page).read_text("utf-8"), link


def test_it_is_two_pages_on_paper(brief: Report, browser: Browser) -> None:
    with opened(browser, brief.folder / f"{brief.name}.html") as seen:
        pdf = seen.page.pdf(format="A4")
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) <= 2


def test_it_is_accessible_and_fits_a_phone(brief: Report, browser: Browser) -> None:
    for width in (PHONE, DESKTOP):
        with opened(browser, brief.folder / f"{brief.name}.html", width) as seen:
            assert seen.violations() == []
            assert (seen.overflow(), seen.requests, seen.console) == (0, [], [])


def test_the_whole_folder_passes_the_audit(brief: Report) -> None:
    assert audit(brief.folder, data=runs.SAMPLE).to_text().splitlines()[1:] == []


def test_it_compares_with_an_earlier_run(shelf: Shelf, tmp_path: Path) -> None:
    now = shelf.brief()
    given = {"run": str(now.folder), "compare": str(now.folder)}
    with runs.forked():
        result = run_report(runs.BRIEF, data=str(runs.SAMPLE), out=tmp_path, parameters=given)
    assert result.error is None
    html = result.paths["html"].read_text("utf-8")
    assert html.count("The same data, the same answer.") >= 5
    assert "0 changed clearly" in html


@pytest.mark.parametrize(
    ("there", "rule"), [(False, "is no folder: name the one"), (True, "holds no findings: run ")]
)
def test_a_wrong_earlier_run_is_refused_before_anything_is_made(
    tmp_path: Path, there: bool, rule: str
) -> None:
    earlier, out = tmp_path / "earlier", tmp_path / "out"
    if there:
        earlier.mkdir()
    with pytest.raises(CxError, match=f"^compare: .*earlier {rule}"):
        run_report(runs.BRIEF, data=str(runs.SAMPLE), out=out, parameters={"compare": str(earlier)})
    assert not out.exists()


def test_without_reports_it_says_what_to_do(tmp_path: Path) -> None:
    with runs.forked():
        result = run_report(runs.BRIEF, data=str(runs.SAMPLE), out=tmp_path)
    assert result.error is not None
    assert "holds no findings: run `cxresearch report" in result.error
