"""What draws of its inputs make of a programme: the sentences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import html_table
from cxresearch._language import mark, speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.roi._draws import Draws, Ends
from cxresearch.roi._effect import points
from cxresearch.roi._tornado import knowing_words, two_digits
from cxresearch.roi.uncertain import Uncertain
from cxresearch.uncertainty import Floats

MEASURES: Final = (
    mark("value today"),
    mark("value today, mean of the draws"),
    mark("chance of losing money"),
    mark("points more who must stay a year"),
    mark("paid back in month"),
    mark("paid back in month, discounted"),
    mark("internal rate of return"),
    mark("worth knowing everything before"),
)


@dataclass(frozen=True, eq=False, kw_only=True)
class ProgrammeRisk(Draws):
    """Value, chance of loss, break-even and payback of a programme, in words; see `Draws`."""

    def sentence(self, lang: str | None = None) -> str:
        """Return what it needs, what the lift is, and so the chance of losing money."""
        with speaking(lang):
            said = {"lift": self._lift, "so": self._so}
            if self.break_even is None:
                return tr("No lift is enough, even with nobody leaving; {lift}; {so}.", **said)
            if max(self.break_even) == 0:
                return tr("The programme pays without any lift; {lift}; {so}.", **said)
            return tr(
                "The programme needs at least {points} more who stay a year{whose}{varies}; "
                "{lift}; {so}{in_vain}.",
                points=points(float(f"{self.break_even[0]:.3g}")),
                whose=self._whose,
                varies=self._varies,
                in_vain=self._in_vain,
                **said,
            )

    @property
    def _lift(self) -> str:
        if self.effect:
            lift = self.effect.words
        else:
            lift = tr("the lift is {points}", points=points(self.programme.lift))
        return f"{lift}{self._beyond}"

    @property
    def _varies(self) -> str:
        if not self._need_ends:
            return ""
        return tr(" ({ends} as the other inputs vary)", ends=self._need_ends)

    def findings(self) -> tuple[Finding, ...]:
        """Return break-even, chance of loss, value, payback and value of information."""
        money = self.programme.currency or words.AMOUNT
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
        p = self.programme
        said = (
            self._npv,
            self._money(self.mean_npv, math.nan, math.nan),
            tr("not known: no input has a range") if self.certain else self._chance,
            self.need_words,
            self._month(self.payback, p.payback_month),
            self._month(self.discounted_payback, p.discounted_payback_month),
            self._rate,
            self._money(*self.information),
        )
        frame = pd.DataFrame({"what": [term(name) for name in MEASURES], "how much": said})
        return html_table(frame, caption=self.worth_words)

    @property
    def _rate(self) -> str:
        rate = self.programme.internal_rate
        return (
            tr("none ({why})", why=rate.reason) if rate.value is None else words.percent(rate.value)
        )

    @property
    def _so(self) -> str:
        """What follows from need and lift; without any range nobody can say how likely it is."""
        if self.effect and self.effect.is_association:
            return self._if_its_doing(self._attributed)
        if not self.certain:
            share = chance(self.probability_of_loss[0])
            return tr("so the chance of losing money is {share}", share=share)
        if self.programme.npv < 0:
            return tr("so it loses money")
        return tr("so it does not lose money")

    def _if_its_doing(self, part: str) -> str:
        if not self.certain:
            return tr(
                "if {part} of it were the programme's doing, the chance of losing money is {share}",
                part=part,
                share=chance(self.probability_of_loss[0]),
            )
        if self.programme.npv < 0:
            return tr("if {part} of it were the programme's doing, it loses money", part=part)
        return tr("if {part} of it were the programme's doing, it does not lose money", part=part)

    @property
    def _attributed(self) -> str:
        """How much of the lift counts as the programme's doing."""
        value = self.programme.attribution
        spread = self.inputs.get("attribution", Uncertain.fixed(value))
        if spread.known:
            return tr("all") if value == 1 else words.percent(value)
        low, high = (f"{100 * end:.3g}" for end in spread.ends)
        return tr("{low} to {high} %", low=low, high=high)

    @property
    def _whose(self) -> str:
        """Who they are, and how many of them count, where that is not everybody."""
        p = self.programme
        among = tr(" among those reached") if p.reached < 1 else ""
        if p.attribution == 1:
            return among
        return among + tr(", {share} of them its doing", share=words.percent(p.attribution))

    @property
    def _beyond(self) -> str:
        """Say where more is hoped for than there are customers who leave."""
        most = self.programme.largest_lift
        if self.programme.lift <= most + 1e-9:
            return ""
        return tr(
            " (no more than {points} can count: then nobody leaves)",
            points=points(float(f"{most:.3g}")),
        )

    @property
    def _need_ends(self) -> str:
        """The ends of the lift that is needed, one digit finer than an estimate's.

        It follows by arithmetic: in whole points, a plan that loses may look as if it paid.
        """
        low, high = (100 * end for end in (self.break_even or (0, 0, 0))[1:])
        if low == high:
            return ""
        unit = words.rounding_unit(low, high) / 10
        return tr("{low} to {high}", low=words.number(low, unit), high=words.number(high, unit))

    @property
    def _chance(self) -> str:
        """The chance of a loss with the interval of the simulation; never as certain."""
        share, low, high = self.probability_of_loss
        return words.percent_interval(share, low, high) if 0 < share < 1 else chance(share)

    @property
    def _in_vain(self) -> str:
        """Say in how many draws no lift is enough."""
        share = float(np.isinf(self.needed).mean())
        if share == 0:
            return ""
        return tr(" (in {share} of the draws no lift is enough)", share=chance(share))

    def _loss(self) -> str:
        if self.certain:
            return _certain(loses=self.probability_of_loss[0] > 0)
        share, said = self.probability_of_loss[0], {"share": self._chance}
        said["draws"] = words.number(self.draws)
        if share == 0:
            return tr(
                "The chance of losing money is {share}: none of {draws} draws of what is not known "
                "loses money.",
                **said,
            )
        if share == 1:
            return tr(
                "The chance of losing money is {share}: all of {draws} draws of what is not known "
                "lose money.",
                **said,
            )
        return tr(
            "The chance of losing money is {share}, from {draws} draws of what is not known.",
            **said,
        )

    @property
    def worth_words(self) -> str:
        """Value as entered and what the draws make of it, in words."""
        span = self.programme.span
        if self.certain:
            return tr(
                "As entered, the payments of {span} are worth {worth} today.",
                span=span,
                worth=self._npv,
            )
        worth, low, high = self._npv_parts
        return tr(
            "As entered, the payments of {span} are worth {worth} today; {level} of the draws lie "
            "between {low} and {high}.",
            span=span,
            worth=worth,
            level=words.level_words(self.confidence_level),
            low=low,
            high=high,
        )

    def _knowing(self) -> str:
        return knowing_words(tr("every input"), self._money(*self.information), self.information[2])

    def _payback(self, name: str, draws: Floats, value: float | None) -> Finding:
        ends = self._months(draws, value)
        later = name.startswith("discounted")
        said = {
            "payments": tr("the discounted payments") if later else tr("the payments"),
            "span": self.programme.span,
        }
        if ends is None:
            never = tr("As entered, {payments} never make up for the cost within {span}.", **said)
            return self._finding(name, None, "months", never)
        if max(ends) == 0:
            nothing = tr(
                "As entered, {payments} are never below 0 in sum: there is nothing to pay back.",
                **said,
            )
            return self._finding(name, ends, "months", nothing)
        month = words.quantity(*(_exact(ends) if self.certain else ends), "month")
        share = float(np.isinf(draws).mean())
        return self._finding(name, ends, "months", _back(month, share, said))

    def _month(self, draws: Floats, value: float | None) -> str:
        ends = self._months(draws, value)
        if ends is None:
            return tr("never")
        return words.number(ends[0]) if self.certain else words.number_interval(*ends)

    @property
    def need_words(self) -> str:
        """The lift that is needed, in points."""
        if self.break_even is None:
            return tr("none is enough")
        value = f"{100 * self.break_even[0]:.3g}"
        if not self._need_ends:
            return value
        return tr("{value} ({ends})", value=value, ends=self._need_ends)

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
        return value + tr(" ({low} to {high})", low=low, high=high)

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


def _certain(*, loses: bool) -> str:
    """Say the outcome where nothing is known of how sure it is."""
    if loses:
        return tr(
            "As entered the programme loses money. No input has a range, so nothing says how sure "
            "that is."
        )
    return tr(
        "As entered the programme does not lose money. No input has a range, so nothing says how "
        "sure that is."
    )


def _back(month: str, never: float, said: Mapping[str, str]) -> str:
    """Say when what was spent is back, and in how many draws it never is."""
    if never == 0:
        return tr("As entered, {payments} make up for the cost after {month}.", month=month, **said)
    return tr(
        "As entered, {payments} make up for the cost after {month}; in {share} of the draws it is "
        "never within {span}.",
        month=month,
        share=chance(never),
        **said,
    )


def _exact(ends: Ends) -> Ends:
    return ends[0], math.nan, math.nan


def chance(share: float) -> str:
    """Return a share of draws in whole percent, and never as certain where it is not."""
    if share < 0.005:
        return tr("below {share}", share=words.percent(0.01))
    if share > 0.995:
        return tr("above {share}", share=words.percent(0.99))
    return words.percent(share)
