"""Making one report: run its notebook, collect its findings, write its page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock
from time import monotonic
from typing import Any

import nbformat

from cxresearch import __version__
from cxresearch._format import plain
from cxresearch._language import speaking, tr
from cxresearch.errors import CxError
from cxresearch.reports._failure import failure_html
from cxresearch.reports.collect import collect_findings
from cxresearch.reports.entries import FINDINGS, METADATA_KEY, NOTEBOOK, PAGE, Entry
from cxresearch.reports.execution import Execution, Failure, execute, mark_failure
from cxresearch.reports.findings_files import as_json
from cxresearch.reports.kernels import Kernels
from cxresearch.reports.notebooks import title_of
from cxresearch.reports.page import render_page, shell
from cxresearch.reports.plan import DATA, Job
from cxresearch.reports.progress import Progress
from cxresearch.reports.translation import translate_prose
from cxresearch.reports.unchanged import digest_of

__all__ = ["Built", "Workshop"]

# Findings that say how far the numbers of a whole report can be trusted
_CAUTIONS = ("retained_as_snapshot",)
_ONE_PAGE = Lock()  # nbconvert's exporter is shared by all threads


@dataclass(frozen=True)
class Built:
    """A report that is made and not yet written: its entry, its findings, its files by suffix."""

    entry: Entry
    findings: Sequence[dict[str, Any]]
    files: Mapping[str, str | None]


@dataclass(frozen=True)
class Workshop:
    """What all reports of a run are made with; several threads may work in it."""

    kernels: Kernels
    progress: Progress
    timeout: int | None
    run: str | None = None

    def build(self, job: Job, key: str | None) -> Built:
        """Make a report in its language; one whose notebook fails has a page that says why."""

        def on_cell(index: int, count: int) -> None:
            self.progress.cell(job.name, index, count)

        started = monotonic()
        with speaking(job.lang):
            done = execute(
                job.notebook.path,
                job.values,
                timeout=self.timeout,
                on_cell=on_cell,
                kernels=self.kernels,
            )
            failure, findings = _collected(done, job.notebook.name)
            translate_prose(done.notebook)
            seconds = round(monotonic() - started, 1)
            entry = replace(_entry(job, done, failure, findings), seconds=seconds, run=self.run)
            return _with_files(job, replace(entry, key=key), done, failure, findings)


def _collected(done: Execution, name: str) -> tuple[Failure | None, list[dict[str, Any]]]:
    if done.failure is not None:
        return done.failure, []
    try:
        return None, collect_findings(done.notebook.cells, name)
    except CxError as error:
        failure = Failure(f"The notebook ran, but its findings cannot be used:\n{error}")
        mark_failure(done.notebook, failure)
        return failure, []


def _entry(
    job: Job, done: Execution, failure: Failure | None, findings: Sequence[Mapping[str, Any]]
) -> Entry:
    said = {finding["id"]: finding["sentence"] for finding in reversed(findings)}
    first = findings[0]["sentence"] if findings else None
    headline = said.get(job.notebook.headline, first)
    cautions = [said[name] for name in _CAUTIONS if name in said]
    return Entry(
        name=job.name,
        title=title_of(done.notebook.cells) or job.notebook.title,
        status="ok" if failure is None else "failed",
        seconds=0.0,
        error=None if failure is None else failure.what,
        headline=headline,
        data=str(job.values.get(DATA, "")),
        finished=datetime.now().astimezone().isoformat(timespec="seconds"),
        lang=job.lang,
        segment=job.segment,
        caution=next((text for text in cautions if text != headline), None),
    )


def _with_files(
    job: Job,
    entry: Entry,
    done: Execution,
    failure: Failure | None,
    findings: Sequence[dict[str, Any]],
) -> Built:
    facts = {name: str(value) for name, value in job.values.items()}
    facts[tr("Notebook")] = f"{job.notebook.name}, cxresearch {__version__}"
    done.notebook.metadata[METADATA_KEY] = entry.record()
    try:
        with _ONE_PAGE:
            page = render_page(done.notebook, entry.title, failure=failure, facts=facts)
    except Exception as error:  # a page that cannot be made must not stop the others
        what = f"The notebook ran, but its page cannot be written: {error}"
        failure, findings = Failure(plain(what)), []
        entry = replace(entry, status="failed", error=failure.what, headline=None, caution=None)
        page = shell(entry.title, failure_html(failure), footer="")
    listed = None if failure else as_json(findings)
    written = [text.encode("utf-8", "replace") for text in (page, listed or "")]
    entry = replace(entry, files=digest_of(written))
    done.notebook.metadata[METADATA_KEY] = entry.record()
    files = {NOTEBOOK: nbformat.writes(done.notebook), PAGE: page, FINDINGS: listed}
    return Built(entry, findings, files)
