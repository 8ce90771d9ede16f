"""Whether a table keeps its contract, and what is in it."""

from headgate.quality.checks import CheckResult, QualityReport, check_table
from headgate.quality.contract import require_contract
from headgate.quality.profile import ColumnProfile, profile_table
from headgate.quality.typed import typed_table

__all__ = [
    "CheckResult",
    "ColumnProfile",
    "QualityReport",
    "check_table",
    "profile_table",
    "require_contract",
    "typed_table",
]
