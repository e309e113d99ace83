"""Files as companies send them: their shape is read here, and what is wrong with them is said."""

from __future__ import annotations

import csv
import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Final

from cxresearch.errors import DataError
from cxresearch.recipe import SPACES

_DELIMITERS: Final = ",;\t|"
_GAPS: Final = re.compile(r"[ \t]+")
_MARKS: Final = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_LIKELY_ENCODINGS: Final = {"cp1252": "Western Europe", "cp932": "Japan", "gb18030": "China"}
csv.field_size_limit(2**31 - 1)


def find(path: str, label: str) -> list[str]:
    """Return the files that `path` (a file or a pattern with *) means; raise when there is none."""
    pattern = Path(path)
    is_pattern = any(sign in pattern.name for sign in "*?[") and not pattern.exists()
    found = sorted(map(str, pattern.parent.glob(pattern.name))) if is_pattern else [path]
    if not found:
        raise DataError(f"{label}: no file matches {path!r}. Mend the path in the recipe.")
    missing = [name for name in found if not Path(name).is_file()]
    if missing:
        raise DataError(f"{label}: there is no file {missing[0]!r}. Mend the path in the recipe.")
    empty = [name for name in found if Path(name).stat().st_size == 0]
    if empty:
        raise DataError(f"{label}: {Path(empty[0]).name} is empty (0 bytes). Export it again.")
    return found


def is_parquet(path: str) -> bool:
    """Say whether a file is Parquet, by its first bytes rather than by its name."""
    with Path(path).open("rb") as file:
        return file.read(4) == b"PAR1"


def as_utf8(path: str, encoding: str, label: str, folder: Path) -> str:
    """Return the path of a UTF-8 copy of a text file, or the file itself when it is UTF-8."""
    if encoding.lower().replace("_", "-") in {"utf-8", "utf8"}:
        return path
    with tempfile.NamedTemporaryFile("wb", dir=folder, suffix=".csv", delete=False) as target:
        try:
            with Path(path).open(encoding=encoding, newline="") as source:
                while block := source.read(1 << 20):
                    target.write(block.encode("utf-8"))
        except (UnicodeDecodeError, LookupError) as error:
            raise DataError(
                f"{label}: {Path(path).name} cannot be read as encoding = {encoding!r} ({error}). "
                "State the encoding that it was saved in."
            ) from error
    return target.name


def with_header(
    path: str, delimiter: str | None, header: Sequence[str], label: str, folder: Path
) -> tuple[str, str | None]:
    """Return a copy of a text file that begins with its column names, and its delimiter.

    The file itself where it does so already. Columns that stand one or more spaces apart (the
    delimiter `SPACES`) are put one tab apart.
    """
    if not header and delimiter != SPACES:
        return path, delimiter
    try:
        with (
            Path(path).open(encoding="utf-8-sig", newline="") as source,
            tempfile.NamedTemporaryFile(
                "w", dir=folder, suffix=".csv", delete=False, encoding="utf-8", newline=""
            ) as target,
        ):
            return target.name, _copy(source, target, delimiter, header)
    except UnicodeDecodeError:  # it holds the whole text
        why = _not_utf8(path)
    except DataError as error:
        why = str(error)
    raise DataError(f"{label}: {Path(path).name}: {why}")


def _copy(source: IO[str], target: IO[str], delimiter: str | None, header: Sequence[str]) -> str:
    """Write the names and then the rows, and return the delimiter they have now."""
    spaced, first = delimiter == SPACES, next(source, "")
    apart = "\t" if spaced else delimiter or _likely(first)
    ends = first[len(first.rstrip("\r\n")) :]
    writer = csv.writer(target, delimiter=apart, lineterminator="\n" if spaced else ends or "\n")
    if header:
        writer.writerow(header)
    source.seek(0)
    if spaced:
        writer.writerows(_rows_apart(source, len(header)))
    else:
        shutil.copyfileobj(source, target)
    return apart


def _rows_apart(source: IO[str], columns: int) -> Iterator[list[str]]:
    """Yield the cells of each line that holds any; as many as in the header, or the first one."""
    for number, line in enumerate(source, start=1):
        cells = _GAPS.split(line.strip(" \t\r\n"))
        if cells == [""]:
            continue
        columns = columns or len(cells)
        if len(cells) != columns:
            raise DataError(
                f"line {number} has {len(cells)} columns with spaces between, must have {columns}: "
                "complete it, or save the file with another delimiter."
            )
        if any(cell.startswith('"') for cell in cells):
            raise DataError(
                f"line {number} has quotes, must have none where columns stand spaces apart: "
                "remove them, or save the file with another delimiter."
            )
        yield cells


