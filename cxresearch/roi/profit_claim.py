"""The claim itself: whether 5 % more retention go with 25 % more profit here, and read how."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr, trn
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.roi._claim_numbers import elasticity_of, threshold
from cxresearch.roi._claim_words import how, in_cases, number
from cxresearch.roi._conditions import Conditions, conditions
from cxresearch.roi._cut import last_year
from cxresearch.roi._labels import labelled_table
from cxresearch.roi._levels import Asked, Renewals
from cxresearch.roi._profit_uplift import ProfitUplift
from cxresearch.roi._strand import CONSTANT
from cxresearch.roi._subject import Subject, subject
from cxresearch.roi.claim_map import ClaimMap, claim_map
from cxresearch.roi.economics import Concept, Economics
from cxresearch.roi.own_curve import OwnCurve
from cxresearch.roi.profit_path import ProfitPath, profit_path
from cxresearch.roi.profit_uplifts import (
    ProfitUplifts,
    check_asked,
    differing,
    profit_uplifts,
)
from cxresearch.roi.readings import READINGS, Lift, Reading, lifts

VERDICTS = {
    "holds": mark("true here"),
    "holds only if cut": mark("true only if"),
    "does not hold": mark("false here"),
    "not clear": mark("cannot be said here"),
    "not defined": mark("cannot be said here"),
}
ONLY_IF = VERDICTS["holds only if cut"]
SURE = 0.995  # a probability beyond it is not said in digits


@dataclass(frozen=True, eq=False)
class ProfitClaim(Table):
    """The claim in each reading, for one profit, one model and one kind of renewals.

    Parameters
    ----------
    uplifts
        The uplift in each reading, each profit concept and after each model.
    whose
        Whose profit it is.
    economics, concept, renewals, year, model
        What the verdict is for.
    rivals
        Other models that the counts do not rule out, where none was asked for.
    lift_size, target
        The claim: 0.05 and 0.25.
    """

    uplifts: ProfitUplifts
    whose: Subject
    economics: Economics
    concept: Concept
    renewals: Renewals
    year: int
    model: str
    lift_size: float
    target: float
    rivals: tuple[str, ...] = ()

    @cached_property
    def verdicts(self) -> dict[Reading, str]:
        """The verdict by reading: "true here", "true only if", "false here", or none."""
        return {one.asked.lift.reading: self._judge(one) for one in self.headline}

    @property
    def headline(self) -> ProfitUplifts:
        """The uplift that the verdict is about, by reading."""
        return self.uplifts.select(concept=self.concept, model=self.model)

    @property
    def average(self) -> ProfitUplifts:
        """What one rate that never changes claims of the same profit, by reading."""
        return self.uplifts.select(concept=self.concept, model=CONSTANT)

    def answer(self) -> tuple[Finding, ...]:
        """Return `verdict` of each reading: the probability that the target is reached.

        And `profit_uplift_uncut` of those in which rates are cut at 1: what it is without that.
        """
        without = (found for one in self.headline for found in one.without_cut())
        return (*(self._verdict(one) for one in self.headline), *without)

    def conditions(self) -> Conditions:
        """Return the uplift in each reading on other terms, one changed at a time."""
        return self._conditions

    def path(self, years: int, reading: str = "points") -> ProfitPath:
        """Return the profit of each year with the lift and without."""
        return profit_path(self.whose, self.model, self._asked(self._lift(reading)), years)

    def map(self, reading: str = "points") -> ClaimMap:
        """Return where the claim holds, by base retention and discount rate, if neither changes."""
        return claim_map(
            self._lift(reading),
            self.economics,
            concept=self.concept,
            year=self.year,
            target=self.target,
            own=self.whose.place,
        )

    def thresholds(self) -> tuple[Finding, ...]:
        """Return `threshold_retention` of each reading: where the claim begins to hold."""
        asked = (self._asked(lift) for lift in lifts(self.lift_size))
        return tuple(threshold(self.whose, one, self.target) for one in asked)

    def elasticities(self) -> tuple[Finding, ...]:
        """Return `retention_elasticity` of each model."""
        models = self.whose.strands
        return tuple(elasticity_of(self.whose, model, self.economics) for model in models)

    def findings(self) -> tuple[Finding, ...]:
        """Return verdicts, uplifts, thresholds and elasticities."""
        parts = (self.answer(), self.uplifts.findings(), self.thresholds(), self.elasticities())
        return tuple(found for part in parts for found in part)

    def sentence(self, lang: str | None = None) -> str:
        """Return the verdicts in words."""
        with speaking(lang):
            return words.sentences(found.sentence for found in self.answer())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per reading: the verdict, the uplift, and where the claim would hold."""
        frame = self.headline.to_frame().drop(columns=["claim", "reason", "renewals"])
        frame.insert(1, "verdict", list(self.verdicts.values()))
        frame["threshold_retention_rate"] = [found.value for found in self.thresholds()]
        return frame

    def _repr_html_(self) -> str:
        return labelled_table(self.to_frame())

    @cached_property
    def _conditions(self) -> Conditions:
        asked = (self._asked(lift) for lift in lifts(self.lift_size))
        found = (
            one for each in asked for one in conditions(self.whose, self.model, each, self.target)
        )
        return Conditions(tuple(found))

    def _judge(self, one: ProfitUplift) -> str:
        if self._doubts(one):
            return VERDICTS["not clear"]
        verdict = VERDICTS[one.standing]
        elsewhere = self.conditions().where(one.asked.lift.reading, "holds")
        return ONLY_IF if verdict == "false here" and elsewhere else verdict

    def _doubts(self, one: ProfitUplift) -> tuple[ProfitUplift, ...]:
        """Return what rival models say, where it is another verdict."""
        same = self.uplifts.select(reading=one.asked.lift.reading, concept=self.concept)
        return differing(one, (x for x in same if x.model in self.rivals))

    def _asked(self, lift: Lift) -> Asked:
        return Asked(lift, self.economics, self.concept, self.renewals, self.year)

    def _lift(self, reading: str) -> Lift:
        if reading not in READINGS:
            raise DataError(unknown("reading", reading, list(READINGS)))
        return Lift(**{reading: self.lift_size})

    def _verdict(self, one: ProfitUplift) -> Finding:
        reading = one.asked.lift.reading
        value = None if one.why or self._doubts(one) else one.probability
        return number(self.whose, "verdict", value, self._say(one), {"reading": reading})

    def _say(self, one: ProfitUplift) -> str:
        ruling, read = self._ruling(one), how(one.asked)
        if one.why:
            return tr(
                "{Ruling}, read as {how}: {reason}.", Ruling=ruling, how=read, reason=one.reason
            )
        return tr(
            "{Ruling}, read as {how}: {said}, against the {target} claimed, {basis}{chance}.{rest}",
            Ruling=ruling,
            how=read,
            said=one.said,
            target=words.percent(self.target),
            basis=one.basis(certain=True),
            chance=self._chance(one),
            rest=f"{self._rival(one)}{self._beyond(one)}{self._otherwise(one)}",
        )

    def _ruling(self, one: ProfitUplift) -> str:
        verdict = self._judge(one)
        if verdict != ONLY_IF:
            return words.sentence_start(term(verdict))
        if one.standing == "holds only if cut":
            return tr("True only if {cut}", cut=one.cut)
        return tr("True only if another profit or other terms are meant")

    def _chance(self, one: ProfitUplift) -> str:
        """Return the level of the interval and the probability; nothing where there is none."""
        if not one.uncertain:
            return ""
        chance = words.percent(one.probability)
        if one.probability > SURE:
            chance = tr("above {share}", share=words.percent(SURE, 0.001))
        elif one.probability < 1 - SURE:
            chance = tr("below {share}", share=words.percent(1 - SURE, 0.001))
        return tr(
            " ({level} interval; the probability of {much} or more is {chance})",
            level=words.level_words(self.whose.confidence_level),
            much=words.percent(self.target),
            chance=chance,
        )

    def _rival(self, one: ProfitUplift) -> str:
        """Return what models say that are not ruled out and come to another verdict."""
        said = [
            tr("{by} {said}", by=self.whose.by(x.model), said=x.said) for x in self._doubts(one)
        ]
        if not said:
            return ""
        models = words.and_list(said)
        return tr(" But {models}, and the counts do not rule that out.", models=models)

    def _beyond(self, one: ProfitUplift) -> str:
        """Return how far the data reach, where the model says what comes after."""
        own, strand = self.whose.own, self.whose.strands[one.model]
        if own is None or strand.alike or last_year(strand, one.asked) <= own.reach:
            return ""
        return trn(
            " The data reach {n} year; what comes after is the model's.",
            " The data reach {n} years; what comes after is the model's.",
            own.reach,
            n=own.reach,
        )

    def _otherwise(self, one: ProfitUplift) -> str:
        """Return how often it holds on other terms, and where it does not on these, on which."""
        reading, found = one.asked.lift.reading, self.conditions()
        holding = found.where(reading, "holds")
        cases = in_cases(len(holding), len(found.known(reading)))
        if one.standing != "does not hold" or not holding:
            return tr(" With one term changed, the claim holds in {cases}.", cases=cases)
        return tr(
            " With one term changed, the claim holds in {cases}: {terms}.",
            cases=cases,
            terms=tr("; ").join(holding),
        )


