"""Which code and which packages made a result."""

import platform
import subprocess
from importlib import metadata

import pytest

from headgate.adapters.provenance import code_revision, package_versions


@pytest.fixture
def checkout(tmp_path):
    def git(*arguments):
        identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
        done = subprocess.run(
            ["git", "-C", tmp_path, *identity, *arguments],  # noqa: S607 - git as the user has it
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("1")
    git("add", ".")
    git("commit", "-qm", "one")
    return tmp_path, git("rev-parse", "--short=12", "HEAD")


def test_the_revision_is_the_commit(checkout):
    folder, commit = checkout
    assert code_revision(folder / "code") == commit


def test_changed_code_is_dirty(checkout):
    folder, commit = checkout
    (folder / "code" / "a.py").write_text("2")
    assert code_revision(folder / "code") == f"{commit}-dirty"


def test_a_folder_that_only_lies_in_a_checkout_has_no_revision(checkout):
    folder, _ = checkout
    (folder / "site-packages").mkdir()
    assert code_revision(folder / "site-packages") is None


def test_without_a_work_tree_there_is_no_revision(tmp_path):
    assert code_revision(tmp_path) is None


def test_versions_are_those_that_are_installed():
    versions = package_versions()
    assert versions["python"] == platform.python_version()
    assert versions["numpy"] == metadata.version("numpy")
