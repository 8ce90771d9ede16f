"""Train a binary classifier: model families, cross-validation, the best one on all rows.

What is heavy (scikit-learn, LightGBM, pandas) is imported when something is fitted: the predictor
uses the rules of `inputs` and has nothing of that.
"""

from headgate.training.cross_validation import (
    MAJORITY_CLASS,
    Examples,
    corrected_standard_error,
    cross_validate,
    fit,
    measure,
)
from headgate.training.families import FAMILIES
from headgate.training.inputs import (
    MISSING_CATEGORY,
    categorical_cell,
    categorical_input,
    model_inputs,
    numeric_cell,
    numeric_input,
)
from headgate.training.model import Contender, FittedModel, TrainedModel, input_frame
from headgate.training.train import train

__all__ = [
    "FAMILIES",
    "MAJORITY_CLASS",
    "MISSING_CATEGORY",
    "Contender",
    "Examples",
    "FittedModel",
    "TrainedModel",
    "categorical_cell",
    "categorical_input",
    "corrected_standard_error",
    "cross_validate",
    "fit",
    "input_frame",
    "measure",
    "model_inputs",
    "numeric_cell",
    "numeric_input",
    "train",
]
