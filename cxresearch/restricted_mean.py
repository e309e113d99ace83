"""Mean tenure up to a horizon, and its difference between two groups."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from scipy.special import ndtr

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr
from cxresearch._results import Results
from cxresearch._retention_curve import RetentionCurve
from cxresearch.errors import CxError, DataError
from cxresearch.findings import Finding
from cxresearch.product_limit import restricted_area, restricted_area_se
from cxresearch.retention import RetentionCurves, curve_statistic
from cxresearch.uncertainty import normal_interval

FIRST = (
    mark("the first year"),
    mark("the first quarter"),
    mark("the first month"),
    mark("the first week"),
    mark("the first day"),
    mark("the first period"),
)


@dataclass(frozen=True, eq=False)
class RestrictedMean(Table):
    """Mean time as a customer between the start and a horizon.

    Parameters
    ----------
    restricted_mean, restricted_mean_ci_lower, restricted_mean_ci_upper
        In periods, between 0 and horizon − start.
    standard_error
        Of `restricted_mean`, in periods.
    horizon
        Tenure up to which time is counted.
    curve
        The retention curve whose area it is.
    """

    restricted_mean: float
    restricted_mean_ci_lower: float
    restricted_mean_ci_upper: float
    standard_error: float
    horizon: int
    curve: RetentionCurve

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.curve.group

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("restricted_mean", "restricted_mean_ci_lower", "restricted_mean_ci_upper")
        columns: dict[str, Any] = {**self.group, "horizon": self.horizon, "n": self.curve.n}
        return pd.DataFrame([columns | {name: getattr(self, name) for name in names}])

    def sentence(self, lang: str | None = None) -> str:
        """Return the mean with its interval, in words."""
        with speaking(lang):
            curve = self.curve
            period = words.period_word(curve.periods_per_year)
            known = {
                "span": _first(self.horizon, period),
                "whom": f"{term(curve.population)}{words.with_group(curve.group)}",
                "mean": words.quantity(self.restricted_mean, *self._ends(), period),
                "level": words.level_words(curve.confidence_level),
            }
            if curve.start:
                return tr(
                    "Of {span} after reaching {start}, {whom} stay {mean} on average ({level} "
                    "interval).",
                    **known,
                    start=str(curve.start),
                )
            return tr("Of {span}, {whom} stay {mean} on average ({level} interval).", **known)

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `restricted_mean`."""
        group = {"horizon": str(self.horizon), **self.group}
        value = (self.restricted_mean, *self._ends())
        return (_finding("restricted_mean", value, self.sentence(), group, self.curve),)

    def _ends(self) -> tuple[float, float]:
        return self.restricted_mean_ci_lower, self.restricted_mean_ci_upper

    def _distances(self) -> tuple[float, float]:
        lower, upper = self._ends()
        return self.restricted_mean - lower, upper - self.restricted_mean


