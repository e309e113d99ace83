"""Cumulative incidence by recorded cause: where the customers are at each tenure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Counts, Labels, unknown
from cxresearch._html import Table, html_table
from cxresearch._language import speaking, term, tr
from cxresearch._results import Results
from cxresearch._retention_curve import RetentionCurve
from cxresearch.cause_table import CauseTable
from cxresearch.causes._cause_words import (
    few_events,
    finding,
    first_periods,
    periods,
    recorded,
    whom,
)
from cxresearch.causes.aalen_johansen import incidence, incidence_band, incidence_se
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.retention import MIN_GROUP, RetentionCurves, retention_curves
from cxresearch.uncertainty import Floats, jackknife

_FIELDS = (
    "cumulative_incidence",
    "cumulative_incidence_ci_lower",
    "cumulative_incidence_ci_upper",
)


@dataclass(frozen=True, eq=False)
class CumulativeIncidence(Table):
    """Share of customers that has left with each cause, by tenure, for one group.

    Parameters
    ----------
    causes
        Names of the causes, K of them.
    cumulative_incidence, cumulative_incidence_ci_lower, cumulative_incidence_ci_upper
        Share that has left with the cause by each tenure, 0–1, of those who reached the
        start; shape (K, k). Over the causes they add up to one minus `curve.retained`.
    standard_error
        Of `cumulative_incidence`, shape (K, k).
    churned
        Customers who left with the cause at each tenure, shape (K, k).
    curve
        The retention curve of the same customers, with the tenures, the number at risk, the
        group and the words for it.
    """

    causes: Labels
    cumulative_incidence: Floats
    cumulative_incidence_ci_lower: Floats
    cumulative_incidence_ci_upper: Floats
    standard_error: Floats
    churned: Counts
    curve: RetentionCurve

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.curve.group

    def at(self, cause: str, tenure: int) -> Finding:
        """Return the share that has left with a cause by one tenure, as a finding.

        Beyond the curve the finding has no value and says so: nothing is extrapolated.

        Raises
        ------
        DataError
            When there is no such cause.
        """
        if cause not in self.causes:
            raise DataError(unknown("cause", cause, self.causes))
        if not self.curve.start <= tenure <= self.curve.longest:
            return self._finding(cause, tenure, (math.nan,) * 3, self._not_observed(tenure))
        k, i = self.causes.index(cause), int(tenure) - self.curve.start
        values = tuple(float(array[k, i]) for array in self._arrays())
        return self._finding(cause, tenure, values, self._sentence(k, int(tenure), values))

    def findings(self, tenures: Sequence[int] | None = None) -> tuple[Finding, ...]:
        """Return `cumulative_incidence` of each cause at each tenure (each year by default)."""
        chosen = self.curve.years if tenures is None else tenures
        return tuple(self.at(cause, tenure) for cause in self.causes for tenure in chosen)

    def sentence(self, lang: str | None = None) -> str:
        """Return the shares at the last whole year, in words."""
        with speaking(lang):
            found = self.findings([self.curve.years[-1]])
            return words.sentences(finding.sentence for finding in found)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cause and tenure."""
        k, length = self.churned.shape
        columns: dict[str, Any] = {"cause": np.repeat(np.array(self.causes, object), length)}
        columns |= dict(self.group)
        columns |= {name: np.tile(getattr(self.curve, name), k) for name in ("tenure", "at_risk")}
        names = ("churned", *_FIELDS, "standard_error")
        columns |= {name: getattr(self, name).ravel() for name in names}
        return pd.DataFrame(columns, index=range(k * length))

    def summary(self, tenures: Sequence[int] | None = None) -> pd.DataFrame:
        """Return the rows of the chosen tenures (each year by default)."""
        chosen = self.curve.years if tenures is None else tenures
        frame = self.to_frame().drop(columns=["standard_error", "churned"])
        return frame[frame["tenure"].isin(chosen)].reset_index(drop=True)

    def _repr_html_(self) -> str:
        return html_table(self.summary())

    def _arrays(self) -> tuple[Floats, Floats, Floats]:
        return (
            self.cumulative_incidence,
            self.cumulative_incidence_ci_lower,
            self.cumulative_incidence_ci_upper,
        )

    def _sentence(self, k: int, tenure: int, values: tuple[float, ...]) -> str:
        whole, left, spread = words.out_of(*values)
        said = tr(
            "Of {whole} {whom}, {left} left within {span}, {recorded} ({level} interval {spread}).",
            whole=whole,
            whom=whom(self.curve),
            left=left,
            span=first_periods(self.curve, tenure),
            recorded=recorded(self.causes[k]),
            level=words.level_words(self.curve.confidence_level),
            spread=spread,
        )
        return said + self._warning(k, tenure)

    def _warning(self, k: int, tenure: int) -> str:
        start = self.curve.start
        events = float(self.churned[k, 1 if start else 0 : tenure - start + 1].sum())
        return few_events(events)

    def _not_observed(self, tenure: int) -> str:
        curve = self.curve
        return tr(
            "Not known after {tenure}: the curve runs from {start} to {end}.",
            tenure=periods(curve, tenure),
            start=curve.start,
            end=periods(curve, curve.longest),
        )

    def _finding(
        self, cause: str, tenure: int, values: tuple[float, ...], sentence: str
    ) -> Finding:
        group = {"cause": cause, "tenure": str(tenure), **self.group}
        value, lower, upper = (x if math.isfinite(x) else None for x in values)
        return finding("cumulative_incidence", (value, lower, upper), sentence, group, self.curve)


