"""The exact binomial test of a split."""

import pytest
from scipy import stats

from headgate.errors import ConfigError
from headgate.stats.binomial import binomial_quantile, split_p_value


@pytest.mark.parametrize(
    ("successes", "trials", "share"),
    [(0, 40, 0.1), (40, 40, 0.9), (3, 40, 0.1), (260, 20_000, 0.01)],
)
def test_the_p_value_doubles_the_smaller_tail(successes, trials, share):
    law = stats.binom(trials, share)
    expected = min(1.0, 2 * min(law.cdf(successes), law.sf(successes - 1)))
    assert split_p_value(successes, trials, share=share) == pytest.approx(expected)


def test_an_even_share_agrees_with_scipy():
    expected = stats.binomtest(40, 100, 0.5).pvalue
    assert split_p_value(40, 100, share=0.5) == pytest.approx(expected)


def test_no_trial_is_no_evidence():
    assert split_p_value(0, 0, share=0.5) == 1.0


@pytest.mark.parametrize("successes", [-1, 11])
def test_impossible_counts_are_refused(successes):
    with pytest.raises(ConfigError, match=r"0\.\.10 .*got"):
        split_p_value(successes, 10, share=0.5)


@pytest.mark.parametrize("n", [1, 7, 100, 1000])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("level", [0.025, 0.25, 0.6, 0.975])
def test_a_quantile_agrees_with_scipy(n, share, level):
    assert binomial_quantile(level, n=n, share=share) == stats.binom.ppf(level, n, share)


def test_a_quantile_at_a_step_is_the_step_itself():
    level = float(stats.binom.cdf(3, 10, 0.5))
    assert binomial_quantile(level, n=10, share=0.5) == 3
