"""From counts of answers to intervals of their scores: adjusted Wald, Wilson, and clustering."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from cxresearch.score_table import ScoreTable
from cxresearch.scores._score_measures import Measure
from cxresearch.uncertainty import Floats, Interval, critical_value, wilson_interval

# three answers are added: 3/4 promoters, 3/4 detractors, 1 1/2 passives
ADDED, ADDED_EACH = 3.0, 0.75


@dataclass(frozen=True, eq=False)
class Estimates:
    """Scores of G groups before they are put into words; 0–1 scale.

    Parameters
    ----------
    high, low
        Shares of answers with value 1 and −1, shape (G,).
    answers, effective_n
        Answers, and how many independent ones they are worth, shape (G,).
    freedom
        Degrees of freedom of `effective_n`, shape (G,); infinite where nobody answered twice.
    residuals
        Sum of value − score over the answers of each replicate, divided by the answers: shape
        (G, R). Products of two groups' residuals sum to the covariance of their scores.
    """

    high: Floats
    low: Floats
    answers: Floats
    effective_n: Floats
    freedom: Floats
    residuals: Floats

    @property
    def score(self) -> Floats:
        """Share of 1 less share of −1, shape (G,)."""
        return self.high - self.low

    @property
    def variance(self) -> Floats:
        """Variance of one answer, shape (G,): p + d − (p − d)²."""
        return spread(self.high, self.low)

    def worth(self, level: float) -> Floats:
        """Return `effective_n` less what is due to its own uncertainty, shape (G,).

        (z/t)² times as many, t with `freedom` degrees (Korn & Graubard 1998, Survey Methodology
        24, 193–201).
        """
        z = critical_value(level)
        known = np.where(np.isfinite(self.freedom), self.freedom, 1.0)
        student = np.where(np.isfinite(self.freedom), stdtrit(known, 0.5 + level / 2), z)
        return np.asarray(self.effective_n * (z / student) ** 2)

    @property
    def design_effect(self) -> Floats:
        """How many times larger the variance is for answers of the same customers, shape (G,)."""
        return self.answers / self.effective_n


def estimates(table: ScoreTable, measure: Measure) -> Estimates:
    """Return scores and effective numbers of answers of every group that has answers.

    Notes
    -----
    Where customers answered more than once, the variance of the mean is that of totals per
    replicate, Σ (S_r − x̄ n_r)²/n², the linear form of the delete-a-group jackknife (Kott 2001);
    its ratio to the variance of independent answers is the design effect (Kish 1965, Survey
    Sampling, §8.2), never taken below 1.
    """
    answers = np.asarray(table.answers, dtype=np.float64)
    n = answers.sum(axis=(1, 2))
    share = answers.sum(axis=1) / np.where(n > 0, n, np.nan)[:, None]
    high, low = share @ (measure.values > 0), share @ (measure.values < 0)
    per_replicate = answers.sum(axis=-1)
    totals = answers @ measure.values - (high - low)[:, None] * per_replicate
    clusters = (per_replicate > 0).sum(axis=1)
    effect = _design_effect(totals, spread(high, low), n, clusters)
    # all alike, or all in one replicate: nothing shows how alike a customer's own answers are, so
    # each customer counts once
    known = (spread(high, low) > 0) & (clusters > 1)
    alone = np.where(known, n / effect, table.n)
    effective = np.where(table.repeated, alone, n)
    freedom = np.where(table.repeated & known, clusters - 1.0, np.inf)
    residuals = totals / np.where(n > 0, n, np.nan)[:, None]
    return Estimates(high, low, n, effective, freedom, residuals)


def spread(high: ArrayLike, low: ArrayLike) -> Floats:
    """Return the variance of a value that is 1, 0 or −1: p + d − (p − d)²."""
    p, d = np.asarray(high, dtype=np.float64), np.asarray(low, dtype=np.float64)
    # rounding may leave -1e-17 where all answers are alike
    return np.asarray(np.maximum(p + d - (p - d) ** 2, 0.0))


def adjusted(high: ArrayLike, low: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    """Return the score with three answers added, and its variance.

    Notes
    -----
    Add ¾ promoters, ¾ detractors and 1½ passives (Rocks 2016, The American Statistician 70,
    365–372, for a 95 % interval).
    """
    p, d, n = (np.asarray(x, dtype=np.float64) for x in (high, low, n))
    p, d = ((x * n + ADDED_EACH) / (n + ADDED) for x in (p, d))
    return p - d, spread(p, d) / (n + ADDED)


def adjusted_wald(high: ArrayLike, low: ArrayLike, n: ArrayLike, level: float) -> Interval:
    """Return the adjusted Wald interval of a score, −1 to 1; it always holds the score itself.

    Notes
    -----
    Rocks 2016, as in `adjusted`; the interval is around the adjusted score, so the score itself
    is not in its middle.
    """
    score = np.asarray(high, dtype=np.float64) - np.asarray(low, dtype=np.float64)
    middle, variance = adjusted(high, low, n)
    half = critical_value(level) * np.sqrt(variance)
    lower, upper = np.maximum(middle - half, -1), np.minimum(middle + half, 1)
    return np.minimum(lower, score), np.maximum(upper, score)


def score_interval(found: Estimates, measure: Measure, level: float) -> Interval:
    """Return the interval of each group's score, shape (G,): adjusted Wald or Wilson."""
    if (measure.values < 0).any():
        return adjusted_wald(found.high, found.low, found.worth(level), level)
    return wilson_interval(found.high * found.worth(level), found.worth(level), level)


