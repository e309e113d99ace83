"""Cells of a notebook as parts of a page: words, folded code, and what the code put out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import Any

from cxresearch._language import tr
from cxresearch.reports._markdown import Heading, render
from cxresearch.reports._outputs import outputs_html

__all__ = ["Part", "is_marker", "read_parts"]

# the name papermill gives to the cells that it (and we) add to a failed notebook
_MARKER_TAG = "papermill-error-cell-tag"
_PENDING = "pending"  # papermill's word for a cell that never ran


@dataclass(frozen=True)
class Part:
    """A cell as safe HTML, with its id and the headings in it."""

    name: str
    prose: str = ""
    code: str = ""
    output: str = ""
    headings: tuple[Heading, ...] = ()


def is_marker(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell was added to mark a failure, which a page shows in its own way."""
    return _MARKER_TAG in cell["metadata"].get("tags", ())


def read_parts(cells: Iterable[Mapping[str, Any]]) -> Iterator[Part]:
    """Yield each cell that can have something to show."""
    for number, cell in enumerate(cells, start=1):
        name = str(cell.get("id") or f"part-{number}")
        if cell["cell_type"] == "markdown":
            prose = render(cell["source"], name)
            yield Part(name, f'<div class="cx-prose">{prose.html}</div>', headings=prose.headings)
        elif cell["cell_type"] == "code":
            yield Part(name, code=_code(cell), output=_output(cell, name))


def _code(cell: Mapping[str, Any]) -> str:
    source = cell["source"].strip()
    if not source or cell["metadata"].get("papermill", {}).get("status") == _PENDING:
        return ""
    summary = escape(tr("Code"))
    return (
        f'<details class="cx-code"><summary>{summary}</summary>'
        f"<pre><code>{escape(source, quote=False)}</code></pre></details>"
    )


def _output(cell: Mapping[str, Any], name: str) -> str:
    html = outputs_html(cell, name)
    return f'<div class="cx-output" id="cell-{escape(name)}">{html}</div>' if html else ""
