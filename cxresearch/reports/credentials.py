"""Secrets that somebody is about to write into a report: recognised, and never repeated.

What a notebook is given is saved in it and printed on its page, which is forwarded. So a
password, a key or a connection string is refused before anything runs; it belongs into the
environment, where a recipe names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from cxresearch.errors import CxError

__all__ = ["check_credentials", "looks_like_credential", "named_like_credential"]

_CURE: Final = (
    "whatever a report is given is saved in it, so put this into the environment and name its "
    "variable in the recipe ($NAME)"
)
# A value that stands for a secret and is none: a variable, a mask, an example in brackets
_STANDS_FOR: Final = r"(?!\$|%\w+%|\*+|<|\{|\[|x{3,}|…|\.{3})"
_WORDS: Final = (
    r"(?:password|passwd|passphrase|(?<![A-Za-z0-9])(?:pwd|secret|token|credentials?|sessionid|"
    r"(?:api|access|account|private|secret|shared_?access)_?(?:key|signature|token)))"
)
_ALONE: Final = r"(?<![A-Za-z0-9+/=_-]....)"  # not in the middle of an encoded picture
# Each begins with what is rare and repeats nothing without a limit: pages are long.
_KINDS: Final = {
    "a connection string with a password": re.compile(
        rf"://(?<=[A-Za-z0-9]://)[^\s/:@\"'<>]{{0,200}}:{_STANDS_FOR}[^\s/@\"'<>]{{1,200}}@[\w.\[-]"
    ),
    "a private key": re.compile(r"-----BEGIN (?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY"),
    "an AWS key": re.compile(rf"(?:AKIA|ASIA){_ALONE}[A-Z0-9]{{16}}(?![A-Za-z0-9+/=_-])"),
    "an access token": re.compile(
        r"(?<![A-Za-z0-9+/=_-])(?:gh[oprsu]_[A-Za-z0-9]{30,90}|github_pat_\w{30,90}|"
        r"glpat-[\w-]{20}|xox[abeoprs]-[\w-]{10}|AIza[\w-]{35}|(?:sk|rk)_(?:live|test)_\w{16}|"
        r"sk-[\w-]{20}|dapi[0-9a-f]{32}|pypi-[\w-]{40}|hf_[A-Za-z0-9]{30}|"
        r"eyJ[\w-]{8,4000}\.eyJ[\w-]{8,4000}\.)"
    ),
    "an authorisation header": re.compile(
        rf"(?:Bearer|Basic)\s{{1,3}}{_STANDS_FOR}(?=[A-Za-z._~+/-]{{0,30}}[0-9=])"
        r"[A-Za-z0-9._~+/-]{16}"
    ),
    "a password or a key": re.compile(
        rf"(?:{_WORDS}\s?=\s?[\"']?|\"{_WORDS}\"\s?:\s?\"|[?&]sig=)"
        rf"{_STANDS_FOR}[^\s\"'&;,<>()]{{3}}",
        re.IGNORECASE,
    ),
}
_NAME: Final = re.compile(
    r"password|passwd|passphrase|secret|credential|api_?key|access_?key|account_?key|private_?key|"
    r"connection_?string|(?:^|_)(?:pwd|token|dsn|conn(?:ection)?_?str)$",
    re.IGNORECASE,
)


def looks_like_credential(text: str) -> str | None:
    """Say what kind of secret a text seems to hold, without repeating it.

    Parameters
    ----------
    text
        A value, or a whole page.

    Returns
    -------
    str or None
        "a connection string with a password", "an AWS key", …; None where nothing is seen.
        What stands for a secret, such as `$PASSWORD`, `***` or `<password>`, is none.
    """
    return next((kind for kind, pattern in _KINDS.items() if pattern.search(text)), None)


def named_like_credential(name: str) -> bool:
    """Tell whether a parameter of this name is meant for a secret."""
    return _NAME.search(name) is not None


def check_credentials(given: Mapping[str, object], where: str = "") -> None:
    """Refuse what is, or is meant to be, a secret.

    Parameters
    ----------
    given
        From the name of a parameter to its value: text, a number, or lists and tables of them.
    where
        Begins each message: the file that they stand in.

    Raises
    ------
    CxError
        One sentence for each, with the name and the kind, and not the value.
    """
    problems = [f"{where}{problem}: {_CURE}" for problem in _problems(given)]
    if problems:
        raise CxError(dict.fromkeys(problems))


def _problems(given: Mapping[str, object]) -> Iterator[str]:
    for name, text in _texts("", given):
        kind = looks_like_credential(name)
        if kind is not None:
            yield f"the name of a parameter looks like {kind}"
            continue
        kind = looks_like_credential(text)
        if kind is None and text and named_like_credential(name):
            kind = "a credential, by its name"
        if kind is not None:
            yield f"{name} looks like {kind}"


def _texts(name: str, value: object) -> Iterator[tuple[str, str]]:
    """Yield every text with the name that it is given, and every name of a table."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key), ""
            yield from _texts(str(key), inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(name, inner)
