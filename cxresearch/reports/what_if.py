"""The panel of a page on which readers move values and see the answer, without a kernel.

Python writes the whole panel, as it stands without script: the answer with the report's values,
and a table with one value changed at a time. The script does the same arithmetic in the browser;
its sentences come with the panel, as data, in the language of the page.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from cxresearch.sliders._answer import MIME

__all__ = ["MIME", "panel", "script"]

_FOLDER: Final = Path(__file__).parent / "script"
_PARTS: Final = ("numbers", "claim", "programme", "panel")


def panel(spec: Mapping[str, Any]) -> str:
    """Return the panel as safe HTML in the language spoken; it says its state without script.

    Parameters
    ----------
    spec
        What an output carries under `MIME`.

    Raises
    ------
    ReportError
        When there are no sliders of such a kind.
    """
    # brings the arithmetic along, which pages without a panel do not need
    from cxresearch.reports._what_if_panel import panel_html  # noqa: PLC0415

    return panel_html(spec)


@cache
def script() -> str:
    """Return the one script that serves all panels of a page."""
    return f'(() => {{\n"use strict";\n{source(*_PARTS)}}})();\n'


def source(*parts: str) -> str:
    """Return the source of parts of the script: "numbers", "claim", "programme", "panel"."""
    return "\n".join((_FOLDER / f"{name}.js").read_text("utf-8") for name in parts)
