"""Inputs of a programme that a company's data hold: customers, retention and margin of a year."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from sqlglot import exp

from cxresearch import _format as words
from cxresearch import sql
from cxresearch._cells import N_REPLICATES
from cxresearch._language import tr
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.money import currency_problems, month_label
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
    problems: list[str] = []
    for name in names:
        if name == "base_retention" and effect.base is not None:
            found[name] = _held_out(effect)
            continue
        if data is None:
            problems.append(
                f"{name} is 0 and no data are opened, must be one or the other: enter {name}, or "
                "open the data that hold it."
            )
            continue
        try:
            found[name] = READ[name](data, level)
        except DataError as error:
            problems.append(
                f"{name} is 0, which takes it from the data, and they do not hold it: enter {name} "
                f"({' '.join(error.problems).rstrip('.')})."
            )
    if problems:
        raise DataError(problems)
    return found


def _customers(data: Data, _: float) -> Found:
    table = data.period_table("month")
    if not table.periods:
        raise NotEnoughError(
            "The data hold no whole month, must hold one to say who is there: enter customers."
        )
    moves = table.at_start - table.lost + table.joined
    there = float(moves[..., -1].sum())
    source = tr("data: there at the end of {period}", period=words.period_label(table.periods[-1]))
    return Found(there, Uncertain.fixed(there), source)


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
    period = words.period_label(rates.periods[i])
    source = tr("data: of those there when {period} began, who stayed it out", period=period)
    return Found(ends[0], Uncertain.measured(*ends, level), source)


def _held_out(effect: Effect) -> Found:
    assert effect.base is not None
    value, lower, upper, _ = effect.base
    spread = Uncertain.measured(value, lower, upper, effect.confidence_level)
    source = tr("experiment: those held out, a year after; not all customers")
    return Found(value, spread, source)


def _margin(data: Data, level: float) -> Found:
    """Return what all customers brought in the last year, per customer there, not who answered."""
    if "revenue" not in data.fields:
        return _monthly(data, level)
    table = data.period_table("month")
    until = data.pipeline.end_month  # the table ends with the month before
    months = _billed(data, until - len(table.periods), until)
    there = (table.at_start + (table.joined - table.lost) / 2)[
        ..., len(table.periods) - until + months[0] :
    ][..., : len(months)]
    month = "12 * EXTRACT(YEAR FROM month) + EXTRACT(MONTH FROM month) - 1"
    within = f"{month} BETWEEN {months[0]} AND {months[-1]}"
    brought = _sums(data, "revenue", "contribution_margin", within, table.n_replicates)[0]
    source = tr(
        "data: margin of {first} to {last}, per customer there and year",
        first=words.period_label(month_label(months[0])),
        last=words.period_label(month_label(months[-1])),
    )
    return _a_year(brought, there, source, level)


def _monthly(data: Data, level: float) -> Found:
    """Return the mean of what is noted as monthly margin with the customers."""
    if not data.pipeline.has("customers", "monthly_margin"):
        raise NotEnoughError(
            "It takes contribution_margin in revenue, or monthly_margin in customers."
        )
    there = "monthly_margin IS NOT NULL"
    sums, counts = _sums(data, "customers", "monthly_margin", there, N_REPLICATES)
    source = tr("data: monthly margin times {n}, of all customers that have one", n=MONTHS)
    return _a_year(sums, counts, source, level)


def _a_year(margin: Floats, there: Floats, source: str, level: float) -> Found:
    """Return the margin of a year per customer from margins and customer-months."""
    found = jackknife(_per_year, margin, there)
    value, error = float(found.estimate[0]), float(found.standard_error[0])
    if not value > 0:
        raise NotEnoughError(f"The margin of a customer is {value:.10g} there, must be above 0.")
    lower, upper = (float(end) for end in normal_interval(value, error, level))
    return Found(value, Uncertain.measured(value, lower, upper, level), source)


def _billed(data: Data, since: int, until: int) -> range:
    """Return the last months, a year at most, of which all customers and margins are known."""
    held = data.query_once(sql.load("revenue_months"))
    problems = currency_problems("revenue", held, data.recipe.currency)
    whole = held[(held["month"] >= since) & (held["month"] < until)]
    if whole.empty or not whole["margins"].any():
        problems.append("revenue: no whole month has a contribution_margin.")
    elif (whole["margins"] < whole["rows"]).any():
        problems.append("revenue: contribution_margin is empty in some rows, fill it in all.")
    if problems:
        raise NotEnoughError(problems)
    last = int(whole["month"].max())
    months = range(max(last - MONTHS + 1, int(whole["month"].min())), last + 1)
    lacking = sorted(set(months) - set(whole["month"].astype(int)))
    if lacking:
        raise NotEnoughError(f"revenue: there are no amounts in {month_label(lacking[0])}.")
    return months


def _sums(data: Data, table: str, column: str, where: str, n_replicates: int) -> Floats:
    """Return sum and count of a column by replicate, shape (2, 1, R, 1)."""
    replicate = "SUBSTRING(MD5(customer_id), 1, 2)"
    columns = (f"{replicate} AS replicate", f"SUM({column}) AS s", f"COUNT({column}) AS n")
    tree = exp.select(*columns).from_(table).where(where).where("customer_id IS NOT NULL")
    rows = data.query(tree.group_by(replicate))
    sums = np.zeros((2, 1, n_replicates, 1))
    places = [int(text, 16) % n_replicates for text in rows["replicate"]]
    for i, name in enumerate(("s", "n")):
        np.add.at(sums, (i, 0, places, 0), rows[name].to_numpy(dtype=np.float64))
    return sums


def _per_year(margin: Floats, there: Floats) -> Floats:
    return np.asarray(MONTHS * margin.sum(axis=-1) / there.sum(axis=-1))


READ: Final = {"customers": _customers, "base_retention": _retention, "annual_margin": _margin}
