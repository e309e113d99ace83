"""How much higher profit is with the lift than without, with an interval and a probability."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

import numpy as np
from scipy.special import ndtr

from cxresearch.roi._levels import Levels
from cxresearch.roi._strand import Strand
from cxresearch.roi.constant import ENOUGH
from cxresearch.uncertainty import critical_value

NO_ERROR: Final = 1e-9  # an error below it is one of rounding


class Rise(NamedTuple):
    """An uplift and the ends of its interval, NaN for a rate entered; and how likely the target."""

    value: float
    lower: float
    upper: float
    probability: float


def rise(strand: Strand, found: Levels, confidence_level: float, target: float) -> Rise:
    """Return the uplift of a profit from the variants of the curve.

    On the log scale of 1 + uplift; on that of the uplift where profit with the lift is not above
    0. The interval has no width where the uplift is the same on any curve.
    """
    positive = bool((found.after > 0).all())
    ratio = found.after / found.before
    scale = np.log(ratio) if positive else ratio - 1
    scale[np.abs(scale) < ENOUGH] = 0.0
    aim = math.log1p(target) if positive else target
    at, error = float(scale[0]), strand.error(scale)
    error = 0.0 if error < NO_ERROR else error
    half = critical_value(confidence_level) * error
    ends = (at, at - half, at + half)
    value, lower, upper = (math.expm1(x) for x in ends) if positive else ends
    far = at - aim
    chance = float(ndtr(far / error)) if error > 0 else float(far >= -ENOUGH)
    return Rise(value, lower, upper, chance)
