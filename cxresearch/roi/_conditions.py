"""Under which other terms a claim about profit holds: one of them is changed at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import pandas as pd

from cxresearch import _format as words
from cxresearch._language import speaking
from cxresearch.findings import Finding
from cxresearch.roi._claim_words import LIFTED, years_margin
from cxresearch.roi._exact_shares import ExactShares
from cxresearch.roi._levels import RENEWALS, Asked
from cxresearch.roi._profit_uplift import ProfitUplift, Standing
from cxresearch.roi._subject import Subject
from cxresearch.roi.economics import BY_YEAR, CONCEPTS, concept_words
from cxresearch.roi.profit_uplifts import uplift_of

DISCOUNTS: Final = (0.05, 0.10, 0.15)
HORIZONS: Final = (5, 10, None)
YEARS_OF_MARGIN: Final = (1, 2)  # what winning a customer may cost


class Condition(NamedTuple):
    """Other terms in words, and the uplift on them."""

    terms: str
    uplift: ProfitUplift


@dataclass(frozen=True, eq=False)
class Conditions(ExactShares):
    """The uplift on other terms than those of the claim, one changed at a time.

    Parameters
    ----------
    conditions
        In order of reading.
    """

    conditions: tuple[Condition, ...]

    def of(self, reading: str) -> tuple[Condition, ...]:
        """Return those of one reading."""
        return tuple(x for x in self.conditions if x.uplift.asked.lift.reading == reading)

    def known(self, reading: str) -> tuple[Condition, ...]:
        """Return those of one reading that there is a number for."""
        return tuple(x for x in self.of(reading) if not x.uplift.reason)

    def where(self, reading: str, *standings: Standing) -> tuple[str, ...]:
        """Return the terms on which the claim stands so in one reading."""
        return tuple(x.terms for x in self.of(reading) if x.uplift.standing in standings)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per changed term: the uplift in each reading, and which hold."""
        rows: dict[str, dict[str, object]] = {}
        for terms, one in self.conditions:
            reading = one.asked.lift.reading
            row = rows.setdefault(terms, {"terms": terms, "holds_for": ""})
            ends = ("", "_ci_lower", "_ci_upper")
            row |= {f"{reading}_share{e}": x for e, x in zip(ends, one.values, strict=True)}
            if one.standing == "holds":
                row["holds_for"] = f"{row['holds_for']}, {_short(reading)}".lstrip(", ")
        frame = pd.DataFrame(list(rows.values()))
        return frame[[name for name in frame if name != "holds_for"] + ["holds_for"]]

    def sentence(self, lang: str | None = None) -> str:
        """Return for each reading on how many of the other terms the claim holds."""
        with speaking(lang):
            readings = dict.fromkeys(x.uplift.asked.lift.reading for x in self.conditions)
            return " ".join(self._say(reading) for reading in readings)

    def findings(self) -> tuple[Finding, ...]:
        """Return `profit_uplift` {reading, profit_concept, model, renewals, terms}."""
        return tuple(found for x in self.conditions for found in x.uplift.findings())

    def _say(self, reading: str) -> str:
        one, holding = self.of(reading)[0].uplift, self.where(reading, "holds")
        cases = len(self.known(reading))
        on = f": {'; '.join(holding)}" if holding else ""
        return (
            f"With {one.asked.lift.words} and one term changed, profit is "
            f"{words.percent(one.target)} higher or more in {len(holding) or 'none'} of {cases} "
            f"{words.plural('case', cases)}{on}."
        )


def conditions(whose: Subject, model: str, asked: Asked, target: float) -> Iterator[Condition]:
    """Yield the uplift with one term changed at a time."""
    for terms, other_model, other in _varied(whose, model, asked):
        key = {"renewals": other.renewals, "terms": terms}
        yield Condition(terms, uplift_of(whose, other_model, other, target, key))


def _varied(whose: Subject, model: str, asked: Asked) -> Iterator[tuple[str, str, Asked]]:
    for concept in CONCEPTS:
        other = replace(asked, concept=concept)
        # without a cost of winning customers, the value net of it is the value
        free = concept == "net_value" and not asked.economics.acquisition_cost
        if concept != asked.concept and not free:
            yield concept_words(concept, asked.year).strip(","), model, other
    alike = whose.strands[model].alike
    for renewals in RENEWALS:
        if renewals != asked.renewals and not (alike and renewals == "each_customer"):
            yield LIFTED[renewals], model, replace(asked, renewals=renewals)
    for name in whose.strands:
        if name != model:
            yield whose.by(name), name, asked
    yield from ((terms, model, other) for terms, other in _other_terms(asked))


def _other_terms(asked: Asked) -> Iterator[tuple[str, Asked]]:
    terms = asked.economics
    now = terms.first_margin == "now"
    swapped = replace(terms, first_margin="end_of_period" if now else "now")
    yield f"first margin {'after a year' if now else 'now'}", replace(asked, economics=swapped)
    if asked.concept not in BY_YEAR:
        for horizon in HORIZONS:
            other = replace(terms, horizon=horizon)
            if horizon != terms.horizon:
                yield other.span, replace(asked, economics=other)
        for rate in DISCOUNTS:
            other = replace(terms, annual_discount_rate=rate)
            if rate != terms.annual_discount_rate:
                said = f"discounted at {words.percent(rate)} a year"
                yield said, replace(asked, economics=other)
    for years in YEARS_OF_MARGIN:
        cost = years * terms.annual_margin
        other = replace(terms, acquisition_cost=cost)
        if cost != terms.acquisition_cost:
            net = asked.concept if asked.concept in BY_YEAR else "net_value"
            said = f"where winning a customer costs {years_margin(years)}, net of that"
            yield said, replace(asked, economics=other, concept=net)


def _short(reading: str) -> str:
    return reading.replace("_", " ")
