"""Control chart of a score: which waves stand out from samples of one and the same score."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtrc

from cxresearch import _format as words
from cxresearch._grouped import Labels
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr, trn
from cxresearch._results import too_small
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.retention import MIN_GROUP
from cxresearch.score_table import WAVE, ScoreTable
from cxresearch.scores._score_intervals import Estimates, estimates, spread
from cxresearch.scores._score_measures import Measure, measure_of
from cxresearch.uncertainty import Floats

SIGMAS = 3.0
RUN = 8  # as many waves in a row on one side of the centre are a signal
ALPHA = 0.05
OUTSIDE, IN_A_ROW = mark("outside the limits"), mark("8 in a row on one side")


@dataclass(frozen=True, eq=False)
class ControlChart(Table):
    """Scores by wave with limits that follow from the number of answers.

    Parameters
    ----------
    waves
        Waves that the extract holds whole, in order of time, W of them.
    score
        Points (NPS) or shares, shape (W,).
    centre
        Score of all answers together.
    lower_limit, upper_limit
        Centre ± 3 standard errors of a wave of that size, shape (W,).
    answers
        Shape (W,).
    signals
        For each wave why it stands out, as `signal_words` says it; empty where it does not.
    p_value
        Of the hypothesis that all waves are samples of one score.
    left_out
        Waves that are not shown, since the extract holds them in part.
    """

    metric: str
    waves: Labels
    score: Floats
    centre: float
    lower_limit: Floats
    upper_limit: Floats
    answers: Floats
    signals: Labels
    p_value: float
    left_out: Labels
    suppressed: tuple[Finding, ...]
    unit: str
    definition: str
    as_of: str | None

    def findings(self) -> tuple[Finding, ...]:
        """Return how many waves stand out; the count is exact, so its interval is itself."""
        if len(self.waves) < 2:
            return self.suppressed
        count = sum(map(bool, self.signals))
        found = Finding(
            "waves_out_of_control", count, count, count, None, "waves", self.sentence(),
            {} if self.metric == "nps" else {"metric": self.metric}, as_of=self.as_of,
        )  # fmt: skip
        return (found, *self.suppressed)

    def sentence(self, lang: str | None = None) -> str:
        """Return which waves stand out, and whether all vary like samples of one score."""
        with speaking(lang):
            if len(self.waves) < 2:
                return tr("There are too few waves for a control chart.")
            about = {"n": len(self.waves), "name": self.metric.upper()}
            about |= {"out": self._out(), "p": words.p_value(self.p_value)}
            if self.p_value > ALPHA:
                said = tr(
                    "Of {n} waves of {name}, {out}; together they vary no more than samples of one "
                    "score would ({p}).",
                    **about,
                )
            else:
                said = tr(
                    "Of {n} waves of {name}, {out}; together they vary more than samples of one "
                    "score would ({p}).",
                    **about,
                )
            return words.sentences([said, self._partly()])

    def _out(self) -> str:
        out = [
            tr("{wave} ({why})", wave=words.period_label(wave), why=signal_words(why))
            for wave, why in zip(self.waves, self.signals, strict=True)
            if why
        ]
        if not out:
            return tr("none stands out")
        return trn("{waves} stands out", "{waves} stand out", len(out), waves=words.and_list(out))

    def _partly(self) -> str:
        if not self.left_out:
            return ""
        waves = words.and_list(words.period_label(wave) for wave in self.left_out)
        return tr("Not shown, as the extract holds only part of it: {waves}.", waves=waves)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per wave."""
        name = self.metric if self.unit == "points" else f"{self.metric}_share"
        limits = {"lower_limit": self.lower_limit, "upper_limit": self.upper_limit}
        if self.unit != "points":
            limits = {f"{limit}_share": values for limit, values in limits.items()}
        columns = {"answers": self.answers, **limits, "signal": list(self.signals)}
        return pd.DataFrame({WAVE: list(self.waves), name: self.score, **columns})


