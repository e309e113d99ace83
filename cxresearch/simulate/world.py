"""A simulated world, and the part of it that a company's extract shows."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cxresearch.simulate import settings as s
from cxresearch.simulate.people import Answers, Lives, People, draw

Record = TypeVar("Record", People, Answers, Lives)
Where = slice | NDArray[np.int64] | tuple[slice, slice | NDArray[np.int64]]


@dataclass(frozen=True, eq=False)
class Extract:
    """The customers in the extract, with their paths and their ids."""

    settings: s.Settings
    people: People
    lives: Lives
    answers: Answers
    ids: NDArray[np.object_]

    def here(self, person: s.Ints, day: s.Dates) -> s.Bools:
        """Whether that customer was one on that day, and the day lies within the extract."""
        seen = (day >= self.settings.observed_from) & (day <= self.settings.last_day)
        seen &= (day >= self.people.start[person]) & ~(day >= self.lives.end[person])
        return seen

    def under_notice(self, person: s.Ints, day: s.Dates) -> s.Bools:
        """Whether that customer had given notice by that day."""
        given: s.Bools = self.lives.notice[person] <= day
        return given


@dataclass(frozen=True, eq=False)
class World:
    """Everybody who signed up; `kept` are the positions of those in the extract, shape (N,)."""

    settings: s.Settings
    people: People
    answers: Answers
    lives: Lives
    kept: NDArray[np.int64]

    @cached_property
    def extract(self) -> Extract:
        """What the company can see of: the customers in the extract, shape (N,)."""
        rows = (_cut(self.people, self.kept), _cut(self.lives, self.kept))
        answers = _cut(self.answers, (slice(None), self.kept))
        return Extract(self.settings, *rows, answers, customer_ids(len(self.kept)))

    def active(self, day: np.datetime64) -> s.Bools:
        """Who is a customer on that day, shape (M,)."""
        started = self.people.start <= day
        here: s.Bools = started & ~(self.lives.end <= day)
        return here


def build_world(settings: s.Settings, seed: np.random.SeedSequence) -> World:
    """Draw sign-ups until the extract holds as many customers as asked for.

    Sign-ups are independent draws in a random order, so stopping at the N-th who is in the
    extract leaves the model's population as it is.
    """
    sign_ups = settings.customers + settings.customers // 4 + 64
    while True:
        people, answers, lives = draw(settings, sign_ups, seed)
        kept = np.flatnonzero(~(lives.end <= settings.observed_from))
        if len(kept) >= settings.customers:
            break
        sign_ups = 2 * sign_ups
    first = slice(None, int(kept[settings.customers - 1]) + 1)
    everyone = (_cut(people, first), _cut(answers, (slice(None), first)), _cut(lives, first))
    return World(settings, *everyone, kept[: settings.customers])


def customer_ids(count: int) -> NDArray[np.object_]:
    """C000001, C000002, ...: text with leading zeros, as companies have it."""
    width = max(6, len(str(count)))
    return np.array([f"C{number:0{width}d}" for number in range(1, count + 1)], dtype=object)


def _cut(record: Record, where: Where) -> Record:
    """Keep some of the people."""
    parts = {field.name: getattr(record, field.name)[where] for field in fields(record)}
    return replace(record, **parts)
