"""How many leave after the k-th bad experience, and how many of comparable customers do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from cxresearch._checks import check_level
from cxresearch._results import Results, too_few
from cxresearch.bad_experiences import Experience, Kind
from cxresearch.errors import DataError
from cxresearch.hazards._comparable import Cells, Compared, compare
from cxresearch.hazards._experience_churn import DOSES, ENDS, ExperienceChurn
from cxresearch.retention import MIN_GROUP
from cxresearch.tables import LifeTable

__all__ = ["ExperienceChurn", "experience_churn"]

# A tenure beyond all, for those in whose group nobody is comparable.
_NOWHERE: Final = 100_000
_SO_FAR, _DOSE, _FROM = "experiences", "dose", "from_tenure"


def experience_churn(
    table: LifeTable,
    followup: LifeTable,
    months: Sequence[int] = (1, 3, 6, 12),
    *,
    experience: Kind | Experience = "ticket",
    min_group: int = MIN_GROUP,
    confidence_level: float = 0.95,
) -> Results[ExperienceChurn]:
    """Compare who left after the first, second and third bad experience with who did without it.

    Parameters
    ----------
    table
        Result of `Data.experience_table`: who had how many so far, by tenure.
    followup
        Result of `Data.experience_followup` of the same experience. Its groups besides dose and
        tenure are those within which customers are compared; `table` has them too.
    months
        Months since the experience began to count; those in which fewer than `min_group` are
        followed, or comparable, are left out.
    experience
        What the tables count, for the words.
    min_group
        Customers followed that a dose needs.
    confidence_level
        Of the intervals.

    Raises
    ------
    DataError
        When the tables do not belong together, or hold no replicates.

    Notes
    -----
    Product-limit estimates of the same months, see `compare`: with equal hazards in each month of
    tenure the difference is 0 on average, however customers are censored. A comparable
    customer is one as long as they have no further experience; those followed may have further
    ones. Losses in the rest of the month of the experience are among those of the comparable.
    Intervals: delete-a-group jackknife over customers, who may be on both sides at
    different times, which keeps the covariance.

    The difference is no effect. Where a trait that is not in the groups goes with both more
    experiences and more losses, those with k so far are on average more at risk than those with
    k − 1, and the difference is positive although the experience does nothing (Aalen, Borgan &
    Gjessing 2008, Survival and Event History Analysis, ch. 6).
    """
    what = experience if isinstance(experience, Experience) else Experience(experience)
    within = _check(table, followup, months, confidence_level)
    found, few = [], 0
    for dose in (d for d in DOSES if d in _labels(followup, _DOSE)):
        compared = _compared(table, followup, dose, within)
        followed = followup.select(dose=dose).n.sum()
        seen = compared and _seen(compared, months, min_group)
        if not compared or not seen or followed < min_group:
            few += 1
            continue
        found.append(
            ExperienceChurn(
                experience=what,
                dose=dose,
                **_shares(compared, seen, confidence_level),
                n=round(float(followed)),
                within=within,
                confidence_level=confidence_level,
                as_of=followup.as_of,
            )
        )
    least = max(min_group, 1)
    return Results(tuple(found), too_few(followup, few, least, "to follow or to compare with"))


def _compared(
    table: LifeTable, followup: LifeTable, dose: str, within: tuple[str, ...]
) -> Compared | None:
    fewer = str(int(dose) - 1)
    if fewer not in _labels(table, _SO_FAR):
        return None
    others = table.select(experiences=fewer).pooled(*within)
    followed = followup.select(dose=dose)
    place = [followed.group_columns.index(column) for column in within]
    own = [tuple(group[i] for i in place) for group in followed.groups]
    known = np.array([labels in others.groups for labels in own])
    start = np.array([int(label) for label in _labels(followed, _FROM)])
    stratum = [others.groups.index(labels) if labels in others.groups else 0 for labels in own]
    cells = Cells(np.where(known, start, _NOWHERE), np.array(stratum))
    return compare(followed, others, cells)


def _seen(compared: Compared, months: Sequence[int], min_group: int) -> tuple[int, ...]:
    """Return the months up to which enough are followed and comparable all the time."""
    least = max(min_group, 1)
    enough = (compared.at_risk >= least) & (compared.comparable >= least)
    last = int(np.logical_and.accumulate(enough).sum())
    return tuple(sorted({int(month) for month in months if month <= last}))


def _shares(compared: Compared, months: tuple[int, ...], level: float) -> dict[str, Any]:
    at, last = np.array(months) - 1, months[-1]
    columns = {
        "churn_share": (compared.share, *compared.share_interval(level)),
        "expected_share": (compared.expected, *compared.expected_interval(level)),
        "excess_share": (compared.share - compared.expected, *compared.excess_interval(level)),
    }
    found = {
        name + end: values[at]
        for name, three in columns.items()
        for end, values in zip(ENDS, three, strict=True)
    }
    without = compared.without[:last].sum()
    return {
        **found,
        "months": months,
        "at_risk": compared.at_risk[at],
        "comparable_months": round(float(compared.comparable[:last].min())),
        "uncompared_share": float(without / (without + compared.at_risk[:last].sum())),
    }


def _labels(table: LifeTable, column: str) -> list[str]:
    position = table.group_columns.index(column)
    return [group[position] for group in table.groups]


def _check(
    table: LifeTable, followup: LifeTable, months: Sequence[int], level: float
) -> tuple[str, ...]:
    """Return the groups within which customers are compared."""
    check_level(level)
    problems = [
        f"there is no column {column!r} in {name}, must be one: take Data.{name}."
        for name, held, columns in (
            ("experience_table", table, (_SO_FAR,)),
            ("experience_followup", followup, (_DOSE, _FROM)),
        )
        for column in columns
        if column not in held.group_columns
    ]
    within = tuple(c for c in followup.group_columns if c not in {_DOSE, _FROM})
    problems += [
        f"{column!r} is a group of the follow-up only, must be one of both tables: name it for "
        "experience_table too."
        for column in within
        if column not in table.group_columns
    ]
    problems += [
        f"months has {month!r}, must be whole numbers above 0: take 1, 3, 6 and 12."
        for month in months
        if month != int(month) or month < 1
    ]
    if not months:
        problems.append("there are 0 months, must be at least 1: take 1, 3, 6 and 12.")
    if table.n_replicates != followup.n_replicates or table.n_replicates < 2:
        problems.append(
            f"the tables have {table.n_replicates} and {followup.n_replicates} replicates, must "
            "have the same number and more than 1: reduce both from the same customers."
        )
    if problems:
        raise DataError(problems)
    return within
