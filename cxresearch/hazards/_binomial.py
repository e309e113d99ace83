"""Binomial regression on counts, many data sets of the same cells in one array operation.

Newton's method on the log-likelihood, which is concave for both links. The many data sets
are a table and the same table without each replicate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from cxresearch.errors import DataError
from cxresearch.hazards._links import (
    TERMS,
    CellTerms,
    Link,
    linear_predictor,
    log_odds_slope,
    probability,
)
from cxresearch.hazards._newton import Flags, Step, inverse, maximise, solve
from cxresearch.uncertainty import Floats


@dataclass(frozen=True, eq=False)
class BinomialFit:
    """Maximum likelihood estimates of B (or more axes of) data sets.

    Parameters
    ----------
    coefficients
        Shape (..., p); of a separated fit where the search ended, which is no estimate.
    covariance
        Inverse of the expected information, shape (..., p, p); NaN where it is singular.
    log_likelihood
        Without the binomial coefficients, shape (...).
    converged
        Whether there is a finite optimum and it was reached, shape (...).
    separated
        Whether some combination of columns tells successes from failures without error, so
        that the likelihood has no finite optimum (Albert & Anderson 1984), shape (...).
    link
        "logit" or "cloglog".
    """

    coefficients: Floats
    covariance: Floats
    log_likelihood: Floats
    converged: Flags
    separated: Flags
    link: Link

    @property
    def standard_errors(self) -> Floats:
        """Model-based, shape (..., p)."""
        return np.asarray(np.sqrt(np.diagonal(self.covariance, axis1=-2, axis2=-1)))

    def probabilities(self, design: ArrayLike, offset: ArrayLike = 0.0) -> Floats:
        """Return fitted probabilities of the rows of any design, shape (..., rows)."""
        rows = np.asarray(design, dtype=np.float64)
        eta = self.coefficients @ rows.T + np.asarray(offset, dtype=np.float64)
        return probability(eta, self.link)


def fit_binomial(
    design: ArrayLike,
    successes: ArrayLike,
    trials: ArrayLike,
    *,
    link: Link = "logit",
    offset: ArrayLike | None = None,
    start: ArrayLike | None = None,
    max_iterations: int = 50,
) -> BinomialFit:
    """Fit successes out of trials to a design, by maximum likelihood.

    Parameters
    ----------
    design
        One row per cell, one column per parameter, shape (N, p).
    successes, trials
        Counts or sums of weights, shape (..., N); leading axes are data sets fitted at once.
        Cells without trials count nothing.
    link
        "logit", or "cloglog": log(−log(1 − probability)) is linear, which is proportional
        hazards in grouped time (Prentice & Gloeckler 1978, Biometrics 34, 57–67).
    offset
        Known part of the linear predictor, shape (N,) or (..., N).
    start
        Coefficients to begin with, shape (p,) or (..., p).
    max_iterations
        Newton steps.

    Raises
    ------
    DataError
        When shapes do not match, successes are not between 0 and the trials, or the columns
        are collinear on the cells with trials of the first data set.
    """
    x, y, n = (np.asarray(a, dtype=np.float64) for a in (design, successes, trials))
    y, n = np.broadcast_arrays(y, n)
    _check(x, y, n)
    batch = y.shape[:-1]
    fixed = np.zeros_like(y) if offset is None else np.asarray(offset, dtype=np.float64)
    cells = _Cells(
        x,
        y.reshape(-1, len(x)),
        n.reshape(-1, len(x)),
        np.broadcast_to(fixed, y.shape).reshape(-1, len(x)),
        link,
    )
    _check_rank(x, cells.trials[0])
    first = cells.start() if start is None else _rows(start, batch, x.shape[1])
    beta, converged, separated = maximise(cells, first, max_iterations)
    covariance, singular = inverse(cells.information(beta))
    return BinomialFit(
        coefficients=beta.reshape(*batch, -1),
        covariance=covariance.reshape(*batch, x.shape[1], x.shape[1]),
        log_likelihood=cells.log_likelihood(beta).reshape(batch),
        converged=(converged & ~singular).reshape(batch),
        separated=separated.reshape(batch),
        link=link,
    )


@dataclass(frozen=True, eq=False)
class _Cells:
    """The data of B fits: design (N, p); successes, trials, offset (B, N)."""

    design: Floats
    successes: Floats
    trials: Floats
    offset: Floats
    link: Link

    def take(self, which: Flags) -> _Cells:
        y, n, offset = self.successes[which], self.trials[which], self.offset[which]
        return _Cells(self.design, y, n, offset, self.link)

    def eta(self, beta: Floats) -> Floats:
        return np.asarray(beta @ self.design.T + self.offset)

    def at(self, beta: Floats) -> CellTerms:
        return TERMS[self.link](self.eta(beta), self.successes, self.trials)

    def newton(self, beta: Floats) -> Step:
        before, slope, weight, _ = self.at(beta)
        score = slope @ self.design
        step = solve(self.cross_product(weight), score)
        odds = step @ self.design.T * log_odds_slope(self.eta(beta), self.link)
        moved = np.abs(odds * (self.trials > 0)).max(axis=-1, initial=0)
        return Step(before.sum(axis=-1), step, (step * score).sum(axis=-1), moved)

    def log_likelihood(self, beta: Floats) -> Floats:
        return np.asarray(self.at(beta)[0].sum(axis=-1))

    def information(self, beta: Floats) -> Floats:
        """Return the expected information, shape (B, p, p)."""
        return self.cross_product(self.at(beta)[3])

    def cross_product(self, weight: Floats) -> Floats:
        """Sum weight·x·x' over the cells, shape (B, p, p)."""
        p = self.design.shape[1]
        products = (self.design[:, :, None] * self.design[:, None, :]).reshape(-1, p * p)
        return (weight @ products).reshape(-1, p, p)

    def start(self) -> Floats:
        """Return one weighted least squares fit to the shares, moved away from 0 and 1."""
        eta = linear_predictor((self.successes + 0.5) / (self.trials + 1), self.link)
        weight = TERMS[self.link](eta, self.successes, self.trials)[3]
        score = (weight * (eta - self.offset)) @ self.design
        return solve(self.cross_product(weight), score)


def _rows(start: ArrayLike, batch: tuple[int, ...], p: int) -> Floats:
    first = np.asarray(start, dtype=np.float64)
    return np.broadcast_to(first, (*batch, p)).reshape(-1, p)


def _check(x: Floats, y: Floats, n: Floats) -> None:
    problems = []
    if x.ndim != 2 or y.shape[-1:] != x.shape[:1]:
        problems.append(
            f"design has shape {x.shape} and the counts {y.shape}, must be (N, p) and (..., N): "
            "give one row of the design per cell."
        )
    if not (np.isfinite(x).all() and np.isfinite(n).all()):
        problems.append("design or trials have a value that is not finite: fill or drop the cell.")
    if not ((y >= 0) & (y <= n * (1 + 1e-9))).all():
        problems.append(
            "successes are not from 0 to the trials of their cell, which they must be: check which "
            "is which."
        )
    if problems:
        raise DataError(problems)


def _check_rank(x: Floats, trials: Floats) -> None:
    used = x[trials > 0]
    rank = int(np.linalg.matrix_rank(used)) if used.size else 0
    if rank < x.shape[1]:
        raise DataError(
            f"design has {x.shape[1]} columns of rank {rank} on {len(used)} cells with trials, "
            "must have full rank: drop the columns that others add up to."
        )
