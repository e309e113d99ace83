"""The claim on profit and programmes in Japanese: exact sentences, and no English left in any."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from matplotlib import font_manager
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from test_own_curve import months
from test_plot_profit_claim import every
from test_profit_claim import claim
from test_programme_risk import effect, programme, teaching

from cxresearch._draw import alt_text
from cxresearch._language import speaking
from cxresearch.findings import Finding
from cxresearch.plots.claim_map import plot_claim_map
from cxresearch.plots.profit_uplifts import plot_uplifts
from cxresearch.plots.programme import plot_break_even, plot_npv, plot_payments, plot_tornado
from cxresearch.projection.fitted import projections
from cxresearch.roi._risk import ProgrammeRisk
from cxresearch.roi.economics import CONCEPTS
from cxresearch.roi.history import profit_history
from cxresearch.roi.leverage import operating_leverage
from cxresearch.roi.own_curve import OwnCurve, own_curve
from cxresearch.roi.plan import programme_plan
from cxresearch.roi.profit_claim import ProfitClaim
from cxresearch.roi.risk import programme_risk
from cxresearch.roi.uncertain import Uncertain

TERMS = "割引率は年10%、最初の貢献利益は今、将来の貢献利益をすべて計算"
COSTS: dict[str, Any] = {"acquisition_cost": 0.2, "retention_cost": 0.02, "fixed_cost_share": 0.1}
# models, where effects of these tests come from, and titles of what was published
KNOWN = re.compile(
    r"sBG|BdW|PERT|EUR|somewhere|Amazon|Ameritrade|Capital One|eBay|E\*Trade|Reichheld[^<|]*"
)
ENGLISH = re.compile(r"[A-Za-z]{2,}")
SPACED = re.compile(r"[ぁ-んァ-ン一-龥。、（）] | [ぁ-んァ-ン一-龥。、（）]")


@pytest.fixture(autouse=True)
def _close() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def own() -> OwnCurve:
    return own_curve(projections(months()), average="all_years")


@pytest.fixture(scope="module")
def late() -> OwnCurve:
    return own_curve(projections(months(), start=12), average="first_year")


@pytest.fixture(scope="module")
def entered() -> ProfitClaim:
    """Worked out in English, as in a notebook in which somebody asks for Japanese later."""
    return claim(0.85)


@pytest.fixture(scope="module")
def risk() -> ProgrammeRisk:
    return teaching()


def check(said: str) -> None:
    assert not ENGLISH.findall(KNOWN.sub("", said)), said
    assert not SPACED.search(said), said
    assert "。。" not in said
    assert "（）" not in said


# The claim


def test_a_verdict_names_reading_profit_terms_and_other_terms(entered: ProfitClaim) -> None:
    assert entered.sentence("ja").startswith(
        "ここでは成り立つ（「毎回の更新での顧客維持率5ポイント増」と読む場合）：主張の25%に対し、"
        f"顧客1人あたりの価値は25.0%高い（年85.0%の一定の維持率、{TERMS}）。"
        "条件を1つ変えると、主張は11件中6件で成り立つ。"
        "別の利益または別の条件を指す場合に限り成り立つ（「毎回の更新での顧客維持率5%増（各年の率を1.05倍）」"
        "と読む場合）：主張の25%に対し、顧客1人あたりの価値は20.5%高い"
    )


def test_an_uplift_says_its_interval_and_who_never_leaves(own: OwnCurve) -> None:
    one = claim(own, model="sbg").headline.select(reading="points").uplifts[0]
    said = one.sentence("ja")
    assert re.fullmatch(
        r"毎回の更新での顧客維持率5ポイント増の場合、顧客1人あたりの価値は\d+%（\d+～\d+%）高い"
        rf"（sBGモデル、{TERMS}、95%信頼区間）。率は100%を超えないため、"
        r"顧客としての\d+年目以降は誰も解約しない。",
        said,
    ), said


def test_a_reason_is_worded_in_the_language_that_is_asked_for(own: OwnCurve) -> None:
    one = claim(own, concept="steady_state").headline.uplifts[0]
    assert one.sentence().startswith("Not known: the profit of a year in the long run")
    assert one.sentence("ja") == (
        "不明：毎回の更新での顧客維持率5ポイント増の場合の長期の年間利益：顧客に差がある場合、"
        "長期の値は最も長くとどまる顧客で決まるが、その解約はどのデータにもない。"
    )


def test_conditions_are_worded_when_asked_and_labelled_in_english(entered: ProfitClaim) -> None:
    found = entered.conditions()
    with speaking("ja"):
        frame = found.to_frame()
        assert frame.columns[0] == "terms"
        assert frame["terms"].tolist()[:2] == ["今日の顧客の価値", "5年目の利益"]
        assert frame["holds_for"].tolist()[2] == "ポイント、相対"
        again = [x.group["terms"] for x in claim(0.85).conditions().findings()]
    assert again == [x.group["terms"] for x in found.findings()]
    assert again[0] == "the value of today's customers"
    assert found.sentence("ja").endswith(
        "解約5%減で条件を1つ変えると、利益が25%以上高いのは11件中0件。"
    )


def test_map_and_path_and_threshold(entered: ProfitClaim) -> None:
    assert entered.map().sentence("ja") == (
        "毎年顧客維持率5ポイント増の場合、顧客1人あたりの価値が25%以上高いのは次の範囲である："
        "割引率0%で維持率75.0%以上、割引率5%で維持率80.0%以上、割引率10%で維持率85.0%以上、"
        "割引率15%で維持率90.0%以上、割引率20%で維持率95.0%以上。"
        "自社（維持率85.0%、割引率10.0%）では25.0%高い。"
    )
    assert entered.path(15).sentence("ja") == (
        "今日から毎回の更新での顧客維持率5ポイント増とすると、利益は1年目で5.0%高い。"
        "15年目では39.7%高い（年85.0%の一定の維持率、新規顧客は毎年同数で最初の支払いは加入時）。"
        "長期的には50.0%高い。"
    )
    with speaking("ja"):
        assert entered.thresholds()[0].sentence == (
            "顧客維持率5ポイント増の場合、維持率が変わらなければ、顧客1人あたりの価値が25%以上"
            f"高いのは毎年85.0%～95.0%が残るときである（{TERMS}）。"
        )


def test_a_curve_that_begins_late_says_so(late: OwnCurve) -> None:
    with speaking("ja"):
        first = late.findings()[0].sentence
    assert re.fullmatch(
        r"ある年の顧客100人のうち、1年後も残っているのは\d+人である（平均、12か月以降で数える、"
        r"95%信頼区間 \d+～\d+）。",
        first,
    ), first
    check(late.sentence("ja"))


@pytest.mark.parametrize("concept", CONCEPTS)
@pytest.mark.parametrize("renewals", ["first", "every", "each_customer"])
def test_no_sentence_of_the_claim_is_left_in_english(
    own: OwnCurve, late: OwnCurve, concept: str, renewals: str
) -> None:
    for curve in (own, late, 0.8):
        found = claim(curve, concept=concept, renewals=renewals, **COSTS)
        with speaking("ja"):
            said = [found.sentence(), found.conditions().sentence(), found.map().sentence()]
            said += [x.sentence for x in found.findings()]
            said += found.conditions().to_frame()["terms"].tolist()
        for each in said:
            check(each)


def test_the_history_is_told_whole() -> None:
    with speaking("ja"):
        found = profit_history()
        said = [found.sentence(), operating_leverage().sentence()]
        said += [x.sentence for x in found.findings()]
        said += [part._repr_html_() for part in (found.industries, found.quotes)]
    for each in said:
        check(re.sub(r"<[^>]*>", "", each))
    assert said[0].startswith(
        "1990年の「5%」とは、毎年解約する顧客が100人中10人ではなく5人であることだった。"
    )
    assert said[1] == (
        "貢献利益が売上の60.0%、利益が10.0%なら、固定費が変わらない限り、顧客が5%多いとき利益は"
        "30.0%多い。これは維持率ではなく費用の計算である。"
    )


# Programmes


def test_the_answer_on_a_programme_is_three_sentences(risk: ProgrammeRisk) -> None:
    assert risk.sentence("ja") == (
        "施策の採算がとれるには、1年後も残る顧客が少なくとも4.05ポイント（他の入力の変動で3.4～6.1）"
        "多くなければならない。想定は2ポイント（0～4）である。したがって損失となる確率は99%超である。"
    )
    assert risk.programme.sentence("ja") == (
        "現在の値では、5年間の収支の現在価値は€-220,000である。回収：5年以内には回収しない、割引後："
        "5年以内には回収しない。内部収益率：-37.6%。"
    )


def test_an_association_stays_one() -> None:
    said = effect(0.02, 0.005, "C").sentence("ja")
    assert said.startswith(
        "2ポイント（1～3）の差（95%信頼区間つき）が観測された（somewhere）。これは関連である。"
    )
    assert (
        effect(0.01, 0.02, "C").sentence("ja").startswith("明確な差はない：1ポイント（-3～5）の差")
    )
    found = programme_risk(programme(), {}, effect=effect(0.02, 0.005, "C"))
    assert "観測されたのは2ポイント（1～3）の差で、関連である。" in found.sentence("ja")


def test_units_and_labels_of_findings_are_the_same_in_both_languages(risk: ProgrammeRisk) -> None:
    def kept(found: tuple[Finding, ...]) -> list[object]:
        return [(x.id, x.unit, x.group, x.value) for x in found]

    english = [kept(risk.findings()), kept(risk.tornado.findings())]
    with speaking("ja"):
        assert [kept(risk.findings()), kept(risk.tornado.findings())] == english


@pytest.mark.parametrize("grade", ["A", "C"])
@pytest.mark.parametrize("spread", [{}, {"attribution": Uncertain.pert(0.3, 1, 1)}])
@pytest.mark.parametrize(
    "changed",
    [{}, {"reached": 0.5}, {"lift": 0.3}, {"one_off_cost": 0, "annual_cost": 0}, {"horizon": 12}],
)
def test_no_sentence_of_a_programme_is_left_in_english(
    grade: str, spread: dict[str, Uncertain], changed: dict[str, Any]
) -> None:
    plan = programme(**{"lift": 0.06, "currency": None, **changed})
    for with_effect in (effect(plan.lift, 0.03, grade), None):
        found = programme_risk(plan, spread, effect=with_effect, draws=1000)
        with speaking("ja"):
            said = [found.sentence(), plan.sentence(), found.tornado.sentence()]
            said += [x.sentence for x in (*found.findings(), *found.tornado.findings())]
            said += [found._repr_html_(), found.tornado._repr_html_(), plan._repr_html_()]
        for each in said:
            check(re.sub(r"<[^>]*>", "", each))


def test_inputs_are_named_with_their_spread(risk: ProgrammeRisk) -> None:
    entered = {**risk.programme.values, "currency": "EUR", "horizon": 5, "ramp": (0.5, 1)}
    del entered["lift"]
    assert risk.effect is not None
    with speaking("ja"):
        plan = programme_plan(risk.effect, ranges={"annual_margin": (145, 255)}, **entered)
        text = re.sub(r"<[^>]*>", "|", plan._repr_html_())
    check(text.replace("|", ""))
    assert "|顧客1人の年間貢献利益||€200||€145～€255||PERT分布||入力（仮定）|" in text
    assert "すべて入力されたものであり、どの数値も仮定である。" in text


# Figures


def figures(risk: ProgrammeRisk, claimed: ProfitClaim) -> dict[str, Callable[[], Axes]]:
    return {
        **{name: (lambda draw=draw: draw(None)) for name, draw in every().items()},
        "own uplifts": lambda: plot_uplifts(claimed.uplifts),
        "own map": lambda: plot_claim_map(claimed.map()),
        "need": lambda: plot_break_even(risk),
        "npv": lambda: plot_npv(risk),
        "payments": lambda: plot_payments(risk.programme),
        "tornado": lambda: plot_tornado(risk.tornado),
    }


def written(ax: Axes) -> list[str]:
    """Return every text on a figure, its alternative and its numbers."""
    texts = [*ax.texts, ax.title, ax.xaxis.label, ax.yaxis.label]
    texts += [*ax.get_xticklabels(), *ax.get_yticklabels()]
    numbers = re.sub(r"<[^>]*>", "", vars(ax)["_cx_numbers"])
    said = [text.get_text() for text in texts] + [ax.get_title(loc="left")]
    return [*said, alt_text(ax), numbers]


def test_every_figure_is_japanese_and_has_its_numbers(risk: ProgrammeRisk, own: OwnCurve) -> None:
    made_up = re.compile("too short|nobody leaves from year 13 as a customer on")
    with speaking("ja"):
        for name, draw in figures(risk, claim(own)).items():
            ax = draw()
            ax.figure.canvas.draw()
            for text in written(ax):
                check(made_up.sub("理由", text))
            assert re.search(r"[ぁ-んァ-ン一-龥]", "".join(written(ax))), name


@pytest.mark.parametrize("lang", ["en", "ja"])
def test_no_figure_complains_of_its_fonts(lang: str, caplog: pytest.LogCaptureFixture) -> None:
    """What a library logs stands on the page of a report."""
    font_manager.FontManager._findfont_cached.cache_clear()  # type: ignore[attr-defined]
    with speaking(lang):
        for found in (plot_uplifts(claim(0.85).uplifts), plot_claim_map(claim(0.85).map())):
            found.figure.canvas.draw()
    assert caplog.records == []


def test_numbers_below_a_figure_are_as_exact_as_the_figure(risk: ProgrammeRisk) -> None:
    need = vars(plot_break_even(risk))["_cx_numbers"]
    assert '<td class="cx-number">4.05 (3.4 to 6.1)</td>' in need
    bars = vars(plot_tornado(risk.tornado))["_cx_numbers"]
    assert ">-430,000<" in bars
    assert ">0 points<" in bars
    uplifts = vars(plot_uplifts(claim(0.85).uplifts.select(concept="customer_value")))
    assert '<td class="cx-number">20.5 %</td>' in uplifts["_cx_numbers"]


def test_a_range_stands_below_its_input_where_japanese_has_no_spaces(risk: ProgrammeRisk) -> None:
    with speaking("ja"):
        labels = [t.get_text() for t in plot_tornado(risk.tornado).get_yticklabels()]
    assert labels[0] == "維持率の向上幅\n0～4ポイント"
    assert labels[2] == "顧客1人の年間貢献利益\n€145～€255"
