"""Reductions to a part of a whole: revenue of existing customers, and returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
from sqlglot import exp

from cxresearch import _format as words
from cxresearch import sql
from cxresearch._engine import numbered
from cxresearch._grouped import unknown
from cxresearch._language import tr
from cxresearch.blocks import Blocks
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.money import currency_problems, month_label
from cxresearch.purchasing import Purchasing, purchase_relations
from cxresearch.share_table import WINDOW, ShareTable

WINDOWS: Final = (1, 3, 6, 12)
_PAID: Final = ("revenue", "transactions")
_RETURNED: Final[Mapping[str, tuple[str, str]]] = {
    "orders": ("returned_orders", "orders"),
    "value": ("returned_value", "value"),
}


class Shares(Purchasing):
    """Shares of money and of orders."""

    def existing_revenue(self, windows: Sequence[int] = WINDOWS, *, table: str = "") -> ShareTable:
        """Return how much of the revenue of the last months is that of customers of before.

        A window ends with the last month that the extract holds whole. From `revenue`, an existing
        customer signed up before its first month; from `transactions`, bought for the first time
        before it. Amounts below 0 are left out, and so is what names no customer.

        Parameters
        ----------
        windows
            Months of each window. Those with a month that the table does not cover, without
            anything before them or without revenue are left out, which `definition` says.
        table
            "revenue" or "transactions"; empty: revenue where it and sign-up days are there.

        Returns
        -------
        ShareTable
            By `window`, in the order of their length. Windows overlap: do not pool them.

        Raises
        ------
        NotEnoughError
            When a table or every window is missing.
        DataError
            When a window is not a number of months, or currencies are mixed.
        """
        source = table or paid_table(self.pipeline)
        lengths = self._check_existing(windows, source)
        relations = self._keep_relation(payment_relations(self.pipeline, source), source)
        first, closing = self._covered(source, relations)
        inside = [n for n in lengths if closing - n + 1 >= first]
        asked = {n: existing_query(closing - n + 1, closing) for n in inside}
        frames = {n: self.query(sql.assemble(tree, relations)) for n, tree in asked.items()}
        held = [rows.assign(window=str(n)) for n, rows in frames.items() if not rows.empty]
        if not held:
            raise NotEnoughError(_nothing_existing(source, lengths, first, closing))
        found = [n for n, rows in frames.items() if not rows.empty]
        counted = ShareTable.from_counts(
            numbered(pd.concat(held)),
            [WINDOW],
            name="existing_revenue",
            whole_word=tr("{currency} of revenue", currency=self._currency_word()),
            part_word=tr("came from existing customers"),
            amounts=True,
            definition=_existing_words(source, closing, sorted(set(lengths) - set(found))),
            left_out=self._reasons("payment_counts", relations),
            as_of=self.as_of,
        )
        places = [int(label) for (label,) in counted.groups]
        return counted.take(sorted(range(len(places)), key=places.__getitem__))

    def returns(self, by: str = "orders", *, mark: str = "") -> ShareTable:
        """Return how much was returned, of all orders or of what was bought.

        A line below 0 is a return; an order is returned where one of its lines is. Whole orders
        are counted, credit notes and orders of value 0 among them, whether or not they name a
        customer: one that names none counts as a customer of its own. What was bought at the end
        may still come back, and what came back at the beginning may have been bought before.

        Parameters
        ----------
        by
            "orders" counts orders, "value" what their lines amount to.
        mark
            What the ids of returned orders begin with, where lines below 0 are also corrections
            of another kind.

        Raises
        ------
        NotEnoughError
            When there are no transactions to count.
        DataError
            When no line below 0 bears the mark, or currencies are mixed.
        """
        self._check_purchases([], None)
        if by not in _RETURNED:
            raise DataError(unknown("by", by, list(_RETURNED)))
        relations = self._keep_relation(line_relations(self.pipeline, mark), mark)
        rows = numbered(self.query(sql.assemble(sql.load("returns"), relations)))
        part, whole = _RETURNED[by]
        if mark and not rows["returned_orders"].any():
            raise DataError(
                f"transactions: mark is {mark!r}, with which no order with a line below 0 begins: "
                "correct it, or leave it out."
            )
        if not rows[whole].any():
            raise NotEnoughError(tr("transactions: nothing was bought, something must have been."))
        bought = tr("{currency} of what was bought", currency=self._currency_word())
        return ShareTable.from_counts(
            rows.rename(columns={part: "part", whole: "whole"}),
            name=part,
            whole_word=tr("orders") if by == "orders" else bought,
            part_word=tr("were returned") if by == "orders" else tr("came back"),
            amounts=by == "value",
            definition=_return_words(by, mark),
            left_out=self._reasons("line_counts", relations),
            as_of=self.as_of,
        )

    def _keep_relation(
        self, relations: Mapping[str, sql.Expression], which: str
    ) -> dict[str, sql.Expression]:
        """Keep the last relation, which several queries read, and return it alone.

        Reading numbers from text is the costly part of a reduction.
        """
        last = list(relations)[-1]
        name = f"kept_{last}_{which.encode().hex()}"
        if name not in self._kept:
            self._keep(name, sql.assemble(exp.select("*").from_(last), relations))
        return {last: exp.select("*").from_(name)}

    def _covered(self, source: str, relations: Mapping[str, sql.Expression]) -> tuple[int, int]:
        """Return the first month that a window may begin with, and the last whole one."""
        first, last = self.pipeline.first_month, self.pipeline.end_month - 1
        if source == "revenue":
            return _without_gap(set(self._by_month("revenue_months").index), first, last)
        ends = exp.select("MIN(first_month) AS month").from_("payments").where("excluded IS NULL")
        began = self.query(sql.assemble(ends, relations))["month"].iloc[0]
        return max(first, last + 1 if pd.isna(began) else int(began) + 1), last

    def _reasons(self, reduction: str, relations: Mapping[str, sql.Expression]) -> dict[str, int]:
        found = self.query(sql.assemble(sql.load(reduction), relations)).sort_values("outcome")
        return {str(why): int(n) for why, n in found.itertuples(index=False)}

    def _currency_word(self) -> str:
        known = self.recipe.currency
        return words.money_unit(known) if known else tr("units")

    def _check_existing(self, windows: Sequence[int], source: str) -> list[int]:
        if source not in _PAID:
            raise DataError(unknown("table", source, _PAID))
        lacking = lacking_payments(self.pipeline, source)
        if lacking:
            raise NotEnoughError(lacking)
        problems = [
            f"windows has {n!r}, must be whole months from 1 to 120: take {_listed(WINDOWS)}."
            for n in windows
            if type(n) is not int or not 1 <= n <= 120
        ]
        if not len(windows):
            problems.append(f"windows is empty, must have a number of months: take {WINDOWS[-1]}.")
        held = self._currencies(source)
        problems += currency_problems(source, held, self.recipe.currency)
        if problems:
            raise DataError(problems)
        return sorted(set(windows))


def paid_table(blocks: Blocks) -> str:
    """Return the table that says who paid: revenue where sign-up days are known, or orders."""
    billed = "revenue" in blocks.recipe.tables and blocks.lifetimes in {"spells", "dates"}
    return "transactions" if "transactions" in blocks.recipe.tables and not billed else "revenue"


def payment_relations(blocks: Blocks, source: str) -> dict[str, sql.Expression]:
    """Return the relation `payments`, and what it is built from besides the building blocks."""
    payments = sql.fill(sql.load(f"payments_from_{source}"), values=blocks.values)
    orders = purchase_relations(blocks, "", []) if source == "transactions" else {}
    return {**orders, "payments": payments}


def existing_query(first: int, closing: int) -> sql.Expression:
    """Return the reduction over `payments`; months are 12 * year + month - 1, both inside."""
    return sql.fill(
        sql.load("existing_revenue"), values={"from_month": first, "until_month": closing}
    )


def line_relations(blocks: Blocks, mark: str = "") -> dict[str, sql.Expression]:
    """Return the relation `judged_lines`; `mark` is what ids of returned orders begin with."""
    values = {**blocks.values, "mark": mark, "mark_length": len(mark)}
    return {"judged_lines": sql.fill(sql.load("judged_lines"), values=values)}


def lacking_payments(blocks: Blocks, source: str) -> list[str]:
    """Return what is missing for revenue of existing customers, in words."""
    lacking = []
    if source not in blocks.recipe.tables:
        lacking.append(
            tr("{table}: there is no such table, which says who paid. Bring one.", table=source)
        )
    if source == "revenue" and blocks.lifetimes not in {"spells", "dates"}:
        lacking.append(
            tr(
                "customers: nothing tells when customers signed up. Bring start_date, or a table "
                "of subscriptions."
            )
        )
    if blocks.recipe.as_of is None:
        lacking.append(
            tr(
                "recipe: as_of is missing, which says what the last whole month is. State the last "
                "day up to which the extract is complete, e.g. as_of = 2025-12-31."
            )
        )
    return lacking


def _without_gap(held: set[int], first: int, last: int) -> tuple[int, int]:
    """Return the first and the last month of the longest run of months at the end of a table."""
    closing = max((month for month in held if month <= last), default=last)
    opening = closing + 1
    while opening - 1 in held and opening > first:
        opening -= 1
    return opening, closing


def _nothing_existing(source: str, lengths: Sequence[int], first: int, closing: int) -> str:
    if first > closing:
        return tr(
            "{table}: the windows are {lengths} months, one must lie within the extract, which "
            "holds no such month, with revenue and customers before it: take a shorter one, or "
            "bring more months.",
            table=source,
            lengths=_listed(lengths),
        )
    return tr(
        "{table}: the windows are {lengths} months, one must lie between {first} and {last}, with "
        "revenue and customers before it: take a shorter one, or bring more months.",
        table=source,
        lengths=_listed(lengths),
        first=words.period_label(month_label(first)),
        last=words.period_label(month_label(closing)),
    )


def _existing_words(source: str, closing: int, left: Sequence[int]) -> str:
    last = words.period_label(month_label(closing))
    said = tr(
        "Existing customers: those who bought for the first time in the extract before the first "
        "month of the window. Revenue: orders above 0 that name a customer, of whole calendar "
        "months up to {last}.",
        last=last,
    )
    if source == "revenue":
        said = tr(
            "Existing customers: those who signed up before the first month of the window. "
            "Revenue: bills above 0 that name a customer, of whole calendar months up to {last}.",
            last=last,
        )
    if not left:
        return said
    windows = tr(
        "Left out: the windows of {lengths} months, without revenue or not covered.",
        lengths=_listed(left),
    )
    return words.sentences([said, windows])


def _return_words(by: str, mark: str) -> str:
    lines = tr("lines below 0")
    if mark:
        lines = tr("lines below 0 of orders whose id begins with {mark}", mark=mark)
    if by == "value":
        return tr(
            "Returned: {lines}; what they amount to, of what all lines above 0 amount to. What was "
            "bought in the last weeks may still come back.",
            lines=lines,
        )
    return tr(
        "Returned: {lines}; orders with such a line, of all orders (credit notes, orders of value "
        "0 and orders that name no customer among them). What was bought in the last weeks may "
        "still come back.",
        lines=lines,
    )


def _listed(months: Sequence[int]) -> str:
    return ", ".join(map(str, months))
