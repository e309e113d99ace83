"""Retained share had everybody been in one group: right if one of two models is right.

An outcome model says how customers of the group leave, given what was known before; weights say
how likely it was to be in the group and to be still under observation. The one-step estimator
takes the outcome model's answer and adds what the weighted customers show to be missing in it.
"""

from __future__ import annotations

import numpy as np

from cxresearch._grouped import Counts
from cxresearch.adjust.weighting import Weights
from cxresearch.hazards._grouped_hazards import fit_proportional
from cxresearch.uncertainty import Floats, leave_one_out

LEAST_OBSERVED = 0.05  # a chance of being still observed below this counts as this
TINY = 1e-12  # where the outcome model lets nobody stay, nothing is divided by 0


def doubly_robust_retained(given: Weights, months: int) -> Floats:
    """Return the share of all customers still there after `months`, had they been in each group.

    Parameters
    ----------
    given
        Result of `weights`; its cut applies here too.
    months
        Up to the longest tenure of the table; somebody of each group must reach it.

    Returns
    -------
    ndarray
        Shape (1 + R, 2): all customers and without each replicate; exposed and reference. Every
        model is estimated again without each replicate.

    Notes
    -----
    One step along the efficient influence function for right-censored discrete time,

        S_a = mean_x S_a(M|x) − (1/n) Σ_i 1(A = a)/e_a(x) Σ_{t<=M}
              S_a(M|x)/(S_a(t|x) G_a(t−1|x)) · (dN_i(t) − Y_i(t) h_a(t|x))

    with hazard h, S = Π(1 − h), propensity e and G the chance of not being censored (Hubbard, van
    der Laan & Robins 2000; Moore & van der Laan 2009, Statistics in Medicine 28, 39–64;
    Benkeser, Carone & Gilbert 2018, Statistics in Medicine 37, 280–293). A loss comes before a
    censoring of the same month. h and the hazard of being censored are proportional (cloglog)
    in the main effects of the covariates, with a baseline of each group. It is consistent if h
    is right, or if e and G are.
    """
    return np.stack([_one_step(given, arm, months) for arm in (0, 1)], axis=1)


def _one_step(given: Weights, arm: int, months: int) -> Floats:
    sides = given.arms
    churned, censored, at_risk = (
        leave_one_out(counts[arm][..., : months + 1])
        for counts in (sides.churned, sides.censored, sides.at_risk)
    )
    hazard = _hazard(sides.design, churned, at_risk)
    stays = np.maximum(np.cumprod(1 - hazard, axis=-1), TINY)
    observed = np.cumprod(1 - _hazard(sides.design, censored, at_risk - churned), axis=-1)
    before = np.concatenate([np.ones_like(observed[..., :1]), observed[..., :-1]], axis=-1)
    unlike = (churned - at_risk * hazard) / (stays * np.maximum(before, LEAST_OBSERVED))
    everybody = leave_one_out(sides.everybody[None])[:, 0]
    inverse = given.inverse_propensity[:, arm]
    whole = stays[..., -1] * (everybody - inverse * unlike.sum(axis=-1))
    return np.asarray(whole.sum(axis=-1) / everybody.sum(axis=-1))


def _hazard(design: Floats, events: Counts, at_risk: Counts) -> Floats:
    """Return the hazard of each cell and period from a proportional model, shape (1 + R, X, K)."""
    effects = design[:, 1:]  # the intercept is in the baseline
    one = np.zeros(len(design), dtype=np.int64)
    return fit_proportional(effects, events, at_risk, one).hazards(effects, one)
