"""Whole numbers in given proportions, by the method of largest remainders. Pure."""

from collections.abc import Mapping, Sequence


def parts(weights: Sequence[int], total: int) -> list[int]:
    """Divide a total in the proportion of weights.

    Args:
        weights: 0 or more each.
        total: What shall be divided.

    Returns:
        One part per weight; they sum to `total`, a weight of 0 gets 0. All 0 if all weights are.
    """
    whole = sum(weights)
    if whole in {0, total}:
        return list(weights)
    found = [weight * total // whole for weight in weights]
    left = total - sum(found)
    by_remainder = sorted(range(len(weights)), key=lambda i: -(weights[i] * total % whole))
    for index in by_remainder[:left]:
        found[index] += 1
    return found


def split(weights: Mapping[str, int], total: int) -> dict[str, int]:
    """Divide a total among names.

    Args:
        weights: Weight of each name, 0 or more.
        total: What shall be divided.

    Returns:
        Part of each name, as `parts` makes them.
    """
    return dict(zip(weights, parts(list(weights.values()), total), strict=True))
