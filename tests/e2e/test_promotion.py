"""The whole promotion pipeline in the real images, deployed to the cluster.

`kfp.local.DockerRunner` needs two settings. `network_mode="host"`: the API server and the registry
of a kind cluster are ports of this machine. `user`: the runner binds its folder from this machine,
so the steps must be whoever owns it; in a cluster they are 65532.
"""

import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from headgate.adapters.kubernetes.api import HTTP_ROUTE
from headgate.adapters.problem_file import problem_text, read_problem
from tests.e2e.support import until

EXAMPLES = Path(__file__).parents[2] / "examples"
# A process of its own: kfp.local keeps its settings in a global.
PROGRAM = """
import json, sys
from kfp import local
from headgate_pipelines.promotion.pipeline import promotion
given = json.load(open(sys.argv[1]))
local.init(
    local.DockerRunner(
        network_mode="host",
        user=given["user"],
        read_only=True,
        tmpfs={"/tmp": "rw,mode=1777"},
        environment={"KUBECONFIG": given["kubeconfig"]},
    ),
    pipeline_root=given["root"],
    workspace_root=given["workspace"],
    raise_on_error=True,
)
print("OUTPUT", promotion(**given["arguments"]).output)
"""


@pytest.fixture
def model(api, namespace, kubectl):
    name = f"adult-{uuid.uuid4().hex[:6]}"
    yield name
    api.delete(HTTP_ROUTE, name, namespace=namespace)
    kubectl(
        *("delete", "deployments,services,poddisruptionbudgets,horizontalpodautoscalers"),
        *("-n", namespace, "-l", f"headgate.dev/model={name}", "--wait=false"),
    )


@pytest.fixture
def root(tmp_path, context) -> Path:
    """The folder that every step sees: the table and the way into the cluster."""
    folder = tmp_path / "root"
    folder.mkdir()
    shutil.copy(EXAMPLES / "adult.parquet", folder)
    command = ["kubectl", "config", "view", "--minify", "--flatten", "--context", context]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (folder / "kubeconfig").write_text(done.stdout)
    return folder


def test_the_promotion_pipeline_runs_in_the_images_and_the_model_answers(
    root, tmp_path, model, api, namespace, registry, registry_uri, load
) -> None:
    asked = read_problem(EXAMPLES / "adult.yaml")
    problem = replace(
        asked,
        name=model,
        data=replace(asked.data, path=str(root / "adult.parquet")),
        training=replace(asked.training, folds=2),
    )
    arguments = {
        "problem": problem_text(problem),
        "registry_uri": registry_uri,
        "as_of": "2026-01-01T00:00:00Z",
        "cluster_url": f"kubernetes://{namespace}",
    }
    given = {
        "user": f"{os.getuid()}:{os.getgid()}",
        "kubeconfig": str(root / "kubeconfig"),
        "root": str(root),
        "workspace": str(tmp_path / "workspace"),
        "arguments": arguments,
    }
    (tmp_path / "given.json").write_text(json.dumps(given))

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path / "given.json")],
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )

    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]
    assert "OUTPUT PASS" in done.stdout, done.stdout[-3000:]
    champion = registry.by_alias(model, "champion")
    assert champion is not None
    route = api.get(HTTP_ROUTE, model, namespace=namespace)
    (ref,) = route["spec"]["rules"][0]["backendRefs"]
    assert (ref["name"], ref["weight"]) == (f"{model}-v{champion.version}", 10_000)
    row = {"age": 45, "educational_num": 13, "hours_per_week": 50}
    traffic = load(f"{model}.localhost", rate=20, body=json.dumps(row).encode())
    until(lambda: traffic.by_deployment()[ref["name"]] > 10, what="answers of the model")
