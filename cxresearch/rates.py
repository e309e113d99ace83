"""Retention and churn rates: of the customers at the start of a period, how many remain."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Counts, Labels, unknown
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr
from cxresearch._results import Results, too_small
from cxresearch.errors import DataError
from cxresearch.findings import Finding, not_reported
from cxresearch.retention import MIN_GROUP, RetentionCurves
from cxresearch.tables import PeriodTable
from cxresearch.uncertainty import Floats, newcombe_difference, wilson_interval

NUMBERED = (
    mark("year {n}"),
    mark("quarter {n}"),
    mark("month {n}"),
    mark("week {n}"),
    mark("day {n}"),
    mark("period {n}"),
)


@dataclass(frozen=True, eq=False)
class Rates(Table):
    """Retention rate of one group in a row of periods or tenures, with Wilson's interval.

    Parameters
    ----------
    periods
        Labels of the calendar periods, or tenures as text, shape (k,).
    at_start, lost
        Customers at the start, and how many of those left; shape (k,). Who joined within the
        period does not count. NaN where fewer than `min_group` were there.
    retention_rate, retention_rate_ci_lower, retention_rate_ci_upper
        1 − lost/at_start, 0–1, shape (k,); NaN where too few customers were there.
    axis
        What a period is: "period" (calendar) or "tenure".
    unit
        Word for one period: "month", "quarter", "year".
    group
        Labels of the group; empty for everybody.
    """

    periods: Labels
    at_start: Floats
    lost: Floats
    retention_rate: Floats
    retention_rate_ci_lower: Floats
    retention_rate_ci_upper: Floats
    axis: str
    unit: str
    group: Mapping[str, str]
    min_group: int
    confidence_level: float
    as_of: str | None
    population: str

    @property
    def churn_rate(self) -> Floats:
        """1 − retention_rate, shape (k,)."""
        return 1 - self.retention_rate

    @property
    def label(self) -> str:
        """Name of the group for a legend; empty for everybody."""
        return words.group_name(self.group)

    @property
    def comparable(self) -> bool:
        """Whether at least two periods can be shown, so that `change` has something to compare."""
        return len(self._shown) > 1

    def at(self, period: str) -> tuple[Finding, ...]:
        """Return the findings `retention_rate` and `churn_rate` of one period.

        A period that began with too few customers gives the finding `not_reported` alone.

        Raises
        ------
        DataError
            When the period is not in the table: nothing is extrapolated.
        """
        i = self._position(period)
        group = {self.axis: period, **self.group}
        if np.isnan(self.at_start[i]):
            return (not_reported(group, self.min_group, self.population, self.as_of),)
        low, high = float(self.retention_rate_ci_lower[i]), float(self.retention_rate_ci_upper[i])
        stay = (float(self.retention_rate[i]), low, high)
        leave = (1 - stay[0], 1 - high, 1 - low)
        return (
            self._finding("retention_rate", stay, i, self._remained(i, stay)),
            self._finding("churn_rate", leave, i, self._left(i, leave)),
        )

    def change(self, first: str | None = None, last: str | None = None) -> Finding:
        """Return the change of the retention rate from one period to another, as a finding.

        Parameters
        ----------
        first, last
            Periods to compare; the first and last with enough customers when not given.

        Notes
        -----
        Newcombe's hybrid score interval (1998, Statistics in Medicine 17, 873–890). The two
        periods share customers, but those at risk in the later one have all remained in the
        earlier one, so the two rates are uncorrelated.

        Raises
        ------
        DataError
            When a period is not in the table or began with too few customers, or when fewer
            than two can be shown: ask `comparable` first.
        """
        i, j = self._ends(first, last)
        before, after = (
            (float(self.at_start[k] - self.lost[k]), float(self.at_start[k])) for k in (i, j)
        )
        values = newcombe_difference(after, before, self.confidence_level)
        group = {"from": self.periods[i], "to": self.periods[j], **self.group}
        sentence = self._change_sentence(i, j, values)
        return self._finding("retention_rate_change", values, j, sentence, group=group)

    def findings(self) -> tuple[Finding, ...]:
        """Return `retention_rate` and `churn_rate` of each period."""
        return tuple(finding for period in self.periods for finding in self.at(period))

    def sentence(self, lang: str | None = None) -> str:
        """Return the last rate, and how it changed since the first, in words."""
        with speaking(lang):
            shown = np.flatnonzero(~np.isnan(self.at_start))
            if not shown.size:
                return not_reported(
                    self.group, self.min_group, self.population, self.as_of
                ).sentence
            last = self.at(self.periods[shown[-1]])[0].sentence
            return last if shown.size < 2 else words.sentences([last, self.change().sentence])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per period."""
        columns: dict[str, Any] = {**self.group, self.axis: list(self.periods)}
        names = ("at_start", "lost", "retention_rate")
        ends = ("retention_rate_ci_lower", "retention_rate_ci_upper")
        columns |= {name: getattr(self, name) for name in (*names, *ends)}
        columns["churn_rate"] = self.churn_rate
        columns["churn_rate_ci_lower"] = 1 - self.retention_rate_ci_upper
        columns["churn_rate_ci_upper"] = 1 - self.retention_rate_ci_lower
        return pd.DataFrame(columns, index=range(len(self.periods)))

    def _position(self, period: str) -> int:
        if period not in self.periods:
            raise DataError(unknown(self.axis, str(period), self.periods))
        return self.periods.index(period)

    @property
    def _shown(self) -> list[int]:
        return [int(i) for i in np.flatnonzero(~np.isnan(self.at_start))]

    def _ends(self, first: str | None, last: str | None) -> tuple[int, int]:
        if not self.comparable:
            shorter = "take shorter periods or" if self.axis == "period" else "take"
            raise DataError(
                f"there is {'only one' if self._shown else 'no'} {self.axis} to compare (two must "
                f"begin with {self.min_group} {self.population} or more): "
                f"{shorter} a longer extract."
            )
        i = self._shown[0] if first is None else self._position(first)
        j = self._shown[-1] if last is None else self._position(last)
        problems = [
            f"{self._when(k)} began with {words.fewer_than(self.min_group, self.population)}, "
            f"must be one of {', '.join(self.periods[s] for s in self._shown)}: choose another."
            for k in dict.fromkeys((i, j))
            if k not in self._shown
        ]
        if problems:
            raise DataError(problems)
        return i, j

    def _when(self, i: int) -> str:
        if self.axis == "tenure":
            return term(f"{self.unit} {{n}}").format(n=self.periods[i])
        return words.period_label(self.periods[i])

    def _remained(self, i: int, values: tuple[float, float, float]) -> str:
        return tr(
            "Of {whole} {whom} at the start of {period}, {some} remained to its end ({level} "
            "interval {spread}).",
            **self._frequency(i, values),
        )

    def _left(self, i: int, values: tuple[float, float, float]) -> str:
        return tr(
            "Of {whole} {whom} at the start of {period}, {some} left before its end ({level} "
            "interval {spread}).",
            **self._frequency(i, values),
        )

    def _frequency(self, i: int, values: tuple[float, float, float]) -> dict[str, str]:
        whole, some, spread = words.out_of(*values)
        return {
            "whole": whole,
            "whom": f"{term(self.population)}{words.with_group(self.group)}",
            "period": self._when(i),
            "some": some,
            "level": words.level_words(self.confidence_level),
            "spread": spread,
        }

    def _change_sentence(self, i: int, j: int, values: tuple[float, float, float]) -> str:
        change, lower, upper = (100 * value for value in values)
        known = {
            "first": self._when(i),
            "last": self._when(j),
            "level": words.level_words(self.confidence_level),
            "of": self._of_group(),
        }
        if lower <= 0 <= upper:
            return tr(
                "No clear change of the retention rate between {first} and {last}{of}: {points}, "
                "{level} interval.",
                **known,
                points=words.quantity(change, lower, upper, "percentage point"),
            )
        low, high = sorted((abs(lower), abs(upper)))
        known |= {"points": words.quantity(abs(change), low, high, "percentage point")}
        if change > 0:
            return tr(
                "The retention rate in {last}{of} was {points} higher than in {first} ({level} "
                "interval).",
                **known,
            )
        return tr(
            "The retention rate in {last}{of} was {points} lower than in {first} ({level} "
            "interval).",
            **known,
        )

    def _of_group(self) -> str:
        return tr(" for {group}", group=words.group_words(self.group)) if self.group else ""

    def _finding(
        self,
        name: str,
        values: tuple[float, float, float],
        i: int,
        sentence: str,
        *,
        group: Mapping[str, str] | None = None,
    ) -> Finding:
        return Finding(
            name,
            *values,
            round(float(self.at_start[i])),
            "share",
            sentence,
            group or {self.axis: self.periods[i], **self.group},
            confidence_level=self.confidence_level,
            as_of=self.as_of,
        )


