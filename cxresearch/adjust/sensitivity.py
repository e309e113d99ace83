"""What could still be wrong with an adjusted hazard ratio: a hidden factor, or another group.

The E-value says how strong a factor that nobody recorded would have to be. The negative control
looks at a loss that a score can hardly have to do with, such as a failed payment: where it goes
with the score too, the groups differ in something else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch._results import Results
from cxresearch.adjust._rung import Rung
from cxresearch.adjust._rung_estimates import Limits, hazard_rung
from cxresearch.adjust.bias_ladder import BiasLadder
from cxresearch.cause_table import CauseTable
from cxresearch.errors import DataError
from cxresearch.findings import Finding, without_number
from cxresearch.hazards._hazard_ratios import ratio_words

VOLUNTARY, INVOLUNTARY = "voluntary", "involuntary"


@dataclass(frozen=True, eq=False)
class EValue(Table):
    """How strongly a hidden factor would have to go with both the score and leaving.

    Parameters
    ----------
    rung
        The hazard ratio it belongs to.
    estimate
        For the hazard ratio itself; 1 or more.
    interval
        For the end of its interval nearest 1; 1 when the interval holds 1.
    rare
        Whether leaving is rare, so that a hazard ratio is a risk ratio.
    """

    rung: Rung
    estimate: float
    interval: float
    rare: bool

    @property
    def group(self) -> dict[str, str]:
        """The design, as in the finding."""
        return {"design": self.rung.design}

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        ends = dict(zip(("", "_ci_lower", "_ci_upper"), self.rung.hazard_ratio, strict=True))
        ratio = {f"hazard_ratio{end}": value for end, value in ends.items()}
        values = {"e_value_estimate": self.estimate, "e_value_interval": self.interval}
        return pd.DataFrame([self.group | ratio | values])

    def sentence(self, lang: str | None = None) -> str:
        """Return both E-values in plain words."""
        with speaking(lang):
            return words.sentences([self._estimate_words(), self._interval_words()])

    def findings(self) -> tuple[Finding, ...]:
        """Return `e_value` for the estimate and for the interval."""
        each = {
            "estimate": (self.estimate, self._estimate_words()),
            "interval": (self.interval, self._interval_words()),
        }
        return tuple(
            Finding(
                "e_value",
                value,
                None,
                None,
                self.rung.n,
                "ratio",
                said,
                self.group | {"what": what},
                confidence_level=self.rung.confidence_level,
                as_of=self.rung.as_of,
            )
            for what, (value, said) in each.items()
        )

    def _estimate_words(self) -> str:
        return tr(
            "It takes something unrecorded that goes with both the score and leaving, each by a "
            "risk ratio of at least {ratio} over and above what is adjusted for, for nothing to be "
            "left of the hazard ratio ({title}).",
            ratio=_ratio(self.estimate),
            title=self.rung.title,
        )

    def _interval_words(self) -> str:
        level = words.level_words(self.rung.confidence_level)
        if self.interval == 1:
            return tr(
                "Nothing hidden is needed for the {level} interval of the hazard ratio ({title}) "
                "to hold 1: it does already.",
                level=level,
                title=self.rung.title,
            )
        return tr(
            "It takes a risk ratio of at least {ratio} with each for the {level} interval of the "
            "hazard ratio ({title}) to hold 1.",
            ratio=_ratio(self.interval),
            level=level,
            title=self.rung.title,
        )


@dataclass(frozen=True, eq=False)
class NegativeControl(Table):
    """The same comparison for losses that the score may go with, and for those it hardly can.

    Parameters
    ----------
    outcome, control
        Names of the causes, e.g. "voluntary" and "involuntary".
    rungs
        The hazard ratio of each.
    """

    outcome: str
    control: str
    rungs: tuple[Rung, Rung]

    @property
    def clear(self) -> bool | None:
        """Whether the control goes clearly with the score; None when it is not known."""
        rung = self.rungs[1]
        if rung.hazard_refusal is not None:
            return None
        return not rung.hazard_ratio[1] <= 1 <= rung.hazard_ratio[2]

    def to_frame(self) -> pd.DataFrame:
        """Return one row per outcome."""
        rows: list[dict[str, object]] = []
        for outcome, rung in zip((self.outcome, self.control), self.rungs, strict=True):
            ends = dict(zip(("", "_ci_lower", "_ci_upper"), rung.hazard_ratio, strict=True))
            ratio = {f"hazard_ratio{end}": value for end, value in ends.items()}
            why = rung.hazard_refusal or ""
            rows.append({"outcome": outcome, **ratio, "events": rung.events, "not_reported": why})
        return pd.DataFrame(rows)

    def sentence(self, lang: str | None = None) -> str:
        """Return both hazard ratios, and what the control says."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return `hazard_ratio` {design, outcome} of both outcomes; refused ones say why."""
        pairs = zip((self.outcome, self.control), self.rungs, strict=True)
        return tuple(self._finding(outcome, rung) for outcome, rung in pairs)

    def _finding(self, outcome: str, rung: Rung) -> Finding:
        group = {"design": rung.design, "outcome": outcome}
        if rung.hazard_refusal is not None:
            said = tr(
                "No hazard ratio of {outcome} losses ({title}): {why}.",
                outcome=_cause_words(outcome),
                title=rung.title,
                why=rung.hazard_refusal,
            )
            return without_number(said, group, as_of=rung.as_of)
        return Finding(
            "hazard_ratio",
            *rung.hazard_ratio,
            rung.n,
            "ratio",
            self._said(outcome, rung),
            group,
            confidence_level=rung.confidence_level,
            as_of=rung.as_of,
        )

    def _said(self, outcome: str, rung: Rung) -> str:
        first, second = rung.sides
        of = {
            "title": rung.title,
            "first": first,
            "second": second,
            "times": ratio_words(*rung.hazard_ratio),
            "level": words.level_words(rung.confidence_level),
        }
        said = tr(
            "{Outcome} losses, {title}: {first} leave at {times} times the rate of {second} "
            "({level} interval).",
            Outcome=words.sentence_start(_cause_words(outcome)),
            **of,
        )
        if rung.hazard_ratio[1] <= 1 <= rung.hazard_ratio[2]:
            said = tr(
                "No clear difference in {outcome} losses ({title}): {first} leave at {times} times "
                "the rate of {second} ({level} interval).",
                outcome=_cause_words(outcome),
                **of,
            )
        return words.sentences([said, self._meaning()]) if outcome == self.control else said

    def _meaning(self) -> str:
        if self.clear:
            return tr(
                "The score goes with {control} losses, which a score can hardly have to do with: "
                "the groups differ in something else, and part of the difference in {outcome} "
                "losses may be that.",
                control=_cause_words(self.control),
                outcome=_cause_words(self.outcome),
            )
        return tr(
            "A clear difference in {control} losses, which a score can hardly have to do with, "
            "would mean that the groups differ in something else; none is seen, which rules out "
            "little when the interval is wide.",
            control=_cause_words(self.control),
        )


