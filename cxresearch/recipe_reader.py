"""From a TOML file to a recipe: everything that is wrong with it is said at once."""

from __future__ import annotations

import datetime as dt
import difflib
import itertools
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, TypeGuard

from cxresearch.contract import TABLES
from cxresearch.errors import DataError
from cxresearch.recipe import SPACES, ColumnMap, Recipe, Scale, TableSource

PROJECT: Final = Path(__file__).resolve().parent.parent

_TOP = {
    "name", "note", "as_of", "observed_from", "currency", "group_by", "scales",
    "reactivation_days", "tenure_counts", "snapshot_months", "period", "first_periods",
    "fit_until",
}  # fmt: skip
_TABLE_KEYS = {
    "path", "database", "schema", "table", "delimiter", "encoding", "decimal", "timezone",
    "columns", "header",
}  # fmt: skip
_COLUMN_KEYS = {
    "column", "value", "format", "true", "false", "values", "bands", "row_number", "product",
}  # fmt: skip
_SCALE_KEYS = {"min", "max", "high_is"}


def find_recipe(data: str | Path) -> Path:
    """Return the recipe that `data` means: a TOML file, or a folder with a `data.toml`.

    A relative path is looked up from the working directory and then from the project, so that
    a notebook finds `data/sample` wherever it is started.
    """
    tried = [Path(data).expanduser()]
    if not tried[0].is_absolute():
        tried.append(PROJECT / tried[0])
    found = next((path for path in tried if path.exists()), None)
    if found is None:
        raise DataError(
            f"{str(data)!r}: there is no such file or folder. "
            "Give a recipe (*.toml) or a folder that holds a data.toml."
        )
    recipe = found / "data.toml" if found.is_dir() else found
    if not recipe.exists():
        raise DataError(f"{str(data)!r}: the folder holds no data.toml. {_write_one()}")
    if recipe.suffix != ".toml" or not recipe.is_file():
        raise DataError(f"{str(data)!r}: a recipe is a .toml file. {_write_one()}")
    return recipe


def _write_one() -> str:
    return "Write a recipe that names your files; data/README.md shows how in five lines."


def read_recipe(data: str | Path) -> Recipe:
    """Read and validate the recipe that `data` means.

    Raises
    ------
    DataError
        Naming every problem of the recipe at once.
    """
    path = find_recipe(data)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name}: not a valid TOML file in UTF-8: {error}") from error
    return build_recipe(content, folder=path.parent, label=path.name)


def build_recipe(content: Mapping[str, Any], *, folder: Path, label: str = "recipe") -> Recipe:
    """Validate the content of a recipe (see `read_recipe`) and build it."""
    reader = _Reader(label)
    recipe = reader.recipe(content, folder)
    if reader.problems:
        raise DataError(reader.problems)
    return recipe


def expand(path: str, folder: Path) -> str:
    """Return `path` with environment variables filled in, relative to the recipe's folder.

    A variable's own value is relative to the working directory, as a shell would read it.
    """
    named = re.match(r"\$\{?(\w+)\}?(/.*)?$", path, flags=re.DOTALL)
    if named is None:
        return str(folder / Path(path).expanduser())
    base = os.environ.get(named[1])
    if not base:
        raise DataError(
            f"path {path!r}: the environment variable {named[1]} is not set. "
            f"Set it to the folder of the files, e.g. export {named[1]}=/path/to/data"
        )
    return str(Path(base).expanduser().absolute()) + (named[2] or "")


