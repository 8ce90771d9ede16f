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
from dataclasses import replace
from pathlib import Path

import pytest
from tests.e2e.support import until

from headgate.adapters.problem_file import problem_text, read_problem

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
def root(tmp_path, context) -> Path:
    """The folder that every step sees: the table and the way into the cluster."""
    folder = tmp_path / "root"
    folder.mkdir()
    shutil.copy(EXAMPLES / "adult.parquet", folder)
    command = ["kubectl", "config", "view", "--minify", "--flatten", "--context", context]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    (folder / "kubeconfig").write_text(done.stdout)
    return folder


@pytest.mark.timeout(660)
def test_the_promotion_pipeline_runs_in_the_images_and_the_model_answers(
    root, tmp_path, cluster, registry_uri, load
) -> None:
    asked = read_problem(EXAMPLES / "adult.yaml")
    problem = replace(
        asked,
        name=cluster.model,
        data=replace(asked.data, path=str(root / "adult.parquet")),
        training=replace(asked.training, folds=2),
    )
    arguments = {
        "problem": problem_text(problem),
        "registry_uri": registry_uri,
        "as_of": "2026-01-01T00:00:00Z",
        "cluster_url": f"kubernetes://{cluster.namespace}",
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
    champion = cluster.registry.by_alias(cluster.model, "champion")
    assert champion is not None
    name = f"{cluster.model}-v{champion.version}"
    assert cluster.weights() == {name: 10_000}
    row = {"age": 45, "educational_num": 13, "hours_per_week": 50}
    traffic = load(cluster.host, rate=20, body=json.dumps(row).encode())
    until(lambda: traffic.by_deployment()[name] > 10, what="answers of the model")
