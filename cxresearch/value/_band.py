"""One estimate, and the hull of the intervals of every curve that is credible beyond the data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from cxresearch.uncertainty import Floats, Interval, jackknife_se, normal_interval


class Band(NamedTuple):
    """Estimate and ends, each of the shape of what was computed."""

    value: Floats
    lower: Floats
    upper: Floats


def band(
    estimate: Floats,
    credible: Iterable[Floats],
    level: float,
    interval: Callable[[Floats, Floats, float], Interval] = normal_interval,
) -> Band:
    """Return an estimate in the hull of the jackknife intervals of every credible curve.

    Parameters
    ----------
    estimate
        After the flow's best curve, shape (1 + R, ...): row 0 all customers, the others without
        one replicate each.
    credible
        The same after each credible curve; for two groups, after each pair of their curves.
    level
        Confidence level of each interval.
    interval
        Of a value and its standard error: `normal_interval`, or `log_interval` for a ratio.
    """
    ends = [interval(rows[0], jackknife_se(rows[1:]), level) for rows in credible]
    # the estimate itself is a mean of the curves: rounding aside, it is within the hull
    lower = np.minimum(np.min([low for low, _ in ends], axis=0), estimate[0])
    return Band(
        estimate[0], lower, np.maximum(np.max([high for _, high in ends], axis=0), estimate[0])
    )
