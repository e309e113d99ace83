"""What a score is: which answers count for it, and which against it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from cxresearch._language import mark, term, tr
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
        What the answers that count are called: "were satisfied"; a marked word.
    definition
        One sentence for below a figure, in the language spoken.
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
    definition = tr(
        "NPS: the percentage of promoters (9 or 10) less that of detractors ({low} to 6), on a "
        "scale of {low} to 10; from -100 to 100 points.",
        low=axis[0],
    )
    return Measure("NPS", values, 100.0, "points", "", definition)


def _top_box(metric: str, axis: Sequence[int], scale: Scale) -> Measure:
    chosen = best_scores(scale)
    values = np.isin(axis, chosen).astype(float)
    counted = mark("were satisfied") if metric == "csat" else mark("found it easy")
    definition = tr(
        "{name}: the share of answers that are {what}, {scores} on a scale of {low} to {high}"
        "{turned}.",
        name=metric.upper(),
        what=term(mark("satisfied") if metric == "csat" else mark("easy")),
        scores=tr(" or ").join(map(str, chosen)),
        low=axis[0],
        high=axis[-1],
        turned=_turned(scale),
    )
    return Measure(metric.upper(), values, 1.0, "share", counted, definition)


def _turned(scale: Scale) -> str:
    if scale.high_is is None:
        return ""
    hard = mark("hard")
    what = hard if scale.high_is == hard else scale.high_is
    return tr(", on which a high answer means {what}", what=term(what))
