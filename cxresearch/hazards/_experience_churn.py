"""The share lost after a bad experience and that of comparable customers: numbers and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term, tr
from cxresearch.bad_experiences import Experience
from cxresearch.findings import Finding
from cxresearch.uncertainty import Floats

DOSES: Final[Mapping[str, tuple[str, str]]] = {
    "1": (mark("first {noun}"), mark("no {noun} so far")),
    "2": (mark("second {noun}"), mark("one {noun} so far")),
    "3": (mark("third {noun}"), mark("two {noun}s so far")),
}
NOUNS: Final[Mapping[str, str]] = {
    "ticket": mark("ticket"),
    "severe": mark("severe ticket"),
    "unresolved": mark("unresolved ticket"),
    "low_csat": mark("low satisfaction score"),
}
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
        return term(DOSES[self.dose][0]).format(noun=self._noun)

    @property
    def definition(self) -> str:
        """What is counted, who is comparable, and what a difference may come from."""
        within = (term(c.replace("_", " ")) for c in self.within)
        comparable = tr(
            "Comparable customers have {fewer} in the same {same}; their share is what their "
            "losses of each such month add up to.",
            fewer=self._fewer,
            same=words.and_list((tr("month of tenure"), *within)),
        )
        lacking = tr(
            "Nobody is comparable in {share} of the months followed: they are left out.",
            share=words.percent(self.uncompared_share, 0.001),
        )
        unlike = tr(
            "Customers with an experience may differ from the others in more than that: where "
            "those about to leave call more often, there is a difference without the experience "
            "playing any part."
        )
        left_out = [lacking] if self.uncompared_share > 0 else []
        return words.sentences([self.experience.definition, comparable, *left_out, unlike])

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
            return words.sentences([self._churn(last).sentence, self._excess(last).sentence])

    def findings(self) -> tuple[Finding, ...]:
        """Return `experience_churn`, `experience_expected` and `experience_excess` by months."""
        steps = range(len(self.months))
        return tuple(f(i) for i in steps for f in (self._churn, self._expected, self._excess))

    @property
    def _noun(self) -> str:
        return term(NOUNS[self.experience.kind])

    @property
    def _fewer(self) -> str:
        return term(DOSES[self.dose][1]).format(noun=self._noun)

    def _places(self, i: int) -> dict[str, str]:
        return {
            "experience": self.label,
            "fewer": self._fewer,
            "months": words.counted(self.months[i], "month"),
            "level": words.level_words(self.confidence_level),
        }

    def _frequency(self, name: str, i: int) -> dict[str, str]:
        whole, some, spread = words.out_of(*self._values(name, i))
        return self._places(i) | {"whole": whole, "some": some, "spread": spread}

    def _churn(self, i: int) -> Finding:
        said = tr(
            "Of {whole} customers, {some} left or gave notice within {months} after their "
            "{experience} ({level} interval {spread}).",
            **self._frequency("churn_share", i),
        )
        return self._finding("churn", i, said)

    def _expected(self, i: int) -> Finding:
        said = tr(
            "Of {whole} comparable customers with {fewer}, {some} left or gave notice within "
            "{months} ({level} interval {spread}).",
            **self._frequency("expected_share", i),
        )
        return self._finding("expected", i, said)

    def _excess(self, i: int) -> Finding:
        return self._finding("excess", i, self._excess_words(i))

    def _excess_words(self, i: int) -> str:
        value, lower, upper = (100 * x for x in self._values("excess_share", i))
        if lower <= 0 <= upper:
            return tr(
                "No clear difference between customers after their {experience} and comparable "
                "ones with {fewer} in who left or gave notice within {months}: {points}, {level} "
                "interval.",
                points=words.quantity(value, lower, upper, "percentage point"),
                **self._places(i),
            )
        shares = (self._values(name, i)[0] for name in ("churn_share", "expected_share"))
        share, expected = (words.percent(x) for x in shares)
        low, high = sorted((abs(lower), abs(upper)))
        points = words.quantity(abs(value), low, high, "percentage point")
        of = self._places(i) | {"share": share, "expected": expected, "points": points}
        if value > 0:
            return tr(
                "Of customers after their {experience}, {share} left or gave notice within "
                "{months}, of comparable ones with {fewer} {expected}: {points} higher than among "
                "these ({level} interval).",
                **of,
            )
        return tr(
            "Of customers after their {experience}, {share} left or gave notice within {months}, "
            "of comparable ones with {fewer} {expected}: {points} lower than among these ({level} "
            "interval).",
            **of,
        )

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
