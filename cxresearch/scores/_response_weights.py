"""How many of the silent each answer speaks for, from what is known of everybody invited."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cxresearch._grouped import Counts, Labels
from cxresearch.adjust.weighting import main_effects
from cxresearch.hazards._binomial import fit_binomial
from cxresearch.uncertainty import Floats, leave_one_out

LEAST = 10  # answers, and silent invitations, that a level needs to have a rate of its own
OTHER = "(other)"


@dataclass(frozen=True, eq=False)
class ResponseWeights:
    """Weights of the answers by cell of the frame, also without each replicate.

    Parameters
    ----------
    answered, silent
        Invitations by cell, shape (1 + R, X).
    propensity
        Fitted chance to answer, shape (1 + R, X).
    weight
        Invitations that each answer stands for, itself included: at least 1, and together the
        invitations delivered; shape (1 + R, X).
    n_truncated
        Answers whose weight was cut.
    reason
        Why there are no weights (then all answers of a table have the same one); empty else.
    """

    answered: Floats
    silent: Floats
    propensity: Floats
    weight: Floats
    n_truncated: float
    reason: str = ""

    @property
    def effective_n(self) -> float:
        """(Σw)²/Σw², the answers that would tell as much without weights (Kish 1965, §11.7)."""
        n, w = self.answered[0], self.weight[0]
        return float((n * w).sum() ** 2 / (n * w**2).sum())


def response_weights(
    cells: Sequence[Labels], answered: Counts, delivered: Counts, max_weight: float
) -> ResponseWeights:
    """Estimate the chance to answer in each cell, and from it what each answer stands for.

    Parameters
    ----------
    cells
        Labels of each cell in the columns of the frame, X of them.
    answered, delivered
        Counts, shape (X, R).
    max_weight
        The odds of silence count at most so many times their mean over the answers.

    Notes
    -----
    Logit with main effects (Little & Rubin 2019, Statistical Analysis with Missing Data, §3.3),
    levels with fewer than `LEAST` answers or silent invitations pooled. The inverse 1/p of the
    chance to answer is 1 for the answer itself plus (1 − p)/p for the silent like it; that part is
    cut at `max_weight` times its mean over the answers and scaled so that the weights add up to
    the invitations delivered. With one column this is post-stratification.
    """
    got, sent = (leave_one_out(counts[:, :, None])[..., 0] for counts in (answered, delivered))
    silent = sent - got
    design = main_effects(_pooled_levels(cells, got[0], silent[0]))
    if design.shape[1] == 1:
        return _even(got, silent, "too few answers to tell groups apart" if len(cells) > 1 else "")
    fit = fit_binomial(design, got, sent)
    if not fit.converged[0]:
        return _even(got, silent, "the chance to answer has no finite estimate")
    propensity = np.clip(fit.probabilities(design), 1e-9, 1 - 1e-9)
    odds = (1 - propensity) / propensity
    mean = (got * odds).sum(-1, keepdims=True) / np.maximum(got.sum(-1, keepdims=True), 1)
    cut = float((got[0] * (odds[0] > max_weight * mean[0])).sum())
    odds = np.minimum(odds, max_weight * mean)
    return ResponseWeights(got, silent, propensity, _scaled(got, silent, odds), cut)


def _scaled(answered: Floats, silent: Floats, odds: Floats) -> Floats:
    """Let the answers share the silent in proportion to their odds, on top of themselves."""
    shares = (answered * odds).sum(axis=-1, keepdims=True)
    missing = silent.sum(axis=-1, keepdims=True)
    return np.asarray(1 + missing * odds / np.where(shares > 0, shares, 1.0))


def _even(answered: Floats, silent: Floats, reason: str) -> ResponseWeights:
    totals = answered.sum(-1, keepdims=True), silent.sum(-1, keepdims=True)
    rate = np.broadcast_to(totals[0] / np.maximum(sum(totals), 1), answered.shape)
    weight = _scaled(answered, silent, np.ones_like(answered))
    return ResponseWeights(answered, silent, rate, weight, 0.0, reason)


def _pooled_levels(cells: Sequence[Labels], answered: Floats, silent: Floats) -> list[Labels]:
    """Return the cells with thin levels of each column pooled, so that every rate has an estimate.

    What is still thin together joins the level with the most invitations.
    """
    columns = [
        _pooled_column(list(labels), answered, silent) for labels in zip(*cells, strict=True)
    ]
    return [tuple(labels) for labels in zip(*columns, strict=True)] if columns else list(cells)


def _pooled_column(labels: list[str], answered: Floats, silent: Floats) -> list[str]:
    thin = _thin(labels, answered, silent)
    pooled = [OTHER if label in thin else label for label in labels]
    if OTHER in _thin(pooled, answered, silent):
        size = {level: sum(_where(pooled, level) * (answered + silent)) for level in set(pooled)}
        largest = max(sorted(set(pooled) - {OTHER}), key=lambda level: size[level], default=OTHER)
        pooled = [largest if label == OTHER else label for label in pooled]
    return pooled


def _thin(labels: list[str], answered: Floats, silent: Floats) -> set[str]:
    def few(level: str) -> bool:
        here = _where(labels, level)
        return bool(min((here * answered).sum(), (here * silent).sum()) < LEAST)

    return {level for level in set(labels) if few(level)}


def _where(labels: list[str], level: str) -> Floats:
    return np.array([label == level for label in labels], dtype=np.float64)
