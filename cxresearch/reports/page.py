"""A notebook as one self-contained page, which requests nothing from any network.

The answer stands first, then what it rests on, then method and provenance. The template in
`prefix/share/jupyter/nbconvert/templates` puts the parts made here in their places.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxresearch._format import counted, day
from cxresearch._language import language, tr
from cxresearch.reports._failure import failure_html, recorded_failure
from cxresearch.reports.entries import METADATA_KEY

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from cxresearch.reports._outline import Question
    from cxresearch.reports._parts import Part
    from cxresearch.reports.execution import Failure
    from cxresearch.reports.exporter import PageExporter

__all__ = ["Page", "Wanted", "compose", "render_page", "shell"]

WANTED, PAGE = "cxresearch_wanted", "cxresearch_page"  # in nbconvert's resources
_STYLE = Path(__file__).parent / "page.css"
_METHOD = "method"
_PROVENANCE = "provenance"  # the cell of each of our notebooks that says where it comes from
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


@dataclass(frozen=True)
class Wanted:
    """What a page is to say beside its notebook: see `render_page`."""

    title: str
    failure: Failure | None = None
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Page:
    """The parts of a page as safe HTML, in the order in which the template puts them."""

    top: str
    failure: str
    question: str
    answer: str
    contents: str
    code_switch: str
    parts: Sequence[Part]
    method: str
    provenance: Sequence[Part]
    facts: str
    run: str
    bottom: str


def render_page(
    notebook: NotebookNode, title: str, *, failure: Failure | None, facts: Mapping[str, str]
) -> str:
    """Write the page of an executed notebook, in the language that is spoken.

    Parameters
    ----------
    notebook
        The notebook node with its outputs.
    title
        For the browser, and the heading when the notebook has none.
    failure
        What stopped the report; shown first, with the cell and its error.
    facts
        Printed at the foot, such as the parameters that were given.

    Returns
    -------
    str
        A whole HTML document in which everything the notebook put out is inert. Apart from
        its one line with `data-run` it is the same for the same outputs.
    """
    wanted = Wanted(title, failure, facts)
    html, _ = _exporter().from_notebook_node(notebook, {WANTED: wanted})
    return str(html)


def shell(
    title: str, main: str, *, footer: str, scripts: Sequence[str] = (), style: str = ""
) -> str:
    """Put safe HTML into the frame that all pages share; no script runs but those given."""
    top, bottom = _frame(title, footer, scripts, style)
    return f"{top}\n<main>\n{main}\n</main>\n{bottom}\n"


def compose(notebook: NotebookNode, wanted: Wanted) -> Page:
    """Make the parts of a page in the language that is spoken; see `render_page`."""
    from cxresearch.reports import _outline as outline  # noqa: PLC0415 - brings nbconvert along
    from cxresearch.reports._parts import is_marker, read_parts  # noqa: PLC0415

    failure = wanted.failure or recorded_failure(notebook)
    cells = [cell for cell in notebook.cells if not is_marker(cell)]
    question = outline.read_question(cells)
    parts = list(read_parts(cell for cell in cells if cell is not question.cell))
    body = [part for part in parts if part.name != _PROVENANCE]
    method = outline.Heading(2, _METHOD, tr("Method and provenance"))
    headings = [heading for part in body for heading in part.headings]
    top, bottom = _frame(wanted.title, _back(), _scripts(cells))
    return Page(
        top=top,
        failure=failure_html(failure),
        question=_question(question, wanted.title),
        answer="" if failure else outline.answer_html(notebook, question),
        contents=outline.contents_html([*headings, method]),
        code_switch=_switch() if any(part.code for part in parts) else "",
        parts=body,
        method=f'<h2 id="{_METHOD}">{escape(method.text)}</h2>',
        provenance=[part for part in parts if part.name == _PROVENANCE],
        facts=_facts(wanted.facts),
        run=_run(notebook.metadata),
        bottom=bottom,
    )


def _frame(title: str, footer: str, scripts: Sequence[str], style: str = "") -> tuple[str, str]:
    """Return what stands before the main part of a page, and what stands after it."""
    hashes = "".join(f" 'sha256-{_digest(script)}'" for script in scripts)
    policy = _POLICY + (f"; script-src{hashes}" if scripts else "")
    css = _STYLE.read_text("utf-8") + style
    top = (
        f'<!doctype html>\n<html lang="{language()}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>"
    )
    run = "".join(f"<script>{script}</script>\n" for script in scripts)
    return top, f"<footer>\n{footer}\n</footer>\n{run}</body>\n</html>"


def _digest(script: str) -> str:
    return b64encode(sha256(script.encode()).digest()).decode()


def _scripts(cells: Iterable[NotebookNode]) -> list[str]:
    from cxresearch.reports._outputs import has_panel  # noqa: PLC0415 - brings nbconvert along
    from cxresearch.reports.what_if import script  # noqa: PLC0415

    return [script()] if any(has_panel(cell) for cell in cells) else []


def _question(question: Question, title: str) -> str:
    return (question.heading or f"<h1>{escape(title)}</h1>") + question.lead


def _back() -> str:
    return f'<p class="cx-back"><a href="index.html">{escape(tr("All reports"))}</a></p>'


def _switch() -> str:
    box = '<input type="checkbox" id="cx-show-code">'
    return f'<p class="cx-switch"><label>{box} {escape(tr("Show code"))}</label></p>'


def _facts(facts: Mapping[str, str]) -> str:
    terms = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())
    return f'<dl class="cx-given">{terms}</dl>' if terms else ""


def _run(metadata: Mapping[str, Any]) -> str:
    """Say when and how long, on the one line of a page that two runs do not share."""
    record, papermill = metadata.get(METADATA_KEY, {}), metadata.get("papermill", {})
    ended = record.get("finished") or papermill.get("end_time")
    seconds = record.get("seconds") or papermill.get("duration")
    if not (isinstance(ended, str) and isinstance(seconds, int | float)):
        return ""
    said = tr(
        "Made on {day} at {time}, in {seconds}.",
        day=day(ended[:10]),
        time=ended[11:16],
        seconds=counted(round(seconds, 1), "second"),
    )
    return f'<p class="cx-run" data-run="">{escape(said)}</p>'


@cache
def _exporter() -> PageExporter:
    from cxresearch.reports.exporter import PageExporter  # noqa: PLC0415 - slow to import

    # a run needs none of nbconvert's own, after each of which it checks the notebook again
    return PageExporter(default_preprocessors=[])
