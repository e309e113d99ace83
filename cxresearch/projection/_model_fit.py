"""One fitted retention model: its parameters, what varies with them, and how well it fits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc, expit

from cxresearch._language import mark, term
from cxresearch.projection._renewal_models import (
    MODELS,
    Fit,
    at_edge,
    fit,
    information,
    links,
    log_retained,
)
from cxresearch.uncertainty import Floats, critical_value, jackknife_se

NAMES = {"geometric": mark("geometric"), "sbg": mark("sBG"), "bdw": mark("BdW")}
STEP = 1e-3  # of a standard error, for derivatives
UNDETERMINED = 1e4  # an interval wider than this factor says nothing
FEW_EXPECTED = 10.0  # periods in which fewer would leave at the average rate are taken together
RESTS_ON = {"theta": [0], "alpha": [0, 1], "beta": [0, 1], "c": [2]}  # coordinates


class Parameter(NamedTuple):
    """Estimate, interval and standard error; `determined` where the counts fix it at all."""

    value: float
    ci_lower: float
    ci_upper: float
    standard_error: float
    determined: bool


@dataclass(frozen=True, eq=False)
class ModelFit:
    """A model fitted to one group.

    Parameters
    ----------
    model
        "geometric", "sbg" or "bdw".
    coordinates
        Estimate (row 0) and variants of it, shape (1 + M, 4): the coordinates of
        `_renewal_models`, and the log of the share that tenure 0 itself left over.
    step
        None when the variants leave one replicate out each; else they come in pairs, this many
        standard errors up and down along independent directions.
    log_likelihood, converged
        At the estimate.
    misfit_p_value
        Chi-square test of observed against fitted churn by period; NaN where there is none.
    """

    model: str
    coordinates: Floats
    step: float | None
    log_likelihood: float
    converged: bool
    misfit_p_value: float

    @property
    def name(self) -> str:
        """The model's name as it is written: sBG."""
        return model_name(self.model)

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2k − 2 log L."""
        return 2 * len(MODELS[self.model]) - 2 * self.log_likelihood

    @property
    def alike(self) -> bool:
        """Whether the model is at its limit where all customers are alike."""
        return self.model != "geometric" and bool(np.isinf(self.coordinates[0, 1]))

    def log_retained(self, tenure: NDArray[Any]) -> Floats:
        """Return log S of the estimate and its variants, shape (1 + M, K)."""
        return log_retained(self.coordinates[:, :3], tenure) + self.coordinates[:, 3:]

    def error(self, values: Floats) -> Floats:
        """Return the standard error of what was computed from all rows, (1 + M, ...) to (...)."""
        return variants_error(values, self.step)

    def parameters(self, confidence_level: float) -> dict[str, Parameter]:
        """Return the model's parameters by name, with intervals on the logit or log scale."""
        scales = links(self.model, self.coordinates[:, :3])
        edge = at_edge(self.coordinates[0, :3])
        return {
            name: _parameter(
                name,
                float(at[0]),
                float(self.error(at)),
                confidence_level,
                edge=bool(edge[RESTS_ON[name]].any()),
            )
            for name, at in scales.items()
        }


def model_name(model: str) -> str:
    """Return a model's name as it is written; any other text is returned as it is."""
    return term(NAMES.get(model, model))


def fit_models(
    at_risk: Floats, churned: Floats, models: Sequence[str], *, step: float | None, whole: bool
) -> tuple[ModelFit, ...]:
    """Fit each model that the periods can carry to one group and its variants.

    Parameters
    ----------
    at_risk, churned
        Counts at tenures 0 to T, shape (1 + M, T + 1); row 0 is the group. With M = 0 the
        variants come from the observed information.
    models
        Names of models.
    step
        What the variants are, as in `ModelFit`.
    whole
        Whether the counts are of customers rather than weights.
    """
    counts = (at_risk.astype(float), churned.astype(float))
    periods = int((at_risk[0, 1:] > 0).sum())
    carried = [model for model in models if periods > len(MODELS[model])]
    return tuple(_fit_model(model, *counts, step, whole=whole) for model in carried)


