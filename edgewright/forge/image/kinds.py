"""The two kinds of image that the forge builds, and how each is labelled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgewright.core.errors import InvalidInput, UsageError
from edgewright.oci import media

APPLIANCE = "appliance"
"""A host's complete root with kernel, init and agent, one Kubernetes version, and the three files of an A/B slot."""
TREE = "tree"
"""One Kubernetes version for hosts that have an operating system of their own."""
KINDS = (APPLIANCE, TREE)

LABEL_KIND = "edgewright.image.for"
LABEL_EDGEWRIGHT = "edgewright.version"
LABEL_DISTRIBUTION = "edgewright.kubernetes.distribution"
LABEL_VERSION = "edgewright.kubernetes.version"
LABEL_PREFIX_SLOT = "edgewright.slot."
ANNOTATION_LAYER = "edgewright.layer"
"""On the descriptor of a layer: what it contains, so that a host fetches that layer alone."""

SLOT = "usr/lib/edgewright/slot"
"""Where an appliance image has the three files of a slot, under the names that they have in a slot."""
SLOT_FILES = ("rootfs.squashfs", "kernel", "initrd")

BOTH = (
    "--for appliance (a host's entire system: kernel, init, agent, and the files of an A/B slot)",
    "--for tree (one Kubernetes version for hosts with a system of their own)",
)
NOTICE = "No --for is given: built as --for appliance, because --base is."


def choose(wanted: str | None, *, base: bool, tree: bool) -> str:
    """Return the kind of image that is meant; `base` and `tree` define whether a base or parts of a tree are given.

    Without `--for` a base means an appliance, as the first release had it. Raises `UsageError`.
    """
    if wanted:
        return wanted
    if base and not tree:
        return APPLIANCE
    raise UsageError("An image is of one of two kinds, and none is chosen.", f"Give {' or '.join(BOTH)}.")


def check_base(name: str, config: Mapping[str, Any]) -> None:
    """Raise `InvalidInput` when a base is not a root but a Kubernetes tree: by its configuration, or by its label.

    Trees of 0.4 and before have the configuration of an image with a label; since then it is `tree.json`.
    """
    labels = media.object_(media.object_(config.get("config")).get("Labels"))
    if labels.get(LABEL_KIND) == TREE or {"schema", "distribution", "components"} <= set(config):
        raise InvalidInput(
            f"{name} is a Kubernetes tree, not the root of a host.",
            "Give a base image, root:FOLDER or appliance:ISO; a tree is used as it is.",
            "WrongKind",
        )
