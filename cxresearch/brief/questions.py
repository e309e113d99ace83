"""What leadership asks, and which findings answer it, the best kind of evidence first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cxresearch._language import mark
from cxresearch.brief.run import Run, Told

# What a finding's labels may add without it being of a part of the customers only.
OF_TIME = frozenset(("wave", "period", "from", "to", "tenure", "months", "horizon"))
OF_METHOD = frozenset(("design", "adjusted", "model", "reading", "metric", "profit_concept"))


@dataclass(frozen=True)
class Question:
    """A question of leadership.

    Parameters
    ----------
    words
        As it is asked, in English.
    notebook
        That answers it.
    answers
        Finding ids with the labels that the finding must have; the first one found is taken.
    levels
        The same for what two runs are compared by, where the answer itself is a change already:
        the change of a change says nothing, and the two changes share a wave.
    """

    words: str
    notebook: str
    answers: tuple[tuple[str, Mapping[str, str]], ...]
    levels: tuple[tuple[str, Mapping[str, str]], ...] = ()


QUESTIONS = (
    Question(
        mark("How many customers do we keep?"),
        "02_retention_curves",
        (("retained", {"tenure": "12"}), ("retained", {}), ("median_tenure", {})),
    ),
    Question(
        mark("Did we get better?"),
        "01_scorecard",
        (
            ("nps_change", {}),
            ("csat_change", {}),
            ("ces_change", {}),
            ("retention_rate_change", {}),
            ("nps", {}),
        ),
        (("nps", {}), ("csat", {}), ("ces", {}), ("retention_rate", {})),
    ),
    Question(
        mark("Do promoters stay longer?"),
        "04_promoters_and_retention",
        (
            ("retained_difference", {"design": "doubly_robust", "months": "12"}),
            ("retained_difference", {"design": "doubly_robust"}),
            ("hazard_ratio", {"design": "doubly_robust"}),
            ("retained_difference", {"design": "followup"}),
        ),
    ),
    Question(
        mark("What is a promoter worth?"),
        "05_promoter_value",
        (
            ("lifetime_value_difference", {"adjusted": "history"}),
            ("lifetime_value_difference", {"adjusted": "tenure"}),
            ("lifetime_value_difference", {}),
        ),
    ),
    Question(
        mark("How much of churn can we influence?"),
        "08_churn_reasons",
        (("controllable_share", {}),),
    ),
    Question(
        mark("Does more retention bring the profit that is claimed?"),
        "06_retention_profit_claim",
        (("verdict", {"reading": "points"}), ("verdict", {})),
    ),
    Question(
        mark("Does the programme pay?"),
        "07_programme_roi",
        (("break_even_lift", {}), ("npv", {}), ("probability_of_loss", {})),
    ),
)


def answer(question: Question, run: Run) -> Told | None:
    """Return the finding that answers a question for all customers; None where there is none."""
    return _first(question.notebook, question.answers, run)


def level(question: Question, run: Run) -> Told | None:
    """Return the finding by which two runs are compared; None where there is none."""
    return _first(question.notebook, question.levels or question.answers, run)


def _first(
    notebook: str, wanted: tuple[tuple[str, Mapping[str, str]], ...], run: Run
) -> Told | None:
    found = run.of(notebook)
    for name, labels in wanted:
        fit = [t for t in found if _fits(t, name, labels)]
        if fit:
            return max(fit, key=lambda told: (-len(told.finding.group), _when(told)))
    return None


def _when(told: Told) -> str:
    """Return the wave or the period, which sort as text: the latest one answers."""
    group = told.finding.group
    return next((group[name] for name in ("to", "wave", "period") if name in group), "")


def _fits(told: Told, name: str, labels: Mapping[str, str]) -> bool:
    finding = told.finding
    parts = set(finding.group) - OF_TIME - OF_METHOD
    has = all(finding.group.get(column) == label for column, label in labels.items())
    # a verdict that cannot be given is an answer, and that of another reading none
    known = finding.value is not None or name == "verdict"
    return finding.id == name and has and not parts and known
