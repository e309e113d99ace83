"""How much higher profit is with more retention: by reading, profit concept and model."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import product

import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._html import Table
from cxresearch._language import speaking
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.roi._cut import cut_words
from cxresearch.roi._labels import labelled_table
from cxresearch.roi._levels import RENEWALS, Asked, Renewals, levels
from cxresearch.roi._not_defined import NotDefinedError
from cxresearch.roi._profit_uplift import ProfitUplift
from cxresearch.roi._rise import rise
from cxresearch.roi._subject import Subject, model_problems, subject
from cxresearch.roi.economics import CONCEPTS, Concept, Economics, concept_problems
from cxresearch.roi.own_curve import OwnCurve
from cxresearch.roi.readings import Lift


@dataclass(frozen=True, eq=False)
class ProfitUplifts(Table):
    """Uplifts of several readings, profit concepts and models."""

    uplifts: tuple[ProfitUplift, ...]

    def __iter__(self) -> Iterator[ProfitUplift]:
        return iter(self.uplifts)

    def __len__(self) -> int:
        return len(self.uplifts)

    @property
    def known(self) -> tuple[ProfitUplift, ...]:
        """Those that there is a number for."""
        return tuple(one for one in self.uplifts if not one.why)

    def select(
        self, *, reading: str = "", concept: str = "", model: str = "", renewals: str = ""
    ) -> ProfitUplifts:
        """Return those of one reading, profit concept, model or kind of renewals."""
        kept = (
            one
            for one in self.uplifts
            if reading in ("", one.asked.lift.reading)
            and concept in ("", one.asked.concept)
            and model in ("", one.model)
            and renewals in ("", one.asked.renewals)
        )
        return ProfitUplifts(tuple(kept))

    def to_frame(self) -> pd.DataFrame:
        """Return one row per uplift."""
        frames = [one.to_frame() for one in self.uplifts]
        return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()

    def _repr_html_(self) -> str:
        return labelled_table(self.to_frame())

    def sentence(self, lang: str | None = None) -> str:
        """Return each uplift in words."""
        with speaking(lang):
            return words.sentences(one.sentence() for one in self.uplifts)

    def findings(self) -> tuple[Finding, ...]:
        """Return `profit_uplift` of each."""
        return tuple(found for one in self.uplifts for found in one.findings())


def profit_uplifts(
    own_or_rate: OwnCurve | float,
    economics: Economics,
    *,
    lifts: Sequence[Lift],
    renewals: Sequence[Renewals],
    concepts: Sequence[Concept] = CONCEPTS,
    models: Sequence[str] = (),
    year: int | None = None,
    target: float = 0.25,
    confidence_level: float = 0.95,
) -> ProfitUplifts:
    """Return how much higher profit is with each lift, in each concept and after each model.

    Parameters
    ----------
    own_or_rate
        A company's own curve (`own_curve`), or one retention rate of a year.
    economics
        The terms.
    lifts
        More retention, in one or more readings (`lifts`).
    renewals
        Of "first" (only the first renewal is lifted), "every" (each year's rate is) and
        "each_customer" (each customer's own rate is, where they differ as the sBG says).
    concepts
        As in `uplift`.
    models
        Of "constant", "sbg", "bdw" and "product_limit"; all that there are when empty.
    year
        Whose profit "annual_profit" is.
    target
        The claimed uplift.
    confidence_level
        Of the intervals.

    Notes
    -----
    Each lifted retention rate is at most 1. On a curve, "annual_profit" is of a firm to which as
    many customers have come every year as the data reach back; at a constant rate, of one to which
    they have always come. Intervals are on the log scale of 1 + uplift, from the variants of the
    curve (the jackknife over replicates, or the observed information), and so is the probability.
    A curve that begins after the first renewal is
    that of customers who have stayed until then.

    Raises
    ------
    DataError
        When an argument breaks its rule.
    """
    whose = subject(own_or_rate, lifts, confidence_level)
    chosen = list(models) or list(whose.strands)
    check_asked(
        whose, renewals=renewals, concepts=concepts, models=chosen, year=year, target=target
    )
    several = len(renewals) > 1
    found = [
        uplift_of(
            whose,
            model,
            Asked(lift, economics, concept, kind, year),
            target,
            {"renewals": kind} if several else {},
        )
        for kind, lift, concept, model in product(renewals, lifts, concepts, chosen)
    ]
    return ProfitUplifts(tuple(found))


def uplift_of(
    whose: Subject, model: str, asked: Asked, target: float, key: dict[str, str]
) -> ProfitUplift:
    """Return one uplift, or why there is none."""
    strand, level = whose.strands[model], whose.confidence_level
    try:
        found = rise(strand, levels(strand, asked), level, target)
    except NotDefinedError as reason:
        none = (math.nan,) * 4
        return ProfitUplift(*none, asked, model, target, whose, why=reason.why, key=key)
    whom = partial(cut_words, strand, asked)
    if not whom():
        return ProfitUplift(*found, asked, model, target, whose, key=key)
    uncut = rise(strand, levels(strand, replace(asked, cut=False)), level, target)
    return ProfitUplift(*found, asked, model, target, whose, whom=whom, uncut=uncut, key=key)


def check_asked(
    whose: Subject,
    *,
    renewals: Sequence[str],
    concepts: Sequence[str],
    models: Sequence[str],
    year: int | None,
    target: float,
) -> None:
    """Raise when something that is asked for does not exist, or the target is no uplift."""
    problems = [unknown("renewals", x, list(RENEWALS)) for x in renewals if x not in RENEWALS]
    problems += [found for concept in concepts for found in concept_problems(concept, year)]
    problems += model_problems(whose, models)
    if not 0 < target < math.inf:
        problems.append(f"target is {target!r}, must be above 0: write 0.25 for 25 %.")
    if problems:
        raise DataError(problems)


def differing(one: ProfitUplift, others: Iterable[ProfitUplift]) -> tuple[ProfitUplift, ...]:
    """Return those of the others that say something else of the claim, where both say anything."""
    return tuple(x for x in others if not (x.why or one.why) and _says(x) != _says(one))


def _says(one: ProfitUplift) -> str:
    # whether rates were cut is said apart
    return "holds" if one.standing == "holds only if cut" else one.standing
