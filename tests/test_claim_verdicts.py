"""Verdicts follow from where the interval lies, and never say more than the evidence can."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_wording import CAUSAL, FUTURE, check_digits, check_whole

from cxresearch.claims.judged import (
    ASSOCIATION,
    BEHAVIOUR,
    CONTRADICTED,
    READING,
    SUPPORTED,
    UNCLEAR,
    UNTESTED,
    Judged,
)
from cxresearch.claims.measured import Evidence
from cxresearch.claims.register import Claim, Reading
from cxresearch.claims.verdict import ClaimVerdict
from cxresearch.claims.verdicts import ClaimVerdicts
from cxresearch.errors import CxError

NAN = math.nan


def claim(**changed: object) -> Claim:
    given_: dict[str, object] = {
        "id": "S9-1", "seed": "a.txt", "claim": "65 % of them do", "relation": "equals",
        "population": "people", "asserts": "share", "estimand": "share", "provenance": "nobody",
        "standing": "not found", "number": 0.65,
        "readings": {"a": Reading("of all of them", "all")},
    } | changed  # fmt: skip
    return Claim(**given_)  # type: ignore[arg-type]


BOTH = {"a": Reading("of all of them", "all"), "b": Reading("of some of them", "some")}


def evidence(low: float, high: float, reading: str = "a", **changed: object) -> Evidence:
    given_: dict[str, object] = {
        "claim": "S9-1", "reading": reading, "value": (low + high) / 2, "ci_lower": low,
        "ci_upper": high, "n": 500, "unit": "share", "grade": "C", "definition": "those who do",
    } | changed  # fmt: skip
    return Evidence(**given_)  # type: ignore[arg-type]


def verdict(claimed: Claim, *found: Evidence) -> ClaimVerdict:
    return ClaimVerdict(claimed, tuple(Judged(claimed, each) for each in found))


AT_LEAST = {"relation": "at_least", "number": 0.25}
AT_MOST = {"relation": "at_most", "number": 0.25}
BETWEEN = {"relation": "between", "number": 0.2, "number_to": 0.3}
POSITIVE = {"relation": "positive", "number": None}
NEGATIVE = {"relation": "negative", "number": None}


def test_what_holds_only_if_something_is_so_holds_under_a_stated_reading() -> None:
    claimed = claim(**AT_LEAST, readings=BOTH)
    taken = verdict(claimed, evidence(0.3, 0.4, only_if="nobody leaves"), evidence(0.0, 0.1, "b"))
    assert [x.verdict for x in taken.judged] == [READING, CONTRADICTED]
    assert taken.verdict == READING
    assert " (only if nobody leaves)" in taken.sentence()
    (said, _) = (x.verdict_finding() for x in taken.judged)
    assert said.sentence.endswith(f"{READING} (only if nobody leaves).")
    assert said.value is None
    for low, high, expected in ((0.2, 0.3, UNCLEAR), (0.0, 0.1, CONTRADICTED)):
        (other,) = verdict(claimed, evidence(low, high, only_if="nobody leaves")).judged
        assert other.verdict == expected
        assert "only if" not in other.verdict_finding().sentence


@pytest.mark.parametrize(
    ("changed", "low", "high", "expected"),
    [
        ({}, 0.61, 0.69, SUPPORTED),  # within five points of 65 %
        ({}, 0.87, 0.89, CONTRADICTED),
        ({}, 0.50, 0.59, CONTRADICTED),
        ({}, 0.55, 0.62, UNCLEAR),
        ({}, 0.10, 0.90, UNCLEAR),
        ({"tolerance": 0.01}, 0.61, 0.69, UNCLEAR),
        (AT_LEAST, 0.26, 0.90, SUPPORTED),
        (AT_LEAST, 0.01, 0.20, CONTRADICTED),
        (AT_LEAST, 0.20, 0.30, UNCLEAR),
        (AT_MOST, 0.01, 0.20, SUPPORTED),
        (AT_MOST, 0.26, 0.90, CONTRADICTED),
        (BETWEEN, 0.21, 0.29, SUPPORTED),
        (BETWEEN, 0.08, 0.15, CONTRADICTED),
        (BETWEEN, 0.15, 0.25, UNCLEAR),
        (POSITIVE, 0.01, 0.20, SUPPORTED),
        (POSITIVE, -0.20, -0.01, CONTRADICTED),
        (POSITIVE, -0.01, 0.20, UNCLEAR),
        (POSITIVE, 0.0, 0.0, UNCLEAR),
        (NEGATIVE, -0.20, -0.01, SUPPORTED),
        (NEGATIVE, 0.01, 0.20, CONTRADICTED),
        (NEGATIVE, -0.01, 0.20, UNCLEAR),
        ({"relation": "none"}, 0.65, 0.65, UNCLEAR),
    ],
)
def test_the_verdict_follows_from_where_the_interval_lies(
    changed: dict[str, object], low: float, high: float, expected: str
) -> None:
    assert verdict(claim(**changed), evidence(low, high)).verdict == expected


def test_a_number_without_an_interval_is_taken_as_it_is() -> None:
    typed = evidence(0.3, 0.3, ci_lower=NAN, ci_upper=NAN, grade="D")
    found = verdict(claim(**AT_LEAST), typed)
    assert (found.verdict, found.grade) == (SUPPORTED, "D")
    assert "stated or entered, without an interval" in found.findings()[-1].sentence


def test_what_was_measured_without_an_interval_decides_nothing() -> None:
    """Nobody knows how sure it is; only what is entered or stated is taken as it is."""
    bare = evidence(0.3, 0.3, ci_lower=NAN, ci_upper=NAN)
    found = verdict(claim(**AT_LEAST), bare)
    assert found.verdict == UNCLEAR
    assert "too little was measured for an interval" in found.findings()[-1].sentence


@pytest.mark.parametrize(
    ("relation", "low", "high", "expected"),
    [
        (AT_LEAST, 0.3, math.inf, SUPPORTED),
        (AT_LEAST, 0.2, math.inf, UNCLEAR),
        (AT_MOST, -math.inf, 0.2, SUPPORTED),
        (POSITIVE, 0.1, math.inf, SUPPORTED),
        (POSITIVE, -math.inf, math.inf, UNCLEAR),
        (NEGATIVE, 0.1, math.inf, CONTRADICTED),
        (BETWEEN, 0.25, math.inf, UNCLEAR),
    ],
)
def test_an_interval_without_an_end_is_no_point(
    relation: dict[str, object], low: float, high: float, expected: str
) -> None:
    open_ended = evidence(low, high, value=0.35 if low > -1 else 0.15)
    found = verdict(claim(**relation), open_ended)
    assert found.verdict == expected
    (judged,) = found.judged
    assert judged.evidence.uncertain
    assert judged.direction is None or all(math.isfinite(x) for x in judged.direction)


def test_a_bound_can_contradict_and_never_support() -> None:
    """What is at most 40 % is not 67 %; what is at most 90 % may be anything below."""
    two_thirds = claim(relation="at_least", number=0.67)
    low, high = (evidence(x - 0.02, x + 0.02, upper_bound=True) for x in (0.40, 0.90))
    assert verdict(two_thirds, low).verdict == CONTRADICTED
    assert verdict(two_thirds, high).verdict == UNCLEAR
    assert low.measured_words == "at most 40 % (38 to 42 %)"
    caused = replace(two_thirds, asserts="cause")
    assert verdict(caused, low).verdict == CONTRADICTED  # no cause exceeds a bound


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 0.3), st.booleans())
def test_wider_evidence_never_says_more(
    x: float, number: float, more: float, at_least: bool
) -> None:
    claimed = claim(number=number, relation="at_least" if at_least else "equals")
    narrow, wide = evidence(x - 0.01, x + 0.01), evidence(x - 0.01 - more, x + 0.01 + more)
    sure = verdict(claimed, wide).verdict
    assert sure in {UNCLEAR, verdict(claimed, narrow).verdict}


# Evidence of another kind


@pytest.mark.parametrize("asserts", ["intention", "opinion"])
def test_what_people_do_does_not_contradict_what_they_say(asserts: str) -> None:
    said = claim(asserts=asserts)
    outside, inside = (verdict(said, evidence(x, x + 0.02)) for x in (0.05, 0.64))
    assert (outside.verdict, inside.verdict) == (UNCLEAR, READING)
    (judged,) = outside.judged
    assert judged.verdict_words == f"no clear answer ({BEHAVIOUR}: outside of what is claimed)"
    assert BEHAVIOUR in outside.sentence()
    assert BEHAVIOUR in inside.sentence()
    asked = verdict(said, evidence(0.05, 0.07, measured="answers"))
    assert asked.verdict == CONTRADICTED


def test_an_association_neither_proves_nor_refutes_a_cause() -> None:
    caused = claim(asserts="cause", **POSITIVE)
    for low, expected in ((0.1, READING), (-0.3, UNCLEAR)):
        found = verdict(caused, evidence(low, low + 0.1))
        assert found.verdict == expected
        assert ASSOCIATION in found.sentence()
    for low, expected in ((0.1, SUPPORTED), (-0.3, CONTRADICTED)):
        found = verdict(caused, evidence(low, low + 0.1, grade="A"))
        assert found.verdict == expected
        assert ASSOCIATION not in found.sentence()


# Several readings


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0.64, 0.65, SUPPORTED),
        (0.10, 0.20, CONTRADICTED),
        (0.64, 0.20, READING),
        (0.64, 0.59, READING),
        (0.10, 0.59, UNCLEAR),
        (0.59, 0.59, UNCLEAR),
    ],
)
def test_readings_together(first: float, second: float, expected: str) -> None:
    found = verdict(
        claim(readings=BOTH),
        evidence(first, first + 0.02),
        evidence(second, second + 0.02, reading="b"),
    )
    assert found.verdict == expected
    if expected == READING:
        assert "It holds read as: of all of them." in found.sentence()


def test_a_reading_that_holds_does_not_hide_one_that_is_contradicted_or_was_not_tested() -> None:
    claimed = claim(readings=BOTH)
    mixed = verdict(claimed, evidence(0.64, 0.66), evidence(0.1, 0.2, reading="b"))
    assert "It is contradicted read as: of some of them." in mixed.sentence()
    assert mixed.in_short == " (all)"
    between = verdict(claimed, evidence(0.59, 0.62), evidence(0.1, 0.2, reading="b"))
    assert between.verdict == UNCLEAR
    assert "It is contradicted read as: of some of them." in between.sentence()
    (alone, against) = (verdict(claimed, evidence(x, x + 0.02)) for x in (0.64, 0.1))
    assert (alone.verdict, against.verdict) == (READING, CONTRADICTED)
    assert alone.in_short == " (all)"
    for one in (alone, against):
        assert one.sentence().endswith("It could not be tested read as: of some of them.")


def test_behaviour_outside_is_said_in_the_list_of_what_has_no_answer() -> None:
    said = claim(asserts="intention")
    assert verdict(said, evidence(0.1, 0.2)).in_short == " (as behaviour: outside)"
    assert verdict(said, evidence(0.1, 0.9)).in_short == ""
    assert verdict(claim(), evidence(0.1, 0.9)).in_short == ""


def test_intervals_that_miss_by_chance_are_counted_once_each() -> None:
    """Of 40 different intervals at 95 % about 2 miss; 5 claims on one interval have one."""
    spans = [(0.001 * i, 0.001 * i + 0.5) for i in range(40)]
    rows = [verdict(claim(), evidence(*span)) for span in [*spans, *[spans[0]] * 5]]
    last = ClaimVerdicts(tuple(rows), "A firm").answer()[-1]
    assert (last.id, last.n, last.value) == ("intervals_missed", 40, pytest.approx(2.0))
    assert last.sentence == (
        "The verdicts rest on 40 different intervals at 95 %, of which about 2 miss the truth by "
        "chance."
    )
    few = ClaimVerdicts(tuple(rows[:10]), "A firm").answer()
    assert "intervals_missed" not in {found.id for found in few}


def test_findings_of_a_claim_with_two_readings() -> None:
    claimed = claim(readings=BOTH)
    found = verdict(claimed, evidence(0.64, 0.66), evidence(0.20, 0.22, reading="b")).findings()
    assert [(f.id, f.group.get("reading"), f.value) for f in found] == [
        ("claim_verdict", None, None),
        ("claim_verdict", "a", 1.0),
        ("claim_verdict", "b", 0.0),
        ("claim_estimate", "a", pytest.approx(0.65)),
        ("claim_estimate", "b", pytest.approx(0.21)),
    ]
    assert {f.group["claim"] for f in found} == {"S9-1"}
    estimate = found[-2]
    assert (estimate.ci_lower, estimate.ci_upper, estimate.n) == (0.64, 0.66, 500)
    assert estimate.sentence == (
        "S9-1, of all of them: 65 % (64 to 66 %) (95 % interval); claimed is 65 %."
    )


def test_findings_of_a_claim_that_cannot_be_tested() -> None:
    untested = ClaimVerdict(claim(), (), "there is no table of it", "the table transactions")
    (found,) = untested.findings()
    assert (found.value, found.ci_lower, found.n, found.grade) == (None, None, None, "D")
    assert found.sentence == (
        "S9-1 cannot be tested here: 65 % of them do. It would take the table transactions."
    )


@pytest.fixture
def several() -> ClaimVerdicts:
    names = ["S9-1", "S9-2", "S9-3", "S9-4", "S9-5"]
    claims = [claim(id=name, asserts="intention" if name == "S9-3" else "share") for name in names]
    spans = [(0.64, 0.66), (0.10, 0.12), (0.64, 0.66), (0.40, 0.80)]
    found = [
        verdict(c, evidence(*span, claim=c.id)) for c, span in zip(claims, spans, strict=False)
    ]
    untested = ClaimVerdict(claims[-1], (), "no orders", "the table transactions")
    return ClaimVerdicts((*found, untested), "A firm")


def test_the_answer_counts_every_claim_once(several: ClaimVerdicts) -> None:
    assert several.sentence() == (
        "Of the 5 claims of the register, 4 can be tested on these data: 1 supported, 1 "
        "contradicted, 1 true only under a stated reading and 1 without a clear answer."
    )
    tested, *each = several.answer()
    assert (tested.id, tested.value) == ("claims_tested", 4)
    assert {f.group["verdict"]: f.value for f in each} == {
        SUPPORTED: 1, CONTRADICTED: 1, READING: 1, UNCLEAR: 1, UNTESTED: 1,
    }  # fmt: skip
    assert each[0].sentence == "Supported: S9-1, 65 % of them do."
    assert each[2].sentence.endswith("S9-3, 65 % of them do (as behaviour).")
    assert each[-1].sentence == "Not testable here: 1 claims; below stands what would unlock each."
    empty = ClaimVerdicts(several.of(UNTESTED), "A firm")
    assert empty.sentence() == "Of the 1 claims of the register, 0 can be tested on these data."


def test_tables_hold_each_claim_where_it_belongs(several: ClaimVerdicts) -> None:
    assert list(several.to_frame()["id"]) == ["S9-1", "S9-2", "S9-3", "S9-4", "S9-5"]
    assert several.tested.to_frame().to_numpy().tolist() == [
        ["S9-1, 65 %: of all of them", "65 % (64 to 66 %)", "supported, C"],
        ["S9-2, 65 %: of all of them", "11 % (10 to 12 %)", "contradicted, C"],
        ["S9-3, 65 %: of all of them", "65 % (64 to 66 %)", "as behaviour: inside, C"],
        ["S9-4, 65 %: of all of them", "60 % (40 to 80 %)", "no clear answer, C"],
    ]
    (lacking,) = several.unlocks.to_frame().to_numpy().tolist()
    assert lacking == ["S9-5", "no orders: the table transactions"]
    (definition,) = several.definitions.to_frame().to_numpy().tolist()
    assert definition == ["S9-1, S9-2, S9-3 and S9-4", "those who do"]
    assert several["S9-2"].verdict == CONTRADICTED


def test_sentences_are_whole_and_claim_no_cause(several: ClaimVerdicts) -> None:
    caused = claim(asserts="cause", **POSITIVE)
    more = [verdict(caused, evidence(x, x + 0.1)) for x in (0.1, -0.3, -0.05)]
    found = [*several.findings(), *several.answer(), *(f for v in more for f in v.findings())]
    checked = 0
    for finding in found:
        check_whole(finding.sentence)
        assert not CAUSAL.search(finding.sentence), finding.sentence
        assert not FUTURE.search(finding.sentence), finding.sentence
        checked += check_digits(finding.to_dict())
    assert checked > 5


def test_text_from_the_register_is_escaped() -> None:
    sly = ClaimVerdicts((verdict(claim(claim="<script>x</script>"), evidence(0.1, 0.2)),), "A")
    for shown in (sly, sly.tested, sly.definitions):
        assert "<script>" not in shown._repr_html_()
    assert re.search("&lt;script&gt;", sly._repr_html_())


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"value": NAN}, "must be a number: say what is lacking"),
        ({"ci_lower": NAN}, "one end of the interval is missing"),
        ({"value": 0.9}, "must be in order"),
        ({"grade": "E"}, "grade is 'E'"),
    ],
)
def test_evidence_that_is_none(changed: dict[str, object], said: str) -> None:
    with pytest.raises(CxError, match=said):
        replace(evidence(0.1, 0.2), **changed)
