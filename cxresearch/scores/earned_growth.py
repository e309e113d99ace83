"""Earned growth: how much the company grows by customers who stay and by those they bring."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch._results import Results, too_small
from cxresearch.findings import Finding
from cxresearch.retention import MIN_GROUP
from cxresearch.revenue_bridge import NEW, RevenueBridge
from cxresearch.scores.revenue_retention import AT, OLD, bridge_errors, few_payers, retention_rates
from cxresearch.uncertainty import Floats, critical_value


@dataclass(frozen=True, eq=False)
class EarnedGrowth(Table):
    """Earned growth rate of one group, as a range over what is not known of new customers.

    Shares of the opening revenue; each number is of the same two months.

    Parameters
    ----------
    net_revenue_retention
        Of the customers of the opening month.
    new_earned, new_bought, new_unknown
        Revenue of new customers in the closing month, by how they were won.
    earned_growth
        net_revenue_retention + earned new revenue − 1, the unknown taken as the known are; NaN
        where nothing is known.
    earned_growth_if_bought, earned_growth_if_earned
        The same with all of the unknown bought, and with all of them earned.
    earned_growth_ci_lower, earned_growth_ci_upper
        From the lower end of the interval of the first to the upper end of that of the second.
    total_growth
        net_revenue_retention + all new revenue − 1; reactivated customers are in neither.
    n, n_new, n_reactivated
        Customers of the opening month; new ones; those who came back and are left out.
    unknown_share
        Share of the new revenue whose source is not known.
    """

    net_revenue_retention: float
    new_earned: float
    new_bought: float
    new_unknown: float
    earned_growth: float
    earned_growth_if_bought: float
    earned_growth_if_earned: float
    earned_growth_ci_lower: float
    earned_growth_ci_upper: float
    total_growth: float
    n: int
    n_new: int
    n_reactivated: int
    opening_month: str
    closing_month: str
    group: Mapping[str, str]
    confidence_level: float
    as_of: str | None

    @property
    def unknown_share(self) -> float:
        """Share of the new revenue whose source is not known; NaN without new revenue."""
        new = self.new_earned + self.new_bought + self.new_unknown
        return self.new_unknown / new if new > 0 else float("nan")

    @property
    def earned_share(self) -> float:
        """Earned growth as a share of total growth; NaN where revenue did not grow."""
        return self.earned_growth / self.total_growth if self.total_growth > 0 else float("nan")

    @property
    def definition(self) -> str:
        """What the figure is, to be printed below it."""
        return tr(
            "Earned growth: net revenue retention from {opening} to {closing}, plus the revenue of "
            "new customers won by a referral or by word of mouth as a share of the opening "
            "revenue, less 1. The range takes all new customers of unknown source as bought, or "
            "all as earned. Reactivated customers are left out.",
            opening=words.period_label(self.opening_month),
            closing=words.period_label(self.closing_month),
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        row: dict[str, object] = {**self.group, "customers": self.n, "new_customers": self.n_new}
        row["reactivated_customers"] = self.n_reactivated
        names = ("net_revenue_retention", "new_earned", "new_bought", "new_unknown", "total_growth")
        row |= {f"{name}_share": getattr(self, name) for name in names}
        row["earned_growth_share"] = self.earned_growth
        row["earned_growth_share_ci_lower"] = self.earned_growth_ci_lower
        row["earned_growth_share_ci_upper"] = self.earned_growth_ci_upper
        return pd.DataFrame([row])

    def sentence(self, lang: str | None = None) -> str:
        """Return the figure with its range in words."""
        with speaking(lang):
            low, high = self.earned_growth_ci_lower, self.earned_growth_ci_upper
            if np.isfinite(self.earned_growth):
                figure = words.percent_interval(self.earned_growth, low, high)
                level = words.level_words(self.confidence_level)
                return self._estimate(figure, level, clear=not low <= 0 <= high)
            width = words.rounding_unit(low, high, coarsest=0.01)
            return tr(
                "Earned growth {span} lies between {low} and {high}: of no new customer is it "
                "known how they were won.",
                span=self._span(),
                low=words.percent(low, width),
                high=words.percent(high, width),
            )

    def _estimate(self, figure: str, level: str, *, clear: bool) -> str:
        about = {"span": self._span(), "figure": figure, "level": level, "known": self._known()}
        if clear:
            return tr("Earned growth {span} is {figure}, {level} interval{known}.", **about)
        return tr("No clear earned growth {span}: {figure}, {level} interval{known}.", **about)

    def _span(self) -> str:
        whom = ""
        if self.group:
            whom = tr(" for customers{group}", group=words.with_group(self.group))
        return tr(
            "from {opening} to {closing}{whom}",
            opening=words.period_label(self.opening_month),
            closing=words.period_label(self.closing_month),
            whom=whom,
        )

    def _known(self) -> str:
        if not self.new_unknown > 0:
            return ""
        ends = (self.earned_growth_ci_lower, self.earned_growth_ci_upper)
        width = words.rounding_unit(*ends, coarsest=0.01)
        return tr(
            ", which includes what is not known: for {share} of the new revenue nobody recorded "
            "how the customer was won; if all of it was bought, the figure is {bought}, if all was "
            "earned, {earned}",
            share=words.percent(self.unknown_share),
            bought=words.percent(self.earned_growth_if_bought, width),
            earned=words.percent(self.earned_growth_if_earned, width),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return `earned_growth`; of grade D where the source of new revenue is not known."""
        return (
            Finding(
                "earned_growth",
                self.earned_growth if np.isfinite(self.earned_growth) else None,
                self.earned_growth_ci_lower,
                self.earned_growth_ci_upper,
                self.n,
                "share",
                self.sentence(),
                self.group,
                confidence_level=self.confidence_level,
                grade="D" if self.new_unknown > 0 else "C",
                as_of=self.as_of,
            ),
        )


