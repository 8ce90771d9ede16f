"""Logistic regression on imputed, scaled numbers and one-hot categories."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

# The solver needs tens of iterations; reaching 1000 means that something is wrong with the data.
MAX_ITERATIONS = 1000


def logistic_regression(
    numeric: tuple[str, ...], categorical: tuple[str, ...], seed: int
) -> "Pipeline":
    """Return an unfitted logistic regression with its own preparation of the columns.

    Numbers: the median where missing, then scaled to mean 0 and variance 1. Categories: one column
    each, missing is a category of its own, a category that the fit never saw is all zeros.

    Args:
        numeric: Numeric columns; NaN is missing.
        categorical: Categorical columns; `""` is missing.
        seed: Kept in the model; this solver has nothing random.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    # keep_empty_features: a column that is missing in a whole fold would vanish otherwise
    fill = SimpleImputer(strategy="median", keep_empty_features=True)
    numbers = Pipeline([("fill", fill), ("scale", StandardScaler())])
    columns = ColumnTransformer(
        [
            *([("numeric", numbers, list(numeric))] if numeric else []),
            *(
                [("categorical", OneHotEncoder(handle_unknown="ignore"), list(categorical))]
                if categorical
                else []
            ),
        ]
    )
    model = LogisticRegression(max_iter=MAX_ITERATIONS, random_state=seed)
    return Pipeline([("columns", columns), ("model", model)])
