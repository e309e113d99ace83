"""From a table of answers to two comparable flows, or to the reason why there are none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from cxresearch import _format as words
from cxresearch._checks import check_level
from cxresearch._grouped import Labels, unknown
from cxresearch._language import tr
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


class Side(NamedTuple):
    """Counts by name of one group, (1 + R, T + 1) each, and how many began the clock.

    Where they are weighted, `whole` are those of the same answers without weights, (1, T + 1), and
    `effective_n` is how many answers would tell as much without weights.
    """

    label: str
    counts: Mapping[str, Floats]
    n: float
    effective_n: float
    whole: bool | Mapping[str, Floats]


class Sides(NamedTuple):
    """The two groups, whatever a count of them is worth.

    `outside_share` is the share of all answers left out since their history lacks a counterpart.
    """

    exposed: Side
    reference: Side
    outside_share: float = 0.0

    @property
    def n(self) -> tuple[float, float]:
        """Answers of each group."""
        return self.exposed.n, self.reference.n

    @property
    def effective_n(self) -> tuple[float, float]:
        """How many answers of each group would tell as much without weights."""
        return self.exposed.effective_n, self.reference.effective_n


def known_before(table: ValueTable) -> dict[str, Labels]:
    """Return what is adjusted for, by the way of counting, as far as the table holds it."""
    known = tuple(name for name in table.group_columns if name != EXPOSURE)
    rows: dict[str, Labels] = {AS_THEY_ARE: ()}
    if TENURE in known:
        rows[SAME_TENURE] = (TENURE,)
    if set(known) - {TENURE}:
        rows[SAME_HISTORY] = known
    return rows


def gather(table: ValueTable, known: Labels, setting: Setting) -> Sides:
    """Return the counts of the two groups, made alike in what is `known`.

    Raises
    ------
    RefusedError
        When the data cannot support it: the reason stands in the place of the numbers.
    """
    check_replicates(table)
    both = two_groups(table, setting.labels)
    check_people(both.n, setting.labels, setting.min_group, matched=False)
    return _weighted(table, known, setting) if known else _plain(both, setting.labels)


def compare(sides: Sides, setting: Setting) -> Comparison:
    """Return the flows of the two groups at the prices and over the terms of the setting.

    Raises
    ------
    RefusedError
        When there is no flow of one of them.
    """
    exposed, reference = _flow(sides.exposed, setting), _flow(sides.reference, setting)
    return Comparison(exposed, reference, setting.terms)


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


def _plain(both: ValueTable, labels: tuple[str, str]) -> Sides:
    left_out = {name: leave_one_out(both.counts(name)) for name in both.count_fields}
    exposed, reference = (
        Side(label, {name: x[:, g] for name, x in left_out.items()}, n, n, not both.weighted)
        for g, (label, n) in enumerate(zip(labels, both.n.astype(float).tolist(), strict=True))
    )
    return Sides(exposed, reference)


def _weighted(table: ValueTable, known: Labels, setting: Setting) -> Sides:
    overlapping = arms(table.pooled(EXPOSURE, *known), *setting.labels)
    people = overlapping.people.sum(axis=(1, 2))
    check_people(people, setting.labels, setting.min_group, matched=True)
    given = weights(overlapping, max_weight=setting.max_weight)
    worth = given.effective_n.tolist()
    # weights can be large where few are: months end by how many customers they are worth
    ends = curve_end(given.effective_at_risk, 0, setting.min_at_risk)
    counts = {name: given.counts(name) for name in table.count_fields}
    plain = {name: overlapping.counts(name).sum(axis=(1, 2)) for name in LIFE}
    exposed, reference = (
        Side(
            label,
            {name: x[:, g, : ends[g] + 1] for name, x in counts.items()},
            float(people[g]),
            worth[g],
            whole={name: plain[name][g, None, : ends[g] + 1] for name in LIFE},
        )
        for g, label in enumerate(setting.labels)
    )
    return Sides(exposed, reference, overlapping.outside_share)


def _flow(side: Side, setting: Setting) -> Flow:
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
        whom = words.plural(side.label, 2)
        raise RefusedError(tr("of {whom} {why}", whom=whom, why=reason)) from reason
