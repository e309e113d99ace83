"""A claim beside what was measured: supported, contradicted, or neither, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cxresearch import _format as words
from cxresearch._language import speaking
from cxresearch.claims._register_rules import SIGNS
from cxresearch.claims.measured import Evidence
from cxresearch.claims.register import Claim
from cxresearch.findings import Finding

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
        if region is None or self.evidence.unsure:
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
        if self.inside and self.evidence.only_if:
            return READING
        return SUPPORTED if self.inside else CONTRADICTED

    @property
    def taking(self) -> str:
        """What it takes that the claim holds, to stand behind the reading; empty for nothing."""
        return (
            f" (only if {self.evidence.only_if})"
            if self.verdict == READING and self.evidence.only_if
            else ""
        )

    @property
    def place(self) -> str:
        """Where the interval lies, in words: inside or outside of what is claimed, or across."""
        return {True: "inside", False: "outside", None: "across the edge"}[self.inside]

    @property
    def short_verdict(self) -> str:
        """The verdict in a few words, for a figure: `contradicted`, `as behaviour: outside`."""
        if not self.beside:
            return self.verdict
        return f"{self.kind}: {self.place}"

    @property
    def kind(self) -> str:
        """As what it was measured, in two words; empty where it is of the kind that is claimed."""
        if not self.beside:
            return ""
        return "as behaviour" if self.beside == BEHAVIOUR else "as association"

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
        far = max(abs(x) for x in ends if math.isfinite(x)) or 1.0
        value, *edges = (max(-1.0, min(1.0, sign * x / far)) for x in ends)
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
        if found.unsure:
            noted = "too little was measured for an interval"
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
            return f"{self.verdict}{self.taking}"
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
        Exactly which tables and columns would unlock it; empty where `why` says so already.
    """

    claim: Claim
    judged: tuple[Judged, ...] = ()
    why: str = ""
    unlock: str = ""
    as_of: str | None = None

    @property
    def verdict(self) -> str:
        """One of `VERDICTS`: of all its readings together; supported takes all of them."""
        found = {judged.verdict for judged in self.judged}
        if not found:
            return UNTESTED
        if len(found) == 1 and not (self.untested and found == {SUPPORTED}):
            return next(iter(found))
        return READING if found & {SUPPORTED, READING} else UNCLEAR

    @property
    def grade(self) -> str:
        """The weakest grade of its evidence; D where nothing was measured."""
        return max((judged.evidence.grade for judged in self.judged), default="D")

    def findings(self) -> tuple[Finding, ...]:
        """Return `claim_verdict` of the claim and of each reading, and each `claim_estimate`."""
        each = [judged.verdict_finding() for judged in self.judged]
        estimates = [judged.estimate() for judged in self.judged]
        return (self._overall(), *each, *estimates)

    def sentence(self, lang: str | None = None) -> str:
        """Return the verdict in words."""
        with speaking(lang):
            name, claim = self.claim.id, self.claim.claim
            if self.verdict == UNTESTED:
                why = f"It would take {self.unlock}" if self.unlock else self.why.rstrip(".")
                return f"{name} cannot be tested here: {claim}. {why[:1].upper()}{why[1:]}."
            opening = {
                SUPPORTED: f"{name} is supported here",
                CONTRADICTED: f"{name} is contradicted here",
                READING: f"{name} holds here only under a stated reading",
                UNCLEAR: f"{name} has no clear answer here",
            }[self.verdict]
            return f"{opening}: {claim}.{self._holding()}"

    @property
    def held(self) -> tuple[Judged, ...]:
        """The readings under which it holds."""
        return tuple(judged for judged in self.judged if judged.verdict in {SUPPORTED, READING})

    @property
    def in_short(self) -> str:
        """Under what it holds, or as what all of it lies outside, in a few words for a list."""
        if self.verdict == UNCLEAR and all(j.beside and j.inside is False for j in self.judged):
            return f" ({self.judged[0].short_verdict})"
        if self.verdict != READING:
            return ""
        all_hold = len(self.held) == len(self.claim.readings)
        names = [] if all_hold else [self._short(judged) for judged in self.held]
        kinds = dict.fromkeys(judged.kind for judged in self.held if judged.kind)
        return f" ({'; '.join([*names, *kinds])})"

    @property
    def untested(self) -> tuple[str, ...]:
        """The readings for which nothing could be measured, in words; none where none could."""
        tested = {judged.evidence.reading for judged in self.judged}
        readings = self.claim.readings.items() if tested else ()
        return tuple(reading.words for name, reading in readings if name not in tested)

    def _short(self, judged: Judged) -> str:
        return self.claim.readings[judged.evidence.reading].short

    def _holding(self) -> str:
        """Return under which readings it holds and under which not, where they disagree."""
        mixed = self.verdict in {READING, UNCLEAR}
        holds = [
            self.claim.reading_words(judged.evidence.reading)
            + (f" ({judged.beside})" if judged.beside else judged.taking)
            for judged in self.held
        ]
        against = [
            self.claim.reading_words(judged.evidence.reading)
            for judged in self.judged
            if judged.verdict == CONTRADICTED
        ]
        said = f" It holds read as: {'; '.join(holds)}." if self.verdict == READING else ""
        beside = next((judged.beside for judged in self.judged if judged.beside), "")
        said += f" What was measured is {beside}." if beside and not said else ""
        said += f" It is contradicted read as: {'; '.join(against)}." if against and mixed else ""
        return said + (
            f" It could not be tested read as: {'; '.join(self.untested)}." if self.untested else ""
        )

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
