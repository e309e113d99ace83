"""Tests of claims about shares: of revenue, of orders, of answers, of contacts."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from cxresearch.claims.settings import LOSS_DAYS, ClaimSettings
from cxresearch.claims.verdict import Evidence, Lacking
from cxresearch.scores.shares import Share, shares
from cxresearch.share_table import ShareTable
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


def existing_revenue(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S0-2: revenue of existing customers, by how far the window reaches."""
    found = _shares(data.existing_revenue(), settings)
    if all(share.share == 1 for share in found):
        yield Lacking("S0-2", "nobody new came in these months", "customers who came later, too")
        return
    for share in found:
        yield _of_share("S0-2", f"last_{share.group['window']}_months", share)


def returns(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S2-6: what was returned, by order and by value."""
    for reading, by in (("by_value", "value"), ("by_order", "orders")):
        table = data.returns(by, mark=settings.return_mark)
        for share in _shares(table, settings):
            if share.share > 0:
                yield _of_share("S2-6", reading, share)
            else:
                yield Lacking("S2-6", "no line is below 0", "lines below 0 for what came back")


def repurchase(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S2-2 and S1-1a: purchases within a year of a good answer, and beside other answers."""
    table = data.repurchase_table(settings.good_answers, months=REPURCHASE_MONTHS)
    reading = f"bought_again_{REPURCHASE_MONTHS}"
    others = {share.group["score_group"]: share for share in _shares(table, settings)}
    good = next((name for name in others if _is_good(name)), None)
    if good is None:
        for claim in ("S2-2", "S1-1a"):
            yield Lacking(claim, f"fewer than {settings.min_group} customers gave a good answer")
        return
    yield _of_share("S2-2", reading, others[good])
    if len(others) < 2:
        yield Lacking("S1-1a", f"fewer than {settings.min_group} customers gave another answer")
        return
    yield _difference(table, reading, good, settings)


def contact_channels(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S4-1, S4-2 and S4-11a: contacts by channel."""
    table = data.contact_channels()
    for claim, names in CHANNELS.items():
        places = [i for i, (label,) in enumerate(table.groups) if label.lower() in names]
        if not places:
            called = " or ".join(names[:3])
            takes = f"contacts whose channel in touchpoints is called {called}"
            yield Lacking(claim, "no channel of contact is called so", takes)
        for share in _shares(_together(table, places), settings) if places else ():
            yield _of_share(claim, "contacts", share)


def avoidable_losses(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S2-5: losses with an unsolved contact before, which bounds what could be avoided."""
    found = _shares(data.unresolved_before_loss(days=LOSS_DAYS), settings)
    if not found:
        yield Lacking("S2-5", f"fewer than {settings.min_group} customers left")
    for share in found:
        yield _of_share("S2-5", "upper_bound", share, upper_bound=True)


def nps_scale(data: Data, settings: ClaimSettings) -> Iterator[Evidence | Lacking]:
    """S0-12: the lowest score of the scale that the recipe states."""
    scale = data.recipe.scales.get("nps")
    if scale is None:
        yield Lacking("S0-12", "the recipe states no scale of the nps question", "its scale")
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
        "The scale of the question that the recipe states.",
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
