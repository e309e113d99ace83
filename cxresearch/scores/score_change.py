"""Did the score really change? Differences between waves, and how many answers it takes to tell."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.special import ndtr

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch._results import Results, too_small
from cxresearch.errors import DataError
from cxresearch.findings import Finding, without_number
from cxresearch.retention import MIN_GROUP
from cxresearch.score_table import WAVE, ScoreTable
from cxresearch.scores._score_intervals import (
    ADDED,
    Estimates,
    adjusted,
    correlation,
    estimates,
    score_interval,
)
from cxresearch.scores._score_measures import Measure, measure_of
from cxresearch.scores.levels import in_group
from cxresearch.uncertainty import Floats, critical_value

Pair = tuple[str, str]


@dataclass(frozen=True, eq=False)
class ScoreChange(Table):
    """Difference of one group's score between two waves: points for NPS, else a share.

    Parameters
    ----------
    first, last
        The two waves.
    change, change_ci_lower, change_ci_upper
        Score of `last` less that of `first`, and its interval.
    adjusted_change
        The middle of the interval of an NPS: the difference of the adjusted scores.
    correlation
        Of the two scores, from customers who answered both times.
    p_value, adjusted_p_value
        Two-sided, and after Benjamini and Hochberg among the groups compared at once.
    answers
        In the first and the last wave.
    compared
        How many groups are compared at once.
    """

    metric: str
    first: str
    last: str
    change: float
    change_ci_lower: float
    change_ci_upper: float
    adjusted_change: float
    correlation: float
    p_value: float
    adjusted_p_value: float
    answers: tuple[int, int]
    compared: int
    unit: str
    group: Mapping[str, str]
    confidence_level: float
    as_of: str | None

    @property
    def clear(self) -> bool:
        """Whether the interval leaves 0 out."""
        return not self.change_ci_lower <= 0 <= self.change_ci_upper

    def findings(self) -> tuple[Finding, ...]:
        """Return the change as a finding: `nps_change`, `csat_change` or `ces_change`."""
        values = (self.change, self.change_ci_lower, self.change_ci_upper)
        group = {"from": self.first, "to": self.last, **self.group}
        return (
            Finding(
                f"{self.metric}_change", *values, sum(self.answers), self.unit, self.sentence(),
                group, confidence_level=self.confidence_level, as_of=self.as_of,
            ),
        )  # fmt: skip

    def sentence(self, lang: str | None = None) -> str:
        """Return in words whether there was a clear change, and how large it was."""
        with speaking(lang):
            factor, word = (1, "point") if self.unit == "points" else (100, "percentage point")
            values = (self.change, self.change_ci_lower, self.change_ci_upper)
            change, low, high = (factor * value for value in values)
            if not self.clear:
                return tr(
                    "No clear change of {name}{group} between {first} and {last}: {points}, "
                    "{level} interval.",
                    **self._about(),
                    points=words.quantity(change, low, high, word),
                )
            nearest, farthest = sorted((abs(low), abs(high)))
            points = words.quantity(abs(change), nearest, farthest, word)
            said = self._higher(points) if change > 0 else self._lower(points)
            return words.sentences([said, self._among()])

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("change", "change_ci_lower", "change_ci_upper", "p_value", "adjusted_p_value")
        row = {**self.group, "from": self.first, "to": self.last}
        return pd.DataFrame([row | {name: getattr(self, name) for name in names}])

    def _about(self) -> dict[str, str]:
        return {
            "name": self.metric.upper(),
            "group": in_group(self.group),
            "first": words.period_label(self.first),
            "last": words.period_label(self.last),
            "level": words.level_words(self.confidence_level),
        }

    def _higher(self, points: str) -> str:
        return tr(
            "{name}{group} in {last} was {points} higher than in {first} ({level} interval).",
            **self._about(),
            points=points,
        )

    def _lower(self, points: str) -> str:
        return tr(
            "{name}{group} in {last} was {points} lower than in {first} ({level} interval).",
            **self._about(),
            points=points,
        )

    def _among(self) -> str:
        if self.adjusted_p_value <= 1 - self.confidence_level:
            return ""
        return tr(
            "Among {n} groups compared at once this is not unusual (adjusted {p}).",
            n=self.compared,
            p=words.p_value(self.adjusted_p_value),
        )


def wave_pairs(table: ScoreTable) -> tuple[Pair, ...]:
    """Return which waves are compared: the latest with the one before, and with a year ago.

    Only waves that the extract holds whole; a year ago is known of calendar waves only.
    """
    waves = table.whole_waves
    pairs = [(waves[-2], waves[-1])] if len(waves) > 1 else []
    ago = year_ago(waves[-1]) if waves else ""
    return tuple(dict.fromkeys([*pairs, *([(ago, waves[-1])] if ago in waves else [])]))


def year_ago(wave: str) -> str:
    """Return the label a year before a month, quarter or year; empty for any other label."""
    named = re.fullmatch(r"(\d{4})(-\d\d|-Q[1-4]|)", wave)
    return f"{int(named[1]) - 1:04d}{named[2]}" if named else ""


def score_changes(
    table: ScoreTable,
    pairs: Sequence[Pair] | None = None,
    *,
    min_group: int = MIN_GROUP,
    confidence_level: float = 0.95,
) -> Results[ScoreChange]:
    """Return how the score of every group changed between waves.

    Parameters
    ----------
    table
        Answers by wave, and by further groups.
    pairs
        (first, last) waves to compare; those of `wave_pairs` when not given.
    min_group
        Customers who answered that a group needs in both waves.
    confidence_level
        Of the interval.

    Raises
    ------
    DataError
        When the table has no waves, or not those.

    Notes
    -----
    NPS: difference of adjusted scores ± z·√(v₁ + v₂ − 2r√(v₁v₂)), v as in Rocks 2016. CSAT and
    CES: Newcombe's hybrid score interval (1998, Statistics in Medicine 17, 873–890, method 10)
    with the correlation of Zou & Donner 2008 (Statistics in Medicine 27, 1693–1702). The
    correlation r is that of customers who answered both times, from the replicates, times
    √(n₁n₂/((n₁ + a)(n₂ + a))), since the a answers that an interval adds, 3 or z², are of
    nobody who answered both times. p values of
    several groups: Benjamini & Hochberg 1995, JRSS B 57, 289–300.
    """
    chosen = wave_pairs(table) if pairs is None else tuple(pairs)
    _check_waves(table, chosen)
    if not chosen:
        return Results((), (_nothing(table),))
    measure = measure_of(table)
    found: list[ScoreChange] = []
    few: set[tuple[str, ...]] = set()
    for pair in chosen:
        large, small = table.select(wave=pair).split_small(max(min_group, 1))
        few |= {_without_wave(table, labels) for labels in small} | _once_only(large)
        found += _changes(large, pair, measure, confidence_level)
    return Results(tuple(found), too_small(table, len(few), max(min_group, 1)))


def benjamini_hochberg(p_values: Sequence[float]) -> Floats:
    """Return adjusted p values: the smallest false discovery rate at which each counts, shape (m,).

    min over j ≥ i of m·p₍ⱼ₎/j, at most 1 (Benjamini & Hochberg 1995).
    """
    p = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(p)[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    out = np.empty_like(p)
    out[order] = np.minimum(np.minimum.accumulate(scaled), 1.0) if len(p) else scaled
    return out


def _changes(table: ScoreTable, pair: Pair, measure: Measure, level: float) -> list[ScoreChange]:
    found = estimates(table, measure)
    place = {tuple(sorted(table.labels(g).items())): g for g in range(len(table.groups))}
    changes = []
    for key, g in place.items():
        other = tuple((n, pair[0] if n == WAVE else label) for n, label in key)
        if dict(key)[WAVE] == pair[1] and other in place:
            changes.append(_change(table, found, (place[other], g), measure, level))
    adjusted_p = benjamini_hochberg([change.p_value for change in changes])
    return [
        replace(change, adjusted_p_value=float(p), compared=len(changes))
        for change, p in zip(changes, adjusted_p, strict=True)
    ]


def _change(
    table: ScoreTable, found: Estimates, ends: tuple[int, int], measure: Measure, level: float
) -> ScoreChange:
    i, j = ends
    signed = bool((measure.values < 0).any())
    added = ADDED if signed else critical_value(level) ** 2
    r = correlation(found, i, j)
    shared = r * _own_part(found.worth(level)[[i, j]], added)
    raw = float(found.score[j] - found.score[i])
    estimator = _wald if signed else _newcombe
    middle, lower, upper, p = estimator(found, ends, shared, measure, level)
    factor = measure.factor
    labels = table.labels(j)
    return ScoreChange(
        table.metric, table.labels(i)[WAVE], labels[WAVE], factor * raw,
        factor * max(min(lower, raw), -1 - signed), factor * min(max(upper, raw), 1 + signed),
        factor * middle, r, p, p, (round(float(found.answers[i])), round(float(found.answers[j]))),
        1, measure.unit, {n: label for n, label in labels.items() if n != WAVE}, level,
        table.as_of,
    )  # fmt: skip


def _own_part(n: Floats, added: float) -> float:
    """Return how much of both intervals comes from answers: those added are of different customers.

    So not even two waves of the same answers are known to be alike.
    """
    return float(np.sqrt((n / (n + added)).prod()))


Spread = tuple[float, float, float, float]


def _wald(found: Estimates, ends: tuple[int, int], r: float, _: Measure, level: float) -> Spread:
    """Return middle, lower, upper and p of a difference of adjusted scores."""
    index = list(ends)
    score, variance = adjusted(found.high[index], found.low[index], found.worth(level)[index])
    middle = float(score[1] - score[0])
    error = float(np.sqrt(variance.sum() - 2 * r * np.sqrt(variance.prod())))
    half = critical_value(level) * error
    return middle, middle - half, middle + half, float(2 * ndtr(-abs(middle) / error))


def _newcombe(
    found: Estimates, ends: tuple[int, int], r: float, measure: Measure, level: float
) -> Spread:
    """Return difference, lower, upper and p of a difference of shares."""
    index = list(ends)
    (p1, p2), (n1, n2) = found.score[index], found.worth(level)[index]
    lower, upper = (end[index] for end in score_interval(found, measure, level))
    below = (p2 - lower[1], upper[0] - p1)
    above = (upper[1] - p2, p1 - lower[0])
    low, high = (float(np.sqrt(a * a + b * b - 2 * r * a * b)) for a, b in (below, above))
    pooled = (p1 * n1 + p2 * n2) / (n1 + n2)
    parts = pooled * (1 - pooled) / np.array([n1, n2])
    error = float(np.sqrt(parts.sum() - 2 * r * np.sqrt(parts.prod())))
    difference = float(p2 - p1)
    p = float(2 * ndtr(-abs(difference) / error)) if error > 0 else 1.0
    return difference, difference - low, difference + high, p


def _without_wave(table: ScoreTable, labels: tuple[str, ...]) -> tuple[str, ...]:
    named = zip(table.group_columns, labels, strict=True)
    return tuple(label for name, label in named if name != WAVE)


def _once_only(table: ScoreTable) -> set[tuple[str, ...]]:
    """Return the groups of a pair of waves that are in one of them only."""
    groups = [_without_wave(table, labels) for labels in table.groups]
    return {group for group in groups if groups.count(group) < 2}


def _check_waves(table: ScoreTable, pairs: Sequence[Pair]) -> None:
    if WAVE not in table.group_columns:
        raise DataError(
            "the table has no waves, must have them to compare: take "
            'score_table(…, wave="quarter").'
        )
    waves = table.shown_waves
    problems = [unknown(WAVE, w, waves) for pair in pairs for w in pair if w not in waves]
    problems += [f"{a} is compared with itself, must be two waves." for a, b in pairs if a == b]
    if problems:
        raise DataError(problems)


def _nothing(table: ScoreTable) -> Finding:
    whole = len(table.whole_waves)
    sentence = tr("Changes are not reported: the extract holds no wave from beginning to end.")
    if whole:
        sentence = tr(
            "Changes are not reported: the extract holds one wave only from beginning to end."
        )
    return without_number(sentence, as_of=table.as_of, unit="points")
