"""Say which code and which packages made a result."""

import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

# What can change a number, a verdict or a served answer; the whole environment is in the lock file.
RECORDED = (
    "headgate",
    "kfp",
    "lightgbm",
    "mlflow-skinny",
    "numpy",
    "onnx",
    "onnxruntime",
    "pandas",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skl2onnx",
)


def package_versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that can change a result."""
    versions = {"python": platform.python_version()}
    for name in RECORDED:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # an image holds only what its components need
    return versions


def code_revision(folder: Path) -> str | None:
    """Return the git commit of `folder` (with `-dirty` if files differ from it).

    Args:
        folder: Any folder of a work tree.

    Returns:
        Commit and state, or None where there is no git or no work tree.
    """
    git = shutil.which("git")
    if git is None:
        return None
    done = subprocess.run(  # noqa: S603 - the command is fixed
        [git, "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=12", "--match="],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return done.stdout.strip() or None if done.returncode == 0 else None
