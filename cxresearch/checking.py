"""Check an extract against every rule at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Final

import pandas as pd
from sqlglot import exp

from cxresearch import sql
from cxresearch._engine import MAX_GROUPS
from cxresearch._html import Table
from cxresearch._language import speaking, tr, trn
from cxresearch.findings import Finding
from cxresearch.needs import Unlock, Unlocks, unlocks
from cxresearch.rules import Rule, Severity, rules_for
from cxresearch.source import Data

EXAMPLES: Final = 5
# An empty column of these means something; that nobody has left is a rule of its own.
_MAY_BE_EMPTY: Final = {"end_date", "notice_date"}


@dataclass(frozen=True)
class Offence:
    """A rule that was broken: by how many rows, a few of them, and the cure.

    `rows` names some offenders by their key and place; it may hold customers' ids and is never
    shown in a report.
    """

    severity: Severity
    rule: str
    where: str
    count: int
    problem: str
    cure: str
    rows: tuple[str, ...] = field(repr=False)  # a notebook keeps the repr of what it shows

    @property
    def sentence(self) -> str:
        """The table, the problem, the count and the cure, without any row."""
        return tr(
            "{where}: {problem}: {n}. {cure}",
            where=self.where,
            problem=self.problem,
            n=f"{self.count:,}",
            cure=self.cure,
        )


@dataclass(frozen=True, eq=False, repr=False)
class CheckResult(Table):
    """What `check` found.

    Attributes
    ----------
    tables
        Rows per table.
    rules
        How many rules were evaluated.
    offences
        The rules that were broken, errors first.
    """

    name: str
    as_of: str | None
    tables: Mapping[str, int]
    rules: int
    offences: tuple[Offence, ...]
    unlocks: Unlocks

    def __repr__(self) -> str:
        return self.sentence()

    @property
    def usable(self) -> bool:
        """Whether no error was found; warnings do not keep data from being used."""
        return not any(offence.severity == "error" for offence in self.offences)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per broken rule, without keys or values of any customer."""
        rows = [(o.severity, o.where, o.count, o.problem, o.cure) for o in self.offences]
        return pd.DataFrame(rows, columns=["severity", "where", "count", "problem", "cure"])

    def findings(self) -> tuple[Finding, ...]:
        """Return the verdict, and how many rows break each rule."""
        errors = sum(o.severity == "error" for o in self.offences)
        verdict = Finding(
            "rules_broken", errors, errors, errors, self.rules, "rules", self.sentence(),
            as_of=self.as_of,
        )  # fmt: skip
        return (verdict, *(self._offence(offence) for offence in self.offences))

    def to_text(self) -> str:
        """Return everything for a terminal, including a few of the rows that offend."""
        day = f", as of {self.as_of}" if self.as_of else ""
        tables = [f"  {table}: {rows:,} rows" for table, rows in self.tables.items()]
        broken = [line for offence in self.offences for line in _lines(offence)]
        notebooks = [line for unlock in self.unlocks for line in _unlock_lines(unlock)]
        return "\n".join(
            [f"{self.name}{day}", *tables, "", *broken, self.sentence(), "", *notebooks]
        ).rstrip()

    def _offence(self, offence: Offence) -> Finding:
        group = {"severity": offence.severity, "rule": offence.rule, "where": offence.where}
        count, rows = offence.count, self.tables.get(offence.where.split(".")[0])
        return Finding(
            "rows_offending", count, count, count, rows, "rows", offence.sentence, group,
            as_of=self.as_of,
        )  # fmt: skip

    def to_dict(self) -> dict[str, object]:
        """Return everything for machines, including the rows that offend."""
        return {
            "name": self.name,
            "as_of": self.as_of,
            "usable": self.usable,
            "tables": dict(self.tables),
            "rules": self.rules,
            "offences": [asdict(offence) for offence in self.offences],
            "unlocks": [unlock._asdict() for unlock in self.unlocks],
        }

    def sentence(self, lang: str | None = None) -> str:
        """Return the verdict in one sentence."""
        with speaking(lang):
            errors = sum(o.severity == "error" for o in self.offences)
            warnings = len(self.offences) - errors
            found = {"n": self.rules, "errors": _errors(errors), "warnings": _warnings(warnings)}
            if self.usable:
                return tr(
                    "The data can be used. {n} rules were checked: {errors}, {warnings}.", **found
                )
            return tr(
                "The data cannot be used. {n} rules were checked: {errors}, {warnings}.", **found
            )


def _lines(offence: Offence) -> list[str]:
    shown = f"    {', '.join(offence.rows)}{', …' if offence.count > len(offence.rows) else ''}"
    return [
        f"{offence.severity}: {offence.where}: {offence.problem}: {offence.count:,}",
        *([shown] if offence.rows else []),
        f"    {offence.cure}",
        "",
    ]


