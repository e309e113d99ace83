"""The Aalen–Johansen estimator on counts: arrays in, arrays out, along the last axis.

The product-limit estimator (`product_limit`) splits those who left by cause. `at_risk` and
`churned` are those of all causes together, `of_cause` those who left with one cause or several;
the arrays broadcast, so that one call serves all causes, groups and leave-one-out values.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cxresearch.product_limit import greenwood_se, greenwood_terms, retained_band, retained_share
from cxresearch.uncertainty import Floats, Interval, exact_edge, logit_interval

Counts: TypeAlias = NDArray[Any]

EDGE = 1e-12  # a share this close to 0 or 1 has reached it


def incidence(at_risk: Counts, churned: Counts, of_cause: Counts, start: int = 0) -> Floats:
    """Return F(t) = Σ S(u − 1) d_k(u)/n(u) over tenures u up to t, shape (..., T + 1).

    The share of those who reached `start` that has left with the cause by tenure t (Aalen &
    Johansen 1978, Scandinavian Journal of Statistics 5, 141–150; Kalbfleisch & Prentice 2002,
    The Statistical Analysis of Failure Time Data, eq. 8.13), exact with ties and late entry.
    Over all causes it adds up to 1 − S(t).
    """
    before, hazard = _parts(at_risk, churned, of_cause, start)
    return np.asarray(np.cumsum(before * hazard, axis=-1), dtype=np.float64)


def incidence_se(at_risk: Counts, churned: Counts, of_cause: Counts, start: int = 0) -> Floats:
    """Return the standard error of F(t), shape (..., T + 1).

    SE²(t) = Σ (F(t) − F(u))² d/(n(n − d)) + S(u − 1)² d_k(n − d_k)/n³
    − 2 (F(t) − F(u)) S(u − 1) d_k/n² over u up to t: the delta method on the hazards, which
    are multinomial at each tenure (Gaynor et al. 1993, JASA 88, 400–409; Marubini &
    Valsecchi 1995, Analysing Survival Data, eq. 10.12). Greenwood's with one cause, and
    √(F(1 − F)/N) without censoring.
    """
    before, hazard = _parts(at_risk, churned, of_cause, start)
    share = np.cumsum(before * hazard, axis=-1)
    left = greenwood_terms(at_risk, churned, start)
    each = np.where(at_risk > 0, at_risk, np.inf)
    mixed = before * hazard / each
    # the square is multiplied out, so that running sums do for all t at once
    square = share**2 * _sum(left) - 2 * share * _sum(left * share) + _sum(left * share**2)
    variance = square + _sum(before * mixed * (1 - hazard))
    variance -= 2 * (share * _sum(mixed) - _sum(mixed * share))
    return np.asarray(np.sqrt(np.maximum(variance, 0)))


def incidence_band(
    counts: tuple[Counts, Counts, Counts], standard_error: Floats, level: float, start: int = 0
) -> Interval:
    """Return the pointwise interval of F(t), two arrays of shape (..., T + 1).

    `counts` are `at_risk`, `churned` and `of_cause`. Symmetric on the logit scale, which kept
    its level best of four scales in simulation, and at the edges exact:

    - nobody has left with the cause yet: lower 0, upper the largest S(u − 1)(1 − (α/2)^(1/n))
      so far, n at risk at u. Without other causes this is the limit of the retention curve,
      without censoring that of Clopper & Pearson (1934); up to `start` it is 0;
    - everybody has left with it: one minus the interval of S(t).
    """
    share = incidence(*counts, start)
    lower, upper = logit_interval(share, standard_error, level)
    before, _ = _parts(*counts, start)
    at_risk, churned, _ = counts
    limit = np.maximum.accumulate(before * (1 - exact_edge(at_risk, level)), axis=-1)
    limit[..., : start + 1] = 0
    _, still = retained_band(at_risk, churned, greenwood_se(at_risk, churned, start), level, start)
    none, everybody = share <= 0, share >= 1 - EDGE
    lower = np.where(everybody, 1 - still, np.where(none, 0.0, lower))
    return lower, np.where(everybody, 1.0, np.where(none, limit, upper))


def cause_share(
    at_risk: Counts, churned: Counts, of_cause: Counts, of_others: Counts, *, start: int = 0
) -> Floats:
    """Return p(t) = F₁(t)/(F₁(t) + F₂(t)), shape (..., T + 1); NaN before anybody has left.

    Of those who left by t with the one cause or the others, the share of the one.
    """
    one, two = (incidence(at_risk, churned, x, start) for x in (of_cause, of_others))
    total = one + two
    return np.asarray(np.divide(one, total, out=np.full(total.shape, np.nan), where=total > 0))


def cause_share_se(
    at_risk: Counts, churned: Counts, of_cause: Counts, of_others: Counts, *, start: int = 0
) -> Floats:
    """Return the standard error of `cause_share`, shape (..., T + 1); 0 before anybody has left.

    The delta method on log F₁ − log F₂. F₁ + F₂ is the incidence of both together, so its
    variance gives the covariance; without censoring SE² is p(1 − p) over those who left.
    """
    counts = (of_cause, of_others, of_cause + of_others)
    one, two, total = (incidence(at_risk, churned, x, start) for x in counts)
    v1, v2, both = (incidence_se(at_risk, churned, x, start) ** 2 for x in counts)
    # multiplied out by p(1 − p), so that either may be 0
    variance = two**2 * v1 + one**2 * v2 - one * two * (both - v1 - v2)
    error = np.sqrt(np.maximum(variance, 0))
    return np.divide(error, total**2, out=np.zeros(total.shape), where=total > 0)


def _parts(at_risk: Counts, churned: Counts, of_cause: Counts, start: int) -> tuple[Floats, Floats]:
    """Return the share still there before each tenure, 0 up to `start`, and the hazard."""
    share = retained_share(at_risk, churned, start)
    before = np.concatenate([np.ones_like(share[..., :1]), share[..., :-1]], axis=-1)
    if start > 0:
        before[..., : start + 1] = 0
    shape = np.broadcast_shapes(at_risk.shape, of_cause.shape)
    hazard = np.divide(of_cause, at_risk, out=np.zeros(shape), where=at_risk > 0)
    return before, hazard


def _sum(values: Floats) -> Floats:
    return np.asarray(np.cumsum(values, axis=-1))
