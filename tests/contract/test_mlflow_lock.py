"""The registry's server is locked in step with the client that everything else uses."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
IMAGE = ROOT / "images" / "mlflow"


def locked(file: Path) -> dict[str, str]:
    return dict(re.findall(r"^([a-z0-9-]+)==([^ ;]+)", file.read_text("utf-8"), re.MULTILINE))


def test_server_and_client_have_the_same_version() -> None:
    client = locked(ROOT / "requirements" / "local.txt")["mlflow-skinny"]
    assert locked(IMAGE / "requirements.txt")["mlflow"] == client


def test_what_the_server_does_not_use_is_left_out() -> None:
    lines = (IMAGE / "excludes.in").read_text("utf-8").splitlines()
    excluded = {line for line in lines if not line.startswith("#")}
    assert excluded
    assert not excluded & locked(IMAGE / "requirements.txt").keys()


def test_every_package_is_checked_by_hash_and_comes_from_no_fixed_index() -> None:
    text = (IMAGE / "requirements.txt").read_text("utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
