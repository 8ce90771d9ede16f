"""Print and keep figures in one form."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np


def machine() -> dict[str, object]:
    """Describe the machine that a figure was measured on."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "system": platform.platform(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(pages / 2**30, 1),
        "python": platform.python_version(),
    }


def summary(values: Sequence[float]) -> dict[str, float]:
    """Return the least, median, 95th percentile and largest of `values`, rounded to 4 digits."""
    return {
        "min": round(min(values), 4),
        "median": round(statistics.median(values), 4),
        "p95": round(float(np.quantile(values, 0.95)), 4),
        "max": round(max(values), 4),
    }


def print_table(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows under the union of their keys, in order of appearance."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    cells = [heads, *([str(row.get(head, "")) for head in heads] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(heads))]
    print(f"\n{title}")
    for line in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)))


def write(path: Path, record: Mapping[str, object]) -> None:
    """Write `record` as JSON; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
