"""The value of a shop's customers of one group, and how much more it is than another group's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.findings import Finding
from cxresearch.hazards._hazard_ratios import ratio_digits
from cxresearch.projection._forecast import COMBINED
from cxresearch.purchases._together import Estimate, Row, by_models
from cxresearch.purchases.models import PurchaseModel

ENDS: Final = ("", "_ci_lower", "_ci_upper")


@dataclass(frozen=True, eq=False)
class ShopTerms:
    """What a value is said in.

    Parameters
    ----------
    weeks
        How far ahead it looks, from `until` on.
    margin_share
        Contribution margin as a share of what customers spend.
    entered
        Whether somebody entered it; else it is from the data.
    annual_discount_rate
        0.1 for 10 % a year.
    until
        ISO day up to which purchases were counted.
    currency
        Of the amounts; None where the data do not say.
    credible
        Names of the models whose intervals a band holds.
    """

    weeks: int
    margin_share: float
    entered: bool
    annual_discount_rate: float
    until: str
    currency: str | None
    credible: tuple[str, ...]

    @property
    def span(self) -> str:
        """`the 52 weeks after 2025-12-31`."""
        weeks = words.counted(self.weeks, "week")
        return tr("the {weeks} after {day}", weeks=weeks, day=words.day(self.until))

    def money(self, row: Row) -> str:
        """Return an amount with its interval."""
        return words.money(*row, self.currency)


@dataclass(frozen=True, eq=False)
class ShopValue(Table):
    """Discounted margin per customer of one group in the next weeks.

    Parameters
    ----------
    lifetime_value, lifetime_value_ci_lower, lifetime_value_ci_upper
        Per customer, after all credible models together, in the data's currency.
    by_model
        The same by model; "combined" is all together.
    estimates
        Values and standard errors by model.
    mean_spend
        Expected spend per purchase of a customer, mean over the customers.
    returned_share
        Of what they spent, the share that came back, 0–1, and is taken off.
    terms
        What the value is said in.
    nobody_stops
        Whether nobody stops in any credible model.
    of
        One of the models, for what all of them share.
    """

    lifetime_value: float
    lifetime_value_ci_lower: float
    lifetime_value_ci_upper: float
    by_model: Mapping[str, Row]
    estimates: Mapping[str, Estimate]
    mean_spend: float
    returned_share: float
    terms: ShopTerms
    nobody_stops: bool
    of: PurchaseModel

    @property
    def group(self) -> Mapping[str, str]:
        """Labels of the group; empty for everybody."""
        return self.of.group

    @property
    def label(self) -> str:
        """Labels of the group, whatever language is spoken; empty for everybody."""
        return ", ".join(self.group.values())

    @property
    def name(self) -> str:
        """Name of the group for a figure; empty for everybody."""
        return words.group_name(self.group)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per model, all together first."""
        rows = []
        for model, values in self.by_model.items():
            row: dict[str, Any] = {**self.group, "model": model, "customers": self.of.n}
            row |= {f"lifetime_value{end}": x for end, x in zip(ENDS, values, strict=True)}
            row |= {"mean_spend": self.mean_spend, "returned_share": self.returned_share}
            rows.append(row | {"weeks": self.terms.weeks})
        return pd.DataFrame(rows)

    def sentence(self, lang: str | None = None) -> str:
        """Return the value in words, with what it rests on."""
        with speaking(lang):
            whom = term(self.of.population) + words.with_group(self.group)
            return tr(
                "{Whom} are worth {amount} each on average in {span}, projected {by} ({level} "
                "interval): their margin at {margin} of what they spend ({known}){returned}, "
                "discounted at {rate} a year.",
                Whom=words.sentence_start(whom),
                amount=self.terms.money(self.by_model[COMBINED]),
                span=self.terms.span,
                by=by_models(self.terms.credible, nobody_stops=self.nobody_stops),
                level=words.level_words(self.of.confidence_level),
                margin=_percent(self.terms.margin_share),
                known=tr("entered, an assumption") if self.terms.entered else tr("as in the data"),
                returned=self._returned(),
                rate=_percent(self.terms.annual_discount_rate),
            )

    def _returned(self) -> str:
        if not self.returned_share:
            return ""
        return tr(", less {share} that comes back", share=words.percent(self.returned_share, 0.001))

    def findings(self) -> tuple[Finding, ...]:
        """Return the finding `lifetime_value`."""
        return (
            shop_finding(
                "lifetime_value", self.by_model[COMBINED], self.sentence(), self, self.group
            ),
        )


