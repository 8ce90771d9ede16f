"""The exact binomial test of a split."""

from math import ceil

from scipy.special import bdtr, bdtrc, bdtrik

from headgate.errors import ConfigError


def split_p_value(successes: int, trials: int, *, share: float) -> float:
    """Test exactly whether `successes` of `trials` agree with a share; both sides, by doubling.

    For one look at a finished split. Doubling the smaller tail is the test that inverts to the
    interval of Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404.

    Args:
        successes: Requests that reached the arm, 0 to `trials`.
        trials: All requests.
        share: Intended share of the arm, above 0 and below 1.

    Returns:
        p-value in [0, 1]; 1 without any trial.

    Raises:
        ConfigError: If the counts are not 0 <= successes <= trials.
    """
    if not 0 <= successes <= trials:
        raise ConfigError(f"successes must lie in 0..{trials} (the trials), got {successes}")
    if trials == 0:
        return 1.0
    at_most = float(bdtr(successes, trials, share))
    at_least = 1.0 if successes == 0 else float(bdtrc(successes - 1, trials, share))
    return min(1.0, 2 * min(at_most, at_least))


def binomial_quantile(level: float, *, n: int, share: float) -> int:
    """Return the smallest count whose cumulative probability is at least `level`.

    Args:
        level: Probability, in (0, 1).
        n: Number of trials, 1 or more.
        share: Probability of success, in (0, 1).

    Returns:
        The count, 0 to n.
    """
    count = ceil(float(bdtrik(level, n, share)))
    # The inverse is continuous: rounding it up may overshoot by one where it is all but an integer.
    below = max(count - 1, 0)
    return below if float(bdtr(below, n, share)) >= level else count
