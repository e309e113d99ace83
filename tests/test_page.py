"""Pages: nothing runs, nothing is loaded, nothing breaks out, and people can read them."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from cxresearch.reports.page import render_page
from cxresearch.reports.runner import run_report
from cxresearch.reports.sanitize import sanitize

NOTEBOOKS = Path(__file__).parent / "notebooks"
ATTACK = "<script>alert(1)</script><img src=x onerror=alert(2)>"
VOID = {"meta", "br", "img", "hr", "col", "input"}


class Page(HTMLParser):
    """What a browser would see: elements, their attributes, and whether they nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.text: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def assert_inert(html: str, scripts: int = 0) -> Page:
    page = Page(html)
    assert page.open == []
    assert page.tags.count("script") == scripts
    assert not {"iframe", "object", "embed", "link", "base", "form"} & set(page.tags)
    assert page.tags.count("style") == 1
    for tag, name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"srcset", "action", "background", "poster", "ping"}
        if name == "src":
            assert value.startswith("data:image/")
        if name == "href":
            assert re.fullmatch(r"#.*|index\.html|\./[^/:]+\.html", value), (tag, value)
        if name == "style":
            assert "(" not in value
    css = re.search(r"<style>(.*?)</style>", html, re.DOTALL)[1]
    assert "url(" not in css
    assert "@import" not in css
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    return page


def render(*cells, title="A title", failure=None, facts=None) -> str:
    return render_page(new_notebook(cells=list(cells)), title, failure=failure, facts=facts or {})


def shows(data, metadata=None, kind="display_data"):
    return new_code_cell(
        "secret_code()", outputs=[new_output(kind, data=data, metadata=metadata or {})]
    )


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    out = tmp_path_factory.mktemp("reports")
    result = run_report(NOTEBOOKS / "hostile_output.ipynb", data="", out=out)
    assert result.status == "ok"
    return out


def test_a_hostile_notebook_is_inert(hostile):
    html = (hostile / "hostile_output.html").read_text("utf-8")
    page = assert_inert(html)
    assert "h1" in page.tags
    assert page.tags.count("main") == 1
    assert (
        "".join(page.text).count(ATTACK) == 4
    )  # the text is shown, and in the code; it is not run
    assert "only for the log" not in re.sub(
        '<details class="cx-code">.*?</details>', "", html, flags=re.DOTALL
    )
    assert "(https://example.com)" in html
    assert ("img", "alt", 'Ten "of" ten <b>stay</b>') in page.attributes
    assert "<title>Is &lt;script&gt;" in html
    assert_inert((hostile / "index.html").read_text("utf-8"), scripts=1)


def test_the_frame_of_a_page():
    html = render(new_markdown_cell("# How many stay?"), facts={"data": "<b>"})
    page = assert_inert(html)
    assert html.startswith("<!doctype html>")
    assert ("html", "lang", "en") in page.attributes
    assert "width=device-width" in html
    assert page.tags.count("h1") == 1
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html
    assert "<dd>&lt;b&gt;</dd>" in html


def test_a_notebook_without_heading_gets_its_title():
    assert "<h1>A &amp; B</h1>" in render(new_markdown_cell("words"), title="A & B")


def test_warnings_and_bare_reprs_are_not_shown_and_code_is_folded():
    cell = new_code_cell(
        "secret_code()",
        outputs=[
            new_output("stream", name="stderr", text="a warning"),
            new_output("stream", name="stdout", text="an \x1b[31manswer\x1b[0m"),
            new_output("execute_result", data={"text/plain": "<Axes: title='x'>"}),
            new_output("execute_result", data={"text/plain": "<a customer's text>"}),
        ],
    )
    html = render(cell)
    assert "an answer" in html
    assert "&lt;a customer's text&gt;" in html
    for hidden in ("a warning", "Axes", "In [", "Out[", "\x1b"):
        assert hidden not in html
    assert '<details class="cx-code"><summary>Code</summary><pre><code>secret_code()<' in html


def test_tables_keep_their_structure_and_scroll_in_their_own_box():
    frame = pd.DataFrame({"plan": [ATTACK], "kept": [0.5]})
    page = assert_inert(render(shows({"text/html": frame._repr_html_()})))
    assert [page.tags.count(tag) for tag in ("table", "thead", "tbody")] == [1, 1, 1]
    assert ("div", "class", "cx-scroll") in page.attributes
    own = '<table class="cx-table"><thead><tr><th scope="col" class="cx-number">n</th></tr></table>'
    page = assert_inert(render(shows({"text/html": own})))
    assert ("th", "scope", "col") in page.attributes
    assert ("th", "class", "cx-number") in page.attributes


def test_findings_keep_their_look():
    said = '<p class="cx-finding">84 % stay <span class="cx-grade" title="association">C</span></p>'
    assert said in render(shows({"text/html": said, "text/plain": "84 % stay"}))


@pytest.mark.parametrize("metadata", [{"image/png": {"alt": "84 % stay"}}, {"alt": "84 % stay"}])
def test_figures_carry_their_text(metadata):
    page = assert_inert(render(shows({"image/png": "iVBORw0KGgo="}, metadata)))
    assert ("img", "alt", "84 % stay") in page.attributes


def test_svg_is_only_ever_an_image():
    page = assert_inert(render(shows({"image/svg+xml": f"<svg>{ATTACK}</svg>"})))
    assert "svg" not in page.tags
    assert "img" in page.tags


@pytest.mark.parametrize(
    "mime", ["application/javascript", "application/vnd.jupyter.widget-view+json"]
)
def test_scripts_and_widgets_fall_back_to_text(mime):
    html = render(shows({mime: "alert(1)", "text/plain": "in words"}))
    assert "alert(1)" not in html
    assert "in words" in html


@pytest.mark.parametrize(
    ("html", "safe"),
    [
        ("a<script>alert(1)</script>b", "ab"),
        ("<b onclick=x()>a</b>", "<b>a</b>"),
        ("<a href='javascript:x()'>a</a>", "<span>a</span>"),
        ("<a href=#x>a</a>", '<a href="#x">a</a>'),
        ("<a href='//evil.example'>a</a>", "<span>a</span>"),
        ("<a href='https://a.example/'>https://a.example/</a>", "<span>https://a.example/</span>"),
        ("<a href='https://a.example/'>a</a>", "<span>a</span> (https://a.example/)"),
        ("<img src='https://a.example/x.png' alt='words'>", "<span>words</span>"),
        ("</div></main>a<div>b", "a<div>b</div>"),
        ("<td style='width: 9%; background-color: url(x)'>a", '<td style="width: 9%">a</td>'),
        ("<style>@import 'x'</style>a", "a"),
        ("<svg><script>x</script><a>b</a></svg>c", "c"),
        ("<!-- x -->a<!doctype x><?php x?>b", "ab"),
        ("1 < 2 & 3 > 2", "1 &lt; 2 &amp; 3 &gt; 2"),
        ("<![bad[x]]>", "&lt;![bad[x]]&gt;"),
    ],
)
def test_sanitize(html, safe):
    assert sanitize(html) == safe


PIECES = """< > </ /> " ' = <!-- <![ ]]> &lt; & a b div script svg style table td img src href
onerror javascript:x <script> </script> <table> </main> <p> </p> <svg/onload=x> <math>"""
MARKUP = st.sampled_from([" ", *PIECES.split()])


@given(st.lists(MARKUP, max_size=40).map("".join))
def test_whatever_is_written_stays_inside_and_inert(html):
    assert_inert(
        f"default-src 'none'; style-src 'unsafe-inline'; img-src data:<style></style>"
        f"<main>{sanitize(html)}</main>"
    )
