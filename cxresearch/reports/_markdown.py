"""Markdown as safe HTML: headings that can be linked to, and formulas as MathML."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from cxresearch.reports._math import mathml
from cxresearch.reports.sanitize import RESERVED, place, sanitize

__all__ = ["Heading", "Prose", "render"]

_MARKS = re.compile(r"<[^<>]*>")
_EMPHASIS = re.compile(r"(?<![*\\])(\*{1,2})(?=[^\s*])([^*\n]*[^\s*])\1(?!\*)(?=([^\W_])?)")


@dataclass(frozen=True)
class Heading:
    """A heading of the page: its level 1 to 6, its anchor, and its text without markup."""

    level: int
    anchor: str
    text: str


@dataclass(frozen=True)
class Prose:
    """Safe HTML of a text, and the headings in it."""

    html: str
    headings: tuple[Heading, ...]


def render(markdown: str, name: str) -> Prose:
    """Render Markdown whose headings are anchored by `name`: `name`, `name-2`, and so on."""
    renderer = _Renderer(name)
    source = _EMPHASIS.sub(_emphasised, RESERVED.sub("", markdown))
    raw = MarkdownWithMath(renderer=renderer).render(source)
    return Prose(sanitize(raw, renderer.formulas), tuple(renderer.headings))


def _emphasised(found: re.Match[str]) -> str:
    # Markdown ends none between a full stop or bracket and a letter, where Japanese has no space
    if not found[3] or found[2][-1] not in "）」』。、：":
        return found[0]
    tag = "em" if found[1] == "*" else "strong"
    return f"<{tag}>{found[2]}</{tag}>"


class _Renderer(IPythonRenderer):  # type: ignore[misc]
    """Keeps formulas apart until everything else is safe, and knows the headings."""

    def __init__(self, name: str) -> None:
        super().__init__(escape=False, exclude_anchor_links=True)
        self.formulas: list[str] = []
        self.headings: list[Heading] = []
        self._name = name

    def heading(self, text: str, level: int, **attrs: object) -> str:
        """Give each heading of a cell an anchor of its own, and remember it."""
        count = len(self.headings) + 1
        anchor = self._name if count == 1 else f"{self._name}-{count}"
        self.headings.append(Heading(level, anchor, unescape(_MARKS.sub("", text)).strip()))
        return f'<h{level} id="{anchor}">{text}</h{level}>\n'

    def block_code(self, code: str, info: str | None = None) -> str:
        """Leave code without colours, whose classes would only take space."""
        return f"<pre><code>{self.escape_html(code)}</code></pre>\n"

    def block_math(self, body: str) -> str:
        """Set a formula on a line of its own."""
        return self._kept(body, block=True)

    def inline_math(self, body: str) -> str:
        """Set a formula in the line."""
        return self._kept(body, block=False)

    def latex_environment(self, name: str, body: str) -> str:
        """Set a formula such as `align`, which names its own layout."""
        return self._kept(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)

    def _kept(self, tex: str, *, block: bool) -> str:
        self.formulas.append(mathml(tex, block=block))
        return place(len(self.formulas) - 1)