@dataclass(frozen=True, eq=False)
class ShopDifference(Table):
    """How much more customers of one group are worth than those of another.

    Parameters
    ----------
    difference, difference_ci_lower, difference_ci_upper
        First minus second, per customer.
    ratio, ratio_ci_lower, ratio_ci_upper
        First over second.
    difference_by_model, ratio_by_model
        The same by model; "combined" is all together.
    first, second
        The two values.
    """

    difference: float
    difference_ci_lower: float
    difference_ci_upper: float
    ratio: float
    ratio_ci_lower: float
    ratio_ci_upper: float
    difference_by_model: Mapping[str, Row]
    ratio_by_model: Mapping[str, Row]
    first: ShopValue
    second: ShopValue

    def to_frame(self) -> pd.DataFrame:
        """Return one row per model, all together first."""
        rows = []
        for model, difference in self.difference_by_model.items():
            row: dict[str, Any] = {"model": model}
            row |= {"first": self.first.label, "second": self.second.label}
            row |= {f"difference{end}": x for end, x in zip(ENDS, difference, strict=True)}
            ratio = self.ratio_by_model[model]
            rows.append(row | {f"ratio{end}": x for end, x in zip(ENDS, ratio, strict=True)})
        return pd.DataFrame(rows)

    def sentence(self, lang: str | None = None) -> str:
        """Return difference and ratio in words."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.findings())

    def findings(self) -> tuple[Finding, ...]:
        """Return `lifetime_value_difference` and `lifetime_value_ratio`."""
        difference, ratio = self.difference_by_model[COMBINED], self.ratio_by_model[COMBINED]
        both = (("lifetime_value_difference", difference), ("lifetime_value_ratio", ratio))
        said = (self._say_difference(difference), self._say_ratio(ratio))
        return tuple(
            shop_finding(name, row, text, self.first, n=self.first.of.n + self.second.of.n)
            for (name, row), text in zip(both, said, strict=True)
        )

    def _say_difference(self, row: Row) -> str:
        value, lower, upper = row
        said = self._said()
        if value >= 0:
            clause = tr(
                "{first} are worth {amount} more each than {second} in {span}, projected {by} "
                "({level} interval), as they are: nothing is adjusted for.",
                **said,
                amount=self.first.terms.money(row),
            )
        else:
            clause = tr(
                "{first} are worth {amount} less each than {second} in {span}, projected {by} "
                "({level} interval), as they are: nothing is adjusted for.",
                **said,
                amount=self.first.terms.money((-value, -upper, -lower)),
            )
        return _opening(clause, unclear=lower <= 0 <= upper)

    def _say_ratio(self, row: Row) -> str:
        ratio, low, high = ratio_digits(*row)
        clause = tr(
            "{first} are worth {ratio} ({low} to {high}) times what {second} are, each in {span}, "
            "projected {by} ({level} interval), as they are: nothing is adjusted for.",
            **self._said(),
            ratio=ratio,
            low=low,
            high=high,
        )
        return _opening(clause, unclear=row[1] <= 1 <= row[2])

    def _said(self) -> dict[str, str]:
        first, second = (words.plural(side.label, 2) for side in (self.first, self.second))
        endless = self.first.nobody_stops and self.second.nobody_stops
        return {
            "first": first,
            "second": second,
            "span": self.first.terms.span,
            "by": by_models(self.first.terms.credible, nobody_stops=endless),
            "level": words.level_words(self.first.of.confidence_level),
        }


def shop_finding(
    name: str,
    row: Row,
    sentence: str,
    value: ShopValue,
    group: Mapping[str, str] | None = None,
    *,
    n: int = 0,
) -> Finding:
    """Return a finding of a value or of two; grade D, since it is projected."""
    return Finding(
        name,
        *row,
        n or value.of.n,
        "ratio" if name.endswith("ratio") else value.terms.currency or words.AMOUNT,
        sentence,
        {"horizon": str(value.terms.weeks), "unit": "weeks", **(group or {})},
        confidence_level=value.of.confidence_level,
        grade="D",
        as_of=value.of.as_of,
    )


def _opening(clause: str, *, unclear: bool) -> str:
    if unclear:
        return tr("No clear difference in value: {clause}", clause=clause)
    return words.sentence_start(clause)


def _percent(share: float) -> str:
    """Return a share as it was entered: `40 %`."""
    return tr("{number} %", number=f"{100 * share:.4g}")
