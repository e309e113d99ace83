"""Whether two groups are comparable: balance of what was known before, and overlap."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Labels
from cxresearch._html import Table, html_table
from cxresearch._language import speaking, term, tr, trn
from cxresearch.adjust.weighting import Weights
from cxresearch.hazards._hazard_ratios import column_words
from cxresearch.uncertainty import Floats

THRESHOLD = 0.1  # standardised differences above this are named as not balanced
BANDS = 10  # of the propensity, in `Overlap`


@dataclass(frozen=True, eq=False)
class Balance(Table):
    """How far two groups differed in what was known before the survey, and do when weighted.

    Parameters
    ----------
    labels
        The two groups, first minus second.
    covariates, levels
        One per row, k of them.
    share_before, share_after
        Share of the group that has the level, shape (2, k).
    difference_before, difference_after
        Standardised differences, shape (k,).
    threshold
        A row above it, in size, is not balanced.
    """

    labels: tuple[str, str]
    covariates: Labels
    levels: Labels
    share_before: Floats
    share_after: Floats
    difference_before: Floats
    difference_after: Floats
    threshold: float = THRESHOLD

    @property
    def balanced(self) -> bool:
        """Whether no weighted difference is above the threshold."""
        return not (np.abs(self.difference_after) > self.threshold).any()

    def to_frame(self) -> pd.DataFrame:
        """Return one row per level of each covariate."""
        shares = {
            f"{label}_{when}_share": share[i]
            for when, share in (("before", self.share_before), ("after", self.share_after))
            for i, label in enumerate(self.labels)
        }
        ends = {"difference_before": self.difference_before}
        ends |= {"difference_after": self.difference_after}
        names = {"covariate": list(self.covariates), "level": list(self.levels)}
        return pd.DataFrame(names | shares | ends)

    def sentence(self, lang: str | None = None) -> str:
        """Return how many levels differ before and after, and which differs most."""
        with speaking(lang):
            if not self.levels:
                return tr("Nothing was known before the survey that could be compared.")
            return tr(
                "Before weighting {before} of {n} traits differ by more than {threshold} standard "
                "deviations between {pair}, after weighting {after}; the largest difference goes "
                "from {most_before} to {most_after}.",
                n=len(self.levels),
                threshold=f"{self.threshold:g}",
                pair=words.and_list(words.plural(label, 2) for label in self.labels),
                before=self._unlike(self.difference_before),
                after=self._unlike(self.difference_after),
                most_before=self._largest(self.difference_before),
                most_after=self._largest(self.difference_after),
            )

    @property
    def traits(self) -> list[str]:
        """Each level with its column: `plan: basic`."""
        pairs = zip(self.covariates, self.levels, strict=True)
        return [
            tr("{column}: {label}", column=column_words(c), label=words.label_words(c, x))
            for c, x in pairs
        ]

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.sentence())}</p>{self.to_html()}"

    def to_html(self) -> str:
        """Return the table that people read, as HTML."""
        return html_table(self.shown(), numbers=("difference", "difference weighted"))

    def shown(self) -> pd.DataFrame:
        """Return the table that people read: shares as they were, differences before and after."""
        frame = self.to_frame()
        shown = pd.DataFrame({"known before": self.traits})
        for label in self.labels:
            shown[f"{label}_share"] = frame[f"{label}_before_share"]
        for when, said in (("before", "difference"), ("after", "difference weighted")):
            shown[said] = [f"{round(x, 2) + 0:.2f}" for x in frame[f"difference_{when}"]]
        return shown

    def _largest(self, difference: Floats) -> str:
        i = int(np.abs(difference).argmax())
        trait = words.group_words({self.covariates[i]: self.levels[i]})
        return tr("{size} ({trait})", size=f"{abs(difference[i]):.2f}", trait=trait)

    def _unlike(self, difference: Floats) -> str:
        count = int((np.abs(difference) > self.threshold).sum())
        return str(count) if count else tr("none")


@dataclass(frozen=True, eq=False)
class Overlap(Table):
    """How far the two groups occur with the same history, and what the weights cost.

    Parameters
    ----------
    labels
        The two groups.
    edges
        Of bands of the chance to be in the first group rather than the second, given what was
        known before, shape (k + 1,).
    shares
        Share of each group in each band, shape (2, k).
    outside_share
        Share of all answers left out since their history never occurs with one of the groups.
    n, effective_n
        Answers of each group, and how many would tell as much without weights, shape (2,).
    largest_weight, max_weight, n_truncated
        Largest weight, where weights are cut, and how many answers that concerns.
    population
        Words for the sentence.
    """

    labels: tuple[str, str]
    edges: Floats
    shares: Floats
    outside_share: float
    n: Floats
    effective_n: Floats
    largest_weight: float
    max_weight: float
    n_truncated: float
    population: str = "answers"

    def to_frame(self) -> pd.DataFrame:
        """Return one row per band of the chance to be in the first group."""
        columns = {"from_share": self.edges[:-1], "to_share": self.edges[1:]}
        sides = {
            f"{label}_share": share for label, share in zip(self.labels, self.shares, strict=True)
        }
        return pd.DataFrame(columns | sides)

    def sentence(self, lang: str | None = None) -> str:
        """Return who is left out, how large weights are, and what they cost."""
        with speaking(lang):
            worth = words.and_list(
                tr(
                    "the {n} of {whom} tell as much as {effective} without weights",
                    n=words.number(n),
                    whom=words.plural(label, 2),
                    effective=words.number(effective),
                )
                for label, n, effective in zip(self.labels, self.n, self.effective_n, strict=True)
            )
            weight = tr(
                "The largest weight is {weight}, {cut}; {worth}.",
                weight=f"{self.largest_weight:.2g}",
                cut=self._cut(),
                worth=worth,
            )
            return words.sentences([self._outside(), weight])

    def _repr_html_(self) -> str:
        return html_table(self.to_frame(), caption=self.sentence())

    def _cut(self) -> str:
        if not self.n_truncated:
            return tr("none is cut")
        return trn(
            "{n} is cut to {most}",
            "{n} are cut to {most}",
            self.n_truncated,
            n=words.number(self.n_truncated),
            most=f"{self.max_weight:g}",
        )

    def _outside(self) -> str:
        first, second = self.labels
        if not self.outside_share:
            return tr(
                "Every history before the survey occurs with {first} and {second}.",
                first=words.plural(first, 2),
                second=words.plural(second, 2),
            )
        return tr(
            "Left out are {share} of the {whom}, whose history before the survey never occurs with "
            "a {first} or never with a {second}.",
            share=words.percent(self.outside_share, 0.001),
            whom=term(self.population),
            first=term(first),
            second=term(second),
        )


def balance(given: Weights, *, threshold: float = THRESHOLD) -> Balance:
    """Return the standardised mean difference of every level, before and after weighting.

    d = (p₁ − p₀)/√((p₁(1 − p₁) + p₀(1 − p₀))/2) with the unweighted p below the root both times,
    so that weights can only change the numerator (Austin 2009, Statistics in Medicine 28,
    3083–3107; Stuart 2010, Statistical Science 25, 1–21).
    """
    sides = given.arms
    names, member = _levels(given)
    people = sides.people.sum(axis=1)
    before, after = (_share(mass, member) for mass in (people, people * given.weight[0]))
    spread = np.sqrt((before * (1 - before)).mean(axis=0))
    sizes = [
        np.divide(p[0] - p[1], spread, out=np.zeros_like(spread), where=spread > 0)
        for p in (before, after)
    ]
    covariates, levels = (tuple(name[i] for name in names) for i in (0, 1))
    return Balance(sides.labels, covariates, levels, before, after, sizes[0], sizes[1], threshold)


def overlap(given: Weights, *, population: str = "answers") -> Overlap:
    """Return how the two groups spread over the chance to be in the first rather than the second.

    The chance is e₁/(e₁ + e₀) of the two propensities of `weights`.
    """
    sides, (first, second) = given.arms, given.propensity[0]
    edges = np.linspace(0, 1, BANDS + 1)
    people = sides.people.sum(axis=1).astype(np.float64)
    chance = first / (first + second)
    counts = np.stack([np.histogram(chance, edges, weights=side)[0] for side in people])
    n = people.sum(axis=-1)
    return Overlap(
        labels=sides.labels,
        edges=edges,
        shares=counts / n[:, None],
        outside_share=sides.outside_share,
        n=n,
        effective_n=given.effective_n,
        largest_weight=float(given.weight[0][people > 0].max()),
        max_weight=given.max_weight,
        n_truncated=given.n_truncated,
        population=population,
    )


def _levels(given: Weights) -> tuple[list[tuple[str, str]], Floats]:
    """Return (covariate, level) of each row, and which cells have it, shape (k, X)."""
    cells = given.arms.cells
    names = [
        (covariate, level)
        for i, covariate in enumerate(given.arms.covariates)
        for level in sorted({cell[i] for cell in cells})
    ]
    position = {covariate: i for i, covariate in enumerate(given.arms.covariates)}
    rows = [[cell[position[covariate]] == level for cell in cells] for covariate, level in names]
    return names, np.array(rows, dtype=np.float64).reshape(len(names), len(cells))


def _share(mass: Floats, member: Floats) -> Floats:
    return np.asarray(mass @ member.T / mass.sum(axis=-1, keepdims=True))
