"""The index of reports: what it says, and what one can do with it, with a script and without."""

from __future__ import annotations

import json
from pathlib import Path

import browser as browsers
import pytest
from browser import DESKTOP, PHONE, opened
from playwright.sync_api import Browser
from test_page import ATTACK, assert_inert

from cxresearch._language import speaking
from cxresearch.reports.entries import METADATA_KEY, Entry, ReportResult, earlier_entries
from cxresearch.reports.index import render_index

browser = browsers.browser

MADE = "2026-01-02T03:04:05+00:00"
HOSTILE = f"{ATTACK}\u202eabc" + "x" * 300


def entry(name: str = "a", kind: type[Entry] = Entry, **changes: object) -> Entry:
    values: dict[str, object] = {
        "name": name,
        "title": "How many stay?",
        "status": "ok",
        "seconds": 1.5,
        "error": None,
        "headline": "84 % stay.",
        "data": "data/sample",
        "finished": MADE,
    }
    return kind(**(values | changes))  # type: ignore[arg-type]


def failed(name: str = "b", error: str = "Cell In [2] raised OSError: gone") -> Entry:
    return entry(name, status="failed", error=error, headline=None)


def text_of(html: str) -> str:
    return " ".join(assert_inert(html, scripts=1).text)


def test_it_says_what_happened() -> None:
    html = render_index([entry(), failed("b c#1", ATTACK)], [entry("old")], made=MADE)
    page = assert_inert(html, scripts=1)
    links = [value for _, name, value in page.attributes if name == "href"]
    assert links == ["./a.html", "./b%20c%231.html", "./old.html"]
    assert "2 reports, 1 of them failed, run 2026-01-02 03:04." in html
    text = " ".join(page.text)
    for part in ("84 % stay.", "Failed", ATTACK, "data: data/sample", "earlier runs", "English"):
        assert part in text


def test_unchanged_reports_and_unfinished_runs_are_said() -> None:
    kept = entry("b", ReportResult, unchanged=True, segment="plan")
    html = render_index([entry(), kept], [], made="2026-02-03T04:05:06+00:00", planned=5)
    text = text_of(html)
    assert "2 reports, run 2026-02-03 04:05. 1 is unchanged. The run has not come to its" in text
    assert "it is to have 5 reports" in text
    assert "data: data/sample · unchanged since 2026-01-02 03:04" in text
    assert "How many stay? (plan)" in text
    assert "not come to its end" not in text_of(render_index([entry()], [], made=MADE, planned=1))


def test_a_headline_never_stands_without_its_warning() -> None:
    html = render_index([entry(caution="A snapshot cannot tell.")], [], made=MADE)
    assert '84 % stay.</p><p class="cx-caution">A snapshot cannot tell.</p>' in html


def test_whatever_stands_in_an_entry_is_escaped() -> None:
    hostile = dict.fromkeys(("title", "headline", "data", "caution", "finished"), HOSTILE)
    one = entry('x"><script>', lang='ja" onload="x', segment=HOSTILE, **hostile)
    assert_inert(render_index([one], [failed("<b>", HOSTILE)], made=HOSTILE), scripts=1)


def test_it_speaks_the_language_of_the_run() -> None:
    with speaking("ja"):
        html = render_index([entry(lang="ja"), failed("c.en")], [entry("old")], made=MADE)
    page = assert_inert(html, scripts=1)
    assert ("html", "lang", "ja") in page.attributes
    assert ("h3", "lang", "en") in page.attributes  # of the report that is in English
    text = " ".join(page.text)
    for part in ("レポート2件、うち1件は失敗。", "2026年1月2日", "今回の実行", "日本語", "失敗"):
        assert part in text
    for part in ("Reports", "This run", "Failed", "English"):
        assert part not in text


def test_earlier_reports_are_read_as_far_as_they_can_be(tmp_path: Path) -> None:
    def write(name: str, record: object) -> None:
        (tmp_path / f"{name}.html").write_text("page")
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"metadata": {METADATA_KEY: record}}))

    old = {key: value for key, value in entry("old").record().items() if key in ENTRY_OF_OLD}
    write("old", old)
    write("renamed", old)
    write("short", {"name": "short"})
    write("list", [])
    (tmp_path / "broken.ipynb").write_text("{")
    (tmp_path / "pageless.ipynb").write_text(json.dumps({"metadata": {METADATA_KEY: old}}))
    assert earlier_entries(tmp_path, without=()) == [entry("old")]
    assert earlier_entries(tmp_path, without=["old"]) == []


# what a report had that was made before languages and segments were
ENTRY_OF_OLD = {"name", "title", "status", "seconds", "error", "headline", "data", "finished"}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    entries = [
        entry("02_curves.plan", headline="８４ % of customers stay."),
        entry("02_curves.ja", title="何人の顧客が残るか", headline="84%が残る。", lang="ja"),
        failed("07_roi"),
        entry("08_hostile", title=HOSTILE, caution="Beware of snapshots."),
    ]
    path = tmp_path / "index.html"
    path.write_text(render_index(entries, [entry("13_old")], made=MADE), "utf-8")
    return path


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_for_everybody(browser: Browser, page: Path, width: int, scheme: str) -> None:
    with opened(browser, page, width, scheme) as seen:  # type: ignore[arg-type]
        assert seen.violations() == []
        assert seen.overflow() <= 0
        seen.page.keyboard.press("Tab")
        seen.page.keyboard.type("snapshots")
        assert seen.violations() == []
        assert (seen.requests, seen.console, seen.dialogs) == ([], [], [])


def test_it_is_searched_from_the_keyboard(browser: Browser, page: Path) -> None:
    with opened(browser, page) as seen:
        shown = seen.page.locator(".cx-reports > li:visible")
        told = seen.page.get_by_role("status")
        headings = seen.page.locator("h2:visible")
        assert (shown.count(), told.inner_text(), headings.count()) == (5, "", 2)
        seen.page.keyboard.press("Tab")  # the field comes first
        for typed, count, said in (
            ("CUSTOMERS 84", 1, "1 report found."),  # in any order and width, of any case
            ("残る", 1, "1 report found."),
            ("02_curves", 2, "2 reports found."),
            ("failed", 1, "1 report found."),
            ("13_old", 1, "1 report found."),
            ("<b>", 0, "No report holds these words."),
        ):
            seen.page.keyboard.press("Control+A")
            seen.page.keyboard.type(typed)
            assert (shown.count(), told.inner_text()) == (count, said), typed
        assert headings.count() == 0
        seen.page.keyboard.press("Control+A")
        seen.page.keyboard.press("Delete")
        assert (shown.count(), told.inner_text()) == (5, "")
        seen.page.keyboard.press("Tab")
        assert "02_curves.plan" in str(seen.page.evaluate("document.activeElement.href"))


def test_without_a_script_the_whole_list_stands_there(browser: Browser, page: Path) -> None:
    with opened(browser, page, scripts=False) as seen:
        assert seen.page.locator(".cx-reports > li:visible").count() == 5
        assert seen.page.get_by_role("searchbox").count() == 0


def test_no_other_script_runs(browser: Browser, page: Path) -> None:
    html = page.read_text("utf-8").replace("</main>", "<script>alert(1)</script></main>")
    page.write_text(html, "utf-8")
    with opened(browser, page) as seen:
        assert seen.dialogs == []
        assert any("Content Security Policy" in line for line in seen.console)
