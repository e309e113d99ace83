"""What is known about a report once it is made; kept in its executed notebook."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from cxresearch._language import ENGLISH
from cxresearch.findings import FILE
from cxresearch.reports.unchanged import digest_of

__all__ = ["METADATA_KEY", "Entry", "ReportResult", "earlier_entries", "read_report", "same_report"]

METADATA_KEY = "cxresearch_report"  # in a notebook: what became of its report
NOTEBOOK, PAGE, FINDINGS = "ipynb", "html", FILE  # suffixes of what a report is written to


@dataclass(frozen=True)
class Entry:
    """What the index says about one report.

    `caution` is a warning that its headline must not stand without. `key` tells what it was made
    from and `files` what was written, both as digests; `run` names a forced run that made it.
    """

    name: str
    title: str
    status: Literal["ok", "failed"]
    seconds: float
    error: str | None
    headline: str | None
    data: str
    finished: str  # ISO time with offset
    lang: str = ENGLISH
    segment: str = ""
    caution: str | None = None
    key: str | None = None
    files: str = ""
    run: str | None = None

    def record(self) -> dict[str, Any]:
        """Give the plain values that `earlier_entries` reads back."""
        return {key: value for key, value in asdict(self).items() if key in _FIELDS}


_FIELDS = {each.name: each.default is MISSING for each in fields(Entry)}  # and whether required


@dataclass(frozen=True)
class ReportResult(Entry):
    """What became of one notebook: its entry in the index, its findings, its files.

    `unchanged` where it was not made again, since nothing that it depends on has changed.
    """

    findings: tuple[dict[str, Any], ...] = ()
    paths: Mapping[str, Path] = field(default_factory=dict)  # by suffix: ipynb, html, findings.json
    unchanged: bool = False


def earlier_entries(folder: Path, *, without: Collection[str]) -> list[Entry]:
    """Read the reports of earlier runs that are still complete in the folder.

    Parameters
    ----------
    folder
        Where reports are written.
    without
        Names of this run's reports.

    Returns
    -------
    list of Entry
        Sorted by name; files that are not executed reports are passed over.
    """
    names = (path.stem for path in sorted(folder.glob(f"*.{NOTEBOOK}")))
    found = (_read(folder, name) for name in names if name not in without)
    return [entry for entry in found if entry is not None]


def read_report(folder: Path, name: str, *, unchanged: bool = False) -> ReportResult | None:
    """Read a report of an earlier run with its findings; None where it is not complete."""
    entry = _read(folder, name)
    if entry is None:
        return None
    paths = {suffix: folder / f"{name}.{suffix}" for suffix in (NOTEBOOK, PAGE, FINDINGS)}
    there = {suffix: path for suffix, path in paths.items() if path.is_file()}
    try:
        findings = json.loads(paths[FINDINGS].read_bytes()) if FINDINGS in there else []
    except (OSError, ValueError):
        return None
    return ReportResult(
        **entry.record(), findings=tuple(findings), paths=there, unchanged=unchanged
    )


def same_report(folder: Path, name: str, key: str | None) -> ReportResult | None:
    """Return a report that would come out the same; None where it has to be made.

    One that failed, or whose files are not as they were written, has to be made in any case.
    """
    entry = _read(folder, name) if key is not None else None
    if entry is None or entry.key != key or entry.status != "ok":
        return None
    try:
        files = [(folder / f"{name}.{suffix}").read_bytes() for suffix in (PAGE, FINDINGS)]
    except OSError:
        return None
    kept = entry.files == digest_of(files)
    return read_report(folder, name, unchanged=True) if kept else None


def _read(folder: Path, name: str) -> Entry | None:
    try:
        content = json.loads((folder / f"{name}.{NOTEBOOK}").read_bytes())
        record = content["metadata"][METADATA_KEY]
        known = {each: record[each] for each, must in _FIELDS.items() if must or each in record}
        entry = Entry(**known)
        complete = (folder / f"{name}.{PAGE}").is_file() and entry.name == name
        return entry if complete else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
