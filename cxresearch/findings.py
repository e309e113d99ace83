"""A finding: one headline number with its interval, the customers behind it, and a sentence."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape
from itertools import pairwise
from typing import Protocol, runtime_checkable

from cxresearch._format import fewer_than, plain, sentence_start, with_group
from cxresearch._language import mark, term, tr
from cxresearch.errors import CxError

MIME = "application/vnd.cxresearch.findings+json"
FILE = "findings.json"  # of a run; of one report, after its name and a dot
GRADES = {
    "A": mark("randomised"),
    "B": mark("adjusted, with a sensitivity analysis"),
    "C": mark("association, not cause"),
    "D": mark("assumption, or somebody else's claim"),
}


@dataclass(frozen=True)
class Finding:
    """One number that a report prints.

    Parameters
    ----------
    id
        What the number is, in snake_case, e.g. `retained`.
    value, ci_lower, ci_upper
        The number and its interval, in `unit`; None (or NaN, or infinity) when there is none.
    n
        Customers behind the number; None when the group is too small to say.
    unit
        `share` (0–1), `months`, `p-value`, a currency, …
    sentence
        What a reader is told; computed from the same values.
    group
        Flat text to text, e.g. `{"tenure": "12", "plan": "basic"}`; an overall figure
        leaves the grouping column out.
    confidence_level
        Of the interval, strictly between 0 and 1.
    grade
        A randomised, B adjusted with a sensitivity analysis, C association, D assumption
        or somebody else's claim.
    as_of
        ISO date up to which the data are complete.

    Raises
    ------
    CxError
        When a field breaks its rule; all problems are named at once.
    """

    id: str
    value: float | None
    ci_lower: float | None
    ci_upper: float | None
    n: int | None
    unit: str
    sentence: str
    group: Mapping[str, str] = field(default_factory=dict)
    confidence_level: float = 0.95
    grade: str = "C"
    as_of: str | None = None

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise CxError(problems)
        object.__setattr__(self, "group", dict(self.group))

    def findings(self) -> tuple[Finding, ...]:
        """Return itself, so that a finding can stand where a result can."""
        return (self,)

    def to_dict(self) -> dict[str, object]:
        """Return plain JSON values; numbers that are not finite become None."""
        return {
            "id": self.id,
            "group": dict(self.group),
            "value": _finite(self.value),
            "ci_lower": _finite(self.ci_lower),
            "ci_upper": _finite(self.ci_upper),
            "confidence_level": float(self.confidence_level),
            "n": None if self.n is None else int(self.n),
            "unit": self.unit,
            "grade": self.grade,
            "as_of": self.as_of,
            "sentence": self.sentence,
        }


@runtime_checkable
class HasFindings(Protocol):
    """Any result that can name its headline numbers."""

    def findings(self) -> Iterable[Finding]:
        """Return the headline numbers."""


def say(*items: HasFindings | Iterable[HasFindings]) -> None:
    """Show the sentences of findings and attach the findings themselves to the output.

    Parameters
    ----------
    items
        Findings, results with `.findings()`, or iterables of either.

    Notes
    -----
    In a notebook one display bundle carries the HTML, the plain text, and the findings
    under the MIME type `MIME`; the report runner reads them from there. Elsewhere the
    sentences are printed.

    Raises
    ------
    CxError
        When an item has no findings.
    """
    found = collect(items)
    if found:
        text = "\n".join(dict.fromkeys(finding.sentence for finding in found))
        publish(to_html(found), text, found)


def collect(items: Iterable[HasFindings | Iterable[HasFindings]]) -> list[Finding]:
    """Return the findings of several items in their order.

    Raises
    ------
    CxError
        When an item has no findings.
    """
    return [finding for item in items for finding in _collect(item)]


def publish(
    html: str,
    text: str,
    findings: Iterable[Finding] = (),
    *,
    more: Mapping[str, object] | None = None,
) -> None:
    """Display HTML with its plain text and attach findings to it; outside a notebook, print.

    `html` must be escaped already; `text` is made safe for a terminal here. `more` are other forms
    of the same output, by MIME type.
    """
    safe = plain(text)
    if not _in_notebook():
        print(safe)
        return
    from IPython.display import publish_display_data  # noqa: PLC0415 - heavy, notebooks only

    attached = [finding.to_dict() for finding in findings]
    bundle: dict[str, object] = {"text/html": html, "text/plain": safe, **(more or {})}
    if attached:
        bundle[MIME] = attached
    publish_display_data(data=bundle)


def to_html(findings: Iterable[Finding]) -> str:
    """Return the sentences as escaped HTML paragraphs, each once and with its grade."""
    said = {f.sentence: f.grade for f in findings}
    paragraphs = (
        f'<p class="cx-finding">{escape(plain(sentence))} {grade_html(grade)}</p>'
        for sentence, grade in said.items()
    )
    return f'<div class="cx-findings">{"".join(paragraphs)}</div>'


def grade_html(grade: str) -> str:
    """Return a grade as a badge that says in words what it means."""
    return f'<span class="cx-grade" title="{escape(term(GRADES[grade]))}">{escape(grade)}</span>'


def not_reported(
    group: Mapping[str, str], min_group: int, population: str, as_of: str | None
) -> Finding:
    """Return the finding for a period with too few customers, without any number of it.

    `group` must not name a group that is too small itself: its label may be an address.
    """
    sentence = tr(
        "{Whom} are not reported: {few}.",
        Whom=f"{sentence_start(term(population))}{with_group(group)}",
        few=fewer_than(min_group, population),
    )
    return without_number(sentence, group, as_of=as_of)


def without_number(
    sentence: str, group: Mapping[str, str] | None = None, *, as_of: str | None, unit: str = "share"
) -> Finding:
    """Return the finding that stands in the place of a number and says why there is none."""
    nothing = (None, None, None, None)
    return Finding("not_reported", *nothing, unit, sentence, group or {}, as_of=as_of)


def _collect(item: object) -> Iterable[Finding]:
    if isinstance(item, HasFindings):
        return item.findings()
    if isinstance(item, Iterable) and not isinstance(item, (str, bytes, Mapping)):
        return [finding for part in item for finding in _collect(part)]
    raise CxError(
        f"{plain(repr(item))[:80]} has no findings, must be a Finding, a result, or several of "
        "them: pass the result itself rather than its text."
    )


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    return ipython is not None and ipython.get_ipython() is not None


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _problems(finding: Finding) -> Iterable[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", finding.id):
        yield f"id is {finding.id!r}, must be snake_case such as 'retained': rename it."
    if finding.grade not in GRADES:
        yield f"grade is {finding.grade!r}, must be one of {', '.join(GRADES)}: see GRADES."
    if not 0 < finding.confidence_level < 1:
        yield (
            f"confidence_level is {finding.confidence_level!r}, must be between 0 and 1: "
            "write 0.95 for 95 %."
        )
    for key, label in finding.group.items():
        flat = [type(x) is str for x in (key, label)]
        if not all(flat):
            yield f"group has {key!r}: {label!r}, must be text to text: write str({label!r})."
    ends = [_finite(x) for x in (finding.ci_lower, finding.value, finding.ci_upper)]
    known = [x for x in ends if x is not None]
    # 1e-9: an estimate at the edge of its interval may be off by rounding
    if any(a > b + 1e-9 * abs(b) for a, b in pairwise(known)):
        yield f"{finding.id} has lower, value, upper = {ends}, must be in order: check the call."
