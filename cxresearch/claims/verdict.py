"""A claim beside all that was measured for it: supported, contradicted, or neither, and why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from cxresearch import _format as words
from cxresearch._language import speaking, term, tr
from cxresearch.claims.judged import (
    CONTRADICTED,
    READING,
    SUPPORTED,
    UNCLEAR,
    UNTESTED,
    Judged,
    verdict_number,
)
from cxresearch.claims.register import Claim
from cxresearch.findings import Finding


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
            if self.verdict == UNTESTED:
                return self._untestable()
            return words.sentences([self._opening(), *self._holding()])

    def _untestable(self) -> str:
        said = {"name": self.claim.id, "claim": self.claim.said}
        if self.unlock:
            return tr(
                "{name} cannot be tested here: {claim}. It would take {unlock}.",
                **said,
                unlock=self.unlock,
            )
        why = words.sentence_start(self.why.rstrip(".。"))
        return tr("{name} cannot be tested here: {claim}. {Why}.", **said, Why=why)

    def _opening(self) -> str:
        said = {"name": self.claim.id, "claim": self.claim.said}
        if self.verdict == SUPPORTED:
            return tr("{name} is supported here: {claim}.", **said)
        if self.verdict == CONTRADICTED:
            return tr("{name} is contradicted here: {claim}.", **said)
        if self.verdict == READING:
            return tr("{name} holds here only under a stated reading: {claim}.", **said)
        return tr("{name} has no clear answer here: {claim}.", **said)

    @property
    def held(self) -> tuple[Judged, ...]:
        """The readings under which it holds."""
        return tuple(judged for judged in self.judged if judged.verdict in {SUPPORTED, READING})

    @property
    def in_short(self) -> str:
        """Under what it holds, or as what all of it lies outside, in a few words for a list."""
        if self.verdict == UNCLEAR and all(j.beside and j.inside is False for j in self.judged):
            return tr(" ({what})", what=self.judged[0].short_verdict)
        if self.verdict != READING:
            return ""
        all_hold = len(self.held) == len(self.claim.readings)
        names = [] if all_hold else [judged.short for judged in self.held]
        kinds = dict.fromkeys(judged.kind for judged in self.held if judged.kind)
        return tr(" ({what})", what=tr("; ").join([*names, *kinds]))

    @property
    def untested(self) -> tuple[str, ...]:
        """The readings for which nothing could be measured, in words; none where none could."""
        tested = {judged.evidence.reading for judged in self.judged}
        readings = self.claim.readings.items() if tested else ()
        return tuple(term(reading.words) for name, reading in readings if name not in tested)

    def _holding(self) -> Iterator[str]:
        """Yield under which readings it holds and under which not, where they disagree."""
        mixed = self.verdict in {READING, UNCLEAR}
        against = [judged.read for judged in self.judged if judged.verdict == CONTRADICTED]
        beside = next((judged.beside for judged in self.judged if judged.beside), "")
        if self.verdict == READING:
            holds = tr("; ").join(judged.read_beside for judged in self.held)
            yield tr("It holds read as: {readings}.", readings=holds)
        elif beside:
            yield tr("What was measured is {beside}.", beside=term(beside))
        if against and mixed:
            yield tr("It is contradicted read as: {readings}.", readings=tr("; ").join(against))
        if self.untested:
            untested = tr("; ").join(self.untested)
            yield tr("It could not be tested read as: {readings}.", readings=untested)

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
