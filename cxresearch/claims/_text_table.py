"""A table of words with a sentence of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import speaking


def by_text(said: Iterable[tuple[str, str]], column: str) -> pd.DataFrame:
    """Return one row for all claims of which the same is said, under `column`: ids, and what."""
    frame = pd.DataFrame(said, columns=["claims", column])
    joined = frame.groupby(column, sort=False)["claims"].agg(_joined).reset_index()
    return joined[["claims", column]]


def _joined(ids: pd.Series[str]) -> str:
    return words.and_list(dict.fromkeys(ids))


@dataclass(frozen=True, eq=False)
class TextTable(Table):
    """A frame of words that is shown as it is, with a sentence of its own."""

    frame: pd.DataFrame
    said: str

    def to_frame(self) -> pd.DataFrame:
        """Return the frame."""
        return self.frame

    def sentence(self, lang: str | None = None) -> str:
        """Return what stands below it."""
        with speaking(lang):
            return self.said

    def _repr_html_(self) -> str:
        return html_table(self.frame) if len(self.frame) else ""
