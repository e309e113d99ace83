"""A run of reports as its folder holds it: findings, where they were said, what was not shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from cxresearch._language import ENGLISH, LANGUAGES, language
from cxresearch.errors import CxError, ReportError
from cxresearch.findings import FILE, Finding
from cxresearch.recipe_reader import PROJECT

SUFFIX = f".{FILE}"
_OF_A_FINDING = {each.name for each in fields(Finding)}
_TEXTS = ("notebook", "cell", "sentence", "unit")
_DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError)
_MISSING = re.compile(r'<p class="cx-missing">(.*?)</p>', re.DOTALL)


@dataclass(frozen=True)
class Told:
    """A finding of a run: the report that holds it, and the cells of its sentence and figure."""

    finding: Finding
    report: str
    notebook: str
    cell: str
    figure: str | None = None

    @property
    def address(self) -> str:
        """Where its figure stands, or its sentence where there is none, beside the brief."""
        return f"./{quote(self.report)}.html#cell-{quote(self.figure or self.cell)}"


@dataclass(frozen=True)
class Run:
    """The reports of one folder.

    Parameters
    ----------
    name
        Of the folder.
    told
        All findings, in the order of the reports' names.
    not_shown
        By report: what could not be answered, and what it would take, in words.
    failed
        Names of reports that stopped before their end.
    as_of
        The last day of the data, ISO; None where they have no dates.
    """

    name: str
    told: tuple[Told, ...]
    not_shown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    failed: tuple[str, ...] = ()

    @property
    def as_of(self) -> str | None:
        """The last day that any finding speaks of."""
        return max((t.finding.as_of for t in self.told if t.finding.as_of), default=None)

    @property
    def fingerprint(self) -> str:
        """The first 16 hex digits of a SHA-256 over all findings."""
        said = json.dumps([told.finding.to_dict() for told in self.told], sort_keys=True)
        return sha256(said.encode()).hexdigest()[:16]

    def of(self, notebook: str) -> list[Told]:
        """Return the findings of one notebook."""
        return [told for told in self.told if told.notebook == notebook]

    def not_shown_in(self, notebook: str) -> list[str]:
        """Return what the reports of one notebook could not show, each once."""
        held = [said for name, said in self.not_shown.items() if _notebook(name) == notebook]
        return list(dict.fromkeys(text for said in held for text in said))


def read_run(folder: str | Path, *, without: str = "14_executive_brief") -> Run:
    """Read what a run of `cxresearch report` left in its folder.

    Parameters
    ----------
    folder
        Where the reports are, seen from the working directory or the project. Where it holds
        them in several languages, those in the language that is spoken are read.
    without
        A notebook that is passed over: the brief does not quote itself.

    Raises
    ------
    CxError
        When there is no such folder, it holds no findings, or they are damaged.
    """
    place = Path(folder) if Path(folder).is_dir() else PROJECT / folder
    if not place.is_dir():
        raise CxError(f"{folder} is no folder: name the one that `cxresearch report --out` filled.")
    reports = [path.name.removesuffix(SUFFIX) for path in sorted(place.glob(f"*{SUFFIX}"))]
    read = {name: _read(place / f"{name}{SUFFIX}", name) for name in reports}
    wanted = {name: told for name, told in read.items() if _notebook(name) != without}
    if not any(wanted.values()):
        raise CxError(f"{folder} holds no findings: run `cxresearch report --out {folder}` first.")
    chosen = _in_language(wanted)
    executed = {name: _executed(place / f"{name}.ipynb") for name in chosen}
    not_shown = {name: tuple(_not_shown(cells)) for name, cells in executed.items()}
    return Run(
        place.resolve().name,
        tuple(told for name in chosen for told in wanted[name]),
        {name: said for name, said in not_shown.items() if said},
        tuple(_failed(place, without)),
    )


def brief_problems(parameters: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the earlier run that the brief is to compare with.

    Parameters
    ----------
    parameters
        Of the notebook: `compare`, a folder as for `read_run`; empty for none.
    """
    try:
        if parameters["compare"]:
            read_run(parameters["compare"])
    except CxError as error:
        return [f"compare: {problem}" for problem in error.problems]
    return []


def _notebook(report: str) -> str:
    return report.split(".", maxsplit=1)[0]


def _read(path: Path, report: str) -> list[Told]:
    try:
        rows = json.loads(path.read_text("utf-8"))
        return [_told(row, report) for row in rows]
    except _DAMAGED as error:
        cure = "make the report again"
        raise ReportError(f"{path.name} is damaged ({type(error).__name__}): {cure}") from None


def _told(row: Mapping[str, Any], report: str) -> Told:
    texts = [row[name] for name in _TEXTS]
    maybe = [row[name] for name in ("figure", "as_of") if row[name] is not None]
    if not all(isinstance(each, str) for each in (*texts, *maybe)):
        raise TypeError
    n = row["n"]
    if n is not None and type(n) is not int:
        raise TypeError
    finding = Finding(**{name: value for name, value in row.items() if name in _OF_A_FINDING})
    return Told(finding, report, row["notebook"], row["cell"], row["figure"])


def _in_language(reports: Mapping[str, list[Told]]) -> list[str]:
    """Return of each notebook's reports those in the language spoken, or all where none is."""
    named = [name for name in reports if _language_of(name) == language()]
    others = [n for n in reports if _notebook(n) not in {_notebook(name) for name in named}]
    return sorted([*named, *others])


def _language_of(report: str) -> str:
    """Return the language that a report's name ends in; English ones do not name it."""
    last = report.rpartition(".")[2]
    return last if last in LANGUAGES else ENGLISH


def _executed(path: Path) -> list[Mapping[str, Any]]:
    try:
        return list(json.loads(path.read_text("utf-8"))["cells"])
    except _DAMAGED:
        return []


def _not_shown(cells: list[Mapping[str, Any]]) -> Iterator[str]:
    for cell in cells:
        try:
            shown = [output.get("data", {}).get("text/html", "") for output in cell["outputs"]]
            found = [said for html in shown for said in _MISSING.findall("".join(html))]
        except _DAMAGED:  # a cell of prose, or one that was edited: the findings stand without it
            continue
        yield from map(unescape, found)


def _failed(folder: Path, without: str) -> Iterator[str]:
    for path in sorted(folder.glob("*.ipynb")):
        if path.with_name(f"{path.stem}{SUFFIX}").exists() or _notebook(path.stem) == without:
            continue
        if path.with_suffix(".html").exists():
            yield path.stem
