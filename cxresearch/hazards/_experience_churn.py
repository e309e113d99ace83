"""The share lost after a bad experience and that of comparable customers: numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking
from cxresearch.bad_experiences import Experience
from cxresearch.findings import Finding
from cxresearch.uncertainty import Floats

DOSES: Final[Mapping[str, tuple[str, str]]] = {
    "1": ("first", "no {0} so far"),
    "2": ("second", "one {0} so far"),
    "3": ("third", "two {0}s so far"),
}
NOUNS: Final[Mapping[str, str]] = {
    "ticket": "ticket",
    "severe": "severe ticket",
    "unresolved": "unresolved ticket",
    "low_csat": "low satisfaction score",
}
LEFT: Final = "left or gave notice"
ENDS: Final = ("", "_ci_lower", "_ci_upper")


@dataclass(frozen=True, eq=False)
class ExperienceChurn(Table):
    """The share lost within some months after the k-th experience, and of comparable customers.

    Parameters
    ----------
    experience
        What counts.
    dose
        "1", "2" or "3": after the first, second or third.
    months
        Months since the experience began to count, shape (k,).
    churn_share, churn_share_ci_lower, churn_share_ci_upper
        Share who left or gave notice by then, 0–1, shape (k,).
    expected_share, expected_share_ci_lower, expected_share_ci_upper
        The same at the hazard of customers with one experience fewer so far at the same tenure
        (and in the same group, where tables have groups), shape (k,).
    excess_share, excess_share_ci_lower, excess_share_ci_upper
        The first less the second, shape (k,).
    at_risk
        Customers still followed in the last of the months, shape (k,).
    n
        Customers followed.
    comparable_months
        Months of other customers with which a month of theirs is compared, at least.
    uncompared_share
        Months of follow-up left out, up to the last of `months`, since nobody is comparable.
    """

    experience: Experience
    dose: str
    months: tuple[int, ...]
    churn_share: Floats
    churn_share_ci_lower: Floats
    churn_share_ci_upper: Floats
    expected_share: Floats
    expected_share_ci_lower: Floats
    expected_share_ci_upper: Floats
    excess_share: Floats
    excess_share_ci_lower: Floats
    excess_share_ci_upper: Floats
    at_risk: Floats
    n: int
    comparable_months: int
    uncompared_share: float
    within: tuple[str, ...]
    confidence_level: float
    as_of: str | None

    @property
    def group(self) -> Mapping[str, str]:
        """The experience and the dose."""
        return {"experience": self.experience.kind, "dose": self.dose}

    @property
    def label(self) -> str:
        """`first ticket`, for a figure."""
        return f"{DOSES[self.dose][0]} {self._noun}"

    @property
    def definition(self) -> str:
        """What is counted, who is comparable, and what a difference may come from."""
        same = words.and_list(("month of tenure", *(c.replace("_", " ") for c in self.within)))
        share = f"{words.percent(self.uncompared_share, 0.001)} of the months followed"
        lacking = f" Nobody is comparable in {share}: they are left out." * (
            self.uncompared_share > 0
        )
        return (
            f"{self.experience.definition} Comparable customers have {self._fewer} in the same "
            f"{same}; their share is what their losses of each such month add up to.{lacking} "
            "Customers with an experience may differ from the others in more than that: where "
            "those about to leave call more often, there is a difference without the experience "
            "playing any part."
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row per month asked for."""
        columns: dict[str, object] = {**self.group, "months": list(self.months)}
        for name in ("churn_share", "expected_share", "excess_share"):
            columns |= {name + end: getattr(self, name + end) for end in ENDS}
        return pd.DataFrame({**columns, "at_risk": self.at_risk}, index=range(len(self.months)))

    def sentence(self, lang: str | None = None) -> str:
        """Return the share and the difference at the last of the months, in words."""
        with speaking(lang):
            last = len(self.months) - 1
            return f"{self._churn(last).sentence} {self._excess(last).sentence}"

    def findings(self) -> tuple[Finding, ...]:
        """Return `experience_churn`, `experience_expected` and `experience_excess` by months."""
        steps = range(len(self.months))
        return tuple(f(i) for i in steps for f in (self._churn, self._expected, self._excess))

    @property
    def _noun(self) -> str:
        return NOUNS[self.experience.kind]

    @property
    def _fewer(self) -> str:
        return DOSES[self.dose][1].format(self._noun)

    @property
    def _level(self) -> str:
        return f"{words.level_words(self.confidence_level)} interval"

    def _within(self, i: int) -> str:
        return f"within {self.months[i]} {words.plural('month', self.months[i])}"

    def _churn(self, i: int) -> Finding:
        whole, some, spread = words.out_of(*self._values("churn_share", i))
        said = f"Of {whole} customers, {some} {LEFT} {self._within(i)} after their {self.label}"
        return self._finding("churn", i, f"{said} ({self._level} {spread}).")

    def _expected(self, i: int) -> Finding:
        whole, some, spread = words.out_of(*self._values("expected_share", i))
        said = f"Of {whole} comparable customers with {self._fewer}, {some} {LEFT}"
        return self._finding("expected", i, f"{said} {self._within(i)} ({self._level} {spread}).")

    def _excess(self, i: int) -> Finding:
        value, lower, upper = (100 * x for x in self._values("excess_share", i))
        whom = f"comparable ones with {self._fewer}"
        if lower <= 0 <= upper:
            points = words.quantity(value, lower, upper, "percentage point")
            sentence = (
                f"No clear difference between customers after their {self.label} and {whom} in "
                f"who {LEFT} {self._within(i)}: {points}, {self._level}."
            )
            return self._finding("excess", i, sentence)
        shares = (self._values(name, i)[0] for name in ("churn_share", "expected_share"))
        share, expected = (words.percent(x) for x in shares)
        low, high = sorted((abs(lower), abs(upper)))
        points = words.quantity(abs(value), low, high, "percentage point")
        way = "higher" if value > 0 else "lower"
        sentence = (
            f"Of customers after their {self.label}, {share} {LEFT} {self._within(i)}, of {whom} "
            f"{expected}: {points} {way} than among these ({self._level})."
        )
        return self._finding("excess", i, sentence)

    def _values(self, name: str, i: int) -> tuple[float, float, float]:
        value, lower, upper = (float(getattr(self, name + end)[i]) for end in ENDS)
        return value, lower, upper

    def _finding(self, name: str, i: int, sentence: str) -> Finding:
        return Finding(
            f"experience_{name}",
            *self._values(f"{name}_share", i),
            self.n,
            "share",
            sentence,
            {**self.group, "months": str(self.months[i])},
            confidence_level=self.confidence_level,
            as_of=self.as_of,
        )
