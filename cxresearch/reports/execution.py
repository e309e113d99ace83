"""Running one notebook with papermill, and saying truly how far it came.

Papermill's own record claims that every cell completed when a kernel dies or a cell times
out; here the guilty cell is marked failed and the cells after it pending, in both the
returned notebook and its metadata.
"""

from __future__ import annotations

import asyncio
import html
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import papermill
from jupyter_core.utils import ensure_event_loop, run_sync
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.filters import strip_ansi
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook, new_output
from papermill.engines import NBClientEngine, NotebookExecutionManager, papermill_engines
from papermill.execute import ERROR_MARKER_TAG
from papermill.execute import remove_error_markers as without_markers
from traitlets.config import Config

from cxresearch._format import plain, plural
from cxresearch.errors import CxError, DataError, NotEnoughError, ReportError
from cxresearch.reports._this_python import ThisPython, connection, log_of
from cxresearch.reports.kernels import Kernels

__all__ = ["Execution", "Failure", "execute", "mark_failure"]

_ENGINE = "cxresearch"
_PENDING = {"status": "pending", "exception": None, "start_time": None, "end_time": None}
_INJECTED = "injected-parameters"
_NOT_STARTED = -1  # before every cell: all are pending
_OURS = {error.__name__ for error in (CxError, DataError, NotEnoughError, ReportError)}


@dataclass(frozen=True)
class Failure:
    """What stopped a report: plain words, and the cell with its error where there is one.

    `what` has one line, or a line of introduction and one more for each reason.
    """

    what: str
    cell: int | None = None
    source: str = ""
    error: str = ""


@dataclass(frozen=True)
class Execution:
    """An executed notebook (a notebook node) and what stopped it, if anything did."""

    notebook: NotebookNode
    failure: Failure | None


def execute(
    path: Path,
    parameters: Mapping[str, object],
    *,
    timeout: int | None,
    on_cell: Callable[[int, int], None],
    kernels: Kernels | None = None,
) -> Execution:
    """Run a notebook in a kernel of this very Python, in the current folder.

    Several threads may do so at once.

    Parameters
    ----------
    path
        Of the notebook; it is not changed.
    parameters
        Checked values, injected after the parameters cell.
    timeout
        Seconds that one cell may take; None for any.
    on_cell
        Called with the index of the cell that starts and the number of cells.
    kernels
        Where the kernel comes from; without, it is started anew.

    Returns
    -------
    Execution
        Also for a cell that raised, a kernel that died, a cell that timed out and a kernel
        that did not start.

    Raises
    ------
    KeyboardInterrupt
        When the run is interrupted, or `kernels` were ended from another thread.
    """
    watch = _Watch(on_cell, kernels or Kernels())
    problem = _run(path, dict(parameters), timeout, watch)
    if watch.kernels.ended:
        raise KeyboardInterrupt
    notebook = without_markers(watch.notebook)
    if problem is None and not notebook.metadata.papermill.exception:
        return Execution(notebook, None)
    failure = _explain(problem, notebook, watch, timeout)
    mark_failure(notebook, failure)
    return Execution(notebook, failure)


def mark_failure(notebook: NotebookNode, failure: Failure) -> None:
    """Write into a notebook that it failed: a banner, and the true state of its cells."""
    notebook.metadata.papermill["exception"] = True
    for index, cell in enumerate(notebook.cells):
        if failure.cell is not None and index >= failure.cell:
            guilty = index == failure.cell
            state = {"status": "failed", "exception": True} if guilty else _PENDING
            cell.metadata.papermill.update(state)
    banner = new_markdown_cell(f"**This report failed.** <pre>{html.escape(failure.what)}</pre>")
    banner.metadata["tags"] = [ERROR_MARKER_TAG]
    notebook.cells.insert(0, banner)


class _Watch:
    """Sees which cell is running and keeps the notebook when papermill raises."""

    def __init__(self, on_cell: Callable[[int, int], None], kernels: Kernels) -> None:
        self.notebook: NotebookNode = new_notebook(
            metadata={"papermill": {}}
        )  # when none can be read
        self.index: int | None = None
        self.last_words = ""  # what a dying kernel left in its log
        self.kernels = kernels
        self._on_cell = on_cell

    def cell_starts(self, cell: NotebookNode, cell_index: int) -> None:
        self.index = cell_index
        self._on_cell(cell_index, len(self.notebook.cells))


class _WatchedEngine(NBClientEngine):  # type: ignore[misc]
    @classmethod
    def execute_managed_notebook(
        cls, nb_man: NotebookExecutionManager, kernel_name: str, *, watch: _Watch, **options: object
    ) -> NotebookNode:
        watch.notebook = nb_man.nb
        for cell in nb_man.nb.cells:
            if _INJECTED in cell.metadata.get("tags", []):
                cell["id"] = _INJECTED  # papermill draws one, which would differ in every run
        options["on_cell_start"] = watch.cell_starts
        return super().execute_managed_notebook(nb_man, kernel_name, **options)


