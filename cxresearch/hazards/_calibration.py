"""How far predicted risks can be trusted: their level, their differences, their order.

The models are taken as given; the intervals are about the customers they are judged on. Each half
judges the model of the other, and where little is predictable both err alike: what chance makes of
a cell in one half is luck in both judgements. For differences and order the errors of the halves
are therefore added as if they were one, which is never too narrow.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cxresearch._grouped import Counts
from cxresearch.hazards._binomial import fit_binomial
from cxresearch.hazards._risk_model import HeldOut
from cxresearch.uncertainty import Floats, jackknife, log_interval, logit_interval, normal_interval

Triple = tuple[float, float, float]
NOTHING: Triple = (float("nan"),) * 3


def observed_to_predicted(held: HeldOut, level: float) -> Triple:
    """Return Σ d / Σ n·h of the units with its interval, symmetric on the log scale."""
    expected = (held.at_risk * held.hazard[:, None]).sum(axis=(0, 2))
    observed = held.churned.sum(axis=(0, 2))

    def ratio(d: Counts, e: Floats) -> Floats:
        return np.asarray(d[:, 0, 0] / e[:, 0, 0])

    found = jackknife(ratio, observed[None, :, None], expected[None, :, None])
    low, high = log_interval(found.estimate, found.standard_error, level)
    return float(found.estimate), float(low), float(high)


def calibration_slope(held: HeldOut, level: float) -> Triple:
    """Return b of log(−log(1 − h)) = log(−log(1 − h₀)) + a + b·score, with its interval.

    h₀ is the predicted hazard at a score of 0; months in which nobody is predicted to leave teach
    nothing. Scores are centred in each half, since each half has a reference of its own.
    """
    used = held.hazard > 0
    centred = _centred(held)
    if np.ptp(centred[held.size > 0]) < 1e-9:
        return NOTHING
    score = np.broadcast_to(centred[:, None], used.shape)[used]
    offset = np.log(-np.log1p(-held.hazard[used])) - score
    design = np.stack([np.ones(len(score)), score], axis=-1)

    def slope(n: Counts, d: Counts) -> Floats:
        fit = fit_binomial(
            design, d[:, used], n[:, used], link="cloglog", offset=offset, start=[0.0, 1.0]
        )
        return fit.coefficients[:, 1]

    found = jackknife(slope, held.at_risk, held.churned)
    low, high = normal_interval(found.estimate, _added_errors(found.left_out), level)
    return float(found.estimate), float(low), float(high)


def _centred(held: HeldOut) -> Floats:
    size = np.bincount(held.half, weights=held.size)
    mean = np.bincount(held.half, weights=held.size * held.score) / np.maximum(size, 1)
    return np.asarray(held.score - mean[held.half])


def concordance(held: HeldOut, level: float) -> Triple:
    """Return Uno's concordance up to the last month, pairs within a half, with its interval.

    Of two at risk in month t, one leaves in t and the other does not; each pair weighs
    1/G(t)², G the share not censored before t. Equal risks count one half.
    """
    halves = [_by_level(held, half) for half in (0, 1)]

    def share(n: Counts, d: Counts, c: Counts) -> Floats:
        kept = _uncensored(n.sum(axis=1), d.sum(axis=1), c.sum(axis=1))
        weight = np.divide(1, kept**2, out=np.zeros(kept.shape), where=kept > 0)
        won, pairs = np.zeros(len(n)), np.zeros(len(n))
        for order, starts in halves:
            stay, left = (np.add.reduceat(x[:, order], starts, axis=1) for x in (n - d, d))
            below = np.cumsum(stay, axis=1) - stay / 2
            won += (weight * (left * below).sum(axis=1)).sum(axis=-1)
            pairs += (weight * left.sum(axis=1) * stay.sum(axis=1)).sum(axis=-1)
        return np.asarray(won / pairs)

    found = jackknife(share, held.at_risk, held.churned, held.censored)
    low, high = logit_interval(found.estimate, _added_errors(found.left_out), level)
    return float(found.estimate), float(low), float(high)


def _added_errors(left_out: Floats) -> Floats:
    """Return the sum of the jackknife errors that each half of the replicates contributes."""
    replicates = len(left_out)
    squares = (left_out - left_out.mean(axis=0)) ** 2
    halves = [squares[half::2].sum(axis=0) for half in (0, 1)]
    return np.asarray(
        np.sqrt((replicates - 1) / replicates) * (halves[0] ** 0.5 + halves[1] ** 0.5)
    )


def _by_level(held: HeldOut, half: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return units of a half in order of risk, and where each level of risk begins."""
    here = np.flatnonzero(held.half == half)
    risk = held.risk.round(12)
    order = here[np.argsort(risk[here], kind="stable")]
    return order, np.unique(risk[order], return_index=True)[1]


def _uncensored(at_risk: Counts, churned: Counts, censored: Counts) -> Floats:
    """Return the share not censored before each month, shape (..., M + 1)."""
    stayed = at_risk - churned
    lost = np.divide(censored, stayed, out=np.zeros(stayed.shape), where=stayed > 0)
    kept = np.cumprod(1 - lost, axis=-1)
    return np.concatenate([np.ones((*kept.shape[:-1], 1)), kept[..., :-1]], axis=-1)
