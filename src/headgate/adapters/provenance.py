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
    """Return the git commit of the code in `folder` (with `-dirty` if tracked files differ).

    Args:
        folder: A folder of the code.

    Returns:
        Commit and state, or None where there is no git, no work tree, or where the folder only lies
        in one without being part of it, as an environment in somebody's checkout does.
    """
    if not _git(folder, "ls-files", "--", "."):
        return None
    return _git(folder, "describe", "--always", "--dirty", "--abbrev=12", "--match=") or None


def _git(folder: Path, *arguments: str) -> str:
    git = shutil.which("git")
    if git is None:
        return ""
    done = subprocess.run(  # noqa: S603 - the arguments are our own
        [git, "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    return done.stdout.strip() if done.returncode == 0 else ""
