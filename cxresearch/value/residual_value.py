"""Residual value: what customers bring from their answer on, by how long they had been there.

Those who have stayed for years stay longer still, whatever they answer. So score groups are
compared within a tenure, and over one tenure mix: that of everybody who answered.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._checks import check_level
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch._results import Results, too_small
from cxresearch.adjust._rung import Ends
from cxresearch.adjust.weighting import EXPOSURE, RefusedError, check_replicates, score_labels
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.findings import Finding, without_number
from cxresearch.retention import MIN_GROUP
from cxresearch.uncertainty import Floats, leave_one_out
from cxresearch.value._band import band
from cxresearch.value._comparison import ends_of, value_band
from cxresearch.value._flow import Flow, flow
from cxresearch.value._gathered import TENURE
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms
from cxresearch.value_table import ValueTable

STANDARD: Final = {"adjusted": "tenure"}


@dataclass(frozen=True, eq=False)
class ResidualValue(Table):
    """What the customers of one score and tenure bring from their answer on.

    Parameters
    ----------
    residual_value, residual_value_ci_lower, residual_value_ci_upper
        Discounted contribution of the bills of the horizon, per customer.
    group
        `score_group`, and `tenure` at the answer; or `adjusted`, where it is the mean over the
        tenures of everybody who answered.
    terms, prices
        What it is said in, and what a count is worth.
    n
        Answers it rests on.
    projected
        Whether a bill lies beyond the data, or takes the mean of other months.
    bands
        Tenures that a mean is taken over; empty for one tenure.
    left_out
        Tenures that it leaves out, since not every score is reported there.
    """

    residual_value: float
    residual_value_ci_lower: float
    residual_value_ci_upper: float
    group: Mapping[str, str]
    terms: Terms
    prices: Prices
    n: float
    projected: bool
    population: str
    confidence_level: float
    as_of: str | None
    bands: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def values(self) -> Ends:
        """The value and the ends of its interval."""
        ends = (self.residual_value_ci_lower, self.residual_value_ci_upper)
        return self.residual_value, *ends

    @property
    def tenure(self) -> str:
        """Tenure at the answer, in words."""
        tenure = self.group.get("tenure")
        return words.band_words(tenure) if tenure else tr("all, in one mix")

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        score = words.label_words(EXPOSURE, self.group[EXPOSURE])
        row: dict[str, Any] = {EXPOSURE: score, "tenure": self.tenure}
        for end, value in zip(("", "_ci_lower", "_ci_upper"), self.values, strict=True):
            row[f"residual_value{end}"] = value
        return pd.DataFrame([row | {self.population: round(self.n), "projected": self.projected}])

    def sentence(self, lang: str | None = None) -> str:
        """Return the value in words."""
        with speaking(lang):
            said = {
                "Whom": words.sentence_start(words.plural(self.group[EXPOSURE], 2)),
                "when": self._when(),
                "amount": words.money(*self.values, self.prices.currency),
                "span": self.terms.from_answer,
                "level": words.level_words(self.confidence_level),
            }
            if self.projected:
                return tr(
                    "{Whom}{when} bring {amount} each over {span} ({level} interval, in part "
                    "projected).",
                    **said,
                )
            return tr("{Whom}{when} bring {amount} each over {span} ({level} interval).", **said)

    def findings(self) -> tuple[Finding, ...]:
        """Return `residual_value`."""
        return (
            Finding(
                "residual_value",
                *self.values,
                round(self.n),
                self.prices.currency or words.AMOUNT,
                self.sentence(),
                self.group,
                confidence_level=self.confidence_level,
                grade="D" if self.prices.assumed or self.projected else "C",
                as_of=self.as_of,
            ),
        )

    def _when(self) -> str:
        if not self.bands:
            return tr(" who had been customers for {tenure} months", tenure=self.tenure)
        if not self.left_out:
            return tr(", with the mix of tenure of everybody who answered,")
        return tr(
            ", with the mix of tenure of everybody who answered but after {tenures} months,",
            tenures=words.and_list(map(words.band_words, self.left_out)),
        )


@dataclass(frozen=True, eq=False)
class ResidualValues(Results[ResidualValue]):
    """Residual values by score and tenure, then each score's over one tenure mix.

    Parameters
    ----------
    results, suppressed
        As in `Results`; shorter tenures first.
    standardised
        One result per score, over the tenures in which all of these scores are reported.
    """

    standardised: tuple[ResidualValue, ...] = field(default=(), kw_only=True)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per score and tenure, and one per score."""
        frames = [result.to_frame() for result in (*self.results, *self.standardised)]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def findings(self) -> tuple[Finding, ...]:
        """Return `residual_value` {score_group, tenure}, and {score_group, adjusted}."""
        every = (*self.results, *self.standardised)
        return (*(found for result in every for found in result.findings()), *self.suppressed)

    def sentence(self, lang: str | None = None) -> str:
        """Return the values over one tenure mix, and what is not reported."""
        with speaking(lang):
            said = [result.sentence() for result in self.standardised or self.results]
            return words.sentences([*said, *(finding.sentence for finding in self.suppressed)])


