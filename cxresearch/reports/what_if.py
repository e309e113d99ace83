"""The panel of a page on which readers move values and see the answer, without a kernel."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

__all__ = ["MIME", "panel", "script"]

MIME: Final = "application/vnd.cxresearch.what-if+json"
_FOLDER: Final = Path(__file__).parent / "script"
_PARTS: Final = ("numbers", "claim", "programme", "panel")


def panel(spec: Mapping[str, Any]) -> str:
    """Return the panel as safe HTML in the language spoken; it says its state without script.

    Parameters
    ----------
    spec
        What an output carries under `MIME`.
    """
    return f'<section class="cx-what-if" aria-label="{len(spec)}"></section>'


@cache
def script() -> str:
    """Return the one script that serves all panels of a page."""
    parts = [(_FOLDER / f"{name}.js").read_text("utf-8") for name in _PARTS]
    return '(() => {\n"use strict";\n' + "\n".join(parts) + "})();\n"
