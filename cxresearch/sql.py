"""SQL from files: fill in names through SQLGlot's builder, put pieces together, translate.

The files are plain DuckDB SQL. `$name` stands for a value, `"@name"` for a list of columns (in a
SELECT list or a GROUP BY) or for a table, so that no name or value ever passes through string
formatting.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Final

from sqlglot import ErrorLevel, exp, parse_one
from sqlglot.errors import UnsupportedError

from cxresearch.errors import CxError

DIALECTS: Final = ("duckdb", "spark", "bigquery", "snowflake", "postgres")

Value = str | int | float | bool | dt.date
Expression = exp.Expr


@cache
def _read(folder: str, name: str) -> str:
    return resources.files("cxresearch").joinpath(folder, f"{name}.sql").read_text("utf-8")


@cache
def _parsed(text: str) -> Expression:
    return parse_one(text, dialect="duckdb")


def parse(text: str) -> Expression:
    """Return a fresh syntax tree of DuckDB SQL, which is taken apart once."""
    return _parsed(text).copy()


def load(name: str, folder: str = "reductions") -> Expression:
    """Return a fresh syntax tree of the SQL file `name`."""
    return parse(_read(folder, name))


def column(name: str, table: str | None = None) -> exp.Column:
    """Return a quoted reference to a column, whatever its name contains."""
    return exp.column(exp.to_identifier(name, quoted=True), table=table)


def least(name: str, table: str) -> Expression:
    """Return the least value of a column under its own name, for one row per customer."""
    return exp.alias_(exp.func("MIN", column(name, table)), name, quoted=True)


def fill(
    tree: Expression,
    *,
    columns: Mapping[str, str | Sequence[Expression]] | None = None,
    tables: Mapping[str, str] | None = None,
    values: Mapping[str, Value | Expression] | None = None,
) -> Expression:
    """Replace the placeholders of `tree` in place and return it.

    Parameters
    ----------
    columns
        For each `"@name"` that stands for columns: one name, or a list of expressions (possibly
        none) to stand in its place in a list.
    tables
        For each `"@name"` in a FROM, the name of one of our own relations.
    values
        For each `$name`, the value, or an expression in its place.

    Raises
    ------
    KeyError
        When a placeholder is left without a replacement.
    """
    for node in list(tree.find_all(exp.Column)):
        if node.name.startswith("@"):
            _put(node, (columns or {})[node.name[1:]])
    for table in list(tree.find_all(exp.Table)):
        if table.name.startswith("@"):
            table.set("this", exp.to_identifier((tables or {})[table.name[1:]]))
    for place in [*tree.find_all(exp.Parameter), *tree.find_all(exp.Placeholder)]:
        place.replace(exp.convert((values or {})[place.name], copy=True))
    return tree


def _put(node: exp.Column, replacement: str | Sequence[Expression]) -> None:
    if isinstance(replacement, str):
        node.set("this", exp.to_identifier(replacement, quoted=True))
        return
    parent, key = node.parent, node.arg_key
    if parent is None or key is None:
        raise KeyError(node.name)
    siblings = parent.args[key]
    place = next(i for i, sibling in enumerate(siblings) if sibling is node)
    new = [expression.copy() for expression in replacement]
    parent.set(key, [*siblings[:place], *new, *siblings[place + 1 :]])


def assemble(tree: Expression, relations: Mapping[str, Expression]) -> Expression:
    """Put every relation that `tree` reads, directly or not, before it as a CTE.

    `relations` is in order of dependence: each reads only those before it.
    """
    needed = _reads(tree, relations)
    for name in reversed(list(relations)):
        if name in needed:
            needed |= _reads(relations[name], relations)
    own = tree.args.pop("with_", None) or tree.args.pop("with", None)
    query = tree
    for name, relation in relations.items():
        if name in needed:
            query = query.with_(name, as_=relation.copy(), copy=False)  # type: ignore[attr-defined]
    for cte in own.expressions if own is not None else ():
        query = query.with_(cte.alias, as_=cte.this, copy=False)  # type: ignore[attr-defined]
    return query


def _reads(tree: Expression, relations: Mapping[str, Expression]) -> set[str]:
    return {table.name for table in tree.find_all(exp.Table) if table.name in relations}


def render(tree: Expression, dialect: str = "duckdb", *, pretty: bool = False) -> str:
    """Return the SQL text of `tree` in `dialect`.

    Raises
    ------
    CxError
        When the dialect is not known, or cannot say what the tree says.
    """
    if dialect not in DIALECTS:
        raise CxError(f"dialect == {dialect!r}, must be one of: {', '.join(DIALECTS)}.")
    try:
        return tree.sql(
            dialect=dialect, pretty=pretty, unsupported_level=ErrorLevel.RAISE, comments=pretty
        )
    except UnsupportedError as error:
        raise CxError(f"{dialect} cannot express this reduction: {error}") from error
