"""What a cell has put out, as safe HTML."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape
from typing import Any

from nbconvert.filters import strip_ansi

from cxresearch._language import tr
from cxresearch.reports._figures import IMAGES, figure
from cxresearch.reports._markdown import render
from cxresearch.reports.sanitize import sanitize
from cxresearch.reports.what_if import MIME as WHAT_IF
from cxresearch.reports.what_if import panel

__all__ = ["has_panel", "outputs_html"]

_BARE_REPR = re.compile(r"<(?:Axes|Figure)\b[^<>]*>|<[\w.]+ at 0x[0-9a-f]+>|Text\(.*\)")


def outputs_html(cell: Mapping[str, Any], name: str) -> str:
    """Return the outputs of a code cell as safe HTML; warnings and bare objects are left out."""
    return "".join(_output(output, name) for output in cell.get("outputs", ()))


def has_panel(cell: Mapping[str, Any]) -> bool:
    """Tell whether a cell has put out a panel, which needs the script of the page."""
    return any(WHAT_IF in output.get("data", {}) for output in cell.get("outputs", ()))


def _output(output: Mapping[str, Any], name: str) -> str:
    match output["output_type"]:
        case "stream":
            return _pre(output["text"]) if output["name"] == "stdout" else ""
        case "error":
            stopped = escape(tr("The report stopped here."))
            return f'<p class="cx-stopped" id="cx-stopped">{stopped}</p>'
        case "display_data" | "execute_result":
            return _shown(output, name)
    return ""


def _shown(output: Mapping[str, Any], name: str) -> str:
    data = output["data"]
    if WHAT_IF in data:
        return panel(data[WHAT_IF])
    if "text/html" in data:
        return sanitize(data["text/html"])
    if "text/markdown" in data:
        return render(data["text/markdown"], f"cell-{name}-said").html
    for mime in IMAGES:
        if mime in data:
            return figure(output, mime)
    text = data.get("text/plain", "")
    return "" if _BARE_REPR.fullmatch(text.strip()) else _pre(text)


def _pre(text: str) -> str:
    said = strip_ansi(text)
    return f"<pre>{escape(said, quote=False)}</pre>" if said.strip() else ""
