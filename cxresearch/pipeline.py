"""Which SQL files make up the reductions of one recipe, with their names and values filled in."""

from __future__ import annotations

import calendar
import datetime as dt
import difflib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Literal, NamedTuple

from sqlglot import exp

from cxresearch import mapping, sql
from cxresearch.contract import TABLES
from cxresearch.designs import FIRST_ANSWER, Design
from cxresearch.errors import DataError
from cxresearch.recipe import Recipe, TableSource

SCORE_GROUP: Final = "score_group"
TENURE_BAND: Final = "tenure_band"
TICKETS_BEFORE: Final = "tickets_before"
_KNOWN: Final = "known_answers"
_NO_CAUSE: Final = exp.alias_(exp.cast(exp.null(), "TEXT"), "cause")
REDUCTIONS: Final = ("life_table", "period_table", "waterfall", "answer_counts")

Lifetimes = Literal["spells", "dates", "tenure"]
_BEGINNING: Final = dt.date(1, 1, 1)
_RESERVED: Final = {
    "replicate", "entry_tenure", "exit_tenure", "excluded", "start_month", "end_month",
    "start_day", "end_day", "notice_date", "score", "answer_tenure", SCORE_GROUP,
    "entered", "censored", "joined", "lost", "joined_and_lost", "period", "row_number",
    "horizon", "from", "to", "reason", "curves", "cause", "turn", "tenure_band",
    "tickets_before",
    *(column.name for column in TABLES["customers"]),
}  # fmt: skip
# Where each building block finds the customers' attributes.
_ATTRIBUTES_OF: Final[Mapping[str, str]] = {
    "lifetimes": "customers",
    "measured": "lifetimes",
    "spells": "measured",
}


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


