"""Fail unless the demo ended as the README tells."""

import json
import re
import sys
from pathlib import Path

ELSEWHERE = r"""\s*["']?(?:https?:)?//"""
NETWORK = rf"<(?:script|link|img|iframe)\b[^>]*(?:src|href)\s*={ELSEWHERE}|url\({ELSEWHERE}|@import"
EXPECTED = {  # act: (promoted, verdict of the rollout, metric that failed)
    "act-1": (True, "PASS", None),
    "act-2": (True, "PASS", None),
    "act-3": (False, "FAIL", "errors"),
    "act-4": (False, "FAIL", "wrong_answers"),
}


def main(folder: Path) -> None:
    """Compare each act's decision with what the README says."""
    for act, (promoted, verdict, failed) in EXPECTED.items():
        decision = json.loads((folder / act / "decision.json").read_text())
        rollout = decision["rollout"]
        seen = [name for name, m in rollout["metrics"].items() if m["verdict"] == "FAIL"]
        good = decision["promoted"] is promoted and rollout["verdict"] == verdict
        if not good or (failed is not None and failed not in seen):
            sys.exit(f"{act}: expected {promoted=} {verdict=} {failed=}, got {decision['reason']}")
    html = (folder / "report.html").read_text()
    if found := re.search(NETWORK, html, flags=re.IGNORECASE):
        sys.exit(f"report.html is not self-contained: {found[0]}")
    sys.stdout.write("the four acts ended as told\n")


main(Path(sys.argv[1]))
