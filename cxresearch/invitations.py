"""Invitations and what became of them: the reductions that say who answered and who did not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import pandas as pd
from sqlglot import exp

from cxresearch import sql
from cxresearch._cells import MISSING_LABEL
from cxresearch._engine import MAX_CELLS, Engine, numbered, taken_problems, unique
from cxresearch._grouped import unknown
from cxresearch._language import tr
from cxresearch._reasons import reasons_words
from cxresearch.blocks import TENURE_BAND, TICKETS_BEFORE, Blocks
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.invitation_table import RESPONSE_DAYS, InvitationTable
from cxresearch.periods import Window
from cxresearch.score_table import METRICS, WAVE
from cxresearch.surveys import WAVES
from cxresearch.tables import LifeTable

RESPONSE: Final = "response"
MOST_CELLS: Final = 6_000  # groups times waves: 150 MB of counts
_TAKEN: Final = {
    "replicate", "customer_id", "invitation_id", "invited_at", "due_at", "survey_id", "month",
    "score", RESPONSE, "bounced", "excluded", "outcome", "invitations", "customers", "turn",
    "first_day", "tenure", "entered", "churned", "censored", WAVE,
}  # fmt: skip


class Asked(NamedTuple):
    """A question and the days within which an answer to it counts."""

    metric: str = "nps"
    response_days: int = RESPONSE_DAYS

    @property
    def table(self) -> str:
        """The name under which its invitations are kept."""
        return f"invited_{self.metric}_{self.response_days}"


class Invitations(Engine):
    """Everybody who was invited, counted: answered or not, and whether they stayed."""

    def invitation_table(
        self,
        group_by: Sequence[str] = (),
        *,
        metric: str = "nps",
        wave: str = "quarter",
        response_days: int = RESPONSE_DAYS,
    ) -> InvitationTable:
        """Return invitations per group, wave, replicate and what became of them.

        Parameters
        ----------
        group_by
            What is known of everybody invited: attributes of the customers, `tenure_band` on the
            day of the invitation, and `tickets_before` where there are touchpoints.
        metric
            The question: "nps", "csat" or "ces". Counted are the surveys in which at least one
            answer to it was given.
        wave
            "month", "quarter" or "year" of the invitation, "survey" for its id, or "none".
        response_days
            Days within which an answer counts; invitations whose days were not over on the last
            day of the extract are left out.

        Raises
        ------
        DataError
            When a table, a column or a link between invitations and answers is missing.
        """
        asked, columns = Asked(metric.lower(), response_days), unique(group_by)
        self._check_invitations(asked, columns, wave)
        kept = self._keep_invited(asked)
        self._check_combinations(columns, kept, MAX_CELLS)
        rows = _named(numbered(self.query(invitation_query(asked, wave, columns, kept))), wave)
        left_out = self.invitation_counts(asked).drop("counted", errors="ignore")
        if rows.empty:
            why = reasons_words(left_out.items()) if len(left_out) else tr("none was sent")
            raise NotEnoughError(
                tr(
                    "survey_invitations: there are 0 invitations to count ({why}), must be at "
                    "least 1: check the dates, the metric and response_days.",
                    why=why,
                )
            )
        _check_size(rows, columns)
        return InvitationTable.from_counts(
            rows,
            [*([] if wave == "none" else [WAVE]), *columns],
            metric=asked.metric,
            response_days=asked.response_days,
            waves=_in_order(rows) if wave != "none" else (),
            left_out={str(reason): int(n) for reason, n in left_out.items()},
            unlinked=self._unlinked(asked),
            as_of=self.as_of,
        )

    def responder_table(
        self,
        group_by: Sequence[str] = (),
        *,
        metric: str = "nps",
        response_days: int = RESPONSE_DAYS,
    ) -> LifeTable:
        """Return how long those who answered and those who did not stayed after their survey.

        The clock of every delivered invitation starts on the last day to answer, for both alike:
        nobody is credited with having stayed long enough to answer. Who has left or given notice
        by then is in neither group. A customer who was invited twice is followed twice; the
        replicates hold all of one customer together.

        Parameters
        ----------
        group_by, metric, response_days
            As for `invitation_table`.

        Returns
        -------
        LifeTable
            With the group `response` (answered, silent) before the others; tenure is months since
            the last day to answer.
        """
        asked, columns = Asked(metric.lower(), response_days), unique(group_by)
        self._check_invitations(asked, columns, "none")
        if self.pipeline.lifetimes == "tenure":
            raise DataError(
                "customers: whether those who answer stay longer needs start_date and end_date; "
                "this extract has only tenure and churned."
            )
        kept = self._keep_invited(asked)
        self._check_combinations(columns, kept, MAX_CELLS)
        rows = numbered(self.query(responder_query(self.pipeline, columns, kept)))
        return LifeTable.from_counts(
            rows, [RESPONSE, *columns], as_of=self.as_of, population="invitations"
        )

    def invitation_counts(self, asked: Asked | None = None) -> pd.Series[int]:
        """Return how many invitations count and how many do not, by reason."""
        kept = self._keep_invited(asked or Asked())
        tree = sql.fill(sql.load("invitation_counts"), tables={"invited": kept})
        return self.query(tree).set_index("outcome")["invitations"].sort_index()

    def _keep_invited(self, asked: Asked) -> str:
        name = f"kept_{asked.table}"
        if name not in self._kept:
            relations = invited_relations(self.pipeline, asked, self.groupable)
            whole = exp.select("*").from_("invited")
            self._keep(name, sql.assemble(whole, relations))
        return name

    def _unlinked(self, asked: Asked) -> int:
        tree = (
            exp.select("COUNT(*) AS answers")
            .from_("survey_responses")
            .where(exp.func("LOWER", exp.column("metric")).eq(exp.Literal.string(asked.metric)))
            .where(exp.column("invitation_id").is_(exp.null()))
        )
        return int(self.query(tree)["answers"].iloc[0])

    def _check_invitations(self, asked: Asked, columns: Sequence[str], wave: str) -> None:
        self._check_links(asked)
        problems = []
        if wave not in WAVES:
            problems.append(unknown("wave", wave, list(WAVES)))
        if wave == "survey" and not self.pipeline.has("survey_invitations", "survey_id"):
            problems.append(
                "wave is 'survey', must not be without a column survey_id in survey_invitations: "
                "take 'month', 'quarter' or 'year'."
            )
        if type(asked.response_days) is not int or not 0 <= asked.response_days <= 365:
            problems.append(
                f"response_days is {asked.response_days!r}, must be a whole number from 0 to 365: "
                f"take {RESPONSE_DAYS}."
            )
        if asked.metric not in METRICS:
            problems.append(unknown("metric", asked.metric, METRICS))
        elif asked.metric not in self.recipe.scales:
            problems.append(
                f"scales: there is no scale for {asked.metric!r}, must be stated: add it to the "
                f"recipe, e.g. [scales] {asked.metric} = {{ min = 0, max = 10 }}."
            )
        elif asked.metric == "nps" and not self.pipeline.has_nps_scale:
            problems.append("scales: nps must run from 0 or 1 to 10: state it in the recipe.")
        problems += taken_problems(columns, _TAKEN)
        if problems:
            raise DataError(problems)
        self._check_groups([name for name in columns if name not in known_before(self.pipeline)])

    def _check_links(self, asked: Asked) -> None:
        missing = [t for t in ("survey_invitations", "survey_responses") if t not in self.fields]
        if missing:
            raise NotEnoughError(
                [
                    tr("{table}: there is no such table, which it takes. Bring one.", table=table)
                    for table in missing
                ]
            )
        self.pipeline.require_lifetimes()
        if not self.pipeline.has("survey_responses", "invitation_id"):
            raise NotEnoughError(
                tr(
                    "survey_responses: there is no column invitation_id, so no answer can be "
                    "matched to its invitation and nobody knows who was silent. Export it with the "
                    "{metric} answers.",
                    metric=asked.metric,
                )
            )


def known_before(blocks: Blocks) -> tuple[str, ...]:
    """Return what is known at an invitation besides the customers' attributes."""
    return tuple(name for name in blocks.known if name in {TENURE_BAND, TICKETS_BEFORE})


