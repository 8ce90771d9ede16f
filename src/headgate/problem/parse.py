"""Turn the mapping of a problem file into a validated `Problem`."""

from collections.abc import Mapping

from headgate.problem.keys import PROBLEM
from headgate.problem.sections import Problem
from headgate.problem.validate import validate_problem


def problem_from_mapping(mapping: Mapping[str, object]) -> Problem:
    """Return the problem that a mapping (of YAML or JSON) describes.

    Args:
        mapping: The whole file. Whole numbers may arrive as floats; labels may be unquoted numbers.

    Returns:
        The problem, valid in itself; whether the table has its columns is only seen on reading.

    Raises:
        ConfigError: At the first key that is unknown, missing or wrong: one line with the dotted
            key, the value seen and what is needed.
    """
    problem = PROBLEM.read(mapping, "")
    validate_problem(problem)
    return problem
