"""A real browser for pages: the chromium of this machine, which loads nothing but one file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, sync_playwright

PHONE, DESKTOP, HEIGHT = 390, 1440, 844
Scheme = Literal["light", "dark"]
# WCAG 2.2 A and AA, and what axe recommends besides
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass
class Opened:
    """A page in the browser, and what it said, asked a network for and asked its reader."""

    page: Page
    console: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def show(self, width: int, scheme: Scheme) -> None:
        """Make its window another one, which is quicker than to open the page anew."""
        self.page.set_viewport_size({"width": width, "height": HEIGHT})
        self.page.emulate_media(color_scheme=scheme)

    def violations(self) -> list[str]:
        """Return what axe-core finds wrong: rule, how many, and the first element."""
        options = {"runOnly": {"type": "tag", "values": RULES}, "resultTypes": ["violations"]}
        found: list[dict[str, Any]] = Axe().run(self.page, options=options).response["violations"]
        return [
            f"{rule['id']} ({rule['impact']}) x{len(rule['nodes'])}: {rule['nodes'][0]['html']:.200}"
            for rule in found
        ]

    def overflow(self) -> int:
        """Return by how many pixels the page is wider than its window."""
        width = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        return int(self.page.evaluate(width))


def find_chromium() -> str | None:
    """Return where this machine's chromium is; None where it has none."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


# per module, as each has a fixture of its own, of which two at a time shut each other out
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the machine's own chromium once for all tests of a module."""
    path = find_chromium()
    if path is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    with sync_playwright() as play:
        found = play.chromium.launch(executable_path=path)
        yield found
        found.close()


@contextmanager
def opened(
    browser: Browser,
    path: Path,
    width: int = DESKTOP,
    scheme: Scheme = "light",
    *,
    scripts: bool = True,
) -> Iterator[Opened]:
    """Open a file in a window of its own; every request besides the file is cut off and kept."""
    context = browser.new_context(
        viewport={"width": width, "height": HEIGHT},
        color_scheme=scheme,
        reduced_motion="reduce",
        java_script_enabled=scripts,
    )
    with context:
        page = context.new_page()
        seen = Opened(page)

        def guard(route: Route) -> None:
            if route.request.url == path.as_uri():
                route.continue_()
            else:
                seen.requests.append(route.request.url)
                route.abort()

        page.route("**/*", guard)
        page.on("console", lambda message: seen.console.append(message.text))
        page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        page.on("pageerror", lambda error: seen.console.append(str(error)))
        page.goto(path.as_uri())
        yield seen
