"""Words for those who left: who they are, within which time, and what was recorded of it.

What a company wrote down is a record, not a proof of why somebody left, and is called so.
"""

from __future__ import annotations

from collections.abc import Mapping

from cxresearch import _format as words
from cxresearch._language import term, tr
from cxresearch._min_cell import least_events
from cxresearch._retention_curve import RetentionCurve
from cxresearch.cause_table import NOT_RECORDED
from cxresearch.findings import Finding


def recorded(cause: str) -> str:
    """Return `recorded as voluntary`, or that no reason is recorded."""
    if cause == NOT_RECORDED:
        return tr("with no reason recorded")
    return tr("recorded as {cause}", cause=words.label_words("cause", cause))


def whom(curve: RetentionCurve) -> str:
    """Return who is counted: `customers with plan basic who reached 6 months`."""
    everybody = f"{term(curve.population)}{words.with_group(curve.group)}"
    if not curve.start:
        return everybody
    reached = periods(curve, curve.start)
    return tr("{whom} who reached {tenure}", whom=everybody, tenure=reached)


def periods(curve: RetentionCurve, tenure: int) -> str:
    """Return `6 months`."""
    return words.counted(tenure, words.period_word(curve.periods_per_year))


def first_periods(curve: RetentionCurve, tenure: int) -> str:
    """Return `the first 12 months`, or `the first month`."""
    if tenure == 1:
        return tr("the first {period}", period=term(words.period_word(curve.periods_per_year)))
    return tr("the first {until}", until=periods(curve, tenure))


def finding(
    name: str,
    values: tuple[float | None, float | None, float | None],
    sentence: str,
    group: Mapping[str, str],
    curve: RetentionCurve,
) -> Finding:
    """Return a finding about the customers of a curve."""
    return Finding(
        name,
        *values,
        curve.n,
        "share",
        sentence,
        group,
        confidence_level=curve.confidence_level,
        as_of=curve.as_of,
    )


def few_events(events: float) -> str:
    """Return what a reader must know of a share that rests on few events; nothing for many."""
    least = least_events()
    if events >= least:
        return ""
    if not events:
        return tr(" None of them left so: read the interval, not the figure.")
    return tr(
        " Fewer than {least} of them left so: read the interval, not the figure.",
        least=least,
    )
