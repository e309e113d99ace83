"""What draws of its inputs make of a programme: the numbers and the sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import speaking
from cxresearch.findings import Finding
from cxresearch.roi._effect import Effect, points
from cxresearch.roi._tornado import Tornado, knowing_words, two_digits
from cxresearch.roi.programme import Programme
from cxresearch.roi.uncertain import Uncertain
from cxresearch.uncertainty import Floats, wilson_interval

Ends = tuple[float, float, float]
NO_RANGE: Final = "No input has a range, so nothing says how sure that is."


@dataclass(frozen=True, eq=False, kw_only=True)
class ProgrammeRisk(Table):
    """Value, chance of loss, break-even and payback of a programme.

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

    def sentence(self, lang: str | None = None) -> str:
        """Return what it needs, what the lift is, and so the chance of losing money."""
        with speaking(lang):
            so = self._so
            lift = (
                self.effect.words if self.effect else f"the lift is {points(self.programme.lift)}"
            )
            lift += self._beyond
            if self.break_even is None:
                return f"No lift is enough, even with nobody leaving; {lift}; {so}."
            value, *ends = self.break_even
            if max(value, *ends) == 0:
                return f"The programme pays without any lift; {lift}; {so}."
            varies = f" ({self._need_ends} as the other inputs vary)" if self._need_ends else ""
            return (
                f"The programme needs at least {points(float(f'{value:.3g}'))} more who stay a year"
                f"{self._whose}{varies}; {lift}; {so}{self._in_vain}."
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return break-even, chance of loss, value, payback and value of information."""
        money = words.money_unit(self.programme.currency)
        loss = self.probability_of_loss
        p = self.programme
        return (
            self._finding("break_even_lift", self.break_even, "share", self.sentence()),
            self._finding(
                "probability_of_loss", None if self.certain else loss, "share", self._loss()
            ),
            self._finding("npv", self.npv_interval, money, self.worth_words),
            self._payback("payback_month", self.payback, p.payback_month),
            self._payback(
                "discounted_payback_month", self.discounted_payback, p.discounted_payback_month
            ),
            self._finding("value_of_information", self.information, money, self._knowing()),
        )

    def _repr_html_(self) -> str:
        p, rate = self.programme, self.programme.internal_rate
        share = "not known: no input has a range" if self.certain else self._chance
        rows = {
            "value today": self._npv,
            "value today, mean of the draws": self._money(self.mean_npv, math.nan, math.nan),
            "chance of losing money": share,
            "points more who must stay a year": self.need_words,
            "paid back in month": self._month(self.payback, p.payback_month),
            "paid back in month, discounted": self._month(
                self.discounted_payback, p.discounted_payback_month
            ),
            "internal rate of return": (
                f"none ({rate.reason})" if rate.value is None else words.percent(rate.value)
            ),
            "worth knowing everything before": self._money(*self.information),
        }
        frame = pd.DataFrame(list(rows.items()), columns=["what", "how much"])
        return html_table(frame, caption=self.worth_words)

    def _within(self, value: float, draws: Floats) -> Ends:
        tail = (1 - self.confidence_level) / 2
        low, high = (float(end) for end in np.quantile(draws, [tail, 1 - tail]))
        return value, min(low, value), max(high, value)

    def _months(self, draws: Floats, value: float | None) -> Ends | None:
        """Return the month with its interval; what is not paid back counts as the last month."""
        last = 12.0 * self.programme.horizon
        return None if value is None else self._within(value, np.minimum(draws, last))

    @property
    def _so(self) -> str:
        """What follows from need and lift; without any range nobody can say how likely it is."""
        so = "so"
        if self.effect and self.effect.is_association:
            so = f"if {self._attributed} of it were the programme's doing,"
        if self.certain:
            return f"{so} it {'loses' if self.programme.npv < 0 else 'does not lose'} money"
        return f"{so} the chance of losing money is {chance(self.probability_of_loss[0])}"

    @property
    def _attributed(self) -> str:
        """How much of the lift counts as the programme's doing."""
        value = self.programme.attribution
        spread = self.inputs.get("attribution", Uncertain.fixed(value))
        if spread.known:
            return "all" if value == 1 else words.percent(value)
        low, high = (f"{100 * end:.3g}" for end in spread.ends)
        return f"{low} to {high} %"

    @property
    def _whose(self) -> str:
        """Who they are, and how many of them count, where that is not everybody."""
        p = self.programme
        among = " among those reached" if p.reached < 1 else ""
        return among + (
            f", {words.percent(p.attribution)} of them its doing" if p.attribution < 1 else ""
        )

    @property
    def _beyond(self) -> str:
        """Say where more is hoped for than there are customers who leave."""
        most = self.programme.largest_lift
        if self.programme.lift <= most + 1e-9:
            return ""
        return f" (no more than {points(float(f'{most:.3g}'))} can count: then nobody leaves)"

    @property
    def _need_ends(self) -> str:
        """The ends of the lift that is needed, one digit finer than an estimate's.

        It follows by arithmetic: in whole points, a plan that loses may look as if it paid.
        """
        low, high = (100 * end for end in (self.break_even or (0, 0, 0))[1:])
        if low == high:
            return ""
        unit = words.rounding_unit(low, high) / 10
        return f"{words.number(low, unit)} to {words.number(high, unit)}"

    @property
    def _chance(self) -> str:
        """The chance of a loss with the interval of the simulation; never as certain."""
        share, low, high = self.probability_of_loss
        return words.percent_interval(share, low, high) if 0 < share < 1 else chance(share)

    @property
    def _in_vain(self) -> str:
        """Say in how many draws no lift is enough."""
        share = float(np.isinf(self.needed).mean())
        return f" (in {chance(share)} of the draws no lift is enough)" if share > 0 else ""

    def _loss(self) -> str:
        if self.certain:
            loses = "loses" if self.probability_of_loss[0] else "does not lose"
            return f"As entered the programme {loses} money. {NO_RANGE}"
        share = self.probability_of_loss[0]
        draws = f"{words.number(self.draws)} draws of what is not known"
        ends = {0.0: f": none of {draws} loses money", 1.0: f": all of {draws} lose money"}
        return f"The chance of losing money is {self._chance}{ends.get(share, f', from {draws}')}."

    @property
    def worth_words(self) -> str:
        """Value as entered and what the draws make of it, in words."""
        level = words.level_words(self.confidence_level)
        said, lies = self._npv, ""
        if not self.certain:
            said, low, high = self._npv_parts
            lies = f"; {level} of the draws lie between {low} and {high}"
        return f"As entered, the payments of {self.programme.span} are worth {said} today{lies}."

    def _knowing(self) -> str:
        return knowing_words("every input", self._money(*self.information), self.information[2])

    def _payback(self, name: str, draws: Floats, value: float | None) -> Finding:
        kind = "discounted payments" if name.startswith("discounted") else "payments"
        ends = self._months(draws, value)
        never = float(np.isinf(draws).mean())
        within = f"within {self.programme.span}"
        if ends is None:
            said = f"As entered, the {kind} never make up for the cost {within}."
            return self._finding(name, None, "months", said)
        rest = f"; in {chance(never)} of the draws it is never {within}" if never > 0 else ""
        if max(ends) == 0:
            said = f"As entered, the {kind} are never below 0 in sum: there is nothing to pay back."
            return self._finding(name, ends, "months", said)
        month = words.quantity(*(_exact(ends) if self.certain else ends), "month")
        said = f"As entered, the {kind} make up for the cost after {month}{rest}."
        return self._finding(name, ends, "months", said)

    def _month(self, draws: Floats, value: float | None) -> str:
        ends = self._months(draws, value)
        if ends is None:
            return "never"
        return words.number(ends[0]) if self.certain else words.number_interval(*ends)

    @property
    def need_words(self) -> str:
        """The lift that is needed, in points."""
        if self.break_even is None:
            return "none is enough"
        value = f"{100 * self.break_even[0]:.3g}"
        return f"{value} ({self._need_ends})" if self._need_ends else value

    @property
    def _npv_parts(self) -> tuple[str, str, str]:
        """Value and ends of the draws, one digit finer than an estimate's: it is arithmetic."""
        value, low, high = self.npv_interval
        unit = two_digits((high - low) / 2)
        said, low_said, high_said = (words.number(x, unit) for x in (value, low, high))
        return words.in_currency(said, self.programme.currency), low_said, high_said

    @property
    def _npv(self) -> str:
        if self.certain:
            return self._money(self.programme.npv, math.nan, math.nan)
        value, low, high = self._npv_parts
        return f"{value} ({low} to {high})"

    def _money(self, value: float, lower: float, upper: float) -> str:
        if self.certain or value == lower == upper:
            lower = upper = math.nan
        return words.money(value, lower, upper, self.programme.currency)

    def _finding(self, name: str, values: Ends | None, unit: str, said: str) -> Finding:
        value, lower, upper = values or (None, None, None)
        return Finding(
            name,
            value,
            lower,
            upper,
            None,
            unit,
            said,
            confidence_level=self.confidence_level,
            grade="D",
            as_of=self.effect.as_of if self.effect else None,
        )


def _exact(ends: Ends) -> Ends:
    return ends[0], math.nan, math.nan


def chance(share: float) -> str:
    """Return a share of draws in whole percent, and never as certain where it is not."""
    if share < 0.005:
        return "below 1 %"
    return "above 99 %" if share > 0.995 else words.percent(share)
