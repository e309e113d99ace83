"""What tells whether data are still the same: a digest of a recipe and of all that it reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from cxresearch import files
from cxresearch.recipe_reader import expand, read_recipe

if TYPE_CHECKING:
    import pandas as pd

    from cxresearch.recipe import Recipe

_DIGITS = 16


def fingerprint(
    recipe: Recipe, paths: Iterable[str], frames: Mapping[str, pd.DataFrame] | None = None
) -> str:
    """Return the first 16 hex digits of a SHA-256 over a recipe and all that it reads.

    Parameters
    ----------
    recipe
        As it was read; the folder that it lies in does not count.
    paths
        The files that it names; their content counts, not their names or dates.
    frames
        The DataFrames used in place of files, by table.
    """
    digest = hashlib.sha256(repr(recipe).replace(str(recipe.folder), "").encode())
    for name, frame in sorted((frames or {}).items()):
        from pandas.util import hash_pandas_object  # noqa: PLC0415 - slow, and files need none

        digest.update(name.encode())
        digest.update(hash_pandas_object(frame, index=False).to_numpy().tobytes())
    for path in sorted(set(paths)):
        with Path(path).open("rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()[:_DIGITS]


def data_fingerprint(data: str | Path) -> str:
    """Return the fingerprint that `open_data(data)` would have, without opening the data.

    Raises
    ------
    DataError
        When the recipe cannot be read or a file that it names is missing.
    OSError
        When a file cannot be read.
    """
    recipe = read_recipe(data)
    named = {
        source.name: (source.database if source.table else source.path) or ""
        for source in recipe.tables.values()
    }
    found = [files.find(expand(path, recipe.folder), name) for name, path in named.items()]
    return fingerprint(recipe, [path for paths in found for path in paths])
