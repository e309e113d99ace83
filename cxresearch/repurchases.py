"""Purchases after an answer: the reduction behind whether the satisfied come back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cxresearch import _format as words
from cxresearch import sql
from cxresearch._engine import numbered
from cxresearch._grouped import unknown
from cxresearch._language import tr
from cxresearch._reasons import reasons_words
from cxresearch.blocks import SCORE_GROUP, Blocks
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.purchasing import Purchasing, purchase_relations
from cxresearch.score_table import METRICS, best_scores, scale_problems
from cxresearch.share_table import ShareTable

_GOOD: Final[Mapping[str, str]] = {"nps": "promoter", "csat": "satisfied", "ces": "easy"}


class Repurchases(Purchasing):
    """Answers, and what was bought after them."""

    def repurchase_table(self, metric: str = "csat", *, months: int = 12) -> ShareTable:
        """Return, by what customers answered, how many answers were followed by a purchase.

        Counted are answers of customers who had bought by then, with so many months of the extract
        ahead; a purchase later than the day of the answer and within the months is one.

        Parameters
        ----------
        metric
            "nps" for promoters, passives and detractors; "csat" or "ces" for the best answers of
            the scale against the others.
        months
            Calendar months after the answer.

        Returns
        -------
        ShareTable
            By `score_group`; a customer who answered often counts often, and is in `people` once.

        Raises
        ------
        NotEnoughError
            When there are no transactions, or no such answer with its months ahead.
        DataError
            When a metric has no scale, or `months` is not a number of months.
        """
        metric = metric.lower()
        self._check_purchases([], None)
        if "survey_responses" not in self.fields:
            raise NotEnoughError(tr("survey_responses: there is no table of answers. Bring one."))
        problems = repurchase_problems(self.pipeline, metric, months)
        if problems:
            raise DataError(problems)
        rows = self.query(repurchase_query(self.pipeline, metric, months))
        used, out = rows[rows["excluded"].isna()], rows[rows["excluded"].notna()]
        left_out = {str(k): int(v) for k, v in out.groupby("excluded")["whole"].sum().items()}
        if used.empty:
            raise NotEnoughError(
                tr(
                    "survey_responses: there are 0 {metric} answers to follow ({why}), must be at "
                    "least 1: take fewer months, or check the words in metric.",
                    metric=metric,
                    why=reasons_words(left_out.items()),
                )
            )
        span = words.counted(months, "month")
        return ShareTable.from_counts(
            numbered(used),
            [SCORE_GROUP],
            name="bought_again",
            whole_word=tr("{name} answers", name=metric.upper()),
            part_word=tr("were followed by a purchase within {span}", span=span),
            definition=tr(
                "Answers of customers who had bought by then, with {span} of the extract ahead; "
                "counted are those with a purchase after the day of the answer and within that "
                "time. A customer who answered several times counts several times.",
                span=span,
            ),
            left_out=left_out,
            as_of=self.as_of,
        )


def repurchase_query(blocks: Blocks, metric: str, months: int) -> sql.Expression:
    """Return the reduction over the contract's tables."""
    scale = blocks.recipe.scales[metric]
    best = best_scores(scale)
    values: dict[str, sql.Value] = {
        **blocks.values,
        "metric": metric,
        "months": months,
        "least": scale.minimum,
        "most": scale.maximum,
        "best_from": best[0],
        "best_to": best[-1],
        "good": _GOOD[metric],
        "bad": f"not {_GOOD[metric]}",
    }
    tree = sql.fill(sql.load("repurchase"), values=values)
    return sql.assemble(tree, purchase_relations(blocks, "", []))


def repurchase_problems(blocks: Blocks, metric: str, months: int) -> list[str]:
    """Return what is wrong with a question about purchases after an answer."""
    problems = []
    if type(months) is not int or not 1 <= months <= 120:
        problems.append(f"months is {months!r}, must be a whole number from 1 to 120: take 12.")
    if metric in METRICS and metric not in blocks.recipe.scales:
        problems.append(
            f"scales: there is no scale for {metric!r}, must be stated: add it to the recipe, e.g. "
            f"[scales] {metric} = {{ min = 1, max = 5 }}."
        )
    elif metric in METRICS:
        problems += scale_problems(metric, blocks.recipe.scales[metric])
    else:
        problems.append(unknown("metric", metric, METRICS))
    return problems
