"""Shares in figures: as changes with their sign, and along an axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from cxresearch import _format as words
from cxresearch._language import tr

if TYPE_CHECKING:
    from matplotlib.axis import Axis

NOTHING = 1e-9  # a narrower interval is what rounding leaves of a number that cannot vary


def signed(share: float, unit: float = 0.001) -> str:
    """Return `+25.0 %` or `-2.0 %`; a dash where there is no number."""
    text = words.percent(share, unit)
    return _plus(text) if math.isfinite(share) else text


def signed_interval(share: float, lower: float, upper: float) -> str:
    """Return `+24 % (22 to 25 %)`; the share alone where its interval has no width or no ends."""
    if not upper - lower > NOTHING:
        return signed(share)
    return _plus(words.percent_interval(share, lower, upper))


def percents(axis: Axis) -> None:
    """Label an axis with shares in percent."""
    axis.set_major_formatter(lambda share, _: tr("{number} %", number=f"{100 * share:.6g}"))


def _plus(text: str) -> str:
    return text if text.startswith("-") else f"+{text}"
