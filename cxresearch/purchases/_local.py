"""What parameters say of cells of customers, and how it follows them where they were fitted.

Every interval needs a number again without each of 256 replicates, whose parameters are all close
to the fit. So a number is computed at the fit once, with its slopes by the log parameters, and
follows them in a straight line. Its error is of the second order in the moves, which are a
sixteenth of a standard error; and sums over customers take k + 1 numbers a cell rather than 257.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from cxresearch.purchases._fit import Rows
from cxresearch.uncertainty import Floats

STEP = 1e-3  # of a log parameter


@dataclass(frozen=True, eq=False)
class Local:
    """A number of each of N cells, at the fit and near it.

    Parameters
    ----------
    value
        At the fit, shape (N,).
    slopes
        By each log parameter, shape (k, N).
    moves
        Of the log parameters from the fit: none, and those of each variant, shape (1 + V, k).
    step
        What the variants are, as in `FittedModel`: None when each leaves a replicate out.
    """

    value: Floats
    slopes: Floats
    moves: Floats
    step: float | None = None

    @classmethod
    def of(
        cls,
        function: Callable[[Floats], Floats],
        logs: Floats,
        moves: Floats,
        step: float | None = None,
    ) -> Self:
        """Build from a function of parameters (P, k) to numbers (P, N)."""
        shifts = STEP * np.eye(len(logs))
        values = function(np.exp(np.concatenate([logs[None], logs + shifts, logs - shifts])))
        ahead, behind = np.split(values[1:], 2)
        return cls(values[0], (ahead - behind) / (2 * STEP), moves, step)

    def rows(self) -> Floats:
        """Return the numbers at the fit and at each variant, shape (1 + V, N)."""
        return np.asarray(self.value + self.moves @ self.slopes)

    def take(self, place: NDArray[Any]) -> Self:
        """Return the numbers of these cells."""
        return replace(self, value=self.value[place], slopes=self.slopes[:, place])

    def times(self, factor: Local | Floats) -> Self:
        """Return the product with a number of each cell, shape (N,), or with another `Local`.

        The other one has parameters of its own: fitted without the same replicates, or, where
        there are none, by a likelihood of its own, which makes its variants independent.
        """
        if not isinstance(factor, Local):
            return replace(self, value=self.value * factor, slopes=self.slopes * factor)
        slopes = np.vstack([self.slopes * factor.value, factor.slopes * self.value])
        value, moves = self.value * factor.value, self._moves_with(factor)
        return replace(self, value=value, slopes=slopes, moves=moves)

    def total(self, customers: NDArray[Any], replicate: NDArray[Any] | None = None) -> Floats:
        """Return the sum over customers at the fit and at each variant, shape (1 + V,).

        With `replicate`, shape (N,), variant r leaves the customers of replicate r out.
        """
        parts = np.vstack([self.value, self.slopes])
        sums = np.tile(parts @ customers, (len(self.moves), 1))
        if replicate is not None:
            rows = Rows(np.arange(len(replicate)), customers, replicate)
            sums[1:] -= rows.by_replicate(parts, len(self.moves) - 1)
        return np.asarray(sums[:, 0] + (self.moves * sums[:, 1:]).sum(axis=-1))

    def _moves_with(self, other: Local) -> Floats:
        """Return the moves of both parameters, shape (1 + V, k + k')."""
        if self.step is None:
            return np.hstack([self.moves, other.moves])
        mine = np.vstack([self.moves, np.zeros((len(other.moves) - 1, self.moves.shape[1]))])
        none = np.zeros((len(self.moves), other.moves.shape[1]))
        return np.hstack([mine, np.vstack([none, other.moves[1:]])])
