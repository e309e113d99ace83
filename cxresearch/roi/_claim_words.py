"""What is asked of retention and profit, in words."""

from __future__ import annotations

from typing import Final

from cxresearch import _format as words
from cxresearch.findings import Finding
from cxresearch.roi._levels import Asked
from cxresearch.roi._subject import Subject
from cxresearch.roi.economics import BY_YEAR

GRADE: Final = "D"  # what is asked is what would be, which no data have seen
LIFTED: Final = {
    "first": "at the first renewal only",
    "every": "at every renewal",
    "each_customer": "for each customer",
}


def how(asked: Asked) -> str:
    """Return the lift and where it is applied: `5 % fewer customers who leave at every renewal`."""
    return f"{asked.lift.words} {LIFTED[asked.renewals]}"


def years_margin(count: float) -> str:
    """Return a cost in margins of a year: `a year's margin`, `2 years' margin`."""
    return "a year's margin" if count == 1 else f"{count:.3g} years' margin"


def terms_words(asked: Asked) -> str:
    """Return the terms that matter to this profit."""
    terms, by_year = asked.economics, asked.concept in BY_YEAR
    said = terms.words
    if by_year:
        first = "at once" if terms.first_margin == "now" else "after a year"
        said = f"with as many new customers every year, who pay {first}"
    costs = []
    if terms.acquisition_cost and asked.concept in (*BY_YEAR, "net_value"):
        won = years_margin(terms.acquisition_cost / terms.annual_margin)
        costs.append(f"winning a customer costs {won}")
    if terms.retention_cost:
        share = words.percent(terms.retention_cost / terms.annual_margin, 0.001)
        costs.append(f"the lift costs {share} of each margin")
    if terms.fixed_cost_share and by_year:
        share = words.percent(terms.fixed_cost_share)
        costs.append(f"fixed costs are {share} of today's contribution")
    return f"{said}; {words.and_list(costs)}" if costs else said


def higher(value: float, lower: float, upper: float) -> str:
    """Return `25 % (24 to 26 %) higher`; an amount below 0 for certain is said as lower."""
    if value < 0 and not lower <= 0 <= upper:
        loss = ", a loss" if value < -1 else ""
        return f"{words.percent_exact(-value, -upper, -lower)} lower than without{loss}"
    return f"{words.percent_exact(value, lower, upper)} higher"


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
