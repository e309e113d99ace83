"""An opened extract and how queries run on it; what is counted is in the modules that build on it.

Rows are scanned by DuckDB when a reduction or a rule asks for them, and only counts come back.
Memory stays bounded: what has to be kept lies in a temporary database on disk that is deleted on
`close`.
"""

from __future__ import annotations

import shutil
import weakref
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import duckdb
import pandas as pd
from sqlglot import exp

from cxresearch import opening, sql
from cxresearch._cells import MIN_NAMED, steady
from cxresearch._shared import recall, shares
from cxresearch.designs import Design
from cxresearch.errors import DataError
from cxresearch.fingerprint import fingerprint
from cxresearch.pipeline import Pipeline
from cxresearch.recipe import Recipe

MAX_GROUPS: Final = 100
# Cells of groups and what was known before: they are pooled before anything is shown.
MAX_CELLS: Final = 1000
_MAIL: Final = "%_@_%._%"


class _Attribute(NamedTuple):
    """About how many different values a column of customers has, and how many are addresses."""

    values: int
    addresses: int


class Engine:
    """The tables of a recipe under the contract's names, and a place to run queries."""

    def __init__(
        self, recipe: Recipe, frames: Mapping[str, pd.DataFrame], memory_limit: str
    ) -> None:
        self.recipe = recipe
        self._frames = dict(frames)
        self._folder = opening.scratch()
        self._connection = opening.connect(self._folder, memory_limit)
        self._cleanup = weakref.finalize(self, _discard, self._connection, self._folder)
        self._kept: dict[str, str] = {}  # what makes each relation, in order of dependence
        self._made: set[str] = set()  # those of them that a query has needed
        self._recalled: dict[str, pd.DataFrame] = {}
        try:
            opened = opening.open_tables(self._connection, recipe, frames, self._folder)
            self.fields, self.files, self._scans = opened.fields, opened.files, opened.scans
            self.pipeline = Pipeline(recipe, self.fields, opened.native)
            for name, relation in self.pipeline.relations.items():
                self._run(opening.view(name, relation))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget the data and delete what was kept on disk."""
        self._cleanup()

    @property
    def name(self) -> str:
        """The extract's name."""
        return self.recipe.name

    @property
    def note(self) -> str:
        """What readers must know about the extract."""
        return self.recipe.note

    @property
    def as_of(self) -> str | None:
        """The last day of the extract, ISO; None where it holds no dates."""
        return self.recipe.as_of.isoformat() if self.recipe.as_of else None

    def columns(self, group_by: str) -> list[str]:
        """Return the columns named in `group_by`, with commas between; empty: the recipe's."""
        return split_names(group_by) or list(self.recipe.group_by)

    @property
    def attributes(self) -> list[str]:
        """The customers' columns that one can group by."""
        return self.pipeline.attributes

    def rows(self, table: str) -> int:
        """Return the number of rows of a table of the contract."""
        return int(self.query(exp.select("COUNT(*) AS n").from_(table))["n"].iloc[0])

    def query(self, tree: sql.Expression) -> pd.DataFrame:
        """Return the (small) result of a query for counts, which the reports of a run share.

        Its rows are in order, or sums over them would have other last digits in every run.
        """
        text = sql.render(tree)
        settled = tree.args.get("order") or tree.args.get("limit")
        ordered = text if settled else f"{text} ORDER BY ALL"

        def count() -> pd.DataFrame:
            return steady(self._run(ordered).df())

        return self.counted_once(self._all_of(text), count)

    def query_rows(self, tree: sql.Expression) -> pd.DataFrame:
        """Return the result of a query for rows of customers, which is shared with nobody."""
        return self._run(sql.render(tree)).df()

    def query_once(self, tree: sql.Expression) -> pd.DataFrame:
        """Return the (small) result of a query about whole tables, which is run but once."""
        text = sql.render(tree)
        if text not in self._recalled:
            self._recalled[text] = self.query(tree)
        return self._recalled[text].copy()

    def counted_once(self, what: str, count: Callable[[], pd.DataFrame]) -> pd.DataFrame:
        """Return counts of many queries together, which the reports of a run share.

        Parameters
        ----------
        what
            Says all that they depend on besides the data.
        count
            Makes them.
        """
        if self._frames or not shares():
            return count()
        return recall(f"{self.fingerprint}\n{what}", count)

    def query_column(self, table: str, column: str) -> list[object]:
        """Return one column of a table of the contract, in the order of the rows."""
        frame = self.query_rows(exp.select(sql.column(column)).from_(table))
        return list(frame[column])

    @cached_property
    def fingerprint(self) -> str:
        """The first 16 hex digits of a SHA-256 over the recipe and all that it reads."""
        paths = [path for found in self.files.values() for path in found]
        return fingerprint(self.recipe, paths, self._frames)

    def _all_of(self, text: str) -> str:
        """Return all that a result depends on but the data: query, and what it reads of ours."""
        made = [self._kept[name] for name in self._behind(text)]
        return "\n".join([text, *made])

    def _behind(self, text: str) -> list[str]:
        """Return what a query reads of what is kept, directly or not, in order of dependence."""
        texts, names = [text], set[str]()
        for each in texts:  # which grows meanwhile
            new = {name for name in self._kept if name in each} - names
            names |= new
            texts += [self._kept[name] for name in new]
        return [name for name in self._kept if name in names]

    def _run(self, text: str) -> duckdb.DuckDBPyConnection:
        """Run a statement, and before it what makes the relations that it reads."""
        for name in self._behind(text):
            if name not in self._made:
                self._execute("SET preserve_insertion_order = false")
                self._execute(self._kept[name])
                self._execute("SET preserve_insertion_order = true")
                self._made.add(name)
        return self._execute(text)

    def _execute(self, text: str) -> duckdb.DuckDBPyConnection:
        try:
            return self._connection.execute(text)
        except (duckdb.Error, RuntimeError) as error:
            if "interrupt" in str(error).lower():
                raise KeyboardInterrupt from None
            # DuckDB's message may quote a cell, and a notebook would keep it in its traceback.
            raise DataError(
                f"A query failed ({type(error).__name__}): the data changed while they were "
                "read, or a file is damaged. Run `cxresearch check`, or export again."
            ) from None

    def _materialise(self, design: Design | None = None, *, money: bool = False) -> str:
        """Keep the risk set with the opened data, once; return the name it is kept under.

        It is made when a query reads it, which may be never where another report has counted:
        its MD5 is the costly part of a reduction. For `money` each row of a follow-up also says
        whose it is, when its clock began, and what the customer pays monthly.
        """
        name = f"kept_{'paid_' if money else ''}{design.table if design else 'spells'}"
        if name not in self._kept:
            if design:
                self._materialise_answers(design)
            self._keep(name, self.pipeline.kept(design, self.groupable, money=money))
        return name

    def _materialise_answers(self, design: Design) -> None:
        """Create the views of a design; what was known at each answer is kept."""
        if "kept_answers" not in self._kept:
            self._keep("kept_answers", exp.select("*").from_("known_answers"))
        views = self.pipeline.design(design, self.groupable, "kept_answers")
        for name in [name for name in views if name not in self._kept]:
            self._kept[name] = opening.view(name, views[name])

    def _keep(self, name: str, tree: sql.Expression) -> None:
        create = exp.Create(this=exp.to_table(name), kind="TABLE", expression=tree)
        self._kept[name] = sql.render(create)

    @cached_property
    def _known(self) -> dict[str, _Attribute]:
        """What a single scan tells of each attribute."""
        facts = [
            exp.alias_(of, f"{fact} {name}", quoted=True)
            for name in self.attributes
            for fact, of in (
                ("values", exp.func("APPROX_COUNT_DISTINCT", sql.column(name))),
                ("addresses", exp.func("COUNT_IF", sql.column(name).like(_MAIL))),
            )
        ]
        if not facts:
            return {}
        row = self.query(exp.select(*facts).from_(self.pipeline.people)).iloc[0]
        return {
            name: _Attribute(int(row[f"values {name}"]), int(row[f"addresses {name}"]))
            for name in self.attributes
        }

    @cached_property
    def groupable(self) -> list[str]:
        """The attributes with few enough values to group by."""
        return [name for name, of in self._known.items() if of.values <= MAX_GROUPS * 1.1]

    def values_of(self, name: str) -> int:
        """Return about how many different values an attribute has."""
        return self._known[name].values if name in self._known else 0

    def _check_groups(self, group_by: Sequence[str], design: Design | None = None) -> None:
        known = self.pipeline.groups(design)
        problems = [self.pipeline.unknown_group(n, design) for n in group_by if n not in known]
        problems += [*self._many_problems(group_by), *self._mail_problems(group_by)]
        if problems:
            raise DataError(problems)

    def _many_problems(self, group_by: Sequence[str]) -> list[str]:
        return [
            f"customers: column {name!r} has about {self._known[name].values:,} different values, "
            f"at most {MAX_GROUPS} can be compared. Name bands or values for it in the recipe."
            for name in group_by
            if name in self._known and name not in self.groupable
        ]

    def _mail_problems(self, group_by: Sequence[str]) -> list[str]:
        return [
            f"customers: column {name!r} holds e-mail addresses, which name people and would stand "
            "in every report. Name other values for it in the recipe, or group by another column."
            for name in group_by
            if name in self._known and self._known[name].addresses
        ]

    def _check_combinations(self, group_by: Sequence[str], spells: str, most: int) -> None:
        if len(group_by) < 2:
            return
        distinct = exp.select(*map(sql.column, group_by)).distinct().from_(spells).limit(most + 1)
        check_combinations(group_by, self.query(distinct), most)


