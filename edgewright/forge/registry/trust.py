"""How a registry is spoken to: TLS with which authorities, or plain http where that was allowed.

Plain http is for registries of this very machine, and for those that the user's own registries.conf calls insecure.
"""

from __future__ import annotations

import os
import ssl
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgewright.core.errors import InvalidInput
from edgewright.forge.registry.reference import is_loopback

CERTS = ("/etc/containers/certs.d", "/etc/docker/certs.d")


def insecure(registry: str, repository: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether registries.conf says that this registry may be spoken to without TLS. Raises `InvalidInput`."""
    name = f"{registry}/{repository}"
    found: tuple[int, bool] | None = None
    for document in map(_read, _files(os.environ if environ is None else environ)):
        for entry in _list(document.get("registry")):
            prefix = str(entry.get("prefix") or entry.get("location") or "")
            if prefix and _fits(prefix, name) and (found is None or len(prefix) >= found[0]):
                found = len(prefix), entry.get("insecure") is True
        old = document.get("registries")
        listed = old.get("insecure") if isinstance(old, dict) else None
        if isinstance(listed, dict) and registry in (listed.get("registries") or ()):
            found = found or (len(registry), True)
    return found is not None and found[1]


def plain(registry: str, repository: str) -> bool:
    """Whether plain http may be tried when TLS is not spoken there."""
    return is_loopback(registry) or insecure(registry, repository)


def context(registry: str, ca: Path | None, *, unverified: bool = False) -> ssl.SSLContext:
    """Return the TLS context: the machine's authorities, those of certs.d for this registry, and `ca`.

    Raises `InvalidInput` when `ca` holds no certificate.
    """
    made = ssl.create_default_context()
    for folder in CERTS:
        for path in sorted(Path(folder, registry).glob("*.crt")):
            made.load_verify_locations(path)
    if ca is not None:
        try:
            made.load_verify_locations(ca)
        except FileNotFoundError:
            raise InvalidInput(f"The CA file {ca} is not there.", "Give the registry's CA in PEM form.") from None
        except (ssl.SSLError, OSError):
            raise InvalidInput(
                f"The CA file {ca} cannot be used.", "It must hold one or more certificates in PEM form."
            ) from None
    if unverified:  # the user's own registries.conf said so
        made.check_hostname, made.verify_mode = False, ssl.CERT_NONE
    return made


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
