"""All claims with their verdicts on one extract: tables, the answer first, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table, html_table
from cxresearch._language import mark, speaking, term, tr, trn
from cxresearch.claims._text_table import TextTable, by_text
from cxresearch.claims.judged import (
    CONTRADICTED,
    READING,
    SUPPORTED,
    UNCLEAR,
    UNTESTED,
    VERDICTS,
    Judged,
)
from cxresearch.claims.verdict import ClaimVerdict
from cxresearch.findings import Finding

VERDICT_WORDS: Final = {
    SUPPORTED: mark("supported"),
    CONTRADICTED: mark("contradicted"),
    READING: mark("true only under a stated reading"),
    UNCLEAR: mark("without a clear answer"),
}


@dataclass(frozen=True, eq=False)
class ClaimVerdicts(Table):
    """Every claim of the register with its verdict on one extract.

    Parameters
    ----------
    verdicts
        One per claim, in the order of the register.
    measured_on
        Name of the extract.
    as_of
        ISO date up to which the data are complete.
    """

    verdicts: tuple[ClaimVerdict, ...]
    measured_on: str
    as_of: str | None = None

    def __iter__(self) -> Iterator[ClaimVerdict]:
        return iter(self.verdicts)

    def __len__(self) -> int:
        return len(self.verdicts)

    def __getitem__(self, claim: str) -> ClaimVerdict:
        """Return the verdict on a claim by its id."""
        return next(verdict for verdict in self.verdicts if verdict.claim.id == claim)

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Each reading of each claim that was tested."""
        return tuple(judged for verdict in self.verdicts for judged in verdict.judged)

    @property
    def with_number(self) -> tuple[Judged, ...]:
        """Those of the tested readings in which a share is claimed."""
        shares = (j for j in self.judged if j.evidence.unit == "share")
        return tuple(j for j in shares if j.claim.number is not None)

    @property
    def with_direction(self) -> tuple[Judged, ...]:
        """Those of the tested readings in which only a direction is claimed."""
        return tuple(j for j in self.judged if j.direction is not None)

    def of(self, verdict: str) -> tuple[ClaimVerdict, ...]:
        """Return the claims with one of the `VERDICTS`."""
        return tuple(v for v in self.verdicts if v.verdict == verdict)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per claim with its verdict."""
        rows = [
            (
                v.claim.id,
                v.claim.said,
                v.claim.number_words,
                term(v.verdict),
                v.grade if v.judged else "",
            )
            for v in self.verdicts
        ]
        return pd.DataFrame(rows, columns=["id", "claim", "claimed", "verdict", "grade"])

    def _repr_html_(self) -> str:
        """Show each claim beside its verdict; two columns, so that a phone has room for both."""
        rows = [
            (tr("{name}: {claim}", name=v.claim.id, claim=v.claim.said), _graded(v))
            for v in self.verdicts
        ]
        return html_table(pd.DataFrame(rows, columns=["claim", "verdict, grade"]))

    @property
    def tested(self) -> TextTable:
        """One row per claim and reading that was tested: claimed, measured, verdict, grade."""
        rows = [
            (
                tr(
                    "{claim}, {number}: {reading}",
                    claim=j.claim.id,
                    number=j.claim.number_words,
                    reading=j.read,
                ),
                j.evidence.measured_words,
                tr("{verdict}, {grade}", verdict=j.short_verdict, grade=j.evidence.grade),
            )
            for j in self.judged
        ]
        columns = ["claimed, and read as", "measured here", "verdict, grade"]
        return TextTable(pd.DataFrame(rows, columns=columns), self.sentence())

    @property
    def unlocks(self) -> TextTable:
        """One row for all claims that lack the same: why they cannot be tested, and what lacks."""
        rows = [(v.claim.id, _why_and_unlock(v)) for v in self.of(UNTESTED)]
        frame = by_text(rows, "why not here, and what it would take")
        return TextTable(frame, tr("{n} claims cannot be tested here.", n=len(rows)))

    @property
    def definitions(self) -> TextTable:
        """One row per definition of what was counted, and the claims it was counted for."""
        rows = [(j.claim.id, j.evidence.definition) for j in self.judged]
        return TextTable(by_text(rows, "what was counted"), self.sentence())

    def sentence(self, lang: str | None = None) -> str:
        """Return how many claims could be tested, and how they did."""
        with speaking(lang):
            tested = len(self) - len(self.of(UNTESTED))
            if not tested:
                return tr(
                    "Of the {n} claims of the register, 0 can be tested on these data.",
                    n=len(self),
                )
            parts = [
                tr("{n} {verdict}", n=len(self.of(v)), verdict=term(VERDICT_WORDS[v]))
                for v in VERDICTS
                if v != UNTESTED
            ]
            return tr(
                "Of the {n} claims of the register, {tested} can be tested on these data: "
                "{verdicts}.",
                n=len(self),
                tested=tested,
                verdicts=words.and_list(parts),
            )

    def answer(self) -> tuple[Finding, ...]:
        """Return how many claims could be tested, and how many there are of each verdict."""
        tested = len(self) - len(self.of(UNTESTED))
        each = [self._count(v, len(self.of(v))) for v in VERDICTS]
        first = self._counted("claims_tested", tested, self.sentence(), {})
        return (first, *each, *self._by_chance())

    def findings(self) -> tuple[Finding, ...]:
        """Return the verdict on every claim, and each estimate."""
        return tuple(found for verdict in self.verdicts for found in verdict.findings())

    def _count(self, verdict: str, count: int) -> Finding:
        named = tr("; ").join(
            tr("{name}, {claim}{short}", name=v.claim.id, claim=v.claim.said, short=v.in_short)
            for v in self.of(verdict)
        )
        if verdict == UNTESTED and count:
            named = tr("{n} claims; below stands what would unlock each", n=count)
        said = tr(
            "{Verdict}: {claims}.",
            Verdict=words.sentence_start(term(verdict)),
            claims=named or tr("no claim"),
        )
        return self._counted("claims_by_verdict", count, said, {"verdict": verdict})

    def _by_chance(self) -> Iterator[Finding]:
        """Yield how many of the different intervals miss by chance, where it is at least one."""
        uncertain = [j.evidence for j in self.judged if j.evidence.uncertain]
        different = len({(e.value, e.ci_lower, e.ci_upper) for e in uncertain})
        missed = different * (1 - uncertain[0].confidence_level) if uncertain else 0.0
        if missed < 1:
            return
        said = trn(
            "The verdicts rest on {different} different intervals at {level}, of which about "
            "{missed} misses the truth by chance.",
            "The verdicts rest on {different} different intervals at {level}, of which about "
            "{missed} miss the truth by chance.",
            round(missed),
            different=different,
            level=words.percent(uncertain[0].confidence_level),
            missed=words.number(missed),
        )
        yield Finding(
            "intervals_missed", missed, missed, missed, different, "intervals", said, {},
            as_of=self.as_of,
        )  # fmt: skip

    def _counted(self, name: str, count: int, said: str, group: dict[str, str]) -> Finding:
        return Finding(
            name, count, count, count, len(self), "claims", said, group, as_of=self.as_of
        )


def _graded(verdict: ClaimVerdict) -> str:
    said = f"{term(verdict.verdict)}{verdict.in_short}"
    if not verdict.judged:
        return said
    return tr("{verdict}, {grade}", verdict=said, grade=verdict.grade)


def _why_and_unlock(verdict: ClaimVerdict) -> str:
    if not (verdict.why and verdict.unlock):
        return verdict.why or verdict.unlock
    return tr("{why}: {unlock}", why=verdict.why, unlock=verdict.unlock)
