"""What a change of a profile does to the hosts of a running cluster, by the rules of Palette Edge.

The rules are data (`RULES`), tried from the first to the last. What no rule covers is `unknown`: it is never taken for
harmless. The source is Palette's page on the upgrade behaviour of edge clusters; rules of our own are marked.
"""

from __future__ import annotations

import re
from typing import FrozenSet, Iterable, List, NamedTuple, Optional, Pattern, Sequence, Set, Tuple

from edgewright.core.profiles.diff import Change, ProfileDiff
from edgewright.core.profiles.model import CNI, CSI, K8S, LAYERS, OS
from edgewright.core.profiles.resolve import Resolution
from edgewright.core.profiles.scope import PACK
from edgewright.core.profiles.textdiff import ADDED, CHANGED, REMOVED, SAME

NO_OP = "no-op"
RELOAD = "reload"
RESTART = "restart"
REBOOT = "reboot"
REPAVE = "repave"
UNKNOWN = "unknown"

BEHAVIOURS: Tuple[str, ...] = (NO_OP, RELOAD, RESTART, REBOOT, REPAVE, UNKNOWN)
"""From the least to the most; `unknown` may be anything."""

EFFECTS = {
    NO_OP: "nothing happens on the hosts",
    RELOAD: "hosts reload their configuration",
    RESTART: "services restart",
    REBOOT: "hosts reboot one after another",
    REPAVE: "all hosts are repaved, control plane first",
    UNKNOWN: "no rule covers this change",
}

SYSTEM_URI = "options.system.uri"
_SYSTEM_KEYS = "registry|repo|k8sDistribution|osName|peVersion|customTag|osVersion"
_BOOT_STAGE = r"stages\.(?:(?:rootfs|initramfs|boot|fs|network)(?:[.-](?:after|before))?|(?:after|before)-[^.\[]+)"


class Rule(NamedTuple):
    """A rule: in which layers, for which paths, what happens. `path` matches from the begin of the path.

    `packs` limits it to clusters with one of these Kubernetes packs; `only` to a condition: `uri input` (the image of
    the OS is made of this value) or `not uri input`.
    """

    name: str
    behaviour: str
    layers: FrozenSet[str]
    path: Pattern[str]
    reason: str
    packs: FrozenSet[str] = frozenset()
    only: str = ""


def _rule(
    name: str, behaviour: str, layers: Sequence[str], path: str, reason: str, packs: Sequence[str] = (), only: str = ""
) -> Rule:
    end = r"(?=[.\[]|\Z)"
    return Rule(name, behaviour, frozenset(layers), re.compile(path + end), reason, frozenset(packs), only)


RULES: Tuple[Rule, ...] = (
    _rule("os-image", REPAVE, [OS], re.escape(SYSTEM_URI), "the image of the OS changes"),
    _rule(
        "os-image-input", REPAVE, LAYERS, r"[^\[]+", f"{SYSTEM_URI} is made of this value", only="uri input"
    ),
    _rule(
        "rke2-stages", REPAVE, [OS, K8S], _BOOT_STAGE, "with RKE2, changes of stages repave (a known issue of Palette)",
        packs=["edge-rke2"],
    ),
    _rule("boot-stages", REBOOT, [OS, K8S], _BOOT_STAGE, "the stage runs at boot"),
    _rule("os-reconcile", RELOAD, [OS], r"stages\.reconcile(?:[.-](?:after|before))?", "the stage runs every hour"),
    _rule("kubernetes-cluster", RESTART, [K8S], "cluster", "the configuration of Kubernetes changes"),
    _rule("kubernetes-client", NO_OP, [K8S], "clientConfig", "only new kubeconfigs contain it"),
    _rule("os-pack", NO_OP, [OS], "pack", "the agent does nothing for it"),
    _rule("os-provider-credentials", NO_OP, [OS], "providerCredentials", "the agent does nothing for them"),
    _rule(
        "os-system-unused", NO_OP, [OS], rf"options\.system\.(?:{_SYSTEM_KEYS})", f"{SYSTEM_URI} does not contain it",
        only="not uri input",
    ),
    _rule("network-values", RESTART, [CNI], r"[^\[]+", "the services of the network restart"),
    _rule("storage-values", RESTART, [CSI], r"[^\[]+", "the services of the storage restart"),
)  # fmt: skip
"""The table. A pack that is replaced, a layer that is added or removed, manifests and add-ons are in no rule of the
source: they are unknown."""

