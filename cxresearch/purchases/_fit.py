"""Maximum likelihood on cells of customers, and how the estimate moves without each replicate.

Models are fitted in the logarithms of their parameters, which keeps them positive and makes
their limits (everybody alike, nobody stops) far points of a box. Newton steps from several starts
find the hill, on some thousands of cells, and from there its top, on all of them. The estimate
without a replicate is one more Newton step away.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from cxresearch.uncertainty import Floats

Values: TypeAlias = tuple[Floats, Floats]  # log-likelihood (N,), its gradient in the logs (k, N)

FURTHEST = 11.5  # of a log parameter: from 0.00001 to 100,000
STEP = 1e-3  # of a standard error, for variants from the observed information
SHIFT = 1e-6  # of a log parameter, for second derivatives
FLATTEST = 1e-4  # information below it says nothing: the direction is as good as free
LONGEST = 2.0  # step of a log parameter
NEAR = 1e-5  # squared length of a Newton step in standard errors: the next one squares it
DONE = 1e-8  # of what is left by the last step: no digit of a standard error
SETTLED = 1e-4  # the same, where rounding lets no step gain any more
ROUNDS = 100
ENOUGH = 5_000  # cells to find the hill by


@dataclass(frozen=True, eq=False)
class Problem:
    """Cells of customers and the likelihood of each.

    Parameters
    ----------
    log_likelihood
        From log parameters (k,) and the columns of the cells to the log-likelihood of each cell
        (N,) and its gradient (k, N).
    cells
        The columns, a named tuple of arrays of shape (N,).
    customers
        In each cell, shape (N,).
    """

    log_likelihood: Callable[[Floats, Any], Values]
    cells: Any
    customers: NDArray[Any]

    def at(self, logs: Floats) -> Values:
        """Return the log-likelihood of each cell and its gradient."""
        return self.log_likelihood(logs, self.cells)

    def total(self, logs: Floats) -> float:
        """Return the log-likelihood of all customers."""
        return float(self.at(logs)[0] @ self.customers)

    def thinned(self) -> Self:
        """Return the cells of many customers, and some of the others, which count for the rest."""
        every = max(1, len(self.customers) // ENOUGH)
        many = self.customers * ENOUGH >= self.customers.sum()
        kept = np.sort(np.concatenate([np.flatnonzero(many), np.flatnonzero(~many)[::every]]))
        cells = type(self.cells)(*(column[kept] for column in self.cells))
        count_for = np.where(many[kept], 1, every)
        return type(self)(self.log_likelihood, cells, self.customers[kept] * count_for)


class Rows(NamedTuple):
    """Rows of customers: which cell they are in, how many, and their replicate; shape (M,)."""

    cell: NDArray[np.int64]
    customers: NDArray[Any]
    replicate: NDArray[np.int64]

    def by_replicate(self, values: Floats, n_replicates: int) -> Floats:
        """Return the sums over the customers of each replicate: (M, cells) to (R, M)."""
        shape = n_replicates, values.shape[-1]
        counts = csr_matrix((self.customers, (self.replicate, self.cell)), shape=shape)
        return np.asarray(counts @ values.T, dtype=float)


class Fit(NamedTuple):
    """Where the likelihood is highest.

    `logs` are the log parameters (k,), and `edge` tells which are at the edge of what is searched.
    `scores` (k, N) and `bends` (k, k, N) are the first, and minus the second derivatives of each
    cell's log-likelihood, of which the last step was made.
    """

    logs: Floats
    log_likelihood: float
    edge: NDArray[np.bool_]
    converged: bool
    scores: Floats
    bends: Floats


def fit(problem: Problem, starts: Sequence[Floats]) -> Fit:
    """Maximise the likelihood, from the best that is reached from several log parameters (k,)."""
    few = problem.thinned()
    best = max((_climb(few, start) for start in starts), key=lambda end: end.log_likelihood)
    if len(few.customers) == len(problem.customers):
        return best
    # at the edge there is no slope to come back by, should all cells say otherwise
    begin = np.where(np.abs(best.logs) > FURTHEST - 1, best.logs / 2, best.logs)
    return _climb(problem, begin)


def variants(
    problem: Problem, found: Fit, rows: Rows, n_replicates: int
) -> tuple[Floats, float | None]:
    """Return the moves of the log parameters to no and to each variant, (1 + V, k), and their step.

    Without each replicate and step None; or, where there is one replicate, pairs of moves of
    `STEP` standard errors of the observed information.
    """
    alone = n_replicates == 1
    moves = principal(problem, found) if alone else left_out(problem, found, rows, n_replicates)
    return np.vstack([np.zeros(len(found.logs)), moves]), STEP if alone else None


def left_out(problem: Problem, found: Fit, rows: Rows, n_replicates: int) -> Floats:
    """Return by how much the log parameters move without each replicate, shape (R, k).

    One Newton step from the fit with the score and the information of the customers that are
    left, θ₋r = θ + I₋r⁻¹ U₋r; a parameter at its edge stays there.
    """
    k, free = len(found.logs), ~found.edge
    upper = np.triu_indices(k)
    own = rows.by_replicate(np.vstack([found.scores, found.bends[upper]]), n_replicates)
    own_bend = np.empty((n_replicates, k, k))
    own_bend[:, *upper] = own_bend[:, *upper[::-1]] = own[:, k:]
    all_score, all_bend = found.scores @ problem.customers, found.bends @ problem.customers
    moves = np.zeros((n_replicates, k))
    rest = (all_bend - own_bend)[:, free][:, :, free]
    moves[:, free] = _solve(rest, (all_score - own[:, :k])[:, free])
    moves[:, free] -= _solve(all_bend[free][None, :, free], all_score[None, free])
    return _short(moves)


def principal(problem: Problem, found: Fit) -> Floats:
    """Return pairs of moves along the principal directions of the covariance, shape (2k', k).

    `STEP` standard errors each; from the observed information, for data without replicates.
    """
    free = ~found.edge
    sizes, directions = np.linalg.eigh((found.bends @ problem.customers)[np.ix_(free, free)])
    moves = np.zeros((len(sizes), len(free)))
    moves[:, free] = (directions / np.sqrt(np.maximum(sizes, FLATTEST))).T
    return STEP * np.stack([moves, -moves], axis=1).reshape(-1, len(free))


def _bends(problem: Problem, logs: Floats, scores: Floats) -> Floats:
    """Return minus the second derivatives of each cell, shape (k, k, N), from the gradient's."""
    shifts = SHIFT * np.eye(len(logs))
    matrix = np.stack([(scores - problem.at(logs + shift)[1]) / SHIFT for shift in shifts])
    return np.asarray((matrix + np.swapaxes(matrix, 0, 1)) / 2)


def _climb(problem: Problem, logs: Floats) -> Fit:
    """Newton steps with halving, uphill also where the likelihood is not concave."""
    before = 0.0
    for _ in range(ROUNDS):
        values, scores = problem.at(logs)
        bends = _bends(problem, logs, scores)
        value, score = float(values @ problem.customers), scores @ problem.customers
        step, edge = _step(logs, score, bends @ problem.customers)
        gain = float(step @ score)
        done = gain < NEAR and _left(gain, before) < DONE
        ahead = _inside(logs + step) if done else _uphill(problem, logs, step, value)
        end = Fit(ahead, value + gain / 2, edge, done or gain < SETTLED, scores, bends)
        if done or ahead is logs:
            break
        logs, before = ahead, gain
    return end


def _left(gain: float, before: float) -> float:
    """Return what a next step would gain, as steps square what is left in the same way."""
    return gain * min(1.0, gain / before) ** 2 if before else gain


def _step(logs: Floats, score: Floats, bend: Floats) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the Newton step (k,), and which parameters rest at their edge: they would leave."""
    at_edge = np.abs(logs) >= FURTHEST - 1e-9
    rests = at_edge & (score * logs >= 0)
    for _ in logs:
        step, free = np.zeros(len(logs)), ~rests
        step[free] = _solve(bend[np.ix_(free, free)][None], score[None, free])[0]
        rests = rests | (at_edge & (step * logs > 0))
        if (free == ~rests).all():
            break
    return step, rests


def _uphill(problem: Problem, logs: Floats, step: Floats, value: float) -> Floats:
    """Return where the step, halved until it does not lose, leads to; `logs` itself if nowhere."""
    step = _short(step)
    room = (FURTHEST - np.sign(step) * logs) / np.maximum(np.abs(step), 1e-300)
    step = step * min(
        1.0, float(room.min())
    )  # no further than to the first edge: it may turn there
    for _ in range(30):
        tried = _inside(logs + step)
        if problem.total(tried) >= value:
            return tried
        step = step / 2
    return logs


def _short(steps: Floats) -> Floats:
    """Return steps (..., k), shortened to `LONGEST` in each parameter."""
    most = np.abs(steps).max(axis=-1, keepdims=True)
    return np.asarray(steps / np.maximum(1.0, most / LONGEST))


def _inside(logs: Floats) -> Floats:
    return np.clip(logs, -FURTHEST, FURTHEST)


def _solve(bend: Floats, score: Floats) -> Floats:
    """Solve (B, k, k) against (B, k), with curvature taken as positive."""
    sizes, directions = np.linalg.eigh(bend)
    along = np.einsum("bij,bi->bj", directions, score)
    step = np.einsum("bij,bj->bi", directions, along / np.maximum(np.abs(sizes), FLATTEST))
    return np.asarray(step)
