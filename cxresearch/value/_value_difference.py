"""One comparison of two values, said in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cxresearch import _format as words
from cxresearch._language import mark, speaking, term, tr
from cxresearch.adjust._rung import Ends
from cxresearch.findings import Finding, without_number
from cxresearch.hazards._hazard_ratios import ratio_digits
from cxresearch.value._compared import PART_NAMES, Compared
from cxresearch.value._gathered import SAME_HISTORY
from cxresearch.value._shapley import PARTS
from cxresearch.value.prices import item_list, too_few_bills

# what a part is called where the first group has more of it, and where it has less
PART_WORDS: Final = {
    "staying": (mark("staying longer"), mark("staying less long")),
    "spending": (mark("spending more"), mark("spending less")),
    "cost_to_serve": (mark("costing less to serve"), mark("costing more to serve")),
    "referring": (mark("referring more"), mark("referring less")),
}


@dataclass(frozen=True, eq=False)
class ValueDifference(Compared):
    """How much more one group is worth than another, in words; numbers as in `Compared`."""

    def sentence(self, lang: str | None = None) -> str:
        """Return difference, ratio and parts in words."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return `lifetime_value_difference`, `lifetime_value_ratio` and each `difference_part`."""
        if self.refusal is not None:
            said = tr(
                "The difference in value, {how}{known}, is not reported: {why}.",
                how=self.how,
                known=self._known(),
                why=self.refusal,
            )
            return (self._without(said),)
        return (*self.headline(), self._ratio(), *(self._part(part) for part in PARTS))

    def headline(self) -> tuple[Finding, ...]:
        """Return the difference alone, or why there is none."""
        if self.refusal is not None:
            return self.findings()
        said = self._say_difference()
        return (self._finding("lifetime_value_difference", self.difference, self._unit, said),)

    def _ratio(self) -> Finding:
        if self.ratio_refusal is not None:
            said = tr(
                "The ratio of the values, {how}, is not reported: {why}.",
                how=self.how,
                why=self.ratio_refusal,
            )
            return self._without(said)
        first, second = self.plurals
        value, lower, upper = ratio_digits(*self.ratio)
        said = tr(
            "{first} are worth {ratio} ({low} to {high}) times what {second} are, each over {span} "
            "({level} interval)",
            first=first,
            second=second,
            ratio=value,
            low=lower,
            high=upper,
            span=self.span,
            level=self._level,
        )
        return self._finding(
            "lifetime_value_ratio", self.ratio, "ratio", self._whole_sentence(said, self.ratio, 1)
        )

    def _part(self, part: str) -> Finding:
        ends, group = (self.parts or {})[part], {"part": part}
        why = self.nothing_in(part)
        if why:
            said = tr(
                "{Part} is no part of {difference}, {how}: {why}.",
                Part=words.sentence_start(term(PART_NAMES[part])),
                difference=self._between(),
                how=self.how,
                why=term(why),
            )
            return self._without(said, group)
        return self._finding("difference_part", ends, self._unit, self._say_part(part, ends), group)

    def _say_part(self, part: str, ends: Ends) -> str:
        said = {"difference": self._between(), "level": self._level}
        if ends[1] <= 0 <= ends[2]:
            return tr(
                "No clear part of {difference} is {part}, {how}: {amount} ({level} interval).",
                **said,
                part=term(PART_NAMES[part]),
                how=self.how,
                amount=self.money(ends),
            )
        more, less = PART_WORDS[part]
        said |= {
            "How": self.title,
            "whom": self.plurals[0],
            "more": term(more if self._has_more(part, ends) else less),
            "amount": self.money(ends if ends[0] >= 0 else _flipped(ends)),
        }
        # it may be that much less that they bring
        if (ends[0] >= 0) == (self.difference[0] >= 0):
            return tr(
                "{How}, {whom} {more} is {amount} of {difference} ({level} interval).", **said
            )
        return tr(
            "{How}, {whom} {more} takes {amount} off {difference} ({level} interval).", **said
        )

    def _has_more(self, part: str, ends: Ends) -> bool:
        """Return whether the first group has more of it; who stays longer at a loss brings less."""
        if part == "staying" and self.comparison is not None:
            return self.comparison.stays_longer
        return ends[0] >= 0

    def _between(self) -> str:
        first, second = self.plurals
        return tr(
            "the difference in value between {first} and {second} over {span}",
            first=first,
            second=second,
            span=self.span,
        )

    def _say_difference(self) -> str:
        first, second = self.plurals
        more = self.difference[0] >= 0
        one, other = (self.money(ends) for ends in self.values)
        said = {
            "first": first,
            "second": second,
            "amount": self.money(self.difference if more else _flipped(self.difference)),
            "span": self.span,
            "one": one,
            "other": other,
            "notes": tr("; ").join(self._notes()),
        }
        clause = (
            tr(
                "{first} are worth {amount} more each than {second} over {span}, {one} against "
                "{other} ({notes})",
                **said,
            )
            if more
            else tr(
                "{first} are worth {amount} less each than {second} over {span}, {one} against "
                "{other} ({notes})",
                **said,
            )
        )
        return self._whole_sentence(clause, self.difference, 0, self._known())

    def _whole_sentence(self, clause: str, ends: Ends, same: float, known: str = "") -> str:
        """Return the sentence; it begins with `No clear` where the interval holds `same`."""
        if ends[1] <= same <= ends[2]:
            return tr(
                "No clear difference in value, {how}{known}: {clause}.",
                how=self.how,
                known=known,
                clause=clause,
            )
        return tr("{How}{known}, {clause}.", How=self.title, known=known, clause=clause)

    def _notes(self) -> Iterator[str]:
        people = term(self.population)
        yield tr("{level} interval", level=self._level)
        counts = words.and_list(words.number(n) for n in self.n)
        yield tr("{counts} {people}", counts=counts, people=people)
        if self.outside_share:
            yield tr(
                "{share} of all {people} have no counterpart and are left out",
                share=words.percent(self.outside_share, 0.001),
                people=people,
            )
        if self.comparison is not None and self.comparison.projected:
            yield tr("bills after month {t} are projected", t=self.comparison.data_end)
        if self.comparison is not None and self.comparison.borrowed:
            yield too_few_bills(self.comparison.borrowed)
        if self.prices.entered:
            yield tr("entered, so an assumption: {items}", items=item_list(self.prices.entered))

    def _known(self) -> str:
        """Return what is the same: said once, with the difference itself."""
        if self.counting != SAME_HISTORY:
            return ""
        known = (term(name.replace("_", " ")) for name in self.covariates)
        return tr(" ({names})", names=words.and_list(known))

    @property
    def _level(self) -> str:
        return words.level_words(self.confidence_level)

    @property
    def _unit(self) -> str:
        return self.prices.currency or words.AMOUNT

    def _without(self, sentence: str, group: Mapping[str, str] | None = None) -> Finding:
        return without_number(
            sentence, {**(group or {}), **self.group}, as_of=self.as_of, unit=self._unit
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


def _flipped(ends: Ends) -> Ends:
    value, lower, upper = ends
    return -value, -upper, -lower
