"""How much higher one profit is with one lift, after one model: its number and its sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking
from cxresearch.findings import Finding
from cxresearch.roi._claim_words import higher, how, number, terms_words
from cxresearch.roi._levels import Asked
from cxresearch.roi._rise import Rise
from cxresearch.roi._subject import Subject
from cxresearch.roi.constant import ENOUGH
from cxresearch.roi.economics import concept_words

Standing = Literal["holds", "holds only if cut", "does not hold", "not clear", "not defined"]


@dataclass(frozen=True, eq=False)
class ProfitUplift(Table):
    """How much higher one profit is with one lift, after one model.

    Parameters
    ----------
    uplift, uplift_ci_lower, uplift_ci_upper
        As a share of the profit without the lift; NaN where there is none, the ends also where
        the rate was entered.
    probability
        That it is the target or more, by its interval; 0 or 1 where the rate was entered.
    asked
        Lift, terms, profit concept, and which renewals are lifted.
    model
        "constant", "sbg", "bdw", "product_limit".
    target
        The claimed uplift.
    whose
        Whose profit it is.
    reason
        Why there is no uplift; empty where there is one.
    cut
        Whose lifted rate would pass 1 and is cut there, in words: `nobody leaves from year 13 as
        a customer on`; empty for nobody's.
    uncut
        The uplift where those rates are not lifted at all; None where none is cut.
    key
        What else tells it apart from others in a report.
    """

    uplift: float
    uplift_ci_lower: float
    uplift_ci_upper: float
    probability: float
    asked: Asked
    model: str
    target: float
    whose: Subject
    reason: str = ""
    cut: str = ""
    uncut: Rise | None = None
    key: dict[str, str] = field(default_factory=dict)

    @property
    def values(self) -> tuple[float, float, float]:
        """The uplift and the ends of its interval."""
        return self.uplift, self.uplift_ci_lower, self.uplift_ci_upper

    @property
    def standing(self) -> Standing:
        """Whether the target is reached: by the whole interval, by none of it, or by a part.

        It "holds only if cut" where it is reached only since nobody leaves who is lifted past 1:
        where they are not lifted, it is not.
        """
        if self.reason:
            return "not defined"
        (lower, upper), enough = _ends(self.values), self.target - ENOUGH
        if lower >= enough:
            sure = self.uncut is None or _ends(self.uncut[:3])[0] >= enough
            return "holds" if sure else "holds only if cut"
        return "does not hold" if upper < enough else "not clear"

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        row = {
            "reading": self.asked.lift.reading,
            "profit_concept": self.asked.concept,
            "renewals": self.asked.renewals,
            "model": self.model,
            "uplift_share": self.uplift,
            "uplift_share_ci_lower": self.uplift_ci_lower,
            "uplift_share_ci_upper": self.uplift_ci_upper,
            "probability_share": self.probability,
            "claim": self.standing,
            "reason": self.reason,
        }
        return pd.DataFrame([row])

    def sentence(self, lang: str | None = None) -> str:
        """Return the uplift in words, or why there is none."""
        with speaking(lang):
            what = concept_words(self.asked.concept, self.asked.year)
            if self.reason:
                return f"Not known: {what} with {how(self.asked)}: {self.reason}."
            level = words.level_words(self.whose.confidence_level)
            interval = f" ({level} interval)" if self.uncertain else ""
            said = f"{self.said}, {self.basis}{interval}.{self.limits}"
            if self.uplift_ci_lower <= 0 <= self.uplift_ci_upper:
                return f"No clear difference with {how(self.asked)}: {said}"
            return f"With {how(self.asked)}, {said}"

    @property
    def uncertain(self) -> bool:
        """Whether it has an interval with some width."""
        return self.uplift_ci_lower < self.uplift_ci_upper

    @property
    def basis(self) -> str:
        """What the uplift goes by: the model, whose retention it is, and the terms."""
        return f"{self.whose.by(self.model)}{self.whose.since}, {terms_words(self.asked)}"

    @property
    def limits(self) -> str:
        """Who never leaves with the lift, as a sentence; empty where no rate is cut."""
        return f" No rate can pass 100 %: {self.cut}." if self.cut else ""

    @property
    def said(self) -> str:
        """What is how much higher or lower, in words."""
        what = concept_words(self.asked.concept, self.asked.year)
        return f"{what} is {higher(*self.values)}"

    def findings(self) -> tuple[Finding, ...]:
        """Return `profit_uplift`."""
        value = None if self.reason else self.uplift
        ends = (self.uplift_ci_lower, self.uplift_ci_upper)
        return (number(self.whose, "profit_uplift", value, self.sentence(), self._keys, ends=ends),)

    @property
    def _keys(self) -> dict[str, str]:
        """The labels of its findings."""
        named = {"reading": self.asked.lift.reading, "profit_concept": self.asked.concept}
        return {**named, "model": self.model, **self.key}

    def without_cut(self) -> tuple[Finding, ...]:
        """Return `profit_uplift_uncut`, where rates that would pass 1 stay; nothing for none."""
        if self.uncut is None:
            return ()
        value, *ends = self.uncut[:3]
        what = concept_words(self.asked.concept, self.asked.year)
        interval = f" ({words.level_words(self.whose.confidence_level)} interval)"
        said = (
            f"With {how(self.asked)},{self.limits.lower()[:-1]}; where rates that would pass 100 % "
            f"stay as they are, {what} is {higher(value, *ends)}, {self.basis}{interval}."
        )
        ends_of = (ends[0], ends[1])
        return (number(self.whose, "profit_uplift_uncut", value, said, self._keys, ends=ends_of),)


def _ends(values: tuple[float, float, float]) -> tuple[float, float]:
    """Return the ends of an interval; the value itself where there is none."""
    value, lower, upper = values
    return (value, value) if math.isnan(lower) else (lower, upper)
