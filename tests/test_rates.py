import numpy as np
import pandas as pd
import pytest

from cxresearch.errors import DataError
from cxresearch.rates import period_rates, tenure_rates
from cxresearch.retention import retention_curves
from cxresearch.tables import LifeTable, PeriodTable


def table(at_start, lost, plan=None, **options):
    periods = [f"2025-Q{i % 4 + 1}" for i in range(len(at_start))]
    frame = pd.DataFrame({"period": periods, "at_start": at_start, "lost": lost, "joined": 7})
    if plan is None:
        return PeriodTable.from_counts(frame, period="quarter", as_of="2025-12-31")
    return PeriodTable.from_counts(frame.assign(plan=plan), ["plan"], period="quarter", **options)


def test_rates_are_of_customers_at_the_start_and_ignore_who_joined():
    rates = period_rates(table([200, 180], [20, 9]))[0]
    np.testing.assert_allclose(rates.retention_rate, [0.9, 0.95])
    np.testing.assert_allclose(rates.churn_rate, [0.1, 0.05])


def test_findings_carry_both_rates_with_mirrored_intervals():
    stay, leave = period_rates(table([263], [182]))[0].at("2025-Q1")
    # Newcombe 1998: Wilson for 81 of 263
    assert (stay.ci_lower, stay.ci_upper) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert (leave.ci_lower, leave.ci_upper) == pytest.approx((1 - 0.3662, 1 - 0.2553), abs=5e-5)
    assert (stay.id, leave.id) == ("retention_rate", "churn_rate")
    assert stay.group == {"period": "2025-Q1"}
    assert (stay.n, stay.unit, stay.as_of) == (263, "share", "2025-12-31")
    assert stay.sentence == (
        "Of 100 customers at the start of 2025-Q1, 31 remained to its end (95 % interval 26 to 37)."
    )
    assert "69 left before its end" in leave.sentence


def test_change_is_newcombe_s_difference():
    change = period_rates(table([80, 70], [32, 14]))[0].change()
    assert change.value == pytest.approx(0.2)
    assert (change.ci_lower, change.ci_upper) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert change.group == {"from": "2025-Q1", "to": "2025-Q2"}
    assert change.sentence.startswith(
        "The retention rate in 2025-Q2 was 20 percentage points (5 to 33) higher than in 2025-Q1"
    )


def test_change_downwards_and_no_clear_change():
    down = period_rates(table([70, 80], [14, 32]))[0].change().sentence
    assert "20 percentage points (5 to 33) lower than in 2025-Q1" in down
    same = period_rates(table([100, 100], [10, 11]))[0].change()
    assert same.sentence.startswith("No clear change of the retention rate between 2025-Q1 and")
    assert same.ci_lower < 0 < same.ci_upper


def test_change_between_chosen_periods_and_of_a_group():
    rates = period_rates(table([100, 90, 80], [10, 9, 8], plan=["a"] * 3))[0]
    change = rates.change("2025-Q2", "2025-Q3")
    assert change.group == {"from": "2025-Q2", "to": "2025-Q3", "plan": "a"}
    assert "for plan a" in change.sentence
    with pytest.raises(DataError, match="period '2025-Q4' does not exist"):
        rates.change("2025-Q4")


def test_a_thin_period_is_named_without_numbers():
    rates = period_rates(table([100, 12, 90], [10, 1, 9]))[0]
    assert np.isnan(rates.retention_rate[1])
    assert np.isnan(rates.lost[1])
    (finding,) = rates.at("2025-Q2")
    assert (finding.id, finding.value, finding.n) == ("not_reported", None, None)
    assert "fewer than 30 customers" in finding.sentence
    assert [f.id for f in rates.findings()].count("retention_rate") == 2
    assert rates.comparable
    with pytest.raises(
        DataError, match=r"2025-Q2 began with fewer than 30.*one of 2025-Q1, 2025-Q3"
    ):
        rates.change("2025-Q2")


@pytest.mark.parametrize("periods", [([100], [10]), ([100, 12], [10, 1])])
def test_one_period_is_not_comparable_and_the_cure_helps(periods):
    rates = period_rates(table(*periods))[0]
    assert not rates.comparable
    with pytest.raises(DataError) as error:
        rates.change()
    assert str(error.value) == (
        "there is only one period to compare (two must begin with 30 customers or more): "
        "take shorter periods or a longer extract."
    )


def test_no_tenure_to_compare():
    lives = LifeTable.from_durations([0] * 20 + [5] * 20, [1] * 40)
    rates = tenure_rates(retention_curves(lives))[0]
    assert not rates.comparable
    with pytest.raises(DataError, match=r"there is no tenure to compare .*: take a longer extract"):
        rates.change()


def test_a_small_group_is_counted_and_never_named():
    result = period_rates(table([100, 90, 12], [10, 9, 2], plan=["big", "big", "tiny"]))
    assert [r.label for r in result] == ["big"]
    last = result.findings()[-1]
    assert last.sentence == "1 group with fewer than 30 customers is not reported."
    assert (last.id, last.value, last.group) == ("not_reported", None, {})
    assert last.sentence in result.sentence()
    assert "tiny" not in result.sentence()


def test_nobody_lost_and_everybody_lost_have_intervals():
    rates = period_rates(table([40, 40], [0, 40]))[0]
    assert rates.retention_rate.tolist() == [1, 0]
    # Wilson 1927 at x = n: n / (n + z^2)
    assert rates.retention_rate_ci_lower[0] == pytest.approx(40 / (40 + 1.959964**2))
    assert rates.retention_rate_ci_upper[0] == 1
    assert rates.retention_rate_ci_lower[1] == 0


def test_tenure_rates_multiply_to_the_curve():
    rng = np.random.default_rng(1)
    exits = rng.integers(1, 13, 900)
    curves = retention_curves(LifeTable.from_durations(exits, rng.random(900) < 0.6), min_group=1)
    rates = tenure_rates(curves)[0]
    np.testing.assert_allclose(np.cumprod(rates.retention_rate), curves[0].retained[1:])
    np.testing.assert_array_equal(rates.at_start, curves[0].at_risk[1:])
    stay = rates.at("3")[0]
    assert stay.group == {"tenure": "3"}
    assert "customers at the start of month 3, " in stay.sentence


def test_tenure_rates_keep_small_groups_out():
    table = LifeTable.from_durations([5] * 52, [1] * 52, group={"plan": ["a"] * 40 + ["b"] * 12})
    result = tenure_rates(retention_curves(table))
    assert len(result) == 1
    assert result.findings()[-1].group == {}
    assert "plan b" not in result.sentence()


def test_frame_and_html():
    result = period_rates(table([200, 180], [20, 9]))
    frame = result.to_frame()
    assert frame["period"].tolist() == ["2025-Q1", "2025-Q2"]
    np.testing.assert_allclose(frame["churn_rate_ci_upper"], 1 - frame["retention_rate_ci_lower"])
    assert "90 % (85 to 93 %)" in result._repr_html_()
