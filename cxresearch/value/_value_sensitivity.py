"""What a sensitivity analysis of a difference in value holds, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import speaking
from cxresearch.adjust._rung import Ends
from cxresearch.findings import Finding, without_number
from cxresearch.value._value_difference import ADJUSTED, TITLES
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms

MODEL: Final = "model"
CHOICES: Final = {
    "annual_discount_rate": "discount rate per year",
    "horizon": "horizon",
    "first_margin": "first bill",
    MODEL: "model beyond the data",
    "margin_share": "margin share",
    "monthly_margin": "margin per month",
    "cost_per_ticket": "cost of a ticket",
    "cost_per_month": "cost per month",
    "referral_value": "value of a referral",
}


@dataclass(frozen=True)
class Bar:
    """One choice at both ends of its range.

    Parameters
    ----------
    choice
        Its name: a field of `Terms` or `Prices`, or "model".
    settings
        Both ends of the range, in words.
    ends
        The difference at each: value, lower and upper end of its interval.
    entered
        Whether the reader entered it.
    """

    choice: str
    settings: tuple[str, str]
    ends: tuple[Ends, Ends]
    entered: bool

    @property
    def title(self) -> str:
        """What is moved, in words."""
        return CHOICES[self.choice]

    @property
    def width(self) -> float:
        """How far the difference moves."""
        return abs(self.ends[1][0] - self.ends[0][0])


@dataclass(frozen=True, eq=False)
class ValueSensitivity(Table):
    """The difference in value of two groups while one choice at a time moves.

    Parameters
    ----------
    bars
        The widest first.
    base
        The difference with everything as chosen; NaN when refused.
    labels, counting
        The two groups, and how they are compared.
    refusal
        Why there is no number.
    """

    bars: tuple[Bar, ...]
    base: Ends
    labels: tuple[str, str]
    counting: str
    terms: Terms
    prices: Prices
    n: int = 0
    refusal: str | None = None
    confidence_level: float = 0.95
    as_of: str | None = None

    @property
    def title(self) -> str:
        """How the groups are compared, in words."""
        return TITLES[self.counting]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per choice and end of its range."""
        rows: list[dict[str, Any]] = []
        for bar in self.bars:
            for setting, ends in zip(bar.settings, bar.ends, strict=True):
                row = {"choice": bar.choice, "setting": setting, "entered": bar.entered}
                names = ("difference", "difference_ci_lower", "difference_ci_upper")
                rows.append(row | dict(zip(names, ends, strict=True)))
        return pd.DataFrame(rows)

    def sentence(self, lang: str | None = None) -> str:
        """Return which choice moves the difference most, and whether any hides it."""
        with speaking(lang):
            if self.refusal is not None or not self.bars:
                return self._refused().sentence
            widest, (low, high) = self.bars[0], self.bars[0].settings
            amounts = [self.money(ends) for ends in widest.ends]
            level = words.level_words(self.confidence_level)
            whole = self.whole()
            return (
                f"{whole[:1].upper()}{whole[1:]}, moves most with the {widest.title}: from "
                f"{amounts[0]} at {low} to {amounts[1]} at {high} ({level} intervals). "
                f"{self._hidden()}"
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return `difference_sensitivity` {choice, setting} at each end of each range."""
        if self.refusal is not None:
            return (self._refused(),)
        pairs = [(bar, i) for bar in self.bars for i in (0, 1)]
        return tuple(self._finding(bar, i) for bar, i in pairs)

    def whole(self) -> str:
        """Return what moves, in words."""
        pair = words.and_list(f"{label}s" for label in self.labels)
        return f"the difference in value between {pair}, {self.title[:1].lower()}{self.title[1:]}"

    def money(self, ends: Ends) -> str:
        """Return an amount with its interval."""
        return words.money(*ends, self.prices.currency)

    def _repr_html_(self) -> str:
        rows = [
            {
                "choice": f"{bar.title} (entered)" if bar.entered else bar.title,
                **{
                    f"{where} of the range": f"{self.money(ends)} at {setting}"
                    for where, setting, ends in zip(
                        ("one end", "other end"), bar.settings, bar.ends, strict=True
                    )
                },
            }
            for bar in self.bars
        ]
        return html_table(pd.DataFrame(rows), caption=self.sentence())

    def _hidden(self) -> str:
        unclear = [
            f"{bar.title} {setting}"
            for bar in self.bars
            for setting, ends in zip(bar.settings, bar.ends, strict=True)
            if ends[1] <= 0 <= ends[2]
        ]
        if len(unclear) in (0, 2 * len(self.bars)):
            return "Every interval holds 0." if unclear else "Every interval leaves 0 out."
        return f"The interval holds 0 at: {'; '.join(unclear)}."

    def _finding(self, bar: Bar, i: int) -> Finding:
        where = f"{bar.title} {bar.settings[i]}"
        level = words.level_words(self.confidence_level)
        known = ADJUSTED.get(self.counting)
        adjusted = {"adjusted": known} if known else {}
        said = f"With {where} {self.whole()}, is {self.money(bar.ends[i])} ({level} interval)."
        return Finding(
            "difference_sensitivity",
            *bar.ends[i],
            self.n,
            words.money_unit(self.prices.currency),
            said,
            {"choice": bar.choice, "setting": bar.settings[i], **adjusted},
            confidence_level=self.confidence_level,
            grade="D",
            as_of=self.as_of,
        )

    def _refused(self) -> Finding:
        why = self.refusal or "nothing was chosen that could move"
        return without_number(f"No sensitivity of the difference: {why}.", as_of=self.as_of)
