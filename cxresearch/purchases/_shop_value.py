"""The value of a shop's customers of one group, and how much more it is than another group's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import speaking
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
        weeks = f"{words.number(self.weeks)} {words.plural('week', self.weeks)}"
        return f"the {weeks} after {self.until}"

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
        """Name of the group for a figure; empty for everybody."""
        return ", ".join(self.group.values())

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
            terms, level = self.terms, words.level_words(self.of.confidence_level)
            whom = f"{self.of.population}{words.with_group(self.group)}"
            share = words.percent(self.returned_share, 0.001)
            returned = f", less {share} that comes back" if self.returned_share else ""
            known = "entered, an assumption" if terms.entered else "as in the data"
            source = by_models(terms.credible, nobody_stops=self.nobody_stops)
            return (
                f"{whom[:1].upper()}{whom[1:]} are worth {terms.money(self.by_model[COMBINED])} each "
                f"on average in {terms.span}, projected {source} ({level} "
                f"interval): their margin at {100 * terms.margin_share:.4g} % of what they "
                f"spend ({known}){returned}, discounted at "
                f"{100 * terms.annual_discount_rate:.4g} % a year."
            )

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
            return " ".join(finding.sentence for finding in self.findings())

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
        terms = self.first.terms
        value, lower, upper = row
        more = row if value >= 0 else (-value, -upper, -lower)
        way = "more" if value >= 0 else "less"
        names = [f"{side.label}s" for side in (self.first, self.second)]
        said = f"{names[0]} are worth {terms.money(more)} {way} each than {names[1]}"
        return f"{_opening(said, unclear=lower <= 0 <= upper)} {self._tail()}"

    def _say_ratio(self, row: Row) -> str:
        names = [f"{side.label}s" for side in (self.first, self.second)]
        value, lower, upper = ratio_digits(*row)
        said = f"{names[0]} are worth {value} ({lower} to {upper}) times what {names[1]} are, each"
        return f"{_opening(said, unclear=row[1] <= 1 <= row[2])} {self._tail()}"

    def _tail(self) -> str:
        terms, level = self.first.terms, words.level_words(self.first.of.confidence_level)
        endless = self.first.nobody_stops and self.second.nobody_stops
        how = f"projected {by_models(terms.credible, nobody_stops=endless)}"
        return f"in {terms.span}, {how} ({level} interval), as they are: nothing is adjusted for."


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
        "ratio" if name.endswith("ratio") else words.money_unit(value.terms.currency),
        sentence,
        {"horizon": str(value.terms.weeks), "unit": "weeks", **(group or {})},
        confidence_level=value.of.confidence_level,
        grade="D",
        as_of=value.of.as_of,
    )


def _opening(said: str, *, unclear: bool) -> str:
    if unclear:
        return f"No clear difference in value: {said}"
    return f"{said[:1].upper()}{said[1:]}"