SAME_VALUES = "same-values"
"""Our own rule: comments, order and quotes differ, the values do not, so there is nothing to apply."""


class Prediction(NamedTuple):
    """What a change does, by which rule (empty: none covers it), and why."""

    change: Change
    behaviour: str
    rule: str
    reason: str


class Forecast(NamedTuple):
    """The predictions for all changes; `behaviour` is the most that is certain, `unknown` whether one is not known."""

    predictions: Tuple[Prediction, ...]
    behaviour: str
    unknown: bool

    def sentence(self) -> str:
        """Return the forecast for users."""
        if not self.predictions:
            return "Nothing changes."
        count = sum(1 for prediction in self.predictions if prediction.behaviour == UNKNOWN)
        if count == len(self.predictions):
            return f"Unknown: no rule covers {'the change' if count == 1 else f'the {count} changes'}."
        text = f"{self.behaviour.capitalize()}: {EFFECTS[self.behaviour]}"
        return f"{text}; unknown for {count} of {len(self.predictions)} changes." if count else f"{text}."


def predict(diff: ProfileDiff, before: Resolution, after: Resolution) -> Forecast:
    """Return what each change does to a cluster whose resolved profile changes from one to the other."""
    inputs = uri_inputs(before) | uri_inputs(after)
    packs = {layer.layer.name for side in (before, after) for layer in side.layers if layer.layer.kind == K8S}
    predictions: List[Prediction] = []
    for layer in diff.layers:
        predictions += [_predict(change, inputs, packs) for change in layer.changes]
        if layer.what == CHANGED and not layer.changes:
            same = Change(layer.layer, layer.kind, layer.pack, "", SAME)
            predictions.append(Prediction(same, NO_OP, SAME_VALUES, "comments or order differ, the values do not"))
    return summed(predictions)


def summed(predictions: Iterable[Prediction]) -> Forecast:
    """Return predictions with the most that happens."""
    listed = tuple(predictions)
    known = [BEHAVIOURS.index(row.behaviour) for row in listed if row.behaviour != UNKNOWN]
    unknown = any(row.behaviour == UNKNOWN for row in listed)
    return Forecast(listed, BEHAVIOURS[max(known)] if known else UNKNOWN if unknown else NO_OP, unknown)


def uri_inputs(resolution: Resolution) -> Set[Tuple[str, str]]:
    """Return layer and path of each value that `options.system.uri` of the OS layer is made of."""
    result: Set[Tuple[str, str]] = set()
    for layer in resolution.layers:
        if layer.layer.kind == OS:
            for origin in layer.values.origins.get(SYSTEM_URI, ()):
                if origin.kind == PACK:
                    result.add((origin.layer, origin.path))
    return result


def _predict(change: Change, inputs: "Set[Tuple[str, str]]", packs: "Set[str]") -> Prediction:
    if change.manifest:
        return Prediction(change, UNKNOWN, "", "no rule covers manifests")
    if not change.path:
        reason = {ADDED: "a layer is added", REMOVED: "a layer is removed"}.get(change.what, "the pack changes")
        return Prediction(change, UNKNOWN, "", f"{reason}: no rule covers that")
    rule = rule_for(change, (change.layer, change.path) in inputs, packs)
    if rule is None:
        return Prediction(change, UNKNOWN, "", EFFECTS[UNKNOWN])
    return Prediction(change, rule.behaviour, rule.name, rule.reason)


def rule_for(change: Change, uri_input: bool, packs: "Set[str]") -> Optional[Rule]:
    """Return the first rule for the change of a value; `None`: no rule covers it."""
    for rule in RULES:
        if change.kind not in rule.layers or rule.path.match(change.path) is None:
            continue
        if rule.packs and not rule.packs & packs:
            continue
        if rule.only and (rule.only == "uri input") != uri_input:
            continue
        return rule
    return None
