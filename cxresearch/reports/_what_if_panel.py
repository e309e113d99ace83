"""The HTML of a what-if panel: controls, the answer as it stands, and a table without script."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from html import escape
from pathlib import Path
from typing import Any, Final

from cxresearch import _format as words
from cxresearch._language import term
from cxresearch.errors import ReportError
from cxresearch.reports.sanitize import sanitize
from cxresearch.sliders._grid import start_of
from cxresearch.sliders._shown import ANSWERS, answer, notes, static_table, value_words
from cxresearch.sliders._words import (
    BACK,
    CLAIM,
    CONTROLS,
    LABELS,
    LEAD,
    OPTIONS,
    PROGRAMME,
    REPORT,
    ROI,
    plurals,
    profit_words,
)

__all__ = ["panel_html", "said_by_script"]

_CSS: Final = Path(__file__).parent / "script" / "what_if.css"
_ROOMS: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "claim": {"claim": CLAIM, "roi": ROI, "options": OPTIONS},
    "programme": {"programme": PROGRAMME, "roi": ROI},
}
# a data block must not close itself, whatever a customer typed
_UNSAFE: Final = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def panel_html(spec: Mapping[str, Any]) -> str:
    """Return the panel as safe HTML; see `panel`."""
    if spec.get("kind") not in ANSWERS:
        raise ReportError(
            f"a what-if output is of kind {spec.get('kind')!r}, must be one of "
            f"{', '.join(ANSWERS)}: run the notebook with this version of the package."
        )
    data = json.dumps({"spec": spec, "words": said_by_script(spec)}, ensure_ascii=False)
    name = f"what-if-{sha256(data.encode()).hexdigest()[:8]}"
    return (
        '<div class="cx-what-if">'
        f"<style>{_CSS.read_text('utf-8')}</style>"
        f'<script type="application/json">{data.translate(_UNSAFE)}</script>'
        f'<p class="cx-quiet">{_escaped(term(LEAD))}</p>{_answer(spec, _controls(spec, name))}'
        f'<div data-part="static">{sanitize(static_table(spec))}</div></div>'
    )


def said_by_script(spec: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sentences that the script fills, in the language spoken."""
    rooms = {
        room: {name: term(message) for name, message in messages.items()}
        for room, messages in _ROOMS[spec["kind"]].items()
    }
    fixed = spec["fixed"]
    return {
        **rooms,
        "plurals": plurals(),
        "money": words.in_currency("{digits}", fixed.get("currency")),
        "span": words.counted(fixed["horizon"], "year") if fixed["horizon"] else "",
        "report": term(REPORT),
    }


def _controls(spec: Mapping[str, Any], name: str) -> str:
    state = start_of(spec)
    parts = [_choice(spec, each, f"{name}-{each['name']}") for each in spec["choices"]]
    for each in spec["sliders"]:
        parts.append(_slider(each, value_words(spec, each, state), f"{name}-{each['name']}"))
    back = f'<button type="button" data-part="back">{_escaped(term(BACK))}</button>'
    return (
        f'<div class="cx-controls" role="group" aria-label="{_escaped(term(CONTROLS))}" '
        f'data-part="controls" hidden>{"".join(parts)}{back}</div>'
    )


def _slider(each: Mapping[str, Any], said: str, name: str) -> str:
    last = len(each["values"]) - 1
    return (
        f'<div class="cx-control">{_label(each, name)}'
        f'<output for="{name}" aria-live="off">{_escaped(said)}</output>'
        f'<input id="{name}" data-name="{each["name"]}" type="range" min="0" max="{last}" step="1" '
        f'value="{int(each["start"])}" aria-valuetext="{_escaped(said)}" autocomplete="off"></div>'
    )


def _choice(spec: Mapping[str, Any], each: Mapping[str, Any], name: str) -> str:
    options = "".join(
        f'<option value="{value}">'
        f"{_escaped(words.sentence_start(profit_words(value, spec)))}</option>"
        for value in each["values"]
    )
    return (
        f'<div class="cx-control">{_label(each, name)}<select id="{name}" '
        f'data-name="{each["name"]}" autocomplete="off">{options}</select></div>'
    )


def _label(each: Mapping[str, Any], name: str) -> str:
    return f'<label for="{name}">{_escaped(term(LABELS[each["name"]]))}</label>'


def _answer(spec: Mapping[str, Any], controls: str) -> str:
    state = start_of(spec)
    found = answer(spec, state)
    *held, report = notes(spec, state)
    lines = "".join(f"<li>{_escaped(line)}</li>" for line in found.lines)
    notes_of = "".join(f'<p class="cx-quiet">{_escaped(note)}</p>' for note in held)
    return (
        f'<p class="cx-headline" data-part="headline">{_escaped(found.headline)}</p>'
        f'{controls}<figure data-part="figure"><svg aria-hidden="true" data-part="chart" '
        f'width="0" height="0"></svg><figcaption data-part="caption">{_escaped(found.caption)}'
        "</figcaption></figure>"
        f'<ul data-part="lines">{lines}</ul>{notes_of}'
        f'<p class="cx-quiet" data-part="report">{_escaped(report)}</p>'
        '<p class="cx-live" role="status" aria-live="polite" data-part="live"></p>'
    )


def _escaped(text: str) -> str:
    return escape(words.plain(text))
