"""The sample reports beside the README: small, clean, whole, and the same when made again."""

from __future__ import annotations

import re
from pathlib import Path

import browser as browsers
import pytest
from browser import PHONE, opened
from pictures import IN_GALLERY, RUN, renew
from playwright.sync_api import Browser

from cxresearch.reports.audit import audit

browser = browsers.browser

ROOT = Path(__file__).resolve().parents[1]
GALLERY = ROOT / "reports" / "gallery"
PAGES = sorted(GALLERY.glob("*.html"))
LARGEST = 3_000_000  # bytes of all files


def test_it_holds_what_it_is_to_hold_and_is_small() -> None:
    english, japanese = IN_GALLERY["en"], [f"{name}.ja" for name in IN_GALLERY["ja"]]
    expected = {f"{name}.html" for name in (*english, *japanese, "index")}
    assert {path.name for path in GALLERY.iterdir()} == expected
    assert sum(path.stat().st_size for path in PAGES) <= LARGEST


def test_every_page_can_be_forwarded() -> None:
    found = audit(GALLERY, data="data/sample")
    assert found.passed, found.to_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_its_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    assert f'<html lang="{"ja" if page.stem.endswith(".ja") else "en"}">' in text
    for file, part in re.findall(r'href="(?:\./)?([^"#]*)(?:#([^"]*))?"', text):
        target = page if not file else GALLERY / file
        assert target in PAGES, file
        assert not part or f'id="{part}"' in target.read_text("utf-8"), (file, part)


def test_the_page_that_lists_them_is_accessible(browser: Browser) -> None:
    with opened(browser, GALLERY / "index.html", PHONE) as seen:
        assert seen.violations() == []
        assert seen.overflow() <= 0
        assert seen.page.locator("li a").count() == len(PAGES) - 1


def test_a_page_is_kept_where_only_its_time_is_new(tmp_path: Path) -> None:
    page = tmp_path / "a.html"
    first, later = (f"<p>76 %</p>\n<p {RUN}>at {hour}</p>\n" for hour in (9, 10))
    renew(page, first)
    renew(page, later)
    assert page.read_text("utf-8") == first
    renew(page, later.replace("76", "77"))
    assert "77" in page.read_text("utf-8")
    assert "at 10" in page.read_text("utf-8")
