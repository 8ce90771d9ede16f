"""The command line against a small API server, by way of a kubeconfig."""

from pathlib import Path

import yaml
from typer.testing import CliRunner, Result

from headgate.cli.main import app

CONTEXT = "kind-headgate"


def kubeconfig(folder: Path, server: str) -> Path:
    """Write a kubeconfig with one context."""
    path = folder / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": CONTEXT,
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "secret"}}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(yaml.safe_dump(config))
    return path


def run(*arguments: str) -> Result:
    """Run `headgate ...` in this process."""
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)
