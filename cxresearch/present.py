"""What notebooks show besides results: the data, what is missing, and where it all came from."""

from __future__ import annotations

import math
import platform
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from html import escape
from importlib.metadata import version
from typing import Protocol

import pandas as pd

from cxresearch import __version__
from cxresearch import _format as words
from cxresearch._html import ACRONYMS, html_table
from cxresearch._language import language, mark, term, tr
from cxresearch._min_cell import min_cell
from cxresearch.cause_table import NOT_RECORDED
from cxresearch.checking import CheckResult, check
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.findings import Finding, HasFindings, collect, publish, to_html
from cxresearch.needs import capabilities, need_words
from cxresearch.source import Data

_TERMS = ("reading", "profit_concept", "renewals")  # labels of ours, which are no customer's text
_BARE = ("parameter", *_TERMS)  # what stands in a heading without its column
OF_FIRST = (
    mark("years of the first {n}"),
    mark("quarters of the first {n}"),
    mark("months of the first {n}"),
    mark("weeks of the first {n}"),
    mark("days of the first {n}"),
    mark("periods of the first {n}"),
)
ROWS_OF = (
    mark("{n} customers"),
    mark("{n} subscriptions"),
    mark("{n} revenue"),
    mark("{n} transactions"),
    mark("{n} rows of a retention table"),
    mark("{n} survey invitations"),
    mark("{n} survey responses"),
    mark("{n} touchpoints"),
    mark("{n} interventions"),
    mark("{n} costs"),
)
LIBRARIES = ("duckdb", "numpy", "pandas", "sqlglot")


class Shown(Protocol):
    """A result with a table and a sentence of its own."""

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers."""

    def sentence(self, lang: str | None = None) -> str:
        """Return them in words."""

    def _repr_html_(self) -> str: ...


class Source(Protocol):
    """What a report is made from."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def as_of(self) -> str | None:
        """The last day that it speaks of, ISO."""

    @property
    def fingerprint(self) -> str:
        """A digest of all of it."""


def describe(data: Data) -> None:
    """Show what the data are, and what their owner says readers must know."""
    day = tr("The extract holds no dates.")
    if data.as_of:
        day = tr("As of {day}.", day=words.day(data.as_of))
    rows = tr(", ").join(_rows(name, data.rows(name)) for name in data.fields)
    name = tr("{name}.", name=data.name)
    text = words.sentences([name, day, tr("Rows: {rows}.", rows=rows)])
    note = f'<p class="cx-note">{_escaped(data.note)}</p>' if data.note else ""
    publish(f'<p class="cx-data">{_escaped(text)}</p>{note}', f"{text}\n{data.note}".strip())


def _rows(table: str, count: int) -> str:
    name = "rows of a retention table" if table == "retention" else table.replace("_", " ")
    return term(f"{{n}} {name}").format(n=words.number(count))


def require_usable(data: Data) -> CheckResult:
    """Check the data and refuse to go on when a rule is broken that makes results wrong.

    Raises
    ------
    DataError
        Naming every broken rule with its count and cure, but no customer.
    """
    result = check(data)
    errors = [offence for offence in result.offences if offence.severity == "error"]
    if errors:
        problems = [offence.sentence for offence in errors]
        raise DataError([*problems, "Run `cxresearch check` to see which rows they are."])
    return result


def unlocked(data: Data, need: str, what: str) -> bool:
    """Say whether the data can answer `what`; where they cannot, show what is missing.

    Parameters
    ----------
    need
        A key of `cxresearch.needs.NEEDS`, or the name of a table.
    what
        The question, as a sentence would name it: "retention by score".
    """
    if need in capabilities(data):
        return True
    text = tr(
        "Not shown: {what}. It would take {missing}.", what=term(what), missing=need_words(need)
    )
    publish(f'<p class="cx-missing">{_escaped(text)}</p>', text)
    return False


@contextmanager
def unless_missing(what: str) -> Iterator[None]:
    """Go on after the block where the data hold too little for it, and show what is missing.

    Parameters
    ----------
    what
        As for `unlocked`.
    """
    try:
        yield
    except NotEnoughError as error:
        said = tr("Not shown: {what}.", what=term(what))
        text = words.sentences([said, *error.problems])
        publish(f'<p class="cx-missing">{_escaped(text)}</p>', text)


def show(*results: Shown) -> None:
    """Show results as their own tables, and attach their findings as `say` does.

    For results that are read as a whole, such as the bias ladder.
    """
    for result in results:
        found = collect([result]) if isinstance(result, HasFindings) else []
        text = f"{result.to_frame().to_string(index=False)}\n{result.sentence()}"
        publish(result._repr_html_(), text, found)


