"""Who was assigned to be contacted and who was held out: the reduction behind an experiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd
from sqlglot import exp

from cxresearch import sql
from cxresearch._cells import label_text
from cxresearch._engine import (
    MAX_GROUPS,
    Engine,
    nameable,
    named_labels,
    numbered,
    taken_problems,
    unique,
)
from cxresearch._grouped import unknown
from cxresearch._language import tr
from cxresearch._reasons import reasons_words
from cxresearch.blocks import Blocks
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.tables import LifeTable

ARM: Final = "arm"
ARMS: Final = ("treat", "holdout")
_TAKEN: Final = {
    "replicate", "customer_id", "assigned_at", ARM, "month", "day_of_month", "turn", "one_arm",
    "other_arm", "known_id", "start_date", "end_date", "full_months", "left_in", "entry_tenure",
    "exit_tenure", "churned", "excluded", "tenure", "entered", "censored",
}  # fmt: skip


class Experiments(Engine):
    """Assignments to be contacted, counted by arm."""

    def experiment_table(self, group_by: Sequence[str] = (), *, rule: str = "") -> LifeTable:
        """Return how long customers stayed after they were assigned to an arm.

        Everybody counts in the arm of their first assignment, whether or not they were contacted
        and whatever they were assigned to later (intention to treat). A comparison of the arms is
        one of like with like only where the rule assigned them at random.

        Parameters
        ----------
        group_by
            Attributes of the customers.
        rule
            The `assignment_rule` to take; must be named where there are several, since each may
            choose others, and others in each arm.

        Returns
        -------
        LifeTable
            By `arm` (holdout, treat), then the others; tenure is months since the assignment.

        Raises
        ------
        NotEnoughError
            When there are no assignments, sign-up days, or nobody to follow.
        DataError
            When arms have other names, several rules are mixed, or a column is not there.
        """
        columns = unique(group_by)
        self._check_experiment(columns, rule)
        rows = numbered(self.query(experiment_query(self.pipeline, columns, rule)))
        if rows.empty:
            why = reasons_words(self.assignment_counts(rule).items())
            raise NotEnoughError(
                tr(
                    "interventions: there are 0 assignments to follow ({why}), must be at least 1: "
                    "check the dates and the customers' ids.",
                    why=why,
                )
            )
        return LifeTable.from_counts(
            rows, [ARM, *columns], as_of=self.as_of, population="customers assigned"
        )

    def assignment_rules(self) -> pd.DataFrame:
        """Return assignments and customers by rule and arm: assignment_rule, arm, both counts."""
        self._check_assignments()
        return self.query(sql.load("assigned_counts")).sort_values(
            ["assignment_rule", ARM], ignore_index=True
        )

    def assignment_counts(self, rule: str = "") -> pd.Series[int]:
        """Return how many assignments are followed ("counted"), and why the others are not."""
        self._check_experiment([], rule)
        outcome = exp.func("COALESCE", exp.column("excluded"), exp.Literal.string("counted"))
        tree = exp.select(exp.alias_(outcome, "outcome"), "COUNT(*) AS n").from_("assigned")
        whole = sql.assemble(tree.group_by(outcome.copy()), assigned_relations(self.pipeline, rule))
        return self.query(whole).set_index("outcome")["n"].sort_index()

    def _check_experiment(self, columns: Sequence[str], rule: str) -> None:
        self._check_assignments()
        problems = [*experiment_problems(columns), *self._rule_problems(rule)]
        if problems:
            raise DataError(problems)
        self._check_groups(columns)
        self._check_combinations(columns, self.pipeline.people, MAX_GROUPS)

    def _check_assignments(self) -> None:
        lacking = lacking_assignments(self.pipeline)
        if lacking:
            raise NotEnoughError(lacking)

    def _rule_problems(self, rule: str) -> list[str]:
        found = self.query(sql.load("assigned_counts"))
        found["assignment_rule"] = label_text(found["assignment_rule"])
        rules = dict(found.groupby("assignment_rule")["customers"].sum())
        if rule and rule not in rules:
            return [unknown("rule", rule, nameable(rules))]
        if not rule and len(rules) > 1:
            return [
                f"interventions: assignment_rule has {len(rules)} different values, one must be "
                f"named, since each may choose others: {named_labels(rules)}; assignment_rules() "
                "lists them."
            ]
        used = found[found["assignment_rule"] == rule] if rule else found
        odd = dict(used[~used[ARM].isin(ARMS)].groupby(ARM)["customers"].sum())
        if not odd:
            return []
        return [
            f"interventions: arm has {named_labels(odd)}, must be one of "
            f"{' and '.join(ARMS)}: name values for it in the recipe, e.g. "
            '[interventions.columns] arm = { column = "arm", values = { "call" = "treat" } }.'
        ]


def experiment_problems(group_by: Sequence[str]) -> list[str]:
    """Return what to say of columns that the table of an experiment calls something of its own."""
    return taken_problems(group_by, _TAKEN)


def lacking_assignments(blocks: Blocks) -> list[str]:
    """Return what the tables lack for an experiment."""
    lacking = []
    if "interventions" not in blocks.recipe.tables:
        lacking.append(
            "interventions: there is no such table, which says who was assigned to what. "
            "Bring one row per customer and assignment."
        )
    if blocks.lifetimes not in {"spells", "dates"}:
        lacking.append(
            "customers: how long they stayed after an assignment needs start_date and "
            "end_date, or a table of subscriptions. Bring them."
        )
    return lacking


def assigned_relations(
    blocks: Blocks, rule: str = "", group_by: Sequence[str] = ()
) -> dict[str, sql.Expression]:
    """Return the relation `assigned`, the risk set of the first assignment of each customer."""
    columns: dict[str, list[sql.Expression]] = {
        "attributes": [sql.least(name, "measured") for name in group_by],
        "known": [sql.column(name, "known") for name in group_by],
        "groups": [sql.column(name, "observed") for name in group_by],
    }
    tree = sql.fill(sql.load("assigned"), columns=columns, values={**blocks.values, "rule": rule})
    return {"assigned": tree}


def experiment_query(
    blocks: Blocks, group_by: Sequence[str] = (), rule: str = ""
) -> sql.Expression:
    """Return the reduction to months since the assignment, by arm."""
    table = sql.fill(
        sql.load("life_table"),
        columns={
            "groups": [sql.column(name) for name in (ARM, *group_by)],
            "cause": [],
            "no_cause": [],
        },
        tables={"spells": "assigned"},
    )
    return sql.assemble(table, assigned_relations(blocks, rule, group_by))
