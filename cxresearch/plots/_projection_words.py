"""What the figures of projected retention show: in words, and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from cxresearch import _format as words
from cxresearch._language import mark, term, tr
from cxresearch.projection._forecast import COMBINED, curve_name
from cxresearch.projection._projected import Projection

ROWS = 60  # of a table, about
OBSERVED = mark("observed")
ENDS = ("", "_ci_lower", "_ci_upper")


def group_name(group: Projection) -> str:
    """Return what a group is called in a legend; empty for everybody."""
    return words.group_name(group.group)


def _named(group: Projection) -> str:
    return group_name(group) or words.sentence_start(term(group.observed.population))


def _periods(group: Projection, tenure: int) -> str:
    return words.counted(tenure, words.period_word(group.observed.periods_per_year))


def _about(groups: Sequence[Projection]) -> dict[str, str]:
    observed = groups[0].observed
    units = words.plural(words.period_word(observed.periods_per_year), 2)
    return {"level": words.level_words(observed.confidence_level), "units": units}


def say_projections(groups: Sequence[Projection]) -> str:
    """Return what the figure of shares shows, in words."""
    title = tr(
        "Projected retention of each model with {level} intervals, by {units} as a customer.",
        **_about(groups),
    )
    if len(groups) > 1:
        title = tr(
            "Projected retention of all models together with {level} intervals, by {units} as a "
            "customer.",
            **_about(groups),
        )
    return words.sentences([title, *(_say_projection(group) for group in groups)])


def _say_projection(group: Projection) -> str:
    ends = dict.fromkeys((group.longest, group.horizon))
    parts = words.and_list(_say_at(group, min(tenure, group.horizon)) for tenure in ends)
    return tr("{name}: {said}.", name=_named(group), said=parts)


def _say_at(group: Projection, tenure: int) -> str:
    i, curve = tenure - group.start, group[COMBINED]
    ends = (curve.retained, curve.retained_ci_lower, curve.retained_ci_upper)
    whole, stay, spread = words.out_of(*(float(x[i]) for x in ends))
    said = {"stay": stay, "whole": whole, "spread": spread, "tenure": _periods(group, tenure)}
    if tenure > group.longest:
        return tr("{stay} of {whole} ({spread}) after {tenure}, extrapolated", **said)
    return tr("{stay} of {whole} ({spread}) after {tenure}", **said)


def say_rates(groups: Sequence[Projection]) -> str:
    """Return what the figure of rates shows, in words."""
    title = tr(
        "Retention rates observed, and of each model with {level} intervals, by {units} as a "
        "customer.",
        **_about(groups),
    )
    if len(groups) > 1:
        title = tr(
            "Retention rates observed, and of all models together with {level} intervals, by "
            "{units} as a customer.",
            **_about(groups),
        )
    return words.sentences([title, *(_say_rate(group) for group in groups)])


def _say_rate(group: Projection) -> str:
    seen, curve = group.observed_rates(), group[COMBINED]
    first, last = (
        words.percent(float(row["retention_rate"]), 0.001) for row in (seen.iloc[0], seen.iloc[-1])
    )
    return tr(
        "{name}: {first} observed at first and {last} at last, {model} by the models after "
        "{tenure}.",
        name=_named(group),
        first=first,
        last=last,
        model=words.percent(float(curve.retention_rate[-1]), 0.001),
        tenure=_periods(group, group.horizon),
    )


def projections_frame(groups: Sequence[Projection]) -> pd.DataFrame:
    """Return the plotted shares at whole years: of the models, and as observed."""
    rows = [row for group in groups for row in _model_rows(groups, group, "retained")]
    for group in groups:
        observed = group.observed
        shares = {f"retained{end}": getattr(observed, f"retained{end}") for end in ENDS}
        rows += [
            _of(groups, group, term(OBSERVED), _periods(group, tenure))
            | {name: float(share[tenure - observed.start]) for name, share in shares.items()}
            for tenure in observed.years
            if tenure <= group.horizon
        ]
    return pd.DataFrame(rows)


def rates_frame(groups: Sequence[Projection]) -> pd.DataFrame:
    """Return the plotted rates: of the models at whole years, and as observed."""
    rows = [row for group in groups for row in _model_rows(groups, group, "retention_rate")]
    for group in groups:
        for point in group.observed_rates().to_dict("records"):
            span = _span(group, point["tenure"], (point["periods"] - 1) / 2)
            shares = {f"retention_rate{end}": point[f"retention_rate{end}"] for end in ENDS}
            rows.append(_of(groups, group, term(OBSERVED), span) | shares)
    return pd.DataFrame(rows)


def _span(group: Projection, middle: float, half: float) -> str:
    if not half:
        return _periods(group, round(middle))
    low, high = (words.number(middle + x) for x in (-half, half))
    units = words.plural(words.period_word(group.observed.periods_per_year), 2)
    return tr("{low} to {high} {units}", low=low, high=high, units=units)


def _model_rows(
    groups: Sequence[Projection], group: Projection, what: str
) -> Iterator[dict[str, Any]]:
    curves = [group[COMBINED]] if len(groups) > 1 else group.curves
    year = group.observed.periods_per_year
    every = year * max(1, round(len(groups) * len(curves) * group.horizon / year / ROWS))
    shown = dict.fromkeys((*range(every, group.horizon, every), group.horizon))
    for curve in curves:
        for tenure in shown:
            if tenure > group.start:
                ends = {f"{what}{end}": getattr(curve, f"{what}{end}") for end in ENDS}
                values = {name: float(x[tenure - group.start]) for name, x in ends.items()}
                said = _periods(group, tenure)
                yield _of(groups, group, curve_name(curve.model), said) | values


def _of(groups: Sequence[Projection], group: Projection, model: str, tenure: str) -> dict[str, Any]:
    named = {"group": group_name(group)} if len(groups) > 1 else {}
    return named | {"model": model, "tenure": tenure}
