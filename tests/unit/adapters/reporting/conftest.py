"""Reports of four runs: a first model, a promotion, and two roll-backs.

The models were measured on the Adult census;
the rollouts are simulated requests, with real e-values.
"""

import copy
import json
from pathlib import Path

import pytest

from headgate.adapters.reporting import RunRecord

FIXTURES = Path(__file__).parent / "fixtures"
ACTS = {
    path.name: {file.stem: json.loads(file.read_text()) for file in sorted(path.glob("*.json"))}
    for path in sorted(FIXTURES.iterdir())
}


@pytest.fixture
def acts():
    """All reports by act and name; a test may change them."""
    return copy.deepcopy(ACTS)


@pytest.fixture
def records(acts):
    return [RunRecord(title=act["decision"]["title"], **act) for act in acts.values()]
