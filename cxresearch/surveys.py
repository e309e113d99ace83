"""Answers by wave and score: the reduction that says what customers answered."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

import pandas as pd
from sqlglot import exp

from cxresearch import sql
from cxresearch._engine import MAX_GROUPS, Engine, numbered, taken_problems, unique
from cxresearch._grouped import unknown
from cxresearch.errors import DataError
from cxresearch.periods import Window
from cxresearch.recipe import Recipe, Scale
from cxresearch.score_table import WAVE, ScoreTable, check_scale, scale_problems

_TAKEN: Final = {
    WAVE, "replicate", "excluded", "score", "score_group", "answers", "customers", "first_day",
}  # fmt: skip
WAVES: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12, "survey": 1, "none": 1}


class ScoreRequest(NamedTuple):
    """A question, what makes a wave, and the customers' columns to group by."""

    metric: str
    wave: str = "quarter"
    group_by: Sequence[str] = ()


class Surveys(Engine):
    """Answers to survey questions, counted."""

    @cached_property
    def metrics(self) -> frozenset[str]:
        """The metrics that can be counted by wave: with answers, a scale to go by, and as_of."""
        if "survey_responses" not in self.fields or self.recipe.as_of is None:
            return frozenset()
        metric = exp.func("LOWER", exp.column("metric"))
        asked = exp.select(exp.alias_(metric, "metric")).distinct().from_("survey_responses")
        scored = asked.where("score IS NOT NULL AND customer_id IS NOT NULL").where(self._in_time())
        scales = self.recipe.scales
        held = {str(name) for name in self.query(scored)["metric"]} & set(scales)
        return frozenset(name for name in held if not scale_problems(name, scales[name]))

    def score_table(
        self, metric: str, *, wave: str = "quarter", group_by: Sequence[str] = ()
    ) -> ScoreTable:
        """Return answers per group, wave, replicate and score.

        Parameters
        ----------
        metric
            "nps", "csat" or "ces"; the recipe states its scale.
        wave
            "month", "quarter" or "year" of the answer, "survey" for the survey's id, or "none".
        group_by
            Attributes of the customers.

        Raises
        ------
        DataError
            When there are no answers, no scale or no such column, or scores are off the scale.
        """
        request = ScoreRequest(metric.lower(), wave, unique(group_by))
        scale = self._check_scores(request)
        rows = self.query(
            score_query(request, self.recipe, with_customers="customers" in self.fields)
        )
        used = numbered(rows[rows["excluded"].isna()])
        if used.empty:
            raise DataError(
                f"survey_responses: there are 0 {metric} answers to use, must be at least 1: check "
                "the words in metric, and the dates."
            )
        columns = [*([] if wave == "none" else [WAVE]), *request.group_by]
        words = {**self._waves(used, wave), "as_of": self.as_of, "left_out": _left_out(rows)}
        named = used.assign(wave=used[WAVE].map(_named(wave)))
        return ScoreTable.from_counts(named, columns, metric=request.metric, scale=scale, **words)

    def _check_scores(self, request: ScoreRequest) -> Scale:
        scales = self.recipe.scales
        if "survey_responses" not in self.fields:
            raise DataError("survey_responses: there is no table of answers. Bring one.")
        if request.wave not in WAVES:
            raise DataError(unknown("wave", request.wave, list(WAVES)))
        if request.metric not in scales:
            raise DataError(
                f"scales: there is no scale for {request.metric!r}, must be stated: add it to the "
                f"recipe, e.g. [scales] {request.metric} = {{ min = 0, max = 10 }}."
            )
        check_scale(request.metric, scales[request.metric])
        problems = list(self._problems(request))
        if problems:
            raise DataError(problems)
        self._check_groups(request.group_by)
        self._check_combinations(request.group_by, "customers", MAX_GROUPS)
        return scales[request.metric]

    def _problems(self, request: ScoreRequest) -> list[str]:
        problems = taken_problems(request.group_by, _TAKEN)
        if request.wave == "survey" and not self.pipeline.has("survey_responses", "survey_id"):
            problems.append(
                "wave is 'survey', must not be without a column survey_id in survey_responses: "
                "take 'month', 'quarter' or 'year'."
            )
        if request.wave not in {"survey", "none"} and self.recipe.as_of is None:
            problems.append(
                "recipe: as_of is missing, which says whether the last wave is whole. State the "
                "last day up to which the extract is complete, e.g. as_of = 2025-12-31."
            )
        return problems

    def _in_time(self) -> str:
        first, end = (self.pipeline.values[n] for n in ("observed_from", "observation_end"))
        return f"responded_at >= DATE '{first}' AND responded_at < DATE '{end}'"

    def _waves(self, used: pd.DataFrame, wave: str) -> dict[str, Any]:
        """Return the waves in order of time, and those that the extract holds only in part."""
        if wave == "none":
            return {}
        first = used.groupby(WAVE)["first_day"].min().sort_values(kind="stable")
        if wave == "survey":
            return {"waves": tuple(map(str, first.index))}
        months = sorted(int(month) for month in first.index)
        start, end = self.pipeline.first_month, self.pipeline.end_month
        whole = {m for m in months if m >= start and m + WAVES[wave] <= end}
        names = {m: _named(wave)(m) for m in months}
        partial = tuple(name for month, name in names.items() if month not in whole)
        return {"waves": tuple(names.values()), "incomplete": partial}


def score_query(
    request: ScoreRequest, recipe: Recipe, *, with_customers: bool = True
) -> sql.Expression:
    """Return the reduction over the contract's tables.

    Parameters
    ----------
    with_customers
        Whether there is a table of customers; without one nobody has attributes.
    """
    observed = recipe.observed_from or dt.date(1, 1, 1)
    end = recipe.as_of + dt.timedelta(days=1) if recipe.as_of else dt.date(9999, 12, 31)
    return sql.fill(
        sql.load("score_table"),
        columns={
            "attributes": [sql.least(name, "people") for name in request.group_by],
            "groups": [sql.column(name, "known") for name in request.group_by],
        },
        tables={"customers": "customers" if with_customers else "survey_responses"},
        values={
            "metric": request.metric,
            "wave": request.wave,
            "months": WAVES[request.wave],
            "observed_from": observed.isoformat(),
            "observation_end": end.isoformat(),
        },
    )


def _named(wave: str) -> Any:  # noqa: ANN401 - a function for Series.map
    """Return the function that names a wave of the reduction."""
    if wave in {"survey", "none"}:
        return str
    window = Window(0, 0, WAVES[wave])
    return lambda month: window.label(int(month))


def _left_out(rows: pd.DataFrame) -> dict[str, int]:
    counted = rows.dropna(subset=["excluded"]).groupby("excluded")["answers"].sum()
    return {str(reason): int(n) for reason, n in counted.items()}
