"""Customers by tenure and by calendar period: the reductions that say how long they stayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import pandas as pd
from sqlglot import exp

from cxresearch import periods
from cxresearch._engine import MAX_CELLS, MAX_GROUPS, Engine, unique
from cxresearch.blocks import SCORE_GROUP
from cxresearch.cause_table import CauseTable
from cxresearch.designs import Design
from cxresearch.errors import DataError
from cxresearch.pipeline import Request
from cxresearch.tables import LifeTable, PeriodTable

_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12}


class Lifetimes(Engine):
    """Life tables, calendar periods, and who is counted."""

    def life_table(
        self, group_by: Sequence[str] = (), *, design: Design | None = None
    ) -> LifeTable:
        """Return counts per group, replicate and month of tenure.

        Parameters
        ----------
        group_by
            Attributes of the customers; `score_group` for promoter, passive and detractor; and
            with a design that starts from answers what was known at the answer: `tenure_band`,
            and `tickets_before` where there are touchpoints.
        design
            How an answer makes a risk set; by score without a design, customers are at risk from
            their first valid answer on.

        Raises
        ------
        DataError
            When a column is not there or has more than 100 different values.
        """
        columns = unique(group_by)
        counts = self._reduce(Request("life_table", columns, design=design))
        return LifeTable.from_counts(counts, columns, **self._words(columns, design))

    def cause_table(
        self, group_by: Sequence[str] = (), *, design: Design | None = None
    ) -> CauseTable:
        """Return the same counts with the churned by recorded cause (`cancel_type`).

        A loss without a cause is "not recorded".

        Raises
        ------
        DataError
            As `life_table`, and when there are more than 100 causes.
        """
        columns = unique(group_by)
        counts = self._reduce(Request("life_table", columns, design=design, causes=True))
        if counts["cause"].nunique() > MAX_GROUPS:
            raise DataError(
                f"cancel_type has {counts['cause'].nunique():,} different values, at most "
                f"{MAX_GROUPS} can be compared. Name values for it in the recipe."
            )
        return CauseTable.from_counts(counts, columns, **self._words(columns, design))

    def known_before(self, named: str = "") -> list[str]:
        """Return what to adjust for: the columns in `named`, with commas between, or what there is.

        What there is: the columns that the recipe compares, and what is known at an answer
        besides its score.
        """
        known = [name for name in self.pipeline.known if name != SCORE_GROUP]
        return self.columns(named) if named.strip() else [*self.columns(""), *known]

    def period_table(self, period: str = "month", group_by: Sequence[str] = ()) -> PeriodTable:
        """Return, per calendar period, the customers at its start and how many of them left.

        Parameters
        ----------
        period
            "month", "quarter" or "year"; only periods that are observed whole are returned.
        """
        months = period_months(period)
        columns = unique(group_by)
        moves = self._reduce(Request("period_table", columns, months))
        window = periods.Window(self.pipeline.first_month, self.pipeline.end_month, months)
        counts = periods.at_start(moves, columns, window)
        return PeriodTable.from_counts(counts, columns, period=period, as_of=self.as_of)

    def waterfall(self, *, by_score: bool = False, design: Design | None = None) -> pd.DataFrame:
        """Return how many customers are used and how many are not, with the reason."""
        if self.pipeline.lifetimes == "retention":
            life = self.life_table()
            counts = {"customers": int(life.n.sum()), "churned": int(life.churned.sum())}
            return pd.DataFrame([{"outcome": "used", **counts}])
        return self._reduce(Request("waterfall", [SCORE_GROUP] if by_score else [], design=design))

    def answers(self, design: Design | None = None) -> pd.DataFrame:
        """Return how many survey answers are valid and how many are not, with the reason.

        With a design, valid answers that never come to count for it are a reason of their own.
        """
        frame = self.query(self.pipeline.reduction(Request("answer_counts")))
        if design is None:
            return frame
        self._materialise_answers(design)
        counting = self.rows(design.counted)
        lost = int(frame.loc[frame["outcome"] == "valid", "answers"].sum()) - counting
        never = self._never_followed(design)
        frame.loc[frame["outcome"] == "valid", "answers"] = counting - sum(never.values())
        never |= {f"notice or end within {design.blackout_days} days of the answer": lost}
        left = [(reason, n) for reason, n in never.items() if n]
        rest = pd.DataFrame(left, columns=["outcome", "answers"])
        return pd.concat([frame, rest], ignore_index=True) if left else frame

    def _never_followed(self, design: Design) -> dict[str, int]:
        """Return how many answers that count are never followed, where each has a clock."""
        if design.kind != "followup":
            return {}
        reasons = exp.select("excluded", "COUNT(*) AS n").from_(self._materialise(design))
        found = self.query(reasons.where("excluded IS NOT NULL").group_by("excluded"))
        return {str(reason): int(n) for reason, n in found.itertuples(index=False)}

    def _words(self, columns: Sequence[str], design: Design | None) -> dict[str, Any]:
        return {
            "as_of": self.as_of,
            "population": self.pipeline.population(columns, design),
            "periods_per_year": self.pipeline.periods_per_year,
        }

    def _reduce(self, request: Request) -> pd.DataFrame:
        design = request.risk_set
        self.pipeline.check(request)
        self._check_groups(request.group_by, design)
        if self.pipeline.lifetimes == "retention":
            return self.query(self.pipeline.reduction(request))
        kept = self._materialise(design)
        most = MAX_CELLS if request.design else MAX_GROUPS
        self._check_combinations(request.group_by, kept, most)
        return self.query(self.pipeline.reduction(request, kept))


def period_months(period: str) -> int:
    """Return the months of a calendar period."""
    if period not in _MONTHS:
        raise DataError(f"period == {period!r}, must be one of: {', '.join(_MONTHS)}.")
    return _MONTHS[period]
