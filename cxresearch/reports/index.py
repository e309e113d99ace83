"""The page that lists the reports of a folder: this run's and earlier ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from html import escape
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from cxresearch._format import plural
from cxresearch.reports.page import shell

__all__ = ["METADATA_KEY", "Entry", "earlier_entries", "render_index"]

METADATA_KEY = "cxresearch_report"


@dataclass(frozen=True)
class Entry:
    """What the index says about one report; kept in the executed notebook's metadata."""

    name: str
    title: str
    status: Literal["ok", "failed"]
    seconds: float
    error: str | None
    headline: str | None
    data: str
    finished: str  # ISO time with offset

    def record(self) -> dict[str, Any]:
        """Give the plain values that `earlier_entries` reads back."""
        return {key: value for key, value in asdict(self).items() if key in _FIELDS}


_FIELDS = {field.name: field.type for field in fields(Entry)}


def earlier_entries(folder: Path, *, without: Iterable[str]) -> list[Entry]:
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
    skipped = set(without)
    found = (_read(path) for path in sorted(folder.glob("*.ipynb")) if path.stem not in skipped)
    return [entry for entry in found if entry is not None]


def render_index(entries: Sequence[Entry], earlier: Sequence[Entry], *, made: str) -> str:
    """Write the index page: this run's reports first, then earlier ones with their time."""
    failed = sum(entry.status == "failed" for entry in entries)
    summary = f"{len(entries)} report{'s' * (len(entries) != 1)}" + (
        f", {failed} of them failed" if failed else ""
    )
    main = f"<h1>Reports</h1><p>{summary}, made {escape(_time(made))}.</p>"
    main += "<h2>This run</h2>" + _list(entries)
    if earlier:
        main += "<h2>From earlier runs</h2>" + _list(earlier)
    return shell("Reports", main, footer="<p>Made with cxresearch. Each page works offline.</p>")


def _read(path: Path) -> Entry | None:
    try:
        record = json.loads(path.read_bytes())["metadata"][METADATA_KEY]
        entry = Entry(**{name: record[name] for name in _FIELDS})
        return entry if path.with_suffix(".html").is_file() and entry.name == path.stem else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _list(entries: Iterable[Entry]) -> str:
    return f'<ul class="cx-reports">{"".join(map(_item, entries))}</ul>'


def _item(entry: Entry) -> str:
    said = f"<p>{escape(entry.headline)}</p>" if entry.headline else ""
    if entry.status == "failed":
        state = '<span class="cx-failed">Failed</span>'
        said = f"<p>{escape(_shortened(entry.error or 'The reason is on its page.'))}</p>"
    else:
        state = '<span class="cx-ok">OK</span>'
    facts = [entry.name, _time(entry.finished), f"{float(entry.seconds):.1f} s"]
    facts += [f"data: {entry.data}"] if entry.data else []
    link = f'<h3><a href="{escape(_address(entry.name))}">{escape(entry.title)}</a></h3>'
    return f'<li>{link}{said}<p class="cx-facts">{state} · {escape(" · ".join(facts))}</p></li>'


def _shortened(error: str) -> str:
    """Give the first line, and how many reasons its page lists below it."""
    what, *reasons = error.splitlines()
    if not reasons:
        return what
    count = f"{len(reasons)} {plural('reason', len(reasons))}"
    return f"{what} {count}, on its page." if what.endswith(":") else f"{what} …"


def _address(name: str) -> str:
    return f"./{quote(name)}.html"


def _time(iso: str) -> str:
    return str(iso)[:16].replace("T", " ")
