"""What somebody enters for a programme, checked together before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from cxresearch._grouped import unknown
from cxresearch.errors import CxError, DataError, problems_of
from cxresearch.roi._effect import Effect
from cxresearch.roi.economics import rate_problems
from cxresearch.roi.effect import effect_from_findings, entered_effect
from cxresearch.roi.programme import INPUTS, RANGES, RATE, Programme
from cxresearch.roi.risk import spread_problems
from cxresearch.roi.uncertain import Kind, Uncertain, correlation_problems

RANGED: Final = (
    "annual_margin", "base_retention", "attribution", "annual_cost", "annual_discount_rate",
)  # fmt: skip
LIFT: Final = "lift"
STAND_IN: Final = {"customers": 1.0, "base_retention": 0.5, "annual_margin": 1.0}


def programme_problems(values: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with the parameters of the programme report taken together.

    What is to come from data or from an experiment is not looked at: no data are opened.
    """
    checks: list[Callable[[], object]] = [
        lambda: _programme(values),
        lambda: _ranges(values),
        lambda: check_together(values),
    ]
    if values["effect_source"] != "experiment":
        checks.append(lambda: _effect(values))
    return list(dict.fromkeys(problem for check in checks for problem in problems_of(check)))


def spreads(
    values: Mapping[str, float], ranges: Mapping[str, Sequence[float]], kind: Kind
) -> dict[str, Uncertain]:
    """Return the distributions of entered inputs by name.

    Raises
    ------
    DataError
        Naming every range that breaks its rule.
    """
    found: dict[str, Uncertain] = {}
    problems: list[str] = []
    for name, ends in ranges.items():
        if name not in INPUTS:
            problems.append(unknown("range of", name, list(INPUTS)))
            continue
        try:
            low, high = two_ends(f"{name}_range", ends, values[name])
            found[name] = _spread(name, low, values[name], high, kind)
        except CxError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return found


def two_ends(name: str, ends: Sequence[float], value: float) -> tuple[float, float]:
    """Return least and most; both the value itself where none are entered.

    Raises
    ------
    DataError
        When there is another number of them than none or two, in order.
    """
    if not ends:
        return value, value
    if len(ends) != 2 or not ends[0] <= ends[1]:
        said = ", ".join(f"{end:.10g}" for end in ends)
        raise DataError(
            f"{name} is {said}, must be two numbers, the least and the most: write 0.01,0.03, or "
            "leave it empty where there is no doubt."
        )
    return ends[0], ends[1]


def pairs(correlations: Sequence[str]) -> dict[tuple[str, str], float]:
    """Read rank correlations such as `lift:annual_margin:0.3`.

    Raises
    ------
    DataError
        Naming every one that is written in another way.
    """
    found: dict[tuple[str, str], float] = {}
    problems = []
    for text in correlations:
        first, _, rest = text.partition(":")
        second, _, number = rest.partition(":")
        try:
            found[first.strip(), second.strip()] = float(number)
        except ValueError:
            problems.append(
                f"the correlation is {text!r}, must be two inputs and a number: write "
                "lift:annual_margin:0.3."
            )
    if problems:
        raise DataError(problems)
    return found


def check_together(values: Mapping[str, Any]) -> None:
    """Raise where correlations name what is certain, or do not fit together."""
    moving = [name for name in RANGED if _wide(values[f"{name}_range"]) or _counted(values, name)]
    lift = values["effect_source"] != "assumed" or _wide(values["lift_range"])
    found = pairs(values["correlations"])
    moving += [LIFT] if lift else []
    certain = dict.fromkeys(name for pair in found for name in pair if name not in moving)
    problems = [
        f"the correlation is of {name}, which is certain, must be of inputs that have a range "
        f"({', '.join(moving) or 'none has'}): enter one for it, or leave the correlation out."
        for name in certain
        if name in INPUTS
    ] or correlation_problems(moving, found)
    if problems:
        raise DataError(problems)


def _programme(values: Mapping[str, Any]) -> Programme:
    names = [name for name in INPUTS if name != LIFT]
    entered = {name: values[name] or STAND_IN.get(name, values[name]) for name in names}
    return Programme(**entered, lift=0, ramp=values["ramp"], horizon=values["horizon"])


def _ranges(values: Mapping[str, Any]) -> dict[str, Uncertain]:
    """Return the distributions; where a value itself is wrong, that is said alone."""
    typed = [name for name in RANGED if not _counted(values, name)]
    fits = [name for name in typed if RANGES[name][0] <= values[name] <= RANGES[name][1]]
    return spreads(values, {name: values[f"{name}_range"] for name in fits}, values["spread"])


def _effect(values: Mapping[str, Any]) -> Effect:
    if values["effect_source"] == "findings":
        return effect_from_findings(*(values[n] for n in ("findings", "finding", "finding_group")))
    two_ends("lift_range", values["lift_range"], values[LIFT])
    return entered_effect(values[LIFT], *values["lift_range"], kind=values["spread"])


def _counted(values: Mapping[str, Any], name: str) -> bool:
    """Whether an input is to come from data."""
    return name in STAND_IN and not values[name]


def _wide(ends: Sequence[float]) -> bool:
    return len(set(ends)) > 1


def _spread(name: str, low: float, value: float, high: float, kind: Kind) -> Uncertain:
    if not low <= value <= high:
        raise DataError(
            f"{name} is {value:.10g} and its range is {low:.10g} to {high:.10g}, must lie within: "
            f"change {name}_range too, or leave it empty."
        )
    found = Uncertain.between(kind, low, value, high)
    problems = list(spread_problems(name, value, found))
    if name == RATE:  # the value itself is checked with the programme
        problems += [
            said.replace(f"{RATE} is", f"{RATE}_range holds", 1)
            for end in sorted({low, high} - {value})
            for said in rate_problems(end)
        ]
    if problems:
        raise DataError(problems)
    return found
