"""What a snapshot can and cannot say: a churned flag that speaks only of the last months."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from cxresearch import _format as words
from cxresearch._language import tr, trn
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.retention import MIN_GROUP, retention_curves
from cxresearch.tables import LifeTable


def as_snapshot(table: LifeTable, months: int) -> LifeTable:
    """Return the life table in which each customer is at risk only while the flag speaks of it.

    Parameters
    ----------
    table
        Counts of customers who all entered at tenure 0, as a snapshot is usually read.
    months
        How far back the churned flag reaches.

    Raises
    ------
    DataError
        When customers entered late already, or `months` is below 1.
    """
    if months < 1 or table.entered[..., 1:].any():
        raise DataError(
            f"months == {months!r}, must be at least 1, and nobody may have entered late: "
            "give the table of a snapshot as it was read."
        )
    left = np.asarray(table.churned + table.censored)
    entered = np.zeros_like(left)
    entered[..., 0] = left[..., : months + 1].sum(axis=-1)
    later = left[..., months + 1 :]
    entered[..., 1 : 1 + later.shape[-1]] = later
    return replace(table, entered=entered)


def snapshot_warning(
    table: LifeTable,
    months: int,
    tenure: int,
    *,
    min_group: int = MIN_GROUP,
    confidence_level: float = 0.95,
) -> Finding:
    """Return how far apart the two readings of a snapshot lie at one tenure.

    The finding's value is the share retained when every customer counts only in the last
    `months`; its sentence sets it beside the usual reading, which takes each tenure as if the
    customer had been followed from sign-up; whoever left earlier is not in the
    file, so that customers are seen only late in their life (left truncation).

    Parameters
    ----------
    table, months
        As for `as_snapshot`; all groups are pooled.
    tenure
        Where the readings are compared. The later one ends before the first tenure at which
        nobody is at risk, and the comparison with it.
    min_group
        Customers it takes to print a number; with fewer, the finding has none.
    confidence_level
        Of the interval.
    """
    usual, proper = table.pooled(), _until_gap(as_snapshot(table.pooled(), months))
    tenure = min(tenure, proper.axis[-1])
    if usual.n.sum() < max(min_group, 1) or tenure < 1:
        return _without_number(months, usual.as_of)
    other, found = (
        retention_curves(t, min_group=1, confidence_level=confidence_level)[0].at(tenure)
        for t in (usual, proper)
    )
    values = [found.value, found.ci_lower, found.ci_upper]
    value, lower, upper = (float("nan") if x is None else x for x in values)
    sentence = tr(
        "The flag says who left in {span}. Counted only for that time, the same file gives {share} "
        "after {tenure}, not {other}: a snapshot cannot tell how long customers stay, and the "
        "curves here serve only to compare groups.",
        span=_span(months),
        share=words.percent_interval(value, lower, upper),
        tenure=words.counted(tenure, "month"),
        other=words.percent(other.value or 0),
    )
    return replace(
        found,
        id="retained_as_snapshot",
        sentence=sentence,
        grade="D",
        group={"tenure": str(tenure)},
    )


def _until_gap(table: LifeTable) -> LifeTable:
    """Return the tenures up to the first one at which nobody is at risk."""
    nobody = np.flatnonzero(table.at_risk.sum(axis=(0, 1))[1:] <= 0)
    if not nobody.size:
        return table
    kept = slice(int(nobody[0]) + 1)
    counts = {name: getattr(table, name)[..., kept] for name in ("entered", "churned", "censored")}
    return replace(table, **counts)


def _without_number(months: int, as_of: str | None) -> Finding:
    sentence = tr(
        "The flag says who left in {span}: a snapshot cannot tell how long customers stay, and the "
        "curves here serve only to compare groups.",
        span=_span(months),
    )
    return Finding(
        "retained_as_snapshot", None, None, None, None, "share", sentence, grade="D", as_of=as_of
    )


def _span(months: int) -> str:
    return trn("the last month", "the last {n} months", months, n=months)
