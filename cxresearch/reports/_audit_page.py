"""A page as an auditor reads it: what it would run or load, its words, its tables."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from html.parser import HTMLParser

_LOADING = {"src", "href", "action", "formaction", "data", "poster", "srcset", "background"}
_RUNNING = {"iframe", "object", "embed", "form", "applet", "base", "frame"}
_INERT = {"application/json", "application/ld+json"}
_NEIGHBOUR = re.compile(r"(?:\./)?[^:/?#]+\.html(?:#\S*)?")
_CSS_LOADS = re.compile(r"@import|url\(\s*['\"]?(?!data:)", re.IGNORECASE)
_HOLDS_NO_WORDS = {"script", "style"}


@dataclass
class Page:
    """What is in a page: words, tables (rows of cells), scripts, styles and odd attributes."""

    language: str = ""
    title: str = ""
    policy: str = ""
    failed: bool = False
    words: list[str] = field(default_factory=list)
    tables: list[list[list[str]]] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    addresses: list[tuple[str, str]] = field(default_factory=list)
    running: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All that can be read, in texts and attributes."""
        return "\n".join(self.words)

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
        if any(_CSS_LOADS.search(style) for style in self.styles):
            yield "network", "a style that loads something"


def read_page(html: str) -> Page:
    """Read a page or a fragment of one."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.page


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

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = {name.lower(): value or "" for name, value in attrs}
        self._attributes(tag, values)
        if tag in _HOLDS_NO_WORDS or tag == "title":
            self._inside, self._collected = tag, []
            if tag == "script" and values.get("type", "").lower() in _INERT:
                self._inside = "data"
        self._table_starts(tag)

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
            if name.startswith("on") or value.strip().lower().startswith("javascript:"):
                page.running.append(f"the attribute {name} of <{tag}>")
            elif name.rpartition(":")[2] in _LOADING and tag != "meta":
                page.addresses.append((tag, value))
            elif name == "style":
                page.styles.append(value)
            elif name in ("alt", "title", "aria-label", "placeholder", "value"):
                page.words.append(value)

    def _table_starts(self, tag: str) -> None:
        if tag == "table":
            self._open_tables.append([])
            self.page.tables.append(self._open_tables[-1])
        elif self._open_tables and tag == "tr":
            self._open_tables[-1].append([])
        elif self._open_tables and tag in ("td", "th"):
            if not self._open_tables[-1]:
                self._open_tables[-1].append([])
            self._open_tables[-1][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "table" and self._open_tables:
            self._open_tables.pop()
        if not self._inside or tag not in (*_HOLDS_NO_WORDS, "title"):
            return
        text, kind = "".join(self._collected), self._inside
        self._inside = ""
        if kind == "title":
            self.page.title = text
        elif kind == "data":
            self.page.words.append(text)
        else:
            (self.page.scripts if kind == "script" else self.page.styles).append(text)

    def handle_data(self, data: str) -> None:
        if self._inside:
            self._collected.append(data)
            return
        self.page.words.append(data)
        table = self._open_tables[-1] if self._open_tables else None
        if table and table[-1]:
            table[-1][-1] += data

    def handle_comment(self, data: str) -> None:
        self.page.words.append(data)
