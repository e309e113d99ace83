"""Why rows are left out: what the reductions say of them, in the language spoken."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cxresearch._language import mark, term, tr

__all__ = ["REASONS", "reason_words", "reasons_words"]

# Reductions are SQL and speak English; a test finds what is not named here.
REASONS = (
    mark("no score"),
    mark("no date"),
    mark("customer without a start date"),
    mark("before the customer started"),
    mark("before the observation began"),
    mark("after the last day"),
    mark("after the customer left"),
    mark("after notice was given"),
    mark("no customer id"),
    mark("assigned before"),
    mark("no arm"),
    mark("in both arms on one day"),
    mark("customer is not in the extract"),
    mark("observed for less than one full month"),
    mark("stays for more than 100 years"),
    mark("no full month in which the answer counts"),
    mark("no valid answer"),
    mark("observed for less than one full month after the answer"),
    mark("bounced"),
    mark("the survey asked something else"),
    mark("the time to answer was not over"),
    mark("after the customer left or gave notice"),
    mark("no order id"),
    mark("no amount"),
    mark("returned"),
    mark("below 0 without the mark of a return"),
    mark("of value 0"),
    mark("no valid answer by then"),
    mark("not observed after that month"),
    mark("no month"),
    mark("credited"),
    mark("off the scale"),
    mark("nothing bought by then"),
    mark("the months after it were not over"),
    mark("left before the time to answer was over"),
    mark("notice given before the time to answer was over"),
    mark("observed for less than one full month after it"),
    mark("no survey id"),
    mark("no start date or tenure"),
    mark("not known whether churned"),
    mark("ends before it starts, or starts after the last day"),
    mark("left on the first day"),
    mark("left before the first full month under observation"),
)
_IN_DAYS = re.compile(r"notice or end within (\d+) days of the answer")


def reason_words(reason: str) -> str:
    """Return why rows are left out, as a report says it."""
    if found := _IN_DAYS.fullmatch(reason):
        return tr("notice or end within {n} days of the answer", n=found[1])
    return term(reason)


def reasons_words(counts: Iterable[tuple[object, int]]) -> str:
    """Return why rows do not count, with how many each: `after the end: 1,204, no date: 3`."""
    said = (
        tr("{reason}: {n}", reason=reason_words(str(reason)), n=f"{n:,}") for reason, n in counts
    )
    return tr(", ").join(said) or tr("none given")
