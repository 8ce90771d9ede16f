"""The wheel holds everything that the tree holds."""

import fnmatch
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
TABLE = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
OF_THE_TREE_ONLY = {"ruff.toml", "README.md"}


def test_pyproject_lists_every_package() -> None:
    found = {
        ".".join((name, *init.parent.relative_to(ROOT / folder).parts))
        for name, folder in TABLE["package-dir"].items()
        for init in (ROOT / folder).rglob("__init__.py")
    }
    assert set(TABLE["packages"]) == found


def test_every_module_lies_in_a_package() -> None:
    stray = [
        str(path.relative_to(ROOT))
        for folder in TABLE["package-dir"].values()
        for path in (ROOT / folder).rglob("*.py")
        if not (path.parent / "__init__.py").is_file()
    ]
    assert stray == []


def test_every_data_file_matches_the_package_data() -> None:
    patterns = TABLE["package-data"]["*"]
    left_out = [
        str(path.relative_to(ROOT))
        for folder in TABLE["package-dir"].values()
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
        and path.suffix not in {".py", ".pyc"}
        and not {part for part in path.relative_to(ROOT).parts if part.startswith(".")}
        and path.name not in OF_THE_TREE_ONLY
        and not any(fnmatch.fnmatch(path.name, pattern) for pattern in patterns)
    ]
    assert left_out == []
