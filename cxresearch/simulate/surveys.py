"""The tables of the extract that hold surveys and what was done about their answers."""

from __future__ import annotations

import numpy as np
import pandas as pd

from cxresearch.simulate import settings as s
from cxresearch.simulate.people import assigned_day
from cxresearch.simulate.tables import constant, names, numbered
from cxresearch.simulate.world import Extract

CALL_COST = 12.0
RULE = "random half of the detractors who answer"
_COMMENTS = (
    (
        "Waited three weeks for a reply.",
        "The bill was wrong twice in a row.",
        'Your agent said "tomorrow" and nobody called; not <i>once</i>.',
        "Too expensive for what it does.",
    ),
    (
        "It is fine, nothing special.",
        "Works most of the time.",
        "Good product; the app could be faster.",
    ),
    (
        "Friendly people and a quick answer.",
        '<b>Great</b> service, "very" fast & friendly.',
        "I have told my neighbours about you.",
    ),
)


def surveys(
    extract: Extract, contacts: pd.DataFrame, rng: np.random.Generator
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Invitations and responses, of the relationship survey and of the one after tickets."""
    sent = pd.concat([_waves(extract), _after_tickets(extract, contacts, rng)], ignore_index=True)
    sent = sent.sort_values(["invited_at", "person", "survey_id"], ignore_index=True)
    sent["invitation_id"] = numbered("I", len(sent))
    sent["customer_id"] = extract.ids[sent["person"]]
    sent["channel"] = names(("e-mail", "app", "sms"), rng.choice(3, len(sent), p=(0.6, 0.3, 0.1)))
    columns = ["invitation_id", "customer_id", "invited_at", "survey_id", "channel"]
    return sent[[*columns, "trigger", "bounced"]], _responses(extract, sent, rng)


def interventions(extract: Extract, rng: np.random.Generator) -> pd.DataFrame:
    """Detractors assigned at random to a call-back or held out."""
    answers, settings, rows = extract.answers, extract.settings, []
    for wave, invited in enumerate(settings.waves):
        day, called = assigned_day(settings, answers, wave), answers.treated[wave]
        reached = answered_wave(extract, wave) & (answers.score[wave] <= 6)
        everyone = np.arange(len(extract.ids))
        reached &= extract.here(everyone, day) & ~extract.under_notice(everyone, day)
        if invited >= settings.programme_from:
            person = np.flatnonzero(reached)
            rows.append(
                pd.DataFrame({"person": person, "assigned_at": day[person], "t": called[person]})
            )
    return _calls(extract, pd.concat(rows, ignore_index=True), rng)


def invited_wave(extract: Extract, wave: int) -> s.Bools:
    """Who was invited in that wave: customers of that day who had not given notice."""
    everyone, day = np.arange(len(extract.ids)), extract.settings.waves[wave]
    sent = extract.answers.invited[wave] & extract.here(everyone, day)
    invited: s.Bools = sent & ~extract.under_notice(everyone, day)
    return invited


def answered_wave(extract: Extract, wave: int) -> s.Bools:
    """Who answered that wave: nobody does after leaving, after notice or after `as_of`."""
    everyone = np.arange(len(extract.ids))
    day = extract.settings.waves[wave] + extract.answers.delay[wave].astype(np.int64)
    answered: s.Bools = extract.answers.answered[wave] & invited_wave(extract, wave)
    answered &= extract.here(everyone, day) & ~extract.under_notice(everyone, day)
    return answered


def _waves(extract: Extract) -> pd.DataFrame:
    rows, answers = [], extract.answers
    for wave, day in enumerate(extract.settings.waves):
        person = np.flatnonzero(invited_wave(extract, wave))
        month = str(day.astype("datetime64[M]"))
        columns = {
            "person": person,
            "invited_at": np.full(len(person), day),
            "survey_id": constant(f"nps-{month}", len(person)),
            "bounced": answers.bounced[wave, person],
            "answered": answered_wave(extract, wave)[person],
            "responded_at": day + answers.delay[wave, person].astype(np.int64),
            "score": answers.score[wave, person].astype(np.int16),
        }
        rows.append(pd.DataFrame(columns).assign(trigger="relationship", metric="nps"))
    return pd.concat(rows, ignore_index=True)


def _after_tickets(
    extract: Extract, contacts: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    chosen = contacts["resolved_at"].notna().to_numpy() & (rng.random(len(contacts)) < 0.5)
    asked = contacts[chosen]
    person, solved = asked["person"].to_numpy(), asked["resolved_at"].to_numpy()
    day = solved.astype("datetime64[D]") + 1
    score = _csat(extract, asked, rng)
    bounced = rng.random(len(asked)) < s.BOUNCED_SHARE
    silent = np.where(extract.people.silent[person], s.SILENT_RESPONSE, 1.0)
    answered = ~bounced & (rng.random(len(asked)) < (0.22 + 0.07 * np.abs(score - 3)) * silent)
    later = day + rng.integers(0, 6, len(asked)).astype("timedelta64[D]")
    answered &= extract.here(person, later) & ~extract.under_notice(person, later)
    sent = pd.DataFrame(
        {
            "person": person,
            "invited_at": day,
            "survey_id": constant("ticket", len(asked)),
            "bounced": bounced,
            "answered": answered,
            "responded_at": later,
            "score": score,
        }
    ).assign(trigger="transactional", metric="csat")
    return sent[extract.here(person, day) & ~extract.under_notice(person, day)]


def _csat(extract: Extract, asked: pd.DataFrame, rng: np.random.Generator) -> s.Ints:
    severity = asked["severity"].map({"low": 0, "normal": 1, "high": 2}).to_numpy(float)
    reply = np.log(asked["first_reply_minutes"].to_numpy(float) / 120)
    felt = 4.4 - 0.4 * severity - 0.8 * asked["reopened"].to_numpy(float) - 0.3 * reply
    felt += 0.3 * extract.people.quality[asked["person"]] + 0.9 * rng.standard_normal(len(asked))
    return np.clip(np.rint(felt), 1, 5).astype(np.int16)


def _responses(extract: Extract, sent: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    got = sent[sent["answered"]].sort_values(["responded_at", "invitation_id"], ignore_index=True)
    got["response_id"] = numbered("R", len(got))
    columns = ["response_id", "customer_id", "responded_at", "metric", "score"]
    return got[[*columns, "invitation_id", "survey_id"]].assign(comment=_comments(got, rng))


def _comments(got: pd.DataFrame, rng: np.random.Generator) -> s.Words:
    group = s.group_of(got["score"].to_numpy())
    draw = rng.integers(0, 12, len(got))
    words: s.Words = np.choose(group, [names(said, draw % len(said)) for said in _COMMENTS])
    written = (got["metric"] == "nps").to_numpy() & (rng.random(len(got)) < 0.25)
    words[~written] = None
    return words


def _calls(extract: Extract, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    rows = rows.sort_values(["assigned_at", "person"], ignore_index=True)
    person, day = rows["person"].to_numpy(), rows["assigned_at"].to_numpy()
    called = day.astype("datetime64[D]") + rng.integers(1, 11, len(rows)).astype("timedelta64[D]")
    treat = rows["t"].to_numpy(bool)
    tried = treat & extract.here(person, called)
    reached = tried & (rng.random(len(rows)) < 0.8)
    return pd.DataFrame(
        {
            "customer_id": extract.ids[person],
            "assigned_at": day,
            "arm": names(("holdout", "treat"), treat.astype(np.int8)),
            "assignment_rule": constant(RULE, len(rows)),
            "contacted_at": np.where(reached, called, np.datetime64("NaT")),
            "outcome": names(("not reached", "reached"), np.where(tried, reached, -1)),
            "cost": np.where(tried, CALL_COST, 0.0),
        }
    )
