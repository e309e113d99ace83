"""How answers that come in the middle of a lifetime are turned into a risk set.

The rules are the same for every design. An answer counts from `blackout_days` after it was given,
if by then no notice was given and the customer is still there; nobody is left out for what came
later. It counts from the next full month of tenure on, so a loss in the month of the survey is not
held against it. Answers after notice, or after the end, never count.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cxresearch.errors import CxError

Kind = Literal[
    "ever_from_signup",
    "ever_from_answer",
    "first_from_signup",
    "first_from_answer",
    "landmark",
    "current",
    "followup",
]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_LIMITS: Final = {
    "blackout_days": (0, 3650),
    "lag_months": (0, 120),
    "max_age_months": (1, 1200),
    "landmark_month": (1, 1200),
}


@dataclass(frozen=True)
class Design:
    """Who is at risk from when, and which group they belong to meanwhile.

    Attributes
    ----------
    kind
        "ever_from_signup": promoter or other from sign-up, by whether they ever become one
        (naive). "ever_from_answer": the same groups, promoter from the first such answer on.
        "first_from_signup": by the first answer, from sign-up (naive). "first_from_answer": the
        same groups from that answer on. "landmark": those there at `landmark_month`, by their
        latest answer. "current": by the latest answer as it changes. "followup": months since
        each answer, a customer who answered twice is followed twice.
    blackout_days
        Days after which an answer begins to count, if no notice was given by then.
    lag_months
        Further months before it counts ("current" only).
    max_age_months
        Months for which an answer counts ("current" and "landmark").
    landmark_month
        Month of tenure ("landmark" only).

    Raises
    ------
    CxError
        Naming every value that is out of range.
    """

    kind: Kind
    blackout_days: int = 30
    lag_months: int = 0
    max_age_months: int = 12
    landmark_month: int = 12

    def __post_init__(self) -> None:
        problems = []
        if self.kind not in KINDS:
            close = difflib.get_close_matches(str(self.kind), KINDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            problems.append(
                f"kind == {self.kind!r}, must be one of {', '.join(KINDS)}: choose one.{hint}"
            )
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                problems.append(
                    f"{name} == {value!r}, must be a whole number from {low} to {high}: change it."
                )
        if self.lag_months >= self.max_age_months:
            problems.append(
                f"lag_months == {self.lag_months}, must be below max_age_months == "
                f"{self.max_age_months}: otherwise no answer ever counts."
            )
        if problems:
            raise CxError(problems)

    @property
    def table(self) -> str:
        """The name of its risk set among the relations."""
        own = {
            "current": f"_{self.lag_months}_{self.max_age_months}",
            "landmark": f"_{self.landmark_month}_{self.max_age_months}",
        }
        return f"{self.kind}_{self.blackout_days}{own.get(self.kind, '')}"

    @property
    def counted(self) -> str:
        """The name of the answers that count, among the relations."""
        return f"counted_{self.blackout_days}"

    @property
    def knows_answers(self) -> bool:
        """Whether every row has an answer, so that one can group by what was known at it."""
        return not self.kind.startswith("ever")


FIRST_ANSWER: Final = Design("first_from_answer", blackout_days=0)
