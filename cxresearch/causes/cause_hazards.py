"""Churn by recorded cause per 1,000 customer-months: the hazards that segments are compared by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import gammaincinv

from cxresearch import _format as words
from cxresearch._checks import check_level
from cxresearch._grouped import Counts, Labels
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr
from cxresearch._results import Results, too_small
from cxresearch.cause_table import CauseTable
from cxresearch.causes._cause_words import few_events, recorded
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.hazards.ratios import HazardRatios, Wording, hazard_ratios
from cxresearch.retention import MIN_GROUP
from cxresearch.uncertainty import Floats, Interval, jackknife, log_interval

PER = 1000  # customer-months
EXPOSED = (
    mark("customer-years"),
    mark("customer-quarters"),
    mark("customer-months"),
    mark("customer-weeks"),
    mark("customer-days"),
    mark("customer-periods"),
)


@dataclass(frozen=True, eq=False)
class CauseRates(Table):
    """Customers of one group who left with each cause, per 1,000 customer-months.

    Parameters
    ----------
    causes
        Names of the causes, K of them.
    cause_rate, cause_rate_ci_lower, cause_rate_ci_upper
        Per 1,000 periods in which a customer was at risk, shape (K,).
    churned
        Customers who left with the cause, shape (K,).
    exposure
        Periods at risk of all customers together.
    group
        Labels of the group; empty for everybody.
    n
        Customers in the group.
    """

    causes: Labels
    cause_rate: Floats
    cause_rate_ci_lower: Floats
    cause_rate_ci_upper: Floats
    churned: Counts
    exposure: float
    group: Mapping[str, str]
    n: int
    confidence_level: float
    as_of: str | None
    population: str
    periods_per_year: int

    def to_frame(self) -> pd.DataFrame:
        """Return one row per cause."""
        columns: dict[str, Any] = {"cause": list(self.causes), **self.group}
        names = ("churned", "cause_rate", "cause_rate_ci_lower", "cause_rate_ci_upper")
        columns |= {name: getattr(self, name) for name in names}
        return pd.DataFrame(columns, index=range(len(self.causes)))

    def sentence(self, lang: str | None = None) -> str:
        """Return the rate of each cause, in words."""
        with speaking(lang):
            return words.sentences(self._sentence(k) for k in range(len(self.causes)))

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `cause_rate` for each cause; n is the customers of the group."""
        return tuple(self._finding(k) for k in range(len(self.causes)))

    @property
    def _unit(self) -> str:
        return f"customer-{words.period_word(self.periods_per_year)}s"

    def _values(self, k: int) -> tuple[float, float, float]:
        arrays = (self.cause_rate, self.cause_rate_ci_lower, self.cause_rate_ci_upper)
        value, lower, upper = (float(array[k]) for array in arrays)
        return value, lower, upper

    def _sentence(self, k: int) -> str:
        ends = self._values(k)
        unit = words.rounding_unit(*ends[1:])
        value, low, high = (words.number(end, unit) for end in ends)
        said = tr(
            "{Whom} left, {recorded}, at a rate of {value} per {per} {exposed} ({level} interval "
            "{low} to {high}).",
            Whom=words.sentence_start(term(self.population)) + words.with_group(self.group),
            recorded=recorded(self.causes[k]),
            value=value,
            per=f"{PER:,}",
            exposed=term(self._unit),
            level=words.level_words(self.confidence_level),
            low=low,
            high=high,
        )
        return said + few_events(float(self.churned[k]))

    def _finding(self, k: int) -> Finding:
        return Finding(
            "cause_rate",
            *self._values(k),
            self.n,
            f"per {PER:,} {self._unit}",
            self._sentence(k),
            {"cause": self.causes[k], **self.group},
            confidence_level=self.confidence_level,
            as_of=self.as_of,
        )


