from pathlib import Path

import numpy as np
import onnx
import pandas as pd
import pytest
from onnx import TensorProto, helper
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from headgate.adapters import onnx_export
from headgate.adapters.bundles import BundleInput, BundleRecord, read_bundle, write_bundle
from headgate.adapters.latency import measure_latency
from headgate.adapters.onnx_models import bundle_sha256, export_bundle, load_bundle
from headgate.errors import DataError, NoDataError
from headgate.training import FAMILIES, Examples, FittedModel, fit, input_frame

ADULT = Path(__file__).parents[3] / "examples" / "adult.parquet"
NUMBERS = ("age", "educational_num", "capital_gain", "capital_loss", "hours_per_week")
CATEGORIES = ("workclass", "marital_status", "occupation", "relationship", "native_country")
CLOSE = 1e-6  # float32 sums of 200 leaves; a wrong split moves a row by 1e-3 or more


def fitted(family, table, positive, *, numeric=NUMBERS, categorical=CATEGORIES):
    examples = Examples(
        frame=input_frame(table, numeric=numeric, categorical=categorical),
        positive=np.asarray(positive).astype(np.int64),
        weights=None,
        numeric=numeric,
        categorical=categorical,
    )
    return FittedModel(
        pipeline=fit(family, examples, seed=1),
        family=family,
        classes=("<=50K", ">50K"),
        numeric=numeric,
        categorical=categorical,
    )


@pytest.fixture(scope="module")
def adult():
    table = pd.read_parquet(ADULT).sample(12_000, random_state=1, ignore_index=True)
    texts = {
        name: table[name].astype(object).where(table[name] != "?", None) for name in CATEGORIES
    }
    return table.astype(dict.fromkeys(NUMBERS, float)).assign(**texts)


@pytest.fixture(scope="module", params=FAMILIES)
def both(request, adult, tmp_path_factory):
    """A model fitted on Adult, and its bundle."""
    model = fitted(request.param, adult.head(6000), adult["income"].head(6000) == ">50K")
    folder = tmp_path_factory.mktemp("bundle")
    checksum = export_bundle(model, folder, name="adult-income")
    return model, load_bundle(folder, sha256=checksum), folder


def unlike(both, rows):
    model, bundle, _ = both
    return np.abs(model.score(rows) - bundle.score(rows)).max()


def test_held_out_rows_get_the_same_answers(both, adult):
    assert unlike(both, adult.iloc[6000:]) < CLOSE


def test_categories_that_the_fit_never_saw_get_the_same_answers(both, adult):
    assert unlike(both, adult.head(500).assign(occupation="Astronaut", workclass="")) < CLOSE


def test_rows_without_any_value_get_the_same_answers(both, adult):
    rows = adult.head(3).assign(**dict.fromkeys(NUMBERS, np.nan), **dict.fromkeys(CATEGORIES))
    assert unlike(both, rows) < CLOSE


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e300, 3e38, 1e30, -1e30, -5.5, 1e-40])
def test_extreme_numbers_get_the_same_answers(both, adult, value):
    assert unlike(both, adult.head(200).assign(age=value, capital_gain=value)) < CLOSE


def test_the_bundle_names_classes_inputs_and_model(both):
    _, bundle, folder = both
    record = read_bundle(folder).record
    assert bundle.classes == record.classes == ("<=50K", ">50K")
    assert record.name == "adult-income"
    assert [entry.name for entry in record.inputs] == [*NUMBERS, *CATEGORIES]


def test_exporting_again_gives_the_same_bytes(both, tmp_path):
    model, _, folder = both
    assert export_bundle(model, tmp_path / "again", name="adult-income") == bundle_sha256(folder)


def test_a_graph_s_opsets_are_sorted_by_domain(both, tmp_path, monkeypatch):
    convert = onnx_export.to_onnx

    def the_other_way_round(*given, **options):
        graph = convert(*given, **options)
        opsets = sorted(graph.opset_import, key=lambda entry: entry.domain, reverse=True)
        del graph.opset_import[:]
        graph.opset_import.extend(opsets)
        return graph

    monkeypatch.setattr(onnx_export, "to_onnx", the_other_way_round)
    model, _, folder = both
    assert export_bundle(model, tmp_path / "again", name="adult-income") == bundle_sha256(folder)
    domains = [entry.domain for entry in onnx.load(str(folder / "model.onnx")).opset_import]
    assert domains == sorted(domains)
    assert len(domains) > 1


def test_no_rows_have_no_scores(both, adult):
    assert both[1].score(adult.head(0)).shape == (0,)


