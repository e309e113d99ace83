"""`ScoreTable`: answers to one survey question, counted by group, replicate and score.

All that the statistics of scores ever see of the answers, as `LifeTable` is for lifetimes. A wave
is a group: its column is called `wave`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

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
from cxresearch.errors import DataError
from cxresearch.recipe import Scale

WAVE = "wave"
METRICS = ("nps", "csat", "ces")
MOST_STEPS = 11
_FEW_STEPS = 4  # a scale with fewer steps has one best answer, not two


@dataclass(frozen=True, eq=False, repr=False)
class ScoreTable(CountTable):
    """Answers by group (a wave is one of them), replicate and score.

    Parameters
    ----------
    group_columns, groups
        As in `LifeTable`; the column `wave` holds the waves, where there are any.
    answers
        Counts, shape (G, R, K), last index = the K scores of the scale, lowest first.
    customers
        Of those, the first answer of each customer in the group: their sum is the number of
        customers. Shape (G, R, K).
    metric
        "nps", "csat" or "ces".
    scale
        Lowest and highest score, and what a high one means (for effort questions).
    waves
        All waves in order of time.
    incomplete
        Waves that the extract holds only in part.
    left_out
        Answers that cannot be used, by reason.
    linked
        Whether waves were pooled, so that one customer may stand in `customers` twice.
    as_of, population
        As in `LifeTable`.

    Raises
    ------
    DataError
        When shapes differ, a count is negative, the metric has no definition, or its scale none.
    """

    count_fields: ClassVar[Labels] = ("answers", "customers")

    group_columns: Labels
    groups: tuple[Labels, ...]
    answers: Counts
    customers: Counts
    metric: str
    scale: Scale
    waves: Labels = ()
    incomplete: Labels = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    linked: bool = False
    as_of: str | None = None
    population: str = "customers who answered"

    def __post_init__(self) -> None:
        check_scale(self.metric, self.scale)
        self._freeze()
        if (self.customers > self.answers).any():
            raise DataError(
                "customers has more than answers, must be at most as many: count each customer's "
                "first answer only."
            )

    @classmethod
    def from_counts(
        cls,
        frame: pd.DataFrame,
        group_columns: Sequence[str] = (),
        *,
        metric: str,
        scale: Scale,
        n_replicates: int = N_REPLICATES,
        **words: Any,  # noqa: ANN401 - waves, incomplete, left_out, as_of
    ) -> Self:
        """Build from a long frame, such as a reduction returns; duplicate rows are summed.

        Parameters
        ----------
        frame
            The group columns, `replicate` (0 to R − 1; without it everything is one replicate),
            `score`, `answers` and `customers` (without it everybody answered once).
        group_columns
            Names of the grouping columns, `wave` among them where there are waves.
        metric, scale, words
            As in the class; `waves` are in the order of their labels when not given.
        n_replicates
            R.

        Raises
        ------
        DataError
            When scores are not whole or off the scale: with their number, never with a row.
        """
        frame, n_replicates = with_replicate(frame, n_replicates)
        check_columns(frame, (*group_columns, "score", "answers"))
        if "customers" not in frame.columns:
            frame = frame.assign(customers=frame["answers"])
        check_long(frame, ("replicate",), ("score", *cls.count_fields), n_replicates)
        _check_scores(frame, metric, scale)
        steps = frame["score"].to_numpy(dtype=np.int64) - int(scale.minimum)
        shape = (n_replicates, len(scores_of(scale)))
        groups, (answers, customers) = grouped_cubes(
            frame, group_columns, cls.count_fields, steps, shape
        )
        words["waves"] = words.get("waves") or _labels(groups, group_columns)
        return cls(tuple(group_columns), groups, answers, customers, metric, scale, **words)

    @property
    def axis(self) -> tuple[int, ...]:
        """Scores of the scale, lowest first."""
        return scores_of(self.scale)

    @property
    def n(self) -> Counts:
        """Customers who answered, shape (G,); where waves were pooled one may count twice."""
        return np.asarray(self.customers.sum(axis=(1, 2)))

    @property
    def n_answers(self) -> Counts:
        """Answers, shape (G,)."""
        return np.asarray(self.answers.sum(axis=(1, 2)))

    @property
    def repeated(self) -> NDArray[np.bool_]:
        """Whether a customer may have answered more than once, shape (G,)."""
        return np.asarray(self.linked | (self.n < self.n_answers))

    @property
    def shown_waves(self) -> Labels:
        """The waves that the groups hold, in order of time."""
        held = set(_labels(self.groups, self.group_columns))
        return tuple(wave for wave in self.waves if wave in held)

    @property
    def whole_waves(self) -> Labels:
        """The waves that the groups hold and the extract holds whole, in order of time."""
        return tuple(wave for wave in self.shown_waves if wave not in self.incomplete)

    def pooled(self, *keep: str) -> Self:
        """Return all groups pooled into one, or into the groups of the columns to `keep`.

        Where waves are pooled, a customer who answered in two of them counts as two `customers`;
        standard errors then follow the replicates.
        """
        pooled = super().pooled(*keep)
        across = WAVE in self.group_columns and WAVE not in keep and len(self.shown_waves) > 1
        return pooled._replace(linked=self.linked or across)

    def __add__(self, other: Self) -> Self:
        """Pool two tables of different customers who answered the same question."""
        for name in ("metric", "scale"):
            mine, theirs = getattr(self, name), getattr(other, name, None)
            if mine != theirs:
                raise DataError(
                    f"{name} is {mine!r} and {theirs!r}, must be the same to pool two tables: "
                    "scores of different questions are never put together."
                )
        return (
            super()
            .__add__(other)
            ._replace(
                waves=tuple(sorted({*self.waves, *other.waves})),
                incomplete=tuple(sorted({*self.incomplete, *other.incomplete})),
                left_out=_summed(self.left_out, other.left_out),
            )
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per group and score, replicates summed."""
        return long_frame(self, "score", {name: self.counts(name) for name in self.count_fields})

    def __repr__(self) -> str:
        return (
            f"ScoreTable({self.metric}, {groups_words(self)}, {self.n_answers.sum():,} answers, "
            f"scores {self.axis[0]} to {self.axis[-1]}, as of {self.as_of})"
        )


