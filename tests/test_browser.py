"""Pages in a real browser: read by everybody, on phone and desktop, in the dark and on paper."""

from __future__ import annotations

import re
from pathlib import Path

import browser as browsers
import pytest
import runs
from browser import DESKTOP, PHONE, Opened, Scheme, opened
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser
from runs import CLAIM, CURVES, NOTEBOOKS, Shelf

from cxresearch.reports.page import render_page
from cxresearch.reports.runner import run_reports

shelf = runs.shelf
browser = browsers.browser

OWN = Path(__file__).parent / "notebooks"
WINDOWS: list[tuple[int, Scheme]] = [
    (width, scheme) for width in (PHONE, DESKTOP) for scheme in ("light", "dark")
]
UNFOLDED: list[tuple[int, Scheme]] = [(PHONE, "dark"), (DESKTOP, "light")]
CONTENT_OF_A4 = 1001  # pixels of the 265 mm between its margins


def page_of(shelf: Shelf, name: str) -> Path:
    return shelf.default(name).folder / f"{name}.html"


def check(seen: Opened) -> None:
    assert seen.overflow() <= 0
    assert seen.violations() == []
    assert (seen.requests, seen.console) == ([], [])


def unfold(seen: Opened) -> None:
    """Open whatever can be opened, by the same clicks as a reader."""
    for summary in seen.page.locator("summary").all():
        if summary.is_visible():
            summary.click()
    for switch in seen.page.locator("#cx-show-code").all():
        switch.check()


