"""Bring one table of a recipe before DuckDB: a DataFrame, a database's table, Parquet or text."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pandas as pd
from sqlglot import exp

from cxresearch import files, sql
from cxresearch.errors import DataError
from cxresearch.recipe import TableSource, expand

Connection = duckdb.DuckDBPyConnection


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


def first_line(error: duckdb.Error) -> str:
    """Return the first line of a DuckDB message, without the code listing below it."""
    return str(error).splitlines()[0]


def register(connection: Connection, name: str, frame: pd.DataFrame) -> sql.Expression:
    """Register a DataFrame; cells of mixed types are read as text, as they would be from a file."""
    plain = frame.copy(deep=False)
    plain.columns = pd.Index([str(column) for column in plain.columns])
    for column in plain.select_dtypes(include=[object]).columns:
        plain[column] = plain[column].map(str, na_action="ignore").astype("string")
    connection.register(f"frame_{name}", plain)
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
        connection.execute(f"ATTACH {literal} AS {alias} (READ_ONLY)")
    except duckdb.Error as error:
        raise DataError(
            f"{source.name}: {path!r} is not a DuckDB database that can be read "
            f"({first_line(error)})."
        ) from error
    table = exp.table_(
        exp.to_identifier(source.table, quoted=True),
        db=exp.to_identifier(source.schema or "main", quoted=True),
        catalog=alias,
    )
    _probe(connection, table, _no_table(connection, source, alias))
    return table, [path]


def _scan_parquet(connection: Connection, name: str, paths: list[str]) -> sql.Expression:
    """Return a scan of Parquet files whose footers can be read."""
    scan = exp.func("READ_PARQUET", exp.convert(paths))
    _probe(
        connection, scan, f"{name}: {Path(paths[0]).name} is not a Parquet file that can be read"
    )
    return scan


def _load_csv(connection: Connection, source: TableSource, paths: list[str], folder: Path) -> None:
    """Parse text files once into the table `text_<name>`: every cell as text, no row lost."""
    for index, path in enumerate(paths):
        utf8 = files.as_utf8(path, source.encoding, source.name, folder)
        names, delimiter = files.read_header(utf8, source.delimiter, source.name)
        target = f"text_{source.name}"
        verb = f"INSERT INTO {target} BY NAME" if index else f"CREATE TABLE {target} AS"
        scan = _csv_scan(utf8, names, delimiter)
        try:
            connection.execute(f"{verb} {sql.render(exp.select('*').from_(scan))}")
        except duckdb.Error as error:
            why = files.diagnose(utf8, delimiter, len(names)) or first_line(error)
            raise DataError(f"{source.name}: {Path(path).name}: {why}") from error


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
    return exp.func("READ_CSV", exp.Literal.string(path), *named)


def _probe(connection: Connection, relation: sql.Expression, complaint: str) -> None:
    try:
        connection.execute(sql.render(exp.select("*").from_(relation).limit(0)))
    except duckdb.Error as error:
        raise DataError(
            f"{complaint} ({first_line(error)}). Mend the recipe, or export again."
        ) from error


def _no_table(connection: Connection, source: TableSource, alias: str) -> str:
    held = connection.execute(
        "SELECT table_name FROM duckdb_tables() WHERE database_name = ? UNION "
        "SELECT view_name FROM duckdb_views() WHERE database_name = ? AND NOT internal",
        [alias, alias],
    ).fetchall()
    names = ", ".join(sorted(repr(row[0]) for row in held)) or "none"
    return f"{source.name}: the database has no table {source.table!r}; tables found: {names}"