def residual_values(
    table: ValueTable,
    prices: Prices,
    terms: Terms,
    *,
    min_group: int = MIN_GROUP,
    min_at_risk: int = 30,
    confidence_level: float = 0.95,
) -> ResidualValues:
    """Return what customers bring from their answer on, by score and tenure at the answer.

    Parameters
    ----------
    table
        Grouped by `score_group` and `tenure_band`; what else it is grouped by is pooled.
    prices, terms
        What a count is worth (`prices`), and which bills count at which discount.
    min_group
        Answers that a score and tenure needs to be shown.
    min_at_risk, confidence_level
        As in `lifetime_values`.

    Notes
    -----
    Values as in `lifetime_values`. The mean over one tenure mix is direct standardisation,
    Σ q_b V_b with q_b the share of tenure b among all who answered; q is estimated again without
    each replicate.

    Raises
    ------
    DataError
        When the table is not grouped by score and tenure.
    """
    check_level(confidence_level)
    _check(table, terms)
    cells = _in_order(table.pooled(EXPOSURE, TENURE))
    try:
        check_replicates(cells)
    except RefusedError as reason:
        return ResidualValues((), (_refused(str(reason), table.as_of),))
    least = max(min_group, 1)
    large, small = cells.split_small(least)
    flows, reasons = _flows(large, prices, terms, (min_at_risk, confidence_level))
    said = {"terms": terms, "prices": prices, "population": table.population}
    said |= {"confidence_level": confidence_level, "as_of": table.as_of}
    results = tuple(_one(cell, side, said) for cell, side in flows.items())
    suppressed = (*too_small(cells, small, least), *_not_enough(reasons, table.as_of))
    return ResidualValues(results, suppressed, standardised=_standardised(cells, flows, said))


Cell = tuple[str, str]  # score, tenure


def _flows(
    table: ValueTable, prices: Prices, terms: Terms, limits: tuple[int, float]
) -> tuple[dict[Cell, Flow], Counter[str]]:
    """Return the flow of each score and tenure, and why some have none."""
    counts = {name: leave_one_out(table.counts(name)) for name in table.count_fields}
    found: dict[Cell, Flow] = {}
    reasons: Counter[str] = Counter()
    for g, (score, tenure) in enumerate(table.groups):
        try:
            found[score, tenure] = flow(
                {name: x[:, g] for name, x in counts.items()},
                prices,
                terms,
                group={EXPOSURE: score, "tenure": tenure},
                n=float(table.n[g]),
                min_at_risk=limits[0],
                whole=not table.weighted,
                confidence_level=limits[1],
            )
        except NotEnoughError as reason:
            reasons[str(reason)] += 1
    return found, reasons


