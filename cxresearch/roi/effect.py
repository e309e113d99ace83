"""The lift that a programme is credited with, and how good the reason for it is.

Grade A: measured in a randomised experiment. Grade C: a difference that was observed, which may
have come from anything else. Grade D: entered. The grade stays with the number wherever it goes.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._language import mark, term, tr
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.product_limit import greenwood_se, retained_share
from cxresearch.recipe_reader import PROJECT
from cxresearch.retention import MIN_GROUP
from cxresearch.roi._effect import Base, Effect
from cxresearch.roi.uncertain import Kind, Uncertain
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, jackknife, normal_interval

MONTHS: Final = 12  # in the year that a lift is said of
MIN_AT_RISK: Final = 10
LIFTS: Final = ("retained_difference", "lift_used")  # how the names of findings end that are one
MEASURED: Final = ("A", "B", "C")
TREATED, HELD_OUT = "treat", "holdout"
RANDOMISED: Final = mark("an experiment in which chance decided who was treated")
NOT_RANDOMISED: Final = mark("those treated and those held out, whom nobody assigned by chance")
Estimate = tuple[float, float]  # value and standard error


def entered_effect(
    value: float, low: float | None = None, high: float | None = None, *, kind: Kind = "pert"
) -> Effect:
    """Return a lift that somebody assumes: grade D.

    Parameters
    ----------
    value
        Most likely lift, as a share: 0.02 for 2 percentage points.
    low, high
        The least and the most that it may be; without them it counts as certain.
    kind
        How it is spread between: "pert", "triangular" or "uniform".

    Raises
    ------
    DataError
        When an end is missing, or the three are not shares in order.
    """
    if (low is None) != (high is None):
        raise DataError(
            f"the ends of the lift are {low!r} and {high!r}, must be both there or neither: enter "
            "the least and the most that it may be."
        )
    low, high = (value if end is None else end for end in (low, high))
    if not all(-1 <= end <= 1 for end in (low, value, high)):
        raise DataError(
            f"the lift is {value:.10g}, from {low:.10g} to {high:.10g}, must be shares from -1 to "
            "1: write 0.02 for 2 percentage points."
        )
    if not low <= value <= high:
        raise DataError(
            f"lift is {value:.10g} and its range is {low:.10g} to {high:.10g}, must lie within: "
            "change lift_range too, or leave it empty."
        )
    spread_ = Uncertain.between(kind, low, value, high)
    return Effect(value, low, high, "D", "entered", spread_)


def effect_from_findings(
    path: str | Path, id: str, group: Mapping[str, str] | Sequence[str]
) -> Effect:
    """Return a lift that another report found, with its interval and its grade.

    Parameters
    ----------
    path
        The `findings.json` of a finished report.
    id
        Of the finding, e.g. "retained_difference".
    group
        What its group must hold, e.g. `{"design": "doubly_robust", "months": "12"}`, or the same
        as text, `["design:doubly_robust", "months:12"]`.

    Raises
    ------
    DataError
        When the file has no such finding or more than one, or it is no yearly share with an
        interval.
    """
    if not str(path):
        raise DataError(
            "findings is empty, must be the findings.json of a finished report: name that file."
        )
    wanted = _labels(group)
    held = _read(Path(path))
    found = [f for f in held if f.get("id") == id]
    if not found:
        lifts = sorted({str(f["id"]) for f in held if not list(_kind_problems(f))})
        raise DataError(f"{path}: {unknown('finding', id, lifts)}")
    matching = [f for f in found if wanted.items() <= f["group"].items()]
    if len(matching) != 1:
        there = "; ".join(_group_words(f["group"]) or "without a group" for f in found)
        raise DataError(
            f"{path} has {len(matching)} findings {id} with {_group_words(wanted) or 'any group'}, "
            f"must have one ({there}): say which group is meant."
        )
    problems = list(_finding_problems(matching[0]))
    if problems:
        raise DataError(problems)
    return _measured(matching[0])


def effect_of_experiment(
    table: LifeTable,
    *,
    randomised: bool,
    treated: str = TREATED,
    held_out: str = HELD_OUT,
    rule: str = "",
    min_group: int = MIN_GROUP,
    confidence_level: float = 0.95,
) -> Effect:
    """Return how many more stayed a year of those treated than of those held out.

    Parameters
    ----------
    table
        Counts by `arm` on the clock since the assignment; everybody counts in the arm that they
        were assigned to, whatever happened then (intention to treat).
    randomised
        Whether chance alone decided who was treated: grade A; else the difference is an
        association, grade C.
    treated, held_out
        Labels of the arms.
    rule
        By what rule they were assigned, in the words of the data; is said.
    min_group
        Customers that each arm needs.
    confidence_level
        Of the interval.

    Notes
    -----
    Difference of the product-limit estimates after twelve months; delete-a-group jackknife over
    customers, or Greenwood's formula where the table has no replicates.

    Raises
    ------
    DataError
        When an arm does not exist.
    NotEnoughError
        When an arm has too few customers, or none are followed for a year.
    """
    arms = (treated, held_out)
    if "arm" not in table.group_columns:
        raise DataError(
            f"the table is grouped by {words.and_list(table.group_columns) or 'nothing'}, must be "
            "by arm: take data.experiment_table()."
        )
    both = table.pooled("arm").select(arm=list(arms))
    order = [both.groups.index((name,)) for name in arms]
    year = MONTHS * both.periods_per_year // 12
    _check_arms(both.take(order), arms, year, min_group)
    lift, base, together = _year(both.take(order), year)
    ends = normal_interval(*lift, confidence_level)
    lower, upper = (float(np.clip(end, -1, 1)) for end in ends)
    low, high = (float(np.clip(end, 0, 1)) for end in normal_interval(*base, confidence_level))
    return Effect(
        lift[0],
        lower,
        upper,
        "A" if randomised else "C",
        RANDOMISED if randomised else NOT_RANDOMISED,
        Uncertain.measured(lift[0], lower, upper, confidence_level),
        confidence_level,
        round(float(both.entered.sum())),
        table.as_of,
        Base(base[0], low, high, together),
        table.population,
        rule,
    )


def _check_arms(table: LifeTable, arms: Sequence[str], year: int, min_group: int) -> None:
    """Raise where an arm has too few customers, or too few who are followed for a year."""
    followed = table.at_risk.sum(axis=1)
    last = followed[:, year] if followed.shape[-1] > year else np.zeros(len(arms))
    who = term(table.population)
    problems = [
        tr(
            "Arm {arm} has {n} {who}, must have at least {least}: wait until more are assigned.",
            arm=arm,
            n=words.number(n),
            who=who,
            least=min_group,
        )
        for arm, n in zip(arms, table.n, strict=True)
        if n < min_group
    ]
    problems += [
        tr(
            "In arm {arm} {n} {who} are followed for a year, must be at least {least}: wait until "
            "more are.",
            arm=arm,
            n=words.number(n),
            who=who,
            least=MIN_AT_RISK,
        )
        for arm, n in zip(arms, last, strict=True)
        if n < MIN_AT_RISK
    ]
    if problems:
        raise NotEnoughError(problems)


def _year(table: LifeTable, year: int) -> tuple[Estimate, Estimate, float]:
    """Return lift and base after a year with their standard errors, and how these go together."""
    if table.n_replicates < 2:
        counts = (table.at_risk.sum(axis=1), table.churned.sum(axis=1))
        treated, base = (float(share) for share in retained_share(*counts)[:, year])
        errors = greenwood_se(*counts)[:, year]
        error = float(np.hypot(*errors))
        normal = -float(errors[1]) / error if error else 0.0
        return (treated - base, error), (base, float(errors[1])), _rank(normal)
    found = jackknife(partial(_lift_and_base, year), table.at_risk, table.churned)
    (lift, base), (error, base_error) = found.estimate, found.standard_error
    away = found.left_out - found.left_out.mean(axis=0)
    spread = float(np.sqrt((away**2).sum(axis=0).prod()))
    normal = float(away.prod(axis=1).sum()) / spread if spread else 0.0
    return (float(lift), float(error)), (float(base), float(base_error)), _rank(normal)


def _lift_and_base(year: int, at_risk: Floats, churned: Floats) -> Floats:
    treated, base = np.moveaxis(retained_share(at_risk, churned)[..., year], -1, 0)
    return np.stack([treated - base, base], axis=-1)


def _rank(normal: float) -> float:
    """Return the rank correlation of two normals with this correlation."""
    return float(6 / math.pi * math.asin(max(min(normal, 1), -1) / 2))


def _read(path: Path) -> list[dict[str, Any]]:
    """Return the findings of a file, looked for from here and then from the project."""
    given = path.expanduser()
    there = next((p for p in (given, PROJECT / given) if p.is_file()), None)
    if there is None:
        raise DataError(
            f"{path} is not there, must be the findings.json of a finished report: run it first "
            "(`cxresearch report`)."
        )
    try:
        found = json.loads(there.read_text("utf-8"))
        return [dict(f, group={str(k): str(v) for k, v in f["group"].items()}) for f in found]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise DataError(
            f"{path} holds no findings, must be the findings.json of a report: name that file."
        ) from None


def _kind_problems(finding: Mapping[str, Any]) -> Iterator[str]:
    """Yield why a finding cannot be a lift, whatever its numbers are."""
    name, grade = finding.get("id"), finding.get("grade")
    if finding.get("unit") != "share":
        yield (
            f"{name} is in {finding.get('unit')!r}, must be a share: take a difference of shares "
            "who stay, such as retained_difference."
        )
    elif not str(name).endswith(LIFTS):
        yield (
            f"{name} is no difference of shares who stay, must be one, such as "
            "retained_difference: take that."
        )
    if grade not in MEASURED:
        yield (
            f"{name} has the grade {grade!r}, must be measured ({', '.join(MEASURED)}): enter it "
            "as lift with its lift_range, so that it is said to be assumed."
        )


def _finding_problems(finding: Mapping[str, Any]) -> Iterator[str]:
    name, months = finding["id"], finding["group"].get("months", str(MONTHS))
    yield from _kind_problems(finding)
    ends: list[Any] = [finding.get(key) for key in ("ci_lower", "value", "ci_upper")]
    level: Any = finding.get("confidence_level", 0.95)
    if None in ends:
        yield f"{name} has no number with an interval, must have one: take another finding."
    elif not all(type(x) in {int, float} for x in (*ends, level)):
        yield f"{name} holds text where numbers must be: run that report again."
    elif not (-1 <= ends[0] <= ends[1] <= ends[2] <= 1 and 0 < level < 1):
        yield (
            f"{name} is {ends[1]!r} from {ends[0]!r} to {ends[2]!r} at the level {level!r}, must "
            "be shares in order, at a level between 0 and 1: run that report again."
        )
    if months != str(MONTHS):
        yield (
            f"{name} is over {months} months, must be over {MONTHS}: run that report with "
            f"months={MONTHS}."
        )


def _measured(finding: Mapping[str, Any]) -> Effect:
    value, lower, upper = (float(finding[key]) for key in ("value", "ci_lower", "ci_upper"))
    level = float(finding.get("confidence_level", 0.95))
    where = finding.get("notebook", "another report")
    return Effect(
        value,
        lower,
        upper,
        finding["grade"],
        words.plain(f"{where}: {finding['id']}, {_group_words(finding['group'])}".rstrip(", ")),
        Uncertain.measured(value, lower, upper, level),
        level,
        finding.get("n"),
        finding.get("as_of"),
        population="customers",
    )


def _labels(group: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """Read labels such as `months:12`."""
    if isinstance(group, Mapping):
        return dict(group)
    wrong = [text for text in group if ":" not in text]
    if wrong:
        raise DataError(
            f"finding_group has {wrong[0]!r}, must be a name and a label: write months:12."
        )
    cut = (text.partition(":") for text in group)
    return {name.strip(): label.strip() for name, _, label in cut}


def _group_words(group: Mapping[str, str]) -> str:
    return ", ".join(f"{name}:{label}" for name, label in group.items())
