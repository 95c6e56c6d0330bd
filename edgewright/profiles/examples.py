"""Example values, so that a profile can be shown resolved before there is a cluster: nothing here reaches a host.

Addresses are those of documentation (RFC 5737, RFC 3849).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.model import Variable
from edgewright.core.profiles.variables import COVER, Matching, problem_with

_ZEROS = "0" * 64
BY_FORMAT: Mapping[str, str] = {
    "number": "1",
    "boolean": "true",
    "version": "1.0.0",
    "ipv4": "192.0.2.10",
    "ipv4cidr": "192.0.2.0/24",
    "ipv6": "2001:db8::10",
    "base64": "ZXhhbXBsZQ==",
}
"""An example of each format but text."""
TEXTS = (
    "example", "example.com/example:1.0.0", "example.com/example/image:1.0.0", f"sha256:{_ZEROS}", "example.com",
    "https://example.com", "1.0.0", "v1.0.0", "1", "192.0.2.10", "192.0.2.0/24", "192.0.2.10-192.0.2.20", "true",
    "eth0", "EXAMPLE", "Example", "example@example.com", "/example", "1h", "1Gi", "100m", "a", _ZEROS,
)  # fmt: skip
"""Examples that are tried on a variable with a pattern, in this order."""
SYSTEM: Mapping[str, str] = {
    "user.name": "example",
    "user.uid": "example-user",
    "user.email": "user@example.com",
    "tenant.uid": "example-tenant",
    "project.name": "example-project",
    "project.uid": "example-project",
    "clusterprofile.uid": "example-profile",
    "clusterprofile.infra.uid": "example-profile",
    "cluster.name": "example-cluster",
    "cluster.uid": "example-cluster",
    "cluster.kubevip": "192.0.2.100",
    "cloud.region": "",
}
"""Examples of what a cluster gives."""


def example_of(variable: Variable) -> str:
    """Return a value that fits the definition of a variable; "" when no example does (a pattern of its own)."""
    matching = Matching()
    try:
        return next((value for value in _tried(variable) if not problem_with(variable, value, matching)), "")
    except InvalidInput:
        return ""


def _tried(variable: Variable) -> Iterator[str]:
    if variable.default and variable.default != COVER and "{{" not in variable.default:
        yield variable.default
    yield from (option.value for option in variable.options)
    if variable.format in BY_FORMAT:
        yield BY_FORMAT[variable.format]
    yield from TEXTS


def example_values(variables: Sequence[Variable]) -> dict[str, str]:
    """Return values for the variables without a default, by name; those for which there is no example are left out."""
    missing = [variable for variable in variables if not variable.default]
    examples = {variable.name: example_of(variable) for variable in missing if not variable.hidden}
    return {name: value for name, value in examples.items() if value}
