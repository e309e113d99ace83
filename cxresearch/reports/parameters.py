"""The parameters of a notebook: read from its `parameters` cell, checked before a kernel starts.

A line of that cell says everything about one parameter::

    horizon: int = 24  # how far the curve goes; unit: months; range: 1..240
    plan: str = "all"  # which customers; choices: all | basic | premium

Papermill finds parameters with a regular expression that misses lines with a second ``=``,
guesses the type of what is typed (``007`` becomes 7) and lets unknown names pass. Here the
cell is parsed as Python and the declared type decides.
"""

from __future__ import annotations

import ast
import difflib
import io
import re
import shlex
import tokenize
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from cxresearch.errors import CxError, ReportError
from cxresearch.reports.values import Scalar, Value, number, scalar, typed

__all__ = ["Parameter", "check_notebooks", "check_parameters", "close_match", "read_parameters"]

_WORDS = {
    "str": "text (str)",
    "int": "a whole number (int)",
    "float": "a number (float)",
    "bool": "true or false (bool)",
    "list": "a list separated by commas (list)",
    "list[str]": "a list separated by commas (list[str])",
    "list[int]": "whole numbers separated by commas (list[int])",
    "list[float]": "numbers separated by commas (list[float])",
}
_EXAMPLES = {"list[int]": "12,24", "list[float]": "0.1,0.2", "list": "a,b", "list[str]": "a,b"}
_KEYS = ("unit", "range", "choices")


@dataclass(frozen=True)
class Parameter:
    """One line of the parameters cell.

    Attributes
    ----------
    name, type
        As written; the type is one of str, int, float, bool, list, list[str], list[int]
        and list[float].
    default
        The literal of the line.
    meaning, unit
        Words for people; empty when the line does not give them.
    minimum, maximum
        Inclusive bounds of a number (of each number of a list), or None.
    choices
        The values allowed (for each item of a list); empty when any is.
    """

    name: str
    type: str
    default: Value
    meaning: str = ""
    unit: str = ""
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[Scalar, ...] = ()

    @property
    def item_type(self) -> str:
        """The type of the value, or of each item of a list."""
        return re.sub(r"^list\[(\w+)\]$", r"\1", self.type).replace("list", "str")

    @property
    def rule(self) -> str:
        """What a value must be, in words."""
        parts = [_WORDS[self.type] + _range_words(self.minimum, self.maximum)]
        if self.choices:
            parts.append("one of " + " | ".join(str(choice) for choice in self.choices))
        if self.unit:
            parts.append(f"unit: {self.unit}")
        return ", ".join(parts)

    @property
    def example(self) -> str:
        """An option that would be accepted."""
        value: object = self.default
        if value in ("", []):
            value = self.choices[0] if self.choices else _EXAMPLES.get(self.type, "value")
        text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
        return f"-p {self.name}={shlex.quote(text)}"

    def convert(self, given: object) -> Value:
        """Turn text from the command line, or a Python value, into the declared type.

        Raises
        ------
        CxError
            Saying the value, what it must be and an example.
        """
        try:
            value = typed(given, self.type)
            for item in value if isinstance(value, list) else [value]:
                self._check_item(item)
        except CxError as error:
            complaint = f"{self.name} = {given!r} {error}"
            cure = f"it must be {self.rule}, for example {self._meant(given) or self.example}"
            raise CxError(f"{complaint}: {cure}") from None
        return value

    def _meant(self, given: object) -> str:
        """Return the option that was meant where a share was given as so many of a hundred."""
        try:
            share = number(given) / 100 if isinstance(given, str | int | float) else 0.0
        except CxError:
            return ""
        fits = self.unit == "share" and self.maximum == 1 and 0.01 < share <= 1
        return f"-p {self.name}={share:.10g}" if fits and self.item_type == self.type else ""

    def _check_item(self, item: Scalar) -> None:
        if self.choices and item not in self.choices:
            raise CxError("is not one of the choices" + _did_you_mean(item, self.choices))
        if isinstance(item, str):
            return
        if self.minimum is not None and item < self.minimum:
            raise CxError(f"is below {self.minimum:g}")
        if self.maximum is not None and item > self.maximum:
            raise CxError(f"is above {self.maximum:g}")


def read_parameters(source: str, notebook: str) -> tuple[Parameter, ...]:
    """Read the source of a parameters cell.

    Raises
    ------
    ReportError
        Naming every line that is not ``name: type = literal  # meaning; unit: …``.
    """
    where = f"{notebook}, parameters cell, line"
    try:
        body, comments = ast.parse(source).body, _comments(source)
    except SyntaxError as error:
        raise ReportError(f"{where} {error.lineno}: this is not Python ({error.msg})") from None
    found: dict[str, Parameter] = {}
    problems: list[str] = []
    for line in body:
        try:
            parameter = _read_line(line, comments.get(line.lineno, ""))
            if parameter.name in found:
                raise CxError(f"{parameter.name} is defined twice")
            found[parameter.name] = parameter
        except CxError as error:
            problems.append(f"{where} {line.lineno}: {error}")
    if problems:
        raise ReportError(problems)
    return tuple(found.values())


