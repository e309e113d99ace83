"""From what is entered, and what the data hold, to a programme and what is known of its inputs.

0 for customers, base retention or margin takes them from the data: what is counted there has its
interval, and goes on into the simulation. Everything else is entered, and said to be.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import mark, speaking, term, tr
from cxresearch.roi._data_inputs import FROM_DATA, from_data
from cxresearch.roi._effect import Effect
from cxresearch.roi._risk import ProgrammeRisk
from cxresearch.roi._tornado import value_words
from cxresearch.roi.entered import LIFT, pairs, spreads
from cxresearch.roi.programme import INPUTS, MEANINGS, Programme
from cxresearch.roi.risk import DRAWS, programme_risk
from cxresearch.roi.uncertain import SAID as SPREADS
from cxresearch.roi.uncertain import Kind, Uncertain
from cxresearch.source import Data

ENTERED: Final = mark("entered: an assumption")


@dataclass(frozen=True, eq=False)
class Plan(Table):
    """A programme, what is known of its inputs, and where each comes from.

    Parameters
    ----------
    programme
        Its values.
    effect
        The lift.
    inputs
        Distributions by name, the lift's apart.
    sources
        Where each input comes from, in words.
    correlation
        Rank correlation by pair of inputs.
    """

    programme: Programme
    effect: Effect
    inputs: Mapping[str, Uncertain]
    sources: Mapping[str, str]
    correlation: Mapping[tuple[str, str], float]

    def risk(
        self, *, draws: int = DRAWS, seed: int = 1, confidence_level: float = 0.95
    ) -> ProgrammeRisk:
        """Return value, chance of loss and break-even; see `programme_risk`."""
        return programme_risk(
            self.programme,
            self.inputs,
            effect=self.effect,
            correlation=self.correlation,
            draws=draws,
            seed=seed,
            confidence_level=confidence_level,
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per input: value, ends, distribution, where_from."""
        known = {**self.inputs, LIFT: self.effect.distribution}
        rows = []
        for name, value in self.programme.values.items():
            spread = known.get(name, Uncertain.fixed(value))
            row = {"input": name, "value": value, "low": spread.low, "high": spread.high}
            rows.append(row | {"distribution": spread.kind, "where_from": self.sources[name]})
        return pd.DataFrame(rows)

    def sentence(self, lang: str | None = None) -> str:
        """Return what was entered and what was measured, in words."""
        with speaking(lang):
            counted = [
                term(INPUTS[name]) for name, source in self.sources.items() if source != ENTERED
            ]
            if not counted:
                return tr("Everything was entered, so that every figure is an assumption.")
            return tr(
                "Not entered, but from data: {inputs}. All the rest was entered and is an "
                "assumption.",
                inputs=words.and_list(counted),
            )

    def _repr_html_(self) -> str:
        shares = (f"{100 * share:.4g}" for share in self.programme.ramp)
        rest = {
            tr("share of the lift in each year"): tr(", ").join(
                tr("{number} %", number=share) for share in shares
            ),
            tr("years that count"): str(self.programme.horizon),
        }
        rows = [self._row(row) for row in self.to_frame().to_dict("records")]
        rows += [
            {"input": name, "value": said, "where from": term(ENTERED)}
            for name, said in rest.items()
        ]
        numbers = ("value", "from and to")
        return html_table(pd.DataFrame(rows).fillna(""), caption=self.sentence(), numbers=numbers)

    def _row(self, row: Mapping[Hashable, Any]) -> dict[str, str]:
        """Return one input in words."""
        name, currency = str(row["input"]), self.programme.currency
        value, low, high = (
            value_words(name, float(row[key]), currency) for key in ("value", "low", "high")
        )
        certain = low == high
        return {
            "input": term(MEANINGS[name]),
            "value": value,
            "from and to": "" if certain else tr("{low} to {high}", low=low, high=high),
            "spread": "" if certain else term(SPREADS[row["distribution"]]),
            "where from": term(str(row["where_from"])),
        }


def programme_plan(
    effect: Effect,
    data: Data | None = None,
    *,
    ranges: Mapping[str, Sequence[float]],
    spread: Kind = "pert",
    correlations: Sequence[str] = (),
    confidence_level: float = 0.95,
    **entered: Any,  # noqa: ANN401 - the fields of Programme
) -> Plan:
    """Return a programme of what is entered and, where that is 0, of what the data hold.

    Parameters
    ----------
    effect
        The lift.
    data
        Where `customers`, `base_retention` or `annual_margin` are 0; base retention is then that
        of the customers held out, if the lift is of an experiment.
    ranges
        Least and most of entered inputs, by name; none for what is certain. What is taken from
        data has the interval of the data instead.
    spread
        How entered inputs are spread in between: "pert", "triangular" or "uniform".
    correlations
        Rank correlations, such as "lift:annual_margin:0.3".
    entered
        The fields of `Programme` but the lift.

    Raises
    ------
    DataError
        Naming every value that breaks its rule.
    """
    wanted = [name for name in FROM_DATA if not entered[name]]
    taken = from_data(data, effect, wanted, confidence_level)
    values = {**entered, **{name: found.value for name, found in taken.items()}, LIFT: effect.value}
    if not values.get("currency"):
        values["currency"] = data.currency if data is not None else None
    programme = Programme(**values)
    given = {name: ends for name, ends in ranges.items() if name not in taken}
    inputs = spreads(programme.values, given, spread)
    inputs |= {name: found.spread for name, found in taken.items()}
    sources = dict.fromkeys(INPUTS, ENTERED) | {name: x.source for name, x in taken.items()}
    if not effect.entered:
        source = term(effect.source)
        sources[LIFT] = tr("{source} (grade {grade})", source=source, grade=effect.grade)
    together = pairs(correlations)
    if effect.base and not entered["base_retention"]:
        named = {frozenset(pair) for pair in together}
        pair = (LIFT, "base_retention")
        if frozenset(pair) not in named:
            together = {pair: effect.base.rank_correlation} | together
    return Plan(programme, effect, inputs, sources, together)
