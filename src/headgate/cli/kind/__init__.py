"""A kind cluster with headgate on it: `python -m headgate.cli.kind up|down|kubeflow|status`."""
