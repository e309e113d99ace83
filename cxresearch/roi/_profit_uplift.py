"""How much higher one profit is with one lift, after one model: its number and its sentence."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal

import pandas as pd

from cxresearch._html import ACRONYMS, Table
from cxresearch._language import mark, speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.roi._claim_words import higher, how, number, terms_words
from cxresearch.roi._labels import labelled_table
from cxresearch.roi._levels import Asked
from cxresearch.roi._not_defined import Saying
from cxresearch.roi._rise import Rise
from cxresearch.roi._subject import Subject
from cxresearch.roi.constant import ENOUGH
from cxresearch.roi.economics import concept_words

Standing = Literal["holds", "holds only if cut", "does not hold", "not clear", "not defined"]
STANDINGS = (
    mark("holds"),
    mark("holds only if cut"),
    mark("does not hold"),
    mark("not clear"),
    mark("not defined"),
)
MODELS = {
    "constant": mark("average rate"),
    "product_limit": mark("as observed"),
    **{name: ACRONYMS[name] for name in ("sbg", "bdw")},
}


@dataclass(frozen=True, eq=False)
class ProfitUplift(Table):
    """How much higher one profit is with one lift, after one model.

    Parameters
    ----------
    uplift, uplift_ci_lower, uplift_ci_upper
        As a share of the profit without the lift; NaN where there is none, the ends also where
        the rate was entered.
    probability
        That it is the target or more, by its interval; 0 or 1 where the rate was entered.
    asked
        Lift, terms, profit concept, and which renewals are lifted.
    model
        "constant", "sbg", "bdw", "product_limit".
    target
        The claimed uplift.
    whose
        Whose profit it is.
    why
        Words why there is no uplift; None where there is one.
    whom
        Words whose lifted rate would pass 1 and is cut there; None for nobody's.
    uncut
        The uplift where those rates are not lifted at all; None where none is cut.
    key
        What else tells it apart from others in a report.
    """

    uplift: float
    uplift_ci_lower: float
    uplift_ci_upper: float
    probability: float
    asked: Asked
    model: str
    target: float
    whose: Subject
    why: Saying | None = None
    whom: Saying | None = None
    uncut: Rise | None = None
    key: dict[str, str] = field(default_factory=dict)

    @property
    def values(self) -> tuple[float, float, float]:
        """The uplift and the ends of its interval."""
        return self.uplift, self.uplift_ci_lower, self.uplift_ci_upper

    @property
    def reason(self) -> str:
        """Why there is no uplift; empty where there is one."""
        return self.why() if self.why else ""

    @property
    def cut(self) -> str:
        """Whose lifted rate is cut at 1: `nobody leaves from year 13 as a customer on`, or ""."""
        return self.whom() if self.whom else ""

    @property
    def standing(self) -> Standing:
        """Whether the target is reached: by the whole interval, by none of it, or by a part.

        It "holds only if cut" where it is reached only since nobody leaves who is lifted past 1:
        where they are not lifted, it is not.
        """
        if self.why:
            return "not defined"
        (lower, upper), enough = _ends(self.values), self.target - ENOUGH
        if lower >= enough:
            sure = self.uncut is None or _ends(self.uncut[:3])[0] >= enough
            return "holds" if sure else "holds only if cut"
        return "does not hold" if upper < enough else "not clear"

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        row = {
            "reading": self.asked.lift.reading,
            "profit_concept": self.asked.concept,
            "renewals": self.asked.renewals,
            "model": self.model,
            "uplift_share": self.uplift,
            "uplift_share_ci_lower": self.uplift_ci_lower,
            "uplift_share_ci_upper": self.uplift_ci_upper,
            "probability_share": self.probability,
            "claim": self.standing,
            "reason": self.reason,
        }
        return pd.DataFrame([row])

    def _repr_html_(self) -> str:
        return labelled_table(self.to_frame())

    def sentence(self, lang: str | None = None) -> str:
        """Return the uplift in words, or why there is none."""
        with speaking(lang):
            what = concept_words(self.asked.concept, self.asked.year)
            if self.why:
                return tr(
                    "Not known: {what} with {how}: {reason}.",
                    what=what,
                    how=how(self.asked),
                    reason=self.reason,
                )
            values = {"how": how(self.asked), "said": self.said, "limits": self.limits}
            basis = self.basis(certain=not self.uncertain)
            if self.uplift_ci_lower <= 0 <= self.uplift_ci_upper:
                return tr(
                    "No clear difference with {how}: {said}, {basis}.{limits}",
                    basis=basis,
                    **values,
                )
            return tr("With {how}, {said}, {basis}.{limits}", basis=basis, **values)

    @property
    def uncertain(self) -> bool:
        """Whether it has an interval with some width."""
        return self.uplift_ci_lower < self.uplift_ci_upper

    def basis(self, *, certain: bool) -> str:
        """Return what the uplift goes by: model, whose retention, terms, and any interval."""
        return self.whose.basis(self.model, terms_words(self.asked), certain=certain)

    @property
    def limits(self) -> str:
        """Who never leaves with the lift, as a sentence; empty where no rate is cut."""
        return tr(" No rate can pass 100 %: {cut}.", cut=self.cut) if self.whom else ""

    @property
    def said(self) -> str:
        """What is how much higher or lower, in words."""
        what = concept_words(self.asked.concept, self.asked.year)
        return tr("{what} is {higher}", what=what, higher=higher(*self.values))

    def findings(self) -> tuple[Finding, ...]:
        """Return `profit_uplift`."""
        value = None if self.why else self.uplift
        ends = (self.uplift_ci_lower, self.uplift_ci_upper)
        return (number(self.whose, "profit_uplift", value, self.sentence(), self._keys, ends=ends),)

    @property
    def _keys(self) -> dict[str, str]:
        """The labels of its findings."""
        named = {"reading": self.asked.lift.reading, "profit_concept": self.asked.concept}
        return {**named, "model": self.model, **self.key}

    def without_cut(self) -> tuple[Finding, ...]:
        """Return `profit_uplift_uncut`, where rates that would pass 1 stay; nothing for none."""
        if self.uncut is None:
            return ()
        value, *ends = self.uncut[:3]
        said = tr(
            "With {how}, no rate can pass 100 %: {cut}; where rates that would pass 100 % stay as "
            "they are, {what} is {higher}, {basis}.",
            how=how(self.asked),
            cut=self.cut,
            what=concept_words(self.asked.concept, self.asked.year),
            higher=higher(value, *ends),
            basis=self.basis(certain=False),
        )
        ends_of = (ends[0], ends[1])
        return (number(self.whose, "profit_uplift_uncut", value, said, self._keys, ends=ends_of),)


def model_name(model: str) -> str:
    """Return a model as figures and tables call it: `sBG`, `as observed`."""
    return term(MODELS[model])


def _ends(values: tuple[float, float, float]) -> tuple[float, float]:
    """Return the ends of an interval; the value itself where there is none."""
    value, lower, upper = values
    return (value, value) if math.isnan(lower) else (lower, upper)
