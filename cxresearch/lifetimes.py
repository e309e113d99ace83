"""Customers by tenure and by calendar period: the reductions that say how long they stayed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
from sqlglot import exp

from cxresearch import periods
from cxresearch._engine import Engine, unique
from cxresearch.errors import DataError
from cxresearch.pipeline import SCORE_GROUP, Request
from cxresearch.tables import LifeTable, PeriodTable

_MONTHS: Final[Mapping[str, int]] = {"month": 1, "quarter": 3, "year": 12}


class Lifetimes(Engine):
    """Life tables, calendar periods, and who is counted."""

    def reduction_sql(
        self,
        name: str,
        group_by: Sequence[str] = (),
        dialect: str = "duckdb",
        period: str = "month",
    ) -> str:
        """Return a reduction as one self-contained query in `dialect`.

        Where the data are Parquet files and the dialect is DuckDB's, the query can be run as it
        stands; otherwise it reads tables named as in the recipe.
        """
        files_only = all(isinstance(scan, exp.Func) for scan in self._scans.values())
        scans = self._scans if dialect == "duckdb" and files_only else None
        request = Request(name, group_by, _months(period))
        return self.pipeline.text(request, dialect, scans)

    def life_table(self, group_by: Sequence[str] = ()) -> LifeTable:
        """Return counts per group, replicate and month of tenure.

        Parameters
        ----------
        group_by
            Attributes of the customers, and `score_group` for promoter, passive and detractor by
            each customer's first valid answer, at risk from that answer on.

        Raises
        ------
        DataError
            When a column is not there or has more than 100 different values.
        """
        columns = unique(group_by)
        counts = self._reduce(Request("life_table", columns))
        return LifeTable.from_counts(
            counts, columns, as_of=self.as_of, population=self.pipeline.population(columns)
        )

    def period_table(self, period: str = "month", group_by: Sequence[str] = ()) -> PeriodTable:
        """Return, per calendar period, the customers at its start and how many of them left.

        Parameters
        ----------
        period
            "month", "quarter" or "year"; only periods that are observed whole are returned.
        """
        months = _months(period)
        columns = unique(group_by)
        moves = self._reduce(Request("period_table", columns, months))
        window = periods.Window(self.pipeline.first_month, self.pipeline.end_month, months)
        counts = periods.at_start(moves, columns, window)
        return PeriodTable.from_counts(counts, columns, period=period, as_of=self.as_of)

    def waterfall(self, *, by_score: bool = False) -> pd.DataFrame:
        """Return how many customers are used and how many are not, with the reason."""
        return self._reduce(Request("waterfall", [SCORE_GROUP] if by_score else []))

    def answers(self) -> pd.DataFrame:
        """Return how many survey answers are valid and how many are not, with the reason."""
        return self.query(self.pipeline.reduction(Request("answer_counts")))

    def _reduce(self, request: Request) -> pd.DataFrame:
        tree = self.pipeline.reduction(request)
        self._check_groups(request.group_by)
        spells = "spells_by_score" if SCORE_GROUP in request.group_by else "spells"
        self._materialise(spells)
        self._check_combinations(request.group_by, spells)
        return self.query(tree)


def _months(period: str) -> int:
    if period not in _MONTHS:
        raise DataError(f"period == {period!r}, must be one of: {', '.join(_MONTHS)}.")
    return _MONTHS[period]
