"""Notebooks in, reports out: check, run, write, list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxresearch.errors import CxError
from cxresearch.reports.batch import Given, read_batch
from cxresearch.reports.plan import OUT, SAMPLE, Plan, Request, plan_reports
from cxresearch.reports.run import How, run_plan

if TYPE_CHECKING:
    from cxresearch.reports.entries import ReportResult
    from cxresearch.reports.progress import Progress

__all__ = ["Given", "How", "plan_run", "run_batch", "run_plan", "run_report", "run_reports"]


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
    plan = plan_run(notebooks, data=data, out=out, parameters=parameters, lang=lang)
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
    plan = plan_run([notebook], data=data, out=out, parameters=parameters, lang=lang)
    (result,) = run_plan(plan, How(timeout, progress, force=force))
    return result


def run_batch(
    batch: str | Path, how: How | None = None, given: Given | None = None
) -> list[ReportResult]:
    """Make the reports of a batch file.

    Parameters
    ----------
    batch
        The file; `cxresearch.reports.batch` says what stands in it.
    how
        See `How`; one after the other when missing.
    given
        What counts before what the file says.

    Returns
    -------
    list of ReportResult
        In the order of the file, for each report by segment, notebook and language.

    Raises
    ------
    CxError
        Before any kernel starts, with all that is wrong with the file.
    """
    return run_plan(read_batch(batch, given), how or How())


def plan_run(
    notebooks: Iterable[str | Path] = (),
    *,
    batch: str | Path | None = None,
    data: str | None = None,
    out: str | Path | None = None,
    parameters: Mapping[str, object] | None = None,
    lang: str | None = None,
) -> Plan:
    """Check what is asked for, as the command line has it; see `run_reports`."""
    wanted = tuple(notebooks)
    if batch is None:
        about = SAMPLE if data is None else str(data)
        request = Request(wanted, about, parameters or {}, languages=(lang,))
        return plan_reports([request], Path(OUT if out is None else out))
    if wanted:
        raise CxError(f"the notebooks stand in {batch}: leave out NOTEBOOK, or --batch")
    folder = None if out is None else Path(out)
    return read_batch(batch, Given(data, folder, lang, parameters or {}))
