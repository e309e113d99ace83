"""Why a profit cannot be computed, in words that may be asked for in any language."""

from __future__ import annotations

from collections.abc import Callable

from cxresearch._language import tr
from cxresearch.errors import CxError

Saying = Callable[[], str]  # words, in the language that is spoken when they are asked for


class NotDefinedError(CxError):
    """A profit cannot be computed on these terms; the message says why.

    Parameters
    ----------
    why
        Words the reason; it is kept, since a result may be told in another language later.
    """

    def __init__(self, why: Saying) -> None:
        super().__init__(why())
        self.why = why


def endless() -> str:
    """Say that a sum grows for ever."""
    return tr("it has no end where nobody leaves")


def no_profit() -> str:
    """Say that there is nothing to compare with."""
    return tr(
        "without the lift this profit is not above 0, so that nothing can be said in per cent of it"
    )


def no_sure_profit() -> str:
    """Say that there may be nothing to compare with."""
    return tr(
        "without the lift this profit is not above 0 for certain, so that nothing can be said in "
        "per cent of it"
    )
