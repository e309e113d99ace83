"""Response rates: of the invitations delivered, how many were answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch._results import Results, too_small
from cxresearch.exclusions import Waterfall
from cxresearch.findings import Finding
from cxresearch.invitation_table import InvitationTable
from cxresearch.retention import MIN_GROUP
from cxresearch.score_table import WAVE
from cxresearch.uncertainty import Floats, jackknife, wilson_interval


@dataclass(frozen=True, eq=False)
class ResponseRate(Table):
    """Response rate of one group of invitations.

    Parameters
    ----------
    invited, bounced, delivered, answered
        Invitations; delivered = invited − bounced.
    response_rate, response_rate_ci_lower, response_rate_ci_upper
        answered/delivered, 0–1.
    effective_n
        Independent invitations that would tell as much: fewer than delivered where customers
        were invited several times.
    group
        Labels of the group; a wave is one of them.
    definition
        What the figure is, to be printed below it.
    """

    invited: int
    bounced: int
    delivered: int
    answered: int
    response_rate: float
    response_rate_ci_lower: float
    response_rate_ci_upper: float
    effective_n: float
    group: Mapping[str, str]
    confidence_level: float
    as_of: str | None
    definition: str

    @property
    def label(self) -> str:
        """Name of the group for a figure; empty for everybody."""
        return words.group_name(self.group)

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("invited", "bounced", "delivered", "answered")
        rate = ("response_rate", "response_rate_ci_lower", "response_rate_ci_upper")
        row = {**self.group, **{name: getattr(self, name) for name in (*names, *rate)}}
        return pd.DataFrame([row])

    def sentence(self, lang: str | None = None) -> str:
        """Return the rate as a natural frequency."""
        with speaking(lang):
            whole, some, spread = words.out_of(
                self.response_rate, self.response_rate_ci_lower, self.response_rate_ci_upper
            )
            level = words.level_words(self.confidence_level)
            return tr(
                "Of {whole} invitations delivered{group}, {some} were answered ({level} interval "
                "{spread}).",
                whole=whole,
                group=in_group(self.group),
                some=some,
                level=level,
                spread=spread,
            )

    def findings(self) -> tuple[Finding, ...]:
        """Return `response_rate`."""
        return (
            Finding(
                "response_rate",
                self.response_rate,
                self.response_rate_ci_lower,
                self.response_rate_ci_upper,
                self.delivered,
                "share",
                self.sentence(),
                self.group,
                confidence_level=self.confidence_level,
                as_of=self.as_of,
            ),
        )


def response_rates(
    table: InvitationTable, *, min_group: int = MIN_GROUP, confidence_level: float = 0.95
) -> Results[ResponseRate]:
    """Return the response rate of each group (a wave is one), with its interval.

    Parameters
    ----------
    table
        Counts of invitations. All waves together are `table.pooled()`; a segment over all waves
        is `table.pooled("plan")`.
    min_group
        Customers whom an invitation reached that a group needs to be shown.
    confidence_level
        Of the interval.

    Notes
    -----
    Wilson's score interval. Where a customer was invited several times, it is taken at the
    effective number of invitations n·p(1 − p)/(n·SE²), with the SE of the delete-a-group
    jackknife over customers, never above n (Korn & Graubard 1998, Survey Methodology 24,
    193–201, with Wilson's interval in place of the exact one). At a rate of 0 or 1, the
    customers are counted instead.
    """
    large, small = table.split_small(max(min_group, 1), invited_customers(table))
    delivered, answered = large.delivered.sum(axis=1), large.answered.sum(axis=1)
    effective = _effective(large)
    rate = answered / delivered
    lower, upper = wilson_interval(rate * effective, effective, confidence_level)
    bounced = large.invitations[..., 0].sum(axis=1)
    results = tuple(
        ResponseRate(
            invited=round(float(delivered[g] + bounced[g])),
            bounced=round(float(bounced[g])),
            delivered=round(float(delivered[g])),
            answered=round(float(answered[g])),
            response_rate=float(rate[g]),
            # the rate is a limit of its interval at 0 and 1, up to rounding
            response_rate_ci_lower=float(min(lower[g], rate[g])),
            response_rate_ci_upper=float(max(upper[g], rate[g])),
            effective_n=float(effective[g]),
            group=large.labels(g),
            confidence_level=confidence_level,
            as_of=large.as_of,
            definition=large.definition,
        )
        for g in _ordered(large)
    )
    return Results(results, too_small(people_only(table), small, max(min_group, 1)))


def invitation_waterfall(table: InvitationTable) -> Waterfall:
    """Return how many invitations count as delivered, and why the others do not."""
    bounced = int(table.invitations[..., 0].sum())
    found = {**table.left_out, **({"bounced": bounced} if bounced else {})}
    left_out = dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))
    total = int(table.n.sum()) + sum(left_out.values())
    return Waterfall("invitations", total, left_out, table.as_of, {"metric": table.metric})


def in_group(group: Mapping[str, str]) -> str:
    """Return ` in 2025-Q1 to customers with plan basic`, to stand after "delivered"."""
    wave = tr(" in {wave}", wave=words.period_label(group[WAVE])) if WAVE in group else ""
    rest = {column: label for column, label in group.items() if column != WAVE}
    return wave + (tr(" to customers{group}", group=words.with_group(rest)) if rest else "")


def people_only(table: InvitationTable, population: str = "customers") -> InvitationTable:
    """Return the table with its words for groups that are too small, which count customers."""
    return replace(table, population=population)


def invited_customers(table: InvitationTable) -> Floats:
    """Return the customers whom an invitation reached, shape (G,); of several waves the sum.

    Who was invited often counts once, and only where the first of the invitations was delivered.
    """
    return np.asarray(np.minimum(table.customers[..., 1:].sum(axis=(1, 2)), table.n))


def _effective(table: InvitationTable) -> Floats:
    """Return the effective number of invitations of each group, shape (G,)."""
    n: Floats = table.delivered.sum(axis=1).astype(np.float64)
    if table.once or not len(n):
        return n
    people = invited_customers(table)
    p = table.answered.sum(axis=1) / n
    fewest: Floats = np.where(people > 0, people, n)
    if table.n_replicates < 2:
        return fewest
    counts = (table.answered[..., None], table.delivered[..., None])
    # a leave-one-out group may be empty where all its customers share a replicate
    found = jackknife(lambda a, d: a / np.maximum(d, 1), *counts)
    variance = found.standard_error[:, 0] ** 2
    inside = (p > 0) & (p < 1) & (variance > 0)
    shrunk = p * (1 - p) / np.where(inside, variance, 1.0)
    return np.asarray(np.where(inside, np.minimum(n, shrunk), fewest))


def _ordered(table: InvitationTable) -> list[int]:
    """Return the groups with the waves in order of time."""
    if WAVE not in table.group_columns:
        return list(range(len(table.groups)))
    position = table.group_columns.index(WAVE)
    return sorted(
        range(len(table.groups)), key=lambda g: table.waves.index(table.groups[g][position])
    )
