"""Maximum likelihood on cells of customers, and how the estimate moves without each replicate.

Models are fitted in the logarithms of their parameters, which keeps them positive and makes
their limits (everybody alike, nobody stops) far points of a box. Quasi-Newton steps from several
starts find the hill; Newton steps with the second derivatives end on its top, so that the
estimate without a replicate is one more Newton step away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from cxresearch.uncertainty import Floats

Values: TypeAlias = tuple[Floats, Floats]  # log-likelihood (N,), its gradient in the logs (k, N)
Likelihood: TypeAlias = Callable[[Floats], Values]

FURTHEST = 11.5  # of a log parameter: from 0.00001 to 100,000
STEP = 1e-3  # of a standard error, for variants from the observed information
SHIFT = 1e-4  # of a log parameter, for second derivatives
FLATTEST = 1e-4  # information below it says nothing: the direction is as good as free
STEEPEST = 10.0  # what L-BFGS is scaled by, so that its first step is short
DONE = 1e-12  # squared length of a Newton step in standard errors
ROUNDS = 50


class Rows(NamedTuple):
    """Rows of customers: which cell they are in, how many, and their replicate; shape (M,)."""

    cell: NDArray[np.int64]
    customers: NDArray[Any]
    replicate: NDArray[np.int64]

    def by_replicate(self, values: Floats, n_replicates: int) -> Floats:
        """Return the sum over the customers of each replicate of what their cell is worth."""
        each = self.customers * values[self.cell]
        return np.asarray(np.bincount(self.replicate, each, n_replicates), dtype=float)


class Fit(NamedTuple):
    """Where the likelihood is highest.

    `logs` are the log parameters (k,); `edge` tells which of them are at the edge of what is
    searched; `information` is minus the second derivatives (k, k).
    """

    logs: Floats
    log_likelihood: float
    information: Floats
    edge: NDArray[np.bool_]
    converged: bool


def fit(likelihood: Likelihood, weights: NDArray[Any], starts: Sequence[Floats]) -> Fit:
    """Maximise the weighted log-likelihood.

    Parameters
    ----------
    likelihood
        From log parameters (k,) to the log-likelihood of each cell (N,) and its gradient (k, N).
    weights
        Customers in each cell, shape (N,).
    starts
        Log parameters to begin from; the best end is kept.
    """
    ends = [_approach(likelihood, weights, start) for start in starts]
    return _finish(likelihood, weights, max(ends, key=lambda end: end[1])[0])


def variants(
    likelihood: Likelihood, found: Fit, rows: Rows, n_replicates: int
) -> tuple[Floats, float | None]:
    """Return the moves of the log parameters to no and to each variant, (1 + V, k), and their step.

    Without each replicate and step None; or, where there is one replicate, pairs of moves of
    `STEP` standard errors of the observed information.
    """
    alone = n_replicates == 1
    moves = principal(found) if alone else left_out(likelihood, found, rows, n_replicates)
    return np.vstack([np.zeros(len(found.logs)), moves]), STEP if alone else None


def left_out(likelihood: Likelihood, found: Fit, rows: Rows, n_replicates: int) -> Floats:
    """Return by how much the log parameters move without each replicate, shape (R, k).

    One Newton step from the fit with the score and the information of the customers that are
    left, θ₋r = θ + I₋r⁻¹ U₋r; a parameter at its edge stays there.
    """
    scores, bends = likelihood(found.logs)[1], second_derivatives(likelihood, found.logs)
    score = np.stack([rows.by_replicate(row, n_replicates) for row in scores], axis=-1)
    bend = np.stack(
        [rows.by_replicate(row, n_replicates) for row in bends.reshape(-1, bends.shape[-1])],
        axis=-1,
    )
    free = ~found.edge
    rest = (found.information - bend.reshape(-1, *found.information.shape))[:, free][:, :, free]
    moves = np.zeros((n_replicates, len(free)))
    moves[:, free] = _solve(rest, (score.sum(axis=0) - score)[:, free])
    return moves


def principal(found: Fit) -> Floats:
    """Return pairs of moves along the principal directions of the covariance, shape (2k', k).

    `STEP` standard errors each; from the observed information, for data without replicates.
    """
    free = ~found.edge
    sizes, directions = np.linalg.eigh(found.information[np.ix_(free, free)])
    moves = np.zeros((len(sizes), len(free)))
    moves[:, free] = (directions / np.sqrt(np.maximum(sizes, FLATTEST))).T
    return STEP * np.stack([moves, -moves], axis=1).reshape(-1, len(free))


def second_derivatives(likelihood: Likelihood, logs: Floats) -> Floats:
    """Return minus the second derivatives of each cell's log-likelihood, shape (k, k, N).

    Central differences of the gradient.
    """
    columns = []
    for j in range(len(logs)):
        shift = np.zeros(len(logs))
        shift[j] = SHIFT
        columns.append((likelihood(logs - shift)[1] - likelihood(logs + shift)[1]) / (2 * SHIFT))
    matrix = np.stack(columns)
    return np.asarray((matrix + np.swapaxes(matrix, 0, 1)) / 2)


def _approach(likelihood: Likelihood, weights: NDArray[Any], start: Floats) -> tuple[Floats, float]:
    scale = STEEPEST / weights.sum()

    def downhill(logs: Floats) -> tuple[float, Floats]:
        value, gradient = likelihood(logs)
        return -scale * float(value @ weights), -scale * (gradient @ weights)

    box = [(-FURTHEST, FURTHEST)] * len(start)
    options = {"maxiter": 200, "ftol": 1e-11, "gtol": 1e-7}
    end = minimize(downhill, start, jac=True, method="L-BFGS-B", bounds=box, options=options)
    return np.asarray(end.x), -float(end.fun)


def _finish(likelihood: Likelihood, weights: NDArray[Any], logs: Floats) -> Fit:
    """Newton steps with halving; a parameter at its edge rests while the slope points outwards."""
    converged = False
    for _ in range(ROUNDS):
        values, gradients = likelihood(logs)
        value, gradient = float(values @ weights), gradients @ weights
        information = second_derivatives(likelihood, logs) @ weights
        edge = (np.abs(logs) >= FURTHEST - 1e-9) & (gradient * logs >= 0)
        step = np.zeros(len(logs))
        free = ~edge
        step[free] = _solve(information[np.ix_(free, free)][None], gradient[None, free])[0]
        converged = float(step @ gradient) < DONE
        ahead = logs if converged else _uphill(likelihood, weights, logs, step, value)
        if converged or ahead is logs:
            break
        logs = ahead
    return Fit(logs, value, information, edge, converged or float(step @ gradient) < 1e-6)


def _uphill(
    likelihood: Likelihood, weights: NDArray[Any], logs: Floats, step: Floats, value: float
) -> Floats:
    """Return where the step, halved until it does not lose, leads to; `logs` itself if nowhere."""
    step = step / max(1.0, float(np.abs(step).max()) / 2)
    for _ in range(30):
        tried = np.clip(logs + step, -FURTHEST, FURTHEST)
        if float(likelihood(tried)[0] @ weights) >= value:
            return tried
        step = step / 2
    return logs


def _solve(information: Floats, score: Floats) -> Floats:
    """Solve (B, k, k) against (B, k); uphill also where the likelihood is not concave."""
    sizes, directions = np.linalg.eigh(information)
    along = np.einsum("bij,bi->bj", directions, score)
    step = np.einsum("bij,bj->bi", directions, along / np.maximum(np.abs(sizes), FLATTEST))
    return np.asarray(step)
