"""The profit of each year to come, with more retention and without."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch.roi.readings import Lift
from cxresearch.uncertainty import Floats


@dataclass(frozen=True, eq=False)
class ProfitPath(Table):
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
    lift
        What is added to retention from today on.
    model
        "constant", "sbg", "bdw".
    """

    year: NDArray[np.int64]
    before: Floats
    after: Floats
    uplift: Floats
    uplift_ci_lower: Floats
    uplift_ci_upper: Floats
    limit: float
    lift: Lift
    model: str

    def to_frame(self) -> pd.DataFrame:
        """Return one row per year."""
        names = ("before", "after", "uplift", "uplift_ci_lower", "uplift_ci_upper")
        return pd.DataFrame({"year": self.year} | {name: getattr(self, name) for name in names})

    def sentence(self, lang: str = "en") -> str:
        """Return the first and the last year in words, and the limit."""
        words.check_language(lang)
        first, last = (words.percent(float(self.uplift[i]), 0.001) for i in (1, -1))
        end = (
            f"In the long run it is {words.percent(self.limit, 0.001)} higher."
            if math.isfinite(self.limit)
            else "It comes to no limit."
        )
        return (
            f"With {self.lift.words} a year from today on, and as many new customers every year, "
            f"profit is {first} higher in the first year and {last} in year {self.year[-1]}. {end}"
        )
