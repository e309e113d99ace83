"""The lifetime value of one group over one horizon: its numbers, and what they are said in."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.projection._model_fit import NAMES
from cxresearch.value._band import Band
from cxresearch.value.prices import Prices, item_list, too_few_bills
from cxresearch.value.terms import Terms

ENDS: Final = ("", "_ci_lower", "_ci_upper")


@dataclass(frozen=True, eq=False)
class LifetimeValue(Table):
    """What the customers of one group bring on average from their answer on, in today's money.

    Parameters
    ----------
    lifetime_value, lifetime_value_ci_lower, lifetime_value_ci_upper
        Discounted contribution of the bills of the horizon, per customer.
    inside, projected
        The two parts of it: of the months that the data reach, and of the later ones.
    beyond, beyond_ci_lower, beyond_ci_upper
        What comes after the horizon, up to the end of a life as a customer (100 years at most),
        extrapolated after `data_end`; NaN without a discount rate, or without a model.
    share_after_horizon, share_after_horizon_ci_lower, share_after_horizon_ci_upper
        `beyond` over the value of that whole life, 0–1; NaN without `beyond`.
    share_beyond_data, share_beyond_data_ci_lower, share_beyond_data_ci_upper
        `projected` over the value, 0–1; NaN where the value or one part of it is below 0.
    by_model
        The value after each model alone; empty within the data.
    by_horizon
        The value of the first 1, 2, … bills, arrays of shape (horizon,).
    contribution
        Discounted contribution of each bill, arrays of shape (horizon,).
    data_end
        Last month since the answer with enough customers at risk.
    borrowed
        Bills up to then of which too few are known, so that they take the mean of other months.
    terms, prices
        What the value is said in, and what a count is worth.
    n
        Customers (answers) that began the clock.
    group, population, confidence_level, as_of
        Whose value it is, level of the intervals, and the date that the data reach.
    """

    lifetime_value: float
    lifetime_value_ci_lower: float
    lifetime_value_ci_upper: float
    inside: float
    projected: float
    beyond: float
    beyond_ci_lower: float
    beyond_ci_upper: float
    share_after_horizon: float
    share_after_horizon_ci_lower: float
    share_after_horizon_ci_upper: float
    share_beyond_data: float
    share_beyond_data_ci_lower: float
    share_beyond_data_ci_upper: float
    by_model: Mapping[str, Band]
    by_horizon: Band
    contribution: Band
    data_end: int
    borrowed: int
    terms: Terms
    prices: Prices
    n: float
    group: Mapping[str, str]
    population: str
    confidence_level: float
    as_of: str | None

    @property
    def label(self) -> str:
        """Labels of the group, whatever language is spoken; empty for everybody."""
        return ", ".join(self.group.values())

    @property
    def name(self) -> str:
        """Name of the group for a figure; empty for everybody."""
        return words.group_name(self.group)

    @property
    def horizon(self) -> int:
        """Bills that count."""
        return self.terms.horizon

    @property
    def months(self) -> NDArray[np.int64]:
        """Months of the bills, shape (horizon,)."""
        return self.terms.months

    @property
    def bills_seen(self) -> int:
        """How many of the bills are within the data."""
        return int((self.months <= self.data_end).sum())

    @property
    def values(self) -> tuple[float, float, float]:
        """The value and the ends of its interval."""
        return self._ends("lifetime_value")

    @property
    def grade(self) -> str:
        """D where something entered, or something beyond the data, is in the value; else C."""
        seen = self.bills_seen == self.horizon and not self.borrowed
        return "C" if seen and not self.prices.assumed else "D"

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        row: dict[str, Any] = {**self.group, "horizon": self.horizon, "customers": round(self.n)}
        row |= self._columns("lifetime_value")
        row |= {"inside": self.inside, "projected": self.projected}
        for name in ("share_beyond_data", "beyond", "share_after_horizon"):
            row |= self._columns(name)
        return pd.DataFrame([row])

    def _columns(self, name: str) -> dict[str, float]:
        return {f"{name}{end}": x for end, x in zip(ENDS, self._ends(name), strict=True)}

    def by_month(self) -> pd.DataFrame:
        """Return one row per bill: its discounted contribution, and the value up to it."""
        columns: dict[str, Any] = {**self.group, "month": self.months}
        columns["horizon"] = np.arange(1, self.horizon + 1)
        for name, found in (("contribution", self.contribution), ("value", self.by_horizon)):
            columns |= {name: found.value}
            columns |= {f"{name}_ci_lower": found.lower, f"{name}_ci_upper": found.upper}
        return pd.DataFrame(columns | {"extrapolated": self.months > self.data_end})

    def sentence(self, lang: str | None = None) -> str:
        """Return the value in words, what of it lies beyond the data, and what comes after."""
        with speaking(lang):
            parts = (self._say_value(), self._say_share(), self._say_models(), self._say_beyond())
            return words.sentences(parts)

    def findings(self) -> tuple[Finding, ...]:
        """Return `lifetime_value`, `share_beyond_data` and, where known, `share_after_horizon`."""
        unit = self.prices.currency or words.AMOUNT
        found = [
            self._finding("lifetime_value", unit, self._say_value()),
            self._finding("share_beyond_data", "share", self._say_share()),
        ]
        if not math.isnan(self.share_after_horizon):
            after = self._finding("share_after_horizon", "share", self._say_beyond())
            found.append(replace(after, grade="D"))
        return tuple(found)

    def _finding(self, name: str, unit: str, sentence: str) -> Finding:
        values = self._ends(name)
        known: tuple[float | None, float | None, float | None] = values
        return Finding(
            name,
            *((None, None, None) if math.isnan(values[0]) else known),
            round(self.n),
            unit,
            sentence,
            {"horizon": str(self.horizon), **self.group},
            confidence_level=self.confidence_level,
            grade=self.grade,
            as_of=self.as_of,
        )

    def _say_value(self) -> str:
        rate = f"{100 * self.terms.annual_discount_rate:.4g}"
        entered = item_list(self.prices.entered)
        said = tr(
            "{Whom} bring {amount} each on average, over {span} ({level} interval), discounted at "
            "{rate} a year, with the first bill {first}{few}.",
            Whom=words.sentence_start(self._whom),
            amount=self._money(*self.values),
            span=self.terms.from_answer,
            level=words.level_words(self.confidence_level),
            rate=tr("{number} %", number=rate),
            first=self._first_bill(),
            few=self._few_bills(),
        )
        rests = tr("What was entered is in it: {items}.", items=entered) if entered else ""
        return words.sentences([said, rests])

    def _first_bill(self) -> str:
        if self.terms.first_margin == "now":
            return tr("on that day")
        return tr("one {period} later", period=term(self._unit))

    def _few_bills(self) -> str:
        return tr("; {note}", note=too_few_bills(self.borrowed)) if self.borrowed else ""

    def _say_share(self) -> str:
        said = {
            "whom": self._whom,
            "span": words.counted(self.horizon, self._unit),
            "reach": words.counted(self.data_end, self._unit),
            "few": self._few_bills(),
        }
        if math.isnan(self.share_beyond_data):
            return self._no_share(said)
        if self.bills_seen >= self.horizon:
            return tr(
                "Nothing of the value of {whom} over {span} lies beyond the data, which reach "
                "{reach} from the answer on{few}.",
                **said,
            )
        return tr(
            "Of the value of {whom} over {span}, {share} lies beyond the data, which reach {reach} "
            "from the answer on{few} ({level} interval).",
            **said,
            share=words.percent_interval(*self._ends("share_beyond_data")),
            level=words.level_words(self.confidence_level),
        )

    def _no_share(self, said: Mapping[str, str]) -> str:
        if self.lifetime_value <= 0:
            why = tr("it is not above 0")
        else:
            why = tr("the bills before or after their end bring less than nothing")
        return tr(
            "What share of the value of {whom} over {span} lies beyond the data is not defined: "
            "{why}.",
            whom=said["whom"],
            span=said["span"],
            why=why,
        )

    def _say_models(self) -> str:
        """Return what each model alone says of the value; empty within the data."""
        each = [
            tr(
                "{amount} by the {model} model",
                amount=self._money(*map(float, found)),
                model=term(NAMES[model]),
            )
            for model, found in self.by_model.items()
        ]
        return tr("Model by model it is {each}.", each=words.and_list(each)) if each else ""

    def _say_beyond(self) -> str:
        if math.isnan(self.share_after_horizon):
            return ""
        part = tr("all of it")
        if self.data_end > int(self.months[-1]):
            part = tr("what lies after {period} {t}", period=term(self._unit), t=self.data_end)
        return tr(
            "Of the value of a whole life of {whom}, {share} comes after the first {span}: "
            "{amount}, {part} projected ({level} intervals).",
            whom=self._whom,
            share=words.percent_interval(*self._ends("share_after_horizon")),
            span=self.terms.span,
            amount=self._money(*self._ends("beyond")),
            part=part,
            level=words.level_words(self.confidence_level),
        )

    def _ends(self, name: str) -> tuple[float, float, float]:
        value, lower, upper = (getattr(self, f"{name}{end}") for end in ENDS)
        return value, lower, upper

    @property
    def _unit(self) -> str:
        return words.period_word(self.terms.periods_per_year)

    @property
    def _whom(self) -> str:
        return term(self.population) + words.with_group(self.group)

    def _money(self, value: float, lower: float, upper: float) -> str:
        return words.money(value, lower, upper, self.prices.currency)
