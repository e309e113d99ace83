from __future__ import annotations

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from test_wording import CAUSAL, FUTURE, check_digits, check_whole

import cxresearch as cx
from cxresearch._results import Results
from cxresearch.errors import DataError
from cxresearch.projection._forecast import COMBINED
from cxresearch.projection._holdout import Holdout, holdout
from cxresearch.projection.fitted import projections
from cxresearch.tables import LifeTable

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = tomllib.loads((ROOT / "tests" / "reference" / "projection.toml").read_text())


def paper() -> LifeTable:
    return cx.open_data(ROOT / "data" / "recipes" / "fader_hardie.toml").life_table(["segment"])


def by(held: Results[Holdout]) -> dict[tuple[str, ...], Holdout]:
    return {(*h.group.values(), h.model): h for h in held}


def simulated(rng: np.random.Generator, n: int = 1500, **words: object) -> LifeTable:
    exits = rng.geometric(rng.beta(0.668, 3.806, n))
    return LifeTable.from_durations(np.minimum(exits, 12), exits <= 12, **words)


def test_errors_of_high_end_from_four_years_are_as_published() -> None:
    held = by(holdout(paper(), holdout_periods=8))
    printed = REFERENCE["bdw_4_years_high_end"]["mape_to_12_percent"]
    for model, percent in printed.items():
        off = held["high_end", model].mean_absolute_percentage_error
        assert round(100 * off, 1) == percent


def test_the_error_is_the_projection_less_what_was_observed() -> None:
    held = by(holdout(paper(), holdout_periods=5))
    for result in projections(paper(), fit_periods=7, horizon=12):
        for model in ("geometric", "sbg", "bdw", COMBINED):
            one = held[result.label, model]
            observed = REFERENCE["table_1"][result.label][12] / 100
            assert one.holdout_error == pytest.approx(result[model].retained[12] - observed)
            assert one.fitted_until == 7
            np.testing.assert_allclose(one.retained, result[model].retained)
    segment = REFERENCE["sbg_7_years"]["relative_error_12_percent"]
    for label, percent in segment.items():
        one = held[label, "sbg"]
        assert round(100 * one.holdout_error / one.observed.retained[12], 1) == percent


def test_jackknife_and_delta_method_agree() -> None:
    table = simulated(np.random.default_rng(3), 8000, replicate=np.arange(8000) % 256)
    single = replace(
        table, **{k: table.counts(k).sum(1, keepdims=True) for k in table.count_fields}
    )
    for many, one in zip(holdout(table), holdout(single), strict=True):
        assert many.holdout_error == pytest.approx(one.holdout_error, abs=1e-6)
        widths = [h.holdout_error_ci_upper - h.holdout_error_ci_lower for h in (many, one)]
        assert widths[0] == pytest.approx(widths[1], rel=0.2)


def test_what_comes_later_does_not_touch_the_fit() -> None:
    exits = np.repeat([1, 2, 3, 4, 5, 6, 7, 8], [90, 70, 60, 50, 5, 5, 5, 215])
    other = np.repeat([1, 2, 3, 4, 5, 6, 7, 8], [90, 70, 60, 50, 60, 60, 60, 50])
    tables = [LifeTable.from_durations(e, e < 8) for e in (exits, other)]
    one, two = (by(holdout(t, holdout_periods=4)) for t in tables)
    for key in one:
        np.testing.assert_array_equal(one[key].retained, two[key].retained)
        assert one[key].holdout_error != two[key].holdout_error


def test_a_third_is_held_out_unless_said_otherwise() -> None:
    assert {h.fitted_until for h in holdout(paper())} == {8}
    assert {h.fitted_until for h in holdout(paper(), start=3)} == {9}


def test_a_start_makes_the_error_conditional() -> None:
    held = by(holdout(paper(), start=2, holdout_periods=5))
    one = held["high_end", "sbg"]
    share = REFERENCE["table_1"]["high_end"]
    whole = by(holdout(paper(), holdout_periods=5))["high_end", "sbg"]
    said = whole.retained[12] / whole.retained[2]
    assert one.holdout_error == pytest.approx(said - share[12] / share[2])
    assert one.tenure[0] == 2


def test_groups_that_cannot_be_tried_are_counted() -> None:
    held = holdout(paper(), holdout_periods=12)
    assert len(held) == 0
    assert held.sentence().startswith("2 groups are not projected: fewer than 30 customers left")
    few = holdout(LifeTable.from_durations([9] * 100, [0] * 100))
    assert few.findings()[0].id == "not_reported"


def test_sentences_say_no_clear_error_where_the_interval_has_0() -> None:
    found = holdout(paper(), holdout_periods=8).findings()
    assert {f.id for f in found} == {"holdout_error"}
    assert {frozenset(f.group) for f in found} == {frozenset({"model", "segment"})}
    unclear = [f.sentence.startswith("No clear error at 12 years: ") for f in found]
    assert unclear == [f.ci_lower <= 0 <= f.ci_upper for f in found]
    assert {True, False} == set(unclear)
    for one in found:
        check_whole(one.sentence)
        assert not CAUSAL.search(one.sentence)
        assert not FUTURE.search(one.sentence)
        assert check_digits(one.to_dict())


def test_where_nobody_is_left_no_share_of_them_is_said() -> None:
    exits = np.repeat([1, 2, 3, 4], [500, 300, 150, 50])
    held = holdout(LifeTable.from_durations(exits, [1] * 1000), holdout_periods=1)
    assert len(held) > 1
    for one in held:
        assert np.isnan(one.mean_absolute_percentage_error)
        assert one.sentence().endswith("than observed at 4 months (95 % interval).")


def test_arguments_that_break_a_rule_are_refused() -> None:
    with pytest.raises(DataError, match="holdout_periods is -1") as error:
        holdout(paper(), holdout_periods=-1, models=["sbq"])
    assert len(error.value.problems) == 2


@pytest.mark.verify
def test_the_interval_of_the_error_covers_0_where_the_model_is_true() -> None:
    rng, hits = np.random.default_rng(21), []
    for _ in range(500):
        held = by(holdout(simulated(rng), models=["sbg", "bdw"], holdout_periods=5))
        hits.append(
            [h.holdout_error_ci_lower < 0 < h.holdout_error_ci_upper for h in held.values()]
        )
    covered = np.mean(hits, axis=0)
    assert ((covered > 0.92) & (covered < 0.98)).all(), covered
