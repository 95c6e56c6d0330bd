"""What an import needs at its destination: packs, macros, a registry for each pack, secrets, a free version."""

from __future__ import annotations

import dataclasses
from typing import Callable, Dict, Iterable, List, Mapping, NamedTuple, Sequence, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.lifecycle import check_version
from edgewright.core.profiles.model import Layer, Profile
from edgewright.core.profiles.problems import Problem, error
from edgewright.core.profiles.scope import LayerValues
from edgewright.core.profiles.secrets import to_give_again
from edgewright.core.profiles.usage import macros_used
from edgewright.core.text import clean


class PackSource(NamedTuple):
    """A registry of the destination that has a pack."""

    uid: str
    name: str


class RegistryChoice(NamedTuple):
    """A registry that the document names: which packs come from it, and which registries here have all of them."""

    name: str
    kind: str
    packs: Tuple[str, ...]
    matches: Tuple[PackSource, ...]


class ImportReport(NamedTuple):
    """What an import found. It can proceed when `missing_packs`, `missing_macros` and `problems` are empty."""

    missing_packs: Tuple[str, ...]
    missing_macros: Tuple[str, ...]
    registries: Tuple[RegistryChoice, ...]
    masked: Tuple[Problem, ...]
    problems: Tuple[Problem, ...]

    @property
    def ready(self) -> bool:
        """Return whether nothing prevents the import."""
        return not (self.missing_packs or self.missing_macros or self.problems)

    def as_problems(self) -> List[Problem]:
        """Return everything that prevents the import, as problems."""
        problems = list(self.problems)
        for name in self.missing_packs:
            hint = "Add a registry that has it, or import the pack."
            problems.append(error(name.split(" ")[0], "", f"The pack {name} is not known here.", hint, "MissingPack"))
        for name in self.missing_macros:
            hint = "Create it in the project or the tenant first."
            problems.append(
                error("", f"macro {clean(name, 80)}", "The macro does not exist here.", hint, "UnknownMacro")
            )
        return problems


def report(
    profile: Profile,
    layers: Sequence[LayerValues],
    sources: Callable[[Layer], Sequence[PackSource]],
    macros: Iterable[str],
    versions: Iterable[str],
) -> ImportReport:
    """Return what an import needs.

    `sources` returns the registries of the destination that have the pack of a layer; `macros` are the names that exist
    there, `versions` those that the name of the profile has.
    """
    known = set(macros)
    missing: List[str] = []
    groups: Dict[Tuple[str, str], List[Tuple[Layer, Sequence[PackSource]]]] = {}
    for layer in profile.layers:
        if layer.type == "manifest":
            continue
        having = sources(layer)
        label = f"{layer.name} {layer.pack_version}".strip()
        if not having and label not in missing:
            missing.append(label)
        groups.setdefault((layer.registry.name, layer.registry.kind), []).append((layer, having))
    problems: List[Problem] = []
    try:
        check_version(profile.name, profile.version, versions)
    except InvalidInput as wrong:
        problems.append(error("", "version", wrong.message, wrong.hint, wrong.code))
    return ImportReport(
        tuple(missing),
        tuple(name for name in macros_used(profile) if name not in known),
        tuple(_choice(named, rows) for named, rows in groups.items()),
        tuple(to_give_again(profile, layers)),
        tuple(problems),
    )


def _choice(named: "Tuple[str, str]", rows: "Sequence[Tuple[Layer, Sequence[PackSource]]]") -> RegistryChoice:
    everywhere = [source for source in rows[0][1] if all(source in having for _layer, having in rows)]
    return RegistryChoice(*named, tuple(layer.name for layer, _having in rows), tuple(everywhere))


def with_registries(profile: Profile, chosen: Mapping[str, PackSource]) -> Profile:
    """Return a profile whose packs come from the chosen registries; `chosen` is by the name that the document has."""
    layers = tuple(
        dataclasses.replace(
            layer,
            registry=dataclasses.replace(
                layer.registry, uid=chosen[layer.registry.name].uid, name=chosen[layer.registry.name].name
            ),
        )
        if layer.registry.name in chosen and layer.type != "manifest"
        else layer
        for layer in profile.layers
    )
    return dataclasses.replace(profile, layers=layers)
