"""What is true of the shop's customers: by kind, and by the score group of the latest answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import hyp2f1

from cxresearch.simulate import settings as s
from cxresearch.simulate import shop
from cxresearch.simulate.contribution import told
from cxresearch.simulate.surveys import answered_wave
from cxresearch.simulate.world import Extract, World

WEEKS: Final = 52
NO_ANSWER: Final = "no answer"


def shop_truth(world: World) -> dict[str, Any]:
    """Return the parameters per kind, and what is expected per score group, with definitions."""
    extract = world.extract
    seed = np.random.SeedSequence(world.settings.seed)
    who = shop.shoppers(extract, s.stream(seed, "shop"))
    group = latest_group(extract)[who.person]
    mixed = {
        name: _expected(who, group == code, extract)
        for code, name in enumerate((*s.GROUPS, NO_ANSWER))
    }
    return {
        "definition": _DEFINITION,
        "currency": s.CURRENCY,
        "weeks": WEEKS,
        "kinds": {
            name: asdict(kind) | {"mean_spend": kind.mean_spend}
            for name, kind in shop.KINDS.items()
        },
        "latest_score": mixed,
    }


_DEFINITION: Final = (
    "Customers who bought in the web shop at least once by as_of. Their kind is the third of all "
    "sign-ups, by quality, that they belong to; a score moves nothing. 'kinds' holds the "
    "parameters of the BG/NBD in weeks (r, alpha, a, b), of the Gamma-Gamma (p, q, gamma), and "
    "the mean spend of a purchase that is paid. 'latest_score' holds, by the score group of the "
    "latest answer to the relationship survey by as_of, or 'no answer': how many they are, which "
    "kinds they are of, and the means over them of what is expected given the kind and the day "
    "of the first purchase, but not what was bought since: the chance to be still active on "
    "as_of, purchases in the next so many weeks, and the gross margin of these, less what comes "
    "back, not discounted. It describes the groups as they are, not what a score would change."
)


def still_active(kind: shop.Kind, weeks: s.Floats) -> s.Floats:
    """Return the chance not to have stopped so many weeks after the first purchase.

    At rate λ and chance p it is exp(-λ p t); its mean over gamma rates is (α / (α + p t))^r, and
    over beta chances Euler's integral (Abramowitz & Stegun 15.3.1), F(r, a; a + b; -t/α).
    """
    chance: s.Floats = hyp2f1(kind.r, kind.a, kind.a + kind.b, -weeks / kind.alpha)
    return chance


def purchases(kind: shop.Kind, weeks: s.Floats) -> s.Floats:
    """Return E[X(t)], purchases in the weeks after the first one (eq. 9, Fader et al. 2005)."""
    r, alpha, a, b = kind.r, kind.alpha, kind.a, kind.b
    none = (alpha / (alpha + weeks)) ** r
    bought: s.Floats = 1 - none * hyp2f1(r, b, a + b - 1, weeks / (alpha + weeks))
    return (a + b - 1) / (a - 1) * bought


def latest_group(extract: Extract) -> NDArray[np.int64]:
    """Return the score group of each customer's latest answer by `as_of`; 3 where there is none."""
    group = np.full(len(extract.ids), len(s.GROUPS))
    for wave, score in enumerate(extract.answers.score):
        answered = answered_wave(extract, wave)
        group[answered] = s.group_of(score[answered])
    return group


def _expected(who: shop.Shoppers, chosen: s.Bools, extract: Extract) -> dict[str, Any]:
    """Return the means over some of the customers."""
    kind = who.kind[chosen]
    weeks = (extract.settings.last_day - who.first[chosen]).astype(np.int64) / shop.WEEK
    active = _by_kind(kind, weeks, still_active)
    ahead = _by_kind(kind, weeks, _next_weeks)
    margin = np.array([_margin(one) for one in shop.KINDS.values()])[kind]
    each = np.bincount(kind, minlength=len(shop.KINDS))
    with np.errstate(invalid="ignore"):  # a group without customers has no figures
        means = np.array([active.sum(), ahead.sum(), (ahead * margin).sum(), *each]) / len(kind)
    told_means = [told(value) for value in means]
    figures = dict(zip(("still_active", "purchases", "gross_margin"), told_means[:3], strict=True))
    shares = dict(zip(shop.KINDS, told_means[3:], strict=True))
    return {"customers": len(kind), "kinds": shares, **figures}


def _next_weeks(kind: shop.Kind, weeks: s.Floats) -> s.Floats:
    return purchases(kind, weeks + WEEKS) - purchases(kind, weeks)


def _margin(kind: shop.Kind) -> float:
    """Gross margin of a purchase, coupons and what comes back taken off."""
    kept = (1 - shop.COUPON_SHARE) * (1 - shop.RETURNED_SHARE)
    return kind.mean_spend * kept * shop.MARGIN_SHARE


def _by_kind(
    kind: NDArray[np.int64], weeks: s.Floats, of: Callable[[shop.Kind, s.Floats], s.Floats]
) -> s.Floats:
    """Return a function of the kind and the weeks for each customer; days repeat, so once each."""
    values = np.zeros(len(kind))
    for code, one in enumerate(shop.KINDS.values()):
        mine = kind == code
        days, place = np.unique(weeks[mine], return_inverse=True)
        values[mine] = of(one, days)[place]
    return values
