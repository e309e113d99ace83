"""Where "5 % more retention, 25 % more profit" comes from, rebuilt as far as print allows.

Nothing here is measured on a company's own data: every number is somebody else's (grade D), with
what is known of its standing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.roi._customer_lives import discount_problems
from cxresearch.roi._defection_curve import DefectionCurve, rebuild_curve
from cxresearch.roi._industry_uplifts import (
    LIFT,
    IndustryUplift,
    IndustryUplifts,
    constant_retention,
    rebuild_industries,
)
from cxresearch.roi._published import FIRMS, FIRMS_DISCOUNT_RATE, QUOTES, STANDINGS, Firm, Quote
from cxresearch.roi.constant import elasticity
from cxresearch.roi.economics import Economics

__all__ = [
    "DefectionCurve",
    "IndustryUplift",
    "IndustryUplifts",
    "ProfitHistory",
    "ProfitQuotes",
    "ValueElasticities",
    "profit_history",
]


@dataclass(frozen=True, eq=False)
class ValueElasticities(Table):
    """How much the value of five firms moves with 1 % more retention, printed and by formula.

    Parameters
    ----------
    firms
        Printed elasticities and the yearly retention they were computed with.
    annual_discount_rate
        As in the paper.
    """

    firms: tuple[Firm, ...] = FIRMS
    annual_discount_rate: float = FIRMS_DISCOUNT_RATE

    @property
    def by_formula(self) -> tuple[float, ...]:
        """(1 + i)/(1 + i − r) of each firm: elasticity of m r/(1 + i − r)."""
        terms = Economics(
            annual_discount_rate=self.annual_discount_rate,
            first_margin="end_of_period",
            horizon=None,
            annual_margin=1.0,
            acquisition_cost=0.0,
            retention_cost=0.0,
            fixed_cost_share=0.0,
        )
        return tuple(float(elasticity(firm.retention, terms)) for firm in self.firms)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per firm."""
        rows = zip(self.firms, self.by_formula, strict=True)
        return pd.DataFrame(
            [
                {
                    "firm": firm.name,
                    "retention_rate": firm.retention,
                    "printed": firm.elasticity,
                    "by formula": round(formula, 2),
                    "standing": term(STANDINGS[firm.standing]),
                }
                for firm, formula in rows
            ]
        )

    def sentence(self, lang: str | None = None) -> str:
        """Return the range of both, in words."""
        with speaking(lang):
            printed = [firm.elasticity for firm in self.firms]
            return tr(
                "For {n} firms valued in 2004, 1 % more retention goes with {low} to {high} % more "
                "value as printed (recalled, not seen), and {lowest} to {highest} % by the formula "
                "for a constant rate at {rate} a year.",
                n=words.number(len(self.firms)),
                low=f"{min(printed):.1f}",
                high=f"{max(printed):.1f}",
                lowest=f"{min(self.by_formula):.1f}",
                highest=f"{max(self.by_formula):.1f}",
                rate=words.percent(self.annual_discount_rate),
            )


@dataclass(frozen=True, eq=False)
class ProfitQuotes(Table):
    """The sentences that made the claim famous, what their "5 %" was, and what they ask for.

    Parameters
    ----------
    annual_discount_rate
        Rate at which the constant retention is computed that 5 points more have to start from,
        all years counted and the first profit now.
    quotes
        The oldest first.
    """

    annual_discount_rate: float
    quotes: tuple[Quote, ...] = QUOTES

    @property
    def needed(self) -> tuple[float, ...]:
        """Constant retention that each sentence asks for; NaN where 5 more points pass 100 %."""
        asked = [constant_retention(q.uplift, self.annual_discount_rate) for q in self.quotes]
        return tuple(math.nan if LIFT.capped(r) else r for r in asked)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per sentence, the oldest first."""
        return pd.DataFrame(
            [
                {
                    "year": str(quote.year),
                    "claim": term(quote.claim),
                    'what "5 %" was': term(quote.meant),
                    "constant_retention_rate": needed,
                    "source": quote.source,
                    "standing": term(STANDINGS[quote.standing]),
                }
                for quote, needed in zip(self.quotes, self.needed, strict=True)
            ]
        )

    def sentence(self, lang: str | None = None) -> str:
        """Return what each sentence asks of a retention that never changes, in words."""
        with speaking(lang):
            rate = words.percent(self.annual_discount_rate, 0.001)
            said = [
                tr(
                    "{uplift} more ({year}): {needed}",
                    uplift=words.percent(quote.uplift),
                    year=quote.year,
                    needed=_asked(needed),
                )
                for quote, needed in zip(self.quotes, self.needed, strict=True)
            ]
            return tr(
                "What 5 percentage points more have to start from at {rate} a year, if retention "
                "never changes and all years count: {asked}.",
                rate=rate,
                asked=tr("; ").join(said),
            )


@dataclass(frozen=True, eq=False)
class ProfitHistory(Table):
    """Where the claim comes from: the defection curve, the industries, firms, and quotations."""

    curve: DefectionCurve
    industries: IndustryUplifts
    elasticities: ValueElasticities
    quotes: ProfitQuotes

    def to_frame(self) -> pd.DataFrame:
        """Return the quotations; the other parts are tables of their own."""
        return self.quotes.to_frame()

    def sentence(self, lang: str | None = None) -> str:
        """Return what came of each part, in words."""
        parts = (self.curve, self.industries, self.elasticities, self.quotes)
        with speaking(lang):
            return words.sentences(part.sentence() for part in parts)

    def findings(self) -> tuple[Finding, ...]:
        """Return `defection_curve_value` and `industry_uplift`, all of grade D."""
        return (*self.curve.findings(), *self.industries.findings())


def profit_history(annual_discount_rate: float | None = None) -> ProfitHistory:
    """Rebuild the published link of retention and profit from its published inputs.

    Parameters
    ----------
    annual_discount_rate
        Rate of the rebuilt values, 0.1 for 10 %. None takes the one at which the rebuilt
        defection curve comes closest to the printed one, about 6.1 %: none is printed.

    Returns
    -------
    ProfitHistory
        With the parts `curve`, `industries`, `elasticities` and `quotes`, each a table.

    Raises
    ------
    DataError
        When the rate breaks its rule.

    Notes
    -----
    Reichheld & Sasser (1990, Harvard Business Review 68(5), 105–111): a customer of a card company
    costs 51 dollars to win and brings 30, 42, 44, 49 and 55 a year, then 55. With d who leave each
    year everybody is taken to stay 1/d years; the present values are then 131, 303 and 527 at
    d = 20, 10 and 5 %, against the printed 134, 300 and 525. The uplift of 75 % is that from 10 %
    to 5 %. Where customers leave at random instead, with the same mean life, the values are 119,
    248 and 402 at 6 % and the uplift is 62 %.
    """
    if annual_discount_rate is not None and (problems := discount_problems(annual_discount_rate)):
        raise DataError(problems)
    curve = rebuild_curve(annual_discount_rate)
    rate = curve.annual_discount_rate
    return ProfitHistory(curve, rebuild_industries(rate), ValueElasticities(), ProfitQuotes(rate))


def _asked(needed: float) -> str:
    return tr("no retention there is") if math.isnan(needed) else words.percent(needed, 0.001)
