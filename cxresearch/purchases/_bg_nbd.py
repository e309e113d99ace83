"""BG/NBD and MBG/NBD: buying at a gamma-distributed rate until a beta-distributed coin says stop.

While active a customer buys at rate λ, gamma with shape r and rate α, and after a purchase stops
for good with probability p, beta with a and b. In the BG/NBD (Fader, Hardie & Lee 2005, Marketing
Science 24, 275–284) the coin is first thrown after the first repeat purchase, so that whoever has
not bought again is alive for certain; in the MBG/NBD (Batislam, Denizel & Filiztekin 2007,
International Journal of Research in Marketing 24, 201–209) already after the first purchase. With
y throws survived, y = x for the one and x + 1 for the other, both have the likelihood

    Γ(r + x) α^r / Γ(r) · B(a, b + y)/B(a, b) · (α + T)^−(r + x) · (1 + D),
    D = [y > 0] a/(b + y − 1) · ((α + T)/(α + t_x))^(r + x).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import expit, hyp2f1, log_expit

from cxresearch.purchases._fit import Values
from cxresearch.purchases._histories import Histories, columns, sums
from cxresearch.uncertainty import Floats

NEAR = 1e-4  # closer than this to where the formula is 0/0, the mean of both sides is taken


@dataclass(frozen=True)
class BetaGeometric:
    """The two models in one: `throws_at_start` is 0 for the BG/NBD and 1 for the MBG/NBD."""

    throws_at_start: int

    parameters: ClassVar[tuple[str, ...]] = ("r", "alpha", "a", "b")
    starts: ClassVar[tuple[tuple[float, ...], ...]] = ((0.5, 5.0, 1.0, 3.0), (2.0, 20.0, 0.1, 2.0))

    def log_likelihood(self, logs: Floats, of: Histories) -> Values:
        """Return the log-likelihood of each history and its gradient in the log parameters.

        Parameters
        ----------
        logs
            Logarithms of r, alpha, a and b, shape (4,).
        of
            N histories.
        """
        r, alpha, a, b = np.exp(logs)
        x, now = of.frequency, alpha + of.age
        buys, throws = self._steps(of)  # what depends on x alone is computed for 0, 1, 2, … once
        odds, longer = self._log_odds_dead(np.exp(logs), of)
        dead, log_now = expit(odds), np.log(now)
        value = (
            (sums(np.log(r + buys)) + r * logs[1] - self._sums(np.log1p(a / (b + throws))))[x]
            - (r + x) * log_now
            - log_expit(-odds)
        )
        both = (b + throws) * (a + b + throws)
        slopes = [
            r * ((sums(1 / (r + buys)) + logs[1])[x] - log_now + dead * longer),
            r - alpha * (r + x) * ((1 - dead) / now + dead / (alpha + of.recency)),
            dead - (a * self._sums(1 / (a + b + throws)))[x],
            (a * b * self._sums(1 / both))[x] - dead * (b * self._chances(b, of))[x],
        ]
        return value, np.stack(slopes)

    def alive(self, parameters: Floats, of: Histories) -> Floats:
        """Return the probability of not having stopped: (..., 4) and N histories to (..., N)."""
        odds, _ = self._log_odds_dead(columns(parameters), of)
        return np.asarray(expit(-odds))

    def expected(self, parameters: Floats, of: Histories, weeks: float) -> Floats:
        """Return the expected purchases in the next weeks: (..., 4) and N histories to (..., N)."""
        r, alpha, a, b = columns(parameters)
        y = of.frequency + self.throws_at_start
        ahead = while_alive(r + of.frequency, a, b + y, weeks / (alpha + of.age))
        return self.alive(parameters, of) * ahead

    def _log_odds_dead(self, parameters: Floats, of: Histories) -> tuple[Floats, Floats]:
        """Return the log of D, −∞ for who has not thrown the coin, and log (α + T)/(α + t_x)."""
        r, alpha, a, b = parameters
        longer = np.log1p((of.age - of.recency) / (alpha + of.recency))
        with np.errstate(divide="ignore"):
            chance = np.log(a * self._chances(b, of))[..., of.frequency]
        return chance + (r + of.frequency) * longer, longer

    def _steps(self, of: Histories) -> tuple[Floats, Floats]:
        """Return 0, 1, 2, … as far as anybody bought, and threw the coin."""
        most = int(of.frequency.max(initial=0))
        return np.arange(float(most)), np.arange(float(most + self.throws_at_start))

    def _sums(self, terms: Floats) -> Floats:
        """Return the sums of as many terms as the coin was thrown, for x from 0 on."""
        return sums(terms)[self.throws_at_start :]

    def _chances(self, b: Floats, of: Histories) -> Floats:
        """Return 1/(b + y − 1) for x = 0, 1, 2, …; 0 without a throw."""
        y = np.arange(of.frequency.max(initial=0) + 1) + self.throws_at_start
        return np.where(y > 0, 1 / (b + np.maximum(y, 1) - 1), 0.0)


BG_NBD = BetaGeometric(throws_at_start=0)
MBG_NBD = BetaGeometric(throws_at_start=1)


def while_alive(shape: Floats, a: Floats, b: Floats, ahead: Floats) -> Floats:
    """Return the expected purchases of a customer who is alive.

    (a + b − 1)/(a − 1) · (1 − (1 − z)^shape · F(shape, b; a + b − 1; z)) of the papers, with F
    transformed after Euler (Abramowitz & Stegun 15.3.3), which keeps it from overflowing.

    Parameters
    ----------
    shape
        r + x, of the gamma distribution of the rate now.
    a, b
        Of the beta distribution of the probability to stop now.
    ahead
        The time ahead over the rate parameter now, α + T.
    """
    near = (np.abs(a - 1) < NEAR) | (np.abs(a + b - 1) < NEAR)
    moves = (-3 * NEAR, 3 * NEAR) if near.any() else (0.0,)
    sides = [_while_alive(shape, np.where(near, a + move, a), b, ahead) for move in moves]
    return np.asarray(np.mean(sides, axis=0))


def _while_alive(shape: Floats, a: Floats, b: Floats, ahead: Floats) -> Floats:
    of = np.broadcast_arrays(shape, a, b, ahead)
    found = _by_formula(*of)
    lost = ~np.isfinite(found)
    found[lost] = _over_chances(*(each[lost] for each in of))
    return found


def _by_formula(shape: Floats, a: Floats, b: Floats, ahead: Floats) -> Floats:
    c, z = a + b - 1, ahead / (1 + ahead)
    with np.errstate(invalid="ignore", over="ignore"):
        none = np.exp((1 - a) * np.log1p(ahead)) * hyp2f1(c - shape, a - 1, c, z)
    return np.asarray(c / (a - 1) * (1 - none))


def _over_chances(shape: Floats, a: Floats, b: Floats, ahead: Floats) -> Floats:
    """Return the mean of (1 − (1 + p·ahead)^−shape)/p over p, where the formula overflows.

    With a that large customers are nearly alike: p lies within 8 standard deviations of its logit.
    """
    at = np.log(a / b) + np.sqrt(1 / a + 1 / b) * np.linspace(-8, 8, 65)[:, None]
    log = a * log_expit(at) + b * log_expit(-at)
    weight = np.exp(log - log.max(axis=0))
    p = expit(at)
    bought = -np.expm1(-shape * np.log1p(p * ahead)) / p
    return np.asarray((weight * bought).sum(axis=0) / weight.sum(axis=0))
