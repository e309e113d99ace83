"""The bias ladder: the same customers counted in several ways, from naive to corrected."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._html import Table, html_table
from cxresearch._language import speaking, tr
from cxresearch.adjust._rung import NONE, Rung, step
from cxresearch.adjust._rung_estimates import Limits, estimate_rung
from cxresearch.adjust._rung_words import rung_findings, rung_row
from cxresearch.adjust.weighting import EXPOSURE, MAX_WEIGHT, score_labels
from cxresearch.designs import Design
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.source import Data
from cxresearch.tables import LifeTable

ADJUSTED = ("doubly_robust", "weighted")  # the most adjusted first
GROUPS = ("detractor", "passive", "promoter")


@dataclass(frozen=True, eq=False, repr=False)
class BiasLadder(Table):
    """Rungs on the same customers, the naive ones only beside what corrects them.

    Parameters
    ----------
    rungs
        In the order in which they are shown.
    months
        Over which customers kept are compared.

    Raises
    ------
    DataError
        When a naive rung has a number that its corrected rung has not: it is wrong, and is
        never shown alone.
    """

    rungs: tuple[Rung, ...]
    months: int

    def __post_init__(self) -> None:
        problems = [
            f"{rung.design} counts time in which nobody could have left, must stand beside "
            f"{rung.step.corrected_by}: add that rung, or leave both out."
            for rung in self.rungs
            if rung.naive and not _is_beside(rung, self.get(str(rung.step.corrected_by)))
        ]
        if problems:
            raise DataError(problems)

    def __iter__(self) -> Iterator[Rung]:
        return iter(self.rungs)

    def __len__(self) -> int:
        return len(self.rungs)

    def __repr__(self) -> str:
        return f"BiasLadder({', '.join(rung.design for rung in self.rungs)})"

    def __getitem__(self, design: str) -> Rung:
        """Return a rung by its design."""
        found = self.get(design)
        if found is None:
            raise DataError(unknown("design", design, [rung.design for rung in self.rungs]))
        return found

    def get(self, design: str) -> Rung | None:
        """Return a rung by its design; None when the ladder has no such rung."""
        return next((rung for rung in self.rungs if rung.design == design), None)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per rung; `wrong` says which counts are naive."""
        return pd.DataFrame([_row(rung) for rung in self.rungs])

    def _repr_html_(self) -> str:
        frame = pd.DataFrame([rung_row(rung) for rung in self.rungs])
        if not frame.empty and not frame["not reported"].any():
            frame = frame.drop(columns="not reported")
        return html_table(frame, numbers=("losses",))

    def sentence(self, lang: str | None = None) -> str:
        """Return the sentences of all rungs."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return `hazard_ratio` and `retained_difference` of each rung.

        What cannot be given becomes `not_reported` with the reason.
        """
        pairs = [(rung, self.get(rung.step.corrected_by or rung.design)) for rung in self.rungs]
        return tuple(f for rung, beside in pairs for f in rung_findings(rung, beside or rung))

    def answer(self) -> tuple[Finding, ...]:
        """Return the findings of the rung that adjusts most: doubly robust, or else weighted.

        Where neither has a number it is the reason; nothing on a ladder without either.
        """
        found = [rung for design in ADJUSTED if (rung := self.get(design)) is not None]
        reported = [rung for rung in found if rung.reported]
        said = [f for rung in (reported or found)[:1] for f in rung_findings(rung, rung)]
        return tuple(sorted(said, key=lambda f: f.id != "retained_difference"))


def bias_ladder(
    tables: Mapping[str, LifeTable],
    *,
    months: int = 12,
    labels: tuple[str, str] = ("promoter", "detractor"),
    min_events: int = 10,
    min_at_risk: int = 30,
    max_weight: float = MAX_WEIGHT,
    confidence_level: float = 0.95,
) -> BiasLadder:
    """Estimate every rung: hazard ratio, and difference of customers kept.

    Parameters
    ----------
    tables
        Life table by design, such as `survey_tables` returns: `ever_promoter_from_signup`,
        `first_score_from_signup` (both naive), `ever_promoter_from_answer`,
        `first_score_from_answer`, `landmark_6` and other months, `current_score`, `each_score`,
        `weighted`, `doubly_robust`. The last two are follow-up tables grouped by `score_group`
        and what is to be adjusted for.
    months
        Over which customers kept are compared. On the clock of tenure with late entry it is
        the months after the first tenure from which both groups have `min_at_risk`.
    labels
        Exposed and reference; ever-promoters are compared with "other".
    min_events
        Losses that each of the two groups needs.
    min_at_risk
        Customers of each group at risk up to the last month of a difference.
    max_weight
        Stabilised weights above it are cut to it.
    confidence_level
        Of the intervals.

    Raises
    ------
    DataError
        When a design or a group does not exist, a table is not grouped by score, or a naive
        design comes without the one that corrects it. What the data cannot support is no error
        but a rung with its reason.
    """
    _check(tables, months, labels)
    limits = Limits(months, labels, min_events, min_at_risk, max_weight, confidence_level)
    rungs = {design: estimate_rung(design, table, limits) for design, table in tables.items()}
    return BiasLadder(tuple(_beside(rung, rungs) for rung in rungs.values()), months)


