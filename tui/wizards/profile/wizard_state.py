"""Where the user is in the profile wizard, and the profile as it is so far; no widgets, nothing is asked of anybody."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from edgewright.core.errors import EdgewrightError
from edgewright.core.profiles import lifecycle, semver
from edgewright.core.profiles.model import ADDON, ADDON_LAYER, CNI, CSI, K8S, OS, Layer, Profile, Variable
from edgewright.core.profiles.problems import ERROR, Problem
from edgewright.core.profiles.usage import references
from tui.wizards.profile.pages import ABOUT, LAYERS, PAGES, SUMMARY, VALUES, VARIABLES, WizardStep

if TYPE_CHECKING:
    from edgewright.core.packs.pack import Pack

UNNAMED = "-"
"""Name of a profile in a draft that has none yet: the form of a profile needs one."""


class ProfileState:
    """The profile that is being made, the page in front, and what is known of its packs.

    `at` counts the pages; one past the last of them is the summary. `base` is the version that it is made of.
    """

    def __init__(self, profile: Profile | None = None, base: Any = None, edit: bool = False) -> None:
        self.profile = profile or Profile("")
        self.base = base
        self.edit = edit
        self.packs: dict[str, Pack | None] = {}
        """Packs of the layers by `NAME VERSION`; None for one that the plane does not have."""
        self.at = 0
        self.layer = 0
        """Place of the layer whose values are in front, from the bottom of the stack."""
        self.seen: set[str] = set()
        self.problems: tuple[Problem, ...] = ()
        self.given: dict[str, str] = {}
        """Values for variables in the preview; they are not stored with the profile."""
        self.host = ""
        """Uid of the host whose preview is shown, "" for examples."""
        self.resumed = False
        self._begun = self.profile
        self._uses: tuple[Profile | None, dict[str, tuple[str, ...]]] = (None, {})

    @property
    def page(self) -> WizardStep | None:
        """Return the page in front, None on the summary."""
        return PAGES[self.at] if self.at < len(PAGES) else None

    @property
    def key(self) -> str:
        """Return the key of the page in front."""
        return self.page.key if self.page is not None else SUMMARY

    @property
    def touched(self) -> bool:
        """Whether something was changed since the beginning, or was when it began."""
        return self.resumed or self.profile != self._begun

    @property
    def layers(self) -> tuple[Layer, ...]:
        """Return the layers from the bottom of the stack."""
        return self.profile.layers

    def begin_with(self, profile: Profile) -> None:
        """Take a profile that was not typed: leaving at once loses nothing."""
        self.profile = self._begun = profile

    def change(self, **fields: Any) -> bool:
        """Change fields of the profile; return whether anything is another now."""
        changed = dataclasses.replace(self.profile, **fields)
        different = changed != self.profile
        self.profile = changed
        return different

    # Pages ----------------------------------------------------------------------------------------------------------

    def go(self, key: str) -> None:
        """Go to the page of this key; the summary is `summary`."""
        self.at = next((at for at, page in enumerate(PAGES) if page.key == key), len(PAGES))

    def step(self, step: int) -> None:
        """Go to the next page (1) or the one before (-1); without a layer there are no values to be edited."""
        if step > 0 and self.page is not None:
            self.seen.add(self.page.key)
        self.at = min(max(self.at + step, 0), len(PAGES))
        if self.key == VALUES and not self.layers:
            self.at += step

    def errors_of(self, key: str) -> list[Problem]:
        """Return the errors that belong to a page."""
        return [problem for problem in self.problems if problem.severity == ERROR and page_of(problem) == key]

    # Layers ---------------------------------------------------------------------------------------------------------

    def put_layers(self, layers: Sequence[Layer]) -> None:
        """Take other layers, ordered from the bottom; the layer in front stays in front."""
        ordered = dataclasses.replace(self.profile, layers=tuple(layers)).ordered()
        self.profile = dataclasses.replace(self.profile, layers=ordered)
        self.layer = min(self.layer, max(len(ordered) - 1, 0))

    def add(self, layer: Layer) -> int:
        """Add a layer on top of those of its kind; returns its place."""
        self.put_layers([*self.layers, layer])
        return next(place for place, item in enumerate(self.layers) if item is layer)

    def replace_layer(self, place: int, layer: Layer) -> None:
        """Put another layer in the place of one."""
        layers = list(self.layers)
        layers[place] = layer
        self.put_layers(layers)

    def remove(self, place: int) -> None:
        """Remove a layer."""
        self.put_layers([layer for at, layer in enumerate(self.layers) if at != place])

    def move(self, place: int, step: int) -> int:
        """Move an add-on up (1) or down (-1) in the stack; returns its new place, the same where it cannot move."""
        other = place + step
        layers = list(self.layers)
        if not 0 <= other < len(layers) or layers[place].kind != layers[other].kind:
            return place
        layers[place], layers[other] = layers[other], layers[place]
        self.put_layers(layers)
        return other

    def needed(self) -> tuple[str, ...]:
        """Return the kinds of layers that the type of the profile has one of each."""
        return () if self.profile.type == ADDON else (OS, K8S, CNI, CSI)

    def refusal(self, kind: str) -> str:
        """Return why no layer of this kind can be added, one sentence; "" when it can."""
        if kind == ADDON_LAYER:
            return ""
        there = next((layer for layer in self.layers if layer.kind == kind), None)
        if there is not None:
            return f"The profile has the layer {there.key} already; x removes it, o chooses another version."
        if self.profile.type == ADDON:
            return "An add-on profile has add-on layers only; change the type on the first page."
        return ""

    def pack(self, layer: Layer) -> Pack | None:
        """Return the pack of a layer where it is known."""
        return self.packs.get(pack_key(layer))

    def layer_problems(self, layer: Layer) -> list[Problem]:
        """Return what is wrong with one layer, in the order of its lines."""
        return sorted((row for row in self.problems if row.layer == layer.key), key=lambda row: row.line)

    def value_problems(self, layer: Layer) -> list[Problem]:
        """Return what is wrong with the values of a layer; problems of its manifests have lines of their own."""
        names = tuple(f"{item.name}: " for item in layer.manifests)
        wholes = {f"manifest {item.name}" for item in layer.manifests}
        return [row for row in self.layer_problems(layer) if row.path not in wholes and not row.path.startswith(names)]

    # Variables ------------------------------------------------------------------------------------------------------

    def uses(self) -> dict[str, tuple[str, ...]]:
        """Return the layers that refer to each variable, by its name; those that are not defined come last.

        It looks through all values, once for each change: the check does that in a thread.
        """
        profile, known = self._uses
        if profile is self.profile:
            return known
        profile = self.profile
        used: dict[str, list[str]] = {variable.name: [] for variable in profile.variables}
        for name, place in references(profile):
            if name.space == "var" and place.layer and place.layer not in used.setdefault(name.name, []):
                used[name.name].append(place.layer)
        known = {name: tuple(layers) for name, layers in used.items()}
        self._uses = (profile, known)
        return known

    def undefined(self) -> list[str]:
        """Return the names of variables that layers refer to and that are not defined."""
        known = {variable.name for variable in self.profile.variables}
        return [name for name in self.uses() if name not in known]

    def put_variables(self, variables: Sequence[Variable]) -> None:
        """Take other variables."""
        self.profile = dataclasses.replace(self.profile, variables=tuple(variables))


def pack_key(layer: Layer) -> str:
    """Return what a pack is known by: `NAME VERSION`."""
    return f"{layer.name} {layer.pack_version}"


def page_of(problem: Problem) -> str:
    """Return the key of the page on which a problem is fixed."""
    if problem.path.startswith("variables."):
        return VARIABLES
    if problem.path in ("name", "type", "version") and not problem.layer:
        return ABOUT
    return VALUES if problem.layer and problem.line else LAYERS


def version_problem(profile: Profile, versions: Sequence[str], edit: bool) -> str:
    """Return what is wrong with the version beside the others of its name, one sentence; "" when nothing is."""
    if edit or semver.parse(profile.version) is None:
        return ""
    try:
        lifecycle.check_version(profile.name, profile.version, versions)
    except EdgewrightError as wrong:
        return f"{wrong.message} {wrong.hint}".strip()
    return ""
