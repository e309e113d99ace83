"""Words and digits: every number that a person reads is rounded and worded here.

In the language that is spoken (`_language`); digits are grouped and pointed alike in all of
them. The rounding rule: the unit is the largest power of ten that still fits into the interval, so
an interval is always one to ten units wide and no digit is shown that the data cannot support.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import date

from cxresearch._language import ENGLISH, language, mark, term, tr

MISSING = "–"
FINEST = 1e-5  # of a share: a thousandth of a percent
AMOUNT = "amount"
PERIOD_WORDS = {1: "year", 4: "quarter", 12: "month", 52: "week", 365: "day"}
COUNTED = (
    mark("{n} years"),
    mark("{n} quarters"),
    mark("{n} months"),
    mark("{n} weeks"),
    mark("{n} days"),
    mark("{n} periods"),
    mark("{n} customers"),
    mark("{n} answers"),
    mark("{n} invitations"),
    mark("{n} groups"),
    mark("{n} seconds"),
    mark("{n} points"),
    mark("{n} percentage points"),
)
NAMED = (
    mark("year"),
    mark("quarter"),
    mark("month"),
    mark("week"),
    mark("day"),
    mark("period"),
    mark("customer"),
    mark("customers"),
    mark("answer"),
    mark("answers"),
    mark("invitation"),
    mark("invitations"),
    mark("group"),
    mark("reason"),
    mark("second"),
    mark("point"),
    mark("percentage point"),
    mark("promoter"),
    mark("passive"),
    mark("detractor"),
)


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
    return f"{number(value, unit)}{_ends(lower, upper, unit)}"


def _ends(lower: float, upper: float, unit: float) -> str:
    low = number(lower, unit) if math.isfinite(lower) else tr("not known")
    high = number(upper, unit) if math.isfinite(upper) else tr("not reached")
    return tr(" ({low} to {high})", low=low, high=high)


def percent(share: float, unit: float = 0.01) -> str:
    """Return a share 0–1 in percent: `84 %`."""
    if not math.isfinite(share):
        return MISSING
    return tr("{number} %", number=number(100 * share, 100 * unit))


def percent_interval(share: float, lower: float, upper: float) -> str:
    """Return a share with its interval: `84 % (83 to 85 %)`."""
    unit = max(rounding_unit(lower, upper, coarsest=0.01), FINEST)
    if not (math.isfinite(lower) and math.isfinite(upper)):
        return percent(share, unit)
    low, high = number(100 * lower, 100 * unit), percent(upper, unit)
    return percent(share, unit) + tr(" ({low} to {high})", low=low, high=high)


def percent_exact(share: float, lower: float, upper: float) -> str:
    """Return a share with its interval; with one decimal where it has none, or one of no width.

    For what may be arithmetic on what somebody entered: it has no interval, and is not vague.
    """
    return percent_interval(share, lower, upper) if lower < upper else percent(share, 0.001)


def out_of(share: float, lower: float, upper: float) -> tuple[str, str, str]:
    """Natural frequency: (`100`, `84`, `83 to 85`); of 1,000 when the interval is narrow."""
    unit = max(rounding_unit(lower, upper, coarsest=0.01), 1e-4)
    whole = 1 / unit
    spread = tr("{low} to {high}", low=number(whole * lower), high=number(whole * upper))
    return number(whole), number(whole * share), spread


def quantity(value: float, lower: float, upper: float, word: str) -> str:
    """Return a measured amount with its interval: `34 months (33 to 36)`."""
    unit = rounding_unit(lower, upper)
    bare = math.isnan(lower) and math.isnan(upper)
    return counted_digits(number(value, unit), word) + ("" if bare else _ends(lower, upper, unit))


def counted(count: float, word: str) -> str:
    """Return a number with what it counts, given in the singular: `12 months`."""
    return counted_digits(number(count), word)


def counted_digits(digits: str, word: str) -> str:
    """Return digits that are rounded already with what they count: `2.5 points`."""
    if language() == ENGLISH:
        return f"{digits} {word if digits in ('1', '-1') else plural(word, 2)}"
    return term(f"{{n}} {word}s").replace("{n}", digits)


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
    if currency:
        return _currency_word(currency)
    return tr("Amount") if capital else tr("amount")


def in_currency(digits: str, currency: str | None) -> str:
    """Put the currency before an amount, where it is known."""
    if not currency:
        return digits
    return tr("{currency} {digits}", currency=_currency_word(currency, symbol=True), digits=digits)


def _currency_word(currency: str, *, symbol: bool = False) -> str:
    """Return the code in English; elsewhere the name, or the symbol that stands at an amount."""
    if language() == ENGLISH:
        return currency
    from babel.numbers import (  # noqa: PLC0415 - only where it is translated
        get_currency_name,
        get_currency_symbol,
    )

    said = get_currency_symbol if symbol else get_currency_name
    return str(said(currency, locale=language()))


def day(iso: str) -> str:
    """Return an ISO date as people write it: `2025-12-31`."""
    if language() == ENGLISH:
        return iso
    from babel.dates import format_date  # noqa: PLC0415 - only where it is translated

    return str(format_date(date.fromisoformat(iso), "long", locale=language()))


def period_label(label: str) -> str:
    """Return a calendar period, `2025`, `2025-Q1` or `2025-03`, as people write it."""
    year, _, part = label.partition("-")
    if not year.isdecimal() or not re.fullmatch(r"|Q[1-4]|[0-9]{2}", part):
        return label
    if not part:
        return tr("{year}", year=year)
    if part.startswith("Q"):
        return tr("{year}-Q{quarter}", year=year, quarter=part[1:])
    return tr("{year}-{month}", year=year, month=part if language() == ENGLISH else int(part))


def money(value: float, lower: float, upper: float, currency: str | None) -> str:
    """Money with its interval: `EUR 1,240 (1,180 to 1,300)`; two significant digits without."""
    half = (upper - lower) / 2
    scale = half if math.isfinite(half) and half > 0 else abs(value) / 10
    unit = 10.0 ** math.floor(math.log10(scale) + 1e-9) if scale > 0 else 1.0
    return in_currency(_spread(value, lower, upper, max(unit, 0.01)), currency)


def p_value(p: float) -> str:
    """`p = 0.0013`, `p < 0.0001`."""
    if math.isnan(p):
        return tr("p not defined")
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def level_words(confidence_level: float) -> str:
    """`95 %` from 0.95."""
    return tr("{number} %", number=f"{100 * confidence_level:.10g}")


def plural(word: str, count: float) -> str:
    """`month` or `months`."""
    if language() != ENGLISH:
        return term(word)
    return word if count == 1 else f"{word}s"


def fewer_than(least: int, what: str) -> str:
    """`fewer than 30 customers`; `no customers` where one would do."""
    if least > 1:
        return tr("fewer than {least} {what}", least=number(least), what=term(what))
    return tr("no {what}", what=term(what))


def period_word(periods_per_year: int) -> str:
    """Return the word for one period: month, quarter, week, day, year, or period."""
    return PERIOD_WORDS.get(periods_per_year, "period")


SCORES = ("detractor", "passive", "promoter")
BANDED = ("tenure_band", "tenure", "tickets_before", "experiences")
NO_LABEL = (mark("(missing)"), mark("(other)"))
OURS = {  # labels that are not a company's own
    "score_group": (*SCORES, mark("no answer")),
    "response": ("answered", "silent"),
    "cause": ("voluntary", "involuntary", "company", "migration", "not recorded"),
}


def label_words(column: str, label: str) -> str:
    """Return a label as people say it: ours and periods in their language, others as they are."""
    if column in {"wave", "period"}:
        return period_label(label)
    if column in BANDED:
        return band_words(label)
    ours = label in NO_LABEL or label in OURS.get(column, ())
    return term(label) if ours else label


def band_words(label: str) -> str:
    """Return a band of numbers as people say it: `6 to 11`, `24 and more`."""
    if found := re.fullmatch(r"(\d+) to (\d+)", label):
        return tr("{low} to {high}", low=found[1], high=found[2])
    if found := re.fullmatch(r"(\d+) and more", label):
        return tr("{n} and more", n=found[1])
    return label


def group_words(group: Mapping[str, str]) -> str:
    """`plan basic, region north`; empty for everybody."""
    said = (
        tr("{column} {label}", column=term(c.replace("_", " ")), label=label_words(c, label))
        for c, label in group.items()
    )
    return tr(", ").join(said)


def group_name(group: Mapping[str, str]) -> str:
    """Return the labels of a group, to name it in a figure: `promoter`; empty for everybody."""
    return tr(", ").join(label_words(column, label) for column, label in group.items())


def with_group(group: Mapping[str, str]) -> str:
    """Return ` with plan basic`, to stand after the population; empty for everybody.

    A score group is named as people call it: ` (promoters)`.
    """
    score = group.get("score_group")
    if score not in SCORES:
        return tr(" with {group}", group=group_words(group)) if group else ""
    rest = {column: label for column, label in group.items() if column != "score_group"}
    return tr(" ({scores})", scores=plural(score, 2)) + with_group(rest)


def sentence_start(text: str) -> str:
    """Return a text with its first letter large, to begin a sentence; as it is in Japanese."""
    return text[:1].upper() + text[1:] if language() == ENGLISH else text


def sentences(said: Iterable[str]) -> str:
    """Put whole sentences behind each other; Japanese has no space between them."""
    return (" " if language() == ENGLISH else "").join(each for each in said if each)


def and_list(words: Iterable[str]) -> str:
    """Join words: `a`, `a and b`, `a, b and c`."""
    *head, last = list(words) or [""]
    return tr("{head} and {last}", head=tr(", ").join(head), last=last) if head else last


def plain(text: str) -> str:
    """Text that is safe in a terminal: control characters are replaced."""
    return "".join(c if c.isprintable() or c == "\n" else "\N{REPLACEMENT CHARACTER}" for c in text)
