"""What the silent do to the score: weights, bounds, and how different they have to be.

Three answers side by side. The weighted score lets each answer speak for the silent who are like
it in what is known of everybody. The bounds assume nothing. The tipping point says how far below
the answers the silent have to be for the score to lose its sign.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cxresearch._grouped import Counts, unknown
from cxresearch._results import Results, too_small
from cxresearch.errors import DataError
from cxresearch.invitation_table import SCORED, InvitationTable
from cxresearch.retention import MIN_GROUP
from cxresearch.score_table import WAVE
from cxresearch.scores._nonresponse import ENDS, NUMBERS, NonResponse
from cxresearch.scores._response_weights import ResponseWeights, response_weights
from cxresearch.scores._score_intervals import adjusted_wald, spread
from cxresearch.scores.response_rates import people_only
from cxresearch.uncertainty import (
    Floats,
    Interval,
    jackknife_se,
    leave_one_out,
    normal_interval,
)

MAX_WEIGHT = 5.0
NOISE = 1e-6  # points; what rounding leaves of a standard error where all answers are alike


def nps_nonresponse(
    table: InvitationTable,
    by: Sequence[str] = (),
    *,
    max_weight: float = MAX_WEIGHT,
    min_group: int = MIN_GROUP,
    confidence_level: float = 0.95,
) -> Results[NonResponse]:
    """Return, per wave and group, the weighted NPS, its bounds and its tipping point.

    Parameters
    ----------
    table
        NPS invitations; its columns besides the wave and `by` are what the weights go by.
    by
        Columns to report by, e.g. ["plan"].
    max_weight
        What an answer counts beyond itself is cut at so many times its mean.
    min_group
        Customers who answered that a wave and group need to be shown.
    confidence_level
        Of the intervals.

    Raises
    ------
    DataError
        When the answers have no score groups, or a column is not there.

    Notes
    -----
    Response propensity weights as in `_response_weights`; worst-case bounds of Manski (1989,
    Journal of Human Resources 24, 343–360); tipping point NPS/(1 − response rate), where a
    pattern-mixture model (Little 1993, JASA 88, 125–134) puts the silent δ points below the
    answers. Standard errors: delete-a-group jackknife with the weights estimated anew without
    each replicate; with a single replicate, linearised for independent answers, the weights taken
    as known. Both NPS have the adjusted Wald interval of `score_levels`, at the number of answers
    that would have this error.
    """
    _check(table, by, max_weight)
    found, few = [], 0
    for wave in table.by_wave():
        for labels in wave.pooled(*_reported(wave, by)).groups:
            group = dict(zip(_reported(wave, by), labels, strict=True))
            cells = wave.select(**group)
            if _customers(cells) < max(min_group, 1):
                few += 1
                continue
            found.append(_estimate(cells, group, max_weight, confidence_level))
    counted = people_only(table, "customers who answered")
    return Results(tuple(found), too_small(counted, few, max(min_group, 1)))


def _customers(cells: InvitationTable) -> int:
    """Return how many customers answered, at the least: few are no group by answering often.

    Who answered a later invitation only is not among the first ones, but in some replicate.
    """
    seen = (cells.scores.sum(axis=(0, 2)) > 0).sum()
    return int(max(cells.customers[..., SCORED].sum(), seen))


def _estimate(
    table: InvitationTable, group: Mapping[str, str], max_weight: float, level: float
) -> NonResponse:
    frame = tuple(name for name in table.group_columns if name not in group)
    merged = table.pooled(*frame)
    cells = merged.take([g for g, n in enumerate(merged.n) if n > 0])
    weights = response_weights(cells.groups, cells.answered, cells.delivered, max_weight)
    reason = weights.reason or ("" if frame else "nothing is known of everybody invited")
    net, scores = _scores(cells)
    values = _statistics(weights, net)
    error = (
        jackknife_se(values[1:])
        if table.n_replicates > 1
        else _linearised(weights, scores, values[0])
    )
    error = np.where(error > NOISE, error, 0.0)
    lower, upper = normal_interval(values[0], error, level)
    lower[:2], upper[:2] = _score_intervals(weights, scores, error[:2], (_customers(cells), level))
    numbers: dict[str, Any] = {}
    for i, name in enumerate(NUMBERS):
        known = not (reason and name in {"nps_weighted", "difference"})
        ends = (float(values[0, i]), float(lower[i]), float(upper[i]))
        for end, number in zip(ENDS, ends, strict=True):
            numbers[name + end] = _in_range(name, number) if known else float("nan")
    return NonResponse(
        delivered=round(float(cells.delivered.sum())),
        answered=round(float(cells.scores.sum())),
        **numbers,
        effective_n=weights.effective_n,
        n_truncated=round(weights.n_truncated),
        max_weight=max_weight,
        adjusted_for=frame,
        no_weights=reason,
        group=group,
        confidence_level=level,
        as_of=table.as_of,
    )


def _scores(cells: InvitationTable) -> tuple[Floats, Floats]:
    """Return promoters less detractors by cell, (1 + R, X), and the scores' totals, (X, 3)."""
    net = cells.scores[..., 2] - cells.scores[..., 0]
    return leave_one_out(net[:, :, None])[..., 0], cells.scores.sum(axis=1)


