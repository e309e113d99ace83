"""One retention curve: its numbers, its sentences, and no look beyond the data."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._grouped import Counts
from cxresearch._html import Table, html_table
from cxresearch._language import speaking, term, tr, trn
from cxresearch._min_cell import least_events
from cxresearch.errors import CxError
from cxresearch.findings import Finding
from cxresearch.uncertainty import Floats


@dataclass(frozen=True, eq=False)
class RetentionCurve(Table):
    """Share of customers retained by tenure, with a pointwise interval.

    Parameters
    ----------
    tenure
        Start, start + 1, … up to the longest tenure observed, shape (k,).
    retained, retained_ci_lower, retained_ci_upper
        Share still there after each tenure, 0–1, of those who reached the start; shape (k,).
    standard_error
        Of `retained`, shape (k,).
    at_risk, churned, censored
        Customers at each tenure, shape (k,).
    median
        Median tenure, lower and upper end; NaN where the share never falls to one half.
    group
        Labels of the group; empty for everybody.
    n
        Customers in the group (who were seen after the start).
    cut_below
        Set when the curve was ended because fewer customers than this are at risk in the
        period after it.
    refills
        Whether so many, or more, are at risk again at some later tenure.
    """

    tenure: NDArray[np.int64]
    retained: Floats
    retained_ci_lower: Floats
    retained_ci_upper: Floats
    standard_error: Floats
    at_risk: Counts
    churned: Counts
    censored: Counts
    median: tuple[float, float, float]
    group: Mapping[str, str]
    n: int
    confidence_level: float
    as_of: str | None
    population: str
    periods_per_year: int
    cut_below: int = 0
    refills: bool = False

    @property
    def start(self) -> int:
        """Tenure that the curve is conditional on."""
        return int(self.tenure[0])

    @property
    def longest(self) -> int:
        """Last tenure of the curve, which says nothing beyond it."""
        return int(self.tenure[-1])

    @property
    def label(self) -> str:
        """Name of the group for a legend; empty for everybody."""
        return words.group_name(self.group)

    @property
    def events(self) -> float:
        """Customers who left, at any tenure on the curve after its start."""
        return float(self.churned[1 if self.start else 0 :].sum())

    @property
    def end_words(self) -> str:
        """What the end of the curve is, in words."""
        if self.cut_below:
            return tr("up to which at least {n} are at risk", n=self.cut_below)
        return tr("the longest tenure observed")

    @property
    def of_group(self) -> str:
        """The group, to stand after what is of it: ` for plan basic`; empty for everybody."""
        return tr(" for {group}", group=words.group_words(self.group)) if self.group else ""

    @property
    def years(self) -> tuple[int, ...]:
        """Whole years of tenure on the curve; its end when it is shorter than a year."""
        step = self.periods_per_year
        first = (self.start // step + 1) * step
        return tuple(range(first, self.longest + 1, step)) or (self.longest,)

    def at(self, tenure: int) -> Finding:
        """Return the share retained at one tenure, as a finding.

        Raises
        ------
        CxError
            When the tenure is not on the curve: nothing is extrapolated.
        """
        if tenure != int(tenure) or not self.start <= tenure <= self.longest:
            raise CxError(
                f"tenure is {tenure!r}, must be a whole number from {self.start} to {self.longest}"
                f"{self.of_group}, {self.end_words}: ask for an earlier one, or "
                "project the curve with a model and say so."
            )
        i = int(tenure) - self.start
        value, lower, upper = (
            float(x[i]) for x in (self.retained, self.retained_ci_lower, self.retained_ci_upper)
        )
        sentence = self._retained_sentence(int(tenure), value, lower, upper)
        return self._finding("retained", (value, lower, upper), "share", sentence, tenure=tenure)

    def median_tenure(self) -> Finding:
        """Return the tenure by which half have left; its value is None when that is not reached.

        The first tenure at which the share is at or below one half; the interval is where the
        band crosses one half (Brookmeyer & Crowley 1982, Biometrics 38, 29–41).
        """
        sentence = self._median_sentence()
        return self._finding("median_tenure", self.median, f"{self._period}s", sentence)

    def findings(self, tenures: Sequence[int] | None = None) -> tuple[Finding, ...]:
        """Return `retained` at each tenure (each year by default) and `median_tenure`.

        A tenure beyond the curve gives a finding without a value that says so.
        """
        chosen = self.years if tenures is None else tenures
        found = [self.at(t) if self._covers(t) else self._not_observed(t) for t in chosen]
        return (*found, self.median_tenure())

    def sentence(self, lang: str | None = None) -> str:
        """Return the share at the last whole year and the median, in words."""
        with speaking(lang):
            return words.sentences([self.at(self.years[-1]).sentence, self._median_sentence()])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per tenure."""
        columns: dict[str, Any] = dict(self.group)
        names = ("tenure", "at_risk", "churned", "censored", "retained")
        bands = ("retained_ci_lower", "retained_ci_upper", "standard_error")
        columns |= {name: getattr(self, name) for name in (*names, *bands)}
        return pd.DataFrame(columns, index=range(len(self.tenure)))

    def summary(self, tenures: Sequence[int] | None = None) -> pd.DataFrame:
        """Return the rows of the chosen tenures (each year by default) that are on the curve."""
        frame = self.to_frame().drop(columns=["standard_error", "churned", "censored"])
        chosen = [t for t in (self.years if tenures is None else tenures) if self._covers(t)]
        return frame[frame["tenure"].isin(chosen)].reset_index(drop=True)

    def _repr_html_(self) -> str:
        return html_table(self.summary())

    @property
    def _period(self) -> str:
        return words.period_word(self.periods_per_year)

    def _covers(self, tenure: int) -> bool:
        return self.start <= tenure <= self.longest

    def _months(self, tenure: float) -> str:
        return words.counted(tenure, self._period)

    def _whom(self) -> str:
        whom = f"{term(self.population)}{words.with_group(self.group)}"
        if not self.start:
            return whom
        return tr("{whom} who reached {tenure}", whom=whom, tenure=self._months(self.start))

    def _warning(self) -> str:
        least = least_events()
        if self.events >= least:
            return ""
        if not self.events:
            return tr(" None of them left while observed: read the interval, not the figure.")
        return tr(
            " Fewer than {least} of them left while observed: read the interval, not the figure.",
            least=least,
        )

    def _retained_sentence(self, tenure: int, value: float, lower: float, upper: float) -> str:
        whole, stay, spread = words.out_of(value, lower, upper)
        said = trn(
            "Of {whole} {whom}, {stay} is still there after {tenure} ({level} interval {spread}).",
            "Of {whole} {whom}, {stay} are still there after {tenure} ({level} interval {spread}).",
            1 if stay == "1" else 2,
            whole=whole,
            whom=self._whom(),
            stay=stay,
            tenure=self._months(tenure),
            level=words.level_words(self.confidence_level),
            spread=spread,
        )
        return said + self._warning()

    def _median_sentence(self) -> str:
        median, lower, upper = self.median
        if math.isnan(median):
            return tr(
                "More than half of the {whom} are still there after {tenure}, {end}: the median is "
                "not reached.",
                whom=self._whom(),
                tenure=self._months(self.longest),
                end=self.end_words,
            )
        known = {"whom": self._whom(), "median": self._months(median)}
        known |= {"level": words.level_words(self.confidence_level), "lower": words.number(lower)}
        if math.isnan(upper):
            said = tr(
                "Half of the {whom} have left by {median} ({level} interval {lower}, no upper end "
                "yet).",
                **known,
            )
        else:
            said = tr(
                "Half of the {whom} have left by {median} ({level} interval {lower} to {upper}).",
                **known,
                upper=words.number(upper),
            )
        return said + self._warning()

    def _not_observed(self, tenure: int) -> Finding:
        empty = (math.nan, math.nan, math.nan)
        sentence = self._why_not(tenure)
        return self._finding("retained", empty, "share", sentence, tenure=tenure)

    def _why_not(self, tenure: int) -> str:
        known = {"tenure": self._months(tenure), "end": self._months(self.longest)}
        known |= {"start": str(self.start), "whom": self._whom()}
        if tenure < self.start:
            return tr("Not known after {tenure}: the curve runs from {start} to {end}.", **known)
        if not self.cut_below:
            return tr(
                "Not known: none of the {whom} were observed at {tenure}; the curve runs from "
                "{start} to {end}.",
                **known,
            )
        known |= {"period": term(self._period), "n": str(self.cut_below)}
        if self.cut_below == 1:
            return tr(
                "Not known after {tenure}: the curve runs from {start} to {end}; in the {period} "
                "after that, none of the {whom} were at risk.",
                **known,
            )
        return tr(
            "Not known after {tenure}: the curve runs from {start} to {end}; in the {period} after "
            "that, fewer than {n} of the {whom} were at risk.",
            **known,
        )

    def _finding(
        self,
        name: str,
        values: tuple[float, float, float],
        unit: str,
        sentence: str,
        **extra: object,
    ) -> Finding:
        value, lower, upper = (x if math.isfinite(x) else None for x in values)
        group = {key: str(label) for key, label in extra.items()} | dict(self.group)
        return Finding(
            name,
            value,
            lower,
            upper,
            self.n,
            unit,
            sentence,
            group,
            confidence_level=self.confidence_level,
            as_of=self.as_of,
        )
