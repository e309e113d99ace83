"""One comparison of two values: its numbers, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Labels
from cxresearch._html import Table
from cxresearch._language import mark, term, tr
from cxresearch.adjust._rung import NONE, Ends
from cxresearch.value._comparison import Comparison
from cxresearch.value._gathered import AS_THEY_ARE, SAME_HISTORY, SAME_TENURE
from cxresearch.value._shapley import PARTS
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms

HOW: Final = {
    AS_THEY_ARE: mark("as they are"),
    SAME_TENURE: mark("with the same tenure at the answer"),
    SAME_HISTORY: mark("with the same history before the survey"),
}
ADJUSTED: Final = {SAME_TENURE: "tenure", SAME_HISTORY: "history"}
PART_NAMES: Final = {
    "staying": mark("staying"),
    "spending": mark("spending"),
    "cost_to_serve": mark("cost to serve"),
    "referring": mark("referring"),
}
UNKNOWN: Final = mark("the data do not say it")
ENTERED: Final = mark("the margin was entered, one for everybody")
SAME: Final = mark("it is the same for both")
NOTHING: Final[Ends] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Compared(Table):
    """How much more one group is worth than another, by one way of comparing them.

    Parameters
    ----------
    counting
        "as_they_are", "same_tenure_mix" or "same_history".
    labels
        The two groups; the difference is the first minus the second.
    terms, prices
        What the values are said in, and what a count is worth.
    values
        Value of each group: value, lower and upper end.
    difference, ratio
        Of the two values; NaN when refused.
    parts
        What the difference is made of, by the names in `PARTS`; they add up to it.
    ratio_refusal, refusal
        Why there is no ratio, and why there is no number at all.
    n, effective_n
        Answers of each group, and how many would tell as much without weights.
    outside_share
        Share of all answers left out since their history occurs with one of the groups only.
    covariates
        What is the same.
    comparison
        The two flows that the numbers come from; None when refused.
    """

    counting: str
    labels: tuple[str, str]
    terms: Terms
    prices: Prices
    values: tuple[Ends, Ends] = (NONE, NONE)
    difference: Ends = NONE
    ratio: Ends = NONE
    parts: Mapping[str, Ends] | None = None
    ratio_refusal: str | None = None
    refusal: str | None = None
    n: tuple[float, float] = (0.0, 0.0)
    effective_n: tuple[float, float] = (0.0, 0.0)
    outside_share: float = 0.0
    covariates: Labels = ()
    comparison: Comparison | None = None
    population: str = "customers"
    confidence_level: float = 0.95
    as_of: str | None = None

    @property
    def title(self) -> str:
        """How the groups are compared, to begin a sentence."""
        return words.sentence_start(self.how)

    @property
    def how(self) -> str:
        """How the groups are compared, inside a sentence."""
        return term(HOW[self.counting])

    @property
    def adjusted(self) -> bool:
        """Whether anything known before the survey is made the same."""
        return self.counting in ADJUSTED

    @property
    def group(self) -> dict[str, str]:
        """What tells its findings apart from those of other comparisons."""
        adjusted = {"adjusted": ADJUSTED[self.counting]} if self.adjusted else {}
        return {**adjusted, "horizon": str(self.terms.horizon)}

    @property
    def reported(self) -> bool:
        """Whether there are numbers."""
        return self.refusal is None

    @property
    def clear(self) -> bool:
        """Whether the interval of the difference leaves 0 out."""
        return self.reported and not self.difference[1] <= 0 <= self.difference[2]

    @property
    def grade(self) -> str:
        """D where something entered, or something beyond the data, is in the numbers; else C."""
        found = self.comparison
        beyond = found is not None and (found.projected or found.borrowed > 0)
        return "D" if self.prices.assumed or beyond else "C"

    def to_frame(self) -> pd.DataFrame:
        """Return one row; parts in columns."""
        amounts = {f"{label}_value": x for label, x in zip(self.labels, self.values, strict=True)}
        amounts |= {"difference": self.difference, "ratio": self.ratio}
        amounts |= {part: (self.parts or {}).get(part, NONE) for part in PARTS}
        row: dict[str, Any] = {"counting": self.counting, "horizon": self.terms.horizon}
        for name, ends in amounts.items():
            row |= {
                f"{name}{e}": x for e, x in zip(("", "_ci_lower", "_ci_upper"), ends, strict=True)
            }
        row |= {"n": round(sum(self.n)), "effective_n": sum(self.effective_n)}
        row |= {"outside_share": self.outside_share, "grade": self.grade}
        return pd.DataFrame([row | {"not_reported": "; ".join(self.refusals)}])

    @property
    def refusals(self) -> tuple[str, ...]:
        """Why numbers are missing."""
        return tuple(dict.fromkeys(x for x in (self.refusal, self.ratio_refusal) if x))

    def nothing_in(self, part: str) -> str:
        """Return why a part is exactly nothing, to be said by `term`; empty where it is not."""
        if (self.parts or {}).get(part) != NOTHING:
            return ""
        lacking = {"referring": "referral_value", "cost_to_serve": "cost_per_ticket"}
        if lacking.get(part) in self.prices.lacking:
            return UNKNOWN
        if part == "spending" and self.prices.monthly_margin is not None:
            return ENTERED
        return SAME

    def none_of(self, part: str) -> str:
        """Return `left out` or `the same` for a part that is exactly nothing; else empty."""
        why = self.nothing_in(part)
        return why and (tr("left out") if why == UNKNOWN else tr("the same"))

    def money(self, ends: Ends) -> str:
        """Return an amount with its interval."""
        return words.money(*ends, self.prices.currency)

    @property
    def plurals(self) -> tuple[str, str]:
        """Both groups, as people call them."""
        first, second = self.labels
        return words.plural(first, 2), words.plural(second, 2)

    @property
    def span(self) -> str:
        """Over which months: `the 36 months from the answer on`."""
        return self.terms.from_answer
