"""What one score group is worth more than another: as they are, and with the same history.

Groups that answered differently also differ in what was known before the survey. So the difference
stands three times, side by side: descriptive, with one tenure mix for both (that of everybody who
answered, so that nobody is credited with having stayed until the answer), and with one mix of all
that was known before.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import Labels
from cxresearch._html import Table, html_table
from cxresearch._language import mark, speaking, term, tr, trn
from cxresearch.adjust._rung import NONE, Ends
from cxresearch.adjust.weighting import MAX_WEIGHT, RefusedError
from cxresearch.findings import Finding, without_number
from cxresearch.hazards._hazard_ratios import ratio_digits
from cxresearch.retention import MIN_GROUP
from cxresearch.value._compared import PART_NAMES
from cxresearch.value._comparison import Comparison, share_left
from cxresearch.value._gathered import (
    Setting,
    Sides,
    check_setting,
    compare,
    gather,
    known_before,
)
from cxresearch.value._shapley import PARTS
from cxresearch.value._value_difference import ValueDifference
from cxresearch.value.prices import Prices
from cxresearch.value.terms import Terms
from cxresearch.value_table import ValueTable

REASON: Final = mark("not reported")


@dataclass(frozen=True, eq=False)
class ValueDifferences(Table):
    """The same two groups, compared as they are and with the same history.

    Parameters
    ----------
    rows
        As they are first, then the more is made the same the later.
    left
        Part of the difference as they are that is left in the last row; NaN without.
    left_refusal
        Why it is not given.
    """

    rows: tuple[ValueDifference, ...]
    left: Ends = NONE
    left_refusal: str | None = None

    def __iter__(self) -> Iterator[ValueDifference]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, counting: str) -> ValueDifference:
        """Return a row by its name, e.g. "as_they_are"."""
        return next(row for row in self.rows if row.counting == counting)

    @property
    def most_adjusted(self) -> ValueDifference:
        """The row with numbers in which most is the same; the first where none has any."""
        return next((row for row in reversed(self.rows) if row.reported), self.rows[0])

    def to_frame(self) -> pd.DataFrame:
        """Return one row per way of comparing."""
        return pd.concat([row.to_frame() for row in self.rows], ignore_index=True)

    def sentence(self, lang: str | None = None) -> str:
        """Return the answer in words."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.answer())

    def answer(self) -> tuple[Finding, ...]:
        """Return the difference as they are, the most adjusted one, and what part of it is left."""
        crude, last = self.rows[0], self.rows[-1]
        adjusted = () if last is crude else last.headline()
        between = self.most_adjusted
        if not last.reported and between not in (crude, last):
            adjusted = (*between.headline(), *adjusted)
        return (*crude.headline(), *adjusted, *self._left())

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings of every row, and `difference_left_share`."""
        return (*(found for row in self.rows for found in row.findings()), *self._left())

    def _left(self) -> tuple[Finding, ...]:
        crude, last = self.rows[0], self.most_adjusted
        if last is crude:
            return ()
        if self.left_refusal is not None:
            said = tr(
                "What part of the difference is left {how} is not said: {why}.",
                how=last.how,
                why=self.left_refusal,
            )
            return (without_number(said, last.group, as_of=last.as_of),)
        said = tr(
            "Of the difference in value, {share} is left {how} ({level} interval).",
            share=words.percent_interval(*self.left),
            how=last.how,
            level=words.level_words(last.confidence_level),
        )
        return (
            Finding(
                "difference_left_share",
                *self.left,
                round(sum(last.n)),
                "share",
                said,
                last.group,
                confidence_level=last.confidence_level,
                grade=last.grade,
                as_of=last.as_of,
            ),
        )

    def _repr_html_(self) -> str:
        frame = pd.DataFrame({row.title: _cells(row) for row in self.rows})
        if not any(row.refusals for row in self.rows):
            frame = frame.drop(index=term(REASON))
        frame.insert(0, "", list(frame.index))
        return html_table(frame, numbers=[row.title for row in self.rows])


def value_differences(
    table: ValueTable,
    prices: Prices,
    terms: Terms,
    *,
    exposed: str = "promoter",
    reference: str = "detractor",
    min_group: int = MIN_GROUP,
    min_at_risk: int = 30,
    max_weight: float = MAX_WEIGHT,
    confidence_level: float = 0.95,
) -> ValueDifferences:
    """Return how much more the exposed are worth than the reference, and what that is made of.

    Parameters
    ----------
    table
        Answers by month since they count, with money, grouped by `score_group` and what was known
        before the answer (`tenure_band`, attributes): these are what is made the same.
    prices, terms
        What a count is worth (`prices`), and which bills count at which discount.
    exposed, reference
        Labels of `score_group`.
    min_group
        Answers that each of the two needs, with weights those that have a counterpart.
    min_at_risk
        Customers at risk, and bills, that a month needs to be used; what comes later is projected.
        With weights it is as many as those at risk are worth.
    max_weight
        Stabilised weights above it are cut to it.
    confidence_level
        Of the intervals.

    Returns
    -------
    ValueDifferences
        Rows "as_they_are", "same_tenure_mix" (where the table has `tenure_band`) and
        "same_history" (where it has anything else). What the data cannot support is no error but a
        row with its reason.

    Notes
    -----
    Values as in `lifetime_values`, weights as in `adjust.weighting`; months of weighted customers
    are weighted sums of each count. Parts after Shapley, see `_shapley`. Curves, rates and weights
    are estimated again without each replicate; the jackknife of the difference holds all of it, and
    what one customer's several answers have in common. Beyond the data the band is the hull of all
    pairs of credible curves. The interval of the ratio is symmetric on the log scale.

    Raises
    ------
    DataError
        When a group does not exist, the table is not grouped by score, or an argument breaks its
        rule.
    """
    labels = (exposed, reference)
    setting = Setting(prices, terms, labels, min_at_risk, max_weight, confidence_level, min_group)
    check_setting(table, setting)
    known = known_before(table)
    rows = tuple(_row(table, counting, known[counting], setting) for counting in known)
    found = ValueDifferences(rows)
    left, refusal = _share_left(rows[0], found.most_adjusted)
    return replace(found, left=left, left_refusal=refusal)


def _row(table: ValueTable, counting: str, known: Labels, setting: Setting) -> ValueDifference:
    empty = ValueDifference(
        counting,
        setting.labels,
        setting.terms,
        setting.prices,
        covariates=known,
        population=table.population,
        confidence_level=setting.confidence_level,
        as_of=table.as_of,
    )
    try:
        sides = gather(table, known, setting)
        return _estimated(empty, sides, compare(sides, setting))
    except RefusedError as reason:
        return replace(empty, refusal=str(reason))


def _estimated(empty: ValueDifference, sides: Sides, compared: Comparison) -> ValueDifference:
    level = empty.confidence_level
    values, ratio = compared.values(level), compared.ratio_band(level)
    refusal = _ratio_refusal(empty, values)
    if refusal is None and math.isnan(ratio[0]):
        refusal = tr("a value is not above 0 in all that its interval rests on")
    return replace(
        empty,
        values=values,
        difference=compared.difference_band(level),
        parts=compared.part_bands(level),
        ratio=NONE if refusal else ratio,
        ratio_refusal=refusal,
        n=sides.n,
        effective_n=sides.effective_n,
        outside_share=sides.outside_share,
        comparison=compared,
    )


def _ratio_refusal(row: ValueDifference, values: tuple[Ends, Ends]) -> str | None:
    """Return why there is no ratio: a value that may be nothing divides nothing."""
    low = [
        tr("the value of {whom}, {amount}", whom=words.plural(label, 2), amount=row.money(ends))
        for label, ends in zip(row.labels, values, strict=True)
        if not ends[1] > 0
    ]
    if not low:
        return None
    return trn(
        "{values}, is not clearly above 0",
        "{values}, are not clearly above 0",
        len(low),
        values=words.and_list(low),
    )


def _share_left(crude: ValueDifference, last: ValueDifference) -> tuple[Ends, str | None]:
    if crude.comparison is None or last.comparison is None or last is crude:
        return NONE, None
    if not crude.clear:
        return NONE, tr("there is no clear difference as they are")
    return share_left(last.comparison, crude.comparison, crude.confidence_level), None


def _cells(row: ValueDifference) -> dict[str, str]:
    """Return the row as a column of the table that people read."""
    amounts: dict[str, Ends] = dict(zip(row.plurals, row.values, strict=True))
    amounts |= {tr("difference"): row.difference}
    cells = {name: row.money(ends) for name, ends in amounts.items()}
    parts = row.parts or dict.fromkeys(PARTS, NONE)
    cells |= {term(PART_NAMES[x]): row.none_of(x) or row.money(parts[x]) for x in PARTS}
    if not row.reported:
        cells = dict.fromkeys(cells, words.MISSING)
    value, low, high = ratio_digits(*row.ratio)
    ratio = value + tr(" ({low} to {high})", low=low, high=high)
    cells[tr("ratio")] = ratio if row.ratio_refusal is None else words.MISSING
    cells[term(row.population)] = words.and_list(words.number(n) for n in row.n)
    alike = words.and_list(words.number(n) for n in row.effective_n)
    cells[tr("as many as without weights")] = alike
    cells[tr("grade")] = row.grade
    cells[term(REASON)] = tr("; ").join(row.refusals)
    return cells
