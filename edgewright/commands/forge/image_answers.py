"""Answer files for images: the options of `forge image` as keys, one kind of file for each kind of image."""

from __future__ import annotations

import shlex
import textwrap
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.commands.forge.image import APPLIANCE_ALONE, TREE_ALONE, ForgeImage
from edgewright.commands.kernel.base import Param
from edgewright.config.nearest import nearest
from edgewright.core.errors import DocumentProblem, InvalidDocument
from edgewright.core.small_file import local_path
from edgewright.forge.answer_files import API_VERSION, Opened

APPLIANCE_IMAGE, TREE_IMAGE = "ApplianceImage", "TreeImage"
KINDS = {APPLIANCE_IMAGE: "appliance", TREE_IMAGE: "tree"}
PATHS = ("binaries", "images")
"""Answers that may be a path, a URL or an image; parameters of kind `file` are paths always."""
GIVEN: dict[str, dict[str, tuple[Any, str]]] = {
    APPLIANCE_IMAGE: {
        "base": ("appliance:base.iso", "made by `edgewright forge base`; or an image at a registry, or root:DIR"),
        "kubernetes": ("kubeadm:1.36.3", ""),
        "push": ("registry.example.org/edge/debian", "the tag follows Palette's rule"),
        "pe_version": ("v4.10.0", ""),
        "binaries": ("kube", "a directory with kubeadm, kubelet, kubectl; relative paths begin at this file"),
    },
    TREE_IMAGE: {
        "tree": ("tree", "relative paths begin at this file"),
        "kubernetes": ("kubeadm:1.36.3", ""),
        "push": ("registry.example.org/edge/kubernetes", "the tag is tree-kubeadm-1.36.3-amd64"),
    },
}
"""What the examples answer themselves: a value and a remark."""


class ImageFile(NamedTuple):
    """What an answer file asks for: its name, and the arguments of `forge image`."""

    name: str
    args: dict[str, Any]

    @property
    def arguments(self) -> list[str]:
        """The words of the same command, without the program."""
        return shlex.split(ForgeImage.cli_line((), self.args))[1:]


def params(kind: str) -> tuple[Param, ...]:
    """Return the parameters that a kind of file has as keys."""
    left_out = {"for", *(TREE_ALONE if kind == APPLIANCE_IMAGE else (*APPLIANCE_ALONE, "out"))}
    return tuple(param for param in ForgeImage.params if param.name not in left_out)


def read(outer: Opened, word: str) -> ImageFile:
    """Return what the answer file `word` asks for; relative paths begin at it.

    Raises `InvalidDocument` with everything that is wrong with its keys.
    """
    known = {param.name: param for param in params(outer.kind)}
    folder = local_path(word).absolute().parent
    problems = list(outer.problems)
    args: dict[str, Any] = {"for": KINDS[outer.kind]}
    for key in outer.answers:
        if key not in known:
            near = nearest(str(key), known)
            hint = f"The nearest is `{near}`." if near else "Remove it."
            problems.append(DocumentProblem(f"answers.{str(key)[:60]}", "There is no such answer.", hint, "UnknownKey"))
    for name, param in known.items():
        value = outer.answers.get(name)
        if value in (None, "", []):
            args[name] = [] if param.many else False if param.kind == "flag" else param.default
            if param.required:
                given = GIVEN[outer.kind].get(name, (param.metavar or "VALUE", ""))[0]
                problems.append(DocumentProblem(f"answers.{name}", "It is missing.", f"Write {name}: {given}"))
            continue
        message, hint = _wrong(param, value)
        if message:
            problems.append(DocumentProblem(f"answers.{name}", message, hint, "WrongAnswer"))
        args[name] = _absolute(param, value, folder)
    if problems:
        raise InvalidDocument(word, problems, f"See: edgewright apply --example {shlex.quote(outer.kind)}")
    return ImageFile(outer.name or str(args["push"]), args)


def example(kind: str) -> str:
    """Return a commented answer file that is valid as it is, written from the options of the command."""
    lines = [
        f"# An answer file of kind {kind}: edgewright apply -f FILE builds and pushes what it describes.",
        "# Only you may read it (chmod 600 FILE). `--plan` shows what would be built.",
        "# Lines that begin with `# ` explain; remove the `#` of a line like `#key: value` to answer it.",
        f"apiVersion: {API_VERSION}",
        f"kind: {kind}",
        "metadata:",
        f"  name: {'debian' if kind == APPLIANCE_IMAGE else 'kubernetes'}-1.36.3",
        "answers:",
    ]
    for param in params(kind):
        lines += ["", *(f"  # {line}" for line in textwrap.wrap(_sentence(param), 96))]
        if param.name in GIVEN[kind]:
            value, remark = GIVEN[kind][param.name]
            lines.append(f"  {param.name}: {value}" + (f"  # {remark}" if remark else ""))
        else:
            lines.append(f"  #{param.name}: {_shown(param)}")
    return "\n".join(lines) + "\n"


def _sentence(param: Param) -> str:
    text = param.help.partition(": ")[2] if param.help.startswith(("appliance: ", "tree: ")) else param.help
    choices = f" One of: {', '.join(param.choices)}." if param.choices else ""
    return f"{text}.{choices}"


def _shown(param: Param) -> str:
    if param.kind == "flag":
        return "false"
    if param.many:
        return "[]"
    return str(param.default) if param.default else '""'


def _wrong(param: Param, value: Any) -> tuple[str, str]:
    """Return what is wrong with a value and what to write, ("", "") when it fits."""
    if param.kind == "flag":
        return ("", "") if isinstance(value, bool) else ("The value must be true or false.", "Write true or false.")
    if param.many:
        fits = isinstance(value, list) and all(isinstance(item, str) for item in value)
        return ("", "") if fits else ("The value must be a list of texts.", "Write a list, one dash for each text.")
    if not isinstance(value, str):
        return "The value must be a text.", f'Write it in quotes: {param.name}: "{value}"'
    if param.choices and value not in param.choices:
        return f"{value[:60]!r} is none of {', '.join(param.choices)}.", f"Write {param.name}: {param.choices[0]}"
    return "", ""


def _absolute(param: Param, value: Any, folder: Path) -> Any:
    """Return a value with its path made absolute; URLs and references of images stay."""
    if param.many and isinstance(value, list):
        return [_path(param, item, folder) for item in value]
    return _path(param, value, folder)


def _path(param: Param, value: Any, folder: Path) -> Any:
    if not isinstance(value, str):
        return value
    if param.kind == "file" or (param.name in PATHS and "://" not in value and not value.startswith("image:")):
        return str(folder / local_path(value))
    kind, colon, rest = value.partition(":")
    if param.name == "base" and colon and kind in ("oci-archive", "oci", "docker-archive", "appliance", "root"):
        return f"{kind}:{folder / local_path(rest)}"
    return value
