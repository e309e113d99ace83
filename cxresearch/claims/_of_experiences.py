"""Tests of claims about bad experiences: who left within a time of the first, second and third."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cxresearch.bad_experiences import Experience
from cxresearch.claims.settings import ClaimSettings
from cxresearch.claims.verdict import Evidence, Lacking
from cxresearch.retention import RetentionCurves, retention_curves
from cxresearch.source import Data

YEAR: Final = 12  # months
# Which claims speak of the share who left: by how many experiences, and within how many months.
ABSOLUTE: Final[Mapping[tuple[str, int], tuple[tuple[str, str], ...]]] = {
    ("1", 3): (("S0-1", "left_within_3"),),
    ("1", YEAR): (("S0-1", "left_within_12"), ("S0-4", "after_1"), ("S4-13", "after_1")),
    ("2", YEAR): (("S0-4", "after_2"), ("S4-14", "after_2")),
    ("3", YEAR): (("S0-4", "after_3"), ("S4-14", "after_3")),
}


def bad_experiences(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S0-1, S0-4, S4-13 and S4-14: customers followed from each of their bad experiences on."""
    experience = Experience(settings.bad_experience)
    table = data.experience_followup(experience, months=YEAR).pooled("dose")
    curves = retention_curves(
        table, min_group=settings.min_group, confidence_level=settings.confidence_level
    )
    for (dose, months), claims in ABSOLUTE.items():
        for claim, reading in claims:
            yield _left(curves, (dose, months), (claim, reading), experience)


def _left(
    curves: RetentionCurves, when: tuple[str, int], named: tuple[str, str], experience: Experience
) -> Evidence | Lacking:
    dose, months = when
    claim, reading = named
    curve = next((curve for curve in curves if curve.group["dose"] == dose), None)
    found = None if curve is None else curve.at(months)
    if found is None or None in (found.value, found.ci_lower, found.ci_upper):
        why = f"too few customers are followed {months} months after {dose} bad experiences"
        return Lacking(claim, why)
    value, low, high = (1 - float(x or 0) for x in (found.value, found.ci_upper, found.ci_lower))
    return Evidence(
        claim,
        reading,
        value,
        low,
        high,
        found.n,
        "share",
        "C",
        experience.definition,
        as_of=found.as_of,
        confidence_level=found.confidence_level,
    )
