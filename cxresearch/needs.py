"""What reports need of an extract, what it has of that, and which notebooks it unlocks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

import pandas as pd

from cxresearch._html import Table
from cxresearch._language import mark, term, tr
from cxresearch.recipe_reader import PROJECT
from cxresearch.source import Data

NEEDS: Final[Mapping[str, str]] = {
    "lifetimes": mark(
        "how long customers stayed: subscriptions, or start_date and end_date, or tenure "
        "and churned in customers"
    ),
    "dates": mark("start_date and end_date"),
    "scores": mark(
        "survey_responses with the nps scale in the recipe, and start_date and end_date"
    ),
    "nps": mark("survey_responses with the nps question, its scale in the recipe, and as_of"),
    "csat": mark("survey_responses with the csat question, its scale in the recipe, and as_of"),
    "ces": mark(
        "survey_responses with the ces question, its scale and high_is in the recipe, and as_of"
    ),
    "invitations": mark("survey_invitations, and survey_responses with their invitation_id"),
    "bills": mark("revenue with its months, or monthly_margin or monthly_revenue in customers"),
    "margins": mark("contribution_margin in revenue, or monthly_margin in customers"),
    "referrals": mark("referred_by in customers: who brought whom"),
    "purchases": mark("transactions with their dates, and as_of"),
    "causes": mark("cancel_type in subscriptions or customers: who ended it"),
}


class Unlock(NamedTuple):
    """A notebook, whether the data unlock it, and what is missing for all of it."""

    notebook: str
    title: str
    unlocked: bool
    missing: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Unlocks(Table):
    """What each notebook needs, and whether the data have it: iterate, or show as a table."""

    notebooks: tuple[Unlock, ...]

    def __iter__(self) -> Iterator[Unlock]:
        return iter(self.notebooks)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per notebook."""
        rows = [
            (
                u.notebook,
                u.title,
                tr("yes") if u.unlocked else tr("no"),
                "; ".join(u.missing) or tr("nothing"),
            )
            for u in self
        ]
        return pd.DataFrame(rows, columns=["notebook", "question", "unlocked", "missing"])


def capabilities(data: Data) -> set[str]:
    """Return which of the `NEEDS`, and which tables, the data have."""
    found = set(data.fields) | data.metrics
    if data.pipeline.lifetimes is not None:
        found.add("lifetimes")
    if data.pipeline.lifetimes in {"spells", "dates"}:
        found.add("dates")
    if data.pipeline.has_scores and data.pipeline.has_nps_scale:
        found.add("scores")
    if data.pipeline.has("survey_responses", "invitation_id"):
        found |= {"invitations"} & {name.removeprefix("survey_") for name in data.fields}
    if data.pipeline.has_causes:
        found.add("causes")
    if "transactions" in data.fields and data.recipe.as_of is not None:
        found.add("purchases")
    return found | _money(data)


def _money(data: Data) -> set[str]:
    has, found = data.pipeline.has, set()
    if "revenue" in data.fields or has("customers", "monthly_revenue"):
        found.add("bills")
    if has("revenue", "contribution_margin") or has("customers", "monthly_margin"):
        found |= {"bills", "margins"}
    if has("customers", "referred_by"):
        found.add("referrals")
    return found


def unlocks(data: Data, folder: Path | None = None) -> Unlocks:
    """Return for each notebook whether the data unlock it; each notebook says what it needs.

    A notebook's metadata hold `cxresearch = {"needs": […], "adds": {"scores": "what they add"}}`.
    """
    found = capabilities(data)
    paths = sorted((folder or PROJECT / "notebooks").glob("*.ipynb"))
    return Unlocks(tuple(_unlock(path, found) for path in paths))


def _unlock(path: Path, found: set[str]) -> Unlock:
    notebook = json.loads(path.read_text(encoding="utf-8"))
    wants = notebook["metadata"].get("cxresearch", {})
    lacking = [need for need in wants.get("needs", []) if need not in found]
    missing = [tr("needs {what}", what=need_words(need)) for need in lacking]
    missing += [
        tr("{adds} need {what}", adds=term(adds), what=need_words(need))
        for need, adds in wants.get("adds", {}).items()
        if need not in found
    ]
    first = "".join(notebook["cells"][0]["source"]) if notebook["cells"] else path.stem
    title = term(first.splitlines()[0]).lstrip("# ")
    return Unlock(path.stem, title, not lacking, tuple(missing))


def need_words(need: str) -> str:
    """Return in words what a key of `NEEDS`, or a table, asks for."""
    return term(NEEDS[need]) if need in NEEDS else tr("the table {name}", name=need)
