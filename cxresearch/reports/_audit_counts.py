"""Counts of people that are too small to show, or that can be worked out from those shown."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cxresearch._language import LANGUAGES, speaking, term
from cxresearch.reports._audit_page import Page

_PEOPLE = ("customers", "answers", "at risk", "churned", "censored", "n", "promoters", "detractors")
_COUNT = re.compile(r"\d{1,3}(?:,\d{3})*|\d+")


def small_findings(rows: Sequence[Mapping[str, Any]], min_cell: int) -> Iterator[str]:
    """Yield the findings that rest on fewer than `min_cell` customers."""
    for row in rows:
        n = row.get("n")
        if isinstance(n, int) and 0 < n < min_cell:
            yield f"the finding {row.get('id')} rests on {n}: raise min_group"


def small_counts(page: Page, min_cell: int) -> Iterator[str]:
    """Yield the cells of tables that count fewer than `min_cell` people, but not nobody."""
    people = _headings()
    for head, *rows in (table for table in page.tables if table):
        columns = [i for i, name in enumerate(head) if name.strip().lower() in people]
        for row in rows:
            for i in columns:
                cell = row[i].strip() if i < len(row) else ""
                if _COUNT.fullmatch(cell) and 0 < int(cell.replace(",", "")) < min_cell:
                    yield f"a table shows {cell} under {head[i].strip()!r}: raise min_group"


def derived_counts(rows: Sequence[Mapping[str, Any]], min_cell: int) -> Iterator[str]:
    """Yield what a total gives away: all groups but a small one are shown beside their sum."""
    numbers: dict[tuple[str, str, frozenset[tuple[str, str]]], int] = {}
    for row in rows:
        if isinstance(row.get("n"), int):
            group = frozenset(row.get("group", {}).items())
            numbers[str(row.get("notebook")), str(row.get("id")), group] = row["n"]
    parts: dict[tuple[str, str, frozenset[tuple[str, str]], str], int] = defaultdict(int)
    for (notebook, name, group), n in numbers.items():
        for column, label in group:
            parts[notebook, name, group - {(column, label)}, column] += n
    for (notebook, name, rest, column), together in parts.items():
        gap = numbers.get((notebook, name, rest), together) - together
        if 0 < gap < min_cell:
            yield f"{gap} behind {name}, as the total less the groups of {column}: raise min_group"


def _headings() -> set[str]:
    found = set()
    for lang in LANGUAGES:
        with speaking(lang):
            found |= {term(word).lower() for word in _PEOPLE}
    return found