def profit_claim(
    own_or_rate: OwnCurve | float,
    economics: Economics,
    *,
    concept: Concept,
    renewals: Renewals,
    year: int,
    lift_size: float = 0.05,
    target: float = 0.25,
    model: str = "",
    confidence_level: float = 0.95,
) -> ProfitClaim:
    """Return whether so much more retention goes with so much more profit, in each reading.

    Parameters
    ----------
    own_or_rate
        A company's own curve (`own_curve`), or one retention rate of a year.
    economics
        The terms.
    concept
        The profit that the verdict is for, as in `uplift`.
    renewals
        Which renewals are lifted, as in `profit_uplifts`.
    year
        Whose profit "annual_profit" is.
    lift_size, target
        The claim: 5 % more retention, 25 % more profit.
    model
        That the verdict goes by; empty for that of the own curve with the lowest AIC, or the sBG
        where each customer is lifted.
    confidence_level
        Of the intervals.

    Notes
    -----
    True: the whole interval of the uplift is at the target or above. False: all of it is below.
    True only if: true where rates that the lift brings past 1 are cut there, so that nobody leaves,
    and not where they are left as they are; or false on these terms, and true on others of a
    stated set, one of which is changed at a time: profit concept, first margin, horizon (5, 10,
    all), discount rate (5, 10, 15 %), acquisition cost (1, 2 years' margin), and for an own curve
    the renewals and the model.
    Otherwise it cannot be said, nor where another model that the counts do not rule out comes to
    another verdict and no model was asked for. A rate that was entered has no interval.

    Raises
    ------
    DataError
        When an argument breaks its rule.
    """
    readings = lifts(lift_size)
    whose = subject(own_or_rate, readings, confidence_level)
    chosen = model or whose.best(renewals)
    check_asked(
        whose, renewals=[renewals], concepts=[concept], models=[chosen], year=year, target=target
    )
    found = profit_uplifts(
        own_or_rate,
        economics,
        lifts=readings,
        renewals=[renewals],
        year=year,
        target=target,
        confidence_level=confidence_level,
    )
    rivals = whose.own.credible if whose.own and not model else ()
    return ProfitClaim(
        found, whose, economics, concept, renewals,
        year=year, model=chosen, lift_size=lift_size, target=target, rivals=rivals,
    )  # fmt: skip