def check_parameters(
    parameters: Sequence[Parameter], given: Mapping[str, object]
) -> dict[str, Value]:
    """Check what was given against one notebook's parameters; all problems at once.

    Raises
    ------
    CxError
        One sentence for each unknown name and each value that does not fit.
    """
    return check_notebooks({"": parameters}, given)[""]


def check_notebooks(
    notebooks: Mapping[str, Sequence[Parameter]], given: Mapping[str, object]
) -> dict[str, dict[str, Value]]:
    """Give each notebook the parameters it has; a name that none has is an error.

    Returns
    -------
    dict
        From the notebook's name to its typed parameters.
    """
    known = {parameter.name for parameters in notebooks.values() for parameter in parameters}
    problems = [_unknown(name, known) for name in given if name == "data" or name not in known]
    values: dict[str, dict[str, Value]] = {notebook: {} for notebook in notebooks}
    for notebook, parameters in notebooks.items():
        for parameter in parameters:
            if parameter.name in given and parameter.name != "data":
                try:
                    values[notebook][parameter.name] = parameter.convert(given[parameter.name])
                except CxError as error:
                    problems.append(str(error))
    if problems:
        raise CxError(dict.fromkeys(problems))
    return values


def close_match(name: str, known: Iterable[str]) -> str:
    """Give ``; did you mean …?`` when a known name is near, else nothing."""
    return _did_you_mean(name, tuple(known))


def _unknown(name: str, known: set[str]) -> str:
    if name == "data":
        return "data cannot be given with -p: choose the data with --data PATH"
    listed = ", ".join(sorted(known - {"data"})) or "none"
    return f"{name} is not a parameter{close_match(name, known)} (parameters: {listed})"


def _did_you_mean(value: object, known: Sequence[object]) -> str:
    near = difflib.get_close_matches(str(value), [str(item) for item in known], n=1, cutoff=0.5)
    return f"; did you mean {near[0]}?" if near else ""


def _range_words(minimum: float | None, maximum: float | None) -> str:
    if minimum is not None and maximum is not None:
        return f" from {minimum:g} to {maximum:g}"
    if minimum is not None:
        return f" of at least {minimum:g}"
    return "" if maximum is None else f" of at most {maximum:g}"


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {
        token.start[0]: token.string.lstrip("#").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def _read_line(line: ast.stmt, comment: str) -> Parameter:
    form = "write `name: type = value  # meaning; unit: …`"
    if not isinstance(line, ast.AnnAssign) or not isinstance(line.target, ast.Name):
        raise CxError(f"`{ast.unparse(line)}` is not a parameter: {form}")
    name, kind = line.target.id, ast.unparse(line.annotation)
    if kind not in _WORDS:
        raise CxError(f"{name} has the type {kind}: the types are {', '.join(_WORDS)}")
    if line.value is None or line.lineno != line.end_lineno:
        raise CxError(f"{name} needs its value on the same line: {form}")
    meaning, notes = _read_comment(comment)
    return _with_default(_described(name, kind, meaning, notes), _literal(name, line.value))


def _literal(name: str, value: ast.expr) -> object:
    try:
        return ast.literal_eval(value)
    except ValueError:
        raise CxError(f"{name} = {ast.unparse(value)} is computed: write a plain value") from None


def _read_comment(comment: str) -> tuple[str, dict[str, str]]:
    meaning: list[str] = []
    notes: dict[str, str] = {}
    for part in (piece.strip() for piece in comment.split(";")):
        key, colon, value = part.partition(":")
        if colon and meaning and re.fullmatch(r"\w+", key):
            if key not in _KEYS:
                raise CxError(f"{key} is not a note{close_match(key, _KEYS)} ({', '.join(_KEYS)})")
            notes[key] = value.strip()
        else:
            meaning.append(part)
    return "; ".join(meaning), notes


def _described(name: str, kind: str, meaning: str, notes: Mapping[str, str]) -> Parameter:
    minimum, maximum = _read_range(name, notes.get("range", ".."))
    parameter = Parameter(name, kind, "", meaning, notes.get("unit", ""), minimum, maximum)
    if "range" in notes and parameter.item_type not in ("int", "float"):
        raise CxError(f"{name} has a range but is {kind}: a range is for numbers")
    texts = [text.strip() for text in notes["choices"].split("|")] if "choices" in notes else []
    try:
        choices = tuple(scalar(text, parameter.item_type) for text in texts)
    except CxError as error:
        raise CxError(f"{name} has a choice that {error}") from None
    return Parameter(name, kind, "", meaning, parameter.unit, minimum, maximum, choices)


def _read_range(name: str, text: str) -> tuple[float | None, float | None]:
    low, dots, high = (piece.strip() for piece in text.partition(".."))
    try:
        if not dots:
            raise CxError("no dots")
        return (number(low) if low else None, number(high) if high else None)
    except CxError:
        raise CxError(f"{name} has the range {text}: write 1..240, 0.. or ..1") from None


def _with_default(parameter: Parameter, default: object) -> Parameter:
    p = parameter
    if isinstance(default, str) and p.type != "str":
        raise CxError(f"{p.name} has the text {default!r} as value, but its type is {p.type}")
    value = p.convert(default)
    return Parameter(p.name, p.type, value, p.meaning, p.unit, p.minimum, p.maximum, p.choices)
