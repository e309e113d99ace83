"""From counts and replicates to standard errors and intervals, for any function of counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

from cxresearch._cells import without_noise
from cxresearch._checks import check_level
from cxresearch.errors import CxError

Floats: TypeAlias = NDArray[np.float64]
Interval: TypeAlias = tuple[Floats, Floats]


@dataclass(frozen=True, eq=False)
class Jackknife:
    """A statistic, its standard error, and its value without each replicate.

    Parameters
    ----------
    estimate
        The statistic on all counts, shape (...).
    standard_error
        Delete-a-group jackknife, shape (...).
    left_out
        The statistic without each replicate, shape (R, ...), so that a later function of
        several statistics keeps their covariance.
    """

    estimate: Floats
    standard_error: Floats
    left_out: Floats


def critical_value(confidence_level: float) -> float:
    """Return the normal quantile of a two-sided interval: 1.96 for 0.95."""
    check_level(confidence_level)
    return float(ndtri(0.5 + confidence_level / 2))


def leave_one_out(counts: NDArray[Any]) -> NDArray[Any]:
    """Return the total and the total without each replicate.

    Parameters
    ----------
    counts
        Counts per replicate, shape (G, R, K).

    Returns
    -------
    ndarray
        Shape (1 + R, G, K); index 0 is the total, index 1 + r leaves replicate r out.
    """
    total = counts.sum(axis=-2, keepdims=True)
    left = without_noise(total - counts, total.max(axis=-1, keepdims=True, initial=0))
    return np.moveaxis(np.concatenate([total, left], axis=-2), -2, 0)


def jackknife(theta: Callable[..., NDArray[Any]], *counts: NDArray[Any]) -> Jackknife:
    """Apply a function of counts to the total and to each leave-one-out total, in one call.

    Parameters
    ----------
    theta
        Function of as many arrays as there are `counts`, each of shape (1 + R, G, K), that
        works along the last axis and leaves the first in place.
    counts
        Counts per replicate, each of shape (G, R, K).

    Raises
    ------
    CxError
        When there are fewer than two replicates.
    """
    replicates = counts[0].shape[-2]
    if replicates < 2:
        raise CxError(
            f"the counts have {replicates} replicate, must have at least 2 for a jackknife: "
            "build the table with a replicate for each customer."
        )
    values = np.asarray(theta(*(leave_one_out(c) for c in counts)), dtype=np.float64)
    return Jackknife(values[0], jackknife_se(values[1:]), values[1:])


def jackknife_se(left_out: NDArray[Any]) -> Floats:
    """Return the standard error from leave-one-out values, shape (R, ...) to (...).

    SE² = (R − 1)/R · Σ (θ₋r − θ̄)², the delete-a-group jackknife (Kott 2001, Journal of
    Official Statistics 17, 521–526; Shao & Tu 1995, The Jackknife and Bootstrap, §2.3).
    """
    replicates = len(left_out)
    deviations = left_out - left_out.mean(axis=0)
    return np.asarray(np.sqrt((replicates - 1) / replicates * (deviations**2).sum(axis=0)))


def normal_interval(
    estimate: ArrayLike, standard_error: ArrayLike, confidence_level: float = 0.95
) -> Interval:
    """Return estimate ± z·SE."""
    middle = np.asarray(estimate, dtype=np.float64)
    half = critical_value(confidence_level) * np.asarray(standard_error, dtype=np.float64)
    return middle - half, middle + half


def log_interval(
    estimate: ArrayLike, standard_error: ArrayLike, confidence_level: float = 0.95
) -> Interval:
    """Return the interval of a positive number that is symmetric on the log scale.

    exp(log θ ± z·SE/θ); at θ = 0 both ends are 0.
    """
    middle = np.asarray(estimate, dtype=np.float64)
    factor = _factor(standard_error, middle, confidence_level)
    return middle / factor, middle * factor


def logit_interval(
    share: ArrayLike, standard_error: ArrayLike, confidence_level: float = 0.95
) -> Interval:
    """Return the interval of a share that is symmetric on the logit scale; 0 and 1 stay."""
    p = np.asarray(share, dtype=np.float64)
    step = _factor(standard_error, p * (1 - p), confidence_level)
    return p / (p + (1 - p) * step), p * step / (1 - p + p * step)


def loglog_interval(
    share: ArrayLike, standard_error: ArrayLike, confidence_level: float = 0.95
) -> Interval:
    """Return the interval of a share that is symmetric in log(−log S); 0 and 1 stay.

    S^exp(±z·se), se = SE(S)/(S·|log S|) (Kalbfleisch & Prentice 2002, The Statistical
    Analysis of Failure Time Data, §1.4), the usual one for a survival curve: it stays
    between 0 and 1 and keeps its coverage with few events.
    """
    p = np.asarray(share, dtype=np.float64)
    inside = np.where((p > 0) & (p < 1), p, 0.5)
    log = np.log(inside)
    step = _factor(standard_error, -inside * log, confidence_level)
    lower, upper = np.exp(log * step), np.exp(log / step)
    edge = (p <= 0) | (p >= 1)
    return np.where(edge, p, lower), np.where(edge, p, upper)


def wilson_interval(
    successes: ArrayLike, trials: ArrayLike, confidence_level: float = 0.95
) -> Interval:
    """Return Wilson's score interval of a proportion; NaN where there were no trials.

    Wilson 1927, JASA 22, 209–212; without continuity correction (method 3 of Newcombe
    1998, Statistics in Medicine 17, 857–872).
    """
    z2 = critical_value(confidence_level) ** 2
    x, n = np.asarray(successes, dtype=np.float64), np.asarray(trials, dtype=np.float64)
    n = np.where(n > 0, n, np.nan)
    middle = (x + z2 / 2) / (n + z2)
    half = np.sqrt(z2 * (x * (n - x) / n + z2 / 4)) / (n + z2)
    # at 0 and n the formula gives 0 and 1 up to rounding: make it exact
    lower = np.where(x == 0, 0 * n, np.maximum(middle - half, 0))
    return lower, np.where(x == n, 1 + 0 * n, np.minimum(middle + half, 1))


def newcombe_difference(
    first: tuple[float, float], second: tuple[float, float], confidence_level: float = 0.95
) -> tuple[float, float, float]:
    """Return p₁ − p₂ with Newcombe's hybrid score interval.

    Parameters
    ----------
    first, second
        (successes, trials) of two independent proportions.
    confidence_level
        Of the interval.

    Returns
    -------
    tuple
        Difference, lower, upper.

    Notes
    -----
    Newcombe 1998, Statistics in Medicine 17, 873–890, method 10.
    """
    (x1, n1), (x2, n2) = first, second
    p1, p2 = (x / n if n > 0 else np.nan for x, n in (first, second))
    low1, high1 = (float(end) for end in wilson_interval(x1, n1, confidence_level))
    low2, high2 = (float(end) for end in wilson_interval(x2, n2, confidence_level))
    below = np.hypot(p1 - low1, high2 - p2)
    above = np.hypot(high1 - p1, p2 - low2)
    return float(p1 - p2), float(p1 - p2 - below), float(p1 - p2 + above)


def exact_edge(trials: ArrayLike, confidence_level: float = 0.95) -> Floats:
    """Return the exact lower limit of a share when all of `trials` succeeded: (α/2)^(1/n).

    The Clopper–Pearson limit (Biometrika 1934, 26, 404–413) at x = n; one minus it is the
    upper limit at x = 0. It is 0 where there were no trials.
    """
    check_level(confidence_level)
    n = np.asarray(trials, dtype=np.float64)
    limit = ((1 - confidence_level) / 2) ** (1 / np.where(n > 0, n, np.inf))
    return np.where(n > 0, limit, 0.0)


def _factor(error: ArrayLike, slope: ArrayLike, confidence_level: float) -> Floats:
    """Return exp(z·error/slope), 1 where the slope is 0: at its bound an estimate has no width."""
    slope = np.asarray(slope, dtype=np.float64)
    exponent = np.asarray(error, dtype=np.float64) / np.where(slope > 0, slope, np.inf)
    # e^300 is already all of the scale; more would overflow
    return np.asarray(np.exp(np.minimum(critical_value(confidence_level) * exponent, 300.0)))
