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
    import ipywidgets  # noqa: PLC0415 - only where somebody looks on

    wide = {"style": {"description_width": "18em"}, "layout": {"width": "40em"}}
    moved = {each["name"]: _slider(ipywidgets, spec, each, wide) for each in spec["sliders"]}
    chosen = {each["name"]: _choice(ipywidgets, spec, each, wide) for each in spec["choices"]}
    said, back = ipywidgets.HTML(), ipywidgets.Button(description=term(BACK))
    back.layout.width = "auto"
    controls = {**chosen, **moved}
    lang, start = language(), start_of(spec)

    def show(_: object = None) -> None:
        with speaking(lang):
            said.value = _html(spec, {name: control.value for name, control in controls.items()})

    def reset(_: object) -> None:
        for name, control in controls.items():
            control.value = start[name]

    def reread(change: Mapping[str, Any]) -> None:
        with speaking(lang):
            for each in spec["sliders"]:
                if each["kind"] == "lift":
                    lift = moved[each["name"]]
                    kept = lift.value
                    lift.options = _options(spec, each, {**start, "reading": change["new"]})
                    lift.value = kept

    if "reading" in chosen:
        chosen["reading"].observe(reread, "value")
    for control in controls.values():
        control.observe(show, "value")
    back.on_click(reset)
    show()
    return ipywidgets.VBox([*controls.values(), back, said])


def _slider(made: Any, spec: Mapping[str, Any], each: Mapping[str, Any], wide: Any) -> Any:  # noqa: ANN401
    state = start_of(spec)
    options, label = _options(spec, each, state), term(LABELS[each["name"]])
    return made.SelectionSlider(
        options=options, value=state[each["name"]], description=label, **wide
    )


def _options(
    spec: Mapping[str, Any], each: Mapping[str, Any], state: Mapping[str, Any]
) -> list[tuple[str, float]]:
    """Return the values of a slider, each with how it is written."""
    name = each["name"]
    return [(value_words(spec, each, {**state, name: x}), x) for x in each["values"]]


def _choice(made: Any, spec: Mapping[str, Any], each: Mapping[str, Any], wide: Any) -> Any:  # noqa: ANN401
    year = spec["fixed"].get("year")
    options = [(fill(OPTIONS[value], year=year), value) for value in each["values"]]
    label = term(LABELS[each["name"]])
    return made.Dropdown(options=options, value=each["values"][0], description=label, **wide)


def _html(spec: Mapping[str, Any], state: Mapping[str, Any]) -> str:
    found = answer(spec, state)
    head, *lines = (
        escape(words.plain(text)) for text in (found.headline, *found.lines, *notes(spec, state))
    )
    return f"<p><b>{head}</b></p>" + "".join(f"<p>{line}</p>" for line in lines)
