"""Bad experiences and what came after them: tickets, severe and unresolved ones, low scores.

Whose experiences so far are counted is at risk until the notice, or without one until the end: an
experience under notice is no reason to give it, and whoever has given notice is no comparison.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final

import pandas as pd
from sqlglot import exp

from cxresearch import sql
from cxresearch._engine import Engine, check_combinations, numbered, taken_problems, unique
from cxresearch._language import tr
from cxresearch.bad_experiences import Experience, Kind
from cxresearch.blocks import Blocks
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.recipe import Scale
from cxresearch.score_table import scale_problems
from cxresearch.tables import LifeTable

EXPERIENCES: Final = "experiences"
DOSE, FROM_TENURE = "dose", "from_tenure"
MONTHS: Final = 24
_TAKEN: Final = {
    EXPERIENCES, DOSE, FROM_TENURE, "until_tenure", "decided_at", "decided_in_month", "part",
    "whole", "people",
}  # fmt: skip
DECIDED, COUNTED = "decided", "counted_experiences"
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "ticket": ("event_type",),
    "severe": ("severity",),
    "unresolved": ("resolved_at", "reopened"),
}
Query = Callable[[Blocks, "Experience", Sequence[str], tuple[str, str]], sql.Expression]


class Experiences(Engine):
    """Customers by the bad experiences they had so far, and after each of the first three."""

    def experience_table(
        self, bad: Kind | Experience = "ticket", group_by: Sequence[str] = ()
    ) -> LifeTable:
        """Return customers by tenure and by how many bad experiences they had so far.

        Parameters
        ----------
        bad
            What counts: "ticket", "severe", "unresolved" or "low_csat", or an `Experience`.
        group_by
            Attributes of the customers.

        Returns
        -------
        LifeTable
            With the group `experiences` ("0", "1", "2", "3 and more") before the others. It
            changes with time: a customer leaves one group and enters the next, late. So far
            means since `observed_from`; who was a customer before begins with "0". Churned are
            those who gave notice or left, whichever came first.

        Raises
        ------
        NotEnoughError
            When there are no touchpoints (or answers), or nothing tells how long customers stayed.
        DataError
            When a column is not there or has more than 100 different values.
        """
        return self._experienced(bad, unique(group_by), spans_query, [EXPERIENCES])

    def experience_followup(
        self,
        bad: Kind | Experience = "ticket",
        group_by: Sequence[str] = (),
        *,
        months: int = MONTHS,
    ) -> LifeTable:
        """Return customers by months since their first, second and third bad experience counted.

        Whoever had three is followed three times, whatever came later; the replicates hold all
        of one customer together.

        Parameters
        ----------
        bad, group_by
            As for `experience_table`.
        months
            For how many months they are followed.

        Returns
        -------
        LifeTable
            With the groups `dose` ("1", "2", "3") and `from_tenure`, the months of tenure at
            which the experience began to count, before the others; `pooled("dose")` is the
            follow-up itself.

        Raises
        ------
        NotEnoughError, DataError
            As for `experience_table`, and when `months` is out of range.
        """
        if type(months) is not int or not 1 <= months <= 120:
            raise DataError(
                f"months is {months!r}, must be a whole number from 1 to 120: take {MONTHS}."
            )

        query = partial(followup_query, months=months)
        return self._experienced(bad, unique(group_by), query, [DOSE, FROM_TENURE])

    def experience_counts(self, bad: Kind | Experience = "ticket") -> pd.Series[int]:
        """Return how many bad experiences count and how many do not, by reason."""
        experience = as_experience(bad)
        self._check_experience(experience, [])
        relations = experience_relations(self.pipeline, experience, [])
        outcome = exp.func("COALESCE", exp.column("excluded"), exp.Literal.string("counts"))
        tree = exp.select(exp.alias_(outcome, "outcome"), "COUNT(*) AS n")
        tree = tree.from_("judged_experiences").group_by(outcome.copy())
        return self.query(sql.assemble(tree, relations)).set_index("outcome")["n"].sort_index()

    def _experienced(
        self, bad: Kind | Experience, columns: Sequence[str], query: Query, own: Sequence[str]
    ) -> LifeTable:
        experience = as_experience(bad)
        self._check_experience(experience, columns)
        names = self._keep_decided(), self._keep_counted(experience)
        rows = self.query(query(self.pipeline, experience, columns, names))
        if rows.empty:
            raise NotEnoughError(
                tr(
                    "{table}: nobody can be followed for a full month, somebody must: look at "
                    "experience_counts for the reasons.",
                    table=experience.source,
                )
            )
        check_combinations(columns, rows)
        return LifeTable.from_counts(numbered(rows), [*own, *columns], as_of=self.as_of)

    def _keep_decided(self) -> str:
        name = f"kept_{DECIDED}"
        if name not in self._kept:
            own = [column for column in self.groupable if column.lower() not in _TAKEN]
            relations = experience_relations(self.pipeline, Experience(), own)
            self._keep(name, relations[DECIDED])
        return name

    def _keep_counted(self, experience: Experience) -> str:
        name = f"kept_{COUNTED}_{experience.table}"
        if name not in self._kept:
            relations = experience_relations(
                self.pipeline, experience, [], decided=self._keep_decided()
            )
            self._keep(name, sql.assemble(exp.select("*").from_(COUNTED), relations))
        return name

    def _check_experience(self, experience: Experience, columns: Sequence[str]) -> None:
        missing = list(lacking(self.pipeline, experience))
        if missing:
            raise NotEnoughError(missing)
        problems = list(experience_problems(self.pipeline, experience, columns))
        if problems:
            raise DataError(problems)
        self._check_groups(columns)


def experience_problems(
    blocks: Blocks, experience: Experience, group_by: Sequence[str]
) -> Iterator[str]:
    """Yield what is wrong with the tables, the scale and the columns for this experience."""
    yield from lacking(blocks, experience)
    yield from taken_problems(group_by, _TAKEN)
    if experience.kind == "low_csat" and "csat" in blocks.recipe.scales:
        yield from scale_problems("csat", blocks.recipe.scales["csat"])


def lacking(blocks: Blocks, experience: Experience) -> Iterator[str]:
    """Yield what the tables lack for this experience."""
    if blocks.lifetimes not in {"spells", "dates"}:
        yield tr(
            "customers: who left when must be known by days, for what came before. Bring "
            "subscriptions, or start_date and end_date."
        )
    if experience.source == "survey_responses":
        if "survey_responses" not in blocks.recipe.tables:
            yield tr("survey_responses: there is no such table. Bring one with answers to csat.")
        if "csat" not in blocks.recipe.scales:
            yield tr(
                "scales: there is no scale for 'csat', must be stated: add it to the recipe, e.g. "
                "{how}.",
                how="[scales] csat = { min = 1, max = 5 }",
            )
    elif "touchpoints" not in blocks.recipe.tables:
        yield tr("touchpoints: there is no such table. Bring one row per ticket.")
    elif not any(blocks.has("touchpoints", name) for name in _NEEDED[experience.kind]):
        needed = tr(" and no column ").join(_NEEDED[experience.kind])
        yield tr(
            "touchpoints: there is no column {needed}, which '{kind}' takes.",
            needed=needed,
            kind=experience.kind,
        )


def experience_relations(
    blocks: Blocks, experience: Experience, attributes: Sequence[str], *, decided: str = DECIDED
) -> dict[str, sql.Expression]:
    """Return the relations from the building blocks to the experiences that count."""
    values = {**blocks.values, **experience_values(blocks, experience)}
    severities = [exp.Literal.string(name.lower()) for name in experience.severities]
    columns: dict[str, Sequence[sql.Expression]] = {
        "attributes": [sql.column(name) for name in attributes],
        "severities": severities,
    }
    tables = {
        "tickets": "tickets",
        "experiences": "bad_experiences",
        "decided": decided,
        "judged": "judged_experiences",
    }

    def filled(name: str) -> sql.Expression:
        return sql.fill(sql.load(name), columns=columns, tables=tables, values=values)

    return {
        DECIDED: filled("decided"),
        "tickets": filled("tickets"),
        "bad_experiences": filled(f"experience_{experience.kind}"),
        "judged_experiences": filled("judged_experiences"),
        COUNTED: filled("counted_experiences"),
    }


def spans_query(
    blocks: Blocks,
    experience: Experience,
    group_by: Sequence[str],
    names: tuple[str, str] = (DECIDED, COUNTED),
) -> sql.Expression:
    """Return the reduction to counts by tenure and by the experiences so far.

    `names` are those of the customers and of the experiences that count.
    """
    return _life_query(blocks, "experience_spans", experience, (EXPERIENCES, *group_by), names)


def followup_query(
    blocks: Blocks,
    experience: Experience,
    group_by: Sequence[str],
    names: tuple[str, str] = (DECIDED, COUNTED),
    months: int = MONTHS,
) -> sql.Expression:
    """Return the reduction to counts by months since an experience."""
    columns = (DOSE, FROM_TENURE, *group_by)
    return _life_query(blocks, "experience_followup", experience, columns, names, months=months)


def _life_query(
    blocks: Blocks,
    name: str,
    experience: Experience,
    columns: Sequence[str],
    names: tuple[str, str],
    **values: sql.Value,
) -> sql.Expression:
    own = {EXPERIENCES, DOSE, FROM_TENURE}
    alias = "pieces" if name == "experience_spans" else "decided"
    spells = sql.fill(
        sql.load(name),
        columns={"attributes": [sql.column(c, alias) for c in columns if c not in own]},
        tables=dict(zip(("decided", "counted"), names, strict=True)),
        values={**blocks.values, **experience_values(blocks, experience), **values},
    )
    table = sql.fill(
        sql.load("life_table"),
        columns={"groups": [sql.column(c) for c in columns], "cause": [], "no_cause": []},
        tables={"spells": name},
    )
    return sql.assemble(table, {name: spells})


def experience_values(blocks: Blocks, experience: Experience) -> dict[str, sql.Value]:
    """Return what stands in the place of each `$name` besides the building blocks' values."""
    scale = blocks.recipe.scales.get("csat")
    first = blocks.values["observed_from"] if experience.new_only else "0001-01-01"
    return {
        "open_days": experience.open_days,
        "wait_days": experience.wait_days,
        "knows_solutions": blocks.has("touchpoints", "resolved_at"),
        "first_start": first,
        "scale_min": scale.minimum if scale else 0,
        "highest_low": _highest_low(scale) if scale else 0,
    }


def _highest_low(scale: Scale) -> float:
    """Return the second lowest score; the lowest on a scale of fewer than four steps."""
    return scale.minimum + (1 if scale.maximum - scale.minimum >= 3 else 0)


def as_experience(bad: Kind | Experience) -> Experience:
    """Return what counts, from its kind alone or as it is."""
    return bad if isinstance(bad, Experience) else Experience(bad)
