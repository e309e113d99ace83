"""Open what a recipe names and run reductions where the data are.

`open_data` reads nothing but the shape of the files; rows are scanned by DuckDB when a reduction
or a rule asks for them, and only counts come back. Memory stays bounded: what has to be kept lies
in a temporary database on disk that is deleted on `close`.
"""

from __future__ import annotations

import hashlib
import shutil
import weakref
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import duckdb
import pandas as pd
from sqlglot import exp

from cxresearch import opening, periods, sql
from cxresearch.errors import DataError
from cxresearch.pipeline import SCORE_GROUP, Pipeline, Request
from cxresearch.recipe import Recipe, build_recipe, read_recipe
from cxresearch.tables import LifeTable, PeriodTable

MAX_GROUPS: Final = 100
_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12}


def open_data(
    data: str | Path | Recipe = "data/sample",
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    memory_limit: str = "1GB",
) -> Data:
    """Open the data that a recipe describes.

    Parameters
    ----------
    data
        A recipe, its path, or a folder that holds a `data.toml`.
    tables
        DataFrames to use in place of the recipe's files, by the contract's table name.
    memory_limit
        What DuckDB may hold in memory; the rest is spilled to a temporary file.

    Raises
    ------
    DataError
        Naming every table that cannot be read, and why.
    """
    recipe = data if isinstance(data, Recipe) else read_recipe(data)
    return Data(recipe, tables or {}, memory_limit)


def open_frames(frames: Mapping[str, pd.DataFrame], **recipe: object) -> Data:
    """Open DataFrames named as in the contract; `recipe` holds a recipe's other keys.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"customer_id": ["1", "2"], "tenure": [3, 5], "churned": [1, 0]})
    >>> with open_frames({"customers": customers}) as data:
    ...     print(int(data.life_table().churned.sum()))
    1
    """
    described = recipe.pop("columns", {})
    unknown = sorted(set(described) - set(frames)) if isinstance(described, Mapping) else []
    if unknown:
        raise DataError(f"columns are given for {', '.join(unknown)}, which is no DataFrame here.")
    content = {"name": "DataFrames", **recipe}
    for name in frames:
        columns = described.get(name, {}) if isinstance(described, Mapping) else {}
        content[name] = {"path": f"<DataFrame {name}>", "columns": columns}
    return open_data(build_recipe(content, folder=Path.cwd()), tables=frames)


