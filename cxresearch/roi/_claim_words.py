"""What is asked of retention and profit, in words."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from cxresearch import _format as words
from cxresearch._language import mark, tr, trn
from cxresearch.findings import Finding
from cxresearch.roi._levels import Asked
from cxresearch.roi._subject import Subject
from cxresearch.roi.economics import BY_YEAR

GRADE: Final = "D"  # what is asked is what would be, which no data have seen
LIFTED: Final = {
    "first": mark("at the first renewal only"),
    "every": mark("at every renewal"),
    "each_customer": mark("for each customer"),
}


def how(asked: Asked) -> str:
    """Return the lift and where it is applied: `5 % fewer customers who leave at every renewal`."""
    lift = asked.lift.words
    return {
        "first": tr("{lift} at the first renewal only", lift=lift),
        "every": tr("{lift} at every renewal", lift=lift),
        "each_customer": tr("{lift} for each customer", lift=lift),
    }[asked.renewals]


def years_margin(count: float) -> str:
    """Return a cost in margins of a year: `a year's margin`, `2 years' margin`."""
    return trn("a year's margin", "{n} years' margin", count, n=f"{count:.3g}")


def terms_words(asked: Asked) -> str:
    """Return the terms that matter to this profit."""
    terms, costs = asked.economics, list(_costs(asked))
    said = terms.words
    if asked.concept in BY_YEAR:
        said = (
            tr("with as many new customers every year, who pay at once")
            if terms.first_margin == "now"
            else tr("with as many new customers every year, who pay after a year")
        )
    return tr("{terms}; {costs}", terms=said, costs=words.and_list(costs)) if costs else said


def _costs(asked: Asked) -> Iterator[str]:
    terms, by_year = asked.economics, asked.concept in BY_YEAR
    if terms.acquisition_cost and (by_year or asked.concept == "net_value"):
        won = years_margin(terms.acquisition_cost / terms.annual_margin)
        yield tr("winning a customer costs {margin}", margin=won)
    if terms.retention_cost:
        share = words.percent(terms.retention_cost / terms.annual_margin, 0.001)
        yield tr("the lift costs {share} of each margin", share=share)
    if terms.fixed_cost_share and by_year:
        share = words.percent(terms.fixed_cost_share)
        yield tr("fixed costs are {share} of today's contribution", share=share)


def higher(value: float, lower: float, upper: float) -> str:
    """Return `25 % (24 to 26 %) higher`; an amount below 0 for certain is said as lower."""
    if value < 0 and not lower <= 0 <= upper:
        much = words.percent_exact(-value, -upper, -lower)
        if value < -1:
            return tr("{much} lower than without, a loss", much=much)
        return tr("{much} lower than without", much=much)
    return tr("{much} higher", much=words.percent_exact(value, lower, upper))


def in_cases(holding: int, cases: int) -> str:
    """Return in how many of several cases a claim holds: `6 of 13 cases`, `none of 13 cases`."""
    if not holding:
        return trn("none of {cases} case", "none of {cases} cases", cases, cases=cases)
    return trn(
        "{holding} of {cases} case", "{holding} of {cases} cases", cases,
        holding=holding, cases=cases,
    )  # fmt: skip


def number(
    whose: Subject,
    name: str,
    value: float | None,
    sentence: str,
    key: dict[str, str],
    *,
    ends: tuple[float | None, float | None] = (None, None),
    unit: str = "share",
) -> Finding:
    """Return a finding of whose profit it is."""
    return Finding(
        name,
        value,
        *ends,
        whose.n,
        unit,
        sentence,
        {**key, **whose.group},
        confidence_level=whose.confidence_level,
        grade=GRADE,
        as_of=whose.as_of,
    )
