"""Open what a recipe names: all that one can ask of a company's data hangs on `Data`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from sqlglot import exp

from cxresearch._engine import unique
from cxresearch.contacts import Contacts
from cxresearch.contributions import Contributions
from cxresearch.errors import DataError
from cxresearch.experiments import Experiments
from cxresearch.exports import Export, export_text
from cxresearch.invitations import Invitations
from cxresearch.lifetimes import period_months
from cxresearch.recipe import Recipe
from cxresearch.recipe_reader import build_recipe, read_recipe
from cxresearch.repurchases import Repurchases
from cxresearch.shares import Shares
from cxresearch.sql import column
from cxresearch.surveys import Surveys


def open_data(
    data: str | Path | Recipe = "data/sample",
    *,
    tables: Mapping[str, pd.DataFrame] | None = None,
    memory_limit: str = "750MB",
) -> Data:
    """Open the data that a recipe describes.

    Parameters
    ----------
    data
        A recipe, its path, or a folder that holds a `data.toml`.
    tables
        DataFrames to use in place of the recipe's files, by the contract's table name.
    memory_limit
        What DuckDB may hold in memory; the rest is spilled to a temporary file. With what Python
        holds beside it, 10 million customers stay within 1 GB.

    Raises
    ------
    DataError
        Naming every table that cannot be read, and why.
    """
    recipe = data if isinstance(data, Recipe) else read_recipe(data)
    return Data(recipe, tables or {}, memory_limit)


def open_frames(frames: Mapping[str, pd.DataFrame], **recipe: object) -> Data:
    """Open DataFrames named as in the contract; `recipe` holds a recipe's other keys.

    Examples
    --------
    >>> import pandas as pd
    >>> customers = pd.DataFrame({"customer_id": ["1", "2"], "tenure": [3, 5], "churned": [1, 0]})
    >>> with open_frames({"customers": customers}) as data:
    ...     print(int(data.life_table().churned.sum()))
    1
    """
    described = recipe.pop("columns", {})
    unknown = sorted(set(described) - set(frames)) if isinstance(described, Mapping) else []
    if unknown:
        raise DataError(f"columns are given for {', '.join(unknown)}, which is no DataFrame here.")
    content = {"name": "DataFrames", **recipe}
    for name in frames:
        columns = described.get(name, {}) if isinstance(described, Mapping) else {}
        content[name] = {"path": f"<DataFrame {name}>", "columns": columns}
    return open_data(build_recipe(content, folder=Path.cwd()), tables=frames)


class Data(Contributions, Shares, Repurchases, Surveys, Invitations, Experiments, Contacts):
    """An opened extract: its tables under the contract's names, and its reductions."""

    @property
    def currency(self) -> str | None:
        """The currency of every amount."""
        return self.recipe.currency

    @property
    def snapshot_months(self) -> int | None:
        """How far back the churned flag reaches, where the extract is a snapshot."""
        return self.recipe.snapshot_months

    @property
    def first_periods(self) -> tuple[int, ...]:
        """To how many first periods retention models are also fitted."""
        return self.recipe.first_periods

    def reduction_sql(
        self,
        name: str,
        group_by: Sequence[str] = (),
        dialect: str = "duckdb",
        *,
        period: str = "month",
        **options: Any,  # noqa: ANN401 - design, causes, metric and wave, as in Export
    ) -> str:
        """Return a reduction as one self-contained query in `dialect`.

        Where the data are Parquet files and the dialect is DuckDB's, the query can be run as it
        stands; otherwise it reads tables named as in the recipe.
        """
        files_only = all(isinstance(scan, exp.Func) for scan in self._scans.values())
        scans = self._scans if dialect == "duckdb" and files_only else None
        export = Export(name, unique(group_by), period_months(period), **options)
        return export_text(self.pipeline, export, dialect, scans)

    def known_ids(self, words: Collection[str]) -> set[str]:
        """Return those of some words that are an id in the data, of a customer or what one did.

        For looking whether a text names anybody; the ids themselves stay where they are. A
        survey is no customer's, and its id often a plain word, such as `ticket`.
        """
        found: set[str] = set()
        self._connection.register("sought", pd.DataFrame({"word": list(words)}, dtype="string"))
        for name, fields in self.fields.items():
            of_one = [f for f in fields if f.kind == "id" and f.name != "survey_id"]
            for each in (field.name for field in of_one if field.present):
                text = exp.cast(column(each), "text")
                query = exp.select(exp.alias_(text, "id")).distinct().from_(name)
                among = text.isin(query=exp.select("word").from_("sought"))
                found |= set(self.query_rows(query.where(among))["id"])
        self._connection.unregister("sought")
        return found
