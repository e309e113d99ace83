"""The recipe: how a company's files and column names map to the contract."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

SPACES: Final = "spaces"  # the delimiter of files whose columns stand one or more spaces apart


@dataclass(frozen=True)
class ColumnMap:
    """Where one column of the contract comes from.

    `column` names the file's column, `value` a constant instead; `format` reads dates,
    `true` and `false` read flags, `values` renames codes, `bands` cuts a number into groups.
    `row_number` takes the number of the row where the rows have no id; `product` multiplies two
    columns, such as a quantity and a price.
    """

    column: str | None = None
    value: str | None = None
    format: str | None = None
    true: tuple[str, ...] = ()
    false: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    bands: tuple[float, ...] = ()
    row_number: bool = False
    product: tuple[str, ...] = ()


@dataclass(frozen=True)
class TableSource:
    """Where one table of the contract comes from: files, or a table of a database.

    `header` names the columns of text files whose first line does not.
    """

    name: str
    path: str | None = None
    database: str | None = None
    schema: str | None = None
    table: str | None = None
    delimiter: str | None = None
    encoding: str = "utf-8"
    decimal: str = "."
    timezone: str | None = None
    columns: Mapping[str, ColumnMap] = field(default_factory=dict)
    header: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scale:
    """The lowest and highest possible answer, and for effort questions what a high one means."""

    minimum: float
    maximum: float
    high_is: str | None = None


@dataclass(frozen=True)
class Recipe:
    """Everything that must be known of an extract to read it.

    Attributes
    ----------
    as_of
        The extract is complete up to and including this day.
    observed_from
        From this day on the extract holds everybody who left; earlier leavers are missing, so
        customers who started before it enter the life table late.
    reactivation_days
        A gap between two spells of at most so many days is not a loss.
    tenure_counts
        "billed": a tenure of 1 is a customer who left in, or is known through, the first month;
        "completed": somebody who left in the first month has tenure 0.
    snapshot_months
        Set where the churned flag speaks only of the last so many months (a snapshot, not a
        cohort): reports then say what that does to the curve.
    period, first_periods
        What one period of a retention table is: "month", "quarter" or "year"; and to how many
        of the first periods, for each of these, retention models are fitted as well.
    fit_until
        The day up to which models of purchases are fitted; what came later tries them.
    """

    name: str
    folder: Path
    note: str = ""
    as_of: dt.date | None = None
    observed_from: dt.date | None = None
    currency: str | None = None
    group_by: tuple[str, ...] = ()
    scales: Mapping[str, Scale] = field(default_factory=dict)
    reactivation_days: int = 30
    tenure_counts: str = "billed"
    snapshot_months: int | None = None
    period: str = "month"
    first_periods: tuple[int, ...] = ()
    fit_until: dt.date | None = None
    tables: Mapping[str, TableSource] = field(default_factory=dict)
