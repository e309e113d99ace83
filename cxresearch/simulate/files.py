"""Writing a simulation: Parquet through DuckDB, the recipe, and a folder all at once."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from cxresearch._format import plural
from cxresearch.errors import CxError
from cxresearch.simulate import settings as s
from cxresearch.simulate.world import World

MARK = "# Written by cxresearch: simulated customers with known truth."

_RECIPE = """{mark}
name = "Simulated telecom"
note = "These customers are simulated; truth.json holds the answers an analysis should find."
as_of = {as_of}
observed_from = {observed_from}
{fit_until}currency = "{currency}"
group_by = ["plan"]

[scales]
nps = {{ min = 0, max = 10 }}
csat = {{ min = 1, max = 5 }}
{tables}"""

_HELD_BACK = 12  # months

_FLAT_TABLE = """
CREATE TABLE flat (customer_id VARCHAR, start_date DATE, end_date DATE, plan VARCHAR,
  region VARCHAR)"""
_FLAT_ROWS = """
INSERT INTO flat
SELECT 'C' || lpad(CAST(number AS VARCHAR), $width, '0'), CAST(start_date AS DATE),
  CAST(end_date AS DATE), $plans[plan + 1], $regions[region + 1]
FROM chunk"""
_FLAT_COPY = "COPY flat TO '{path}' (FORMAT parquet, COMPRESSION zstd)"


def write_tables(
    folder: Path, tables: Mapping[str, pd.DataFrame], truth: Mapping[str, Any], settings: s.Settings
) -> None:
    """Write one Parquet file per table, the recipe and the truth."""
    with duckdb.connect() as connection:
        connection.execute("SET pandas_analyze_sample = 0")  # None-only samples stay text
        for name, table in tables.items():
            _write_parquet(connection, table, folder / f"{name}.parquet")
    (folder / "data.toml").write_text(recipe(settings, tables), encoding="utf-8")
    text = json.dumps(truth, indent=1, ensure_ascii=False, allow_nan=False)
    (folder / "truth.json").write_text(text + "\n", encoding="utf-8")


def recipe(settings: s.Settings, tables: Collection[str]) -> str:
    """Return the text of the sample's `data.toml`; the paths are relative to it."""
    return _RECIPE.format(
        mark=MARK,
        as_of=settings.as_of,
        observed_from=settings.observed_from,
        fit_until=_fit_until(settings) if "transactions" in tables else "",
        currency=s.CURRENCY,
        tables="".join(f'\n[{name}]\npath = "{name}.parquet"\n' for name in tables),
    )


def _fit_until(settings: s.Settings) -> str:
    """Hold back the last year of purchases, where that leaves a year or more to fit to."""
    if settings.months < 2 * _HELD_BACK:
        return ""
    return f"fit_until = {s.shift(settings.last_day, -_HELD_BACK)}\n"


def write_flat(path: Path, worlds: Iterable[World], customers: int) -> None:
    """Write start, end, plan and region of many worlds into one file, a world at a time."""
    parameters = {"width": max(6, len(str(customers))), "plans": list(s.PLANS)}
    parameters["regions"] = list(s.REGIONS)
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        part = Path(scratch, "part.parquet")
        with duckdb.connect(str(Path(scratch, "flat.duckdb"))) as connection:
            connection.execute("SET memory_limit = '1GB'")
            connection.execute(_FLAT_TABLE)
            for chunk in _numbered(worlds):
                connection.register("chunk", chunk)
                connection.execute(_FLAT_ROWS, parameters)
            connection.execute(_FLAT_COPY.format(path=str(part).replace("'", "''")))
        part.replace(path)


