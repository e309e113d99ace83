"""Risk of leaving from what was known at the answer, fitted to one half and judged on the other.

Proportional hazards in months: complementary log-log, one parameter per month and one per label.
A half is every second replicate, so that all answers of one customer lie in the same half.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxresearch._grouped import Counts
from cxresearch._html import format_cell
from cxresearch._language import tr, trn
from cxresearch.hazards._binomial import fit_binomial
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Counts of each half in each cell, and what the model of the other half predicts for it.

    A unit is a cell of one half; there are U = 2·G of them, those of the even replicates first.

    Parameters
    ----------
    at_risk, churned, censored
        Counts by month 0, 1, …, M, shape (U, R, M + 1); month 0 is empty.
    hazard
        Predicted for each month, shape (U, M + 1); 0 in month 0.
    score
        Predicted log hazard relative to a reference, shape (U,).
    """

    at_risk: Counts
    churned: Counts
    censored: Counts
    hazard: Floats
    score: Floats

    @property
    def risk(self) -> Floats:
        """Predicted churn over all months, shape (U,)."""
        return np.asarray(1 - np.prod(1 - self.hazard, axis=-1))

    @property
    def size(self) -> Floats:
        """Answers of each unit at risk in the first month, shape (U,)."""
        return np.asarray(self.at_risk[..., 1].sum(axis=1))

    @property
    def half(self) -> NDArray[np.int64]:
        """Half of each unit, 0 or 1, shape (U,)."""
        return np.repeat([0, 1], len(self.hazard) // 2)


def split_in_halves(table: LifeTable, months: int) -> tuple[Counts, Counts, Counts]:
    """Return at risk, churned, censored by unit for months 0 to M, each (2·G, R, M + 1)."""
    even = np.arange(table.n_replicates) % 2 == 0
    halves = []
    for name in ("at_risk", "churned", "censored"):
        counts = table.counts(name)[..., : months + 1].copy()
        counts[..., 0] = 0
        parts = [np.where(mask[:, None], counts, 0) for mask in (even, ~even)]
        halves.append(np.concatenate(parts))
    at_risk, churned, censored = halves
    return at_risk, churned, censored


def label_columns(table: LifeTable, at_risk: Counts, min_group: int) -> Floats:
    """Return one column per label that can be told from its column's most common one, (G, p).

    A label with fewer than `min_group` answers in either half stands with the most common label;
    columns that others add up to are left out, which changes no prediction.
    """
    sizes = at_risk[..., 1].sum(axis=1).reshape(2, -1)
    columns = [np.ones(len(table.groups))]
    for labels in np.array(table.groups, dtype=object).reshape(len(table.groups), -1).T:
        known = sorted(set(labels))
        counts = np.array([sizes[:, labels == label].sum(axis=1) for label in known])
        common = int(counts.sum(axis=1).argmax())
        told = [i for i, n in enumerate(counts) if i != common and n.min() >= min_group]
        columns += [(labels == known[i]).astype(np.float64) for i in told]
    # a cell counts where it occurs in both halves
    return _independent(np.stack(columns, axis=-1), (sizes > 0).all(axis=0))[:, 1:]


def _independent(design: Floats, used: NDArray[np.bool_]) -> Floats:
    kept = [0]
    for column in range(1, design.shape[1]):
        wider = design[used][:, [*kept, column]]
        if wider.size and np.linalg.matrix_rank(wider) == len(kept) + 1:
            kept.append(column)
    return design[:, kept]


def predict_halves(
    counts: tuple[Counts, Counts, Counts], labels: Floats, min_events: int
) -> HeldOut | str:
    """Fit each half and predict the other; or say in words why that cannot be done.

    Parameters
    ----------
    counts
        Result of `split_in_halves`.
    labels
        Result of `label_columns`, shape (G, p).
    min_events
        Customers who left that each of the p parameters needs, in either half.
    """
    at_risk, churned, censored = counts
    n, d = (x.sum(axis=1).reshape(2, len(labels), -1) for x in (at_risk, churned))
    problem = _too_few(d.sum(axis=(1, 2)), labels.shape[1], min_events)
    if problem:
        return problem
    fits = [_fit(labels, n[half], d[half]) for half in (1, 0)]
    if any(fit is None for fit in fits):
        return tr(
            "Nobody with one of the labels left in one half of the customers, or everybody did, so "
            "that no risk can be estimated for it: leave a column out, or put labels together."
        )
    hazard, score = (np.concatenate([fit[i] for fit in fits if fit]) for i in (0, 1))
    return HeldOut(at_risk, churned, censored, hazard, score)


def _too_few(events: Counts, parameters: int, min_events: int) -> str:
    if not parameters:
        return tr(
            "Nothing that was known at the answer tells customers apart: group by a column in "
            "which more than one label is common enough."
        )
    needed = min_events * parameters
    if events.min() >= needed:
        return ""
    return trn(
        "In one half of the data {n} answers were followed by a loss, must be at least {needed} "
        "({each} for each of {labels} label to be told apart): group by fewer columns, or look "
        "further ahead.",
        "In one half of the data {n} answers were followed by a loss, must be at least {needed} "
        "({each} for each of {labels} labels to be told apart): group by fewer columns, or look "
        "further ahead.",
        parameters,
        n=format_cell("answers", int(events.min())),
        needed=needed,
        each=min_events,
        labels=parameters,
    )


def _fit(labels: Floats, at_risk: Counts, churned: Counts) -> tuple[Floats, Floats] | None:
    """Return hazards (G, M + 1) and scores (G,) of a model of one half; None when separated."""
    months = np.flatnonzero(churned.sum(axis=0) > 0)  # elsewhere the hazard is 0
    n_cells, n_months = len(labels), len(months)
    design = np.zeros((n_cells, n_months, n_months + labels.shape[1]))
    design[..., :n_months] = np.eye(n_months)
    design[..., n_months:] = labels[:, None]
    design = design.reshape(n_cells * n_months, -1)
    fit = fit_binomial(
        design, churned[:, months].ravel(), at_risk[:, months].ravel(), link="cloglog"
    )
    if not fit.converged:
        return None
    hazard = np.zeros(at_risk.shape)
    hazard[:, months] = fit.probabilities(design).reshape(n_cells, n_months)
    return hazard, np.asarray(labels @ fit.coefficients[n_months:])


def risk_groups(held: HeldOut, groups: int, min_group: int) -> NDArray[np.int64] | None:
    """Return the risk group of each unit, 0 to K − 1, shape (U,); None when all are too few.

    Units are ranked within their half, since two models differ a little in their level. A unit
    stands where the middle of its answers does; equal predictions are one unit.
    """
    member = np.zeros(len(held.risk), dtype=np.int64)
    for half in (0, 1):
        here = np.flatnonzero(held.half == half)
        _, level = np.unique(held.risk[here].round(12), return_inverse=True)
        size = np.bincount(level, weights=held.size[here])
        middle = (np.cumsum(size) - size / 2) / max(size.sum(), 1)
        member[here] = np.minimum(groups * middle, groups - 1).astype(np.int64)[level]
    last = np.bincount(member, weights=held.at_risk[..., -1].sum(axis=1), minlength=groups)
    place = _merged(last, min_group)
    return None if place is None else place[member]


def _merged(size: Counts, least: int) -> NDArray[np.int64] | None:
    """Return the new number of each group after small ones were put to a neighbour."""
    blocks = [[k] for k in range(len(size))]
    while True:
        sums = [size[block].sum() for block in blocks]
        if min(sums) >= least:
            break
        if len(blocks) == 1:
            return None
        k = int(np.argmin(sums))
        beside = [j for j in (k - 1, k + 1) if 0 <= j < len(blocks)]
        j = min(beside, key=lambda j: sums[j])
        blocks[min(j, k)] += blocks.pop(max(j, k))
    place = np.zeros(len(size), dtype=np.int64)
    for number, block in enumerate(blocks):
        place[block] = number
    return place
