"""What numbers are: the definitions of results, in words, beside the results themselves."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Protocol

from cxresearch import _format as words
from cxresearch.findings import publish


class Defined(Protocol):
    """A result that can say what its numbers are."""

    @property
    def definition(self) -> str:
        """One or two sentences."""


def define(*items: Defined | Iterable[Defined]) -> None:
    """Show the definitions of results, each once; nothing where there is no result.

    Parameters
    ----------
    items
        Results with a `definition`, or several of them.
    """
    each = [part for item in items for part in (item if isinstance(item, Iterable) else [item])]
    said = list(dict.fromkeys(part.definition for part in each))
    if said:
        html = "".join(f'<p class="cx-note">{escape(words.plain(text))}</p>' for text in said)
        publish(html, "\n".join(said))