def check_combinations(group_by: Sequence[str], rows: pd.DataFrame, most: int = MAX_GROUPS) -> None:
    """Raise when rows hold more combinations of values of the columns than can be compared."""
    if group_by and len(rows[list(group_by)].drop_duplicates()) > most:
        raise DataError(
            f"customers: {' and '.join(group_by)} have more than {most} combinations of "
            "values, which is too many to compare. Take fewer columns, or name bands for them."
        )


def taken_problems(names: Iterable[str], taken: Container[str]) -> list[str]:
    """Return what to say of columns that are called as something of ours is called."""
    return [
        f"customers: {name!r} has a meaning of its own here, must be another name: give the "
        f'column one under [customers.columns], e.g. my_{name} = "{name}".'
        for name in names
        if name.lower() in taken
    ]


def nameable(customers: Mapping[str, int]) -> list[str]:
    """Return the labels that enough customers share for a message or a figure to name them."""
    return [label for label, n in customers.items() if n >= MIN_NAMED]


def named_labels(customers: Mapping[str, int], most: int = 6) -> str:
    """Return labels in quotes for a message, by their customers, and how many are not named."""
    named = [repr(label) for label in nameable(customers)[:most]]
    others = len(customers) - len(named)
    if others:
        rare = f"of fewer than {MIN_NAMED} customers each"
        named.append(f"{others} {'not named here' if named else rare}")
    return ", ".join(named)


def numbered(rows: pd.DataFrame) -> pd.DataFrame:
    """Return counts with their replicate, two hex digits, as a number."""
    return rows.assign(replicate=rows["replicate"].map(lambda text: int(text, 16)).astype("int64"))


def unique(group_by: Sequence[str]) -> list[str]:
    """Return column names, each once; one name may come without a list."""
    return list(dict.fromkeys([group_by] if isinstance(group_by, str) else group_by))


def split_names(text: str) -> list[str]:
    """Return the names in a text with commas between."""
    return [name.strip() for name in text.split(",") if name.strip()]


def _discard(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)
