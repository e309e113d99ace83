"""What draws of its inputs make of a programme: the numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from cxresearch._html import Table
from cxresearch.roi._effect import Effect
from cxresearch.roi._tornado import Tornado
from cxresearch.roi.programme import Programme
from cxresearch.roi.uncertain import Uncertain
from cxresearch.uncertainty import Floats, wilson_interval

Ends = tuple[float, float, float]


@dataclass(frozen=True, eq=False, kw_only=True)
class Draws(Table):
    """Value, chance of loss, break-even and payback of a programme, from draws of its inputs.

    Parameters
    ----------
    programme
        The plan as entered.
    inputs
        What is known of its inputs, by name.
    effect
        Where the lift comes from.
    drawn
        Draws of the inputs, each of shape (draws,).
    npv
        Net present value of each draw.
    needed
        Lift at which each draw is worth nothing; infinite for none.
    most
        Lift of each draw at which nobody leaves any more.
    payback, discounted_payback
        Month in which each draw is paid back; infinite for never within the horizon.
    tornado
        What each input does.
    information
        What it would be worth to know everything before deciding, with its interval.
    confidence_level
        Share of the draws within each interval.
    """

    programme: Programme
    inputs: Mapping[str, Uncertain]
    effect: Effect | None
    drawn: Mapping[str, Floats] = field(repr=False)
    npv: Floats = field(repr=False)
    needed: Floats = field(repr=False)
    most: Floats = field(repr=False)
    payback: Floats = field(repr=False)
    discounted_payback: Floats = field(repr=False)
    tornado: Tornado
    information: Ends
    confidence_level: float

    @property
    def draws(self) -> int:
        """How many draws there are."""
        return len(self.npv)

    @property
    def certain(self) -> bool:
        """Whether no input has a range, so that all draws are the same."""
        return all(spread.known for spread in self.inputs.values())

    @property
    def npv_interval(self) -> Ends:
        """Value as entered, and the ends between which the draws lie.

        An end reaches as far as the value as entered, where that is the best or the worst case.
        """
        return self._within(self.programme.npv, self.npv)

    @property
    def mean_npv(self) -> float:
        """Mean of the draws, which counts what can go wrong as well as what can go right."""
        return float(self.npv.mean())

    @property
    def probability_of_loss(self) -> Ends:
        """Share of the draws that lose money, with the interval of the simulation (Wilson)."""
        lost = int((self.npv < 0).sum())
        low, high = wilson_interval(lost, self.draws, self.confidence_level)
        return lost / self.draws, float(low), float(high)

    @property
    def break_even(self) -> Ends | None:
        """Lift at which the value is 0, over the draws of all other inputs; None where none is.

        A draw in which no lift is enough counts as the lift at which nobody leaves.
        """
        value = self.programme.break_even_lift
        return None if value is None else self._within(value, np.minimum(self.needed, self.most))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per measure: value as entered, and the ends of the draws."""
        nothing = (math.nan, math.nan, math.nan)
        months = self._months(self.payback, self.programme.payback_month)
        later = self._months(self.discounted_payback, self.programme.discounted_payback_month)
        rate = self.programme.internal_rate.value
        rows: dict[str, Ends] = {
            "npv": self.npv_interval,
            "mean_npv": (self.mean_npv, math.nan, math.nan),
            "probability_of_loss": self.probability_of_loss,
            "break_even_lift": self.break_even or nothing,
            "payback_month": months or nothing,
            "discounted_payback_month": later or nothing,
            "internal_rate": (math.nan if rate is None else rate, math.nan, math.nan),
            "value_of_information": self.information,
        }
        ends = pd.DataFrame(list(rows.values()), columns=["value", "ci_lower", "ci_upper"])
        return pd.concat([pd.Series(list(rows), name="measure"), ends], axis=1)

    def _within(self, value: float, draws: Floats) -> Ends:
        tail = (1 - self.confidence_level) / 2
        low, high = (float(end) for end in np.quantile(draws, [tail, 1 - tail]))
        return value, min(low, value), max(high, value)

    def _months(self, draws: Floats, value: float | None) -> Ends | None:
        """Return the month with its interval; what is not paid back counts as the last month."""
        last = 12.0 * self.programme.horizon
        return None if value is None else self._within(value, np.minimum(draws, last))