def _one(cell: Cell, side: Flow, said: Mapping[str, Any]) -> ResidualValue:
    group = {EXPOSURE: cell[0], "tenure": cell[1]}
    values = value_band(side, said["terms"], said["confidence_level"])
    return ResidualValue(*values, group, n=side.n, projected=_beyond(side, said["terms"]), **said)


def _standardised(
    cells: ValueTable, flows: Mapping[Cell, Flow], said: Mapping[str, Any]
) -> tuple[ResidualValue, ...]:
    """Return the mean of each score over the tenures in which all scores are reported."""
    scores = list(dict.fromkeys(score for score, _ in flows))
    bands = [b for b in dict.fromkeys(t for _, t in flows) if all((s, b) in flows for s in scores)]
    if not bands:
        return ()
    mix, every = _mix(cells, bands), dict.fromkeys(tenure for _, tenure in cells.groups)
    said = {**said, "left_out": tuple(band for band in every if band not in bands)}
    return tuple(_mean(s, {b: flows[s, b] for b in bands}, mix, said) for s in scores)


def _mix(cells: ValueTable, bands: Sequence[str]) -> Floats:
    """Return the share of each tenure in all who answered, shape (1 + R, bands)."""
    every = cells.pooled(TENURE)
    index = [every.groups.index((band,)) for band in bands]
    people = leave_one_out(every.entered[index].sum(axis=-1).T[None])[:, 0]
    return np.asarray(people / people.sum(axis=-1, keepdims=True))


def _mean(
    score: str, flows: Mapping[str, Flow], mix: Floats, said: Mapping[str, Any]
) -> ResidualValue:
    """Return Σ q V; beyond the data the same model is taken for every tenure that has it."""
    terms = said["terms"]

    def mean(curve: str) -> Floats:
        each = [f.value(terms, curve if curve in f.credible else "") for f in flows.values()]
        return np.asarray((mix * np.stack(each, axis=-1)).sum(axis=-1))

    curves = dict.fromkeys(curve for f in flows.values() for curve in f.credible)
    values = ends_of(band(mean(""), map(mean, curves), said["confidence_level"]))
    return ResidualValue(
        *values,
        {EXPOSURE: score, **STANDARD},
        n=sum(f.n for f in flows.values()),
        projected=any(_beyond(f, terms) for f in flows.values()),
        bands=tuple(flows),
        **said,
    )


def _beyond(side: Flow, terms: Terms) -> bool:
    return int(terms.months[-1]) > side.data_end or side.borrowed(terms) > 0


def _in_order(cells: ValueTable) -> ValueTable:
    """Sort by score and then by the first number in the tenure: 6 to 11 before 12 to 23."""

    def key(i: int) -> tuple[str, float, str]:
        score, tenure = cells.groups[i]
        number = re.match(r"\d+", tenure)
        return score, float(number[0]) if number else np.inf, tenure

    return cells.take(sorted(range(len(cells.groups)), key=key))


def _check(table: ValueTable, terms: Terms) -> None:
    score_labels(table)
    problems = terms.period_problems(table.periods_per_year)
    if TENURE not in table.group_columns:
        problems.append(
            f"the table is grouped by {words.and_list(table.group_columns)}, must be by {TENURE} "
            f"too: ask for value_table([{EXPOSURE!r}, {TENURE!r}])."
        )
    if problems:
        raise DataError(problems)


def _not_enough(reasons: Mapping[str, int], as_of: str | None) -> tuple[Finding, ...]:
    return tuple(
        without_number(
            tr(
                "Residual values of {groups} are not reported: {why}.",
                groups=words.counted(count, "group"),
                why=reason,
            ),
            as_of=as_of,
        )
        for reason, count in reasons.items()
    )


def _refused(reason: str, as_of: str | None) -> Finding:
    return without_number(tr("Residual values are not reported: {why}.", why=reason), as_of=as_of)
