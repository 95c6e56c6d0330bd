"""registries.conf (containers-registries.conf(5), version 2): which registries are insecure, and their mirrors.

TOML needs Python 3.11: on an older one these files are not read, and callers there give an `Access` of their own.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from edgewright.core.errors import InvalidInput


class Mirror(NamedTuple):
    """A mirror of a registry's repository. `digests`, `tags`: which pulls it is asked for."""

    registry: str
    repository: str
    insecure: bool = False
    digests: bool = True
    tags: bool = True


class Entry(NamedTuple):
    """What the files configure for one repository."""

    insecure: bool = False
    mirrors: tuple[Mirror, ...] = ()


def find(registry: str, repository: str, environ: Mapping[str, str] | None = None) -> Entry:
    """Return the entry whose prefix fits best; a later file wins over an earlier one. Raises `InvalidInput`."""
    name = f"{registry}/{repository}"
    best: tuple[int, Entry] | None = None
    for document in map(_read, _files(os.environ if environ is None else environ)):
        for entry in _list(document.get("registry")):
            prefix = str(entry.get("prefix") or entry.get("location") or "")
            if prefix and _fits(prefix, name) and (best is None or len(prefix) >= best[0]):
                best = len(prefix), Entry(entry.get("insecure") is True, _mirrors(entry, prefix, name))
        old = document.get("registries")
        listed = old.get("insecure") if isinstance(old, dict) else None
        if isinstance(listed, dict) and registry in (listed.get("registries") or ()):
            best = best or (len(registry), Entry(insecure=True))
    return best[1] if best else Entry()


def _mirrors(entry: dict[str, Any], prefix: str, name: str) -> tuple[Mirror, ...]:
    """Return the mirrors of an entry: their location takes the place of the prefix in the name."""
    rest = "" if prefix.startswith("*.") else name[len(prefix) :]
    made = []
    for mirror in _list(entry.get("mirror")):
        host, _, path = (str(mirror.get("location") or "") + rest).partition("/")
        which = str(mirror.get("pull-from-mirror") or "all")
        digest_only = entry.get("mirror-by-digest-only") is True or which == "digest-only"
        if host and path:
            made.append(Mirror(host, path, mirror.get("insecure") is True, which != "tag-only", not digest_only))
    return tuple(made)


def _files(env: Mapping[str, str]) -> list[Path]:
    if env.get("CONTAINERS_REGISTRIES_CONF"):
        return [Path(env["CONTAINERS_REGISTRIES_CONF"])]
    home = Path(env.get("HOME") or Path.home())
    own = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "containers"
    system = Path("/etc/containers")
    folder = own if (own / "registries.conf").is_file() else system
    drops = [
        *sorted((system / "registries.conf.d").glob("*.conf")),
        *sorted((own / "registries.conf.d").glob("*.conf")),
    ]
    return [folder / "registries.conf", *drops]


def _read(path: Path) -> dict[str, Any]:
    try:
        import tomllib
    except ImportError:  # Python 3.10 and older
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (FileNotFoundError, PermissionError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", "See containers-registries.conf(5).") from None


def _list(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _fits(prefix: str, name: str) -> bool:
    if prefix.startswith("*."):
        host = name.partition("/")[0].partition(":")[0]
        return host.endswith(prefix[1:].partition(":")[0])
    return name == prefix or name.startswith((prefix + "/", prefix + ":", prefix + "@"))
