"""`InvitationTable`: who was invited to answer, who did, and what they said, as counts.

Its groups are cells of what is known of everybody invited. A wave is a group, as in `ScoreTable`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Self

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._cells import (
    N_REPLICATES,
    CountTable,
    check_columns,
    grouped_cubes,
    groups_words,
    long_frame,
    with_replicate,
)
from cxresearch._checks import check_long
from cxresearch._grouped import Counts, Labels
from cxresearch._language import tr
from cxresearch.errors import DataError
from cxresearch.score_table import WAVE

OUTCOMES: Final = ("bounced", "silent", "detractor", "passive", "promoter", "answered")
SCORED: Final = slice(2, 5)
RESPONSE_DAYS: Final = 30


@dataclass(frozen=True, eq=False, repr=False)
class InvitationTable(CountTable):
    """Invitations by group (a wave is one of them), replicate and what became of them.

    Parameters
    ----------
    group_columns, groups
        As in `LifeTable`; the column `wave` holds the waves, where there are any.
    invitations
        Counts, shape (G, R, 6), last index = bounced (not delivered), silent, detractor, passive,
        promoter, and answered, where the question has no such groups.
    customers
        Of those, the first invitation of each customer in the wave: their sum is the number of
        customers. Shape (G, R, 6).
    metric
        The question: "nps", "csat" or "ces".
    response_days
        Days within which an answer counts.
    waves
        All waves in order of time.
    left_out
        Invitations that do not count, by reason.
    unlinked
        Answers to the question that name no invitation.
    as_of, population
        As in `LifeTable`.

    Raises
    ------
    DataError
        When shapes differ or a count is negative.
    """

    count_fields: ClassVar[Labels] = ("invitations", "customers")

    group_columns: Labels
    groups: tuple[Labels, ...]
    invitations: Counts
    customers: Counts
    metric: str = "nps"
    response_days: int = RESPONSE_DAYS
    waves: Labels = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    unlinked: int = 0
    as_of: str | None = None
    population: str = "invitations"

    def __post_init__(self) -> None:
        self._freeze()

    @classmethod
    def from_counts(
        cls,
        frame: pd.DataFrame,
        group_columns: Sequence[str] = (),
        *,
        n_replicates: int = N_REPLICATES,
        **words: Any,  # noqa: ANN401 - metric, response_days, waves, left_out, unlinked, as_of
    ) -> Self:
        """Build from a long frame, such as a reduction returns; duplicate rows are summed.

        Parameters
        ----------
        frame
            The group columns, `replicate` (0 to R − 1; without it everything is one replicate),
            `outcome`, `invitations`, and `customers` (without it nobody was invited twice).
        group_columns
            Names of the grouping columns.
        n_replicates
            R.
        words
            The other fields.
        """
        frame, n_replicates = with_replicate(frame, n_replicates)
        if "customers" not in frame.columns and "invitations" in frame.columns:
            frame = frame.assign(customers=frame["invitations"])
        check_columns(frame, (*group_columns, "outcome", *cls.count_fields))
        check_long(frame, ("replicate",), cls.count_fields, n_replicates)
        shape = (n_replicates, len(OUTCOMES))
        groups, (invitations, customers) = grouped_cubes(
            frame, group_columns, cls.count_fields, _positions(frame), shape
        )
        if WAVE in group_columns and "waves" not in words:
            words["waves"] = tuple(sorted({g[list(group_columns).index(WAVE)] for g in groups}))
        return cls(tuple(group_columns), groups, invitations, customers, **words)

    @property
    def axis(self) -> Labels:
        """What can become of an invitation."""
        return OUTCOMES

    @property
    def n(self) -> Counts:
        """Invitations delivered per group, shape (G,)."""
        return np.asarray(self.delivered.sum(axis=1))

    @property
    def delivered(self) -> Counts:
        """Invitations that did not bounce, shape (G, R)."""
        return np.asarray(self.invitations[..., 1:].sum(axis=-1))

    @property
    def answered(self) -> Counts:
        """Invitations answered in time, shape (G, R)."""
        return np.asarray(self.invitations[..., 2:].sum(axis=-1))

    @property
    def scores(self) -> Counts:
        """Detractors, passives and promoters among the answers, shape (G, R, 3)."""
        return self.invitations[..., SCORED]

    @property
    def once(self) -> bool:
        """Whether no customer was invited twice, so that invitations are independent."""
        pooled = WAVE not in self.group_columns and len(self.waves) > 1
        return not pooled and bool((self.invitations == self.customers).all())

    @property
    def definition(self) -> str:
        """What counts as invited, delivered and answered."""
        said = tr(
            "Response rate: invitations answered within {span}, divided by those delivered; "
            "bounced invitations are in neither number.",
            span=words.counted(self.response_days, "day"),
        )
        return words.sentences([said, self._without_link()])

    def _without_link(self) -> str:
        if not self.unlinked:
            return ""
        these = words.counted(self.unlinked, "answer")
        return tr("Left out: {answers} without the id of an invitation.", answers=these)

    def by_wave(self) -> Iterator[Self]:
        """Yield the table of each wave in order of time; the whole table where there are none."""
        if WAVE not in self.group_columns:
            yield self
            return
        position = self.group_columns.index(WAVE)
        for wave in self.waves:
            index = [i for i, group in enumerate(self.groups) if group[position] == wave]
            if index:
                yield self.take(index)._replace(waves=(wave,))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and outcome, replicates summed."""
        return long_frame(self, "outcome", {name: self.counts(name) for name in self.count_fields})

    def __repr__(self) -> str:
        return (
            f"InvitationTable({self.metric}, {groups_words(self)}, {self.n.sum():,.10g} delivered, "
            f"{self.n_replicates} replicates, as of {self.as_of})"
        )


def _positions(frame: pd.DataFrame) -> Counts:
    unknown = sorted({str(word) for word in frame["outcome"]} - set(OUTCOMES))
    if unknown:
        raise DataError(
            f"outcome has {', '.join(map(repr, unknown))}, must be one of {', '.join(OUTCOMES)}: "
            "rename it."
        )
    return frame["outcome"].map(OUTCOMES.index).to_numpy(dtype=np.int64)
