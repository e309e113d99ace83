"""Hazard ratios of groups: their numbers and their sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.hazards._hazard_model import LogRatios
from cxresearch.uncertainty import Floats, Interval, normal_interval


@dataclass(frozen=True)
class Wording:
    """What a comparison is called, where its figures alone cannot tell.

    Parameters
    ----------
    design
        Label of the finding, e.g. "current"; without one the finding names no design.
    when
        What is alike in those compared, "in the same month as a customer" when not given.
    note
        A sentence to stand behind each, such as what is wrong with a naive design.
    names
        The customers of a label in words, e.g. {"promoter": "promoters"}.
    """

    design: str = ""
    when: str = ""
    note: str = ""
    names: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class HazardRatios(Table):
    """How many times as often each group leaves as the reference, at the same tenure.

    Parameters
    ----------
    exposure, reference
        Group column, and its label that the others are compared with.
    levels
        The other labels, L of them.
    estimate
        Log hazard ratios, both their standard errors, and without each replicate, so that
        comparisons of two designs keep their covariance.
    events, n
        Customers who left, and customers, by label.
    adjusted_for
        Columns whose main effects are in the model.
    refusal
        Why there is no number; None when there is one.
    """

    exposure: str
    reference: str
    levels: tuple[str, ...]
    estimate: LogRatios
    events: Mapping[str, float]
    n: Mapping[str, int]
    adjusted_for: tuple[str, ...]
    refusal: str | None
    wording: Wording
    confidence_level: float
    population: str
    periods_per_year: int
    as_of: str | None

    @property
    def log_hazard_ratio(self) -> Floats:
        """Shape (L,); NaN when refused."""
        return self.estimate.log_ratio

    @property
    def standard_error(self) -> Floats:
        """Of the log, shape (L,): the jackknife's where there are replicates, else the model's."""
        return self.estimate.standard_error

    @property
    def left_out(self) -> Floats:
        """Log hazard ratios without each replicate, shape (R, L), or (0, L)."""
        return self.estimate.left_out

    @property
    def hazard_ratio(self) -> Floats:
        """Shape (L,); NaN when refused."""
        return np.asarray(np.exp(self.log_hazard_ratio))

    @property
    def hazard_ratio_ci_lower(self) -> Floats:
        """Lower end of the interval, symmetric on the log scale, shape (L,)."""
        return np.asarray(np.exp(self._interval[0]))

    @property
    def hazard_ratio_ci_upper(self) -> Floats:
        """Upper end of the interval, shape (L,)."""
        return np.asarray(np.exp(self._interval[1]))

    @property
    def _interval(self) -> Interval:
        return normal_interval(self.log_hazard_ratio, self.standard_error, self.confidence_level)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per label, the reference first and without a ratio."""
        ends = ("hazard_ratio", "hazard_ratio_ci_lower", "hazard_ratio_ci_upper")
        labels = (self.reference, *self.levels)
        columns = {name: [math.nan, *getattr(self, name)] for name in ends}
        counts = {
            "customers": [self.n.get(x, 0) for x in labels],
            "churned": [self.events.get(x, 0) for x in labels],
        }
        return pd.DataFrame({self.exposure: labels, **counts, **columns})

    def at(self, level: str) -> Finding:
        """Return the hazard ratio of one label, as a finding.

        Raises
        ------
        DataError
            When the label is not compared with the reference.
        """
        if level not in self.levels:
            raise DataError(
                f"level is {level!r}, must be one of {words.and_list(self.levels) or 'none'}: "
                "choose one that is compared with the reference."
            )
        i = self.levels.index(level)
        return Finding(
            "hazard_ratio",
            float(self.hazard_ratio[i]),
            float(self.hazard_ratio_ci_lower[i]),
            float(self.hazard_ratio_ci_upper[i]),
            self.n[level] + self.n[self.reference],
            "ratio",
            self._said(i),
            self._group() | {self.exposure: level},
            confidence_level=self.confidence_level,
            as_of=self.as_of,
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return `hazard_ratio` of each label; one without a number when refused."""
        if self.refusal is None:
            return tuple(self.at(level) for level in self.levels)
        said, group = self.sentence(), self._group()
        nothing = (None, None, None, None)
        return (Finding("hazard_ratio", *nothing, "ratio", said, group, as_of=self.as_of),)

    def sentence(self, lang: str | None = None) -> str:
        """Return one sentence per label; "no clear difference" when the interval holds 1."""
        with speaking(lang):
            if self.refusal is not None:
                return tr(
                    "No hazard ratio by {column} is reported: {why}.",
                    column=column_words(self.exposure),
                    why=self.refusal,
                )
            return words.sentences(self._said(i) for i in range(len(self.levels)))

    def name(self, label: str) -> str:
        """Return the customers of a label in words."""
        return level_words(self.exposure, label, self.population, self.wording)

    def _said(self, i: int) -> str:
        ends = [
            float(x[i])
            for x in (self.hazard_ratio, self.hazard_ratio_ci_lower, self.hazard_ratio_ci_upper)
        ]
        who, of = self.name(self.levels[i]), self._of_ratio(*ends)
        said = tr(
            "{Who} left {ratio} times as often as {whom} {when} ({level} interval {low} to "
            "{high}).",
            Who=words.sentence_start(who),
            **of,
        )
        if ends[1] <= 1 <= ends[2]:
            said = tr(
                "No clear difference between {who} and {whom} in how often they left {when}: "
                "{ratio} times as often ({level} interval {low} to {high}).",
                who=who,
                **of,
            )
        return words.sentences([said, self.wording.note])

    def _of_ratio(self, value: float, lower: float, upper: float) -> dict[str, str]:
        level = words.level_words(self.confidence_level)
        digits = zip(("ratio", "low", "high"), ratio_digits(value, lower, upper), strict=True)
        return {"whom": self.name(self.reference), "when": self._when(), "level": level} | dict(
            digits
        )

    def _when(self) -> str:
        unit = term(words.period_word(self.periods_per_year))
        when = self.wording.when or tr("in the same {unit} as a customer", unit=unit)
        alike = words.and_list(column_words(column) for column in self.adjusted_for)
        return tr("{when}, with the same {alike}", when=when, alike=alike) if alike else when

    def _group(self) -> dict[str, str]:
        return {"design": self.wording.design} if self.wording.design else {}


def level_words(exposure: str, label: str, population: str, wording: Wording) -> str:
    """Return the customers of a label in words: `promoters`, `customers with plan basic`."""
    whom = term(population)
    named = {"other": tr("other {whom}", whom=whom), **wording.names}
    if exposure == "score_group":
        named = {score: words.plural(score, 2) for score in words.SCORES} | named
    return named.get(label) or f"{whom}{words.with_group({exposure: label})}"


def ratio_words(value: float, lower: float, upper: float) -> str:
    """Return a ratio with its interval: `0.72 (0.67 to 0.78)`."""
    ratio, low, high = ratio_digits(value, lower, upper)
    return ratio + tr(" ({low} to {high})", low=low, high=high)


def column_words(column: str) -> str:
    """Return a column as people say it: `tenure band`."""
    return term(column.replace("_", " "))


def ratio_digits(value: float, lower: float, upper: float) -> tuple[str, str, str]:
    """Return a ratio and its ends, rounded to the shorter arm of the interval.

    A ratio's interval is longer above than below, and readers look at whether it holds 1: when
    it does not, no end is rounded to 1.
    """
    unit = words.rounding_unit(0, min(value - lower, upper - value), coarsest=1.0)
    unit = min(unit, 0.1) if lower < 10 else unit
    while unit > 1e-4 and any(
        x != 1 and words.number(x, unit) == words.number(1, unit) for x in (lower, upper)
    ):
        unit /= 10
    coarse = max(unit, 1.0) if upper >= 10 * value else unit  # nothing hangs on its decimals
    return words.number(value, unit), words.number(lower, unit), words.number(upper, coarse)
