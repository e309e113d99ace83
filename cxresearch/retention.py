"""Retention curves by group: what share of the customers is still there at each tenure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Counts, Labels
from cxresearch._html import Table, html_table
from cxresearch._language import speaking
from cxresearch._results import too_small, too_thin
from cxresearch._retention_curve import RetentionCurve
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.product_limit import (
    curve_end,
    first_below,
    greenwood_se,
    last_observed,
    retained_band,
    retained_share,
    safe_start,
)
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, jackknife

MIN_GROUP = 30  # customers; smaller groups are only counted
METHODS = ("greenwood", "jackknife")


@dataclass(frozen=True, eq=False)
class RetentionCurves(Table):
    """Retention curves of all groups that are large enough, and how many are not.

    Parameters
    ----------
    curves
        One `RetentionCurve` per reported group.
    table
        The counts they come from, reported groups only, in the same order.
    not_reported
        Findings without a number: how many groups have no curve, and why. They name none.
    start
        Tenure that everything is conditional on; 0 for from the beginning.
    min_group
        Customers a group needs to be reported.
    method
        Standard error: "greenwood" or "jackknife".
    """

    curves: tuple[RetentionCurve, ...]
    table: LifeTable
    not_reported: tuple[Finding, ...]
    start: int
    min_group: int
    confidence_level: float
    method: str

    def __iter__(self) -> Iterator[RetentionCurve]:
        return iter(self.curves)

    def __len__(self) -> int:
        return len(self.curves)

    def __getitem__(self, key: int | str | Labels) -> RetentionCurve:
        """Return a curve by position, by label, or by the labels of several columns."""
        if isinstance(key, int):
            return self.curves[key]
        labels = (key,) if isinstance(key, str) else key
        if labels not in self.table.groups:
            known = words.and_list("/".join(group) for group in self.table.groups) or "none"
            raise DataError(f"group {key!r} has no curve, must be one of {known}: choose one.")
        return self.curves[self.table.groups.index(labels)]

    @property
    def common_horizon(self) -> int:
        """Longest tenure that every curve reaches, above `start`; `start` without curves."""
        return min((curve.longest for curve in self.curves), default=self.start)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and tenure."""
        frames = [curve.to_frame() for curve in self.curves]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def summary(self, tenures: Sequence[int] | None = None) -> pd.DataFrame:
        """Return one row per group and chosen tenure (each year by default)."""
        frames = [curve.summary(tenures) for curve in self.curves]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def _repr_html_(self) -> str:
        return html_table(self.summary())

    def sentence(self, lang: str | None = None) -> str:
        """Return the sentences of each group, and how many are not reported."""
        with speaking(lang):
            said = [curve.sentence() for curve in self.curves]
            return words.sentences([*said, *(f.sentence for f in self.not_reported)])

    def findings(self, tenures: Sequence[int] | None = None) -> tuple[Finding, ...]:
        """Return `retained` at each tenure and `median_tenure` for each group.

        Groups without a curve are counted in a finding `not_reported` without a value.
        """
        found = [finding for curve in self.curves for finding in curve.findings(tenures)]
        return (*found, *self.not_reported)


def retention_curves(
    table: LifeTable,
    *,
    start: int = 0,
    min_group: int = MIN_GROUP,
    min_at_risk: int = 0,
    confidence_level: float = 0.95,
    method: str | None = None,
) -> RetentionCurves:
    """Estimate the product-limit curve of each group, with a pointwise log-log interval.

    Parameters
    ----------
    table
        Counts by group and tenure.
    start
        Tenure to condition on: the share of those who reached it. With late entry take
        `first_safe_tenure(table)`.
    min_group
        Customers at risk after `start` that a group needs; smaller ones are only counted.
    min_at_risk
        A curve ends before the first tenure after `start` with fewer customers at risk: its far
        end would otherwise rest on a handful of people, one of whom can take it to 0. A group
        with fewer right after `start` has no curve and is counted as not reported.
    confidence_level
        Of the intervals.
    method
        "greenwood" (default for counts) or "jackknife" over the replicates (default for
        weighted counts, whose Greenwood intervals would be too narrow).

    Raises
    ------
    DataError
        When an argument breaks its rule or, with a `min_at_risk` of 0, a group has a gap with
        nobody at risk, through which no curve can be drawn.
    """
    method = method or ("jackknife" if table.weighted else "greenwood")
    _check_arguments(table, start, method)
    large, small = table.split_small(max(min_group, 1), _reached(table, start))
    if min_at_risk < 1:
        _check_gaps(large, start)
    steps = curve_end(large.at_risk.sum(axis=1), start, min_at_risk) - start
    reported, thin = large.split_small(1, steps)
    out = too_small(table, small, max(min_group, 1))
    period = words.period_word(table.periods_per_year)
    out += too_thin(table, len(thin), max(min_at_risk, 1), start, period)
    curves = _estimate(reported, (start, min_at_risk), confidence_level, method)
    return RetentionCurves(curves, reported, out, start, min_group, confidence_level, method)


