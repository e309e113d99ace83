"""What customers pay, cost and bring in the months since their answer, as counts and sums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd

from cxresearch import sql
from cxresearch._engine import MAX_CELLS, unique
from cxresearch.designs import Design
from cxresearch.errors import DataError
from cxresearch.lifetimes import Lifetimes
from cxresearch.money import Money, currency_problems, month_label
from cxresearch.pipeline import Pipeline
from cxresearch.unit_costs import UnitCosts
from cxresearch.value_table import LIFE, MONEY, ValueTable

FOLLOWUP: Final = Design("followup")
VALUE_PARTS: Final = (
    "value_life", "value_bills", "value_tickets", "value_direct_costs", "value_referrals",
)  # fmt: skip
_ALWAYS: Final = 10**6  # months: no bound at all


class Contributions(Lifetimes, Money):
    """Money customer by customer, on the clock since the answer, and what it costs to serve."""

    def value_table(
        self, group_by: Sequence[str] = ("score_group",), *, design: Design | None = None
    ) -> ValueTable:
        """Return customers by months since their answer, with what they paid, cost and brought.

        Bills come from `revenue` (a customer without a row in a month paid 0), or from
        `monthly_margin` and `monthly_revenue` of customers where there is no such table. Only
        months from the first one of the revenue table on have bills, and only months from the
        first touchpoint on have tickets.

        Parameters
        ----------
        group_by
            Attributes of the customers, and what is known at an answer: `score_group`,
            `tenure_band`, `tickets_before`.
        design
            A design of the kind "followup".

        Raises
        ------
        DataError
            When the design is of another kind, a column is not there, or amounts are missing.
        """
        columns, design = unique(group_by), design or FOLLOWUP
        self._check_value(columns, design)
        kept = self._materialise(design, money=True)
        self._check_combinations(columns, kept, MAX_CELLS)
        queries = value_queries(self.pipeline, columns, kept, self._windows)
        frames = {name: self.query(tree) for name, tree in queries.items()}
        return _table(frames, columns, self._value_words(columns, design))

    def unit_costs(self) -> UnitCosts:
        """Return what a ticket, a customer's month and a new customer cost, as far as known.

        Costs that are booked to a customer are not in them. A month is taken where the ledger
        and the customers are both observed whole.

        Raises
        ------
        DataError
            When costs are in several currencies.
        """
        none = UnitCosts(currency=self.recipe.currency)
        if "costs" not in self.fields or self.pipeline.lifetimes not in {"spells", "dates"}:
            return none
        ledger = self.query(sql.load("cost_months"))
        problems = currency_problems("costs", ledger, self.recipe.currency)
        if problems:
            raise DataError(problems)
        used = self._customers_by_month().join(self._tickets()).fillna({"tickets": 0})
        ledger = ledger[ledger["month"].isin(used.index)]
        if ledger.empty:
            return none
        return UnitCosts(
            _per(ledger[ledger["driver"] == "per_ticket"], used["tickets"], "serve"),
            _per(ledger[ledger["driver"] == "per_customer"], used["customers"], "serve"),
            _per(ledger, used["joined"], "acquire"),
            month_label(int(ledger["month"].min())),
            month_label(int(ledger["month"].max())),
            self.recipe.currency,
        )

    def _customers_by_month(self) -> pd.DataFrame:
        """Return the customers in the middle of each whole month, and who joined in it."""
        table = self.period_table("month")
        counts = table.to_frame()
        middle = counts["at_start"] + (counts["joined"] - counts["lost"]) / 2
        first = self.pipeline.end_month - len(counts)
        months = pd.RangeIndex(first, self.pipeline.end_month, name="month")
        return pd.DataFrame({"customers": middle, "joined": counts["joined"]}).set_axis(months)

    def _check_value(self, columns: Sequence[str], design: Design) -> None:
        self.pipeline.require_lifetimes()
        self.pipeline.require_scores()
        if design.kind != "followup":
            raise DataError(
                f"design is of the kind {design.kind!r}, must be 'followup': lifetime value is "
                "counted from the answer on."
            )
        self._check_groups(columns, design)
        problems = list(self._amount_problems())
        if problems:
            raise DataError(problems)

    def _amount_problems(self) -> Iterator[str]:
        if "revenue" in self.fields:
            held = self._by_month("revenue_months")
            yield from currency_problems("revenue", held, self.recipe.currency)
            rows, margins = int(held["rows"].sum()), int(held["margins"].sum())
            if 0 < margins < rows:
                yield (
                    f"revenue: contribution_margin is empty in {rows - margins:,} of {rows:,} "
                    "rows, must be filled in all or in none: fill it, or leave the column out and "
                    "say what share of revenue is margin."
                )
            gaps = sorted(set(range(held.index.min(), held.index.max() + 1)) - set(held.index))
            if gaps:
                shown = ", ".join(map(month_label, gaps[:6])) + (", …" if len(gaps) > 6 else "")
                yield (
                    f"revenue: there are no amounts in {shown}, must be in every month between "
                    "the first and the last: export them."
                )

    @property
    def _windows(self) -> dict[str, int]:
        """Months (12 · year + month − 1) from and until which bills and tickets are known."""
        found = open_windows(self.pipeline)
        if "revenue" in self.fields:
            months = self._by_month("revenue_months").index
            found |= {"revenue_from": int(months.min()), "revenue_until": int(months.max())}
        if "touchpoints" in self.fields and len(tickets := self._tickets()):
            found["tickets_from"] = int(tickets.index.min())
        return found

    def _tickets(self) -> pd.DataFrame:
        if "touchpoints" not in self.fields:
            return pd.DataFrame({"tickets": []}, index=pd.Index([], dtype="int64"))
        return self._by_month("ticket_months")

    def _value_words(self, columns: Sequence[str], design: Design) -> dict[str, Any]:
        has = self.pipeline.has
        bills = "revenue" in self.fields
        return {
            "as_of": self.as_of,
            "population": self.pipeline.population(columns, design),
            "currency": self.recipe.currency,
            "has_revenue": bills or has("customers", "monthly_revenue"),
            "has_margin": has("revenue", "contribution_margin")
            if bills
            else has("customers", "monthly_margin"),
            "has_tickets": "touchpoints" in self.fields,
            "has_referrals": has("customers", "referred_by"),
        }


def open_windows(pipeline: Pipeline) -> dict[str, int]:
    """Return the windows of bills and tickets that hold all months under observation."""
    first = pipeline.first_month
    return {"revenue_from": first, "revenue_until": _ALWAYS, "tickets_from": first}


def value_queries(
    pipeline: Pipeline, group_by: Sequence[str], spells: str, windows: Mapping[str, int]
) -> dict[str, sql.Expression]:
    """Return the reductions behind a value table that the tables at hand allow, by name."""
    there = {
        "value_life": True,
        "value_bills": "revenue" in pipeline.recipe.tables,
        "value_tickets": "touchpoints" in pipeline.recipe.tables,
        "value_direct_costs": pipeline.has("costs", "customer_id"),
        "value_referrals": pipeline.has("customers", "referred_by"),
    }
    columns = {
        "groups": [sql.column(name) for name in group_by],
        "attributes": [sql.column(name, "spells") for name in group_by],
    }
    return {
        name: sql.fill(sql.load(name), columns=columns, tables={"spells": spells}, values=windows)
        for name, has in there.items()
        if has
    }


def _table(
    frames: Mapping[str, pd.DataFrame], columns: Sequence[str], words: dict[str, Any]
) -> ValueTable:
    """Put the parts together; where there are no bills, amounts too are known as changes."""
    parts = dict(frames)
    changes = ["paying", "served"]
    if "value_bills" in parts:
        parts["value_life"] = parts["value_life"].drop(columns=["revenue", "margin"])
    else:
        changes += ["revenue", "margin"]
    long = pd.concat(parts.values(), ignore_index=True)
    counts = long.reindex(columns=[*LIFE, *MONEY]).astype(float).fillna(0)
    keys = long[[*columns, "replicate", "tenure"]]
    return ValueTable.from_counts(
        pd.concat([keys, counts], axis=1), columns, changes=changes, **words
    )


def _per(ledger: pd.DataFrame, used: pd.Series[float], cost_type: str) -> float | None:
    """Return the cost over what it was spent on in the months that have such a cost."""
    spent = ledger[ledger["cost_type"] == cost_type]
    units = float(used.loc[sorted(set(spent["month"]))].sum())
    return float(spent["amount"].sum()) / units if units > 0 else None
