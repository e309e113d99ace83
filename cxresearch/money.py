"""Revenue per customer and month: the reduction behind revenue retention and earned growth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd
from sqlglot import exp

from cxresearch import sql
from cxresearch._engine import Engine, check_combinations, numbered, taken_problems, unique
from cxresearch._format import period_label
from cxresearch._language import tr
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.periods import Window
from cxresearch.revenue_bridge import RevenueBridge

_TAKEN: Final = {"replicate", "move", "people", "opening", "closing", "paid_before"}


class Money(Engine):
    """Amounts of money, customer by customer."""

    def revenue_bridge(self, group_by: Sequence[str] = (), *, months: int = 12) -> RevenueBridge:
        """Return what became of the revenue of a month, so many months later.

        The closing month is the last one that the extract holds whole.

        Parameters
        ----------
        group_by
            Attributes of the customers.
        months
            Months between the opening and the closing month.

        Raises
        ------
        DataError
            When there is no revenue, a month of the span has none, currencies are mixed, or
            the opening month lies before the extract holds everybody who left.
        """
        columns, closing = unique(group_by), self.pipeline.end_month - 1
        self._check_revenue(columns, months)
        self._check_months(closing - months, closing)
        rows = self.query(bridge_query(columns, closing - months, closing))
        if rows.empty or not (rows["opening"] > 0).any():
            raise NotEnoughError(
                tr(
                    "revenue: no customer paid in {month}, somebody must have: check the months "
                    "and the signs of the amounts.",
                    month=period_label(month_label(closing - months)),
                )
            )
        check_combinations(columns, rows)
        return RevenueBridge.from_counts(
            numbered(rows),
            columns,
            opening_month=month_label(closing - months),
            closing_month=month_label(closing),
            currency=self.recipe.currency,
            as_of=self.as_of,
        )

    def _check_revenue(self, columns: Sequence[str], months: int) -> None:
        lacking, problems = [], []
        if "revenue" not in self.fields:
            lacking.append(
                tr("revenue: there is no such table. Bring one row per customer and month.")
            )
        if "customers" not in self.fields:
            lacking.append(
                tr("customers: there is no such table, which says who is new. Bring one.")
            )
        if self.recipe.as_of is None:
            lacking.append(
                tr(
                    "recipe: as_of is missing, which says what the last whole month is. State the "
                    "last day up to which the extract is complete, e.g. as_of = 2025-12-31."
                )
            )
        if type(months) is not int or not 1 <= months <= 120:
            problems.append(f"months is {months!r}, must be a whole number from 1 to 120: take 12.")
        problems += taken_problems(columns, _TAKEN)
        if problems:
            raise DataError([*lacking, *problems])
        if lacking:
            raise NotEnoughError(lacking)
        self._check_groups(columns)

    def _check_months(self, opening: int, closing: int) -> None:
        held = self._by_month("revenue_months")
        mixed = currency_problems("revenue", held, self.recipe.currency)
        if mixed:
            raise DataError(mixed)
        lacking = [month_label(m) for m in range(opening, closing + 1) if m not in held.index]
        if lacking:
            shown = [period_label(month) for month in lacking[:6]] + ["…"] * (len(lacking) > 6)
            raise NotEnoughError(
                tr(
                    "revenue: there are no amounts in {months}, must be in every month from "
                    "{first} to {last}: export them, or take fewer months.",
                    months=tr(", ").join(shown),
                    first=period_label(month_label(opening)),
                    last=period_label(month_label(closing)),
                )
            )
        if opening < self.pipeline.first_month:
            raise NotEnoughError(
                f"revenue: the opening month is {month_label(opening)}, must not lie before "
                f"{month_label(self.pipeline.first_month)}, from which on the extract holds "
                "everybody who left: take fewer months."
            )

    def _currencies(self, *tables: str) -> pd.DataFrame:
        """Return the first and the last currency of each of these tables of the contract."""
        ends = ("MIN(currency) AS first_currency", "MAX(currency) AS last_currency")
        return pd.concat([self.query_once(exp.select(*ends).from_(name)) for name in tables])

    def _by_month(self, reduction: str) -> pd.DataFrame:
        """Return a reduction with one row per month (12 * year + month - 1), by month."""
        held = self.query_once(sql.load(reduction)).set_index("month")
        held.index = held.index.astype("int64")
        return held


def bridge_query(group_by: Sequence[str], opening: int, closing: int) -> sql.Expression:
    """Return the reduction over the contract's tables; months are 12 * year + month - 1."""
    return sql.fill(
        sql.load("revenue_bridge"),
        columns={
            "attributes": [sql.column(name, "customers") for name in group_by],
            "groups": [sql.column(name, "moved") for name in group_by],
        },
        values={
            "opening_month": opening,
            "closing_month": closing,
            "opening_day": f"{month_label(opening)}-01",
        },
    )


def currency_problems(table: str, held: pd.DataFrame, currency: str | None) -> list[str]:
    """Return what to say where `first_currency` and `last_currency` are not all one."""
    found = sorted({*held["first_currency"].dropna(), *held["last_currency"].dropna()})
    allowed = {currency} if currency else set(found[:1])
    if set(found) <= allowed:
        return []
    # a cell that is no code may be anything, a name too
    codes = [repr(code) if len(code) == 3 and code.isalpha() else "another text" for code in found]
    wanted = f"all be in {currency}, the recipe's currency" if currency else "be in one currency"
    return [
        f"{table}: there are amounts in {', '.join(codes)}, must {wanted}: convert them "
        "and say in the note how."
    ]


def month_label(month: int) -> str:
    """Return the name of a month (12 * year + month - 1): 2025-03."""
    return Window(0, 0, 1).label(month)
