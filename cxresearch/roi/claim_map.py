"""The claim over all retention and discount rates: where it holds, and where the company stands."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch.errors import DataError
from cxresearch.roi.constant import thresholds, uplift
from cxresearch.roi.economics import Concept, Economics, concept_problems, concept_words
from cxresearch.roi.readings import Lift
from cxresearch.uncertainty import Floats

LOWEST: Final = 0.5  # retention and discount rate to which the map reaches at least
HIGHEST: Final = 0.2
STEPS: Final = 200
SHOWN_RATES: Final = (0.0, 0.05, 0.10, 0.15, 0.20)


@dataclass(frozen=True, eq=False)
class ClaimMap(Table):
    """How much higher profit is with a lift, by base retention and discount rate.

    Parameters
    ----------
    lift, economics, concept, year
        As in `uplift`; the discount rate of the terms is that of the company.
    target
        The claimed uplift, 0.25 for 25 %.
    retention
        Base retention rates, shape (n,).
    rates
        Discount rates, shape (m,).
    uplift
        Shape (m, n); NaN where the lift passes 1 or there is no profit before it.
    own
        The company's retention of a year with its interval, NaN ends where it was entered; None
        where it is not known.
    """

    lift: Lift
    economics: Economics
    concept: Concept
    year: int | None
    target: float
    retention: Floats
    rates: Floats
    uplift: Floats
    own: tuple[float, float, float] | None

    @property
    def holds_from(self) -> tuple[float, ...]:
        """Lowest retention that is enough at each of `SHOWN_RATES`; NaN where none is."""
        return tuple(self._lowest(rate) for rate in SHOWN_RATES)

    @property
    def own_uplift(self) -> float:
        """Uplift at the company's own rates; NaN where there is none."""
        if self.own is None:
            return math.nan
        return float(uplift(self.lift, self.own[0], self.economics, self.concept, year=self.year))

    def to_frame(self) -> pd.DataFrame:
        """Return the lowest retention rate that is enough, one row per discount rate."""
        columns = {"discount_rate": SHOWN_RATES, "threshold_retention_rate": self.holds_from}
        return pd.DataFrame(columns)

    def sentence(self, lang: str | None = None) -> str:
        """Return where the claim holds if retention never changes, in words."""
        with speaking(lang):
            found = list(self._from())
            values = {
                "lift": self.lift.words,
                "what": concept_words(self.concept, self.year),
                "target": words.percent(self.target),
                "rates": words.and_list(found),
                "here": self._here(),
            }
            if not found:
                return tr(
                    "With {lift} a year, {what} is nowhere on this map {target} higher or more."
                    "{here}",
                    **values,
                )
            if len(found) == len(SHOWN_RATES):
                return tr(
                    "With {lift} a year, {what} is {target} higher or more from these rates of "
                    "retention on, at these discount rates: {rates}.{here}",
                    **values,
                )
            return tr(
                "With {lift} a year, {what} is {target} higher or more from these rates of "
                "retention on, at these discount rates: {rates}, and at no retention at the other "
                "rates.{here}",
                **values,
            )

    def _from(self) -> Iterator[str]:
        """Yield for each rate at which there is one the lowest retention that is enough."""
        for lowest, rate in zip(self.holds_from, SHOWN_RATES, strict=True):
            if not math.isnan(lowest):
                retention = words.percent(lowest, 0.001)
                yield tr(
                    "from {retention} at {rate}", retention=retention, rate=words.percent(rate)
                )

    def _lowest(self, rate: float) -> float:
        terms = replace(self.economics, annual_discount_rate=rate)
        ranges = thresholds(
            self.lift, terms, target=self.target, concept=self.concept, year=self.year
        )
        return ranges[0][0] if ranges else math.nan

    def _here(self) -> str:
        if self.own is None:
            return ""
        where = own_words(self.own)
        rate = words.percent(self.economics.annual_discount_rate, 0.001)
        much = words.percent(self.own_uplift, 0.001)
        if math.isnan(self.own_uplift):
            return tr(" Here retention is {where}, where there is no such number.", where=where)
        return tr(
            " Here, at {where} and {rate}, it is {much} higher.", where=where, rate=rate, much=much
        )


def own_words(own: tuple[float, float, float]) -> str:
    """Return the company's retention with its interval; with one decimal where it was entered."""
    return words.percent(own[0], 0.001) if math.isnan(own[1]) else words.percent_interval(*own)


def claim_map(
    lift: Lift,
    economics: Economics,
    *,
    concept: Concept,
    target: float,
    year: int | None = None,
    own: tuple[float, float, float] | float | None = None,
) -> ClaimMap:
    """Return how much higher profit is over a map of retention and discount rates.

    Parameters
    ----------
    lift
        In one reading.
    economics
        The terms; their discount rate is where the company stands.
    concept, year
        As in `uplift`.
    target
        The claimed uplift, 0.25 for 25 %.
    own
        The company's retention of a year: one number, or with the ends of its interval.

    Raises
    ------
    DataError
        When an argument breaks its rule.
    """
    here = (own, math.nan, math.nan) if isinstance(own, (int, float)) else own
    if problems := [*concept_problems(concept, year), *_problems(target, here)]:
        raise DataError(problems)
    rates, retention = _axes(economics.annual_discount_rate, here)
    found = uplift(
        lift, retention, economics, concept, year=year, annual_discount_rate=rates[:, None]
    )
    grid = np.broadcast_to(found, (len(rates), len(retention)))
    return ClaimMap(lift, economics, concept, year, target, retention, rates, grid, here)


def _axes(rate: float, own: tuple[float, float, float] | None) -> tuple[Floats, Floats]:
    """Return discount rates and retention rates of a map that the company's own point is on."""
    left = min((LOWEST, *(own or ())))  # NaN ends compare false and are passed over
    low = math.floor(10 * left) / 10
    high = max(HIGHEST, math.ceil(10 * rate) / 10)
    return np.linspace(0.0, high, STEPS // 2 + 1), np.linspace(low, 1.0, STEPS + 1)


def _problems(target: float, own: tuple[Any, ...] | None) -> Iterator[str]:
    if not 0 < target < math.inf:
        yield f"target is {target!r}, must be above 0: write 0.25 for 25 % more."
    if own is not None and not 0 <= own[0] <= 1:
        yield f"own is {own[0]!r}, must be a share from 0 to 1 a year: write 0.85 for 85 %."
