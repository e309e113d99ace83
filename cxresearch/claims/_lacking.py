"""What the data at hand lack for a claim, named to the table and the column, and no more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from cxresearch._language import mark, term, tr
from cxresearch.contract import TABLES
from cxresearch.needs import need_words
from cxresearch.source import Data


class Part(NamedTuple):
    """One thing that a need asks for: what it is called, and whether the data have it."""

    said: Callable[[], str]
    held: Callable[[Data], bool]


def _table(name: str) -> Part:
    required = ", ".join(column.name for column in TABLES[name] if column.required)
    return Part(
        lambda: tr("a table {table} ({columns})", table=name, columns=required),
        lambda data: name in data.fields,
    )


def _part(message: str, held: Callable[[Data], bool]) -> Part:
    return Part(lambda: term(message), held)


_DATES: Final = _part(
    mark("start_date and end_date in customers (or a table subscriptions)"),
    lambda data: data.pipeline.lifetimes in {"spells", "dates"},
)
_AS_OF: Final = _part(mark("as_of in the recipe"), lambda data: data.recipe.as_of is not None)
_NPS_SCALE: Final = _part(
    mark("the scale of nps in the recipe"),
    lambda data: data.pipeline.has_nps_scale,
)
_ANSWERS: Final = _table("survey_responses")
# What several tables, columns or lines of the recipe make up, one by one.
PARTS: Final[Mapping[str, tuple[Part, ...]]] = {
    "dates": (_DATES,),
    "scores": (_ANSWERS, _NPS_SCALE, _DATES),
    "nps": (_ANSWERS, _NPS_SCALE, _AS_OF),
    "csat": (_ANSWERS,),
    "purchases": (_table("transactions"), _AS_OF),
    "invitations": (
        _table("survey_invitations"),
        _ANSWERS,
        _part(
            mark("invitation_id in survey_responses"),
            lambda data: data.pipeline.has("survey_responses", "invitation_id"),
        ),
    ),
}


def lacking_words(need: str, data: Data) -> list[str]:
    """Return what of a need the data do not have: all its parts that lack, and no others."""
    table, _, name = need.partition(".")
    column = TABLES[table].column(name) if name else None
    if column is not None:
        where = table if table in data.fields else tr("a table {table}", table=table)
        meaning = term(column.meaning)
        return [tr("{column} in {table} ({meaning})", column=name, table=where, meaning=meaning)]
    lacking = [part.said() for part in PARTS.get(need, ()) if not part.held(data)]
    return lacking or [need_words(need)]
