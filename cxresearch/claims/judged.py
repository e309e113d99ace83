"""One reading of a claim beside what was measured: what it says of the claim, and why."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cxresearch import _format as words
from cxresearch._language import mark, term, tr
from cxresearch.claims._register_rules import SIGNS
from cxresearch.claims.measured import Evidence
from cxresearch.claims.register import Claim
from cxresearch.findings import Finding

SUPPORTED: Final = mark("supported")
CONTRADICTED: Final = mark("contradicted")
READING: Final = mark("only under a stated reading")
UNCLEAR: Final = mark("no clear answer")
UNTESTED: Final = mark("not testable here")
VERDICTS: Final = (SUPPORTED, CONTRADICTED, READING, UNCLEAR, UNTESTED)
BEHAVIOUR: Final = mark("behaviour, where the claim is what people say")
ASSOCIATION: Final = mark("what goes together, where the claim is that one brings the other about")
_SAYS: Final = ("intention", "opinion")
_CAUSAL: Final = ("A", "B")


@dataclass(frozen=True)
class Judged:
    """One reading of a claim and what was measured for it."""

    claim: Claim
    evidence: Evidence

    @property
    def beside(self) -> str:
        """In what the evidence is of another kind than the claim; empty where of the same.

        To be said by `term`.

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
        if self.verdict != READING or not self.evidence.only_if:
            return ""
        return tr(" (only if {condition})", condition=self.evidence.only_if)

    @property
    def place(self) -> str:
        """Where the interval lies, in words: inside or outside of what is claimed, or across."""
        if self.inside is None:
            return tr("across the edge")
        return tr("inside") if self.inside else tr("outside")

    @property
    def short_verdict(self) -> str:
        """The verdict in a few words, for a figure: `contradicted`, `as behaviour: outside`."""
        if not self.beside:
            return term(self.verdict)
        return tr("{kind}: {place}", kind=self.kind, place=self.place)

    @property
    def kind(self) -> str:
        """As what it was measured, in two words; empty where it is of the kind that is claimed."""
        if not self.beside:
            return ""
        return tr("as behaviour") if self.beside == BEHAVIOUR else tr("as association")

    @property
    def read(self) -> str:
        """The reading, in words."""
        return self.claim.reading_words(self.evidence.reading)

    @property
    def short(self) -> str:
        """The reading, in a few words."""
        return self.claim.short_words(self.evidence.reading)

    @property
    def read_beside(self) -> str:
        """The reading, with what it takes that the claim holds in it."""
        return self.read + (tr(" ({what})", what=term(self.beside)) if self.beside else self.taking)

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
        said = {
            "claim": self.claim.id,
            "reading": self.read,
            "measured": found.measured_words,
            "noted": self._noted(),
            "number": self.claim.number_words,
        }
        if self.beside:
            sentence = tr(
                "{claim}, {reading}: {measured} ({noted}); measured is {beside}; claimed is "
                "{number}.",
                **said,
                beside=term(self.beside),
            )
        else:
            sentence = tr("{claim}, {reading}: {measured} ({noted}); claimed is {number}.", **said)
        return self._finding("claim_estimate", found.value, found.unit, sentence)

    def _noted(self) -> str:
        if self.evidence.unsure:
            return tr("too little was measured for an interval")
        if not self.evidence.uncertain:
            return tr("stated or entered, without an interval")
        level = words.level_words(self.evidence.confidence_level)
        return tr("{level} interval", level=level)

    def verdict_finding(self) -> Finding:
        """Return `claim_verdict` of this reading."""
        said = tr(
            "{claim}, {reading}: {verdict}.",
            claim=self.claim.id,
            reading=self.read,
            verdict=self.verdict_words,
        )
        return self._finding("claim_verdict", verdict_number(self.verdict), "verdict", said)

    @property
    def verdict_words(self) -> str:
        """The verdict, and where the evidence is of another kind, what it is."""
        if not self.beside:
            return f"{term(self.verdict)}{self.taking}"
        return tr(
            "{verdict} ({beside}: {place} of what is claimed)",
            verdict=term(self.verdict),
            beside=term(self.beside),
            place=self.place,
        )

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


def verdict_number(verdict: str) -> float | None:
    """Return 1 for supported, 0 for contradicted, None for everything between."""
    numbers: Mapping[str, float] = {SUPPORTED: 1.0, CONTRADICTED: 0.0}
    return numbers.get(verdict)
