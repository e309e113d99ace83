"""From a company's columns to the contract's: one typed SELECT per table."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sqlglot import exp, parse_one

from cxresearch import sql
from cxresearch.contract import Column, Kind, Table
from cxresearch.errors import DataError
from cxresearch.recipe import ColumnMap, TableSource

_TEXT: Final = "NULLIF(TRIM(CAST(\"@x\" AS TEXT)), '')"
_TRUE: Final = ("true", "t", "yes", "y", "1", "1.0")
_FALSE: Final = ("false", "f", "no", "n", "0", "0.0")
_TYPES: Final[Mapping[Kind, str]] = {
    "id": "TEXT", "text": "TEXT", "date": "DATE", "month": "DATE",
    "number": "DOUBLE", "count": "INTEGER", "flag": "BOOLEAN", "score": "DOUBLE",
}  # fmt: skip

_NUMBER: Final = f"TRY_CAST({_TEXT} AS DOUBLE)"
_FINITE: Final = f"CASE WHEN ISFINITE({_NUMBER}) THEN {_NUMBER} END"

# What a cell must look like; a cell that does not becomes NULL here and an offender in the check.
_READ: Final[Mapping[Kind, str]] = {
    "id": "NULLIF(CAST(\"@x\" AS TEXT), '')",
    "text": _TEXT,
    "date": f"CAST(TRY_CAST({_TEXT} AS TIMESTAMP) AS DATE)",
    "month": f"CAST(TRY_CAST(CASE WHEN LENGTH({_TEXT}) = 7 THEN {_TEXT} || '-01' ELSE {_TEXT} END "
    "AS TIMESTAMP) AS DATE)",
    "number": _FINITE,
    "score": _FINITE,
    "count": f"CASE WHEN {_NUMBER} = FLOOR({_NUMBER}) THEN TRY_CAST({_NUMBER} AS INTEGER) END",
}
# Columns that are already of the right type need no reading of text, which costs time.
_NATIVE: Final[Mapping[Kind, tuple[str, ...]]] = {
    "id": ("VARCHAR",),
    "date": ("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"),
    "month": ("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S"),
    "count": ("TINYINT", "SMALLINT", "INTEGER", "UTINYINT", "USMALLINT"),
    "flag": ("BOOLEAN",),
}


@dataclass(frozen=True)
class Field:
    """One column of a typed table: its name, its kind and where it comes from.

    `raw` is the cell as text before it is read, None for a constant or an absent column, which is
    not `present`.
    """

    name: str
    kind: Kind
    typed: sql.Expression
    raw: sql.Expression | None = None
    present: bool = True


def fields(
    table: Table, source: TableSource, native: Mapping[str, str], *, trusted: bool = False
) -> list[Field]:
    """Return every column of the contract's `table`, and the attributes of the customers.

    Parameters
    ----------
    native
        The columns of the company's table and their DuckDB types.
    trusted
        The columns have the right types already, as in a warehouse, and are only cast.

    Raises
    ------
    DataError
        When a column that the recipe names, or a required one, is not there.
    """
    _check_present(table, source, native)
    contract = [_field(column, source, native, trusted) for column in table]
    return contract + [_attribute(name, source) for name in _attributes(table, source, native)]


def _field(column: Column, source: TableSource, native: Mapping[str, str], trusted: bool) -> Field:
    mapped = source.columns.get(column.name, ColumnMap(column=column.name))
    if mapped.column is None or mapped.column not in native:
        constant = exp.null() if mapped.value is None else exp.Literal.string(mapped.value)
        cast = exp.cast(constant, _TYPES[column.kind])
        return Field(column.name, column.kind, cast, present=mapped.value is not None)
    raw = _reference(mapped.column, column.name)
    if trusted and not (mapped.true or mapped.false):
        typed: sql.Expression = exp.cast(raw.copy(), _TYPES[column.kind])
    else:
        typed = _typed(column.kind, mapped, raw, (native[mapped.column], source.decimal))
    return Field(column.name, column.kind, _renamed(typed, mapped), _piece(_TEXT, raw))


def _attribute(name: str, source: TableSource) -> Field:
    mapped = source.columns.get(name, ColumnMap(column=name))
    if mapped.value is not None:
        return Field(name, "text", exp.Literal.string(mapped.value))
    raw = sql.column(mapped.column or name)
    if mapped.bands:
        return Field(name, "text", _banded(raw, mapped.bands))
    text = _piece(_TEXT, raw)
    return Field(name, "text", _renamed(text, mapped))


def _reference(physical: str, contract: str) -> exp.Column:
    """Return a column; quoted unless it is the contract's own (and therefore harmless) name."""
    return exp.column(contract) if physical == contract else sql.column(physical)


