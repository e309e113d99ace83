"""A page as an auditor reads it: what it would run or load, its words, its tables."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser
from urllib.parse import unquote

from cxresearch.reports.sanitize import names

_LOADING = {
    "src", "href", "action", "formaction", "data", "poster", "srcset", "background", "ping",
    "imagesrcset", "lowsrc", "manifest",
}  # fmt: skip
_RUNNING = {"iframe", "object", "embed", "form", "applet", "base", "frame"}
_INERT = {"application/json", "application/ld+json"}
_NEIGHBOUR = re.compile(r"(?:\./)?[^:/?#]+\.html(?:#\S*)?")
_CSS_LOADS = re.compile(
    r"@import|url\(\s*['\"]?(?!\s*['\"]?\s*(?:data:|#))|image-set\(", re.IGNORECASE
)
_CSS_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{1,6})\s?")
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_HOLDS_NO_WORDS = {"script", "style"}
# what stands on both sides of these reads as one word
_WITHIN_WORDS = names(
    "a abbr b bdi bdo code em font i kbd mark q s samp small span strong sub sup u var wbr"
)
_SVG = "data:image/svg+xml;base64,"


@dataclass
class Page:
    """What is in a page: words, tables (rows of cells), scripts, styles and odd attributes."""

    language: str = ""
    title: str = ""
    policy: str = ""
    failed: bool = False
    words: list[str] = field(default_factory=list)
    flow: list[str] = field(default_factory=list)  # the texts again, not parted by <b> and such
    tables: list[list[list[str]]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that is there to be read: texts, also across tags, attributes, comments, code."""
        return "\n".join((*self.words, "".join(self.flow), *self.styles, *self.scripts, self.title))

    def problems(self) -> Iterator[tuple[str, str]]:
        """Yield rule and offence for all that makes a page unfit to be forwarded."""
        if self.failed:
            yield "failed report", "it stopped before its end: mend the cause, make it again"
        if not self.language:
            yield "language", "the page does not say in which language it is written"
        if not self.title.strip():
            yield "title", "the page has none"
        yield from (("runs", what) for what in dict.fromkeys(self.running))
        yield from _policy_problems(self.policy)
        yield from self._scripts()
        yield from self._network()

    def _scripts(self) -> Iterator[tuple[str, str]]:
        for script in self.scripts:
            digest = b64encode(sha256(script.encode()).digest()).decode()
            if f"'sha256-{digest}'" not in self.policy:
                yield "runs", "a script that the page's own policy does not name"

    def _network(self) -> Iterator[tuple[str, str]]:
        for tag, address in self.addresses:
            inner = address.startswith("#") or (tag == "a" and _NEIGHBOUR.fullmatch(address))
            if not inner and not (tag == "img" and address.startswith("data:image/")):
                yield "network", f"<{tag}> leads outside: {address[:40]!r}"
        if any(_CSS_LOADS.search(_plain_css(style)) for style in self.styles):
            yield "network", "a style that loads something"


def read_page(html: str) -> Page:
    """Read a page or a fragment of one."""
    reader = _Reader()
    reader.feed(html.replace("<![", "&lt;!["))  # html.parser fails on unknown marked sections
    reader.close()
    reader.end()
    return reader.page


def _plain_css(style: str) -> str:
    """Return a style without comments and with its escapes resolved, as a browser reads it."""
    return _CSS_ESCAPE.sub(_escaped, _CSS_COMMENT.sub("", style))


def _escaped(found: re.Match[str]) -> str:
    number = int(found[1], 16)
    return chr(number) if number <= 0x10FFFF else ""


