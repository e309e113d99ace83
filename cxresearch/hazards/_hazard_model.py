"""From a life table to a regression: main effects by treatment coding, and combinations of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cxresearch._grouped import Counts, Labels, unknown
from cxresearch.errors import DataError
from cxresearch.hazards._grouped_hazards import ProportionalFit, fit_proportional
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, jackknife_se, leave_one_out


@dataclass(frozen=True, eq=False)
class LogRatios:
    """Log hazard ratios, shape (L,), with both standard errors.

    Parameters
    ----------
    log_ratio
        Shape (L,); NaN where there is none.
    jackknife, model
        Standard errors from the replicates and from the model, shape (L,); NaN where there is
        none.
    left_out
        Without each replicate, shape (R, L), or (0, L) where there is one only.
    """

    log_ratio: Floats
    jackknife: Floats
    model: Floats
    left_out: Floats

    @property
    def standard_error(self) -> Floats:
        """The jackknife's where there are replicates, else the model's, shape (L,)."""
        return self.jackknife if len(self.left_out) else self.model


@dataclass(frozen=True, eq=False)
class Model:
    """One parameter per label of the exposure and of each covariate, but for the references.

    Parameters
    ----------
    table
        Counts by exposure, covariates and strata, in G groups.
    exposure, covariates
        Names of group columns.
    references
        Label that the others are compared with, for the exposure and for each covariate.
    effects
        (column, label) of each parameter, those of the exposure first, p of them.
    design
        Shape (G, p), 0 or 1.
    strata
        Number of the combination of stratifying labels of each group, shape (G,).
    """

    table: LifeTable
    exposure: str
    covariates: Labels
    references: Mapping[str, str]
    effects: tuple[tuple[str, str], ...]
    design: Floats
    strata: NDArray[np.int64]

    @property
    def levels(self) -> Labels:
        """Labels of the exposure that are compared with its reference, L of them."""
        return tuple(label for column, label in self.effects if column == self.exposure)

    def n(self, label: str, column: str = "") -> float:
        """Return how many customers entered with a label, of the exposure by default."""
        return float(self.table.n[self.has(label, column)].sum())

    def events(self, label: str, column: str = "") -> float:
        """Return how many customers with a label left."""
        return float(self.table.churned[self.has(label, column)].sum())

    def has(self, label: str, column: str = "") -> NDArray[np.bool_]:
        """Return which groups have a label, shape (G,)."""
        return np.asarray(labels_of(self.table, column or self.exposure) == label)

    def fit(self, *, late_from: int | None = None) -> ProportionalFit:
        """Fit the table and, where it has replicates, the table without each of them.

        With `late_from` further parameters follow: by how much each log hazard ratio of the
        exposure differs from that tenure on.
        """
        churned, at_risk = self.table.churned, self.table.at_risk
        design, strata = self.design, self.strata
        if late_from is not None:
            late = np.arange(churned.shape[-1]) >= late_from
            churned, at_risk = (
                np.concatenate([np.where(late, 0, c), np.where(late, c, 0)])
                for c in (churned, at_risk)
            )
            later = design[:, : len(self.levels)]
            design = np.block([[design, 0 * later], [design, later]])
            strata = np.concatenate([strata, strata])
        return fit_proportional(design, tables(churned), tables(at_risk), strata)


def build_model(
    table: LifeTable,
    exposure: str,
    reference: str,
    adjust_for: Sequence[str] = (),
    stratify_by: Sequence[str] = (),
) -> Model:
    """Return the model of an exposure, adjusted for the main effects of other columns."""
    columns = (exposure, *adjust_for)
    check_columns(table, (*columns, *stratify_by))
    cells = table.pooled(*columns, *stratify_by)
    references = {c: most_at_risk(cells, c) for c in adjust_for} | {exposure: reference}
    effects, design = treatment_design(cells, columns, references)
    return Model(
        table=cells,
        exposure=exposure,
        covariates=tuple(adjust_for),
        references=references,
        effects=effects,
        design=design,
        strata=strata_of(cells, stratify_by),
    )


def log_ratios(fit: ProportionalFit, contrasts: Floats) -> LogRatios:
    """Return combinations of the coefficients, contrasts of shape (L, p)."""
    values = fit.coefficients @ contrasts.T
    covariance = contrasts @ fit.covariance[0] @ contrasts.T
    left_out = values[1:]
    error = jackknife_se(left_out) if len(left_out) else np.full(len(contrasts), np.nan)
    return LogRatios(values[0], error, np.sqrt(np.diagonal(covariance)), left_out)


def no_ratios(length: int) -> LogRatios:
    """Return what stands where there is no estimate."""
    nothing = np.full(length, np.nan)
    return LogRatios(nothing, nothing, nothing, np.empty((0, length)))


def treatment_design(
    table: LifeTable, columns: Sequence[str], references: Mapping[str, str]
) -> tuple[tuple[tuple[str, str], ...], Floats]:
    """Return (column, label) of each parameter and the design, shape (G, p)."""
    effects = tuple(
        (column, label)
        for column in columns
        for label in known_labels(table, column)
        if label != references[column]
    )
    each = [labels_of(table, column) == label for column, label in effects]
    return effects, np.array(each, dtype=np.float64).reshape(len(effects), len(table.groups)).T


def strata_of(table: LifeTable, columns: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of each group's combination of labels of these columns, shape (G,)."""
    keys = [tuple(table.labels(g)[c] for c in columns) for g in range(len(table.groups))]
    known = sorted(set(keys))
    return np.array([known.index(key) for key in keys], dtype=np.int64)


def tables(counts: Counts) -> Counts:
    """Return the total and, where there are replicates, the total without each of them."""
    return leave_one_out(counts) if counts.shape[1] > 1 else np.moveaxis(counts, 1, 0)


def labels_of(table: LifeTable, column: str) -> NDArray[np.str_]:
    """Return the label of each group in one column, shape (G,)."""
    position = table.group_columns.index(column)
    return np.array([group[position] for group in table.groups])


def known_labels(table: LifeTable, column: str) -> Labels:
    """Return the different labels of one column, sorted."""
    return tuple(sorted(set(labels_of(table, column).tolist())))


def most_at_risk(table: LifeTable, column: str) -> str:
    """Return the label that most customers are at risk with, a steady reference."""
    labels, there = labels_of(table, column), table.at_risk.sum(axis=(1, 2))
    return max(known_labels(table, column), key=lambda label: float(there[labels == label].sum()))


def check_columns(table: LifeTable, columns: Sequence[str]) -> None:
    """Raise when a column does not exist or is named twice."""
    problems = [
        unknown("group column", c, table.group_columns)
        for c in columns
        if c not in table.group_columns
    ]
    problems += [
        f"group column {c!r} is named {columns.count(c)} times, must be named once: drop it from "
        "adjust_for or stratify_by."
        for c in dict.fromkeys(columns)
        if columns.count(c) > 1
    ]
    if problems:
        raise DataError(problems)
