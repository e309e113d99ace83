"""One model fitted to one group of a shop's customers: its parameters, with their intervals."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
import pandas as pd

from cxresearch import _format as words
from cxresearch._grouped import unknown
from cxresearch._html import Table
from cxresearch._language import speaking, term, tr
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.projection._model_fit import UNDETERMINED, Parameter, variants_error
from cxresearch.purchases._local import Local
from cxresearch.uncertainty import Floats, critical_value, log_interval

NAMES: Final = {
    "bg_nbd": "BG/NBD",
    "mbg_nbd": "MBG/NBD",
    "pareto_nbd": "Pareto/NBD",
    "gamma_gamma": "Gamma-Gamma",
}


@dataclass(frozen=True, eq=False)
class FittedModel(Table):
    """A fitted model.

    Parameters
    ----------
    model
        "bg_nbd", "mbg_nbd", "pareto_nbd" or "gamma_gamma".
    group
        Labels of the group; empty for everybody.
    parameters
        In the order of `names`, shape (1 + V, k): row 0 is the fit. With replicates V = R and row
        1 + r is without replicate r: one Newton step from the fit, with the score and the
        information of those who are left.
    step
        None with replicates. Without them the variants come in pairs, this many standard errors
        of the observed information up and down along independent directions.
    log_likelihood, converged
        Of the fit, and whether the search for it ended on a top.
    edge
        Which parameters are at the edge of what is searched, shape (k,).
    n, n_repeat
        Customers, and those of them who bought again.
    confidence_level, as_of, population
        Of the findings.
    """

    model: str
    group: Mapping[str, str]
    parameters: Floats
    step: float | None
    log_likelihood: float
    converged: bool
    edge: tuple[bool, ...]
    n: int
    n_repeat: int
    confidence_level: float = 0.95
    as_of: str | None = None
    population: str = "customers"

    rests_on: ClassVar[Mapping[str, tuple[int, ...]]]  # parameters that go to a limit together

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the parameters."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """The model's name as it is written: BG/NBD."""
        return NAMES[self.model]

    @property
    def aic(self) -> float:
        """Akaike's criterion, 2k − 2 log L."""
        return 2 * len(self.names) - 2 * self.log_likelihood

    def parameter(self, name: str) -> Parameter:
        """Return one parameter with its interval on the log scale."""
        if name not in self.names:
            raise DataError(unknown("parameter", name, self.names))
        place = self.names.index(name)
        value = float(self.parameters[0, place])
        error = float(self.error(np.log(self.parameters[:, place])))
        lower, upper = log_interval(value, value * error, self.confidence_level)
        narrow = 2 * critical_value(self.confidence_level) * error < math.log(UNDETERMINED)
        determined = self.converged and narrow and not self.at_limit(name)
        return Parameter(value, float(lower), float(upper), value * error, determined)

    def at_limit(self, name: str) -> bool:
        """Return whether a parameter, or one that goes with it, is at the edge of the search."""
        return any(self.edge[place] for place in self.rests_on[name])

    def error(self, values: Floats) -> Floats:
        """Return the standard error of what was computed from all rows, (1 + V, ...) to (...)."""
        return variants_error(values, self.step)

    def findings(self) -> tuple[Finding, ...]:
        """Return `model_parameter` for each parameter."""
        return tuple(self._parameter_finding(name) for name in self.names)

    def sentence(self, lang: str | None = None) -> str:
        """Return the findings in words."""
        with speaking(lang):
            return words.sentences(finding.sentence for finding in self.findings())

    def to_frame(self) -> pd.DataFrame:
        """Return one row per parameter; an undetermined one has no interval."""
        rows = []
        for name in self.names:
            found = self.parameter(name)
            ends = (found.ci_lower, found.ci_upper) if found.determined else (math.nan, math.nan)
            row = {**self.group, "model": self.name, "parameter": name, "value": found.value}
            row |= dict(zip(("value_ci_lower", "value_ci_upper"), ends, strict=True))
            rows.append(row | {"log_likelihood": self.log_likelihood, "aic": self.aic})
        return pd.DataFrame(rows)

    def near(self, function: Callable[[Floats], Floats]) -> Local:
        """Return what a function of parameters (P, k) to (P, N) says, at the fit and near it."""
        logs = np.log(self.parameters)
        return Local.of(function, logs[0], logs - logs[0], self.step)

    def _parameter_finding(self, name: str) -> Finding:
        found = self.parameter(name)
        ends = (found.value, found.ci_lower, found.ci_upper)
        of = {"parameter": name, "model": self.name, "whom": self._whom}
        said = tr(
            "Parameter {parameter} of the {model} model for {whom} is {value}.",
            **of,
            value=words.parameter_interval(*ends),
        )
        if not found.determined:
            said = tr(
                "Parameter {parameter} of the {model} model for {whom} is not determined by the "
                "counts: {why}.",
                **of,
                why=self._why_not(name),
            )
        key = {"model": self.model, "parameter": name}
        return self._finding("model_parameter", ends if found.determined else None, said, key)

    def _finding(
        self,
        name: str,
        values: tuple[float, float, float] | None,
        sentence: str,
        key: Mapping[str, str],
        unit: str = "parameter",
    ) -> Finding:
        value, lower, upper = values or (None, None, None)
        return Finding(
            name,
            value,
            lower,
            upper,
            self.n,
            unit,
            sentence,
            {**key, **self.group},
            confidence_level=self.confidence_level,
            as_of=self.as_of,
        )

    @property
    def _whom(self) -> str:
        return term(self.population) + words.with_group(self.group)

    def _why_not(self, name: str) -> str:
        """Return why a parameter is not determined."""
        if not self.converged:
            return tr("the search for it did not settle")
        return self._limit(name) if self.at_limit(name) else tr("too little tells it")

    def _limit(self, name: str) -> str:
        """Return what it means that a parameter is at its limit."""
        raise NotImplementedError
