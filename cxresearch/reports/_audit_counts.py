"""Counts of people that are too small to show, or that can be worked out from those shown."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cxresearch._html import COUNTS_OF_PEOPLE
from cxresearch._language import LANGUAGES, speaking, term
from cxresearch.reports._audit_page import Page

# on the left they name who, not how many
_WHO = ("promoters", "passives", "detractors", "answered", "bounced")
_NO_PEOPLE = ("claims", "intervals")  # units of findings whose `n` counts these
_COUNT = re.compile(r"(\d{1,3}(?:,\d{3})*|\d+)(?:\.0+)?\s?[人名件]?")
# "from 7 answers", "of 3 customers", 顧客3人: whole groups, not the 7 of 100 that a share says;
# 顧客1人 is "a customer"
_SAID = re.compile(
    r"\b(?:from|of|among|for|only)\s+(\d{1,4})\s+"
    r"(?:customers?|answers?|promoters?|passives?|detractors?)\b|"
    r"(?:顧客|回答者?|推奨者|中立者|批判者)(?!1人)(\d{1,4})[人名件]",
    re.IGNORECASE,
)


def small_findings(rows: Sequence[Mapping[str, Any]], min_cell: int) -> Iterator[str]:
    """Yield the findings that rest on fewer than `min_cell` people."""
    for row in rows:
        n = row.get("n")
        if row.get("unit") in _NO_PEOPLE:
            continue
        if isinstance(n, int) and 0 < n < min_cell:
            yield f"the finding {row.get('id')} rests on {n}: raise min_group"


def small_counts(page: Page, min_cell: int) -> Iterator[str]:
    """Yield the cells of tables that count fewer than `min_cell` people, but not nobody."""
    people, groups = _headings(COUNTS_OF_PEOPLE), _headings(_WHO)
    for table in page.tables:
        heads: dict[int, str] = {}  # by column
        for row in table:
            # a head may have several lines, and a line may have its head on its left
            own = {i: name.strip() for i, name in enumerate(row) if _heading(name) in people}
            left = own.get(0) if len(own) == 1 else None
            left = None if _heading(left or "") in groups else left
            heads |= own
            for i, cell in enumerate(row):
                name = heads.get(i) or left
                if name and _is_small(cell, min_cell):
                    yield f"a table shows {cell.strip()} under {name!r}: raise min_group"


def small_sentences(text: str, min_cell: int) -> Iterator[str]:
    """Yield the groups of fewer than `min_cell` people that a sentence counts."""
    for found in _SAID.finditer(text):
        if 0 < int(found[1] or found[2]) < min_cell:
            yield f"a sentence says {' '.join(found[0].split())!r}: raise min_group"


def _heading(text: str) -> str:
    return " ".join(text.replace("_", " ").split()).lower()


def _is_small(cell: str, min_cell: int) -> bool:
    count = _COUNT.fullmatch(cell.strip())
    return count is not None and 0 < int(count[1].replace(",", "")) < min_cell


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


def _headings(names: Iterable[str]) -> set[str]:
    found = set()
    for lang in LANGUAGES:
        with speaking(lang):
            found |= {_heading(term(word.replace("_", " "))) for word in names}
    return found
