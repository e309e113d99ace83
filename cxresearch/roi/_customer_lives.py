"""Value of a customer whose yearly profits are printed: with a life of one length, and of many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, get_args

import numpy as np
from scipy.optimize import brentq

from cxresearch.errors import DataError
from cxresearch.roi.economics import rate_problems
from cxresearch.uncertainty import Floats

Lives = Literal["fixed", "random"]
LIVES: Final[tuple[Lives, ...]] = get_args(Lives)
YEARS: Final = np.arange(2001)  # what comes later is below 1e-17 of a profit at 2 % a year


def lifetime_profit(
    profits: Sequence[float], defection: float, annual_discount_rate: float, lives: Lives
) -> float:
    """Return the discounted profits of a customer.

    Parameters
    ----------
    profits
        Profit of year 0 (paid now), 1, 2, … (each at the end of its year); the last one is that of
        every later year.
    defection
        Share of customers who leave each year, above 0.
    annual_discount_rate
        0.06 for 6 % a year.
    lives
        "fixed": everybody stays for exactly 1/defection years, as Reichheld & Sasser (1990)
        reckon; the last year counts in part. "random": whoever is there stays another year with
        probability 1 − defection, so that 1/defection is the mean.

    Raises
    ------
    DataError
        When the rate or the defection breaks its rule.
    """
    problems = [*_defection_problems(defection), *discount_problems(annual_discount_rate)]
    if problems:
        raise DataError(problems)
    paid = np.asarray(profits, dtype=np.float64)[np.minimum(YEARS, len(profits) - 1)]
    discount = np.exp(-YEARS * np.log1p(annual_discount_rate))
    return float(np.sum(paid * discount * _there(defection, lives)))


def uplift(
    profits: Sequence[float], defections: tuple[float, float], rate: float, lives: Lives
) -> float:
    """Return by which share the value is higher at the second defection rate than at the first."""
    before, after = (lifetime_profit(profits, d, rate, lives) for d in defections)
    return after / before - 1


def base_defection(
    profits: Sequence[float], target: float, fewer: float, rate: float, lives: Lives
) -> float | None:
    """Return the lowest defection rate from which `fewer` points less give the target uplift.

    None where there is none.
    """

    def missed(defection: float) -> float:
        return uplift(profits, (defection, defection - fewer), rate, lives) - target

    grid = fewer + np.linspace(0.002, 0.9 - fewer, 180)
    over = np.array([missed(d) for d in grid]) >= 0
    turns = np.flatnonzero(over[:-1] & ~over[1:])
    if not turns.size:
        return None
    low, high = grid[turns[0]], grid[turns[0] + 1]
    return float(brentq(missed, low, high, xtol=1e-10))


def _there(defection: float, lives: Lives) -> Floats:
    """Return the share of customers who bring the profit of each year; year 0 is sure."""
    later = np.maximum(YEARS - 1, 0)
    if lives == "random":
        return np.asarray((1 - defection) ** later)
    return np.where(YEARS == 0, 1.0, np.clip(1 / defection - later, 0, 1))


def discount_problems(rate: float) -> list[str]:
    """Return what is wrong with a discount rate: at 0 the value of a few never ends."""
    if rate == 0:
        return ["annual_discount_rate is 0, must be above 0: write 0.06 for 6 % a year."]
    return list(rate_problems(rate))


def _defection_problems(defection: float) -> list[str]:
    if 0 < defection <= 1:
        return []
    return [
        f"defection is {defection!r}, must be a share above 0 and up to 1: write 0.1 for 10 of 100 "
        "customers a year."
    ]