def _likely(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def read_header(path: str, delimiter: str | None, label: str) -> tuple[list[str], str]:
    """Return the column names of a CSV file and its delimiter.

    The delimiter is stated in the recipe, or the one of comma, semicolon, tab and bar that cuts
    the first line into most columns.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            line = next(file, "")
            delimiter = delimiter or _likely(line)
            file.seek(0)
            names = next(csv.reader(file, delimiter=delimiter), [])
    except UnicodeDecodeError as error:
        raise DataError(f"{label}: {Path(path).name}: {_not_utf8(path)}") from error
    return _usable(names, path, label), delimiter


def _usable(names: list[str], path: str, label: str) -> list[str]:
    file = Path(path).name
    unnamed = [str(i + 1) for i, name in enumerate(names) if not name.strip()]
    folded = [name.lower() for name in names]
    doubled = sorted({name for name in names if folded.count(name.lower()) > 1})
    problems = []
    if unnamed:
        problems.append(f"{label}: {file}: column {', '.join(unnamed)} has no name in line 1.")
    if doubled:
        problems.append(
            f"{label}: {file}: several columns are called {', '.join(map(repr, doubled))}."
        )
    if not names:
        problems.append(f"{label}: {file}: line 1 is empty; it must name every column once.")
    if problems:
        raise DataError(problems)
    return names


def _not_utf8(path: str) -> str:
    """Return what to tell the owner of a file that is not UTF-8: where, and what it may be."""
    raw = Path(path).read_bytes()
    if raw[:2] in _MARKS:
        return f'it is {_MARKS[raw[:2]]}. Say encoding = "{_MARKS[raw[:2]]}" in the recipe.'
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        likely = [
            f'"{name}" ({where})'
            for name, where in _LIKELY_ENCODINGS.items()
            if _decodes(raw, name)
        ]
        hint = f" It may be {' or '.join(likely)}." if likely else ""
        return (
            f"not UTF-8: byte 0x{raw[error.start]:02x} in line {line}. Save it as UTF-8, or state "
            f'its encoding in the recipe: encoding = "…".{hint}'
        )
    return "it holds text that cannot be read. Save it again as UTF-8."


def _decodes(raw: bytes, encoding: str) -> bool:
    try:
        raw.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def same_columns(headers: Mapping[str, Sequence[str]], label: str) -> None:
    """Raise unless all files of one table have the same columns; nothing is filled in silently."""
    (first, wanted), *others = headers.items()
    problems = []
    for path, names in others:
        lacking, extra = sorted(set(wanted) - set(names)), sorted(set(names) - set(wanted))
        if lacking or extra:
            parts = [f"lacks {', '.join(map(repr, lacking))}"] * bool(lacking)
            parts += [f"has {', '.join(map(repr, extra))} besides"] * bool(extra)
            problems.append(
                f"{label}: {Path(path).name} {' and '.join(parts)}, compared with "
                f"{Path(first).name}. All files of a table need the same columns."
            )
    if problems:
        raise DataError(problems)


def diagnose(path: str, delimiter: str, columns: int, added: int = 0) -> str | None:
    """Return what keeps a text file from being parsed: its encoding, or a row that does not fit.

    `added` lines at the beginning are not the company's.
    """
    try:
        return _ragged(path, delimiter, columns, added)
    except UnicodeDecodeError:
        return _not_utf8(path)
    except csv.Error as error:
        return f"the text cannot be taken apart: {error}. Look for a quote that is not closed."


def _ragged(path: str, delimiter: str, columns: int, added: int) -> str | None:
    with Path(path).open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter)
        for row in reader:
            if row and len(row) != columns:
                first = "header in the recipe" if added else "first line"
                return (
                    f"line {reader.line_num - added} has {len(row)} fields, the {first} has "
                    f"{columns}. "
                    "Put quotes around a field that holds the delimiter, or complete the line."
                )
    if b"\r\n" in (raw := Path(path).read_bytes()) and raw.count(b"\n") != raw.count(b"\r\n"):
        return "it mixes two kinds of line ends. Save it again with one of them."
    if raw.count(b'"') % 2:
        return "a quote is opened and never closed."
    return None
