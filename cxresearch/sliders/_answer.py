"""What the sliders show for one state of them: the same in Python and in the page's script."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

MIME: Final = "application/vnd.cxresearch.what-if+json"
Number = float | None | list[float]


class Answer(NamedTuple):
    """Numbers and sentences.

    Parameters
    ----------
    headline
        The answer in a sentence.
    lines
        More sentences, in order.
    caption
        What the chart shows, in words; empty where there is none.
    numbers
        By name, as computed; what the chart is drawn from.
    cells
        How the answer stands in the row of a table.
    """

    headline: str
    lines: tuple[str, ...]
    caption: str
    numbers: Mapping[str, Number]
    cells: tuple[str, ...]