def risk_ratio(hazard_ratio: float, *, rare: bool = False) -> float:
    """Return the risk ratio that a hazard ratio amounts to.

    (1 − 0.5^√HR)/(1 − 0.5^√(1/HR)) where the outcome is common, the hazard ratio itself where it
    is rare, below 15 % by the end (VanderWeele 2017, Epidemiology 28, e6–e7; VanderWeele & Ding
    2017, Annals of Internal Medicine 167, 268–274, table 2).
    """
    root = math.sqrt(hazard_ratio)
    return hazard_ratio if rare else (1 - 0.5**root) / (1 - 0.5 ** (1 / root))


def e_value_of_risk_ratio(ratio: float) -> float:
    """Return RR + √(RR(RR − 1)), of 1/RR where it is below 1 (VanderWeele & Ding 2017).

    Raises
    ------
    DataError
        When the ratio is not above 0.
    """
    if not 0 < ratio < math.inf:
        raise DataError(f"ratio is {ratio!r}, must be above 0: pass a ratio, not its logarithm.")
    above = max(ratio, 1 / ratio)
    return above + math.sqrt(above * (above - 1))


def e_value(rung: Rung, *, rare: bool = False) -> EValue:
    """Return the E-values of a corrected rung of the ladder.

    Raises
    ------
    DataError
        When the rung is naive, or has no hazard ratio.
    """
    if rung.naive or rung.hazard_refusal is not None:
        reason = "is naive" if rung.naive else "has no hazard ratio"
        raise DataError(
            f"{rung.design} {reason}, must be a corrected hazard ratio: take the doubly robust one."
        )
    value, lower, upper = (risk_ratio(x, rare=rare) for x in rung.hazard_ratio)
    nearest = 1.0 if lower <= 1 <= upper else min((lower, upper), key=lambda x: abs(math.log(x)))
    return EValue(rung, e_value_of_risk_ratio(value), e_value_of_risk_ratio(nearest), rare)


def e_values(
    ladder: BiasLadder,
    designs: Sequence[str] = ("weighted", "doubly_robust"),
    *,
    rare: bool = False,
) -> Results[EValue]:
    """Return the E-values of several rungs; those without a number are said not to be reported.

    Raises
    ------
    DataError
        When a design is not on the ladder, or is naive.
    """
    rungs = [ladder[design] for design in designs]
    known = tuple(e_value(r, rare=rare) for r in rungs if r.naive or r.hazard_refusal is None)
    return Results(known, tuple(_no_e_value(r) for r in rungs if r.hazard_refusal is not None))


def negative_control(
    causes: CauseTable,
    *,
    design: str = "first_score_from_answer",
    outcome: str = VOLUNTARY,
    control: str = INVOLUNTARY,
    labels: tuple[str, str] = ("promoter", "detractor"),
    min_events: int = 10,
    confidence_level: float = 0.95,
) -> NegativeControl:
    """Return the hazard ratio of a control outcome beside that of the outcome itself.

    Parameters
    ----------
    causes
        Of a corrected design, grouped by `score_group`.
    design
        Name of that design, as in the ladder.
    outcome, control
        Causes. Each is counted with the other causes censored.
    labels, min_events, confidence_level
        As in `bias_ladder`.

    Notes
    -----
    Lipsitch, Tchetgen Tchetgen & Cohen 2010, Epidemiology 21, 383–388.
    """
    limits = Limits(0, labels, min_events, 1, 1.0, confidence_level)
    found = [_cause_rung(causes, cause, design, limits) for cause in (outcome, control)]
    return NegativeControl(outcome, control, (found[0], found[1]))


def _cause_rung(causes: CauseTable, cause: str, design: str, limits: Limits) -> Rung:
    known = cause in causes.causes
    rung = hazard_rung(design, causes.cause(cause) if known else causes.life, limits)
    if known:
        return rung
    return rung.refused(tr("no loss is recorded as {cause}", cause=_cause_words(cause)))


def _cause_words(cause: str) -> str:
    return words.label_words("cause", cause)


def _no_e_value(rung: Rung) -> Finding:
    said = tr("No E-value ({title}): {why}.", title=rung.title, why=rung.hazard_refusal)
    return without_number(said, {"design": rung.design}, as_of=rung.as_of)


def _ratio(value: float) -> str:
    return f"{value:.2g}"
