"""Several results of one kind, one per group, and the names of the groups left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import pandas as pd

from cxresearch._cells import CountTable, Labels
from cxresearch._html import Table
from cxresearch.findings import Finding, not_reported


class Result(Protocol):
    """What every result of one group can do."""

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group."""

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame."""

    def sentence(self, lang: str = "en") -> str:
        """Return the result in words."""

    def findings(self, *args: Any) -> tuple[Finding, ...]:  # noqa: ANN401
        """Return the headline numbers."""


R = TypeVar("R", bound=Result)


@dataclass(frozen=True, eq=False)
class Results(Table, Generic[R]):
    """Results by group: iterate, index, or show them together.

    Parameters
    ----------
    results
        One result per reported group.
    suppressed
        One finding without a number for each group that is too small.
    """

    results: tuple[R, ...]
    suppressed: tuple[Finding, ...] = ()

    def __iter__(self) -> Iterator[R]:
        return iter(self.results)

    def __len__(self) -> int:
        return len(self.results)

    def __getitem__(self, index: int) -> R:
        return self.results[index]

    def to_frame(self) -> pd.DataFrame:
        """Return the frames of all groups below each other."""
        frames = [result.to_frame() for result in self.results]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def sentence(self, lang: str = "en") -> str:
        """Return the sentences of each group, and the names of those not reported."""
        said = [result.sentence(lang) for result in self.results]
        return " ".join([*said, *(finding.sentence for finding in self.suppressed)])

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of each group, and one for each group not reported."""
        found = [finding for result in self.results for finding in result.findings()]
        return (*found, *self.suppressed)


def suppressed(
    table: CountTable, groups: tuple[Labels, ...], min_group: int
) -> tuple[Finding, ...]:
    """Return a finding without a number for each group that is too small."""
    named = (dict(zip(table.group_columns, labels, strict=True)) for labels in groups)
    return tuple(not_reported(g, min_group, table.population, table.as_of) for g in named)
