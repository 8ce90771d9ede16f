"""Planning numbers, checked by simulation of the test they describe."""

from math import log

import numpy as np
import pytest

from headgate.stats.sequential import (
    ALTERNATIVES,
    Counts,
    Direction,
    floor_increment,
    log_e_value,
    ratio_increment,
)
from headgate.stats.sequential_power import (
    MOST_EXPOSURES,
    Comparison,
    detection_probability,
    expected_good_sums,
    exposures_to_detect,
    exposures_to_exclude,
    smallest_detectable_rate,
)

LOG_THRESHOLD = log(60)


def comparison(**changes):
    settings = {
        "canary_share": 0.1,
        "stable_rate": 0.01,
        "ratio": 1.0,
        "log_threshold": LOG_THRESHOLD,
    }
    return Comparison(**{**settings, **changes})


def simulated_power(which, *, exposures, canary_rate, looks, runs=800, seed=3):
    """Share the runs that cross within `exposures`, looked at `looks` times."""
    random = np.random.default_rng(seed)
    up, floor = np.zeros((runs, 40)), np.zeros((runs, 40))
    crossed = np.zeros(runs, dtype=bool)
    edges = np.linspace(0, exposures, looks + 1).round().astype(int)
    for n_c in np.diff(edges).tolist():
        n_s = round(n_c * (1 - which.canary_share) / which.canary_share)
        x_c = random.binomial(n_c, canary_rate, runs)
        x_s = random.binomial(n_s, which.stable_rate, runs)
        counts = Counts(n_c, x_c, n_s, x_s)
        up += ratio_increment(counts, ratio=which.ratio, direction=Direction.UP)
        log_e = log_e_value(up)
        if which.floor is not None:
            floor += floor_increment(counts, floor=which.floor, direction=Direction.UP)
            log_e = np.minimum(log_e, log_e_value(floor))
        crossed |= log_e >= which.log_threshold
    return crossed.mean()


@pytest.mark.parametrize(
    ("which", "rate"),
    [
        (comparison(canary_share=0.01), 0.27),
        (comparison(canary_share=0.1), 0.09),
        (comparison(canary_share=0.5), 0.03),
        (comparison(canary_share=0.01, stable_rate=0.15), 0.5),
        (comparison(canary_share=0.5, stable_rate=0.15), 0.225),
        (comparison(canary_share=0.1, floor=0.01), 0.06),
    ],
)
def test_the_planned_exposures_detect_with_the_promised_power(which, rate):
    exposures = exposures_to_detect(which, canary_rate=rate)
    at_the_end = simulated_power(which, exposures=exposures, canary_rate=rate, looks=1)
    looked_at_often = simulated_power(which, exposures=exposures, canary_rate=rate, looks=10)
    assert at_the_end == pytest.approx(0.8, abs=0.07)
    assert 0.77 <= looked_at_often <= 0.95


def test_the_smallest_detectable_rate_inverts_the_exposures():
    which = comparison(floor=0.002)
    exposures = exposures_to_detect(which, canary_rate=0.05)
    assert smallest_detectable_rate(which, exposures=exposures) == pytest.approx(0.05, rel=0.03)


@pytest.mark.parametrize("exposures", [0, 1])
def test_too_few_exposures_see_nothing(exposures):
    assert smallest_detectable_rate(comparison(), exposures=exposures) is None


def test_an_equal_rate_is_hardly_detected():
    assert detection_probability(comparison(), exposures=300, canary_rate=0.01) < 0.05


def test_a_better_canary_is_never_detected():
    assert exposures_to_detect(comparison(), canary_rate=0.001) == MOST_EXPOSURES


def test_a_champion_without_any_bad_event_can_be_compared_with():
    assert exposures_to_detect(comparison(stable_rate=0.0, floor=0.002), canary_rate=0.2) < 60


def test_expected_sums_are_the_increments_of_the_expected_counts():
    which = comparison(canary_share=0.5, ratio=2.0)
    ratio, floor = expected_good_sums(which, floor=0.002, canary_rate=0.01, exposures=1000)
    counts = Counts(1000, 10, 1000, 10)
    down = Direction.DOWN
    assert np.allclose(ratio, ratio_increment(counts, ratio=2.0, direction=down))
    assert np.allclose(floor, floor_increment(counts, floor=0.002, direction=down))


def test_the_exposures_to_pass_agree_with_a_simulation():
    which = comparison(canary_share=0.5, ratio=2.0)
    nothing = np.zeros((2, ALTERNATIVES.size))
    planned = exposures_to_exclude(which, floor=0.002, canary_rate=0.01, head_start=nothing)
    random = np.random.default_rng(8)
    runs, step, at = 300, 100, []
    ratio, floor = np.zeros((runs, 40)), np.zeros((runs, 40))
    open_runs = np.ones(runs, dtype=bool)
    for look in range(1, 200):
        counts = Counts(
            step, random.binomial(step, 0.01, runs), step, random.binomial(step, 0.01, runs)
        )
        ratio += ratio_increment(counts, ratio=2.0, direction=Direction.DOWN)
        floor += floor_increment(counts, floor=0.002, direction=Direction.DOWN)
        mean = (np.exp(log_e_value(ratio)) + np.exp(log_e_value(floor))) / 2
        crossed = open_runs & (mean >= 60)
        at += [look * step] * int(crossed.sum())
        open_runs &= ~crossed
    at += [200 * step] * int(open_runs.sum())
    assert planned == pytest.approx(np.median(at), rel=0.2)


def test_a_canary_at_the_limit_never_passes():
    nothing = np.zeros((2, ALTERNATIVES.size))
    which = comparison(ratio=2.0)
    assert (
        exposures_to_exclude(which, floor=0.002, canary_rate=0.02, head_start=nothing)
        == MOST_EXPOSURES
    )
