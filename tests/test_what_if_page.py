"""The panel in a browser: by keyboard, under a strict policy, on paper, and without script."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from browser import DESKTOP, PHONE, Opened, opened
from browser import browser as browser  # noqa: PLC0414 - a fixture
from playwright.sync_api import Browser, Page
from test_what_if import claim, plan, programme

from cxresearch._language import speaking
from cxresearch.errors import ReportError
from cxresearch.reports.what_if import panel, script
from cxresearch.sliders._grid import start_of
from cxresearch.sliders._shown import answer
from cxresearch.sliders.what_if import spec_of

HOSTILE = "</script><script>window.hurt = 1</script><img src=x onerror='window.hurt = 2'>"


def page_of(*specs: dict[str, Any], lang: str = "en") -> str:
    """A page that allows one script, by its hash, and no address at all."""
    digest = b64encode(sha256(script().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    with speaking(lang):
        panels = "".join(map(panel, specs))
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>Page</title>'
        f"</head><body><main><h1>Page</h1>{panels}</main><script>{script()}</script></body></html>"
    )


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("what-if") / "page.html"
    found.write_text(page_of(programme(), spec_of(claim(0.85))), "utf-8")
    return found


@pytest.fixture
def phone(browser: Browser, path: Path) -> Iterator[Opened]:
    with opened(browser, path, PHONE) as seen:
        yield seen


def part(page: Page, name: str, nth: int = 0) -> Any:
    return page.locator(f'[data-part="{name}"]').nth(nth)


def moved(page: Page, name: str, nth: int = 0) -> Any:
    return page.locator(f'[data-name="{name}"]').nth(nth)


def test_the_page_opens_with_the_answer_of_the_report(phone: Opened) -> None:
    spec = programme()
    found = answer(spec, start_of(spec))
    assert part(phone.page, "headline").inner_text() == found.headline
    assert part(phone.page, "lines").locator("li").all_inner_texts() == list(found.lines)
    assert part(phone.page, "chart").locator("rect").count() == 6
    assert part(phone.page, "caption").inner_text() == found.caption
    assert not part(phone.page, "static").is_visible()
    assert phone.console == []
    assert phone.requests == []
    assert phone.overflow() == 0


def test_the_sliders_obey_the_keyboard(phone: Opened) -> None:
    spec = programme()
    lift = moved(phone.page, "lift")
    while phone.page.evaluate("document.activeElement.dataset.name") != "lift":
        phone.page.keyboard.press("Tab")
    for _ in range(3):
        phone.page.keyboard.press("ArrowRight")
    state = start_of(spec) | {"lift": 0.0275}
    assert lift.get_attribute("aria-valuetext") == "2.75 percentage points"
    assert lift.locator("xpath=../output").inner_text() == "2.75 percentage points"
    assert part(phone.page, "headline").inner_text() == answer(spec, state).headline
    phone.page.keyboard.press("End")
    state |= {"lift": 0.1}
    assert "more comes back" in answer(spec, state).headline
    assert part(phone.page, "headline").inner_text() == answer(spec, state).headline
    phone.page.wait_for_function(
        "(said) => document.querySelector('[role=status]').textContent === said",
        arg=answer(spec, state).headline,
    )
    while phone.page.evaluate("document.activeElement.dataset.part") != "back":
        phone.page.keyboard.press("Tab")
    phone.page.keyboard.press("Enter")
    assert lift.input_value() == "8"
    assert part(phone.page, "headline").inner_text() == answer(spec, start_of(spec)).headline


def test_the_answer_stays_in_sight_and_covers_no_control_that_has_the_focus(phone: Opened) -> None:
    last = moved(phone.page, "one_off_cost")
    phone.page.keyboard.press("Tab")
    for name in ("lift", "base_retention", "annual_margin", "annual_discount_rate", "annual_cost"):
        assert phone.page.evaluate("document.activeElement.dataset.name") == name
        phone.page.keyboard.press("Tab")
    head, control = part(phone.page, "headline").bounding_box(), last.bounding_box()
    assert head["y"] >= 0
    assert head["y"] + head["height"] <= control["y"]
    phone.page.keyboard.press("Shift+Tab")
    head = part(phone.page, "headline").bounding_box()
    assert head["y"] + head["height"] <= moved(phone.page, "annual_cost").bounding_box()["y"]


def test_a_reading_changes_what_the_lift_is_said_in_and_a_refusal_takes_the_chart_away(
    phone: Opened,
) -> None:
    spec = spec_of(claim(0.85))
    moved(phone.page, "reading").select_option("relative")
    state = start_of(spec) | {"reading": "relative"}
    assert moved(phone.page, "lift", 1).get_attribute("aria-valuetext") == "5 %"
    assert part(phone.page, "headline", 1).inner_text() == answer(spec, state).headline
    assert spec["report"]["relative"] in part(phone.page, "report", 1).inner_text()
    moved(phone.page, "base_retention", 1).press("End")
    assert "passes 1 with" in part(phone.page, "headline", 1).inner_text()
    assert not part(phone.page, "figure", 1).is_visible()


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible(browser: Browser, path: Path, width: int, scheme: Any) -> None:
    with opened(browser, path, width, scheme) as seen:
        assert seen.violations() == []
        assert seen.overflow() == 0


def test_paper_shows_where_the_sliders_stand(phone: Opened) -> None:
    moved(phone.page, "lift").press("End")
    phone.page.emulate_media(media="print")
    assert not moved(phone.page, "lift").is_visible()
    assert not part(phone.page, "back").is_visible()
    shown = phone.page.locator("main").inner_text()
    assert "10 percentage points" in shown
    assert "more comes back than is spent" in shown


def test_without_script_there_is_the_answer_and_a_table(browser: Browser, path: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    with context:
        page = context.new_page()
        page.goto(path.as_uri())
        assert not moved(page, "lift").is_visible()
        assert part(page, "static").locator("tbody tr").count() == 12
        assert "less comes back than is spent" in part(page, "headline").inner_text()
        assert part(page, "caption").is_visible()


def test_japanese_is_said_by_the_script_too(browser: Browser, tmp_path: Path) -> None:
    with speaking("ja"):
        spec = programme(currency="JPY")
    found = tmp_path / "page.html"
    found.write_text(page_of(spec, lang="ja"), "utf-8")
    with opened(browser, found, PHONE) as seen, speaking("ja"):
        moved(seen.page, "lift").press("End")
        state = start_of(spec) | {"lift": 0.1}
        assert part(seen.page, "headline").inner_text() == answer(spec, state).headline
        assert "￥" in part(seen.page, "headline").inner_text()
        assert not re.search(r"[A-Za-z]{4}", seen.page.locator(".cx-what-if").inner_text())
        assert seen.overflow() == 0


def test_what_a_customer_typed_is_text(browser: Browser, tmp_path: Path) -> None:
    spec = programme(currency=HOSTILE)
    found = tmp_path / "page.html"
    found.write_text(page_of(spec), "utf-8")
    with opened(browser, found) as seen:
        moved(seen.page, "lift").press("End")
        assert HOSTILE in part(seen.page, "headline").inner_text()
        assert seen.page.evaluate("typeof window.hurt") == "undefined"
        assert seen.page.locator("img").count() == 0
        assert seen.console == []


def test_the_script_has_nothing_that_a_policy_forbids() -> None:
    text = script()
    assert "</" not in text
    assert not re.search(r"\beval\b|innerHTML|outerHTML|insertAdjacent|\bFunction\(|fetch\(", text)
    html = panel(programme())
    assert not re.search(r"\son\w+=|style=|https?:", html)
    assert html.count("<script") == 1


def test_the_same_spec_gives_the_same_panel_and_two_have_names_of_their_own() -> None:
    spec = spec_of(claim(0.85))
    assert panel(spec) == panel(json.loads(json.dumps(spec)))
    ids = re.findall(r' id="([^"]+)"', panel(spec) + panel(programme()))
    assert len(ids) == len(set(ids))


def test_a_panel_of_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ReportError, match="of kind 'pie', must be one of claim, programme"):
        panel({"kind": "pie"})


def test_the_plan_of_the_tests_is_that_of_the_page() -> None:
    assert spec_of(plan().risk(draws=1000)) == programme()
