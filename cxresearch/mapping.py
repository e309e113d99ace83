"""From a company's columns to the contract's: one typed SELECT per table."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from sqlglot import exp

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
    "date": f"CASE WHEN REGEXP_MATCHES({_TEXT}, '^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}') "
    f"THEN CAST(TRY_CAST({_TEXT} AS TIMESTAMP) AS DATE) END",
    "month": f"CASE WHEN REGEXP_MATCHES({_TEXT}, '^[0-9]{{4}}-[0-9]{{2}}') THEN CAST(TRY_CAST("
    f"CASE WHEN LENGTH({_TEXT}) = 7 THEN {_TEXT} || '-01' ELSE {_TEXT} END AS TIMESTAMP) "
    "AS DATE) END",
    "number": _FINITE,
    "score": _FINITE,
    "count": f"CASE WHEN {_NUMBER} = FLOOR({_NUMBER}) THEN TRY_CAST({_NUMBER} AS INTEGER) END",
}
_ZONED: Final = "TIMESTAMP WITH TIME ZONE"
_DATES: Final = ("DATE", "TIMESTAMP", "TIMESTAMP_NS", "TIMESTAMP_MS", "TIMESTAMP_S", _ZONED)
_ROW_NUMBER: Final = exp.Window(this=exp.RowNumber())
# A year below this is a day or a two-digit year that was taken for one.
_FIRST_DAY: Final = "1900-01-01"
# Columns that are already of the right type need no reading of text, which costs time.
_NATIVE: Final[Mapping[Kind, tuple[str, ...]]] = {
    "id": ("VARCHAR",),
    "date": _DATES,
    "month": _DATES,
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
    return contract + [
        _attribute(name, source, native) for name in _attributes(table, source, native)
    ]


def _field(column: Column, source: TableSource, native: Mapping[str, str], trusted: bool) -> Field:
    mapped = source.columns.get(column.name, ColumnMap(column=_same(column.name, native)))
    if mapped.row_number:
        return Field(column.name, column.kind, exp.cast(_ROW_NUMBER.copy(), "TEXT"))
    if mapped.product:
        return _product(column, mapped.product, native, "" if trusted else source.decimal)
    if mapped.column is None or mapped.column not in native:
        constant = exp.null() if mapped.value is None else exp.Literal.string(mapped.value)
        cast = exp.cast(constant, _TYPES[column.kind])
        return Field(column.name, column.kind, cast, present=mapped.value is not None)
    raw = _reference(mapped.column, column.name)
    if trusted and not (mapped.true or mapped.false):
        typed: sql.Expression = exp.cast(raw.copy(), _TYPES[column.kind])
    else:
        typed = _typed(column.kind, mapped, raw, native[mapped.column], source)
    return Field(column.name, column.kind, _renamed(typed, mapped), _piece(_TEXT, raw))


def _product(
    column: Column, names: Sequence[str], native: Mapping[str, str], decimal: str
) -> Field:
    """Return the product of two columns; its raw cell is both of theirs.

    Without a `decimal` sign the columns are numbers already.
    """
    cells = [sql.column(name) for name in names]
    numbers: list[sql.Expression] = [
        _piece(_FINITE, _decimal(cell, native[name], decimal))
        if decimal
        else exp.cast(cell.copy(), _TYPES[column.kind])
        for cell, name in zip(cells, names, strict=True)
    ]
    first, second = (_piece(_TEXT, cell) for cell in cells)
    times = exp.DPipe(this=first, expression=exp.Literal.string(" × "), safe=False)
    raw = exp.DPipe(this=times, expression=second, safe=False)
    product: sql.Expression = exp.Mul(this=numbers[0], expression=numbers[1])
    if decimal:
        product = _piece('CASE WHEN ISFINITE("@x") THEN "@x" END', product)
    return Field(column.name, column.kind, product, raw)


def _attribute(name: str, source: TableSource, native: Mapping[str, str]) -> Field:
    mapped = source.columns.get(name, ColumnMap(column=name))
    if mapped.column is None:
        return Field(name, "text", exp.Literal.string(mapped.value or ""))
    raw = sql.column(mapped.column)
    text = _piece(_TEXT, raw)
    if mapped.bands:
        number = _piece(_FINITE, _decimal(raw, native[mapped.column], source.decimal))
        return Field(name, "number", _banded(number, mapped.bands), text)
    return Field(name, "text", _renamed(text, mapped))


def _same(name: str, native: Mapping[str, str]) -> str:
    """Return the company's column that bears the contract's name, in whatever case."""
    plain = {re.sub(r"[\s-]+", "_", held).lower(): held for held in native}
    return name if name in native else plain.get(name, name)


def _reference(physical: str, contract: str) -> exp.Column:
    """Return a column; quoted unless it is the contract's own (and therefore harmless) name."""
    return exp.column(contract) if physical == contract else sql.column(physical)