def variants_error(values: Floats, step: float | None) -> Floats:
    """Return the standard error from row 0 and its variants, (1 + M, ...) to (...)."""
    if step is None:
        return jackknife_se(values[1:])
    slopes = (values[1::2] - values[2::2]) / (2 * step)
    return np.asarray(np.sqrt((slopes**2).sum(axis=0)))


def _fit_model(
    model: str, at_risk: Floats, churned: Floats, step: float | None, *, whole: bool
) -> ModelFit:
    n, d = at_risk[:, 1:], churned[:, 1:]
    top = fit(model, n[:1], d[:1])
    rest = fit(model, n[1:], d[1:], start=top.coordinates[0])
    first = _log_first(at_risk[:, 0], churned[:, 0])
    rows = np.column_stack([np.concatenate([top.coordinates, rest.coordinates]), first])
    if len(rows) == 1:
        first_se = math.sqrt(math.expm1(-float(first[0])) / max(float(at_risk[0, 0]), 1.0))
        rows, step = np.concatenate([rows, rows + _moves(model, top, n, d, first_se)]), STEP
    misfit = _misfit(model, rows[0], n[0], d[0]) if whole else math.nan
    end = (float(top.log_likelihood[0]), bool(top.converged[0]))
    return ModelFit(model, rows, step, *end, misfit)


def _moves(model: str, top: Fit, n: Floats, d: Floats, first_se: float) -> Floats:
    """Return a pair of moves per principal direction of the covariance, shape (2k, 4)."""
    own = np.array(MODELS[model])
    own = own[~at_edge(top.coordinates)[0, own]]  # a parameter at its edge has no slope
    place = [MODELS[model].index(j) for j in own]
    matrix = information(model, top, n, d)[0][np.ix_(place, place)]
    sizes, directions = np.linalg.eigh(matrix)
    moves = np.zeros((len(own) + 1, 4))
    # along a flat direction the counts say nothing: as good as infinite
    moves[:-1, own] = (directions / np.sqrt(np.maximum(sizes, 1e-4))).T
    moves[-1, 3] = first_se
    return STEP * np.stack([moves, -moves], axis=1).reshape(-1, 4)


def _log_first(at_risk: Floats, churned: Floats) -> Floats:
    """Return the log of the share that tenure 0 left over, which no renewal model speaks of."""
    share = np.divide(churned, at_risk, out=np.zeros(len(at_risk)), where=at_risk > 0)
    return np.log1p(-np.minimum(share, 1 - 1e-12))


def _parameter(name: str, at: float, error: float, level: float, *, edge: bool) -> Parameter:
    z = critical_value(level)
    back = expit if name == "theta" else np.exp
    low, value, high = (float(back(min(x, 700.0))) for x in (at - z * error, at, at + z * error))
    slope = value * (1 - value) if name == "theta" else value
    determined = not edge and 2 * z * error < math.log(UNDETERMINED)
    return Parameter(value, low, high, slope * error, determined)


def _misfit(model: str, row: Floats, n: Floats, d: Floats) -> float:
    """Return p of Pearson's chi-square by period; neighbours are merged alike for all models."""
    hazard = -np.expm1(np.diff(log_retained(row[:3], np.arange(len(n) + 1.0))))
    cells = _merged(n * (d.sum() / n.sum()))
    observed, expected, variance = (
        np.bincount(cells, weights=x) for x in (d, n * hazard, n * hazard * (1 - hazard))
    )
    freedom = len(expected) - len(MODELS[model])
    if freedom < 1 or (variance <= 0).any():
        return math.nan
    return float(chdtrc(freedom, ((observed - expected) ** 2 / variance).sum()))


def _merged(expected: Floats) -> NDArray[np.int64]:
    """Return the cell of each period, so that each cell has enough expected to leave."""
    cells, total = np.zeros(len(expected), dtype=np.int64), 0.0
    for i, amount in enumerate(expected):
        cells[i] = cells[i - 1] + (total >= FEW_EXPECTED) if i else 0
        total = amount + (0.0 if total >= FEW_EXPECTED else total)
    if total < FEW_EXPECTED:  # what remains joins the last full cell
        cells[cells == cells[-1]] = max(cells[-1] - 1, 0)
    return cells
