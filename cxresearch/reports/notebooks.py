"""Finding notebooks and reading what is in them before anything runs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cxresearch
from cxresearch.errors import CxError, ReportError
from cxresearch.reports.parameters import Parameter, close_match, read_parameters

__all__ = ["Notebook", "find_notebooks", "read_notebook", "title_of"]


@dataclass(frozen=True)
class Notebook:
    """A notebook that can be run: its name, file, title and parameters.

    `headline` is the id of the finding that stands for the report in an index; its metadata
    name it, and without one the first finding does. `check` names the function that checks its
    parameters together, `reads` the parameter that is the folder of the other reports.
    """

    name: str
    path: Path
    title: str
    parameters: tuple[Parameter, ...]
    headline: str | None = None
    check: str | None = None
    reads: str | None = None

    @property
    def wants_data(self) -> bool:
        """Whether the notebook has a parameter `data`."""
        return any(parameter.name == "data" for parameter in self.parameters)


def find_notebooks(wanted: Iterable[str | Path] = ()) -> list[Notebook]:
    """Find and read notebooks by name or path; without any, all of the project's.

    Raises
    ------
    CxError
        For names that no notebook has (with the close match), files that are no notebook,
        malformed parameters cells, and two notebooks whose reports would share a name.
    """
    paths = _locate_all(wanted) or _shipped()
    if not paths:
        raise CxError(f"{_folder()} has no notebooks: name one, or run this in the project folder")
    twice = [name for name, count in Counter(path.stem for path in paths).items() if count > 1]
    if twice:
        raise CxError(
            f"{name} is asked for twice: each report has a name of its own" for name in twice
        )
    return _read_all(paths)


def read_notebook(path: Path) -> Notebook:
    """Read one notebook's title and parameters.

    Raises
    ------
    ReportError
        When the file is not a notebook or its parameters cell is malformed.
    """
    if path.stem == "index":
        raise ReportError(f"{path} is called index, as the page of all reports is: rename it")
    content = _read(path)
    cells = content["cells"]
    tagged = [cell for cell in cells if "parameters" in cell.get("metadata", {}).get("tags", [])]
    if len(tagged) > 1:
        raise ReportError(f"{path} has {len(tagged)} cells tagged `parameters`: keep one")
    parameters = read_parameters(_source(tagged[0]), path.name) if tagged else ()
    for parameter in parameters:
        if parameter.name == "data" and parameter.type != "str":
            raise ReportError(
                f"{path.name}: data is {parameter.type}: it is a path, so make it str"
            )
    own = content["metadata"].get("cxresearch", {})
    title = title_of(cells) or path.stem
    told = {name: own.get(name) for name in ("headline", "check", "reads")}
    return Notebook(path.stem, path, title, parameters, **told)


def title_of(cells: Sequence[Mapping[str, Any]]) -> str:
    """Give the text of the first heading, without its Markdown; empty when there is none."""
    for cell in cells:
        heading = re.search(r"^#{1,6}[ \t]+(.+?)[ \t#]*$", _source(cell), re.MULTILINE)
        if cell.get("cell_type") == "markdown" and heading:
            return re.sub(r"[*_`]{1,2}(\S(?:.*?\S)?)[*_`]{1,2}", r"\1", heading[1])
    return ""


def _read_all(paths: Iterable[Path]) -> list[Notebook]:
    notebooks: list[Notebook] = []
    problems: list[str] = []
    for path in paths:
        try:
            notebooks.append(read_notebook(path))
        except CxError as error:
            problems.extend(error.problems)
    if problems:
        raise ReportError(problems)
    return notebooks


def _folder() -> Path:
    here = Path("notebooks")
    return here if here.is_dir() else Path(cxresearch.__file__).parent.parent / "notebooks"


def _shipped() -> list[Path]:
    return sorted(_folder().glob("*.ipynb"))


def _locate_all(wanted: Iterable[str | Path]) -> list[Path]:
    found: list[Path] = []
    problems: list[str] = []
    for each in wanted:
        try:
            found.append(_locate(each))
        except CxError as error:
            problems.extend(error.problems)
    if problems:
        raise CxError(problems)
    return found


def _locate(wanted: str | Path) -> Path:
    path = Path(wanted)
    if path.is_file():
        return path
    shipped = {found.stem: found for found in _shipped()}
    if str(wanted).removesuffix(".ipynb") in shipped:
        return shipped[str(wanted).removesuffix(".ipynb")]
    listed = ", ".join(shipped) or "none"
    hint = close_match(path.stem, shipped)
    raise CxError(f"{wanted} is neither a file nor a notebook of {_folder()}{hint} ({listed})")


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
        language = content["metadata"].get("kernelspec", {}).get("language", "python")
        if language != "python":
            raise ReportError(f"{path} is written in {language}: reports run Python notebooks")
        if path.suffix == ".ipynb" and all(isinstance(cell, dict) for cell in content["cells"]):
            return dict(content)
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror}") from None
    except ReportError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ReportError(
        f"{path} is not a Jupyter notebook (.ipynb, format 4): open and save it in JupyterLab"
    )


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)
