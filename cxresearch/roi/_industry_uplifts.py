"""The published industries: what each printed uplift asks of a customer base."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.roi._customer_lives import LIVES, base_defection, uplift
from cxresearch.roi._published import LATER, NINE, STANDINGS, Industry
from cxresearch.roi.constant import closed_threshold
from cxresearch.roi.readings import Lift

LIFT: Final = Lift(points=0.05)
BEFORE_AFTER: Final = (0.10, 0.05)
CLOSE: Final = 0.02  # a rebuilt uplift this near to the printed one counts as the same
Pair = tuple[float | None, float | None]  # with fixed and with random lives


@dataclass(frozen=True, eq=False)
class IndustryUplift:
    """One published uplift, and what it takes.

    Parameters
    ----------
    industry
        What is printed.
    annual_discount_rate
        Of all that is computed here.
    constant_retention
        Base retention from which 5 points more give the printed uplift where the rate never
        changes, profits are equal, the first is now and all years count.
    rebuilt
        Uplift of the printed profits from 10 % to 5 % who leave each year; None without profits.
    base_defection
        Share who leave each year from which 5 points fewer give the printed uplift.
    """

    industry: Industry
    annual_discount_rate: float
    constant_retention: float
    rebuilt: Pair
    base_defection: Pair

    @property
    def possible(self) -> bool:
        """Whether 5 points more than the constant retention are at most 100 %."""
        return not LIFT.capped(self.constant_retention)

    def row(self) -> dict[str, Any]:
        """Return the row of the table."""
        profits = self.industry.profits
        retention = self.constant_retention if self.possible else math.nan
        return {
            "industry": term(self.industry.name),
            "year": str(self.industry.year),
            "printed_share": self.industry.uplift,
            "standing": term(STANDINGS[self.industry.standing]),
            "printed profits": _listed(profits) if profits else words.MISSING,
            "constant_retention_rate": retention,
            **{f"rebuilt_{lives}_share": x for lives, x in zip(LIVES, self.rebuilt, strict=True)},
            **{
                f"base_defection_{lives}_rate": x
                for lives, x in zip(LIVES, self.base_defection, strict=True)
            },
        }

    def sentence(self, lang: str | None = None) -> str:
        """Return what is printed and what it takes, in words."""
        with speaking(lang):
            return tr(
                "{Industry}: {uplift} more profit per customer is printed in {year} ({standing})."
                "{constant}{rebuilt}",
                Industry=words.sentence_start(term(self.industry.name)),
                uplift=words.percent(self.industry.uplift),
                year=self.industry.year,
                standing=term(STANDINGS[self.industry.standing]),
                constant=self._constant(),
                rebuilt=self._rebuilt(),
            )

    def finding(self) -> Finding:
        """Return `industry_uplift`: the printed number, grade D."""
        number = (self.industry.uplift, None, None, None)
        group = {"industry": self.industry.name}
        return Finding("industry_uplift", *number, "share", self.sentence(), group, grade="D")

    def _constant(self) -> str:
        need = words.percent(self.constant_retention, 0.001)
        rate = words.percent(self.annual_discount_rate, 0.001)
        if self.possible:
            return tr(
                " A retention that never changes has to be {need} before, at {rate} a year over "
                "all years.",
                need=need,
                rate=rate,
            )
        return tr(
            " No retention that never changes gives that at {rate} a year over all years: it had "
            "to be {need} before and {more} after.",
            need=need,
            rate=rate,
            more=words.percent(self.constant_retention + LIFT.size, 0.001),
        )

    def _rebuilt(self) -> str:
        profits = self.industry.profits
        if profits is None:
            return tr(" No profits by year are printed for it.")
        fixed, random = (words.percent(x or 0.0) for x in self.rebuilt)
        return tr(
            " Its printed profits ({standing}) give {fixed} from 10 % to 5 % who leave each year "
            "where everybody stays equally long and {random} where lives differ; they give the "
            "printed number {starts}.",
            standing=term(STANDINGS[self.industry.profits_standing]),
            fixed=fixed,
            random=random,
            starts=words.and_list(_starts(x) for x in self.base_defection),
        )


@dataclass(frozen=True, eq=False)
class IndustryUplifts(Table):
    """The nine industries of 1990 and the list of 1996: iterate, or show them as a table."""

    rows: tuple[IndustryUplift, ...]

    def __iter__(self) -> Iterator[IndustryUplift]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per published number."""
        return pd.DataFrame([found.row() for found in self.rows])

    def sentence(self, lang: str | None = None) -> str:
        """Return which of the printed uplifts come back from the printed profits, in words."""
        with speaking(lang):
            nine = self._of(1990)
            known = [x for x in nine if x.industry.profits is not None]
            same = [x for x in known if abs((x.rebuilt[0] or 0) - x.industry.uplift) <= CLOSE]
            others = words.and_list(_against(x) for x in known if x not in same)
            names = words.and_list(term(x.industry.name) for x in same)
            return tr(
                "Of the {nine} industries of 1990, {known} have printed profits. From 10 % to 5 % "
                "who leave each year, everybody staying equally long, these give the printed "
                "number for {same}, but {others}: the bars do not start from one base.{moved} "
                "{recalled} of the {all} printed numbers are recalled, not seen.",
                nine=len(nine),
                known=len(known),
                same=names or tr("none"),
                others=others,
                moved=self._moved(),
                recalled=sum(x.industry.standing == "recalled" for x in self.rows),
                all=len(self.rows),
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return `industry_uplift` for each industry of 1990."""
        return tuple(found.finding() for found in self._of(1990))

    def _of(self, year: int) -> list[IndustryUplift]:
        return [found for found in self.rows if found.industry.year == year]

    def _moved(self) -> str:
        """Return which industries have another number in the later list."""
        later = {x.industry.name: x.industry.uplift for x in self._of(1996)}
        moved = [
            tr(
                "{industry} from {before} in 1990 to {after} in 1996",
                industry=term(x.industry.name),
                before=words.percent(x.industry.uplift),
                after=words.percent(later[x.industry.name]),
            )
            for x in self._of(1990)
            if later.get(x.industry.name, x.industry.uplift) != x.industry.uplift
        ]
        return tr(" The print moved for {moved}.", moved=words.and_list(moved)) if moved else ""


def constant_retention(uplift_share: float, annual_discount_rate: float) -> float:
    """Return the base retention from which 5 points more give the uplift, above 95 % or not."""
    return float(closed_threshold(LIFT, annual_discount_rate, uplift_share))


def rebuild_industries(rate: float) -> IndustryUplifts:
    """Return what each published uplift asks for at a discount rate."""
    return IndustryUplifts(tuple(_rebuild(industry, rate) for industry in (*NINE, *LATER)))


def _rebuild(industry: Industry, rate: float) -> IndustryUplift:
    needed = constant_retention(industry.uplift, rate)
    profits = industry.profits
    if profits is None:
        return IndustryUplift(industry, rate, needed, (None, None), (None, None))
    fixed, random = (uplift(profits, BEFORE_AFTER, rate, lives) for lives in LIVES)
    low, high = (
        base_defection(profits, industry.uplift, LIFT.size, rate, lives) for lives in LIVES
    )
    return IndustryUplift(industry, rate, needed, (fixed, random), (low, high))


def _listed(profits: tuple[float, ...]) -> str:
    # what it took to win the customer is 0 where it is not printed
    return tr(", ").join(words.number(x) for x in profits[profits[0] == 0 :])


def _against(found: IndustryUplift) -> str:
    return tr(
        "{given} for {industry} where {printed} is printed",
        given=words.percent(found.rebuilt[0] or 0.0),
        industry=term(found.industry.name),
        printed=words.percent(found.industry.uplift),
    )


def _starts(defection: float | None) -> str:
    if defection is None:
        return tr("from no rate")
    return tr("from {share} who leave", share=words.percent(defection))
