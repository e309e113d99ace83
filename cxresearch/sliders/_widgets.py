"""The same sliders as widgets, for whoever has the notebook open in a front end with a kernel."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from html import escape
from typing import Any

from cxresearch import _format as words
from cxresearch._language import language, speaking, term
from cxresearch.sliders._grid import start_of
from cxresearch.sliders._shown import answer, notes, value_words
from cxresearch.sliders._words import BACK, LABELS, OPTIONS, fill

VIEW = "application/vnd.jupyter.widget-view+json"
_WIDE = {"style": {"description_width": "18em"}, "layout": {"width": "40em"}}


def in_front_end() -> bool:
    """Return whether somebody looks on: a front end names the cell that it runs.

    A runner such as nbclient or papermill names none; there a widget would be dead on arrival, and
    its state would only make the notebook larger.
    """
    ipython = sys.modules.get("IPython")
    kernel = getattr(ipython.get_ipython(), "kernel", None) if ipython else None
    asked = kernel.get_parent() if kernel is not None else {}
    return bool(asked.get("metadata", {}).get("cellId"))


def view(spec: Mapping[str, Any]) -> dict[str, object]:
    """Return the output that shows live widgets for what `what_if` was given."""
    box = widgets(spec)
    return {VIEW: {"version_major": 2, "version_minor": 0, "model_id": box.model_id}}


def widgets(spec: Mapping[str, Any]) -> Any:  # noqa: ANN401 - ipywidgets is not typed
    """Return a box of choices, sliders, a button, and the answer."""
    return _Live(spec).box


class _Live:
    """The widgets of one panel; they go on in the language that they were made in."""

    def __init__(self, spec: Mapping[str, Any]) -> None:
        import ipywidgets  # noqa: PLC0415 - only where somebody looks on

        self._spec, self._lang, self._start = spec, language(), start_of(spec)
        chosen = {each["name"]: self._choice(ipywidgets, each) for each in spec["choices"]}
        moved = {each["name"]: self._slider(ipywidgets, each) for each in spec["sliders"]}
        self._controls = {**chosen, **moved}
        self._said, back = ipywidgets.HTML(), ipywidgets.Button(description=term(BACK))
        back.layout.width = "auto"
        if "reading" in chosen:
            chosen["reading"].observe(self._reread, "value")
        for control in self._controls.values():
            control.observe(self._show, "value")
        back.on_click(self._reset)
        self._show()
        self.box = ipywidgets.VBox([*self._controls.values(), back, self._said])

    def _slider(self, made: Any, each: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
        options, label = _options(self._spec, each, self._start), term(LABELS[each["name"]])
        value = self._start[each["name"]]
        return made.SelectionSlider(options=options, value=value, description=label, **_WIDE)

    def _choice(self, made: Any, each: Mapping[str, Any]) -> Any:  # noqa: ANN401 - as above
        year = self._spec["fixed"].get("year")
        options = [(fill(OPTIONS[value], year=year), value) for value in each["values"]]
        label, value = term(LABELS[each["name"]]), each["values"][0]
        return made.Dropdown(options=options, value=value, description=label, **_WIDE)

    def _show(self, _: object = None) -> None:
        state = {name: control.value for name, control in self._controls.items()}
        with speaking(self._lang):
            self._said.value = _html(self._spec, state)

    def _reset(self, _: object) -> None:
        for name, control in self._controls.items():
            control.value = self._start[name]

    def _reread(self, change: Mapping[str, Any]) -> None:
        """Write the values of lifts anew, which each reading says in its own way."""
        for each in self._spec["sliders"]:
            if each["kind"] == "lift":
                lift = self._controls[each["name"]]
                kept = lift.value
                with speaking(self._lang):
                    reading = {**self._start, "reading": change["new"]}
                    lift.options = _options(self._spec, each, reading)
                lift.value = kept


def _options(
    spec: Mapping[str, Any], each: Mapping[str, Any], state: Mapping[str, Any]
) -> list[tuple[str, float]]:
    """Return the values of a slider, each with how it is written."""
    name = each["name"]
    return [(value_words(spec, each, {**state, name: x}), x) for x in each["values"]]


def _html(spec: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    found = answer(spec, state)
    head, *lines = (
        escape(words.plain(text)) for text in (found.headline, *found.lines, *notes(spec, state))
    )
    return f"<p><b>{head}</b></p>" + "".join(f"<p>{line}</p>" for line in lines)
