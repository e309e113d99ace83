"""When counts do not support a hazard ratio: the reasons, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import numpy as np

from cxresearch import _format as words
from cxresearch._language import term, tr, trn
from cxresearch.hazards._grouped_hazards import ProportionalFit
from cxresearch.hazards._hazard_model import Model, known_labels
from cxresearch.hazards._hazard_ratios import Wording, column_words, level_words
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
        yield tr("there are no {whom} to compare with", whom=name(reference))
        return
    if not model.levels:
        yield tr("there are only {whom}", whom=name(reference))
        return
    if table.weighted and table.n_replicates < 2:
        yield tr("weighted counts without replicates have no standard error")
    small = [x for x in (reference, *model.levels) if model.n(x) < MIN_GROUP]
    if small:
        yield trn(
            "{n} group by {column} with {few}",
            "{n} groups by {column} with {few}",
            len(small),
            n=len(small),
            column=column_words(exposure),
            few=words.fewer_than(MIN_GROUP, table.population),
        )
        return
    yield from _few_events(model, min_events, name)
    yield from _without_events(model)
    if np.linalg.matrix_rank(_with_baseline(model)) < _with_baseline(model).shape[1]:
        yield tr(
            "{columns} divide the {whom} in the same way and cannot be told apart",
            columns=words.and_list(column_words(c) for c in (exposure, *model.covariates)),
            whom=term(table.population),
        )


def _fit_refusals(fit: ProportionalFit, model: Model) -> Iterator[str]:
    """Return in words why the fit is no estimate; nothing when it is."""
    if fit.separated[0]:
        yield tr(
            "{column} or what it is adjusted for tells without error who left (separation), so "
            "that the ratio has no finite value",
            column=column_words(model.exposure),
        )
    elif not fit.converged[0]:
        unit = term(words.period_word(model.table.periods_per_year))
        yield tr("the groups are never at risk in the same {unit}", unit=unit)
    elif not fit.converged.all():
        yield tr(
            "without one random group of {whom} it cannot be computed, so much rests on so few",
            whom=term(model.table.population),
        )


def _few_events(model: Model, least: int, name: Callable[[str], str]) -> Iterator[str]:
    table = model.table
    for label in (model.references[model.exposure], *model.levels):
        mine = model.has(label)
        left, there = (c[mine].sum(axis=(0, 1))[1:] for c in (table.churned, table.at_risk))
        if left.sum() == 0:
            yield tr("none of the {whom} left", whom=name(label))
        elif (left >= there).all():
            yield tr("all {whom} left at once", whom=name(label))
        elif left.sum() < least:
            yield tr("fewer than {least} {whom} left", least=least, whom=name(label))
    total, wanted = float(table.churned.sum()), least * len(model.effects)
    if 0 < total < wanted:
        yield trn(
            "{left} {whom} left, and {n} parameter ask for at least {wanted}",
            "{left} {whom} left, and {n} parameters ask for at least {wanted}",
            len(model.effects),
            left=words.number(total),
            whom=term(table.population),
            n=len(model.effects),
            wanted=wanted,
        )


def _without_events(model: Model) -> Iterator[str]:
    for column in model.covariates:
        empty = [x for x in known_labels(model.table, column) if not model.events(x, column)]
        named = [f"{x!r}" for x in empty if model.n(x, column) >= MIN_GROUP]
        said, labels = column_words(column), words.and_list(named)
        if empty and len(named) < len(empty):
            yield tr(
                "nobody in a small group by {column} left: put it together with another",
                column=said,
            )
        elif empty:
            yield tr(
                "nobody with {column} {labels} left: put it together with another",
                column=said,
                labels=labels,
            )


def _with_baseline(model: Model) -> Floats:
    strata = np.eye(int(model.strata.max()) + 1)[model.strata]
    return np.concatenate([strata, model.design], axis=1)
