"""Labels of ours in tables, as words."""

from __future__ import annotations

import pandas as pd

from cxresearch._html import ACRONYMS, html_table
from cxresearch._language import term

OURS = ("reading", "profit_concept", "renewals", "model", "claim", "verdict")


def labelled_table(frame: pd.DataFrame) -> str:
    """Return the table of a frame with labels such as `customer_value` said as words."""
    ours = {column: frame[column].map(_said) for column in OURS if column in frame}
    return html_table(frame.assign(**ours))


def _said(label: str) -> str:
    return ACRONYMS.get(label, term(label.replace("_", " ")))
