"""The block for the OS layer of a cluster profile (BYOS Edge OS) that names a provider image by its parts."""

from __future__ import annotations

from edgewright.forge.registry.reference import Name

PACK = "edge-native-byoi"
"""Palette's name of the pack; its own values are reached by this path in a profile."""


def block(name: Name, os_name: str, os_version: str) -> str:
    """Return the YAML to paste into the pack's values; the template gives exactly the name that was pushed."""

    def value(key: str) -> str:
        return "{{ .spectro.pack." + PACK + ".options.system." + key + " }}"

    tag = [value("k8sDistribution"), "{{ .spectro.system.kubernetes.version }}", value("peVersion")]
    if name.custom_tag:
        tag.append(value("customTag"))
    facts = {
        "registry": name.registry,
        "repo": name.repo,
        "k8sDistribution": name.kubernetes.distribution,
        "osName": os_name,
        "peVersion": name.pe_version,
        "customTag": name.custom_tag,
        "osVersion": os_version,
    }
    lines = [
        "pack:",
        "  content:",
        "    images:",
        '      - image: "{{ .spectro.pack.' + PACK + '.options.system.uri }}"',
        "options:",
        f'  system.uri: "{value("registry")}/{value("repo")}:{"-".join(tag)}"',
        *[f"  system.{key}: {_scalar(text)}" for key, text in facts.items()],
    ]
    return "\n".join(lines) + "\n"


def _scalar(text: str) -> str:
    """Quote what YAML would read as something else than text (`22.04` is a number, an empty one is nothing)."""
    plain = text and text[0].isalpha() and text.lower() not in ("true", "false", "yes", "no", "on", "off", "null")
    return text if plain and ": " not in text and not text.endswith(":") else f'"{text}"'
