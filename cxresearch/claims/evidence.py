"""The tests of claims by name, and the verdict on every claim that they give on one extract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, TypeAlias

from cxresearch._format import and_list, sentences
from cxresearch._grouped import unknown
from cxresearch._language import mark, term, tr
from cxresearch.claims import _of_experiences, _of_profit, _of_promoters, _of_shares
from cxresearch.claims._lacking import lacking_words
from cxresearch.claims.judged import Judged
from cxresearch.claims.measured import Evidence, Lacking
from cxresearch.claims.register import Claim, Register, claims_register
from cxresearch.claims.settings import ClaimSettings
from cxresearch.claims.verdict import ClaimVerdict
from cxresearch.claims.verdicts import ClaimVerdicts
from cxresearch.errors import CxError, DataError
from cxresearch.needs import capabilities
from cxresearch.source import Data

Test: TypeAlias = Callable[[Data, ClaimSettings], Iterator[Evidence | Lacking]]
TESTS: Final[Mapping[str, Test]] = {
    "avoidable_losses": _of_shares.avoidable_losses,
    "bad_experiences": _of_experiences.bad_experiences,
    "closed_loop": _of_profit.closed_loop,
    "contact_channels": _of_shares.contact_channels,
    "cost_of_keeping": _of_profit.cost_of_keeping,
    "existing_revenue": _of_shares.existing_revenue,
    "nps_scale": _of_shares.nps_scale,
    "promoter_retention": _of_promoters.promoter_retention,
    "promoter_value": _of_promoters.promoter_value,
    "repurchase": _of_shares.repurchase,
    "retention_profit": _of_profit.retention_profit,
    "returns": _of_shares.returns,
}
NO_TABLE: Final = mark("beyond the tables and tests here")
NO_DATA: Final = mark("the data lack")
TOO_FEW: Final = mark("too few were counted")


def claim_verdicts(
    data: Data, settings: ClaimSettings | None = None, *, register: Register | None = None
) -> ClaimVerdicts:
    """Test every claim that the data can test, and say of each other one what it would take.

    Parameters
    ----------
    data
        An opened extract.
    settings
        What the tests are run with; as `ClaimSettings()` where not given.
    register
        The claims; those that come with the package where not given.

    Raises
    ------
    CxError
        When the register names a test that does not exist, or evidence does not fit a claim.
    """
    claims = claims_register() if register is None else register
    _check_tests(claims)
    found = capabilities(data)
    missing = {claim.id: _missing(claim, data, found) for claim in claims}
    able = [claim for claim in claims if claim.tests and not missing[claim.id]]
    names = dict.fromkeys(name for claim in able for name in claim.tests)
    measured = [
        item for name in names for item in _run(TESTS[name], _of(name, able), data, settings)
    ]
    _check_evidence(measured, claims)
    verdicts = (_verdict(claim, measured, missing[claim.id], data.as_of) for claim in claims)
    return ClaimVerdicts(tuple(verdicts), data.name, data.as_of)


def _of(test: str, claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if test in claim.tests]


def _run(
    test: Test, claims: list[Claim], data: Data, settings: ClaimSettings | None
) -> list[Evidence | Lacking]:
    """Return what a test finds of these claims; what the data cannot support is a reason."""
    asked = {claim.id for claim in claims}
    try:
        return [item for item in test(data, settings or ClaimSettings()) if item.claim in asked]
    except DataError as error:
        why = sentences(error.problems)
        return [Lacking(claim.id, why, "") for claim in claims]


def _verdict(
    claim: Claim, measured: list[Evidence | Lacking], missing: list[str], as_of: str | None
) -> ClaimVerdict:
    mine = [item for item in measured if item.claim == claim.id]
    judged = [Judged(claim, item) for item in mine if isinstance(item, Evidence)]
    if judged:
        order = list(claim.readings)
        judged.sort(key=lambda item: order.index(item.evidence.reading))
        return ClaimVerdict(claim, tuple(judged), as_of=as_of)
    lacking = [item for item in mine if isinstance(item, Lacking)]
    if lacking:
        why, takes = (
            tr("; ").join(dict.fromkeys(map(term, filter(None, texts))))
            for texts in zip(*map(_texts, lacking), strict=True)
        )
        return ClaimVerdict(claim, (), why, takes, as_of)
    take = tr("; ").join([*missing, *([term(claim.beyond)] if claim.beyond else [])])
    counted = claim.tests and not missing  # a test that found nothing had too few for a number
    why = NO_DATA if missing else TOO_FEW if counted else NO_TABLE
    return ClaimVerdict(claim, (), term(why), take, as_of)


def _texts(lacking: Lacking) -> tuple[str, str]:
    return lacking.why, lacking.takes


def _missing(claim: Claim, data: Data, found: set[str]) -> list[str]:
    """Return in words what of a claim's needs the data do not have."""
    asked = [need.split(" | ") for need in claim.needs]
    unmet = [needs for needs in asked if not any(_has(need, data, found) for need in needs)]
    parts = [part for needs in unmet for part in _either(needs, data)]
    return list(dict.fromkeys(parts))


def _either(needs: list[str], data: Data) -> list[str]:
    """Return what one of these needs would take: part by part where there is only one."""
    each = [lacking_words(need, data) for need in needs]
    if len(each) == 1:
        return each[0]
    return [tr("either {ways}", ways=tr(", or ").join(map(and_list, each)))]


def _has(need: str, data: Data, found: set[str]) -> bool:
    table, _, column = need.partition(".")
    return data.pipeline.has(table, column) if column else need in found


def _check_tests(register: Register) -> None:
    problems = [
        f"{claim.id}: {unknown('test', test, list(TESTS))}"
        for claim in register
        for test in claim.tests
        if test not in TESTS
    ]
    if problems:
        raise CxError(problems)


def _check_evidence(measured: list[Evidence | Lacking], register: Register) -> None:
    """Refuse evidence for a reading that the claim does not have, or twice for one."""
    seen: set[tuple[str, str]] = set()
    problems = []
    for item in measured:
        if isinstance(item, Lacking):
            continue
        key = (item.claim, item.reading)
        if item.reading not in register[item.claim].readings:
            readings = list(register[item.claim].readings)
            problems.append(f"{item.claim}: {unknown('reading', item.reading, readings)}")
        if key in seen:
            problems.append(f"{item.claim}, {item.reading}: there is evidence twice, must be once.")
        seen.add(key)
    if problems:
        raise CxError(problems)