@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_a_page_is_for_everybody_and_asks_nothing_of_any_network(
    browser: Browser, shelf: Shelf, name: str
) -> None:
    with opened(browser, page_of(shelf, name), PHONE) as seen:
        check(seen)
        unfold(seen)
        # what colours break they break at any width, and what a width breaks in any colours
        for width, scheme in UNFOLDED:
            seen.show(width, scheme)
            check(seen)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of reports, one of which failed and one of which is hostile."""
    out = tmp_path_factory.mktemp("reports")
    notebooks = [OWN / f"{name}.ipynb" for name in ("refuses", "raises", "hostile_output")]
    with runs.forked():
        run_reports(notebooks, data=str(OWN), out=out)
    return out


@pytest.mark.parametrize("name", ["index", "refuses", "raises", "hostile_output"])
def test_so_are_the_index_a_failure_and_what_customers_typed(
    browser: Browser, folder: Path, name: str
) -> None:
    with opened(browser, folder / f"{name}.html") as seen:
        for width, scheme in WINDOWS:
            seen.show(width, scheme)
            check(seen)
        assert seen.dialogs == []


def test_the_browser_sees_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "bad.html"
    path.write_text(
        "<!doctype html><title>x</title><style>p { width: 3000px; color: #bbb }</style>"
        "<img src='missing.png'><p>pale</p><script>alert(1); boom()</script>",
        "utf-8",
    )
    with opened(browser, path) as seen:
        rules = " ".join(seen.violations())
        for rule in ("image-alt", "color-contrast", "html-has-lang", "landmark-one-main"):
            assert rule in rules
        assert seen.overflow() > 0
        assert seen.requests == [(tmp_path / "missing.png").as_uri()]
        assert any("boom" in line for line in seen.console)
        assert seen.dialogs == ["1"]


def test_the_keyboard_reaches_every_control_and_shows_where_it_is(
    browser: Browser, shelf: Shelf
) -> None:
    with opened(browser, page_of(shelf, CLAIM), PHONE) as seen:
        controls = "a[href], summary, input, select, button, [tabindex='0']"
        count = sum(each.is_visible() for each in seen.page.locator(controls).all())
        reached = set()
        for _ in range(count):
            seen.page.keyboard.press("Tab")
            at = "document.activeElement"
            assert seen.page.evaluate(f"getComputedStyle({at}).outlineStyle") == "solid"
            order = f"[...document.querySelectorAll('*')].indexOf({at})"
            reached.add(seen.page.evaluate(order))
        assert len(reached) == count > 10


def test_code_is_out_of_sight_until_it_is_asked_for_without_a_script(
    browser: Browser, shelf: Shelf
) -> None:
    with opened(browser, page_of(shelf, CURVES), scripts=False) as seen:
        code = seen.page.get_by_text("import cxresearch as cx")
        assert not code.is_visible()
        seen.page.get_by_label("Show code").check()
        assert code.is_visible()
        seen.page.keyboard.press("Space")
        assert not code.is_visible()


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_contents_lead_to_every_section(browser: Browser, shelf: Shelf, width: int) -> None:
    with opened(browser, page_of(shelf, CURVES), width) as seen:
        nav = seen.page.get_by_role("navigation", name="Contents")
        if width == PHONE:
            nav.locator("summary").click()
        links = nav.get_by_role("link")
        sections = seen.page.locator(".cx-body h2")
        assert links.all_inner_texts() == sections.all_inner_texts()
        for link, section in zip(links.all(), sections.all(), strict=True):
            link.click()
            assert 0 <= (section.bounding_box() or {"y": -1})["y"] < 844


def test_figures_stay_legible_on_a_phone_and_scroll_alone(browser: Browser, shelf: Shelf) -> None:
    with opened(browser, page_of(shelf, CURVES), PHONE) as seen:
        for image in seen.page.locator("figure img").all():
            assert (image.bounding_box() or {})["width"] >= 480
            background = image.evaluate("each => getComputedStyle(each).backgroundColor")
            assert background == "rgb(255, 255, 255)"  # in the dark as well
        numbers = seen.page.locator(".cx-numbers summary").first
        numbers.focus()
        seen.page.keyboard.press("ArrowRight")
        figure = seen.page.locator("figure").first
        seen.page.wait_for_function("each => each.scrollLeft > 0", arg=figure.element_handle())


def test_on_paper_figures_are_whole_and_nothing_folded_is_printed(
    browser: Browser, shelf: Shelf
) -> None:
    with opened(browser, page_of(shelf, CURVES), width=658) as seen:
        first, *others = seen.page.locator(".cx-numbers").all()
        first.locator("summary").click()
        seen.page.get_by_label("Show code").check()
        seen.page.emulate_media(media="print")
        assert first.is_visible()
        assert others
        for hidden in [*others, *seen.page.locator(".cx-code, .cx-side").all()]:
            assert not hidden.is_visible()
        for figure in seen.page.locator("figure").all():
            assert figure.evaluate("each => getComputedStyle(each).breakInside") == "avoid"
        for image in seen.page.locator("figure img").all():
            box = image.bounding_box()
            assert box
            assert box["height"] <= CONTENT_OF_A4
            assert box["x"] + box["width"] <= 658
        pages = re.findall(
            rb"/MediaBox ?\[0 0 (\d+)[\d.]* (\d+)", seen.page.pdf(prefer_css_page_size=True)
        )
        assert len(pages) > 2
        assert set(pages) == {(b"594", b"841")} or set(pages) == {(b"595", b"842")}


def test_formulas_are_set_without_a_network(browser: Browser, tmp_path: Path) -> None:
    text = "# What is it?\n\nA share $p_t < 1$ of $\\text{<img src=x>}$.\n\n$$S(t)=\\prod_{i\\le t}(1-h_i)$$"
    notebook = new_notebook(cells=[new_markdown_cell(text)])
    path = tmp_path / "formula.html"
    path.write_text(render_page(notebook, "Formula", failure=None, facts={}), "utf-8")
    with opened(browser, path, PHONE) as seen:
        check(seen)
        formulas = seen.page.locator("math")
        assert formulas.count() == 3
        assert "$" not in seen.page.locator("main").inner_text()
        assert formulas.nth(0).get_attribute("alttext") == "p_t < 1"
        assert (formulas.nth(1).text_content() or "").strip() == "<img\xa0src=x>"
        whole, inline = formulas.nth(2).bounding_box(), formulas.nth(0).bounding_box()
        assert whole
        assert inline
        assert whole["height"] > inline["height"] > 8


def test_a_wide_table_is_for_the_keyboard_and_a_narrow_one_is_not_in_its_way(
    browser: Browser, tmp_path: Path
) -> None:
    row = "<td class='cx-number'>12 % (10 to 14 %)</td>"
    wide = f"<table><thead><tr><th>a</th></tr></thead><tbody><tr>{row * 6}</tr></tbody></table>"
    narrow = f"<table><thead><tr><th>a</th></tr></thead><tbody><tr>{row}</tr></tbody></table>"
    outputs = [new_output("display_data", data={"text/html": html}) for html in (wide, narrow)]
    path = tmp_path / "tables.html"
    notebook = new_notebook(cells=[new_code_cell("", outputs=outputs)])
    path.write_text(render_page(notebook, "Tables", failure=None, facts={}), "utf-8")
    with opened(browser, path, PHONE) as seen:
        check(seen)
        boxes = seen.page.locator(".cx-scroll")
        scrolls = boxes.evaluate_all("all => all.map(each => each.scrollWidth > each.clientWidth)")
        focusable = boxes.evaluate_all("all => all.map(each => each.tabIndex === 0)")
        assert scrolls == focusable == [True, False]
