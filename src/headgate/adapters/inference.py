"""One prediction, from the bytes of a request to the bytes of its answer; light, for the predictor.

`Engine` runs the graph, `RowAnswerer` reads rows of named features as JSON and writes answers. The
latency of an exported model is measured through the same two.
"""

from collections.abc import Callable, Mapping, Sequence
from types import GenericAlias
from typing import Any

import msgspec
import numpy as np
import onnxruntime
from numpy.typing import NDArray

from headgate.adapters.bundles import Bundle, BundleInput
from headgate.errors import DataError
from headgate.training.inputs import categorical_cell, numeric_cell

# What msgspec raises for bytes that a client sent: no JSON or another form, text that is not UTF-8,
# brackets in brackets beyond any sense. All three are the client's mistake, none is ours.
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
WARM_UP_ROUNDS = 20  # the first call allocates; afterwards the time of a call does not change
MAX_ROWS = 1000  # of one request: about 10 ms, in which nobody else is answered


class Answer(msgspec.Struct, frozen=True):
    """What `/predict` says about one row."""

    label: str
    probability: float  # of the positive class
    model_version: str
    deployment: str


class Engine:
    """The graph of a bundle, on one thread."""

    def __init__(self, bundle: Bundle) -> None:
        """Load the graph.

        Args:
            bundle: The bundle.

        Raises:
            DataError: If ONNX Runtime cannot load the graph, or its inputs are not the record's.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; a warning about a fused node helps nobody
        try:
            session = onnxruntime.InferenceSession(
                bundle.graph, options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's errors share no other base
            raise DataError(f"model.onnx: cannot be loaded ({_one_line(error)})") from error
        self.record = bundle.record
        self.sha256 = bundle.sha256
        self._run = session.run
        # By type: the name is another one if a column is called "probabilities".
        self._outputs = [out.name for out in session.get_outputs() if out.type == "tensor(float)"]
        if len(self._outputs) != 1:
            raise DataError(f"model.onnx has the float outputs {self._outputs}, needed is one")
        expected = {entry.name for entry in bundle.record.inputs}
        found = {entry.name for entry in session.get_inputs()}
        if expected != found:
            raise DataError(
                f"model.onnx has the inputs {sorted(found)}, bundle.json says {sorted(expected)}"
            )

    def probabilities(self, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.float32]:
        """Run the graph.

        Args:
            columns: Per input an array of shape (n, 1), as `numeric_input` and
                `categorical_input` make them.

        Returns:
            Probability of the positive class of each row, shape (n,).
        """
        found = self._run(self._outputs, columns)[0]
        return np.asarray(found[:, 1])

    def label(self, probability: float) -> str:
        """Return the label of a probability.

        Args:
            probability: Of the positive class.
        """
        return self.record.classes[probability >= self.record.threshold]


class RowAnswerer:
    """Answers JSON rows of named features; for one thread at a time."""

    def __init__(self, engine: Engine, *, version: str, deployment: str) -> None:
        """Prepare a decoder that knows the features.

        Args:
            engine: Predicts.
            version: Version of the model, for the answers.
            deployment: Name of the deployment, for the answers.
        """
        self._engine, self._version, self._deployment = engine, version, deployment
        numeric = [entry for entry in engine.record.inputs if entry.kind == "numeric"]
        categorical = [entry for entry in engine.record.inputs if entry.kind == "categorical"]
        self._inputs = (*numeric, *categorical)
        self._kinds = {entry.name: entry.kind for entry in self._inputs}
        row = _row_type(self._inputs)
        rows = GenericAlias(list, (row,))  # list[row], of a class that exists only at run time
        self._decode = msgspec.json.Decoder(row | rows).decode
        self._encode = msgspec.json.Encoder().encode
        self._values: Callable[[Any], tuple[Any, ...]] = msgspec.structs.astuple
        self._clean = [numeric_cell] * len(numeric) + [categorical_cell] * len(categorical)
        # One row is written into the same arrays again and again: twelve new arrays would cost half
        # as much as the prediction.
        self._row = _buffers(self._inputs, 1)
        self._cells = tuple(self._row.values())

    def warm(self) -> None:
        """Answer a few rows of missing values, so that the first request is not a slow one."""
        for _ in range(WARM_UP_ROUNDS):
            self.answer(b"{}")

    def answer(self, body: bytes) -> bytes:
        """Answer one row, or a list of rows.

        Args:
            body: JSON object of features, or a list of such objects. A feature that is null or not
                there is missing.

        Returns:
            JSON of an `Answer`, or of a list of them in the same order.

        Raises:
            DataError: If the body is not that; the message says what is allowed.
        """
        try:
            found = self._decode(body)
        except UNREADABLE as error:
            raise DataError(self._explain(body, error)) from error
        if isinstance(found, list):
            if not 0 < len(found) <= MAX_ROWS:
                raise DataError(f"{len(found)} rows, allowed are 1 to {MAX_ROWS} in one request")
            rows = self._columns([self._values(row) for row in found])
            return self._encode([self._answer(p) for p in self._predict(rows)])
        for cell, clean, value in zip(self._cells, self._clean, self._values(found), strict=True):
            cell[0, 0] = clean(value)
        return self._encode(self._answer(self._predict(self._row)[0]))

    def _columns(self, rows: Sequence[tuple[Any, ...]]) -> dict[str, NDArray[Any]]:
        feeds = _buffers(self._inputs, len(rows))
        columns = zip(*rows, strict=True)
        for array, clean, column in zip(feeds.values(), self._clean, columns, strict=True):
            array[:, 0] = [clean(value) for value in column]
        return feeds

    def _predict(self, feeds: Mapping[str, NDArray[Any]]) -> list[float]:
        found: list[float] = self._engine.probabilities(feeds).tolist()
        return found

    def _answer(self, probability: float) -> Answer:
        label = self._engine.label(probability)
        return Answer(label, probability, self._version, self._deployment)

    def _explain(self, body: bytes, error: Exception) -> str:
        try:
            found = msgspec.json.decode(body)
        except UNREADABLE as unreadable:
            return f"the body is not JSON that can be read ({unreadable})"
        rows = found if isinstance(found, list) else [found]
        for row in rows:
            if not isinstance(row, dict):
                return f"a row is a JSON object of features, got {_shown(row)}"
            unknown = sorted(row.keys() - self._kinds.keys())
            if unknown:
                valid = [entry.name for entry in self._engine.record.inputs]
                return f"unknown features {unknown}; the features are {valid}"
            wrong = self._wrong_value(row)
            if wrong:
                return wrong
        return str(error)

    def _wrong_value(self, row: Mapping[str, object]) -> str:
        for name, value in row.items():
            if self._kinds[name] == "numeric":
                good = isinstance(value, int | float) and not isinstance(value, bool)
                allowed = "a number or null"
            else:
                good, allowed = isinstance(value, str), "a string or null"
            if not good and value is not None:
                return f"feature {name} is {_shown(value)}, allowed is {allowed}"
        return ""


def _buffers(inputs: Sequence[BundleInput], rows: int) -> dict[str, NDArray[Any]]:
    return {
        entry.name: np.empty((rows, 1), np.float32 if entry.kind == "numeric" else object)
        for entry in inputs
    }


def _row_type(inputs: Sequence[BundleInput]) -> Any:  # noqa: ANN401 - made here
    # Field names are made up and renamed, because a column may be called anything.
    names = {f"f{number}": entry.name for number, entry in enumerate(inputs)}
    kinds = [float | None if entry.kind == "numeric" else str | None for entry in inputs]
    return msgspec.defstruct(
        "Row",
        [(field, kind, None) for field, kind in zip(names, kinds, strict=True)],
        rename=names,
        forbid_unknown_fields=True,
        gc=False,
    )


def _shown(value: object) -> str:
    try:
        text = msgspec.json.encode(value).decode()
    except RecursionError:  # writing nests a little deeper than reading did
        return "nested too deeply to be shown"
    return text if len(text) <= 40 else f"{text[:40]}..."


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:200]
