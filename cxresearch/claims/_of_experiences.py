"""Tests of claims about bad experiences: who left within a time of the first, second and third."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from cxresearch._language import mark, term, tr
from cxresearch.bad_experiences import Experience
from cxresearch.claims.measured import Evidence, Lacking
from cxresearch.claims.settings import ClaimSettings
from cxresearch.hazards.experience_churn import ExperienceChurn, experience_churn
from cxresearch.source import Data

YEAR: Final = 12  # months
ORDINAL: Final = {"1": mark("a first"), "2": mark("a second"), "3": mark("a third")}
SHARE, EXCESS = "churn_share", "excess_share"
# The readings of claims: by how many experiences, within how many months, and of which share.
READINGS: Final[Mapping[tuple[str, str], tuple[str, int, str]]] = {
    ("S0-1", "left_within_3"): ("1", 3, SHARE),
    ("S0-1", "left_within_12"): ("1", YEAR, SHARE),
    ("S0-1", "excess_12"): ("1", YEAR, EXCESS),
    ("S0-4", "after_1"): ("1", YEAR, SHARE),
    ("S0-4", "after_2"): ("2", YEAR, SHARE),
    ("S0-4", "after_3"): ("3", YEAR, SHARE),
    ("S2-7", "excess_2"): ("2", YEAR, EXCESS),
    ("S4-13", "after_1"): ("1", YEAR, SHARE),
    ("S4-14", "after_2"): ("2", YEAR, SHARE),
    ("S4-14", "after_3"): ("3", YEAR, SHARE),
}


def bad_experiences(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S0-1, S0-4, S2-7, S4-13 and S4-14: who left, and beyond comparable customers."""
    experience = Experience(settings.bad_experience)
    found = experience_churn(
        data.experience_table(experience),
        data.experience_followup(experience, months=YEAR),
        months=(3, YEAR),
        experience=experience,
        min_group=settings.min_group,
        confidence_level=settings.confidence_level,
    )
    doses = {churn.dose: churn for churn in found}
    for (claim, reading), (dose, months, name) in READINGS.items():
        churn = doses.get(dose)
        if churn is None or months not in churn.months:
            why = tr(
                "too few are followed for {months} months after {which} bad experience",
                months=months,
                which=term(ORDINAL[dose]),
            )
            yield Lacking(claim, why)
        else:
            yield _share(churn, (claim, reading), churn.months.index(months), name)


def _share(churn: ExperienceChurn, named: tuple[str, str], place: int, name: str) -> Evidence:
    value, low, high = (
        float(getattr(churn, name + end)[place]) for end in ("", "_ci_lower", "_ci_upper")
    )
    return Evidence(
        *named,
        value,
        low,
        high,
        churn.n,
        "share",
        "C",
        churn.definition,
        as_of=churn.as_of,
        confidence_level=churn.confidence_level,
    )