def tabulate(
    *items: HasFindings | Iterable[HasFindings],
    spread: str = "",
    counted: str = "customers",
    periods_per_year: int = 12,
    assumed: str = "",
) -> None:
    """Show findings as one table, a row per group, and attach them as `say` does.

    Parameters
    ----------
    spread
        The label whose values become columns side by side, e.g. "tenure".
    counted
        What the findings count: "customers", "answers", "invitations"; empty to leave it out,
        where those side by side count different ones.
    periods_per_year
        What tenures are counted in: 12 for months.
    assumed
        Said of the tenures whose findings have grade D: "extrapolated".
    """
    found = collect(items)
    if not found:
        return
    period = words.period_word(periods_per_year)
    rows: dict[tuple[tuple[str, str], ...], dict[str, object]] = {}
    ids = {f.id for f in found if spread in f.group and f.id != "not_reported"}
    for finding in found:
        said = assumed if finding.grade == "D" else ""
        labels = tuple(
            (name, _row_label(name, text, period, said))
            for name, text in finding.group.items()
            if name != spread
        )
        if finding.id == "not_reported" and not labels:
            continue  # it counts groups and is a sentence below the table, not a row of it
        row = rows.setdefault(labels, {counted: finding.n} if counted else {})
        if finding.id != "not_reported":
            row[_column(finding, spread, period, alone=len(ids) < 2)] = _cell(finding)
    numbers = list(dict.fromkeys(column for row in rows.values() for column in row))
    frame = pd.DataFrame([_named(labels, numbers) | row for labels, row in rows.items()])
    small = [finding for finding in found if finding.id == "not_reported"]
    table = (html_table(frame, numbers=numbers), frame.to_string(index=False)) if rows else ("", "")
    said = "\n".join(dict.fromkeys(finding.sentence for finding in small))
    publish(table[0] + to_html(small), f"{table[1]}\n{said}".strip("\n"), found)


def _row_label(name: str, text: str, period: str, assumed: str) -> str:
    """Return a label as it stands in its row: `12 months, extrapolated`, `sBG`."""
    if name in {"tenure", "horizon"} and text.isdecimal():
        span = words.counted(int(text), period)
        bare = name == "horizon" or not assumed
        return span if bare else tr("{span}, {assumed}", span=span, assumed=term(assumed))
    if name == "fit_periods" and text.isdecimal():
        return tr("first {span}", span=words.counted(int(text), period))
    if name in _TERMS:
        return term(text.replace("_", " "))
    return _model(text) if name == "model" else words.label_words(name, text)


def _model(name: str) -> str:
    return ACRONYMS.get(name, term(name.replace("_", " ")))


def _column(finding: Finding, spread: str, period: str, *, alone: bool) -> str:
    """Return the heading that a finding stands under; `alone` where all across are of one kind."""
    at = finding.group.get(spread)
    if at is None:
        return finding.id
    across = _across(finding, spread, at, period)
    return across if alone else tr("{id} {across}", id=_id_words(finding.id), across=across)


def _across(finding: Finding, spread: str, at: str, period: str) -> str:
    """Return what is said of one of the findings side by side: `after 12 months`."""
    if spread == "tenure":
        return tr("after {tenure}", tenure=words.counted(int(at), period))
    if spread == "horizon":
        return term(f"{period}s of the first {{n}}").format(n=at)
    if spread == "cause":
        unknown = at == NOT_RECORDED
        said = words.label_words(spread, at)
        return tr("no reason recorded") if unknown else tr("recorded as {cause}", cause=said)
    if spread == "model":
        own = finding.unit == f"{period}s"
        unit = words.plural(period, 2)
        return tr("{model}, {unit}", model=_model(at), unit=unit) if own else _model(at)
    return _labelled(spread, at)


def _labelled(column: str, label: str) -> str:
    if column == "score_group":
        return words.label_words(column, label)
    if column in _BARE:
        return _id_words(label)
    return tr("{column} {label}", column=term(column), label=label)


def _id_words(id: str) -> str:
    # a heading shows _ as a space
    said = id.replace("_", " ")
    translated = term(said)
    return id if translated == said else translated


def _named(labels: Iterable[tuple[str, str]], taken: Collection[str]) -> dict[str, object]:
    """Return labels by column; a company may call a column as a heading of the table is called."""
    return {
        tr("{column} (group)", column=name) if name in taken else name: text
        for name, text in labels
    }


def _cell(finding: Finding) -> str:
    value, lower, upper = (
        math.nan if x is None else x for x in (finding.value, finding.ci_lower, finding.ci_upper)
    )
    if finding.unit == "share":
        exact = finding.grade == "D"  # what was entered may have no interval
        return (words.percent_exact if exact else words.percent_interval)(value, lower, upper)
    if finding.unit == "parameter":
        return words.parameter_interval(value, lower, upper)
    if finding.unit == "p-value":
        return words.p_value(value) if math.isfinite(value) else words.MISSING
    if finding.unit == words.AMOUNT or finding.unit.isupper():
        currency = finding.unit if finding.unit.isupper() else None
        return words.money(value, lower, upper, currency)
    return words.number_interval(value, lower, upper)


def provenance(data: Source | None, **parameters: object) -> None:
    """Show what the report was made from: data, parameters and versions.

    The time of the run is not part of it, so that the same inputs give the same page.

    Parameters
    ----------
    data
        The opened data, or the run of reports, that it is about; None where no data were opened,
        since all that counts was entered.
    parameters
        Of the report, by name.
    """
    source = {tr("Data"): tr("none: what counts was entered")}
    if data is not None:
        source = {
            tr("Data"): data.name,
            tr("As of"): words.day(data.as_of) if data.as_of else tr("no dates"),
            tr("Fingerprint of the data"): data.fingerprint,
        }
    rows = {
        **source,
        **{
            tr("Parameter {name}", name=name): repr(value)
            for name, value in {**parameters, "min_cell": min_cell(), "lang": language()}.items()
        },
        "cxresearch": __version__,
        "Python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
    }
    frame = pd.DataFrame(list(rows.items()), columns=["what", "which"])
    publish(html_table(frame), frame.to_string(index=False, header=False))


def _escaped(text: str) -> str:
    return escape(words.plain(text))
