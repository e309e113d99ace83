"""What was measured for a claim, or why nothing could be."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cxresearch import _format as words
from cxresearch._language import mark, tr
from cxresearch.errors import CxError
from cxresearch.findings import GRADES

MORE: Final = mark("more customers or a longer time than these data hold")


@dataclass(frozen=True)
class Evidence:
    """What was measured for one reading of a claim.

    Parameters
    ----------
    claim, reading
        Which claim of the register, under which of its readings.
    value, ci_lower, ci_upper
        In `unit`; a share is 0-1. The ends are NaN where a number follows from what was entered
        (grade D), or where too little was measured for an interval, which decides nothing.
    n
        Customers, answers, orders behind it; None where there are none to count.
    unit, grade
        As in `Finding`.
    definition
        What was counted, in words.
    measured
        "behaviour" or "answers": what people do, or what they say.
    upper_bound
        Whether the truth is at most the value.
    only_if
        What it takes that it is what is claimed, in words, where that is not to be had: `nobody
        leaves from year 4 as a customer on`; empty for nothing.
    as_of, confidence_level
        As in `Finding`.

    Raises
    ------
    CxError
        When the value is no number, lies outside its interval, or the grade does not exist.
    """

    claim: str
    reading: str
    value: float
    ci_lower: float
    ci_upper: float
    n: int | None
    unit: str
    grade: str
    definition: str
    measured: str = "behaviour"
    upper_bound: bool = False
    only_if: str = ""
    as_of: str | None = None
    confidence_level: float = 0.95

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise CxError(problems)

    @property
    def uncertain(self) -> bool:
        """Whether it has an interval; what is stated or follows from entries has none."""
        return self.ci_lower < self.ci_upper

    @property
    def unsure(self) -> bool:
        """Whether it was measured and nobody knows how well: it has no interval and needs one."""
        return math.isnan(self.ci_lower) and self.grade != "D"

    @property
    def ends(self) -> tuple[float, float]:
        """Between what the truth lies, as far as was measured."""
        known = not math.isnan(self.ci_lower)
        low, high = (self.ci_lower, self.ci_upper) if known else (self.value, self.value)
        return (-math.inf if self.upper_bound else low), high

    @property
    def measured_words(self) -> str:
        """The number with its interval: `88 % (87 to 89 %)`."""
        ends = (self.value, self.ci_lower, self.ci_upper)
        if not self.uncertain:
            ends = (self.value, math.nan, math.nan)
        said = self._number_words(*ends)
        return tr("at most {measured}", measured=said) if self.upper_bound else said

    def _number_words(self, *ends: float) -> str:
        value, low, high = ends
        if self.unit == "share":
            return words.percent_interval(value, low, high)
        if self.unit == words.AMOUNT or self.unit.isupper():
            currency = None if self.unit == words.AMOUNT else self.unit
            return words.money(value, low, high, currency)
        return words.number_interval(value, low, high)


@dataclass(frozen=True)
class Lacking:
    """Why one claim cannot be tested on the data at hand, and what it would take.

    Both are said by `term`, so that they may be marked messages as well as finished text.
    """

    claim: str
    why: str
    takes: str = MORE


def _problems(evidence: Evidence) -> Iterator[str]:
    where = f"{evidence.claim}, {evidence.reading}"
    if not math.isfinite(evidence.value):
        yield f"{where}: value is {evidence.value}, must be a number: say what is lacking instead."
    low, high = evidence.ci_lower, evidence.ci_upper
    if math.isnan(low) != math.isnan(high):
        yield f"{where}: one end of the interval is missing, must be both or neither."
    if low > evidence.value or high < evidence.value:
        yield f"{where}: lower, value, upper = {low, evidence.value, high}, must be in order."
    if evidence.grade not in GRADES:
        yield f"{where}: grade is {evidence.grade!r}, must be one of {', '.join(GRADES)}."
