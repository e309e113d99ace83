"""The projected retention of one group: its numbers, its sentences, and where the data end."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._grouped import Counts, unknown
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr, trn
from cxresearch._min_cell import least_events
from cxresearch._retention_curve import RetentionCurve
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.projection._forecast import COMBINED, MISFIT, ModelCurve, Standing
from cxresearch.projection._model_fit import ModelFit, Parameter, model_name
from cxresearch.uncertainty import wilson_interval

Values: TypeAlias = tuple[float | None, float | None, float | None]
UNKNOWN: Values = (None, None, None)

FAR = 2  # times as far as the data reach: beyond it, the band has not been found to hold


@dataclass(frozen=True, eq=False)
class Projection(Table):
    """The retention of one group after each model, within and beyond the data.

    Parameters
    ----------
    curves
        One `ModelCurve` per model, "combined" last.
    fits
        The fitted models.
    standing
        How much each model counts, and which the band of all together holds.
    observed
        The product-limit curve of all that is observed, also beyond what was fitted.
    fitted_until
        Longest tenure that the models were fitted to.
    """

    curves: tuple[ModelCurve, ...]
    fits: tuple[ModelFit, ...]
    standing: Standing
    observed: RetentionCurve
    fitted_until: int

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.observed.group

    @property
    def label(self) -> str:
        """Name of the group for a legend; empty for everybody."""
        return self.observed.label

    @property
    def start(self) -> int:
        """Tenure that the curves are conditional on."""
        return int(self.curves[0].tenure[0])

    @property
    def horizon(self) -> int:
        """Last tenure that is projected."""
        return int(self.curves[0].tenure[-1])

    @property
    def longest(self) -> int:
        """Last tenure within the data that were fitted; beyond it a figure is extrapolated."""
        return min(self.fitted_until, self.observed.longest)

    @property
    def fits_well(self) -> bool:
        """Whether some credible model does not depart from the counts."""
        credible = (fit for fit in self.fits if fit.model in self.standing.credible)
        return any(not fit.misfit_p_value < MISFIT for fit in credible)

    def __getitem__(self, model: str) -> ModelCurve:
        """Return the curve of one model, or of all together by "combined"."""
        named = {curve.model: curve for curve in self.curves}
        if model not in named:
            raise DataError(unknown("model", model, list(named)))
        return named[model]

    def at(self, tenure: int, model: str = COMBINED) -> Finding:
        """Return the share retained at one tenure after one model, or after all together."""
        curve, group = self[model], {"model": model, "tenure": str(tenure), **self.group}
        if not self.start <= tenure <= self.horizon or tenure != int(tenure):
            said = tr(
                "Not known after {tenure}: the projection runs from {start} to {end}.",
                tenure=self._periods(tenure),
                start=self.start,
                end=self._periods(self.horizon),
            )
            return self._finding("projected_retained", UNKNOWN, said, group)
        i = int(tenure) - self.start
        ends = (curve.retained, curve.retained_ci_lower, curve.retained_ci_upper)
        value, lower, upper = (float(x[i]) for x in ends)
        sentence = self._still_there(curve, int(tenure), (value, lower, upper))
        grade = "D" if tenure > self.longest else "C"
        return self._finding("projected_retained", (value, lower, upper), sentence, group, grade)

    def _still_there(
        self, curve: ModelCurve, tenure: int, values: tuple[float, float, float]
    ) -> str:
        whole, stay, spread = words.out_of(*values)
        return trn(
            "Of {whole} {whom}, {stay} is still there after {tenure} {by}{beyond} "
            "({level} interval {spread}).",
            "Of {whole} {whom}, {stay} are still there after {tenure} {by}{beyond} "
            "({level} interval {spread}).",
            1 if stay == "1" else 2,
            whole=whole,
            whom=self._whom(),
            stay=stay,
            tenure=self._periods(tenure),
            by=self._after(curve),
            beyond=self._beyond(tenure),
            level=words.level_words(self.observed.confidence_level),
            spread=spread,
        )

    def observed_rates(self, at_most: int = 14) -> pd.DataFrame:
        """Return observed retention rates per period, with Wilson's interval.

        Neighbouring periods are averaged, so that there are about `at_most` points with enough
        who left in each: the share who stayed of all who were at risk in any of them. One row
        per point: tenure (its middle), periods, retention_rate with its ends.
        """
        first = 1 if self.start == 0 else self.start + 1
        tenure = np.arange(first, self.observed.longest + 1)
        at_risk, churned = (
            counts[first - self.start :]
            for counts in (self.observed.at_risk, self.observed.churned)
        )
        cell = _cells(churned, max(math.ceil(len(tenure) / at_most), 1))
        n, d, middle, periods = (
            np.bincount(cell, weights=x) for x in (at_risk, churned, tenure, np.ones(len(tenure)))
        )
        lower, upper = wilson_interval(n - d, n, self.observed.confidence_level)
        columns = {"tenure": middle / periods, "periods": periods.astype(int)}
        ends = {"retention_rate_ci_lower": lower, "retention_rate_ci_upper": upper}
        return pd.DataFrame(columns | {"retention_rate": 1 - d / n} | ends)

    def findings(self, tenures: Sequence[int] | None = None) -> tuple[Finding, ...]:
        """Return `projected_retained` by all models together at the horizon.

        With `tenures`, by all models together and by each model, at each of them.
        """
        if tenures is None:
            return (self.at(self.horizon),)
        models = [COMBINED, *(fit.model for fit in self.fits)]
        return tuple(self.at(tenure, model) for model in models for tenure in tenures)

    def parameters(self) -> tuple[Finding, ...]:
        """Return `model_parameter` for each parameter of each model."""
        level = self.observed.confidence_level
        return tuple(
            self._parameter(fit, name, found)
            for fit in self.fits
            for name, found in fit.parameters(level).items()
        )

    def fit_tests(self) -> tuple[Finding, ...]:
        """Return `model_fit_p_value` for each model: whether it departs from the counts."""
        return tuple(self._fit_test(fit) for fit in self.fits)

    def sentence(self, lang: str | None = None) -> str:
        """Return what all models together say of the horizon, in words."""
        with speaking(lang):
            return self.at(self.horizon).sentence

    def to_frame(self) -> pd.DataFrame:
        """Return one row per model and tenure."""
        frame = pd.concat([curve.to_frame() for curve in self.curves], ignore_index=True)
        frame["extrapolated"] = frame["tenure"] > self.longest
        return pd.DataFrame(dict(self.group), index=frame.index).join(frame)

    @property
    def _weighted(self) -> bool:
        return bool(self.observed.at_risk.dtype.kind == "f")

    def _whom(self) -> str:
        whom = f"{term(self.observed.population)}{words.with_group(self.group)}"
        if not self.start:
            return whom
        return tr("{whom} who reached {tenure}", whom=whom, tenure=self._periods(self.start))

    def _periods(self, count: float) -> str:
        return words.counted(count, words.period_word(self.observed.periods_per_year))

    def _after(self, curve: ModelCurve) -> str:
        if curve.model == COMBINED:
            return self._after_all()
        model = model_name(curve.model)
        if curve.model in self.standing.credible:
            return tr("by the {model} model", model=model)
        return tr("by the {model} model, which fits far worse than another model", model=model)

    def _after_all(self) -> str:
        kept = [model_name(model) for model in self.standing.credible]
        models, several = words.and_list(kept), len(kept) > 1
        if self.fits_well and several:
            return tr("by {models} together", models=models)
        if self.fits_well:
            return tr("by {models} alone", models=models)
        if several:
            return tr("by {models} together, none of which fits the counts", models=models)
        return tr("by {models} alone, none of which fits the counts", models=models)

    def _beyond(self, tenure: int) -> str:
        if tenure <= self.longest:
            return ""
        if tenure > FAR * self.longest:
            return tr(", extrapolated to more than twice as far as the data reach")
        far = self._periods(tenure - self.longest)
        return tr(", extrapolated {far} beyond the data", far=far)

    def _parameter(self, fit: ModelFit, name: str, found: Parameter) -> Finding:
        group = {"model": fit.model, "parameter": name, **self.group}
        of = self._of_fit(fit) | {
            "Name": words.sentence_start(name),
            "until": self._periods(self.fitted_until),
        }
        if not found.determined:
            said = tr(
                "{Name} of the {model} model for {whom}, fitted to the first {until}, is not "
                "determined by the counts: too little tells it.",
                **of,
            )
            if fit.alike:
                said = tr(
                    "{Name} of the {model} model for {whom}, fitted to the first {until}, is not "
                    "determined by the counts: all customers look alike.",
                    **of,
                )
            return self._finding("model_parameter", UNKNOWN, said, group, unit="parameter")
        values = (found.value, found.ci_lower, found.ci_upper)
        share = name == "theta"
        text = words.percent_interval(*values) if share else words.parameter_interval(*values)
        said = tr(
            "{Name} of the {model} model for {whom}, fitted to the first {until}, is {value}.",
            value=text,
            **of,
        )
        unit = "share" if share else "parameter"
        return self._finding("model_parameter", values, said, group, unit=unit)

    def _of_fit(self, fit: ModelFit) -> dict[str, str]:
        whom = f"{term(self.observed.population)}{words.with_group(self.group)}"
        return {"model": fit.name, "whom": whom}

    def _fit_test(self, fit: ModelFit) -> Finding:
        p = fit.misfit_p_value
        values = (None if math.isnan(p) else p, None, None)
        group = {"model": fit.model, **self.group}
        said = self._misfit_words(fit)
        return self._finding("model_fit_p_value", values, said, group, unit="p-value")

    def _misfit_words(self, fit: ModelFit) -> str:
        of, p = self._of_fit(fit), fit.misfit_p_value
        if math.isnan(p) and self._weighted:
            return tr(
                "Whether the {model} model fits the counts of {whom} cannot be tested: they are "
                "weighted.",
                **of,
            )
        if math.isnan(p):
            return tr(
                "Whether the {model} model fits the counts of {whom} cannot be tested: too few "
                "left.",
                **of,
            )
        period = term(words.period_word(self.observed.periods_per_year))
        of |= {"period": period, "p": words.p_value(p)}
        if p <= 1 - self.observed.confidence_level:
            return tr(
                "The {model} model departs from the counts of {whom} by more than chance "
                "(chi-square by {period}, {p}): read its figures as rough.",
                **of,
            )
        return tr(
            "No clear departure of the {model} model from the counts of {whom} (chi-square by "
            "{period}, {p}).",
            **of,
        )

    def _finding(
        self,
        name: str,
        values: Values,
        sentence: str,
        group: Mapping[str, str],
        grade: str = "C",
        *,
        unit: str = "share",
    ) -> Finding:
        value, lower, upper = values
        return Finding(
            name,
            value,
            lower,
            upper,
            self.observed.n,
            unit,
            sentence,
            group,
            confidence_level=self.observed.confidence_level,
            grade=grade,
            as_of=self.observed.as_of,
        )


def _cells(churned: Counts, width: int) -> NDArray[np.int64]:
    """Return the point that each period belongs to: `width` periods, or more until enough left."""
    cells, last = np.zeros(len(churned), dtype=np.int64), 0
    begin, least = 0, least_events()
    for i in range(len(churned)):
        cells[i] = last
        if i + 1 - begin >= width and churned[begin : i + 1].sum() >= least:
            last, begin = last + 1, i + 1
    # what is left over at the end joins the last point
    return np.minimum(cells, max(last - 1, 0))
