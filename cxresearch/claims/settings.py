"""What the tests of claims are run with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from cxresearch._format import and_list
from cxresearch.bad_experiences import Kind
from cxresearch.errors import DataError
from cxresearch.value.terms import FIRST_MARGINS, FirstMargin

LOSS_DAYS: Final = 90  # days before a loss in which an unsolved contact counts


@dataclass(frozen=True, kw_only=True)
class ClaimSettings:
    """What the tests of claims are run with.

    Parameters
    ----------
    horizon
        Months over which customers are valued.
    annual_discount_rate, first_margin
        As in `Terms`.
    adjust_for
        What was known before an answer, with commas between; empty takes what there is.
    blackout_days
        Days after which an answer begins to count.
    bad_experience
        What counts as a bad experience: "ticket", "severe", "unresolved" or "low_csat".
    good_answers
        The question whose best answers count as satisfied: "csat", "nps" or "ces".
    return_mark
        What the ids of returned orders begin with, where lines below 0 are also something else.
    rule, randomised
        The assignment rule of the experiment, where there are several; and whether it left to
        chance who was contacted.
    min_group, confidence_level
        As everywhere.

    Raises
    ------
    DataError
        Naming every value that breaks its rule.
    """

    horizon: int = 36
    annual_discount_rate: float = 0.1
    first_margin: FirstMargin = "now"
    adjust_for: str = ""
    blackout_days: int = 30
    bad_experience: Kind = "unresolved"
    good_answers: str = "nps"
    return_mark: str = ""
    rule: str = ""
    randomised: bool = False
    min_group: int = 30
    confidence_level: float = 0.95

    def __post_init__(self) -> None:
        problems = []
        if self.first_margin not in FIRST_MARGINS:
            problems.append(
                f"first_margin is {self.first_margin!r}, must be {and_list(FIRST_MARGINS)}: "
                "choose one."
            )
        if not 0 <= self.annual_discount_rate < 1:
            problems.append(
                f"annual_discount_rate is {self.annual_discount_rate!r}, must be 0 to below 1: "
                "write 0.1 for 10 % a year."
            )
        if not 0 < self.confidence_level < 1:
            problems.append(
                f"confidence_level is {self.confidence_level!r}, must be between 0 and 1: write "
                "0.95 for 95 %."
            )
        counted = {"horizon": 1, "blackout_days": 0, "min_group": 1}
        problems += [
            f"{name} is {getattr(self, name)!r}, must be a whole number from {least}: change it."
            for name, least in counted.items()
            if type(getattr(self, name)) is not int or getattr(self, name) < least
        ]
        if problems:
            raise DataError(problems)
