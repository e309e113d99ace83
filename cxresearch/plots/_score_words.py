"""What figures of scores say and plot: their text alternatives, and the numbers behind them."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cxresearch import _format as words
from cxresearch._language import tr
from cxresearch.scores.control_chart import ControlChart, signal_words
from cxresearch.scores.levels import Score


def say_scores(scores: Sequence[Score]) -> str:
    """Return the scores in words, with their definition."""
    level = words.level_words(scores[0].confidence_level)
    said = [
        tr(
            "{Whom}: {score}, {answers}",
            Whom=score.label or tr("All answers"),
            score=_told(score),
            answers=tr("{n} answers", n=words.number(score.answers)),
        )
        for score in scores
    ]
    title = tr("{name} with {level} intervals.", name=scores[0].name, level=level)
    listed = tr("{list}.", list=tr("; ").join(said))
    return words.sentences([title, listed, scores[0].definition])


def say_answers(scores: Sequence[Score]) -> str:
    """Return the share of each answer in words."""
    said = []
    for score in scores:
        shares = zip(score.steps, score.distribution, strict=True)
        parts = [
            tr("{step}: {share}", step=step, share=words.percent(float(share)))
            for step, share in shares
        ]
        whom = score.label or tr("All answers")
        said.append(tr("{Whom}: {shares}.", Whom=whom, shares=tr(", ").join(parts)))
    title = tr("Share of {name} answers at each step of the scale.", name=scores[0].name)
    return words.sentences([title, *said])


def say_chart(chart: ControlChart) -> str:
    """Return the waves in words, and which stand out."""
    told = words.number if chart.unit == "points" else words.percent
    waves = [
        tr("{wave}: {score}", wave=words.period_label(wave), score=told(float(score)))
        for wave, score in zip(chart.waves, chart.score, strict=True)
    ]
    title = tr(
        "Control chart of {name} by wave around {centre}.",
        name=chart.metric.upper(),
        centre=told(chart.centre),
    )
    return words.sentences([title, tr("{list}.", list=tr("; ").join(waves)), chart.sentence()])


def scores_numbers(scores: Sequence[Score]) -> pd.DataFrame:
    """Return the scores, a row per group."""
    return pd.concat([score.to_frame() for score in scores], ignore_index=True)


def answers_numbers(scores: Sequence[Score]) -> pd.DataFrame:
    """Return the share of the answers at each step of the scale, a row per group."""
    rows = [
        {
            **score.group,
            **{
                str(step): words.percent(float(share))
                for step, share in zip(score.steps, score.distribution, strict=True)
            },
            "answers": score.answers,
        }
        for score in scores
    ]
    return pd.DataFrame(rows)


def chart_numbers(chart: ControlChart) -> pd.DataFrame:
    """Return the waves with their limits and signals."""
    frame = chart.to_frame()
    return frame.assign(signal=[signal_words(signal) for signal in chart.signals])


def _told(score: Score) -> str:
    values = (score.score, score.score_ci_lower, score.score_ci_upper)
    if score.unit == "points":
        return words.number_interval(*values)
    return words.percent_interval(*values)
