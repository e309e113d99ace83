"""Formulas as MathML, which every browser sets without a script or a font of its own."""

from __future__ import annotations

import re
from html import escape, unescape
from typing import TYPE_CHECKING

from cxresearch.reports.sanitize import names

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

__all__ = ["mathml"]

_TAGS = names(
    "math mrow mi mo mn ms mtext mspace mfrac msqrt mroot msub msup msubsup munder mover"
    " munderover mmultiscripts mprescripts mtable mtr mtd mpadded mphantom mstyle menclose"
)
_ATTRIBUTES = names(
    "display mathvariant stretchy fence form separator lspace rspace minsize maxsize"
    " movablelimits accent accentunder width height depth linethickness columnalign rowspacing"
    " columnspacing scriptlevel displaystyle notation symmetric largeop"
)
_VALUE = re.compile(r"[\w#%. +-]*")
_LONG = 40  # letters of TeX; a longer formula may be wider than a phone


def mathml(tex: str, *, block: bool) -> str:
    """Write a formula as MathML that can do nothing but be read.

    Parameters
    ----------
    tex
        LaTeX without its dollar signs; kept as `alttext`.
    block
        Whether it stands on a line of its own.

    Returns
    -------
    str
        Safe HTML; the formula as it was typed where it cannot be read.
    """
    from latex2mathml.converter import Converter  # noqa: PLC0415 - few pages hold a formula

    tex = tex.strip()
    try:
        element = Converter(display="block" if block else "inline").convert_to_element(tex)
    except Exception:  # it fails in many ways, and each means that it cannot read this
        return f"<code>{escape(tex)}</code>"
    element.set("alttext", tex)
    written = _written(element)
    if block and len(tex) > _LONG:
        return f'<span class="cx-formula" role="group" tabindex="0">{written}</span>'
    return written


def _written(element: Element) -> str:
    """Write an element anew from what is allowed: the library leaves text unescaped."""
    content = _text(element.text) + "".join(
        _written(child) + _text(child.tail) for child in element
    )
    if element.tag not in _TAGS:
        return content
    kept = {k: v for k, v in element.attrib.items() if k in _ATTRIBUTES and _VALUE.fullmatch(v)}
    if "alttext" in element.attrib:
        kept["alttext"] = element.attrib["alttext"]
    attributes = "".join(f' {name}="{escape(value)}"' for name, value in kept.items())
    return f"<{element.tag}{attributes}>{content}</{element.tag}>"


def _text(text: str | None) -> str:
    return escape(unescape(text or ""), quote=False)
