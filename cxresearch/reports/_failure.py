"""What stopped a report, as the first thing that its page says."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from cxresearch._language import tr

if TYPE_CHECKING:
    from nbformat import NotebookNode

    from cxresearch.reports.execution import Failure

__all__ = ["failure_html", "recorded_failure"]


def recorded_failure(notebook: NotebookNode) -> Failure | None:
    """Return what stopped a notebook by what is left in it; None when it ran to its end."""
    for index, cell in enumerate(notebook.cells):
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return _from_output(output, index, cell.source)
    return None


def _from_output(output: NotebookNode, index: int, source: str) -> Failure:
    from nbconvert.filters import strip_ansi  # noqa: PLC0415 - slow, and seldom needed

    from cxresearch.reports.execution import Failure  # noqa: PLC0415 - brings papermill along

    what = f"{output.ename}: {output.evalue}".strip(": ")
    trace = "\n".join(output.traceback) or what
    return Failure(strip_ansi(what), index, source, strip_ansi(trace))


def failure_html(failure: Failure | None) -> str:
    """Write a failure with its cell and its error, escaped; nothing where there is none."""
    if failure is None:
        return ""
    what, *reasons = failure.what.splitlines()
    parts = [f"<h2>{escape(tr('This report failed'))}</h2><p>{escape(what)}</p>"]
    if reasons:
        parts.append(f"<ul>{''.join(f'<li>{escape(reason)}</li>' for reason in reasons)}</ul>")
    if failure.source:
        title = escape(tr("The cell that failed"))
        parts.append(f"<h3>{title}</h3><pre>{escape(failure.source)}</pre>")
    if failure.error and failure.error != failure.what:
        parts.append(f"<h3>{escape(tr('The error'))}</h3><pre>{escape(failure.error)}</pre>")
    below = tr("What was computed before is below; it is not a finished report.")
    name = escape(tr("Failure"))
    return (
        f'<section class="cx-failure" aria-label="{name}">{"".join(parts)}'
        f"<p>{escape(below)}</p></section>"
    )
