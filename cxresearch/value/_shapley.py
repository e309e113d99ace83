"""What a difference of two values is made of: exact parts that add up, whatever the order.

A value is the sum over its bills of S·(M − C + F)·v^t. Swap its four factors from one group to the
other one after the other and the difference falls into four steps, whose sizes depend on the order.
Shapley's value is the mean over all 24 orders (Shapley 1953, in: Contributions to the Theory of
Games II, 307–317; for decompositions of this kind Shorrocks 2013, Journal of Economic Inequality
11, 99–126).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np

from cxresearch.uncertainty import Floats

PARTS: Final = ("staying", "spending", "cost_to_serve", "referring")


class Stream(NamedTuple):
    """What a group brings with each bill of a horizon, arrays of shape (..., H).

    Parameters
    ----------
    retained
        Share of those who began that is still there.
    margin, cost, referral
        Money per customer who is there: contribution margin, cost to serve, worth of referrals.
    """

    retained: Floats
    margin: Floats
    cost: Floats
    referral: Floats

    @property
    def contribution(self) -> Floats:
        """Money per customer who is there, all together."""
        return self.margin - self.cost + self.referral

    def value(self, discount: Floats) -> Floats:
        """Return the discounted sum per customer who began, shape (...)."""
        return np.asarray((self.retained * self.contribution * discount).sum(axis=-1))


def shapley_parts(exposed: Stream, reference: Stream, discount: Floats) -> Floats:
    """Return the parts of the difference of two values in the order of `PARTS`, shape (..., 4).

    Parameters
    ----------
    exposed, reference
        The two groups; the difference is the first minus the second.
    discount
        v^t of each bill, shape (H,).

    Notes
    -----
    The money enters as a sum, so the game falls into one of two players for each sort of money,
    and Shapley's value of a product of two is the change of one at the mean of the other:
    staying Σ v^t ΔS (X₁ + X₀)/2, X = M − C + F, and for each sort of money Σ v^t Δm (S₁ + S₀)/2,
    the cost with a minus.
    """
    each = discount * (exposed.retained + reference.retained) / 2
    mean = (exposed.contribution + reference.contribution) / 2
    staying = discount * (exposed.retained - reference.retained) * mean
    spending = each * (exposed.margin - reference.margin)
    saved = each * (reference.cost - exposed.cost)
    referring = each * (exposed.referral - reference.referral)
    return np.stack([p.sum(axis=-1) for p in (staying, spending, saved, referring)], axis=-1)
