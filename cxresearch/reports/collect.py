"""The findings of an executed notebook, checked before anybody relies on them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from cxresearch.errors import CxError, ReportError
from cxresearch.findings import MIME, Finding

__all__ = ["carried", "collect_findings"]

_KINDS: dict[str, tuple[type, ...]] = {
    "id": (str,),
    "group": (dict,),
    "value": (int, float, type(None)),
    "ci_lower": (int, float, type(None)),
    "ci_upper": (int, float, type(None)),
    "confidence_level": (int, float),
    "n": (int, type(None)),
    "unit": (str,),
    "grade": (str,),
    "as_of": (str, type(None)),
    "sentence": (str,),
}


def collect_findings(cells: Iterable[Mapping[str, Any]], notebook: str) -> list[dict[str, Any]]:
    """Read every finding that the outputs carry.

    Parameters
    ----------
    cells
        Of the executed notebook.
    notebook
        The name that each finding is given.

    Returns
    -------
    list of dict
        Keys notebook, id, group, value, ci_lower, ci_upper, confidence_level, n, unit,
        grade, as_of and sentence, in the order of the notebook; cell is the id of the cell
        that said it, figure that of the next figure in the same section, or None. A finding
        that is shown twice is listed once.

    Raises
    ------
    ReportError
        When a finding is malformed, or two findings with the same id and group disagree.
    """
    listed = list(cells)
    figures = _figures(listed)
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    problems: list[str] = []
    for cell, item in carried(listed):
        wrong = _problems(item)
        if wrong:
            problems.append(f"the finding {_name(item)} {'; '.join(wrong)}")
            continue
        # groups that are not reported are counted in a sentence: each rule has its own
        what = item["sentence"] if item["id"] == "not_reported" else ""
        key = (item["id"], what, *sorted(item["group"].items()))
        row = {"notebook": notebook} | {name: item[name] for name in _KINDS}
        place = {"cell": cell, "figure": figures.get(cell)}
        if found.setdefault(key, row | place) | place != row | place:
            problems.append(f"the finding {_name(item)} {item['group']} is given twice and differs")
    if problems:
        raise ReportError(problems)
    return list(found.values())


def carried(cells: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    """Yield what the outputs carry as findings, well formed or not, each with its cell's id."""
    for cell in cells:
        for output in cell.get("outputs", ()):
            carried = output.get("data", {}).get(MIME, ())
            items = carried if isinstance(carried, list | tuple) else [carried]
            yield from ((str(cell.get("id", "")), item) for item in items)


def _figures(cells: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return by cell the next one with a figure, no further than to the next heading."""
    found: dict[str, str] = {}
    waiting: list[str] = []
    for cell in cells:
        if cell.get("cell_type") == "markdown" and "".join(cell.get("source", "")).startswith("#"):
            waiting = []
        waiting.append(str(cell.get("id", "")))
        if any("image/png" in output.get("data", {}) for output in cell.get("outputs", ())):
            found |= dict.fromkeys(waiting, waiting[-1])
            waiting = []
    return found


def _name(item: object) -> object:
    return item.get("id", "without an id") if isinstance(item, dict) else repr(item)[:80]


def _problems(item: object) -> list[str]:
    if not isinstance(item, dict):
        return ["is not an object"]
    wrong = [f"lacks {name}" for name in _KINDS if name not in item]
    wrong += [f"has the unknown field {name}" for name in item if name not in _KINDS]
    wrong += [
        f"has {name} = {item[name]!r}"
        for name, kinds in _KINDS.items()
        if name in item and not _fits(item[name], kinds)
    ]
    return wrong or _broken_rules(item)


def _fits(value: object, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, bool):
        return False
    return isinstance(value, kinds) and not (isinstance(value, float) and not math.isfinite(value))


def _broken_rules(item: dict[str, Any]) -> list[str]:
    try:
        Finding(**item)
    except CxError as error:
        return list(error.problems)
    return []
