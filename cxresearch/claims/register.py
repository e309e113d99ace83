"""The register of published claims: what is claimed, how it can be read, and where it is from."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, NamedTuple

import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._html import Table, html_table
from cxresearch._language import speaking, term, tr
from cxresearch.claims._register_rules import register_problems
from cxresearch.claims._text_table import TextTable, by_text
from cxresearch.errors import CxError

DEFAULT_TOLERANCE: Final = 0.05


class Reading(NamedTuple):
    """One way to read a claim: in words, and in short for a figure."""

    words: str
    short: str


@dataclass(frozen=True)
class Claim:
    """One published claim, in the project's own words.

    Parameters
    ----------
    id, seed
        The claim's number, and the file in which it stands.
    claim, population
        What is claimed, and of whom.
    relation, number, number_to, tolerance
        What is claimed of the number: `RELATIONS`. Shares are 0-1; "equals" is within
        `tolerance` of it, "between" runs to `number_to`.
    asserts
        What kind of claim it is: `ASSERTS`. What people say is not decided by what they do, nor
        a cause by an association.
    estimand
        What would have to be measured.
    readings
        Ways to read it that give different answers, by their id.
    needs, beyond
        Capabilities or columns of the contract that a test takes ("a | b": either does), and what
        no table of the contract holds.
    tests
        Names of the tests that look at it.
    provenance, misquotation, standing
        Where it comes from, what went wrong on the way, and how well that is known: `STANDINGS`.
    """

    id: str
    seed: str
    claim: str
    relation: str
    population: str
    asserts: str
    estimand: str
    provenance: str
    standing: str
    number: float | None = None
    number_to: float | None = None
    tolerance: float = DEFAULT_TOLERANCE
    unit: str = "share"
    readings: Mapping[str, Reading] = field(default_factory=dict)
    needs: tuple[str, ...] = ()
    beyond: str = ""
    tests: tuple[str, ...] = ()
    misquotation: str = ""

    @property
    def region(self) -> tuple[float, float] | None:
        """The values for which the claim holds; None where no value could contradict it."""
        low, high = self.number, self.number_to
        span = {"positive": (0.0, float("inf")), "negative": (float("-inf"), 0.0)}
        if self.relation in span or low is None:
            return span.get(self.relation)
        if self.relation == "equals":
            return low - self.tolerance, low + self.tolerance
        if self.relation == "between" and high is not None:
            return low, high
        ends = {"at_least": (low, float("inf")), "at_most": (float("-inf"), low)}
        return ends.get(self.relation)

    @property
    def number_words(self) -> str:
        """What is claimed of the number: `at least 25 %`, `above 0`."""
        sign = {"positive": tr("above 0"), "negative": tr("below 0")}.get(self.relation)
        if sign or self.number is None:
            return sign or words.MISSING
        low = self._number(self.number)
        if self.number_to is not None:
            least = words.number(100 * self.number)
            return tr("{low} to {high}", low=least, high=self._number(self.number_to))
        if self.relation == "at_least":
            return tr("at least {number}", number=low)
        return tr("at most {number}", number=low) if self.relation == "at_most" else low

    @property
    def said(self) -> str:
        """What is claimed, in the language spoken."""
        return term(self.claim)

    def reading_words(self, reading: str) -> str:
        """Return a reading in words."""
        return term(self.readings[reading].words)

    def short_words(self, reading: str) -> str:
        """Return a reading in a few words, for a figure."""
        return term(self.readings[reading].short)

    def _number(self, value: float) -> str:
        return words.percent(value) if self.unit == "share" else words.number(value)


@dataclass(frozen=True)
class Figure:
    """One of several numbers that are claimed of the same thing."""

    who: str
    words: str
    number: float

    @property
    def said(self) -> tuple[str, str, str]:
        """Who claims it, of what, and the number, in the language spoken."""
        return term(self.who), term(self.words), words.percent(self.number)


@dataclass(frozen=True)
class Contradiction:
    """Where the claims contradict each other; `figures` may be empty where no number does."""

    topic: str
    said: str
    figures: tuple[Figure, ...]

    @property
    def claimed(self) -> str:
        """Who claims which number: `S0-1 after one: 17 %; …`."""
        said = [
            tr("{who} {what}: {share}", who=who, what=what, share=share)
            for who, what, share in (figure.said for figure in self.figures)
        ]
        return tr("; ").join(said) or words.MISSING


@dataclass(frozen=True, eq=False)
class Register(Table):
    """All claims and where they contradict each other: iterate, or take one by its id."""

    claims: tuple[Claim, ...]
    contradictions: tuple[Contradiction, ...] = ()

    def __iter__(self) -> Iterator[Claim]:
        return iter(self.claims)

    def __len__(self) -> int:
        return len(self.claims)

    def __getitem__(self, claim: str) -> Claim:
        """Return a claim by its id.

        Raises
        ------
        CxError
            When there is no such claim.
        """
        found = {c.id: c for c in self.claims}
        if claim not in found:
            raise CxError(unknown("claim", claim, list(found)))
        return found[claim]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per claim: where it comes from and what went wrong on the way."""
        columns = ["id", "claim", "population", "provenance", "misquotation", "standing"]
        rows = [[term(getattr(c, name)) for name in columns] for c in self.claims]
        return pd.DataFrame(rows, columns=columns)

    def _repr_html_(self) -> str:
        """Show the sources, with all claims of which the same is known in one row."""
        rows = [(c.id, _source_words(c)) for c in self.claims]
        return html_table(by_text(rows, "source, and what was lost"))

    @property
    def contradicting(self) -> TextTable:
        """One row per contradiction: who claims what, and what to make of it."""
        rows = [(term(gap.topic), gap.claimed, term(gap.said)) for gap in self.contradictions]
        frame = pd.DataFrame(rows, columns=["topic", "claimed", "what to make of it"])
        said = tr("The claims contradict each other in {n} places.", n=len(rows))
        return TextTable(frame, said)

    def sentence(self, lang: str | None = None) -> str:
        """Return how many claims there are, and how many have a source that was found."""
        with speaking(lang):
            known = sum(c.standing in {"read", "reported"} for c in self.claims)
            wrong = sum(bool(c.misquotation) for c in self.claims)
            return tr(
                "The register holds {n} claims. For {known} of them a source was found; for "
                "{wrong} something was lost or turned on the way.",
                n=len(self),
                known=known,
                wrong=wrong,
            )


