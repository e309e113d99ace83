"""Which input the value of a programme hangs on: one at a time, by variance, and worth knowing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd
from numpy.polynomial import Polynomial

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import speaking, term, tr, trn
from cxresearch.findings import Finding
from cxresearch.roi.programme import INPUTS, RANGES, Programme
from cxresearch.roi.uncertain import Uncertain
from cxresearch.uncertainty import Floats, critical_value

DEGREE: Final = 4  # of the polynomial in one input; the value is nearly straight in each
SHARES: Final = ("reached", "base_retention", "attribution", "annual_discount_rate")


@dataclass(frozen=True)
class Moved:
    """What one input does to the net present value.

    Parameters
    ----------
    name
        Of the input.
    ends
        Between which it is moved; all others stay as entered.
    npv
        Net present value at the two ends.
    variance_share
        Share of the variance of all draws that goes with this input, 0–1. Where inputs are
        correlated, the shares add up to more than 1.
    knowing, knowing_ci_lower, knowing_ci_upper
        What it would be worth to know this input before deciding, with the interval of the
        simulation.
    """

    name: str
    ends: tuple[float, float]
    npv: tuple[float, float]
    variance_share: float
    knowing: float
    knowing_ci_lower: float
    knowing_ci_upper: float

    @property
    def swing(self) -> float:
        """How far apart the two values are."""
        return abs(self.npv[1] - self.npv[0])

    @property
    def said(self) -> list[str]:
        """The two values, with as many digits as it takes to see how far they are apart."""
        sizes = [min(abs(x), self.swing) if self.swing else abs(x) for x in self.npv]
        return [words.number(x, two_digits(size)) for x, size in zip(self.npv, sizes, strict=True)]

    @property
    def title(self) -> str:
        """The input in words."""
        return term(INPUTS[self.name])


@dataclass(frozen=True, eq=False)
class Tornado(Table):
    """Inputs that are uncertain, the widest swing first.

    Parameters
    ----------
    moved
        One entry per input.
    npv
        Net present value as entered.
    """

    moved: tuple[Moved, ...]
    npv: float
    currency: str | None
    confidence_level: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per input."""
        rows = [
            {
                "input": m.name,
                "low": m.ends[0],
                "high": m.ends[1],
                "npv_at_low": m.npv[0],
                "npv_at_high": m.npv[1],
                "swing": m.swing,
                "variance_share": m.variance_share,
                "value_of_information": m.knowing,
                "value_of_information_ci_lower": m.knowing_ci_lower,
                "value_of_information_ci_upper": m.knowing_ci_upper,
            }
            for m in self.moved
        ]
        return pd.DataFrame(rows)

    def sentence(self, lang: str | None = None) -> str:
        """Return which input matters most, in words."""
        with speaking(lang):
            if not self.moved:
                return tr("Every input is fixed, so that nothing moves the value.")
            return self._swing(self.moved[0]).sentence

    def findings(self) -> tuple[Finding, ...]:
        """Return `tornado` and `value_of_information`, both {input}."""
        swings = tuple(self._swing(m) for m in self.moved)
        return (*swings, *(self._knowing(m) for m in self.moved))

    def _repr_html_(self) -> str:
        rows = [
            {
                "input": m.title,
                **dict(zip(("value at one end", "value at the other"), self._at(m), strict=True)),
                "share of the doubt": words.percent(m.variance_share),
                "worth knowing": self._money(m.knowing, m.knowing_ci_lower, m.knowing_ci_upper),
            }
            for m in self.moved
        ]
        names = list(rows[0])[1:] if rows else []
        return html_table(pd.DataFrame(rows), caption=self.sentence(), numbers=names)

    def _at(self, m: Moved) -> list[str]:
        """Return the value at each end, and the end."""
        ends = [value_words(m.name, end, self.currency) for end in m.ends]
        return [
            tr("{amount} at {end}", amount=said, end=end)
            for said, end in zip(self._ends(m), ends, strict=True)
        ]

    def _ends(self, m: Moved) -> list[str]:
        return [words.in_currency(said, self.currency) for said in m.said]

    def _swing(self, m: Moved) -> Finding:
        low, high = (value_words(m.name, end, self.currency) for end in m.ends)
        first, second = self._ends(m)
        said = tr(
            "With the {input} at {low} the programme is worth {first} today, at {high} it is "
            "{second}: {apart} apart, all else as entered.",
            input=m.title,
            low=low,
            first=first,
            high=high,
            second=second,
            apart=self._exact(m.swing),
        )
        return self._finding("tornado", (m.swing, m.swing, m.swing), said, {"input": m.name})

    def _knowing(self, m: Moved) -> Finding:
        values = (m.knowing, m.knowing_ci_lower, m.knowing_ci_upper)
        said = knowing_words(
            tr("the {input}", input=m.title), self._money(*values), m.knowing_ci_upper
        )
        return self._finding("value_of_information", values, said, {"input": m.name})

    def _finding(
        self, name: str, values: tuple[float, float, float], said: str, group: Mapping[str, str]
    ) -> Finding:
        unit = self.currency or words.AMOUNT
        level = self.confidence_level
        return Finding(name, *values, None, unit, said, group, confidence_level=level, grade="D")

    def _exact(self, value: float) -> str:
        return self._money(value, math.nan, math.nan)

    def _money(self, value: float, lower: float, upper: float) -> str:
        if value == lower == upper:
            lower = upper = math.nan
        return words.money(value, lower, upper, self.currency)


