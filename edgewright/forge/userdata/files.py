"""Files of a first deployer: user-data and CanvOS's `.arg`, distinguished, read within bounds, checked offline."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from typing import Any, NamedTuple

from edgewright.core.cloudconfig.args.args import MAX_SIZE as MAX_ARGS
from edgewright.core.cloudconfig.args.args import ArgFile, read_args
from edgewright.core.cloudconfig.args.check import check_args
from edgewright.core.cloudconfig.check import check, check_text
from edgewright.core.cloudconfig.findings import Finding
from edgewright.core.errors import Failed, InvalidInput, NotFound
from edgewright.core.small_file import local_path
from edgewright.forge.bounded import read_bounded
from edgewright.forge.userdata.certificates import check_certificates
from edgewright.forge.userdata.layers import Layers
from edgewright.yamltext.bounds import MAX_SIZE
from edgewright.yamltext.encoding import decode
from edgewright.yamltext.reader import Parsed, read


class Loaded(NamedTuple):
    """A file that was read: its name, its text, and what it is (exactly one of `parsed` and `args` is there)."""

    name: str
    text: str
    parsed: Parsed | None = None
    args: ArgFile | None = None

    @property
    def document(self) -> Mapping[str, Any]:
        """The user-data's document; empty for a `.arg`."""
        return self.parsed.document if self.parsed is not None else {}


def load(name: str) -> Loaded:
    """Return a file by its path (`-`: standard input). Raises `NotFound`, `Failed`, `InvalidInput`."""
    data = _bytes(name)
    text = decode(data, name)
    if is_args(name, text.removeprefix("\ufeff")):
        if len(data) > MAX_ARGS:
            raise InvalidInput(f"{name} is longer than 256 kB.", "Is this the right file?", "TooBig")
        return Loaded(name, text, args=read_args(text))
    return Loaded(name, text, parsed=read(text, name))


def _bytes(name: str) -> bytes:
    if name == "-":
        return sys.stdin.buffer.read(MAX_SIZE + 1)
    path = local_path(name)
    try:
        if path.is_dir():
            raise InvalidInput(f"{path} is a folder, not a file.", "Name the file in it.", "Folder")
        return read_bounded(path, MAX_SIZE)
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.", "Begin one: edgewright forge user-data new", "NoFile") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise Failed(f"{path} cannot be read: {why}.", "Check path and rights.") from None


def is_args(name: str, text: str) -> bool:
    """Return whether a file is a `.arg`: by its name, or because it is made of `KEY=value` lines."""
    last = name.rsplit("/", 1)[-1]
    if last == ".arg" or last.endswith((".arg", ".arg.template")):
        return True
    if last.endswith((".yaml", ".yml")) or last == "user-data" or "#cloud-config" in text[:1000]:
        return False
    lines = [line for line in text[:20_000].splitlines() if line.strip() and not line.lstrip().startswith("#")]
    return bool(lines) and all(re.match(r"(?:export )?[A-Za-z_][A-Za-z0-9_]*=", line) for line in lines[:20])


def check_document(document: Mapping[str, Any], profile: str, now: float) -> list[Finding]:
    """Return what the offline check reports about a document, and about its certificates at `now` (epoch seconds)."""
    return [*check(document, profile=profile, now=now), *check_certificates(document, now)]


def findings(loaded: Loaded, profile: str, now: float) -> list[Finding]:
    """Return what the offline check reports about a file, with lines."""
    if loaded.args is not None:
        return check_args(loaded.args)
    parsed = loaded.parsed
    assert parsed is not None
    return parsed.placed([*_of_text(loaded), *check_document(parsed.document, profile, now)])


def findings_over(
    loaded: Loaded, installer: Loaded, profile: str, now: float
) -> tuple[list[Finding], list[Finding], Layers]:
    """Return what the offline check reports about a file that overrides an installer's, as the two are merged.

    First what is about the file itself, then what is about the installer's, each with the lines of its own file.
    Raises `InvalidInput` when one of them is a `.arg`.
    """
    if loaded.parsed is None or installer.parsed is None:
        name = installer.name if installer.parsed is None else loaded.name
        raise InvalidInput(f"{name} is a .arg file.", "User-data overrides user-data, not build arguments.", "Kind")
    layers = Layers(installer.parsed, loaded.parsed)
    own, others = layers.split(check_document(layers.document, profile, now))
    return (
        [*loaded.parsed.placed(_of_text(loaded)), *own],
        [*installer.parsed.placed(_of_text(installer)), *others],
        layers,
    )


def _of_text(loaded: Loaded) -> list[Finding]:
    assert loaded.parsed is not None
    return [*loaded.parsed.problems, *check_text(loaded.text, loaded.name)]
