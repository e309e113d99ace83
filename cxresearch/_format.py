"""Words and digits: every number that a person reads is rounded and worded here.

English only, and nowhere else, so that a translation has one file to look at. The rounding
rule: the unit is the largest power of ten that still fits into the interval, so an interval
is always one to ten units wide and no digit is shown that the data cannot support.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping

from cxresearch.errors import CxError

MISSING = "–"
LANGUAGES = ("en",)
FINEST = 1e-5  # of a share: a thousandth of a percent
AMOUNT = "amount"
PERIOD_WORDS = {1: "year", 4: "quarter", 12: "month", 52: "week", 365: "day"}


def check_language(lang: str) -> None:
    """Refuse a language that no sentence is written in."""
    if lang not in LANGUAGES:
        raise CxError(f"lang is {lang!r}, must be one of {', '.join(LANGUAGES)}: use lang='en'.")


def rounding_unit(lower: float, upper: float, coarsest: float = 1.0) -> float:
    """Return the unit to round to: the largest power of ten not above the interval's width.

    Never coarser than `coarsest`; an interval without width, or with an open end,
    supports the coarsest unit only.
    """
    width = upper - lower
    if not (math.isfinite(width) and width > 0):
        return coarsest
    # 1e-9 keeps a width of 0.01 computed as 0.00999… at a hundredth
    return float(min(coarsest, 10.0 ** math.floor(math.log10(width) + 1e-9)))


def number(value: float, unit: float = 1.0) -> str:
    """Return `value` rounded to `unit` (a power of ten), with thousands separators."""
    if not math.isfinite(value):
        return MISSING
    decimals = max(0, -round(math.log10(unit)))
    rounded = round(value / unit) * unit if unit > 1 else value
    text = f"{rounded:,.{decimals}f}"
    return text.lstrip("-") if float(text.replace(",", "")) == 0 else text


def _spread(value: float, lower: float, upper: float, unit: float) -> str:
    """`84 (83 to 85)`, all three rounded to one unit; an open end is said in words."""
    if math.isnan(lower) and math.isnan(upper):
        return number(value, unit)
    low = number(lower, unit) if math.isfinite(lower) else "not known"
    high = number(upper, unit) if math.isfinite(upper) else "not reached"
    return f"{number(value, unit)} ({low} to {high})"


def percent(share: float, unit: float = 0.01) -> str:
    """Return a share 0–1 in percent: `84 %`."""
    return f"{number(100 * share, 100 * unit)} %" if math.isfinite(share) else MISSING


def percent_interval(share: float, lower: float, upper: float) -> str:
    """Return a share with its interval: `84 % (83 to 85 %)`."""
    unit = max(rounding_unit(lower, upper, coarsest=0.01), FINEST)
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return percent(share, unit)
    ends = f"{number(100 * lower, 100 * unit)} to {percent(upper, unit)}"
    return f"{percent(share, unit)} ({ends})"


def percent_exact(share: float, lower: float, upper: float) -> str:
    """Return a share with its interval; with one decimal where it has none, or one of no width.

    For what may be arithmetic on what somebody entered: it has no interval, and is not vague.
    """
    return percent_interval(share, lower, upper) if lower < upper else percent(share, 0.001)


def out_of(share: float, lower: float, upper: float) -> tuple[str, str, str]:
    """Natural frequency: (`100`, `84`, `83 to 85`); of 1,000 when the interval is narrow."""
    unit = max(rounding_unit(lower, upper, coarsest=0.01), 1e-4)
    whole = 1 / unit
    spread = f"{number(whole * lower)} to {number(whole * upper)}"
    return number(whole), number(whole * share), spread


def quantity(value: float, lower: float, upper: float, word: str) -> str:
    """Return a measured amount with its interval: `34 months (33 to 36)`."""
    unit = rounding_unit(lower, upper)
    head, _, tail = _spread(value, lower, upper, unit).partition(" ")
    return f"{head} {word if head in ('1', '-1') else plural(word, 2)} {tail}".rstrip()


def number_interval(value: float, lower: float, upper: float) -> str:
    """Return a number with its interval: `28.4 (27.9 to 28.9)`."""
    if not math.isfinite(value):
        return MISSING
    return _spread(value, lower, upper, rounding_unit(lower, upper))


def parameter_interval(value: float, lower: float, upper: float) -> str:
    """Return a model's parameter as papers print it: `0.6681 (0.4928 to 0.9057)`.

    With more digits than its interval supports, since whoever computes on needs them.
    """
    if not math.isfinite(value):
        return MISSING
    unit = 1e-4 if abs(value) < 10 else 1e-2 if abs(value) < 1000 else 1.0
    return _spread(value, lower, upper, unit)


def money_unit(currency: str | None, *, capital: bool = False) -> str:
    """Return what money is counted in: the currency, or `amount` where it is not known."""
    return currency or (AMOUNT.capitalize() if capital else AMOUNT)


def in_currency(digits: str, currency: str | None) -> str:
    """Put the currency before an amount, where it is known."""
    return f"{currency} {digits}" if currency else digits


def money(value: float, lower: float, upper: float, currency: str | None) -> str:
    """Money with its interval: `EUR 1,240 (1,180 to 1,300)`; two significant digits without."""
    half = (upper - lower) / 2
    scale = half if math.isfinite(half) and half > 0 else abs(value) / 10
    unit = 10.0 ** math.floor(math.log10(scale) + 1e-9) if scale > 0 else 1.0
    return in_currency(_spread(value, lower, upper, max(unit, 0.01)), currency)


def p_value(p: float) -> str:
    """`p = 0.0013`, `p < 0.0001`."""
    if math.isnan(p):
        return "p not defined"
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def level_words(confidence_level: float) -> str:
    """`95 %` from 0.95."""
    return f"{100 * confidence_level:.10g} %"


def plural(word: str, count: float) -> str:
    """`month` or `months`."""
    return word if count == 1 else f"{word}s"


def fewer_than(least: int, what: str) -> str:
    """`fewer than 30 customers`; `no customers` where one would do."""
    return f"fewer than {number(least)} {what}" if least > 1 else f"no {what}"


def period_word(periods_per_year: int) -> str:
    """Return the word for one period: month, quarter, week, day, year, or period."""
    return PERIOD_WORDS.get(periods_per_year, "period")


SCORES = ("detractor", "passive", "promoter")


def group_words(group: Mapping[str, str]) -> str:
    """`plan basic, region north`; empty for everybody."""
    return ", ".join(f"{column.replace('_', ' ')} {label}" for column, label in group.items())


def with_group(group: Mapping[str, str]) -> str:
    """Return ` with plan basic`, to stand after the population; empty for everybody.

    A score group is named as people call it: ` (promoters)`.
    """
    score = group.get("score_group")
    if score not in SCORES:
        return f" with {group_words(group)}" if group else ""
    rest = {column: label for column, label in group.items() if column != "score_group"}
    return f" ({score}s){with_group(rest)}"


def and_list(words: Iterable[str]) -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    *head, last = list(words) or [""]
    return f"{', '.join(head)} and {last}" if head else last


def plain(text: str) -> str:
    """Text that is safe in a terminal: control characters are replaced."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
