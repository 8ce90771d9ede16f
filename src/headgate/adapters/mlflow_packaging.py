"""Turn a bundle into a folder that is both: an MLflow model of flavour `onnx`, and the bundle.

Importing this module costs seconds.
"""

import shutil
from importlib import metadata
from pathlib import Path
from typing import Any

import mlflow.onnx
import numpy as np
import onnx
from mlflow.models import Model, ModelSignature
from mlflow.types import ColSpec, Schema, TensorSpec

from headgate.adapters.bundles import FILES, BundleInput, read_bundle

# What a process needs to answer from the model; given, because MLflow's own search takes seconds.
REQUIREMENTS = ("numpy", "onnxruntime", "pandas")
# The graph is meant for one thread of a CPU (the predictor); MLflow's default asks for CUDA.
PROVIDERS = ("CPUExecutionProvider",)


def package_model(bundle: Path, folder: Path, *, model_id: str, run_id: str) -> None:
    """Write the MLflow model; the bundle's own files are copied byte for byte.

    The input example is made up (zeros and missing texts): rows of people do not belong in a
    registry.

    Args:
        bundle: Folder of the bundle.
        folder: Folder to make.
        model_id: Id of the logged model.
        run_id: Id of its run.
    """
    found = read_bundle(bundle)
    graph = onnx.load_from_string(found.graph)
    # Of MLflow's three forms of input only named tensors reach a graph with [rows, 1] inputs.
    example = {
        entry.name: np.array([[0.0]], dtype=np.float32) if _is_number(entry) else np.array([[""]])
        for entry in found.record.inputs
    }
    mlflow.onnx.save_model(
        graph,
        str(folder),
        mlflow_model=Model(model_id=model_id, run_id=run_id),
        signature=ModelSignature(
            inputs=Schema([_spec(name, one.dtype, (-1, 1)) for name, one in example.items()]),
            outputs=Schema(_outputs(graph)),
        ),
        input_example=example,
        pip_requirements=[f"{name}=={metadata.version(name)}" for name in REQUIREMENTS],
        onnx_execution_providers=list(PROVIDERS),
        save_as_external_data=False,
    )
    for name in FILES:  # the checksum is of these very bytes, MLflow writes the graph anew
        shutil.copyfile(bundle / name, folder / name)


def _is_number(entry: BundleInput) -> bool:
    return entry.kind == "numeric"


def _outputs(graph: onnx.ModelProto) -> list[ColSpec | TensorSpec]:
    specs: list[ColSpec | TensorSpec] = []
    for output in graph.graph.output:
        tensor = output.type.tensor_type
        kind = np.dtype(onnx.helper.tensor_dtype_to_np_dtype(tensor.elem_type))
        specs.append(
            _spec(output.name, kind, tuple(dim.dim_value or -1 for dim in tensor.shape.dim))
        )
    return specs


def _spec(name: str, kind: np.dtype[Any], shape: tuple[int, ...]) -> TensorSpec:
    # NumPy's text types carry a width or are objects; MLflow knows text without either.
    return TensorSpec(np.dtype(str) if kind.kind in "OU" else kind, shape, name)
