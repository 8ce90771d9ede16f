"""One script per claim; `python -m benchmarks.run` runs them all and prints one table."""
