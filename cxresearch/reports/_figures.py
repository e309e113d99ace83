"""Pictures of a notebook as small figures with their words, their numbers and their size."""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Mapping
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Any

from cxresearch._language import tr
from cxresearch.reports.sanitize import sanitize

if TYPE_CHECKING:
    from PIL.Image import Image

__all__ = ["IMAGES", "figure"]

IMAGES = ("image/svg+xml", "image/png", "image/jpeg")
_COLOURS = 64  # lines, bands and the greys of soft edges; more cannot be told apart
_WHITE = 254  # of 255


def figure(output: Mapping[str, Any], mime: str) -> str:
    """Write a picture that an output holds as a figure.

    Parameters
    ----------
    output
        Of a notebook; the metadata of its picture may hold `alt`, the `width` in pixels at
        which it is shown, and `numbers`, a table of what it plots.
    mime
        One of `IMAGES`, which the output has.

    Returns
    -------
    str
        Safe HTML that loads nothing.
    """
    metadata = output.get("metadata", {})
    about = {**metadata, **metadata.get(mime, {})}
    data, size = _drawn(output["data"][mime], mime, about.get("width"))
    alt = about.get("alt") or tr("A chart without a description; the text around it says more.")
    image = (
        f'<img src="data:{mime};base64,{data}" alt="{escape(str(alt))}"'
        + (f' width="{size[0]}" height="{size[1]}"' if size else "")
        + ">"
    )
    numbers = _numbers(about.get("numbers"))
    # a figure scrolls on a phone: what is in it takes the keyboard there, or it does itself
    name = escape(tr("Figure"))
    reach = "" if numbers else f' role="group" aria-label="{name}" tabindex="0"'
    return f'<figure class="cx-figure"{reach}>{image}{numbers}</figure>'


def _numbers(table: object) -> str:
    if not isinstance(table, str) or not table:
        return ""
    said = escape(tr("Numbers of this figure"))
    return f'<details class="cx-numbers"><summary>{said}</summary>{sanitize(table)}</details>'


def _drawn(data: str, mime: str, width: object) -> tuple[str, tuple[int, int] | None]:
    """Return base64 of a picture, and its size on the page where that is known."""
    if mime == "image/svg+xml":
        return b64encode(data.encode()).decode(), None
    from PIL import Image  # noqa: PLC0415 - slow to import, and the index needs none

    text = "".join(data.split())
    try:
        raw = b64decode(text)
        with Image.open(BytesIO(raw)) as image:
            size = _size(image, width)
            small = _quantised(image) if mime == "image/png" else raw
    except (OSError, ValueError):  # no picture that can be read: a browser may know better
        return escape(text), None
    return b64encode(min(small, raw, key=len)).decode(), size


def _size(image: Image, width: object) -> tuple[int, int]:
    shown = int(width) if isinstance(width, int | float) and width > 0 else image.width
    return shown, round(shown * image.height / image.width)


def _quantised(image: Image) -> bytes:
    """Return a PNG with a palette, without dithering, which would blur text."""
    from PIL.Image import Dither, Quantize  # noqa: PLC0415

    flat = _on_paper(image)
    few = flat.quantize(_COLOURS, method=Quantize.FASTOCTREE, dither=Dither.NONE)
    palette = few.getpalette() or []
    # the average of a bucket may miss the paper by a shade, which would show in the dark
    few.putpalette([255 if level >= _WHITE else level for level in palette])
    file = BytesIO()
    few.save(file, "PNG")
    return file.getvalue()


def _on_paper(image: Image) -> Image:
    from PIL.Image import alpha_composite, new  # noqa: PLC0415

    if not image.has_transparency_data:
        return image.convert("RGB")
    clear = image.convert("RGBA")
    if clear.getextrema()[3] == (255, 255):
        return clear.convert("RGB")
    return alpha_composite(new("RGBA", clear.size, "white"), clear).convert("RGB")
