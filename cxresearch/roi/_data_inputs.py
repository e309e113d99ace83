"""Inputs of a programme that a company's data hold: customers, retention and margin of a year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np

from cxresearch.errors import DataError, NotEnoughError
from cxresearch.rates import Rates, period_rates
from cxresearch.roi._effect import Effect
from cxresearch.roi.uncertain import Uncertain
from cxresearch.source import Data
from cxresearch.uncertainty import Floats, jackknife, normal_interval

FROM_DATA: Final = ("customers", "base_retention", "annual_margin")
MONTHS: Final = 12


class Found(NamedTuple):
    """What the data say of one input."""

    value: float
    spread: Uncertain
    source: str


def from_data(
    data: Data | None, effect: Effect, names: Sequence[str], level: float
) -> dict[str, Found]:
    """Return what the data say of these inputs, with its interval.

    Raises
    ------
    DataError
        When no data are opened, or they do not hold it.
    """
    found: dict[str, Found] = {}
    for name in names:
        if name == "base_retention" and effect.base is not None:
            found[name] = _held_out(effect, level)
        elif data is None:
            raise DataError(
                f"{name} is 0 and no data are opened, must be one or the other: enter {name}, or "
                "open the data that hold it."
            )
        else:
            found[name] = READ[name](data, level)
    return found


def _customers(data: Data, _: float) -> Found:
    table = data.period_table("month")
    if not table.periods:
        raise NotEnoughError(
            "The data hold no whole month, must hold one to say who is there: enter customers."
        )
    moves = table.at_start - table.lost + table.joined
    there = float(moves[..., -1].sum())
    return Found(there, Uncertain.fixed(there), f"data: there at the end of {table.periods[-1]}")


def _retention(data: Data, level: float) -> Found:
    found = period_rates(data.period_table("year"), confidence_level=level)
    rates: Rates | None = found[0] if len(found) else None
    shown = np.flatnonzero(~np.isnan(rates.at_start)) if rates else np.array([], dtype=int)
    if rates is None or not shown.size:
        raise NotEnoughError(
            "The data hold no whole year with enough customers at its start, must hold one to say "
            "how many stay a year: enter base_retention."
        )
    i = int(shown[-1])
    ends = (
        float(rates.retention_rate[i]),
        float(rates.retention_rate_ci_lower[i]),
        float(rates.retention_rate_ci_upper[i]),
    )
    source = f"data: of those there when {rates.periods[i]} began, who stayed it out"
    return Found(ends[0], Uncertain.measured(*ends, level), source)


def _held_out(effect: Effect, level: float) -> Found:
    assert effect.base is not None
    value, lower, upper, _ = effect.base
    spread = Uncertain.measured(value, lower, upper, effect.confidence_level)
    return Found(value, spread, "experiment: those held out, a year after")


def _margin(data: Data, level: float) -> Found:
    table = data.value_table([])
    if not table.has_margin:
        raise NotEnoughError(
            "The data hold no contribution margin, must hold one to say what a customer brings a "
            "year: enter annual_margin."
        )
    found = jackknife(_per_year, table.margin, table.paying)
    value, error = float(found.estimate[0]), float(found.standard_error[0])
    lower, upper = (float(end) for end in normal_interval(value, error, level))
    source = f"data: mean margin of a month times {MONTHS}, {table.population}"
    return Found(value, Uncertain.measured(value, lower, upper, level), source)


def _per_year(margin: Floats, paying: Floats) -> Floats:
    return np.asarray(MONTHS * margin.sum(axis=-1) / paying.sum(axis=-1))


READ: Final = {"customers": _customers, "base_retention": _retention, "annual_margin": _margin}
