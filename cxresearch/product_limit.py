"""The product-limit estimator on counts: arrays in, arrays out, along the last axis.

Everything works on any leading axes (groups, replicates), so that one call serves the
estimate and all its leave-one-out values. Tenure t is index t. A `start` above 0 makes every
quantity conditional on having stayed up to that tenure.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cxresearch.uncertainty import Floats, Interval, exact_edge, loglog_interval

Counts: TypeAlias = NDArray[Any]

HALF = 1e-12  # a share computed as 0.5000000000000001 has reached one half
ALL = 1e-12  # sums of weights that differ by less are the same: everybody left


def retained_share(at_risk: Counts, churned: Counts, start: int = 0) -> Floats:
    """Return S(t) = Π (1 − d/n) over tenures up to t, shape (..., T + 1).

    Kaplan & Meier 1958, JASA 53, 457–481, eq. 2b; with late entry n counts entry < t <= exit
    (Turnbull 1974, JASA 69, 169–173). A tenure with nobody at risk leaves S as it is.
    """
    hazard = np.divide(churned, at_risk, out=np.zeros(at_risk.shape), where=at_risk > 0)
    hazard[hazard > 1 - ALL] = 1
    return np.asarray(np.cumprod(1 - _after(hazard, start), axis=-1), dtype=np.float64)


def greenwood_terms(at_risk: Counts, churned: Counts, start: int = 0) -> Floats:
    """Return d/(n(n − d)) per tenure, shape (..., T + 1); 0 where everybody at risk left.

    Where everybody left S is 0, and what it multiplies is 0 as well.
    """
    stayed = at_risk - churned
    some = stayed > ALL * at_risk
    terms = np.divide(churned, at_risk * stayed, out=np.zeros(at_risk.shape), where=some)
    return _after(terms, start)


def greenwood_se(at_risk: Counts, churned: Counts, start: int = 0) -> Floats:
    """Return Greenwood's standard error of S(t), shape (..., T + 1).

    Greenwood 1926, Reports on Public Health and Medical Subjects 33; Kaplan & Meier 1958,
    eq. 2f.
    """
    share = retained_share(at_risk, churned, start)
    total = np.cumsum(greenwood_terms(at_risk, churned, start), axis=-1)
    return np.asarray(share * np.sqrt(total))


def retained_band(
    at_risk: Counts, churned: Counts, standard_error: Floats, level: float, start: int = 0
) -> Interval:
    """Return the pointwise interval of S(t), two arrays of shape (..., T + 1).

    Log-log between the edges. Where the standard error says nothing, at S = 1 and S = 0, an
    exact binomial limit stands in, so that an interval is never missing:

    - nobody has left yet: upper 1, lower (α/2)^(1/n) with n the smallest number at risk so
      far (Clopper & Pearson 1934); at `start` itself S is 1 by definition;
    - everybody has left: lower 0, upper the limit just before, times 1 − (α/2)^(1/n) with n
      at risk in the last step. With one step this is Clopper & Pearson again; with more it
      is on the safe side.
    """
    share = retained_share(at_risk, churned, start)
    lower, upper = loglog_interval(share, standard_error, level)
    lower = np.where(share >= 1, _no_churn_limit(at_risk, level, start), lower)
    gone = share <= 0
    first_gone = gone & ~np.roll(gone, 1, axis=-1)
    first_gone[..., 0] = gone[..., 0]
    before = np.concatenate([np.ones_like(upper[..., :1]), upper[..., :-1]], axis=-1)
    limit = np.where(first_gone, before * (1 - exact_edge(at_risk, level)), 0).sum(-1)
    return lower, np.where(gone, limit[..., None], upper)


def first_below(share: Floats, threshold: float = 0.5) -> Floats:
    """Return the first index where the share is at or below the threshold, NaN if nowhere.

    Applied to S it gives the median tenure; applied to both ends of the band it gives its
    interval (Brookmeyer & Crowley 1982, Biometrics 38, 29–41).
    """
    reached = share <= threshold + HALF
    return np.where(reached.any(-1), reached.argmax(-1), np.nan)


def restricted_area(share: Floats, horizon: int, start: int = 0) -> Floats:
    """Return ∫ S(t) dt from `start` to `horizon`: the restricted mean, shape (...)."""
    return np.asarray(share[..., start:horizon].sum(axis=-1))


def restricted_area_se(at_risk: Counts, churned: Counts, horizon: int, start: int = 0) -> Floats:
    """Return the standard error of the restricted mean, shape (...).

    SE² = Σ Aᵢ² dᵢ/(nᵢ(nᵢ − dᵢ)), Aᵢ = ∫ S from tᵢ to the horizon (Klein & Moeschberger 2003,
    Survival Analysis, eq. 4.5.2; R survival and survRM2).
    """
    share = retained_share(at_risk, churned, start)[..., :horizon]
    area = np.cumsum(share[..., ::-1], axis=-1)[..., ::-1]
    terms = greenwood_terms(at_risk, churned, start)[..., :horizon]
    return np.asarray(np.sqrt((area**2 * terms).sum(axis=-1)))


def last_observed(at_risk: Counts) -> NDArray[np.int64]:
    """Return the longest tenure with customers at risk, shape (...); 0 if nobody ever."""
    seen = at_risk > 0
    last = at_risk.shape[-1] - 1 - seen[..., ::-1].argmax(axis=-1)
    return np.where(seen.any(axis=-1), last, 0)


def curve_end(at_risk: Counts, start: int, at_least: float = 0) -> NDArray[np.int64]:
    """Return the tenure before the first one after `start` with too few at risk, shape (...).

    Too few is fewer than `at_least`, or nobody. It is `start` itself where nothing follows it.
    """
    enough = (at_risk > 0) & (at_risk >= at_least)
    unbroken = np.logical_and.accumulate(enough[..., start + 1 :], axis=-1)
    return np.asarray(start + unbroken.sum(axis=-1), dtype=np.int64)


def safe_start(at_risk: Counts, min_at_risk: int) -> NDArray[np.int64]:
    """Return the tenure after which at least `min_at_risk` are at risk until the peak, shape (...).

    With late entry the first risk sets are thin, and one early churn among few would pull the
    whole curve down. 0 when everybody is observed from the start.
    """
    tenure = np.arange(at_risk.shape[-1])
    peak = at_risk[..., 1:].argmax(axis=-1) + 1 if at_risk.shape[-1] > 1 else 0
    thin = (at_risk < min_at_risk) & (tenure > 0) & (tenure <= np.asarray(peak)[..., None])
    return np.asarray((thin * tenure).max(axis=-1))


def _after(values: Floats, start: int) -> Floats:
    """Set everything up to `start` to 0; a start of 0 keeps what happens at tenure 0."""
    if start > 0:
        values = values.copy()
        values[..., : start + 1] = 0
    return values


def _no_churn_limit(at_risk: Counts, level: float, start: int) -> Floats:
    smallest = np.minimum.accumulate(at_risk[..., start + 1 :], axis=-1)
    certain = np.ones((*at_risk.shape[:-1], min(start + 1, at_risk.shape[-1])))
    return np.concatenate([certain, exact_edge(smallest, level)], axis=-1)
