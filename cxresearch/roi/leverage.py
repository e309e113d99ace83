"""Operating leverage: why a few per cent more customers can be many per cent more profit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._language import speaking, tr
from cxresearch.errors import DataError
from cxresearch.roi._exact_shares import ExactShares
from cxresearch.uncertainty import Floats

FIRMS: Final = ((0.6, 0.1), (0.4, 0.1), (0.3, 0.2))


@dataclass(frozen=True, eq=False)
class OperatingLeverage(ExactShares):
    """Profit where customers are a few per cent more and fixed costs stay, arrays of shape (k,).

    Parameters
    ----------
    contribution_share, profit_share
        Contribution and profit, as shares of revenue.
    profit_lift
        How much higher profit is, as a share.
    base_lift
        How many more customers there are, as a share.
    """

    contribution_share: Floats
    profit_share: Floats
    profit_lift: Floats
    base_lift: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row per firm."""
        names = ("contribution_share", "profit_share", "profit_lift")
        columns = {name: getattr(self, name) for name in names}
        return pd.DataFrame(columns).rename(columns={"profit_lift": "profit_lift_share"})

    def sentence(self, lang: str | None = None) -> str:
        """Return the first firm in words."""
        with speaking(lang):
            contribution, profit, lift = (
                words.percent(float(x[0]), 0.001)
                for x in (self.contribution_share, self.profit_share, self.profit_lift)
            )
            return tr(
                "Where contribution is {contribution} of revenue and profit {profit}, {more} more "
                "customers go with {lift} more profit, as long as fixed costs stay as they are: "
                "that is arithmetic of costs and not of retention.",
                contribution=contribution,
                profit=profit,
                more=words.percent(self.base_lift),
                lift=lift,
            )


def operating_leverage(
    base_lift: float = 0.05, firms: Sequence[tuple[float, float]] = FIRMS
) -> OperatingLeverage:
    """Return how much higher profit is with so many more customers.

    Parameters
    ----------
    base_lift
        0.05 for 5 % more customers.
    firms
        Pairs of contribution and profit as shares of revenue; what lies between is fixed cost.

    Notes
    -----
    lift × contribution/profit, the degree of operating leverage.

    Raises
    ------
    DataError
        When a share breaks its rule.
    """
    problems = [*_problems(base_lift, firms)]
    if problems:
        raise DataError(problems)
    contribution, profit = np.array(firms, dtype=float).T
    return OperatingLeverage(contribution, profit, base_lift * contribution / profit, base_lift)


def _problems(base_lift: float, firms: Sequence[tuple[float, float]]) -> Iterator[str]:
    if not 0 < base_lift < 1:
        yield f"base_lift is {base_lift!r}, must be a share between 0 and 1: write 0.05 for 5 %."
    if not firms:
        yield "there are 0 firms, must be at least 1: give a contribution and a profit."
    for contribution, profit in firms:
        if not 0 < profit <= contribution <= 1:
            yield (
                f"contribution is {contribution!r} and profit {profit!r} of revenue, must be "
                "0 < profit <= contribution <= 1: write 0.6 and 0.1 for 60 % and 10 %."
            )
