"""Convert a fitted pipeline to one ONNX graph. Importing this module costs seconds."""

from collections.abc import Sequence
from typing import Any

from lightgbm import LGBMClassifier
from onnxmltools.convert.lightgbm.operator_converters.LightGbm import convert_lightgbm
from skl2onnx import to_onnx, update_registered_converter
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from skl2onnx.common.shape_calculator import calculate_linear_classifier_output_shapes

from headgate.errors import DataError
from headgate.training import FittedModel

# What the converters of trees write; a newer ai.onnx.ml has no converter for them yet.
OPSET = {"": 21, "ai.onnx.ml": 3}

update_registered_converter(
    LGBMClassifier,
    "LightGbmLGBMClassifier",
    calculate_linear_classifier_output_shapes,
    convert_lightgbm,
    options={"nocl": [True, False], "zipmap": [True, False, "columns"]},
)


def to_graph(model: FittedModel) -> bytes:
    """Convert a model.

    Args:
        model: A fitted model.

    Returns:
        The serialised graph: one [rows, 1] input per column under the column's name, float32 or
        string; the probabilities of both classes are its only float output, shape [rows, 2].

    Raises:
        DataError: If a part of the pipeline has no ONNX form.
    """
    types: list[tuple[str, Any]] = [
        *((name, FloatTensorType([None, 1])) for name in model.numeric),
        *((name, StringTensorType([None, 1])) for name in model.categorical),
    ]
    estimator = model.pipeline.named_steps["model"]
    try:
        graph = to_onnx(
            model.pipeline,
            name="headgate",
            initial_types=types,
            target_opset=OPSET,
            options={id(estimator): {"zipmap": False}},
        )
    except RuntimeError as error:  # what skl2onnx raises for whatever it cannot convert
        reason = " ".join(str(error).split())[:200]
        raise DataError(f"{model.family}: has no ONNX form ({reason})") from error
    _name_inputs(graph.graph, [*model.numeric, *model.categorical])
    _sort_opsets(graph)
    return bytes(graph.SerializeToString())


def _name_inputs(graph: Any, columns: Sequence[str]) -> None:  # noqa: ANN401 - onnx is untyped
    # skl2onnx turns "hours-per-week" into "hours_per_week", and "label", which its own output is
    # called, into "label1". The inputs get the columns' names back; what is in their way moves.
    names = dict(zip((entry.name for entry in graph.input), columns, strict=True))
    parts = [*graph.initializer, *graph.output]
    inner = {entry.name for entry in parts} | {out for node in graph.node for out in node.output}
    names.update({name: f"inner:{name}" for name in inner if name in columns})
    for entry in (*graph.input, *parts):
        entry.name = names.get(entry.name, entry.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _sort_opsets(graph: Any) -> None:  # noqa: ANN401 - onnx is untyped
    # The converter's order comes from a set: it differs between processes, and with it the bytes
    # and the checksum of the same model.
    opsets = sorted(graph.opset_import, key=lambda entry: entry.domain)
    del graph.opset_import[:]
    graph.opset_import.extend(opsets)