def test_a_missing_feature_is_refused(both, adult):
    with pytest.raises(DataError, match=r"features \['age'\] are not in the table"):
        both[1].score(adult.drop(columns="age"))


@pytest.mark.parametrize("family", FAMILIES)
def test_continuous_numbers_around_zero_with_gaps_get_the_same_answers(family, tmp_path):
    # Thresholds between float32 neighbours, zero inside the range, NaN that the fit never saw.
    random = np.random.default_rng(3)
    table = pd.DataFrame({"x": random.normal(size=3000), "y": random.normal(1e9, 1, 3000)})
    positive = table["x"] + (table["y"] - 1e9) + random.normal(size=3000) > 0
    model = fitted(family, table, positive, numeric=("x", "y"), categorical=())
    export_bundle(model, tmp_path, name="toy")
    rows = pd.concat([table, table.head(50).assign(x=np.nan), table.head(50).assign(x=0.0)])
    both = (model, load_bundle(tmp_path), tmp_path)
    assert unlike(both, rows) < CLOSE


@pytest.mark.parametrize("family", FAMILIES)
def test_columns_may_be_called_like_the_graph_s_own_parts(family, adult, tmp_path):
    names = {"age": "probabilities", "hours_per_week": "label", "workclass": "a b"}
    rows = adult.head(2000).rename(columns=names).assign(**{"a-b": adult["occupation"]})
    model = fitted(
        family,
        rows,
        rows["income"] == ">50K",
        numeric=("probabilities", "label"),
        categorical=("a b", "a-b"),
    )
    export_bundle(model, tmp_path, name="toy")
    assert unlike((model, load_bundle(tmp_path), tmp_path), rows) < CLOSE


def test_a_pipeline_without_an_onnx_form_is_refused(adult, tmp_path):
    steps = [("columns", FunctionTransformer(abs)), ("model", RandomForestClassifier(2))]
    model = FittedModel(
        pipeline=Pipeline(steps).fit(adult[["age"]], adult["income"] == ">50K"),
        family="forest",
        classes=("<=50K", ">50K"),
        numeric=("age",),
        categorical=(),
    )
    with pytest.raises(DataError, match="forest: has no ONNX form"):
        export_bundle(model, tmp_path, name="toy")


def test_a_broken_graph_is_refused(tmp_path):
    record = BundleRecord(name="toy", classes=("no", "yes"), inputs=(BundleInput("x", "numeric"),))
    write_bundle(tmp_path, record=record, graph=b"not a graph")
    with pytest.raises(DataError, match=r"model\.onnx: cannot be loaded"):
        load_bundle(tmp_path)


def graph_of(outputs):
    node = helper.make_node("Concat", ["x", "x"], ["p"], axis=1)
    other = helper.make_node("Identity", ["p"], ["q"])
    tensors = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in outputs
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 1])
    graph = helper.make_graph([node, other], "toy", [x], tensors)
    opset = [helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opset, ir_version=9).SerializeToString()


@pytest.mark.parametrize(
    ("input_name", "outputs", "message"),
    [
        ("x", ["p", "q"], r"float outputs \['p', 'q'\], needed is one"),
        ("z", ["p"], r"has the inputs \['x'\], bundle.json says \['z'\]"),
    ],
)
def test_a_graph_that_does_not_fit_its_record_is_refused(tmp_path, input_name, outputs, message):
    record = BundleRecord(
        name="toy", classes=("no", "yes"), inputs=(BundleInput(input_name, "numeric"),)
    )
    write_bundle(tmp_path, record=record, graph=graph_of(outputs))
    with pytest.raises(DataError, match=message):
        load_bundle(tmp_path)


def test_latency_is_measured_on_the_rows_again_and_again(tiny_bundle):
    rows = pd.DataFrame({"age": [1.0, np.nan], "gender": ["f", None], "other": [1, 2]})
    seconds = iter(np.cumsum(np.tile([0.0, 0.002], 100)))
    found = measure_latency(tiny_bundle, rows, requests=100, timer=lambda: float(next(seconds)))
    assert found.requests == 100
    assert found.p50 == pytest.approx(2.0)
    assert found.p95.value == pytest.approx(2.0)


def test_without_a_timer_a_real_clock_measures(tiny_bundle):
    rows = pd.DataFrame({"age": [1.0], "gender": ["f"]})
    found = measure_latency(read_bundle(tiny_bundle), rows, requests=50)
    assert 0 < found.p50 <= found.p95.value


def test_without_rows_there_is_no_latency(tiny_bundle):
    with pytest.raises(NoDataError, match="no rows"):
        measure_latency(tiny_bundle, pd.DataFrame({"age": [], "gender": []}))