def survey_tables(
    data: Data,
    *,
    adjust_for: Sequence[str] = (),
    landmarks: Sequence[int] = (6, 12),
    blackout_days: int = 30,
    lag_months: int = 0,
    max_age_months: int = 12,
) -> dict[str, LifeTable]:
    """Return the life table of each rung, as `bias_ladder` takes them.

    Parameters
    ----------
    data
        With customers' dates and survey answers.
    adjust_for
        What was known before each answer: attributes of the customer, `tenure_band`,
        `tickets_before`. Nothing that an answer could have brought about.
    landmarks
        Months of tenure.
    blackout_days, lag_months, max_age_months
        As in `Design`.

    Raises
    ------
    DataError
        When there is no such column, or the score itself is to be adjusted for.
    """
    if EXPOSURE in adjust_for:
        raise DataError(
            f"adjust_for names {EXPOSURE}, must name what was known before the answer: leave it "
            "out."
        )
    wait = {"blackout_days": blackout_days}
    old = wait | {"max_age_months": max_age_months}
    designs = {
        "ever_promoter_from_signup": Design("ever_from_signup", **wait),
        "ever_promoter_from_answer": Design("ever_from_answer", **wait),
        "first_score_from_signup": Design("first_from_signup", **wait),
        "first_score_from_answer": Design("first_from_answer", **wait),
        **{f"landmark_{m}": Design("landmark", **old, landmark_month=m) for m in landmarks},
        "current_score": Design("current", **old, lag_months=lag_months),
    }
    tables = {name: data.life_table([EXPOSURE], design=d) for name, d in designs.items()}
    followed = data.life_table([EXPOSURE, *adjust_for], design=Design("followup", **wait))
    adjusted = {"weighted": followed, "doubly_robust": followed}
    return tables | {"each_score": followed.pooled(EXPOSURE)} | adjusted


def _beside(rung: Rung, rungs: Mapping[str, Rung]) -> Rung:
    """Take the numbers from a naive rung that the rung which corrects it has not."""
    if not rung.naive:
        return rung
    corrected = rungs[str(rung.step.corrected_by)]
    alone = tr(
        "it is wrong, and the count that corrects it, {title}, has no number",
        title=corrected.title,
    )
    if corrected.hazard_refusal and not rung.hazard_refusal:
        empty = np.zeros(0)
        rung = replace(rung, hazard_ratio=NONE, hazard_refusal=alone, left_out=empty)
    if corrected.difference_refusal and not rung.difference_refusal:
        gone = (math.nan, math.nan)
        rung = replace(rung, difference=NONE, difference_refusal=alone, retained=gone)
    return rung


def _is_beside(rung: Rung, corrected: Rung | None) -> bool:
    """Tell whether each number of a naive rung has its corrected one."""
    if corrected is None:
        return False
    pairs = (
        (rung.hazard_refusal, corrected.hazard_refusal),
        (rung.difference_refusal, corrected.difference_refusal),
    )
    return all(mine is not None or theirs is None for mine, theirs in pairs)


def _row(rung: Rung) -> dict[str, object]:
    ends = ("", "_ci_lower", "_ci_upper")
    return {
        "design": rung.design,
        "wrong": rung.naive,
        **{f"hazard_ratio{e}": x for e, x in zip(ends, rung.hazard_ratio, strict=True)},
        **{f"retained_difference{e}": x for e, x in zip(ends, rung.difference, strict=True)},
        "start": rung.start,
        "months": rung.months,
        "n": rung.n,
        "counted": rung.step.counted,
        "events": rung.events,
        "not_reported": tr("; ").join(rung.refusals),
    }


def _check(tables: Mapping[str, LifeTable], months: int, labels: tuple[str, str]) -> None:
    problems = []
    for design in tables:
        corrected = step(design).corrected_by
        if corrected is not None and corrected not in tables:
            problems.append(
                f"{design} counts time in which nobody could have left, must stand beside "
                f"{corrected}: add its table, or leave this one out."
            )
    if not months >= 1 or months != int(months):
        problems.append(f"months is {months!r}, must be a whole number from 1: take 12.")
    # a score group that nobody is in is a reason in the rung; a name that does not exist is not
    known = sorted({*GROUPS, *(x for t in tables.values() for x in score_labels(t))})
    problems += [unknown(EXPOSURE, label, known) for label in labels if label not in known]
    if problems:
        raise DataError(problems)
