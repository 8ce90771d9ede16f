"""Take a model from a table of data to guarded traffic, and back out when it misbehaves."""

__version__ = "0.1.0.dev0"
__all__ = ["__version__"]