def earned_growth(
    table: RevenueBridge, *, min_group: int = MIN_GROUP, confidence_level: float = 0.95
) -> Results[EarnedGrowth]:
    """Return the earned growth rate of each group, as a range over unknown sources.

    Parameters
    ----------
    table
        Result of `Data.revenue_bridge`.
    min_group
        Customers of the opening month that a group needs to be shown.
    confidence_level
        Of the sampling part of the interval.

    Notes
    -----
    Reichheld, Darnell & Burns 2021, "Net Promoter 3.0", Harvard Business Review 99(6): earned
    growth rate = net revenue retention + earned new customers − 100 %, the latter here as a
    share of the opening revenue, so that the two can be added. The interval is the union of the
    intervals over the identified range, so it covers every value in it; sampling errors are a
    delete-a-group jackknife over customers.
    """
    large, small = table.split_small(max(min_group, 1))
    values = _growth(large.opening.sum(axis=1), large.closing.sum(axis=1))
    z = critical_value(confidence_level)
    error = bridge_errors(large, _growth) * few_payers(large, confidence_level)[:, None]
    people = large.people.sum(axis=1)
    results = tuple(
        EarnedGrowth(
            **_parts(values[g]),
            earned_growth_ci_lower=float(values[g, 4] - z * error[g, 4]),
            earned_growth_ci_upper=float(values[g, 5] + z * error[g, 5]),
            total_growth=float(values[g, 6]),
            n=round(float(large.n[g])),
            n_new=round(float(sum(people[g, AT[move]] for move in NEW))),
            n_reactivated=round(float(people[g, AT["reactivated"]])),
            opening_month=large.opening_month,
            closing_month=large.closing_month,
            group=large.labels(g),
            confidence_level=confidence_level,
            as_of=large.as_of,
        )
        for g in range(len(large.groups))
    )
    return Results(results, too_small(table, small, max(min_group, 1)))


def _growth(opening: Floats, closing: Floats) -> Floats:
    """Return NRR, new by source (3), growth if bought, if earned and in total, shape (..., 7)."""
    start = opening[..., OLD].sum(axis=-1)
    net = retention_rates(opening, closing)[..., 1]
    new = [closing[..., AT[move]] / np.where(start > 0, start, np.nan) for move in NEW]
    low = net + new[0] - 1
    return np.stack([net, *new, low, low + new[2], net + sum(new) - 1], axis=-1)


def _parts(values: Floats) -> dict[str, Any]:
    """Return the first fields of `EarnedGrowth`, with the unknown taken as the known are."""
    net, earned, bought, unknown, low, high = (float(x) for x in values[:6])
    known = earned + bought
    middle = low + unknown * earned / known if known > 0 else float("nan")
    return {
        "net_revenue_retention": net,
        "new_earned": earned,
        "new_bought": bought,
        "new_unknown": unknown,
        # without anything unknown the range is a point
        "earned_growth": low if unknown == 0 else middle,
        "earned_growth_if_bought": low,
        "earned_growth_if_earned": high,
    }
