"""Gamma-Gamma: how much customers spend per purchase, whatever their number of purchases.

Fader & Hardie 2013 (The Gamma-Gamma Model of Monetary Value; Fader, Hardie & Lee 2005, Journal of
Marketing Research 42, 415–430). Purchases of a customer are gamma with shape p and a rate of
their own, which is gamma with shape q and rate γ over customers. The mean spend z of x purchases
has the likelihood (eq. 1a)

    Γ(px + q) / (Γ(px) Γ(q)) · γ^q z^(px − 1) x^(px) / (γ + xz)^(px + q).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, psi

from cxresearch.purchases._fit import Values
from cxresearch.purchases._histories import columns
from cxresearch.uncertainty import Floats

PARAMETERS: Final = ("p", "q", "gamma")
STARTS: Final = ((1.0, 2.0, 1.0), (6.0, 4.0, 0.5), (1.0, 10.0, 10.0))


class Spend(NamedTuple):
    """Purchases x ≥ 1 and mean spend z > 0 per purchase, each of shape (N,)."""

    purchases: NDArray[np.int64]
    mean: Floats


def log_likelihood(logs: Floats, of: Spend) -> Values:
    """Return the log-likelihood of each spend and its gradient in the log parameters.

    Parameters
    ----------
    logs
        Logarithms of p, q and gamma, shape (3,).
    of
        N spends.
    """
    p, q, gamma = np.exp(logs)
    x, z = of.purchases, of.mean
    shapes, place = p * np.arange(1, x.max(initial=1) + 1), x - 1  # of 1, 2, … purchases together
    rate, spent = np.log(gamma + x * z), np.log(x * z)
    ways = gammaln(shapes + q) - gammaln(shapes) - gammaln(q)
    value = ways[place] + q * logs[2] + p * x * spent - np.log(z) - (p * x + q) * rate
    slopes = [
        p * x * ((psi(shapes + q) - psi(shapes))[place] + spent - rate),
        q * ((psi(shapes + q) - psi(q))[place] + logs[2] - rate),
        q - gamma * (p * x + q) / (gamma + x * z),
    ]
    return value, np.stack(slopes)


def expected_mean(parameters: Floats, of: Spend) -> Floats:
    """Return the mean spend to expect of a customer given the past: (..., 3) and N to (..., N).

    p (γ + xz)/(px + q − 1), Fader & Hardie 2013, eq. 5; pγ/(q − 1) for who has not bought again.
    It is linear in the spend, so that the mean of several customers with the same number of
    purchases takes their mean spend only. NaN where the distribution has no mean.
    """
    p, q, gamma = columns(parameters)
    freedom = p * of.purchases + q - 1
    known = np.where(freedom > 0, freedom, np.nan)
    return np.asarray(p * (gamma + of.purchases * of.mean) / known)
