"""What counts as a bad experience, and from when on."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Final, Literal, get_args

from cxresearch import _format as words
from cxresearch._language import tr
from cxresearch.errors import CxError

Kind = Literal["ticket", "severe", "unresolved", "low_csat"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)
_LIMITS: Final = {"open_days": (0, 365), "wait_days": (0, 365)}


@dataclass(frozen=True)
class Experience:
    """What counts as a bad experience.

    Attributes
    ----------
    kind
        "ticket": a ticket was opened; "severe": one whose severity is in `severities`;
        "unresolved": one that was not solved within `open_days`, or that came back; "low_csat":
        one of the two lowest scores for satisfaction (the lowest on a scale of fewer than four
        steps).
    severities
        As the desk records them, upper or lower case alike.
    open_days
        Days for a solution. An unresolved ticket is an experience from the day on which they are
        over, one that came back from the day of its solution: nobody knows it earlier.
    wait_days
        Days after which an experience begins to count, if by then neither notice was given nor
        the customer had left: for data without notices, in which a ticket may be the notice.
    new_only
        Whether only customers are counted whose first day lies in the observed time, so that no
        experience before it is missed.

    Raises
    ------
    CxError
        Naming every value that is out of range.
    """

    kind: Kind = "ticket"
    severities: tuple[str, ...] = ("high", "urgent", "critical")
    open_days: int = 7
    wait_days: int = 0
    new_only: bool = False

    def __post_init__(self) -> None:
        problems = []
        if self.kind not in KINDS:
            close = difflib.get_close_matches(str(self.kind), KINDS, n=1)
            hint = f" Did you mean {close[0]!r}?" if close else ""
            problems.append(f"bad is {self.kind!r}, must be one of {', '.join(KINDS)}.{hint}")
        for name, (low, high) in _LIMITS.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                problems.append(
                    f"{name} is {value!r}, must be a whole number from {low} to {high}: change it."
                )
        held = self.severities
        if type(held) is not tuple or not held or any(type(name) is not str for name in held):
            problems.append(
                f"severities is {held!r}, must be a tuple of at least one text: name them."
            )
        if problems:
            raise CxError(problems)

    @property
    def source(self) -> str:
        """The table of the contract that holds it."""
        return "survey_responses" if self.kind == "low_csat" else "touchpoints"

    @property
    def table(self) -> str:
        """The name of the experiences that count, among what is kept."""
        severities = "_".join(name.lower().encode().hex() for name in self.severities)
        own = {"severe": severities, "unresolved": str(self.open_days)}
        return f"{self.kind}_{self.wait_days}_{own.get(self.kind, '')}"

    @property
    def definition(self) -> str:
        """What counts, from when on, and what is not known."""
        what = tr("A bad experience is {what}.", what=self._what())
        wait = tr("on its day")
        if self.wait_days:
            wait = tr("{n} days after it", n=self.wait_days)
        if self.new_only:
            counts = tr(
                "It counts from the first full month of tenure that begins {wait} or later, if "
                "{wait} the customer who joined in the observed time neither has left nor has "
                "given notice; both count as lost, by the day of the notice. Experiences are "
                "counted in the observed time.",
                wait=wait,
            )
        else:
            counts = tr(
                "It counts from the first full month of tenure that begins {wait} or later, if "
                "{wait} the customer neither has left nor has given notice; both count as lost, by "
                "the day of the notice. Experiences are counted in the observed time, and nothing "
                "is known of those before it.",
                wait=wait,
            )
        return words.sentences([what, counts])

    def _what(self) -> str:
        severities = tr(" or ").join(self.severities)
        return {
            "ticket": tr("a ticket"),
            "severe": tr("a ticket of severity {severities}", severities=severities),
            "unresolved": tr("a ticket not solved within {n} days, or reopened", n=self.open_days),
            "low_csat": tr("one of the two lowest scores for satisfaction"),
        }[self.kind]
