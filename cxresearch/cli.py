"""The commands: each reads its options, calls the library, and prints what came of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from cxresearch._format import plain
from cxresearch._min_cell import USUAL_MIN_CELL
from cxresearch.errors import CxError

BAD_INPUT, BROKEN_RULE, FAILED_REPORT, FAILED_AUDIT, INTERRUPTED = 2, 1, 1, 1, 130


class _Commands(TyperGroup):
    """Says errors in words, so that nobody ever sees a traceback for bad input."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - as the parent has it
        try:
            return super().invoke(ctx)
        except CxError as error:
            for problem in error.problems:
                typer.echo(plain(f"error: {problem}"), err=True)
            raise typer.Exit(BAD_INPUT) from None
        except KeyboardInterrupt:
            kept = "; reports that were complete are kept: give it again with --resume to go on"
            typer.echo(f"stopped{kept * (ctx.invoked_subcommand == 'report')}", err=True)
            raise typer.Exit(INTERRUPTED) from None


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # rich would triple the time of --help
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        from cxresearch import __version__  # noqa: PLC0415 - only when asked

        typer.echo(f"cxresearch {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Answer what leadership asks about customers, with an interval on every number."""


@app.command()
def report(  # noqa: PLR0913, PLR0917 - the options of the command
    notebooks: Annotated[
        list[str] | None,
        typer.Argument(metavar="NOTEBOOK", help="Names or paths; without any, all notebooks."),
    ] = None,
    data: Annotated[
        str | None, typer.Option(help="A recipe, a folder or a file; data/sample if not given.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the reports go; reports if not given.")
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "-p", "--parameter", metavar="NAME=VALUE", help="A parameter; may be repeated."
        ),
    ] = None,
    lang: Annotated[
        str | None, typer.Option(metavar="en|ja", help="The language of the reports.")
    ] = None,
    compare: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The reports of an earlier run, for the brief."),
    ] = None,
    batch: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Make what a batch file says (reports/monthly.toml)."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, metavar="N", help="Reports made at once.")] = 1,
    force: Annotated[
        bool, typer.Option("--force", help="Make also the reports that nothing has changed for.")
    ] = False,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Go on with a run that was stopped, also one with --force."),
    ] = False,
    timeout: Annotated[
        int, typer.Option(min=1, metavar="SECONDS", help="Stop a cell that runs longer.")
    ] = 600,
    help_parameters: Annotated[
        bool, typer.Option("--help-parameters", help="List the notebooks' parameters and stop.")
    ] = False,
) -> None:
    """Run notebooks and write a page for each, with an index and all findings.

    Reports that would come out the same are kept as they are: nothing of notebook, package,
    parameters and data has changed. So a run that was stopped goes on where it was when it is
    given again; --resume is for one with --force, of which it keeps what is made.

    The last line printed is the path of the index page. The exit code is 0 when every
    report was made, 1 when one failed (its page says why), 2 when nothing was run.
    """
    given = _assignments([*(parameter or []), *([f"compare={compare}"] if compare else [])])
    if help_parameters:
        _print_parameters(notebooks or [])
        return
    _skip_slow_import()
    from cxresearch.reports.progress import show_progress  # noqa: PLC0415 - slow to import
    from cxresearch.reports.runner import How, plan_run, run_plan  # noqa: PLC0415

    plan = plan_run(notebooks or [], batch=batch, data=data, out=out, parameters=given, lang=lang)
    with show_progress() as progress:
        how = How(timeout, progress, workers=jobs, force=force, resume=resume)
        results = run_plan(plan, how)
    typer.echo(plan.out / "index.html")
    if any(result.status == "failed" for result in results):
        raise typer.Exit(FAILED_REPORT)


