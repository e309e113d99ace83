"""Do those who answer stay longer than those who do not? Seen in the data, not assumed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr
from cxresearch._results import Results, too_small
from cxresearch._retention_curve import RetentionCurve
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.findings import Finding
from cxresearch.product_limit import retained_share
from cxresearch.retention import MIN_GROUP, RetentionCurves, retention_curves
from cxresearch.tables import LifeTable
from cxresearch.uncertainty import Floats, Interval, jackknife, normal_interval

RESPONSE = "response"
SIDES = (mark("answered"), mark("silent"))


@dataclass(frozen=True, eq=False)
class ResponderRetention(Table):
    """Retention of those who answered and of those who did not, so many months later.

    Parameters
    ----------
    months
        Months since the last day to answer, shape (k,).
    answered, silent
        Curves of the two sides.
    difference, difference_ci_lower, difference_ci_upper
        Share of those who answered that is still there, less that of the silent, shape (k,).
    group
        Labels of the group; empty for everybody.
    """

    months: tuple[int, ...]
    answered: RetentionCurve
    silent: RetentionCurve
    difference: Floats
    difference_ci_lower: Floats
    difference_ci_upper: Floats
    group: Mapping[str, str]

    @property
    def curves(self) -> tuple[RetentionCurve, RetentionCurve]:
        """Both curves, for a figure."""
        return self.answered, self.silent

    @property
    def definition(self) -> str:
        """What is compared, and from when on."""
        return tr(
            "Delivered invitations, from the last day to answer on: the share whose customer is "
            "still there. Who had left or given notice by that day is on neither side."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per month asked for."""
        columns: dict[str, object] = {**self.group, "months": list(self.months)}
        for name, curve in zip(SIDES, self.curves, strict=True):
            at = [month - curve.start for month in self.months]
            columns[f"{name}_share"] = curve.retained[at]
            columns[f"{name}_share_ci_lower"] = curve.retained_ci_lower[at]
            columns[f"{name}_share_ci_upper"] = curve.retained_ci_upper[at]
        columns["difference_share"] = self.difference
        columns["difference_share_ci_lower"] = self.difference_ci_lower
        columns["difference_share_ci_upper"] = self.difference_ci_upper
        return pd.DataFrame(columns, index=range(len(self.months)))

    def sentence(self, lang: str | None = None) -> str:
        """Return the differences in words."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return `responder_retained_difference` for each of the months."""
        return tuple(self._finding(i) for i in range(len(self.months)))

    def _finding(self, i: int) -> Finding:
        value, lower, upper = (
            float(x[i])
            for x in (self.difference, self.difference_ci_lower, self.difference_ci_upper)
        )
        return Finding(
            "responder_retained_difference",
            value,
            lower,
            upper,
            self.answered.n + self.silent.n,
            "share",
            self._sentence(i, 100 * value, 100 * lower, 100 * upper),
            {"months": str(self.months[i]), **self.group},
            confidence_level=self.answered.confidence_level,
            as_of=self.answered.as_of,
        )

    def _sentence(self, i: int, value: float, lower: float, upper: float) -> str:
        month = self.months[i]
        about = {
            "months": words.counted(month, "month"),
            "of": "",
            "level": words.level_words(self.answered.confidence_level),
        }
        if self.group:
            about["of"] = tr(" among customers{group}", group=words.with_group(self.group))
        if lower <= 0 <= upper:
            return tr(
                "No clear difference between those who answered and those who did not in who is "
                "still there {months} after the last day to answer{of}: {points}, {level} "
                "interval.",
                **about,
                points=words.quantity(value, lower, upper, "percentage point"),
            )
        low, high = sorted((abs(lower), abs(upper)))
        about["points"] = words.quantity(abs(value), low, high, "percentage point")
        about["answered"], about["silent"] = (
            words.percent(float(curve.retained[month - curve.start])) for curve in self.curves
        )
        return _higher(about) if value > 0 else _lower(about)


def _higher(about: Mapping[str, str]) -> str:
    return tr(
        "Of those who answered{of}, {answered} are still there {months} after the last day to "
        "answer, of the silent {silent}: {points} higher than among the silent ({level} interval).",
        **about,
    )


def _lower(about: Mapping[str, str]) -> str:
    return tr(
        "Of those who answered{of}, {answered} are still there {months} after the last day to "
        "answer, of the silent {silent}: {points} lower than among the silent ({level} interval).",
        **about,
    )


