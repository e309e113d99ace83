"""What models say of any tenure, each with its own interval, and what they say together.

Sampling error is what the counts leave open within a model. Beyond the data the models part, and
that they do is as large an error. So the models together are given as their Akaike-weighted mean,
in a band that holds the intervals of all models that are credible: those whose AIC is within 10 of
the best (Burnham & Anderson 2004, Sociological Methods & Research 33, 261–304, give models beyond
that essentially no support). The geometric model is nearly always out by this rule where customers
differ, and in where nothing says that they do.

AIC tells which model is least wrong, not that it is right. Where each credible model departs from
the counts (chi-square by period, p below 0.01), none has a claim to the tail, and the band holds
the intervals of all models.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch._html import Table
from cxresearch._language import mark, term
from cxresearch.projection._model_fit import ModelFit, model_name
from cxresearch.uncertainty import Floats, Interval, logit_interval, loglog_interval

Band: TypeAlias = tuple[Floats, Floats, Floats]  # estimate, lower, upper

CREDIBLE = 10.0  # above the best AIC
MISFIT = 0.01
COMBINED, TOGETHER = "combined", mark("all together")


@dataclass(frozen=True, eq=False)
class ModelCurve(Table):
    """Retention by tenure after one model, or after all credible ones together.

    Parameters
    ----------
    model
        "geometric", "sbg", "bdw" or "combined".
    tenure
        Start, start + 1, … up to the horizon, shape (k,).
    retained, retained_ci_lower, retained_ci_upper
        Share still there after each tenure, 0–1, of those who reached the start; shape (k,).
    retention_rate, retention_rate_ci_lower, retention_rate_ci_upper
        Share of those there at the last tenure who are there at this one; NaN at the start.
    """

    model: str
    tenure: NDArray[np.int64]
    retained: Floats
    retained_ci_lower: Floats
    retained_ci_upper: Floats
    retention_rate: Floats
    retention_rate_ci_lower: Floats
    retention_rate_ci_upper: Floats

    def to_frame(self) -> pd.DataFrame:
        """Return one row per tenure."""
        names = [
            f"{name}{end}"
            for name in ("retained", "retention_rate")
            for end in ("", "_ci_lower", "_ci_upper")
        ]
        columns: dict[str, Any] = {"model": self.model, "tenure": self.tenure}
        return pd.DataFrame(columns | {name: getattr(self, name) for name in names})


def curve_name(model: str) -> str:
    """Return what a curve is called in a legend: by its model, or all together."""
    return term(TOGETHER) if model == COMBINED else model_name(model)


class Standing(NamedTuple):
    """Akaike weights, and which models the band holds, both by name."""

    weights: Mapping[str, float]
    credible: Sequence[str]


class Ranked(Protocol):
    """What `standing` reads of a fitted model, whatever it is a model of."""

    @property
    def model(self) -> str:
        """Its name."""

    @property
    def aic(self) -> float:
        """Akaike's criterion."""

    @property
    def misfit_p_value(self) -> float:
        """Of a chi-square test against the counts; NaN where there is none."""


def standing(fits: Sequence[Ranked], *, whole: bool) -> Standing:
    """Return how much each model counts.

    Weighted counts (`whole` is False) have no likelihood to compare models by: all are kept and
    weigh the same.
    """
    excess = np.array([fit.aic for fit in fits]) if whole else np.zeros(len(fits))
    excess = excess - excess.min()
    kept = [fit for fit, far in zip(fits, excess, strict=True) if far <= CREDIBLE]
    weights = np.where(excess <= CREDIBLE, np.exp(-excess / 2), 0)
    if all(fit.misfit_p_value < MISFIT for fit in kept):
        kept = list(fits)
    shares = (weights / weights.sum()).tolist()
    names = [fit.model for fit in fits]
    return Standing(dict(zip(names, shares, strict=True)), [fit.model for fit in kept])


def together(found: Standing, values: Mapping[str, Floats], ends: Mapping[str, Interval]) -> Band:
    """Return the weighted mean of what the models say, and the hull of the credible intervals."""
    mean = np.sum([found.weights[model] * values[model] for model in values], axis=0)
    lower = np.min([ends[model][0] for model in found.credible], axis=0)
    return mean, lower, np.max([ends[model][1] for model in found.credible], axis=0)


def model_curves(
    fits: Sequence[ModelFit], tenure: NDArray[np.int64], level: float, found: Standing
) -> tuple[ModelCurve, ...]:
    """Return the curve of each model at start, start + 1, …, the combined one last."""
    retained = {fit.model: _retained(fit, tenure, level) for fit in fits}
    rates = {fit.model: _rates(fit, tenure, level) for fit in fits}
    for both in (retained, rates):
        values = {model: x[0] for model, x in both.items()}
        ends = {model: (x[1], x[2]) for model, x in both.items()}
        both[COMBINED] = together(found, values, ends)
    return tuple(ModelCurve(model, tenure, *retained[model], *rates[model]) for model in retained)


def conditional(fit: ModelFit, tenure: NDArray[Any], start: int) -> Floats:
    """Return S(t), or S(t)/S(start) for a start above 0, of all rows of a fit: (1 + M, K)."""
    log = fit.log_retained(tenure)
    return np.exp(log - fit.log_retained(np.array([start])) if start else log)


def _retained(fit: ModelFit, tenure: NDArray[np.int64], level: float) -> Band:
    shares = conditional(fit, tenure, int(tenure[0]))
    return shares[0], *loglog_interval(shares[0], fit.error(shares), level)


def _rates(fit: ModelFit, tenure: NDArray[np.int64], level: float) -> Band:
    rates = np.exp(np.diff(fit.log_retained(tenure), axis=-1))
    lower, upper = logit_interval(rates[0], fit.error(rates), level)
    gap = [math.nan]  # the start has no rate
    return np.r_[gap, rates[0]], np.r_[gap, lower], np.r_[gap, upper]
