"""The two links of a binomial regression, and the derivatives of their log-likelihoods."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

import numpy as np
from scipy.special import expit, xlogy

from cxresearch.uncertainty import Floats

Link: TypeAlias = Literal["logit", "cloglog"]
CellTerms: TypeAlias = tuple[Floats, Floats, Floats, Floats]


def probability(eta: Floats, link: Link) -> Floats:
    """Return the probability at a linear predictor, any shape."""
    # 50: the probability is 1 to the last digit; at −inf it is 0
    return np.asarray(expit(eta) if link == "logit" else -np.expm1(-np.exp(np.minimum(eta, 50))))


def linear_predictor(share: Floats, link: Link) -> Floats:
    """Return the linear predictor at a probability, strictly between 0 and 1."""
    hazard = -np.log1p(-share)
    return np.asarray(np.log(hazard) if link == "cloglog" else np.log(share) + hazard)


def log_odds_slope(eta: Floats, link: Link) -> Floats:
    """Return by how much the log odds move with the linear predictor: 1, or z/p."""
    z = _exp(eta)
    return np.ones_like(eta) if link == "logit" else z / -np.expm1(-z)


def logit_terms(eta: Floats, y: Floats, n: Floats) -> CellTerms:
    """Return log-likelihood, score, observed and expected information of each cell.

    The two informations of the logit link agree.
    """
    mean = expit(eta)
    weight = n * mean * expit(-eta)
    return y * eta - n * np.logaddexp(0, eta), y - n * mean, weight, weight


def cloglog_terms(eta: Floats, y: Floats, n: Floats) -> CellTerms:
    """Return log-likelihood, score, observed and expected information of each cell.

    With z = exp(eta), p = 1 − exp(−z): log-likelihood y·log p − (n − y)·z, score
    y·z/p − n·z, observed information n·z − y·(z/p)·(1 − z(1 − p)/p), expected n·z²(1 − p)/p.
    """
    z = _exp(eta)
    p = -np.expm1(-z)
    ratio, at_most = z / p, n * z
    stays = ratio * (1 - p)
    scored = y * ratio
    likelihood = xlogy(y, p) - at_most + y * z
    return likelihood, scored - at_most, at_most - scored * (1 - stays), at_most * stays


TERMS: dict[Link, Callable[[Floats, Floats, Floats], CellTerms]] = {
    "logit": logit_terms,
    "cloglog": cloglog_terms,
}


def _exp(eta: Floats) -> Floats:
    # neither 0 nor infinite, and the probability is 0 or 1 to the last digit before either bound
    return np.asarray(np.exp(np.clip(eta, -500, 50)))