@contextmanager
def whole_folder(directory: Path, *, overwrite: bool) -> Iterator[Path]:
    """Give a scratch folder that takes the place of `directory` once everything is in it."""
    with writable(directory):
        _check_target(directory, overwrite=overwrite)
        directory.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{directory.name}-", dir=directory.parent))
    try:
        new = scratch / "new"
        new.mkdir()
        yield new
        _swap(new, directory, scratch / "old")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def check_room(directory: Path, needed: int, customers: int) -> None:
    """Raise when the disk would not hold the files, before anything is simulated."""
    place = next(path for path in (directory, *directory.parents) if path.exists())
    free = shutil.disk_usage(place).free
    most = customers * free // needed
    if most < 1:
        raise CxError(f"{place} has no room for files: name a place on another disk.")
    if most < customers:
        raise CxError(
            f"{customers:,} customers need about {needed / 1e9:,.1f} GB and {place} has "
            f"{free / 1e9:,.1f} GB free: simulate at most {most:,} {plural('customer', most)}, "
            "or write to another disk."
        )


@contextmanager
def writable(place: Path) -> Iterator[None]:
    """Say which place cannot be written when something in the block cannot."""
    try:
        yield
    except OSError as error:
        raise CxError(
            f"{place} cannot be written ({error.strerror}): name a place where you may write files."
        ) from error


def _write_parquet(connection: duckdb.DuckDBPyConnection, table: pd.DataFrame, path: Path) -> None:
    dates = table.select_dtypes("datetime").columns
    as_dates = ", ".join(f'CAST("{name}" AS DATE) AS "{name}"' for name in dates)
    connection.register("rows", table)
    target = str(path).replace("'", "''")
    rows = f"SELECT * REPLACE ({as_dates}) FROM rows" if as_dates else "FROM rows"
    connection.execute(f"COPY ({rows}) TO '{target}' (FORMAT parquet, COMPRESSION zstd)")
    connection.unregister("rows")


def _numbered(worlds: Iterable[World]) -> Iterator[pd.DataFrame]:
    first = 1
    for world in worlds:
        people, end, kept = world.people, world.lives.end, world.kept
        seen = np.where(end <= world.settings.last_day, end, np.datetime64("NaT"))[kept]
        yield pd.DataFrame(
            {
                "number": np.arange(first, first + len(kept)),
                "start_date": people.start[kept],
                "end_date": seen,
                "plan": people.plan[kept],
                "region": people.region[kept],
            }
        )
        first += len(kept)


def _check_target(directory: Path, *, overwrite: bool) -> None:
    if directory.exists() and not directory.is_dir():
        raise CxError(f"{directory} is a file, must be a folder: name another folder.")
    strangers = _strangers(directory)
    if strangers and not overwrite:
        raise CxError(
            f"{directory} holds {strangers[0].name!r}, which no simulation wrote: name an empty "
            "folder, or ask to overwrite, which replaces the sample's files and keeps the others."
        )


def _strangers(directory: Path) -> list[Path]:
    """Everything in the folder that is not part of a sample that we wrote."""
    if not directory.exists():
        return []
    mine = {"data.toml", "truth.json", *(f"{name}.parquet" for name in s.TABLES)}
    recipe_file = directory / "data.toml"
    ours = recipe_file.is_file() and recipe_file.read_bytes().startswith(MARK.encode())
    return sorted(path for path in directory.iterdir() if not ours or path.name not in mine)


def _swap(new: Path, directory: Path, old: Path) -> None:
    """Put the new folder in place; files of others are never moved, so ours go in singly."""
    try:
        if _strangers(directory):
            for path in sorted(new.iterdir(), key=lambda path: path.name == "data.toml"):
                path.replace(directory / path.name)
        else:
            _exchange(new, directory, old)
    except OSError as error:
        raise CxError(
            f"{directory} cannot be replaced ({error.strerror}): check its permissions, or name "
            "a new folder inside it."
        ) from error


def _exchange(new: Path, directory: Path, old: Path) -> None:
    try:
        if directory.exists():
            directory.rename(old)
        new.rename(directory)
    finally:
        if old.exists() and not directory.exists():
            old.rename(directory)
