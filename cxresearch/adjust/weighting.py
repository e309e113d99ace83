"""Weights for what was known before the survey: each group is made to look like everybody.

Customers are counted in cells of the covariates, so a propensity belongs to a cell, and so does
a weight. All of it is estimated again without each replicate: the jackknife of whatever is
computed from these weights carries the estimation of the weights themselves.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from cxresearch import _format as words
from cxresearch._cells import without_noise
from cxresearch._grouped import Counts, Labels, unknown
from cxresearch._language import term, tr
from cxresearch.errors import CxError, DataError
from cxresearch.hazards._binomial import fit_binomial
from cxresearch.tables import LifeTable, at_risk
from cxresearch.uncertainty import Floats, leave_one_out

EXPOSURE = "score_group"
MAX_WEIGHT = 10.0  # stabilised weights above this are cut to it
MAX_OUTSIDE = 0.5  # when more customers than this have no counterpart nothing is reported


class RefusedError(CxError):
    """A number that the data cannot support; in a result it becomes a row with its reason."""


@dataclass(frozen=True, eq=False)
class Arms:
    """The two groups that are compared, in the cells of the covariates in which both occur.

    Parameters
    ----------
    labels
        The two groups, e.g. ("promoter", "detractor"): exposed and reference.
    covariates
        Names of the covariates.
    cells
        Labels of the cells in which both groups occur, X of them.
    design
        Main effects of the covariates, shape (X, p).
    people
        Customers of the two groups who began the clock, shape (2, R, X).
    everybody
        The same of all groups together, whom the weights make both look like, shape (R, X).
    counted
        Every count of the table by its name, of the two groups, shape (2, X, R, T + 1) each.
    n_outside
        Customers of any group in the cells that are left out.
    """

    labels: tuple[str, str]
    covariates: Labels
    cells: tuple[Labels, ...]
    design: Floats
    people: Counts
    everybody: Counts
    counted: Mapping[str, Counts]
    n_outside: float

    @property
    def churned(self) -> Counts:
        """Customers lost at each tenure, shape (2, X, R, T + 1)."""
        return self.counted["churned"]

    @property
    def censored(self) -> Counts:
        """Customers last seen at each tenure, shape (2, X, R, T + 1)."""
        return self.counted["censored"]

    @cached_property
    def at_risk(self) -> Counts:
        """Customers at risk at each tenure, shape (2, X, R, T + 1)."""
        return at_risk(self.counted["entered"], self.churned + self.censored)

    def counts(self, name: str) -> Counts:
        """Return `at_risk` or a count of the table by its name, shape (2, X, R, T + 1)."""
        return self.at_risk if name == "at_risk" else self.counted[name]

    @property
    def n(self) -> float:
        """Customers of all groups in the cells that are kept."""
        return float(self.everybody.sum())

    @property
    def outside_share(self) -> float:
        """Share of the customers whose cell lacks one of the two groups."""
        return self.n_outside / (self.n + self.n_outside)


@dataclass(frozen=True, eq=False)
class Weights:
    """Stabilised weights of the two groups by cell, also without each replicate.

    Parameters
    ----------
    arms
        The groups and cells.
    propensity
        Chance to be in the group, given the cell, shape (1 + R, 2, X).
    weight
        Share of the group over its propensity, cut at `max_weight`, shape (1 + R, 2, X).
    max_weight
        Largest weight allowed.
    n_truncated
        Customers whose weight was cut.
    """

    arms: Arms
    propensity: Floats
    weight: Floats
    max_weight: float
    n_truncated: float

    def counts(self, name: str) -> Floats:
        """Return weighted `at_risk` or a count of the table, shape (1 + R, 2, T + 1).

        Sums of money of a table that has them are weighted as its customers are.
        """
        counts = self.arms.counts(name)
        return np.stack([_weighted(self.weight[:, a], counts[a]) for a in (0, 1)], axis=1)

    @property
    def inverse_propensity(self) -> Floats:
        """One over the propensity, as far as the weights were not cut, shape (1 + R, 2, X)."""
        return np.asarray(self.weight / _shares(self.arms)[..., None])

    @property
    def effective_n(self) -> Floats:
        """Customers of each group that would tell as much without weights, shape (2,).

        (Σw)²/Σw² (Kish 1965, Survey Sampling, §11.7).
        """
        return _effective(self.weight[0], self.arms.people.sum(axis=1))

    @property
    def effective_at_risk(self) -> Floats:
        """The same of those at risk at each tenure, shape (2, T + 1)."""
        return _effective(self.weight[0, :, :, None], self.arms.at_risk.sum(axis=2))


def arms(table: LifeTable, exposed: str, reference: str) -> Arms:
    """Sort a follow-up table into the two groups and the cells in which both occur.

    Parameters
    ----------
    table
        Grouped by `score_group` and the covariates; everybody enters at 0.
    exposed, reference
        Labels of `score_group`.

    Raises
    ------
    DataError
        When the table has no such groups.
    RefusedError
        When there are no replicates, somebody enters after 0, or too many customers have no
        counterpart.
    """
    known = score_labels(table)
    problems = [unknown(EXPOSURE, x, known) for x in (exposed, reference) if x not in known]
    if problems:
        raise DataError(problems)
    _check_clock(table)
    covariates = tuple(c for c in table.group_columns if c != EXPOSURE)
    every = table.pooled(*covariates)
    sides = [
        table.select(**{EXPOSURE: label}).pooled(*covariates) for label in (exposed, reference)
    ]
    entered = np.stack([_on_cells(side, "entered", every) for side in sides])
    inside = (entered.sum(axis=(2, 3)) > 0).all(axis=0)
    # one count at a time: with many cells all of them at once are large
    counted = {
        name: np.stack([_on_cells(side, name, every)[inside] for side in sides])
        for name in table.count_fields
    }
    outside = float(every.n[~inside].sum())
    _check_overlap(outside / max(float(every.n.sum()), 1), (exposed, reference))
    cells = tuple(cell for cell, kept in zip(every.groups, inside, strict=True) if kept)
    people = np.swapaxes(counted["entered"][..., 0], 1, 2)
    everybody = every.entered[inside, :, 0].T
    design = main_effects(cells)
    pair = (exposed, reference)
    return Arms(pair, covariates, cells, design, people, everybody, counted, outside)


def weights(sides: Arms, *, max_weight: float = MAX_WEIGHT) -> Weights:
    """Estimate the propensity of each group by cell, and the stabilised weights from it.

    Parameters
    ----------
    sides
        Result of `arms`.
    max_weight
        Weights above it are cut to it (Cole & Hernán 2008, American Journal of Epidemiology
        168, 656–664), so that no few customers carry the result.

    Raises
    ------
    DataError
        When `max_weight` is below 1.
    RefusedError
        When the propensity has no finite estimate.

    Notes
    -----
    Logit with main effects, one group against everybody else; weight P(A = a)/P(A = a | x)
    (Robins, Hernán & Brumback 2000, Epidemiology 11, 550–560).
    """
    if not max_weight >= 1:
        raise DataError(f"max_weight is {max_weight!r}, must be at least 1: take 10.")
    people = leave_one_out(sides.people)
    everybody = leave_one_out(sides.everybody[None])
    fit = fit_binomial(sides.design, people, np.broadcast_to(everybody, people.shape))
    if not fit.converged[0].all():
        raise RefusedError(tr("the groups can be told apart by what was known before the survey"))
    propensity = fit.probabilities(sides.design)
    stable = _shares(sides)[..., None] / propensity
    cut = float((people[0] * (stable[0] > max_weight)).sum())
    return Weights(sides, propensity, np.minimum(stable, max_weight), max_weight, cut)


def check_replicates(table: LifeTable) -> None:
    """Refuse what would have no interval."""
    if table.n_replicates < 2:
        raise RefusedError(tr("the table has no replicates, from which the interval would come"))


def main_effects(cells: Sequence[Labels]) -> Floats:
    """Return a column of ones and one per level of each covariate but its first, shape (X, p).

    Columns that others add up to are left out: they change no fitted value.
    """
    columns = [np.ones(len(cells))]
    for position in range(len(cells[0])):
        labels = [cell[position] for cell in cells]
        for level in sorted(set(labels))[1:]:
            column = np.array([label == level for label in labels], dtype=np.float64)
            wider = np.column_stack([*columns, column])
            if np.linalg.matrix_rank(wider) == wider.shape[1]:
                columns.append(column)
    return np.column_stack(columns)


def score_labels(table: LifeTable) -> Labels:
    """Return the score groups of a table.

    Raises
    ------
    DataError
        When the table is not grouped by score.
    """
    if EXPOSURE not in table.group_columns:
        raise DataError(
            f"the table is grouped by {words.and_list(table.group_columns) or 'nothing'}, must be "
            f"by {EXPOSURE} too: ask for life_table([{EXPOSURE!r}, ...], design=...)."
        )
    position = table.group_columns.index(EXPOSURE)
    return tuple(sorted({group[position] for group in table.groups}))


def _shares(sides: Arms) -> Floats:
    """Return the share of the two groups in everybody, shape (1 + R, 2)."""
    people, everybody = leave_one_out(sides.people), leave_one_out(sides.everybody[None])
    return np.asarray(people.sum(axis=-1) / everybody.sum(axis=-1))


def _effective(weight: Floats, people: Counts) -> Floats:
    """Return (Σw)²/Σw² over cells, shapes (2, X, ...) to (2, ...); 0 for nobody."""
    squares = (people * weight**2).sum(axis=1)
    total = (people * weight).sum(axis=1) ** 2
    return np.asarray(np.divide(total, squares, out=np.zeros(squares.shape), where=squares > 0))


def _weighted(weight: Floats, counts: Counts) -> Floats:
    """Sum counts (X, R, K) over cells with the weights (1 + R, X) of each leave-one-out table.

    Done without the leave-one-out counts of each cell, which would be R times as large.
    """
    total = weight @ counts.sum(axis=1)
    total[1:] -= np.einsum("rx,xrk->rk", weight[1:], counts)
    return without_noise(total, np.abs(total).max(axis=-1, keepdims=True, initial=0))


def _on_cells(side: LifeTable, name: str, every: LifeTable) -> Counts:
    """Return a count of one group on all cells, 0 where it does not occur, (X, R, T + 1)."""
    out = np.zeros_like(every.counts(name))
    out[[every.groups.index(group) for group in side.groups]] = side.counts(name)
    return out


def _check_clock(table: LifeTable) -> None:
    if table.entered[..., 1:].any():
        raise RefusedError(
            tr(
                "some {whom} come under observation only after their clock began",
                whom=term(table.population),
            )
        )
    check_replicates(table)


def _check_overlap(outside: float, labels: tuple[str, str]) -> None:
    if outside > MAX_OUTSIDE:
        raise RefusedError(
            tr(
                "for {share} there is no {first} or no {second} with the same history before the "
                "survey",
                share=words.percent(outside),
                first=term(labels[0]),
                second=term(labels[1]),
            )
        )
