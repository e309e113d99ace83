"""Tests of claims about shares: of revenue, of orders, of answers, of contacts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np
import pandas as pd
from sqlglot import exp

from cxresearch import _format as words
from cxresearch._language import mark, term, tr
from cxresearch.claims.measured import Evidence, Lacking
from cxresearch.claims.settings import LOSS_DAYS, ClaimSettings
from cxresearch.errors import NotEnoughError
from cxresearch.scores.shares import Share, shares
from cxresearch.share_table import ShareTable
from cxresearch.shares import paid_table
from cxresearch.source import Data
from cxresearch.uncertainty import Floats, jackknife, normal_interval

# What channels of contact are called, by the claims about them.
CHANNELS: Final[Mapping[str, tuple[str, ...]]] = {
    "S4-1a": ("web", "website", "web form", "webform", "portal"),
    "S4-1b": ("e-mail", "email", "mail"),
    "S4-2": ("phone", "telephone", "call", "voice"),
    "S4-11a": ("e-mail", "email", "mail", "web", "website", "web form", "webform", "portal"),
}
REPURCHASE_MONTHS: Final = 12
AGAIN: Final = ("S1-1a", "S3-5a")  # that satisfied customers buy again, and come back
MOST_UNCOVERED: Final = 0.05  # of the losses, outside of the time that tickets are held of
CONTRACTS: Final = mark(
    " Bills of a contract come from those who have one, so that this share is of another kind than "
    "that of a shop, to whom customers come back or not."
)
BESIDE: Final = mark(" The firm has contracts: these are orders beside them, not those of a shop.")

NOBODY_NEW: Final = mark("nobody new came in these months")
LATER: Final = mark("customers who came later, too")
NOTHING_BACK: Final = mark("no line is below 0")
LINES_BELOW: Final = mark("lines below 0 for what came back")
NO_CHANNEL: Final = mark("no channel is called so, or too few came by it")
NO_TICKET: Final = mark("no contact is a ticket")
TICKETS: Final = mark("event_type 'ticket' in touchpoints")
NOT_STATED: Final = mark("nobody stated it")
SCALE: Final = mark("the scale of nps in the recipe")


def existing_revenue(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S0-2: revenue of existing customers, by how far the window reaches."""
    source = paid_table(data.pipeline)
    found = _shares(data.existing_revenue(table=source), settings)
    if not found:
        yield Lacking("S0-2", _too_few_paid(settings.min_group))
        return
    if all(share.share == 1 for share in found):
        yield Lacking("S0-2", NOBODY_NEW, LATER)
        return
    noted = term(CONTRACTS) if source == "revenue" else ""
    for share in found:
        one = _of_share("S0-2", f"last_{share.group['window']}_months", share)
        yield replace(one, definition=one.definition + noted)


