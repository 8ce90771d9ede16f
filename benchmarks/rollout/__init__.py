"""Canary rollouts: simulated, and live behind the local proxy."""
