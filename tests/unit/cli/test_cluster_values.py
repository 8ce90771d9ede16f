from decimal import Decimal

import pytest

from headgate.cli import cluster_values
from headgate.errors import ConfigError


@pytest.mark.parametrize("text", ["A", "-a", "a-", "a_b", "a/b", "a" * 254])
def test_what_kubernetes_calls_nothing_is_refused(text) -> None:
    with pytest.raises(ConfigError, match="needed: the name of a Kubernetes object"):
        cluster_values.object_name(text, what="--image-pull-secret")


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        ("1.5", "1.5"),
        (".5", "0.5"),
        ("2k", "2000"),
        ("4Gi", "4294967296"),
        ("1G", "1000000000"),
        ("1Ei", "1152921504606846976"),
    ],
)
def test_quantities_are_those_of_kubernetes(text, amount) -> None:
    assert cluster_values.quantity(text, what="--shared-memory") == Decimal(amount)


@pytest.mark.parametrize("text", ["", "0", "0Gi", "-1", "4 Gi", "4GB", "1e3", "Gi", "four"])
def test_what_is_no_quantity_above_zero_is_refused(text) -> None:
    with pytest.raises(ConfigError, match=r"--shared-memory is .*; needed: a Kubernetes quantity"):
        cluster_values.quantity(text, what="--shared-memory")
