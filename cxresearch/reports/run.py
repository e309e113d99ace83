"""Making the reports of a plan, several at once, into a folder that is whole at any moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from uuid import uuid4

from cxresearch._language import speaking
from cxresearch.errors import CxError
from cxresearch.reports.entries import (
    ReportResult,
    earlier_entries,
    read_report,
    same_report,
)
from cxresearch.reports.findings_files import findings_files
from cxresearch.reports.index import render_index
from cxresearch.reports.plan import Job, Plan, check_together
from cxresearch.reports.progress import PlainProgress, Progress
from cxresearch.reports.publish import INDEX, ReportFolder, open_folder
from cxresearch.reports.unchanged import Keys, reads

if TYPE_CHECKING:
    from cxresearch.reports.building import Built, Workshop

__all__ = ["How", "run_plan"]

_FORCED = ".cxresearch-forced"  # names a forced run that has not come to its end


@dataclass(frozen=True)
class How:
    """The ways of a run: see `run_reports`.

    Parameters
    ----------
    resume
        Go on with a forced run that was killed: what it has made stays, the rest is made as it
        would have been. Any other run goes on by itself, since complete reports are unchanged.
    """

    timeout: int | None = None
    progress: Progress | None = None
    workers: int = 1
    force: bool = False
    resume: bool = False


def run_plan(plan: Plan, how: How) -> list[ReportResult]:
    """Make the reports of a plan; see `run_reports` for what it returns and raises."""
    if how.workers < 1:
        raise CxError(f"jobs is {how.workers}, must be at least 1: two suit most machines")
    run = _Run(plan, how)
    check_together(job for job in plan.jobs if run.kept(job) is None)
    with open_folder(plan.out) as folder, ExitStack() as stack:
        run.begin(folder, stack)
        last = [job for job in plan.jobs if reads(job, plan.out)]
        run.make([job for job in plan.jobs if job not in last])
        run.make(last)  # these read what the others have written
        return run.end()


class _Run:
    """The state of a run: what is made already, and what the folder says meanwhile."""

    def __init__(self, plan: Plan, how: How) -> None:
        self._plan, self._how, self._out = plan, how, plan.out
        self._progress = how.progress or PlainProgress()
        self._keys = Keys()
        self._lock = Lock()
        self._results: dict[str, ReportResult] = {}
        going_on = _unfinished(plan.out) if how.resume else None
        self._forced = going_on or (uuid4().hex if how.force else None)

    def kept(self, job: Job) -> ReportResult | None:
        """Return a report that needs not be made; None where it does."""
        found = same_report(self._out, job.name, self._keys.of(job))
        return found if found and (self._forced is None or found.run == self._forced) else None

    def begin(self, folder: ReportFolder, stack: ExitStack) -> None:
        """Look at what there is, and put down that a forced run is under way."""
        names = [job.name for job in self._plan.jobs]
        self._folder, self._stack = folder, stack
        self._shop: Workshop | None = None
        self._earlier = earlier_entries(self._out, without=())
        found = (read_report(self._out, name) for name in names)
        self._before = {each.name: each for each in found if each is not None}
        self._progress.planned(len(names), min(self._how.workers, len(names)))
        if self._forced:
            folder.publish({_FORCED: self._forced})

    def make(self, jobs: Sequence[Job]) -> None:
        """Make those of some reports that have changed."""
        changed: list[tuple[Job, str | None]] = []
        for job in jobs:
            found = self.kept(job)
            if found is None:
                changed.append((job, self._keys.of(job)))
            else:
                self._results[job.name] = found
                self._progress.unchanged(job.name, found.finished)
        if changed:
            self._build(changed)
        if jobs:
            self._folder.publish(self._listed())

    def end(self) -> list[ReportResult]:
        """Forget that the run was under way, and return what became of each report."""
        self._folder.publish({_FORCED: None})
        return [self._results[job.name] for job in self._plan.jobs]

    def _build(self, changed: Sequence[tuple[Job, str | None]]) -> None:
        if self._shop is None:
            self._shop = self._opened(len(changed))
        tasks = [partial(self._one, self._shop, job, key) for job, key in changed]
        _each(tasks, self._how.workers, self._shop.kernels.end)

    def _opened(self, count: int) -> Workshop:
        # slow to import, and a run without changes needs none of it
        from cxresearch.reports.kernels import open_kernels  # noqa: PLC0415

        kernels = self._stack.enter_context(open_kernels(count))
        _ = kernels.server  # it imports while we do
        from cxresearch.reports.building import Workshop  # noqa: PLC0415

        return Workshop(kernels, self._progress, self._how.timeout, self._forced)

    def _one(self, shop: Workshop, job: Job, key: str | None) -> None:
        self._publish(shop.build(job, key))

    def _publish(self, built: Built) -> None:
        """Write a report together with the list of all, so that they always agree."""
        entry = built.entry
        files = {f"{entry.name}.{suffix}": text for suffix, text in built.files.items()}
        paths = {
            suffix: self._out / f"{entry.name}.{suffix}"
            for suffix, text in built.files.items()
            if text
        }
        result = ReportResult(**entry.record(), findings=tuple(built.findings), paths=paths)
        with self._lock:
            self._results[entry.name] = result
            self._folder.publish({**files, **self._listed()})
        self._progress.finished(entry.name, entry.seconds, entry.error)

    def _listed(self) -> dict[str, str | None]:
        """Return the index and the findings of all that is made so far, or was before."""
        made = [self._results[job.name] for job in self._plan.jobs if job.name in self._results]
        earlier = [entry for entry in self._earlier if entry.name not in self._results]
        known = self._before | self._results
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        with speaking(self._plan.lang):
            index = render_index(made, earlier, made=now, planned=len(self._plan.jobs))
        return {INDEX: index, **findings_files(self._plan.jobs, known)}


def _unfinished(out: Path) -> str | None:
    try:
        return (out / _FORCED).read_text("utf-8").strip() or None
    except OSError:
        return None


def _each(tasks: Sequence[Callable[[], None]], workers: int, stop: Callable[[], None]) -> None:
    """Do some tasks in threads; whatever goes wrong in one stops all.

    One worker is this very thread, which an interrupt reaches wherever it is.
    """
    if workers == 1:
        for task in tasks:
            task()
        return
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(task) for task in tasks]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            for future in futures:
                future.cancel()
            stop()
            raise
