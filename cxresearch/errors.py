"""Errors a user can act on: the value, the rule, the cure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


class CxError(ValueError):
    """Root of every error that cxresearch raises on purpose.

    Parameters
    ----------
    problems
        One sentence per problem, or a single sentence. All are shown at once, so that
        a user mends everything in one go.
    """

    def __init__(self, problems: str | Iterable[str]) -> None:
        self.problems: Sequence[str] = (problems,) if isinstance(problems, str) else tuple(problems)
        super().__init__("\n".join(self.problems))


class DataError(CxError):
    """The data or the recipe cannot be used as it is."""


class NotEnoughError(DataError):
    """The data hold too little for a question; a report says so and goes on without it."""


class ReportError(CxError):
    """A report could not be built."""


def problems_of(check: Callable[[], object]) -> Sequence[str]:
    """Return what a check, or the building of something, complains of; nothing where it does not.

    For what is to be said together with the complaints of other checks.
    """
    try:
        check()
    except CxError as error:
        return error.problems
    return ()
