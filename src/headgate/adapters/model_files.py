"""Fitted models as files: skops with an allow-list of our own, never pickle.

A folder holds `model.skops` (the pipeline) and `model.json` (what one must know to use it). Loading
makes only objects of the types named here and of those that skops itself vouches for; unlike a
pickle, a file cannot name code to be run.
"""

import zipfile
from pathlib import Path
from typing import Any, Literal

import msgspec
from skops import io

from headgate.adapters.files import read_json, write_json
from headgate.errors import DataError
from headgate.training import FittedModel

# Beyond skops' own list. None of these types runs code of the file when it is made: a booster is
# read by LightGBM's parser, the others hold plain data.
TRUSTED_TYPES = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
)
PIPELINE_FILE = "model.skops"
RECORD_FILE = "model.json"


class _Record(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    family: str
    classes: tuple[str, str]
    numeric: tuple[str, ...]
    categorical: tuple[str, ...]
    format: Literal[1] = 1


def save_model(folder: str | Path, model: FittedModel) -> None:
    """Write a fitted model.

    Args:
        folder: Folder, made if needed; flat, without links.
        model: The model; a leaderboard is not written.

    Raises:
        DataError: If the pipeline holds a type that `load_model` would refuse.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    temporary = target / f".{PIPELINE_FILE}"
    io.dump(model.pipeline, temporary)
    try:
        _check_types(temporary, io.get_untrusted_types(file=temporary))
        temporary.replace(target / PIPELINE_FILE)
    finally:
        temporary.unlink(missing_ok=True)
    record = _Record(
        family=model.family,
        classes=model.classes,
        numeric=model.numeric,
        categorical=model.categorical,
    )
    write_json(target / RECORD_FILE, msgspec.to_builtins(record))


def load_model(folder: str | Path) -> FittedModel:
    """Read a model that `save_model` wrote.

    Args:
        folder: The folder.

    Returns:
        The model, a `Scorer`.

    Raises:
        DataError: If a file is missing or broken, has another format, or holds a type that is not
            allowed; nothing of the file is made then.
    """
    record = read_json(Path(folder) / RECORD_FILE)
    path = Path(folder) / PIPELINE_FILE
    try:
        untrusted = io.get_untrusted_types(file=path)
        _check_types(path, untrusted)
        pipeline = io.load(path, trusted=untrusted)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file") from error
    # What a broken archive raises depends on where it is broken.
    except (OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{path}: not a readable skops file ({type(error).__name__})") from error
    return _fitted(record, pipeline, path=Path(folder) / RECORD_FILE)


def _check_types(path: Path, untrusted: list[str]) -> None:
    refused = sorted(set(untrusted) - set(TRUSTED_TYPES))
    if refused:
        raise DataError(
            f"{path}: holds the types {refused}, which are not allowed; beyond skops' own list "
            f"these are: {list(TRUSTED_TYPES)}"
        )


def _fitted(record: dict[str, object], pipeline: Any, *, path: Path) -> FittedModel:  # noqa: ANN401 - sklearn is untyped
    try:
        known = msgspec.convert(record, _Record)
    except msgspec.ValidationError as error:
        raise DataError(f"{path}: not a model record of format 1 ({error})") from error
    return FittedModel(
        pipeline=pipeline,
        family=known.family,
        classes=known.classes,
        numeric=known.numeric,
        categorical=known.categorical,
    )