class Data:
    """An opened extract: its tables under the contract's names, and its reductions."""

    def __init__(
        self, recipe: Recipe, frames: Mapping[str, pd.DataFrame], memory_limit: str
    ) -> None:
        self.recipe = recipe
        self._frames = dict(frames)
        self._folder = opening.scratch()
        self._connection = opening.connect(self._folder, memory_limit)
        self._cleanup = weakref.finalize(self, _discard, self._connection, self._folder)
        self._kept: set[str] = set()
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

    @property
    def currency(self) -> str | None:
        """The currency of every amount."""
        return self.recipe.currency

    @property
    def snapshot_months(self) -> int | None:
        """How far back the churned flag reaches, where the extract is a snapshot."""
        return self.recipe.snapshot_months

    def columns(self, group_by: str) -> list[str]:
        """Return the columns named in `group_by`, with commas between; empty: the recipe's."""
        named = [name.strip() for name in group_by.split(",") if name.strip()]
        return named or list(self.recipe.group_by)

    @property
    def attributes(self) -> list[str]:
        """The customers' columns that one can group by."""
        return self.pipeline.attributes

    @cached_property
    def fingerprint(self) -> str:
        """The first 16 hex digits of a SHA-256 over the recipe and all that it reads."""
        digest = hashlib.sha256(repr(self.recipe).replace(str(self.recipe.folder), "").encode())
        for name, frame in sorted(self._frames.items()):
            digest.update(name.encode())
            digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
        for path in sorted({path for paths in self.files.values() for path in paths}):
            with Path(path).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        return digest.hexdigest()[:16]

    def rows(self, table: str) -> int:
        """Return the number of rows of a table of the contract."""
        return int(self.query(exp.select("COUNT(*) AS n").from_(table))["n"].iloc[0])

    def query(self, tree: sql.Expression) -> pd.DataFrame:
        """Run a query and return its (small) result."""
        return self._run(sql.render(tree)).df()

    def query_column(self, table: str, column: str) -> list[object]:
        """Return one column of a table of the contract, in the order of the rows."""
        frame = self.query(exp.select(sql.column(column)).from_(table))
        return list(frame[column])

    def reduction_sql(
        self,
        name: str,
        group_by: Sequence[str] = (),
        dialect: str = "duckdb",
        period: str = "month",
    ) -> str:
        """Return a reduction as one self-contained query in `dialect`.

        Where the data are Parquet files and the dialect is DuckDB's, the query can be run as it
        stands; otherwise it reads tables named as in the recipe.
        """
        files_only = all(isinstance(scan, exp.Func) for scan in self._scans.values())
        scans = self._scans if dialect == "duckdb" and files_only else None
        request = Request(name, group_by, _months(period))
        return self.pipeline.text(request, dialect, scans)

    def life_table(self, group_by: Sequence[str] = ()) -> LifeTable:
        """Return counts per group, replicate and month of tenure.

        Parameters
        ----------
        group_by
            Attributes of the customers, and `score_group` for promoter, passive and detractor by
            each customer's first valid answer, at risk from that answer on.

        Raises
        ------
        DataError
            When a column is not there or has more than 100 different values.
        """
        columns = _unique(group_by)
        counts = self._reduce(Request("life_table", columns))
        return LifeTable.from_counts(
            counts, columns, as_of=self.as_of, population=self.pipeline.population(columns)
        )

    def period_table(self, period: str = "month", group_by: Sequence[str] = ()) -> PeriodTable:
        """Return, per calendar period, the customers at its start and how many of them left.

        Parameters
        ----------
        period
            "month", "quarter" or "year"; only periods that are observed whole are returned.
        """
        months = _months(period)
        columns = _unique(group_by)
        moves = self._reduce(Request("period_table", columns, months))
        window = periods.Window(self.pipeline.first_month, self.pipeline.end_month, months)
        counts = periods.at_start(moves, columns, window)
        return PeriodTable.from_counts(counts, columns, period=period, as_of=self.as_of)

    def waterfall(self, *, by_score: bool = False) -> pd.DataFrame:
        """Return how many customers are used and how many are not, with the reason."""
        return self._reduce(Request("waterfall", [SCORE_GROUP] if by_score else []))

    def answers(self) -> pd.DataFrame:
        """Return how many survey answers are valid and how many are not, with the reason."""
        return self.query(self.pipeline.reduction(Request("answer_counts")))

    def _reduce(self, request: Request) -> pd.DataFrame:
        tree = self.pipeline.reduction(request)
        self._check_groups(request.group_by)
        spells = "spells_by_score" if SCORE_GROUP in request.group_by else "spells"
        self._materialise(spells)
        self._check_combinations(request.group_by, spells)
        return self.query(tree)

    def _run(self, text: str) -> duckdb.DuckDBPyConnection:
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

    def _materialise(self, spells: str) -> None:
        """Keep the risk set with the opened data: its MD5 is the costly part of a reduction."""
        if spells in self._kept:
            return
        tree = self.pipeline.kept(spells, self.groupable)
        create = exp.Create(this=exp.to_table(f"kept_{spells}"), kind="TABLE", expression=tree)
        self._run("SET preserve_insertion_order = false")
        self._run(sql.render(create))
        self._run("SET preserve_insertion_order = true")
        self._run(f"DROP VIEW {spells}")
        self._run(f"ALTER TABLE kept_{spells} RENAME TO {spells}")
        self._kept.add(spells)

    @cached_property
    def _cardinality(self) -> dict[str, int]:
        """About how many different values each attribute has, in one scan."""
        if not self.attributes:
            return {}
        counted = [
            exp.alias_(exp.func("APPROX_COUNT_DISTINCT", sql.column(name)), name, quoted=True)
            for name in self.attributes
        ]
        frame = self.query(exp.select(*counted).from_("customers"))
        return {str(name): int(frame[name].iloc[0]) for name in frame}

    @cached_property
    def groupable(self) -> list[str]:
        """The attributes with few enough values to group by."""
        return [name for name, values in self._cardinality.items() if values <= MAX_GROUPS * 1.1]

    def values_of(self, name: str) -> int:
        """Return about how many different values an attribute has."""
        return self._cardinality.get(name, 0)

    def _check_groups(self, group_by: Sequence[str]) -> None:
        known = [*self.attributes, SCORE_GROUP]
        problems = [self.pipeline.unknown_group(name) for name in group_by if name not in known]
        many = [
            f"customers: column {name!r} has about {self._cardinality[name]:,} different values, "
            f"at most {MAX_GROUPS} can be compared. Name bands or values for it in the recipe."
            for name in group_by
            if name in self._cardinality and name not in self.groupable
        ]
        if problems or many:
            raise DataError([*problems, *many])

    def _check_combinations(self, group_by: Sequence[str], spells: str) -> None:
        if len(group_by) < 2:
            return
        distinct = (
            exp.select(*map(sql.column, group_by)).distinct().from_(spells).limit(MAX_GROUPS + 1)
        )
        if len(self.query(distinct)) > MAX_GROUPS:
            raise DataError(
                f"customers: {' and '.join(group_by)} have more than {MAX_GROUPS} combinations of "
                "values, which is too many to compare. Take fewer columns, or name bands for them."
            )


def _unique(group_by: Sequence[str]) -> list[str]:
    return list(dict.fromkeys([group_by] if isinstance(group_by, str) else group_by))


def _months(period: str) -> int:
    if period not in _MONTHS:
        raise DataError(f"period == {period!r}, must be one of: {', '.join(_MONTHS)}.")
    return _MONTHS[period]


def _discard(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    connection.close()
    shutil.rmtree(folder, ignore_errors=True)