@app.command("check")
def check_data(
    data: Annotated[str, typer.Argument(help="A recipe, or a folder with a data.toml.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Evaluate every rule and say which notebooks the data unlock.

    The exit code is 0 when the data can be used, 1 when a rule is broken that makes results
    wrong, 2 when they cannot even be read.
    """
    import json  # noqa: PLC0415 - as all that --help does not need

    from cxresearch.checking import check  # noqa: PLC0415
    from cxresearch.source import open_data  # noqa: PLC0415

    try:
        with open_data(data) as opened:
            result = check(opened)
    except CxError as error:
        if as_json:
            typer.echo(json.dumps({"usable": False, "problems": error.problems}, indent=2))
        raise
    text = json.dumps(result.to_dict(), indent=2) if as_json else plain(result.to_text())
    typer.echo(text)
    if not result.usable:
        raise typer.Exit(BROKEN_RULE)


@app.command("audit")
def audit_reports(
    path: Annotated[Path, typer.Argument(metavar="FILE|DIR", help="A report, or a folder.")],
    min_cell: Annotated[
        int, typer.Option(min=1, metavar="N", help="Fewest people that a count may stand for.")
    ] = USUAL_MIN_CELL,
    data: Annotated[
        str | None, typer.Option(help="The reports' recipe: its ids are then looked for.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for machines.")] = False,
) -> None:
    """Check finished reports before they are forwarded: code, networks, people, secrets.

    The exit code is 0 when nothing was found, 1 when something was, 2 when there is nothing to
    read.
    """
    import json  # noqa: PLC0415 - as all that --help does not need

    from cxresearch.reports.audit import audit  # noqa: PLC0415

    found = audit(path, min_cell=min_cell, data=data)
    typer.echo(json.dumps(found.to_dict(), indent=2) if as_json else plain(found.to_text()))
    if not found.passed:
        raise typer.Exit(FAILED_AUDIT)


@app.command("sql")
def print_sql(  # noqa: PLR0917 - typer passes every option by name
    reduction: Annotated[str, typer.Argument(metavar="NAME", help="life_table, score_table, …")],
    data: Annotated[str, typer.Option(help="A recipe, or a folder with one.")] = "data/sample",
    dialect: Annotated[
        str, typer.Option(help="duckdb, spark, bigquery, snowflake or postgres.")
    ] = "duckdb",
    group_by: Annotated[
        str, typer.Option(metavar="COLUMNS", help="Columns to group by, with commas between.")
    ] = "",
    period: Annotated[str, typer.Option(help="month, quarter or year.")] = "month",
    design: Annotated[
        str, typer.Option(help="How answers make a risk set: current, landmark, followup, …")
    ] = "",
    metric: Annotated[str, typer.Option(help="nps, csat or ces.")] = "nps",
    wave: Annotated[str, typer.Option(help="month, quarter, year, survey or none.")] = "quarter",
    causes: Annotated[bool, typer.Option("--causes", help="Split losses by their cause.")] = False,
) -> None:
    """Print a reduction as one query, to run in a warehouse and hand over only the counts."""
    from cxresearch._engine import split_names  # noqa: PLC0415 - as the next two
    from cxresearch.designs import Design  # noqa: PLC0415
    from cxresearch.source import open_data  # noqa: PLC0415 - slow to import

    columns = split_names(group_by)
    chosen = Design(design) if design else None  # type: ignore[arg-type]  # it says what is wrong
    with open_data(data) as opened:
        typer.echo(
            opened.reduction_sql(
                reduction,
                columns,
                dialect,
                period=period,
                design=chosen,
                causes=causes,
                metric=metric,
                wave=wave,
            )
        )


@app.command()
def sample(
    directory: Annotated[Path, typer.Argument(help="A new folder, or one of an earlier sample.")],
    customers: Annotated[int, typer.Option(metavar="N", help="Customers in the extract.")] = 2000,
    seed: Annotated[int, typer.Option(metavar="S", help="The same seed gives the same rows.")] = 1,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Write into a folder that holds other files.")
    ] = False,
) -> None:
    """Simulate customers whose truth is known: Parquet files, a recipe and a truth.json."""
    from cxresearch.simulate import write_sample  # noqa: PLC0415 - slow to import

    write_sample(directory, customers=customers, seed=seed, overwrite=overwrite)
    typer.echo(directory)


def _assignments(options: list[str]) -> dict[str, str]:
    pairs = [option.partition("=") for option in options]
    names = [name.strip() for name, _, _ in pairs]
    _refuse_credentials({name: value for name, _, value in pairs})  # before any is repeated
    problems = [f"-p {name}: write -p name=value" for name, equals, _ in pairs if not equals]
    problems += [
        f"-p {name} is given twice" for name in dict.fromkeys(names) if names.count(name) > 1
    ]
    if problems:
        raise CxError(problems)
    return {name: value for name, (_, _, value) in zip(names, pairs, strict=True)}


def _refuse_credentials(given: dict[str, str]) -> None:
    from cxresearch.reports.credentials import check_credentials  # noqa: PLC0415 - when asked

    check_credentials(given)


def _print_parameters(notebooks: list[str]) -> None:
    from cxresearch.reports.notebooks import find_notebooks  # noqa: PLC0415 - only when asked

    for notebook in find_notebooks(notebooks):
        typer.echo(f"{notebook.name}: {notebook.title}")
        for parameter in notebook.parameters:
            typer.echo(f"  {parameter.name}: {parameter.rule}; default {parameter.default!r}")
            typer.echo(f"      {parameter.meaning}") if parameter.meaning else None


def _skip_slow_import() -> None:
    # jsonschema compiles this grammar for two address formats that notebooks never use, which
    # takes longer than everything else papermill imports; it treats the module as optional.
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
