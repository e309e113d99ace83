"""Channels of contacts: what a colleague typed for one customer is never shown."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pandas as pd
import pytest

from cxresearch.errors import DataError, NotEnoughError
from cxresearch.scores.shares import shares
from cxresearch.source import Data, open_frames

AS_OF = dt.date(2025, 6, 30)


def opened(rows: list[tuple[Any, ...]], **words: Any) -> Data:
    columns = ["customer_id", "event_at", "event_type", "channel"]
    frame = pd.DataFrame(rows, columns=columns)
    return open_frames({"touchpoints": frame}, **({"as_of": AS_OF} | words))


def contacts(channel: str | None, customers: int, first: int = 0) -> list[tuple[Any, ...]]:
    return [(f"c{first + i}", "2025-05-01", "call", channel) for i in range(customers)]


@pytest.mark.parametrize("of", ["contacts", "customers"])
def test_a_channel_of_few_customers_is_counted_and_never_named(of: Any) -> None:
    rare = [("c1", "2025-05-01", "call", f"phone of Jane Doe {i}") for i in range(150)]
    with opened([*contacts("chat", 60), *contacts("<b>電話</b>", 30), *rare]) as data:
        table = data.contact_channels(of)
    assert table.groups == (("<b>電話</b>",), ("chat",))
    assert table.definition.endswith("Not shown: 150 channels of fewer than 30 customers.")
    # what they stand for is in the whole all the same
    assert list(table.whole.sum(axis=1)) == [240 if of == "contacts" else 60] * 2
    found = shares(table)
    assert "Jane" not in found.sentence() + found._repr_html_() + str(found.findings())
    assert "<b>" not in found._repr_html_()


def test_no_channel_of_enough_customers_is_an_error_without_their_labels() -> None:
    with opened(contacts("Jane Doe", 29)) as data, pytest.raises(NotEnoughError) as error:
        data.contact_channels()
    assert "channel has 1 different values, each of fewer than 30 customers" in str(error.value)
    assert "Jane" not in str(error.value)


def test_too_many_channels_are_an_error() -> None:
    rows = [row for i in range(101) for row in contacts(f"ch {i}", 30)]
    with opened(rows) as data, pytest.raises(DataError, match="more than 100 combinations"):
        data.contact_channels()


@pytest.mark.parametrize("of", ["contacts", "customers"])
def test_an_empty_channel_and_one_called_missing_are_one(of: Any) -> None:
    rows = [*contacts(None, 40), *contacts("(missing)", 40, 20), *contacts("chat", 60)]
    with opened(rows) as data:
        table = data.contact_channels(of)
    part, whole = (80, 140) if of == "contacts" else (60, 60)
    assert table.groups == (("(missing)",), ("chat",))
    assert (table.part[0].sum(), table.whole[0].sum()) == (part, whole)


def test_without_the_last_day_contacts_cannot_be_counted() -> None:
    missing = pytest.raises(NotEnoughError, match="as_of is missing, up to which contacts are")
    with opened(contacts("chat", 60), as_of=None) as data, missing:
        data.contact_channels()