def invited_relations(
    blocks: Blocks, asked: Asked, attributes: Sequence[str]
) -> dict[str, sql.Expression]:
    """Return the relation `invited`, and what it is built from besides the building blocks."""
    invited = sql.fill(
        sql.load("invited"),
        columns={"attributes": [sql.column(name, "measured") for name in attributes]},
        values={**blocks.values, **asked._asdict()},
    )
    if TICKETS_BEFORE not in blocks.known:
        return {"invited": invited}
    return {"dated_invited": invited, "invited": sql.load("invited_with_tickets")}


def invitation_query(
    asked: Asked, wave: str, group_by: Sequence[str], invited: str = "invited"
) -> sql.Expression:
    """Return the reduction to counts of invitations."""
    return sql.fill(
        sql.load("invitation_table"),
        columns={"groups": [sql.column(name, "turned") for name in group_by]},
        tables={"invited": invited},
        values={
            "wave": wave,
            "months": WAVES[wave],
            "metric": asked.metric,
            "detractor_max": 6,
            "passive_max": 8,
        },
    )


def responder_query(
    blocks: Blocks, group_by: Sequence[str], invited: str = "invited"
) -> sql.Expression:
    """Return the reduction to months after the survey, by whether it was answered."""
    spells = sql.fill(
        sql.load("responder_spells"),
        columns={"known": [sql.column(name, "followed") for name in group_by]},
        tables={"invited": invited},
        values=blocks.values,
    )
    table = sql.fill(
        sql.load("life_table"),
        columns={
            "groups": [sql.column(name) for name in (RESPONSE, *group_by)],
            "cause": [],
            "no_cause": [],
        },
        tables={"spells": "responder_spells"},
    )
    return sql.assemble(table, {"responder_spells": spells})


def _named(rows: pd.DataFrame, wave: str) -> pd.DataFrame:
    names = rows[WAVE].fillna(MISSING_LABEL).astype(str)
    if wave not in {"survey", "none"}:
        window = Window(0, 0, WAVES[wave])
        names = names.map(lambda month: window.label(int(month)))
    return rows.assign(wave=names)


def _check_size(rows: pd.DataFrame, columns: Sequence[str]) -> None:
    cells = len(rows[[WAVE, *columns]].drop_duplicates())
    if cells > MOST_CELLS:
        raise DataError(
            f"customers: {' and '.join(columns)} and the waves have {cells:,} combinations, at "
            f"most {MOST_CELLS:,} can be counted. Take fewer columns, or longer waves."
        )


def _in_order(rows: pd.DataFrame) -> tuple[str, ...]:
    first = rows.groupby(WAVE)["first_day"].min().sort_values(kind="stable")
    return tuple(map(str, first.index))
