import hashlib
import json

import pytest

from headgate.adapters.bundles import (
    BundleInput,
    BundleRecord,
    bundle_sha256,
    read_bundle,
    write_bundle,
)
from headgate.errors import DataError

RECORD = BundleRecord(
    name="toy",
    classes=("no", "yes"),
    inputs=(BundleInput("age", "numeric"), BundleInput("town", "categorical")),
)


@pytest.fixture
def folder(tmp_path):
    write_bundle(tmp_path / "bundle", record=RECORD, graph=b"graph")
    return tmp_path / "bundle"


def test_a_bundle_is_read_as_it_was_written(folder):
    bundle = read_bundle(folder)
    assert (bundle.record, bundle.graph) == (RECORD, b"graph")


def test_a_bundle_is_two_plain_files(folder):
    assert sorted(file.name for file in folder.iterdir()) == ["bundle.json", "model.onnx"]
    assert json.loads((folder / "bundle.json").read_text()) == {
        "name": "toy",
        "classes": ["no", "yes"],
        "inputs": [
            {"name": "age", "kind": "numeric"},
            {"name": "town", "kind": "categorical"},
        ],
        "threshold": 0.5,
        "format": 1,
    }


def test_the_checksum_is_the_one_that_sha256sum_prints(folder):
    digests = [
        hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in ("bundle.json", "model.onnx")
    ]
    text = f"{digests[0]}  bundle.json\n{digests[1]}  model.onnx\n"
    assert bundle_sha256(folder) == hashlib.sha256(text.encode()).hexdigest()


def test_other_files_do_not_belong_to_the_bundle(folder):
    before = bundle_sha256(folder)
    (folder / "MLmodel").write_text("flavors: {}")
    assert bundle_sha256(folder) == before


@pytest.mark.parametrize("name", ["bundle.json", "model.onnx"])
def test_a_changed_byte_is_another_bundle(folder, name):
    before = bundle_sha256(folder)
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    with pytest.raises(DataError, match=rf"has sha256 \w+, expected is {before}"):
        read_bundle(folder, sha256=before)


def test_the_expected_checksum_may_be_in_capitals(folder):
    assert read_bundle(folder, sha256=bundle_sha256(folder).upper()).record == RECORD


@pytest.mark.parametrize("name", ["bundle.json", "model.onnx"])
def test_a_missing_file_is_named(folder, name):
    (folder / name).unlink()
    with pytest.raises(DataError, match=rf"{name}: cannot be read \(No such file"):
        bundle_sha256(folder)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, "format"),
        ({"inputs": [{"name": "age", "kind": "number"}]}, "kind"),
        ({"threshhold": 0.4}, "threshhold"),
        ({"classes": ["yes"]}, "classes"),
    ],
)
def test_a_record_that_is_not_one_is_refused(folder, change, message):
    record = json.loads((folder / "bundle.json").read_text())
    (folder / "bundle.json").write_text(json.dumps({**record, **change}))
    with pytest.raises(DataError, match=rf"bundle.json: .*{message}"):
        read_bundle(folder)
