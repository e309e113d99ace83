"""Which SQL files make up the reductions of one recipe, with their names and values filled in."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from sqlglot import exp

from cxresearch import mapping, sql
from cxresearch._language import tr
from cxresearch.blocks import SCORE_GROUP, TENURE_BAND, TICKETS_BEFORE, Blocks
from cxresearch.contract import TABLES
from cxresearch.designs import FIRST_ANSWER, Design
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.recipe import Recipe, TableSource

REDUCTIONS: Final = ("life_table", "period_table", "waterfall", "answer_counts")
_NO_CAUSE: Final = exp.alias_(exp.cast(exp.null(), "TEXT"), "cause")
_OF_MONEY: Final = [
    "customer_id", "clock_month", "start_day", "monthly_revenue", "monthly_margin",
]  # fmt: skip
_RESERVED: Final = {
    "replicate", "entry_tenure", "exit_tenure", "excluded", "start_month", "end_month",
    "start_day", "end_day", "notice_date", "score", "answer_tenure", SCORE_GROUP,
    "entered", "censored", "joined", "lost", "joined_and_lost", "period", "row_number",
    "horizon", "from", "to", "reason", "curves", "cause", "turn", TENURE_BAND,
    TICKETS_BEFORE, "clock_month",
    *(column.name for column in TABLES["customers"]),
}  # fmt: skip


class Request(NamedTuple):
    """A reduction, the columns to group by, and what else it depends on.

    `months` of a calendar period; the `design` of a risk set by score; whether the churned are
    split by `causes`.
    """

    name: str
    group_by: Sequence[str] = ()
    months: int = 1
    design: Design | None = None
    causes: bool = False

    @property
    def risk_set(self) -> Design | None:
        """The design; by score without one, from the first answer on."""
        by_score = SCORE_GROUP in self.group_by
        return self.design or (FIRST_ANSWER if by_score else None)

    @property
    def spells(self) -> str:
        """The name of the risk set among the relations."""
        return self.risk_set.table if self.risk_set else "spells"


class Pipeline(Blocks):
    """Reductions over the building blocks: what can be asked, and the query that answers it."""

    def __init__(
        self,
        recipe: Recipe,
        fields: Mapping[str, Sequence[mapping.Field]],
        native: Mapping[str, Mapping[str, str]],
    ) -> None:
        super().__init__(recipe, fields, native)
        self._check()

    def check(self, request: Request) -> None:
        """Raise when the tables at hand cannot answer the request."""
        self.require_lifetimes()
        if self.lifetimes == "retention" and request != Request("life_table", request.group_by):
            raise DataError(
                "retention: a table of survivors holds no customers, so that there are no dates, "
                "scores or causes. Bring customers for them."
            )
        if request.risk_set or request.name == "answer_counts":
            self.require_scores()
        if request.name == "period_table":
            self._require_calendar(request.risk_set is not None)

    def reduction(self, request: Request, spells: str = "") -> sql.Expression:
        """Return a reduction over the building blocks, or over the risk set kept as `spells`."""
        self.check(request)
        paper = self.lifetimes == "retention"
        return sql.fill(
            sql.load(f"{request.name}_from_retention" if paper else request.name),
            columns={
                "attributes": [sql.column(column) for column in self.attributes],
                "groups": [sql.column(column) for column in request.group_by],
                "cause": [exp.column("cause")] if request.causes else [],
                "no_cause": [_NO_CAUSE] if request.causes else [],
            },
            tables={"spells": spells or request.spells},
            values={"months": request.months},
        )

    def groups(self, design: Design | None) -> list[str]:
        """Return the columns that one can group by."""
        if design is None:
            return [*self.attributes, *([SCORE_GROUP] if self.has_scores else [])]
        return [*self.attributes, *(self.known if design.knows_answers else [SCORE_GROUP])]

    def kept(
        self, design: Design | None, attributes: Sequence[str], *, money: bool = False
    ) -> sql.Expression:
        """Return the risk set as it is kept: replicates as small integers, few-valued columns."""
        hexadecimal = exp.DPipe(
            this=exp.Literal.string("0x"), expression=exp.column("replicate"), safe=True
        )
        number = exp.cast(hexadecimal, "UTINYINT", dialect="duckdb")
        columns = ["entry_tenure", "exit_tenure", "churned", "cause", "excluded"]
        own = [name for name in self.groups(design) if name not in self.attributes]
        columns += own if design else ["start_month", "end_month"]
        columns += _OF_MONEY if money else []
        relation = design.table if design else "spells"
        return exp.select(
            exp.alias_(number, "replicate"),
            *(exp.column(name) for name in columns),
            *(sql.column(name) for name in attributes),
        ).from_(
            exp.Subquery(this=paid(relation), alias=exp.TableAlias(this=exp.to_identifier("paid")))
            if money
            else relation
        )

    def text(
        self, request: Request, dialect: str, scans: Mapping[str, sql.Expression] | None = None
    ) -> str:
        """Return a reduction as one query that reads the company's own tables.

        `scans` says what stands in the place of each table where the files themselves are read.
        """
        group_by = request.group_by
        known = (*self.groups(request.risk_set), SCORE_GROUP)
        unknown = [column for column in group_by if column not in known]
        if unknown:
            raise DataError([self.unknown_group(c, request.risk_set) for c in unknown])
        own = [column for column in group_by if column in self.attributes]
        relations = {}
        if request.risk_set:
            self.require_scores()
            relations = self.design(request.risk_set, own)
        return self.query_text(self.reduction(request), own, dialect, scans, relations)

    def query_text(
        self,
        tree: sql.Expression,
        attributes: Sequence[str],
        dialect: str,
        scans: Mapping[str, sql.Expression] | None = None,
        relations: Mapping[str, sql.Expression] | None = None,
    ) -> str:
        """Return a query over the building blocks, and further `relations`, with all they read."""
        blocks = {**self._typed(attributes, scans), **self._relations(attributes)}
        whole = sql.assemble(tree, {**blocks, **(relations or {})})
        return sql.render(whole, dialect, pretty=True)

    def population(self, group_by: Sequence[str], design: Design | None = None) -> str:
        """Return in words who is counted."""
        answered = design.knows_answers if design else SCORE_GROUP in group_by
        return "customers who answered" if answered else "customers"

    def unknown_group(self, name: str, design: Design | None = None) -> str:
        """Return what to say of a column that one cannot group by."""
        known = self.groups(design)
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        return (
            f"customers: there is no column {name!r} to group by.{hint} "
            f"Columns: {', '.join(known) or 'none'}."
        )

    def require_lifetimes(self) -> None:
        """Raise when nothing tells how long customers stayed."""
        if self.lifetimes is None:
            raise NotEnoughError(
                tr(
                    "customers: nothing tells how long customers stayed. Bring a table of "
                    "subscriptions, or start_date and end_date, or tenure and churned."
                )
            )

    def _require_calendar(self, by_score: bool) -> None:
        if self.lifetimes == "tenure":
            raise DataError(
                "customers: calendar periods need start_date and end_date; this extract has only "
                "tenure and churned."
            )
        if by_score:
            raise DataError("score_group: calendar periods are not counted by score.")

    def require_scores(self) -> None:
        """Raise when customers cannot be grouped by their score."""
        if not self.has_scores:
            raise DataError(
                "survey_responses: grouping by score needs a table of answers with their dates, "
                "and customers with start_date and end_date."
            )
        if not self.has_nps_scale:
            raise DataError(
                "scales: promoters, passives and detractors are defined on a scale of 0 to 10. "
                "State it in the recipe: [scales] nps = { min = 0, max = 10 }."
            )

    def _typed(
        self, attributes: Sequence[str], scans: Mapping[str, sql.Expression] | None
    ) -> dict[str, sql.Expression]:
        """Return the contract's tables as selections from the company's own."""
        typed: dict[str, sql.Expression] = {}
        for name, source in self.recipe.tables.items():
            fields = self._fields[name] if scans else self._trusted(name)
            own = {column.name for column in TABLES[name]}
            columns = [
                exp.alias_(f.typed, f.name, quoted=f.name not in own)
                for f in fields
                if f.name in own or f.name in attributes
            ]
            typed[name] = exp.select(*columns).from_(
                scans[name].copy() if scans else _physical(source)
            )
        return typed

    def _trusted(self, name: str) -> list[mapping.Field]:
        source = self.recipe.tables[name]
        return mapping.fields(TABLES[name], source, self._native[name], trusted=True)

    def _check(self) -> None:
        problems = []
        if self.lifetimes in {"spells", "dates"} and self.recipe.as_of is None:
            problems.append(
                "recipe: as_of is missing. State the last day up to which the extract is "
                "complete, e.g. as_of = 2025-12-31."
            )
        problems += [
            f"customers: the column name {name!r} has a meaning of its own here. Give it another "
            f'name under [customers.columns], e.g. my_{name} = "{name}".'
            for name in self.attributes
            if name.lower() in _RESERVED
        ]
        problems += [
            f"recipe: group_by: {self.unknown_group(name)}"
            for name in self.recipe.group_by
            if name not in self.attributes and name != SCORE_GROUP
        ]
        if problems:
            raise DataError(problems)


def paid(risk_set: str) -> sql.Expression:
    """Return a follow-up with what each customer pays monthly, where customers hold that."""
    return sql.fill(sql.load("paid"), tables={"spells": risk_set})


def _physical(source: TableSource) -> exp.Table:
    """Return the company's table: as the recipe names it, or the file's name in a schema."""
    name = source.table or Path(source.path or source.name).stem
    return exp.table_(
        exp.to_identifier(name, quoted=True),
        db=exp.to_identifier(source.schema or "source", quoted=True),
    )
