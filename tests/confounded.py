"""Answers whose scores and losses share causes that are known: rows, tables and the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxresearch.tables import LifeTable

MONTHS = 12


@dataclass(frozen=True)
class Truth:
    """How scores, losses and censoring depend on two traits x and z, each 0 or 1.

    On the scale of each model (logit, log hazard) the traits act through x + z − 1, or, where
    `odd` names the model, through whether x and z agree: nothing that main effects can follow.
    """

    score: float = 1.0
    shift: float = 0.0  # of the logit of being a promoter
    loss: float = 0.63582745
    log_hazard_ratio: float = -0.21744944
    kept: float = 0.80  # of detractors after 12 months, where x + z is 1
    censoring: float = 0.0  # monthly, where x + z is 1 and for promoters
    censoring_by_trait: float = 0.0
    censoring_of_detractors: float = 1.0
    passives: float = 0.0
    odd: str = ""

    def level(self, model: str, x, z):
        return np.where(x == z, 1.0, -1.0) if model in self.odd else x + z - 1.0

    def hazards(self, x, z):
        """Monthly hazard of promoters and of detractors, where they were one or the other."""
        base = -np.log(self.kept) / MONTHS * np.exp(-self.loss * self.level("loss", x, z))
        return base * np.exp(self.log_hazard_ratio), base

    @property
    def retained(self):
        """Share kept after 12 months, had all been promoters, and had all been detractors."""
        x, z = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])
        return np.array([np.exp(-MONTHS * h).mean() for h in self.hazards(x, z)])

    @property
    def difference(self):
        return float(self.retained[0] - self.retained[1])


def rows(truth: Truth, n: int, seed: int) -> pd.DataFrame:
    """Draw n customers, one answer each."""
    rng = np.random.default_rng(seed)
    x, z = rng.integers(0, 2, (2, n))
    chance = 1 / (1 + np.exp(-truth.score * truth.level("score", x, z) - truth.shift))
    promoter = rng.random(n) < chance
    group = np.where(promoter, "promoter", "detractor")
    group = np.where(rng.random(n) < truth.passives, "passive", group)
    hazard = np.where(group == "promoter", *truth.hazards(x, z))
    leaves = np.ceil(rng.exponential(1 / hazard)).astype(int)
    rate = truth.censoring * np.exp(truth.censoring_by_trait * (x + z - 1.0))
    rate = rate * np.where(group == "detractor", truth.censoring_of_detractors, 1.0)
    ends = np.full(n, 18)
    if truth.censoring:
        ends = np.minimum(ends, np.ceil(rng.exponential(1 / rate)).astype(int))
    return pd.DataFrame(
        {
            "months": np.minimum(leaves, ends),
            "churned": leaves <= ends,
            "score_group": group,
            "x": x.astype(str),
            "z": z.astype(str),
            "replicate": rng.permutation(n) % 256,
        }
    )


def table(frame: pd.DataFrame, covariates: tuple[str, ...] = ("x", "z")) -> LifeTable:
    """Count rows."""
    return LifeTable.from_durations(
        frame["months"],
        frame["churned"],
        group=frame[["score_group", *covariates]],
        replicate=frame["replicate"],
        population="answers",
    )


def draw(truth: Truth, n: int, seed: int, covariates: tuple[str, ...] = ("x", "z")) -> LifeTable:
    """Draw n customers and count them."""
    return table(rows(truth, n, seed), covariates)
