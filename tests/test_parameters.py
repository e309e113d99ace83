"""The parameters cell and what may be given for it."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cxresearch.errors import CxError, ReportError
from cxresearch.reports.parameters import (
    Parameter,
    check_notebooks,
    check_parameters,
    read_parameters,
)

NOTEBOOK = Path(__file__).parent / "notebooks" / "typed_parameters.ipynb"


@pytest.fixture(scope="module")
def parameters() -> dict[str, Parameter]:
    cells = json.loads(NOTEBOOK.read_text("utf-8"))["cells"]
    (cell,) = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    return {p.name: p for p in read_parameters("".join(cell["source"]), NOTEBOOK.name)}


def one(line: str) -> Parameter:
    (parameter,) = read_parameters(line, "a.ipynb")
    return parameter


def test_a_line_is_read_whole(parameters):
    assert parameters["horizon"] == Parameter(
        "horizon", "int", 24, "how far the curve goes", "months", 1.0, 240.0, ()
    )
    assert parameters["plan"].choices == ("all", "basic", "premium")
    assert parameters["tenures"].default == [12, 24]
    assert parameters["segment"].meaning == "customer segment; as the company writes it"


@pytest.mark.parametrize(
    ("line", "default"),
    [
        (
            'url: str = "https://a.example/?b=1&c=2"  # two equals signs',
            "https://a.example/?b=1&c=2",
        ),
        ('color: str = "#ff0000"  # a hash in the text', "#ff0000"),
        ("shift: int = -3", -3),
        ("rate: float = 1  # a whole number is a number; range: ..2", 1.0),
        ("plans: list = []", []),
        ('plans: list[str] = ["a", "b"]  # plans; choices: a | b | c', ["a", "b"]),
        ('plan: str = ""  # plan; choices: | a', ""),
    ],
)
def test_lines_that_regular_expressions_mangle(line, default):
    assert one(line).default == default
    assert type(one(line).default) is type(default)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a: int = 1\nb = 2", r"a.ipynb, parameters cell, line 2: `b = 2` is not a parameter"),
        ("import os", "line 1: `import os` is not a parameter"),
        ("a: int = ", "line 1: this is not Python"),
        ("%matplotlib inline", "line 1: this is not Python"),
        ("a: date = 1", "a has the type date: the types are str, int"),
        ("a: int = 2 * 3", "a = 2 \\* 3 is computed"),
        ("a: int", "a needs its value on the same line"),
        ("a: list[int] = [\n1]", "a needs its value on the same line"),
        ('a: int = "3"', "a has the text '3' as value, but its type is int"),
        ("a: int = 1.5", "a = 1.5 is not a whole number"),
        ("a: int = True", "a = True is not a number"),
        ("a: int = 0  # n; range: 1..9", "a = 0 is below 1: it must be .* from 1 to 9"),
        ("a: int = 1  # n; range: 1-9", "a has the range 1-9: write 1..240"),
        ('a: str = "x"  # n; range: 1..9', "a has a range but is str"),
        ('a: str = "x"  # n; choices: y | z', "a = 'x' is not one of the choices"),
        ("a: int = 1  # n; choices: 1 | two", "a has a choice that is not a whole number"),
        ("a: int = 1  # n; units: months", "units is not a note; did you mean unit"),
        ("a: int = 1\na: int = 2", "a is defined twice"),
    ],
)
def test_a_malformed_cell_names_the_line(source, message):
    with pytest.raises(ReportError, match=message):
        read_parameters(source, "a.ipynb")


def test_all_malformed_lines_at_once():
    with pytest.raises(ReportError) as caught:
        read_parameters("a = 1\nb: int = 2\nc: date = 3", "a.ipynb")
    assert len(caught.value.problems) == 2


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("segment", "007", "007"),
        ("segment", "true", "true"),
        ("segment", "a=b", "a=b"),
        ("horizon", "007", 7),
        ("discount_rate", "0.05", 0.05),
        ("discount_rate", "1e-2", 0.01),
        ("discount_rate", 0.05, 0.05),
        ("by_plan", "Yes", True),
        ("by_plan", "0", False),
        ("tenures", "12, 24,36", [12, 24, 36]),
        ("tenures", "[12, 24]", [12, 24]),
        ("tenures", "", []),
        ("plan", "basic", "basic"),
    ],
)
def test_the_declared_type_decides(parameters, name, text, value):
    got = check_parameters(list(parameters.values()), {name: text})
    assert got == {name: value}
    assert type(got[name]) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "parts"),
    [
        ("discount_rate", "five percent", ["'five percent'", "not a number", "from 0 to 1"]),
        ("discount_rate", "5%", ["'5%'", "5% is written 0.05", "share per year"]),
        ("discount_rate", "nan", ["'nan'", "not a finite number"]),
        ("discount_rate", "inf", ["'inf'", "not a finite number"]),
        ("horizon", "12.0", ["'12.0'", "not a whole number", "months", "-p horizon=24"]),
        ("horizon", "0", ["'0'", "below 1", "from 1 to 240"]),
        ("horizon", "241", ["'241'", "above 240"]),
        ("horizon", "1_0", ["not a whole number"]),
        ("by_plan", "maybe", ["neither true nor false"]),
        ("plan", "basik", ["'basik'", "did you mean basic?", "all | basic | premium"]),
        ("tenures", "12,x", ["'12,x'", "not a whole number", "-p tenures=12,24"]),
        ("tenures", "[12", ["not a list in JSON"]),
        ("tenures", 12, ["is not a list"]),
        ("segment", 7, ["is not text"]),
    ],
)
def test_a_value_that_does_not_fit_says_value_rule_and_example(parameters, name, text, parts):
    with pytest.raises(CxError) as caught:
        check_parameters(list(parameters.values()), {name: text})
    (problem,) = caught.value.problems
    assert problem.startswith(f"{name} = ")
    for part in [*parts, f"for example -p {name}="]:
        assert part in problem


@given(st.text())
def test_text_is_never_changed(text):
    assert one('a: str = ""').convert(text) == text


@given(st.integers())
def test_whole_numbers_survive_their_text(number):
    assert one("a: int = 0").convert(str(number)) == number


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_numbers_survive_their_text(number):
    assert one("a: float = 0").convert(repr(number)) == number


@pytest.mark.parametrize(
    ("given", "meant"), [("85", "-p kept=0.85"), (5, "-p kept=0.05"), ("-85", "-p kept=0.8")]
)
def test_a_share_given_as_percent_is_shown_as_the_share(given, meant):
    kept = one("kept: float = 0.8  # who stays; unit: share; range: 0..1")
    with pytest.raises(CxError, match=f"{meant}$"):
        check_parameters([kept], {"kept": given})


def test_all_problems_at_once_with_the_close_match(parameters):
    with pytest.raises(CxError) as caught:
        check_parameters(list(parameters.values()), {"horizn": "3", "horizon": "x", "data": "d"})
    text = str(caught.value)
    assert "horizn is not a parameter; did you mean horizon? (parameters: by_plan," in text
    assert "horizon = 'x'" in text
    assert "choose the data with --data" in text
    assert len(caught.value.problems) == 3


def test_each_notebook_gets_what_it_has():
    notebooks = {
        "a": read_parameters("x: int = 1\nboth: int = 1", "a"),
        "b": read_parameters('y: str = ""\nboth: str = ""', "b"),
    }
    got = check_notebooks(notebooks, {"x": "2", "both": "007"})
    assert got == {"a": {"x": 2, "both": 7}, "b": {"both": "007"}}
    with pytest.raises(CxError, match="z is not a parameter"):
        check_notebooks(notebooks, {"z": "1"})