def _typed(
    kind: Kind, mapped: ColumnMap, raw: sql.Expression, held: str, source: TableSource
) -> sql.Expression:
    if kind == "flag" and (mapped.true or mapped.false or held != "BOOLEAN"):
        return _flag(mapped, raw)
    if kind in {"date", "month"}:
        return _since(_day(kind, mapped, raw, held, source.timezone))
    if held in _NATIVE.get(kind, ()):
        return raw.copy() if held == _TYPES[kind] else exp.cast(raw.copy(), _TYPES[kind])
    if kind in {"number", "score", "count"}:
        raw = _decimal(raw, held, source.decimal)
    return _piece(_READ[kind], raw)


def _day(
    kind: Kind, mapped: ColumnMap, raw: sql.Expression, held: str, timezone: str | None
) -> sql.Expression:
    if mapped.format:
        reading = f"CAST(TRY_STRPTIME({_TEXT}, '@format') AS DATE)"
        return _piece(reading, raw, {"@format": mapped.format})
    if held == _ZONED and timezone:
        raw = exp.AtTimeZone(this=raw, zone=exp.Literal.string(timezone))
    if held in _DATES:
        return raw.copy() if held == "DATE" else exp.cast(raw.copy(), "DATE")
    return _piece(_READ[kind], raw)


def _since(day: sql.Expression) -> sql.Expression:
    """Return the day, or NULL where its year shows that it was misread."""
    first = exp.cast(exp.Literal.string(_FIRST_DAY), "DATE")
    return exp.Case().when(exp.GTE(this=day, expression=first), day.copy())


def _decimal(raw: sql.Expression, held: str, decimal: str) -> sql.Expression:
    if decimal == "," and held == "VARCHAR":
        return _piece("REPLACE(REPLACE(\"@x\", '.', ''), ',', '.')", raw)
    return raw


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


def _banded(number: sql.Expression, bands: Sequence[float]) -> sql.Expression:
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
    tree = sql.parse(text)
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
    used |= {_same(name, native) for name in own if name not in source.columns}
    other = [name for name in native if name not in used] if table.grouped else []
    return mapped + other


def _check_present(table: Table, source: TableSource, native: Mapping[str, str]) -> None:
    wanted = {name: m.column for name, m in source.columns.items() if m.column is not None}
    factors = [(name, held) for name, m in source.columns.items() for held in m.product]
    for column in table:
        if column.required and column.name not in source.columns:
            wanted[column.name] = _same(column.name, native)
    problems = [
        _missing(table, name, held, native)
        for name, held in (*wanted.items(), *factors)
        if held not in native
    ]
    problems += [
        f"[{table.name}.columns] {name}: product multiplies two columns into a number, which "
        f"{name!r} is not: name one column for it."
        for name, m in source.columns.items()
        if m.product and name not in {column.name for column in table if column.kind == "number"}
    ]
    problems += [_zoned(table, source, c, native) for c in table if _is_zoned(source, c, native)]
    if not table.grouped:
        problems += [_unknown(table, name) for name in source.columns if not table.column(name)]
    if problems:
        raise DataError(problems)


def _unknown(table: Table, name: str) -> str:
    known = [column.name for column in table]
    close = difflib.get_close_matches(name, known, n=1)
    hint = f"Did you mean {close[0]!r}?" if close else f"It has: {', '.join(known)}."
    return f"[{table.name}.columns] {name!r} is no column of this table. {hint}"


def _is_zoned(source: TableSource, column: Column, native: Mapping[str, str]) -> bool:
    mapped = source.columns.get(column.name, ColumnMap(column=_same(column.name, native)))
    held = native.get(mapped.column or "")
    return column.kind in {"date", "month"} and held == _ZONED and source.timezone is None


def _zoned(table: Table, source: TableSource, column: Column, native: Mapping[str, str]) -> str:
    return (
        f"{table.name}.{column.name}: times with a time zone fall on different days in different "
        f'places. Say whose days you mean: [{source.name}] timezone = "Europe/Berlin".'
    )


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