def _typed(
    kind: Kind, mapped: ColumnMap, raw: sql.Expression, native: tuple[str, str]
) -> sql.Expression:
    held, decimal = native
    if kind == "flag" and (mapped.true or mapped.false or held != "BOOLEAN"):
        return _flag(mapped, raw)
    if held in _NATIVE.get(kind, ()) and not mapped.format:
        return raw.copy() if held == _TYPES[kind] else exp.cast(raw.copy(), _TYPES[kind])
    if mapped.format and kind in {"date", "month"}:
        reading = f"CAST(TRY_STRPTIME({_TEXT}, '@format') AS DATE)"
        return _piece(reading, raw, {"@format": mapped.format})
    if decimal == "," and kind in {"number", "score", "count"} and held == "VARCHAR":
        raw = _piece("REPLACE(REPLACE(\"@x\", '.', ''), ',', '.')", raw)
    return _piece(_READ[kind], raw)


def _flag(mapped: ColumnMap, raw: sql.Expression) -> sql.Expression:
    text = exp.func("LOWER", _piece(_TEXT, raw))
    case = exp.Case()
    for words, value in ((mapped.true or _TRUE, True), (mapped.false or _FALSE, False)):
        listed = [exp.Literal.string(word.lower()) for word in words]
        case = case.when(exp.In(this=text.copy(), expressions=listed), exp.convert(value))
    return case


def _renamed(value: sql.Expression, mapped: ColumnMap) -> sql.Expression:
    if not mapped.values:
        return value
    case = exp.Case().else_(value)
    for code, label in mapped.values.items():
        case = case.when(value.copy().eq(exp.Literal.string(code)), exp.Literal.string(label))
    return case


def _banded(raw: sql.Expression, bands: Sequence[float]) -> sql.Expression:
    number = _piece(f"TRY_CAST({_TEXT} AS DOUBLE)", raw)
    case = exp.Case().when(number.is_(exp.null()), exp.null())
    edges = [f"{edge:g}" for edge in bands]
    labels = [f"under {edges[0]}"]
    labels += [f"{low} to under {high}" for low, high in pairwise(edges)]
    for edge, label in zip(bands, labels, strict=True):
        case = case.when(number.copy() < exp.convert(edge), exp.Literal.string(label))
    return case.else_(exp.Literal.string(f"{edges[-1]} and over"))


def _piece(
    text: str, raw: sql.Expression, literals: Mapping[str, str] | None = None
) -> sql.Expression:
    tree = parse_one(text, dialect="duckdb")
    for node in list(tree.find_all(exp.Column)):
        if node.name == "@x":
            node.replace(raw.copy())
    for literal in list(tree.find_all(exp.Literal)):
        if literal.name in (literals or {}):
            literal.replace(exp.Literal.string((literals or {})[literal.name]))
    return tree


def _attributes(table: Table, source: TableSource, native: Mapping[str, str]) -> list[str]:
    own = {column.name for column in table}
    mapped = [name for name in source.columns if name not in own]
    used = {m.column for m in source.columns.values()} | own | set(mapped)
    other = [name for name in native if name not in used] if table.name == "customers" else []
    return mapped + other


def _check_present(table: Table, source: TableSource, native: Mapping[str, str]) -> None:
    wanted = {name: m.column for name, m in source.columns.items() if m.column is not None}
    for column in table:
        if column.required and column.name not in source.columns:
            wanted[column.name] = column.name
    missing = {name: held for name, held in wanted.items() if held not in native}
    if missing:
        raise DataError([_missing(table, name, held, native) for name, held in missing.items()])


def _missing(table: Table, name: str, held: str, native: Mapping[str, str]) -> str:
    column = table.column(name)
    meaning = f" ({column.meaning})" if column else ""
    close = difflib.get_close_matches(held, list(native), n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return (
        f"{table.name}: there is no column {held!r} for {name}{meaning}.{hint} "
        f"Columns found: {', '.join(map(repr, native))}. "
        f"Name the right one under [{table.name}.columns] in the recipe."
    )
