"""What the silent do to one score: the numbers, and the sentences that say them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Labels
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.scores.response_rates import in_group

ENDS = ("", "_ci_lower", "_ci_upper")
NUMBERS = ("nps", "nps_weighted", "difference", "lower_bound", "upper_bound", "tipping_point")


@dataclass(frozen=True, eq=False)
class NonResponse(Table):
    """NPS of those who answered, and what it can be for all whom an invitation reached.

    Scores are in points, −100 to 100. Each number `x` has `x_ci_lower` and `x_ci_upper`.

    Parameters
    ----------
    delivered, answered
        Invitations.
    nps
        Of the answers.
    nps_weighted
        With each answer speaking for the silent like it; NaN without weights.
    difference
        nps_weighted − nps.
    lower_bound, upper_bound
        NPS of all if every silent customer were a detractor, or a promoter.
    tipping_point
        Points by which the silent have to be below the answers for the NPS of all to be 0;
        negative where they have to be above. NaN when nobody was silent.
    effective_n
        Answers that would tell as much without weights.
    n_truncated
        Answers whose weight was cut.
    adjusted_for
        Columns that the weights go by.
    no_weights
        Why there are no weights; empty when there are.
    """

    delivered: int
    answered: int
    nps: float
    nps_ci_lower: float
    nps_ci_upper: float
    nps_weighted: float
    nps_weighted_ci_lower: float
    nps_weighted_ci_upper: float
    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    lower_bound: float
    lower_bound_ci_lower: float
    lower_bound_ci_upper: float
    upper_bound: float
    upper_bound_ci_lower: float
    upper_bound_ci_upper: float
    tipping_point: float
    tipping_point_ci_lower: float
    tipping_point_ci_upper: float
    effective_n: float
    n_truncated: int
    max_weight: float
    adjusted_for: Labels
    no_weights: str
    group: Mapping[str, str]
    confidence_level: float
    as_of: str | None

    @property
    def response_rate(self) -> float:
        """Answered/delivered, 0–1."""
        return self.answered / self.delivered

    @property
    def silent_at_tipping(self) -> float:
        """NPS of the silent at which that of all is 0."""
        return self.nps - self.tipping_point

    @property
    def silent_weighted(self) -> float:
        """NPS of the silent that the weights amount to; NaN without weights or silent."""
        silent = 1 - self.response_rate
        if silent <= 0:
            return float("nan")
        return (self.nps_weighted - self.response_rate * self.nps) / silent

    @property
    def label(self) -> str:
        """Name of the group for a figure; empty for everybody."""
        return words.group_name(self.group)

    @property
    def definition(self) -> str:
        """How the numbers come about."""
        weights = tr(
            "Weighted: each answer counts 1 divided by the chance to answer, by {columns} (main "
            "effects); what it counts beyond itself is at most {most} times the mean of that, and "
            "all together count as many as were delivered.",
            columns=self._adjusted_for(),
            most=f"{self.max_weight:g}",
        )
        bounds = tr(
            "Bounds: all silent are detractors, or all are promoters. Tipping point: by how many "
            "points the silent have to differ from those who answered for the score of all to be 0."
        )
        return words.sentences(["" if self.no_weights else weights, bounds])

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        row: dict[str, object] = {**self.group, "delivered": self.delivered}
        row |= {"answered": self.answered, "response_rate": self.response_rate}
        for name in NUMBERS:
            row |= {f"{name}{end}": getattr(self, name + end) for end in ENDS}
        row["effective_n"] = self.effective_n
        return pd.DataFrame([row])

    def sentence(self, lang: str | None = None) -> str:
        """Return what the weights say, what is certain, and the tipping point."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return `nps_weighted`, where there are weights, and `nps_tipping_point`."""
        weighted = [self._finding("nps_weighted", self._weighted_sentence())]
        tipping = [self._finding("nps_tipping_point", self._tipping_sentence(), "tipping_point")]
        return (*([] if self.no_weights else weighted), *tipping)

    def _finding(self, name: str, sentence: str, field: str = "") -> Finding:
        value, lower, upper = self._values(field or name)
        return Finding(
            name,
            value,
            lower,
            upper,
            self.answered,
            "points",
            sentence,
            self.group,
            confidence_level=self.confidence_level,
            as_of=self.as_of,
        )

    def _values(self, name: str) -> tuple[float, float, float]:
        value, lower, upper = (float(getattr(self, name + end)) for end in ENDS)
        return value, lower, upper

    def _spread(self, name: str) -> str:
        return words.number_interval(*self._values(name))

    def _adjusted_for(self) -> str:
        return words.and_list(term(name.replace("_", " ")) for name in self.adjusted_for)

    def _weighted_sentence(self) -> str:
        about = {
            "columns": self._adjusted_for(),
            "group": in_group(self.group),
            "score": self._spread("nps_weighted"),
            "level": words.level_words(self.confidence_level),
            "plain": words.number(self.nps),
            "difference": self._spread("difference"),
            "answers": words.number(self.answered),
            "worth": words.number(self.effective_n),
        }
        if self.difference_ci_lower <= 0 <= self.difference_ci_upper:
            return tr(
                "Weighted by {columns} to resemble all whom an invitation reached{group}, the NPS "
                "is {score}, {level} interval, against {plain} without weights: no clear "
                "difference: {difference}. The {answers} answers then tell as much as {worth}.",
                **about,
            )
        return tr(
            "Weighted by {columns} to resemble all whom an invitation reached{group}, the NPS is "
            "{score}, {level} interval, against {plain} without weights: a difference of "
            "{difference}. The {answers} answers then tell as much as {worth}.",
            **about,
        )

    def _tipping_sentence(self) -> str:
        about = {
            "n": words.number(100),
            "group": in_group(self.group),
            "silent": words.number(100 * (1 - self.response_rate)),
            "low": words.number(self.lower_bound),
            "high": words.number(self.upper_bound),
        }
        if not np.isfinite(self.tipping_point):
            return tr("All {n} invitations were answered.", n=words.number(self.delivered))
        if self.lower_bound > 0 or self.upper_bound < 0:
            return tr(
                "Of {n} invitations delivered{group}, {silent} were not answered: whatever those "
                "customers think, the NPS of all lies between {low} and {high}, so its sign holds.",
                **about,
            )
        if self.nps_ci_lower <= 0 <= self.nps_ci_upper:
            return tr(
                "Of {n} invitations delivered{group}, {silent} were not answered: whatever those "
                "customers think, the NPS of all lies between {low} and {high}; that of those who "
                "answered has no clear sign to lose.",
                **about,
            )
        first = tr(
            "Of {n} invitations delivered{group}, {silent} were not answered: whatever those "
            "customers think, the NPS of all lies between {low} and {high}.",
            **about,
        )
        return words.sentences([first, self._unless()])

    def _unless(self) -> str:
        low, high = sorted(abs(end) for end in self._values("tipping_point")[1:])
        about = {
            "points": words.quantity(abs(self.tipping_point), low, high, "point"),
            "level": words.level_words(self.confidence_level),
            "at": words.number(self.silent_at_tipping),
        }
        if self.nps > 0:
            return tr(
                "It is above 0 unless the NPS of the silent is {points} or more lower than that of "
                "those who answered ({level} interval), which is {at}.",
                **about,
            )
        return tr(
            "It is below 0 unless the NPS of the silent is {points} or more higher than that of "
            "those who answered ({level} interval), which is {at}.",
            **about,
        )
