"""The defection curve of 1990, rebuilt from its printed profits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.roi._customer_lives import LIVES, Lives, lifetime_profit, uplift
from cxresearch.roi._published import (
    CREDIT_CARD,
    DEFECTIONS,
    PRINTED_VALUES,
    STANDINGS,
    VALUES_STANDING,
)
from cxresearch.roi.economics import MONTHLY_BELOW
from cxresearch.roi.readings import lifts
from cxresearch.uncertainty import Floats

CURRENCY: Final = "USD"
BASE: Final = 0.10  # defection before; 0.05 after is what "5 %" was
PROFITS: Final = CREDIT_CARD.profits or ()
LINE: Final = np.linspace(0.04, 0.30, 105)  # defection rates of the drawn lines


@dataclass(frozen=True, eq=False)
class DefectionCurve(Table):
    """Value of a card customer of 1990 by the share who leave each year.

    Parameters
    ----------
    annual_discount_rate
        Rate of the rebuilt values.
    fitted
        Whether the rate is the one at which the rebuilt values are closest to the printed ones.
    defection_rates
        Share who leave each year, shape (3,).
    printed_values
        As published, in US dollars, shape (3,).
    values
        Rebuilt, by lives: "fixed" (everybody stays 1/defection years) and "random" (the same
        mean), shape (3,) each.
    line_rates, lines
        The same for a grid of defection rates, to draw.
    uplifts
        By reading of "5 %", from 10 % who leave each year: uplift with fixed and random lives.
    """

    annual_discount_rate: float
    fitted: bool
    defection_rates: Floats
    printed_values: Floats
    values: Mapping[Lives, Floats]
    line_rates: Floats
    lines: Mapping[Lives, Floats]
    uplifts: Mapping[str, tuple[float, float]]

    @property
    def printed_uplift(self) -> float:
        """Printed value at 5 % over that at 10 %, less 1: the published 75 %."""
        return float(self.printed_values[2] / self.printed_values[1] - 1)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per printed value."""
        columns = {
            "defection_rate": self.defection_rates,
            "years": 1 / self.defection_rates,
            "printed": self.printed_values,
            **{f"rebuilt, {lives} lives": np.round(self.values[lives], 1) for lives in LIVES},
        }
        return pd.DataFrame(columns).assign(standing=term(STANDINGS[VALUES_STANDING]))

    def sentence(self, lang: str | None = None) -> str:
        """Return what "5 %" was, and how far the printed values come back, in words."""
        with speaking(lang):
            fixed, random = self.uplifts["points"]
            fewer, fewer_random = self.uplifts["fewer_churners"]
            return tr(
                'In 1990 "5 %" was 5 instead of 10 of 100 customers who leave each year: half of '
                "them, or 5 percentage points more retention from 90 %. The printed values of a "
                "card customer are {printed} apart; rebuilt from the printed profits{rate} they "
                "are {fixed} apart where everybody stays equally long and {random} where lives "
                "differ. Read as 5 % fewer customers who leave, the same profits give {fewer}.",
                printed=words.percent(self.printed_uplift),
                rate=self._rate(),
                fixed=words.percent(fixed),
                random=words.percent(random),
                fewer=_range(fewer, fewer_random),
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return `defection_curve_value` by defection: rebuilt with fixed lives, grade D."""
        return tuple(self._finding(i) for i in range(len(self.defection_rates)))

    def _finding(self, i: int) -> Finding:
        rate, fixed = self.defection_rates[i], self.values["fixed"][i]
        sentence = tr(
            "A card customer of 1990 was worth {worth} where {leave} of 100 leave each year and "
            "everybody stays {years} years, rebuilt from the printed profits{rate}; printed is "
            "{printed} ({standing}). Where lives differ, with the same mean, it is {differ}.",
            worth=_dollars(fixed),
            leave=words.number(100 * rate),
            years=words.number(1 / rate),
            rate=self._rate(),
            printed=_dollars(self.printed_values[i]),
            standing=term(STANDINGS[VALUES_STANDING]),
            differ=_dollars(self.values["random"][i]),
        )
        number = (float(fixed), None, None, None)
        group = {"defection": f"{rate:g}"}
        return Finding("defection_curve_value", *number, CURRENCY, sentence, group, grade="D")

    def _rate(self) -> str:
        rate = words.percent(self.annual_discount_rate, 0.001)
        if self.fitted:
            return tr(" at {rate} a year (the rate that comes closest)", rate=rate)
        return tr(" at {rate} a year", rate=rate)


def rebuild_curve(rate: float | None) -> DefectionCurve:
    """Return the curve at a discount rate; None for the rate that comes closest to the print."""
    used = closest_rate() if rate is None else rate
    return DefectionCurve(
        used,
        rate is None,
        np.array(DEFECTIONS),
        np.array(PRINTED_VALUES),
        {lives: _values(np.array(DEFECTIONS), used, lives) for lives in LIVES},
        LINE,
        {lives: _values(LINE, used, lives) for lives in LIVES},
        _by_reading(used),
    )


@cache
def closest_rate() -> float:
    """Return the rate with the least squared log ratio of rebuilt to printed, fixed lives."""

    def missed(rate: float) -> float:
        ratio = _values(np.array(DEFECTIONS), rate, "fixed") / np.array(PRINTED_VALUES)
        return float(np.sum(np.log(ratio) ** 2))

    found = minimize_scalar(
        missed, bounds=(MONTHLY_BELOW, 0.2), method="bounded", options={"xatol": 1e-10}
    )
    return float(found.x)


def _values(defections: Floats, rate: float, lives: Lives) -> Floats:
    return np.array([lifetime_profit(PROFITS, float(d), rate, lives) for d in defections])


def _by_reading(rate: float) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for lift in lifts(0.05):
        after = 1 - float(lift.apply(1 - BASE))
        fixed, random = (uplift(PROFITS, (BASE, after), rate, lives) for lives in LIVES)
        found[lift.reading] = (fixed, random)
    return found


def _dollars(value: float) -> str:
    return words.in_currency(words.number(value), CURRENCY)


def _range(*shares: float) -> str:
    low, high = (words.number(100 * share, 0.1) for share in (min(shares), max(shares)))
    if low == high:
        return tr("{number} %", number=high)
    return tr("{low} to {high} %", low=low, high=high)
