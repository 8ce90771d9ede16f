import json

import pytest
from kfp import dsl

from headgate.adapters.mlflow_registry import MlflowRegistry
from headgate.errors import BackendError
from headgate_components.deployment.deploy_model.component import deploy_model
from headgate_components.deployment.shift_traffic.component import shift_traffic

pytestmark = pytest.mark.live


@pytest.fixture
def deployed(registered, arguments):
    """A first version that is ready and has no traffic yet."""
    version = registered(0.1).version
    name = deploy_model.python_func(version=version, **arguments)
    return {"deployment": name, "version": version, **arguments}


def test_a_first_version_gets_all_traffic_and_becomes_the_champion(
    deployed, cluster, registry_uri, tmp_path
) -> None:
    path = tmp_path / "out" / "rollout"
    verdict = shift_traffic.python_func(**deployed, rollout=dsl.Artifact(uri=str(path)))
    assert verdict == "PASS"
    record = json.loads(path.read_text())
    assert (record["verdict"], record["phase"], record["stable"]) == ("PASS", "PROMOTED", None)
    assert cluster.read().weight(deployed["deployment"]) == 10_000
    registry = MlflowRegistry(registry_uri)
    assert registry.by_alias("adult", "champion").version == deployed["version"]
    assert registry.by_alias("adult", "candidate") is None


def test_the_record_is_written_although_the_alias_cannot_be_moved(
    deployed, cluster, tmp_path
) -> None:
    path, nowhere = tmp_path / "rollout", f"sqlite:///{tmp_path / 'nowhere' / 'mlflow.db'}"
    asked = {**deployed, "registry_uri": nowhere}
    with pytest.raises(BackendError, match="create_store"):
        shift_traffic.python_func(**asked, rollout=dsl.Artifact(uri=str(path)))
    assert json.loads(path.read_text())["phase"] == "PROMOTED"
    assert cluster.read().weight(deployed["deployment"]) == 10_000


def test_a_place_that_does_not_answer_fails_the_step_as_retryable(deployed, tmp_path) -> None:
    gone = {**deployed, "cluster_url": "http://127.0.0.1:9"}
    with pytest.raises(BackendError, match="does not answer") as caught:
        shift_traffic.python_func(**gone, rollout=dsl.Artifact(uri=str(tmp_path / "rollout")))
    assert caught.value.retryable
    assert not (tmp_path / "rollout").exists()
