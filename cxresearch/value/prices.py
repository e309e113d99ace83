"""What turns counts into contribution, and where each price comes from.

A price that is entered goes before one in the data. What neither says is left out of the value and
named; what is entered is an assumption, and every value with it in has grade D.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import mark, speaking, term, tr
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.findings import Finding
from cxresearch.unit_costs import UnitCosts
from cxresearch.value_table import ValueTable

ITEMS: Final = {
    "margin_share": mark("contribution margin, share of revenue"),
    "monthly_margin": mark("contribution margin per month"),
    "cost_per_ticket": mark("cost of a ticket"),
    "cost_per_month": mark("cost to serve a customer for a month, apart from tickets"),
    "referral_value": mark("value of a new customer whom a customer brought"),
    "acquisition_cost": mark("cost of winning a new customer"),
}
IN_DATA: Final = mark("in the data")
ENTERED: Final = mark("entered: an assumption")
LEFT_OUT: Final = mark("not known: left out")
APART: Final = mark("in the data, apart from the value: it is spent already")


@dataclass(frozen=True)
class Prices(Table):
    """What turns counts into contribution.

    Parameters
    ----------
    margin_share, monthly_margin
        The margin as a share of revenue, or per bill; both None where the data hold the margin
        itself.
    cost_per_ticket, cost_per_month
        Cost to serve per ticket, and per customer and month; None where nothing says it.
    referral_value
        Value of a new customer whom a customer brought; None where nothing says it.
    acquisition_cost
        Cost of winning a new customer, which is in no value: it is spent already.
    currency
        Of the amounts.
    entered
        Names of the prices that the reader entered: assumptions.
    lacking
        Names of the prices that are left out, since nothing says them or there is nothing in the
        data that they would be the price of.
    """

    margin_share: float | None = None
    monthly_margin: float | None = None
    cost_per_ticket: float | None = None
    cost_per_month: float | None = None
    referral_value: float | None = None
    acquisition_cost: float | None = None
    currency: str | None = None
    entered: tuple[str, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def assumed(self) -> bool:
        """Whether an assumption is in every value."""
        return bool(self.entered)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per price: item, value, where_from."""
        rows = [
            (term(ITEMS[name]), self._value(name), term(self._source(name)))
            for name in self._shown()
        ]
        if self.margin_share is None and self.monthly_margin is None:
            rows = [(tr("contribution margin"), None, term(IN_DATA)), *rows]
        return pd.DataFrame(rows, columns=["item", "value", "where_from"])

    def _repr_html_(self) -> str:
        names, frame = list(self._shown()), self.to_frame()
        each = [tr("of each bill")] * (len(frame) - len(names))  # the margin that the data hold
        frame["value"] = [*each, *(self._cell(name) for name in names)]
        return html_table(frame, numbers=["value"])

    def sentence(self, lang: str | None = None) -> str:
        """Return what is an assumption and what is left out, in words."""
        with speaking(lang):
            entered = [
                tr("{item} ({amount})", item=term(ITEMS[x]), amount=self._words(x))
                for x in self.entered
            ]
            typed = tr("Entered, so an assumption: {items}.", items=words.and_list(entered))
            without = tr(
                "Left out, since the data do not say it: {items}.", items=item_list(self.lacking)
            )
            said = words.sentences([typed if entered else "", without if self.lacking else ""])
            return said or tr("All prices are from the data.")

    def findings(self) -> tuple[Finding, ...]:
        """Return `acquisition_cost`, where the data say it."""
        cost = self.acquisition_cost
        if cost is None:
            return ()
        spent = words.money(cost, math.nan, math.nan, self.currency)
        said = tr(
            "On average it took {amount} to win a new customer; for the customers valued here it "
            "is spent already, and in no value.",
            amount=spent,
        )
        unit = self.currency or words.AMOUNT
        return (Finding("acquisition_cost", cost, None, None, None, unit, said),)

    def _shown(self) -> Iterator[str]:
        return (name for name in ITEMS if self._value(name) is not None or name in self.lacking)

    def _value(self, name: str) -> float | None:
        value: float | None = getattr(self, name)
        return value

    def _source(self, name: str) -> str:
        known = {**dict.fromkeys(self.lacking, LEFT_OUT), **dict.fromkeys(self.entered, ENTERED)}
        return known.get(name, APART if name == "acquisition_cost" else IN_DATA)

    def _cell(self, name: str) -> str:
        value = self._value(name)
        if value is None:
            return words.MISSING
        share = name == "margin_share"
        return words.percent(value, 0.001) if share else amount(value, self.currency)

    def _words(self, name: str) -> str:
        value = self._value(name) or 0.0
        if name == "margin_share":
            return words.percent(value, 0.001)
        return words.in_currency(f"{value:,.10g}", self.currency)  # as entered, to the last digit


