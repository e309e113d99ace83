"""Where a lifted retention rate would pass 1 and is cut there, so that nobody leaves any more."""

from __future__ import annotations

from typing import Final

import numpy as np

from cxresearch import _format as words
from cxresearch._language import tr, trn
from cxresearch.roi._levels import Asked, passes_one
from cxresearch.roi._strand import Strand
from cxresearch.roi.economics import BY_YEAR
from cxresearch.roi.readings import Lift

FEW: Final = 5e-4  # share of customers that is not worth a word


def cut_words(strand: Strand, asked: Asked) -> str:
    """Return whose lifted rate would pass 1 and is cut there, in words; empty for nobody's.

    Of the years as a customer that count, or of customers where each has a rate of their own.
    """
    if strand.alike:
        return ""
    if asked.renewals == "each_customer":
        return _never_leave(strand, asked.lift)
    last = last_year(strand, asked)
    over = passes_one(strand.retained(min(last, strand.longest or last))[:1], asked)[0]
    years = [int(year) for year in np.flatnonzero(over) + 1]
    if not years:
        return ""
    if over[years[0] - 1 :].all() and asked.renewals == "every":
        if strand.late:
            return tr("nobody leaves from year {year} that is counted on", year=years[0])
        return tr("nobody leaves from year {year} as a customer on", year=years[0])
    return _nobody_leaves(years, late=strand.late)


def _nobody_leaves(years: list[int], *, late: bool) -> str:
    first, last, many = years[0], years[-1], len(years)
    said = words.and_list(str(year) for year in years)
    if many > 2 and last - first == many - 1:
        said = tr("{low} to {high}", low=first, high=last)
    if late:
        return trn(
            "nobody leaves in year {years} that is counted",
            "nobody leaves in years {years} that is counted",
            many,
            years=said,
        )
    return trn(
        "nobody leaves in year {years} as a customer",
        "nobody leaves in years {years} as a customer",
        many,
        years=said,
    )


def last_year(strand: Strand, asked: Asked) -> int:
    """Return the last year as a customer that counts; where all do, that matters."""
    if asked.concept in BY_YEAR:
        return (asked.when or 0) + (strand.firm_years or 0)
    ages = strand.ages.shape[1] if asked.concept == "base_value" else 1
    return asked.bills(strand) + asked.late + ages - 2


def _never_leave(strand: Strand, lift: Lift) -> str:
    assert strand.nodes is not None
    rate, weight = (x[0] for x in strand.nodes(lift.highest))
    share = float(weight[lift.capped(rate)].sum())
    if share <= FEW:
        return ""
    return tr("{share} of customers never leave", share=words.percent(share))