def returns(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S2-6: what was returned, by order and by value."""
    noted = term(BESIDE) if "subscriptions" in data.fields else ""
    for reading, by in (("by_value", "value"), ("by_order", "orders")):
        table = data.returns(by, mark=settings.return_mark)
        for share in _shares(table, settings):
            if share.share > 0:
                one = _of_share("S2-6", reading, share)
                yield replace(one, definition=one.definition + noted)
            else:
                yield Lacking("S2-6", NOTHING_BACK, LINES_BELOW)


def repurchase(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S2-2, S1-1a and S3-5a: purchases within a year of a good answer, and beside others."""
    table = data.repurchase_table(settings.good_answers, months=REPURCHASE_MONTHS)
    reading = f"bought_again_{REPURCHASE_MONTHS}"
    others = {share.group["score_group"]: share for share in _shares(table, settings)}
    good = next((name for name in others if _is_good(name)), None)
    if good is None:
        for claim in ("S2-2", *AGAIN):
            why = tr("fewer than {n} customers gave a good answer", n=settings.min_group)
            yield Lacking(claim, why)
        return
    called = tr(
        " Good answers: the best of the {question} question ({answer}).",
        question=settings.good_answers,
        answer=words.label_words("score_group", good),
    )
    table = replace(table, definition=table.definition + called)
    share = others[good]
    yield replace(_of_share("S2-2", reading, share), definition=table.definition)
    if len(others) < 2:
        few = tr("fewer than {n} customers gave another answer", n=settings.min_group)
        yield from (Lacking(claim, few) for claim in AGAIN)
        return
    difference = _difference(table, reading, good, settings)
    yield from (replace(difference, claim=claim) for claim in AGAIN)


def contact_channels(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S4-1, S4-2 and S4-11a: contacts by channel."""
    table, people = data.contact_channels(), data.contact_channels("customers")
    for claim, names in CHANNELS.items():
        places = [i for i, (label,) in enumerate(table.groups) if label.lower() in names]
        if not places:
            takes = tr(
                "contacts whose channel in touchpoints is called {names}",
                names=tr(" or ").join(names[:3]),
            )
            yield Lacking(claim, NO_CHANNEL, takes)
        for share in _shares(_together(table, places), settings) if places else ():
            yield _of_share(claim, "contacts", share)
        for share in _shares(people.take(places), settings) if len(places) == 1 else ():
            yield _of_share(claim, "customers", share)


def avoidable_losses(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S2-5: losses with a ticket before that outlived its day, which bounds what is avoidable."""
    gap = _gap_in_tickets(data)
    if gap is not None:
        yield gap
        return
    for reading, days in (("upper_bound", LOSS_DAYS), ("upper_bound_year", 365)):
        try:
            found = _shares(data.unresolved_before_loss(days, open_days=0), settings)
        except NotEnoughError as error:
            yield Lacking("S2-5", words.sentences(error.problems), "")
            continue
        if not found:
            why = tr("fewer than {n} customers left", n=settings.min_group)
            yield Lacking("S2-5", why)
        for share in found:
            one = _of_share("S2-5", reading, share, upper_bound=True)
            yield replace(one, definition=_bound(days))


def _bound(days: int) -> str:
    return tr(
        "Losses, each on the day of the notice or of the end, and tickets opened in the {days} "
        "days before that were not solved on their first day, were still open, or came back. A "
        "solution at the first contact can have to do with no more than these, if every contact "
        "is a ticket and those solved on their first day took one contact; nobody can say that "
        "these customers would otherwise be here.",
        days=days,
    )


def _too_few_paid(least: int) -> str:
    return tr("fewer than {n} customers paid in these months", n=least)


def _gap_in_tickets(data: Data) -> Lacking | None:
    """Return why the tickets bound nothing: where they do not cover the time of the losses."""
    counted = ("MIN(event_at) AS first", "MAX(event_at) AS last")
    is_ticket = exp.func("LOWER", exp.column("event_type")).eq(exp.Literal.string("ticket"))
    first, last = data.query(exp.select(*counted).from_("touchpoints").where(is_ticket)).iloc[0]
    if pd.isna(first):
        return Lacking("S2-5", NO_TICKET, TICKETS)
    months = data.period_table(period="month")
    lost = months.lost.sum(axis=(0, 1))
    ends = [f"{pd.Timestamp(day):%Y-%m}" for day in (first, last)]
    outside = [n for name, n in zip(months.periods, lost, strict=True) if not _in(name, ends)]
    if sum(outside) <= MOST_UNCOVERED * lost.sum():
        return None
    why = tr(
        "tickets are held from {first} to {last} only, and {outside} of {losses} losses lie "
        "outside",
        first=words.period_label(ends[0]),
        last=words.period_label(ends[1]),
        outside=words.number(sum(outside)),
        losses=words.number(lost.sum()),
    )
    takes = tr(
        "tickets of all the time, or observed_from = {day} in the recipe",
        day=f"{pd.Timestamp(first):%Y-%m-%d}",
    )
    return Lacking("S2-5", why, takes)


def _in(month: str, ends: list[str]) -> bool:
    return ends[0] <= month <= ends[1]


def nps_scale(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S0-12: the lowest score of the scale that the recipe states."""
    scale = data.recipe.scales.get("nps")
    if scale is None:
        yield Lacking("S0-12", NOT_STATED, SCALE)
        return
    least = float(scale.minimum)
    yield Evidence(
        "S0-12",
        "scale",
        least,
        least,
        least,
        None,
        "lowest score",
        "C",
        tr("The scale of the question that the recipe states."),
        as_of=data.as_of,
        confidence_level=settings.confidence_level,
    )


def _shares(table: ShareTable, settings: ClaimSettings) -> list[Share]:
    level = settings.confidence_level
    found = shares(table, min_group=settings.min_group, confidence_level=level)
    return [share for share in found if math.isfinite(share.share_ci_lower)]


def _of_share(claim: str, reading: str, share: Share, *, upper_bound: bool = False) -> Evidence:
    return Evidence(
        claim,
        reading,
        share.share,
        share.share_ci_lower,
        share.share_ci_upper,
        share.n,
        "share",
        share.grade,
        share.definition,
        upper_bound=upper_bound,
        as_of=share.as_of,
        confidence_level=share.confidence_level,
    )


def _is_good(group: str) -> bool:
    return group in {"promoter", "satisfied", "easy"}


def _together(table: ShareTable, places: list[int]) -> ShareTable:
    """Return several channels as one: each is a part of the same whole."""
    chosen = table.take(places)
    return replace(chosen.take([0]), part=chosen.part.sum(axis=0, keepdims=True))


def _difference(table: ShareTable, reading: str, good: str, settings: ClaimSettings) -> Evidence:
    """Return the share after good answers less that after all others."""
    place = [label for (label,) in table.groups].index(good)

    def difference(part: Floats, whole: Floats) -> Floats:
        after = part[..., place, 0] / whole[..., place, 0]
        rest = [np.delete(counts[..., 0], place, axis=-1).sum(axis=-1) for counts in (part, whole)]
        return np.asarray(after - rest[0] / rest[1])

    found = jackknife(difference, table.counts("part"), table.counts("whole"))
    level = settings.confidence_level
    lower, upper = normal_interval(found.estimate, found.standard_error, level)
    return Evidence(
        "S1-1a",
        reading,
        float(found.estimate),
        float(lower),
        float(upper),
        round(float(table.n.sum())),
        "share",
        table.grade,
        table.definition,
        as_of=table.as_of,
        confidence_level=level,
    )