def _statistics(weights: ResponseWeights, net: Floats) -> Floats:
    """Return the numbers of `NUMBERS` in points, shape (1 + R, 6)."""
    answered, silent = weights.answered.sum(-1), weights.silent.sum(-1)
    # a single replicate leaves nobody when it is left out
    delivered = np.maximum(answered + silent, 1)
    plain = net.sum(-1) / np.maximum(answered, 1)
    weighted = (weights.weight * net).sum(-1) / delivered
    low, high = (net.sum(-1) - silent) / delivered, (net.sum(-1) + silent) / delivered
    share = silent / delivered
    tipping = np.where(share > 0, plain / np.where(share > 0, share, 1), np.nan)
    return 100 * np.stack([plain, weighted, weighted - plain, low, high, tipping], axis=-1)


def _linearised(weights: ResponseWeights, scores: Counts, values: Floats) -> Floats:
    """Return standard errors for independent answers, the weights taken as known, shape (6,)."""
    n, w = weights.answered[0].sum(), weights.weight[0][:, None]
    delivered = n + weights.silent[0].sum()
    rate = n / delivered
    x = 100 * np.array([-1.0, 0.0, 1.0])
    plain = np.sqrt((scores * (x - values[0]) ** 2).sum()) / n
    weighted = np.sqrt((scores * (w * (x - values[1])) ** 2).sum()) / (scores * w).sum()
    shift = np.sqrt((scores * (w * (x - values[1]) / delivered - (x - values[0]) / n) ** 2).sum())
    missing = np.sqrt(rate * (1 - rate) / delivered)
    ends = [
        np.hypot(rate * plain, (values[0] + side) * missing) for side in (100, -100)
    ]  # of rate·N ∓ (1 − rate)·100
    silent = 1 - rate if rate < 1 else np.nan
    tipping = np.hypot(plain / silent, values[0] * missing / silent**2)
    return np.array([plain, weighted, shift, *ends, tipping])


def _score_intervals(
    weights: ResponseWeights, scores: Counts, error: Floats, ask: tuple[float, float]
) -> Interval:
    """Return the ends of the NPS and of the weighted NPS, each of shape (2,).

    Answers that are all alike have no spread, and are worth as many as there are customers.
    """
    customers, level = ask
    each = np.stack([np.ones_like(weights.weight[0]), weights.weight[0]]) @ scores
    share = each / each.sum(axis=1, keepdims=True)
    high, low = share[:, 2], share[:, 0]
    fewest = np.minimum([scores.sum(), weights.effective_n], customers)
    told = 1e4 * spread(high, low) / np.where(error > 0, error, 1.0) ** 2
    ends = adjusted_wald(high, low, np.where(error > 0, told, fewest), level)
    return 100 * ends[0], 100 * ends[1]


def _in_range(name: str, number: float) -> float:
    """Keep the ends of an interval of a score between −100 and 100."""
    return number if name in {"tipping_point", "difference"} else min(max(number, -100.0), 100.0)


def _reported(table: InvitationTable, by: Sequence[str]) -> list[str]:
    return [*([WAVE] if WAVE in table.group_columns else []), *by]


def _check(table: InvitationTable, by: Sequence[str], max_weight: float) -> None:
    columns = [name for name in table.group_columns if name != WAVE]
    problems = [unknown("group column", name, columns) for name in by if name not in columns]
    if table.metric != "nps":
        problems.append(
            f"the table holds {table.metric} answers in no score groups, must hold NPS answers: "
            "ask for invitation_table(metric='nps')."
        )
    if not max_weight >= 1:
        problems.append(f"max_weight is {max_weight!r}, must be at least 1: take {MAX_WEIGHT:g}.")
    if problems:
        raise DataError(problems)