def first_safe_tenure(table: LifeTable, min_at_risk: int = MIN_GROUP) -> int:
    """Propose a `start`: from it on every group keeps `min_at_risk` until its largest risk set.

    0 when customers are observed from the beginning. Groups that never reach `min_at_risk`
    have no say. Where that start would leave a group without a curve and another one would
    not, it is the start from which all groups keep `min_at_risk` longest.
    """
    at_risk = table.at_risk.sum(axis=1)
    large = at_risk[at_risk[:, 1:].max(axis=-1, initial=0) >= min_at_risk]
    start = int(safe_start(large, min_at_risk).max(initial=0))
    lengths = [
        int((curve_end(large, t, min_at_risk) - t).min(initial=len(table.axis))) for t in table.axis
    ]
    return start if lengths[start] or not any(lengths) else int(np.argmax(lengths))


def curve_statistic(curves: RetentionCurves, theta: Callable[[Floats], Floats]) -> tuple[Any, Any]:
    """Return a function of S(t) and its jackknife standard error, each of shape (G, ...).

    `theta` takes curves of shape (1 + R, G, T + 1) and works along the last axis.
    """
    result = jackknife(
        lambda at_risk, churned: theta(retained_share(at_risk, churned, curves.start)),
        curves.table.at_risk,
        curves.table.churned,
    )
    return result.estimate, result.standard_error


def _estimate(
    table: LifeTable, limits: tuple[int, int], level: float, method: str
) -> tuple[RetentionCurve, ...]:
    start, min_at_risk = limits
    at_risk, churned, censored = (
        table.counts(name).sum(axis=1) for name in ("at_risk", "churned", "censored")
    )
    share = retained_share(at_risk, churned, start)
    error = greenwood_se(at_risk, churned, start)
    if method == "jackknife":
        error = jackknife(
            lambda n, d: retained_share(n, d, start), table.at_risk, table.churned
        ).standard_error
    lower, upper = retained_band(at_risk, churned, error, level, start)
    medians = np.stack([first_below(x) for x in (share, lower, upper)], axis=-1)
    n, seen_last = _reached(table, start), last_observed(at_risk)
    last = curve_end(at_risk, start, min_at_risk)

    def curve(g: int) -> RetentionCurve:
        seen = slice(start, int(last[g]) + 1)
        return RetentionCurve(
            tenure=np.arange(start, int(last[g]) + 1),
            retained=share[g, seen],
            retained_ci_lower=lower[g, seen],
            retained_ci_upper=upper[g, seen],
            standard_error=error[g, seen],
            at_risk=at_risk[g, seen],
            churned=churned[g, seen],
            censored=censored[g, seen],
            median=_observed(medians[g], int(last[g])),
            group=table.labels(g),
            n=round(float(n[g])),
            confidence_level=level,
            as_of=table.as_of,
            population=table.population,
            periods_per_year=table.periods_per_year,
            cut_below=min_at_risk if last[g] < seen_last[g] else 0,
            refills=bool((at_risk[g, last[g] + 1 :] >= max(min_at_risk, 1)).any()),
        )

    return tuple(curve(g) for g in range(len(table.groups)))


def _observed(medians: Counts, last: int) -> tuple[float, float, float]:
    # the padding beyond the longest tenure repeats the last value and can reach nothing new
    median, lower, upper = (float(m) if m <= last else float("nan") for m in medians)
    return median, lower, upper


def _reached(table: LifeTable, start: int) -> Counts:
    """Return the customers seen at risk after `start`, shape (G,); everybody when it is 0."""
    if start == 0:
        return table.n
    left = (table.churned + table.censored)[..., : start + 1]
    return np.asarray(table.n - left.sum(axis=(1, 2)))


def _check_arguments(table: LifeTable, start: int, method: str) -> None:
    problems = []
    if method not in METHODS:
        problems.append(f"method is {method!r}, must be one of {', '.join(METHODS)}: choose one.")
    if not 0 <= start <= table.axis[-1]:
        problems.append(
            f"start is {start!r}, must be from 0 to {table.axis[-1]}, the longest tenure observed: "
            "take first_safe_tenure(table)."
        )
    if problems:
        raise DataError(problems)


def _check_gaps(table: LifeTable, start: int) -> None:
    at_risk = table.at_risk.sum(axis=1)
    tenure = np.arange(at_risk.shape[-1])
    inside = (tenure > start) & (tenure < last_observed(at_risk)[:, None])
    gaps = inside & (at_risk <= 0)
    problems = [
        f"{words.group_words(table.labels(int(g))) or 'the table'} has nobody at risk at tenure "
        f"{gaps[g].argmax()}, must have somebody at each tenure up to the longest: "
        f"pass start={(gaps[g] * tenure).max()} to look at those who reached it."
        for g in np.flatnonzero(gaps.any(axis=-1))
    ]
    if problems:
        raise DataError(problems)