def scores_of(scale: Scale) -> tuple[int, ...]:
    """Return the scores of a scale of whole steps."""
    return tuple(range(int(scale.minimum), int(scale.maximum) + 1))


def best_scores(scale: Scale) -> tuple[int, ...]:
    """Return the two best scores of a scale; the best one of a scale of fewer than four steps."""
    scores = scores_of(scale)
    best = scores[::-1] if scale.high_is != "hard" else scores
    return tuple(sorted(best[: 2 if len(scores) >= _FEW_STEPS else 1]))


def check_scale(metric: str, scale: Scale) -> None:
    """Raise unless the metric has a definition on this scale."""
    problems = scale_problems(metric, scale)
    if problems:
        raise DataError(problems)


def scale_problems(metric: str, scale: Scale) -> list[str]:
    """Return why the metric has no definition on this scale; nothing when it has one."""
    return list(_scale_problems(metric, scale))


def _scale_problems(metric: str, scale: Scale) -> Iterator[str]:
    said = f"scales: {metric} is from {scale.minimum:g} to {scale.maximum:g}"
    if metric not in METRICS:
        yield f"metric is {metric!r}, must be one of {', '.join(METRICS)}: choose one."
    if scale.minimum % 1 or scale.maximum % 1:
        yield f"{said}, must be whole numbers: state the scale that was shown to customers."
    elif scale.maximum - scale.minimum + 1 > MOST_STEPS:
        yield (
            f"{said}, must have at most {MOST_STEPS} steps: bring each customer's own answer, not "
            "a percentage."
        )
    elif metric == "nps" and (scale.minimum, scale.maximum) not in {(0, 10), (1, 10)}:
        yield (
            f"{said}, must be 0 to 10 or 1 to 10: promoters and detractors are defined on no "
            "other scale."
        )
    if metric == "ces" and scale.high_is not in {"easy", "hard"}:
        yield (
            f"scales: ces has high_is == {scale.high_is!r}, must be 'easy' or 'hard': look at the "
            "wording of the question and state it in the recipe, e.g. "
            f'ces = {{ min = {scale.minimum:g}, max = {scale.maximum:g}, high_is = "easy" }}.'
        )


def _check_scores(frame: pd.DataFrame, metric: str, scale: Scale) -> None:
    check_scale(metric, scale)
    score, answers = frame["score"].to_numpy(dtype=float), frame["answers"].to_numpy()
    outside = (score < scale.minimum) | (score > scale.maximum)
    broken = score % 1 != 0
    problems = []
    if outside.any():
        problems.append(
            f"{answers[outside].sum():,.10g} {metric} scores lie outside {scale.minimum:g} to "
            f"{scale.maximum:g}: correct them, or the scale in the recipe."
        )
    if broken.any():
        problems.append(
            f"{answers[broken].sum():,.10g} {metric} scores are no whole numbers: they may be "
            "averages; bring each customer's own answer."
        )
    if problems:
        raise DataError(problems)


def _labels(groups: Sequence[Labels], group_columns: Sequence[str]) -> Labels:
    if WAVE not in group_columns:
        return ()
    place = list(group_columns).index(WAVE)
    return tuple(sorted({group[place] for group in groups}))


def _summed(one: Mapping[str, int], other: Mapping[str, int]) -> dict[str, int]:
    return {reason: one.get(reason, 0) + other.get(reason, 0) for reason in {**one, **other}}