def compare_responders(
    table: LifeTable,
    months: Sequence[int] = (6, 12),
    *,
    min_group: int = MIN_GROUP,
    confidence_level: float = 0.95,
) -> Results[ResponderRetention]:
    """Compare the retention of those who answered with that of the silent.

    Parameters
    ----------
    table
        Result of `Data.responder_table`; groups besides `response` give one result each.
    months
        Months since the last day to answer; those that are not observed are left out.
    min_group
        Invitations that each side needs, of at least as many customers: counted by replicates
        that are not empty, of which half are always enough.
    confidence_level
        Of the intervals.

    Raises
    ------
    DataError
        When the table has no such sides.

    Notes
    -----
    Difference of two product-limit estimates with a delete-a-group jackknife over customers, who
    may stand on both sides in different waves; with a single replicate, Greenwood's variances
    of independent sides are added. Where nobody has left on either side, the interval is that of
    Newcombe.
    """
    _check(table)
    others = [name for name in table.group_columns if name != RESPONSE]
    found, few = [], 0
    for labels in table.pooled(*others).groups:
        group = dict(zip(others, labels, strict=True))
        sides = table.select(**group).pooled(RESPONSE)
        curves = retention_curves(
            sides,
            min_group=min_group,
            min_at_risk=max(min_group, 1),
            confidence_level=confidence_level,
            method="jackknife" if table.n_replicates > 1 else "greenwood",
        )
        seen = tuple(month for month in sorted(set(months)) if 0 < month <= curves.common_horizon)
        if len(curves) < 2 or not seen or _fewest(sides) < min(min_group, sides.n_replicates // 2):
            few += 1
            continue
        found.append(_compare(curves, seen, group))
    counted = replace(table, population="customers to follow on each side")
    return Results(tuple(found), too_small(counted, few, max(min_group, 1)))


def _fewest(sides: LifeTable) -> int:
    """Return the replicates with anybody in them on the smaller side: each has a customer."""
    return int((sides.entered.sum(axis=2) > 0).sum(axis=1).min())


def _compare(
    curves: RetentionCurves, months: tuple[int, ...], group: Mapping[str, str]
) -> ResponderRetention:
    answered, silent = (curves[side] for side in SIDES)
    first, second = (curves.table.groups.index((side,)) for side in SIDES)
    at = list(months)
    difference = answered.retained[at] - silent.retained[at]
    error = np.hypot(answered.standard_error[at], silent.standard_error[at])
    if curves.table.n_replicates > 1:

        def theta(at_risk: Floats, churned: Floats) -> Floats:
            share = retained_share(at_risk, churned, 0)[..., at]
            return share[:, [first]] - share[:, [second]]

        error = jackknife(theta, curves.table.at_risk, curves.table.churned).standard_error[0]
    lower, upper = normal_interval(difference, error, curves.confidence_level)
    least, most = _hybrid(answered, silent, at)
    lower, upper = np.where(error > 0, lower, least), np.where(error > 0, upper, most)
    return ResponderRetention(months, answered, silent, difference, lower, upper, group)


def _hybrid(answered: RetentionCurve, silent: RetentionCurve, at: list[int]) -> Interval:
    """Return the difference with the distances to the ends of both curves, for no loss at all.

    Newcombe 1998, Statistics in Medicine 17, 873–890, method 10, with the curves' own intervals.
    """
    (up, down), (above, below) = (
        (c.retained_ci_upper[at] - c.retained[at], c.retained[at] - c.retained_ci_lower[at])
        for c in (answered, silent)
    )
    difference = answered.retained[at] - silent.retained[at]
    return difference - np.hypot(down, above), difference + np.hypot(up, below)


def _check(table: LifeTable) -> None:
    if RESPONSE not in table.group_columns:
        raise DataError(
            f"the table has the columns {words.and_list(table.group_columns) or 'of nothing'}, "
            f"must have {words.and_list(SIDES)} in a column {RESPONSE}: take Data.responder_table."
        )
    found = {group[table.group_columns.index(RESPONSE)] for group in table.groups}
    lacking = [side for side in SIDES if side not in found]
    if lacking:
        raise NotEnoughError(
            tr(
                "survey_invitations: nobody {sides} can be followed, somebody must be on each "
                "side: check the invitations, and response_days.",
                sides=words.and_list(term(side) for side in lacking),
            )
        )
