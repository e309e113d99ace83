"""Hazard ratios from counts: how many times as often one group leaves as another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cxresearch._checks import check_level
from cxresearch._language import tr
from cxresearch.hazards._hazard_model import build_model, log_ratios, no_ratios
from cxresearch.hazards._hazard_ratios import HazardRatios, Wording
from cxresearch.hazards._hazard_refusal import fit_or_refuse
from cxresearch.tables import LifeTable

__all__ = ["HazardRatios", "Wording", "hazard_ratios"]


def hazard_ratios(
    table: LifeTable,
    exposure: str = "score_group",
    *,
    reference: str,
    adjust_for: Sequence[str] = (),
    stratify_by: Sequence[str] = (),
    confidence_level: float = 0.95,
    min_events: int = 10,
    wording: Wording | None = None,
) -> HazardRatios:
    """Estimate hazard ratios under proportional hazards in grouped time.

    Parameters
    ----------
    table
        Counts by tenure with the columns below among its group columns; late entry is in the
        counts, and so are scores that change over time. Weighted counts need replicates.
    exposure
        Group column whose labels are compared.
    reference
        Label of the exposure that the others are compared with.
    adjust_for
        Group columns whose main effects are in the model.
    stratify_by
        Group columns whose combinations each have a baseline of their own.
    confidence_level
        Of the intervals, which are symmetric on the log scale.
    min_events
        Customers who left that each parameter, and each label of the exposure, needs.
    wording
        What the design is called, and what stands in the sentence.

    Returns
    -------
    HazardRatios
        Without a number and with the reason in words (`refusal`) where a label has fewer than 30
        customers or too few who left, or a group tells without error who left (separation).

    Raises
    ------
    DataError
        When a column is not among the group columns, or is named twice.

    Notes
    -----
    Complementary log-log regression with one baseline parameter per period (Prentice & Gloeckler
    1978, Biometrics 34, 57–67): exact for ties, and the ratio is that of the continuous-time
    Cox model. Standard errors are the delete-a-group jackknife's, every table without a
    replicate being fitted again; without replicates the model's (expected information).
    """
    check_level(confidence_level)
    wording = wording or Wording()
    model = build_model(table, exposure, reference, adjust_for, stratify_by)
    reasons, fit = fit_or_refuse(model, min_events, wording)
    length, labels = len(model.levels), (reference, *model.levels)
    return HazardRatios(
        exposure=exposure,
        reference=reference,
        levels=model.levels,
        estimate=log_ratios(fit, np.eye(length, len(model.effects))) if fit else no_ratios(length),
        events={x: model.events(x) for x in labels},
        n={x: round(model.n(x)) for x in labels},
        adjusted_for=model.covariates,
        refusal=tr("; ").join(reasons) or None,
        wording=wording,
        confidence_level=confidence_level,
        population=table.population,
        periods_per_year=table.periods_per_year,
        as_of=table.as_of,
    )
