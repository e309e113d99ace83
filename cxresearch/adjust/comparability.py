"""Whether two groups can be compared at all: balance and overlap, or why not."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, tr
from cxresearch.adjust.balance import Balance, Overlap, balance, overlap
from cxresearch.adjust.support import none_of
from cxresearch.adjust.weighting import MAX_WEIGHT, RefusedError, arms, score_labels, weights
from cxresearch.findings import Finding, without_number
from cxresearch.tables import LifeTable


@dataclass(frozen=True, eq=False)
class Comparability(Table):
    """Balance and overlap of the two groups that the weighted rungs compare.

    Parameters
    ----------
    balance
        None when nothing was known before the survey, or when refused.
    overlap
        None when refused.
    refusal
        Why the groups cannot be compared.
    """

    balance: Balance | None
    overlap: Overlap | None
    refusal: str | None
    as_of: str | None

    def to_frame(self) -> pd.DataFrame:
        """Return the balance of each level; empty without any."""
        return pd.DataFrame() if self.balance is None else self.balance.to_frame()

    def sentence(self, lang: str | None = None) -> str:
        """Return both in words, or the reason."""
        with speaking(lang):
            if self.overlap is None:
                return tr("The groups cannot be compared: {why}.", why=self.refusal)
            known = [] if self.balance is None else [self.balance.sentence()]
            return words.sentences([*known, self.overlap.sentence()])

    def findings(self) -> tuple[Finding, ...]:
        """Return `not_reported` with the reason where the groups cannot be compared."""
        if self.refusal is None:
            return ()
        return (without_number(self.sentence(), as_of=self.as_of),)

    def _repr_html_(self) -> str:
        said = f"<p>{escape(self.sentence())}</p>"
        return said if self.balance is None else said + self.balance.to_html()


def comparability(
    table: LifeTable,
    *,
    labels: tuple[str, str] = ("promoter", "detractor"),
    max_weight: float = MAX_WEIGHT,
) -> Comparability:
    """Return how comparable the two groups of a follow-up table are; a refusal is no error.

    Parameters
    ----------
    table
        As for the rung `weighted` of `bias_ladder`.
    labels
        Exposed and reference.
    max_weight
        Stabilised weights above it are cut to it.

    Raises
    ------
    DataError
        When the table is not grouped by score, or `max_weight` is below 1.
    """
    missing = [label for label in labels if label not in score_labels(table)]
    try:
        if missing:
            raise RefusedError(none_of(missing))
        given = weights(arms(table, *labels), max_weight=max_weight)
    except RefusedError as reason:
        return Comparability(None, None, str(reason), table.as_of)
    known = balance(given) if given.arms.covariates else None
    return Comparability(known, overlap(given), None, table.as_of)
