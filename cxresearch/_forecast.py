"""What models say of any tenure, each with its own interval, and what they say together.

Sampling error is what the counts leave open within a model. Beyond the data the models part, and
that they do is as large an error. So the models together are given as their Akaike-weighted mean,
in a band that holds the intervals of all models that are credible: those whose AIC is within 10 of
the best (Burnham & Anderson 2004, Sociological Methods & Research 33, 261–304, give models beyond
that essentially no support). The geometric model is nearly always out by this rule where customers
differ, and in where nothing says that they do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch._html import Table
from cxresearch._model_fit import ModelFit
from cxresearch.uncertainty import Floats, Interval, logit_interval, loglog_interval

Band: TypeAlias = tuple[Floats, Floats, Floats]  # estimate, lower, upper

CREDIBLE = 10.0
COMBINED, TOGETHER = "combined", "all together"


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
    weight
        Akaike weight among the credible models; 0 for a model that is set aside.
    """

    model: str
    tenure: NDArray[np.int64]
    retained: Floats
    retained_ci_lower: Floats
    retained_ci_upper: Floats
    retention_rate: Floats
    retention_rate_ci_lower: Floats
    retention_rate_ci_upper: Floats
    weight: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per tenure."""
        names = [
            f"{name}{end}"
            for name in ("retained", "retention_rate")
            for end in ("", "_ci_lower", "_ci_upper")
        ]
        columns: dict[str, Any] = {"model": self.model, "tenure": self.tenure}
        return pd.DataFrame(columns | {name: getattr(self, name) for name in names})


def akaike_weights(fits: Sequence[ModelFit], *, whole: bool = True) -> dict[str, float]:
    """Return the weight of each model by name, 0 for those that are not credible.

    Weighted counts have no likelihood to compare models by: all are kept and weigh the same.
    """
    aic = np.array([fit.aic for fit in fits]) if whole else np.zeros(len(fits))
    excess = aic - aic.min()
    weights = np.where(excess <= CREDIBLE, np.exp(-excess / 2), 0)
    return dict(zip([f.model for f in fits], (weights / weights.sum()).tolist(), strict=True))


def together(
    weights: Mapping[str, float], values: Mapping[str, Floats], ends: Mapping[str, Interval]
) -> Band:
    """Return the weighted mean of what the models say, and the hull of the credible intervals."""
    kept = [model for model, weight in weights.items() if weight > 0]
    mean = np.sum([weights[model] * values[model] for model in kept], axis=0)
    lower = np.min([ends[model][0] for model in kept], axis=0)
    return mean, lower, np.max([ends[model][1] for model in kept], axis=0)


def model_curves(
    fits: Sequence[ModelFit], tenure: NDArray[np.int64], level: float, *, whole: bool
) -> tuple[ModelCurve, ...]:
    """Return the curve of each model at start, start + 1, …, the combined one last."""
    weights = akaike_weights(fits, whole=whole)
    retained = {fit.model: _retained(fit, tenure, level) for fit in fits}
    rates = {fit.model: _rates(fit, tenure, level) for fit in fits}
    for both in (retained, rates):
        values = {model: x[0] for model, x in both.items()}
        ends = {model: (x[1], x[2]) for model, x in both.items()}
        both[COMBINED] = together(weights, values, ends)
    weights = weights | {COMBINED: 1.0}
    return tuple(
        ModelCurve(model, tenure, *retained[model], *rates[model], weights[model])
        for model in retained
    )


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
