"""The tables of the extract that hold customers, contracts, money and tickets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxresearch.simulate import settings as s
from cxresearch.simulate.referrals import referrers
from cxresearch.simulate.world import Extract

_SEVERITIES = ("low", "normal", "high")
_TICKET_CHANNELS = ("phone", "chat", "e-mail")


def customers(
    extract: Extract, sources: np.random.Generator, referrals: np.random.Generator
) -> pd.DataFrame:
    """One row per customer, with the attributes to group by, how they were won and through whom."""
    people = extract.people
    earned = (sources.random(len(people)) < s.EARNED_SHARE).astype(np.int8)
    known = sources.random(len(people)) < s.SOURCE_KNOWN_SHARE
    joined = np.flatnonzero(known & (earned == 1))
    through = np.full(len(people), -1)
    through[joined] = referrers(extract, joined, referrals)
    onboarding = ("skipped", "completed")
    return pd.DataFrame(
        {
            "customer_id": extract.ids,
            "start_date": people.start,
            "end_date": _seen_end(extract),
            "plan": names(s.PLANS, people.plan),
            "region": names(s.REGIONS, people.region),
            "channel": names(s.CHANNELS, people.channel),
            "onboarding": names(onboarding, people.onboarded.astype(np.int8)),
            "acquisition_source": names(("bought", "earned"), np.where(known, earned, -1)),
            "referred_by": names(extract.ids.tolist(), through),
        }
    )


def subscriptions(extract: Extract) -> pd.DataFrame:
    """One spell per customer; a notice may stand where the end lies after the extract."""
    people, lives, end = extract.people, extract.lives, _seen_end(extract)
    seen = lives.notice <= extract.settings.last_day
    return pd.DataFrame(
        {
            "customer_id": extract.ids,
            "subscription_id": numbered("S", len(people)),
            "start_date": people.start,
            "end_date": end,
            "plan": names(s.PLANS, people.plan),
            "mrr": price(extract, np.arange(len(people)), np.zeros(len(people), np.int64)),
            "cancel_type": names(s.CAUSES, np.where(np.isnat(end), -1, lives.cause)),
            "notice_date": np.where(seen, lives.notice, np.datetime64("NaT")),
        }
    )


def price(extract: Extract, person: s.Ints, month: s.Ints) -> s.Floats:
    """Monthly price of a customer in that month of tenure, in cents exactly."""
    base = np.asarray(s.PLAN_PRICE)[extract.people.plan] * extract.people.price
    rise = np.power(1 + s.YEARLY_RISE, month // 12, dtype=float)
    charged: s.Floats = np.round(base[person] * rise, 2)
    return charged


def margin_rate(plan: s.Ints, month: s.Ints) -> s.Floats:
    """Return the expected margin as a share of the price: older customers cost less to serve."""
    rate: s.Floats = np.asarray(s.PLAN_MARGIN)[plan] + 0.01 * np.minimum(month // 12, 3)
    return rate


def revenue(extract: Extract, rng: np.random.Generator) -> pd.DataFrame:
    """One row per customer and billed month, in advance, from `observed_from` on."""
    settings, start = extract.settings, extract.people.start
    first = np.clip(s.completed_months(start, settings.observed_from - 1) + 1, 0, None)
    billed = s.completed_months(start, settings.last_day) + 1
    ended = ~np.isnat(_seen_end(extract))
    person, month = _runs(first, np.where(ended, extract.lives.months, billed))
    charged = price(extract, person, month)
    margin = charged * margin_rate(extract.people.plan[person], month)
    margin += 1.5 * rng.standard_normal(len(person), np.float32)
    return pd.DataFrame(
        {
            "customer_id": extract.ids[person],
            "month": (start.astype("datetime64[M]")[person] + month).astype("datetime64[s]"),
            "revenue": charged,
            "contribution_margin": np.round(margin, 1),
            "currency": constant(s.CURRENCY, len(person)),
        }
    )


def tickets(extract: Extract, rng: np.random.Generator) -> pd.DataFrame:
    """Tickets on any day of the half-year of tenure they were drawn for, with `person`."""
    person, day = _ticket_days(extract, rng)
    size = len(person)
    severity = rng.choice(3, size, p=(0.5, 0.35, 0.15))
    resolved = day + rng.geometric(np.take((0.6, 0.4, 0.25), severity)) - 1
    resolved[~extract.here(person, resolved)] = np.datetime64("NaT")
    minutes = np.exp(4.5 - 0.3 * severity + rng.standard_normal(size))
    return pd.DataFrame(
        {
            "person": person,
            "customer_id": extract.ids[person],
            "event_at": day,
            "event_type": constant("ticket", size),
            "ticket_id": numbered("T", size),
            "channel": names(_TICKET_CHANNELS, rng.integers(0, 3, size)),
            "severity": names(_SEVERITIES, severity),
            "first_reply_minutes": np.ceil(minutes).astype(np.int32),
            "resolved_at": resolved,
            "reopened": (rng.random(size) < 0.12) & ~np.isnat(resolved),
        }
    )


def costs(extract: Extract, contacts: pd.DataFrame) -> pd.DataFrame:
    """Cost of service by ticket and by customer, of acquisition and of the programme, monthly."""
    settings = extract.settings
    months = s.add_months(
        np.full(settings.months, settings.observed_from), np.arange(settings.months)
    )
    joined = _per_month(extract.people.start, months)
    here = [int(np.sum(extract.here(np.arange(len(extract.ids)), day))) for day in months]
    lines = (
        ("serve", "per_ticket", 9.0 * _per_month(contacts["event_at"].to_numpy(), months)),
        ("serve", "per_customer", 1.2 * np.array(here)),
        ("acquire", "per_customer", 60.0 * joined),
        ("programme", "fixed", 250 + 0.05 * settings.customers * (months >= settings.waves[0])),
    )
    frames = [
        {"month": months, "cost_type": cost_type, "amount": np.round(amount, 2), "driver": driver}
        for cost_type, driver, amount in lines
    ]
    ledger = pd.concat([pd.DataFrame(frame) for frame in frames], ignore_index=True)
    return ledger.assign(currency=s.CURRENCY).sort_values(
        ["month", "cost_type", "driver"], ignore_index=True
    )


def names(words: Sequence[str], codes: s.Ints) -> NDArray[np.object_]:
    """Words for codes; -1 becomes None."""
    return np.array([*words, None], dtype=object)[codes]


def constant(word: str, size: int) -> NDArray[np.object_]:
    """Return the same word for each row, shape (size,)."""
    return np.full(size, word, dtype=object)


def numbered(prefix: str, size: int) -> NDArray[np.object_]:
    """Row ids with leading zeros, shape (size,)."""
    return np.array([f"{prefix}{number:07d}" for number in range(1, size + 1)], dtype=object)


def _seen_end(extract: Extract) -> s.Dates:
    end = extract.lives.end
    return np.where(end <= extract.settings.last_day, end, np.datetime64("NaT"))


def _runs(first: s.Ints, last: s.Ints) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows (i, k) for k from first[i] to last[i] - 1, without a loop over i."""
    count = np.maximum(last - first, 0)
    person = np.repeat(np.arange(len(count)), count)
    begins = np.cumsum(count) - count
    return person, np.arange(len(person)) - np.repeat(begins - first, count)


def _ticket_days(extract: Extract, rng: np.random.Generator) -> tuple[NDArray[np.int64], s.Dates]:
    people = extract.people
    some, block = np.nonzero(people.tickets)
    count = people.tickets[some, block]
    person, block = np.repeat(some, count), np.repeat(block, count)
    begin = s.add_months(people.start[person], s.STATE_MONTHS * block)
    length = s.add_months(people.start[person], s.STATE_MONTHS * (block + 1)) - begin
    day = begin + np.floor(rng.random(len(person)) * length.astype(float)).astype(np.int64)
    kept = extract.here(person, day)
    person, day = person[kept], day[kept]
    order = np.lexsort((person, day))
    return person[order], day[order]


def _per_month(days: s.Dates, months: s.Dates) -> NDArray[np.int64]:
    """How many of the days fall in each of the months."""
    which = np.searchsorted(months, days.astype("datetime64[D]"), side="right")
    return np.bincount(which, minlength=len(months) + 1)[1:]
