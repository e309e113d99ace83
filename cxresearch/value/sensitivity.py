"""How far a difference in value hangs on what was chosen or entered.

One choice moves at a time, from one end of a stated range to the other; everything else stays, and
each end has its own interval. What was entered is marked: it is an assumption of the reader.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, Final

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._language import ENGLISH, mark, speaking, term, tr
from cxresearch.adjust._rung import NONE, Ends
from cxresearch.adjust.weighting import EXPOSURE, MAX_WEIGHT, RefusedError
from cxresearch.errors import DataError
from cxresearch.projection._forecast import COMBINED
from cxresearch.projection._model_fit import NAMES
from cxresearch.value._band import band
from cxresearch.value._comparison import Comparison, ends_of
from cxresearch.value._flow import NOBODY_LEFT, OBSERVED
from cxresearch.value._gathered import (
    AS_THEY_ARE,
    Setting,
    Sides,
    check_setting,
    compare,
    gather,
    known_before,
)
from cxresearch.value._value_sensitivity import MODEL, Bar, ValueSensitivity
from cxresearch.value.prices import ITEMS, Prices, amount
from cxresearch.value.terms import FIRST_MARGINS, Terms
from cxresearch.value_table import ValueTable

RATES: Final = (0.0, 0.2)  # a year
HORIZONS: Final = (12, 60)  # months
AROUND: Final = (0.8, 1.2)  # times a margin that was entered
FROM_NOTHING: Final = (0.0, 2.0)  # times a cost, or the value of a referral
CURVES: Final = {  # those of a flow that are no model
    OBSERVED: mark("observed"),
    NOBODY_LEFT: mark("at least"),
    COMBINED: mark("combined"),
}


def value_sensitivity(
    table: ValueTable,
    prices: Prices,
    terms: Terms,
    *,
    exposed: str = "promoter",
    reference: str = "detractor",
    counting: str = AS_THEY_ARE,
    min_at_risk: int = 30,
    max_weight: float = MAX_WEIGHT,
    confidence_level: float = 0.95,
) -> ValueSensitivity:
    """Return how the difference in value moves with each choice and each price.

    Parameters
    ----------
    table, prices, terms, exposed, reference, min_at_risk, max_weight, confidence_level
        As in `value_differences`.
    counting
        Which of its rows: "as_they_are", "same_tenure_mix" or "same_history".

    Notes
    -----
    Ranges: a discount rate of 0 to 20 % a year, a horizon of 12 to 60 months, the first bill now or
    one period later, a margin that was entered by a fifth down and up (a share to 1 at most), a
    cost or the value of a referral from nothing to twice, and beyond the data the pair of credible
    models with the least and with the largest difference.

    Raises
    ------
    DataError
        As `value_differences`, or when the table has nothing for this way of comparing.
    """
    setting = Setting(
        prices, terms, (exposed, reference), min_at_risk, max_weight, confidence_level
    )
    check_setting(table, setting)
    known = known_before(table)
    if counting not in known:
        raise DataError(unknown("counting", counting, list(known)))
    empty = ValueSensitivity(
        (),
        NONE,
        setting.labels,
        counting,
        terms,
        prices,
        confidence_level=confidence_level,
        as_of=table.as_of,
    )
    try:
        sides = gather(table, known[counting], setting)
        base = compare(sides, setting)
    except RefusedError as reason:
        return replace(empty, refusal=str(reason))
    bars = [*_terms_bars(sides, setting, base), *_model_bar(base, confidence_level)]
    bars += _price_bars(sides, setting)
    widest = tuple(sorted(bars, key=lambda bar: -bar.width))
    return replace(
        empty, bars=widest, base=base.difference_band(confidence_level), n=round(sum(sides.n))
    )


def _terms_bars(sides: Sides, setting: Setting, base: Comparison) -> Iterator[Bar]:
    """Move discount rate, horizon and first bill, on flows that are estimated once."""
    terms, level = setting.terms, setting.confidence_level
    ranges: dict[str, Sequence[Any]] = {
        "annual_discount_rate": RATES,
        "horizon": [h * terms.periods_per_year // 12 for h in HORIZONS],
        "first_margin": FIRST_MARGINS,
    }
    longest = max(terms.horizon, ranges["horizon"][1])
    far = _reaching(sides, setting, longest)
    if far is None:  # no model carries it that far: the horizon cannot move
        far = _reaching(sides, setting, terms.horizon)
        del ranges["horizon"]
    if far is None:  # nor by a single bill
        far = base
        del ranges["first_margin"]
    for choice, values in ranges.items():
        moved = [replace(terms, **{choice: value}) for value in values]
        ends = [replace(far, terms=one).difference_band(level) for one in moved]
        said = partial(_terms_words, choice, terms=terms)
        yield _bar(choice, said, values, ends)


def _bar(
    choice: str,
    said: Callable[[Any], str],
    values: Sequence[Any],
    ends: Sequence[Ends],
    *,
    entered: bool = False,
) -> Bar:
    low, high = values
    with speaking(ENGLISH):  # findings of two runs are told to be of the same by these
        keys = (said(low), said(high))
    return Bar(choice, (said(low), said(high)), keys, (ends[0], ends[1]), entered)


def _reaching(sides: Sides, setting: Setting, month: int) -> Comparison | None:
    try:
        return compare(sides, replace(setting, months=month + 1))
    except RefusedError:
        return None


def _model_bar(base: Comparison, level: float) -> Iterator[Bar]:
    pairs = base.credible
    if not base.projected or len(pairs) < 2:
        return
    every = [(float(base.difference(pair)[0]), pair) for pair in pairs]
    ends = [
        (ends_of(band(base.difference(pair), [base.difference(pair)], level)), pair)
        for _, pair in (min(every), max(every))
    ]
    said = partial(_model_words, base=base)
    yield _bar(MODEL, said, [pair for _, pair in ends], [end for end, _ in ends])


def _model_words(curves: tuple[str, str], base: Comparison) -> str:
    one, other = (term(NAMES.get(curve, CURVES.get(curve, curve))) for curve in curves)
    if one == other:
        return one
    sides = (side.group[EXPOSURE] for side in (base.exposed, base.reference))
    first, second = (words.plural(side, 2) for side in sides)
    return tr(
        "{one} for {first} and {other} for {second}",
        one=one,
        first=first,
        other=other,
        second=second,
    )


def _price_bars(sides: Sides, setting: Setting) -> Iterator[Bar]:
    prices = setting.prices
    ranges = {
        name: AROUND if name in ("margin_share", "monthly_margin") else FROM_NOTHING
        for name in ITEMS
        if name != "acquisition_cost" and getattr(prices, name)
    }
    for name, factors in ranges.items():
        highest = 1.0 if name == "margin_share" else math.inf
        values = [min(float(getattr(prices, name)) * factor, highest) for factor in factors]
        ends = [_at_price(sides, setting, {name: value}) for value in values]
        said = partial(_price_words, name, currency=prices.currency)
        yield _bar(name, said, values, ends, entered=name in prices.entered)


def _at_price(sides: Sides, setting: Setting, changed: Mapping[str, Any]) -> Ends:
    moved = replace(setting, prices=replace(setting.prices, **changed))
    return compare(sides, moved).difference_band(setting.confidence_level)


def _terms_words(choice: str, value: Any, terms: Terms) -> str:  # noqa: ANN401 - of any field
    if choice == "annual_discount_rate":
        return tr("{number} %", number=f"{100 * value:.4g}")
    unit = words.period_word(terms.periods_per_year)
    if choice == "horizon":
        return words.counted(value, unit)
    return tr("{period} {t}", period=term(unit), t=0 if value == "now" else 1)


def _price_words(name: str, value: float, currency: str | None) -> str:
    if name == "margin_share":
        return tr("{number} %", number=f"{100 * value:.4g}")
    return amount(value, currency)