def cause_rates(
    table: CauseTable, *, min_group: int = MIN_GROUP, confidence_level: float = 0.95
) -> Results[CauseRates]:
    """Return how many customers left with each cause per 1,000 customer-months, by group.

    Parameters
    ----------
    table
        Counts by group, tenure and cause. A customer is exposed in each period at risk, from
        the first after the entry; late entry needs no start here.
    min_group
        Customers that a group needs to be reported; smaller ones are only counted.
    confidence_level
        Of the interval: exact Poisson for counts, jackknife on the log scale for weights.

    Notes
    -----
    The rate averages over the tenures at which customers were observed. Groups that are seen
    at different tenures therefore differ in it even where their hazards agree at each tenure.
    """
    large, small = table.split_small(max(min_group, 1))
    at_risk, churned = large.life.at_risk[..., 1:], large.churned[..., 1:]
    exposure, events = at_risk.sum(axis=(1, 2)), churned.sum(axis=(2, 3))
    lower, upper = poisson_interval(events, exposure, confidence_level)
    if large.life.weighted:
        lower, upper = _jackknife_interval(at_risk, churned, confidence_level)
    exposed = np.where(exposure > 0, exposure, np.nan)

    def rates(g: int) -> CauseRates:
        return CauseRates(
            large.causes,
            PER * events[:, g] / exposed[g],
            PER * lower[:, g],
            PER * upper[:, g],
            events[:, g],
            float(exposure[g]),
            large.life.labels(g),
            round(float(large.life.n[g])),
            confidence_level,
            table.life.as_of,
            table.life.population,
            table.life.periods_per_year,
        )

    found = tuple(rates(g) for g in range(len(large.life.groups)))
    return Results(found, too_small(table.life, small, max(min_group, 1)))


def cause_hazard_ratios(
    table: CauseTable,
    causes: Sequence[str],
    *,
    min_group: int = MIN_GROUP,
    confidence_level: float = 0.95,
) -> HazardRatios:
    """Return how many times as often each group left with these causes, at the same tenure.

    Parameters
    ----------
    table
        Counts by group, tenure and cause.
    causes
        Counted together; whoever left with another one counts until then, as censored.
    min_group
        Customers that a group needs; smaller ones are left out.
    confidence_level
        Of the intervals.

    Returns
    -------
    HazardRatios
        Of the labels of the first group column against its most frequent one, with the other
        columns held fixed (see `hazard_ratios`). A ratio of cause-specific hazards describes how
        often customers leave who are still there; it is not a ratio of the shares that left.

    Raises
    ------
    DataError
        When nothing is grouped, or there is no such cause.
    """
    if not table.life.group_columns:
        raise DataError("the table has 0 group columns, must have at least 1: pass group_by.")
    exposure, *others = table.life.group_columns
    large, _ = table.split_small(max(min_group, 1))
    sizes = large.life.pooled(exposure)
    reference = sizes.groups[int(sizes.n.argmax())][0] if sizes.groups else ""
    when = tr(
        "in the same {unit} as a customer, counting churn {recorded}",
        unit=term(words.period_word(table.life.periods_per_year)),
        recorded=words.and_list(dict.fromkeys(recorded(name) for name in causes)),
    )
    return hazard_ratios(
        large.cause(*causes),
        exposure,
        reference=reference,
        adjust_for=others,
        confidence_level=confidence_level,
        wording=Wording(when=when),
    )


def poisson_interval(
    events: ArrayLike, exposure: ArrayLike, confidence_level: float = 0.95
) -> Interval:
    """Return the exact interval of a rate, events over exposure; NaN without exposure.

    Garwood 1936, Biometrika 28, 437–442: gamma quantiles at α/2 with shape `events` and at
    1 − α/2 with shape `events` + 1. Its level is kept or exceeded, also for a binomial count.
    """
    check_level(confidence_level)
    tail = (1 - confidence_level) / 2
    count, time = np.asarray(events, np.float64), np.asarray(exposure, np.float64)
    time = np.where(time > 0, time, np.nan)
    some = np.where(count > 0, count, 1.0)
    lower = np.where(count > 0, gammaincinv(some, tail), 0.0) / time
    return lower, gammaincinv(count + 1, 1 - tail) / time


def _jackknife_interval(at_risk: Counts, churned: Counts, level: float) -> Interval:
    again = jackknife(lambda n, d: d.sum(-1) / n[:, None].sum(-1), at_risk, churned)
    return log_interval(again.estimate, again.standard_error, level)
