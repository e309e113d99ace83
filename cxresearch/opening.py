"""Bring one table of a recipe before DuckDB: a DataFrame, a database's table, Parquet or text.

DuckDB's own messages may quote cells, which must not reach a report; so they are never passed on,
nor chained to the errors raised here.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import duckdb
import pandas as pd
from sqlglot import exp

from cxresearch import files, mapping, sql
from cxresearch.contract import TABLES
from cxresearch.errors import DataError
from cxresearch.recipe import Recipe, TableSource
from cxresearch.recipe_reader import expand

Connection = duckdb.DuckDBPyConnection


def scratch() -> Path:
    """Make a temporary folder, and delete those of runs that were killed."""
    here = Path(tempfile.gettempdir())
    for left in here.glob("cxresearch-*-*"):
        pid = left.name.split("-")[1]
        if pid.isdecimal() and not _alive(int(pid)):
            shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=f"cxresearch-{os.getpid()}-"))


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        return True
    return True


def connect(folder: Path, memory_limit: str) -> Connection:
    """Open a temporary database in `folder` that never reaches for the network."""
    connection = duckdb.connect(str(folder / "opened.duckdb"))
    for setting, value in (
        ("memory_limit", memory_limit),
        ("temp_directory", str(folder / "spill")),
        ("autoinstall_known_extensions", False),
        ("TimeZone", "UTC"),
    ):
        connection.execute(f"SET {setting} = {exp.convert(value).sql('duckdb')}")
    # In a terminal DuckDB draws a bar over our own output; in Jupyter it refuses to be told.
    if connection.execute("SELECT current_setting('enable_progress_bar')").fetchall() == [(True,)]:
        connection.execute("SET enable_progress_bar = false")
    return connection


class Opened(NamedTuple):
    """The tables of a recipe: columns with how they are read, native types, files and scans."""

    fields: dict[str, list[mapping.Field]]
    native: dict[str, dict[str, str]]
    files: dict[str, list[str]]
    scans: dict[str, sql.Expression]


def open_tables(
    connection: Connection, recipe: Recipe, frames: Mapping[str, pd.DataFrame], folder: Path
) -> Opened:
    """Create a typed view of every table of a recipe; raise with the problems of all of them."""
    opened = Opened({}, {}, {}, {})
    problems: list[str] = []
    for name, source in recipe.tables.items():
        try:
            if name in frames:
                opened.scans[name] = register(connection, name, frames[name])
            else:
                found = reach(connection, source, recipe.folder, folder)
                opened.scans[name], opened.files[name] = found
            _create_views(connection, source, opened)
        except DataError as error:
            problems.extend(error.problems)
    if problems:
        raise DataError(problems)
    return opened


def _create_views(connection: Connection, source: TableSource, opened: Opened) -> None:
    """Create the table as it is, as the contract has it, and with row numbers for the rules."""
    name = source.name
    connection.execute(view(f"raw_{name}", exp.select("*").from_(opened.scans[name])))
    described = connection.execute(f"DESCRIBE raw_{name}").fetchall()
    native = opened.native[name] = {str(row[0]): str(row[1]) for row in described}
    fields = opened.fields[name] = mapping.fields(TABLES[name], source, native)
    typed = [exp.alias_(f.typed, f.name, quoted=True) for f in fields]
    raw = [exp.alias_(f.raw, f"raw {f.name}", quoted=True) for f in fields if f.raw]
    number = exp.alias_(exp.Window(this=exp.RowNumber()), "row_number")
    try:
        connection.execute(view(name, exp.select(*typed).from_(f"raw_{name}", copy=False)))
        connection.execute(
            view(f"{name}_rows", exp.select(number, *typed, *raw).from_(f"raw_{name}", copy=False))
        )
    except duckdb.Error:
        raise DataError(
            f"{name}: a constant, format or timezone under [{name}] in the recipe cannot be read."
        ) from None


def view(name: str, tree: sql.Expression) -> str:
    """Return the statement that creates one of our views."""
    return f"CREATE VIEW {sql.render(exp.to_table(name))} AS {sql.render(tree)}"


def register(connection: Connection, name: str, frame: pd.DataFrame) -> sql.Expression:
    """Register a DataFrame; what is neither number, flag nor time is read as text."""
    plain = frame.copy(deep=False)
    plain.columns = pd.Index([str(column) for column in plain.columns])
    doubled = sorted(set(plain.columns[plain.columns.duplicated()]))
    if doubled:
        raise DataError(f"{name}: several columns are called {', '.join(map(repr, doubled))}.")
    for column, dtype in plain.dtypes.items():
        if getattr(dtype, "kind", "O") not in "biufM" or isinstance(dtype, pd.SparseDtype):
            plain[column] = plain[column].map(str, na_action="ignore").astype("string")
    try:
        connection.register(f"frame_{name}", plain)
    except duckdb.Error:  # it cannot cast rows that were turned around, as by `frame[::-1]`
        connection.register(f"frame_{name}", plain.copy())
    return exp.to_table(f"frame_{name}")


def reach(
    connection: Connection, source: TableSource, folder: Path, scratch: Path
) -> tuple[sql.Expression, list[str]]:
    """Return what to select from for one table of a recipe, and the files behind it.

    Parameters
    ----------
    folder
        The recipe's own, which its paths are relative to.
    scratch
        A folder for temporary copies.
    """
    if source.table is not None:
        return _attach(connection, source, folder)
    paths = files.find(expand(source.path or "", folder), source.name)
    parquet = [files.is_parquet(path) for path in paths]
    if all(parquet):
        return _scan_parquet(connection, source.name, paths), paths
    if any(parquet):
        raise DataError(
            f"{source.name}: {source.path!r} matches Parquet and text files. Name one kind."
        )
    _load_csv(connection, source, paths, scratch)
    return exp.to_table(f"text_{source.name}"), paths


def _attach(
    connection: Connection, source: TableSource, folder: Path
) -> tuple[sql.Expression, list[str]]:
    """Attach a DuckDB file and return the table that the recipe names in it, and the file."""
    if source.database is None:
        raise DataError(f'{source.name}: table = {source.table!r} needs database = "file.duckdb".')
    path = files.find(expand(source.database, folder), source.name)[0]
    alias = f"source_{source.name}"
    literal = exp.Literal.string(path).sql("duckdb")
    try:
        connection.execute(f"ATTACH {literal} AS {alias} (TYPE duckdb, READ_ONLY)")
    except duckdb.Error as error:
        used = "lock" in str(error).lower()
        why = "is in use by another program; close it" if used else "is no DuckDB database"
        raise DataError(f"{source.name}: {path!r} {why}, or export the table.") from None
    table = exp.table_(
        exp.to_identifier(source.table, quoted=True),
        db=exp.to_identifier(source.schema or "main", quoted=True),
        catalog=alias,
    )
    _probe(connection, table, _no_table(connection, source, alias))
    return table, [path]


def _scan_parquet(connection: Connection, name: str, paths: list[str]) -> sql.Expression:
    """Return a scan of Parquet files whose footers can be read and agree."""
    headers = {}
    for path in paths:
        scan = exp.func("READ_PARQUET", exp.Literal.string(_literally(path)))
        _probe(
            connection, scan, f"{name}: {Path(path).name} is not a Parquet file that can be read"
        )
        described = connection.execute(f"DESCRIBE {sql.render(exp.select('*').from_(scan))}")
        headers[path] = [f"{row[0]} {row[1]}" for row in described.fetchall()]
    files.same_columns(headers, name)
    return exp.func("READ_PARQUET", exp.convert([_literally(path) for path in paths]))


def _literally(path: str) -> str:
    """Return a path in which DuckDB sees no pattern."""
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in path)


def _load_csv(connection: Connection, source: TableSource, paths: list[str], folder: Path) -> None:
    """Parse text files once into the table `text_<name>`: every cell as text, no row lost."""
    utf8, heads = {}, {}
    for path in paths:
        plain = files.as_utf8(path, source.encoding, source.name, folder)
        utf8[path], apart = files.with_header(
            plain, source.delimiter, source.header, source.name, folder
        )
        heads[path] = files.read_header(utf8[path], apart, source.name)
    files.same_columns({path: names for path, (names, _) in heads.items()}, source.name)
    target = f"text_{source.name}"
    for index, (path, (names, delimiter)) in enumerate(heads.items()):
        verb = f"INSERT INTO {target} BY NAME" if index else f"CREATE TABLE {target} AS"
        scan = _csv_scan(utf8[path], names, delimiter)
        try:
            connection.execute(f"{verb} {sql.render(exp.select('*').from_(scan))}")
        except duckdb.Error:
            why = files.diagnose(utf8[path], delimiter, len(names), bool(source.header))
            why = why or "the text cannot be taken apart into rows. Save it as plain CSV."
            raise DataError(f"{source.name}: {Path(path).name}: {why}") from None


def _csv_scan(path: str, names: list[str], delimiter: str) -> sql.Expression:
    """Return a scan that guesses nothing: DuckDB's own guesses may skip lines."""
    columns = exp.Struct(
        expressions=[
            exp.PropertyEQ(this=exp.Literal.string(name), expression=exp.Literal.string("VARCHAR"))
            for name in names
        ]
    )
    options = {
        "auto_detect": exp.false(),
        "header": exp.true(),
        "delim": exp.Literal.string(delimiter),
        "quote": exp.Literal.string('"'),
        "escape": exp.Literal.string('"'),
        "columns": columns,
    }
    named = [
        exp.EQ(this=exp.to_identifier(key), expression=value) for key, value in options.items()
    ]
    return exp.func("READ_CSV", exp.Literal.string(_literally(path)), *named)


def _probe(connection: Connection, relation: sql.Expression, complaint: str) -> None:
    try:
        connection.execute(sql.render(exp.select("*").from_(relation).limit(0)))
    except duckdb.Error:
        raise DataError(f"{complaint}. Mend the recipe, or export it again.") from None


def _no_table(connection: Connection, source: TableSource, alias: str) -> str:
    held = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? UNION "
        "SELECT view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal",
        [alias, alias],
    ).fetchall()
    names = ", ".join(sorted(repr(row[0]) for row in held)) or "none"
    return f"{source.name}: the database has no table {source.table!r}; tables found: {names}"
