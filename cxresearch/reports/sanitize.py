"""HTML that cannot do anything: an allow-list rebuild of what notebooks put out.

Outputs carry text that customers typed. Everything is parsed and written anew: only the
tags and attributes named here survive, text is escaped, what could run or load is dropped
together with its content, and no address outside the page is left.
"""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser

__all__ = ["sanitize"]


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _names(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em figcaption"
    " figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q s samp section small span"
    " strong sub summary sup table tbody td tfoot th thead time tr u ul var"
)
_VOID = frozenset(("br", "hr", "img", "col"))
_DROPPED_WITH_CONTENT = _names(
    "script style iframe object template noscript svg math title textarea select button form"
    " audio video canvas head noembed noframes xmp"
)
_ATTRIBUTES = _names(
    "align class colspan id lang open rowspan scope start title aria-label aria-hidden"
    " aria-describedby datetime"
)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml);base64,[A-Za-z0-9+/=\s]*")
_INNER_LINK = re.compile(r"#[^\s]*")
_STYLE = re.compile(
    r"(?:text-align|vertical-align|font-weight|white-space|width|max-width|color|background-color)"
    r"\s*:\s*[\w#%. -]+"
)
_TABLE_BOX = '<div class="cx-scroll" role="group" aria-label="Table" tabindex="0">'


def sanitize(html: str) -> str:
    """Rebuild a fragment of HTML from safe parts.

    Parameters
    ----------
    html
        Any text; markup that is not well formed is repaired, so that a fragment can never
        close an element of the page around it.

    Returns
    -------
    str
        Well-formed HTML without scripts, styles, forms or addresses. A link that led
        outside becomes its text with the address written after it. Each table sits in a
        box of its own that scrolls.
    """
    rebuild = _Rebuild()
    rebuild.feed(html.replace("<![", "&lt;!["))  # html.parser fails on unknown marked sections
    rebuild.close()
    return rebuild.result()


class _Rebuild(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._parts: list[str] = []
        self._open: list[tuple[str, str, int]] = []  # tag, what closes it, where its content starts
        self._dropping: list[str] = []

    def result(self) -> str:
        while self._open:
            self._close_last()
        return "".join(self._parts)

    def handle_data(self, data: str) -> None:
        if not self._dropping:
            self._parts.append(escape(data, quote=False))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _DROPPED_WITH_CONTENT:
            self._dropping.append(tag)
        if self._dropping or tag not in _TAGS:
            return
        values = {name: value or "" for name, value in attrs}
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

    def _close_last(self) -> str:
        tag, end, start = self._open.pop()
        content = "".join(self._parts[start:])
        self._parts.append(end.replace(f" ({content})", ""))  # a link that spells its own address
        return tag


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
        return _TABLE_BOX + _start(tag, kept), "</table></div>"
    return _start(tag, kept), f"</{tag}>"


def _start(tag: str, attributes: dict[str, str]) -> str:
    return f"<{tag}{''.join(f' {name}={_quoted(value)}' for name, value in attributes.items())}>"


def _quoted(value: str) -> str:
    return f'"{escape(value)}"'


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
