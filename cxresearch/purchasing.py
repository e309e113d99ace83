"""Customers without a contract: the reduction of their orders to frequency, recency and age."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import pandas as pd
from sqlglot import exp

from cxresearch import _format as words
from cxresearch import sql
from cxresearch._engine import check_combinations, numbered, split_names, taken_problems, unique
from cxresearch._language import tr
from cxresearch.blocks import SCORE_GROUP, Blocks
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.money import Money, currency_problems
from cxresearch.purchase_table import PurchaseTable

PURCHASE_PARTS: Final = ("purchase_cells", "purchase_spend")
_TAKEN: Final = {
    "replicate", "frequency", "recency", "age", "customers", "repeat_spend", "later_purchases",
    "later_spend", "returned", "mean_spend", "group",
}  # fmt: skip


class Purchasing(Money):
    """Orders of customers who never cancel: they just stop."""

    @property
    def fit_until(self) -> str | None:
        """The day up to which the recipe has models of purchases fitted, to try the rest."""
        return self.recipe.fit_until.isoformat() if self.recipe.fit_until else None

    def purchase_columns(self, group_by: str = "") -> list[str]:
        """Return the columns named in `group_by`, with commas between; empty: the score, if any."""
        score = [name for name in purchase_groups(self.pipeline) if name == SCORE_GROUP]
        return split_names(group_by) or score

    def purchase_table(
        self, group_by: Sequence[str] = (), *, until: str | None = None
    ) -> PurchaseTable:
        """Return customers by repeat purchases, days between the first and last, and days since.

        A purchase is a day with at least one order; an order of value 0 is one, a return is not.

        Parameters
        ----------
        group_by
            Attributes of the customers, and `score_group`: that of the latest score by then.
        until
            Last day that is counted, ISO; the extract's last day when not given.

        Raises
        ------
        NotEnoughError
            When there are no transactions, or nobody bought by then.
        DataError
            When a column is not there, the day lies outside the extract, or currencies are mixed.
        """
        columns = unique(group_by)
        day = self._check_purchases(columns, until)
        kept = self._keep_purchasers(day)
        cells, spend = (self.query(part_query(part, columns, kept)) for part in PURCHASE_PARTS)
        if cells.empty:
            raise NotEnoughError(
                tr(
                    "transactions: nobody bought by {day}, somebody must have: take a later day.",
                    day=words.day(day.isoformat()),
                )
            )
        check_combinations(columns, cells)
        last = self.recipe.as_of or day
        return PurchaseTable.from_counts(
            numbered(cells),
            numbered(spend),
            columns,
            until=day.isoformat(),
            later_days=(last - day).days,
            currency=self.recipe.currency,
            as_of=self.as_of,
        )

    def order_counts(self) -> pd.DataFrame:
        """Return the rows of the transactions by what becomes of them: outcome, rows, amount."""
        self._check_purchases([], None)
        tree = sql.assemble(sql.load("order_counts"), purchase_relations(self.pipeline, "", []))
        return self.query_once(tree)

    def order_margin_share(self) -> float:
        """Return gross margin as a share of what was bought; 0 unless every order has one."""
        counts = self.order_counts().set_index("outcome")
        if "bought" not in counts.index:
            return 0.0
        bought = counts.loc["bought"]
        if bought["margins"] < bought["rows"] or bought["amount"] <= 0:
            return 0.0
        return float(bought["margin"] / bought["amount"])

    def _keep_purchasers(self, day: dt.date) -> str:
        name = f"kept_purchasers_{day:%Y%m%d}"
        if name not in self._kept:
            known = purchase_groups(self.pipeline)
            own = [c for c in self.groupable if c in known and not purchase_problems([c])]
            relations = purchase_relations(self.pipeline, day.isoformat(), own)
            tree = exp.select("*").from_(list(relations)[-1])
            self._keep(name, sql.assemble(tree, relations))
        return name

    def _check_purchases(self, columns: Sequence[str], until: str | None) -> dt.date:
        if "transactions" not in self.fields:
            raise NotEnoughError(
                tr("transactions: there is no such table. Bring one row per order.")
            )
        if self.recipe.as_of is None:
            raise NotEnoughError(
                tr(
                    "recipe: as_of is missing, without which nobody can say how long customers "
                    "have been silent. State the last day, e.g. as_of = 2025-12-31."
                )
            )
        problems = [*self._day_problems(until), *purchase_problems(columns)]
        known = purchase_groups(self.pipeline)
        problems += [self._unknown(name, known) for name in columns if name not in known]
        problems += self._many_problems(columns)
        held = self._currencies("transactions")
        problems += currency_problems("transactions", held, self.recipe.currency)
        if problems:
            raise DataError(problems)
        return dt.date.fromisoformat(until) if until else self.recipe.as_of

    def _unknown(self, name: str, known: Sequence[str]) -> str:
        return (
            f"customers: there is no column {name!r} to group purchases by, must be one of "
            f"{', '.join(known) or 'none'}: bring customers or survey_responses."
        )

    def _day_problems(self, until: str | None) -> Iterator[str]:
        rule = "must be a day of the extract, e.g. 2025-06-30: correct it."
        if until is None:
            return
        try:
            day = dt.date.fromisoformat(until)
        except ValueError:
            yield f"until is {until!r}, {rule}"
            return
        if self.recipe.as_of and day > self.recipe.as_of:
            yield f"until is {until!r}, which lies after {self.as_of}, {rule}"


def purchase_groups(pipeline: Blocks) -> list[str]:
    """Return what purchases can be grouped by."""
    own = pipeline.attributes if pipeline.people == "customers" else []
    return [*own, *([SCORE_GROUP] if _has_scores(pipeline) else [])]


def purchase_problems(group_by: Sequence[str]) -> list[str]:
    """Return what to say of columns that purchase tables call something of their own."""
    return taken_problems(group_by, _TAKEN)


def purchase_relations(
    pipeline: Blocks, until: str, attributes: Sequence[str]
) -> dict[str, sql.Expression]:
    """Return the relations from the orders to one row per customer, the last of them."""
    has_customers = "customers" in pipeline.recipe.tables
    values: Mapping[str, sql.Value] = {**pipeline.values, "until": until}
    judged = sql.fill(sql.load("judged_orders"), values=values)
    if not until:
        return {"judged_orders": judged}
    relations = {
        "judged_orders": judged,
        "purchasers": sql.fill(
            sql.load("purchasers"),
            columns={
                "attributes": [sql.least(name, "people") for name in attributes],
                "known": [sql.column(name, "known") for name in attributes],
            },
            tables={"customers": "customers" if has_customers else "transactions"},
            values=values,
        ),
    }
    if _has_scores(pipeline):
        scored = sql.fill(sql.load("purchasers_with_scores"), values=values)
        relations["scored_purchasers"] = scored
    return relations


def part_query(part: str, group_by: Sequence[str], purchasers: str) -> sql.Expression:
    """Return the cells of a purchase table, or of its spend."""
    groups = [sql.column(name, "bought") for name in group_by]
    return sql.fill(sql.load(part), columns={"groups": groups}, tables={"purchasers": purchasers})


def _has_scores(pipeline: Blocks) -> bool:
    return "survey_responses" in pipeline.recipe.tables and pipeline.has_nps_scale
