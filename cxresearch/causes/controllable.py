"""The controllable share: how much of the churn has a reason that the company could act on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Counts, Labels, guard_of
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch._min_cell import least_events
from cxresearch._results import Results
from cxresearch._retention_curve import RetentionCurve
from cxresearch.cause_table import NOT_RECORDED, CauseTable, check_causes
from cxresearch.causes._cause_words import first_periods, recorded, whom
from cxresearch.causes.aalen_johansen import cause_share, cause_share_se
from cxresearch.causes.cumulative_incidence import CumulativeIncidences
from cxresearch.errors import CxError, DataError
from cxresearch.findings import Finding, without_number
from cxresearch.uncertainty import Floats, exact_edge, jackknife, logit_interval

PARTS = ("controllable", "other", "unrecorded")


@dataclass(frozen=True, eq=False)
class ControllableShare(Table):
    """Of the customers who left by one tenure, the share recorded with a controllable cause.

    Parameters
    ----------
    controllable_share
        Of those with a recorded cause, 0–1; NaN where there is none.
    controllable_share_ci_lower, controllable_share_ci_upper
        Where causes are missing, the lower end when none of them is controllable and the
        upper end when all are, so that the interval holds whatever they are.
    bounds
        The share of all who left when none of the unrecorded counts, and when all do.
    unrecorded_share
        Of all who left, the share without a recorded cause.
    controllable
        Causes that are counted as controllable.
    tenure
        Who left by then counts.
    churned
        Customers behind it: who left after the start and by `tenure`.
    curve
        The retention curve of the same customers.
    guards
        Whether it is kept back because the total would tell of the few who left elsewhere.
    """

    controllable_share: float
    controllable_share_ci_lower: float
    controllable_share_ci_upper: float
    bounds: tuple[float, float]
    unrecorded_share: float
    controllable: Labels
    tenure: int
    churned: float
    curve: RetentionCurve
    guards: bool = False

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.curve.group

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("tenure", "churned", *_FIELDS, "unrecorded_share")
        columns: dict[str, Any] = {name: getattr(self, name) for name in names}
        lower, upper = self.bounds
        return pd.DataFrame([{**self.group, **columns, "lower_share": lower, "upper_share": upper}])

    def sentence(self, lang: str | None = None) -> str:
        """Return the share with its interval, and what missing reasons leave open, in words."""
        with speaking(lang):
            if not self.churned:
                return tr(
                    "None of the {whom} have left: there is no churn to divide.",
                    whom=whom(self.curve),
                )
            if math.isnan(self.controllable_share):
                return tr(
                    "Not known: none of the {whom} have a recorded reason.", whom=self._left()
                )
            if self.guards:
                return tr(
                    "What share of the {whom} left so is not reported: the total would tell of "
                    "the few who left elsewhere.",
                    whom=whom(self.curve),
                )
            if self.churned < least_events():
                return tr(
                    "Fewer than {least} of the {whom} left: what share of them left so is not "
                    "reported.",
                    least=least_events(),
                    whom=whom(self.curve),
                )
            values = (self.controllable_share, *self._ends())
            return self._share(values) + self._unrecorded(values)

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `controllable_share`; n is the customers who left.

        Where they are few, nothing is told of them: it would be told of each.
        """
        if self.guards or 0 < self.churned < least_events():
            return (without_number(self.sentence(), self.group, as_of=self.curve.as_of),)
        values = (self.controllable_share, *self._ends())
        value, lower, upper = (x if math.isfinite(x) else None for x in values)
        return (
            Finding(
                "controllable_share",
                value,
                lower,
                upper,
                round(self.churned),
                "share",
                self.sentence(),
                dict(self.group),
                confidence_level=self.curve.confidence_level,
                as_of=self.curve.as_of,
            ),
        )

    def _ends(self) -> tuple[float, float]:
        return self.controllable_share_ci_lower, self.controllable_share_ci_upper

    def _left(self) -> str:
        of = {"whom": whom(self.curve), "span": first_periods(self.curve, self.tenure)}
        if self.curve.start:  # who reached the start and left
            return tr("{whom} and left within {span}", **of)
        return tr("{whom} who left within {span}", **of)

    def _share(self, values: tuple[float, float, float]) -> str:
        whole, share, spread = words.out_of(*values)
        of = {
            "whole": whole,
            "whom": self._left(),
            "some": share,
            "recorded": words.and_list(recorded(name) for name in self.controllable),
            "level": words.level_words(self.curve.confidence_level),
            "spread": spread,
        }
        if self.unrecorded_share:
            return tr(
                "Of {whole} {whom} and have a recorded reason, {some} left {recorded}, counted "
                "here as controllable ({level} interval {spread}).",
                **of,
            )
        return tr(
            "Of {whole} {whom}, {some} left {recorded}, counted here as controllable ({level} "
            "interval {spread}).",
            **of,
        )

    def _unrecorded(self, values: tuple[float, float, float]) -> str:
        if not self.unrecorded_share:
            return ""
        unit = max(words.rounding_unit(*values[1:], coarsest=0.01), 1e-4)
        low, high = self.bounds
        return tr(
            " No reason is recorded for {missing} of all who left: counting none or all of those "
            "as controllable makes it {low} to {high}, and the interval covers both.",
            missing=words.percent(self.unrecorded_share, unit),
            low=words.number(100 * low, 100 * unit),
            high=words.percent(high, unit),
        )


