"""The kinds of answer files that `edgewright apply` reads, each with its keys and a commented example."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from edgewright.commands.forge import image_answers
from edgewright.config.nearest import nearest
from edgewright.core.clusters import definition
from edgewright.core.errors import NotFound
from edgewright.core.installer.example import example_text
from edgewright.core.installer.pages import QUESTIONS
from edgewright.forge.answer_files import API_VERSION

INSTALLER = "Installer"


class AnswerKind(NamedTuple):
    """A kind of answer file: what it builds, the keys of its answers, and how its example is written."""

    name: str
    builds: str
    keys: tuple[str, ...]
    example: Callable[[], str]


def answer_kinds() -> tuple[AnswerKind, ...]:
    """Return all kinds, the commonest first."""
    installer = AnswerKind(
        INSTALLER, "an installer ISO for edge hosts", tuple(QUESTIONS), lambda: example_text(API_VERSION, INSTALLER)
    )
    builds = {
        image_answers.APPLIANCE_IMAGE: "an image for hosts that run it, with the files of an A/B slot",
        image_answers.TREE_IMAGE: "a Kubernetes tree for hosts with a system of their own",
    }
    images = (
        AnswerKind(name, text, tuple(p.name for p in image_answers.params(name)), partial(image_answers.example, name))
        for name, text in builds.items()
    )
    cluster = AnswerKind(definition.KIND, "a cluster of the plane in use", definition.KEYS, lambda: definition.EXAMPLE)
    return (installer, *images, cluster)


def kinds() -> Mapping[str, tuple[str, ...]]:
    """Return the keys of the answers by kind."""
    return {kind.name: kind.keys for kind in answer_kinds()}


def example(word: str = "") -> tuple[str, str]:
    """Return kind and text of the example for `word` (any case; "" for the commonest). Raises `NotFound`."""
    known = answer_kinds()
    matches = [kind for kind in known if not word or kind.name.lower() == word.lower()]
    if not matches:
        near = nearest(word.lower(), [kind.name.lower() for kind in known])
        listed = "; ".join(f"{kind.name} ({kind.builds})" for kind in known)
        hint = f"edgewright apply --example {near}" if near else f"edgewright apply --example {known[0].name}"
        raise NotFound(f"There is no kind of answer file {word}. Known kinds: {listed}.", hint, "Kind")
    return matches[0].name, matches[0].example()
