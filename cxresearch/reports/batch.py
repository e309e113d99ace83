"""A batch in TOML: which notebooks for which segments in which languages, with which parameters.

::

    data = "data/sample"
    out = "reports/monthly"
    lang = ["en", "ja"]

    [[report]]
    notebooks = ["02_retention_curves", "08_churn_reasons"]
    segments = ["plan", "north"]

    [segment.north]
    group_by = "region"

A segment is a set of parameters with a name; a name that is not written down as one is the column
to group by. Paths are seen from the working directory, as on the command line. All that is wrong
with a batch is told at once, before anything runs.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from cxresearch.errors import CxError
from cxresearch.recipe_reader import read_recipe
from cxresearch.reports.credentials import check_credentials
from cxresearch.reports.notebooks import find_notebooks
from cxresearch.reports.parameters import close_match
from cxresearch.reports.plan import LANG, OUT, SAMPLE, Plan, Request, plan_reports

__all__ = ["Given", "read_batch"]

_TOP: Final = ("data", "out", LANG, "parameters", "segment", "report")
_REPORT: Final = ("notebooks", "name", "data", LANG, "segments", "parameters")
_GROUP: Final = "group_by"


@dataclass(frozen=True)
class Given:
    """What the command line says, which counts before what stands in the file."""

    data: str | None = None
    out: Path | None = None
    lang: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)


def read_batch(path: str | Path, given: Given | None = None) -> Plan:
    """Read a batch file and say which reports it makes.

    Parameters
    ----------
    path
        Of the file.
    given
        What is said beside it.

    Raises
    ------
    CxError
        With every mistake: file, key, value, the rule, and what may have been meant.
    """
    file = Path(path)
    content = _content(file)
    check_credentials(content, f"{file.name}: ")
    reader = _Reader(file.name, content, given or Given())
    out = given.out if given and given.out else Path(reader.text("", content, "out", OUT))
    requests = reader.requests()
    try:
        plan = plan_reports(requests, out)
    except CxError as error:
        reader.problems += error.problems
    if reader.problems:
        raise CxError(dict.fromkeys(reader.problems))
    return plan


def _content(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text("utf-8"))
    except OSError as error:
        cure = "--batch takes a file such as reports/monthly.toml"
        raise CxError(f"{file} cannot be read ({error.strerror}): {cure}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CxError(f"{file.name} is not a TOML file in UTF-8: {error}") from None


class _Reader:
    """Turns parsed TOML into requests and collects every problem on the way."""

    def __init__(self, label: str, content: Mapping[str, Any], given: Given) -> None:
        self.label, self.content, self.given = label, content, given
        self.problems: list[str] = []

    def requests(self) -> list[Request]:
        """Return what each [[report]] asks for."""
        self.unknown("", self.content, _TOP)
        segments = self.table("", self.content, "segment")
        self.segments = {name: self.table("segment.", segments, name) for name in segments}
        reports = self.content.get("report", [])
        if not isinstance(reports, list) or not all(isinstance(each, dict) for each in reports):
            self.add("report", "write [[report]] with two brackets before each block")
            return []
        if not reports:
            self.add("report", 'there is none: add [[report]] with notebooks = ["…"]')
        requests = [self.request(i, each) for i, each in enumerate(reports, start=1)]
        self.unused({name for each in reports for name in _listed(each.get("segments"))})
        return self.with_common(requests)

    def request(self, number: int, report: Mapping[str, Any]) -> Request:
        where = f"report {number}, "
        self.unknown(where, report, _REPORT)
        spoken = self.texts(where, report, LANG) or self.texts("", self.content, LANG)
        return Request(
            notebooks=self.texts(where, report, "notebooks"),
            data=self.data(where, report),
            parameters=self.table(where, report, "parameters"),
            languages=(self.given.lang,) if self.given.lang else spoken or (None,),
            segments=self.wanted(where, report),
            label=self.text(where, report, "name", ""),
            where=f"{self.label}, report {number}: ",
        )

    def data(self, where: str, report: Mapping[str, Any]) -> str:
        """Return what a report is about: the command line, its own block, the file, the sample."""
        common = self.text("", self.content, "data", SAMPLE)
        own = self.text(where, report, "data", common)
        return own if self.given.data is None else self.given.data

    def with_common(self, requests: Sequence[Request]) -> list[Request]:
        """Add the parameters of all reports, and those of the command line, where they fit."""
        common, given = self.table("", self.content, "parameters"), self.given.parameters
        known = [_known(request) for request in requests]
        anywhere: set[str] = set().union(*known)
        for said, each in (("parameters.", common), ("-p ", given)):
            for name in each if anywhere else ():
                if name not in anywhere:
                    hint = close_match(name, anywhere)
                    self.add(f"{said}{name}", f"no notebook of the batch has it{hint}")
        return [
            replace(each, parameters={**_fit(common, fits), **each.parameters, **_fit(given, fits)})
            for each, fits in zip(requests, known, strict=True)
        ]

    def wanted(self, where: str, report: Mapping[str, Any]) -> dict[str, Mapping[str, object]]:
        """Return the segments of a report: those written down, and columns to group by."""
        names = self.texts(where, report, "segments")
        known = [*self.segments, *_columns(self.data(where, report))]
        for name in names:
            near = [] if name in known else get_close_matches(name, known, n=1, cutoff=0.7)
            if near:
                cure = f"or write [segment.{name}] if it is meant"
                self.add(
                    f"{where}segments", f"{name!r} is new here; did you mean {near[0]}? {cure}"
                )
        found = {name: self.segments.get(name, {_GROUP: name}) for name in names}
        return found or {"": {}}

    def unused(self, used: Iterable[str]) -> None:
        for name in self.segments:
            if name not in used:
                self.add(f"segment.{name}", "no report asks for it: name it in segments = […]")

    def unknown(self, where: str, table: Mapping[str, Any], known: Sequence[str]) -> None:
        for key in table:
            if key not in known:
                hint = close_match(key, known)
                self.add(f"{where}{key}", f"is not a key here{hint} (keys: {', '.join(known)})")

    def text(self, where: str, table: Mapping[str, Any], key: str, default: str) -> str:
        value = table.get(key, default)
        if isinstance(value, str):
            return value
        self.add(f"{where}{key} = {value!r}", "must be text in quotes")
        return default

    def texts(self, where: str, table: Mapping[str, Any], key: str) -> tuple[str, ...]:
        value = table.get(key, [])
        texts = _listed(value)
        if len(texts) != len(value if isinstance(value, list) else [value]):
            self.add(f"{where}{key} = {value!r}", 'must be texts in a list, such as ["a", "b"]')
        twice = [text for text in dict.fromkeys(texts) if texts.count(text) > 1]
        for text in twice:
            self.add(f"{where}{key}", f"names {text!r} twice: once will do")
        return tuple(dict.fromkeys(texts))

    def table(self, where: str, table: Mapping[str, Any], key: str) -> Mapping[str, Any]:
        value = table.get(key, {})
        if isinstance(value, dict):
            return value
        self.add(f"{where}{key} = {value!r}", "must be a table, such as { group_by = 'plan' }")
        return {}

    def add(self, what: str, rule: str) -> None:
        self.problems.append(f"{self.label}: {what}: {rule}")


def _fit(parameters: Mapping[str, object], known: set[str]) -> dict[str, object]:
    return {name: value for name, value in parameters.items() if name in known}


def _listed(value: object) -> list[str]:
    """Return the texts of a list, or a text alone."""
    return [
        each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)
    ]


def _columns(data: str) -> tuple[str, ...]:
    """Return the columns that a recipe groups by; what is wrong with it is said elsewhere."""
    try:
        return tuple(read_recipe(data).group_by)
    except CxError:
        return ()


def _known(request: Request) -> set[str]:
    """Return the parameters of a request's notebooks; what is wrong with them is said elsewhere."""
    try:
        found = find_notebooks(request.notebooks)
    except CxError:
        return set()
    return {parameter.name for notebook in found for parameter in notebook.parameters}
