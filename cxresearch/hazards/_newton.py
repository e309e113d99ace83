"""Newton's method for many concave likelihoods at once, which cannot diverge.

Steps are halved where they overshoot. A likelihood without a finite optimum, because something
tells successes from failures without error, is recognised by steps that gain nothing and still
move a fitted probability on and on (Albert & Anderson 1984, Biometrika 71, 1–10).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cxresearch.uncertainty import Floats

Flags: TypeAlias = NDArray[np.bool_]

RIDGE = 1e-10  # keeps a step defined where a parameter has no information; moves no optimum
DONE = 1e-12  # squared length of a step in standard errors; Newton squares it once more
FLAT = 1e-9  # a step this short that still moves the log odds of a cell by MOVES is endless
MOVES = 0.5
HALVINGS = 30


@dataclass(frozen=True, eq=False)
class Step:
    """A Newton step from where B likelihoods stand.

    Parameters
    ----------
    log_likelihood
        Before the step, shape (B,).
    step
        Shape (B, m).
    length
        Step times score: its squared length in standard errors, shape (B,).
    moved
        By how much it moves the log odds of a cell with trials at most, shape (B,).
    """

    log_likelihood: Floats
    step: Floats
    length: Floats
    moved: Floats


class Problem(Protocol):
    """B concave likelihoods of m parameters."""

    def take(self, which: Flags) -> Self:
        """Return some of them."""

    def newton(self, theta: Floats) -> Step:
        """Return the step from `theta`, shape (B, m)."""

    def log_likelihood(self, theta: Floats) -> Floats:
        """Return the log-likelihoods, shape (B,)."""


def maximise(problem: Problem, start: Floats, max_steps: int) -> tuple[Floats, Flags, Flags]:
    """Return the parameters (B, m), and which of the B converged and which are separated."""
    theta = np.array(start)
    converged, separated = (np.zeros(len(theta), dtype=bool) for _ in range(2))
    for _ in range(max_steps):
        active = ~(converged | separated)
        if not active.any():
            break
        rest = problem if active.all() else problem.take(active)
        found = rest.newton(theta[active])
        theta[active] += _damped(rest, theta[active], found)
        endless = found.moved >= MOVES
        converged[active] = (found.length < DONE) & ~endless
        separated[active] = (found.length < FLAT) & endless
    return theta, converged, separated


def solve(information: Floats, score: Floats, full: Floats | None = None) -> Floats:
    """Solve (B, p, p) against (B, p), scaled to a unit diagonal and with a small ridge.

    `full` is the information before other parameters were eliminated, whose diagonal gives the
    scale: what is left of it may be nothing but rounding.
    """
    scaled, scale = _scaled(information, full)
    scaled = scaled + RIDGE * np.eye(scaled.shape[-1])
    return np.asarray(scale * np.linalg.solve(scaled, (scale * score)[..., None])[..., 0])


def inverse(information: Floats, full: Floats | None = None) -> tuple[Floats, Flags]:
    """Return the inverses of (B, p, p), and which are singular (their inverse is NaN)."""
    scaled, scale = _scaled(information, full)
    singular = np.linalg.eigvalsh(scaled).min(axis=-1, initial=np.inf) < RIDGE
    safe = np.where(singular[:, None, None], np.eye(scale.shape[1]), scaled)
    found = np.linalg.inv(safe) * scale[:, :, None] * scale[:, None, :]
    return np.where(singular[:, None, None], np.nan, found), singular


def _damped(problem: Problem, theta: Floats, found: Step) -> Floats:
    """Return the step, halved until the likelihood does not fall."""
    step, before = found.step, found.log_likelihood
    worse = found.length >= DONE  # what is shorter cannot overshoot, only round
    for _ in range(HALVINGS):
        if not worse.any():
            break
        after = problem.take(worse).log_likelihood((theta + step)[worse])
        lowest = before[worse] - 1e-11 * (1 + np.abs(before[worse]))
        worse[worse] = ~(after >= lowest)
        step = np.where(worse[:, None], step / 2, step)
    return step


def _scaled(information: Floats, full: Floats | None) -> tuple[Floats, Floats]:
    diagonal = np.diagonal(information if full is None else full, axis1=-2, axis2=-1)
    scale = np.asarray(1 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0)))
    return information * scale[:, :, None] * scale[:, None, :], scale
