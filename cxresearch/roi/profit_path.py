"""The profit of each year to come, with more retention and without."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._language import speaking, tr
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.findings import Finding
from cxresearch.roi._claim_words import higher, how, number, terms_words
from cxresearch.roi._exact_shares import ExactShares
from cxresearch.roi._levels import Asked, Levels, levels
from cxresearch.roi._not_defined import NotDefinedError
from cxresearch.roi._rise import rise
from cxresearch.roi._subject import Subject
from cxresearch.roi.economics import LONGEST
from cxresearch.uncertainty import Floats


@dataclass(frozen=True, eq=False)
class ProfitPath(ExactShares):
    """Profit by year where as many new customers come every year; today's profit is 1.

    Parameters
    ----------
    year
        0 (today) up to the last year, shape (k,).
    before, after
        Profit without the lift and with it, in units of today's, shape (k,).
    uplift, uplift_ci_lower, uplift_ci_upper
        after/before − 1, shape (k,); the ends are NaN where the rate was entered.
    limit
        What the uplift comes to in the long run; NaN where there is no such limit.
    asked
        The lift, the renewals that are lifted, and the terms.
    model
        "constant", "sbg", "bdw".
    whose
        Whose profit it is.
    """

    year: NDArray[np.int64]
    before: Floats
    after: Floats
    uplift: Floats
    uplift_ci_lower: Floats
    uplift_ci_upper: Floats
    limit: float
    asked: Asked
    model: str
    whose: Subject

    def to_frame(self) -> pd.DataFrame:
        """Return one row per year, in shares of today's profit; today itself has no uplift."""
        columns = {
            "year": self.year, "without_lift_share": self.before, "with_lift_share": self.after
        }  # fmt: skip
        later = self.year > 0
        ends = {
            "uplift_share": np.where(later, self.uplift, np.nan),
            "uplift_share_ci_lower": np.where(later, self.uplift_ci_lower, np.nan),
            "uplift_share_ci_upper": np.where(later, self.uplift_ci_upper, np.nan),
        }
        return pd.DataFrame(columns | ends)

    def findings(self) -> tuple[Finding, ...]:
        """Return `profit_uplift` {reading, profit_concept, model, year} of each later year."""
        return tuple(self._finding(int(year)) for year in self.year[1:])

    def sentence(self, lang: str | None = None) -> str:
        """Return the first and the last year in words, and the limit."""
        with speaking(lang):
            first, last = (higher(*self._values(i)) for i in (1, -1))
            return tr(
                "With {how} from today on, profit is {first} in year 1 and {last} in year {year}, "
                "{basis}.{end}",
                how=how(self.asked),
                first=first,
                last=last,
                year=self.year[-1],
                basis=self._basis,
                end=self._end,
            )

    @property
    def _end(self) -> str:
        if math.isfinite(self.limit):
            much = words.percent(self.limit, 0.001)
            return tr(" In the long run it is {much} higher.", much=much)
        return tr(" No long run can be named where customers differ, or where nobody leaves.")

    @property
    def _basis(self) -> str:
        certain = bool(np.isnan(self.uplift_ci_lower[-1]))
        terms = terms_words(self.asked)
        return self.whose.basis(self.model, terms, certain=certain, several=True)

    def _values(self, i: int) -> tuple[float, float, float]:
        value, lower, upper = (
            float(x[i]) for x in (self.uplift, self.uplift_ci_lower, self.uplift_ci_upper)
        )
        return value, lower, upper

    def _finding(self, year: int) -> Finding:
        values = self._values(year)
        said = tr(
            "With {how} from today on, profit of year {year} is {higher}, {basis}.",
            how=how(self.asked),
            year=year,
            higher=higher(*values),
            basis=self._basis,
        )
        named = {"reading": self.asked.lift.reading, "profit_concept": "annual_profit"}
        key = {**named, "model": self.model, "year": str(year)}
        return number(
            self.whose, "profit_uplift", values[0], said, key, ends=(values[1], values[2])
        )


def profit_path(whose: Subject, model: str, asked: Asked, years: int) -> ProfitPath:
    """Return the profit of each year with the lift and without, which begins today.

    Raises
    ------
    DataError
        When `years` breaks its rule.
    NotEnoughError
        When there is no such profit.
    """
    if not 1 <= years <= LONGEST:
        raise DataError(f"years is {years!r}, must be from 1 to {LONGEST}: say how far to look.")
    strand, axis = whose.strands[model], np.arange(years + 1)
    yearly = [replace(asked, concept="annual_profit", year=int(k)) for k in axis]
    try:
        found = [levels(strand, one) for one in yearly]
    except NotDefinedError as reason:
        raise NotEnoughError(tr("There is no profit by year: {why}.", why=reason)) from reason
    # what the lift costs is not spent before it begins
    found[0] = Levels(found[0].before, found[0].before)
    before, after = (np.array([getattr(x, name)[0] for x in found]) for name in Levels._fields)
    rises = [rise(strand, x, whose.confidence_level, target=0.0) for x in found]
    value, lower, upper, _ = (np.array(column) for column in zip(*rises, strict=True))
    return ProfitPath(
        axis,
        before / before[0],
        after / before[0],
        value,
        lower,
        upper,
        limit=_limit(whose, model, asked),
        asked=yearly[1],
        model=model,
        whose=whose,
    )


def _limit(whose: Subject, model: str, asked: Asked) -> float:
    try:
        end = levels(whose.strands[model], replace(asked, concept="steady_state"))
    except NotDefinedError:
        return math.nan
    return float(end.after[0] / end.before[0]) - 1