def _source_words(claim: Claim) -> str:
    """Return how well the source is known, what it says, what was lost, and of whom."""
    standing = words.sentence_start(term(claim.standing))
    return words.sentences(
        [
            tr("{standing}.", standing=standing),
            term(claim.provenance),
            term(claim.misquotation),
            tr("Said of {population}.", population=term(claim.population)),
        ]
    )


@cache
def claims_register() -> Register:
    """Return the register that comes with the package."""
    text = files("cxresearch.claims").joinpath("claims.toml").read_text(encoding="utf-8")
    return parse_register(text)


def read_register(path: str | Path) -> Register:
    """Return a register of one's own, written as the package's `claims.toml` is.

    Raises
    ------
    CxError
        As `parse_register`.
    """
    return parse_register(Path(path).read_text(encoding="utf-8"))


def parse_register(text: str) -> Register:
    """Return the register that a TOML text describes.

    Raises
    ------
    CxError
        Naming everything that is wrong with it at once.
    """
    try:
        content = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CxError(f"The register is no TOML: {error}. Mend that line.") from None
    rows, gaps = content.get("claim", []), content.get("contradiction", [])
    problems = register_problems(content)
    if problems:
        raise CxError(problems)
    claims = tuple(_claim(row) for row in rows)
    numbers = {c.id: c.number for c in claims}
    return Register(claims, tuple(_contradiction(gap, numbers) for gap in gaps))


def _claim(row: Mapping[str, Any]) -> Claim:
    lists = {name: tuple(row.get(name, ())) for name in ("needs", "tests")}
    readings = {r["id"]: Reading(r["words"], r["short"]) for r in row.get("readings", ())}
    return Claim(**{**row, **lists, "readings": readings})


def _contradiction(gap: Mapping[str, Any], numbers: Mapping[str, float | None]) -> Contradiction:
    figures = [
        Figure(f.get("claim") or f["who"], f["words"], _figure_number(f, numbers))
        for f in gap["figures"]
    ]
    return Contradiction(gap["topic"], gap["said"], tuple(figures))


def _figure_number(figure: Mapping[str, Any], numbers: Mapping[str, float | None]) -> float:
    number = numbers[figure["claim"]] if "claim" in figure else figure["number"]
    return float(number or 0.0)
