"""Hold-out validation: fit to the first periods, and see how far off the rest was."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch._results import Results
from cxresearch._retention_curve import RetentionCurve
from cxresearch.findings import Finding
from cxresearch.product_limit import retained_share
from cxresearch.projection._forecast import COMBINED, conditional, standing
from cxresearch.projection._model_fit import ModelFit, fit_models, model_name, variants_error
from cxresearch.projection._renewal_models import MODELS
from cxresearch.projection.fitted import MIN_EVENTS, check_arguments, not_projected
from cxresearch.retention import MIN_GROUP, retention_curves
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, leave_one_out, normal_interval

PART = 3  # of the observed periods, one in so many is held out unless said otherwise
NUDGE = 0.1  # standard errors of a period's churn, for derivatives


@dataclass(frozen=True, eq=False)
class Holdout(Table):
    """One model fitted to the first periods of one group, beside what was observed afterwards.

    Parameters
    ----------
    holdout_error, holdout_error_ci_lower, holdout_error_ci_upper
        Share that the model says are still there at the last tenure, less the share observed.
    mean_absolute_percentage_error
        Mean of |model − observed| / observed over the tenures held out, as a share.
    tenure, retained
        Tenures from the start to the last one, and what the model says of them, shape (k,).
    fitted_until
        Longest tenure that was fitted.
    model
        "geometric", "sbg", "bdw" or "combined".
    observed
        The product-limit curve of all periods.
    """

    holdout_error: float
    holdout_error_ci_lower: float
    holdout_error_ci_upper: float
    mean_absolute_percentage_error: float
    tenure: NDArray[np.int64]
    retained: Floats
    fitted_until: int
    model: str
    observed: RetentionCurve

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.observed.group

    @property
    def label(self) -> str:
        """Name of the group for a legend; empty for everybody."""
        return self.observed.label

    @property
    def name(self) -> str:
        """The model's name as it is written."""
        return model_name(self.model)

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        ends = ("holdout_error", "holdout_error_ci_lower", "holdout_error_ci_upper")
        columns: dict[str, Any] = {**self.group, "model": self.model}
        columns |= {"fitted_until": self.fitted_until, "tenure": int(self.tenure[-1])}
        names = (*ends, "mean_absolute_percentage_error")
        return pd.DataFrame([columns | {name: getattr(self, name) for name in names}])

    def sentence(self, lang: str | None = None) -> str:
        """Return how far off the model was, in words; "no clear error" where the interval has 0."""
        with speaking(lang):
            value, low, high = (100 * x for x in self.values)
            if low <= 0 <= high:
                return tr(
                    "No clear error at {end}: fitted to the first {until} only, the {what} for "
                    "{whom} is {points} from what was observed ({level} interval){mean}",
                    points=words.quantity(value, low, high, "percentage point"),
                    **self._said(),
                )
            near, far = sorted((abs(low), abs(high)))
            points = words.quantity(abs(value), near, far, "percentage point")
            if value > 0:
                return tr(
                    "Fitted to the first {until} only, the {what} for {whom} is {points} higher "
                    "than observed at {end} ({level} interval){mean}",
                    points=points,
                    **self._said(),
                )
            return tr(
                "Fitted to the first {until} only, the {what} for {whom} is {points} lower than "
                "observed at {end} ({level} interval){mean}",
                points=points,
                **self._said(),
            )

    def _said(self) -> dict[str, str]:
        unit = words.period_word(self.observed.periods_per_year)
        combined = self.model == COMBINED
        return {
            "until": words.counted(self.fitted_until, unit),
            "end": words.counted(int(self.tenure[-1]), unit),
            "what": tr("mean of all models") if combined else tr("{model} model", model=self.name),
            "whom": f"{term(self.observed.population)}{words.with_group(self.group)}",
            "level": words.level_words(self.observed.confidence_level),
            "mean": self._average(unit),
        }

    def _average(self, unit: str) -> str:
        """Return the mean error of the tenures held out; nothing where nobody was left at one."""
        if math.isnan(self.mean_absolute_percentage_error):
            return tr(".")
        return tr(
            "; over the {units} held out it is {off} of the observed share off on average.",
            units=words.plural(unit, 2),
            off=words.percent(self.mean_absolute_percentage_error, 0.001),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `holdout_error`."""
        value, lower, upper = self.values
        return (
            Finding(
                "holdout_error",
                value,
                lower,
                upper,
                self.observed.n,
                "share",
                self.sentence(),
                {"model": self.model, **self.group},
                confidence_level=self.observed.confidence_level,
                as_of=self.observed.as_of,
            ),
        )

    @property
    def values(self) -> tuple[float, float, float]:
        """The error and the ends of its interval."""
        return self.holdout_error, self.holdout_error_ci_lower, self.holdout_error_ci_upper


def holdout(
    table: LifeTable,
    *,
    models: Sequence[str] = tuple(MODELS),
    holdout_periods: int = 0,
    start: int = 0,
    min_group: int = MIN_GROUP,
    min_events: int = MIN_EVENTS,
    min_at_risk: int = 1,
    confidence_level: float = 0.95,
) -> Results[Holdout]:
    """Fit each model to the first periods of each group and compare it with the rest.

    Parameters
    ----------
    table, models, start, min_group, min_events, min_at_risk, confidence_level
        As for `projections`.
    holdout_periods
        Periods at the end of each observed curve that are not fitted; 0 for a third.

    Notes
    -----
    The interval of the error has both the sampling error of the fit and that of the observed
    curve, which share their first periods: the jackknife over the replicates, or with one
    replicate the delta method, in which each period's churn is an independent binomial.

    Raises
    ------
    DataError
        When an argument breaks its rule.
    """
    check_arguments(table, models, {"holdout_periods": holdout_periods})
    curves = retention_curves(
        table,
        start=start,
        min_group=min_group,
        min_at_risk=max(min_at_risk, 1),
        confidence_level=confidence_level,
    )
    found: list[Holdout] = []
    left_out = 0
    for g, observed in enumerate(curves):
        held = holdout_periods or max((observed.longest - start) // PART, 1)
        until = observed.longest - held
        sample = _sample(curves.table, g)
        events = sample.churned[0, 1 : max(until, 0) + 1].sum()
        fits = _fits(sample, models, until) if until > start and events >= min_events else ()
        left_out += not fits
        found += _compare(fits, sample, observed, until)
    few = not_projected(table, left_out, min_events, tr("the periods that are fitted"))
    return Results(tuple(found), (*curves.not_reported, *few))


class Sample(NamedTuple):
    """Counts of one group (row 0) and variants of them, as `ModelFit` names them by `step`."""

    at_risk: Floats
    churned: Floats
    step: float | None
    whole: bool


def _sample(table: LifeTable, g: int) -> Sample:
    whole = not table.weighted
    if table.n_replicates > 1:
        n, d = (leave_one_out(table.counts(name))[:, g] for name in ("at_risk", "churned"))
        return Sample(n, d, None, whole)
    n, d = (table.counts(name)[g, 0].astype(float) for name in ("at_risk", "churned"))
    stay = np.divide(n - d, n, out=np.zeros(len(n)), where=n > 0)
    nudges = NUDGE * np.diag(np.sqrt(d * stay))
    pairs = np.stack([nudges, -nudges], axis=1).reshape(-1, len(d))
    churned = np.concatenate([d[None], d + pairs])
    return Sample(np.broadcast_to(n, churned.shape), churned, NUDGE, whole)


def _fits(sample: Sample, models: Sequence[str], until: int) -> tuple[ModelFit, ...]:
    first = slice(until + 1)  # leaving later columns out censors who is still at risk
    n, d = sample.at_risk[:, first], sample.churned[:, first]
    return fit_models(n, d, models, step=sample.step, whole=sample.whole)


def _compare(
    fits: Sequence[ModelFit], sample: Sample, observed: RetentionCurve, until: int
) -> list[Holdout]:
    if not fits:
        return []
    tenure, start = observed.tenure, observed.start
    seen = retained_share(sample.at_risk, sample.churned, start)[:, start : tenure[-1] + 1]
    each = {fit.model: conditional(fit, tenure, start) for fit in fits}
    weights = standing(fits, whole=sample.whole).weights
    mean = np.sum([weights[model] * each[model] for model in each], axis=0)
    return [
        _holdout(model, said, (seen, sample.step), observed, until)
        for model, said in ({COMBINED: mean} | each).items()
    ]


def _holdout(
    model: str,
    said: Floats,
    seen: tuple[Floats, float | None],
    observed: RetentionCurve,
    until: int,
) -> Holdout:
    share, step = seen
    last = said[:, -1] - share[:, -1]
    error = variants_error(last, step)
    lower, upper = normal_interval(last[0], error, observed.confidence_level)
    held = slice(until + 1 - observed.start, None)
    off = np.abs(said[0, held] / np.where(share[0, held] > 0, share[0, held], np.nan) - 1)
    values = (float(last[0]), float(lower), float(upper), float(off.mean()))
    return Holdout(*values, observed.tenure, said[0], until, model, observed)
