"""A claim beside what was measured: supported, contradicted, or neither, and why."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from cxresearch import _format as words
from cxresearch.claims._register_rules import SIGNS
from cxresearch.claims.register import Claim
from cxresearch.errors import CxError
from cxresearch.findings import GRADES, Finding

SUPPORTED: Final = "supported"
CONTRADICTED: Final = "contradicted"
READING: Final = "only under a stated reading"
UNCLEAR: Final = "no clear answer"
UNTESTED: Final = "not testable here"
VERDICTS: Final = (SUPPORTED, CONTRADICTED, READING, UNCLEAR, UNTESTED)
BEHAVIOUR: Final = "behaviour, where the claim is what people say"
ASSOCIATION: Final = "what goes together, where the claim is that one brings the other about"
_SAYS: Final = ("intention", "opinion")
_CAUSAL: Final = ("A", "B")


@dataclass(frozen=True)
class Evidence:
    """What was measured for one reading of a claim.

    Parameters
    ----------
    claim, reading
        Which claim of the register, under which of its readings.
    value, ci_lower, ci_upper
        In `unit`; a share is 0-1. The ends are NaN where a number follows from what was entered.
    n
        Customers, answers, orders behind it; None where there are none to count.
    unit, grade
        As in `Finding`.
    definition
        What was counted, in words.
    measured
        "behaviour" or "answers": what people do, or what they say.
    upper_bound
        Whether the truth is at most the value.
    as_of, confidence_level
        As in `Finding`.

    Raises
    ------
    CxError
        When the value is no number, lies outside its interval, or the grade does not exist.
    """

    claim: str
    reading: str
    value: float
    ci_lower: float
    ci_upper: float
    n: int | None
    unit: str
    grade: str
    definition: str
    measured: str = "behaviour"
    upper_bound: bool = False
    as_of: str | None = None
    confidence_level: float = 0.95

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise CxError(problems)

    @property
    def uncertain(self) -> bool:
        """Whether it has an interval; what is stated or follows from entries has none."""
        return math.isfinite(self.ci_lower) and self.ci_lower < self.ci_upper

    @property
    def ends(self) -> tuple[float, float]:
        """Between what the truth lies, as far as was measured."""
        known = math.isfinite(self.ci_lower) and math.isfinite(self.ci_upper)
        low, high = (self.ci_lower, self.ci_upper) if known else (self.value, self.value)
        return (-math.inf if self.upper_bound else low), high

    @property
    def measured_words(self) -> str:
        """The number with its interval: `88 % (87 to 89 %)`."""
        ends = (self.value, self.ci_lower, self.ci_upper)
        if not self.uncertain:
            ends = (self.value, math.nan, math.nan)
        most = "at most " if self.upper_bound else ""
        if self.unit == "share":
            return most + words.percent_interval(*ends)
        if self.unit == "amount" or self.unit.isupper():
            return most + words.money(*ends, None if self.unit == "amount" else self.unit)
        return most + words.number_interval(*ends)


@dataclass(frozen=True)
class Lacking:
    """Why one claim cannot be tested on the data at hand, and what it would take."""

    claim: str
    why: str
    takes: str = "more customers or a longer time than these data hold"


@dataclass(frozen=True)
class Judged:
    """One reading of a claim and what was measured for it."""

    claim: Claim
    evidence: Evidence

    @property
    def beside(self) -> str:
        """In what the evidence is of another kind than the claim; empty where it is of the same.

        What people do does not contradict what they say of themselves, and what goes together
        neither proves nor refutes that one brings the other about.
        """
        if self.claim.asserts in _SAYS and self.evidence.measured != "answers":
            return BEHAVIOUR
        bound = self.evidence.upper_bound  # which no cause can exceed
        if self.claim.asserts == "cause" and not bound and self.evidence.grade not in _CAUSAL:
            return ASSOCIATION
        return ""

    @property
    def inside(self) -> bool | None:
        """Whether the claimed numbers hold all of the interval, or none of it (False)."""
        region, (low, high) = self.claim.region, self.evidence.ends
        if region is None:
            return None
        if self.claim.relation in SIGNS and low <= 0 <= high:
            return None
        if region[0] <= low and high <= region[1]:
            return True
        return False if high < region[0] or low > region[1] else None

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`; where the evidence is of another kind, never more than it can say."""
        if self.inside is None:
            return UNCLEAR
        if self.beside:
            return READING if self.inside else UNCLEAR
        return SUPPORTED if self.inside else CONTRADICTED

    @property
    def place(self) -> str:
        """Where the interval lies, in words: inside or outside of what is claimed, or across."""
        return {True: "inside", False: "outside", None: "across the edge"}[self.inside]

    @property
    def kind_words(self) -> str:
        """What kind of evidence it is: `behaviour only, outside of what is claimed`."""
        if not self.beside:
            return "of the kind that is claimed"
        kind = "behaviour" if self.beside == BEHAVIOUR else "association"
        return f"{kind} only, {self.place} of what is claimed"

    @property
    def short_verdict(self) -> str:
        """The verdict in a few words, for a figure: `contradicted`, `as behaviour: outside`."""
        if not self.beside:
            return self.verdict
        kind = "behaviour" if self.beside == BEHAVIOUR else "association"
        return f"as {kind}: {self.place}"

    @property
    def direction(self) -> tuple[float, float, float] | None:
        """How far the claimed way it goes: value, lower, upper; None where no way is claimed.

        Each is divided by what is furthest from nothing, so that claims in money, shares and
        ratios stand on one axis; a ratio counts by its logarithm.
        """
        ends = (self.evidence.value, *self.evidence.ends)
        if self.claim.relation in SIGNS[:2]:
            sign = 1.0 if self.claim.relation == "positive" else -1.0
        elif self.evidence.unit == "ratio" and min(ends) > 0:
            value, low, high = (math.log(x / (self.claim.number or 1.0)) for x in ends)
            sign, ends = -1.0, (value, low, high)
        else:
            return None
        far = max(abs(x) for x in ends) or 1.0
        value, *edges = (sign * x / far for x in ends)
        return value, min(edges), max(edges)

    @property
    def group(self) -> dict[str, str]:
        """What tells its findings apart from others."""
        return {"claim": self.claim.id, "reading": self.evidence.reading}

    def estimate(self) -> Finding:
        """Return `claim_estimate`: what was measured, whatever is claimed."""
        found = self.evidence
        beside = f"; measured is {self.beside}" if self.beside else ""
        level = f"{words.level_words(found.confidence_level)} interval"
        noted = level if found.uncertain else "stated or entered, without an interval"
        said = (
            f"{self.claim.id}, {self.claim.reading_words(found.reading)}: {found.measured_words} "
            f"({noted}){beside}; claimed is {self.claim.number_words}."
        )
        return self._finding("claim_estimate", found.value, found.unit, said)

    def verdict_finding(self) -> Finding:
        """Return `claim_verdict` of this reading."""
        reading = self.claim.reading_words(self.evidence.reading)
        said = f"{self.claim.id}, {reading}: {self.verdict_words}."
        return self._finding("claim_verdict", verdict_number(self.verdict), "verdict", said)

    @property
    def verdict_words(self) -> str:
        """The verdict, and where the evidence is of another kind, what it is."""
        if not self.beside:
            return self.verdict
        return f"{self.verdict} ({self.beside}: {self.place} of what is claimed)"

    def _finding(self, name: str, value: float | None, unit: str, said: str) -> Finding:
        found, estimate = self.evidence, name == "claim_estimate"
        return Finding(
            name,
            value,
            found.ci_lower if estimate else None,
            found.ci_upper if estimate else None,
            found.n,
            unit,
            said,
            self.group,
            confidence_level=found.confidence_level,
            grade=found.grade,
            as_of=found.as_of,
        )


