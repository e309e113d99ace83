"""Every report in Japanese: nothing English is left on the page, and the numbers are the same.

The catalogues hold what the code names as a message; a text that never became one, such as a
heading made of a column's name, is found here only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser

import pytest
import runs
from runs import NOTEBOOKS, SAMPLE, Report, Shelf

from cxresearch.recipe import Recipe
from cxresearch.recipe_reader import read_recipe

shelf = runs.shelf

# The room that each takes its sentences from is looked at in its own tests; the whole pages of
# the others are among the long checks.
SOON = ("00_data_check", "02_retention_curves", "06_retention_profit_claim")
NAMES = [
    pytest.param(path.stem, marks=[] if path.stem in SOON else [pytest.mark.verify])
    for path in NOTEBOOKS
]
ENGLISH = re.compile(r"[A-Za-z][A-Za-z'’]+(?:[ -][A-Za-z][A-Za-z'’]*){2,}")
UNSEEN = {"code", "pre", "script", "style", "kbd", "samp", "title"}
SAID = ("alt", "title", "aria-label", "placeholder")
VOID = {"img", "br", "hr", "meta", "link", "input", "wbr", "source", "col"}
# What is English in a Japanese report: models and their parameters are called so in Japanese,
OWN = {"sBG", "Pareto/NBD", "alpha", "beta", "gamma", "theta", "delta", "r", "s"}
# and works are cited by their titles.
TITLES = (
    "Journal of the Academy of Marketing Science",
    "Journal of Marketing",
    "Harvard Business Review",
    "Future of Customer Experience",
    "Next in Personalization",
    "Prescription for Cutting Costs",
    "Prescription for cutting costs",
    "The Customer in Context",
    "The Loyalty Effect",
)


class Page(HTMLParser):
    """Gathers what a reader of a page sees, or hears: texts outside code, and alternatives."""

    def __init__(self) -> None:
        super().__init__()
        self.inside: list[str] = []
        self.texts: list[str] = [""]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.inside.append(tag)
        if tag not in {"em", "strong", "span", "a", "sup", "sub"}:
            self.texts.append("")
        self.texts[-1:-1] = [value for name, value in attrs if name in SAID and value]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.inside:
            while self.inside.pop() != tag:
                pass
        if tag not in {"em", "strong", "span", "a", "sup", "sub"}:
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        if not UNSEEN & set(self.inside):
            self.texts[-1] += data


@cache
def recipe() -> Recipe:
    return read_recipe(SAMPLE)


@pytest.fixture(params=NAMES)
def japanese(request: pytest.FixtureRequest, shelf: Shelf) -> Report:
    return shelf.japanese(request.param)


def english(html: str) -> Iterator[str]:
    page = Page()
    page.feed(html)
    for text in page.texts:
        own = " ".join(text.split())
        for known in (recipe().name, recipe().note, *TITLES):
            own = own.replace(" ".join((known or "").split()) or "\0", "…")
        yield from (f"{found[0]} (in: {own[:160]})" for found in ENGLISH.finditer(own))


def test_no_english_is_left_on_the_page(japanese: Report) -> None:
    assert japanese.entry["status"] == "ok"
    assert sorted(set(english(japanese.html))) == []


def test_english_on_a_page_is_found() -> None:
    page = '<p>三つ<em>three words of</em></p><code>a b c d</code><img alt="four words of it">'
    assert [found.split(" (")[0] for found in english(page)] == [
        "three words of",
        "four words of it",
    ]


def test_no_heading_of_a_table_is_english(japanese: Report) -> None:
    heads = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', japanese.html, re.DOTALL)
    assert heads
    words = {" ".join(re.sub("<[^>]+>", "", head).split()) for head in heads}
    assert {head for head in words if re.search("[a-z]{3}", head)} - OWN == set()


def test_units_and_groups_of_findings_stay_words_of_the_machine(japanese: Report) -> None:
    for finding in japanese.findings:
        assert (finding["unit"] + "".join(finding["group"])).isascii(), finding


def test_the_findings_are_those_of_the_english_report(japanese: Report, shelf: Shelf) -> None:
    def plain(report: Report) -> list[dict[str, object]]:
        return [{k: v for k, v in f.items() if k != "sentence"} for f in report.findings]

    original = shelf.default(japanese.name.removesuffix(".ja"))
    assert plain(japanese) == plain(original)
    said = {f["sentence"] for f in original.findings}
    assert [f["sentence"] for f in japanese.findings if f["sentence"] in said] == []


def test_every_letter_of_a_figure_has_a_glyph(japanese: Report) -> None:
    streams = [str(o.get("text", "")) for o in japanese.outputs if o["output_type"] == "stream"]
    assert [text for text in streams if "Glyph" in text or "findfont" in text] == []


def test_every_figure_says_what_it_shows_and_carries_its_numbers(japanese: Report) -> None:
    for output in japanese.outputs:
        if "image/png" in output.get("data", {}):
            about = output["metadata"]["image/png"]
            assert about["alt"]
            assert "<td" in about["numbers"], about["alt"]
