"""Notebooks in, reports out: check, run, write, list."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic
from typing import Any

import nbformat
from nbformat import NotebookNode

import cxresearch
from cxresearch import __version__
from cxresearch.errors import CxError, ReportError
from cxresearch.recipe_reader import PROJECT
from cxresearch.reports.collect import collect_findings
from cxresearch.reports.execution import Execution, Failure, execute, mark_failure
from cxresearch.reports.index import METADATA_KEY, Entry, earlier_entries, render_index
from cxresearch.reports.notebooks import Notebook, find_notebooks
from cxresearch.reports.page import render_page
from cxresearch.reports.parameters import check_notebooks
from cxresearch.reports.progress import PlainProgress, Progress
from cxresearch.reports.publish import ReportFolder, open_folder
from cxresearch.reports.values import Value

__all__ = ["ReportResult", "run_report", "run_reports"]


@dataclass(frozen=True)
class ReportResult(Entry):
    """What became of one notebook: its entry in the index, its findings, its files."""

    findings: tuple[dict[str, Any], ...]
    paths: Mapping[str, Path]  # by suffix: ipynb, html, findings.json


def run_reports(
    notebooks: Iterable[str | Path] = (),
    *,
    data: str,
    out: str | Path,
    parameters: Mapping[str, object] | None = None,
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
        Before any kernel starts: for unknown notebooks, parameters that do not fit, data
        that is not there, and a folder that cannot be written.
    """
    found = find_notebooks(notebooks)
    values = _checked(found, data, parameters or {}, Path(out))
    with open_folder(Path(out)) as folder:
        results = [
            _run_one(each, values[each.name], folder, timeout, progress or PlainProgress())
            for each in found
        ]
        _publish_index(folder, results)
    return results


def run_report(
    notebook: str | Path,
    *,
    data: str,
    out: str | Path,
    parameters: Mapping[str, object] | None = None,
    timeout: int | None = None,
    progress: Progress | None = None,
) -> ReportResult:
    """Run one notebook; see `run_reports`."""
    (result,) = run_reports(
        [notebook],
        data=data,
        out=out,
        parameters=parameters,
        timeout=timeout,
        progress=progress,
    )
    return result


def _checked(
    notebooks: Sequence[Notebook], data: str, parameters: Mapping[str, object], out: Path
) -> dict[str, dict[str, Value]]:
    values = check_notebooks({each.name: each.parameters for each in notebooks}, parameters)
    for each in notebooks:
        if each.path.resolve().parent == out.resolve():
            raise ReportError(
                f"{out} holds {each.path.name} itself: write reports elsewhere (--out)"
            )
    wanting = [each.name for each in notebooks if each.wants_data]
    if wanting and not _exists(data):
        cure = "--data takes a recipe (data.toml), a folder that holds one, or a data file"
        raise CxError(f"{data} does not exist: {cure}")
    for name in wanting:
        values[name] = {"data": data, **values[name]}
    problems = [problem for each in notebooks for problem in _problems(each, values[each.name])]
    if problems:
        raise CxError(dict.fromkeys(problems))
    return values


def _problems(notebook: Notebook, values: Mapping[str, Value]) -> Sequence[str]:
    """Return what is wrong with a notebook's parameters taken together, as it has them checked."""
    if notebook.check is None:
        return ()
    if notebook.check not in cxresearch.__all__:
        raise ReportError(f"{notebook.path} is checked by {notebook.check}: cxresearch has none")
    defaults = {parameter.name: parameter.default for parameter in notebook.parameters}
    check: Callable[[Mapping[str, Value]], Sequence[str]] = getattr(cxresearch, notebook.check)
    return check({**defaults, **values})


def _exists(data: str) -> bool:
    # as a notebook finds it: from the working directory, then from the project
    path = Path(data).expanduser()
    return path.exists() or (PROJECT / path).exists()


def _run_one(
    notebook: Notebook,
    values: Mapping[str, Value],
    folder: ReportFolder,
    timeout: int | None,
    progress: Progress,
) -> ReportResult:
    def on_cell(index: int, count: int) -> None:
        progress.cell(notebook.name, index, count)

    started = monotonic()
    done = execute(notebook.path, values, timeout=timeout, on_cell=on_cell)
    failure, findings = _collected(done, notebook.name)
    entry = Entry(
        name=notebook.name,
        title=notebook.title,
        status="ok" if failure is None else "failed",
        seconds=round(monotonic() - started, 1),
        error=None if failure is None else failure.what,
        headline=_headline(findings, notebook.headline),
        data=str(values.get("data", "")),
        finished=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    files = _files(done.notebook, entry, failure, values, findings)
    folder.publish(files)
    progress.finished(entry.name, entry.seconds, entry.error)
    paths = {
        name.removeprefix(entry.name + "."): folder.path / name for name in files if files[name]
    }
    return ReportResult(**entry.record(), findings=tuple(findings), paths=paths)


def _headline(findings: Sequence[Mapping[str, Any]], wanted: str | None) -> str | None:
    named = [f["sentence"] for f in findings if f["id"] == wanted]
    return next(iter([*named, *(f["sentence"] for f in findings)]), None)


def _collected(done: Execution, name: str) -> tuple[Failure | None, list[dict[str, Any]]]:
    if done.failure is not None:
        return done.failure, []
    try:
        return None, collect_findings(done.notebook.cells, name)
    except CxError as error:
        failure = Failure(f"The notebook ran, but its findings cannot be used:\n{error}")
        mark_failure(done.notebook, failure)
        return failure, []


def _files(
    notebook: NotebookNode,
    entry: Entry,
    failure: Failure | None,
    values: Mapping[str, Value],
    findings: Sequence[Mapping[str, Any]],
) -> dict[str, str | None]:
    notebook.metadata[METADATA_KEY] = entry.record()
    given = {name: str(value) for name, value in values.items()}
    facts = given | {
        "Notebook": f"{entry.name}, cxresearch {__version__}",
    }
    return {
        f"{entry.name}.ipynb": nbformat.writes(notebook),
        f"{entry.name}.html": render_page(notebook, entry.title, failure=failure, facts=facts),
        f"{entry.name}.findings.json": None if failure else _json(findings),
    }


def _publish_index(folder: ReportFolder, results: Sequence[ReportResult]) -> None:
    earlier = earlier_entries(folder.path, without=[result.name for result in results])
    made = results[-1].finished
    findings = [finding for result in results for finding in result.findings]
    files = {
        "index.html": render_index(results, earlier, made=made),
        "findings.json": _json(findings),
    }
    folder.publish(files)


def _json(findings: Sequence[Mapping[str, Any]]) -> str:
    return json.dumps(findings, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
