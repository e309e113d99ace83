"""Several results of one kind, one per group, and how many groups are left out."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Labels, Small, unknown
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr, trn
from cxresearch.findings import Finding, without_number

POPULATIONS = (
    mark("customers who answered"),
    mark("customers assigned"),
    mark("customers to follow on each side"),
    mark("customers to follow or to compare with"),
    mark("customers who bought again"),
    mark("customers who spent something when they bought again"),
)


class Result(Protocol):
    """What every result of one group can do."""

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group."""

    def to_frame(self) -> pd.DataFrame:
        """Return the result as a frame."""

    def sentence(self, lang: str | None = None) -> str:
        """Return the result in words."""

    def findings(self, *args: Any) -> tuple[Finding, ...]:  # noqa: ANN401
        """Return the headline numbers."""


class Counted(Protocol):
    """What every table of counts says of itself."""

    @property
    def group_columns(self) -> Labels:
        """Names of the grouping columns; () when nothing is grouped."""

    @property
    def as_of(self) -> str | None:
        """ISO date up to which the data are complete."""

    @property
    def population(self) -> str:
        """Who is counted, in words."""


R = TypeVar("R", bound=Result)


@dataclass(frozen=True, eq=False)
class Results(Table, Generic[R]):
    """Results by group: iterate, index, or show them together.

    Parameters
    ----------
    results
        One result per reported group.
    suppressed
        Findings without a number that say how many groups are left out, and why.
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

    def sentence(self, lang: str | None = None) -> str:
        """Return the sentences of each group, and how many are not reported."""
        with speaking(lang):
            said = [result.sentence() for result in self.results]
            return words.sentences([*said, *(finding.sentence for finding in self.suppressed)])

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of each group, and how many groups are not reported."""
        found = [finding for result in self.results for finding in result.findings()]
        return (*found, *self.suppressed)


def key_problems(columns: Iterable[str], taken: Container[str]) -> list[str]:
    """Return what to say of group columns that are called as a finding's own key."""
    return [
        f"a group column is called {column!r}, which findings use for something else, must have "
        "another name: rename it in the recipe."
        for column in columns
        if column in taken
    ]


def model_problems(models: Sequence[str], known: Sequence[str]) -> list[str]:
    """Return what to say where no model is asked for, or one that there is not."""
    if not models:
        return [f"there are 0 models, must be at least 1 of {words.and_list(known)}."]
    return [unknown("model", model, known) for model in models if model not in known]


def too_small(table: Counted, small: Small | int, min_group: int) -> tuple[Finding, ...]:
    """Return how many groups have too few customers, as one finding; nothing for none.

    Groups are counted and never named: a label may be an address or a customer's id, and a
    column of those puts every customer into a group of one. Where one that is large enough is
    left out as well, that is said.
    """
    guards = 0 if isinstance(small, int) else small.guards
    count = (small if isinstance(small, int) else len(small)) - guards
    few = words.fewer_than(min_group, table.population)
    said = trn(
        "{n} group with {few} is not reported.",
        "{n} groups with {few} are not reported.",
        count,
        n=words.number(count),
        few=few,
    )
    guard = tr(" Nor is one that is larger: the total would give the others away.")
    return _counted(table, count, said + guard * guards, few)


def too_thin(
    table: Counted, count: int, min_at_risk: int, start: int, period: str
) -> tuple[Finding, ...]:
    """Return how many groups have too few customers at risk for a curve; nothing for none.

    `start` says after how many of the `period` ("month"); 0 is within the first.
    """
    few = words.fewer_than(min_at_risk, table.population)
    if start:
        few = tr("{few} at risk after {tenure}", few=few, tenure=words.counted(start, period))
    else:
        few = tr("{few} at risk in the first {period}", few=few, period=term(period))
    return _not_reported(table, count, few)


def too_few(table: Counted, count: int, least: int, which: str) -> tuple[Finding, ...]:
    """Return how many groups have too few customers of a kind, `which`: "who bought again"."""
    few = words.fewer_than(least, f"{table.population} {which}")
    return _not_reported(table, count, few)


def _not_reported(table: Counted, count: int, few: str) -> tuple[Finding, ...]:
    said = trn(
        "{n} group is not reported: {few}.",
        "{n} groups are not reported: {few}.",
        count,
        n=words.number(count),
        few=few,
    )
    return _counted(table, count, said, few)


def _counted(table: Counted, count: int, said: str, why: str) -> tuple[Finding, ...]:
    if not count:
        return ()
    if not table.group_columns:
        whom = words.sentence_start(term(table.population))
        said = tr("{Whom} are not reported: {few}.", Whom=whom, few=why)
    return (without_number(said, as_of=table.as_of),)
