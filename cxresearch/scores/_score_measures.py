"""What a score is: which answers count for it, and which against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cxresearch.recipe import Scale
from cxresearch.score_table import ScoreTable, best_scores
from cxresearch.uncertainty import Floats


class Measure(NamedTuple):
    """A score as the mean of a value per answer.

    Attributes
    ----------
    label
        "NPS", "CSAT", "CES".
    values
        1, 0 or −1 for each score of the scale, shape (K,).
    factor
        100 where the score is told in points, 1 where it is a share.
    unit
        "points" or "share".
    counted
        What the answers that count are called: "were satisfied".
    definition
        One sentence for below a figure.
    """

    label: str
    values: Floats
    factor: float
    unit: str
    counted: str
    definition: str


def measure_of(table: ScoreTable) -> Measure:
    """Return how the table's metric is measured on its scale.

    Notes
    -----
    NPS: the share of 9 and 10 less the share of up to 6, in points (Reichheld 2003, Harvard
    Business Review 81, 46–54). CSAT and CES: the share of the two best answers of the scale, or
    of the best one where the scale has fewer than four steps.
    """
    if table.metric == "nps":
        return _nps(table.axis)
    return _top_box(table.metric, table.axis, table.scale)


def _nps(axis: Sequence[int]) -> Measure:
    scores = np.asarray(axis)
    values = np.where(scores >= 9, 1.0, np.where(scores <= 6, -1.0, 0.0))
    definition = (
        f"NPS: the percentage of promoters (9 or 10) less that of detractors ({axis[0]} to 6), on "
        f"a scale of {axis[0]} to 10; from -100 to 100 points."
    )
    return Measure("NPS", values, 100.0, "points", "", definition)


def _top_box(metric: str, axis: Sequence[int], scale: Scale) -> Measure:
    chosen = best_scores(scale)
    values = np.isin(axis, chosen).astype(float)
    counted = "were satisfied" if metric == "csat" else "found it easy"
    what = "satisfied" if metric == "csat" else "easy"
    said = f"{' or '.join(map(str, chosen))} on a scale of {axis[0]} to {axis[-1]}"
    turned = "" if scale.high_is is None else f", on which a high answer means {scale.high_is}"
    definition = f"{metric.upper()}: the share of answers that are {what}, {said}{turned}."
    return Measure(metric.upper(), values, 1.0, "share", counted, definition)