def score_control_chart(table: ScoreTable, *, min_group: int = MIN_GROUP) -> ControlChart:
    """Return the score by wave with control limits, all other groups pooled.

    Parameters
    ----------
    table
        Answers by wave.
    min_group
        Customers who answered that a wave needs to be shown.

    Raises
    ------
    DataError
        When the table has no waves.

    Notes
    -----
    The limits of a wave come from the sampling variance of a score with as many answers (as in a
    p chart; Montgomery 2009, Statistical Quality Control, §7.3), less the wave's own part in the
    centre: centre ± 3 √(s²(1/n − 1/N)), as in the analysis of means. A chart of individual values
    (XmR) draws the same limits for a wave of 60 answers as for one of 600 and estimates them
    from a few differences: simulated over 8 to 24 waves of 60 to 600 answers, it cried wolf up to
    three times as often, and saw a shift of 25 points in 34 to 72 % where these limits see it in
    79 to 81 %. Two rules signal: a wave outside its limits, and 8 in a row on one side of the
    centre (Western Electric 1956). The p value is that of Σ((x − centre)/error)² as chi-square.
    """
    if WAVE not in table.group_columns:
        raise DataError(
            'the table has no waves, must have them: take score_table(…, wave="quarter").'
        )
    waves = table.pooled(WAVE)
    large, small = waves.select(wave=waves.whole_waves).split_small(max(min_group, 1))
    order = [large.groups.index((wave,)) for wave in large.shown_waves]
    large, measure = large.take(order), measure_of(table)
    few = too_small(waves, small, max(min_group, 1))
    return _chart(large, estimates(large, measure), measure, few)


def pooled_shares(found: Estimates) -> tuple[float, float, float]:
    """Return score, variance of one answer and effective answers of all groups together."""
    high, low = (float(found.answers @ x / found.answers.sum()) for x in (found.high, found.low))
    return high - low, float(spread(high, low)), float(found.effective_n.sum())


def signals(score: Floats, centre: float, lower: Floats, upper: Floats) -> Labels:
    """Return for each wave which rules it breaks, in English; empty for none."""
    outside = (score < lower) | (score > upper)
    side = np.sign(score - centre)
    run = np.zeros(len(score), dtype=np.int64)
    for i, way in enumerate(side):
        run[i] = (run[i - 1] if i and way == side[i - 1] else 0) + 1 if way else 0
    return tuple(
        " and ".join([OUTSIDE] * bool(out) + [IN_A_ROW] * bool(length >= RUN))
        for out, length in zip(outside, run, strict=True)
    )


def signal_words(signal: str) -> str:
    """Return a signal in the language spoken."""
    return words.and_list(term(rule) for rule in signal.split(" and "))


def _chart(
    table: ScoreTable, found: Estimates, measure: Measure, few: tuple[Finding, ...]
) -> ControlChart:
    centre, variance, total = pooled_shares(found) if len(table.groups) else (np.nan,) * 3
    error = np.sqrt(variance * np.maximum(1 / found.effective_n - 1 / total, 0))
    floor = -1.0 if (measure.values < 0).any() else 0.0
    lower = np.maximum(centre - SIGMAS * error, floor)
    upper = np.minimum(centre + SIGMAS * error, 1.0)
    # the deviations sum to 0 by weight, which the chi-square with W − 1 degrees allows for
    own = variance / found.effective_n
    square = ((found.score - centre) ** 2 / np.where(own > 0, own, np.inf)).sum()
    factor = measure.factor
    return ControlChart(
        table.metric, table.shown_waves, factor * found.score, factor * centre, factor * lower,
        factor * upper, found.answers, signals(found.score, centre, lower, upper),
        float(chdtrc(max(len(table.groups) - 1, 1), square)), table.incomplete, few, measure.unit,
        measure.definition, table.as_of,
    )  # fmt: skip
