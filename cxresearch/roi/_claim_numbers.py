"""What goes with a claim: where it begins to hold, and how elastic value is."""

from __future__ import annotations

import math
from collections.abc import Sequence

from cxresearch import _format as words
from cxresearch._language import tr
from cxresearch.findings import Finding
from cxresearch.roi._claim_words import number, terms_words
from cxresearch.roi._levels import Asked, duration
from cxresearch.roi._not_defined import NotDefinedError
from cxresearch.roi._subject import Subject
from cxresearch.roi.constant import thresholds
from cxresearch.roi.economics import Economics, concept_words
from cxresearch.uncertainty import log_interval


def threshold(whose: Subject, asked: Asked, target: float) -> Finding:
    """Return `threshold_retention`: the lowest rate that is enough if none ever changes."""
    ranges = thresholds(
        asked.lift, asked.economics, target=target, concept=asked.concept, year=asked.year
    )
    value = ranges[0][0] if ranges else None
    key = {"reading": str(asked.lift.reading)}
    return number(whose, "threshold_retention", value, _where(asked, target, ranges), key)


def _where(asked: Asked, target: float, ranges: Sequence[tuple[float, float]]) -> str:
    """Return in words at which rates the target is reached."""
    said = [
        tr("{low} to {high}", low=words.percent(low, 0.001), high=words.percent(high, 0.001))
        for low, high in ranges
    ]
    values = {
        "lift": asked.lift.words,
        "what": concept_words(asked.concept, asked.year),
        "target": words.percent(target),
        "terms": terms_words(asked),
    }
    if not said:
        return tr(
            "With {lift}, {what} is {target} higher or more at no rate of retention, if retention "
            "never changes, {terms}.",
            **values,
        )
    return tr(
        "With {lift}, {what} is {target} higher or more where {rates} stay each year, if retention "
        "never changes, {terms}.",
        rates=words.and_list(said),
        **values,
    )


def elasticity_of(whose: Subject, model: str, economics: Economics) -> Finding:
    """Return `retention_elasticity`: per cent more value per 1 per cent more retention."""
    name, key = "retention_elasticity", {"model": model}
    strand, level = whose.strands[model], whose.confidence_level
    try:
        rows = duration(strand, economics)
    except NotDefinedError as reason:
        said = tr(
            "Not known: by how much value changes with retention, {by}: {reason}.",
            by=whose.by(model),
            reason=reason,
        )
        return number(whose, name, None, said, key, unit="ratio")
    ends = log_interval(rows[0], strand.error(rows), level)
    value, lower, upper = float(rows[0]), float(ends[0]), float(ends[1])
    basis = whose.basis(model, economics.words, certain=math.isnan(lower))
    much = f"{value:.2f}" if math.isnan(lower) else words.number_interval(value, lower, upper)
    said = tr(
        "With 1 % more retention in every year, value per customer is {much} per cent higher, "
        "{basis}.",
        much=much,
        basis=basis,
    )
    return number(whose, name, value, said, key, ends=(lower, upper), unit="ratio")
