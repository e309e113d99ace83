"""From a table of answers to two comparable flows, or to the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from cxresearch._cells import Labels, unknown
from cxresearch._checks import check_level
from cxresearch.adjust.bias_ladder import GROUPS
from cxresearch.adjust.support import check_people, two_groups
from cxresearch.adjust.weighting import (
    EXPOSURE,
    RefusedError,
    arms,
    check_replicates,
    score_labels,
    weights,
)
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.product_limit import curve_end
from cxresearch.retention import MIN_GROUP
from cxresearch.uncertainty import Floats, leave_one_out
from cxresearch.value._comparison import Comparison
from cxresearch.value._flow import Flow, flow
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms
from cxresearch.value_table import LIFE, ValueTable

TENURE: Final = "tenure_band"
AS_THEY_ARE, SAME_TENURE, SAME_HISTORY = "as_they_are", "same_tenure_mix", "same_history"


@dataclass(frozen=True)
class Setting:
    """What all comparisons of one call have in common."""

    prices: Prices
    terms: Terms
    labels: tuple[str, str]
    min_at_risk: int
    max_weight: float
    confidence_level: float
    min_group: int = MIN_GROUP
    months: int = 0


class Gathered(NamedTuple):
    """Two flows, and how many answers they rest on.

    `n` are answers of each group, `effective_n` how many would tell as much without weights,
    `outside_share` the share of all answers left out since their history lacks a counterpart.
    """

    comparison: Comparison
    n: tuple[float, float]
    effective_n: tuple[float, float]
    outside_share: float = 0.0


class _Side(NamedTuple):
    """Counts by name of one group, (1 + R, T + 1) each, and how many began the clock.

    Where they are weighted, `whole` are those of the same answers without weights, (1, T + 1).
    """

    label: str
    counts: Mapping[str, Floats]
    n: float
    whole: bool | Mapping[str, Floats]


def known_before(table: ValueTable) -> dict[str, Labels]:
    """Return what is adjusted for, by the way of counting, as far as the table holds it."""
    known = tuple(name for name in table.group_columns if name != EXPOSURE)
    rows: dict[str, Labels] = {AS_THEY_ARE: ()}
    if TENURE in known:
        rows[SAME_TENURE] = (TENURE,)
    if set(known) - {TENURE}:
        rows[SAME_HISTORY] = known
    return rows


def gather(table: ValueTable, known: Labels, setting: Setting) -> Gathered:
    """Return the flows of the two groups, made alike in what is `known`.

    Raises
    ------
    RefusedError
        When the data cannot support it: the reason stands in the place of the numbers.
    """
    check_replicates(table)
    both = two_groups(table, setting.labels)
    check_people(both.n, setting.labels, setting.min_group, matched=False)
    return _weighted(table, known, setting) if known else _plain(both, setting)


def check_setting(table: ValueTable, setting: Setting) -> None:
    """Raise when a group does not exist, or an argument breaks its rule."""
    check_level(setting.confidence_level)
    # a score group that nobody is in is a reason; a name that does not exist is an error
    names = sorted({*GROUPS, *score_labels(table)})
    problems = [unknown(EXPOSURE, label, names) for label in setting.labels if label not in names]
    if setting.labels[0] == setting.labels[1]:
        problems.append(
            f"exposed and reference are both {setting.labels[0]!r}, must be two groups: name "
            "another."
        )
    if not setting.max_weight >= 1:
        problems.append(f"max_weight is {setting.max_weight!r}, must be at least 1: take 10.")
    problems += setting.terms.period_problems(table.periods_per_year)
    if problems:
        raise DataError(problems)


def _plain(both: ValueTable, setting: Setting) -> Gathered:
    whole = not both.weighted
    left_out = {name: leave_one_out(both.counts(name)) for name in both.count_fields}
    n = (float(both.n[0]), float(both.n[1]))
    sides = [
        _Side(label, {name: counts[:, g] for name, counts in left_out.items()}, n[g], whole)
        for g, label in enumerate(setting.labels)
    ]
    return Gathered(_compare(sides, setting), n, n)


def _weighted(table: ValueTable, known: Labels, setting: Setting) -> Gathered:
    overlapping = arms(table.pooled(EXPOSURE, *known), *setting.labels)
    people = overlapping.people.sum(axis=(1, 2))
    check_people(people, setting.labels, setting.min_group, matched=True)
    given = weights(overlapping, max_weight=setting.max_weight)
    n, worth = overlapping.people.sum(axis=(1, 2)), given.effective_n.tolist()
    # weights can be large where few are: months end by how many customers they are worth
    ends = curve_end(given.effective_at_risk, 0, setting.min_at_risk)
    counts = {name: given.counts(name) for name in table.count_fields}
    plain = {name: overlapping.counts(name).sum(axis=(1, 2)) for name in LIFE}
    sides = [
        _Side(
            label,
            {name: x[:, g, : ends[g] + 1] for name, x in counts.items()},
            float(n[g]),
            whole={name: plain[name][g, None, : ends[g] + 1] for name in LIFE},
        )
        for g, label in enumerate(setting.labels)
    ]
    return Gathered(
        _compare(sides, setting),
        (sides[0].n, sides[1].n),
        (worth[0], worth[1]),
        overlapping.outside_share,
    )


def _compare(sides: list[_Side], setting: Setting) -> Comparison:
    exposed, reference = (_flow(side, setting) for side in sides)
    return Comparison(exposed, reference, setting.terms)


def _flow(side: _Side, setting: Setting) -> Flow:
    try:
        return flow(
            side.counts,
            setting.prices,
            setting.terms,
            group={EXPOSURE: side.label},
            n=side.n,
            min_at_risk=setting.min_at_risk,
            whole=side.whole,
            months=setting.months,
            confidence_level=setting.confidence_level,
        )
    except NotEnoughError as reason:
        raise RefusedError(f"of {side.label}s {reason}") from reason
