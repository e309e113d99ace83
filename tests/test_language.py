"""Readers are spoken to in their language: every message has its translation, whole and true."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from string import Formatter
from threading import Barrier

import pytest
from babel.numbers import format_decimal

import cxresearch
from cxresearch import _format as words
from cxresearch._folding import fold
from cxresearch._language import language, speaking, tr, trn, use_language
from cxresearch.errors import CxError
from tests.catalogue import OTHERS, catalogue, messages

CODE = re.compile(r"`[^`]+`")


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("lang", OTHERS)
def test_every_message_has_its_translation_and_no_other_has_one(lang: str) -> None:
    known = {key for key, message in catalogue(lang).items() if message.string}
    said = set(messages())
    assert sorted(said - known) == [], "python -m tests.catalogue, then translate"
    assert sorted(known - said) == [], "nobody says these: python -m tests.catalogue"


@pytest.mark.parametrize("lang", OTHERS)
def test_translations_fill_the_same_places_and_name_the_same_code(lang: str) -> None:
    said = messages()
    for key, message in catalogue(lang).items():
        if key not in said:
            continue
        forms = [message.string] if isinstance(message.string, str) else list(message.string)
        for form in forms:
            if ".ipynb" not in said[key].where:  # prose has no places
                wanted = set().union(*(places(text) for text in said[key].forms))
                assert places(form) <= wanted, key
                assert wanted <= places(form), key
            assert set(CODE.findall(key)) == set(CODE.findall(form)), key
            assert key.startswith(" ") or not form.startswith(" "), key


@pytest.mark.parametrize("lang", OTHERS)
def test_headings_and_lists_stay_what_they_are(lang: str) -> None:
    starts = re.compile(r"^(?:#+|-) ", re.MULTILINE)
    changed = [
        key
        for key, message in catalogue(lang).items()
        for text in ([message.string] if isinstance(message.string, str) else message.string)
        if starts.findall(key) != starts.findall(text)
    ]
    assert changed == []


def test_a_language_is_spoken_until_another_is() -> None:
    assert language() == "en"
    with speaking("ja"):
        assert language() == "ja"
        with speaking(None):
            assert language() == "ja"
        cxresearch.use_language("en")
        assert language() == "en"
    assert language() == "en"


def test_threads_speak_a_language_each() -> None:
    both = Barrier(2, timeout=30)

    def heard(lang: str) -> tuple[str, str]:
        with speaking(lang):
            both.wait()
            said = language(), words.counted(12, "month")
            both.wait()
        return said

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(heard, ["ja", "en"])) == [("ja", "12か月"), ("en", "12 months")]
    assert language() == "en"


def test_an_unknown_language_is_refused_and_nothing_changes() -> None:
    with pytest.raises(CxError, match="lang is 'de', must be one of en, ja"):
        use_language("de")
    assert language() == "en"


def test_text_of_customers_is_never_read_as_a_message_or_a_place() -> None:
    with speaking("ja"):
        assert "{0.__class__}" in words.group_words({"plan": "{0.__class__}"})
        assert words.label_words("plan", "promoter") == "promoter"
        assert words.label_words("score_group", "promoter") == "推奨者"
    assert tr("{whom}", whom="{other}") == "{other}"


def test_numbers_amounts_and_days_are_written_as_the_language_writes_them() -> None:
    assert words.counted(12, "month") == "12 months"
    assert words.money(1240, 1180, 1300, "EUR") == "EUR 1,240 (1,180 to 1,300)"
    with speaking("ja"):
        assert words.counted(12, "month") == "12か月"
        assert words.quantity(34.2, 33.1, 36.2, "month") == "34か月（33～36）"
        assert words.percent_interval(0.84, 0.83, 0.85) == "84%（83～85%）"
        assert words.money(1240, 1180, 1300, "JPY") == "￥1,240（1,180～1,300）"
        assert words.money_unit("EUR") == "ユーロ"
        assert words.day("2025-12-31") == "2025年12月31日"
        assert words.period_label("2025-Q3") == "2025年第3四半期"
        assert words.period_label("2025-03") == "2025年3月"
        assert words.and_list(["a", "b", "c"]) == "a、b、c"


def test_digits_are_those_that_the_language_uses() -> None:
    for lang in ("en", "ja"):
        for value in (0.25, 1234.5, 1234567.0, -3.0):
            assert format_decimal(value, locale=lang, decimal_quantization=False) == words.number(
                value, 0.01
            ).rstrip("0").rstrip(".")


def test_the_singular_is_for_one() -> None:
    assert [trn("{n} cell", "{n} cells", n, n=n) for n in (0, 1, 2)] == [
        "0 cells", "1 cell", "2 cells",
    ]  # fmt: skip


def test_japanese_lines_break_anywhere_but_not_before_a_mark_that_closes() -> None:
    assert fold("顧客維持率は、84%です。", 11) == "顧客維持率\nは、84%です。"
    assert fold("顧客維持率、84%です。", 10) == "顧客維持率、\n84%です。"
    assert fold("one two three", 8) == "one two\nthree"
    assert fold("価値（ユーロ）", 6) == "価値\n（ユー\nロ）"
    assert fold("価値：€120", 8) == "価値：\n€120"
    assert all(not line.startswith(("、", "。")) for line in fold("あ、" * 20, 7).splitlines())
