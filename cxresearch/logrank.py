"""Log-rank test: whether the retention curves of several groups differ at all."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from cxresearch import _format as words
from cxresearch._grouped import Counts
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.retention import RetentionCurves
from cxresearch.uncertainty import Floats

MAX_NAMED = 3  # more groups than this are counted in a sentence rather than listed


@dataclass(frozen=True, eq=False)
class LogRankTest(Table):
    """Log-rank test of k groups.

    Parameters
    ----------
    statistic, degrees_of_freedom, p_value
        Chi-square statistic with k − 1 degrees of freedom; NaN when the groups cannot be
        compared (then `apart` names those that cannot).
    observed, expected
        Customers who left, and how many would have if all groups had the same curve,
        shape (k,).
    groups
        Names of the groups.
    apart
        Groups that never share a tenure at which somebody leaves with the first group.
    """

    statistic: float
    degrees_of_freedom: int
    p_value: float
    observed: Floats
    expected: Floats
    groups: tuple[str, ...]
    apart: tuple[str, ...]
    n: int
    confidence_level: float
    as_of: str | None

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group: customers who left, and how many were expected to."""
        columns = {"group": self.groups, "churned": self.observed, "expected": self.expected}
        return pd.DataFrame(columns)

    def sentence(self, lang: str | None = None) -> str:
        """Return the result in words; "no clear difference" when p is above 1 − level."""
        with speaking(lang):
            few = len(self.groups) <= MAX_NAMED
            names = words.and_list(self.groups)
            if not few:
                names = tr("the {n} groups", n=len(self.groups))
            if math.isnan(self.p_value):
                return tr(
                    "The retention curves of {names} cannot be compared: no customer left at a "
                    "tenure that {apart} share.",
                    names=names,
                    apart=words.and_list((self.groups[0], *self.apart)),
                )
            p = words.p_value(self.p_value)
            if self.p_value > 1 - self.confidence_level:
                return tr(
                    "No clear difference between the retention curves of {names} (log-rank {p}).",
                    names=names,
                    p=p,
                )
            return tr("The retention curves of {names} differ (log-rank {p}).", names=names, p=p)

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `logrank_p_value`."""
        value = None if math.isnan(self.p_value) else self.p_value
        return (
            Finding(
                "logrank_p_value",
                value,
                None,
                None,
                self.n,
                "p-value",
                self.sentence(),
                confidence_level=self.confidence_level,
                as_of=self.as_of,
            ),
        )


def logrank_test(curves: RetentionCurves) -> LogRankTest:
    """Test whether all groups have the same retention curve, with late entry.

    Parameters
    ----------
    curves
        Result of `retention_curves` with at least two groups; its start is kept.

    Raises
    ------
    DataError
        With fewer than two groups, or with weighted counts, for which the hypergeometric
        variance does not hold.

    Notes
    -----
    Mantel 1966, Cancer Chemotherapy Reports 50, 163–170; with n counting entry < t <= exit,
    Klein & Moeschberger 2003, §7.3 (eqs. 7.3.3–7.3.5). One group is left out, so that the
    covariance has full rank whenever risk sets overlap.
    """
    _check_groups(curves)
    first = curves.start + 1 if curves.start else 0
    at_risk, churned = (
        curves.table.counts(name).sum(axis=1)[:, first:] for name in ("at_risk", "churned")
    )
    names = tuple(words.group_words(curve.group) for curve in curves)
    expected, covariance = _moments(at_risk, churned)
    apart = tuple(names[g] for g in _apart(at_risk, churned))
    observed = churned.sum(axis=-1).astype(np.float64)
    statistic = math.nan if apart else _quadratic(observed - expected, covariance)
    return LogRankTest(
        statistic=statistic,
        degrees_of_freedom=len(curves) - 1,
        p_value=float(chdtrc(len(curves) - 1, statistic)),
        observed=observed,
        expected=expected,
        groups=names,
        apart=apart,
        n=sum(curve.n for curve in curves),
        confidence_level=curves.confidence_level,
        as_of=curves.table.as_of,
    )


def _moments(at_risk: Counts, churned: Counts) -> tuple[Floats, Floats]:
    """Return expected churn (k,) and its covariance (k, k), from arrays of shape (k, T)."""
    n, d = at_risk.sum(axis=0), churned.sum(axis=0)
    share = at_risk / np.maximum(n, 1)
    factor = d * (n - d) / np.maximum(n - 1, 1)
    covariance = np.diag(share @ factor) - (share * factor) @ share.T
    return share @ d, covariance


def _quadratic(deviation: Floats, covariance: Floats) -> float:
    kept, block = deviation[:-1], covariance[:-1, :-1]
    return float(kept @ np.linalg.solve(block, kept))


def _apart(at_risk: Counts, churned: Counts) -> list[int]:
    """Return the groups that no chain of shared, informative tenures joins to the first."""
    n, d = at_risk.sum(axis=0), churned.sum(axis=0)
    present = (at_risk > 0) & (d > 0) & (d < n)
    shared = (present.astype(int) @ present.T.astype(int)) > 0
    reached = np.zeros(len(at_risk), dtype=bool)
    reached[0] = True
    for _ in range(len(at_risk)):
        reached |= shared[reached].any(axis=0)
    return list(np.flatnonzero(~reached))


def _check_groups(curves: RetentionCurves) -> None:
    problems = []
    if len(curves) < 2:
        problems.append(
            f"the curves have {len(curves)} {words.plural('group', len(curves))}, must have at "
            "least 2 for a test: "
            "group the life table by a column."
        )
    if curves.table.weighted:
        problems.append(
            "the counts are weighted, must be whole customers for a log-rank test: "
            "compare restricted means instead, whose jackknife keeps the weights."
        )
    if problems:
        raise DataError(problems)
