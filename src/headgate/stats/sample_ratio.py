"""Does the proxy split the traffic as it was told? Asked at every look, without inflating errors.

A split that is off (sample-ratio mismatch) makes every comparison of the arms doubtful, so it has
its own verdict, INVALID, which is never mixed with good or bad evidence.
"""

from collections.abc import Sequence
from math import exp, fsum, lgamma, log

# One false alarm in a thousand rollouts: a split that is off shows itself within seconds anyway
# (the usual level of a sample-ratio check; Fabijan et al. 2019, doi:10.1145/3292500.3330722).
SAMPLE_RATIO_ALPHA = 0.001
# Weight of the prior in requests, centred at the intended share: 100 finds a 1 % share that is
# really 1.2 % about as fast as a one-look chi-square test would, and gross faults at once.
CONCENTRATION = 100.0


def split_log_e_value(canary: int, stable: int, *, canary_share: float) -> float:
    """Measure the evidence that the canary's share of the assignments is not the intended one.

    The Bayes factor of a Dirichlet prior around the intended share against exactly that share is an
    e-process under the null (Lindon & Malek 2022, arXiv:2011.03567); here with two arms.

    Args:
        canary: Requests that reached the canary, cumulative at this share, 0 or more.
        stable: Requests that reached the stable arm.
        canary_share: Intended share, above 0 and below 1.

    Returns:
        Natural logarithm of the e-value; 0 without any request.
    """
    a, b = CONCENTRATION * canary_share, CONCENTRATION * (1 - canary_share)
    marginal = (
        lgamma(a + canary)
        + lgamma(b + stable)
        - lgamma(a + b + canary + stable)
        - lgamma(a)
        - lgamma(b)
        + lgamma(a + b)
    )
    return marginal - canary * log(canary_share) - stable * log(1 - canary_share)


def rollout_log_e_value(log_e_values: Sequence[float], *, stages: int) -> float:
    """Combine the split's evidence of all stages into one e-process.

    The plain mean over the planned stages is an e-process too (a stage that has not begun counts as
    1), and unlike the product it lets no quiet stage hide a later fault.

    Args:
        log_e_values: Log e-values of the stages so far, at most `stages` of them.
        stages: Planned stages, at least 1.

    Returns:
        Log of the mean e-value.
    """
    logs = [*log_e_values, *([0.0] * (stages - len(log_e_values)))]
    top = max(logs)
    return top + log(fsum(exp(value - top) for value in logs) / stages)


def split_is_invalid(log_e: float, *, alpha: float = SAMPLE_RATIO_ALPHA) -> bool:
    """Decide whether the split is off.

    Args:
        log_e: From `rollout_log_e_value`.
        alpha: Probability of a false alarm over the whole rollout.

    Returns:
        True if it is: the rollout's evidence is INVALID.
    """
    return log_e >= -log(alpha)
