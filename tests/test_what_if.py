"""Sliders: the script's numbers and sentences are those of Python, wherever the sliders stand."""

from __future__ import annotations

import json
import math
import random
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import browser as browser  # noqa: PLC0414 - a fixture
from playwright.sync_api import Browser, Page
from test_constant_claim import terms
from test_own_curve import months, paper

from cxresearch import _format as words
from cxresearch._language import speaking
from cxresearch.errors import DataError
from cxresearch.projection.fitted import projections
from cxresearch.reports._what_if_panel import said_by_script
from cxresearch.reports.what_if import source
from cxresearch.roi._cut import cut_words
from cxresearch.roi._levels import Asked
from cxresearch.roi.effect import entered_effect
from cxresearch.roi.own_curve import OwnCurve, own_curve
from cxresearch.roi.plan import Plan, programme_plan
from cxresearch.roi.profit_claim import ProfitClaim, profit_claim
from cxresearch.roi.programme import Programme
from cxresearch.roi.readings import Lift
from cxresearch.sliders._grid import neighbours, start_of
from cxresearch.sliders._shown import answer, static_html, value_words
from cxresearch.sliders.what_if import spec_of

TEACHING = tomllib.loads(
    (Path(__file__).parent / "reference" / "programme.toml").read_text("utf-8")
)
CASE = {k: v for k, v in TEACHING["teaching_case"].items() if k not in ("source", "lift")}
COSTS: dict[str, Any] = {
    "annual_margin": 137.5, "acquisition_cost": 210.0, "retention_cost": 3.3,
    "fixed_cost_share": 0.3, "first_margin": "end_of_period",
}  # fmt: skip
SPENT = {**COSTS, "annual_margin": 1.0, "acquisition_cost": 0.6, "retention_cost": 0.02}
ARITHMETIC = ("numbers", "claim", "programme")
RUN = """([spec, words, states]) => {
  const answer = spec.kind === "claim" ? claimAnswer : programmeAnswer;
  return states.map((state) => JSON.stringify(answer(speaker(words), spec, state, words)));
}"""


def claim(own: OwnCurve | float = 0.85, **changed: Any) -> ProfitClaim:
    asked: dict[str, Any] = {"concept": "customer_value", "renewals": "every", "year": 5}
    asked |= {name: changed.pop(name) for name in list(changed) if name in (*asked, "model")}
    return profit_claim(own, terms(**changed), **asked)


def plan(lift: float = 0.02, **changed: Any) -> Plan:
    effect = entered_effect(lift, kind="pert")
    return programme_plan(effect, ranges={}, **{"currency": "EUR", **CASE, **changed})


def programme(**changed: Any) -> dict[str, Any]:
    return spec_of(plan(**changed).risk(draws=1000))


@pytest.fixture(scope="module")
def own() -> OwnCurve:
    return own_curve(projections(months()), average="all_years")


@pytest.fixture(scope="module")
def late() -> OwnCurve:
    return own_curve(projections(months(), start=12), average="all_years")


@pytest.fixture(scope="module")
def printed() -> OwnCurve:
    return own_curve(projections(paper("high_end")), average="first_year")


MADE: dict[str, Callable[..., dict[str, Any]]] = {
    "entered": lambda _: spec_of(claim()),
    "entered, with costs": lambda _: spec_of(claim(0.8437, **COSTS, horizon=7, concept="net_value")),
    "entered, first renewal": lambda _: spec_of(claim(0.9, **COSTS, renewals="first")),
    "entered, a year": lambda _: spec_of(claim(0.7, **SPENT, concept="annual_profit")),
    "own": lambda make: spec_of(claim(make("own"))),
    "own, with costs": lambda make: spec_of(claim(make("own"), **SPENT, concept="base_value")),
    "own, first renewal": lambda make: spec_of(claim(make("own"), renewals="first")),
    "own, each customer": lambda make: spec_of(claim(make("own"), renewals="each_customer")),
    "late": lambda make: spec_of(claim(make("late"), model="bdw")),
    "printed": lambda make: spec_of(claim(make("printed"), horizon=4, model="product_limit")),
    "programme": lambda _: programme(),
    "long programme": lambda _: programme(
        lift=-0.01, horizon=20, ramp=[1.0], attribution=0.6, reached=0.35, customers=1234567,
        one_off_cost=0.0, annual_cost=0.0, currency=None,
    ),
}  # fmt: skip


@pytest.fixture(scope="module", params=MADE)
def spec(request: pytest.FixtureRequest) -> dict[str, Any]:
    made = MADE[request.param](request.getfixturevalue)
    return dict(json.loads(json.dumps(made)))  # as it arrives on a page


@pytest.fixture(scope="module")
def engine(browser: Browser) -> Iterator[Page]:
    """A page that knows the arithmetic of the script, and nothing else."""
    page = browser.new_page()
    page.add_script_tag(content=source(*ARITHMETIC))
    yield page
    page.close()


