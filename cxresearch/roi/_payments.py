"""Payments by year: what they are worth today, when they are back, and at which rate.

Everything works on any leading axes, so that one call serves the plan and all its draws. Year t is
index t along the last axis; index 0 is today.
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from cxresearch import _format as words
from cxresearch._language import tr
from cxresearch.uncertainty import Floats

MONTHS: Final = 12
GRID: Final = np.concatenate([np.linspace(-0.99, 1, 2000), np.geomspace(1, 1000, 400)[1:]])


class InternalRate(NamedTuple):
    """The rate at which payments are worth nothing today, or why there is none."""

    value: float | None
    reason: str | None = None


def discounted(payments: ArrayLike, rate: ArrayLike) -> Floats:
    """Return what each payment is worth today, shape (..., H + 1)."""
    flows = np.asarray(payments, dtype=np.float64)
    yearly = 1 + np.asarray(rate, dtype=np.float64)[..., None]
    return np.asarray(flows * yearly ** -np.arange(flows.shape[-1]))


def present_value(payments: ArrayLike, rate: ArrayLike) -> Floats:
    """Return the net present value, Σ payment/(1 + rate)^t, shape (...)."""
    return np.asarray(discounted(payments, rate).sum(axis=-1))


def payback_months(payments: ArrayLike) -> Floats:
    """Return the month from which on the sum of payments is never below 0 again, shape (...).

    Linear within a year; infinite where the sum is below 0 after the last payment. The last time
    that the sum turns counts, not the first: what is paid back and spent again is not back.
    """
    total = np.cumsum(np.asarray(payments, dtype=np.float64), axis=-1)
    below = total < 0
    years = total.shape[-1]
    last = years - 1 - below[..., ::-1].argmax(axis=-1)
    after = np.minimum(last + 1, years - 1)
    before, then = (np.take_along_axis(total, i[..., None], -1)[..., 0] for i in (last, after))
    rise = np.where(then > before, then - before, 1.0)
    month = np.where(last == years - 1, np.inf, MONTHS * (last - before / rise))
    return np.where(below.any(axis=-1), month, 0.0)


def internal_rate(payments: Floats) -> InternalRate:
    """Return the internal rate of return where there is one and only one.

    Parameters
    ----------
    payments
        Of one plan, shape (H + 1,).

    Notes
    -----
    Where the sign of the payments turns once there is exactly one rate (Descartes' rule of signs on
    Σ payment·xᵗ, x = 1/(1 + rate)). All of them lie where Cauchy's bound says, and are looked for
    from there on; a rate that only touches 0 is none.
    """
    signs = np.sign(payments[payments != 0])
    if not (signs[:-1] != signs[1:]).any():
        spent = signs.size and signs[0] < 0
        return InternalRate(
            None, tr("no payment is above 0") if spent else tr("no payment is below 0")
        )
    rates = _rates(payments)
    values = present_value(payments, rates)
    turns = np.flatnonzero(np.sign(values[:-1]) * np.sign(values[1:]) < 0)
    found = [
        float(brentq(lambda rate: float(present_value(payments, rate)), rates[i], rates[i + 1]))
        for i in turns
    ]
    found += [float(rate) for rate in rates[values == 0]]
    if len(found) == 1:
        return InternalRate(found[0])
    if not found:
        return InternalRate(None, tr("at no rate do the payments turn from loss to gain"))
    several = words.and_list(words.percent(rate, 0.001) for rate in sorted(found))
    return InternalRate(None, tr("{n} rates do it: {rates}", n=len(found), rates=several))


def _rates(payments: Floats) -> Floats:
    """Return rates among which every root lies, the outermost ones included."""
    size = np.abs(payments)[np.flatnonzero(payments)]
    nearest, farthest = 1 / (1 + size.max() / size[0]), 1 + size.max() / size[-1]
    farthest = min(farthest, 10 ** (280 / len(payments)))  # its powers must be finite
    low, high = 1 / farthest - 1, 1 / nearest - 1
    inner = GRID[(low < GRID) & (high > GRID)]
    below = np.geomspace(1 + low, 1 + max(low, GRID[0]), 200) - 1
    above = np.geomspace(1 + min(high, GRID[-1]), 1 + high, 200) - 1
    return np.unique(np.concatenate([below, inner, above]))
