"""What a run is to make: notebooks × segments × languages, checked before a kernel starts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cxresearch
from cxresearch._language import ENGLISH, LANGUAGES
from cxresearch.errors import CxError, ReportError
from cxresearch.recipe_reader import PROJECT
from cxresearch.reports.credentials import check_credentials
from cxresearch.reports.notebooks import Notebook, find_notebooks
from cxresearch.reports.parameters import check_notebooks, check_parameters, close_match
from cxresearch.reports.values import Value

__all__ = ["Job", "Plan", "Request", "check_together", "plan_reports", "seen_from_here"]

_LONGEST = 60  # characters of one part of a file's name
LANG, DATA = "lang", "data"
SAMPLE, OUT = "data/sample", "reports"  # where nothing else is said


@dataclass(frozen=True)
class Request:
    """Reports that are asked for together.

    Parameters
    ----------
    notebooks
        Names or paths; all of the project's when empty.
    data
        What their parameter `data` becomes.
    parameters
        From name to text or value; each must be one of at least one of the notebooks.
    languages
        Of those notebooks that have a parameter `lang`; None leaves it as it is.
    segments
        From the name of each to its parameters, which count before the others.
    label
        Part of the file names; empty for none.
    where
        Begins each message: the place in a batch file.
    """

    notebooks: Sequence[str | Path]
    data: str
    parameters: Mapping[str, object] = field(default_factory=dict)
    languages: Sequence[str | None] = (None,)
    segments: Mapping[str, Mapping[str, object]] = field(default_factory=lambda: {"": {}})
    label: str = ""
    where: str = ""


@dataclass(frozen=True)
class Job:
    """One report: the name of its files, its notebook, what it is given, and its language."""

    name: str
    notebook: Notebook
    values: Mapping[str, Value]
    lang: str = ENGLISH
    segment: str = ""

    @property
    def settings(self) -> dict[str, Value]:
        """Every parameter as the notebook will have it."""
        return {each.name: each.default for each in self.notebook.parameters} | dict(self.values)


@dataclass(frozen=True)
class Plan:
    """The reports of a run, and the folder that they go to."""

    jobs: tuple[Job, ...]
    out: Path

    @property
    def lang(self) -> str:
        """The language that all of them have in common; English where there is none."""
        spoken = {job.lang for job in self.jobs}
        return spoken.pop() if len(spoken) == 1 else ENGLISH


def plan_reports(requests: Sequence[Request], out: Path) -> Plan:
    """Check what is asked for and say which report each request makes.

    Raises
    ------
    CxError
        With everything that is wrong with all requests: notebooks and parameters that are not
        there, values that do not fit, data that do not exist, names that would be the same. A
        secret is refused before all else, and alone, since other messages repeat values.
    """
    for request in requests:
        named = {"notebook": [str(each) for each in request.notebooks], DATA: request.data}
        given = {**named, **request.parameters, "segments": request.segments}
        check_credentials(given, request.where)
    jobs: list[Job] = []
    problems: list[str] = []
    for request in requests:
        found, wrong = _jobs(request, out)
        jobs += found
        problems += [f"{request.where}{problem}" for problem in wrong]
    problems += _same_names(jobs)
    if problems:
        raise CxError(dict.fromkeys(problems))
    return Plan(tuple(jobs), out)


def check_together(jobs: Iterable[Job]) -> None:
    """Refuse parameters that fit one by one and not taken together.

    Raises
    ------
    CxError
        With what the notebooks' own checks say.
    """
    problems = [problem for job in jobs for problem in _problems(job)]
    if problems:
        raise CxError(dict.fromkeys(problems))


def seen_from_here(path: str) -> Path | None:
    """Return what a path means to a notebook: from the working directory, then the project."""
    there = Path(path).expanduser()
    try:
        return next((each for each in (there, PROJECT / there) if each.exists()), None)
    except (OSError, ValueError):  # text that cannot be the name of a file
        return None


def _jobs(request: Request, out: Path) -> tuple[list[Job], list[str]]:
    """Return the reports of a request as far as they can be told, and what is wrong with it."""
    problems = list(_language_problems(request))
    try:
        found = find_notebooks(request.notebooks)
    except CxError as error:
        return [], [*problems, *error.problems]
    made: list[Job] = []
    for notebook in found:
        problems += _notebook_problems(notebook, request, out)
    for segment in request.segments:
        problems += _segment_problems(request, segment, found)
        try:
            made += _of_segment(request, segment, found, out)
        except CxError as error:
            problems += error.problems
    return made, problems


def _language_problems(request: Request) -> Iterator[str]:
    for lang in request.languages:
        if lang is not None and lang not in LANGUAGES:
            hint = close_match(lang, LANGUAGES)
            yield f"{LANG} = {lang!r} is not a language of reports{hint} ({', '.join(LANGUAGES)})"
    if any(request.languages) and LANG in request.parameters:
        yield f"{LANG} is given twice: name the language once, and not among the parameters"


def _notebook_problems(notebook: Notebook, request: Request, out: Path) -> Iterator[str]:
    defaults = {each.name: each.default for each in notebook.parameters}
    try:
        check_credentials(defaults, f"{notebook.path.name}: ")
    except CxError as error:
        yield from error.problems
    if notebook.path.resolve().parent == out.resolve():
        yield f"{out} holds {notebook.path.name} itself: write reports elsewhere (--out)"
    if notebook.wants_data and seen_from_here(request.data) is None:
        cure = "--data takes a recipe (data.toml), a folder that holds one, or a data file"
        yield f"{request.data} does not exist: {cure}"


def _segment_problems(
    request: Request, segment: str, notebooks: Sequence[Notebook]
) -> Iterator[str]:
    if segment and (not _slug(segment) or _slug(segment) in LANGUAGES):
        yield f"the segment {segment!r} cannot name a file: give it another name"
    wanted = set(request.segments[segment])
    for notebook in notebooks:
        if wanted and wanted.isdisjoint(parameter.name for parameter in notebook.parameters):
            named = ", ".join(sorted(wanted))
            cure = "ask for it in a report without segments"
            yield f"{notebook.name} has no parameter of the segment {segment!r} ({named}): {cure}"


def _of_segment(
    request: Request, segment: str, notebooks: Sequence[Notebook], out: Path
) -> list[Job]:
    known = {each.name: each.parameters for each in notebooks}
    values = check_notebooks(known, {**request.parameters, **request.segments[segment]})
    return [
        job for each in notebooks for job in _spoken(request, segment, each, values[each.name], out)
    ]


def _spoken(
    request: Request, segment: str, notebook: Notebook, values: Mapping[str, Value], out: Path
) -> Iterator[Job]:
    data: dict[str, Value] = {DATA: request.data} if notebook.wants_data else {}
    if notebook.reads is not None:
        data[notebook.reads] = str(out)  # the reports that are made with it
    parameter = next((each for each in notebook.parameters if each.name == LANG), None)
    for lang in dict.fromkeys(request.languages if parameter else (None,)):
        known = parameter is not None and lang in LANGUAGES
        given = check_parameters([parameter], {LANG: lang}) if parameter and known else {}
        own = {**data, **values, **given}
        spoken = str(own.get(LANG, parameter.default if parameter else ENGLISH))
        spoken = spoken if spoken in LANGUAGES else ENGLISH  # a notebook may know more than we do
        yield Job(_name(notebook, request.label, segment, spoken), notebook, own, spoken, segment)


def _name(notebook: Notebook, label: str, segment: str, lang: str) -> str:
    parts = [notebook.name, _slug(label), _slug(segment), "" if lang == ENGLISH else lang]
    return ".".join(part for part in parts if part)


def _slug(text: str) -> str:
    """Return what of a text can stand in the name of a file everywhere: letters and digits."""
    words = re.split(r"[^\w]+", unicodedata.normalize("NFKC", text))
    return "-".join(word for word in words if word)[:_LONGEST].strip("-")


def _same_names(jobs: Sequence[Job]) -> list[str]:
    names = [job.name.casefold() for job in jobs]  # some file systems know no case
    return [
        f"{job.name}.html would be made twice: give one of the reports a name of its own"
        for job, name in zip(jobs, names, strict=True)
        if names.count(name) > 1
    ]


def _problems(job: Job) -> Sequence[str]:
    """Return what is wrong with a notebook's parameters taken together, as it has them checked."""
    wanted = job.notebook.check
    if wanted is None:
        return ()
    if wanted not in cxresearch.__all__:
        raise ReportError(f"{job.notebook.path} is checked by {wanted}: cxresearch has none")
    check: Callable[[Mapping[str, Value]], Sequence[str]] = getattr(cxresearch, wanted)
    return check(job.settings)
