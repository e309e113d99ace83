"""HTML that cannot do anything: an allow-list rebuild of what notebooks put out.

Outputs carry text that customers typed. Everything is parsed and written anew: only the
tags and attributes named here survive, text is escaped, what could run or load is dropped
together with its content, and no address outside the page is left.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from html.parser import HTMLParser
from unicodedata import east_asian_width

from cxresearch._language import tr

__all__ = ["RESERVED", "names", "place", "sanitize"]

RESERVED = re.compile("[\ue000\ue001]")  # marks of places; whoever uses `place` removes them
_PLACE = re.compile("\ue000([0-9]+)\ue001")


def names(text: str) -> frozenset[str]:
    """Return the words of a text, as a list of what is allowed."""
    return frozenset(text.split())


_TAGS = names(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption"
    " figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span"
    " strong sub summary sup table tbody td tfoot th thead time tr u ul var"
)
_VOID = frozenset(("br", "hr", "img", "col"))
_DROPPED_WITH_CONTENT = names(
    "script style iframe object template noscript svg math title textarea select button form"
    " audio video canvas head noembed noframes xmp"
)
_ATTRIBUTES = names(
    "align class colspan id lang open rowspan scope start title aria-label aria-hidden"
    " aria-describedby datetime"
)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
# within the page, or to a report beside it, as the brief has them
_INNER_LINK = re.compile(r"(?:\./[\w.%-]+\.html)?#[^\s]*")
_STYLE = re.compile(
    r"(?:text-align|vertical-align|font-weight|white-space|width|max-width|color|background-color)"
    r"\s*:\s*[\w#%. -]+"
)
_PHONE = 350  # pixels that a page leaves to a table on a phone
_LETTER, _PADDING = 8.0, 20  # pixels that a letter and the edges of a cell take at least
_UNBROKEN = re.compile(r"[^\s\u2010-\u2015/-]+")


def place(number: int) -> str:
    """Return what stands in HTML for the part with this number until all else is safe."""
    return f"\ue000{number}\ue001"


def sanitize(html: str, parts: Sequence[str] = ()) -> str:
    """Rebuild a fragment of HTML from safe parts.

    Parameters
    ----------
    html
        Any text; markup that is not well formed is repaired, so that a fragment can never
        close an element of the page around it.
    parts
        Safe HTML for each `place` in the text; a place in an attribute stays empty.

    Returns
    -------
    str
        Well-formed HTML without scripts, styles, forms or addresses. A link that led
        outside becomes its text with the address written after it. Each table sits in a
        box of its own that scrolls, and that the keyboard reaches where a phone needs it to.
    """
    rebuild = _Rebuild(parts)
    rebuild.feed(html.replace("<![", "&lt;!["))  # html.parser fails on unknown marked sections
    rebuild.close()
    return rebuild.result()


class _Rebuild(HTMLParser):
    def __init__(self, placed: Sequence[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._placed = placed
        self._parts: list[str] = []
        self._widths: list[_Widths] = []  # of the tables that are open
        self._open: list[tuple[str, str, int]] = []  # tag, what closes it, where its content starts
        self._dropping: list[str] = []

    def result(self) -> str:
        while self._open:
            self._close_last()
        return "".join(self._parts)

    def handle_data(self, data: str) -> None:
        if self._dropping:
            return
        if self._widths:
            self._widths[-1].add(data)
        self._parts.append(_PLACE.sub(self._at_place, escape(data, quote=False)))

    def _at_place(self, found: re.Match[str]) -> str:
        number = int(found[1])
        return self._placed[number] if number < len(self._placed) else ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            self._dropping.append(tag)
        if self._dropping or tag not in _TAGS:
            return
        values = {name: value or "" for name, value in attrs}
        self._measure(tag, values)
        start, end = _element(tag, values)
        self._parts.append(start)
        if tag not in _VOID:
            self._open.append((tag, end, len(self._parts)))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _DROPPED_WITH_CONTENT:  # HTML ignores the slash, except in what is dropped
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag in self._dropping:
                del self._dropping[self._dropping.index(tag) :]
            return
        if tag in (name for name, _, _ in self._open):
            while self._close_last() != tag:
                pass

    def _measure(self, tag: str, values: dict[str, str]) -> None:
        if tag == "table":
            self._widths.append(_Widths())
        elif self._widths and tag == "tr":
            self._widths[-1].new_row()
        elif self._widths and tag in ("td", "th"):
            whole = "cx-number" in values.get("class", "").split()
            self._widths[-1].new_cell(unbroken=whole)

    def _close_last(self) -> str:
        tag, end, start = self._open.pop()
        content = "".join(self._parts[start:])
        if tag == "table":
            self._parts[start - 1] = _table_box(self._widths.pop()) + self._parts[start - 1]
        if tag == "th" and not content.strip():  # a heading of nothing is no heading
            self._parts[start - 1], end = "<td>", "</td>"
        self._parts.append(end.replace(f" ({content})", ""))  # a link that spells its own address
        return tag


class _Widths:
    """How wide a table is at least: of each column, what cannot be broken into lines."""

    def __init__(self) -> None:
        self._columns: dict[int, float] = {}
        self._column, self._unbroken = -1, False

    def new_row(self) -> None:
        self._column = -1

    def new_cell(self, *, unbroken: bool) -> None:
        self._column, self._unbroken = self._column + 1, unbroken

    def add(self, text: str) -> None:
        if self._column >= 0:
            runs = [text] if self._unbroken else _UNBROKEN.findall(text)
            widest = max((_letters(run) for run in runs), default=0)
            self._columns[self._column] = max(self._columns.get(self._column, 0), widest)

    def total(self) -> float:
        return sum(_PADDING + _LETTER * letters for letters in self._columns.values())


def _letters(run: str) -> int:
    """Return the width of a run; between wide letters a line may break."""
    wide = sum(east_asian_width(letter) in "WF" for letter in run)
    return len(run) - wide + (2 if wide else 0)


def _table_box(widths: _Widths) -> str:
    if widths.total() <= _PHONE:
        return '<div class="cx-scroll">'
    name = escape(tr("Table"))
    return f'<div class="cx-scroll" role="group" aria-label="{name}" tabindex="0">'


def _element(tag: str, values: dict[str, str]) -> tuple[str, str]:
    kept = {name: value for name, value in values.items() if name in _ATTRIBUTES}
    style = _safe_style(values.get("style", ""))
    if style:
        kept["style"] = style
    if tag == "a":
        return _link(kept, values.get("href", ""))
    if tag == "img":
        return _image(kept, values)
    if tag == "table":
        return _start(tag, kept), "</table></div>"  # its box opens once its width is known
    return _start(tag, kept), f"</{tag}>"


def _start(tag: str, attributes: dict[str, str]) -> str:
    return f"<{tag}{''.join(f' {name}={_quoted(value)}' for name, value in attributes.items())}>"


def _quoted(value: str) -> str:
    return f'"{escape(RESERVED.sub("", value))}"'


def _safe_style(style: str) -> str:
    declarations = (part.strip() for part in style.split(";"))
    return "; ".join(part for part in declarations if _STYLE.fullmatch(part))


def _link(kept: dict[str, str], address: str) -> tuple[str, str]:
    if _INNER_LINK.fullmatch(address):
        return _start("a", kept | {"href": address}), "</a>"
    known = address.startswith(("http://", "https://", "mailto:"))
    return "<span>", f"</span> ({escape(address)})" if known else "</span>"


def _image(kept: dict[str, str], values: dict[str, str]) -> tuple[str, str]:
    alt = values.get("alt", "")
    if not _IMAGE.fullmatch(values.get("src", "")):
        return f"<span>{escape(alt)}</span>", ""
    sizes = {k: v for k in ("width", "height") if (v := values.get(k, "")).isdecimal()}
    return _start("img", kept | sizes | {"src": values["src"], "alt": alt}), ""
