"""What stands at the top of a report: its question, its answer, and what it leaves open."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

from cxresearch._language import mark, term, tr
from cxresearch.findings import GRADES
from cxresearch.reports._markdown import Heading, render
from cxresearch.reports.collect import carried

if TYPE_CHECKING:
    from nbformat import NotebookNode

__all__ = ["Heading", "Question", "answer_html", "contents_html", "read_question"]

INFORMS = mark("informs")  # the word by which a question says which decision it is for
LIMITS = "limits"  # the cell of each of our notebooks that says what it does not show
_TITLE = re.compile(r"\s*#[ \t]+(.+?)[ \t#]*(?:\n|$)")
_SENTENCE = re.compile(r".+?(?:[.!?](?=\s+[A-Z]|\s*$)|。|$)\s*", re.DOTALL)
_LEAD = re.compile(r"^[-*] \*\*(.+?)\*\*", re.MULTILINE)


@dataclass(frozen=True)
class Question:
    """The first words of a notebook as safe HTML, and the cell that they stand in.

    `heading` is its title, `lead` whom it is for and what it says, `decision` what it informs.
    """

    cell: NotebookNode | None = None
    heading: str = ""
    lead: str = ""
    decision: str = ""


def read_question(cells: Sequence[NotebookNode]) -> Question:
    """Read the first Markdown cell; an empty question where it does not begin with a title."""
    cell = next((each for each in cells if each.cell_type == "markdown"), None)
    title = _TITLE.match(cell.source) if cell else None
    if cell is None or title is None:
        return Question()
    said = [sentence[0] for sentence in _SENTENCE.finditer(cell.source[title.end() :])]
    decision = "".join(text for text in said if term(INFORMS) in text)
    lead = "".join(text for text in said if term(INFORMS) not in text)
    heading = render(f"# {title[1]}", "question").html.strip()
    return Question(cell, heading, render(lead, "lead").html, render(decision, "decision").html)


def answer_html(notebook: NotebookNode, question: Question) -> str:
    """Write the answer: headline findings with their grade, the decision, what is not known.

    The notebook's metadata name the findings by their ids; an id that is named again stands
    for the next finding that has it. Where the data gave none, the first finding is shown. A
    notebook that names no headlines, in so many words, is nothing but answer and needs no other.
    """
    own = notebook.metadata.get("cxresearch", {})
    wanted = own.get("headlines", [own["headline"]] if "headline" in own else ["first"])
    if not wanted:
        return ""
    found = "".join(_headlines(notebook.cells, wanted))
    parts = [
        f'<ul class="cx-headlines">{found}</ul>' if found else "",
        _part(tr("What to decide"), question.decision),
        _part(tr("What we do not know"), _open_questions(notebook.cells)),
    ]
    if not any(parts):
        return ""
    title = f'<h2 id="in-short">{escape(tr("In short"))}</h2>'
    whole = title + "".join(parts)
    return f'<section class="cx-answer" aria-labelledby="in-short">{whole}</section>'


def contents_html(headings: Iterable[Heading]) -> str:
    """Write the contents: a link to each section of the report."""
    links = "".join(
        f'<li><a href="#{escape(heading.anchor)}">{escape(heading.text)}</a></li>'
        for heading in headings
        if heading.level == 2
    )
    if not links:
        return ""
    name = escape(tr("Contents"))
    return (
        f'<nav aria-label="{name}"><details class="cx-contents"><summary>{name}</summary>'
        f"<ol>{links}</ol></details></nav>"
    )


def _part(title: str, html: str) -> str:
    return f"<h3>{escape(title)}</h3>{html}" if html else ""


def _headlines(cells: Sequence[Mapping[str, Any]], wanted: Sequence[str]) -> list[str]:
    said: dict[str, dict[str, str]] = {}  # by id: from sentence, which is said once, to HTML
    for cell, finding in carried(cells):
        # what is malformed fails the report, and never reaches its top
        if isinstance(finding, dict) and {"id", "sentence", "grade"} <= set(finding):
            of_one = said.setdefault(finding["id"], {})
            of_one.setdefault(finding["sentence"], _headline(finding, cell))
    left = {name: iter(of_one.values()) for name, of_one in said.items()}
    chosen = [next(left[name], "") for name in wanted if name in left]
    return chosen or [html for of_one in said.values() for html in of_one.values()][:1]


def _headline(finding: Mapping[str, Any], cell: str) -> str:
    letter = str(finding["grade"])
    grade = tr("Evidence {letter}: {words}", letter=letter, words=term(GRADES.get(letter, "")))
    link = f' <a href="#cell-{escape(cell)}">{escape(tr("In context"))}</a>' if cell else ""
    said = escape(str(finding["sentence"]))
    return f'<li><p>{said}</p><p class="cx-evidence">{escape(grade)}{link}</p></li>'


def _open_questions(cells: Sequence[NotebookNode]) -> str:
    """Name what the section on limits explains, in its own words, with a link to it."""
    for cell in cells:
        if cell.get("id") == LIMITS and cell["cell_type"] == "markdown":
            items = "".join(
                f"<li>{escape(_bare(lead))}</li>" for lead in _LEAD.findall(cell.source)
            )
            listed = f'<ul class="cx-open">{items}</ul>' if items else ""
            link = f'<a href="#{LIMITS}">{escape(tr("What this report cannot say, and why"))}</a>'
            return f'{listed}<p class="cx-evidence">{link}</p>'
    return ""


def _bare(lead: str) -> str:
    return re.sub(r"[*_`]", "", lead).rstrip(".。:：")
