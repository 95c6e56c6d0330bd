"""What uses what: variables and macros in layers, profiles in clusters."""

from __future__ import annotations

from typing import Dict, Iterable, Iterator, List, NamedTuple, Sequence, Tuple

from edgewright.core.errors import InvalidInput
from edgewright.core.profiles.language import templates
from edgewright.core.profiles.language.templates import Name
from edgewright.core.profiles.model import Profile


class Place(NamedTuple):
    """A place that refers to something: the key of the layer (empty: a variable's default), and the line."""

    layer: str
    line: int


def references(profile: Profile) -> Iterator[Tuple[Name, Place]]:
    """Yield each reference in the values, manifests and defaults of a profile; what is not understood is left out.

    Works on the texts, so that references in comments count too: an import needs what a user may want to turn on.
    """
    for layer in profile.layers:
        for text in (layer.values, *(manifest.content for manifest in layer.manifests)):
            for name, line in names_in(text):
                yield name, Place(layer.key, line)
    for variable in profile.variables:
        for name, _line in names_in(variable.default):
            yield name, Place("", 0)


def names_in(text: str) -> Iterator[Tuple[Name, int]]:
    """Yield the references of a text with their lines."""
    line, at = 1, 0
    for start, end in templates.scan(text):
        line += text.count("\n", at, start)
        at = start
        try:
            term = templates.parse(text[start + 2 : end - 2].replace('\\"', '"'))
        except InvalidInput:
            continue
        for name in templates.names(term):
            yield name, line


def layers_by_variable(profile: Profile) -> Dict[str, Tuple[str, ...]]:
    """Return the keys of the layers that use each variable of a profile ("used in 2 layers")."""
    used: Dict[str, List[str]] = {variable.name: [] for variable in profile.variables}
    for name, place in references(profile):
        if name.space == "var" and place.layer and place.layer not in used.setdefault(name.name, []):
            used[name.name].append(place.layer)
    return {name: tuple(layers) for name, layers in used.items()}


def macros_used(profile: Profile) -> Tuple[str, ...]:
    """Return the names of the macros that a profile refers to, in order and each once."""
    return tuple(dict.fromkeys(name.name for name, _place in references(profile) if name.space == "macro"))


class Use(NamedTuple):
    """A cluster that uses a profile."""

    uid: str
    name: str


def in_use(profile: Profile, uses: Sequence[Use]) -> str:
    """Return the sentence that refuses to delete a profile which clusters use; "" when none does."""
    if not uses:
        return ""
    names = [use.name for use in uses[:5]]
    more = f" and {len(uses) - 5} more" if len(uses) > 5 else ""
    plural = "" if len(uses) == 1 else "s"
    return f"The profile {profile.label} is used by {len(uses)} cluster{plural}: {', '.join(names)}{more}."


def profiles_with_macro(name: str, profiles: Iterable[Profile]) -> Tuple[str, ...]:
    """Return the labels of the profiles that refer to a macro: deleting it would change what they resolve to."""
    return tuple(profile.label for profile in profiles if name in macros_used(profile))