def controllable_shares(
    incidences: CumulativeIncidences,
    controllable: Sequence[str] = ("voluntary",),
    tenure: int | None = None,
) -> Results[ControllableShare]:
    """Return which share of the churn has a controllable cause, for each group.

    Parameters
    ----------
    incidences
        Result of `cumulative_incidence`; its start, level and method are kept.
    controllable
        Causes that the company counts as controllable: a judgement, which data cannot make.
    tenure
        Who left by then counts; the longest that every group was observed to when not given.

    Raises
    ------
    CxError
        When a cause does not exist, or the tenure is not above the start or beyond what a
        group was observed to.

    Notes
    -----
    Σ F_k(t) over the controllable causes divided by Σ F_k(t) over all recorded ones. The
    standard error is that of the log odds by the delta method, with the covariance from the
    variance of the sum (see `incidence_se`), or the jackknife; where all or none of the
    churn is controllable, the exact limit of a share of the customers who left. Unrecorded
    causes are given their worst and their best case (Manski 1989, Journal of Human Resources
    24, 343–360), and the interval runs from the lower end of the worst to the upper end of
    the best.
    """
    curves = incidences.curves
    tenure = curves.common_horizon if tenure is None else tenure
    _check(incidences, controllable, tenure)
    merged = incidences.table.merged(_parts(incidences.table, controllable))
    cases = {
        "known": _odds(merged, ("controllable",), ("other",), incidences, tenure),
        "none": _odds(merged, ("controllable",), ("other", "unrecorded"), incidences, tenure),
        "all": _odds(merged, ("controllable", "unrecorded"), ("other",), incidences, tenure),
    }
    missing, _, _ = _odds(merged, ("unrecorded",), ("controllable", "other"), incidences, tenure)
    churned = _until(merged, PARTS, incidences, tenure)
    guard = guard_of(churned, churned < least_events(), least_events())
    found = tuple(
        ControllableShare(
            float(cases["known"][0][g]),
            float(cases["none"][1][g]),
            float(cases["all"][2][g]),
            (float(cases["none"][0][g]), float(cases["all"][0][g])),
            float(missing[g]),
            tuple(controllable),
            tenure,
            float(churned[g]),
            curve,
            guards=g == guard,
        )
        for g, curve in enumerate(curves)
    )
    return Results(found, incidences.suppressed)


_FIELDS = ("controllable_share", "controllable_share_ci_lower", "controllable_share_ci_upper")


def _parts(table: CauseTable, controllable: Sequence[str]) -> dict[str, list[str]]:
    """Return which causes make up the controllable, the other and the unrecorded churn."""
    chosen = list(dict.fromkeys(controllable))
    unrecorded = [c for c in (NOT_RECORDED,) if c not in chosen]
    other = [c for c in table.causes if c not in (*chosen, *unrecorded)]
    return dict(zip(PARTS, (chosen, other, unrecorded), strict=True))


def _odds(
    table: CauseTable,
    part: Labels,
    rest: Labels,
    incidences: CumulativeIncidences,
    tenure: int,
) -> tuple[Floats, Floats, Floats]:
    """Return the share of `part` in the churn of `part` and `rest`, and its interval, (G,)."""
    start, level = incidences.curves.start, incidences.curves.confidence_level
    counts = [
        table.life.at_risk,
        table.life.churned,
        *(table.cause(*names).churned for names in (part, rest)),
    ]
    pooled = [x.sum(axis=1) for x in counts]
    share = cause_share(*pooled, start=start)[..., tenure]
    if incidences.curves.method == "jackknife":
        again = jackknife(lambda *x: cause_share(*x, start=start)[..., tenure], *counts)
        error = again.standard_error
    else:
        error = cause_share_se(*pooled, start=start)[..., tenure]
    lower, upper = logit_interval(share, error, level)
    events = _until(table, (*part, *rest), incidences, tenure)
    edge = exact_edge(events, level)
    lower = np.where(share >= 1, edge, np.where(events > 0, lower, 0))
    upper = np.where(share <= 0, 1 - edge, np.where(events > 0, upper, 1))
    return share, lower, upper


def _until(table: CauseTable, names: Labels, incidences: CumulativeIncidences, t: int) -> Counts:
    """Return the customers who left with these causes after the start and by a tenure, (G,)."""
    first = incidences.curves.start + 1 if incidences.curves.start else 0
    return np.asarray(table.cause(*names).churned[..., first : t + 1].sum(axis=(1, 2)))


def _check(incidences: CumulativeIncidences, controllable: Sequence[str], tenure: int) -> None:
    curves = incidences.curves
    if not controllable:
        raise DataError("0 reasons are controllable, must be at least 1: name those that are.")
    check_causes(controllable, incidences.table.causes)
    if len(curves) and not curves.start < tenure <= curves.common_horizon:
        raise CxError(
            f"tenure is {tenure!r}, must be above {curves.start} and at most "
            f"{curves.common_horizon}, the longest that every group was observed to: take one."
        )