def two_digits(size: float) -> float:
    """Return the unit that shows two digits of an amount of this size, cents at the finest."""
    return float(10.0 ** (math.floor(math.log10(max(abs(size), 0.1)) + 1e-9) - 1))


def knowing_words(what: str, worth: str, most: float) -> str:
    """Return what it would be worth to know something before deciding."""
    if most == 0:
        return tr(
            "To know {what} before deciding would be worth nothing: nothing that it may be changes "
            "the decision.",
            what=what,
        )
    return tr(
        "To know {what} before deciding would be worth {worth} at most.", what=what, worth=worth
    )


def value_words(name: str, value: float, currency: str | None) -> str:
    """Return one value of an input in words: `80 %`, `2 points`, `EUR 60,000`."""
    if name == "lift":
        said = f"{100 * value:.4g}"
        return trn("{n} point", "{n} points", float(said), n=said)
    if name in SHARES:
        return tr("{number} %", number=f"{100 * value:.4g}")
    digits = f"{value:,.2f}".removesuffix(".00")
    return digits if name == "customers" else words.in_currency(digits, currency)


def tornado(
    programme: Programme,
    inputs: Mapping[str, Uncertain],
    draws: Mapping[str, Floats],
    npv: Floats,
    level: float,
) -> Tornado:
    """Return what each input does, from the ends as stated and from the draws."""
    moved = [
        _moved(programme, name, inputs[name], (draws[name], npv), level)
        for name in inputs
        if not inputs[name].known
    ]
    widest = tuple(sorted(moved, key=lambda m: -m.swing))
    return Tornado(widest, programme.npv, programme.currency, level)


def information(npv: Floats, expected: Floats, level: float) -> tuple[float, float, float]:
    """Return what knowing more is worth, with the interval of the simulation.

    Parameters
    ----------
    npv
        Draws of the net present value, shape (draws,).
    expected
        What is expected of each draw with that knowledge: the draw itself with all of it, the
        mean given one input with that one.

    Notes
    -----
    E[max(E[NPV | known], 0)] − max(E[NPV], 0): decide with the knowledge, against deciding now,
    where not to begin is worth 0 (Raiffa & Schlaifer 1961, Applied Statistical Decision Theory;
    Strong, Oakley & Brennan 2014, Medical Decision Making 34, 311–326, for one input by
    regression). Only the draws in which the knowledge changes the decision count, so the standard
    error is theirs.
    """
    begins = float(npv.mean()) > 0
    changed = expected < 0 if begins else expected > 0
    gain = np.where(changed, -npv if begins else npv, 0.0)
    error = critical_value(level) * float(gain.std()) / math.sqrt(len(npv))
    value = max(float(np.where(changed, np.abs(expected), 0.0).mean()), 0.0)
    return value, max(value - error, 0.0), value + error


def _moved(
    programme: Programme, name: str, spread: Uncertain, drawn: tuple[Floats, Floats], level: float
) -> Moved:
    x, npv = drawn
    values = programme.values
    first, last = (float(end) for end in np.clip(spread.ends, *RANGES[name]))
    npv_at = (float(programme.worth({**values, name: end})) for end in (first, last))
    given = Polynomial.fit(x, npv, DEGREE)(x)
    low, high = npv_at
    share = float(given.var() / npv.var()) if npv.var() > 0 else 0.0
    return Moved(name, (first, last), (low, high), share, *information(npv, given, level))
