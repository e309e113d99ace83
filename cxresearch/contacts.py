"""Contacts before a loss, and by channel: shares of losses, contacts and customers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import pandas as pd

from cxresearch import _format as words
from cxresearch import sql
from cxresearch._cells import MIN_NAMED
from cxresearch._engine import check_combinations, nameable, numbered, unique
from cxresearch._language import tr, trn
from cxresearch.bad_experiences import Experience
from cxresearch.blocks import Blocks
from cxresearch.errors import DataError, NotEnoughError
from cxresearch.experiences import DECIDED, Experiences, experience_relations, experience_values
from cxresearch.share_table import ShareTable

CHANNEL: Final = "contact_channel"
DAYS: Final = 90


class Contacts(Experiences):
    """What is known of contacts besides what came after them."""

    def unresolved_before_loss(
        self, days: int = DAYS, group_by: Sequence[str] = (), *, open_days: int = 7
    ) -> ShareTable:
        """Return of those who left how many had an unresolved ticket in the days before.

        It bounds from above what share of the losses solving every ticket at once could avoid.

        Parameters
        ----------
        days
            Before the notice, or without one before the end. Losses whose days before do not lie
            in the observed time are left out.
        group_by
            Attributes of the customers.
        open_days
            A ticket is unresolved that took longer, was open on the day, or came back; 0: that was
            not solved on its own day.
        """
        columns = unique(group_by)
        unresolved = Experience("unresolved", open_days=open_days)
        if type(days) is not int or not 1 <= days <= 3650:
            raise DataError(
                f"days is {days!r}, must be a whole number from 1 to 3650: take {DAYS}."
            )
        self._check_experience(unresolved, columns)
        kept = self._keep_decided()
        rows = self.query(losses_query(self.pipeline, unresolved, columns, days=days, decided=kept))
        if rows.empty:
            raise NotEnoughError(
                tr(
                    "customers: nobody left later than {span} after the observation began, "
                    "somebody must have: take fewer days, or bring a longer time.",
                    span=tr("{n} days", n=days),
                )
            )
        check_combinations(columns, rows)
        span = tr("{n} days", n=days)
        return ShareTable.from_counts(
            numbered(rows),
            columns,
            name="unresolved_before_loss",
            whole_word=tr("customers who left or gave notice"),
            part_word=tr("had an unresolved ticket in the {span} before", span=span),
            definition=tr(
                "Losses, each on the day of the notice or of the end, and tickets opened in the "
                "{span} before that were not solved within {open}, were still open, or came back. "
                "Nobody can say that these customers would otherwise be here: it is the most that "
                "solving every ticket could have to do with.",
                span=span,
                open=tr("{n} days", n=open_days),
            ),
            as_of=self.as_of,
        )

    def contact_channels(self, of: Literal["contacts", "customers"] = "contacts") -> ShareTable:
        """Return the share of each channel in the contacts of the observed time.

        Parameters
        ----------
        of
            "contacts": the part is the contacts by a channel, of all contacts. "customers": the
            customers who used it, of all with a contact; these shares add up to more than 1.

        Returns
        -------
        ShareTable
            By `contact_channel`; the whole is the same in every group, so do not pool them.
            Channels of fewer than 30 customers are in the whole and not among the groups, since
            such a label may say who they are; `definition` counts them.

        Raises
        ------
        NotEnoughError
            When there are no channels, no contacts, or too few customers by each channel.
        DataError
            When more than 100 channels could be compared.
        """
        self._check_channels(of)
        parts, wholes = (
            numbered(self.query(contacts_query(self.pipeline, by_channel=by)))
            for by in (True, False)
        )
        if wholes.empty:
            raise NotEnoughError(
                tr(
                    "touchpoints: there is no contact in the observed time, must be at least one: "
                    "check observed_from and as_of."
                )
            )
        parts, rare = _known_channels(parts)
        wholes = wholes.rename(columns={of: "whole"}).assign(people=wholes["customers"])
        cells = parts[[CHANNEL]].drop_duplicates().merge(wholes, how="cross")
        parts = parts.rename(columns={of: "part"})[[CHANNEL, "replicate", "part"]]
        rows = cells.merge(parts, how="left", on=[CHANNEL, "replicate"]).fillna({"part": 0})
        return ShareTable.from_counts(
            rows[[CHANNEL, "replicate", "part", "whole", "people"]],
            [CHANNEL],
            name="contact_channel",
            whole_word=tr("contacts") if of == "contacts" else tr("customers with a contact"),
            part_word=(
                tr("came by {{contact_channel}}")
                if of == "contacts"
                else tr("came by {{contact_channel}} at least once")
            ),
            definition=_channel_words(rare),
            as_of=self.as_of,
        )

    def _check_channels(self, of: str) -> None:
        if of not in {"contacts", "customers"}:
            raise DataError(f"of is {of!r}, must be 'contacts' or 'customers': choose one.")
        missing = channel_problems(self.pipeline)
        if missing:
            raise NotEnoughError(missing)


def channel_problems(blocks: Blocks) -> list[str]:
    """Return what the tables lack for the channels of contacts."""
    lacking = []
    if not blocks.has("touchpoints", "channel"):
        lacking.append(
            tr("touchpoints: there is no such table with a column channel, must be one. Bring it.")
        )
    if blocks.recipe.as_of is None:
        lacking.append(
            tr(
                "recipe: as_of is missing, up to which contacts are counted. State the last day, "
                "e.g. as_of = 2025-12-31."
            )
        )
    return lacking


def losses_query(
    blocks: Blocks,
    unresolved: Experience,
    group_by: Sequence[str],
    *,
    days: int = DAYS,
    decided: str = DECIDED,
) -> sql.Expression:
    """Return the reduction to losses, and those with an unresolved ticket in the days before."""
    relations = experience_relations(blocks, unresolved, group_by)
    tree = sql.fill(
        sql.load("unresolved_before_loss"),
        columns={"groups": [sql.column(name, "decided") for name in group_by]},
        tables={"decided": decided, "tickets": "tickets"},
        values={**blocks.values, **experience_values(blocks, unresolved), "days": days},
    )
    return sql.assemble(tree, {name: relations[name] for name in (DECIDED, "tickets")})


def contacts_query(blocks: Blocks, *, by_channel: bool = True) -> sql.Expression:
    """Return the reduction to contacts and customers, by channel or of all channels together."""
    channel = sql.column(CHANNEL, "contacts")
    return sql.fill(
        sql.load("contact_channels"),
        columns={"channel": [channel] if by_channel else []},
        values=blocks.values,
    )


def _known_channels(parts: pd.DataFrame) -> tuple[pd.DataFrame, int]:
    """Return the channels of enough customers, and how many others there are."""
    users = parts.groupby(CHANNEL)["customers"].sum()
    named = nameable(dict(users))
    if not named:
        raise NotEnoughError(
            tr(
                "touchpoints: channel has {n} different values, each of fewer than {least} "
                "customers, one must have as many: name values for it in the recipe.",
                n=len(users),
                least=MIN_NAMED,
            )
        )
    found = parts[parts[CHANNEL].isin(named)]
    check_combinations([CHANNEL], found)
    return found, len(users) - len(named)


def _channel_words(rare: int) -> str:
    said = tr("Contacts of every kind in the observed time, by recorded channel.")
    if not rare:
        return said
    left = trn(
        "Not shown: {n} channel of fewer than {least} customers.",
        "Not shown: {n} channels of fewer than {least} customers.",
        rare,
        n=f"{rare:,}",
        least=MIN_NAMED,
    )
    return words.sentences([said, left])
