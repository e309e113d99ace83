"""What stands beside the sliders in any form: values in words, notes, and a table without them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from html import escape
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import html_table
from cxresearch._language import term
from cxresearch.sliders._answer import Answer
from cxresearch.sliders._claim import claim_answer
from cxresearch.sliders._grid import State, neighbours, start_of
from cxresearch.sliders._programme import programme_answer
from cxresearch.sliders._words import (
    COLUMNS,
    HELD,
    LABELS,
    ONE_RATE,
    REPORT,
    STATIC,
    fill,
    lift_words,
    share,
)

ANSWERS: Final[Mapping[str, Callable[[Mapping[str, Any], State], Answer]]] = {
    "claim": claim_answer,
    "programme": programme_answer,
}


def answer(spec: Mapping[str, Any], state: State) -> Answer:
    """Return the answer with the values of a state."""
    return ANSWERS[spec["kind"]](spec, state)


def value_words(spec: Mapping[str, Any], each: Mapping[str, Any], state: State) -> str:
    """Return the value of a slider as it is read."""
    value = state[each["name"]]
    if each["kind"] == "money":
        digits = words.number(value, each["unit"] if value else 1.0)
        return words.in_currency(digits, spec["fixed"].get("currency"))
    if each["kind"] == "share":
        return share(value)
    return lift_words(state.get("reading", "points"), value)


def notes(spec: Mapping[str, Any], state: State) -> list[str]:
    """Return what does not move: the report's own answer, and what is held."""
    if spec["kind"] == "claim":
        held = [fill(ONE_RATE)] if spec["one_rate"] else []
        return [*held, fill(REPORT, sentence=spec["report"][state["reading"]])]
    fixed = spec["fixed"]
    said = fill(
        HELD,
        customers=words.counted(fixed["customers"], "customer"),
        reached=share(fixed["reached"]),
        attribution=share(fixed["attribution"]),
        span=words.counted(fixed["horizon"], "year"),
    )
    return [said, fill(REPORT, sentence=spec["report"])]


def static_table(spec: Mapping[str, Any]) -> str:
    """Return the answer with one value changed at a time, as a table."""
    by_name = {each["name"]: each for each in spec["sliders"]}
    rows = []
    for name, state in neighbours(spec):
        changed = (term(LABELS[name]), value_words(spec, by_name[name], state))
        rows.append((*changed, *answer(spec, state).cells))
    frame = pd.DataFrame(rows, columns=list(COLUMNS[spec["kind"]]))
    numbers = [str(column) for column in frame.columns[1:]]
    return html_table(frame, caption=term(STATIC), numbers=numbers)


def static_html(spec: Mapping[str, Any]) -> str:
    """Return the present state and its neighbours, as HTML that needs no script."""
    paragraphs = "".join(f"<p>{escape(words.plain(text))}</p>" for text in _said(spec))
    return paragraphs + static_table(spec)


def static_text(spec: Mapping[str, Any]) -> str:
    """Return the present state as plain text."""
    return "\n".join(_said(spec))


def _said(spec: Mapping[str, Any]) -> list[str]:
    state = start_of(spec)
    found = answer(spec, state)
    return [found.headline, *found.lines, *notes(spec, state)]
