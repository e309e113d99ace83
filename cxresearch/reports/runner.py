"""Notebooks in, reports out: check, run, write, list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxresearch.reports.plan import Plan, Request, plan_reports
from cxresearch.reports.run import How, run_plan

if TYPE_CHECKING:
    from cxresearch.reports.entries import ReportResult
    from cxresearch.reports.progress import Progress

__all__ = ["How", "run_plan", "run_report", "run_reports"]


def run_reports(
    notebooks: Iterable[str | Path] = (),
    *,
    data: str,
    out: str | Path,
    parameters: Mapping[str, object] | None = None,
    lang: str | None = None,
    jobs: int = 1,
    force: bool = False,
    timeout: int | None = None,
    progress: Progress | None = None,
) -> list[ReportResult]:
    """Run notebooks and write a report for each, an index page and all findings.

    Parameters
    ----------
    notebooks
        Names or paths; without any, all of the project's notebooks.
    data
        What the notebooks' parameter `data` becomes: a recipe, a folder or a file.
    out
        The folder of reports; made when it is missing.
    parameters
        From name to text or value; each must be a parameter of at least one notebook.
    lang
        "en" or "ja": the language of every notebook that has a parameter `lang`. Reports that are
        not in English have it in their names, as `02_retention_curves.ja.html`.
    jobs
        How many reports are made at once.
    force
        Whether to make also those that would come out the same: reports whose notebook, package,
        parameters and data have not changed are kept as they are otherwise.
    timeout
        Seconds that one cell may take; None for any.
    progress
        Told about every cell and report; plain lines on stderr when missing.

    Returns
    -------
    list of ReportResult
        In the order of the notebooks. A notebook that fails has a page that says why, and
        does not stop the others.

    Raises
    ------
    CxError
        Before any kernel starts: for unknown notebooks, parameters that do not fit or hold a
        secret, data that are not there, and a folder that cannot be written.
    """
    plan = _plan(notebooks, data, Path(out), parameters or {}, lang)
    return run_plan(plan, How(timeout, progress, workers=jobs, force=force))


def run_report(
    notebook: str | Path,
    *,
    data: str,
    out: str | Path,
    parameters: Mapping[str, object] | None = None,
    lang: str | None = None,
    force: bool = False,
    timeout: int | None = None,
    progress: Progress | None = None,
) -> ReportResult:
    """Run one notebook; see `run_reports`."""
    plan = _plan([notebook], data, Path(out), parameters or {}, lang)
    (result,) = run_plan(plan, How(timeout, progress, force=force))
    return result


def _plan(
    notebooks: Iterable[str | Path],
    data: str,
    out: Path,
    parameters: Mapping[str, object],
    lang: str | None,
) -> Plan:
    wanted = Request(tuple(notebooks), str(data), parameters, languages=(lang,))
    return plan_reports([wanted], out)