def prices(
    table: ValueTable,
    unit_costs: UnitCosts | None = None,
    *,
    margin_share: float = 0.0,
    monthly_margin: float = 0.0,
    cost_per_ticket: float = 0.0,
    cost_per_month: float = 0.0,
    referral_value: float = 0.0,
) -> Prices:
    """Return what turns the counts of a table into contribution.

    Parameters
    ----------
    table
        Says which amounts the data hold.
    unit_costs
        What the ledger of costs says.
    margin_share
        Contribution margin as a share of revenue, 0.4 for 40 %.
    monthly_margin
        Contribution margin per bill, instead of a share.
    cost_per_ticket, cost_per_month
        Cost to serve per ticket, and per customer and month besides.
    referral_value
        Value of a new customer whom a customer brought.

    Notes
    -----
    0 is "not entered": what the data say is taken. To leave out a cost that they do say, enter next
    to nothing (1e-9), which is marked as entered; `value_sensitivity` shows the difference at 0
    anyway. Unless it is entered, a referral is worth what a new customer costs to win,
    which it saves: the case of somebody who would have joined anyway in Kumar, Petersen & Leone
    2010, Journal of Marketing 74, 1–17. The value of whom they brought is theirs and is never
    counted twice.

    Raises
    ------
    DataError
        Naming every price that breaks its rule.
    NotEnoughError
        When nothing says the margin.
    """
    entered = {
        "margin_share": margin_share,
        "monthly_margin": monthly_margin,
        "cost_per_ticket": cost_per_ticket,
        "cost_per_month": cost_per_month,
        "referral_value": referral_value,
    }
    ledger = unit_costs or UnitCosts()
    problems = [*_problems(entered), *_currency_problems(table, ledger)]
    if problems:
        raise DataError(problems)
    _check_margin(table, entered)
    usable = _usable(table)
    typed = tuple(name for name, value in entered.items() if value and usable[name])
    found = {name: _price(name, entered, ledger) for name in entered if usable[name]}
    costs = ("cost_per_ticket", "cost_per_month", "referral_value")
    return Prices(
        **found,
        acquisition_cost=ledger.per_new_customer,
        currency=table.currency or ledger.currency,
        entered=typed,
        lacking=tuple(name for name in costs if found.get(name) is None),
    )


def too_few_bills(count: int) -> str:
    """Return what is said where bills within the data take the mean of other months."""
    return tr(
        "for {n} of the bills too few are known, so they take the mean of others",
        n=words.number(count),
    )


def item_list(names: Iterable[str]) -> str:
    """Return prices in words: `cost of a ticket and contribution margin per month`."""
    return words.and_list(term(ITEMS[name]) for name in names)


def amount(value: float, currency: str | None) -> str:
    """Return an amount that has no interval, to the cent from 1 on, with its currency."""
    digits = f"{value:,.2f}".removesuffix(".00") if value >= 1 else f"{value:.3g}"
    return words.in_currency(digits, currency)


def _price(name: str, entered: dict[str, float], ledger: UnitCosts) -> float | None:
    known = {
        "cost_per_ticket": ledger.per_ticket,
        "cost_per_month": ledger.per_customer_month,
        "referral_value": ledger.per_new_customer,
    }
    return entered[name] or known.get(name)


def _usable(table: ValueTable) -> dict[str, bool]:
    """Return of which prices the data hold what they are the price of."""
    return {
        "margin_share": table.has_revenue,
        "monthly_margin": True,
        "cost_per_ticket": table.has_tickets,
        "cost_per_month": True,
        "referral_value": table.has_referrals,
    }


def _problems(entered: dict[str, float]) -> Iterator[str]:
    for name, value in entered.items():
        highest = 1.0 if name == "margin_share" else float("inf")
        if not 0 <= value <= highest or value == float("inf"):
            rule = "a share from 0 to 1" if name == "margin_share" else "an amount from 0"
            cure = "write 0.4 for 40 %" if name == "margin_share" else "costs count as positive"
            yield f"{name} is {value!r}, must be {rule}: {cure}, and 0 for not known."
    if entered["margin_share"] and entered["monthly_margin"]:
        yield (
            f"margin_share is {entered['margin_share']!r} and monthly_margin is "
            f"{entered['monthly_margin']!r}, must be one or the other: leave one of them at 0."
        )


def _currency_problems(table: ValueTable, ledger: UnitCosts) -> Iterator[str]:
    if table.currency and ledger.currency and table.currency != ledger.currency:
        yield (
            f"revenue is in {table.currency!r} and costs are in {ledger.currency!r}, must be in "
            "one currency: convert one of the tables."
        )


def _check_margin(table: ValueTable, entered: dict[str, float]) -> None:
    if entered["monthly_margin"] or (table.has_revenue and entered["margin_share"]):
        return
    if table.has_margin and not entered["margin_share"]:
        return
    if table.has_revenue:
        raise NotEnoughError(
            tr(
                "The data hold revenue but no contribution margin, must say what a bill "
                "contributes: enter margin_share (0.4 for 40 % of revenue), or monthly_margin, or "
                "bring contribution_margin in the table revenue."
            )
        )
    raise NotEnoughError(
        tr(
            "The data hold no revenue, must say what a bill contributes: enter monthly_margin (the "
            "margin of one bill), or bring contribution_margin in the table revenue."
        )
    )