class _Reader:
    """Turns parsed TOML into a Recipe and collects every problem on the way."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.problems: list[str] = []

    def recipe(self, content: Mapping[str, Any], folder: Path) -> Recipe:
        tables = {k: v for k, v in content.items() if isinstance(v, dict) and k != "scales"}
        scales = self.table("scales", content.get("scales", {}))
        self.unknown("", content, _TOP | set(TABLES))
        if not set(tables) & set(TABLES):
            self.add("no table is named. Add at least [customers] with a path")
        as_of, fit_until = self.day(content, "as_of"), self.day(content, "fit_until")
        if as_of and fit_until and fit_until > as_of:
            self.add(f"fit_until == {fit_until}, must not lie after as_of == {as_of}: correct one")
        return Recipe(
            name=self.text(content, "name") or folder.name,
            folder=folder,
            note=(self.text(content, "note") or "").strip(),
            as_of=as_of,
            observed_from=self.day(content, "observed_from"),
            currency=self.text(content, "currency"),
            group_by=self.texts("group_by", content.get("group_by", [])),
            scales={str(k).lower(): self.scale(str(k), v) for k, v in scales.items()},
            reactivation_days=self.whole(content, "reactivation_days", 30),
            tenure_counts=self.choice(content, "tenure_counts", ("billed", "completed")),
            snapshot_months=self.whole(content, "snapshot_months", 0) or None,
            period=self.choice(content, "period", ("month", "quarter", "year")),
            first_periods=self.wholes(content, "first_periods"),
            fit_until=fit_until,
            tables={k: self.source(k, v) for k, v in tables.items() if k in TABLES},
        )

    def source(self, name: str, content: Mapping[str, Any]) -> TableSource:
        self.unknown(f"[{name}] ", content, _TABLE_KEYS)
        if not (content.get("path") or content.get("table")):
            self.add(f'[{name}] names no data. Set path = "file.csv", or database and table')
        listed = {"columns", "header"}
        plain = {key: self.text(content, key, f"[{name}] ") for key in _TABLE_KEYS - listed}
        columns = self.table(f"{name}.columns", content.get("columns", {}))
        delimiter = plain["delimiter"]
        if delimiter not in {None, SPACES} and len(delimiter or "") != 1:
            self.add(
                f"[{name}] delimiter == {delimiter!r}, must be one character, e.g. "
                f'"\\t", or "{SPACES}" where columns stand one or more spaces apart'
            )
            plain["delimiter"] = None
        return TableSource(
            name,
            columns={str(k): self.column(f"[{name}.columns] {k}", v) for k, v in columns.items()},
            header=self.names(f"[{name}] header", content.get("header", [])),
            **{key: value for key, value in plain.items() if value is not None},
        )

    def column(self, where: str, content: object) -> ColumnMap:
        if isinstance(content, str):
            return ColumnMap(column=content)
        if not isinstance(content, dict):
            self.add(f"{where} == {content!r}, must be the file's column name or a {{ … }} table")
            return ColumnMap(value="")
        self.unknown(f"{where}: ", content, _COLUMN_KEYS)
        numbered, product = content.get("row_number") is True, content.get("product", [])
        given = ("column" in content) + ("value" in content) + ("product" in content) + numbered
        if given != 1:
            self.add(
                f'{where}: give one of column = "…", value = "…", product = ["…", "…"] or '
                "row_number = true"
            )
        if "product" in content and (not isinstance(product, list) or len(product) != 2):
            self.add(
                f'{where}: product == {product!r}, must be two columns, e.g. ["units", "price"]'
            )
            product = []
        bands, values = content.get("bands", []), content.get("values", {})
        if not _increasing(bands):
            self.add(f"{where}: bands == {bands!r}, must be numbers in increasing order")
            bands = []
        return ColumnMap(
            column=_text(content.get("column")),
            value=_text(content.get("value")),
            format=_text(content.get("format")),
            true=self.texts(f"{where}: true", content.get("true", [])),
            false=self.texts(f"{where}: false", content.get("false", [])),
            values={str(k): str(v) for k, v in self.table(where, values).items()},
            bands=tuple(float(band) for band in bands),
            row_number=numbered,
            product=tuple(map(str, product)),
        )

    def scale(self, name: str, content: object) -> Scale:
        bounds = content if isinstance(content, dict) else {}
        self.unknown(f"[scales] {name}: ", bounds, _SCALE_KEYS)
        low, high, high_is = bounds.get("min"), bounds.get("max"), bounds.get("high_is")
        if (name.lower() == "ces" or high_is is not None) and high_is not in {"easy", "hard"}:
            self.add(
                f"[scales] {name}: high_is == {high_is!r}, must say what a high answer means: "
                'high_is = "easy" or high_is = "hard"; both are in use, so it is never guessed'
            )
        if _number(low) and _number(high) and low < high:
            return Scale(float(low), float(high), _text(high_is))
        self.add(f"[scales] {name} == {content!r}, must be like {{ min = 0, max = 10 }}")
        return Scale(0, 10)

    def unknown(self, where: str, content: Mapping[str, Any], known: Iterable[str]) -> None:
        for key in content:
            if key not in known:
                close = difflib.get_close_matches(key, list(known), n=1)
                hint = (
                    f"did you mean {close[0]!r}?" if close else f"known: {', '.join(sorted(known))}"
                )
                self.add(f"{where}{key!r} is not a key of a recipe; {hint}")

    def text(self, content: Mapping[str, Any], key: str, where: str = "") -> str | None:
        value = content.get(key)
        if value is None or isinstance(value, str):
            return value
        self.add(f"{where}{key} == {value!r}, must be text in quotes")
        return None

    def table(self, where: str, content: object) -> Mapping[str, Any]:
        if isinstance(content, dict):
            return content
        self.add(f"{where} == {content!r}, must be a table [{where}]")
        return {}

    def day(self, content: Mapping[str, Any], key: str) -> dt.date | None:
        value = content.get(key)
        if value is None:
            return None
        try:
            day = dt.date.fromisoformat(str(value)[:10])
        except ValueError:
            day = dt.date.min
        if 1900 <= day.year <= 2200:
            return day
        self.add(f"{key} == {value!r}, must be a date, e.g. {key} = 2025-12-31")
        return None

    def whole(self, content: Mapping[str, Any], key: str, default: int) -> int:
        value = content.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.add(f"{key} == {value!r}, must be a whole number of at least 0")
            return default
        return value

    def wholes(self, content: Mapping[str, Any], key: str) -> tuple[int, ...]:
        values = content.get(key, [])
        if isinstance(values, list) and all(type(v) is int and v > 0 for v in values):
            return tuple(values)
        self.add(f"{key} == {values!r}, must be a list of whole numbers, e.g. {key} = [4, 7]")
        return ()

    def choice(self, content: Mapping[str, Any], key: str, choices: tuple[str, ...]) -> str:
        value = content.get(key, choices[0])
        if value not in choices:
            self.add(f"{key} == {value!r}, must be one of: {', '.join(choices)}")
            return choices[0]
        return str(value)

    def names(self, where: str, value: object) -> tuple[str, ...]:
        found = self.texts(where, value)
        if not all(map(str.strip, found)) or len({name.lower() for name in found}) < len(found):
            self.add(f"{where} == {value!r}, must be a name for every column, each another one")
        return found

    def texts(self, where: str, value: object) -> tuple[str, ...]:
        if isinstance(value, list):
            return tuple(str(item) for item in value)
        self.add(f'{where} == {value!r}, must be a list, e.g. ["plan"]')
        return ()

    def add(self, problem: str) -> None:
        self.problems.append(f"{self.label}: {problem}.")


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _increasing(bands: object) -> bool:
    return (
        isinstance(bands, list)
        and all(_number(band) for band in bands)
        and all(a < b for a, b in itertools.pairwise(bands))
    )
