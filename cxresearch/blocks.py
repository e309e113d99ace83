"""The building blocks between a company's tables and the risk sets, each one SQL file."""

from __future__ import annotations

import calendar
import datetime as dt
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Final, Literal

from cxresearch import mapping, sql
from cxresearch.contract import TABLES
from cxresearch.designs import Design
from cxresearch.recipe import Recipe

SCORE_GROUP: Final = "score_group"
TENURE_BAND: Final = "tenure_band"
TICKETS_BEFORE: Final = "tickets_before"

Lifetimes = Literal["spells", "dates", "tenure", "retention"]
_BEGINNING: Final = dt.date(1, 1, 1)
_KNOWN: Final = "known_answers"
# Where each building block finds the customers' attributes.
_ATTRIBUTES_OF: Final[Mapping[str, str]] = {
    "lifetimes": "customers",
    "measured": "lifetimes",
    "spells": "measured",
}
# Where each design finds the answer that it goes by.
_ANSWER_OF: Final[Mapping[str, str]] = {
    "first_from_signup": "first_answer",
    "first_from_answer": "first_answer",
    "landmark": "latest",
    "current": "spans",
    "followup": "counted",
}


class Blocks:
    """The relations from a company's tables to the risk sets, in order of dependence."""

    def __init__(
        self,
        recipe: Recipe,
        fields: Mapping[str, Sequence[mapping.Field]],
        native: Mapping[str, Mapping[str, str]],
    ) -> None:
        self.recipe = recipe
        self._fields = fields
        self._native = native

    @cached_property
    def lifetimes(self) -> Lifetimes | None:
        """What tells how long customers stayed; None when nothing does."""
        present = {f.name for f in self._fields.get("customers", ()) if f.present}
        if "subscriptions" in self._fields and "customers" in self._fields:
            return "spells"
        if "start_date" in present:
            return "dates"
        if {"tenure", "churned"} <= present:
            return "tenure"
        return "retention" if "retention" in self._fields and not present else None

    @property
    def people(self) -> str:
        """The table whose further columns are what one can group by."""
        return "retention" if self.lifetimes == "retention" else "customers"

    @cached_property
    def attributes(self) -> list[str]:
        """The columns of customers, or of a retention table, that are not the contract's own."""
        own = {column.name for column in TABLES[self.people]}
        return [f.name for f in self._fields.get(self.people, ()) if f.name not in own]

    @cached_property
    def relations(self) -> dict[str, sql.Expression]:
        """The building blocks for every attribute."""
        return self._relations(self.attributes)

    @property
    def has_scores(self) -> bool:
        """Whether customers can be grouped by an NPS answer with a date."""
        return self.lifetimes in {"spells", "dates"} and "survey_responses" in self._fields

    def has(self, table: str, column: str) -> bool:
        """Whether a table is there and has the column."""
        return any(f.name == column and f.present for f in self._fields.get(table, ()))

    @property
    def has_causes(self) -> bool:
        """Whether the table that tells who left also tells why."""
        table = "subscriptions" if self.lifetimes == "spells" else "customers"
        return self.has(table, "cancel_type")

    @property
    def has_nps_scale(self) -> bool:
        """Whether the recipe states a scale on which there are promoters and detractors."""
        scale = self.recipe.scales.get("nps")
        return scale is not None and (scale.minimum, scale.maximum) in {(0, 10), (1, 10)}

    @cached_property
    def known(self) -> list[str]:
        """What is known at an answer: the group it puts the customer in, and what came before."""
        tickets = [TICKETS_BEFORE] if "touchpoints" in self._fields else []
        return [SCORE_GROUP, TENURE_BAND, *tickets]

    def design(
        self, design: Design, attributes: Sequence[str], answers: str = _KNOWN
    ) -> dict[str, sql.Expression]:
        """Return the answers that count and the risk set of a design, by relation."""
        counted = sql.fill(
            sql.load("counted_answers"),
            columns={"known": [sql.column(name) for name in self.known]},
            tables={"answers": answers},
            values={"blackout_days": design.blackout_days},
        )
        known = [sql.column(name, _ANSWER_OF.get(design.kind)) for name in self.known]
        prefix = "placed" if design.kind == "ever_from_answer" else "spells"
        limits = ("lag_months", "max_age_months", "landmark_month")
        risk_set = sql.fill(
            sql.load(design.kind),
            columns={
                "known": known,
                "attributes": [sql.column(name, prefix) for name in attributes],
            },
            tables={"answers": design.counted},
            values={name: getattr(design, name) for name in limits},
        )
        return {design.counted: counted, design.table: risk_set}

    @property
    def periods_per_year(self) -> int:
        """Periods of tenure in a year: months, but for a retention table that says otherwise."""
        if self.lifetimes != "retention":
            return 12
        return {"month": 12, "quarter": 4, "year": 1}[self.recipe.period]

    @property
    def first_month(self) -> int:
        """The first month (12 * year + month - 1) that is observed whole."""
        day = self.recipe.observed_from or _BEGINNING
        return 12 * day.year + day.month - 1 + (day.day > 1)

    @property
    def end_month(self) -> int:
        """The first month after the last one that is observed whole."""
        end = self._observation_end
        return 12 * end.year + end.month - 1

    @property
    def _observation_end(self) -> dt.date:
        """The first day that is no longer observed."""
        return (self.recipe.as_of or _BEGINNING) + dt.timedelta(days=1)

    def _relations(self, attributes: Sequence[str]) -> dict[str, sql.Expression]:
        if self.lifetimes in {None, "retention"}:
            return {}
        blocks = {"measured": "measured_from_tenure", "spells": "spells"}
        if self.lifetimes != "tenure":
            blocks = {"lifetimes": f"lifetimes_from_{self.lifetimes}", **blocks}
            blocks["measured"] = "measured_from_dates"
        if self.has_scores:
            tickets = {"dated_answers": "known_answers", "known_answers": f"{_KNOWN}_with_tickets"}
            has_tickets = TICKETS_BEFORE in self.known
            blocks |= {"answers": "answers", **(tickets if has_tickets else {_KNOWN: _KNOWN})}
        return {name: self._block(name, file, attributes) for name, file in blocks.items()}

    def _block(self, name: str, file: str, attributes: Sequence[str]) -> sql.Expression:
        prefix = "customers" if file == "measured_from_tenure" else _ATTRIBUTES_OF.get(name)
        columns = [sql.column(attribute, prefix) for attribute in attributes]
        return sql.fill(sql.load(file), columns={"attributes": columns}, values=self.values)

    @cached_property
    def values(self) -> dict[str, sql.Value]:
        """What stands in the place of each `$name` of the files."""
        end, start = self._observation_end, self.recipe.observed_from or _BEGINNING
        last = calendar.monthrange(end.year, end.month)[1]
        return {
            "observation_end": end.isoformat(),
            "last_month": 12 * end.year + end.month - 1,
            # A month that began on the 31st is complete on the last day of a shorter month.
            "last_day": 31 if end.day == last else end.day,
            "observed_from": start.isoformat(),
            "from_month": 12 * start.year + start.month - 1,
            "from_day": start.day,
            "reactivation_days": self.recipe.reactivation_days,
            "churn_offset": int(self.recipe.tenure_counts == "completed"),
            "metric": "nps",
            "detractor_max": 6,
            "passive_max": 8,
        }
