"""The page that lists the reports of a folder: this run's and earlier ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from html import escape
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cxresearch._format import day
from cxresearch._language import language, mark, term, tr, trn
from cxresearch.reports.entries import Entry, ReportResult
from cxresearch.reports.page import shell

__all__ = ["render_index"]

_FOLDER: Final = Path(__file__).parent / "script"
_LANGUAGES: Final = {"en": mark("English"), "ja": mark("Japanese")}


def render_index(
    entries: Sequence[Entry], earlier: Sequence[Entry], *, made: str, planned: int | None = None
) -> str:
    """Write the index page: this run's reports first, then earlier ones with their time.

    Parameters
    ----------
    entries, earlier
        The reports of this run, and those that were there before it.
    made
        When the run was, as an ISO time.
    planned
        How many reports the run is to have; fewer entries say that it has not come to its end.
    """
    main = f"<h1>{escape(tr('Reports'))}</h1><p>{escape(_summary(entries, made, planned))}</p>"
    main += _search() + _section("this-run", tr("This run"), entries)
    if earlier:
        main += _section("earlier", tr("From earlier runs"), earlier)
    footer = escape(tr("Made with cxresearch. Each page works offline."))
    return shell(
        tr("Reports"),
        main,
        footer=f"<p>{footer}</p>",
        scripts=[_text("index.js")],
        style=_text("index.css"),
    )


def _summary(entries: Sequence[Entry], made: str, planned: int | None) -> str:
    failed = sum(entry.status == "failed" for entry in entries)
    kept = sum(_is_unchanged(entry) for entry in entries)
    reports = trn("{n} report", "{n} reports", len(entries), n=len(entries))
    if failed:
        said = tr("{reports}, {n} of them failed, run {time}.", reports=reports, n=failed,
                  time=_time(made))  # fmt: skip
    else:
        said = tr("{reports}, run {time}.", reports=reports, time=_time(made))
    if kept:
        said += trn(" {n} is unchanged.", " {n} are unchanged.", kept, n=kept)
    if planned is not None and len(entries) < planned:
        said += tr(" The run has not come to its end: it is to have {n} reports.", n=planned)
    return said


def _search() -> str:
    """Write the field that a script shows; without scripts the whole list stands there."""
    said = {
        "none": tr("No report holds these words."),
        "one": tr("1 report found."),
        "many": tr("{n} reports found.", n="{n}"),
    }
    texts = "".join(f' data-{name}="{escape(text)}"' for name, text in said.items())
    return (
        '<div class="cx-search" role="search" hidden>'
        f'<label for="cx-find">{escape(tr("Find reports"))}</label>'
        '<input type="search" id="cx-find" autocomplete="off" spellcheck="false">'
        f'<p id="cx-found" role="status"{texts}></p></div>'
    )


def _section(name: str, title: str, entries: Iterable[Entry]) -> str:
    items = "".join(map(_item, entries))
    return (
        f'<section aria-labelledby="{name}"><h2 id="{name}">{escape(title)}</h2>'
        f'<ul class="cx-reports">{items}</ul></section>'
    )


def _item(entry: Entry) -> str:
    own = "" if entry.lang == language() else f' lang="{escape(entry.lang)}"'
    link = f'<a href="{escape(_address(entry.name))}">{escape(_title(entry))}</a>'
    parts = [f"<h3{own}>{link}</h3>"]
    if entry.status == "failed":
        said = entry.error or tr("The reason is on its page.")
        parts.append(f"<p{own}>{escape(_shortened(said))}</p>")
    elif entry.headline:
        parts.append(f"<p{own}>{escape(entry.headline)}</p>")
    if entry.caution:
        parts.append(f'<p class="cx-caution"{own}>{escape(entry.caution)}</p>')
    facts = " · ".join(escape(fact) for fact in _facts(entry))
    parts.append(f'<p class="cx-facts">{_state(entry)} · {facts}</p>')
    return f"<li>{''.join(parts)}</li>"


def _title(entry: Entry) -> str:
    """Return the title, with the segment, so that no two links read the same."""
    if not entry.segment:
        return entry.title
    return tr("{title} ({segment})", title=entry.title, segment=entry.segment)


def _state(entry: Entry) -> str:
    failed = entry.status == "failed"
    word = tr("Failed") if failed else tr("OK")
    return f'<span class="{"cx-failed" if failed else "cx-ok"}">{escape(word)}</span>'


def _facts(entry: Entry) -> Iterator[str]:
    yield entry.name
    yield term(_LANGUAGES.get(entry.lang, entry.lang))
    if entry.data:
        yield tr("data: {data}", data=entry.data)
    if _is_unchanged(entry):
        yield tr("unchanged since {time}", time=_time(entry.finished))
    else:
        yield _time(entry.finished)
        yield tr("{n} s", n=f"{float(entry.seconds):.1f}")


def _is_unchanged(entry: Entry) -> bool:
    return isinstance(entry, ReportResult) and entry.unchanged


def _shortened(error: str) -> str:
    """Give the first line, and how many reasons its page lists below it."""
    what, *reasons = error.splitlines()
    if not reasons:
        return what
    if not what.endswith((":", "：")):
        return f"{what} …"
    count = len(reasons)
    return trn(
        "{what} {n} reason, on its page.",
        "{what} {n} reasons, on its page.",
        count,
        what=what,
        n=count,
    )


def _address(name: str) -> str:
    return f"./{quote(name)}.html"


def _time(iso: str) -> str:
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    return tr("{day} {time}", day=day(at.date().isoformat()), time=f"{at:%H:%M}")


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text("utf-8")