@dataclass(frozen=True, eq=False, kw_only=True)
class CumulativeIncidences(Results[CumulativeIncidence]):
    """Cumulative incidences of all groups that are large enough, and how many are not.

    Parameters
    ----------
    results, suppressed
        One `CumulativeIncidence` per reported group, and findings that count the others.
    table
        The counts they come from, reported groups only, in the same order.
    curves
        The retention curves of the same customers; `start`, `method`, the level and the
        smallest group are theirs.
    """

    table: CauseTable
    curves: RetentionCurves

    @property
    def start(self) -> int:
        """Tenure that everything is conditional on; 0 for from the beginning."""
        return self.curves.start

    @property
    def common_horizon(self) -> int:
        """Longest tenure that every group reaches; `start` without groups."""
        return self.curves.common_horizon

    def findings(self, tenures: Sequence[int] | None = None) -> tuple[Finding, ...]:
        """Return `cumulative_incidence` of each group, cause and tenure (years by default)."""
        found = [f for result in self.results for f in result.findings(tenures)]
        return (*found, *self.suppressed)

    def _repr_html_(self) -> str:
        frames = [result.summary() for result in self.results]
        return html_table(pd.concat(frames, ignore_index=True) if frames else pd.DataFrame())


def cumulative_incidence(
    table: CauseTable,
    *,
    start: int = 0,
    min_group: int = MIN_GROUP,
    min_at_risk: int = 0,
    confidence_level: float = 0.95,
    method: str | None = None,
) -> CumulativeIncidences:
    """Estimate the share that has left with each cause by tenure, with a pointwise interval.

    The Aalen–Johansen estimator, exact for whole periods with ties and late entry. One minus
    the product-limit curve of a single cause is not this share: it answers what would be if
    nobody left for any other reason, and is always at least as large.

    Parameters
    ----------
    table
        Counts by group, tenure and cause.
    start, min_group, min_at_risk, confidence_level
        As in `retention_curves`, whose curve decides where each group begins and ends.
    method
        Standard error: "greenwood" (default for counts), the textbook formula that becomes
        Greenwood's where there is one cause, or "jackknife" over the replicates (default for
        weighted counts).

    Raises
    ------
    DataError
        As `retention_curves`.
    """
    curves = retention_curves(
        table.life,
        start=start,
        min_group=min_group,
        min_at_risk=min_at_risk,
        confidence_level=confidence_level,
        method=method,
    )
    table = table.take([table.life.groups.index(group) for group in curves.table.groups])
    counts = (table.life.at_risk.sum(1), table.life.churned.sum(1), table.churned.sum(2))
    share, error = incidence(*counts, start), _standard_error(table, counts, curves)
    band = incidence_band(counts, error, confidence_level, start)
    arrays = (share, *band, error, counts[-1])
    return CumulativeIncidences(
        tuple(_one(table.causes, arrays, g, curve) for g, curve in enumerate(curves)),
        curves.not_reported,
        table=table,
        curves=curves,
    )


def reconciliation(incidences: CumulativeIncidences, curves: RetentionCurves) -> Finding:
    """Return how far the causes and the customers still there are from adding up to everybody.

    Parameters
    ----------
    incidences
        Result of `cumulative_incidence`.
    curves
        Retention curves of the same groups and start that were counted without causes.

    Returns
    -------
    Finding
        `reconciliation`: the largest |Σ F_k(t) + S(t) − 1| over groups and tenures, to twelve
        decimals.

    Raises
    ------
    DataError
        When the curves are of other groups or another start.
    """
    if incidences.curves.table.groups != curves.table.groups or (
        incidences.curves.start != curves.start
    ):
        raise DataError(
            "the curves are of other groups or another start than the shares by cause, must be "
            "the same: pass the same group columns and start to both."
        )
    gaps = [0.0]
    for result, curve in zip(incidences, curves, strict=True):
        both = min(result.curve.longest, curve.longest) - curve.start + 1
        total = result.cumulative_incidence.sum(axis=0)[:both] + curve.retained[:both]
        gaps.append(float(np.abs(total - 1).max()))
    gap = round(max(gaps), 12)
    everybody = term(curves.table.population)
    sentence = tr(
        "At each tenure, those who left by recorded reason and those still there add up to all "
        "{whom}: no difference in twelve decimals.",
        whom=everybody,
    )
    if gap:
        sentence = tr(
            "At each tenure, those who left by recorded reason and those still there add up to all "
            "{whom}: the largest difference is {gap} of them.",
            whom=everybody,
            gap=f"{gap:.1e}",
        )
    n = round(float(curves.table.n.sum()))
    return Finding("reconciliation", gap, gap, gap, n, "share", sentence, as_of=curves.table.as_of)


def _standard_error(
    table: CauseTable, counts: tuple[Counts, Counts, Counts], curves: RetentionCurves
) -> Floats:
    if curves.method != "jackknife":
        return incidence_se(*counts, curves.start)
    return jackknife(
        lambda n, d, each: incidence(n[:, None], d[:, None], each, curves.start),
        table.life.at_risk,
        table.life.churned,
        table.churned,
    ).standard_error


def _one(
    causes: Labels, arrays: tuple[Counts, ...], g: int, curve: RetentionCurve
) -> CumulativeIncidence:
    seen = slice(curve.start, curve.longest + 1)
    share, lower, upper, error, churned = (array[:, g, seen] for array in arrays)
    return CumulativeIncidence(causes, share, lower, upper, error, churned, curve)
