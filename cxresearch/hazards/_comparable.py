"""Losses after an experience beside those of comparable customers, month by month on counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxresearch._grouped import Counts
from cxresearch.product_limit import retained_band
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import (
    Floats,
    Interval,
    exact_edge,
    jackknife,
    logit_interval,
)


@dataclass(frozen=True, eq=False)
class Compared:
    """Shares lost within 1 to H months after an experience, and of comparable customers.

    Parameters
    ----------
    at_risk, lost
        Customers followed in each month who have comparable ones, shape (H,).
    comparable
        Months of other customers that their month is compared with, shape (H,).
    without
        Customers followed who have no comparable ones, shape (H,).
    share, expected
        Cumulative shares lost, shape (H,).
    left_out
        Both without each replicate, shape (R, 2, H).
    share_error, expected_error
        Standard errors, shape (H,).
    """

    at_risk: Floats
    lost: Floats
    comparable: Floats
    without: Floats
    share: Floats
    expected: Floats
    left_out: Floats
    share_error: Floats
    expected_error: Floats

    def share_interval(self, level: float) -> Interval:
        """Return the interval of the share: log-log, exact where nobody or everybody left."""
        at_risk = np.concatenate([self.at_risk[:1], self.at_risk])
        lost, error = (np.concatenate([[0.0], x]) for x in (self.lost, self.share_error))
        lower, upper = retained_band(at_risk, lost, error, level)
        return 1 - upper[1:], 1 - lower[1:]

    def expected_interval(self, level: float) -> Interval:
        """Return the interval of the expected share, exact where no comparable customer left."""
        lower, upper = logit_interval(self.expected, self.expected_error, level)
        edge = 1 - np.cumprod(exact_edge(self.comparable, level))
        return lower, np.where(self.expected <= 0, edge, upper)

    def excess_interval(self, level: float) -> Interval:
        """Return the interval of the difference.

        From the intervals of both shares and the correlation of their leave-one-out values (Zou
        2007, Psychological Methods 12, 399–413), so that it has a width where nobody left.
        """
        (low, high), (least, most) = self.share_interval(level), self.expected_interval(level)
        below, above = self.share - low, high - self.share
        under, over = self.expected - least, most - self.expected
        excess, r = self.share - self.expected, self._correlation()
        return (
            excess - np.sqrt(below**2 + over**2 - 2 * r * below * over),
            excess + np.sqrt(above**2 + under**2 - 2 * r * above * under),
        )

    def _correlation(self) -> Floats:
        moved = self.left_out - self.left_out.mean(axis=0)
        both = (moved[:, 0] * moved[:, 1]).sum(axis=0)
        size = np.sqrt((moved**2).sum(axis=0).prod(axis=0))
        return np.asarray(np.divide(both, size, out=np.zeros_like(both), where=size > 0))


@dataclass(frozen=True)
class Cells:
    """Where each cell of a follow-up finds its comparable customers, shape (C,) each; all differ.

    Parameters
    ----------
    start
        Tenure at which the experience began to count.
    stratum
        Position of the group of comparable customers.
    """

    start: NDArray[np.int64]
    stratum: NDArray[np.int64]


def compare(followed: LifeTable, others: LifeTable, cells: Cells) -> Compared:
    """Compare those followed with others at the same tenure and in the same group.

    Notes
    -----
    In the u-th month after experiences that began to count at tenures a, d(u) of n(u) leave, and
    Σ n(a, u) λ(a + u) are expected at the hazard λ of the others; both are multiplied up to shares
    (the expected one as in Ederer & Heise 1959, Methodological Note 10, National Cancer Institute,
    "Ederer II": indirect standardisation month by month). With
    equal hazards the expectations are equal in each month, whoever is censored. A customer
    followed in a month without others is left out of it on both sides.
    """
    counts = (followed.at_risk, followed.churned, others.at_risk, others.churned)

    def shares(*left: Counts) -> Floats:
        at_risk, lost, expected, *_ = _months(left, cells)
        return np.stack([_cumulative(lost, at_risk), _cumulative(expected, at_risk)], axis=1)

    again = jackknife(shares, *counts)
    totals = tuple(x.sum(axis=1)[None] for x in counts)
    at_risk, lost, _, comparable, without = (x[0] for x in _months(totals, cells))
    share, expected = again.estimate
    errors = again.standard_error
    return Compared(
        at_risk, lost, comparable, without, share, expected, again.left_out, errors[0], errors[1]
    )


def _months(counts: tuple[Counts, ...], cells: Cells) -> Sequence[Floats]:
    """Return at risk, lost, expected, comparable, and without comparable, shape (B, H) each.

    Month by month, since all at once would not fit into memory for long lives.
    """
    months = [_month(counts, cells, u) for u in range(1, counts[0].shape[-1])]
    return [np.stack(column, axis=-1) for column in zip(*months, strict=True)]


def _month(counts: tuple[Counts, ...], cells: Cells, u: int) -> list[Floats]:
    """Return the same of the u-th month, shape (B,).

    `counts` are at risk and lost of those followed, shape (B, C, H + 1), and of the others, shape
    (B, J, T + 1).
    """
    (n, d), (m, e) = (x[..., u] for x in counts[:2]), counts[2:]
    tenure = cells.start + u
    inside = tenure < m.shape[-1]
    place = (slice(None), cells.stratum, np.where(inside, tenure, 0))
    others, left = m[place] * inside, e[place] * inside
    known = others > 0
    hazard = np.divide(left, others, out=np.zeros(others.shape), where=known)
    kept = n * known
    columns = (kept, d * known, kept * hazard, others * (kept > 0), n * ~known)
    return [column.sum(axis=1, dtype=np.float64) for column in columns]


def _cumulative(lost: Floats, at_risk: Floats) -> Floats:
    hazard = np.divide(lost, at_risk, out=np.zeros(lost.shape), where=at_risk > 0)
    return np.asarray(1 - np.cumprod(1 - hazard, axis=-1))
