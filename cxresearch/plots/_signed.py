"""A share as a change: with its sign."""

from __future__ import annotations

import math

from cxresearch import _format as words


def signed(share: float, unit: float = 0.001) -> str:
    """Return `+25.0 %` or `-2.0 %`; a dash where there is no number."""
    text = words.percent(share, unit)
    return f"+{text}" if math.isfinite(share) and not text.startswith("-") else text