def axes(spec: dict[str, Any]) -> dict[str, list[Any]]:
    return {each["name"]: each["values"] for each in (*spec["sliders"], *spec["choices"])}


def sweeps(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Every value of every control, for every combination of the choices."""
    start, moved = start_of(spec), axes(spec)
    found = [start | {name: value} for name, values in moved.items() for value in values]
    for each in spec["choices"]:
        for value in each["values"][1:]:
            others = (x["name"] for x in spec["sliders"])
            found += [
                start | {each["name"]: value, name: moved[name][i]}
                for name in others
                for i in range(0, len(moved[name]), 3)
            ]
    return found


def anywhere(spec: dict[str, Any], count: int, seed: int) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    moved = axes(spec)
    return [{name: rng.choice(values) for name, values in moved.items()} for _ in range(count)]


def assert_alike(engine: Page, spec: dict[str, Any], states: list[dict[str, Any]]) -> None:
    found = engine.evaluate(RUN, [spec, said_by_script(spec), states])
    for state, text in zip(states, found, strict=True):
        wanted, said = answer(spec, state), json.loads(text)
        assert said["headline"] == wanted.headline, state
        assert said["lines"] == list(wanted.lines), state
        assert said["caption"] == wanted.caption, state
        for name, value in wanted.numbers.items():
            if isinstance(value, list):
                assert said["numbers"][name] == pytest.approx(value, rel=1e-9, abs=1e-9), state
            elif value is None:
                assert said["numbers"][name] is None, state
            else:
                assert said["numbers"][name] == pytest.approx(value, rel=1e-9, abs=1e-12), state


# The script beside Python


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_the_script_says_what_python_says_at_every_value(
    engine: Page, spec: dict[str, Any], lang: str
) -> None:
    states = sweeps(spec)
    with speaking(lang):
        assert_alike(engine, spec, states if lang == "en" else states[::4])


def test_the_script_says_what_python_says_wherever_all_sliders_stand(
    engine: Page, spec: dict[str, Any]
) -> None:
    assert_alike(engine, spec, anywhere(spec, 150, seed=1))


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(2, 6))
def test_the_script_says_what_python_says_at_five_thousand_places(
    engine: Page, spec: dict[str, Any], seed: int
) -> None:
    with speaking("en" if seed % 2 else "ja"):
        assert_alike(engine, spec, anywhere(spec, 1250, seed))


def test_the_script_writes_each_value_of_a_slider_as_python_does(
    engine: Page, spec: dict[str, Any]
) -> None:
    engine.add_script_tag(content=_function("valueWords"))
    said = "([spec, words, states]) => states.map(([each, state]) => valueWords(speaker(words), each, state))"
    start = start_of(spec)
    asked = [
        [each, start | {each["name"]: value}]
        for each in spec["sliders"]
        for value in each["values"]
    ]
    found = engine.evaluate(said, [spec, said_by_script(spec), asked])
    assert found == [value_words(spec, each, state) for each, state in asked]


def _function(name: str) -> str:
    text = source("panel")
    start = text.index(f"function {name}(")
    return text[start : text.index("\n}\n", start) + 3]


def test_the_script_rounds_as_python_does(engine: Page) -> None:
    units = [10.0**k for k in range(-5, 7)]
    rng = random.Random(3)
    values = [0.0, -0.0, 0.5, 1.5, 2.5, -2.5, 0.125, 0.375, 6.25, 1.005, 999.5, 1e6, 123456789.5]
    values += [rng.choice([-1, 1]) * 10 ** rng.uniform(-6, 12) for _ in range(2000)]
    asked = [(value, unit) for value in values for unit in units]
    found = engine.evaluate("(asked) => asked.map(([v, u]) => number(v, Number(u)))", asked)
    assert found == [words.number(value, unit) for value, unit in asked]
    assert engine.evaluate("(v) => v.map(snap)", values) == [float(f"{x:.12g}") for x in values]


# The answers themselves


@pytest.mark.parametrize(("rate", "size", "discount"), [(0.85, 0.05, 0.1), (0.6, 0.1, 0.15)])
def test_the_claim_is_the_formula_that_anybody_can_check(
    rate: float, size: float, discount: float
) -> None:
    spec = spec_of(claim(rate))
    state = start_of(spec) | {"lift": size, "annual_discount_rate": discount}
    found = answer(spec, state)
    assert found.numbers["uplift"] == pytest.approx(size / (1 + discount - rate - size), rel=1e-12)


def test_the_sliders_begin_with_the_answer_of_the_report(own: OwnCurve) -> None:
    for renewals in ("every", "first"):
        found = claim(own, renewals=renewals)
        spec = spec_of(found)
        for one in found.headline:
            reading = one.asked.lift.reading
            state = start_of(spec) | {"reading": reading}
            assert state["curve"] == "own"
            assert answer(spec, state).numbers["uplift"] == pytest.approx(one.uplift, rel=1e-9)
    risk = plan().risk(draws=1000)
    found_plan = answer(spec_of(risk), start_of(spec_of(risk)))
    assert found_plan.numbers["npv"] == pytest.approx(TEACHING["teaching_case_answers"]["npv"])
    assert found_plan.headline == (
        "With these values, arithmetic gives a value of EUR -220,000 today: less comes back than is "
        "spent."
    )


def test_every_term_of_a_programme_moves_its_answer_as_the_report_does() -> None:
    spec = programme()
    for each in spec["sliders"]:
        for value in (each["values"][0], each["values"][-1]):
            state = start_of(spec) | {each["name"]: value}
            changed = Programme(**{**CASE, "lift": 0.02, each["name"]: value})
            found = answer(spec, state).numbers
            assert found["npv"] == changed.npv
            assert found["needed"] == changed.break_even_lift
            assert found["payback"] == changed.payback_month


def test_what_passes_one_is_refused_in_the_words_of_the_report() -> None:
    spec = spec_of(claim(0.85))
    found = answer(spec, start_of(spec) | {"base_retention": 0.97})
    assert found.numbers == {"uplift": None}
    assert found.headline == (
        "With these values there is no answer: the rate of 97 % passes 1 with 5 percentage points "
        "more retention."
    )


def test_costs_that_are_just_covered_leave_no_profit_to_compare_with(engine: Page) -> None:
    spec = spec_of(claim(0.8, concept="steady_state", fixed_cost_share=0.3))
    # 1/(1 − 0.8) = 5 customers: 5 margins, less 1.5 that are fixed and 3.5 for winning one
    state = start_of(spec) | {"acquisition_cost": 3.5}
    assert "is not above 0" in answer(spec, state).headline
    assert_alike(engine, spec, [state, state | {"acquisition_cost": 3.49}])


def test_what_is_cut_is_said_in_the_words_of_the_report(own: OwnCurve) -> None:
    found = claim(own)
    said = answer(spec_of(found), start_of(spec_of(found))).lines
    strand = own.strand(found.model)
    cut = cut_words(strand, Asked(Lift(points=0.05), found.economics, "customer_value", "every", 5))
    assert f"No rate can pass 100 %: {cut}." in said


def test_a_number_so_near_the_target_is_not_rounded_to_it() -> None:
    spec = spec_of(claim(0.8499))
    found = answer(spec, start_of(spec))
    assert found.numbers["uplift"] == pytest.approx(0.24988, abs=1e-5)
    assert "24.988 % higher, which does not reach the 25 %" in found.headline


def test_no_digit_goes_beyond_the_interval_of_the_own_curve(own: OwnCurve) -> None:
    found = claim(own)
    one = next(iter(found.headline))
    assert one.uplift_ci_upper - one.uplift_ci_lower > 0.01
    state = start_of(spec_of(found))
    said = answer(spec_of(found), state).headline
    assert f" {words.percent(one.uplift)} higher" in said
    exact = answer(spec_of(found), state | {"curve": "one"})
    assert words.percent(float(str(exact.numbers["uplift"])), 0.001) in exact.headline


# The grid


def test_grids_hold_the_reports_value_in_order_and_each_text_once(spec: dict[str, Any]) -> None:
    for each in spec["sliders"]:
        values = each["values"]
        assert values == sorted(set(values))
        assert 10 < len(values) < 150
        state = start_of(spec)
        assert values[each["start"]] == state[each["name"]]
        texts = [value_words(spec, each, state | {each["name"]: value}) for value in values]
        assert len(set(texts)) == len(texts), each["name"]


def test_neighbours_change_one_value_that_matters(own: OwnCurve) -> None:
    spec = spec_of(claim(own))
    start = start_of(spec)
    found = neighbours(spec)
    assert "base_retention" not in {name for name, _ in found}
    for name, state in found:
        assert [k for k in start if start[k] != state[k]] == [name]


def test_no_customer_is_in_what_goes_to_the_page(own: OwnCurve) -> None:
    spec = spec_of(claim(own))
    assert all(math.isfinite(x) and 0 <= x <= 1 for x in spec["fixed"]["retained"])
    assert len(json.dumps(spec)) < 25_000


def test_without_script_it_says_the_answer_and_its_neighbours() -> None:
    html = static_html(programme(currency="<b>"))
    assert "less comes back than is spent" in html
    assert "&lt;b&gt; -220,000" in html
    assert "<b>" not in html
    assert html.count("<tr>") == 1 + 12


def test_other_results_are_refused() -> None:
    with pytest.raises(DataError, match=r"what_if got Programme, must be a profit claim or"):
        spec_of(plan().programme)  # type: ignore[arg-type]


def test_every_discount_rate_of_a_report_without_one_has_an_answer() -> None:
    spec = spec_of(claim(0.85, annual_discount_rate=0.0))
    rates = next(x["values"] for x in spec["sliders"] if x["name"] == "annual_discount_rate")
    assert rates[:3] == [0.0, 0.02, 0.025]
    assert all(answer(spec, start_of(spec) | {"annual_discount_rate": x}).headline for x in rates)
