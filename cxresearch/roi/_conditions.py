"""Under which other terms a claim about profit holds: one of them is changed at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Final, NamedTuple

import pandas as pd

from cxresearch import _format as words
from cxresearch._language import ENGLISH, speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.roi._claim_words import LIFTED, in_cases, years_margin
from cxresearch.roi._exact_shares import ExactShares
from cxresearch.roi._levels import RENEWALS, Asked
from cxresearch.roi._not_defined import Saying
from cxresearch.roi._profit_uplift import ProfitUplift, Standing
from cxresearch.roi._subject import Subject
from cxresearch.roi.economics import BY_YEAR, CONCEPTS, Economics, concept_name
from cxresearch.roi.profit_uplifts import uplift_of
from cxresearch.roi.readings import SAID

DISCOUNTS: Final = (0.05, 0.10, 0.15)
HORIZONS: Final = (5, 10, None)
YEARS_OF_MARGIN: Final = (1, 2)  # what winning a customer may cost


class Condition(NamedTuple):
    """Other terms, which can be put into words, and the uplift on them."""

    say: Saying
    uplift: ProfitUplift

    @property
    def terms(self) -> str:
        """The other terms in words."""
        return self.say()


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
        return tuple(x for x in self.of(reading) if not x.uplift.why)

    def where(self, reading: str, *standings: Standing) -> tuple[str, ...]:
        """Return the terms on which the claim stands so in one reading."""
        return tuple(x.terms for x in self.of(reading) if x.uplift.standing in standings)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per changed term: the uplift in each reading, and which hold."""
        rows: dict[str, dict[str, object]] = {}
        holding: dict[str, list[str]] = {}
        for condition in self.conditions:
            terms, one = condition.terms, condition.uplift
            reading = one.asked.lift.reading
            row = rows.setdefault(terms, {"terms": terms})
            ends = ("", "_ci_lower", "_ci_upper")
            row |= {f"{reading}_share{e}": x for e, x in zip(ends, one.values, strict=True)}
            holds = [term(SAID[reading])] if one.standing == "holds" else []
            holding[terms] = holding.get(terms, []) + holds
        said = [tr(", ").join(readings) for readings in holding.values()]
        return pd.DataFrame(list(rows.values())).assign(holds_for=said)

    def sentence(self, lang: str | None = None) -> str:
        """Return for each reading on how many of the other terms the claim holds."""
        with speaking(lang):
            readings = dict.fromkeys(x.uplift.asked.lift.reading for x in self.conditions)
            return words.sentences(self._say(reading) for reading in readings)

    def findings(self) -> tuple[Finding, ...]:
        """Return `profit_uplift` {reading, profit_concept, model, renewals, terms}."""
        return tuple(found for x in self.conditions for found in x.uplift.findings())

    def _say(self, reading: str) -> str:
        one, holding = self.of(reading)[0].uplift, self.where(reading, "holds")
        values = {
            "lift": one.asked.lift.words,
            "target": words.percent(one.target),
            "cases": in_cases(len(holding), len(self.known(reading))),
        }
        if not holding:
            return tr(
                "With {lift} and one term changed, profit is {target} higher or more in {cases}.",
                **values,
            )
        return tr(
            "With {lift} and one term changed, profit is {target} higher or more in {cases}: "
            "{terms}.",
            terms=tr("; ").join(holding),
            **values,
        )


def conditions(whose: Subject, model: str, asked: Asked, target: float) -> Iterator[Condition]:
    """Yield the uplift with one term changed at a time."""
    for say, other_model, other in _varied(whose, model, asked):
        with speaking(ENGLISH):  # findings have the same labels in every language
            key = {"renewals": other.renewals, "terms": say()}
        yield Condition(say, uplift_of(whose, other_model, other, target, key))


def _varied(whose: Subject, model: str, asked: Asked) -> Iterator[tuple[Saying, str, Asked]]:
    for concept in CONCEPTS:
        other = replace(asked, concept=concept)
        # without a cost of winning customers, the value net of it is the value
        free = concept == "net_value" and not asked.economics.acquisition_cost
        if concept != asked.concept and not free:
            yield partial(concept_name, concept, asked.year), model, other
    alike = whose.strands[model].alike
    for renewals in RENEWALS:
        if renewals != asked.renewals and not (alike and renewals == "each_customer"):
            yield partial(term, LIFTED[renewals]), model, replace(asked, renewals=renewals)
    for name in whose.strands:
        if name != model:
            yield partial(whose.by, name), name, asked
    yield from ((terms, model, other) for terms, other in _other_terms(asked))


def _other_terms(asked: Asked) -> Iterator[tuple[Saying, Asked]]:
    terms = asked.economics
    now = terms.first_margin == "now"
    swapped = replace(terms, first_margin="end_of_period" if now else "now")
    yield partial(_first_margin, swapped), replace(asked, economics=swapped)
    if asked.concept not in BY_YEAR:
        for horizon in HORIZONS:
            other = replace(terms, horizon=horizon)
            if horizon != terms.horizon:
                yield partial(_span, other), replace(asked, economics=other)
        for rate in DISCOUNTS:
            other = replace(terms, annual_discount_rate=rate)
            if rate != terms.annual_discount_rate:
                yield partial(_discounted, rate), replace(asked, economics=other)
    for years in YEARS_OF_MARGIN:
        cost = years * terms.annual_margin
        other = replace(terms, acquisition_cost=cost)
        if cost != terms.acquisition_cost:
            net = asked.concept if asked.concept in BY_YEAR else "net_value"
            yield partial(_net_of, years), replace(asked, economics=other, concept=net)


def _first_margin(terms: Economics) -> str:
    now = terms.first_margin == "now"
    return tr("first margin now") if now else tr("first margin after a year")


def _span(terms: Economics) -> str:
    return terms.span


def _discounted(rate: float) -> str:
    return tr("discounted at {rate} a year", rate=words.percent(rate))


def _net_of(years: int) -> str:
    return tr("where winning a customer costs {margin}, net of that", margin=years_margin(years))
