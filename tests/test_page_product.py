"""A page as a product: the answer first, small, the same each time, and by any road of nbconvert."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from base64 import b64decode, b64encode
from io import BytesIO
from pathlib import Path

import nbformat
import pytest
import runs
from babel.messages.pofile import read_po
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image, ImageDraw
from runs import CHECK, CLAIM, CURVES, NOTEBOOKS, SAMPLE, VALUE, Shelf

from cxresearch._language import LOCALE, speaking, term
from cxresearch.findings import GRADES, MIME
from cxresearch.reports.exporter import TEMPLATES, PageExporter
from cxresearch.reports.page import render_page, shell

shelf = runs.shelf
every = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)

FINDING = {"id": "retained", "sentence": "84 % <b>stay</b>.", "grade": "C"}
QUESTION = "# How many stay?\n\nFor leaders. It says how many stay. It informs\nwhere to look first; not what to do. By the way."
LIMITS = (
    "## What this does not show\n\n- **Why.** Nobody knows.\n- **What *comes* next.** Nor that."
)


def said(*findings: dict[str, object]) -> NotebookNode:
    data = {"text/html": "<p>said</p>", MIME: list(findings)}
    return new_output("display_data", data=data)


def report(*findings: dict[str, object], headlines: list[str] | None = None) -> str:
    """Return the page of a notebook with a question, findings, limits and provenance."""
    cells = [
        new_markdown_cell(QUESTION, id="question"),
        new_markdown_cell("## The numbers", id="numbers-head"),
        new_code_cell("say()", id="numbers", outputs=[said(*findings)]),
        new_markdown_cell(LIMITS, id="limits"),
        new_code_cell("where()", id="provenance", outputs=[new_output("stream", text="from here")]),
    ]
    wanted = {"headlines": headlines if headlines is not None else ["retained"]}
    record = {"finished": "2026-01-02T03:04:05+00:00", "seconds": 4.2}
    metadata = {"cxresearch": wanted, "cxresearch_report": record}
    return render_page(
        new_notebook(cells=cells, metadata=metadata), "T", failure=None, facts={"data": "d"}
    )


def part(html: str, start: str, end: str) -> str:
    return html[html.index(start) : html.index(end, html.index(start))]


# The answer first


def test_the_answer_stands_before_what_it_rests_on_and_that_before_method() -> None:
    html = report(FINDING)
    marks = ["<h1", "For leaders", "In short", "84 % &lt;b&gt;stay", "What to decide",
             "What we do not know", "<nav", ">The numbers</h2>", 'id="cell-numbers"',
             'id="limits"', "Method and provenance</h2>", "from here", "<dt>data</dt>", "data-run"]  # fmt: skip
    places = [html.index(mark) for mark in marks]
    assert places == sorted(places)


def test_the_decision_is_taken_out_of_the_question_and_said_once() -> None:
    html = report(FINDING)
    assert html.count("where to look first; not what to do.") == 1
    assert "It informs" in part(html, "What to decide", "What we do not know")
    assert "<p>For leaders. It says how many stay. By the way.</p>" in html


def test_what_is_not_known_is_named_and_linked_but_not_said_twice() -> None:
    html = report(FINDING)
    top = part(html, "What we do not know", "</section>")
    assert re.findall("<li>(.*?)</li>", top) == ["Why", "What comes next"]
    assert '<a href="#limits">' in top
    assert html.count("Nobody knows.") == 1


def test_headlines_have_their_grade_in_words_and_a_link_to_where_they_are() -> None:
    again, other = FINDING | {"sentence": "Later, 70 %."}, FINDING | {"id": "x", "grade": "B"}
    html = report(FINDING, FINDING, again, other, headlines=["x", "retained", "retained", "none"])
    top = part(html, '<ul class="cx-headlines">', "</ul>")
    assert re.findall("<li><p>(.*?)</p>", top) == [
        "84 % &lt;b&gt;stay&lt;/b&gt;.", "84 % &lt;b&gt;stay&lt;/b&gt;.", "Later, 70 %.",
    ]  # fmt: skip
    assert f"Evidence B: {GRADES['B']}" in top
    assert f"Evidence C: {GRADES['C']}" in top
    assert top.count('<a href="#cell-numbers">') == 3


def test_without_a_headline_the_first_finding_stands_for_the_report() -> None:
    assert "84 % &lt;b&gt;stay" in part(report(FINDING, headlines=["none"]), "In short", "<nav")
    assert "In short" not in report(FINDING, headlines=[]).split("</style>")[1]
    assert "cx-headlines" not in report(headlines=["retained"]).split("</style>")[1]


@every
def test_three_to_five_headlines_of_every_notebook_are_found_on_the_sample(
    shelf: Shelf, path: Path
) -> None:
    wanted = nbformat.read(path, as_version=4).metadata.cxresearch.headlines
    assert 3 <= len(wanted) <= 5
    html = shelf.default(path.stem).html
    top = part(html, '<ul class="cx-headlines">', "</ul>")
    assert top.count("<li>") == len(wanted)
    for link in re.findall('href="#(.*?)"', part(html, "<main", "</main>")):
        assert html.count(f'id="{link}"') == 1, link
    for title in ("What to decide", "What we do not know", "Method and provenance"):
        assert title in html


def test_every_question_in_japanese_says_what_it_is_for() -> None:
    with speaking("ja"):
        word = term("informs")
    for path in NOTEBOOKS:
        with (LOCALE / "ja" / f"{path.stem}.po").open("rb") as file:
            known = {message.id: message.string for message in read_po(file)}
        blocks = nbformat.read(path, as_version=4).cells[0].source.split("\n\n")
        decides = [known.get(block) for block in blocks if "informs" in block]
        assert [text for text in decides if text and word not in text] == [], path.stem


def test_the_frame_speaks_the_language_of_the_report() -> None:
    with speaking("ja"):
        html = report(FINDING)
    assert '<html lang="ja">' in html
    for text in ("要点", "目次", "コードを表示", "方法と出典", "証拠の等級C", "2026年1月2日"):
        assert text in html
    for text in ("In short", "Contents", "Show code", "Made on"):
        assert text not in html


def test_emphasis_ends_where_japanese_has_no_space() -> None:
    text = "*維持率（累積）*は**理由。**違い、*a*b *c* 2 * 3 * 4、*点*：増。*率*：倍"
    html = render_page(new_notebook(cells=[new_markdown_cell(text)]), "T", failure=None, facts={})
    assert (
        "<em>維持率（累積）</em>は<strong>理由。</strong>違い、<em>a</em>b <em>c</em> 2 * 3 * 4、"
        "<em>点</em>：増。<em>率</em>：倍" in html
    )


# Small, and the same each time


@pytest.mark.parametrize("name", [CURVES, VALUE, CLAIM])
def test_a_page_has_at_most_three_tenths_of_the_bytes_of_the_default(
    shelf: Shelf, name: str
) -> None:
    made = shelf.default(name)
    default, _ = HTMLExporter().from_filename(str(made.folder / f"{name}.ipynb"))
    assert len(made.html.encode()) <= 0.3 * len(default.encode())


def test_two_runs_differ_in_one_marked_line(shelf: Shelf) -> None:
    one, other = (
        made.html.split("\n")
        for made in (shelf.default(CHECK), shelf.report("again", CHECK, SAMPLE))
    )
    differ = [(a, b) for a, b in zip(one, other, strict=True) if a != b]
    assert len(differ) <= 1  # none when both took as long, within one minute
    assert all("data-run" in a and "data-run" in b for a, b in differ)
    assert sum("data-run" in line for line in one) == 1


def picture() -> Image.Image:
    image = Image.new("RGBA", (1240, 620), (255, 255, 255, 0))
    draw = ImageDraw.Draw(image)
    for x in range(1240):
        draw.line((x, 300, x, 340), fill=(x % 200, 104, 168, 255))
    draw.rectangle((100, 100, 400, 200), fill=(184, 74, 0, 255))
    return image


def drawn(image: Image.Image, **metadata: object) -> tuple[str, Image.Image]:
    file = BytesIO()
    image.save(file, "PNG")
    data = {"image/png": b64encode(file.getvalue()).decode()}
    output = new_output("display_data", data=data, metadata={"image/png": metadata})
    html = render_page(
        new_notebook(cells=[new_code_cell(outputs=[output])]), "T", failure=None, facts={}
    )
    match = re.search(r"data:image/png;base64,([^\"]+)", html)
    assert match
    raw = b64decode(match[1])
    assert len(raw) < len(file.getvalue())
    return html, Image.open(BytesIO(raw))


def test_pictures_get_a_palette_on_white_paper_and_keep_their_colours() -> None:
    html, small = drawn(picture(), width=620, alt="It rises.")
    assert (small.mode, small.size) == ("P", (1240, 620))
    flat = small.convert("RGB")
    assert flat.getpixel((0, 0)) == (255, 255, 255)
    for got, drawn_as in zip(flat.getpixel((200, 150)), (184, 74, 0), strict=True):
        assert abs(got - drawn_as) <= 2
    assert 'alt="It rises." width="620" height="310"' in html


def test_the_numbers_of_a_figure_unfold_and_are_safe() -> None:
    html, _ = drawn(picture(), numbers="<table><tr><td>84<script>x()</script></td></tr></table>")
    folded = part(html, '<details class="cx-numbers">', "</figure>")
    assert "Numbers of this figure" in folded
    assert "<td>84</td>" in folded
    assert "x()" not in html


# What stopped, and what may run


def test_a_notebook_that_failed_elsewhere_says_so_on_its_page() -> None:
    error = new_output("error", ename="ValueError", evalue="<b>no</b>", traceback=["\x1b[31mline"])
    notebook = new_notebook(cells=[new_code_cell("boom()", outputs=[error])])
    html, _ = PageExporter().from_notebook_node(notebook)
    for text in ("This report failed", "ValueError: &lt;b&gt;no&lt;/b&gt;", "boom()", ">line<"):
        assert text in html
    assert "In short" not in html


def test_only_a_script_that_is_given_may_run() -> None:
    assert "script-src" not in shell("T", "", footer="")
    html = shell("T", "", footer="", scripts=["go()"])
    digest = "5KYv+PUboo5h+0+YAtGRPbwv5d/QxzHslP4YGnUaxRw="
    assert f"script-src 'sha256-{digest}'\"" in html
    assert "<script>go()</script>\n</body>" in html


@pytest.mark.parametrize(
    ("tex", "expected"),
    [
        ("$a < b$", 'alttext="a &lt; b"'),
        ("$\\text{<script>x()</script>}$", "&lt;script&gt;"),
        ("$\\href{javascript:x()}{y}$", "<mi>y</mi>"),
        ("$a^$", "<code>a^</code>"),
        ("$$\\begin{matrix} a & b \\end{matrix}$$", "<mtable>"),
    ],
)
def test_formulas_become_mathml_that_can_do_nothing(tex: str, expected: str) -> None:
    html = render_page(
        new_notebook(cells=[new_markdown_cell(f"So {tex} it is.")]), "T", failure=None, facts={}
    )
    assert expected in html
    assert "<script" not in html
    assert not re.search(r'href="(?!#|index)', html)


def test_marks_of_places_in_a_text_place_nothing() -> None:
    text = "\ue0000\ue001 and $a$ and <abbr title='\ue0000\ue001'>b</abbr>"
    html = render_page(new_notebook(cells=[new_markdown_cell(text)]), "T", failure=None, facts={})
    assert html.count("<math") == 1
    assert '<abbr title="0">' in html


# The roads of nbconvert


@pytest.mark.parametrize(
    "road",
    [
        ["--to", "cxresearch"],
        ["--to", "html", "--template", "cxresearch"],
        ["--to", "html", "--template", str(TEMPLATES / "cxresearch")],
    ],
    ids=["exporter", "template", "folder"],
)
def test_plain_nbconvert_makes_the_same_page(shelf: Shelf, road: list[str], tmp_path: Path) -> None:
    made = shelf.default(CHECK)
    notebook = made.folder / f"{CHECK}.ipynb"
    line = [sys.executable, "-m", "nbconvert", *road, "--output-dir", str(tmp_path), str(notebook)]
    # where the template is found once the package is installed
    found = os.environ | {"JUPYTER_PATH": str(TEMPLATES.parents[1])}
    done = subprocess.run(line, env=found, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    html = (tmp_path / f"{CHECK}.html").read_text("utf-8")
    assert main(html) == main(re.sub(r'<dl class="cx-given">.*?</dl>', "", made.html))
    assert "default-src 'none'" in html


def main(html: str) -> list[str]:
    """Return the words and tags of the main part, however attributes are written."""
    text = re.sub(r"<(/?\w+)[^<>]*>", r"<\1>", part(html, "<main", "</main>"))
    return text.split()


def test_plain_nbconvert_can_leave_the_code_out(shelf: Shelf) -> None:
    made = shelf.default(CHECK)
    notebook = nbformat.read(made.folder / f"{CHECK}.ipynb", as_version=4)
    html, _ = PageExporter(exclude_input=True).from_notebook_node(notebook)
    assert "<pre><code>" not in html
    assert "Show code" not in html
    assert made.entry["headline"] in html


def test_plain_nbconvert_speaks_the_language_of_the_run() -> None:
    parameters = {"papermill": {"parameters": {"lang": "ja"}}}
    notebook = new_notebook(cells=[new_markdown_cell("# ?")], metadata=parameters)
    html, _ = PageExporter().from_notebook_node(notebook)
    assert '<html lang="ja">' in html
    assert "目次" in html
