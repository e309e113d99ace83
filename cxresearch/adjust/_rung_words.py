"""What is said of one rung of the bias ladder, beside the rung that corrects a naive one."""

from __future__ import annotations

from collections.abc import Iterator

from cxresearch import _format as words
from cxresearch._language import term, tr
from cxresearch.adjust._rung import Ends, Rung
from cxresearch.findings import Finding, without_number
from cxresearch.hazards._hazard_ratios import ratio_words


def rung_findings(rung: Rung, corrected: Rung) -> Iterator[Finding]:
    """Yield the findings of a rung; `corrected` is itself, or what a naive one stands beside."""
    yield _finding(
        rung,
        "hazard_ratio",
        rung.hazard_ratio,
        (rung.hazard_refusal, _hazard_words(rung, corrected)),
    )
    yield _finding(
        rung,
        "retained_difference",
        rung.difference,
        (rung.difference_refusal, _difference_words(rung, corrected)),
    )


def heading(rung: Rung, *, short: bool = False) -> str:
    """Return how the rung counts, to stand in a table or a figure; a naive one is named wrong."""
    title = words.sentence_start(term(rung.step.title) if short else rung.title)
    return tr("{title} (wrong)", title=title) if rung.naive else title


def hazard_cell(rung: Rung) -> str:
    """Return `0.72 (0.67 to 0.78)`."""
    return words.MISSING if rung.hazard_refusal is not None else _times(rung)


def difference_cell(rung: Rung) -> str:
    """Return `12 (9 to 15)`, customers of 100."""
    if rung.difference_refusal is not None:
        return words.MISSING
    return words.number_interval(*(100 * x for x in rung.difference))


def rung_row(rung: Rung) -> dict[str, str]:
    """Return the rung as a line of the table that people read."""
    return {
        "counted by": heading(rung),
        "hazard ratio": hazard_cell(rung),
        tr("more kept of 100 over {n} months", n=rung.months): difference_cell(rung),
        "rows": rung.counted,
        "losses": words.number(rung.events),
        "not reported": tr("; ").join(rung.refusals),
    }


def _finding(rung: Rung, name: str, values: Ends, words_of: tuple[str | None, str]) -> Finding:
    refusal, sentence = words_of
    group = {"design": rung.design}
    if name == "retained_difference":
        group["months"] = str(rung.months)
    if refusal is not None:
        said = tr("No hazard ratio ({title}): {why}.", title=rung.title, why=refusal)
        if name != "hazard_ratio":
            said = tr(
                "No difference of customers kept ({title}): {why}.", title=rung.title, why=refusal
            )
        return without_number(said, group, as_of=rung.as_of)
    unit = "ratio" if name == "hazard_ratio" else "share"
    return Finding(
        name,
        *values,
        rung.n,
        unit,
        sentence,
        group,
        confidence_level=rung.confidence_level,
        as_of=rung.as_of,
    )


def _hazard_words(rung: Rung, corrected: Rung) -> str:
    first, second = rung.sides
    of = {"first": first, "second": second, "times": _times(rung), "base": _base(rung)}
    said = tr("{first} leave at {times} times the rate of {second} ({base})", **of)
    if rung.naive:
        said = tr("{first} seem to leave at {times} times the rate of {second} ({base})", **of)
    beside = tr("{times} times", times=_times(corrected))
    return words.sentences(
        [
            _with_method(rung, said, _unclear_leaving(rung)),
            *_of_curves(rung),
            *_beside(rung, beside),
        ]
    )


def _difference_words(rung: Rung, corrected: Rung) -> str:
    unit = words.rounding_unit(*rung.difference[1:], coarsest=0.01)
    kept = [words.number(100 * share, 100 * unit) for share in rung.retained]
    sides = zip(rung.sides, kept, strict=True)
    of = {
        "sides": words.and_list(tr("of 100 {whom} {kept}", whom=x, kept=n) for x, n in sides),
        "when": _when(rung),
        "difference": _per_hundred(rung),
    }
    said = tr("{sides} are still there {when}, a difference of {difference}", **of)
    if rung.naive:
        said = tr("{sides} seem to be still there {when}, a difference of {difference}", **of)
    beside = tr("{difference}, {when}", difference=_per_hundred(corrected), when=_when(corrected))
    whole = _with_method(rung, said, _unclear_kept(rung))
    return words.sentences([whole, *_beside(rung, beside)])


def _with_method(rung: Rung, said: str, unclear: str) -> str:
    """Return the sentence with how it was counted: last where it is the answer, else first."""
    if unclear:
        return tr("{unclear} ({title}): {said}.", unclear=unclear, title=rung.title, said=said)
    if rung.step.adjusted:
        return tr("{Said} ({title}).", Said=words.sentence_start(said), title=rung.title)
    return tr("{Title}: {said}.", Title=words.sentence_start(rung.title), said=said)


def _unclear_leaving(rung: Rung) -> str:
    _, lower, upper = rung.hazard_ratio
    return tr("No clear difference in leaving") if lower <= 1 <= upper else ""


def _unclear_kept(rung: Rung) -> str:
    _, lower, upper = rung.difference
    return tr("No clear difference in customers kept") if lower <= 0 <= upper else ""


def _per_hundred(rung: Rung) -> str:
    level = words.level_words(rung.confidence_level)
    return tr("{kept} with its {level} interval", kept=difference_cell(rung), level=level)


def _when(rung: Rung) -> str:
    months = words.counted(rung.months, "month")
    if rung.step.since_answer:
        return tr("{months} after the answer counts", months=months)
    if rung.start:
        return tr("{months} after month {start} as a customer", months=months, start=rung.start)
    return tr("after {months}", months=months)


def _base(rung: Rung) -> str:
    of = {
        "level": words.level_words(rung.confidence_level),
        "rows": rung.counted,
        "left": words.number(rung.events),
    }
    if rung.step.since_answer:
        return tr("{level} interval; {rows}, {left} of them followed by a loss", **of)
    return tr("{level} interval; {rows}, {left} losses", **of)


def _of_curves(rung: Rung) -> Iterator[str]:
    if rung.design == "doubly_robust":
        yield tr("It is the ratio of the cumulative hazards over {n} months.", n=rung.months)


def _beside(rung: Rung, corrected: str) -> Iterator[str]:
    if rung.naive:
        yield tr(
            "This count is wrong: it credits the time before the answer, in which nobody who "
            "answered could have left, to the answer. The same groups counted from the answer on: "
            "{corrected}.",
            corrected=corrected,
        )


def _times(rung: Rung) -> str:
    return ratio_words(*rung.hazard_ratio)
