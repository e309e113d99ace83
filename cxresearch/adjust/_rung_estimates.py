"""The numbers of one rung of the bias ladder, or the reason why there are none."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from cxresearch import _format as words
from cxresearch._grouped import Counts
from cxresearch._language import tr
from cxresearch.adjust._rung import Ends, Rung, step
from cxresearch.adjust.doubly_robust import doubly_robust_retained
from cxresearch.adjust.support import check_losses, check_people, fewer, two_groups
from cxresearch.adjust.weighting import EXPOSURE, RefusedError, Weights, arms, weights
from cxresearch.hazards._grouped_hazards import fit_proportional
from cxresearch.hazards._hazard_refusal import MIN_GROUP
from cxresearch.hazards.ratios import hazard_ratios
from cxresearch.product_limit import curve_end, greenwood_se, retained_share
from cxresearch.retention import first_safe_tenure
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, jackknife_se, leave_one_out, normal_interval

EDGE = 1e-9  # a share kept as near to 0 or 1 as this is 0 or 1


@dataclass(frozen=True)
class Limits:
    """What all rungs have in common."""

    months: int
    labels: tuple[str, str]
    min_events: int
    min_at_risk: int
    max_weight: float
    confidence_level: float


def estimate_rung(design: str, table: LifeTable, limits: Limits) -> Rung:
    """Return a rung; what the data cannot support is a reason instead of a number."""
    rung, sides = _begin(design, table, limits)
    if sides is None:
        return rung
    try:
        return _adjusted(rung, table, limits) if rung.step.adjusted else _plain(rung, sides, limits)
    except RefusedError as reason:
        return rung.refused(str(reason))


def hazard_rung(design: str, table: LifeTable, limits: Limits) -> Rung:
    """Return a rung that adjusts for nothing, with its hazard ratio alone."""
    rung, sides = _begin(design, table, limits)
    return rung if sides is None else _with_hazard(rung, sides, limits)


def _begin(design: str, table: LifeTable, limits: Limits) -> tuple[Rung, LifeTable | None]:
    """Return what is known before any estimate, and the two groups unless they are too few."""
    labels = (limits.labels[0], step(design).reference or limits.labels[1])
    rung = Rung(
        design,
        labels,
        limits.months,
        covariates=tuple(c for c in table.group_columns if c != EXPOSURE),
        confidence_level=limits.confidence_level,
        as_of=table.as_of,
    ).refused(tr("not estimated"))
    try:
        sides = two_groups(table, labels)
        _check_events(sides, limits)
    except RefusedError as reason:
        return rung.refused(str(reason)), None
    return replace(rung, n=round(float(sides.n.sum())), events=int(sides.churned.sum())), sides


def _plain(rung: Rung, sides: LifeTable, limits: Limits) -> Rung:
    start = first_safe_tenure(sides, limits.min_at_risk)
    found = replace(_with_hazard(rung, sides, limits), start=start)
    reason = _too_short(sides.at_risk.sum(axis=1), start, limits)
    if reason:
        return replace(found, difference_refusal=reason)
    return _with_difference(found, *_kept(sides, start, start + limits.months))


def _with_hazard(rung: Rung, sides: LifeTable, limits: Limits) -> Rung:
    ratios = hazard_ratios(
        sides,
        EXPOSURE,
        reference=rung.labels[1],
        confidence_level=limits.confidence_level,
        min_events=limits.min_events,
    )
    return replace(
        rung,
        hazard_ratio=_ratio(
            float(ratios.log_hazard_ratio[0]),
            float(ratios.standard_error[0]),
            limits.confidence_level,
        ),
        hazard_refusal=ratios.refusal,
        left_out=ratios.left_out[:, 0],
    )


def _adjusted(rung: Rung, table: LifeTable, limits: Limits) -> Rung:
    """Estimate a rung that adjusts for what was known before; both numbers, or none."""
    overlapping = arms(table, *rung.labels)
    counts, left = overlapping.people.sum(axis=(1, 2)), overlapping.churned.sum(axis=(1, 2, 3))
    check_people(counts, rung.labels, MIN_GROUP, matched=True)
    check_losses(left, rung.labels, limits.min_events, matched=True)
    given = weights(overlapping, max_weight=limits.max_weight)
    reason = _too_short(overlapping.at_risk.sum(axis=(1, 2)), 0, limits)
    if rung.design == "weighted":
        kept = retained_share(given.counts("at_risk"), given.counts("churned"))
        kept = kept[..., min(limits.months, kept.shape[-1] - 1)]
        log = _weighted_log_ratio(given)
    else:
        if reason:
            raise RefusedError(reason)
        kept = doubly_robust_retained(given, limits.months)
        log = _cumulative_log_ratio(kept)
    with_hazard = replace(
        rung,
        n=round(float(overlapping.people.sum())),
        events=round(float(overlapping.churned.sum())),
        hazard_ratio=_ratio(log[0], float(jackknife_se(log[1:])), limits.confidence_level),
        hazard_refusal=None,
        left_out=log[1:],
    )
    if reason:
        return replace(with_hazard, difference_refusal=reason)
    return _with_difference(with_hazard, kept[0], float(jackknife_se(kept[1:, 0] - kept[1:, 1])))


def _weighted_log_ratio(given: Weights) -> Floats:
    """Return the marginal log hazard ratio of the weighted groups, shape (1 + R,)."""
    design, one = np.array([[1.0], [0.0]]), np.zeros(2, dtype=np.int64)
    fit = fit_proportional(design, given.counts("churned"), given.counts("at_risk"), one)
    if not fit.converged.all():
        raise RefusedError(tr("the weighted groups tell without error who left"))
    return fit.coefficients[:, 0]


def _cumulative_log_ratio(kept: Floats) -> Floats:
    """Return log(log S₁/log S₀) from shares kept, shape (1 + R, 2) to (1 + R,)."""
    if not ((kept > EDGE) & (kept < 1 - EDGE)).all():
        raise RefusedError(tr("the share kept is estimated at or beyond 0 or 100 %"))
    logs = np.log(-np.log(kept))
    return np.asarray(logs[:, 0] - logs[:, 1])


def _kept(sides: LifeTable, start: int, end: int) -> tuple[Floats, float]:
    """Return the share kept of the two groups, and the standard error of their difference."""
    if sides.n_replicates < 2:
        totals = (sides.at_risk.sum(axis=1), sides.churned.sum(axis=1))
        error = greenwood_se(*totals, start)[:, end]
        return retained_share(*totals, start)[:, end], float(np.hypot(*error))
    at_risk, churned = (leave_one_out(c[..., : end + 1]) for c in (sides.at_risk, sides.churned))
    kept = retained_share(at_risk, churned, start)[..., end]
    return kept[0], float(jackknife_se(kept[1:, 0] - kept[1:, 1]))


def _with_difference(rung: Rung, kept: Floats, error: float) -> Rung:
    if ((kept <= EDGE) | (kept >= 1 - EDGE)).any():
        # there the jackknife says nothing, and the interval would have no width or half of it
        reason = tr(
            "nobody of one group left within {months}, or everybody did",
            months=words.counted(rung.months, "month"),
        )
        return replace(rung, difference_refusal=reason)
    value = float(kept[0] - kept[1])
    lower, upper = (float(x) for x in normal_interval(value, error, rung.confidence_level))
    return replace(
        rung,
        retained=(float(kept[0]), float(kept[1])),
        difference=(value, lower, upper),
        difference_refusal=None,
    )


def _ratio(log: float, error: float, confidence_level: float) -> Ends:
    lower, upper = (float(x) for x in normal_interval(log, error, confidence_level))
    return math.exp(log), math.exp(lower), math.exp(upper)


def _check_events(sides: LifeTable, limits: Limits) -> None:
    few = fewer(sides.churned.sum(axis=(1, 2)), [x for (x,) in sides.groups], limits.min_events)
    if few:
        raise RefusedError(tr("fewer than {least} {whom} left", least=limits.min_events, whom=few))


def _too_short(at_risk: Counts, start: int, limits: Limits) -> str | None:
    """Return why two groups at risk, shape (2, T + 1), cannot be compared after `months`."""
    end = int(curve_end(at_risk, start, limits.min_at_risk).min())
    if end >= start + limits.months:
        return None
    return tr(
        "fewer than {least} of one group are still observed {months} on",
        least=limits.min_at_risk,
        months=words.counted(limits.months, "month"),
    )
