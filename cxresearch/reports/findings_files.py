"""The findings of a whole run, one file for each of its languages."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from cxresearch.findings import FILE
from cxresearch.reports.entries import ReportResult
from cxresearch.reports.plan import Job

__all__ = ["as_json", "findings_files"]


def findings_files(jobs: Sequence[Job], made: Mapping[str, ReportResult]) -> dict[str, str]:
    """Return the files by name: `findings.json`, and `findings.ja.json` for a further language.

    Parameters
    ----------
    jobs
        Of the run, in order; the language of the first is that of `findings.json`.
    made
        The reports that are there, by name.
    """
    files = {}
    for lang in dict.fromkeys(job.lang for job in jobs):
        found = [made[job.name] for job in jobs if job.lang == lang and job.name in made]
        name = FILE if lang == jobs[0].lang else f"findings.{lang}.json"
        files[name] = as_json(_once(finding for each in found for finding in each.findings))
    return files


def as_json(findings: Sequence[Mapping[str, Any]]) -> str:
    """Write findings as files hold them: a list with a line for each."""
    rows = (json.dumps(each, ensure_ascii=False, allow_nan=False) for each in findings)
    lines = ",\n".join(rows)  # an indented list would take ten times as long
    return f"[\n{lines}\n]\n"


def _once(findings: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    # segments of a notebook share what is true of everybody
    return list({json.dumps(each, sort_keys=True): each for each in findings}.values())
