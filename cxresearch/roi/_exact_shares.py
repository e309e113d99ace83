"""Tables whose shares may be exact: arithmetic on what was entered, said with one decimal."""

from __future__ import annotations

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import LOWER, UPPER, Table, html_table

SHARE = "_share"


class ExactShares(Table):
    """A table in which a share without an interval, or with one of no width, has one decimal."""

    def _repr_html_(self) -> str:
        frame, shares = exact_shares(self.to_frame())
        return html_table(frame, numbers=shares)


def exact_shares(frame: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """Return a frame with its shares as text, and which columns they are."""
    names = [str(name) for name in frame]
    shares = [name for name in names if name.endswith(SHARE)]
    texts = {name: [_text(row, name) for _, row in frame.iterrows()] for name in shares}
    ends = [name for name in names if name.endswith((SHARE + LOWER, SHARE + UPPER))]
    return frame.drop(columns=ends).assign(**texts), shares


def _text(row: pd.Series, name: str) -> str:
    ends = (float(row.get(name + end, float("nan"))) for end in ("", LOWER, UPPER))
    return words.percent_exact(*ends)
