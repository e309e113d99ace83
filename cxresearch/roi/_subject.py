"""Whose profit it is: a company's own curve, or a retention rate that somebody entered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from cxresearch import _format as words
from cxresearch._checks import check_level
from cxresearch._grouped import unknown
from cxresearch._html import ACRONYMS
from cxresearch._language import tr
from cxresearch._results import key_problems
from cxresearch.errors import DataError
from cxresearch.roi._levels import Renewals
from cxresearch.roi._strand import CONSTANT, PRODUCT_LIMIT, Strand, constant_strand
from cxresearch.roi.constant import retention_problems
from cxresearch.roi.own_curve import OwnCurve
from cxresearch.roi.readings import Lift

# keys of findings
TAKEN = ("reading", "profit_concept", "model", "renewals", "terms", "year")


@dataclass(frozen=True, eq=False)
class Subject:
    """A curve or an entered rate, and the level at which intervals are said.

    Parameters
    ----------
    own
        The company's own curve; None where a rate was entered.
    rate
        The average rate, or the one that was entered.
    strands
        Retention by year by model.
    confidence_level
        Of the intervals.
    """

    own: OwnCurve | None
    rate: float
    strands: Mapping[str, Strand] = field(repr=False)
    confidence_level: float

    def best(self, renewals: Renewals) -> str:
        """Return the model that fits best of those which can be lifted so.

        Only where customers differ as the sBG says has each an own rate that stays.
        """
        if self.own is None:
            return CONSTANT
        sbg = renewals == "each_customer" and "sbg" in self.strands
        return "sbg" if sbg else self.own.best

    @property
    def group(self) -> dict[str, str]:
        """Labels of the group; empty for everybody."""
        return {} if self.own is None else dict(self.own.group)

    @property
    def n(self) -> int | None:
        """Customers it rests on; None where a rate was entered."""
        return None if self.own is None else self.own.n

    @property
    def as_of(self) -> str | None:
        """ISO date that the data reach."""
        return None if self.own is None else self.own.table.as_of

    @property
    def place(self) -> tuple[float, float, float]:
        """The average rate and the ends of its interval, NaN where it was entered."""
        return (self.rate, math.nan, math.nan) if self.own is None else self.own.average_rate

    @property
    def since(self) -> str:
        """Whom a curve that begins late is about, to stand behind the model; empty for all."""
        start = self.own.start_words if self.own else ""
        return tr(" for those who have stayed {time}", time=start) if start else ""

    def by(self, model: str) -> str:
        """Return what the number goes by, in words: `by the sBG model`."""
        if model == CONSTANT:
            rate = words.percent(self.rate, 0.001)
            if self.own:
                return tr("at one average rate of {rate} a year", rate=rate)
            return tr("at one rate of {rate} a year", rate=rate)
        if model == PRODUCT_LIMIT:
            return tr("as observed")
        return tr("by the {model} model", model=ACRONYMS[model])

    def basis(self, model: str, terms: str, *, certain: bool, several: bool = False) -> str:
        """Return what a number goes by in words: model, whose retention, terms and interval."""
        said = tr("{by}{since}, {terms}", by=self.by(model), since=self.since, terms=terms)
        if certain:
            return said
        level = words.level_words(self.confidence_level)
        if several:
            return tr("{basis} ({level} intervals)", basis=said, level=level)
        return tr("{basis} ({level} interval)", basis=said, level=level)


def subject(
    own_or_rate: OwnCurve | float, lifts: Sequence[Lift], confidence_level: float
) -> Subject:
    """Return whose profit it is.

    Raises
    ------
    DataError
        When a rate is no share or passes 1 with a lift, or a group column is called as a
        finding's own key.
    """
    check_level(confidence_level)
    if isinstance(own_or_rate, OwnCurve):
        if problems := key_problems(own_or_rate.group, TAKEN):
            raise DataError(problems)
        strands = {model: own_or_rate.strand(model) for model in own_or_rate.models}
        return Subject(own_or_rate, own_or_rate.average_rate[0], strands, confidence_level)
    rate = np.array([float(own_or_rate)])
    if problems := list(retention_problems(rate, lifts)):
        raise DataError(problems)
    return Subject(None, float(rate[0]), {CONSTANT: constant_strand(rate)}, confidence_level)


def model_problems(whose: Subject, models: Sequence[str]) -> list[str]:
    """Return what is wrong with models that are asked for by name."""
    known = list(whose.strands)
    return [unknown("model", model, known) for model in models if model not in known]
