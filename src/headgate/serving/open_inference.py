"""The Open Inference Protocol, version 2, over JSON: what KServe and its clients speak."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from headgate.adapters.bundles import BundleInput
from headgate.adapters.inference import MAX_ROWS, UNREADABLE, Engine
from headgate.errors import DataError
from headgate.training.inputs import categorical_input, numeric_input

# Numbers are cast to FP32, which is what the graph takes; other datatypes are refused.
DATATYPES = {"numeric": ("FP32", "FP64", "INT32", "INT64"), "categorical": ("BYTES",)}
OUTPUTS = ("label", "probabilities")


class _Tensor(msgspec.Struct):
    name: str
    shape: list[int]
    datatype: str
    data: list[Any]


class _Wanted(msgspec.Struct):
    name: str


class _Request(msgspec.Struct):
    inputs: list[_Tensor]
    id: str | None = None
    outputs: list[_Wanted] | None = None


class _Response(msgspec.Struct, omit_defaults=True):
    model_name: str
    model_version: str
    outputs: list[_Tensor]
    id: str | None = None


class OpenInference:
    """Metadata and inference of one model."""

    def __init__(self, engine: Engine, *, version: str) -> None:
        """Keep the model.

        Args:
            engine: Predicts.
            version: Version of the model.
        """
        self._engine, self._version = engine, version
        self._inputs = {entry.name: entry for entry in engine.record.inputs}
        self._decode = msgspec.json.Decoder(_Request).decode

    def metadata(self) -> bytes:
        """Return the JSON that describes the model's tensors."""
        inputs = [
            {"name": name, "datatype": DATATYPES[entry.kind][0], "shape": [-1, 1]}
            for name, entry in self._inputs.items()
        ]
        outputs = [
            {"name": "label", "datatype": "BYTES", "shape": [-1, 1]},
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, 2]},
        ]
        return msgspec.json.encode(
            {
                "name": self._engine.record.name,
                "versions": [self._version],
                "platform": "onnxruntime_onnx",
                "inputs": inputs,
                "outputs": outputs,
            }
        )

    def infer(self, body: bytes) -> bytes:
        """Answer an inference request.

        Args:
            body: JSON of the protocol: every input once, each with shape [n] or [n, 1]; null is a
                missing value. The binary extension is not spoken.

        Returns:
            JSON with `label` (shape [n, 1]) and `probabilities` (shape [n, 2], negative class
            first), or those of the two that the request asks for.

        Raises:
            DataError: If the request is anything else; the message says what is allowed.
        """
        try:
            request = self._decode(body)
        except UNREADABLE as error:
            raise DataError(f"not an inference request in JSON: {error}") from error
        wanted = self._wanted(request)
        positive = self._engine.probabilities(self._columns(request.inputs))
        response = _Response(
            self._engine.record.name,
            self._version,
            [self._output(name, positive) for name in wanted],
            request.id,
        )
        return msgspec.json.encode(response)

    def _wanted(self, request: _Request) -> Sequence[str]:
        if not request.outputs:
            return OUTPUTS
        wanted = [entry.name for entry in request.outputs]
        unknown = [name for name in wanted if name not in OUTPUTS]
        if unknown:
            raise DataError(f"unknown outputs {unknown}; the outputs are {list(OUTPUTS)}")
        return wanted

    def _columns(self, tensors: Sequence[_Tensor]) -> Mapping[str, NDArray[Any]]:
        names = [tensor.name for tensor in tensors]
        unknown = [name for name in names if name not in self._inputs]
        missing = [name for name in self._inputs if name not in names]
        twice = sorted({name for name in names if names.count(name) > 1})
        if unknown or missing or twice:
            raise DataError(
                f"each input is needed once: unknown {unknown}, missing {missing}, twice {twice}; "
                f"the inputs are {list(self._inputs)}"
            )
        rows = {tensor.name: _rows(tensor) for tensor in tensors}
        if len(set(rows.values())) > 1:
            raise DataError(f"all inputs need the same number of rows, they have {rows}")
        return {tensor.name: _column(tensor, self._inputs[tensor.name]) for tensor in tensors}

    def _output(self, name: str, positive: NDArray[np.float32]) -> _Tensor:
        rows = positive.size
        if name == "label":
            labels = [self._engine.label(p) for p in positive.tolist()]
            return _Tensor(name, [rows, 1], "BYTES", labels)
        both = np.column_stack([1 - positive, positive])
        return _Tensor(name, [rows, 2], "FP32", both.ravel().tolist())


def _rows(tensor: _Tensor) -> int:
    match tensor.shape:
        case [rows] | [rows, 1] if 0 < rows <= MAX_ROWS:
            return rows
        case _:
            raise DataError(
                f"input {tensor.name} has shape {tensor.shape}, allowed are [n] and [n, 1] with n "
                f"from 1 to {MAX_ROWS}"
            )


def _column(tensor: _Tensor, entry: BundleInput) -> NDArray[Any]:
    allowed = DATATYPES[entry.kind]
    if tensor.datatype not in allowed:
        raise DataError(
            f"input {entry.name} has datatype {tensor.datatype}, allowed is {' or '.join(allowed)}"
        )
    nested = (cell for item in tensor.data for cell in (item if isinstance(item, list) else [item]))
    kind: Any = float | None if entry.kind == "numeric" else str | None
    try:
        values = msgspec.convert(list(nested), list[kind])
    except msgspec.ValidationError as error:
        raise DataError(f"input {entry.name}: {error}") from error
    if len(values) != tensor.shape[0]:
        raise DataError(
            f"input {entry.name} has {len(values)} values, its shape {tensor.shape} needs "
            f"{tensor.shape[0]}"
        )
    made = numeric_input(values) if entry.kind == "numeric" else categorical_input(values)
    return made.reshape(-1, 1)
