"""Sliders in a notebook: widgets where somebody looks on, and nothing dead where nobody does."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty
from typing import Any

import nbformat
import pytest
from jupyter_core.utils import run_sync
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from test_what_if import claim, programme

from cxresearch._language import speaking, term
from cxresearch.reports._what_if_panel import panel_html
from cxresearch.sliders._answer import MIME
from cxresearch.sliders._grid import start_of
from cxresearch.sliders._shown import answer
from cxresearch.sliders._widgets import VIEW, in_front_end, widgets
from cxresearch.sliders.what_if import spec_of, what_if

MADE = """
import cxresearch as cx
economics = cx.Economics(
    annual_discount_rate=0.1, first_margin="now", horizon=None, annual_margin=1.0,
    acquisition_cost=0.0, retention_cost=0.0, fixed_cost_share=0.0,
)
claim = cx.profit_claim(0.85, economics, concept="customer_value", renewals="every", year=5)
"""
SHOWN = "cx.what_if(claim)"


@pytest.fixture(scope="module")
def client() -> Iterator[NotebookClient]:
    """A notebook that was run as papermill and nbconvert run it, its kernel still there."""
    cells = [new_code_cell(MADE), new_code_cell(SHOWN)]
    client = NotebookClient(new_notebook(cells=cells), timeout=120, kernel_name="python3")
    with client.setup_kernel():
        for i, cell in enumerate(client.nb.cells):
            client.execute_cell(cell, i)
        client.set_widgets_metadata()
        yield client


def test_a_runner_gets_the_panel_and_no_widget(client: NotebookClient) -> None:
    (shown,) = client.nb.cells[1].outputs
    assert set(shown.data) == {MIME, "text/html", "text/plain"}
    assert shown.data[MIME] == spec_of(claim(0.85))
    assert "widgets" not in client.nb.metadata
    assert "25.0 % higher, which reaches the 25 % claimed" in shown.data["text/plain"]
    assert "cx-what-if" in panel_html(shown.data[MIME])
    nbformat.validate(client.nb)


def test_a_front_end_gets_widgets_beside_the_panel(client: NotebookClient) -> None:
    kernel = client.kc
    message = kernel.session.msg(
        "execute_request",
        {"code": SHOWN, "silent": False, "store_history": False, "user_expressions": {}},
        metadata={"cellId": "a-cell"},
    )
    kernel.shell_channel.send(message)
    data = _shown(client, message["header"]["msg_id"])
    assert set(data) == {MIME, VIEW, "text/html", "text/plain"}
    assert data[MIME] == client.nb.cells[1].outputs[0].data[MIME]
    assert data[VIEW]["model_id"]


def _shown(client: NotebookClient, asked: str) -> dict[str, Any]:
    """Return what a cell displays."""
    found: dict[str, Any] = {}
    while True:
        try:
            got = run_sync(client.kc.get_iopub_msg)(timeout=60)
        except Empty:  # pragma: no cover - the kernel hangs
            raise AssertionError("nothing was displayed") from None
        if got["parent_header"].get("msg_id") != asked:
            continue
        if got["msg_type"] == "display_data":
            found = got["content"]["data"]
        if got["msg_type"] == "status" and got["content"]["execution_state"] == "idle":
            return found


def controls(box: Any) -> dict[str, Any]:
    return {child.description: child for child in box.children}


def test_widgets_ask_python() -> None:
    spec = programme()
    box = widgets(spec)
    said = box.children[-1]
    state = start_of(spec)
    assert answer(spec, state).headline in said.value
    lift = controls(box)["More retention"]
    assert lift.label == "2 percentage points"
    lift.value = 0.1
    assert answer(spec, state | {"lift": 0.1}).headline in said.value
    controls(box)["Back to the report's values"].click()
    assert lift.value == 0.02
    assert answer(spec, state).headline in said.value


def test_widgets_choose_readings_and_escape_what_was_typed() -> None:
    spec = spec_of(claim(0.85))
    box = widgets(spec)
    controls(box)["How “more retention” is read"].value = "fewer_churners"
    state = start_of(spec) | {"reading": "fewer_churners"}
    assert answer(spec, state).headline in box.children[-1].value
    assert controls(box)["More retention"].label == "5 %"
    assert "<img" not in widgets(programme(currency="<img>")).children[-1].value


def test_widgets_go_on_in_the_language_that_they_were_made_in() -> None:
    with speaking("ja"):
        spec = programme()
        box, lift = widgets(spec), term("More retention")
    assert lift != "More retention"
    controls(box)[lift].value = 0.1
    with speaking("ja"):
        assert answer(spec, start_of(spec) | {"lift": 0.1}).headline in box.children[-1].value


def test_outside_a_notebook_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert not in_front_end()
    what_if(claim(0.85))
    assert "25.0 % higher, which reaches" in capsys.readouterr().out
