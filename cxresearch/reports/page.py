"""A notebook as one self-contained page: no code, no script, no request to any network."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Mapping
from functools import cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from cxresearch.reports.sanitize import sanitize

if TYPE_CHECKING:
    from nbconvert import HTMLExporter
    from nbformat import NotebookNode

    from cxresearch.reports.execution import Failure

__all__ = ["render_page", "shell"]

_FOLDER = Path(__file__).parent
# the name papermill gives to the cells that it (and we) add to a failed notebook
_MARKER_TAG = "papermill-error-cell-tag"
_SHOWN = ("text/html", "text/markdown", "image/svg+xml", "image/png", "image/jpeg", "text/plain")
_BARE_REPR = re.compile(r"<(?:Axes|Figure)\b[^<>]*>|<[\w.]+ at 0x[0-9a-f]+>|Text\(.*\)")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_NO_ALT = "A chart without a description; the text around it says what it shows."


def render_page(
    notebook: NotebookNode, title: str, *, failure: Failure | None, facts: Mapping[str, str]
) -> str:
    """Write the page of an executed notebook.

    Parameters
    ----------
    notebook
        The notebook node with its outputs.
    title
        For the browser, and the heading when the notebook has none.
    failure
        What stopped the report; shown first, with the cell and its error.
    facts
        Printed at the foot: the data, the parameters, the time, …

    Returns
    -------
    str
        A whole HTML document in which everything the notebook put out is inert.
    """
    body = _body(notebook)
    heading = "" if re.search(r"<h1[ >]", body) else f"<h1>{escape(title)}</h1>"
    terms = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())
    back = '<p class="cx-back"><a href="index.html">All reports</a></p>'
    return shell(title, _banner(failure) + heading + body, footer=f"<dl>{terms}</dl>{back}")


def shell(title: str, main: str, *, footer: str) -> str:
    """Put safe HTML into the frame that all pages share."""
    css = (_FOLDER / "page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="referrer" content="no-referrer">\n'
        f"<title>{escape(title)}</title>\n<style>\n{css}</style>\n</head>\n<body>\n"
        f"<main>\n{main}\n</main>\n<footer>\n{footer}\n</footer>\n</body>\n</html>\n"
    )


def _banner(failure: Failure | None) -> str:
    if failure is None:
        return ""
    what, *reasons = failure.what.splitlines()
    parts = [f"<h2>This report failed</h2><p>{escape(what)}</p>"]
    if reasons:
        parts.append(f"<ul>{''.join(f'<li>{escape(reason)}</li>' for reason in reasons)}</ul>")
    if failure.source:
        parts.append(f"<h3>The cell that failed</h3><pre>{escape(failure.source)}</pre>")
    if failure.error and failure.error != failure.what:
        parts.append(f"<h3>The error</h3><pre>{escape(failure.error)}</pre>")
    parts.append("<p>What was computed before is below; it is not a finished report.</p>")
    return f'<section class="cx-failure" aria-label="Failure">{"".join(parts)}</section>'


def _body(notebook: NotebookNode) -> str:
    html, _ = _exporter().from_notebook_node(notebook, {"cx_marker_tag": _MARKER_TAG})
    return str(html)


@cache
def _exporter() -> HTMLExporter:
    from nbconvert import HTMLExporter  # noqa: PLC0415 - slow to import, and the index needs none
    from traitlets.config import Config  # noqa: PLC0415

    return HTMLExporter(
        config=Config({"NbConvertBase": {"display_data_priority": list(_SHOWN)}}),
        template_name="cxresearch",
        extra_template_basedirs=[str(_FOLDER / "templates")],
        exclude_input=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        filters={"clean_html": sanitize, "figure": _figure, "is_bare_repr": _is_bare_repr},
    )


def _figure(output: NotebookNode, mime: str) -> str:
    metadata = output.get("metadata", {})
    alt = metadata.get(mime, {}).get("alt") or metadata.get("alt") or _NO_ALT
    data = output["data"][mime]
    if mime == "image/svg+xml":
        data = b64encode(data.encode()).decode()
    source = f"data:{mime};base64,{''.join(data.split())}"
    return f'<figure><img src="{escape(source)}" alt="{escape(alt)}"></figure>'


def _is_bare_repr(text: str) -> bool:
    """Tell what `plot(...)` without a semicolon prints from what is meant to be read."""
    return _BARE_REPR.fullmatch(text.strip()) is not None
