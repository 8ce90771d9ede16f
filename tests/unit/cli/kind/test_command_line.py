import os
import subprocess
import sys


def kind_tool(*arguments, **environment):
    return subprocess.run(
        [sys.executable, "-m", "headgate.cli.kind", *arguments],
        env={**os.environ, "NO_COLOR": "1", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_help_names_the_commands_and_the_variables_that_steer_them():
    done = kind_tool("--help")
    assert done.returncode == 0
    for word in ("check", "up", "down", "kubeflow", "experimental", "status", "KIND_HTTP_PORT"):
        assert word in done.stdout


def test_a_choice_that_cannot_work_ends_with_one_line_and_exit_code_2():
    done = kind_tool("up", KIND_HTTP_PORT="http")
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith("headgate: ConfigError: KIND_HTTP_PORT is 'http'")
