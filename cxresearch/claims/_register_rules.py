"""What a register of claims has to keep to; everything that is wrong is said at once."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from cxresearch._grouped import unknown
from cxresearch._language import mark
from cxresearch.contract import TABLES
from cxresearch.needs import NEEDS

RELATIONS: Final = ("equals", "at_least", "at_most", "between", "positive", "negative", "none")
ASSERTS: Final = (
    "share", "intention", "opinion", "cause", "association", "arithmetic", "practice",
)  # fmt: skip
STANDINGS: Final = (
    mark("read"), mark("reported"), mark("recalled"), mark("not found"), mark("not looked up"),
)  # fmt: skip
SIGNS: Final = ("positive", "negative", "none")
_REQUIRED: Final = (
    "id", "seed", "claim", "relation", "population", "asserts", "estimand", "provenance",
    "standing",
)  # fmt: skip
_NUMBERS: Final = ("number", "number_to", "tolerance")
_LISTS: Final = ("needs", "tests", "readings")
_KNOWN: Final = {*_REQUIRED, *_NUMBERS, *_LISTS, "unit", "beyond", "misquotation"}


def register_problems(content: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with a register that was read from TOML."""
    rows, gaps = content.get("claim", []), content.get("contradiction", [])
    problems = [
        f"{key!r} is no part of a register, must be claim or contradiction: rename it."
        for key in content
        if key not in {"claim", "contradiction"}
    ]
    problems += [p for i, row in enumerate(rows, 1) for p in _row_problems(row, i)]
    counted = Counter(str(row.get("id")) for row in rows)
    problems += [
        f"{name} stands {n} times, must be once: rename one."
        for name, n in counted.items()
        if n > 1
    ]
    return [*problems, *(p for gap in gaps for p in _gap_problems(gap, rows))]


def _row_problems(row: Mapping[str, Any], place: int) -> Iterator[str]:
    name = row.get("id") or f"claim {place}"
    for key in _REQUIRED:
        if not isinstance(row.get(key), str) or not row[key].strip():
            yield f"{name}: {key} is {row.get(key)!r}, must be text: write it."
    for key in row:
        if key not in _KNOWN:
            yield f"{name}: {unknown('key', key, sorted(_KNOWN))}"
    if not re.fullmatch(r"S\d-\d+[a-z]?", str(row.get("id"))):
        yield f"{name}: id is {row.get('id')!r}, must be such as S0-1 or S0-11b: rename it."
    for key, known in (("relation", RELATIONS), ("asserts", ASSERTS), ("standing", STANDINGS)):
        if isinstance(row.get(key), str) and row[key] not in known:
            yield f"{name}: {unknown(key, row[key], known)}"
    yield from (f"{name}: {p}" for p in (*_number_problems(row), *_need_problems(row)))


def _number_problems(row: Mapping[str, Any]) -> Iterator[str]:
    wrong = [key for key in _NUMBERS if not isinstance(row.get(key, 0.0), float)]
    yield from (f"{key} is {row[key]!r}, must be a decimal such as 0.25." for key in wrong)
    if wrong:
        return
    number, upper = row.get("number"), row.get("number_to")
    if number is None and row.get("relation") not in SIGNS:
        yield f"number is missing, must be there for {row.get('relation')!r}: write it."
    if (upper is not None) != (row.get("relation") == "between"):
        yield "number_to and the relation 'between' go together: give both or neither."
    if upper is not None and number is not None and not number < upper:
        yield f"number is {number}, must be below number_to, {upper}."
    if row.get("unit", "share") == "share" and number is not None and not 0 <= number <= 1:
        yield f"number is {number}, must be 0-1 for a share: write 0.25 for 25 %."


def _need_problems(row: Mapping[str, Any]) -> Iterator[str]:
    needs: Sequence[str] = row.get("needs", ())
    if not needs and not row.get("beyond"):
        yield "neither needs nor beyond is given: say what a test of it would take."
    for either in needs:
        for need in either.split(" | "):
            if not _known_need(need):
                yield (
                    f"need {need!r} is not known, must be a column of the contract or one of "
                    f"{', '.join(NEEDS)}."
                )
    if bool(row.get("tests")) != bool(row.get("readings")):
        yield "tests and readings go together: give both or neither."
    for reading in row.get("readings", ()):
        if set(reading) != {"id", "short", "words"}:
            yield f"reading {reading!r} must have id, short and words, and nothing else."


def _known_need(need: str) -> bool:
    table, _, column = need.partition(".")
    return need in NEEDS or (table in TABLES and TABLES[table].column(column) is not None)


def _gap_problems(gap: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    topic = gap.get("topic", "contradiction")
    if set(gap) != {"topic", "said", "figures"}:
        yield f"{topic}: a contradiction has topic, said and figures, and nothing else."
    known = {row.get("id") for row in rows if row.get("number") is not None}
    for figure in gap.get("figures", ()):
        named = figure.get("claim")
        if named is not None and named not in known:
            yield f"{topic}: claim {named!r} is not in the register, or has no number."
        if set(figure) not in ({"claim", "words"}, {"who", "number", "words"}):
            yield f"{topic}: {figure!r} must have claim and words, or who, number and words."