def correlation(found: Estimates, i: int, j: int) -> float:
    """Return the correlation of two groups' scores, from customers who are in both.

    0 where there is one replicate only, as in a table from a paper.
    """
    a, b = found.residuals[i], found.residuals[j]
    size = np.sqrt((a @ a) * (b @ b))
    return float(a @ b / size) if len(a) > 1 and size > 0 else 0.0


def _design_effect(
    totals: Floats, variance: Floats, n: Floats, clusters: NDArray[np.int64]
) -> Floats:
    """Return the ratio of variances, exactly 1 where every answer is a replicate of its own."""
    independent = np.where(variance > 0, n * variance, np.nan)
    ratio = (totals**2).sum(axis=1) / independent
    few = clusters / np.maximum(clusters - 1, 1) * (n - 1) / np.where(n > 0, n, np.nan)
    return np.asarray(np.fmax(ratio * few, 1.0))


def hajek(table: ScoreTable, measure: Measure, weights: Floats) -> Estimates:
    """Return the score of all groups together when a group's answers carry its weight, G = 1.

    Notes
    -----
    Hájek mean x̄ = Σwx/Σw with the linearised variance Σw²(x − x̄)²/(Σw)² (Särndal, Swensson &
    Wretman 1992, Model Assisted Survey Sampling, §5.7); with repeated answers the squares are of
    totals per replicate. Effective answers are those that would have the same variance without
    weights, or those of `kish` where all answers are alike.
    """
    answers = np.asarray(table.answers, dtype=np.float64)
    weighted = (weights[:, None, None] * answers).sum(axis=0)
    total = weighted.sum()
    share = weighted.sum(axis=0) / total
    high, low = float(share @ (measure.values > 0)), float(share @ (measure.values < 0))
    away = measure.values - (high - low)
    residuals = weighted @ away / total
    each = (weights[:, None, None] ** 2 * answers).sum(axis=(0, 1)) @ away**2 / total**2
    repeated = bool(table.repeated.any())
    variance = max(each, residuals @ residuals) if repeated else each
    alike = kish(weights, table.n_answers)
    effective = float(spread(high, low)) / variance if variance > 0 else alike
    freedom = float((weighted.sum(axis=1) > 0).sum() - 1) if repeated else np.inf
    return Estimates(
        np.array([high]),
        np.array([low]),
        np.array([answers.sum()]),
        np.array([effective]),
        np.array([max(freedom, 1.0)]),
        residuals[None],
    )


def kish(weights: Floats, answers: Floats) -> float:
    """Return (Σw)²/Σw²: how many answers with equal weights these are worth (Kish 1965, §11.7)."""
    return float((weights @ answers) ** 2 / (weights**2 @ answers))
