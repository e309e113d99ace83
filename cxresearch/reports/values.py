"""Values as people type them on a command line, read as the type that a notebook declares."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence

from cxresearch.errors import CxError

Scalar = str | int | float | bool
Value = Scalar | list[Scalar]

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


def typed(given: object, kind: str) -> Value:
    """Read a value of the declared type; a CxError completes "name = value …"."""
    if kind.startswith("list"):
        item_kind = kind[5:-1] or "str"
        return [scalar(item, item_kind) for item in _items(given)]
    return scalar(given, kind)


def _items(given: object) -> Sequence[object]:
    if not isinstance(given, str):
        if isinstance(given, list | tuple):
            return given
        raise CxError("is not a list")
    text = given.strip()
    if not text.startswith("["):
        return [item.strip() for item in text.split(",")] if text else []
    try:
        return list(json.loads(text))
    except ValueError:
        raise CxError("is not a list in JSON") from None


def scalar(given: object, kind: str) -> Scalar:
    """Read one value of the type str, int, float or bool."""
    if kind == "str":
        if isinstance(given, str):
            return given
        raise CxError("is not text")
    if kind == "bool":
        return _boolean(given)
    if isinstance(given, bool) or not isinstance(given, str | int | float):
        raise CxError("is not a number")
    return _whole(given) if kind == "int" else number(given)


def _boolean(given: object) -> bool:
    if isinstance(given, bool):
        return given
    if isinstance(given, str) and given.strip().lower() in _BOOLEANS:
        return _BOOLEANS[given.strip().lower()]
    raise CxError("is neither true nor false")


def _whole(given: str | float) -> int:
    if isinstance(given, int):
        return given
    if isinstance(given, str) and re.fullmatch(r"[+-]?[0-9]+", given.strip()):
        return int(given)
    raise CxError("is not a whole number")


def number(given: str | float) -> float:
    """Read a finite number; a percentage is refused, since it may mean two things."""
    percent = re.fullmatch(r"\s*([+-]?[0-9.]+)\s*%\s*", given) if isinstance(given, str) else None
    try:
        if percent:
            raise CxError(f"is a percentage (as a share, 5% is written 0.05; here {percent[1]}%)")
        found = float(given)
    except CxError:
        raise
    except ValueError:
        raise CxError("is not a number") from None
    if not math.isfinite(found):
        raise CxError("is not a finite number")
    return found