def _run(
    path: Path, parameters: dict[str, object], timeout: int | None, watch: _Watch
) -> Exception | None:
    papermill_engines.register(_ENGINE, _WatchedEngine)
    logging.getLogger("papermill").setLevel(logging.CRITICAL)  # what it would say, we say
    try:
        with connection() as settings:
            _run_papermill(path, parameters, timeout, watch, settings)
    except Exception as problem:
        return problem  # whatever stops one report must not stop the others
    return None


def _run_papermill(
    path: Path,
    parameters: dict[str, object],
    timeout: int | None,
    watch: _Watch,
    settings: Config,
) -> None:
    loop = ensure_event_loop()
    loop.set_exception_handler(_unretrieved)
    manager = ThisPython.of(watch.kernels)
    try:
        papermill.execute_notebook(
            str(path).replace("{", "{{").replace("}", "}}"),  # papermill formats the path
            None,
            parameters,
            engine_name=_ENGINE,
            kernel_name="python3",
            language="python",
            progress_bar=False,
            execution_timeout=timeout,
            iopub_timeout=60,  # a busy machine may deliver outputs late
            coalesce_streams=True,  # or printed text would come in pieces by chance
            kernel_manager_class=manager,
            config=settings,
            watch=watch,
        )
    except KeyboardInterrupt:
        _end_kernel(manager.latest)
        raise
    finally:
        watch.last_words = _readable(log_of(settings)).strip()
        if threading.current_thread() is not threading.main_thread():
            loop.close()  # a thread that ends would leave it open


def _unretrieved(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # When a run is interrupted nobody waits for its cell any more, which learns that its kernel
    # is gone, or was interrupted just before; all else is told as ever.
    if not isinstance(context.get("exception"), DeadKernelError | CellExecutionError):
        loop.default_exception_handler(context)


def _end_kernel(kernel: ThisPython | None) -> None:
    # nbclient leaves a kernel alone that is interrupted before it is ready
    if kernel is not None and kernel.has_kernel:
        run_sync(kernel.shutdown_kernel)(now=True)


def _explain(
    problem: Exception | None, notebook: NotebookNode, watch: _Watch, timeout: int | None
) -> Failure:
    errors = [i for i, cell in enumerate(notebook.cells) if _error_outputs(cell)]
    index = errors[0] if errors and not isinstance(problem, DeadKernelError) else watch.index
    if index is None:
        what = f"The notebook did not start: {_first_line(problem)}"
        return Failure(what, cell=_NOT_STARTED, error=watch.last_words)
    cell = notebook.cells[index]
    where = f"Cell In [{_number(notebook, index)}]"
    if isinstance(problem, CellTimeoutError):
        what = f"{where} ran longer than {_seconds(timeout)} and was stopped."
        return _stopped(cell, index, what, what)
    if isinstance(problem, DeadKernelError):
        what = f"{where} ended the Python process, for example because memory ran out."
        return _stopped(cell, index, what, watch.last_words)
    return _exception(cell, index, where, problem)


def _stopped(cell: NotebookNode, index: int, what: str, error: str) -> Failure:
    cell.outputs = [o for o in cell.get("outputs", []) if o.output_type != "error"]
    cell.outputs.append(new_output("error", ename="Stopped", evalue=what, traceback=[what]))
    return Failure(what, index, cell.source, error)


def _exception(cell: NotebookNode, index: int, where: str, problem: Exception | None) -> Failure:
    outputs = _error_outputs(cell)
    if not outputs:
        return Failure(f"The run stopped at {where}: {_first_line(problem)}", index, cell.source)
    error = outputs[0]
    if error.ename in _OURS:
        # Written for people: the way through our own code would only hide it.
        what = f"{where} refused to go on:\n{error.evalue}"
        return Failure(_readable(what), index, cell.source)
    what = f"{where} raised {error.ename}: {error.evalue}".strip(": ")
    trace = "\n".join(error.traceback) or f"{error.ename}: {error.evalue}"
    return Failure(_readable(what), index, cell.source, _readable(trace))


def _number(notebook: NotebookNode, index: int) -> int:
    # counted, since a kernel that died has not told its execution count
    return sum(
        c.cell_type == "code" and bool(c.source.strip()) for c in notebook.cells[: index + 1]
    )


def _error_outputs(cell: NotebookNode) -> list[NotebookNode]:
    return [output for output in cell.get("outputs", []) if output.output_type == "error"]


def _readable(text: str) -> str:
    return plain(strip_ansi(text).expandtabs(4))


def _seconds(count: int | None) -> str:
    return f"{count} {plural('second', count or 0)}"


def _first_line(problem: Exception | None) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[0]