def _policy_problems(policy: str) -> Iterator[tuple[str, str]]:
    rules = {name: rest for name, _, rest in (r.strip().partition(" ") for r in policy.split(";"))}
    if rules.get("default-src", "").strip() != "'none'":
        yield "policy", "no content security policy that begins with default-src 'none'"
    allowed = " ".join(value for name, value in rules.items() if name != "style-src")
    if re.search(r"https?:|\*|'unsafe-|'self'", allowed):
        yield "policy", "the content security policy allows more than the page itself"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._inside: str = ""
        self._collected: list[str] = []
        self._open_tables: list[list[list[str]]] = []

    def end(self) -> None:
        """Read what is never closed, a style such as a browser applies all the same."""
        if self._inside:
            self.handle_data(self.rawdata)
            self.handle_endtag("script" if self._inside == "data" else self._inside)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name.lower(): value or "" for name, value in attrs}
        self._attributes(tag, values)
        self._part(tag)
        if tag in _HOLDS_NO_WORDS or tag == "title":
            self._inside, self._collected = tag, []
            if tag == "script" and values.get("type", "").lower() in _INERT:
                self._inside = "data"
        self._table_starts(tag, values.get("colspan", ""))

    def _attributes(self, tag: str, values: dict[str, str]) -> None:
        page = self.page
        if tag == "html":
            page.language = values.get("lang", "")
        if tag == "meta" and values.get("http-equiv", "").lower() == "content-security-policy":
            page.policy = values.get("content", "")
        if tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            page.running.append("a refresh that leads elsewhere")
        page.failed |= "cx-failure" in values.get("class", "").split()
        if tag in _RUNNING or tag == "link":
            page.running.append(f"<{tag}>")
        for name, value in values.items():
            self._attribute(tag, name, value)

    def _attribute(self, tag: str, name: str, value: str) -> None:
        changes = name == "attributename" and value.lower().startswith(("on", "href", "xlink:"))
        if name.startswith("on") or value.strip().lower().startswith("javascript:") or changes:
            self.page.running.append(f"the attribute {name} of <{tag}>")
        elif name.rpartition(":")[2] in _LOADING and tag != "meta":
            self.page.addresses.append((tag, value))
        elif "url(" in _plain_css(value).lower() or name == "style":
            self.page.styles.append(value)
        self._read_value(value)

    def _read_value(self, value: str) -> None:
        if value.startswith(_SVG):
            self.page.words.append(read_page(_decoded(value.removeprefix(_SVG))).text)
        elif not value.startswith("data:image/"):
            self.page.words += {value, unquote(value)}

    def _part(self, tag: str) -> None:
        if tag not in _WITHIN_WORDS:
            self.page.flow.append("\n")

    def _table_starts(self, tag: str, span: str = "") -> None:
        if tag == "table":
            self._open_tables.append([])
            self.page.tables.append(self._open_tables[-1])
        elif self._open_tables and tag == "tr":
            self._open_tables[-1].append([])
        elif self._open_tables and tag in ("td", "th"):
            if not self._open_tables[-1]:
                self._open_tables[-1].append([])
            # a cell that spans columns stands in each of them
            blanks = int(span) - 1 if span.isdecimal() and len(span) < 3 else 0
            self._open_tables[-1][-1] += [""] * (max(blanks, 0) + 1)

    def handle_endtag(self, tag: str) -> None:
        self._part(tag)
        if tag == "table" and self._open_tables:
            self._open_tables.pop()
        if not self._inside or tag not in (*_HOLDS_NO_WORDS, "title"):
            return
        text, kind = "".join(self._collected), self._inside
        self._inside = ""
        if kind == "title":
            self.page.title = text
        elif kind == "data":
            self.page.words += [text, *_strings_in(text)]
        else:
            (self.page.scripts if kind == "script" else self.page.styles).append(text)

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._collected.append(data)
            return
        self.page.words.append(data)
        self.page.flow.append(data)
        table = self._open_tables[-1] if self._open_tables else None
        if table and table[-1]:
            table[-1][-1] += data

    def handle_comment(self, data: str) -> None:
        self.page.words.append(data)

    def handle_pi(self, data: str) -> None:
        self.page.words.append(data)


def _decoded(image: str) -> str:
    try:
        return b64decode(image).decode("utf-8", "replace")
    except ValueError:
        return ""


def _strings_in(text: str) -> list[str]:
    """Return JSON with its escapes resolved; what is no JSON is read as it stands."""
    try:
        return [json.dumps(json.loads(text), ensure_ascii=False)]
    except (ValueError, RecursionError):
        return []
