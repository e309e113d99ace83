"""Tables in notebooks: one look for all results, numbers formatted by the column's name.

A column `x` that stands with `x_ci_lower` and `x_ci_upper` becomes one column "x" that reads
`84 % (83 to 85 %)`, so no notebook needs a format string. A count of few people is not shown.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection
from html import escape
from numbers import Real
from typing import TYPE_CHECKING

from cxresearch import _format as words
from cxresearch._language import term, tr
from cxresearch._min_cell import min_cell

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 100
NUMBER = ' class="cx-number"'
ACRONYMS = {
    "nps": "NPS", "csat": "CSAT", "ces": "CES", "sbg": "sBG", "bdw": "BdW", "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD", "pareto_nbd": "Pareto/NBD", "gamma_gamma": "Gamma-Gamma",
}  # fmt: skip
LOWER, UPPER = "_ci_lower", "_ci_upper"
# a table shows no count of so few people that one of them might be known by it
COUNTS_OF_PEOPLE = frozenset(
    (
        "n",
        "customers",
        "invited",
        "bounced",
        "delivered",
        "answered",
        "answers",
        "at_risk",
        "entered",
        "churned",
        "censored",
        "left",
        "lost",
        "at_start",
        "joined",
        "promoters",
        "passives",
        "detractors",
    )
)
SHARES = ("retained", "share", "_rate", "_share")


class Table(ABC):
    """A result that shows itself as a table: only `to_frame` is asked for."""

    @abstractmethod
    def to_frame(self) -> pd.DataFrame:
        """Return the result as a DataFrame, one row per line of the table."""

    def _repr_html_(self) -> str:
        return html_table(self.to_frame())


def html_table(frame: pd.DataFrame, caption: str = "", numbers: Collection[str] = ()) -> str:
    """Return accessible HTML of a frame: scoped headers, everything escaped, numbers aligned.

    More than `MAX_ROWS` rows are cut, and the last line says how many were. `numbers` names
    columns of text that hold numbers, to be aligned like them.
    """
    from pandas.api.types import is_numeric_dtype  # noqa: PLC0415 - pandas only when shown

    columns = [str(c) for c in frame.columns if not str(c).endswith((LOWER, UPPER))]
    right = {c for c in columns if c in numbers or is_numeric_dtype(frame[c])}
    head = "".join(
        f'<th scope="col"{NUMBER if c in right else ""}>{escape(words.plain(_title(c)))}</th>'
        for c in columns
    )
    records = [{str(k): v for k, v in r.items()} for r in frame.head(MAX_ROWS).to_dict("records")]
    rows = "".join(_row(record, columns, right) for record in records)
    title = f"<caption>{escape(caption)}</caption>" if caption else ""
    return (
        f'<table class="cx-table">{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{rows}{_cut(len(frame), len(columns))}</tbody></table>"
    )


def format_cell(column: str, value: object, lower: object = None, upper: object = None) -> str:
    """Text of one cell, by the column's name and the value's type."""
    if isinstance(value, bool) or not isinstance(value, Real):
        return words.MISSING if value is None else words.label_words(column, str(value))
    amount = float(value)
    if math.isnan(amount):
        return words.MISSING
    if column in COUNTS_OF_PEOPLE and 0 < amount < min_cell():
        return tr("under {least}", least=min_cell())
    return _number(column, amount, _float(lower), _float(upper))


def _number(column: str, amount: float, low: float, high: float) -> str:
    if column.endswith("p_value"):
        return words.p_value(amount).removeprefix("p ").removeprefix("= ")
    if column.endswith(SHARES):
        return words.percent_interval(amount, low, high)
    if not math.isnan(low) or amount.is_integer():
        return words.number_interval(amount, low, high)
    return words.number(amount) if abs(amount) >= 1000 else f"{amount:.3g}"


def _row(record: dict[str, object], columns: list[str], right: Collection[str]) -> str:
    cells = [_cell(record, c, first=i == 0, right=c in right) for i, c in enumerate(columns)]
    return f"<tr>{''.join(cells)}</tr>"


def _cell(record: dict[str, object], column: str, *, first: bool, right: bool) -> str:
    text = format_cell(
        column, record[column], record.get(column + LOWER), record.get(column + UPPER)
    )
    tag, scope = ("th", ' scope="row"') if first else ("td", "")
    return f"<{tag}{scope}{NUMBER if right else ''}>{escape(words.plain(text))}</{tag}>"


def _cut(n_rows: int, n_columns: int) -> str:
    if n_rows <= MAX_ROWS:
        return ""
    said = tr("… and {n} more rows", n=words.number(n_rows - MAX_ROWS))
    return f'<tr><td colspan="{n_columns}">{escape(said)}</td></tr>'


def _title(column: str) -> str:
    words_of = column.replace("_", " ").split(" ")
    return term(" ".join(ACRONYMS.get(word, word) for word in words_of))


def _float(value: object) -> float:
    return float(value) if isinstance(value, Real) else math.nan
