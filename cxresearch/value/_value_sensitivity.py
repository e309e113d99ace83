"""What a sensitivity analysis of a difference in value holds, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import mark, speaking, term, tr
from cxresearch.adjust._rung import Ends
from cxresearch.findings import Finding, without_number
from cxresearch.value._compared import ADJUSTED, HOW
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms

MODEL: Final = "model"
CHOICES: Final = {
    "annual_discount_rate": mark("discount rate per year"),
    "horizon": mark("horizon"),
    "first_margin": mark("first bill"),
    MODEL: mark("model beyond the data"),
    "margin_share": mark("margin share"),
    "monthly_margin": mark("margin per month"),
    "cost_per_ticket": mark("cost of a ticket"),
    "cost_per_month": mark("cost per month"),
    "referral_value": mark("value of a referral"),
}


@dataclass(frozen=True)
class Bar:
    """One choice at both ends of its range.

    Parameters
    ----------
    choice
        Its name: a field of `Terms` or `Prices`, or "model".
    settings
        Both ends of the range, in words.
    keys
        The same in English, whatever is spoken.
    ends
        The difference at each: value, lower and upper end of its interval.
    entered
        Whether the reader entered it.
    """

    choice: str
    settings: tuple[str, str]
    keys: tuple[str, str]
    ends: tuple[Ends, Ends]
    entered: bool

    @property
    def title(self) -> str:
        """What is moved, in words."""
        return term(CHOICES[self.choice])

    @property
    def heading(self) -> str:
        """What is moved, with a note where it was entered."""
        return tr("{choice} (entered)", choice=self.title) if self.entered else self.title

    @property
    def width(self) -> float:
        """How far the difference moves."""
        return abs(self.ends[1][0] - self.ends[0][0])


@dataclass(frozen=True, eq=False)
class ValueSensitivity(Table):
    """The difference in value of two groups while one choice at a time moves.

    Parameters
    ----------
    bars
        The widest first.
    base
        The difference with everything as chosen; NaN when refused.
    labels, counting
        The two groups, and how they are compared.
    refusal
        Why there is no number.
    """

    bars: tuple[Bar, ...]
    base: Ends
    labels: tuple[str, str]
    counting: str
    terms: Terms
    prices: Prices
    n: int = 0
    refusal: str | None = None
    confidence_level: float = 0.95
    as_of: str | None = None

    @property
    def title(self) -> str:
        """How the groups are compared, to begin a sentence."""
        return words.sentence_start(term(HOW[self.counting]))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per choice and end of its range."""
        rows: list[dict[str, Any]] = []
        for bar in self.bars:
            for setting, ends in zip(bar.settings, bar.ends, strict=True):
                row = {"choice": bar.choice, "setting": setting, "entered": bar.entered}
                names = ("difference", "difference_ci_lower", "difference_ci_upper")
                rows.append(row | dict(zip(names, ends, strict=True)))
        return pd.DataFrame(rows)

    def sentence(self, lang: str | None = None) -> str:
        """Return which choice moves the difference most, and whether any hides it."""
        with speaking(lang):
            if self.refusal is not None or not self.bars:
                return self._refused().sentence
            widest, (low, high) = self.bars[0], self.bars[0].settings
            first, second = (self.money(ends) for ends in widest.ends)
            said = tr(
                "{Difference}, moves most with the {choice}: from {first} at {low} to {second} at "
                "{high} ({level} intervals).",
                Difference=words.sentence_start(self.whole()),
                choice=widest.title,
                first=first,
                low=low,
                second=second,
                high=high,
                level=words.level_words(self.confidence_level),
            )
            return words.sentences([said, self._hidden()])

    def findings(self) -> tuple[Finding, ...]:
        """Return `difference_sensitivity` {choice, setting} at each end of each range."""
        if self.refusal is not None:
            return (self._refused(),)
        pairs = [(bar, i) for bar in self.bars for i in (0, 1)]
        return tuple(self._finding(bar, i) for bar, i in pairs)

    def whole(self) -> str:
        """Return what moves, in words."""
        first, second = (words.plural(label, 2) for label in self.labels)
        how = term(HOW[self.counting])
        return tr(
            "the difference in value between {first} and {second}, {how}",
            first=first,
            second=second,
            how=how,
        )

    def money(self, ends: Ends) -> str:
        """Return an amount with its interval."""
        return words.money(*ends, self.prices.currency)

    def _repr_html_(self) -> str:
        rows = [(bar.heading, *self._at_ends(bar)) for bar in self.bars]
        columns = ["choice", "one end of the range", "other end of the range"]
        return html_table(pd.DataFrame(rows, columns=columns), caption=self.sentence())

    def _at_ends(self, bar: Bar) -> list[str]:
        return [
            tr("{amount} at {setting}", amount=self.money(ends), setting=setting)
            for setting, ends in zip(bar.settings, bar.ends, strict=True)
        ]

    def _hidden(self) -> str:
        unclear = [
            tr("{choice} {setting}", choice=bar.title, setting=setting)
            for bar in self.bars
            for setting, ends in zip(bar.settings, bar.ends, strict=True)
            if ends[1] <= 0 <= ends[2]
        ]
        if len(unclear) in (0, 2 * len(self.bars)):
            return tr("Every interval holds 0.") if unclear else tr("Every interval leaves 0 out.")
        return tr("The interval holds 0 at: {settings}.", settings=tr("; ").join(unclear))

    def _finding(self, bar: Bar, i: int) -> Finding:
        known = ADJUSTED.get(self.counting)
        adjusted = {"adjusted": known} if known else {}
        said = tr(
            "With {choice} {setting} {difference}, is {amount} ({level} interval).",
            choice=bar.title,
            setting=bar.settings[i],
            difference=self.whole(),
            amount=self.money(bar.ends[i]),
            level=words.level_words(self.confidence_level),
        )
        return Finding(
            "difference_sensitivity",
            *bar.ends[i],
            self.n,
            self.prices.currency or words.AMOUNT,
            said,
            {"choice": bar.choice, "setting": bar.keys[i], **adjusted},
            confidence_level=self.confidence_level,
            grade="D",
            as_of=self.as_of,
        )

    def _refused(self) -> Finding:
        why = self.refusal or tr("nothing was chosen that could move")
        said = tr("No sensitivity of the difference: {why}.", why=why)
        return without_number(said, as_of=self.as_of)