def _unlock_lines(unlock: Unlock) -> list[str]:
    head = f"{'unlocked' if unlock.unlocked else 'locked'}: {unlock.notebook}: {unlock.title}"
    return [head, *(f"    {missing}" for missing in unlock.missing)]


def check(data: Data) -> CheckResult:
    """Evaluate every rule where the data are."""
    rules = rules_for(data)
    counts = zip(rules, _offenders(data, rules), strict=True)
    offences = [_offence(data, rule, count) for rule, count in counts if count]
    offences += [*_only_nulls(data), *_too_many_groups(data)]
    return CheckResult(
        name=data.name,
        as_of=data.as_of,
        tables={table: data.rows(table) for table in data.fields},
        rules=len(rules),
        offences=tuple(sorted(offences, key=lambda o: o.severity)),
        unlocks=unlocks(data),
    )


def _offenders(data: Data, rules: Sequence[Rule]) -> list[int]:
    """Return how many offend against each rule, which the reports of a run share as a whole."""

    def counts() -> pd.DataFrame:
        return pd.DataFrame({"offenders": [_count(data, rule) for rule in rules]}, dtype="int64")

    named = ", ".join(rule.file + " " + rule.where for rule in rules)
    return [int(n) for n in data.counted_once(f"offenders: {named}", counts)["offenders"]]


def _offence(data: Data, rule: Rule, count: int) -> Offence:
    found = rule.query()
    keys = data.query(found) if rule.whole_table else _examples(data, found)
    values = ", ".join(_shown(value) for value in keys["value"].dropna().unique()[:3])
    return Offence(
        severity=rule.severity,
        rule=rule.file,
        where=rule.where,
        count=count,
        problem=rule.says.replace("{value}", values),
        cure=rule.cure.replace("{value}", values),
        rows=() if rule.whole_table else tuple(_row(*row) for row in keys.itertuples(index=False)),
    )


def _count(data: Data, rule: Rule) -> int:
    found = rule.query()
    if rule.whole_table:
        frame = data.query(found)
        return int(frame["offenders"].iloc[0]) if len(frame) else 0
    query = exp.select("COUNT(*) AS n").from_(exp.Subquery(this=found, alias="found"))
    return int(data.query(query)["n"].iloc[0])


def _examples(data: Data, found: sql.Expression) -> pd.DataFrame:
    rows = exp.select("row_number", "key", "value").from_(exp.Subquery(this=found, alias="found"))
    return data.query_rows(rows.order_by("row_number", "key").limit(EXAMPLES))


def _row(number: object, key: object, value: object) -> str:
    """Return the words for one offender: its key, its value and its place in the file."""
    parts = [] if pd.isna(key) else [_shown(key)]  # type: ignore[call-overload]
    parts += [] if pd.isna(value) else [f"= {_shown(value)}"]  # type: ignore[call-overload]
    parts += [] if pd.isna(number) else [f"(row {int(str(number).split('.')[0])})"]  # type: ignore[call-overload]
    return " ".join(parts)


def _shown(value: object) -> str:
    """Return a customer's text with quotes, on one line, without control characters."""
    text = repr(str(value))
    return text if len(text) <= 60 else f"{text[:57]}…'"


def _only_nulls(data: Data) -> list[Offence]:
    """Find columns that are there and hold nothing, one scan per table."""
    offences = []
    for table, held in data.fields.items():
        names = [f.name for f in held if f.present]
        counts = [exp.func("COUNT", exp.column(exp.to_identifier(n, quoted=True))) for n in names]
        aliased = [exp.alias_(c, f"n{i}") for i, c in enumerate(counts)]
        row = data.query(exp.select("COUNT(*) AS n", *aliased).from_(table)).iloc[0]
        offences += [
            Offence(
                "warning", "only_nulls", f"{table}.{name}", int(row["n"]),
                tr("the column is empty in all rows"),
                tr("Export it again, or leave the column out."), (),
            )
            for i, name in enumerate(names)
            if row["n"] and not row[f"n{i}"] and name not in _MAY_BE_EMPTY
        ]  # fmt: skip
    return offences


def _too_many_groups(data: Data) -> list[Offence]:
    """Find columns that the recipe wants compared and that have too many values for it."""
    return [
        Offence(
            "error", "too_many_groups", f"customers.{name}", values,
            tr("different values of {name}, which group_by names (about)", name=name),
            tr(
                "At most {n} can be compared. Name bands or values for it in the recipe.",
                n=MAX_GROUPS,
            ), (),
        )
        for name in data.recipe.group_by
        if (values := data.values_of(name)) > MAX_GROUPS
    ]  # fmt: skip


def _errors(count: int) -> str:
    return trn("{n} error", "{n} errors", count, n=count) if count else tr("no errors")


def _warnings(count: int) -> str:
    return trn("{n} warning", "{n} warnings", count, n=count) if count else tr("no warnings")
