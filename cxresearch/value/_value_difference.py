"""One comparison of two values: its numbers, or the reason why there are none, and its words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._cells import Labels
from cxresearch._html import Table
from cxresearch._language import speaking
from cxresearch.adjust._rung import NONE, Ends
from cxresearch.findings import Finding, without_number
from cxresearch.hazards._hazard_ratios import ratio_digits
from cxresearch.value._comparison import Comparison
from cxresearch.value._gathered import AS_THEY_ARE, SAME_HISTORY, SAME_TENURE
from cxresearch.value._shapley import PARTS
from cxresearch.value.prices import ITEMS, Prices, too_few_bills
from cxresearch.value.terms import Terms

TITLES: Final = {
    AS_THEY_ARE: "As they are",
    SAME_TENURE: "With the same tenure at the answer",
    SAME_HISTORY: "With the same history before the survey",
}
ADJUSTED: Final = {SAME_TENURE: "tenure", SAME_HISTORY: "history"}
# what a part is called where the first group has more of it, and where it has less
PART_WORDS: Final = {
    "staying": ("staying longer", "staying less long"),
    "spending": ("spending more", "spending less"),
    "cost_to_serve": ("costing less to serve", "costing more to serve"),
    "referring": ("referring more", "referring less"),
}
UNKNOWN: Final = "the data do not say it"
NOTHING: Final[Ends] = (0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class ValueDifference(Table):
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
        """How the groups are compared, in words."""
        return TITLES[self.counting]

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

    def sentence(self, lang: str | None = None) -> str:
        """Return difference, ratio and parts in words."""
        with speaking(lang):
            return " ".join(finding.sentence for finding in self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return `lifetime_value_difference`, `lifetime_value_ratio` and each `difference_part`."""
        if self.refusal is not None:
            whole = f"The difference in value{self._aside()}{self._known()}, is not reported"
            return (self._without(f"{whole}: {self.refusal}."),)
        return (*self.headline(), self._ratio(), *(self._part(part) for part in PARTS))

    def headline(self) -> tuple[Finding, ...]:
        """Return the difference alone, or why there is none."""
        if self.refusal is not None:
            return self.findings()
        unit = words.money_unit(self.prices.currency)
        said = self._say_difference()
        return (self._finding("lifetime_value_difference", self.difference, unit, said),)

    def nothing_in(self, part: str) -> str:
        """Return why a part is exactly nothing; empty where it is not."""
        if (self.parts or {}).get(part) != NOTHING:
            return ""
        lacking = {"referring": "referral_value", "cost_to_serve": "cost_per_ticket"}
        if lacking.get(part) in self.prices.lacking:
            return UNKNOWN
        if part == "spending" and self.prices.monthly_margin is not None:
            return "the margin was entered, one for everybody"
        return "it is the same for both"

    def none_of(self, part: str) -> str:
        """Return `left out` or `the same` for a part that is exactly nothing; else empty."""
        why = self.nothing_in(part)
        return why and ("left out" if why == UNKNOWN else "the same")

    def money(self, ends: Ends) -> str:
        """Return an amount with its interval."""
        return words.money(*ends, self.prices.currency)

    def _ratio(self) -> Finding:
        first, second = self._plurals
        if self.ratio_refusal is not None:
            whole = f"The ratio of the values{self._aside()}, is not reported"
            return self._without(f"{whole}: {self.ratio_refusal}.")
        value, lower, upper = ratio_digits(*self.ratio)
        said = f"{first} are worth {value} ({lower} to {upper}) times what {second} are, each"
        whole = f"{self._opening(said, self.ratio, 1)} over {self.span()} ({self._level()})."
        return self._finding("lifetime_value_ratio", self.ratio, "ratio", whole)

    def _part(self, part: str) -> Finding:
        ends, group, name = (self.parts or {})[part], {"part": part}, part.replace("_", " ")
        why = self.nothing_in(part)
        if why:
            said = f"{_capital(name)} is no part of {self._whole()}{self._aside()}: {why}."
            return self._without(said, group)
        unit = words.money_unit(self.prices.currency)
        said = self._say_part(part, ends)
        return self._finding("difference_part", ends, unit, said, group)

    def _say_part(self, part: str, ends: Ends) -> str:
        if ends[1] <= 0 <= ends[2]:
            clear = f"No clear part of {self._whole()} is {part.replace('_', ' ')}"
            return f"{clear}{self._aside()}: {self.money(ends)} ({self._level()})."
        more, less = PART_WORDS[part]
        how = more if self._has_more(part, ends) else less
        amount = self.money(ends if ends[0] >= 0 else _flipped(ends))
        of = (ends[0] >= 0) == (self.difference[0] >= 0)  # it may be that much less that they bring
        said = f"is {amount} of" if of else f"takes {amount} off"
        return f"{self.title}, {self._plurals[0]} {how} {said} {self._whole()} ({self._level()})."

    def _has_more(self, part: str, ends: Ends) -> bool:
        """Return whether the first group has more of it; who stays longer at a loss brings less."""
        if part == "staying" and self.comparison is not None:
            return self.comparison.stays_longer
        return ends[0] >= 0

    def _whole(self) -> str:
        first, second = self._plurals
        return f"the difference in value between {first} and {second} over {self.span()}"

    def _say_difference(self) -> str:
        first, second = self._plurals
        more = self.difference[0] >= 0
        amount = self.money(self.difference if more else _flipped(self.difference))
        said = f"{first} are worth {amount} {'more' if more else 'less'} each than {second}"
        start = self._opening(said, self.difference, 0, self._known())
        values = " against ".join(self.money(ends) for ends in self.values)
        tail = "; ".join(self._notes())
        return f"{start} over {self.span()}, {values} ({tail})."

    def _opening(self, said: str, ends: Ends, same: float, known: str = "") -> str:
        """Return the sentence so far: it begins with `No clear` where the interval holds `same`."""
        if ends[1] <= same <= ends[2]:
            return f"No clear difference in value{self._aside()}{known}: {said}"
        return f"{self.title}{known}, {said}"

    def _notes(self) -> Iterator[str]:
        yield self._level()
        yield f"{words.and_list(words.number(n) for n in self.n)} {self.population}"
        if self.outside_share:
            outside = words.percent(self.outside_share, 0.001)
            yield f"{outside} of all {self.population} have no counterpart and are left out"
        if self.comparison is not None and self.comparison.projected:
            yield f"bills after month {self.comparison.data_end} are projected"
        if self.comparison is not None and self.comparison.borrowed:
            yield too_few_bills(self.comparison.borrowed)
        if self.prices.entered:
            entered = words.and_list(ITEMS[name] for name in self.prices.entered)
            yield f"entered, so an assumption: {entered}"

    def _aside(self) -> str:
        return f", {self.title[:1].lower()}{self.title[1:]}"

    def _known(self) -> str:
        """Return what is the same: said once, with the difference itself."""
        known = words.and_list(name.replace("_", " ") for name in self.covariates)
        return f" ({known})" if self.counting == SAME_HISTORY else ""

    def span(self) -> str:
        """Return over which months: `the 36 months from the answer on`."""
        return f"the {self.terms.span} from the answer on"

    def _level(self) -> str:
        return f"{words.level_words(self.confidence_level)} interval"

    @property
    def _plurals(self) -> tuple[str, str]:
        first, second = self.labels
        return f"{first}s", f"{second}s"

    def _without(self, sentence: str, group: Mapping[str, str] | None = None) -> Finding:
        unit = words.money_unit(self.prices.currency)
        return without_number(
            sentence, {**(group or {}), **self.group}, as_of=self.as_of, unit=unit
        )

    def _finding(
        self, name: str, ends: Ends, unit: str, said: str, group: Mapping[str, str] | None = None
    ) -> Finding:
        return Finding(
            name,
            *ends,
            round(sum(self.n)),
            unit,
            said,
            {**(group or {}), **self.group},
            confidence_level=self.confidence_level,
            grade=self.grade,
            as_of=self.as_of,
        )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _flipped(ends: Ends) -> Ends:
    value, lower, upper = ends
    return -value, -upper, -lower
