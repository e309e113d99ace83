"""What customers pay, cost and bring in the months since their answer, as counts and sums."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

import pandas as pd
from sqlglot import exp

from cxresearch import sql
from cxresearch._engine import MAX_CELLS, taken_problems, unique
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
_ALWAYS: Final = exp.convert(10**6)  # months: no bound at all
# What the parts call something of their own, besides what no column may be called anywhere.
_TAKEN: Final = {
    *MONEY, "amount", "last_tenure", "paid_from", "paid_until", "served_from", "served_until",
}  # fmt: skip


class Contributions(Lifetimes, Money):
    """Money customer by customer, on the clock since the answer, and what it costs to serve."""

    def value_table(
        self, group_by: Sequence[str] = ("score_group",), *, design: Design | None = None
    ) -> ValueTable:
        """Return customers by months since their answer, with what they paid, cost and brought.

        Bills come from `revenue` (a customer without a row in a month paid 0), or from
        `monthly_margin` and `monthly_revenue` of customers where there is no such table. Only
        months that the revenue table covers and that are observed whole have bills; service is
        known from the first ticket on, and where costs are booked to customers in the months
        of the ledger.

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
            When the design is of another kind, a column is not there or is called as something
            here, or amounts are missing.
        """
        columns, design = unique(group_by), design or FOLLOWUP
        self._check_value(columns, design)
        kept = self._materialise(design, money=True)
        self._check_combinations(columns, kept, MAX_CELLS)
        words = self._value_words(columns, design) | self._amounts(kept)
        queries = value_queries(self.pipeline, columns, kept, self._windows)
        frames = {name: self.query(tree) for name, tree in queries.items()}
        return _table(frames, columns, words)

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
        problems = currency_problems("costs", self._currencies("costs"), self.recipe.currency)
        if problems:
            raise DataError(problems)
        ledger, tickets = self.query(sql.load("cost_months")), self._tickets
        used = self._customers_by_month().join(tickets).fillna({"tickets": 0})
        ledger = ledger[ledger["month"].isin(used.index)]
        if ledger.empty:
            return none
        known = ledger["month"] >= tickets.index.min()  # before it nobody counted tickets
        return UnitCosts(
            _per(ledger[known & (ledger["driver"] == "per_ticket")], used["tickets"], "serve"),
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
        check_followup(design)
        self._check_groups(columns, design)
        problems = [*value_problems(columns), *self._amount_problems()]
        if problems:
            raise DataError(problems)

    def _amount_problems(self) -> Iterator[str]:
        tables = [name for name in ("revenue", "costs") if name in self.fields]
        if tables:
            held = self._currencies(*tables)
            yield from currency_problems(" and ".join(tables), held, self.recipe.currency)
        if "revenue" in self.fields:
            yield from _bill_problems(self._bills)

    def _amounts(self, kept: str) -> dict[str, bool]:
        """Return whether revenue and margin are known, or raise where they are for some only."""
        if "revenue" in self.fields:
            return {"has_revenue": True, "has_margin": bool(self._bills["margins"].sum())}
        names = ("monthly_revenue", "monthly_margin")
        counted = [f"COUNT({name}) AS {name}" for name in names]
        tree = exp.select("COUNT(*) AS n", *counted).from_(kept).where("excluded IS NULL")
        found = self.query(tree).iloc[0]
        problems = [
            f"customers: {name} is empty for {found['n'] - found[name]:,} of {found['n']:,} "
            "answers that are followed, must be filled in for all or for none: fill it in (0 where "
            "nothing was paid), or leave the column out."
            for name in names
            if 0 < found[name] < found["n"]
        ]
        if problems:
            raise DataError(problems)
        return dict(zip(("has_revenue", "has_margin"), map(bool, found[list(names)]), strict=True))

    def _count(self, table: str, column: str) -> int:
        return int(self.query(exp.select(f"COUNT({column}) AS n").from_(table))["n"].iloc[0])

    @property
    def _windows(self) -> dict[str, int]:
        bounds = value_windows(self.pipeline, self._known_end)
        found = self.query(exp.select(*(exp.alias_(e, name) for name, e in bounds.items())))
        return {name: int(found[name].iloc[0]) for name in bounds}

    def _known_end(self, which: str, reduction: str) -> sql.Expression:
        months = self._by_month(reduction).index
        if months.empty:
            return exp.null()
        return exp.convert(int(months.min() if which == "MIN" else months.max()))

    @property
    def _bills(self) -> pd.DataFrame:
        return self._by_month("revenue_months")

    @property
    def _tickets(self) -> pd.DataFrame:
        if "touchpoints" not in self.fields:
            return pd.DataFrame({"tickets": []}, index=pd.Index([], dtype="int64"))
        return self._by_month("ticket_months")

    def _value_words(self, columns: Sequence[str], design: Design) -> dict[str, Any]:
        return {
            "as_of": self.as_of,
            "population": self.pipeline.population(columns, design),
            "currency": self.recipe.currency,
            "has_tickets": bool(len(self._tickets)),
            "has_referrals": bool(self._count("customers", "referred_by")),
        }


def check_followup(design: Design) -> None:
    """Raise unless the design counts from the answer on."""
    if design.kind != "followup":
        raise DataError(
            f"design is of the kind {design.kind!r}, must be 'followup': lifetime value is "
            "counted from the answer on."
        )


def value_problems(group_by: Sequence[str]) -> list[str]:
    """Return what to say of columns that value tables call something of their own."""
    return taken_problems(group_by, _TAKEN)


def _end(which: str, reduction: str) -> sql.Expression:
    """Return the first or the last month of a reduction ("MIN", "MAX") as a query."""
    months = exp.Subquery(this=sql.load(reduction), alias=exp.TableAlias(this="months"))
    end: sql.Expression = exp.select(f"{which}(months.month)").from_(months).subquery()
    return end


def value_windows(
    pipeline: Pipeline, end: Callable[[str, str], sql.Expression] = _end
) -> dict[str, sql.Expression]:
    """Return the months (12 · year + month − 1) from and until which bills and service are known.

    Of bills, those observed whole; the extract knows no tickets before the first one, and no cost
    of a customer outside the ledger. `end` says the first or the last month of a reduction.
    """
    first, last = exp.convert(pipeline.first_month), exp.convert(pipeline.end_month - 1)
    found = {"revenue_from": first, "revenue_until": _ALWAYS}
    found |= {"served_from": first, "served_until": _ALWAYS}
    if "revenue" in pipeline.recipe.tables:
        found |= {"revenue_from": _later(end("MIN", "revenue_months"), first)}
        found |= {"revenue_until": _sooner(end("MAX", "revenue_months"), last)}
    if "touchpoints" in pipeline.recipe.tables:
        found["served_from"] = _later(end("MIN", "ticket_months"), first)
    if pipeline.has("costs", "customer_id"):
        found["served_from"] = _later(end("MIN", "served_months"), found["served_from"])
        found["served_until"] = _sooner(end("MAX", "served_months"), _ALWAYS)
    return found


def _later(first: sql.Expression, bound: sql.Expression) -> sql.Expression:
    """Return the first month that is known, if it lies after the bound; else the bound."""
    return exp.func("GREATEST", exp.func("COALESCE", first, bound), bound)


def _sooner(last: sql.Expression, bound: sql.Expression) -> sql.Expression:
    """Return the last month that is known, if it lies before the bound; else the bound."""
    return exp.func("LEAST", exp.func("COALESCE", last, bound), bound)


def _bill_problems(held: pd.DataFrame) -> Iterator[str]:
    if held.empty:
        yield (
            "revenue: there is no row with a month, must be at least one: export it again, or "
            "leave the table out."
        )
        return
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


def value_queries(
    pipeline: Pipeline,
    group_by: Sequence[str],
    spells: str,
    windows: Mapping[str, int | sql.Expression],
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
