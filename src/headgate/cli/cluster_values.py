"""Check what the command line says about a cluster, before the cluster does so minutes later."""

import re
from decimal import Decimal

from headgate.errors import ConfigError

NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")
QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(|m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)")
FACTORS = {"": Decimal(1), "m": Decimal("0.001")}
FACTORS |= {suffix: Decimal(1000) ** power for power, suffix in enumerate("kMGTPE", start=1)}
FACTORS |= {f"{suffix}i": Decimal(1024) ** power for power, suffix in enumerate("KMGTPE", start=1)}


def object_name(text: str, *, what: str) -> str:
    """Check the name of a Kubernetes object.

    Args:
        text: Its name.
        what: The option, for the message.

    Returns:
        The text.

    Raises:
        ConfigError: If Kubernetes allows no such name.
    """
    if not NAME.fullmatch(text):
        raise ConfigError(
            f"{what} is {text!r}; needed: the name of a Kubernetes object: small letters, digits,"
            " dashes and dots"
        )
    return text


def quantity(text: str, *, what: str) -> Decimal:
    """Read an amount of CPU or memory.

    Args:
        text: E.g. `500m`, `2` or `4Gi`.
        what: The option, for the message.

    Returns:
        The amount in cores or bytes, above 0.

    Raises:
        ConfigError: If it is no amount above 0.
    """
    match = QUANTITY.fullmatch(text)
    amount = Decimal(match[1]) * FACTORS[match[2]] if match else Decimal(0)
    if not amount:
        raise ConfigError(
            f"{what} is {text!r}; needed: a Kubernetes quantity above 0, as in 500m, 2 or 4Gi"
        )
    return amount
