"""Every rule that an extract must keep: which rows offend, what that means, and the cure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlglot import exp

from cxresearch import sql
from cxresearch._format import and_list, day
from cxresearch._language import mark, term, tr
from cxresearch.contract import KIND_WORDS, SEEN_AT, TABLES, Column
from cxresearch.score_table import METRICS, scale_problems
from cxresearch.source import Data

Severity = Literal["error", "warning"]
MIN_CUSTOMERS: Final = 30

_UNUSED_ANSWERS: Final[Mapping[str, str]] = {
    "before the customer started": mark("Check the dates of both; the customer id may be wrong."),
    "after the customer left": mark(
        "They say why somebody left, not who will; they are not used to compare retention."
    ),
    "after notice was given": mark(
        "The decision had fallen; they are not used to compare retention."
    ),
}


@dataclass(frozen=True)
class Rule:
    """One rule: an SQL file that finds the offenders, and the words that go with them.

    `says` is followed by the count; it and `cure` are in the language that is spoken and may name
    the first values as `{value}`. A `whole_table` rule returns at most one row, with the number of
    offenders; any other rule returns the offenders.
    """

    file: str
    table: str
    severity: Severity
    says: str
    cure: str
    column: str | None = None
    columns: Mapping[str, str | Sequence[sql.Expression]] = field(default_factory=dict)
    tables: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, sql.Value] = field(default_factory=dict)
    whole_table: bool = False

    @property
    def where(self) -> str:
        """The table, and the column where there is one."""
        return f"{self.table}.{self.column}" if self.column else self.table

    def query(self) -> sql.Expression:
        """Return the SQL that finds the offenders."""
        return sql.fill(
            sql.load(self.file, "rules"),
            columns=self.columns,
            tables={"table": f"{self.table}_rows", **self.tables},
            values=self.values,
        )


def rules_for(data: Data) -> list[Rule]:
    """Return every rule that applies to the tables and columns at hand."""
    rules: list[Rule] = []
    for table in data.fields:
        rules += [*_shape(table), *_cells(data, table), *_references(data, table)]
        rules += [*_dates(data, table), *_money(data, table)]
    return [*rules, *_answers(data), *_lifetimes(data)]


def _shape(table: str) -> Iterator[Rule]:
    severity: Severity = "error" if table in {"customers", "subscriptions"} else "warning"
    yield Rule(
        "no_rows",
        table,
        severity,
        tr("tables without rows"),
        tr("Export it again."),
        whole_table=True,
    )
    key = TABLES[table].key
    if key:
        yield Rule(
            "duplicate" if len(key) == 1 else "duplicate_pair", table, "error",
            tr("rows share their {key} with another row", key=and_list(key)),
            tr("Keep one row each; a join in the export may have doubled them."),
            column=key[0],
            columns=dict(zip(("key", "second"), key, strict=False)),
            tables={"plain": table},
        )  # fmt: skip


def _cells(data: Data, table: str) -> Iterator[Rule]:
    for held in data.fields[table]:
        column = TABLES[table].column(held.name)
        if column is None and held.kind == "number":
            column = Column(held.name, "number", "a number that the recipe cuts into bands")
        if column is None or held.raw is None:
            continue
        names = {"key": _key(table), "raw": f"raw {held.name}", "column": held.name}
        if column.required and not column.nullable:
            yield Rule(
                "missing", table, "error", tr("cells of {name} are empty", name=held.name),
                tr("Every row needs one: {meaning}.", meaning=term(column.meaning)),
                held.name, names,
            )  # fmt: skip
        if held.kind not in {"id", "text"}:
            yield _unreadable(table, column, names)
        if held.kind == "count":
            yield Rule(
                "negative", table, "error", tr("values of {name} are below 0", name=held.name),
                tr("Correct them in the source."), held.name, names,
            )  # fmt: skip


def _unreadable(table: str, column: Column, names: Mapping[str, str]) -> Rule:
    how = f'{column.name} = {{ column = "…", format = "%d/%m/%Y" }}'
    which = f'{column.name} = {{ column = "…", true = ["…"], false = ["…"] }}'
    point = f'[{table}] decimal = ","'
    cures = {
        "date": tr("State it: {how}.", how=how),
        "flag": tr("State the words: {how}", how=which),
        "number": tr("Remove signs and words; or say {how} where it is a comma.", how=point),
    }
    cure = cures.get(column.kind, tr("Correct them in the source."))
    return Rule(
        "unreadable", table, "error",
        tr("cells of {name} are no {kind}", name=column.name, kind=term(KIND_WORDS[column.kind])),
        cure, column.name, names,
    )  # fmt: skip


def _references(data: Data, table: str) -> Iterator[Rule]:
    for held in data.fields[table]:
        column = TABLES[table].column(held.name)
        if column is None or not held.present or column.refers_to not in data.fields:
            continue
        if column.refers_to == table and column.name in TABLES[table].key:
            continue
        parent = TABLES[column.refers_to].key[0]
        yield Rule(
            "orphan", table, "warning" if column.nullable else "error",
            tr(
                "rows refer to a {name} that is not in {table}",
                name=held.name, table=column.refers_to,
            ),
            tr("Export both tables at the same time, and check for lost leading zeros in ids."),
            held.name,
            {"key": _key(table), "column": held.name, "parent_column": parent},
            {"parent": column.refers_to},
        )  # fmt: skip


def _dates(data: Data, table: str) -> Iterator[Rule]:
    present = _present(data, table)
    if table in {"customers", "subscriptions"} and {"start_date", "end_date"} <= present:
        yield Rule(
            "ends_before_start", table, "error", tr("spells end before they start"),
            tr("Correct the dates; day and month may be swapped."),
            "end_date", {"key": _key(table)},
        )  # fmt: skip
    if table == "subscriptions":
        yield Rule(
            "overlap", table, "error",
            tr("spells start before an earlier spell of the same subscription has ended"),
            tr("End the earlier spell first; a change of plan is one spell after another."),
            "start_date",
        )  # fmt: skip
    as_of = data.as_of
    if as_of is None:
        return
    for name, severity, cure in (
        (SEEN_AT[table], "error", tr("Correct them, or state the true last day as as_of.")),
        ("end_date", "warning", tr("These customers count as still active on the last day.")),
    ):
        if name in present:
            yield Rule(
                "after_as_of", table, "error" if severity == "error" else "warning",
                tr("dates of {name} lie after the last day, {day}", name=name, day=day(as_of)),
                cure, name, {"key": _key(table), "column": name}, values={"as_of": as_of},
            )  # fmt: skip


def _money(data: Data, table: str) -> Iterator[Rule]:
    if "currency" not in _present(data, table):
        return
    yield Rule(
        "two_currencies", table, "error", tr("currencies in one column"),
        tr("Convert the amounts to one currency and say in the note how."),
        "currency", whole_table=True,
    )  # fmt: skip
    if data.currency:
        yield Rule(
            "other_currency", table, "error",
            tr("rows are not in {currency}, the recipe's currency", currency=data.currency),
            tr("Convert them, or correct currency in the recipe."),
            "currency", {"key": _key(table)}, values={"currency": data.currency},
        )  # fmt: skip


def _answers(data: Data) -> Iterator[Rule]:
    table = "survey_responses"
    if table not in data.fields:
        return
    scales = data.recipe.scales
    yield Rule(
        "unknown_metric", table, "error", tr("answers are to a question without a scale"),
        tr(
            "State it under [scales] in the recipe, e.g. {how}.", how="nps = { min = 0, max = 10 }",
        ), "metric",
        {"key": "response_id", "metrics": [exp.Literal.string(name) for name in scales]},
    )  # fmt: skip
    for name, scale in scales.items():
        yield Rule(
            "off_scale", table, "error",
            tr(
                "{metric} scores lie outside {low} to {high}",
                metric=name, low=f"{scale.minimum:g}", high=f"{scale.maximum:g}",
            ),
            tr("Correct them, or the scale in the recipe."), "score", {"key": "response_id"},
            values={"metric": name, "minimum": scale.minimum, "maximum": scale.maximum},
        )  # fmt: skip
        if name == "nps" or (name in METRICS and not scale_problems(name, scale)):
            yield Rule(
                "not_whole", table, "error",
                tr("{metric} scores are no whole numbers", metric=name),
                tr("They may be averages; bring each customer's own answer."),
                "score", {"key": "response_id"}, values={"metric": name},
            )  # fmt: skip
        if scale.minimum == 0 and scale.maximum == 10:
            yield Rule(
                "no_zero", table, "warning",
                tr("not one 0 among {metric} answers, the lowest is {{value}}", metric=name),
                tr(
                    "The question may have been asked from 1 to 10; then say min = 1 in the recipe."
                ),
                "score", values={"metric": name}, whole_table=True,
            )  # fmt: skip
    if data.pipeline.has_scores:
        for reason, cure in _UNUSED_ANSWERS.items():
            yield Rule(
                "unused_answer", table, "warning",
                tr("nps answers were given {reason}", reason=term(reason)), term(cure),
                "responded_at", values={"reason": reason},
            )  # fmt: skip


def _lifetimes(data: Data) -> Iterator[Rule]:
    if data.pipeline.lifetimes == "retention":
        yield from _survivors(data)
    if data.pipeline.lifetimes in {None, "retention"}:
        return
    yield Rule(
        "survivors_only", "customers", "error", tr("nobody has left, of all customers"),
        tr("The extract holds survivors only: export those who left as well."), whole_table=True,
    )  # fmt: skip
    yield Rule(
        "no_events", "customers", "error", tr("nobody left while observed, of all customers"),
        tr("Check as_of and observed_from: all {{value}} losses lie outside."), whole_table=True,
    )  # fmt: skip
    yield Rule(
        "few_customers", "customers", "warning", tr("few customers can be used"),
        tr(
            "Reports show groups of at least {n}; lower min_group to see less.", n=MIN_CUSTOMERS,
        ),
        values={"minimum": MIN_CUSTOMERS}, whole_table=True,
    )  # fmt: skip
    yield Rule(
        "too_long", "customers", "error", tr("customers stay for more than 100 years"),
        tr("Check the start dates, or the unit of the tenure: it is months."),
    )  # fmt: skip
    if data.pipeline.lifetimes == "tenure":
        for name in ("tenure", "churned"):
            yield Rule(
                "missing", "customers", "error", tr("cells of {name} are empty", name=name),
                tr("Without it a customer cannot be counted; fill it in, or leave the row out."),
                name, {"key": "customer_id", "raw": f"raw {name}"},
            )  # fmt: skip
        yield Rule(
            "churned_at_zero", "customers", "error", tr("customers left with a tenure of 0"),
            tr(
                'Where 0 means "in the first month", say tenure_counts = "completed" in the recipe.'
            ),
            "tenure", {"key": "customer_id"},
        )  # fmt: skip
    else:
        yield Rule(
            "not_started", "customers", "warning",
            tr("customers have no start date or subscription"),
            tr("They are in no curve; export their dates or subscriptions if they have any."),
        )  # fmt: skip
        if data.recipe.observed_from is None:
            yield Rule(
                "late_entry", "customers", "warning",
                tr(
                    "customers started more than a year before the first loss on record, {{value}}"
                ),
                tr("If earlier leavers were deleted, say observed_from = {{value}} in the recipe."),
                whole_table=True,
            )  # fmt: skip
    for name in data.recipe.group_by:
        if name in data.groupable:
            yield Rule(
                "silent_group", "customers", "warning",
                tr("groups of {name} without a single loss", name=name),
                tr("Their curves stay at 100 % with an interval that only their size limits."),
                name, {"column": name},
            )  # fmt: skip


def _survivors(data: Data) -> Iterator[Rule]:
    groups = [sql.column(name, "t") for name in data.attributes]
    for file, says, cure in (
        (
            "retention_gap",
            tr("periods do not follow the one before, or stand twice"),
            tr("Give each cohort one row per period; name the cohorts where a group has several."),
        ),
        (
            "retention_rises",
            tr("survivors are more than one period before"),
            tr("Nobody returns within a cohort: count those who were there without a break."),
        ),
    ):
        yield Rule(file, "retention", "error", says, cure, "tenure", {"attributes": groups})
    yield Rule(
        "retention_no_share", "retention", "error",
        tr("survivors are below 0, or no percent of cohort_size"),
        tr("With cohort_size survivors are percent, from 0 to 100; without it they are customers."),
        "survivors",
    )  # fmt: skip
    yield Rule(
        "retention_not_whole", "retention", "error", tr("survivors are no whole customers"),
        tr("Percent need cohort_size, the customers behind 100 %: intervals depend on how many."),
        "survivors",
    )  # fmt: skip


def _present(data: Data, table: str) -> set[str]:
    return {held.name for held in data.fields[table] if held.present}


def _key(table: str) -> str:
    """Return the column by which an offending row is named."""
    return next(iter(TABLES[table].columns)).name
