"""The bundle: what is registered, shipped and served. Light: the predictor reads it with this.

A flat folder with two files: `model.onnx`, and `bundle.json` with the name, the classes, the
decision threshold and the inputs. Other files in the folder do not belong to it.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from headgate.errors import DataError

GRAPH_FILE = "model.onnx"
RECORD_FILE = "bundle.json"
FILES = (RECORD_FILE, GRAPH_FILE)  # in alphabetical order: the checksum depends on it
THRESHOLD = 0.5  # a row is called positive from this probability on


class BundleInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input of the graph: a tensor of shape [rows, 1]."""

    name: str
    kind: Literal["numeric", "categorical"]  # float32 with NaN, or text with "" for missing


class BundleRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `bundle.json` says."""

    name: str  # of the registered model
    classes: tuple[str, str]  # negative, positive
    inputs: tuple[BundleInput, ...]
    threshold: float = THRESHOLD
    format: Literal[1] = 1


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """A bundle in memory."""

    record: BundleRecord
    graph: bytes  # of `model.onnx`
    sha256: str


def write_bundle(folder: str | Path, *, record: BundleRecord, graph: bytes) -> None:
    """Write a bundle; a file that is already there is replaced as a whole.

    Args:
        folder: Folder, made if needed.
        record: What goes into `bundle.json`.
        graph: What goes into `model.onnx`.
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    text = msgspec.json.format(msgspec.json.encode(record), indent=1) + b"\n"
    for name, content in ((RECORD_FILE, text), (GRAPH_FILE, graph)):
        temporary = target / f".{name}"
        temporary.write_bytes(content)
        temporary.replace(target / name)


def read_bundle(folder: str | Path, *, sha256: str | None = None) -> Bundle:
    """Read a bundle, each file once: what is checked is what is used.

    Args:
        folder: The folder.
        sha256: What `bundle_sha256` must say; None checks nothing.

    Returns:
        The bundle.

    Raises:
        DataError: If a file is missing, the checksum is another one, or `bundle.json` is not one.
    """
    return parse_bundle(_contents(Path(folder)), where=str(folder), sha256=sha256)


def parse_bundle(contents: Mapping[str, bytes], *, where: str, sha256: str | None = None) -> Bundle:
    """Check and read a bundle whose files are in memory.

    Args:
        contents: Per name in `FILES` what the file holds.
        where: Folder that they come from, for messages.
        sha256: What `bundle_sha256` must say of them; None checks nothing.

    Returns:
        The bundle.

    Raises:
        DataError: If the checksum is another one, or `bundle.json` is not one.
    """
    seen = _digest(contents)
    if sha256 is not None and seen != sha256.lower():
        raise DataError(f"{where}: the bundle has sha256 {seen}, expected is {sha256}")
    try:
        record = msgspec.json.decode(contents[RECORD_FILE], type=BundleRecord)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DataError(f"{where}/{RECORD_FILE}: {error}") from error
    return Bundle(record=record, graph=contents[GRAPH_FILE], sha256=seen)


def bundle_sha256(folder: str | Path) -> str:
    """Return the checksum of a bundle.

    It is what `sha256sum bundle.json model.onnx | sha256sum` prints in the folder.

    Args:
        folder: The folder; files that do not belong to the bundle do not count.

    Returns:
        64 hexadecimal digits.

    Raises:
        DataError: If a file is missing.
    """
    return _digest(_contents(Path(folder)))


def _contents(folder: Path) -> dict[str, bytes]:
    contents = {}
    for name in FILES:
        try:
            contents[name] = (folder / name).read_bytes()
        except OSError as error:
            raise DataError(f"{folder / name}: cannot be read ({error.strerror})") from error
    return contents


def _digest(contents: Mapping[str, bytes]) -> str:
    lines = [f"{hashlib.sha256(contents[name]).hexdigest()}  {name}\n" for name in FILES]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
