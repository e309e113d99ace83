"""Likelihood-ratio tests: equal parameters in all groups, and a model against the next larger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd
from scipy.special import chdtrc

from cxresearch import _format as words
from cxresearch._html import Table
from cxresearch._language import mark, speaking, term
from cxresearch._results import Results
from cxresearch.errors import DataError
from cxresearch.findings import Finding
from cxresearch.projection._model_fit import ModelFit, model_name
from cxresearch.projection._projected import Projection
from cxresearch.projection._renewal_models import MODELS, fit
from cxresearch.projection.fitted import Projections

LARGER = {"geometric": "sbg", "sbg": "bdw"}
EQUAL = (
    mark(
        "The {groups} groups differ in the parameters of the {model} model (likelihood ratio, {p})."
    ),
    mark(
        "No clear difference in the parameters of the {model} model between the {groups} groups "
        "(likelihood ratio, {p})."
    ),
)
SAYS = {  # what the larger model adds, in words: where it is clear, and where it is not
    "sbg": (
        mark(
            "{Whom} differ from each other in how likely they are to leave: {large} against "
            "{small} (likelihood ratio, {p})."
        ),
        mark(
            "No clear difference between {whom} in how likely they are to leave: {large} against "
            "{small} (likelihood ratio, {p})."
        ),
    ),
    "bdw": (
        mark(
            "How likely each of the {whom} is to leave changes with tenure: {large} against "
            "{small} (likelihood ratio, {p})."
        ),
        mark(
            "No clear change with tenure in how likely each of the {whom} is to leave: {large} "
            "against {small} (likelihood ratio, {p})."
        ),
    ),
}


@dataclass(frozen=True, eq=False)
class LikelihoodRatioTest(Table):
    """One likelihood-ratio test.

    Parameters
    ----------
    id
        Of its finding.
    statistic, degrees_of_freedom, p_value
        Twice the difference of log-likelihoods, and its chi-square test.
    group
        The model that is tested, and the labels of the group.
    says
        Messages: what it says when p is at most 1 − level, and above it.
    places
        Returns what fills their places, in the language spoken.
    """

    id: str
    statistic: float
    degrees_of_freedom: int
    p_value: float
    group: Mapping[str, str]
    says: tuple[str, str]
    places: Callable[[], Mapping[str, str]]
    n: int
    confidence_level: float
    as_of: str | None

    def to_frame(self) -> pd.DataFrame:
        """Return one row."""
        names = ("statistic", "degrees_of_freedom", "p_value")
        return pd.DataFrame([dict(self.group) | {name: getattr(self, name) for name in names}])

    def sentence(self, lang: str | None = None) -> str:
        """Return the result in words; "no clear difference" when p is above 1 − level."""
        with speaking(lang):
            said = term(self.says[self.p_value > 1 - self.confidence_level])
            return said.format(**self.places(), p=words.p_value(self.p_value))

    def findings(self) -> tuple[Finding, ...]:
        """Return the test as one finding."""
        return (
            Finding(
                self.id,
                self.p_value,
                None,
                None,
                self.n,
                "p-value",
                self.sentence(),
                self.group,
                confidence_level=self.confidence_level,
                as_of=self.as_of,
            ),
        )


def equal_parameters_test(projected: Projections) -> Results[LikelihoodRatioTest]:
    """Test, for each model, whether all groups have the same parameters.

    Parameters
    ----------
    projected
        Result of `projections` with at least two groups.

    Raises
    ------
    DataError
        With fewer than two groups, or with weighted counts, which have no likelihood.

    Notes
    -----
    −2 log Λ = 2(Σ log L of each group − log L of all groups together), chi-square with
    (G − 1)·k degrees of freedom for k parameters (Fader & Hardie 2007 fit each segment by
    itself; this asks whether that was called for). Where a parameter is at its edge in some
    group, the test errs on the safe side.
    """
    _check_groups(projected)
    shared = [
        model
        for model in projected.models
        if all(model in {fit.model for fit in result.fits} for result in projected)
    ]
    return Results(tuple(_equal(projected, model) for model in shared))


def nested_model_tests(projected: Projections) -> Results[LikelihoodRatioTest]:
    """Test each model against the next larger one, in each group.

    Parameters
    ----------
    projected
        Result of `projections`; pairs of neighbouring models that were fitted are tested.

    Raises
    ------
    DataError
        With weighted counts, which have no likelihood.

    Notes
    -----
    The sBG is the BdW with c = 1, inside its range: chi-square with 1 degree of freedom. The
    geometric is the sBG at the edge where all customers are alike, which is not regular: half
    the time the statistic is 0, so that p is half that of chi-square with 1 degree of freedom
    (Self & Liang 1987, JASA 82, 605–610, case 5).
    """
    _check_whole(projected)
    return Results(tuple(test for result in projected for test in _nested(result)))


def _equal(projected: Projections, model: str) -> LikelihoodRatioTest:
    apart = sum(f.log_likelihood for result in projected for f in result.fits if f.model == model)
    until = projected.results[0].fitted_until
    n, d = (
        projected.table.counts(name).sum(axis=(0, 1))[None, 1 : until + 1]
        for name in ("at_risk", "churned")
    )
    statistic = max(0.0, 2 * (apart - float(fit(model, n, d).log_likelihood[0])))
    freedom = (len(projected) - 1) * len(MODELS[model])
    groups = words.number(len(projected))
    return LikelihoodRatioTest(
        "equal_parameters_p_value",
        statistic,
        freedom,
        float(chdtrc(freedom, statistic)),
        {"model": model},
        EQUAL,
        lambda: {"groups": groups, "model": model_name(model)},
        sum(result.observed.n for result in projected),
        projected.confidence_level,
        projected.table.as_of,
    )


def _nested(result: Projection) -> list[LikelihoodRatioTest]:
    fits = {fit.model: fit for fit in result.fits}
    pairs = [(fits[a], fits[b]) for a, b in LARGER.items() if a in fits and b in fits]
    return [_larger(result, small, large) for small, large in pairs]


def _larger(result: Projection, small: ModelFit, large: ModelFit) -> LikelihoodRatioTest:
    statistic = max(0.0, 2 * (large.log_likelihood - small.log_likelihood))
    halved = 0.5 if small.model == "geometric" and statistic > 0 else 1.0
    observed = result.observed
    return LikelihoodRatioTest(
        "larger_model_p_value",
        statistic,
        1,
        halved * float(chdtrc(1, statistic)),
        {"model": large.model, **observed.group},
        SAYS[large.model],
        lambda: _places(result, small, large),
        observed.n,
        observed.confidence_level,
        observed.as_of,
    )


def _places(result: Projection, small: ModelFit, large: ModelFit) -> dict[str, str]:
    observed = result.observed
    whom = f"{term(observed.population)}{words.with_group(observed.group)}"
    said = {"whom": whom, "Whom": words.sentence_start(whom)}
    return said | {"small": small.name, "large": large.name}


def _check_groups(projected: Projections) -> None:
    if len(projected) < 2:
        raise DataError(
            f"{len(projected)} {words.plural('group', len(projected))} can be projected, must be "
            "at least 2 for a test: group the life table by a column."
        )
    _check_whole(projected)


def _check_whole(projected: Projections) -> None:
    if projected.table.weighted:
        raise DataError(
            "the counts are weighted, must be whole customers for a likelihood-ratio test: "
            "compare the projected shares, whose jackknife keeps the weights."
        )
