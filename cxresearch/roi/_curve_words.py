"""A company's own retention by year, in words."""

from __future__ import annotations

from collections.abc import Mapping

from cxresearch._html import ACRONYMS
from cxresearch._language import tr, trn
from cxresearch.roi._strand import CONSTANT, PRODUCT_LIMIT


def on_average(average: str, values: Mapping[str, object]) -> str:
    """Return the average rate, that of the first and the last year, and how far the data reach.

    Parameters
    ----------
    average
        "all_years" or "first_year".
    values
        What goes into the places of the sentence.
    """
    if average == "all_years":
        return tr(
            "From each year to the next, {share} of {people} stay on average over all years "
            "seen{since}: {first} in the first year and {last} in year {year}, the last within "
            "the data ({level} intervals).",
            **values,
        )
    return tr(
        "From each year to the next, {share} of {people} stay on average in the first "
        "year{since}: {first} in the first year and {last} in year {year}, the last within the "
        "data ({level} intervals).",
        **values,
    )


def stays(values: Mapping[str, object]) -> str:
    """Return how many of a hundred stay, in the year that is named or in any."""
    one = 1 if values["stay"] == "1" else 2
    if values["year"] is None:
        return trn(
            "Of {n} {people} in a year, {stay} is still there a year later, {by}{since} ({level} "
            "interval {spread}).",
            "Of {n} {people} in a year, {stay} are still there a year later, {by}{since} ({level} "
            "interval {spread}).",
            one,
            **values,
        )
    return trn(
        "Of {n} {people} in year {year}, {stay} is still there a year later, {by}{since} ({level} "
        "interval {spread}).",
        "Of {n} {people} in year {year}, {stay} are still there a year later, {by}{since} ({level} "
        "interval {spread}).",
        one,
        **values,
    )


def by_words(model: str) -> str:
    """Return what a rate goes by, to stand at the end of a sentence."""
    if model == CONSTANT:
        return tr("on average")
    if model == PRODUCT_LIMIT:
        return tr("as observed")
    return tr("by the {model} model", model=ACRONYMS[model])
