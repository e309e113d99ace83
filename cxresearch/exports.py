"""Reductions as one query each, to run in a warehouse and hand over only the counts."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cxresearch import sql
from cxresearch.bad_experiences import Experience, Kind
from cxresearch.contacts import channel_problems, contacts_query, losses_query
from cxresearch.contributions import (
    FOLLOWUP,
    VALUE_PARTS,
    check_followup,
    value_problems,
    value_queries,
    value_windows,
)
from cxresearch.designs import Design
from cxresearch.errors import DataError
from cxresearch.experiences import (
    as_experience,
    experience_problems,
    experience_relations,
    followup_query,
    spans_query,
)
from cxresearch.experiments import experiment_problems, experiment_query, lacking_assignments
from cxresearch.invitations import Asked, invitation_query, invited_relations, responder_query
from cxresearch.money import bridge_query
from cxresearch.pipeline import REDUCTIONS, Pipeline, Request, paid
from cxresearch.purchasing import (
    PURCHASE_PARTS,
    part_query,
    purchase_groups,
    purchase_problems,
    purchase_relations,
)
from cxresearch.repurchases import repurchase_problems, repurchase_query
from cxresearch.shares import (
    existing_query,
    lacking_payments,
    line_relations,
    paid_table,
    payment_relations,
)
from cxresearch.surveys import WAVES, ScoreRequest, score_query

Relations = dict[str, sql.Expression]


@dataclass(frozen=True)
class Export:
    """A reduction by name, and what it depends on.

    Attributes
    ----------
    months
        Of a calendar period or a window, between the two ends of a revenue bridge, or after an
        answer.
    metric, wave
        Of answers and invitations.
    bad
        What counts as a bad experience.
    rule
        The `assignment_rule` of an experiment; to be named where there are several.
    """

    name: str
    group_by: Sequence[str] = ()
    months: int = 1
    design: Design | None = None
    causes: bool = False
    metric: str = "nps"
    wave: str = "quarter"
    bad: Kind | Experience = "ticket"
    rule: str = ""


def export_text(
    pipeline: Pipeline,
    export: Export,
    dialect: str = "duckdb",
    scans: Mapping[str, sql.Expression] | None = None,
) -> str:
    """Return a reduction as one query that reads the company's own tables.

    Parameters
    ----------
    scans
        What stands in the place of each table where the files themselves are read.

    Raises
    ------
    DataError
        When there is no such reduction, or the tables at hand cannot answer it.
    """
    names = (*REDUCTIONS, *_OTHERS, *VALUE_PARTS, *PURCHASE_PARTS)
    if export.name not in names:
        close = difflib.get_close_matches(export.name, names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise DataError(f"{export.name!r} is no reduction; choose from {', '.join(names)}.{hint}")
    if export.name in REDUCTIONS:
        name, columns, months = export.name, export.group_by, export.months
        request = Request(name, columns, months, export.design, export.causes)
        return pipeline.text(request, dialect, scans)
    _check(pipeline, export)
    other = _purchases if export.name in PURCHASE_PARTS else _value
    tree, relations = _OTHERS.get(export.name, other)(pipeline, export)
    own = [name for name in export.group_by if name in pipeline.attributes]
    return pipeline.query_text(sql.assemble(tree, relations), own, dialect, scans)


def _check(pipeline: Pipeline, export: Export) -> None:
    needed = _NEEDED.get(export.name) or paid_table(pipeline)
    problems = []
    if needed not in pipeline.recipe.tables:
        problems.append(f"{needed}: there is no such table, which {export.name} takes. Bring one.")
    if export.wave not in WAVES:
        problems.append(f"wave == {export.wave!r}, must be one of: {', '.join(WAVES)}.")
    problems += _group_problems(pipeline, export)
    if problems:
        raise DataError(problems)


def _group_problems(pipeline: Pipeline, export: Export) -> Iterator[str]:
    if export.name in _UNGROUPED and export.group_by:
        yield f"{export.name} has no groups: ask for it without group_by."
    known, value = _groups(pipeline, export.name), export.name in VALUE_PARTS
    design = FOLLOWUP if value else None
    yield from (pipeline.unknown_group(c, design) for c in export.group_by if c not in known)
    if value:
        yield from value_problems(export.group_by)
    if export.name in PURCHASE_PARTS:
        yield from purchase_problems(export.group_by)


def _groups(pipeline: Pipeline, name: str) -> list[str]:
    """Return what a reduction can be grouped by."""
    if name in PURCHASE_PARTS:
        return purchase_groups(pipeline)
    if name in VALUE_PARTS:
        return [*pipeline.attributes, *pipeline.known]
    invited = _NEEDED.get(name) == "survey_invitations"
    return [*pipeline.attributes, *(pipeline.known[1:] if invited else ())]


def _scores(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    request = ScoreRequest(export.metric.lower(), export.wave, export.group_by)
    with_customers = "customers" in pipeline.recipe.tables
    return score_query(request, pipeline.recipe, with_customers=with_customers), {}


def _invitations(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    asked = Asked(export.metric.lower())
    own = [name for name in export.group_by if name in pipeline.attributes]
    tree = invitation_query(asked, export.wave, export.group_by)
    return tree, invited_relations(pipeline, asked, own)


def _responders(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    own = [name for name in export.group_by if name in pipeline.attributes]
    relations = invited_relations(pipeline, Asked(export.metric.lower()), own)
    return responder_query(pipeline, export.group_by), relations


def _revenue(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    closing = pipeline.end_month - 1
    months = export.months if export.months > 1 else 12
    return bridge_query(export.group_by, closing - months, closing), {}


def _value(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    pipeline.require_lifetimes()
    pipeline.require_scores()
    design = export.design or FOLLOWUP
    check_followup(design)
    own = [name for name in export.group_by if name in pipeline.attributes]
    relations = pipeline.design(design, own)
    relations["paid"] = paid(design.table)
    queries = value_queries(pipeline, export.group_by, "paid", value_windows(pipeline))
    if export.name not in queries:
        lacking = _LACKING.get(export.name, "a column")
        raise DataError(f"{export.name}: there is no {lacking}, which it counts. Bring it.")
    return queries[export.name], relations


def _purchases(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    last = _last_day(pipeline)
    own = [name for name in export.group_by if name in pipeline.attributes]
    relations = purchase_relations(pipeline, last, own)
    return part_query(export.name, export.group_by, list(relations)[-1]), relations


def _existing(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    source, closing = paid_table(pipeline), pipeline.end_month - 1
    problems = lacking_payments(pipeline, source)
    if problems:
        raise DataError(problems)
    tree = existing_query(closing - export.months + 1, closing)
    return tree, payment_relations(pipeline, source)


def _returns(pipeline: Pipeline, _: Export) -> tuple[sql.Expression, Relations]:
    _last_day(pipeline)
    return sql.load("returns"), line_relations(pipeline)


def _repurchase(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    _last_day(pipeline)
    metric, months = export.metric.lower(), export.months if export.months > 1 else 12
    problems = repurchase_problems(pipeline, metric, months)
    if "survey_responses" not in pipeline.recipe.tables:
        problems.append("survey_responses: there is no table of answers. Bring one.")
    if problems:
        raise DataError(problems)
    return repurchase_query(pipeline, metric, months), {}


def _experiment(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    _refuse([*lacking_assignments(pipeline), *experiment_problems(export.group_by)])
    return experiment_query(pipeline, export.group_by, export.rule), {}


def _experiences(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    experience = as_experience(export.bad)
    _refuse(experience_problems(pipeline, experience, export.group_by))
    query = spans_query if export.name == "experience_table" else followup_query
    relations = experience_relations(pipeline, experience, export.group_by)
    return query(pipeline, experience, export.group_by), relations


def _losses(pipeline: Pipeline, export: Export) -> tuple[sql.Expression, Relations]:
    unresolved = Experience("unresolved")
    _refuse(experience_problems(pipeline, unresolved, export.group_by))
    return losses_query(pipeline, unresolved, export.group_by), {}


def _channels(pipeline: Pipeline, _: Export) -> tuple[sql.Expression, Relations]:
    _refuse(channel_problems(pipeline))
    return contacts_query(pipeline), {}


def _refuse(problems: Iterable[str]) -> None:
    found = list(problems)
    if found:
        raise DataError(found)


def _last_day(pipeline: Pipeline) -> str:
    if pipeline.recipe.as_of is None:
        raise DataError("recipe: as_of is missing. State the last day, e.g. as_of = 2025-12-31.")
    return pipeline.recipe.as_of.isoformat()


_UNGROUPED: Final = ("existing_revenue", "returns", "repurchase_table", "contact_channels")
_LACKING: Final[Mapping[str, str]] = {
    "value_direct_costs": "customer_id in costs",
    "value_referrals": "referred_by in customers",
}
_NEEDED: Final[Mapping[str, str]] = {
    "revenue_bridge": "revenue",
    "score_table": "survey_responses",
    "invitation_table": "survey_invitations",
    "responder_table": "survey_invitations",
    "value_life": "survey_responses",
    "value_bills": "revenue",
    "value_tickets": "touchpoints",
    "value_direct_costs": "costs",
    "value_referrals": "customers",
    "purchase_cells": "transactions",
    "purchase_spend": "transactions",
    "returns": "transactions",
    "repurchase_table": "transactions",
    "experiment_table": "interventions",
    "experience_table": "customers",
    "experience_followup": "customers",
    "unresolved_before_loss": "touchpoints",
    "contact_channels": "touchpoints",
}
_OTHERS: Final[Mapping[str, Callable[[Pipeline, Export], tuple[sql.Expression, Relations]]]] = {
    "score_table": _scores,
    "invitation_table": _invitations,
    "responder_table": _responders,
    "revenue_bridge": _revenue,
    "existing_revenue": _existing,
    "returns": _returns,
    "repurchase_table": _repurchase,
    "experiment_table": _experiment,
    "experience_table": _experiences,
    "experience_followup": _experiences,
    "unresolved_before_loss": _losses,
    "contact_channels": _channels,
}
