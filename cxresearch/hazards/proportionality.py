"""Whether one hazard ratio is enough: is it the same early and late in the tenure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from cxresearch import _format as words
from cxresearch._checks import check_level
from cxresearch._html import Table, html_table
from cxresearch._language import speaking, term, tr
from cxresearch.hazards._grouped_hazards import ProportionalFit
from cxresearch.hazards._hazard_model import LogRatios, Model, build_model, log_ratios, no_ratios
from cxresearch.hazards._hazard_ratios import Wording, level_words, ratio_digits
from cxresearch.hazards._hazard_refusal import fit_or_refuse
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, normal_interval

ENDS = ("hazard_ratio", "hazard_ratio_ci_lower", "hazard_ratio_ci_upper")


@dataclass(frozen=True, eq=False)
class ProportionalityCheck(Table):
    """Hazard ratios before and from a tenure on, and a test that they are the same.

    A diagnostic for those who read the ratio; it has no findings.

    Parameters
    ----------
    levels, reference
        Labels that are compared, L of them, and the one they are compared with.
    late_from
        First tenure of the later part: half of those who left did so before it, about.
    early, late
        Log hazard ratios of the two parts.
    statistic, degrees_of_freedom, p_value
        Wald test that all L ratios are the same in both; NaN when refused.
    refusal
        Why there is no test; None when there is one.
    names
        The customers of each label in words, the reference last.
    """

    levels: tuple[str, ...]
    reference: str
    late_from: int
    early: LogRatios
    late: LogRatios
    statistic: float
    degrees_of_freedom: int
    p_value: float
    refusal: str | None
    names: tuple[str, ...]
    confidence_level: float
    periods_per_year: int

    def to_frame(self) -> pd.DataFrame:
        """Return one row per label and part of the tenure."""
        parts = {f"before {self.late_from}": self.early, f"from {self.late_from}": self.late}
        unit = words.period_word(self.periods_per_year)
        frames = [
            pd.DataFrame({"level": self.levels, unit: part}).assign(
                **dict(zip(ENDS, self._ratios(parts[part]), strict=True))
            )
            for part in parts
        ]
        return pd.concat(frames, ignore_index=True)

    def _repr_html_(self) -> str:
        shown = self.to_frame()
        first, second = shown.columns[:2]
        parts = {
            f"before {self.late_from}": tr("before {tenure}", tenure=self.late_from),
            f"from {self.late_from}": tr("from {tenure}", tenure=self.late_from),
        }
        shown[first] = [term(x) if x in words.SCORES else x for x in shown[first]]
        shown[second] = [parts[part] for part in shown[second]]
        return f"<p>{escape(self.sentence())}</p>{html_table(shown)}"

    def sentence(self, lang: str | None = None) -> str:
        """Return in words whether the ratio changes with tenure."""
        with speaking(lang):
            if self.refusal is not None:
                return tr(
                    "Whether the ratio changes with tenure cannot be tested: {why}.",
                    why=self.refusal,
                )
            said = tr("; ").join(self._said(i) for i in range(len(self.levels)))
            test = words.p_value(self.p_value)
            if self.p_value > 1 - self.confidence_level:
                return tr(
                    "No clear sign that the ratio changes with tenure (test of proportional "
                    "hazards, {p}): {ratios}.",
                    p=test,
                    ratios=said,
                )
            return tr(
                "The ratio changes with tenure (test of proportional hazards, {p}): {ratios}. One "
                "ratio for all of it is an average.",
                p=test,
                ratios=said,
            )

    def _said(self, i: int) -> str:
        early, late = (
            ratio_digits(*(float(end[i]) for end in self._ratios(part)))
            for part in (self.early, self.late)
        )
        return tr(
            "{who} left {early} times ({early_low} to {early_high}) as often as {whom} before "
            "{unit} {tenure} and {late} times ({late_low} to {late_high}) as often later",
            who=self.names[i],
            whom=self.names[-1],
            unit=term(words.period_word(self.periods_per_year)),
            tenure=self.late_from,
            **dict(zip(("early", "early_low", "early_high"), early, strict=True)),
            **dict(zip(("late", "late_low", "late_high"), late, strict=True)),
        )

    def _ratios(self, part: LogRatios) -> tuple[Floats, Floats, Floats]:
        ends = normal_interval(part.log_ratio, part.standard_error, self.confidence_level)
        lower, upper = (np.asarray(np.exp(end)) for end in ends)
        return np.asarray(np.exp(part.log_ratio)), lower, upper


def proportionality_check(
    table: LifeTable,
    exposure: str = "score_group",
    *,
    reference: str,
    adjust_for: Sequence[str] = (),
    stratify_by: Sequence[str] = (),
    confidence_level: float = 0.95,
    min_events: int = 10,
    wording: Wording | None = None,
) -> ProportionalityCheck:
    """Test whether the hazard ratios of an exposure are the same early and late in the tenure.

    The parameters are those of `hazard_ratios`; `min_events` must have left early and late.

    Notes
    -----
    Wald test of the interaction of the exposure with the later part of the tenure, which is
    cut where half of those who left have left; its covariance is the jackknife's where there
    are replicates, else the model's.
    """
    check_level(confidence_level)
    wording = wording or Wording()
    model = build_model(table, exposure, reference, adjust_for, stratify_by)
    late_from = _half(model)
    reasons, fit = fit_or_refuse(model, min_events, wording)
    if fit is not None:
        reasons, fit = _fit_parts(model, late_from, min_events)
    nothing = no_ratios(len(model.levels))
    early, late = _parts(fit, model) if fit is not None else (nothing, nothing)
    statistic = _wald(fit, model) if fit is not None else math.nan
    labels = (*model.levels, reference)
    return ProportionalityCheck(
        levels=model.levels,
        reference=reference,
        late_from=late_from,
        early=early,
        late=late,
        statistic=statistic,
        degrees_of_freedom=len(model.levels),
        p_value=float(chdtrc(len(model.levels), statistic)),
        refusal=tr("; ").join(reasons) or None,
        names=tuple(level_words(exposure, x, table.population, wording) for x in labels),
        confidence_level=confidence_level,
        periods_per_year=table.periods_per_year,
    )


def _half(model: Model) -> int:
    """Return the first tenure after half of those who left have left."""
    left = np.cumsum(model.table.churned.sum(axis=(0, 1)))
    return int(np.searchsorted(left, left[-1] / 2)) + 1


def _fit_parts(
    model: Model, late_from: int, min_events: int
) -> tuple[list[str], ProportionalFit | None]:
    """Return why there is no fit, and the fit when there is one."""
    unit = term(words.period_word(model.table.periods_per_year))
    when = {"unit": unit, "tenure": late_from}
    for label in (model.references[model.exposure], *model.levels):
        left = model.table.churned[model.has(label)].sum(axis=(0, 1))
        if min(left[:late_from].sum(), left[late_from:].sum()) < min_events:
            few = tr(
                "in a group fewer than {least} left before {unit} {tenure} or later",
                least=min_events,
                **when,
            )
            return [few], None
    fit = model.fit(late_from=late_from)
    if not fit.converged.all():
        return [tr("too few are at risk before {unit} {tenure} or later", **when)], None
    return [], fit


def _contrasts(model: Model) -> tuple[Floats, Floats]:
    """Return which parameters are the early ratios and which their change, (L, p + L) each."""
    length, p = len(model.levels), len(model.effects)
    return np.eye(length, p + length), np.eye(length, p + length, k=p)


def _parts(fit: ProportionalFit, model: Model) -> tuple[LogRatios, LogRatios]:
    early, change = _contrasts(model)
    return log_ratios(fit, early), log_ratios(fit, early + change)


def _wald(fit: ProportionalFit, model: Model) -> float:
    _, change = _contrasts(model)
    values = fit.coefficients @ change.T
    covariance = change @ fit.covariance[0] @ change.T
    replicates = len(values) - 1
    if replicates:
        apart = values[1:] - values[1:].mean(axis=0)
        covariance = (replicates - 1) / replicates * apart.T @ apart
    return float(values[0] @ np.linalg.solve(covariance, values[0]))
