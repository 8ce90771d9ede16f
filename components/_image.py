"""The one place that names the runtime image."""

from headgate import __version__

RUNTIME_IMAGE = f"localhost:5001/headgate-python:{__version__}"