@dataclass(frozen=True)
class ClaimVerdict:
    """A claim, what was measured for each of its readings, or what it would take.

    Parameters
    ----------
    claim
        The claim.
    judged
        Its readings with evidence; empty where it cannot be tested here.
    why
        Why it cannot.
    unlock
        Exactly which tables and columns would unlock it.
    """

    claim: Claim
    judged: tuple[Judged, ...] = ()
    why: str = ""
    unlock: str = ""
    as_of: str | None = None

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`: of all its readings together."""
        found = {judged.verdict for judged in self.judged}
        if not found:
            return UNTESTED
        if len(found) == 1:
            return next(iter(found))
        return READING if found & {SUPPORTED, READING} else UNCLEAR

    @property
    def grade(self) -> str:
        """The weakest grade of its evidence; D where nothing was measured."""
        return max((judged.evidence.grade for judged in self.judged), default="D")

    def findings(self) -> tuple[Finding, ...]:
        """Return `claim_verdict` of the claim and, where there are several, of each reading."""
        each = [judged.verdict_finding() for judged in self.judged]
        estimates = [judged.estimate() for judged in self.judged]
        return (self._overall(), *(each if len(each) > 1 else ()), *estimates)

    def sentence(self, lang: str = "en") -> str:
        """Return the verdict in words."""
        words.check_language(lang)
        name, claim = self.claim.id, self.claim.claim
        if self.verdict == UNTESTED:
            return f"{name} cannot be tested here: {claim}. It would take {self.unlock}."
        opening = {
            SUPPORTED: f"{name} is supported here",
            CONTRADICTED: f"{name} is contradicted here",
            READING: f"{name} holds here only under a stated reading",
            UNCLEAR: f"{name} has no clear answer here",
        }[self.verdict]
        return f"{opening}: {claim}.{self._holding()}"

    def _holding(self) -> str:
        """Return under which readings it holds, where it does not under all."""
        holds = [
            self.claim.reading_words(judged.evidence.reading)
            + (f" ({judged.beside})" if judged.beside else "")
            for judged in self.judged
            if judged.verdict in {SUPPORTED, READING}
        ]
        if self.verdict == READING:
            return f" It holds read as: {'; '.join(holds)}."
        beside = next((judged.beside for judged in self.judged if judged.beside), "")
        return f" What was measured is {beside}." if beside else ""

    def _overall(self) -> Finding:
        n = max((j.evidence.n or 0 for j in self.judged), default=0)
        level = self.judged[0].evidence.confidence_level if self.judged else 0.95
        return Finding(
            "claim_verdict",
            verdict_number(self.verdict),
            None,
            None,
            n or None,
            "verdict",
            self.sentence(),
            {"claim": self.claim.id},
            confidence_level=level,
            grade=self.grade,
            as_of=self.as_of,
        )


def verdict_number(verdict: str) -> float | None:
    """Return 1 for supported, 0 for contradicted, None for everything between."""
    numbers: Mapping[str, float] = {SUPPORTED: 1.0, CONTRADICTED: 0.0}
    return numbers.get(verdict)


def _problems(evidence: Evidence) -> Iterator[str]:
    where = f"{evidence.claim}, {evidence.reading}"
    if not math.isfinite(evidence.value):
        yield f"{where}: value is {evidence.value}, must be a number: say what is lacking instead."
    low, high = evidence.ci_lower, evidence.ci_upper
    if math.isnan(low) != math.isnan(high):
        yield f"{where}: one end of the interval is missing, must be both or neither."
    if low > evidence.value or high < evidence.value:
        yield f"{where}: lower, value, upper = {low, evidence.value, high}, must be in order."
    if evidence.grade not in GRADES:
        yield f"{where}: grade is {evidence.grade!r}, must be one of {', '.join(GRADES)}."
