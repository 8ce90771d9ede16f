"""Which part of the data a row belongs to, decided by a keyed hash of the row itself."""

from headgate.sampling.digests import row_digests
from headgate.sampling.identity import split_digest, split_identity
from headgate.sampling.parts import PARTS, assign_parts
from headgate.sampling.report import Part, PartReport, part_report

__all__ = [
    "PARTS",
    "Part",
    "PartReport",
    "assign_parts",
    "part_report",
    "row_digests",
    "split_digest",
    "split_identity",
]
