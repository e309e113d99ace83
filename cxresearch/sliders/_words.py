"""What the sliders say: sentences by name, which Python and the page's script fill alike."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from cxresearch import _format as words
from cxresearch._language import mark, term, tr, trn

LABELS: Final = {
    "base_retention": mark("Customers who stay a year"),
    "lift": mark("More retention"),
    "annual_discount_rate": mark("Discount rate a year"),
    "annual_margin": mark("Margin per customer and year"),
    "acquisition_cost": mark("Cost of winning a customer"),
    "retention_cost": mark("Cost of the lift per customer and year"),
    "annual_cost": mark("Cost of the programme a year"),
    "one_off_cost": mark("Cost of the programme today"),
    "reading": mark("How “more retention” is read"),
    "profit": mark("Which profit"),
    "curve": mark("Retention by year"),
}
OPTIONS: Final = {
    "points": mark("percentage points of all customers"),
    "relative": mark("percent of the rate itself"),
    "fewer_churners": mark("percent of those who leave"),
    "customer_value": mark("value per customer"),
    "net_value": mark("value per customer less the cost of winning one"),
    "base_value": mark("the value of today's customers"),
    "annual_profit": mark("the profit of year {year}"),
    "steady_state": mark("the profit of a year in the long run"),
    "own": mark("each year its own rate, as in the report"),
    "one": mark("one rate for every year"),
}
CLAIM: Final = {
    "reached": mark(
        "With these values, arithmetic gives: {profit} is {share} higher, which reaches the "
        "{target} claimed."
    ),
    "missed": mark(
        "With these values, arithmetic gives: {profit} is {share} higher, which does not reach "
        "the {target} claimed."
    ),
    "lower": mark(
        "With these values, arithmetic gives: {profit} is {share} lower, since the lift costs "
        "more than it brings."
    ),
    "refused": mark("With these values there is no answer: {reason}."),
    "read": mark("Read as {lift}."),
    "stay_one": mark("Of 100 customers, {after} stay each year instead of {before}."),
    "stay_own": mark(
        "Of 100 customers, {after} stay the first year instead of {before}; the rate of each "
        "later year is lifted likewise."
    ),
    "stay_first": mark(
        "Of 100 customers, {after} stay the first year instead of {before}; later rates remain "
        "as they are."
    ),
    "cut": mark("No rate can pass 100 %: {cut}."),
    "no_costs": mark(
        "As long as neither the lift nor winning a customer costs anything, the margin does not "
        "move the percentage."
    ),
    "bar_before": mark("Without the lift: {amount}"),
    "bar_after": mark("With the lift: {amount}"),
    "caption": mark(
        "Without the lift {before}, with it {after}; the line stands at {claimed}, {target} more."
    ),
    "caption_by_year": mark(
        "For each new customer a year: without the lift {before}, with it {after}; the line stands "
        "at {claimed}, {target} more."
    ),
}
PROGRAMME: Final = {
    "pays": mark(
        "With these values, arithmetic gives a value of {npv} today: more comes back than is spent."
    ),
    "loses": mark(
        "With these values, arithmetic gives a value of {npv} today: less comes back than is spent."
    ),
    "needs": mark("It breaks even at {needed} more who stay a year; {lift} are put in."),
    "needs_nothing": mark("It breaks even without any lift."),
    "needs_too_much": mark("No lift is enough, even with nobody leaving."),
    "beyond": mark("No more than {most} can count: then nobody leaves."),
    "back": mark("Paid back in month {month}."),
    "back_at_once": mark("The payments are never below 0 in sum: there is nothing to pay back."),
    "back_never": mark("Never paid back within {span}."),
    "back_today": mark("In today's worth: paid back in month {month}."),
    "back_today_never": mark("In today's worth: never paid back within {span}."),
    "caption": mark(
        "Bars: the sum of all payments up to each year, in today's worth: {first} today, {least} "
        "at its lowest in year {year}, {last} after {span}."
    ),
}
# Said by the rooms that compute; the page's script says them too, word for word.
ROI: Final = {
    "relative": mark("{much} % more retention (each rate times {times})"),
    "fewer_churners": mark("{much} % fewer customers who leave"),
    "passes": mark("the rate of {rate} % passes 1 with {lift}"),
    "no_profit": mark(
        "without the lift this profit is not above 0, so that nothing can be said in per cent of it"
    ),
    "endless": mark("it has no end where nobody leaves"),
    "undiscounted": mark(
        "without a discount rate all margins there ever are have no end where customers differ or "
        "nobody leaves"
    ),
    "long_run": mark(
        "where customers differ, those who stay longest decide what the long run comes to, and no "
        "data have seen them leave"
    ),
    "won": mark(
        "it is not known how many of those who were won are still there when the data begin"
    ),
    "from_year": mark("nobody leaves from year {year} as a customer on"),
    "from_year_late": mark("nobody leaves from year {year} that is counted on"),
    "low_to_high": mark("{low} to {high}"),
    "and_last": mark("{head} and {last}"),
    "comma": mark(", "),
    "percent": mark("{number} %"),
}
LEAD: Final = mark(
    "Move a value and see the answer. These are single values without an interval: what the "
    "values put in come to, not what will happen."
)
REPORT: Final = mark("The report's own answer does not move: {sentence}")
ONE_RATE: Final = mark(
    "The report lifts the own rate of each customer. Here one rate stands for all of them."
)
HELD: Final = mark(
    "Held as in the report: {customers}, {reached} of them reached, {attribution} of the lift "
    "counted as the programme's doing, {span}."
)
CONTROLS: Final = mark("Values that can be moved")
BACK: Final = mark("Back to the report's values")
STATIC: Final = mark("The same with one value changed")
COLUMNS: Final = {
    "claim": (mark("what is changed"), mark("changed to"), mark("profit higher by")),
    "programme": (
        mark("what is changed"),
        mark("changed to"),
        mark("value today"),
        mark("breaks even at"),
        mark("paid back in month"),
    ),
}
NOTHING: Final = mark("none")
NEVER: Final = mark("never")


def plurals() -> dict[str, str]:
    """Return sentences that depend on a count, for one and for several, places unfilled."""
    found: dict[str, str] = {}
    for count, end in ((1, "_one"), (2, "")):
        found |= {
            f"points{end}": _points("{number}", count),
            f"points_more{end}": trn(
                "{much} percentage point more retention",
                "{much} percentage points more retention",
                count,
                much="{much}",
            ),
            f"reach{end}": trn(
                "the data reach {n} year, and it needs retention after that",
                "the data reach {n} years, and it needs retention after that",
                count,
                n="{n}",
            ),
            f"in_years{end}": trn(
                "nobody leaves in year {years} as a customer",
                "nobody leaves in years {years} as a customer",
                count,
                years="{years}",
            ),
            f"in_years_late{end}": trn(
                "nobody leaves in year {years} that is counted",
                "nobody leaves in years {years} that is counted",
                count,
                years="{years}",
            ),
        }
    return found


def fill(message: str, **values: object) -> str:
    """Return a message of these tables in the language spoken, with its places filled."""
    return term(message).format(**values)


def snap(value: float) -> float:
    """Return a number without the noise of arithmetic, so that a half is one everywhere."""
    return float(f"{value:.12g}")


def share(value: float) -> str:
    """Return a share that was put in, in percent: `8.5 %`."""
    return tr("{number} %", number=f"{snap(100 * value):.3g}")


def points(value: float) -> str:
    """Return a share in percentage points: `2.5 percentage points`."""
    number = words.number(snap(100 * value), 0.01).rstrip("0").rstrip(".")
    return _points(number, 1 if number == "1" else 2)


def _points(number: str, count: int) -> str:
    return trn("{number} percentage point", "{number} percentage points", count, number=number)


def profit_words(concept: str, spec: Mapping[str, Any]) -> str:
    """Return which profit is meant, as a label."""
    return fill(OPTIONS[concept], year=spec["fixed"]["year"])


def lift_words(reading: str, size: float) -> str:
    """Return the lift as its reading says it: in points or in percent."""
    return points(size) if reading == "points" else share(size)


def amount(value: float, currency: str | None) -> str:
    """Return money without an interval, with two significant digits."""
    return words.money(snap(value), math.nan, math.nan, currency)
