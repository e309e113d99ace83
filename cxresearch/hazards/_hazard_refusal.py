"""When counts do not support a hazard ratio: the reasons, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from cxresearch import _format as words
from cxresearch.hazards._grouped_hazards import ProportionalFit
from cxresearch.hazards._hazard_model import Model, known_labels
from cxresearch.hazards._hazard_ratios import Wording, level_words
from cxresearch.uncertainty import Floats

MIN_GROUP = 30  # customers; smaller groups are only counted, never named


def fit_or_refuse(
    model: Model, min_events: int, wording: Wording
) -> tuple[list[str], ProportionalFit | None]:
    """Return the reasons against an estimate, and the fit when there are none."""
    table = model.table
    name = partial(level_words, model.exposure, population=table.population, wording=wording)
    reasons = list(_refusals(model, min_events, name))
    if reasons:
        return reasons, None
    fit = model.fit()
    reasons = list(_fit_refusals(fit, model))
    return reasons, None if reasons else fit


def _refusals(model: Model, min_events: int, name: Callable[[str], str]) -> Iterator[str]:
    """Return in words why the counts do not support a hazard ratio; nothing when they do.

    `name` says the customers of one label of the exposure.
    """
    table, exposure = model.table, model.exposure
    reference = model.references[exposure]
    if reference not in known_labels(table, exposure):
        yield f"there are no {name(reference)} to compare with"
        return
    if not model.levels:
        yield f"there are only {name(reference)}"
        return
    if table.weighted and table.n_replicates < 2:
        yield "weighted counts without replicates have no standard error"
    small = [x for x in (reference, *model.levels) if model.n(x) < MIN_GROUP]
    if small:
        few = words.fewer_than(MIN_GROUP, table.population)
        yield f"{len(small)} {words.plural('group', len(small))} by {_said(exposure)} with {few}"
        return
    yield from _few_events(model, min_events, name)
    yield from _without_events(model)
    if np.linalg.matrix_rank(_with_baseline(model)) < _with_baseline(model).shape[1]:
        columns = words.and_list(_said(c) for c in (exposure, *model.covariates))
        yield f"{columns} divide the {table.population} in the same way and cannot be told apart"


def _fit_refusals(fit: ProportionalFit, model: Model) -> Iterator[str]:
    """Return in words why the fit is no estimate; nothing when it is."""
    if fit.separated[0]:
        yield (
            f"{_said(model.exposure)} or what it is adjusted for tells without error who left "
            "(separation), so that the ratio has no finite value"
        )
    elif not fit.converged[0]:
        unit = words.period_word(model.table.periods_per_year)
        yield f"the groups are never at risk in the same {unit}"
    elif not fit.converged.all():
        yield (
            f"without one random group of {model.table.population} it cannot be computed, so much "
            "rests on so few"
        )


def _few_events(model: Model, least: int, name: Callable[[str], str]) -> Iterator[str]:
    table = model.table
    for label in (model.references[model.exposure], *model.levels):
        mine = model.has(label)
        left, there = (c[mine].sum(axis=(0, 1))[1:] for c in (table.churned, table.at_risk))
        if left.sum() == 0:
            yield f"none of the {name(label)} left"
        elif (left >= there).all():
            yield f"all {name(label)} left at once"
        elif left.sum() < least:
            yield f"fewer than {least} {name(label)} left"
    total, wanted = float(table.churned.sum()), least * len(model.effects)
    if 0 < total < wanted:
        yield (
            f"{words.number(total)} {table.population} left, and {len(model.effects)} "
            f"{words.plural('parameter', len(model.effects))} ask for at least {wanted}"
        )


def _without_events(model: Model) -> Iterator[str]:
    for column in model.covariates:
        empty = [x for x in known_labels(model.table, column) if not model.events(x, column)]
        named = [f"{x!r}" for x in empty if model.n(x, column) >= MIN_GROUP]
        which = f"nobody with {_said(column)} {words.and_list(named)} left"
        if len(named) < len(empty):
            which = f"nobody in a small group by {_said(column)} left"
        if empty:
            yield f"{which}: put it together with another"


def _with_baseline(model: Model) -> Floats:
    strata = np.eye(int(model.strata.max()) + 1)[model.strata]
    return np.concatenate([strata, model.design], axis=1)


def _said(column: str) -> str:
    return column.replace("_", " ")
