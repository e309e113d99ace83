"""Customers' own retention rates where they differ as the sBG says, as points with weights."""

from __future__ import annotations

from typing import Final

import numpy as np
from scipy.special import betainc, betaincinv, expit, log_expit

from cxresearch.roi._strand import Nodes
from cxresearch.uncertainty import Floats

POINTS: Final = 48  # on either side of the split


def sbg_nodes(coordinates: Floats, split: float, *, periods_per_year: int, start: int) -> Nodes:
    """Return rates a year, weighted by the beta distribution of the rate of a period.

    Parameters
    ----------
    coordinates
        Of the fit and its variants, shape (1 + M, ≥ 2), see `_renewal_models`.
    split
        Rate a year at which what is averaged has a kink: half of the points lie on either side.
    periods_per_year
        Of the fit.
    start
        Periods that everybody has stayed already.

    Notes
    -----
    Gauss–Legendre in the probability scale of the churn probability, u = w²(3 − 2w) on either
    side of the split, so that ends with an infinite slope do no harm.
    """
    leave = _quantiles(coordinates, -np.expm1(np.log(split) / periods_per_year))
    probability, weight = leave
    stay = np.log1p(-np.minimum(probability, 1 - 1e-15))
    weight = weight * np.exp(start * stay)
    return Nodes(np.exp(periods_per_year * stay), weight / weight.sum(-1, keepdims=True))


def _quantiles(coordinates: Floats, split: float) -> tuple[Floats, Floats]:
    """Return churn probabilities of a period and their weights, shape (1 + M, 2 · POINTS)."""
    mean, spread = coordinates[:, :1], coordinates[:, 1:2]
    alike = np.isinf(spread)
    size = -np.where(alike, 0.0, spread)
    a, b = np.exp(log_expit(mean) + size), np.exp(log_expit(-mean) + size)
    x, w = np.polynomial.legendre.leggauss(POINTS)
    x, w = (x + 1) / 2, w / 2
    u, w = x**2 * (3 - 2 * x), 6 * x * (1 - x) * w
    below = betainc(a, b, split)
    places = np.concatenate([below * u, below + (1 - below) * u], axis=-1)
    weights = np.concatenate([below * w, (1 - below) * w], axis=-1)
    return np.where(alike, expit(mean), betaincinv(a, b, places)), weights
