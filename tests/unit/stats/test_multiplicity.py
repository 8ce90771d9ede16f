import pytest
from scipy.stats import norm

from headgate.errors import ConfigError
from headgate.stats.multiplicity import simultaneous_critical_value


def test_one_comparison_needs_no_adjustment() -> None:
    assert simultaneous_critical_value(1) == pytest.approx(norm.ppf(0.975))


def test_ten_comparisons_share_the_error_a_little_better_than_bonferroni() -> None:
    # 1 - (1 - 0.05)^(1/10) = 0.005116
    found = simultaneous_critical_value(10)
    assert found == pytest.approx(norm.ppf(1 - 0.005116196891823743 / 2), abs=1e-9)
    assert found < norm.ppf(1 - 0.05 / 10 / 2)


@pytest.mark.parametrize(("comparisons", "confidence"), [(0, 0.95), (3, 1.0), (3, 0.0)])
def test_impossible_arguments_are_refused(comparisons: int, confidence: float) -> None:
    with pytest.raises(ConfigError):
        simultaneous_critical_value(comparisons, confidence=confidence)
