"""The register of claims is whole, in our own words, and says all that is wrong with it at once."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from test_wording import CAUSAL, FUTURE

from cxresearch.claims.register import (
    Claim,
    claims_register,
    parse_register,
    read_register,
)
from cxresearch.contract import TABLES
from cxresearch.errors import CxError
from cxresearch.needs import NEEDS

ONE = """
[[claim]]
id = "S9-1"
seed = "a.txt"
claim = "Half of them do"
number = 0.5
relation = "equals"
population = "people"
asserts = "share"
estimand = "the share who do"
beyond = "a count"
provenance = "nobody"
standing = "not found"
"""
EVERY_ROW = {
    *(f"S0-{i}" for i in range(1, 12)),
    *(f"S1-{i}" for i in range(1, 6)),
    *(f"S2-{i}" for i in range(1, 8)),
    *(f"S3-{i}" for i in range(1, 8)),
    *(f"S4-{i}" for i in (1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15)),
}


def one(**changed: object) -> str:
    """Return a register of one claim with some keys changed, or left out where None."""
    text = ONE
    for key, value in changed.items():
        line = "" if value is None else f"{key} = {value}\n"
        text, n = re.subn(rf"(?m)^{key} = .*\n", lambda _, line=line: line, text)
        text += "" if n else line
    return text


# What it holds


def test_every_claim_of_the_seeds_is_there_once() -> None:
    register = claims_register()
    ids = [claim.id for claim in register]
    assert len(set(ids)) == len(ids) == len(register)
    assert {re.sub(r"[a-z]$", "", name) for name in ids} >= EVERY_ROW


@pytest.mark.parametrize(
    ("claim", "number", "relation"),
    [
        ("S0-1", 0.17, "equals"),
        ("S0-2", 0.65, "equals"),
        ("S0-4", 0.80, "equals"),
        ("S0-6", 0.40, "at_least"),
        ("S2-5", 0.67, "at_least"),
        ("S2-6", 0.20, "between"),
        ("S3-1", 0.25, "at_least"),
        ("S3-3", None, "positive"),
        ("S4-8", 0.08, "equals"),
        ("S4-14", 0.47, "equals"),
    ],
)
def test_numbers_are_those_of_the_catalogue(claim: str, number: float, relation: str) -> None:
    found = claims_register()[claim]
    assert (found.number, found.relation) == (number, relation)


def test_every_claimed_share_is_that_of_the_articles() -> None:
    percent = {
        "S0-1": 17, "S0-2": 65, "S0-3": 33.33, "S0-4": 80, "S0-5": 71, "S0-6": 40, "S0-7": 77,
        "S0-8": 79, "S0-9": 65, "S2-1": 86, "S2-2": 89, "S2-3": 89, "S2-4": 40, "S2-5": 67,
        "S2-6": 20, "S3-1": 25, "S3-7": 50, "S4-1a": 58, "S4-1b": 52, "S4-2": 47, "S4-3": 15,
        "S4-4a": 51, "S4-4b": 47, "S4-4c": 42, "S4-5": 38, "S4-6": 38, "S4-7": 31, "S4-8": 8,
        "S4-9": 33, "S4-10": 23, "S4-11a": 32, "S4-11b": 31, "S4-11c": 29, "S4-12": 3,
        "S4-13": 45, "S4-14": 47,
    }  # fmt: skip
    held = {c.id: c.number for c in claims_register() if c.unit == "share" and c.number is not None}
    assert {name: round(100 * number, 2) for name, number in held.items()} == percent
    least = {c.id for c in claims_register() if c.relation == "at_least"}
    assert least == {"S0-3", "S0-6", "S2-4", "S2-5", "S3-1", "S3-7"}


def test_each_claim_stands_in_the_seed_of_its_number() -> None:
    for claim in claims_register():
        assert claim.seed.startswith(f"00{claim.id[1]}_")
        assert claim.seed.endswith(".txt")


def test_no_claim_and_no_reading_uses_a_causal_verb() -> None:
    for claim in claims_register():
        for text in (
            claim.claim,
            claim.estimand,
            *(reading.words for reading in claim.readings.values()),
        ):
            assert not CAUSAL.search(text), text
            assert not FUTURE.search(text), text
    for gap in claims_register().contradictions:
        assert not CAUSAL.search(gap.said), gap.said


def test_no_sentence_of_the_seeds_is_quoted() -> None:
    """The seeds are Japanese; nothing of them stands in the file."""
    text = files("cxresearch.claims").joinpath("claims.toml").read_text(encoding="utf-8")
    assert not re.search(r"[぀-ヿ一-鿿]", text)
    assert "://" not in text


def test_claims_that_are_tested_say_how_they_are_read_and_what_it_takes() -> None:
    for claim in claims_register():
        assert bool(claim.tests) == bool(claim.readings), claim.id
        assert claim.needs or claim.beyond, claim.id
        assert not (claim.tests and claim.beyond), f"{claim.id} is tested, so nothing is beyond"


def test_needs_are_columns_that_exist() -> None:
    for claim in claims_register():
        for need in (part for either in claim.needs for part in either.split(" | ")):
            table, _, column = need.partition(".")
            assert need in NEEDS or TABLES[table].column(column), need


def test_the_forty_percent_is_registered_as_two_misquotations_of_one_sentence() -> None:
    register = claims_register()
    assert "ratio of two shares" in register["S0-6"].misquotation
    assert "fast with slower growers" in register["S2-4"].misquotation
    (forty,) = [gap for gap in register.contradictions if "40 %" in gap.topic]
    assert [figure.number for figure in forty.figures] == [0.4, 0.4]


def test_shares_who_leave_differ_five_times() -> None:
    first = claims_register().contradictions[0]
    numbers = [figure.number for figure in first.figures]
    assert numbers == [0.17, 0.45, 0.47, 0.59, 0.80, 0.86]
    assert max(numbers) / min(numbers) > 5


@pytest.mark.parametrize(
    ("changed", "region", "said"),
    [
        ({}, (0.45, 0.55), "50 %"),
        ({"tolerance": 0.1}, (0.4, 0.6), "50 %"),
        ({"relation": '"at_least"'}, (0.5, float("inf")), "at least 50 %"),
        ({"relation": '"at_most"'}, (float("-inf"), 0.5), "at most 50 %"),
        ({"relation": '"between"', "number_to": 0.75}, (0.5, 0.75), "50 to 75 %"),
        ({"relation": '"positive"', "number": None}, (0.0, float("inf")), "above 0"),
        ({"relation": '"negative"', "number": None}, (float("-inf"), 0.0), "below 0"),
        ({"relation": '"none"'}, None, "50 %"),
        ({"relation": '"none"', "number": None}, None, "–"),
        ({"unit": '"countries"', "number": 180.0, "tolerance": 0.0}, (180.0, 180.0), "180"),
    ],
)
def test_a_claim_says_for_which_values_it_holds(
    changed: dict[str, object], region: tuple[float, float] | None, said: str
) -> None:
    (claim,) = parse_register(one(**changed))
    assert isinstance(claim, Claim)
    if region is None:
        assert claim.region is None
    else:
        assert claim.region == pytest.approx(region)
    assert claim.number_words == said


# Errors


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"provenance": None}, "S9-1: provenance is None, must be text"),
        ({"nubmer": 0.5}, "S9-1: key 'nubmer' does not exist.*did you mean 'number'"),
        ({"id": '"9-1"'}, "id is '9-1', must be such as S0-1"),
        ({"relation": '"equal"'}, "relation 'equal' does not exist.*did you mean 'equals'"),
        ({"asserts": '"fact"'}, "asserts 'fact' does not exist"),
        ({"standing": '"sure"'}, "standing 'sure' does not exist"),
        ({"number": 50.0}, "number is 50.0, must be 0-1 for a share"),
        ({"number": '"half"'}, "number is 'half', must be a decimal"),
        ({"number": None}, "number is missing, must be there for 'equals'"),
        ({"relation": '"between"'}, "number_to and the relation 'between' go together"),
        ({"number_to": 0.7}, "number_to and the relation 'between' go together"),
        ({"relation": '"between"', "number_to": 0.4}, "must be below number_to"),
        ({"beyond": None}, "neither needs nor beyond"),
        ({"needs": '["customers.shoe_size"]'}, "need 'customers.shoe_size' is not known"),
        ({"needs": '["lifetimes | wishes"]'}, "need 'wishes' is not known"),
        ({"tests": '["returns"]'}, "tests and readings go together"),
        (
            {"tests": '["returns"]', "readings": '[{ id = "a", says = "b" }]'},
            "must have id, short and words",
        ),
    ],
)
def test_what_is_wrong_is_said(changed: dict[str, object], said: str) -> None:
    with pytest.raises(CxError, match=said):
        parse_register(one(**changed))


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = one(provenance=None, standing='"sure"') + one(relation='"equal"') + "[other]\n"
    with pytest.raises(CxError) as raised:
        parse_register(text)
    assert len(raised.value.problems) == 5
    assert "S9-1 stands 2 times, must be once" in str(raised.value)
    assert "'other' is no part of a register" in str(raised.value)


def test_a_contradiction_names_claims_with_numbers() -> None:
    gap = '[[contradiction]]\ntopic = "t"\nsaid = "s"\nfigures = [{{ {} }}]\n'
    with pytest.raises(CxError, match="claim 'S1-1' is not in the register"):
        parse_register(ONE + gap.format('claim = "S1-1", words = "w"'))
    with pytest.raises(CxError, match="must have claim and words, or who, number and words"):
        parse_register(ONE + gap.format('who = "x", words = "w"'))
    with pytest.raises(CxError, match="has topic, said and figures"):
        parse_register(ONE + '[[contradiction]]\ntopic = "t"\n')
    (found,) = parse_register(ONE + gap.format('claim = "S9-1", words = "w"')).contradictions
    assert [(f.who, f.number) for f in found.figures] == [("S9-1", 0.5)]


def test_a_register_that_is_no_toml_is_said() -> None:
    with pytest.raises(CxError, match="The register is no TOML"):
        parse_register("[[claim]\n")


def test_a_register_of_ones_own(tmp_path) -> None:
    path = tmp_path / "own.toml"
    path.write_text(ONE, encoding="utf-8")
    register = read_register(path)
    assert register["S9-1"].number == 0.5
    assert list(register.to_frame()["id"]) == ["S9-1"]
    with pytest.raises(CxError, match=r"claim 'S9-2' does not exist.*did you mean 'S9-1'"):
        register["S9-2"]
