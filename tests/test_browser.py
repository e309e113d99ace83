"""Pages in a real browser: read by everybody, on phone and desktop, in the dark and on paper."""

from __future__ import annotations

from pathlib import Path

import browser as browsers
import pytest
import runs
from browser import DESKTOP, PHONE, Scheme, opened
from playwright.sync_api import Browser
from runs import NOTEBOOKS, Shelf

shelf = runs.shelf
browser = browsers.browser

every = pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
WINDOWS: list[tuple[int, Scheme]] = [
    (width, scheme) for width in (PHONE, DESKTOP) for scheme in ("light", "dark")
]


def page_of(shelf: Shelf, name: str) -> Path:
    return shelf.default(name).folder / f"{name}.html"


@every
def test_a_page_is_for_everybody_and_asks_nothing_of_any_network(
    browser: Browser, shelf: Shelf, name: str
) -> None:
    for width, scheme in WINDOWS:
        with opened(browser, page_of(shelf, name), width, scheme) as seen:
            assert seen.overflow() <= 0, (width, scheme)
            assert seen.violations() == [], (width, scheme)
            assert (seen.requests, seen.console) == ([], [])