def period_rates(
    table: PeriodTable, *, min_group: int = MIN_GROUP, confidence_level: float = 0.95
) -> Results[Rates]:
    """Return retention and churn rates per calendar period and group.

    Retention rate = customers at the start of the period who remain at its end, divided by the
    customers at its start; churn rate = 1 − retention rate. Who joins within the period does
    not count.

    Parameters
    ----------
    table
        Counts by group and calendar period.
    min_group
        Customers at the start that a group and a period need to be shown.
    confidence_level
        Of Wilson's interval.
    """
    large, small = table.split_small(max(min_group, 1))
    at_start, lost = large.at_start.sum(axis=1), large.lost.sum(axis=1)
    rates = tuple(
        Rates(
            large.periods,
            *_wilson_rates(at_start[g], lost[g], min_group, confidence_level),
            axis="period",
            unit=table.period,
            group=large.labels(g),
            min_group=min_group,
            confidence_level=confidence_level,
            as_of=table.as_of,
            population=table.population,
        )
        for g in range(len(large.groups))
    )
    return Results(rates, too_small(table, small, max(min_group, 1)))


def tenure_rates(curves: RetentionCurves) -> Results[Rates]:
    """Return the retention rate of each period of tenure: r(t) = S(t)/S(t − 1) = 1 − d/n.

    Parameters
    ----------
    curves
        Result of `retention_curves`; its groups, start and confidence level are kept.
    """
    rates = tuple(
        Rates(
            tuple(str(t) for t in curve.tenure[1:]),
            *_wilson_rates(
                curve.at_risk[1:], curve.churned[1:], curves.min_group, curve.confidence_level
            ),
            axis="tenure",
            unit=words.period_word(curve.periods_per_year),
            group=curve.group,
            min_group=curves.min_group,
            confidence_level=curve.confidence_level,
            as_of=curve.as_of,
            population=curve.population,
        )
        for curve in curves
    )
    return Results(rates, curves.not_reported)


def _wilson_rates(
    at_start: Counts, lost: Counts, min_group: int, level: float
) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    """Return at_start, lost, rate, lower and upper; NaN where too few customers were there."""
    shown = at_start >= max(min_group, 1)
    start, gone = np.where(shown, at_start, np.nan), np.where(shown, lost, np.nan)
    return start, gone, 1 - gone / start, *wilson_interval(start - gone, start, level)
