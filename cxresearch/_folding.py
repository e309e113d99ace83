"""Lines of text for figures, in which nothing breaks lines by itself."""

from __future__ import annotations

import re
import textwrap
import unicodedata
from itertools import accumulate
from typing import Any

CLOSING = frozenset("、。）」』】，．：；！？・ー～％")


def wrapped(label: str, width: int) -> str:
    """Break a long name into at most three lines."""
    return fold(label, width, max_lines=3)


def letters(text: str) -> int:
    """Return how many Latin letters wide a text is; Japanese ones are twice as wide."""
    return sum(2 if _wide(letter) else 1 for letter in text)


def cut(text: str, width: int) -> str:
    """Shorten a text to so many Latin letters; Japanese ones are twice as wide."""
    wide = [2 if _wide(letter) else 1 for letter in text]
    if sum(wide) <= width:
        return text
    kept = sum(end < width for end in accumulate(wide))
    return f"{text[:kept].rstrip()}…"


def fold(text: str, width: int, max_lines: int | None = None) -> str:
    """Break text into lines of so many Latin letters; Japanese ones are twice as wide.

    Japanese has no spaces to break at, so any place will do, but no line starts with a mark
    that closes, nor ends with one that opens.
    """
    if not any(_wide(letter) for letter in text):
        options: dict[str, Any] = {"max_lines": max_lines} if max_lines else {}
        return "\n".join(textwrap.wrap(text, width, placeholder=" …", **options))
    lines = _folded(text, width)
    if max_lines and len(lines) > max_lines:
        lines = [*lines[: max_lines - 1], f"{lines[max_lines - 1][:-1]}…"]
    return "\n".join(lines)


def _folded(text: str, width: int) -> list[str]:
    lines, room = [""], width
    # an amount or a Latin word stays whole, and what a mark opens stays with it
    for piece in re.findall(r"[（「『]*(?:[!-~€£￥]+|.)", text):
        wide = sum(2 if _wide(letter) else 1 for letter in piece)
        if wide > room and lines[-1] and piece not in CLOSING:
            lines.append("")
            room = width
        if piece != " " or lines[-1]:
            lines[-1] += piece
            room -= wide
    return lines


def _wide(letter: str) -> bool:
    return unicodedata.east_asian_width(letter) in "WF"
