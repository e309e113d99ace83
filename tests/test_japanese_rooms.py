"""What the rooms of data, scores and retention say in Japanese, also where the sample is silent."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd
import pytest
import test_check
from frames import recipe

import cxresearch
from cxresearch import _finding_names, _reasons
from cxresearch._language import speaking
from cxresearch.checking import check
from cxresearch.exclusions import Waterfall, customer_waterfall
from cxresearch.logrank import logrank_test
from cxresearch.plots import plot_rates, plot_retention, plot_waterfall
from cxresearch.present import require_usable
from cxresearch.rates import tenure_rates
from cxresearch.restricted_mean import restricted_mean_difference, restricted_means
from cxresearch.retention import RetentionCurves, retention_curves
from cxresearch.snapshot import snapshot_warning
from cxresearch.source import open_frames
from cxresearch.tables import LifeTable
from tests.catalogue import catalogue

SQL = Path(cxresearch.__file__).parent / "reductions"
LATIN = re.compile(r"[A-Za-z]{3,}")
OWN = re.compile(
    r"plan|basic|plus|[a-z]+_[a-z_]+|NPS|npm?s|customers|subscriptions|revenue|EUR|currency"
)


def curves(exits: list[int], churned: list[bool], **options: int) -> RetentionCurves:
    plan = pd.Series(["basic", "plus"] * (len(exits) // 2), name="plan")
    table = LifeTable.from_durations(exits, churned, group=plan, as_of="2025-12-31")
    return retention_curves(table, min_group=1, **options)


def few(**options: int) -> RetentionCurves:
    return curves([1, 2, 3, 4, 5, 6, 7, 8, 9, 9] * 4, [True, False] * 20, **options)


def latin(text: str) -> list[str]:
    return LATIN.findall(OWN.sub("", text))


def test_a_curve_says_what_it_does_not_know() -> None:
    with speaking("ja"):
        basic = few(start=2)[0]
        said = [finding.sentence for finding in basic.findings([1, 4, 30])]
    assert said[0] == "1か月後は不明：曲線の範囲は2から9か月までである。"
    assert said[1].startswith("2か月に達した顧客（プラン：basic）100人のうち")
    assert said[2].startswith(
        "不明：30か月の時点で観察された2か月に達した顧客（プラン：basic）はいない。"
    )
    assert [latin(sentence) for sentence in said] == [[]] * 4  # the median is the last


def test_a_curve_that_was_cut_says_from_when_on_and_why() -> None:
    with speaking("ja"):
        cut = few(min_at_risk=6)[0]
        said = cut.findings([9])[0].sentence
        assert cut.end_words == "少なくとも6人が観察中である最長の期間"
    assert said.startswith("9か月後は不明：")
    assert latin(said) == []


def test_means_tests_and_rates_are_whole_sentences() -> None:
    with speaking("ja"):
        found = few()
        means = restricted_means(found, 5)
        texts = [
            found.sentence(),
            means.sentence(),
            restricted_mean_difference(means[0], means[1]).sentence(),
            logrank_test(found).sentence(),
            tenure_rates(found).sentence(),
        ]
    assert [latin(text) for text in texts] == [[]] * len(texts)
    assert all(text.endswith("。") for text in texts)


def test_a_sentence_is_said_in_the_language_that_is_asked_for() -> None:
    curve = few()[0]
    assert curve.sentence().startswith("Of 100 customers with plan basic")
    assert curve.sentence("ja").startswith("顧客（プラン：basic）100人のうち")


def test_units_and_groups_of_findings_are_for_machines() -> None:
    english = few().findings()
    with speaking("ja"):
        japanese = few().findings()
    assert [(f.unit, f.group, f.value) for f in japanese] == [
        (f.unit, f.group, f.value) for f in english
    ]


def test_a_snapshot_warns() -> None:
    table = LifeTable.from_durations(
        [3, 9, 12, 20, 30] * 20, [True, False, False, True, False] * 20
    )
    with speaking("ja"):
        said = snapshot_warning(table, 1, 12).sentence
    assert said.startswith("フラグは直近1か月に解約した顧客を示す：")


def test_broken_rules_are_said_in_japanese_and_without_a_row() -> None:
    frames = test_check.sound()
    test_check.double("customers", 3)(frames)
    test_check.put("revenue", 0, "currency", "USD")(frames)
    test_check.put("subscriptions", 5, "start_date", None)(frames)
    with speaking("ja"), open_frames(frames, **recipe()) as data:
        result = check(data)
        assert result.sentence().startswith("このデータは使えない。規則")
        with pytest.raises(Exception, match="Run `cxresearch check`"):
            require_usable(data)
        said = [offence.sentence for offence in result.offences]
    assert "customers.customer_id：customer_idが他の行と重複する行：2件。" in "".join(said)
    assert [latin(sentence) for sentence in said] == [[]] * len(said)


def test_a_waterfall_says_its_steps_and_draws_them() -> None:
    out = {"left on the first day": 3, "notice or end within 30 days of the answer": 1}
    with speaking("ja"):
        counted = Waterfall("customers", 100, out, "2025-12-31")
        frame = counted.to_frame()
        labels = [tick.get_text() for tick in plot_waterfall(counted).get_yticklabels()]
        said = counted.sentence()
    assert said == (
        "データ中の顧客100人のうち96を使う。"
        "除外：初日に解約（3）、回答から30日以内に通知または終了（1）。"
    )
    assert frame["step"].iloc[0] == "データ中の顧客"
    assert [latin(label) for label in [*frame["step"], *labels]] == [[]] * 8


def test_figures_of_curves_and_rates_are_labelled_in_japanese() -> None:
    with speaking("ja"):
        for ax in (plot_retention(few()), plot_rates(tenure_rates(few()))):
            texts = [ax.get_xlabel(), ax.get_title(loc="left"), str(ax.get_label())]
            assert [latin(text) for text in texts] == [[]] * 3


def test_colours_of_score_groups_do_not_depend_on_the_language() -> None:
    def drawn(score: str) -> object:
        group = pd.Series(["detractor", "promoter"] * 20, name="score_group")
        table = LifeTable.from_durations([2, 5] * 20, [True, False] * 20, group=group)
        named = {curve.label: curve for curve in retention_curves(table, min_group=1)}
        (line,) = [x for x in plot_retention(named).get_lines() if x.get_label() == score]
        return line.get_color()

    before = drawn("promoter")
    with speaking("ja"):
        assert drawn("推奨者") == before


def test_every_reason_of_the_reductions_has_its_words() -> None:
    known = set(_reasons.REASONS)
    outcomes = {"silent", "answered", "detractor", "passive", "promoter", "bought"}
    for path in SQL.glob("*.sql"):
        for case in re.findall(r"CASE((?:(?!CASE).)*?)END\s+AS\s+excluded", path.read_text(), re.S):
            assert set(re.findall(r"THEN\s+'([^']+)'", case)) - known - outcomes == set(), path


def test_every_reason_and_every_finding_is_translated() -> None:
    known = catalogue("ja")
    for text in (*_reasons.REASONS, *_finding_names.NAMES):
        assert known[text].string


def test_who_is_left_out_of_an_extract_is_said_in_japanese() -> None:
    with speaking("ja"), open_frames(test_check.sound(), **recipe()) as data:
        said = customer_waterfall(data).sentence()
    assert said.startswith("データ中の顧客400人のうち")
    assert latin(said) == []
