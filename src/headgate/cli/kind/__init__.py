"""A kind cluster with headgate on it; see `python -m headgate.cli.kind --help`."""
