"""Look at a machine and a cluster, say what is missing or wrong, and what to type about it.

A check looks and never changes anything. It returns findings; it raises only what the cluster
raises, and `diagnose` turns that into findings as well.
"""

from headgate.adapters.diagnosis.checkup import diagnose
from headgate.adapters.diagnosis.finding import Finding, Group, State
from headgate.adapters.diagnosis.site import Site, open_site

__all__ = ["Finding", "Group", "Site", "State", "diagnose", "open_site"]
