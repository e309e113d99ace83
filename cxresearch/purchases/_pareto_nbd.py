"""Pareto/NBD: buying at a gamma-distributed rate for an exponential lifetime of gamma rate.

Schmittlein, Morrison & Colombo 1987 (Management Science 33, 1–24). While active a customer buys
at rate λ, gamma with shape r and rate α, and stops at rate μ, gamma with shape s and rate β.
Papers write the likelihood with hypergeometric functions, in one form for α ≥ β and another for
α < β, whose difference cancels (Fader & Hardie 2005, A Note on Deriving the Pareto/NBD Model,
eq. 16–18). It is the sum of who is still active and of who stopped at some τ since the last
purchase,

    Γ(r + x) α^r β^s / Γ(r) · { (α + T)^−(r + x) (β + T)^−s
                                + s ∫ (α + τ)^−(r + x) (β + τ)^−(s + 1) dτ from t_x to T },

and the integral of this smooth positive function is taken as it stands, for any α and β: by
Gauss and Legendre on the scale of log(m + τ), m the smaller of α and β, over which it changes
slowly, as far as it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

import numpy as np
from scipy.special import expit, exprel, log_expit

from cxresearch.purchases._fit import Values
from cxresearch.purchases._histories import Histories, columns, sums
from cxresearch.uncertainty import Floats

NODES: Final = np.polynomial.legendre.leggauss(32)
FAR: Final = 45.0  # beyond a factor of e^−45 the integral has all its digits
AT_ONCE: Final = 4096  # histories, whose nodes fit into a processor's cache


class Stopped(NamedTuple):
    """The integral over the time τ of stopping: its log, and means over τ; each (N,)."""

    log_integral: Floats
    log_alpha: Floats  # of log(α + τ)
    log_beta: Floats
    per_alpha: Floats  # of 1/(α + τ)
    per_beta: Floats


@dataclass(frozen=True)
class ParetoNBD:
    """The model; parameters are r, alpha, s, beta, in weeks."""

    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha", "s", "beta")
    starts: ClassVar[tuple[tuple[float, ...], ...]] = (
        (0.5, 5.0, 0.5, 10.0),
        (2.0, 20.0, 2.0, 50.0),
    )

    def log_likelihood(self, logs: Floats, of: Histories) -> Values:
        """Return the log-likelihood of each history and its gradient in the log parameters.

        Parameters
        ----------
        logs
            Logarithms of r, alpha, s and beta, shape (4,).
        of
            N histories.
        """
        r, alpha, s, beta = np.exp(logs)
        x, bought, stop = of.frequency, alpha + of.age, beta + of.age
        steps = r + np.arange(x.max(initial=0))
        found = stopped(np.exp(logs), of)
        odds = logs[2] + found.log_integral + (r + x) * np.log(bought) + s * np.log(stop)
        dead, shape = expit(odds), r + x
        active = 1 - dead
        value = (
            sums(np.log(steps))[x]
            - shape * np.log(bought / alpha)
            - x * logs[1]
            - s * np.log(stop / beta)
            - log_expit(-odds)
        )
        slopes = [
            sums(1 / steps)[x] + logs[1] - active * np.log(bought) - dead * found.log_alpha,
            r / alpha - shape * (active / bought + dead * found.per_alpha),
            logs[3] - active * np.log(stop) + dead * (1 / s - found.log_beta),
            s / beta - active * s / stop - dead * (s + 1) * found.per_beta,
        ]
        return value, np.exp(logs)[:, None] * np.stack(slopes)

    def alive(self, parameters: Floats, of: Histories) -> Floats:
        """Return the probability of not having stopped: (..., 4) and N histories to (..., N)."""
        r, alpha, s, beta = columns(parameters)
        rows = np.reshape(parameters, (-1, 4))
        integral = np.stack([stopped(row, of).log_integral for row in rows])
        odds = np.log(s) + integral.reshape(*np.shape(parameters)[:-1], -1)
        odds += (r + of.frequency) * np.log(alpha + of.age) + s * np.log(beta + of.age)
        return np.asarray(expit(-odds))

    def expected(self, parameters: Floats, of: Histories, weeks: float) -> Floats:
        """Return the expected purchases in the next weeks: (..., 4) and N histories to (..., N).

        Fader & Hardie 2005, eq. 41: P(alive) (r + x)(β + T)/((α + T)(s − 1)) ·
        (1 − ((β + T)/(β + T + weeks))^(s − 1)), which has a limit at s = 1.
        """
        r, alpha, s, beta = columns(parameters)
        longer = np.log1p(weeks / (beta + of.age))
        active = (beta + of.age) * longer * exprel((1 - s) * longer)
        rate = (r + of.frequency) / (alpha + of.age)
        return np.asarray(self.alive(parameters, of) * rate * active)


PARETO_NBD = ParetoNBD()


def stopped(parameters: Floats, of: Histories) -> Stopped:
    """Return the integral over the time of stopping at parameters (4,), and means over it."""
    parts = [slice(i, i + AT_ONCE) for i in range(0, len(of.age), AT_ONCE)]
    found = [_stopped(parameters, of.take(part)) for part in parts]
    return Stopped(*(np.concatenate(each) for each in zip(*found, strict=True)))


def _stopped(parameters: Floats, of: Histories) -> Stopped:
    r, alpha, s, beta = parameters
    shape, last, smaller = r + of.frequency, of.recency, min(alpha, beta)
    begin = smaller + last
    slope = shape * begin / (alpha + last) + (s + 1) * begin / (beta + last) - 1
    length = np.log1p((of.age - last) / begin)
    length = np.minimum(length, FAR / np.maximum(slope, 1e-9))
    nodes, weights = NODES
    tau = last + begin * np.expm1(length * (1 + nodes[:, None]) / 2)
    log_alpha, log_beta = np.log(alpha + tau), np.log(beta + tau)
    log = np.log(smaller + tau) - shape * log_alpha - (s + 1) * log_beta
    top = log.max(axis=0)
    mass = weights[:, None] * np.exp(log - top)
    total = mass.sum(axis=0)
    with np.errstate(divide="ignore"):
        integral = top + np.log(total * length / 2)
    means = (log_alpha, log_beta, 1 / (alpha + tau), 1 / (beta + tau))
    return Stopped(integral, *((mass * each).sum(axis=0) / total for each in means))
