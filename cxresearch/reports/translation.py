"""The prose of a notebook in the language of its report."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cxresearch._language import ENGLISH, language, term

if TYPE_CHECKING:
    from nbformat import NotebookNode

_BETWEEN = re.compile(r"(\n[ \t]*\n+)")


def blocks(markdown: str) -> Iterator[str]:
    """Yield the paragraphs, headings and lists of a cell, each a message of its own."""
    yield from (part for part in _BETWEEN.split(markdown) if part.strip())


def translate_prose(notebook: NotebookNode) -> None:
    """Put the Markdown cells of a notebook into the language spoken, block by block."""
    if language() == ENGLISH:
        return
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = translated(cell.source)


def translated(markdown: str) -> str:
    """Return Markdown with every block that has a translation replaced by it."""
    return "".join(term(part) for part in _BETWEEN.split(markdown))