class Pipeline:
    """The building blocks from a company's tables to the risk set, in order of dependence."""

    def __init__(
        self,
        recipe: Recipe,
        fields: Mapping[str, Sequence[mapping.Field]],
        native: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.recipe = recipe
        self._fields = fields
        self._native = native
        self._check()

    @cached_property
    def lifetimes(self) -> Lifetimes | None:
        """What tells how long customers stayed; None when nothing does."""
        present = {f.name for f in self._fields.get("customers", ()) if f.present}
        if "subscriptions" in self._fields and "customers" in self._fields:
            return "spells"
        if "start_date" in present:
            return "dates"
        return "tenure" if {"tenure", "churned"} <= present else None

    @cached_property
    def attributes(self) -> list[str]:
        """The customers' columns that are not the contract's own."""
        own = {column.name for column in TABLES["customers"]}
        return [f.name for f in self._fields.get("customers", ()) if f.name not in own]

    @cached_property
    def relations(self) -> dict[str, sql.Expression]:
        """The building blocks for every attribute."""
        return self._relations(self.attributes)

    @property
    def has_scores(self) -> bool:
        """Whether customers can be grouped by an NPS answer with a date."""
        return self.lifetimes in {"spells", "dates"} and "survey_responses" in self._fields

    @property
    def has_causes(self) -> bool:
        """Whether the table that tells who left also tells why."""
        table = "subscriptions" if self.lifetimes == "spells" else "customers"
        return any(f.name == "cancel_type" and f.present for f in self._fields.get(table, ()))

    @property
    def first_month(self) -> int:
        """The first month (12 * year + month - 1) that is observed whole."""
        day = self.recipe.observed_from or _BEGINNING
        return 12 * day.year + day.month - 1 + (day.day > 1)

    @property
    def end_month(self) -> int:
        """The first month after the last one that is observed whole."""
        end = self._observation_end
        return 12 * end.year + end.month - 1

    def check(self, request: Request) -> None:
        """Raise when the tables at hand cannot answer the request."""
        self.require_lifetimes()
        if request.risk_set or request.name == "answer_counts":
            self.require_scores()
        if request.name == "period_table":
            self._require_calendar(request.risk_set is not None)

    def reduction(self, request: Request, spells: str = "") -> sql.Expression:
        """Return a reduction over the building blocks, or over the risk set kept as `spells`."""
        self.check(request)
        return sql.fill(
            sql.load(request.name),
            columns={
                "groups": [sql.column(column) for column in request.group_by],
                "cause": [exp.column("cause")] if request.causes else [],
                "no_cause": [_NO_CAUSE] if request.causes else [],
            },
            tables={"spells": spells or request.spells},
            values={"months": request.months},
        )

    def design(
        self, design: Design, attributes: Sequence[str], answers: str = _KNOWN
    ) -> dict[str, sql.Expression]:
        """Return the answers that count and the risk set of a design, by relation."""
        counted = sql.fill(
            sql.load("counted_answers"),
            columns={"known": [sql.column(name) for name in self.known]},
            tables={"answers": answers},
            values={"blackout_days": design.blackout_days},
        )
        answer = {"landmark": "latest", "current": "spans", "followup": "counted"}
        known = [sql.column(name, answer.get(design.kind, "first_answer")) for name in self.known]
        prefix = "placed" if design.kind == "ever_from_answer" else "spells"
        limits = ("lag_months", "max_age_months", "landmark_month")
        risk_set = sql.fill(
            sql.load(design.kind),
            columns={
                "known": known,
                "attributes": [sql.column(name, prefix) for name in attributes],
            },
            tables={"answers": design.counted},
            values={name: getattr(design, name) for name in limits},
        )
        return {design.counted: counted, design.table: risk_set}

    @cached_property
    def known(self) -> list[str]:
        """What is known at an answer: the group it puts the customer in, and what came before."""
        tickets = [TICKETS_BEFORE] if "touchpoints" in self._fields else []
        return [SCORE_GROUP, TENURE_BAND, *tickets]

    def groups(self, design: Design | None) -> list[str]:
        """Return the columns that one can group by."""
        if design is None:
            return [*self.attributes, *([SCORE_GROUP] if self.has_scores else [])]
        return [*self.attributes, *(self.known if design.knows_answers else [SCORE_GROUP])]

    def kept(self, design: Design | None, attributes: Sequence[str]) -> sql.Expression:
        """Return the risk set as it is kept: replicates as small integers, few-valued columns."""
        hexadecimal = exp.DPipe(
            this=exp.Literal.string("0x"), expression=exp.column("replicate"), safe=True
        )
        number = exp.cast(hexadecimal, "UTINYINT", dialect="duckdb")
        columns = ["entry_tenure", "exit_tenure", "churned", "cause", "excluded"]
        own = [name for name in self.groups(design) if name not in self.attributes]
        columns += own if design else ["start_month", "end_month"]
        return exp.select(
            exp.alias_(number, "replicate"),
            *(exp.column(name) for name in columns),
            *(sql.column(name) for name in attributes),
        ).from_(design.table if design else "spells")

    def text(
        self, request: Request, dialect: str, scans: Mapping[str, sql.Expression] | None = None
    ) -> str:
        """Return a reduction as one query that reads the company's own tables.

        `scans` says what stands in the place of each table where the files themselves are read.
        """
        name, group_by = request.name, request.group_by
        if name not in REDUCTIONS:
            close = difflib.get_close_matches(name, REDUCTIONS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            raise DataError(f"{name!r} is no reduction; choose from {', '.join(REDUCTIONS)}.{hint}")
        known = (*self.groups(request.risk_set), SCORE_GROUP)
        unknown = [column for column in group_by if column not in known]
        if unknown:
            raise DataError([self.unknown_group(c, request.risk_set) for c in unknown])
        own = [column for column in group_by if column in self.attributes]
        relations = {**self._typed(own, scans), **self._relations(own)}
        if request.risk_set:
            self.require_scores()
            relations |= self.design(request.risk_set, own)
        return sql.render(sql.assemble(self.reduction(request), relations), dialect, pretty=True)

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
            raise DataError(
                "customers: nothing tells how long customers stayed. Bring a table of "
                "subscriptions, or start_date and end_date, or tenure and churned."
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

    @property
    def has_nps_scale(self) -> bool:
        """Whether the recipe states a scale on which there are promoters and detractors."""
        scale = self.recipe.scales.get("nps")
        return scale is not None and (scale.minimum, scale.maximum) in {(0, 10), (1, 10)}

    @property
    def _observation_end(self) -> dt.date:
        """The first day that is no longer observed."""
        return (self.recipe.as_of or _BEGINNING) + dt.timedelta(days=1)

    def _relations(self, attributes: Sequence[str]) -> dict[str, sql.Expression]:
        if self.lifetimes is None:
            return {}
        blocks = {"measured": "measured_from_tenure", "spells": "spells"}
        if self.lifetimes != "tenure":
            blocks = {"lifetimes": f"lifetimes_from_{self.lifetimes}", **blocks}
            blocks["measured"] = "measured_from_dates"
        if self.has_scores:
            tickets = {"dated_answers": "known_answers", "known_answers": f"{_KNOWN}_with_tickets"}
            has_tickets = TICKETS_BEFORE in self.known
            blocks |= {"answers": "answers", **(tickets if has_tickets else {_KNOWN: _KNOWN})}
        return {name: self._block(name, file, attributes) for name, file in blocks.items()}

    def _block(self, name: str, file: str, attributes: Sequence[str]) -> sql.Expression:
        prefix = "customers" if file == "measured_from_tenure" else _ATTRIBUTES_OF.get(name)
        columns = [sql.column(attribute, prefix) for attribute in attributes]
        return sql.fill(sql.load(file), columns={"attributes": columns}, values=self._values)

    @cached_property
    def _values(self) -> dict[str, sql.Value]:
        end, start = self._observation_end, self.recipe.observed_from or _BEGINNING
        last = calendar.monthrange(end.year, end.month)[1]
        return {
            "observation_end": end.isoformat(),
            "last_month": 12 * end.year + end.month - 1,
            # A month that began on the 31st is complete on the last day of a shorter month.
            "last_day": 31 if end.day == last else end.day,
            "observed_from": start.isoformat(),
            "from_month": 12 * start.year + start.month - 1,
            "from_day": start.day,
            "reactivation_days": self.recipe.reactivation_days,
            "churn_offset": int(self.recipe.tenure_counts == "completed"),
            "metric": "nps",
            "detractor_max": 6,
            "passive_max": 8,
        }

    def _typed(
        self, attributes: Sequence[str], scans: Mapping[str, sql.Expression] | None
    ) -> dict[str, sql.Expression]:
        """Return the contract's tables as selections from the company's own."""
        typed: dict[str, sql.Expression] = {}
        for name, source in self.recipe.tables.items():
            fields = self._fields[name] if scans else self._trusted(name)
            own = {column.name for column in TABLES[name]}
            columns = [
                exp.alias_(f.typed.copy(), f.name, quoted=f.name not in own)
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


def _physical(source: TableSource) -> exp.Table:
    """Return the company's table: as the recipe names it, or the file's name in a schema."""
    name = source.table or Path(source.path or source.name).stem
    return exp.table_(
        exp.to_identifier(name, quoted=True),
        db=exp.to_identifier(source.schema or "source", quoted=True),
    )
