"""All claims with their verdicts on one extract: tables, the answer first, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch.claims._text_table import TextTable
from cxresearch.claims.verdict import (
    CONTRADICTED,
    READING,
    SUPPORTED,
    UNCLEAR,
    UNTESTED,
    VERDICTS,
    ClaimVerdict,
    Judged,
)
from cxresearch.findings import Finding

VERDICT_WORDS: Final = {
    SUPPORTED: "supported",
    CONTRADICTED: "contradicted",
    READING: "true only under a stated reading",
    UNCLEAR: "without a clear answer",
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
                v.claim.claim,
                v.claim.number_words,
                v.verdict,
                v.grade if v.judged else "",
            )
            for v in self.verdicts
        ]
        return pd.DataFrame(rows, columns=["id", "claim", "claimed", "verdict", "grade"])

    @property
    def tested(self) -> TextTable:
        """One row per claim and reading that was tested: claimed, measured, verdict, grade."""
        rows = [
            (
                j.claim.id,
                j.claim.reading_words(j.evidence.reading),
                j.claim.number_words,
                j.evidence.measured_words,
                j.verdict,
                j.kind_words,
                j.evidence.grade,
            )
            for j in self.judged
        ]
        columns = ["id", "read as", "claimed", "measured here", "verdict", "evidence", "grade"]
        return TextTable(pd.DataFrame(rows, columns=columns), self.sentence())

    @property
    def unlocks(self) -> TextTable:
        """One row per claim that cannot be tested here: why, and what would unlock it."""
        rows = [(v.claim.id, v.claim.claim, v.why, v.unlock) for v in self.of(UNTESTED)]
        frame = pd.DataFrame(rows, columns=["id", "claim", "why not here", "would take"])
        return TextTable(frame, f"{len(rows)} claims cannot be tested here.")

    @property
    def definitions(self) -> TextTable:
        """One row per definition of what was counted, and the claims it was counted for."""
        frame = pd.DataFrame(
            [(j.claim.id, j.evidence.definition) for j in self.judged],
            columns=["claims", "what was counted"],
        )
        joined = frame.groupby("what was counted", sort=False)["claims"].agg(_joined).reset_index()
        return TextTable(joined[["claims", "what was counted"]], self.sentence())

    def sentence(self, lang: str = "en") -> str:
        """Return how many claims could be tested, and how they did."""
        words.check_language(lang)
        tested = len(self) - len(self.of(UNTESTED))
        if not tested:
            return f"Of the {len(self)} claims of the register, 0 can be tested on these data."
        parts = [f"{len(self.of(v))} {VERDICT_WORDS[v]}" for v in VERDICTS if v != UNTESTED]
        return (
            f"Of the {len(self)} claims of the register, {tested} can be tested on these data: "
            f"{words.and_list(parts)}."
        )

    def answer(self) -> tuple[Finding, ...]:
        """Return how many claims could be tested, and how many there are of each verdict."""
        tested = len(self) - len(self.of(UNTESTED))
        each = [self._count(v, len(self.of(v))) for v in VERDICTS]
        return (self._counted("claims_tested", tested, self.sentence(), {}), *each)

    def findings(self) -> tuple[Finding, ...]:
        """Return the verdict on every claim, and each estimate."""
        return tuple(found for verdict in self.verdicts for found in verdict.findings())

    def _count(self, verdict: str, count: int) -> Finding:
        named = "; ".join(f"{v.claim.id}, {v.claim.claim}" for v in self.of(verdict))
        if verdict == UNTESTED and count:
            named = f"{count} claims; below stands what would unlock each"
        said = f"{verdict.capitalize()}: {named or 'no claim'}."
        return self._counted("claims_by_verdict", count, said, {"verdict": verdict})

    def _counted(self, name: str, count: int, said: str, group: dict[str, str]) -> Finding:
        return Finding(
            name, count, count, count, len(self), "claims", said, group, as_of=self.as_of
        )


def _joined(ids: pd.Series[str]) -> str:
    return words.and_list(dict.fromkeys(ids))