@dataclass(frozen=True, eq=False)
class RestrictedMeanDifference(Table):
    """Difference of two restricted means, first minus second, in periods.

    Parameters
    ----------
    difference, difference_ci_lower, difference_ci_upper, standard_error
        In periods.
    p_value
        Two-sided, normal; NaN when neither mean has a standard error.
    first, second
        The two restricted means.
    """

    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    standard_error: float
    p_value: float
    first: RestrictedMean
    second: RestrictedMean

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("difference", "difference_ci_lower", "difference_ci_upper", "p_value")
        columns: dict[str, Any] = {
            "first": self.first.curve.label,
            "second": self.second.curve.label,
            "horizon": self.first.horizon,
        }
        return pd.DataFrame([columns | {name: getattr(self, name) for name in names}])

    def sentence(self, lang: str | None = None) -> str:
        """Return the difference in words; "no clear difference" when zero is in the interval."""
        with speaking(lang):
            curve = self.first.curve
            period = words.period_word(curve.periods_per_year)
            names = [words.group_words(mean.group) for mean in (self.first, self.second)]
            known = {
                "span": words.counted(self.first.horizon, period),
                "level": words.level_words(curve.confidence_level),
                "p": words.p_value(self.p_value),
            }
            if self.difference_ci_lower <= 0 <= self.difference_ci_upper:
                return tr(
                    "No clear difference in time stayed between {names} over {span}: {amount} "
                    "({level} interval, {p}).",
                    **known,
                    names=words.and_list(names),
                    amount=words.quantity(*self._values(), period),
                )
            ends = sorted(abs(x) for x in self._values()[1:])
            known |= {"amount": words.quantity(abs(self.difference), ends[0], ends[1], period)}
            known |= {"whom": term(curve.population), "first": names[0], "second": names[1]}
            if self.difference > 0:
                return tr(
                    "Over {span}, {whom} with {first} stay {amount} longer on average than those "
                    "with {second} ({level} interval, {p}).",
                    **known,
                )
            return tr(
                "Over {span}, {whom} with {first} stay {amount} shorter on average than those "
                "with {second} ({level} interval, {p}).",
                **known,
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `restricted_mean_difference`; its group names both sides."""
        sides = {
            f"{column}_{side}": label
            for side, mean in (("first", self.first), ("second", self.second))
            for column, label in mean.group.items()
        }
        group = {"horizon": str(self.first.horizon), **sides}
        curve, n = self.first.curve, self.first.curve.n + self.second.curve.n
        name = "restricted_mean_difference"
        return (_finding(name, self._values(), self.sentence(), group, curve, n=n),)

    def _values(self) -> tuple[float, float, float]:
        return self.difference, self.difference_ci_lower, self.difference_ci_upper


def restricted_means(
    curves: RetentionCurves, horizon: int | None = None
) -> Results[RestrictedMean]:
    """Return the mean time stayed up to a horizon, for each group.

    Parameters
    ----------
    curves
        Result of `retention_curves`; its start, level and method are kept.
    horizon
        Tenure up to which time is counted; the longest that every group was observed to
        when not given.

    Raises
    ------
    CxError
        When the horizon is not above the start, or beyond what a group was observed to.

    Notes
    -----
    Area under the curve with SE² = Σ Aᵢ² dᵢ/(nᵢ(nᵢ − dᵢ)) (Klein & Moeschberger 2003, eq.
    4.5.2; Royston & Parmar 2013, BMC Medical Research Methodology 13, 152) or the jackknife,
    and a normal interval kept within 0 and horizon − start. When nobody has left, or all at
    once, the standard error is 0 and the area under the exact band stands in.
    """
    horizon = curves.common_horizon if horizon is None else horizon
    _check_horizon(curves, horizon)
    table, start = curves.table, curves.start
    if curves.method == "jackknife":
        _, errors = curve_statistic(curves, lambda s: restricted_area(s, horizon, start))
    else:
        counts = (table.at_risk.sum(axis=1), table.churned.sum(axis=1))
        errors = restricted_area_se(*counts, horizon, start)
    pairs = zip(curves, errors, strict=True)
    means = tuple(_mean(curve, horizon, float(se)) for curve, se in pairs)
    return Results(means, curves.not_reported)


def restricted_mean_difference(
    first: RestrictedMean, second: RestrictedMean
) -> RestrictedMeanDifference:
    """Return first − second for two groups of different customers, with interval and p value.

    Raises
    ------
    CxError
        When horizon, start or confidence level differ.
    """
    _check_comparable(first, second)
    difference = first.restricted_mean - second.restricted_mean
    error = math.hypot(first.standard_error, second.standard_error)
    lower, upper = _difference_ends(first, second, difference, error)
    p = 2 * float(ndtr(-abs(difference) / error)) if error > 0 else math.nan
    return RestrictedMeanDifference(difference, lower, upper, error, p, first, second)


def _mean(curve: RetentionCurve, horizon: int, error: float) -> RestrictedMean:
    length = horizon - curve.start
    area = float(curve.retained[:length].sum())
    if error > 0:
        lower, upper = (float(x) for x in normal_interval(area, error, curve.confidence_level))
    else:
        # the first period counts in full; S is at least (at most) its limit at the end
        last = curve.at(horizon - 1)
        ends = (last.ci_lower or 0.0, 1.0 if last.ci_upper is None else last.ci_upper)
        lower, upper = (float(curve.retained[0]) + (length - 1) * end for end in ends)
    return RestrictedMean(
        area, min(max(lower, 0.0), area), max(min(upper, length), area), error, horizon, curve
    )


def _difference_ends(
    first: RestrictedMean, second: RestrictedMean, difference: float, error: float
) -> tuple[float, float]:
    if first.standard_error > 0 and second.standard_error > 0:
        ends = normal_interval(difference, error, first.curve.confidence_level)
        return float(ends[0]), float(ends[1])
    # one side has only an exact interval: join the distances as Newcombe 1998 does
    (low1, high1), (low2, high2) = (mean._distances() for mean in (first, second))
    return difference - math.hypot(low1, high2), difference + math.hypot(high1, low2)


def _check_horizon(curves: RetentionCurves, horizon: int) -> None:
    common = _span(curves.start + 1, curves.common_horizon)
    problems = [
        f"horizon is {horizon!r}, must be {_span(curve.start + 1, curve.longest)} for "
        f"{words.group_words(curve.group) or 'everybody'}, {curve.end_words}: take {common}."
        for curve in curves
        if horizon != int(horizon) or not curve.start < horizon <= curve.longest
    ]
    if problems:
        raise CxError(problems)


def _first(horizon: int, period: str) -> str:
    if horizon == 1:
        return term(f"the first {period}")
    return tr("the first {span}", span=words.counted(horizon, period))


def _span(first: int, last: int) -> str:
    return f"a whole number from {first} to {last}" if first < last else str(last)


def _check_comparable(first: RestrictedMean, second: RestrictedMean) -> None:
    pairs = {
        "horizon": (first.horizon, second.horizon),
        "start": (first.curve.start, second.curve.start),
        "confidence_level": (first.curve.confidence_level, second.curve.confidence_level),
    }
    problems = [
        f"{name} is {a!r} and {b!r}, must be the same for a difference: recompute one of them."
        for name, (a, b) in pairs.items()
        if a != b
    ]
    if problems:
        raise DataError(problems)


def _finding(
    name: str,
    values: tuple[float, float, float],
    sentence: str,
    group: Mapping[str, str],
    curve: RetentionCurve,
    *,
    n: int | None = None,
) -> Finding:
    return Finding(
        name,
        *values,
        curve.n if n is None else n,
        f"{words.period_word(curve.periods_per_year)}s",
        sentence,
        group,
        confidence_level=curve.confidence_level,
        as_of=curve.as_of,
    )
