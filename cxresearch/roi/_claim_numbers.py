"""What goes with a claim: where it begins to hold, and how elastic value is."""

from __future__ import annotations

import math

from cxresearch import _format as words
from cxresearch.findings import Finding
from cxresearch.roi._claim_words import number, terms_words
from cxresearch.roi._levels import Asked, NotDefinedError, duration
from cxresearch.roi._subject import Subject
from cxresearch.roi.constant import thresholds
from cxresearch.roi.economics import Economics, concept_words
from cxresearch.uncertainty import log_interval


def threshold(whose: Subject, asked: Asked, target: float) -> Finding:
    """Return `threshold_retention`: the lowest rate that is enough if none ever changes."""
    ranges = thresholds(
        asked.lift, asked.economics, target=target, concept=asked.concept, year=asked.year
    )
    what = f"{concept_words(asked.concept, asked.year)} is {words.percent(target)} higher"
    said = [f"{words.percent(low, 0.001)} to {words.percent(high, 0.001)}" for low, high in ranges]
    where = f"where {words.and_list(said)} stay each year" if said else "at no rate of retention"
    sentence = (
        f"With {asked.lift.words}, {what} or more {where}, if retention never changes, "
        f"{terms_words(asked)}."
    )
    value = ranges[0][0] if ranges else None
    return number(whose, "threshold_retention", value, sentence, {"reading": asked.lift.reading})


def elasticity_of(whose: Subject, model: str, economics: Economics) -> Finding:
    """Return `retention_elasticity`: per cent more value per 1 per cent more retention."""
    name, key, by = "retention_elasticity", {"model": model}, whose.by(model)
    strand, level = whose.strands[model], whose.confidence_level
    try:
        rows = duration(strand, economics)
    except NotDefinedError as reason:
        said = f"Not known: by how much value changes with retention, {by}: {reason}."
        return number(whose, name, None, said, key, unit="ratio")
    ends = log_interval(rows[0], strand.error(rows), level)
    value, lower, upper = float(rows[0]), float(ends[0]), float(ends[1])
    if math.isnan(lower):
        much, interval = f"{value:.2f}", ""
    else:
        much = words.number_interval(value, lower, upper)
        interval = f" ({words.level_words(level)} interval)"
    said = (
        f"With 1 % more retention in every year, value per customer is {much} per cent higher, "
        f"{by}{whose.since}, {economics.words}{interval}."
    )
    return number(whose, name, value, said, key, ends=(lower, upper), unit="ratio")
