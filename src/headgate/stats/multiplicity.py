"""Critical values for several comparisons at once."""

from headgate.errors import ConfigError
from headgate.stats.intervals import CONFIDENCE, critical_value


def simultaneous_critical_value(comparisons: int, *, confidence: float = CONFIDENCE) -> float:
    """Return the critical value that makes all of several two-sided intervals hold together.

    Sidak 1967 (doi:10.1080/01621459.1967.10482935): holds for two-sided normal intervals under any
    correlation, and is never wider than Bonferroni's.

    Args:
        comparisons: How many intervals, at least 1.
        confidence: Probability that all of them cover, in (0, 1).

    Raises:
        ConfigError: If `comparisons` is below 1 or `confidence` is outside (0, 1).
    """
    if comparisons < 1:
        raise ConfigError(f"comparisons is {comparisons}, at least 1 is needed")
    if not 0.0 < confidence < 1.0:
        raise ConfigError(f"confidence is {confidence}, it must be between 0 and 1")
    return critical_value(confidence ** (1 / comparisons))
