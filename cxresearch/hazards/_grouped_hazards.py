"""Proportional hazards in grouped time, on counts: the likelihood and its maximum.

log(−log(1 − h(g, t))) = a(s, t) + x(g)'b, with a free baseline for each period t of each
stratum s, is what proportional hazards in continuous time become when time is read in whole
periods (Prentice & Gloeckler 1978, Biometrics 34, 57–67). The baseline block of the information
is diagonal, so that it is eliminated (Schur complement) and a step costs no more than its few
coefficients, for all leave-one-out tables at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cxresearch.hazards._links import cloglog_terms, linear_predictor, log_odds_slope, probability
from cxresearch.hazards._newton import Flags, Step, inverse, maximise, solve
from cxresearch.uncertainty import Floats

MAX_STEPS = 60
BLOCK = 2_000_000  # cells worked on at once, so that memory does not grow with their number


@dataclass(frozen=True, eq=False)
class ProportionalFit:
    """Maximum likelihood estimates on B tables of the same G groups.

    Parameters
    ----------
    coefficients
        Log hazard ratios b, shape (B, p).
    covariance
        Model-based, the baseline being estimated too, shape (B, p, p); NaN where the groups
        share no period that could tell the coefficients.
    baseline
        a(s, t), shape (B, S, T + 1): −inf where nobody left, +inf where all did.
    converged, separated
        As in `BinomialFit`, shape (B,).
    log_likelihood
        Without the binomial coefficients, shape (B,).
    """

    coefficients: Floats
    covariance: Floats
    baseline: Floats
    converged: Flags
    separated: Flags
    log_likelihood: Floats

    def hazards(self, design: Floats, strata: NDArray[np.int64]) -> Floats:
        """Return h(g, t) of any groups, shape (B, G, T + 1); 0 in periods in which nobody left."""
        shift = self.coefficients @ design.T
        return probability(self.baseline[:, strata] + shift[:, :, None], "cloglog")


def fit_proportional(
    design: Floats, churned: NDArray[Any], at_risk: NDArray[Any], strata: NDArray[np.int64]
) -> ProportionalFit:
    """Fit the first table and, starting from there, all the others.

    Parameters
    ----------
    design
        One row per group, shape (G, p); no intercept, which is in the baseline.
    churned, at_risk
        Counts or sums of weights, shape (B, G, T + 1).
    strata
        Stratum of each group, 0 to S − 1, shape (G,).
    """
    happens = churned[0].sum(axis=0) > 0
    y, n = (np.asarray(a[..., happens], dtype=np.float64) for a in (churned, at_risk))
    cells = Cells(design, np.minimum(y, n), n, strata)
    first, *_ = maximise(cells.take(slice(0, 1)), cells.take(slice(0, 1)).start(), MAX_STEPS)
    parts = [_fit(block, np.repeat(first, len(block.churned), 0)) for block in cells.blocks()]
    theta, converged, separated, covariance, likelihood = (
        np.concatenate(part) for part in zip(*parts, strict=True)
    )
    baseline = np.full((len(churned), len(cells.members), churned.shape[-1]), -np.inf)
    baseline[..., happens] = cells.baseline(theta)
    return ProportionalFit(
        theta[:, cells.n_baselines :], covariance, baseline, converged, separated, likelihood
    )


@dataclass(frozen=True, eq=False)
class Cells:
    """Design (G, p), counts (B, G, K) of the K periods in which somebody left, strata (G,).

    The parameters are one vector: the baselines (S·K), then the coefficients (p).
    """

    design: Floats
    churned: Floats
    at_risk: Floats
    strata: NDArray[np.int64]

    def take(self, which: Flags | slice) -> Cells:
        """Return some of the B tables."""
        return Cells(self.design, self.churned[which], self.at_risk[which], self.strata)

    def blocks(self) -> Iterator[Cells]:
        """Return all tables, a few at a time."""
        step = max(1, BLOCK // max(1, self.churned[0].size))
        return (self.take(slice(i, i + step)) for i in range(0, len(self.churned), step))

    @cached_property
    def members(self) -> Floats:
        """Which group is in which stratum, 0 or 1, shape (S, G)."""
        number = int(self.strata.max(initial=0)) + 1
        return np.asarray(np.arange(number)[:, None] == self.strata, dtype=np.float64)

    @property
    def n_baselines(self) -> int:
        """Baseline parameters, S·K."""
        return len(self.members) * int(self.churned.shape[-1])

    @cached_property
    def totals(self) -> tuple[Floats, Floats]:
        """Who left and who was at risk in each stratum, shape (B, S, K)."""
        return self.members @ self.churned, self.members @ self.at_risk

    @cached_property
    def informs(self) -> Floats:
        """1 for the periods of a stratum in which some left and some stayed, shape (B, S, K).

        The baseline fits all others exactly, at an infinite value, and they say nothing more.
        """
        left, there = self.totals
        return ((left > 0) & (there - left > 1e-9 * there)).astype(np.float64)

    def start(self) -> Floats:
        """Return the pooled hazard as baseline, and no difference between groups."""
        left, there = self.totals
        share = np.where(self.informs > 0, left / np.where(there > 0, there, 1), 0.5)
        eta = linear_predictor(share, "cloglog").reshape(len(left), -1)
        return np.concatenate([eta, np.zeros((len(left), self.design.shape[1]))], axis=-1)

    def baseline(self, theta: Floats) -> Floats:
        """Return a(s, k), infinite where the baseline fits exactly, shape (B, S, K)."""
        left, _ = self.totals
        endless = np.where(left > 0, np.inf, -np.inf)
        return np.where(self.informs > 0, self._split(theta)[0], endless)

    def log_likelihood(self, theta: Floats) -> Floats:
        """Return the log-likelihoods, shape (B,)."""
        return np.asarray(self._terms(theta)[0].sum(axis=(1, 2)))

    def newton(self, theta: Floats) -> Step:
        """Return the Newton step, the baselines eliminated."""
        likelihood, slope, weight, _ = self._terms(theta)
        diagonal, border, full = self._blocks_of(weight)
        schur = _schur(diagonal, border, full)
        slope_a, slope_b = self.members @ slope, slope.sum(axis=-1) @ self.design
        half = slope_a.reshape(diagonal.shape) / diagonal
        step_b = solve(schur, slope_b - (border @ half[:, :, None])[..., 0], full)
        step_a = half - (step_b[:, None] @ border)[:, 0] / diagonal
        step = np.concatenate([step_a, step_b], axis=-1)
        length = (step_a * slope_a.reshape(step_a.shape)).sum(-1) + (step_b * slope_b).sum(-1)
        odds = np.abs(self._eta(step) * log_odds_slope(self._eta(theta), "cloglog"))
        moved = (odds * self._counted).max(axis=(1, 2), initial=0)
        return Step(likelihood.sum(axis=(1, 2)), step, length, moved)

    def covariance(self, theta: Floats) -> tuple[Floats, Flags]:
        """Return the covariance of the coefficients from the expected information, (B, p, p)."""
        blocks = self._blocks_of(self._terms(theta)[3])
        return inverse(_schur(*blocks), blocks[2])

    @cached_property
    def _counted(self) -> Floats:
        return np.asarray(self.informs[:, self.strata] * (self.at_risk > 0))

    def _split(self, theta: Floats) -> tuple[Floats, Floats]:
        m = self.n_baselines
        shape = (len(theta), len(self.members), self.churned.shape[-1])
        return theta[:, :m].reshape(shape), theta[:, m:]

    def _eta(self, theta: Floats) -> Floats:
        baseline, beta = self._split(theta)
        return np.asarray(baseline[:, self.strata] + (beta @ self.design.T)[:, :, None])

    def _terms(self, theta: Floats) -> list[Floats]:
        terms = cloglog_terms(self._eta(theta), self.churned, self.at_risk)
        return [term * self._counted for term in terms]

    def _blocks_of(self, weight: Floats) -> tuple[Floats, Floats, Floats]:
        """Return the blocks of the information: (B, S·K), (B, p, S·K) and (B, p, p)."""
        number, p = self.design.shape
        rows = (self.design.T[:, None] * self.members).reshape(p * len(self.members), number)
        border = (rows @ weight).reshape(len(weight), p, self.n_baselines)
        diagonal = (self.members @ weight).reshape(len(weight), -1)
        diagonal = np.where(diagonal > 0, diagonal, 1.0)  # a border of zeros goes with it
        products = (self.design[:, :, None] * self.design[:, None, :]).reshape(number, p * p)
        full = (weight.sum(axis=-1) @ products).reshape(len(weight), p, p)
        return diagonal, border, full


def _schur(diagonal: Floats, border: Floats, full: Floats) -> Floats:
    return full - (border / diagonal[:, None]) @ border.swapaxes(1, 2)


def _fit(cells: Cells, start: Floats) -> tuple[Floats, Flags, Flags, Floats, Floats]:
    theta, converged, separated = maximise(cells, start, MAX_STEPS)
    covariance, singular = cells.covariance(theta)
    return theta, converged & ~singular, separated, covariance, cells.log_likelihood(theta)
