"""The brief: at most seven sentences that matter, what changed, and what is still open."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import html_table
from cxresearch._language import speaking, term, tr, trn
from cxresearch.brief.changes import Change, change_between
from cxresearch.brief.questions import QUESTIONS, Question, answer, level
from cxresearch.brief.run import Run, Told
from cxresearch.findings import Finding, grade_html

VERDICTS, TESTED = "claims_by_verdict", "claims_tested"
REGISTER = "13_claims_register"


@dataclass(frozen=True)
class Answers:
    """The sentences that matter, one per question, each with its grade and its place."""

    told: tuple[tuple[Question, Told], ...]

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings behind the sentences."""
        return tuple(told.finding for _, told in self.told)

    def sentence(self, lang: str | None = None) -> str:
        """Return all of them in one text."""
        with speaking(lang):
            return words.sentences(told.finding.sentence for _, told in self.told)

    def to_frame(self) -> pd.DataFrame:
        """Return question, answer and grade, a row each."""
        rows = [
            {"question": term(q.words), "answer": t.finding.sentence, "grade": t.finding.grade}
            for q, t in self.told
        ]
        return pd.DataFrame(rows, columns=["question", "answer", "grade"])

    def _repr_html_(self) -> str:
        items = "".join(_item(question, told) for question, told in self.told)
        return f'<ol class="cx-brief">{items}</ol>'


@dataclass(frozen=True)
class Changes:
    """What changed since another run, one row per question that both answer."""

    changes: tuple[tuple[Question, Change], ...]

    def sentence(self, lang: str | None = None) -> str:
        """Return how many of the answers changed clearly."""
        with speaking(lang):
            if not self.changes:
                return tr("There is no earlier run to compare with.")
            clear = sum(change.clear for _, change in self.changes)
            return trn(
                "Of {all} answer that both runs give, {clear} changed clearly.",
                "Of {all} answers that both runs give, {clear} changed clearly.",
                len(self.changes),
                all=words.number(len(self.changes)),
                clear=words.number(clear),
            )

    def to_frame(self) -> pd.DataFrame:
        """Return question, what changed, and the answer before."""
        rows = [
            {
                "question": term(question.words),
                "change": change.sentence(),
                "before": change.before.sentence,
            }
            for question, change in self.changes
        ]
        return pd.DataFrame(rows, columns=["question", "change", "before"])

    def _repr_html_(self) -> str:
        said = f"<p>{escape(self.sentence())}</p>"
        return said + html_table(self.to_frame()) if self.changes else said


@dataclass(frozen=True)
class Open:
    """Questions that the run does not answer, and what it would take."""

    rows: tuple[tuple[str, str], ...]

    def sentence(self, lang: str | None = None) -> str:
        """Return how many questions are open."""
        with speaking(lang):
            if not self.rows:
                return tr("Every question of the brief has its answer in this run.")
            n = len(self.rows)
            return trn("{n} question is open.", "{n} questions are open.", n, n=words.number(n))

    def to_frame(self) -> pd.DataFrame:
        """Return the question or the report, and what it would take."""
        return pd.DataFrame(list(self.rows), columns=["open", "it would take"])

    def _repr_html_(self) -> str:
        return html_table(self.to_frame()) if self.rows else f"<p>{escape(self.sentence())}</p>"


@dataclass(frozen=True)
class Claims:
    """How the claims of the register stand: what was tested, and a row per verdict."""

    tested: tuple[Finding, ...]
    by_verdict: tuple[Finding, ...]

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings behind the table."""
        return (*self.tested, *self.by_verdict)

    def sentence(self, lang: str | None = None) -> str:
        """Return how many claims could be tested, and how they came out."""
        with speaking(lang):
            said = words.sentences(finding.sentence for finding in self.tested)
            return said or tr("The register of claims is not in this run.")

    def to_frame(self) -> pd.DataFrame:
        """Return a row per verdict: how many claims, and which."""
        rows = [{"how many": f.value, "which": f.sentence} for f in self.by_verdict]
        return pd.DataFrame(rows, columns=["how many", "which"])

    def _repr_html_(self) -> str:
        said = f"<p>{escape(self.sentence())}</p>"
        return said + html_table(self.to_frame()) if self.by_verdict else said


def brief_answers(run: Run) -> Answers:
    """Return for each question of leadership the finding that answers it.

    Parameters
    ----------
    run
        As `read_run` gives it.

    Returns
    -------
    Answers
        At most seven, in the order of the questions; a question that the run does not answer is
        left to `brief_open`.
    """
    found = [(question, answer(question, run)) for question in QUESTIONS]
    return Answers(tuple((question, told) for question, told in found if told is not None))


def brief_changes(run: Run, before: Run | None) -> Changes:
    """Return what changed since an earlier run.

    Parameters
    ----------
    run, before
        As `read_run` gives them; None where there is no earlier one.

    Returns
    -------
    Changes
        One for each question that both runs answer; each difference has an interval at the level
        of the two findings, in their unit.
    """
    if before is None:
        return Changes(())
    pairs = [(question, level(question, run), level(question, before)) for question in QUESTIONS]
    return Changes(
        tuple(
            (question, change_between(now.finding, then.finding))
            for question, now, then in pairs
            if now is not None and then is not None
        )
    )


def brief_open(run: Run) -> Open:
    """Return what a run leaves open.

    Parameters
    ----------
    run
        As `read_run` gives it.

    Returns
    -------
    Open
        Pairs of words: questions without an answer, what reports could not show, and reports
        that failed, each with what it would take.
    """
    rows = []
    for question in QUESTIONS:
        if answer(question, run) is not None:
            continue
        said = run.not_shown_in(question.notebook)
        rows.append((term(question.words), words.sentences(said) or _cure(question, run)))
    answered = {text for _, text in rows}
    for report, texts in run.not_shown.items():
        rows += [(report, text) for text in texts if text not in " ".join(answered)]
    rows += [(report, tr("the cause mended: the report failed")) for report in run.failed]
    return Open(tuple(rows))


def _cure(question: Question, run: Run) -> str:
    if run.of(question.notebook):
        return tr(
            "more data: the report {report} could not say it of all customers",
            report=question.notebook,
        )
    return tr("the report {report}, which this run does not hold", report=question.notebook)


def brief_claims(run: Run) -> Claims:
    """Return how the claims of the register stand, as its report found it.

    Parameters
    ----------
    run
        As `read_run` gives it.

    Returns
    -------
    Claims
        Empty where the run has no report of the register.
    """
    found = [told.finding for told in run.of(REGISTER)]
    tested = tuple(finding for finding in found if finding.id == TESTED)
    return Claims(tested, tuple(finding for finding in found if finding.id == VERDICTS))


def _item(question: Question, told: Told) -> str:
    finding = told.finding
    link = f'<a href="{escape(told.address)}">{escape(tr("Where it comes from"))}</a>'
    asked = f"<strong>{escape(term(question.words))}</strong>"
    said = f"{escape(words.plain(finding.sentence))} {grade_html(finding.grade)}"
    return f"<li>{asked}<br>{said} {link}</li>"
