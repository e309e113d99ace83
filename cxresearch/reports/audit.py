"""Checking finished reports before they are forwarded: nothing runs, nothing loads, nobody shows.

The audit reads what lies in the files and trusts nothing that made them, so it also holds for
pages that were edited, or made by an earlier version.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from cxresearch._min_cell import USUAL_MIN_CELL, check_min_cell
from cxresearch.errors import CxError
from cxresearch.reports._audit_counts import (
    derived_counts,
    small_counts,
    small_findings,
    small_sentences,
)
from cxresearch.reports._audit_page import Page, read_page
from cxresearch.reports.credentials import looks_like_credential

__all__ = ["Audit", "Offence", "audit"]

_MAIL = re.compile(r"[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})*\.[A-Za-z]{2,24}\b")
_WORD = re.compile(r"[\w@.+%:/-]+")
_INVISIBLE = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")  # they part words for programs only
_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
_PARTS = re.compile(r"[A-Za-z0-9]+(?:-[A-Za-z0-9]+)*")
_MAX_SHOWN = 5
_SUFFIXES = (".html", ".htm", ".ipynb", ".json")
_PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True)
class Offence:
    """One thing that must not leave the house: in which file, which rule, and what is there."""

    file: str
    rule: str
    what: str


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Parameters
    ----------
    files
        Names of all files that were read.
    offences
        In the order of the files; none of them quotes a customer or a secret.
    ids_checked
        Whether the customers' ids were known, so that they could be looked for.
    """

    files: tuple[str, ...]
    offences: tuple[Offence, ...]
    ids_checked: bool

    @property
    def passed(self) -> bool:
        """Whether nothing was found."""
        return not self.offences

    def to_text(self) -> str:
        """Return the verdict and every offence, a line each."""
        ids = "" if self.ids_checked else "; customers' ids not looked for, name the data by --data"
        n, files = len(self.offences), len(self.files)
        verdict = "passed" if self.passed else f"FAILED: {n} offence{'s' * (n != 1)}"
        head = f"{verdict} ({files} file{'s' * (files != 1)} read{ids})"
        return "\n".join([head, *(f"{o.file}: {o.rule}: {o.what}" for o in self.offences)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"passed": self.passed, **asdict(self)}


def audit(
    path: str | Path, *, min_cell: int = USUAL_MIN_CELL, data: str | Path | None = None
) -> Audit:
    """Check a finished report, or every report of a folder and the folders in it.

    Parameters
    ----------
    path
        A page (.html), an executed notebook (.ipynb), a file of findings (.json), or a folder
        of such files.
    min_cell
        Fewest customers that a shown count may stand for; a 0 names nobody.
    data
        The recipe that the reports were made from: its ids are then looked for too.

    Raises
    ------
    CxError
        When there is nothing to read, or a file cannot be read.
    """
    check_min_cell(min_cell)
    files = _files(Path(path))
    texts = {name: _read(file) for name, file in files.items()}
    offences = [o for name, text in texts.items() for o in _offences(name, text, min_cell)]
    if data is not None:
        offences += _customers(texts, data)
    return Audit(tuple(files), tuple(offences), data is not None)


def _files(path: Path) -> dict[str, Path]:
    """Return what is to be looked at, by its name as seen from the folder."""
    if path.is_file():
        return {path.name: path}
    if not path.is_dir():
        raise CxError(f"{path} does not exist: name a report, or a folder of reports.")
    found = [p for p in sorted(path.rglob("*")) if p.suffix.lower() in _SUFFIXES and p.is_file()]
    if not found:
        raise CxError(f"{path} holds no reports: make some by `cxresearch report --out {path}`.")
    return {each.relative_to(path).as_posix(): each for each in found}


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CxError(f"{path} cannot be read ({error}): make the report again.") from None


def _offences(file: str, text: str, min_cell: int) -> Iterator[Offence]:
    found: Iterable[tuple[str, str]]
    if _is_page(file):
        page = read_page(text)
        small = [*small_counts(page, min_cell), *_said_of_few(page, min_cell)]
        found = [*page.problems(), *_in_text(page.text), *_small(small)]
    else:
        found = _in_json(text, min_cell)
    for rule, what in found:
        yield Offence(file, rule, what)


def _in_json(text: str, min_cell: int) -> Iterator[tuple[str, str]]:
    try:
        content = json.loads(text)
    except ValueError:
        yield "damaged", "it is not JSON: make the report again"
        return
    pages = _pages(content)
    texts = list(_strings(content))
    yield from _in_text("\n".join([*texts, *(page.text for page in pages)]))
    yield from _small(x for page in pages for x in small_counts(page, min_cell))
    listed = content if isinstance(content, list) else [content]
    rows = [row for row in listed if isinstance(row, Mapping)]
    said = "\n".join([*texts, *("".join(page.flow) for page in pages)])
    yield from _small([*small_findings(rows, min_cell), *small_sentences(said, min_cell)])
    yield from (("computable", what) for what in derived_counts(rows, min_cell))


def _is_page(file: str) -> bool:
    return file.lower().endswith((".html", ".htm"))


def _said_of_few(page: Page, min_cell: int) -> Iterator[str]:
    return small_sentences("".join(page.flow), min_cell)


def _small(counts: Iterable[str]) -> list[tuple[str, str]]:
    return [("small count", what) for what in _few(counts)]


def _in_text(text: str) -> Iterator[tuple[str, str]]:
    text = _INVISIBLE.sub("", text)
    mails = {match[0] for match in _MAIL.finditer(text)}
    if mails:
        yield "e-mail address", f"{len(mails)} of them: take the column out of group_by"
    kind = looks_like_credential(text)
    if kind:
        yield "credential", f"{kind}: change it at once, and keep it in the environment"
    if _BIDI.search(text):
        yield "direction", "marks that turn the direction of text: they can hide what is there"


def _said(content: object) -> Iterator[str]:
    """Yield all that a file in JSON says, but its pictures: keys, texts, and texts in HTML."""
    yield from _strings(content)
    yield from (page.text for page in _pages(content))


def _pages(content: object) -> list[Page]:
    return [read_page(html) for html in _html(content)]


def _html(content: object) -> Iterator[str]:
    if isinstance(content, Mapping):
        for kind, inner in content.items():
            if kind == "text/html":
                yield "".join(_strings(inner))
            else:
                yield from _html(inner)
    elif isinstance(content, list):
        for inner in content:
            yield from _html(inner)


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _strings(inner if key not in _PICTURES else "")
    elif isinstance(value, Sequence):
        for inner in value:
            yield from _strings(inner)


def _customers(texts: Mapping[str, str], data: str | Path) -> Iterator[Offence]:
    """Look for ids: the words of the files go to the data, and none comes back."""
    from cxresearch.source import open_data  # noqa: PLC0415 - only where data are named

    words = {file: _words(file, text) for file, text in texts.items()}
    with open_data(data) as opened:
        known = opened.known_ids(set().union(*words.values()))
    for file, held in words.items():
        if held & known:
            yield Offence(file, "customer id", f"{len(held & known)} different ones")


def _words(file: str, text: str) -> set[str]:
    said = _INVISIBLE.sub("", read_page(text).text if _is_page(file) else _text_of(text))
    whole = {word.strip(".:-/") for word in _WORD.findall(said)}
    # an id may stand between letters of another script, or be a part of a name
    parts = {part for word in whole for part in _PARTS.findall(word)}
    found = {*whole, *parts, *(part.upper() for part in parts)}
    # a short number is a number, whatever else it may be called
    return {word for word in found if len(word) >= 4 and not _plain_number(word)}


def _text_of(text: str) -> str:
    try:
        return "\n".join(_said(json.loads(text)))
    except ValueError:
        return text


def _plain_number(word: str) -> bool:
    return len(word) < 6 and re.fullmatch(r"[\d.,%:/-]+", word) is not None


def _few(found: Iterable[str]) -> list[str]:
    listed = list(dict.fromkeys(found))
    more = len(listed) - _MAX_SHOWN
    return [*listed[:_MAX_SHOWN], *([f"and {more} more"] if more > 0 else [])]
