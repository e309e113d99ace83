"""The language that readers are spoken to in: English in the code, others in catalogues.

Every text that a reader sees is a whole sentence or a whole label in the code, with named
places for what is computed: `tr("{whom} keep {share}.", whom=…, share=…)`. A translation may
put the places in another order. Catalogues are gettext files, one per room, in
`locale/<language>/`.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from io import BytesIO
from pathlib import Path

from cxresearch.errors import CxError

ENGLISH = "en"
LANGUAGES = (ENGLISH, "ja")
LOCALE = Path(__file__).parent / "locale"


class _Spoken:
    """One language per process, but inside of `speaking` one per thread: two may make pages."""

    language = ENGLISH
    inside: ContextVar[str | None] = ContextVar("inside", default=None)


def language() -> str:
    """Return the language that is spoken now."""
    return _Spoken.inside.get() or _Spoken.language


def use_language(lang: str) -> None:
    """Speak a language from now on: sentences, tables and figures.

    Parameters
    ----------
    lang
        "en" or "ja".

    Raises
    ------
    CxError
        When there is no catalogue for it.
    """
    check_language(lang)
    if _Spoken.inside.get() is None:
        _Spoken.language = lang
    else:
        _Spoken.inside.set(lang)


@contextmanager
def speaking(lang: str | None) -> Iterator[None]:
    """Speak a language inside a `with` block; None goes on with the one that is spoken."""
    if lang is not None:
        check_language(lang)
    before = _Spoken.inside.set(lang or language())
    try:
        yield
    finally:
        _Spoken.inside.reset(before)


def check_language(lang: str) -> None:
    """Refuse a language that nothing is translated into."""
    if lang not in LANGUAGES:
        known = ", ".join(LANGUAGES)
        raise CxError(f"lang is {lang!r}, must be one of {known}: use lang={ENGLISH!r}.")


def tr(message: str, /, **values: object) -> str:
    """Return a message in the language spoken, with its places filled.

    Parameters
    ----------
    message
        English, typed where it is used, with `{name}` where a value goes.
    values
        By name; text of customers is never read as a message.
    """
    return _catalogue(language()).gettext(message).format(**values)


def trn(one: str, many: str, count: float, /, **values: object) -> str:
    """Return the message that fits a count; `one` where English uses the singular."""
    number = 1 if count == 1 else 2
    return _catalogue(language()).ngettext(one, many, number).format(**values)


def mark(message: str) -> str:
    """Name a message that is typed here and said elsewhere, by `term`."""
    return message


def term(word: str) -> str:
    """Return a marked word in the language spoken; any other text is returned as it is."""
    return _catalogue(language()).gettext(word) if word else word


@cache
def _catalogue(lang: str) -> gettext.NullTranslations:
    if lang == ENGLISH:
        return gettext.NullTranslations()
    from babel.messages.catalog import Catalog  # noqa: PLC0415 - only where it is translated
    from babel.messages.mofile import write_mo  # noqa: PLC0415
    from babel.messages.pofile import read_po  # noqa: PLC0415

    whole = Catalog(locale=lang)
    for path in sorted((LOCALE / lang).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=lang):
                if message.id:  # what has none is the head of the file
                    whole[message.id] = message
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
