"""Values for variables that have none, so that a preview shows something: examples, marked as such."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from edgewright.core.profiles.model import Variable
from edgewright.core.profiles.variables import problem_with

_EXAMPLES = {
    "string": ("example", "registry.example/team/image:1.0.0", "sha256:" + "0" * 64, "a", "1"),
    "number": ("1", "3", "100"),
    "boolean": ("true",),
    "version": ("1.0.0", "v1.0.0"),
    "ipv4": ("192.0.2.10",),
    "ipv4cidr": ("192.0.2.0/24",),
    "ipv6": ("2001:db8::10",),
    "base64": ("ZXhhbXBsZQ==",),
}
"""By format, the first that fits is taken; addresses are those for documentation (RFC 5737, RFC 3849)."""


def example_values(variables: Sequence[Variable], given: Mapping[str, str]) -> dict[str, str]:
    """Return values for variables without a default: those given, else an example that fits; none where none fits."""
    values = {name: value for name, value in given.items() if value}
    for variable in variables:
        if variable.default or variable.name in values or variable.hidden or variable.read_only:
            continue
        options = tuple(option.value for option in variable.options)
        known = options if variable.input == "dropdown" else _EXAMPLES.get(variable.format, ())
        fitting = next((text for text in known if not problem_with(variable, text)), "")
        if fitting:
            values[variable.name] = fitting
    return values
